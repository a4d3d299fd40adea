// SPDX-License-Identifier: GPL-2.0-or-later
/* A node among peers that lie, stall or aren't peers: played by the test, socket by socket. */
#include <zmq.h>

#include "base/monotonic.h"
#include "sync/wire.h"
#include "sync_cluster.h"

/* --- what strangers send */

static int stranger_connect(const struct node *node)
{
	struct sockaddr_storage addr;
	socklen_t size = addr_to_sockaddr(&node->listen.addr, node->listen.port, &addr);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&addr, size), 0);
	return fd;
}

static void raw_garbage_on_the_port_is_counted_and_harmless(void **state)
{
	static const uint8_t not_zmtp[64] = { 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 9, 9, 9, 9 };
	static const uint8_t noise[4096] = { 0x10, 0xaa, 0x55 };
	struct cluster cluster;
	int fds[2];

	(void)state;
	cluster_start(&cluster, 2);
	WAIT_UNTIL(is_live(&cluster.nodes[0], "beta"));
	fds[0] = stranger_connect(&cluster.nodes[0]);
	fds[1] = stranger_connect(&cluster.nodes[0]);
	assert_int_equal(send(fds[0], not_zmtp, sizeof(not_zmtp), MSG_NOSIGNAL), sizeof(not_zmtp));
	assert_int_equal(send(fds[1], noise, sizeof(noise), MSG_NOSIGNAL), sizeof(noise));
	WAIT_UNTIL(refusals(&cluster.nodes[0], "handshake") > 0);
	make_web(&cluster.nodes[0], 0, 40);
	WAIT_UNTIL(count_web(&cluster.nodes[1], 0, 40) == 40);
	assert_int_equal(peer_status(&cluster.nodes[0], "beta").reconnects, 0);
	close(fds[0]);
	close(fds[1]);
	cluster_stop(&cluster);
}

struct stranger {
	void *context;
	void *dealer;
};

/* @pair: whose key it has; NULL: it doesn't encrypt. */
static void stranger_open(struct stranger *stranger, const struct node *node,
			  const struct curve_pair *pair)
{
	char url[ADDR_TEXT_MAX + 8], text[ADDR_TEXT_MAX];
	int linger = 0;

	snprintf(url, sizeof(url), "tcp://%s",
		 addr_format_endpoint(&node->listen.addr, node->listen.port, text));
	stranger->context = zmq_ctx_new();
	stranger->dealer = zmq_socket(stranger->context, ZMQ_DEALER);
	zmq_setsockopt(stranger->dealer, ZMQ_LINGER, &linger, sizeof(linger));
	if (pair)
		assert_int_equal(curve_join(stranger->dealer, pair, node->pair.public), 0);
	assert_int_equal(zmq_connect(stranger->dealer, url), 0);
}

static void stranger_close(struct stranger *stranger)
{
	zmq_close(stranger->dealer);
	zmq_ctx_term(stranger->context);
}

static void stranger_send(struct stranger *stranger, struct wire_message *message)
{
	static uint8_t buffer[WIRE_MESSAGE_MAX];
	int size = wire_encode(message, buffer, sizeof(buffer));

	assert_in_range(size, 1, sizeof(buffer));
	assert_int_equal(zmq_send(stranger->dealer, buffer, (size_t)size, 0), size);
}

static struct wire_message stranger_receive(struct stranger *stranger)
{
	static uint8_t buffer[WIRE_MESSAGE_MAX];
	struct wire_message message;
	int timeout_ms = PATIENCE_MS, size;

	zmq_setsockopt(stranger->dealer, ZMQ_RCVTIMEO, &timeout_ms, sizeof(timeout_ms));
	size = zmq_recv(stranger->dealer, buffer, sizeof(buffer), 0);
	assert_in_range(size, 1, sizeof(buffer));
	assert_int_equal(wire_decode(buffer, (size_t)size, &message), REFUSAL_NONE);
	return message;
}

