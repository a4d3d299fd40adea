// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/tools/talk/tcp.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/monotonic.h"
#include "tests/tools/talk/gaps.h"
#include "tests/tools/talk/talk.h"

#define TCP_TOLD_MAX 5000 /* broken connections described on stderr */

enum tcp_state { TCP_UNOPENED, TCP_CONNECTING, TCP_CONFIRMED, TCP_BROKEN, TCP_FAILED };

struct tcp_connection {
	struct tcp *tcp;
	struct bufferevent *bev;
	uint32_t number;
	enum tcp_state state;
	uint64_t sequence;
	uint64_t asked_ns; /* 0: not waiting for an echo */
	uint64_t gap_ns;   /* longest wait for an echo since the last report */
	uint32_t retransmits;
	char server[TALK_NAME_MAX];
};

struct tcp {
	const struct tcp_options *options;
	struct event_base *base;
	struct tcp_connection *connections;
	uint64_t started_ns;
	uint32_t opened;
	uint64_t asked; /* turns taken, over all connections */
	uint64_t echoes, failed, before;
	uint64_t broken[TCP_BREAK_COUNT];
	uint32_t told;
};

static const char *const tcp_break_names[] = {
#define X(constant, name) [TCP_BREAK_##constant] = name,
	TCP_BREAKS(X)
#undef X
};

static void tcp_tell(const struct tcp_connection *connection, enum tcp_break why)
{
	char target[ADDR_TEXT_MAX];
	struct sockaddr_storage local = { 0 };
	socklen_t length = sizeof(local);
	const struct tcp_options *options = connection->tcp->options;
	const struct addr_endpoint *to =
		&options->targets[connection->number % options->targets_count];

	getsockname(bufferevent_getfd(connection->bev), (struct sockaddr *)&local, &length);
	fprintf(stderr,
		"talk: connection %u (port %u to %s, server \"%s\") %s: %s after %llu questions\n",
		connection->number, ntohs(((struct sockaddr_in *)&local)->sin_port),
		addr_format_endpoint(&to->addr, to->port, target), connection->server,
		connection->state == TCP_CONFIRMED ? "broke" : "was never confirmed",
		tcp_break_names[why], (unsigned long long)connection->sequence);
}

static void tcp_end(struct tcp_connection *connection, enum tcp_break why)
{
	struct tcp *tcp = connection->tcp;

	if (tcp->told++ < TCP_TOLD_MAX)
		tcp_tell(connection, why);
	if (connection->state == TCP_CONFIRMED)
		tcp->broken[why]++;
	else
		tcp->failed++;
	connection->state = connection->state == TCP_CONFIRMED ? TCP_BROKEN : TCP_FAILED;
	bufferevent_free(connection->bev);
	connection->bev = NULL;
}

static void tcp_ask(struct tcp_connection *connection, uint64_t now_ns)
{
	const struct tcp_options *options = connection->tcp->options;
	char message[TALK_SIZE_MAX] = { 0 };
	struct talk_record record = {
		.size = options->size,
		.flow = connection->number,
		.sequence = ++connection->sequence,
	};

	memcpy(message, &record, sizeof(record));
	connection->asked_ns = now_ns;
	bufferevent_write(connection->bev, message, options->size);
}

/* Its turn has come: ask again, or find that it waits too long already. */
static void tcp_turn(struct tcp_connection *connection, uint64_t now_ns)
{
	if (!connection->bev)
		return;
	if (!connection->asked_ns)
		tcp_ask(connection, now_ns);
	else if (connection->asked_ns + connection->tcp->options->timeout_ms * 1000000ULL < now_ns)
		tcp_end(connection, TCP_BREAK_TIMEOUT);
}

static void tcp_account(struct tcp_connection *connection, const struct talk_record *echo)
{
	gaps_lengthen(&connection->gap_ns, monotonic_ns() - connection->asked_ns);
	connection->asked_ns = 0;
	connection->tcp->echoes++;
	if (connection->state == TCP_CONNECTING) {
		memcpy(connection->server, echo->server, sizeof(connection->server));
		connection->server[TALK_NAME_MAX - 1] = '\0';
		connection->state = TCP_CONFIRMED;
	}
}

static void tcp_echo(struct tcp_connection *connection, const struct talk_record *echo)
{
	if (!connection->asked_ns || echo->size != connection->tcp->options->size ||
	    echo->flow != connection->number || echo->sequence != connection->sequence)
		tcp_end(connection, TCP_BREAK_SEQUENCE);
	else if (connection->state == TCP_CONFIRMED &&
		 strncmp(echo->server, connection->server, TALK_NAME_MAX) != 0)
		tcp_end(connection, TCP_BREAK_BACKEND);
	else
		tcp_account(connection, echo);
}

static void tcp_read(struct bufferevent *bev, void *context)
{
	struct tcp_connection *connection = context;
	struct evbuffer *in = bufferevent_get_input(bev);
	uint32_t size = connection->tcp->options->size;
	struct talk_record echo;

	while (connection->bev && evbuffer_get_length(in) >= size) {
		evbuffer_remove(in, &echo, sizeof(echo));
		evbuffer_drain(in, size - sizeof(echo));
		tcp_echo(connection, &echo);
	}
}

