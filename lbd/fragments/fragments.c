// SPDX-License-Identifier: GPL-2.0-or-later
#include "fragments/fragments.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/monotonic.h"
#include "dataplane/queue.h"
#include "fragments/hold.h"
#include "fragments/read.h"

#define FRAGMENTS_QUEUES_MAX 128
#define FRAGMENTS_LOOK_MS 5	 /* how often the firsts are looked for while anything is held */
#define FRAGMENTS_BATCH 64	 /* frames of a queue before the others have their turn */
#define FRAGMENTS_TUNNEL_MAX 128 /* what a tunnel may add */

struct fragments {
	struct dataplane *dataplane;
	struct hold *hold;
	uint32_t timeout_ms;
	struct queue *queues[FRAGMENTS_QUEUES_MAX];
	uint32_t queues_count;
	int out;  /* AF_PACKET */
	int stop; /* eventfd */
	pthread_t thread;
	bool running;
	struct fragments_figures figures; /* written by the thread alone */
};

static void fragments_count(uint64_t *figure, uint64_t more)
{
	__atomic_store_n(figure, *figure + more, __ATOMIC_RELAXED);
}

/* --- sending on */

/* As the packet path would send it. Returns the size, 0 if it doesn't, or holds it still. */
static uint32_t fragments_rewrite(const struct fragments *fragments, const struct hold_frame *frame,
				  uint8_t *out, uint32_t room, bool *ret_back)
{
	uint32_t size = room;
	int action;

	action = dataplane_test_run(fragments->dataplane, -1, frame->ifindex, frame->bytes,
				    frame->size, out, &size);
	*ret_back = action == XDP_TX;
	if (action != XDP_TX && action != XDP_REDIRECT)
		return 0;
	/* Redirected to us again: its first was forgotten meanwhile. */
	return memcmp(out, frame->bytes, ETH_ALEN) ? size : 0;
}

static void fragments_send(void *context, const struct lbd_fragment_key *key,
			   const struct hold_frame *frame)
{
	struct fragments *fragments = context;
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_halen = ETH_ALEN };
	uint8_t out[QUEUE_FRAME_MAX + FRAGMENTS_TUNNEL_MAX];
	uint32_t size, ifindex = 0;
	bool back;

	size = fragments_rewrite(fragments, frame, out, sizeof(out), &back);
	if (!size || !queue_first_seen(fragments->dataplane, key, UINT32_MAX, &ifindex)) {
		fragments_count(&fragments->figures.failed, 1);
		return;
	}
	to.sll_ifindex = (int)(back ? frame->ifindex : ifindex);
	memcpy(to.sll_addr, out, ETH_ALEN);
	if (sendto(fragments->out, out, size, MSG_DONTWAIT, (const struct sockaddr *)&to,
		   sizeof(to)) < 0)
		fragments_count(&fragments->figures.failed, 1);
	else
		fragments_count(&fragments->figures.sent, 1);
}

static bool fragments_ready(void *context, const struct lbd_fragment_key *key)
{
	const struct fragments *fragments = context;
	uint32_t ifindex;

	return queue_first_seen(fragments->dataplane, key, fragments->timeout_ms, &ifindex);
}

/* --- taking in */

static void fragments_take(struct fragments *fragments, const struct queue *queue,
			   const uint8_t *frame, uint32_t size)
{
	struct lbd_fragment_key key;
	uint32_t offset = 0;
	int rc;

	if (!fragments_read(frame, size, &key, &offset))
		return;
	rc = hold_add(fragments->hold, &key, queue_ifindex(queue), offset, frame, size,
		      monotonic_ms());
	fragments_count(rc ? &fragments->figures.refused : &fragments->figures.held, 1);
}

static void fragments_drain(struct fragments *fragments, struct queue *queue)
{
	uint8_t frame[QUEUE_FRAME_MAX];

	for (int i = 0; i < FRAGMENTS_BATCH; i++) {
		uint32_t size = queue_receive(queue, frame);

		if (!size)
			return;
		fragments_take(fragments, queue, frame, size);
	}
}

static void fragments_look(struct fragments *fragments)
{
	hold_release(fragments->hold, fragments_ready, fragments_send, fragments);
	fragments_count(&fragments->figures.timed_out,
			hold_expire(fragments->hold, monotonic_ms()));
	__atomic_store_n(&fragments->figures.bytes, hold_used(fragments->hold), __ATOMIC_RELAXED);
}

