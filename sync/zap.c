// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/zap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define ZAP_VERSION "1.0"
#define ZAP_KEY_BYTES 32
#define ZAP_FRAMES 7 /* of a request, with one credential */
#define ZAP_FRAME_MAX 256

struct zap_peer {
	char name[CONFIG_NAME_MAX];
	struct lbd_addr address;
	char keys[SYNC_KEYS_MAX][Z85_KEY_SIZE];
	uint32_t keys_count;
};

struct zap {
	void *socket;
	bool plaintext;
	struct zap_peer *peers;
	uint32_t peers_count;
};

/* In the order of RFC 27. */
enum zap_frame {
	ZAP_F_VERSION,
	ZAP_F_REQUEST,
	ZAP_F_DOMAIN,
	ZAP_F_ADDRESS,
	ZAP_F_IDENTITY,
	ZAP_F_MECHANISM,
	ZAP_F_CREDENTIAL
};

struct zap_request {
	struct {
		size_t size;
		char bytes[ZAP_FRAME_MAX + 1]; /* a NUL behind them */
	} frames[ZAP_FRAMES];
	uint32_t count;
	bool too_long;
};

int zap_new(void *context, struct zap **ret)
{
	struct zap *zap = calloc(1, sizeof(*zap));
	int linger = 0, err = 0;

	if (!zap)
		return -ENOMEM;
	zap->socket = zmq_socket(context, ZMQ_REP);
	if (!zap->socket || zmq_setsockopt(zap->socket, ZMQ_LINGER, &linger, sizeof(linger)) ||
	    zmq_bind(zap->socket, ZAP_ENDPOINT)) {
		err = -errno;
		zap_free(zap);
		return err;
	}
	*ret = zap;
	return 0;
}

void zap_free(struct zap *zap)
{
	if (!zap)
		return;
	if (zap->socket)
		zmq_close(zap->socket);
	free(zap->peers);
	free(zap);
}

void *zap_socket(struct zap *zap)
{
	return zap->socket;
}

int zap_guard(void *socket)
{
	return zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, strlen(ZAP_DOMAIN)) ? -errno : 0;
}

/* --- who */

static void zap_take_peer(struct zap_peer *peer, const struct sync_peer_config *config)
{
	memcpy(peer->name, config->name, sizeof(peer->name));
	peer->address = config->address.addr;
	memcpy(peer->keys, config->keys, sizeof(peer->keys));
	peer->keys_count = config->keys_count;
}

int zap_admit(struct zap *zap, const struct sync_config *config)
{
	struct zap_peer *peers = calloc(config->peers_count + 1, sizeof(*peers));

	if (!peers)
		return -ENOMEM;
	for (uint32_t i = 0; i < config->peers_count; i++)
		zap_take_peer(&peers[i], &config->peers[i]);
	free(zap->peers);
	zap->peers = peers;
	zap->peers_count = config->peers_count;
	zap->plaintext = config->plaintext;
	return 0;
}

static bool zap_has_key(const struct zap_peer *peer, const char *key)
{
	for (uint32_t i = 0; i < peer->keys_count; i++)
		if (strcmp(peer->keys[i], key) == 0)
			return true;
	return false;
}

const char *zap_name(const struct zap *zap, const char *key)
{
	for (uint32_t i = 0; i < zap->peers_count; i++)
		if (zap_has_key(&zap->peers[i], key))
			return zap->peers[i].name;
	return NULL;
}

bool zap_is_plaintext(const struct zap *zap)
{
	return zap->plaintext;
}

static bool zap_has_address(const struct zap *zap, const char *text)
{
	struct lbd_addr addr;

	if (addr_parse(text, &addr))
		return false;
	for (uint32_t i = 0; i < zap->peers_count; i++)
		if (lbd_addr_equal(&zap->peers[i].address, &addr))
			return true;
	return false;
}

/* --- the exchange */

static void zap_take_frame(struct zap_request *request, zmq_msg_t *frame)
{
	size_t size = zmq_msg_size(frame);

	if (request->count < ZAP_FRAMES && size <= ZAP_FRAME_MAX) {
		memcpy(request->frames[request->count].bytes, zmq_msg_data(frame), size);
		request->frames[request->count].bytes[size] = '\0';
		request->frames[request->count].size = size;
	} else {
		request->too_long = true;
	}
	request->count++;
}

/* Returns false if nothing is asked. */
static bool zap_receive(void *socket, struct zap_request *request)
{
	zmq_msg_t frame;
	int more = 1, got = 0;

	memset(request, 0, sizeof(*request));
	zmq_msg_init(&frame);
	while (more) {
		got = zmq_msg_recv(&frame, socket, ZMQ_DONTWAIT);
		if (got < 0)
			break;
		zap_take_frame(request, &frame);
		more = zmq_msg_more(&frame);
	}
	zmq_msg_close(&frame);
	return got >= 0;
}

static const char *zap_text(const struct zap_request *request, enum zap_frame frame)
{
	return request->frames[frame].bytes;
}

static enum refusal zap_judge_curve(const struct zap *zap, const struct zap_request *request,
				    char *ret_key)
{
	const uint8_t *key = (const uint8_t *)request->frames[ZAP_F_CREDENTIAL].bytes;

	if (request->count != ZAP_FRAMES || zap->plaintext ||
	    request->frames[ZAP_F_CREDENTIAL].size != ZAP_KEY_BYTES ||
	    !zmq_z85_encode(ret_key, key, ZAP_KEY_BYTES))
		return REFUSAL_MECHANISM;
	return zap_name(zap, ret_key) ? REFUSAL_NONE : REFUSAL_UNKNOWN_KEY;
}

static enum refusal zap_judge(const struct zap *zap, const struct zap_request *request,
			      char *ret_key)
{
	if (request->too_long || request->count <= ZAP_F_MECHANISM ||
	    strcmp(zap_text(request, ZAP_F_VERSION), ZAP_VERSION) != 0)
		return REFUSAL_MECHANISM;
	if (!zap_has_address(zap, zap_text(request, ZAP_F_ADDRESS)))
		return REFUSAL_ADDRESS;
	if (strcmp(zap_text(request, ZAP_F_MECHANISM), "CURVE") == 0)
		return zap_judge_curve(zap, request, ret_key);
	return zap->plaintext && strcmp(zap_text(request, ZAP_F_MECHANISM), "NULL") == 0
		       ? REFUSAL_NONE
		       : REFUSAL_MECHANISM;
}

static void zap_answer(struct zap *zap, const struct zap_request *request, enum refusal refusal,
		       const char *key)
{
	const bool in = refusal == REFUSAL_NONE;
	const char *frames[] = { ZAP_VERSION,	     zap_text(request, ZAP_F_REQUEST),
				 in ? "200" : "400", refusal_name(refusal),
				 in ? key : "",	     "" };
	const size_t count = sizeof(frames) / sizeof(*frames);

	for (size_t i = 0; i < count; i++)
		if (zmq_send(zap->socket, frames[i],
			     i == 1 ? request->frames[ZAP_F_REQUEST].size : strlen(frames[i]),
			     ZMQ_DONTWAIT | (i + 1 < count ? ZMQ_SNDMORE : 0)) < 0)
			return;
}

void zap_serve(struct zap *zap, struct refusals *refusals)
{
	struct zap_request request;
	enum refusal refusal;

	while (zap_receive(zap->socket, &request)) {
		char key[Z85_KEY_SIZE] = "";

		refusal = zap_judge(zap, &request, key);
		refusal_count(refusals, refusal, 1);
		zap_answer(zap, &request, refusal, key);
	}
}