static void tcp_connected(struct tcp_connection *connection)
{
	int on = 1;

	setsockopt(bufferevent_getfd(connection->bev), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	tcp_ask(connection, monotonic_ns());
}

static void tcp_event(struct bufferevent *bev, short what, void *context)
{
	struct tcp_connection *connection = context;

	(void)bev;
	if (what & BEV_EVENT_CONNECTED)
		tcp_connected(connection);
	else if (what & BEV_EVENT_EOF)
		tcp_end(connection, TCP_BREAK_CLOSED);
	else if (what & BEV_EVENT_ERROR)
		tcp_end(connection, errno == ETIMEDOUT ? TCP_BREAK_TIMEOUT : TCP_BREAK_RESET);
}

static void tcp_open(struct tcp *tcp, struct tcp_connection *connection)
{
	const struct tcp_options *options = tcp->options;
	const struct addr_endpoint *to =
		&options->targets[connection->number % options->targets_count];
	struct sockaddr_storage address;
	socklen_t length = addr_to_sockaddr(&to->addr, to->port, &address);

	connection->bev = bufferevent_socket_new(tcp->base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (!connection->bev)
		abort();
	connection->state = TCP_CONNECTING;
	connection->asked_ns = monotonic_ns();
	bufferevent_setcb(connection->bev, tcp_read, NULL, tcp_event, connection);
	bufferevent_enable(connection->bev, EV_READ | EV_WRITE);
	bufferevent_socket_connect(connection->bev, (struct sockaddr *)&address, (int)length);
}

void tcp_tick(struct tcp *tcp, uint64_t now_ns)
{
	const struct tcp_options *options = tcp->options;
	uint64_t passed = now_ns - tcp->started_ns;
	uint64_t open = passed * options->pace / 1000000000;
	uint64_t turns = passed / 1000 * options->connections / (options->interval_ms * 1000ULL);

	/* After a long sleep nobody gets more than one turn. */
	if (turns > tcp->asked + options->connections)
		tcp->asked = turns - options->connections;
	for (; tcp->opened < options->connections && tcp->opened < open; tcp->opened++)
		tcp_open(tcp, &tcp->connections[tcp->opened]);
	for (; tcp->asked < turns; tcp->asked++)
		tcp_turn(&tcp->connections[tcp->asked % options->connections], now_ns);
}

static uint32_t tcp_count(const struct tcp *tcp, enum tcp_state state)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < tcp->options->connections; i++)
		count += tcp->connections[i].state == state;
	return count;
}

/* Segments the kernel had to send again: losses that TCP has healed. */
static uint32_t tcp_retransmits(struct tcp *tcp)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < tcp->opened; i++) {
		struct tcp_connection *connection = &tcp->connections[i];
		struct tcp_info info = { 0 };
		socklen_t length = sizeof(info);

		if (!connection->bev)
			continue;
		getsockopt(bufferevent_getfd(connection->bev), IPPROTO_TCP, TCP_INFO, &info,
			   &length);
		sum += info.tcpi_total_retrans - connection->retransmits;
		connection->retransmits = info.tcpi_total_retrans;
	}
	return sum;
}

/* The longest wait of each connection, also of those that still wait. */
static json_t *tcp_report_gaps(struct tcp *tcp)
{
	uint64_t *gaps = calloc(tcp->options->connections, sizeof(*gaps)), now_ns = monotonic_ns();
	uint32_t count = 0;
	json_t *json;

	if (!gaps)
		abort();
	for (uint32_t i = 0; i < tcp->opened; i++) {
		struct tcp_connection *connection = &tcp->connections[i];

		if (connection->state != TCP_CONFIRMED)
			continue;
		if (connection->asked_ns)
			gaps_lengthen(&connection->gap_ns, now_ns - connection->asked_ns);
		gaps[count++] = connection->gap_ns;
		connection->gap_ns = 0;
	}
	json = gaps_report(gaps, count);
	free(gaps);
	return json;
}

static json_t *tcp_report_broken(struct tcp *tcp, uint64_t *ret_sum)
{
	json_t *json = json_object();

	*ret_sum = 0;
	for (int why = 0; why < TCP_BREAK_COUNT; why++) {
		*ret_sum += tcp->broken[why];
		json_object_set_new(json, tcp_break_names[why],
				    json_integer((json_int_t)tcp->broken[why]));
		tcp->broken[why] = 0;
	}
	return json;
}

json_t *tcp_report(struct tcp *tcp)
{
	uint64_t broken;
	json_t *causes = tcp_report_broken(tcp, &broken);
	uint32_t open = tcp_count(tcp, TCP_CONFIRMED);
	json_t *json = json_pack(
		"{sI sI sI sI sI sI sI so so}", "before", (json_int_t)tcp->before, "open",
		(json_int_t)open, "connecting", (json_int_t)tcp_count(tcp, TCP_CONNECTING),
		"broken", (json_int_t)broken, "failed", (json_int_t)tcp->failed, "echoes",
		(json_int_t)tcp->echoes, "retransmits", (json_int_t)tcp_retransmits(tcp), "causes",
		causes, "gap_ms", tcp_report_gaps(tcp));

	tcp->before = open;
	tcp->failed = 0;
	tcp->echoes = 0;
	return json;
}

json_t *tcp_servers(const struct tcp *tcp)
{
	json_t *json = json_object();

	for (uint32_t i = 0; i < tcp->opened; i++) {
		const struct tcp_connection *connection = &tcp->connections[i];
		json_t *seen = json_object_get(json, connection->server);

		if (connection->state == TCP_CONFIRMED)
			json_object_set_new(json, connection->server,
					    json_integer(json_integer_value(seen) + 1));
	}
	return json;
}

struct tcp *tcp_new(struct event_base *base, const struct tcp_options *options)
{
	struct tcp *tcp = calloc(1, sizeof(*tcp));

	if (!tcp)
		return NULL;
	tcp->base = base;
	tcp->options = options;
	tcp->started_ns = monotonic_ns();
	tcp->connections = calloc(options->connections + 1UL, sizeof(*tcp->connections));
	if (!tcp->connections) {
		free(tcp);
		return NULL;
	}
	for (uint32_t i = 0; i < options->connections; i++) {
		tcp->connections[i].tcp = tcp;
		tcp->connections[i].number = i;
	}
	return tcp;
}
