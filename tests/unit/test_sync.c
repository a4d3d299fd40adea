// SPDX-License-Identifier: GPL-2.0-or-later
/* Whole nodes in one process, over loopback: what is made on one arrives on the others. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include "sync/sync.h"
#include "sync/wire.h"
#include "sync_fixture.h"

#define BUCKETS 1024
#define NODES 3
#define PATIENCE_MS 10000

/*
 * Ids differ between nodes on purpose: node n has the web service at id 1 + n,
 * its backends at 10 * (n + 1) and the next one, the DNS service at 8 + n.
 */
struct node {
	const char *name;
	uint16_t web, dns, backend;
	struct addr_endpoint listen;
	struct tables tables;
	struct fixture_model model;
	struct sync_peer_config peers[NODES];
	struct sync_config config;
	struct sync *sync;
};

struct cluster {
	struct node nodes[NODES];
	uint32_t count;
};

static const char *const node_names[] = { "alpha", "beta", "gamma", "delta" };

/* A port that was free a moment ago. */
static __be16 free_port(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &size), 0);
	close(fd);
	return addr.sin_port;
}

static void node_model(struct node *node)
{
	fixture_model(&node->model);
	fixture_service(&node->model, node->web, "192.0.2.80", 80, IPPROTO_TCP);
	fixture_backend(&node->model, node->backend, node->web, "203.0.113.1");
	fixture_backend(&node->model, (uint16_t)(node->backend + 1), node->web, "203.0.113.2");
	fixture_service(&node->model, node->dns, "2001:db8::53", 0, IPPROTO_UDP);
	fixture_backend(&node->model, (uint16_t)(node->backend + 2), node->dns, "2001:db8::b");
}

static void node_init(struct cluster *cluster, uint32_t n)
{
	struct node *node = &cluster->nodes[n];

	node->name = node_names[n];
	node->web = (uint16_t)(1 + n);
	node->dns = (uint16_t)(8 + n);
	node->backend = (uint16_t)(10 * (n + 1));
	node->listen =
		(struct addr_endpoint){ lbd_addr_from4(htonl(INADDR_LOOPBACK)), free_port() };
	fixture_tables(&node->tables, BUCKETS, 77 * (n + 1));
	node_model(node);
}

static void node_config(struct cluster *cluster, uint32_t n)
{
	struct node *node = &cluster->nodes[n];
	struct sync_config *config = &node->config;

	snprintf(config->node, sizeof(config->node), "%s", node->name);
	config->listen = node->listen;
	config->peers = node->peers;
	for (uint32_t i = 0; i < cluster->count; i++) {
		struct sync_peer_config *peer = &node->peers[config->peers_count];

		if (i == n)
			continue;
		snprintf(peer->name, sizeof(peer->name), "%s", cluster->nodes[i].name);
		peer->address = cluster->nodes[i].listen;
		config->peers_count++;
	}
}

static void node_start(struct node *node)
{
	struct error err = { "", "" };

	if (sync_start(&node->config, &node->tables, &node->sync, &err))
		fail_msg("%s", err.text);
	assert_int_equal(sync_set_dictionary(node->sync, &node->model.model), 0);
}

static void node_stop(struct node *node)
{
	sync_stop(node->sync);
	node->sync = NULL;
}

static void cluster_init(struct cluster *cluster, uint32_t count)
{
	memset(cluster, 0, sizeof(*cluster));
	cluster->count = count;
	for (uint32_t n = 0; n < count; n++)
		node_init(cluster, n);
	for (uint32_t n = 0; n < count; n++)
		node_config(cluster, n);
}

static void cluster_start(struct cluster *cluster, uint32_t count)
{
	cluster_init(cluster, count);
	for (uint32_t n = 0; n < count; n++)
		node_start(&cluster->nodes[n]);
}

static void cluster_stop(struct cluster *cluster)
{
	for (uint32_t n = 0; n < cluster->count; n++) {
		node_stop(&cluster->nodes[n]);
		fixture_tables_free(&cluster->nodes[n].tables);
	}
}

/* --- waiting for what threads do */

