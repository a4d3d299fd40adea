// SPDX-License-Identifier: GPL-2.0-or-later
/* Whole nodes that take over, part, meet again and come back: whose version of a connection stands. */
#include "base/runfile.h"
#include "sync_cluster.h"

/* Ticks of 20 ms, so that ages pass quickly. */
#define TICK_NS 20000000

static void node_quicken(struct node *node)
{
	node->tables.tick_ns = TICK_NS;
	node->tables.timeouts = (struct lbd_timeouts){
		.tcp = 50000, .udp = 50000, .closing = 50000, .unconfirmed = 50000, .guard = 5
	};
}

static void cluster_quicken(struct cluster *cluster)
{
	cluster_init(cluster, 2);
	for (uint32_t n = 0; n < cluster->count; n++)
		node_quicken(&cluster->nodes[n]);
}

static void wait_ticks(uint32_t ticks)
{
	sleep_ms(ticks * (TICK_NS / 1000000));
}

static struct sync_term term_of(struct node *node)
{
	struct sync_term term;

	sync_get_term(node->sync, &term);
	return term;
}

static void take_over(struct node *node, uint64_t term)
{
	sync_set_role(node->sync, SYNC_ROLE_ACTIVE);
	WAIT_UNTIL(term_of(node).own == term);
}

static void part(struct cluster *cluster)
{
	struct error err = { "", "" };

	for (uint32_t n = 0; n < cluster->count; n++) {
		struct sync_config alone = cluster->nodes[n].config;

		alone.peers_count = 0;
		assert_int_equal(sync_reconfigure(cluster->nodes[n].sync, &alone, &err), 0);
	}
}

static void meet(struct cluster *cluster)
{
	struct error err = { "", "" };

	for (uint32_t n = 0; n < cluster->count; n++)
		assert_int_equal(
			sync_reconfigure(cluster->nodes[n].sync, &cluster->nodes[n].config, &err),
			0);
	WAIT_UNTIL(has_all(&cluster->nodes[0], "beta") && has_all(&cluster->nodes[1], "alpha"));
}

/* Packets of connections @first.. pass @node, the last of them @idle ticks ago. */
static void carry(struct node *node, uint32_t first, uint32_t count, uint16_t backend,
		  uint32_t idle)
{
	for (uint32_t n = first; n < first + count; n++) {
		struct table_entry entry = fixture_entry(&node->tables, n, false, node->web,
							 (uint16_t)(node->backend + backend));
		__u64 held, *word = tables_find_value(&node->tables, &entry, &held);

		entry.tick -= idle;
		if (word)
			__atomic_store_n(word,
					 lbd_value_make(entry.backend, entry.vip_port, entry.flags,
							entry.tick),
					 __ATOMIC_SEQ_CST);
		else
			assert_int_equal(tables_put(&node->tables, &entry), TABLES_PUT_ADDED);
		fixture_mark(&node->tables, &entry);
	}
}

/* How many of the connections @node would send to that backend. */
static uint32_t count_to(struct node *node, uint32_t first, uint32_t count, uint16_t backend)
{
	struct table_entry entry;
	uint32_t found = 0;

	for (uint32_t n = first; n < first + count; n++)
		found += find_web(node, n, &entry) && entry.backend == node->backend + backend;
	return found;
}

static void terms_grow_with_each_takeover_and_are_heard(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1];

	(void)state;
	cluster_start(&cluster, 2);
	assert_int_equal(term_of(alpha).began_ms_ago, -1);
	take_over(alpha, 1);
	WAIT_UNTIL(term_of(beta).known == 1 && peer_status(beta, "alpha").term == 1);
	assert_int_equal(term_of(beta).own, 0);
	sync_set_role(alpha->sync, SYNC_ROLE_STANDBY);
	take_over(beta, 2);
	WAIT_UNTIL(term_of(alpha).known == 2 && peer_status(alpha, "beta").term == 2);
	sync_set_role(beta->sync, SYNC_ROLE_STANDBY);
	take_over(alpha, 3);
	assert_in_range(term_of(alpha).began_ms_ago, 0, PATIENCE_MS);
	cluster_stop(&cluster);
}

