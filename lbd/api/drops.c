// SPDX-License-Identifier: GPL-2.0-or-later
/* Dropped packets that were kept: the beginning of a frame, as people read it. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "api/resource.h"
#include "base/monotonic.h"

#define DROPS_TAGS_MAX 2

/* What the frame tells; empty texts where it doesn't. */
struct drops_packet {
	char source[ADDR_TEXT_MAX], destination[ADDR_TEXT_MAX], protocol[8];
};

struct drops_frame {
	const uint8_t *bytes;
	size_t size;
};

static unsigned int drops_word(struct drops_frame frame, size_t at)
{
	return at + 2 <= frame.size ? (unsigned int)frame.bytes[at] << 8 | frame.bytes[at + 1] : 0;
}

/* Where the IP header begins, behind VLAN tags; *ret_type: what is there. */
static size_t drops_network(struct drops_frame frame, unsigned int *ret_type)
{
	size_t at = 12;

	*ret_type = drops_word(frame, at);
	for (int tags = 0; tags < DROPS_TAGS_MAX && (*ret_type == 0x8100 || *ret_type == 0x88a8);
	     tags++) {
		at += 4;
		*ret_type = drops_word(frame, at);
	}
	return at + 2;
}

static void drops_endpoint(const struct lbd_addr *addr, struct drops_frame frame, size_t port,
			   bool ports, char *text)
{
	if (ports)
		addr_format_endpoint(addr, htons((uint16_t)drops_word(frame, port)), text);
	else
		addr_format(addr, text);
}

static void drops_describe(struct drops_frame frame, const struct lbd_addr *source,
			   const struct lbd_addr *destination, uint8_t protocol, size_t l4,
			   struct drops_packet *ret)
{
	const bool known = protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
	const bool ports = known && l4 + 4 <= frame.size;

	drops_endpoint(source, frame, l4, ports, ret->source);
	drops_endpoint(destination, frame, l4 + 2, ports, ret->destination);
	if (known)
		snprintf(ret->protocol, sizeof(ret->protocol), "%s", api_protocol_name(protocol));
	else
		snprintf(ret->protocol, sizeof(ret->protocol), "%u", protocol);
}

static void drops_decode4(struct drops_frame frame, size_t at, struct drops_packet *ret)
{
	const uint8_t *ip = frame.bytes + at;
	struct lbd_addr ends[2];
	__be32 words[2];

	if (at + 20 > frame.size)
		return;
	memcpy(words, ip + 12, sizeof(words));
	ends[0] = lbd_addr_from4(words[0]);
	ends[1] = lbd_addr_from4(words[1]);
	/* A later fragment has no ports: an offset that isn't there shows none. */
	drops_describe(frame, &ends[0], &ends[1], ip[9],
		       drops_word(frame, at + 6) & 0x1fff ? frame.size : at + (ip[0] & 15) * 4U,
		       ret);
}

static void drops_decode6(struct drops_frame frame, size_t at, struct drops_packet *ret)
{
	struct lbd_addr ends[2];

	if (at + 40 > frame.size)
		return;
	memcpy(ends, frame.bytes + at + 8, sizeof(ends));
	drops_describe(frame, &ends[0], &ends[1], frame.bytes[at + 6], at + 40, ret);
}

static void drops_decode(struct drops_frame frame, struct drops_packet *ret)
{
	unsigned int type;
	size_t at = drops_network(frame, &type);

	memset(ret, 0, sizeof(*ret));
	if (type == 0x0800)
		drops_decode4(frame, at, ret);
	else if (type == 0x86dd)
		drops_decode6(frame, at, ret);
}

static json_int_t drops_ms_ago(const struct lbd_drop *drop)
{
	const int64_t ns = monotonic_ns() - (int64_t)drop->time_ns;

	return ns > 0 ? ns / 1000000 : 0;
}

static json_t *drops_hex(struct drops_frame frame)
{
	char text[2 * sizeof(((struct lbd_drop *)0)->frame) + 1] = "";

	for (size_t i = 0; i < frame.size; i++)
		snprintf(text + 2 * i, 3, "%02x", frame.bytes[i]);
	return json_string(text);
}

static const char *drops_service(const struct lbd *lbd, uint16_t id)
{
	if (!id || id >= lbd->model->limits.services || !lbd->model->services[id].id)
		return NULL;
	return lbd->model->services[id].name;
}

static json_t *drops_json(const struct lbd *lbd, const struct lbd_drop *drop)
{
	const uint8_t words = drop->words < LBD_DROP_WORDS ? drop->words : LBD_DROP_WORDS;
	const struct drops_frame frame = { (const uint8_t *)drop->frame, 8U * words };
	json_t *outcome = api_outcome_json(drop->outcome % LBD_OUTCOME_COUNT, 0, 0);
	char interface[IF_NAMESIZE] = "";
	struct drops_packet packet;
	json_t *json;

	drops_decode(frame, &packet);
	if_indextoname(drop->ifindex, interface);
	json = json_pack("{s:I, s:I, s:O, s:O, s:o, s:o, s:I, s:s?, s:s?, s:s?, s:o}", "number",
			 (json_int_t)drop->ticket, "ms_ago", drops_ms_ago(drop), "outcome",
			 json_object_get(outcome, "name"), "sentence",
			 json_object_get(outcome, "sentence"), "service",
			 api_text(drops_service(lbd, drop->service)), "interface",
			 api_text(*interface ? interface : NULL), "length",
			 (json_int_t)drop->length, "source", *packet.source ? packet.source : NULL,
			 "destination", *packet.destination ? packet.destination : NULL, "protocol",
			 *packet.protocol ? packet.protocol : NULL, "frame", drops_hex(frame));
	json_decref(outcome);
	return json;
}

int api_get_drops(struct lbd *lbd, const struct api_request *request, json_t **ret,
		  struct error *err)
{
	struct lbd_drop *drops = calloc(LBD_DROPS, sizeof(*drops));
	json_t *list = json_array();
	uint32_t count = 0;
	uint64_t all = 0;

	(void)request;
	(void)err;
	if (drops)
		count = dataplane_drops(lbd->dataplane, drops, &all);
	for (uint32_t i = 0; i < count; i++)
		json_array_append_new(list, drops_json(lbd, &drops[i]));
	if (drops)
		*ret = json_pack("{s:I, s:o}", "kept", (json_int_t)all, "drops", list);
	else
		json_decref(list);
	free(drops);
	return 0;
}