static void *fragments_loop(void *context)
{
	struct fragments *fragments = context;
	struct pollfd waits[FRAGMENTS_QUEUES_MAX + 1];
	const uint32_t stop = fragments->queues_count;
	int64_t looked = 0;

	for (uint32_t i = 0; i < stop; i++)
		waits[i] = (struct pollfd){ queue_fd(fragments->queues[i]), POLLIN, 0 };
	waits[stop] = (struct pollfd){ fragments->stop, POLLIN, 0 };
	while (!waits[stop].revents) {
		poll(waits, stop + 1, hold_is_empty(fragments->hold) ? -1 : FRAGMENTS_LOOK_MS);
		for (uint32_t i = 0; i < stop; i++)
			if (waits[i].revents & POLLIN)
				fragments_drain(fragments, fragments->queues[i]);
			else if (waits[i].revents)
				waits[i].fd = -1; /* its interface is gone */
		if (monotonic_ms() - looked < FRAGMENTS_LOOK_MS)
			continue;
		fragments_look(fragments);
		looked = monotonic_ms();
	}
	return NULL;
}

/* --- start and stop */

static int fragments_open_queues(struct fragments *fragments, const char *interface,
				 struct error *err)
{
	uint32_t count = queue_count(interface);
	int rc = 0;

	for (uint32_t i = 0; i < count && !rc && fragments->queues_count < FRAGMENTS_QUEUES_MAX;
	     i++) {
		rc = queue_open(fragments->dataplane, interface, i,
				&fragments->queues[fragments->queues_count], err);
		fragments->queues_count += !rc;
	}
	return rc;
}

static int fragments_open(struct fragments *fragments, const struct config *config,
			  struct error *err)
{
	int rc = 0;

	fragments->hold =
		hold_new((size_t)config->fragments.memory_kib * 1024, config->fragments.timeout_ms);
	if (!fragments->hold)
		return error_set(err, -ENOMEM, "out of memory");
	fragments->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fragments->out = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fragments->stop < 0 || fragments->out < 0)
		return error_errno(err, -errno, "socket for held fragments");
	for (uint32_t i = 0; i < config->xdp.interfaces_count && !rc; i++)
		rc = fragments_open_queues(fragments, config->xdp.interfaces[i], err);
	return rc;
}

int fragments_listen(struct dataplane *dataplane, const struct config *config,
		     struct fragments **ret, struct error *err)
{
	struct fragments *fragments;
	int rc;

	*ret = NULL;
	if (!config->fragments.memory_kib)
		return 0;
	fragments = calloc(1, sizeof(*fragments));
	if (!fragments)
		return error_set(err, -ENOMEM, "out of memory");
	fragments->dataplane = dataplane;
	fragments->timeout_ms = config->fragments.timeout_ms;
	fragments->stop = fragments->out = -1;
	rc = fragments_open(fragments, config, err);
	if (rc) {
		fragments_stop(fragments);
		return rc;
	}
	*ret = fragments;
	return 0;
}

int fragments_run(struct fragments *fragments, struct error *err)
{
	sigset_t all, before;
	int rc;

	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&fragments->thread, NULL, fragments_loop, fragments);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	fragments->running = !rc;
	return rc ? error_errno(err, -rc, "thread for held fragments") : 0;
}

static void fragments_join(struct fragments *fragments)
{
	if (!fragments->running)
		return;
	eventfd_write(fragments->stop, 1);
	pthread_join(fragments->thread, NULL);
	fragments->running = false;
}

int fragments_move(struct fragments *fragments, struct dataplane *dataplane)
{
	eventfd_t stopped;
	struct error err;

	if (!fragments)
		return 0;
	fragments_join(fragments);
	fragments->dataplane = dataplane;
	eventfd_read(fragments->stop, &stopped);
	return fragments_run(fragments, &err);
}

void fragments_stop(struct fragments *fragments)
{
	if (!fragments)
		return;
	fragments_join(fragments);
	for (uint32_t i = 0; i < fragments->queues_count; i++)
		queue_close(fragments->queues[i]);
	if (fragments->out >= 0)
		close(fragments->out);
	if (fragments->stop >= 0)
		close(fragments->stop);
	hold_free(fragments->hold);
	free(fragments);
}

void fragments_read_figures(const struct fragments *fragments, struct fragments_figures *ret)
{
	static const struct fragments_figures none;
	const struct fragments_figures *from = fragments ? &fragments->figures : &none;

	ret->held = __atomic_load_n(&from->held, __ATOMIC_RELAXED);
	ret->sent = __atomic_load_n(&from->sent, __ATOMIC_RELAXED);
	ret->timed_out = __atomic_load_n(&from->timed_out, __ATOMIC_RELAXED);
	ret->refused = __atomic_load_n(&from->refused, __ATOMIC_RELAXED);
	ret->failed = __atomic_load_n(&from->failed, __ATOMIC_RELAXED);
	ret->bytes = __atomic_load_n(&from->bytes, __ATOMIC_RELAXED);
}
