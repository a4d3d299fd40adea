// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/tools/talk/udp.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/monotonic.h"
#include "tests/tools/talk/gaps.h"
#include "tests/tools/talk/talk.h"

#define UDP_MEMORY 16384U /* sequence numbers of a flow that are remembered; power of two */
#define UDP_BATCH 32
/*
 * A probe that was not scheduled for a while doesn't make up for it: a burst
 * would overflow the queues of the network and look like the balancer's loss.
 */
#define UDP_BURST_NS 4000000

struct udp_flow {
	struct udp *udp;
	struct event *readable;
	int fd;
	uint32_t number;
	uint64_t sent;	  /* sequence number of the last packet sent */
	uint64_t highest; /* that came back */
	uint64_t seen[UDP_MEMORY / 64];
	char server[TALK_NAME_MAX]; /* who answered first */
};

struct udp_window {
	uint64_t sent, received, duplicated, reordered, misrouted, refused;
	uint64_t gap_ns;
};

struct udp {
	const struct udp_options *options;
	struct udp_flow *flows;
	uint32_t flows_count, next_flow;
	uint64_t sent_until_ns; /* up to when all that was due has been sent */
	uint64_t *answered_ns;	/* per target: when the last answer came */
	struct udp_window *windows;
	uint32_t windows_count;
};

static struct udp_window *udp_current(const struct udp *udp)
{
	return &udp->windows[udp->windows_count - 1];
}

static void udp_forget(struct udp_flow *flow, uint64_t sequence)
{
	flow->seen[sequence % UDP_MEMORY / 64] &= ~(1ULL << sequence % 64);
}

/* Note that @sequence came back. False: it did before. */
static bool udp_note(struct udp_flow *flow, uint64_t sequence)
{
	uint64_t *word = &flow->seen[sequence % UDP_MEMORY / 64], bit = 1ULL << sequence % 64;
	bool fresh;

	while (flow->highest < sequence)
		udp_forget(flow, ++flow->highest);
	fresh = !(*word & bit);
	*word |= bit;
	return fresh;
}

static void udp_answered(struct udp_flow *flow)
{
	struct udp *udp = flow->udp;
	uint64_t now_ns = monotonic_ns();
	uint64_t *last_ns = &udp->answered_ns[flow->number % udp->options->targets_count];

	if (*last_ns)
		gaps_lengthen(&udp_current(udp)->gap_ns, now_ns - *last_ns);
	*last_ns = now_ns;
}

static bool udp_same_server(struct udp_flow *flow, const struct talk_record *echo)
{
	if (!*flow->server)
		memcpy(flow->server, echo->server, TALK_NAME_MAX);
	return !memcmp(flow->server, echo->server, TALK_NAME_MAX);
}

static void udp_account(struct udp_flow *flow, const struct talk_record *echo)
{
	struct udp_window *window = &flow->udp->windows[echo->window];
	bool behind = echo->sequence < flow->highest;

	udp_answered(flow);
	if (echo->sequence + UDP_MEMORY <= flow->highest || !udp_note(flow, echo->sequence)) {
		window->duplicated++;
		return;
	}
	window->received++;
	window->reordered += behind;
	window->misrouted += !udp_same_server(flow, echo);
}

/* Whatever was never sent on this flow is not an answer to it. */
static void udp_datagram(struct udp_flow *flow, const struct talk_record *echo, size_t size)
{
	if (size < sizeof(*echo) || echo->flow != flow->number || !echo->sequence ||
	    echo->sequence > flow->sent || echo->window >= flow->udp->windows_count)
		udp_current(flow->udp)->misrouted++;
	else
		udp_account(flow, echo);
}

static void udp_readable(evutil_socket_t fd, short what, void *context)
{
	struct udp_flow *flow = context;
	struct talk_record echo;

	(void)what;
	for (int i = 0; i < UDP_BATCH; i++) {
		ssize_t size = recv(fd, &echo, sizeof(echo), MSG_DONTWAIT);

		if (size >= 0)
			udp_datagram(flow, &echo, (size_t)size);
		else if (errno == ECONNREFUSED)
			udp_current(flow->udp)->refused++;
		else
			return;
	}
}