static void sleep_ms(long ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

static struct sync_peer_status peer_status(struct node *node, const char *name)
{
	struct sync_peer_status *peers, found = { .name = "" };
	uint32_t count;

	assert_int_equal(sync_peers(node->sync, &peers, &count), 0);
	for (uint32_t i = 0; i < count; i++)
		if (strcmp(peers[i].name, name) == 0)
			found = peers[i];
	free(peers);
	assert_string_equal(found.name, name);
	return found;
}

struct wanted_refusal {
	const char *name;
	uint64_t count;
};

static void visit_refusal(void *context, const char *name, const char *sentence, uint64_t count)
{
	struct wanted_refusal *wanted = context;

	assert_non_null(sentence);
	if (strcmp(name, wanted->name) == 0)
		wanted->count = count;
}

static uint64_t refusals(struct node *node, const char *name)
{
	struct wanted_refusal wanted = { name, 0 };

	sync_refusals(node->sync, visit_refusal, &wanted);
	return wanted.count;
}

#define WAIT_UNTIL(condition)                                                      \
	do {                                                                       \
		int left_ms = PATIENCE_MS;                                         \
		while (!(condition) && left_ms-- > 0)                              \
			sleep_ms(1);                                               \
		if (!(condition))                                                  \
			fail_msg("not within %d ms: %s", PATIENCE_MS, #condition); \
	} while (0)

static bool is_live(struct node *node, const char *peer)
{
	return peer_status(node, peer).state == SYNC_STATE_LIVE;
}

static bool has_all(struct node *node, const char *peer)
{
	return peer_status(node, peer).received_all;
}

/* --- connections */

static void make_entry(struct node *node, struct table_entry entry)
{
	assert_int_equal(tables_put(&node->tables, &entry), TABLES_PUT_ADDED);
	fixture_mark(&node->tables, &entry);
}

static void make_web(struct node *node, uint32_t first, uint32_t count)
{
	for (uint32_t n = first; n < first + count; n++)
		make_entry(node, fixture_entry(&node->tables, n, false, node->web,
					       (uint16_t)(node->backend + n % 2)));
}

static void make_dns(struct node *node, uint32_t first, uint32_t count)
{
	for (uint32_t n = first; n < first + count; n++) {
		struct table_entry entry = fixture_entry(&node->tables, n, true, node->dns,
							 (uint16_t)(node->backend + 2));

		entry.flags |= LBD_CONN_UDP;
		make_entry(node, entry);
	}
}

static bool find_web(struct node *node, uint32_t n, struct table_entry *ret)
{
	struct table_entry flow = fixture_entry(&node->tables, n, false, node->web, 0);

	return tables_find(&node->tables, &flow, ret);
}

static uint32_t count_web(struct node *node, uint32_t first, uint32_t count)
{
	struct table_entry entry;
	uint32_t found = 0;

	for (uint32_t n = first; n < first + count; n++)
		found += find_web(node, n, &entry) && entry.backend == node->backend + n % 2;
	return found;
}

static uint32_t count_dns(struct node *node, uint32_t first, uint32_t count)
{
	struct table_entry entry;
	uint32_t found = 0;

	for (uint32_t n = first; n < first + count; n++) {
		struct table_entry flow = fixture_entry(&node->tables, n, true, node->dns, 0);

		found += tables_find(&node->tables, &flow, &entry) &&
			 entry.backend == node->backend + 2 && (entry.flags & LBD_CONN_UDP);
	}
	return found;
}

/* --- the tests */

static void what_was_there_before_arrives_under_the_others_ids(void **state)
{
	struct cluster cluster;
	struct table_entry entry;

	(void)state;
	cluster_init(&cluster, 2);
	make_web(&cluster.nodes[0], 0, 500);
	make_dns(&cluster.nodes[0], 0, 300);
	node_start(&cluster.nodes[0]);
	node_start(&cluster.nodes[1]);
	WAIT_UNTIL(has_all(&cluster.nodes[1], "alpha"));
	assert_int_equal(count_web(&cluster.nodes[1], 0, 500), 500);
	assert_int_equal(count_dns(&cluster.nodes[1], 0, 300), 300);
	assert_true(find_web(&cluster.nodes[1], 7, &entry));
	assert_int_equal(entry.service, cluster.nodes[1].web);
	assert_true(entry.flags & LBD_CONN_REMOTE);
	cluster_stop(&cluster);
}

static void what_is_made_later_arrives_too_in_both_directions(void **state)
{
	struct cluster cluster;

	(void)state;
	cluster_start(&cluster, 2);
	WAIT_UNTIL(is_live(&cluster.nodes[0], "beta") && is_live(&cluster.nodes[1], "alpha"));
	make_web(&cluster.nodes[0], 0, 200);
	make_web(&cluster.nodes[1], 1000, 200);
	make_dns(&cluster.nodes[1], 0, 100);
	WAIT_UNTIL(count_web(&cluster.nodes[1], 0, 200) == 200);
	WAIT_UNTIL(count_web(&cluster.nodes[0], 1000, 200) == 200);
	WAIT_UNTIL(count_dns(&cluster.nodes[0], 0, 100) == 100);
	cluster_stop(&cluster);
}

static void an_unconfirmed_connection_stays_at_home(void **state)
{
	struct cluster cluster;
	struct table_entry entry;

	(void)state;
	cluster_start(&cluster, 2);
	WAIT_UNTIL(is_live(&cluster.nodes[0], "beta"));
	entry = fixture_entry(&cluster.nodes[0].tables, 5, false, cluster.nodes[0].web,
			      cluster.nodes[0].backend);
	entry.flags = 0;
	make_entry(&cluster.nodes[0], entry);
	make_web(&cluster.nodes[0], 100, 50);
	WAIT_UNTIL(count_web(&cluster.nodes[1], 100, 50) == 50);
	assert_false(find_web(&cluster.nodes[1], 5, &entry));
	cluster_stop(&cluster);
}

static void a_closing_connection_is_known_as_closing(void **state)
{
	struct cluster cluster;
	struct table_entry entry;
	struct lbd_bucket *line = NULL;

	(void)state;
	cluster_start(&cluster, 2);
	WAIT_UNTIL(is_live(&cluster.nodes[0], "beta"));
	make_web(&cluster.nodes[0], 3, 1);
	WAIT_UNTIL(find_web(&cluster.nodes[1], 3, &entry));
	assert_false(entry.flags & LBD_CONN_CLOSING);
	for (uint32_t b = 0; b < BUCKETS && !line; b++)
		if (cluster.nodes[0].tables.conn4[b].key[0])
			line = &cluster.nodes[0].tables.conn4[b];
	assert_non_null(line);
	__atomic_fetch_or(&line->value[0], LBD_CONN_CLOSING, __ATOMIC_SEQ_CST);
	entry = fixture_entry(&cluster.nodes[0].tables, 3, false, cluster.nodes[0].web, 0);
	fixture_mark(&cluster.nodes[0].tables, &entry);
	WAIT_UNTIL(find_web(&cluster.nodes[1], 3, &entry) && (entry.flags & LBD_CONN_CLOSING));
	cluster_stop(&cluster);
}

static void three_nodes_all_know_everything(void **state)
{
	struct cluster cluster;

	(void)state;
	cluster_start(&cluster, 3);
	make_web(&cluster.nodes[0], 0, 100);
	make_web(&cluster.nodes[1], 1000, 100);
	make_web(&cluster.nodes[2], 2000, 100);
	for (uint32_t n = 0; n < 3; n++)
		for (uint32_t from = 0; from < 3; from++)
			WAIT_UNTIL(count_web(&cluster.nodes[n], 1000 * from, 100) == 100);
	cluster_stop(&cluster);
}

static void a_restarted_node_gets_everything_again(void **state)
{
	struct cluster cluster;
	struct node *beta = &cluster.nodes[1];
	uint64_t boot;

	(void)state;
	cluster_start(&cluster, 2);
	make_web(&cluster.nodes[0], 0, 300);
	WAIT_UNTIL(count_web(beta, 0, 300) == 300);
	WAIT_UNTIL(has_all(&cluster.nodes[0], "beta"));
	boot = peer_status(&cluster.nodes[0], "beta").boot;
	node_stop(beta);
	fixture_tables_free(&beta->tables);
	fixture_tables(&beta->tables, BUCKETS, 4711);
	make_web(&cluster.nodes[0], 300, 100);
	node_start(beta);
	WAIT_UNTIL(has_all(beta, "alpha"));
	assert_int_equal(count_web(beta, 0, 400), 400);
	WAIT_UNTIL(peer_status(&cluster.nodes[0], "beta").boot != boot);
	WAIT_UNTIL(has_all(&cluster.nodes[0], "beta"));
	cluster_stop(&cluster);
}

static void a_node_that_went_is_stale_until_it_is_back(void **state)
{
	struct cluster cluster;

	(void)state;
	cluster_start(&cluster, 2);
	WAIT_UNTIL(is_live(&cluster.nodes[0], "beta"));
	node_stop(&cluster.nodes[1]);
	WAIT_UNTIL(peer_status(&cluster.nodes[0], "beta").state == SYNC_STATE_STALE);
	make_web(&cluster.nodes[0], 0, 50);
	node_start(&cluster.nodes[1]);
	WAIT_UNTIL(is_live(&cluster.nodes[0], "beta"));
	assert_in_range(peer_status(&cluster.nodes[0], "beta").reconnects, 1, 10);
	WAIT_UNTIL(count_web(&cluster.nodes[1], 0, 50) == 50);
	cluster_stop(&cluster);
}

static void a_node_of_another_name_is_refused(void **state)
{
	struct cluster cluster;
	struct node *beta = &cluster.nodes[1];

	(void)state;
	cluster_init(&cluster, 2);
	strcpy(beta->config.node, "mallory");
	make_web(beta, 0, 10);
	node_start(&cluster.nodes[0]);
	node_start(beta);
	WAIT_UNTIL(refusals(&cluster.nodes[0], "unknown_node") > 0);
	assert_int_equal(count_web(&cluster.nodes[0], 0, 10), 0);
	assert_int_not_equal(peer_status(&cluster.nodes[0], "beta").state, SYNC_STATE_LIVE);
	assert_false(has_all(&cluster.nodes[0], "beta"));
	cluster_stop(&cluster);
}

static void records_unknown_at_first_come_once_the_config_does(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1];

	(void)state;
	cluster_init(&cluster, 2);
	beta->model.services[beta->web].id = 0;
	make_web(alpha, 0, 100);
	make_dns(alpha, 0, 20);
	node_start(alpha);
	node_start(beta);
	WAIT_UNTIL(has_all(beta, "alpha"));
	assert_int_equal(count_dns(beta, 0, 20), 20);
	assert_int_equal(peer_status(beta, "alpha").unknown, 100);
	node_model(beta);
	assert_int_equal(sync_set_dictionary(beta->sync, &beta->model.model), 0);
	WAIT_UNTIL(count_web(beta, 0, 100) == 100);
	WAIT_UNTIL(has_all(beta, "alpha"));
	cluster_stop(&cluster);
}

static void records_made_before_their_own_dictionary_are_sent_after_it(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1];

	(void)state;
	cluster_init(&cluster, 2);
	alpha->model.services[alpha->web].id = 0;
	alpha->model.backends[alpha->backend].index = 0;
	alpha->model.backends[alpha->backend + 1].index = 0;
	node_start(alpha);
	node_start(beta);
	WAIT_UNTIL(is_live(alpha, "beta"));
	make_web(alpha, 0, 100);
	make_dns(alpha, 0, 20);
	WAIT_UNTIL(count_dns(beta, 0, 20) == 20);
	node_model(alpha);
	assert_int_equal(sync_set_dictionary(alpha->sync, &alpha->model.model), 0);
	WAIT_UNTIL(count_web(beta, 0, 100) == 100);
	assert_int_equal(peer_status(beta, "alpha").unknown, 0);
	cluster_stop(&cluster);
}