static void garbage_inside_zmtp_is_counted_by_kind(void **state)
{
	struct cluster cluster;
	struct stranger stranger;
	struct wire_message message = {
		.version = 1, .type = WIRE_HEARTBEAT, .node = "eve", .boot = 1
	};

	(void)state;
	cluster_start(&cluster, 2);
	WAIT_UNTIL(is_live(&cluster.nodes[0], "beta"));
	stranger_open(&stranger, &cluster.nodes[0], &cluster.nodes[1].pair);
	assert_int_equal(zmq_send(stranger.dealer, "garbage", 7, 0), 7);
	assert_int_equal(zmq_send(stranger.dealer, "two", 3, ZMQ_SNDMORE), 3);
	assert_int_equal(zmq_send(stranger.dealer, "frames", 6, 0), 6);
	stranger_send(&stranger, &message);
	WAIT_UNTIL(refusals(&cluster.nodes[0], "not_lbd") == 1);
	WAIT_UNTIL(refusals(&cluster.nodes[0], "frames") == 1);
	WAIT_UNTIL(refusals(&cluster.nodes[0], "impostor") == 1);
	make_web(&cluster.nodes[0], 0, 40);
	WAIT_UNTIL(count_web(&cluster.nodes[1], 0, 40) == 40);
	stranger_close(&stranger);
	cluster_stop(&cluster);
}

/* A node all alone whose peer "beta" is played by the test. */
static void mad_peer_start(struct cluster *cluster, struct stranger *beta)
{
	struct wire_message hello = { .version = 1,
				      .type = WIRE_HELLO,
				      .node = "beta",
				      .boot = 7,
				      .conversation = 1,
				      .version_max = 200 };

	cluster_init(cluster, 2);
	node_start(&cluster->nodes[0]);
	stranger_open(beta, &cluster->nodes[0], &cluster->nodes[1].pair);
	stranger_send(beta, &hello);
	hello = stranger_receive(beta);
	assert_int_equal(hello.type, WIRE_WELCOME);
	assert_int_equal(hello.version_max, WIRE_VERSION);
	assert_int_equal(hello.conversation, 1);
}

static void a_gap_in_the_sequence_is_answered_with_a_reset(void **state)
{
	struct wire_message beat = { .version = 1,
				     .type = WIRE_HEARTBEAT,
				     .node = "beta",
				     .boot = 7,
				     .conversation = 1,
				     .sequence = 1,
				     .token = 42 };
	struct cluster cluster;
	struct stranger beta;
	struct wire_message answer;

	(void)state;
	mad_peer_start(&cluster, &beta);
	stranger_send(&beta, &beat);
	answer = stranger_receive(&beta);
	assert_int_equal(answer.type, WIRE_HEARTBEAT);
	assert_int_equal(answer.token, 42);
	beat.sequence = 3;
	stranger_send(&beta, &beat);
	answer = stranger_receive(&beta);
	assert_int_equal(answer.type, WIRE_RESET);
	assert_string_equal(answer.reason, "out_of_order");
	WAIT_UNTIL(refusals(&cluster.nodes[0], "out_of_order") == 1);
	stranger_close(&beta);
	cluster_stop(&cluster);
}