static void udp_send(struct udp_flow *flow)
{
	struct udp *udp = flow->udp;
	char message[TALK_SIZE_MAX] = { 0 };
	struct talk_record record = {
		.size = udp->options->size,
		.flow = flow->number,
		.sequence = flow->sent + 1,
		.window = udp->windows_count - 1,
	};

	memcpy(message, &record, sizeof(record));
	if (send(flow->fd, message, udp->options->size, MSG_DONTWAIT) < 0)
		return; /* never left this host; a refusal is counted where it is read */
	flow->sent++;
	udp_current(udp)->sent++;
}

void udp_tick(struct udp *udp, uint64_t now_ns)
{
	uint64_t each_ns = 1000000000 / udp->options->rate;

	if (!udp->flows_count)
		return;
	if (now_ns - udp->sent_until_ns > UDP_BURST_NS)
		udp->sent_until_ns = now_ns - UDP_BURST_NS;
	for (; now_ns - udp->sent_until_ns >= each_ns; udp->sent_until_ns += each_ns)
		udp_send(&udp->flows[udp->next_flow++ % udp->flows_count]);
}

/* Silence that lasts is part of both windows: this one and the one it goes on in. */
static void udp_close_gaps(struct udp *udp)
{
	uint64_t now_ns = monotonic_ns();

	for (uint32_t i = 0; i < udp->options->targets_count; i++)
		if (udp->answered_ns[i])
			gaps_lengthen(&udp_current(udp)->gap_ns, now_ns - udp->answered_ns[i]);
}

uint32_t udp_mark(struct udp *udp)
{
	struct udp_window *windows;

	udp_close_gaps(udp);
	windows = realloc(udp->windows, (udp->windows_count + 1UL) * sizeof(*windows));
	if (!windows)
		abort();
	memset(&windows[udp->windows_count], 0, sizeof(*windows));
	udp->windows = windows;
	return udp->windows_count++ - 1;
}

json_t *udp_report(const struct udp *udp, uint32_t number)
{
	const struct udp_window *window = &udp->windows[number];
	uint64_t gap_ns = window->gap_ns;

	return json_pack("{sI sI sI sI sI sI sI so}", "sent", (json_int_t)window->sent, "received",
			 (json_int_t)window->received, "lost",
			 (json_int_t)(window->sent - window->received), "duplicated",
			 (json_int_t)window->duplicated, "reordered", (json_int_t)window->reordered,
			 "misrouted", (json_int_t)window->misrouted, "refused",
			 (json_int_t)window->refused, "gap_ms", gaps_report(&gap_ns, 1));
}

static int udp_open(struct udp *udp, struct udp_flow *flow, struct event_base *base)
{
	const struct udp_options *options = udp->options;
	const struct addr_endpoint *to = &options->targets[flow->number % options->targets_count];
	struct sockaddr_storage address;
	socklen_t length = addr_to_sockaddr(&to->addr, to->port, &address);

	flow->udp = udp;
	flow->fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (flow->fd < 0 || connect(flow->fd, (struct sockaddr *)&address, length))
		return -errno;
	talk_enlarge_buffers(flow->fd);
	flow->readable = event_new(base, flow->fd, EV_READ | EV_PERSIST, udp_readable, flow);
	return flow->readable && !event_add(flow->readable, NULL) ? 0 : -ENOMEM;
}

static int udp_open_all(struct udp *udp, struct event_base *base)
{
	int err = 0;

	for (uint32_t i = 0; i < udp->flows_count && !err; i++) {
		udp->flows[i].number = i;
		err = udp_open(udp, &udp->flows[i], base);
	}
	return err;
}

/* Not undone on failure: the caller exits. */
int udp_new(struct event_base *base, const struct udp_options *options, struct udp **ret)
{
	struct udp *udp = calloc(1, sizeof(*udp));

	if (!udp)
		return -ENOMEM;
	udp->options = options;
	udp->flows_count = options->flows * options->targets_count;
	udp->flows = calloc(udp->flows_count + 1UL, sizeof(*udp->flows));
	udp->answered_ns = calloc(options->targets_count + 1UL, sizeof(*udp->answered_ns));
	udp->windows = calloc(1, sizeof(*udp->windows));
	udp->windows_count = 1;
	udp->sent_until_ns = monotonic_ns();
	*ret = udp;
	if (!udp->flows || !udp->answered_ns || !udp->windows)
		return -ENOMEM;
	return udp_open_all(udp, base);
}