static void a_dictionary_of_many_parts_arrives_whole(void **state)
{
	enum { MANY = 3000 };
	struct cluster cluster;
	struct model models[2];

	(void)state;
	cluster_init(&cluster, 2);
	for (uint32_t n = 0; n < 2; n++) {
		models[n] = cluster.nodes[n].model.model;
		models[n].limits.backends = MANY;
		models[n].backends = calloc(MANY, sizeof(struct backend));
		assert_non_null(models[n].backends);
		for (uint32_t i = 1; i < MANY; i++)
			models[n].backends[i] = (struct backend){
				.index = (uint16_t)i,
				.service = cluster.nodes[n].web,
				.addr = lbd_addr_from4(htonl(0xc6130000 + (n ? MANY - i : i))),
			};
		node_start(&cluster.nodes[n]);
		assert_int_equal(sync_set_dictionary(cluster.nodes[n].sync, &models[n]), 0);
	}
	for (uint32_t i = 1; i < MANY; i += 7)
		make_entry(&cluster.nodes[0], fixture_entry(&cluster.nodes[0].tables, i, false,
							    cluster.nodes[0].web, (uint16_t)i));
	for (uint32_t i = 1; i < MANY; i += 7) {
		struct table_entry entry;

		WAIT_UNTIL(find_web(&cluster.nodes[1], i, &entry));
		assert_int_equal(entry.backend, MANY - i);
	}
	cluster_stop(&cluster);
	free(models[0].backends);
	free(models[1].backends);
}

