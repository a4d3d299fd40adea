// SPDX-License-Identifier: GPL-2.0-or-later
/* Whole nodes in one process, over loopback: what is made on one arrives on the others. */
#include "base/monotonic.h"
#include "sync_cluster.h"

static bool says_role(struct node *node, const char *peer, enum sync_role role)
{
	return peer_status(node, peer).role == role;
}

static void a_peer_hears_of_a_role_at_once(void **state)
{
	struct cluster cluster;

	(void)state;
	cluster_start(&cluster, 2);
	WAIT_UNTIL(is_live(&cluster.nodes[0], "beta"));
	sync_set_role(cluster.nodes[0].sync, SYNC_ROLE_ACTIVE);
	sync_set_role(cluster.nodes[1].sync, SYNC_ROLE_STANDBY);
	WAIT_UNTIL(says_role(&cluster.nodes[1], "alpha", SYNC_ROLE_ACTIVE));
	WAIT_UNTIL(says_role(&cluster.nodes[0], "beta", SYNC_ROLE_STANDBY));
	cluster_stop(&cluster);
}

static void peers_tell_each_other_which_release_they_are(void **state)
{
	struct cluster cluster;

	(void)state;
	cluster_start(&cluster, 2);
	WAIT_UNTIL(is_live(&cluster.nodes[0], "beta"));
	WAIT_UNTIL(is_live(&cluster.nodes[1], "alpha"));
	assert_string_equal(peer_status(&cluster.nodes[0], "beta").release, LBD_VERSION);
	assert_string_equal(peer_status(&cluster.nodes[1], "alpha").release, LBD_VERSION);
	cluster_stop(&cluster);
}

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

/* 20,000 records of 18 bytes at 300 kB/s: more than a second, while heartbeats go on. */
static void bulk_keeps_to_the_bandwidth_and_heartbeats_go_on(void **state)
{
	enum { MANY = 20000, RATE = 300000 };
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1];
	int64_t started_ns = monotonic_ns(), took_ms;
	uint64_t sent;

	(void)state;
	cluster_init(&cluster, 2);
	for (uint32_t n = 0; n < 2; n++) {
		fixture_tables_free(&cluster.nodes[n].tables);
		fixture_tables(&cluster.nodes[n].tables, 65536, 77 * (n + 1));
	}
	alpha->config.bandwidth = RATE;
	make_web(alpha, 0, MANY);
	node_start(alpha);
	node_start(beta);
	WAIT_UNTIL(count_web(beta, MANY - 10, 10) > 0 || peer_status(beta, "alpha").applied > 0);
	WAIT_UNTIL(peer_status(beta, "alpha").received_records >= MANY);
	took_ms = (monotonic_ns() - started_ns) / 1000000;
	sent = peer_status(alpha, "beta").sent_bytes;
	print_message("%llu bytes in %lld ms\n", (unsigned long long)sent, (long long)took_ms);
	assert_in_range(took_ms, (MANY * 18 - RATE / 10) * 1000LL / RATE - 100, PATIENCE_MS);
	assert_int_equal(peer_status(alpha, "beta").reconnects, 0);
	WAIT_UNTIL(is_live(alpha, "beta"));
	assert_int_equal(count_web(beta, 0, MANY), MANY);
	cluster_stop(&cluster);
}

static void a_small_share_of_a_core_is_enough_to_stay_alive(void **state)
{
	enum { MANY = 20000 };
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1];

	(void)state;
	cluster_init(&cluster, 2);
	for (uint32_t n = 0; n < 2; n++) {
		fixture_tables_free(&cluster.nodes[n].tables);
		fixture_tables(&cluster.nodes[n].tables, 65536, 77 * (n + 1));
		cluster.nodes[n].config.cpu = 5;
	}
	node_start(alpha);
	node_start(beta);
	WAIT_UNTIL(is_live(alpha, "beta") && is_live(beta, "alpha"));
	make_web(alpha, 0, MANY);
	WAIT_UNTIL(count_web(beta, 0, MANY) == MANY);
	assert_int_equal(peer_status(alpha, "beta").reconnects, 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_hears_of_a_role_at_once),
		cmocka_unit_test(peers_tell_each_other_which_release_they_are),
		cmocka_unit_test(what_was_there_before_arrives_under_the_others_ids),
		cmocka_unit_test(what_is_made_later_arrives_too_in_both_directions),
		cmocka_unit_test(an_unconfirmed_connection_stays_at_home),
		cmocka_unit_test(a_closing_connection_is_known_as_closing),
		cmocka_unit_test(three_nodes_all_know_everything),
		cmocka_unit_test(a_restarted_node_gets_everything_again),
		cmocka_unit_test(bulk_keeps_to_the_bandwidth_and_heartbeats_go_on),
		cmocka_unit_test(a_small_share_of_a_core_is_enough_to_stay_alive),
		cmocka_unit_test(a_node_that_went_is_stale_until_it_is_back),
		cmocka_unit_test(a_node_of_another_name_is_refused),
		cmocka_unit_test(records_unknown_at_first_come_once_the_config_does),
		cmocka_unit_test(records_made_before_their_own_dictionary_are_sent_after_it),
		cmocka_unit_test(a_dictionary_of_many_parts_arrives_whole),
		cmocka_unit_test(a_peer_taken_out_and_put_back_is_complete_again),
		cmocka_unit_test(an_unchanged_config_disturbs_nothing),
		cmocka_unit_test(an_address_in_use_is_an_error_that_names_it),
		cmocka_unit_test(a_node_may_move_to_another_address),
	};

	return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