/* Its clock stood still, so its connections seem younger than they are. */
static void a_master_that_was_paused_does_not_overwrite_what_its_successor_has_seen(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1];

	(void)state;
	cluster_quicken(&cluster);
	node_start(alpha);
	node_start(beta);
	take_over(alpha, 1);
	WAIT_UNTIL(is_live(alpha, "beta") && term_of(beta).known == 1);
	part(&cluster);
	take_over(beta, 2);
	wait_ticks(10);
	carry(alpha, 0, 100, 0, 0);
	carry(beta, 0, 100, 1, 5);
	meet(&cluster);
	WAIT_UNTIL(count_to(alpha, 0, 100, 1) == 100);
	assert_int_equal(count_to(beta, 0, 100, 1), 100);
	assert_int_equal(peer_status(beta, "alpha").older, 100);
	cluster_stop(&cluster);
}

static void after_a_partition_each_connection_stays_where_it_was_carried(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1];

	(void)state;
	cluster_quicken(&cluster);
	carry(alpha, 0, 300, 0, 50);
	node_start(alpha);
	node_start(beta);
	take_over(alpha, 1);
	WAIT_UNTIL(count_to(beta, 0, 300, 0) == 300 && term_of(beta).known == 1);
	part(&cluster);
	take_over(beta, 2);
	wait_ticks(10);
	carry(alpha, 0, 100, 0, 3);   /* by the lower term alone */
	carry(beta, 100, 100, 1, 3);  /* by the higher alone: begun anew meanwhile */
	carry(alpha, 200, 100, 0, 0); /* by both */
	carry(beta, 200, 100, 1, 5);
	carry(alpha, 300, 100, 1, 1); /* new ones */
	carry(beta, 400, 100, 1, 1);
	meet(&cluster);
	WAIT_UNTIL(count_to(alpha, 100, 200, 1) == 200);
	WAIT_UNTIL(count_to(beta, 300, 100, 1) == 100 && count_to(alpha, 400, 100, 1) == 100);
	for (uint32_t n = 0; n < 2; n++) {
		assert_int_equal(count_to(&cluster.nodes[n], 0, 100, 0), 100);
		assert_int_equal(count_to(&cluster.nodes[n], 100, 200, 1), 200);
	}
	/* Both are active still, and neither gave up its term. */
	assert_int_equal(term_of(alpha).own, 1);
	assert_int_equal(term_of(beta).own, 2);
	cluster_stop(&cluster);
}

static void of_equal_terms_the_greater_name_stands(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1];

	(void)state;
	cluster_quicken(&cluster);
	node_start(alpha);
	node_start(beta);
	part(&cluster);
	take_over(alpha, 1);
	take_over(beta, 1);
	wait_ticks(10);
	carry(alpha, 0, 100, 0, 0);
	carry(beta, 0, 100, 1, 5);
	meet(&cluster);
	WAIT_UNTIL(count_to(alpha, 0, 100, 1) == 100);
	assert_int_equal(count_to(beta, 0, 100, 1), 100);
	cluster_stop(&cluster);
}

static void whoever_keeps_the_traffic_after_a_partition_gets_the_higher_term(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1];

	(void)state;
	cluster_quicken(&cluster);
	node_start(alpha);
	node_start(beta);
	take_over(alpha, 1);
	WAIT_UNTIL(is_live(alpha, "beta") && term_of(beta).known == 1);
	part(&cluster);
	take_over(beta, 2);
	wait_ticks(10);
	carry(beta, 0, 100, 1, 8);
	meet(&cluster);
	carry(alpha, 0, 100, 0, 0);
	sync_set_role(beta->sync, SYNC_ROLE_STANDBY);
	WAIT_UNTIL(term_of(alpha).own == 3);
	WAIT_UNTIL(term_of(beta).known == 3);
	carry(alpha, 0, 100, 0, 0);
	WAIT_UNTIL(count_to(beta, 0, 100, 0) == 100);
	assert_int_equal(count_to(alpha, 0, 100, 0), 100);
	cluster_stop(&cluster);
}

/* A standby's copies are no evidence: what it tells of them doesn't count against who saw them. */
static void what_is_second_hand_does_not_overwrite_what_was_seen(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1];
	struct table_entry told;

	(void)state;
	cluster_quicken(&cluster);
	node_start(alpha);
	take_over(alpha, 1);
	wait_ticks(10);
	carry(alpha, 0, 1, 0, 5);
	told = fixture_entry(&beta->tables, 0, false, beta->web, (uint16_t)(beta->backend + 1));
	told.flags |= LBD_CONN_REMOTE;
	told.tick -= 5;
	assert_int_equal(tables_put(&beta->tables, &told), TABLES_PUT_ADDED);
	node_start(beta);
	WAIT_UNTIL(has_all(alpha, "beta") && has_all(beta, "alpha"));
	WAIT_UNTIL(count_to(beta, 0, 1, 0) == 1);
	assert_int_equal(count_to(alpha, 0, 1, 0), 1);
	cluster_stop(&cluster);
}