static void a_peer_taken_out_and_put_back_is_complete_again(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1];
	struct sync_config alone;
	struct error err = { "", "" };
	struct sync_peer_status *peers;
	uint32_t count;

	(void)state;
	cluster_start(&cluster, 2);
	WAIT_UNTIL(is_live(alpha, "beta"));
	alone = alpha->config;
	alone.peers_count = 0;
	assert_int_equal(sync_reconfigure(alpha->sync, &alone, &err), 0);
	assert_int_equal(sync_peers(alpha->sync, &peers, &count), 0);
	assert_int_equal(count, 0);
	free(peers);
	make_web(alpha, 0, 60);
	assert_int_equal(sync_reconfigure(alpha->sync, &alpha->config, &err), 0);
	WAIT_UNTIL(count_web(beta, 0, 60) == 60);
	WAIT_UNTIL(has_all(alpha, "beta"));
	cluster_stop(&cluster);
}

static void an_unchanged_config_disturbs_nothing(void **state)
{
	struct cluster cluster;
	struct error err = { "", "" };

	(void)state;
	cluster_start(&cluster, 2);
	WAIT_UNTIL(is_live(&cluster.nodes[0], "beta"));
	assert_int_equal(sync_reconfigure(cluster.nodes[0].sync, &cluster.nodes[0].config, &err),
			 0);
	assert_int_equal(sync_set_dictionary(cluster.nodes[0].sync, &cluster.nodes[0].model.model),
			 0);
	make_web(&cluster.nodes[0], 0, 20);
	WAIT_UNTIL(count_web(&cluster.nodes[1], 0, 20) == 20);
	assert_int_equal(peer_status(&cluster.nodes[0], "beta").reconnects, 0);
	cluster_stop(&cluster);
}