static void mad_records_are_counted_and_the_rest_is_taken(void **state)
{
	struct wire_message message = { .version = 1,
					.type = WIRE_DICTIONARY,
					.node = "beta",
					.boot = 7,
					.conversation = 1,
					.sequence = 1,
					.dictionary = 1 };
	const struct wire_service service = { 5, fixture_addr("192.0.2.80"), htons(80),
					      IPPROTO_TCP };
	const struct wire_backend backend = { 6, 5, fixture_addr("203.0.113.1") };
	const struct lbd_addr client = fixture_addr("198.18.0.1");
	const struct wire_record records[] = {
		{ 5, 6, client, htons(1), htons(80), 0,
		  UINT32_MAX },				     /* an absurd age, sound else */
		{ 5, 7, client, htons(2), htons(80), 0, 0 }, /* no such backend */
		{ 4, 6, client, htons(3), htons(80), 0, 0 }, /* no such service */
		{ 5, 6, client, htons(4), htons(81), 0, 0 }, /* not the service's port */
	};
	uint8_t services[WIRE_SERVICE_SIZE], backends[WIRE_BACKEND_SIZE];
	uint8_t rows[4 * WIRE_RECORD4_SIZE];
	struct cluster cluster;
	struct stranger beta;

	(void)state;
	mad_peer_start(&cluster, &beta);
	wire_put_service(services, &service);
	wire_put_backend(backends, &backend);
	message.services = (struct wire_rows){ services, WIRE_SERVICE_SIZE, 1 };
	message.backends = (struct wire_rows){ backends, WIRE_BACKEND_SIZE, 1 };
	stranger_send(&beta, &message);
	for (uint32_t i = 0; i < 4; i++)
		wire_put_record4(rows + i * WIRE_RECORD4_SIZE, &records[i]);
	message.type = WIRE_RECORDS;
	message.sequence = 2;
	message.records4 = (struct wire_rows){ rows, WIRE_RECORD4_SIZE, 4 };
	stranger_send(&beta, &message);
	WAIT_UNTIL(refusals(&cluster.nodes[0], "bad_record") == 3);
	WAIT_UNTIL(peer_status(&cluster.nodes[0], "beta").applied == 1);
	assert_int_equal(peer_status(&cluster.nodes[0], "beta").received_records, 4);
	stranger_close(&beta);
	cluster_stop(&cluster);
}

/* The next answer that isn't credit. */
static struct wire_message mad_answer(struct stranger *stranger)
{
	struct wire_message answer;

	do
		answer = stranger_receive(stranger);
	while (answer.type == WIRE_CREDIT);
	return answer;
}

static void mad_sums_are_counted_and_sound_ones_are_judged(void **state)
{
	static const uint8_t sums[WIRE_SUMS_MAX * WIRE_SUM_SIZE];
	struct wire_message message = {
		.version = 2, .node = "beta", .boot = 7, .conversation = 1, .pass = 1
	};
	struct cluster cluster;
	struct stranger beta;

	(void)state;
	mad_peer_start(&cluster, &beta);
	message.sums = (struct wire_rows){ sums, WIRE_SUM_SIZE, WIRE_SUMS_MAX };
	message.more = 1;
	message.type = WIRE_DIGEST;
	message.sequence = 1;
	stranger_send(&beta, &message); /* never begun */
	message.type = WIRE_DIGEST_BEGIN;
	message.sequence = 2;
	stranger_send(&beta, &message);
	message.type = WIRE_DIGEST;
	message.sequence = 3;
	stranger_send(&beta, &message);
	message.sequence = 4;
	stranger_send(&beta, &message); /* the same part again */
	message.sequence = 5;
	message.more = 0;
	message.first_region = WIRE_SUMS_MAX;
	stranger_send(&beta, &message);
	message = mad_answer(&beta);
	assert_int_equal(message.type, WIRE_REPAIR);
	assert_int_equal(message.pass, 1);
	assert_int_equal(message.agreed, WIRE_REGIONS);
	WAIT_UNTIL(refusals(&cluster.nodes[0], "bad_digest") == 2);
	WAIT_UNTIL(peer_status(&cluster.nodes[0], "beta").holds.passes == 1);
	stranger_close(&beta);
	cluster_stop(&cluster);
}

