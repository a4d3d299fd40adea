// SPDX-License-Identifier: GPL-2.0-or-later
/* Who gets in and who doesn't, and keys that change under replication. */
#include <poll.h>
#include <zmq.h>

#include "sync_cluster.h"

/* --- knocking */

/* A TCP connection from @source (a loopback address) to @node, or -1 if none is made in 300 ms. */
static int knock(const struct node *node, const char *source)
{
	const struct lbd_addr from = fixture_addr(source);
	struct sockaddr_storage addr;
	socklen_t size = addr_to_sockaddr(&from, 0, &addr);
	int fd = socket(addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0), failed = 0;
	struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };

	assert_int_equal(bind(fd, (struct sockaddr *)&addr, size), 0);
	size = addr_to_sockaddr(&node->listen.addr, node->listen.port, &addr);
	connect(fd, (struct sockaddr *)&addr, size);
	size = sizeof(failed);
	if (poll(&poll_fd, 1, 300) == 1 && !getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) &&
	    !failed)
		return fd;
	close(fd);
	return -1;
}

static bool gets_in(const struct node *node, const char *source)
{
	int fd = knock(node, source);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Does the other end close, in the end? */
static bool is_hung_up(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	char byte;

	while (poll(&poll_fd, 1, PATIENCE_MS) == 1)
		if (recv(fd, &byte, 1, MSG_DONTWAIT) <= 0)
			return true;
	return false;
}

static void connections_still_come(struct cluster *cluster, uint32_t first)
{
	make_web(&cluster->nodes[0], first, 40);
	WAIT_UNTIL(count_web(&cluster->nodes[1], first, 40) == 40);
	assert_int_equal(peer_status(&cluster->nodes[0], "beta").reconnects, 0);
}

static void reconfigure(struct node *node)
{
	struct error err = { "", "" };

	if (sync_reconfigure(node->sync, &node->config, &err))
		fail_msg("%s", err.text);
}

static void what_isnt_a_peers_address_gets_no_answer(void **state)
{
	struct cluster cluster;
	int fd;

	(void)state;
	cluster_start(&cluster, 2);
	WAIT_UNTIL(is_live(&cluster.nodes[0], "beta"));
	assert_int_equal(refusals(&cluster.nodes[0], "address"), 0);
	assert_int_equal(knock(&cluster.nodes[0], "127.0.0.2"), -1);
	WAIT_UNTIL(refusals(&cluster.nodes[0], "address") > 0);
	fd = knock(&cluster.nodes[0], "127.0.0.1");
	assert_int_not_equal(fd, -1);
	close(fd);
	connections_still_come(&cluster, 0);
	cluster_stop(&cluster);
}

static void who_says_nothing_is_hung_up_on(void **state)
{
	struct cluster cluster;
	int fd;

	(void)state;
	cluster_start(&cluster, 2);
	WAIT_UNTIL(is_live(&cluster.nodes[0], "beta"));
	fd = knock(&cluster.nodes[0], "127.0.0.1");
	assert_true(is_hung_up(fd));
	close(fd);
	WAIT_UNTIL(refusals(&cluster.nodes[0], "handshake") == 1);
	connections_still_come(&cluster, 0);
	cluster_stop(&cluster);
}

#define CROWD 900 /* more than get in before the door has seen how many they are */

static void a_crowd_of_connections_is_cut_and_shut_out_for_a_while(void **state)
{
	struct cluster cluster;
	uint32_t made = 0;
	int fds[CROWD];

	(void)state;
	cluster_start(&cluster, 2);
	WAIT_UNTIL(is_live(&cluster.nodes[0], "beta") && is_live(&cluster.nodes[1], "alpha"));
	while (made < CROWD && (fds[made] = knock(&cluster.nodes[0], "127.0.0.1")) >= 0)
		made++;
	assert_in_range(made, 1, CROWD - 1);
	WAIT_UNTIL(refusals(&cluster.nodes[0], "crowd") > 0);
	connections_still_come(&cluster, 0);
	for (uint32_t i = 0; i < made; i++) {
		assert_true(is_hung_up(fds[i]));
		close(fds[i]);
	}
	WAIT_UNTIL(gets_in(&cluster.nodes[0], "127.0.0.1"));
	cluster_stop(&cluster);
}

static void nodes_of_ipv6_let_each_other_in_and_nobody_else(void **state)
{
	struct cluster cluster;

	(void)state;
	cluster_init(&cluster, 2);
	for (int n = 0; n < 2; n++) {
		cluster.nodes[n].config.listen.addr = fixture_addr("::1");
		cluster.nodes[n].peers[0].address.addr = fixture_addr("::1");
	}
	node_start(&cluster.nodes[0]);
	node_start(&cluster.nodes[1]);
	WAIT_UNTIL(is_live(&cluster.nodes[0], "beta") && is_live(&cluster.nodes[1], "alpha"));
	connections_still_come(&cluster, 0);
	cluster.nodes[0].peers[0].address.addr = fixture_addr("2001:db8::1");
	reconfigure(&cluster.nodes[0]);
	cluster.nodes[0].listen = cluster.nodes[0].config.listen;
	assert_int_equal(knock(&cluster.nodes[0], "::1"), -1);
	WAIT_UNTIL(refusals(&cluster.nodes[0], "address") > 0);
	cluster_stop(&cluster);
}

/* --- other keys */

struct intruder {
	void *context, *dealer;
};

static void intruder_open(struct intruder *intruder, const struct node *node,
			  const struct curve_pair *pair, const char *server)
{
	char url[ADDR_TEXT_MAX + 8], text[ADDR_TEXT_MAX];
	int linger = 0;

	snprintf(url, sizeof(url), "tcp://%s",
		 addr_format_endpoint(&node->listen.addr, node->listen.port, text));
	intruder->context = zmq_ctx_new();
	intruder->dealer = zmq_socket(intruder->context, ZMQ_DEALER);
	zmq_setsockopt(intruder->dealer, ZMQ_LINGER, &linger, sizeof(linger));
	assert_int_equal(curve_join(intruder->dealer, pair, server), 0);
	assert_int_equal(zmq_connect(intruder->dealer, url), 0);
	zmq_send(intruder->dealer, "hello?", 6, ZMQ_DONTWAIT);
}

static void intruder_close(struct intruder *intruder)
{
	zmq_close(intruder->dealer);
	zmq_ctx_term(intruder->context);
}

/*
 * The greeting of ZMTP 3.0 without security, by hand: libzmq would hang up as soon as it sees
 * that the other end has keys, often before that has seen that it has none, and try no more.
 */
static int greet_without_keys(const struct node *node)
{
	static const uint8_t greeting[64] = { 0xff, 0,	  0, 0, 0,   0,	  0,   0,
					      1,    0x7f, 3, 0, 'N', 'U', 'L', 'L' };
	int fd = knock(node, "127.0.0.1");

	assert_int_not_equal(fd, -1);
	assert_int_equal(send(fd, greeting, sizeof(greeting), MSG_NOSIGNAL), sizeof(greeting));
	return fd;
}

static void wrong_keys_and_none_are_refused_each_by_its_name(void **state)
{
	struct curve_pair eve;
	struct cluster cluster;
	struct intruder intruder;
	int fd;
	struct node *alpha = &cluster.nodes[0];

	(void)state;
	assert_int_equal(curve_generate(&eve, NULL), 0);
	cluster_start(&cluster, 2);
	WAIT_UNTIL(is_live(alpha, "beta") && is_live(&cluster.nodes[1], "alpha"));
	intruder_open(&intruder, alpha, &eve, alpha->pair.public);
	WAIT_UNTIL(refusals(alpha, "unknown_key") > 0);
	intruder_close(&intruder);
	intruder_open(&intruder, alpha, &cluster.nodes[1].pair, eve.public);
	WAIT_UNTIL(refusals(alpha, "other_server") > 0);
	intruder_close(&intruder);
	fd = greet_without_keys(alpha);
	WAIT_UNTIL(refusals(alpha, "mechanism") > 0);
	close(fd);
	assert_int_equal(refusals(alpha, "not_lbd"), 0);
	connections_still_come(&cluster, 0);
	cluster_stop(&cluster);
}

static void plaintext_is_spoken_only_if_both_say_so(void **state)
{
	struct cluster cluster;
	struct error err = { "", "" };

	(void)state;
	cluster_init(&cluster, 2);
	cluster.nodes[0].config.plaintext = true;
	node_start(&cluster.nodes[0]);
	node_start(&cluster.nodes[1]);
	WAIT_UNTIL(refusals(&cluster.nodes[0], "mechanism") > 0 &&
		   refusals(&cluster.nodes[1], "mechanism") > 0);
	assert_int_equal(peer_status(&cluster.nodes[0], "beta").heard_ms_ago, -1);
	assert_int_equal(peer_status(&cluster.nodes[1], "alpha").heard_ms_ago, -1);
	cluster.nodes[1].config.plaintext = true;
	assert_int_equal(sync_reconfigure(cluster.nodes[1].sync, &cluster.nodes[1].config, &err),
			 0);
	WAIT_UNTIL(is_live(&cluster.nodes[0], "beta") && is_live(&cluster.nodes[1], "alpha"));
	connections_still_come(&cluster, 0);
	cluster_stop(&cluster);
}

/* --- keys that change */

static void set_keys(struct node *node, const char *first, const char *second)
{
	struct sync_peer_config *peer = &node->peers[0];

	memcpy(peer->keys[0], first, Z85_KEY_SIZE);
	if (second)
		memcpy(peer->keys[1], second, Z85_KEY_SIZE);
	peer->keys_count = second ? 2 : 1;
	reconfigure(node);
}

static void a_key_taken_off_the_list_is_cut(void **state)
{
	struct curve_pair other;
	struct cluster cluster;

	(void)state;
	assert_int_equal(curve_generate(&other, NULL), 0);
	cluster_start(&cluster, 2);
	WAIT_UNTIL(is_live(&cluster.nodes[0], "beta") && is_live(&cluster.nodes[1], "alpha"));
	set_keys(&cluster.nodes[0], other.public, NULL);
	WAIT_UNTIL(refusals(&cluster.nodes[0], "old_key") > 0);
	WAIT_UNTIL(refusals(&cluster.nodes[0], "unknown_key") > 0);
	WAIT_UNTIL(!is_live(&cluster.nodes[0], "beta") && !is_live(&cluster.nodes[1], "alpha"));
	set_keys(&cluster.nodes[0], cluster.nodes[1].pair.public, NULL);
	WAIT_UNTIL(is_live(&cluster.nodes[0], "beta") && is_live(&cluster.nodes[1], "alpha"));
	cluster_stop(&cluster);
}

struct rotation {
	struct cluster cluster;
	uint32_t made;
	int64_t silence_ms; /* the longest that one didn't hear the other */
};

/* For @ms, connections are made on both nodes and each must hear the other. */
static void rotation_run(struct rotation *rotation, int ms)
{
	for (int i = 0; i < ms / 10; i++) {
		make_web(&rotation->cluster.nodes[0], rotation->made++, 1);
		make_web(&rotation->cluster.nodes[1], 10000 + rotation->made, 1);
		sleep_ms(10);
		for (int n = 0; n < 2; n++) {
			int64_t ago = peer_status(&rotation->cluster.nodes[n], node_names[!n])
					      .heard_ms_ago;

			if (ago > rotation->silence_ms)
				rotation->silence_ms = ago;
		}
	}
}

/* The four steps of lbd.yaml(5). */
static void rotate(struct rotation *rotation, struct node *node, struct node *peer)
{
	const struct curve_pair old = node->pair;
	uint64_t reconnects = peer_status(peer, node->name).reconnects;

	assert_int_equal(curve_generate(&node->pair, NULL), 0);
	set_keys(peer, old.public, node->pair.public);
	rotation_run(rotation, 200);
	node->config.own = node->pair;
	reconfigure(node);
	rotation_run(rotation, 700);
	assert_int_equal(peer_status(peer, node->name).reconnects, reconnects);
	set_keys(peer, node->pair.public, NULL);
	rotation_run(rotation, 1000);
	WAIT_UNTIL(is_live(node, peer->name) && is_live(peer, node->name));
	assert_int_equal(peer_status(peer, node->name).reconnects, reconnects + 1);
}

static void both_nodes_change_their_keys_and_nothing_is_lost(void **state)
{
	struct rotation rotation = { .made = 0 };
	struct node *alpha = &rotation.cluster.nodes[0], *beta = &rotation.cluster.nodes[1];

	(void)state;
	cluster_start(&rotation.cluster, 2);
	WAIT_UNTIL(is_live(alpha, "beta") && is_live(beta, "alpha"));
	rotate(&rotation, alpha, beta);
	rotate(&rotation, beta, alpha);
	rotate(&rotation, alpha, beta);
	WAIT_UNTIL(count_web(beta, 0, rotation.made) == rotation.made);
	WAIT_UNTIL(count_web(alpha, 10001, rotation.made) == rotation.made);
	print_message("longest silence: %lld ms\n", (long long)rotation.silence_ms);
	assert_in_range(rotation.silence_ms, 0, PATIENCE_MS / 2);
	cluster_stop(&rotation.cluster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_isnt_a_peers_address_gets_no_answer),
		cmocka_unit_test(who_says_nothing_is_hung_up_on),
		cmocka_unit_test(a_crowd_of_connections_is_cut_and_shut_out_for_a_while),
		cmocka_unit_test(nodes_of_ipv6_let_each_other_in_and_nobody_else),
		cmocka_unit_test(wrong_keys_and_none_are_refused_each_by_its_name),
		cmocka_unit_test(plaintext_is_spoken_only_if_both_say_so),
		cmocka_unit_test(a_key_taken_off_the_list_is_cut),
		cmocka_unit_test(both_nodes_change_their_keys_and_nothing_is_lost),
	};

	return cmocka_run_group_tests_name("sync_security", tests, NULL, NULL);
}