/* --- on disk */

static void run_dir_make(struct node *node, char *dir)
{
	strcpy(dir, "/tmp/lbd-test-term-XXXXXX");
	assert_non_null(mkdtemp(dir));
	node->config.run_dir = dir;
}

static void run_dir_remove(const char *dir)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/term", dir);
	unlink(path);
	sync_forget(dir);
	assert_int_equal(rmdir(dir), 0);
}

static void a_restarted_daemon_goes_on_with_its_term(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0];
	struct sync_term term;
	char dir[32];

	(void)state;
	cluster_init(&cluster, 2);
	run_dir_make(alpha, dir);
	node_start(alpha);
	node_start(&cluster.nodes[1]);
	take_over(alpha, 1);
	sleep_ms(60);
	node_stop(alpha);
	node_start(alpha);
	sync_set_role(alpha->sync, SYNC_ROLE_ACTIVE);
	WAIT_UNTIL(is_live(alpha, "beta"));
	term = term_of(alpha);
	assert_int_equal(term.own, 1);
	assert_in_range(term.began_ms_ago, 60, PATIENCE_MS);
	assert_int_equal(term_of(&cluster.nodes[1]).known, 1);
	cluster_stop(&cluster);
	run_dir_remove(dir);
}

static void a_daemon_whose_node_lost_the_traffic_meanwhile_takes_over_anew(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0];
	char dir[32];

	(void)state;
	cluster_init(&cluster, 2);
	run_dir_make(alpha, dir);
	node_start(alpha);
	take_over(alpha, 1);
	node_stop(alpha);
	node_start(alpha);
	sync_set_role(alpha->sync, SYNC_ROLE_UNKNOWN);
	sleep_ms(50);
	take_over(alpha, 2);
	node_stop(alpha);
	fixture_tables_free(&alpha->tables);
	fixture_tables_free(&cluster.nodes[1].tables);
	run_dir_remove(dir);
}

static void a_rebooted_node_learns_the_highest_term_from_its_peers(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1];
	char dir[32];

	(void)state;
	cluster_init(&cluster, 2);
	run_dir_make(alpha, dir);
	assert_int_equal(runfile_write(dir, "term", "4 100 0 7", NULL), 0);
	node_start(alpha);
	node_start(beta);
	WAIT_UNTIL(term_of(beta).known == 7);
	node_stop(alpha);
	run_dir_remove(dir);
	alpha->config.run_dir = NULL;
	node_start(alpha);
	WAIT_UNTIL(term_of(alpha).known == 7);
	assert_int_equal(term_of(alpha).own, 0);
	take_over(alpha, 8);
	cluster_stop(&cluster);
}

static void a_line_of_another_boot_is_not_gone_on_with(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0];
	char dir[32];

	(void)state;
	cluster_init(&cluster, 1);
	run_dir_make(alpha, dir);
	assert_int_equal(runfile_write(dir, "term", "4 9223372036854775807 0 7", NULL), 0);
	node_start(alpha);
	assert_int_equal(term_of(alpha).known, 0);
	cluster_stop(&cluster);
	run_dir_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(terms_grow_with_each_takeover_and_are_heard),
		cmocka_unit_test(
			a_master_that_was_paused_does_not_overwrite_what_its_successor_has_seen),
		cmocka_unit_test(after_a_partition_each_connection_stays_where_it_was_carried),
		cmocka_unit_test(of_equal_terms_the_greater_name_stands),
		cmocka_unit_test(whoever_keeps_the_traffic_after_a_partition_gets_the_higher_term),
		cmocka_unit_test(what_is_second_hand_does_not_overwrite_what_was_seen),
		cmocka_unit_test(a_restarted_daemon_goes_on_with_its_term),
		cmocka_unit_test(a_daemon_whose_node_lost_the_traffic_meanwhile_takes_over_anew),
		cmocka_unit_test(a_rebooted_node_learns_the_highest_term_from_its_peers),
		cmocka_unit_test(a_line_of_another_boot_is_not_gone_on_with),
	};

	return cmocka_run_group_tests_name("sync_terms", tests, NULL, NULL);
}