static void credit_is_granted_as_messages_are_consumed(void **state)
{
	struct wire_message message = {
		.version = 1, .type = WIRE_RECORDS, .node = "beta", .boot = 7, .conversation = 1
	};
	struct cluster cluster;
	struct stranger beta;
	uint64_t granted = 64;

	(void)state;
	mad_peer_start(&cluster, &beta);
	for (message.sequence = 1; message.sequence <= 64; message.sequence++)
		stranger_send(&beta, &message);
	WAIT_UNTIL(peer_status(&cluster.nodes[0], "beta").received_bytes > 0);
	while (granted < 128) {
		struct wire_message answer = stranger_receive(&beta);

		assert_int_equal(answer.type, WIRE_CREDIT);
		assert_in_range(answer.credit, granted, 128);
		granted = answer.credit;
	}
	assert_int_equal(refusals(&cluster.nodes[0], "over_credit"), 0);
	stranger_close(&beta);
	cluster_stop(&cluster);
}

/* --- a peer that stalls, played by the test: its ROUTER, read when the test wants */

struct stalling {
	void *context;
	void *router;
	char route[64];
	size_t route_size;
	struct wire_message last;
	uint64_t version; /* that it speaks */
	uint64_t sequence;
	uint32_t data; /* messages that took credit */
	uint32_t records;
	bool seen[4096];
};

static void stalling_open(struct stalling *beta, const struct node *node)
{
	char url[ADDR_TEXT_MAX + 8], text[ADDR_TEXT_MAX];
	int linger = 0;

	memset(beta, 0, sizeof(*beta));
	beta->version = 1;
	snprintf(url, sizeof(url), "tcp://%s",
		 addr_format_endpoint(&node->listen.addr, node->listen.port, text));
	beta->context = zmq_ctx_new();
	beta->router = zmq_socket(beta->context, ZMQ_ROUTER);
	zmq_setsockopt(beta->router, ZMQ_LINGER, &linger, sizeof(linger));
	assert_int_equal(curve_serve(beta->router, &node->pair), 0);
	assert_int_equal(zmq_bind(beta->router, url), 0);
}

static void stalling_close(struct stalling *beta)
{
	zmq_close(beta->router);
	zmq_ctx_term(beta->context);
}

static void stalling_note(struct stalling *beta)
{
	const struct wire_rows *rows = &beta->last.records4;
	struct wire_record record;

	beta->data += beta->last.type == WIRE_DICTIONARY || beta->last.type == WIRE_RECORDS;
	beta->records += rows->count;
	for (uint32_t i = 0; i < rows->count; i++) {
		wire_get_record4(wire_row(rows, i), &record);
		beta->seen[ntohl(record.client.words[3]) % 4096] = true;
	}
}

/* Take what comes within @ms; returns the type of the message, 0 if none came. */
static uint64_t stalling_take(struct stalling *beta, int ms)
{
	static uint8_t buffer[WIRE_MESSAGE_MAX];
	int size;

	zmq_setsockopt(beta->router, ZMQ_RCVTIMEO, &ms, sizeof(ms));
	size = zmq_recv(beta->router, beta->route, sizeof(beta->route), 0);
	if (size < 0)
		return 0;
	beta->route_size = (size_t)size;
	size = zmq_recv(beta->router, buffer, sizeof(buffer), 0);
	assert_int_equal(wire_decode(buffer, (size_t)size, &beta->last), REFUSAL_NONE);
	stalling_note(beta);
	return beta->last.type;
}

static void stalling_answer(struct stalling *beta, uint64_t type, uint64_t credit)
{
	struct wire_message answer = { .version = 1,
				       .type = type,
				       .node = "beta",
				       .boot = 7,
				       .conversation = beta->last.conversation,
				       .sequence = beta->sequence++,
				       .version_max = beta->version,
				       .credit = credit,
				       .token = beta->last.token };
	uint8_t buffer[256];
	int size = wire_encode(&answer, buffer, sizeof(buffer));

	assert_in_range(zmq_send(beta->router, beta->route, beta->route_size, ZMQ_SNDMORE), 1, 64);
	assert_int_equal(zmq_send(beta->router, buffer, (size_t)size, 0), size);
}