static void an_address_in_use_is_an_error_that_names_it(void **state)
{
	struct cluster cluster;
	struct sync_config moved;
	struct error err = { "", "" };
	struct sync *other;

	(void)state;
	cluster_start(&cluster, 2);
	moved = cluster.nodes[0].config;
	moved.listen = cluster.nodes[1].listen;
	assert_int_equal(sync_start(&moved, &cluster.nodes[0].tables, &other, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, "tcp://127.0.0.1:"));
	assert_int_equal(sync_reconfigure(cluster.nodes[0].sync, &moved, &err), -EADDRINUSE);
	WAIT_UNTIL(is_live(&cluster.nodes[0], "beta"));
	cluster_stop(&cluster);
}

static void a_node_may_move_to_another_address(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1];
	struct error err = { "", "" };

	(void)state;
	cluster_start(&cluster, 2);
	WAIT_UNTIL(is_live(alpha, "beta") && is_live(beta, "alpha"));
	beta->config.listen.port = free_port();
	alpha->peers[0].address = beta->config.listen;
	assert_int_equal(sync_reconfigure(beta->sync, &beta->config, &err), 0);
	assert_int_equal(sync_reconfigure(alpha->sync, &alpha->config, &err), 0);
	make_web(alpha, 0, 30);
	WAIT_UNTIL(count_web(beta, 0, 30) == 30);
	cluster_stop(&cluster);
}

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