static uint32_t stalling_count(const struct stalling *beta, uint32_t count)
{
	uint32_t seen = 0;

	for (uint32_t n = 0; n < count; n++)
		seen += beta->seen[n];
	return seen;
}

static void a_peer_that_stalls_and_resumes_has_lost_nothing(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0];
	struct stalling beta;

	(void)state;
	cluster_init(&cluster, 2);
	stalling_open(&beta, &cluster.nodes[1]);
	make_web(alpha, 0, 1000);
	node_start(alpha);
	while (stalling_take(&beta, PATIENCE_MS) != WIRE_HELLO)
		;
	stalling_answer(&beta, WIRE_WELCOME, 2);
	WAIT_UNTIL(peer_status(alpha, "beta").state == SYNC_STATE_STALE);
	for (uint32_t n = 1000; n < 2000; n += 10) {
		make_web(alpha, n, 10);
		sleep_ms(2);
	}
	while (stalling_take(&beta, 50) != 0 && beta.data < 3)
		;
	assert_int_equal(beta.data, 2);
	stalling_answer(&beta, WIRE_CREDIT, 1000);
	while (stalling_count(&beta, 2000) < 2000) {
		uint64_t type = stalling_take(&beta, PATIENCE_MS);

		assert_int_not_equal(type, 0);
		if (type == WIRE_HEARTBEAT)
			stalling_answer(&beta, WIRE_HEARTBEAT, 0);
	}
	assert_int_equal(beta.last.conversation, 1);
	assert_true(is_live(alpha, "beta") || peer_status(alpha, "beta").pending_buckets > 0);
	stalling_close(&beta);
	cluster_stop(&cluster);
}

/* Is a digest begun within @ms of a peer that speaks @version? */
static bool is_begun(uint64_t version, int ms)
{
	struct cluster cluster;
	struct stalling beta;
	uint64_t type = 0;
	bool begun = false;

	cluster_init(&cluster, 2);
	stalling_open(&beta, &cluster.nodes[1]);
	beta.version = version;
	make_web(&cluster.nodes[0], 0, 100);
	node_start(&cluster.nodes[0]);
	while (stalling_take(&beta, PATIENCE_MS) != WIRE_HELLO)
		;
	stalling_answer(&beta, WIRE_WELCOME, 1000);
	for (int64_t end_ns = monotonic_ns() + ms * 1000000LL; monotonic_ns() < end_ns;) {
		type = stalling_take(&beta, 50);
		begun |= type == WIRE_DIGEST_BEGIN || type == WIRE_DIGEST;
		if (type == WIRE_HEARTBEAT)
			stalling_answer(&beta, WIRE_HEARTBEAT, 0);
	}
	assert_true(is_live(&cluster.nodes[0], "beta"));
	assert_int_equal(stalling_count(&beta, 100), 100);
	stalling_close(&beta);
	cluster_stop(&cluster);
	return begun;
}

static void version_1_gets_no_digest(void **state)
{
	(void)state;
	assert_false(is_begun(1, 1500));
	assert_true(is_begun(2, 500));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_garbage_on_the_port_is_counted_and_harmless),
		cmocka_unit_test(garbage_inside_zmtp_is_counted_by_kind),
		cmocka_unit_test(a_gap_in_the_sequence_is_answered_with_a_reset),
		cmocka_unit_test(mad_records_are_counted_and_the_rest_is_taken),
		cmocka_unit_test(mad_sums_are_counted_and_sound_ones_are_judged),
		cmocka_unit_test(credit_is_granted_as_messages_are_consumed),
		cmocka_unit_test(a_peer_that_stalls_and_resumes_has_lost_nothing),
		cmocka_unit_test(version_1_gets_no_digest),
	};

	return cmocka_run_group_tests_name("sync_strangers", tests, NULL, NULL);
}