static void stranger_open(struct stranger *stranger, const struct node *node)
{
	char url[ADDR_TEXT_MAX + 8], text[ADDR_TEXT_MAX];
	int linger = 0;

	snprintf(url, sizeof(url), "tcp://%s",
		 addr_format_endpoint(&node->listen.addr, node->listen.port, text));
	stranger->context = zmq_ctx_new();
	stranger->dealer = zmq_socket(stranger->context, ZMQ_DEALER);
	zmq_setsockopt(stranger->dealer, ZMQ_LINGER, &linger, sizeof(linger));
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
	stranger_open(&stranger, &cluster.nodes[0]);
	assert_int_equal(zmq_send(stranger.dealer, "garbage", 7, 0), 7);
	assert_int_equal(zmq_send(stranger.dealer, "two", 3, ZMQ_SNDMORE), 3);
	assert_int_equal(zmq_send(stranger.dealer, "frames", 6, 0), 6);
	stranger_send(&stranger, &message);
	WAIT_UNTIL(refusals(&cluster.nodes[0], "not_lbd") == 1);
	WAIT_UNTIL(refusals(&cluster.nodes[0], "frames") == 1);
	WAIT_UNTIL(refusals(&cluster.nodes[0], "unknown_node") == 1);
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
	stranger_open(beta, &cluster->nodes[0]);
	stranger_send(beta, &hello);
	hello = stranger_receive(beta);
	assert_int_equal(hello.type, WIRE_WELCOME);
	assert_int_equal(hello.version_max, 1);
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
	snprintf(url, sizeof(url), "tcp://%s",
		 addr_format_endpoint(&node->listen.addr, node->listen.port, text));
	beta->context = zmq_ctx_new();
	beta->router = zmq_socket(beta->context, ZMQ_ROUTER);
	zmq_setsockopt(beta->router, ZMQ_LINGER, &linger, sizeof(linger));
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
				       .version_max = 1,
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_there_before_arrives_under_the_others_ids),
		cmocka_unit_test(what_is_made_later_arrives_too_in_both_directions),
		cmocka_unit_test(an_unconfirmed_connection_stays_at_home),
		cmocka_unit_test(a_closing_connection_is_known_as_closing),
		cmocka_unit_test(three_nodes_all_know_everything),
		cmocka_unit_test(a_restarted_node_gets_everything_again),
		cmocka_unit_test(a_node_that_went_is_stale_until_it_is_back),
		cmocka_unit_test(a_node_of_another_name_is_refused),
		cmocka_unit_test(records_unknown_at_first_come_once_the_config_does),
		cmocka_unit_test(records_made_before_their_own_dictionary_are_sent_after_it),
		cmocka_unit_test(a_dictionary_of_many_parts_arrives_whole),
		cmocka_unit_test(a_peer_taken_out_and_put_back_is_complete_again),
		cmocka_unit_test(an_unchanged_config_disturbs_nothing),
		cmocka_unit_test(an_address_in_use_is_an_error_that_names_it),
		cmocka_unit_test(a_node_may_move_to_another_address),
		cmocka_unit_test(raw_garbage_on_the_port_is_counted_and_harmless),
		cmocka_unit_test(garbage_inside_zmtp_is_counted_by_kind),
		cmocka_unit_test(a_gap_in_the_sequence_is_answered_with_a_reset),
		cmocka_unit_test(mad_records_are_counted_and_the_rest_is_taken),
		cmocka_unit_test(credit_is_granted_as_messages_are_consumed),
		cmocka_unit_test(a_peer_that_stalls_and_resumes_has_lost_nothing),
	};

	return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
