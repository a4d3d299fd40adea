// SPDX-License-Identifier: GPL-2.0-or-later
/* A daemon that goes and comes again over the same tables: conversations go on where they were. */
#include <sys/stat.h>

#include "base/runfile.h"
#include "sync/held.h"
#include "sync/resume.h"

/* So many that none meets a full bucket. */
#define BUCKETS 16384
#include "sync_cluster.h"

#define MANY 3000

struct pair {
	struct cluster cluster;
	char dirs[2][64];
	struct node *alpha, *beta;
};

static void pair_init(struct pair *pair)
{
	memset(pair, 0, sizeof(*pair));
	cluster_init(&pair->cluster, 2);
	pair->alpha = &pair->cluster.nodes[0];
	pair->beta = &pair->cluster.nodes[1];
	for (uint32_t n = 0; n < 2; n++) {
		strcpy(pair->dirs[n], "/tmp/lbd-test-resume-XXXXXX");
		assert_non_null(mkdtemp(pair->dirs[n]));
		pair->cluster.nodes[n].config.run_dir = pair->dirs[n];
	}
}

static bool both_have_all(struct pair *pair)
{
	return has_all(pair->alpha, "beta") && has_all(pair->beta, "alpha") &&
	       is_live(pair->alpha, "beta") && is_live(pair->beta, "alpha");
}

static bool all_is_acknowledged(struct node *node, const char *peer)
{
	const struct sync_peer_status status = peer_status(node, peer);

	return status.pending_buckets == 0 && status.unacknowledged == 0;
}

/* Both know all that both have made, and know that. */
static void pair_settle(struct pair *pair)
{
	WAIT_UNTIL(both_have_all(pair));
	WAIT_UNTIL(all_is_acknowledged(pair->alpha, "beta"));
	WAIT_UNTIL(all_is_acknowledged(pair->beta, "alpha"));
	/* The whole table is known to have arrived with the acknowledgement of its end. */
	sleep_ms(150);
}

static void pair_start(struct pair *pair)
{
	pair_init(pair);
	make_web(pair->alpha, 0, MANY);
	make_web(pair->beta, 10000, MANY);
	node_start(pair->alpha);
	node_start(pair->beta);
	pair_settle(pair);
}

static bool is_left(const struct pair *pair, uint32_t n)
{
	char path[80];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", pair->dirs[n], RESUME_FILE);
	return stat(path, &st) == 0;
}

static void pair_stop(struct pair *pair)
{
	char path[80];

	cluster_stop(&pair->cluster);
	for (uint32_t n = 0; n < 2; n++) {
		sync_forget(pair->dirs[n]);
		snprintf(path, sizeof(path), "%s/term", pair->dirs[n]);
		unlink(path);
		assert_int_equal(rmdir(pair->dirs[n]), 0);
	}
}

static uint64_t resyncs(struct node *node, const char *peer)
{
	return peer_status(node, peer).resyncs;
}

static uint64_t received(struct node *node, const char *peer)
{
	return peer_status(node, peer).received_records;
}

static uint32_t dirty_words(const struct node *node)
{
	uint32_t count = 0;

	for (uint32_t word = 0; word < BUCKETS / 64; word++)
		count += node->tables.dirty4[word] != 0;
	return count;
}

static void a_node_that_comes_again_tells_and_hears_what_changed_and_no_more(void **state)
{
	struct pair pair;
	uint64_t boot, before;

	(void)state;
	pair_start(&pair);
	boot = peer_status(pair.beta, "alpha").boot;
	assert_int_equal(resyncs(pair.beta, "alpha"), 1);
	node_stop(pair.alpha);
	assert_true(is_left(&pair, 0));
	make_web(pair.alpha, MANY, 20);
	make_web(pair.beta, 10000 + MANY, 20);
	before = received(pair.beta, "alpha");
	node_start(pair.alpha);
	assert_false(is_left(&pair, 0));
	pair_settle(&pair);
	assert_int_equal(peer_status(pair.beta, "alpha").boot, boot);
	assert_int_equal(count_web(pair.beta, 0, MANY + 20), MANY + 20);
	assert_int_equal(count_web(pair.alpha, 10000, MANY + 20), MANY + 20);
	assert_int_equal(resyncs(pair.beta, "alpha"), 1);
	assert_int_equal(resyncs(pair.alpha, "beta"), 0);
	/* 20 flows in two buckets each, and what else stands there. */
	assert_in_range(received(pair.beta, "alpha") - before, 20, 20 * 2 * LBD_BUCKET_SLOTS);
	assert_in_range(received(pair.alpha, "beta"), 20, 20 * 2 * LBD_BUCKET_SLOTS);
	pair_stop(&pair);
}

static void what_wasnt_told_yet_is_told_by_the_next_daemon(void **state)
{
	struct pair pair;

	(void)state;
	pair_start(&pair);
	pair.alpha->config.bandwidth = 100000;
	assert_int_equal(sync_reconfigure(pair.alpha->sync, &pair.alpha->config, NULL), 0);
	make_web(pair.alpha, MANY, 6000);
	WAIT_UNTIL(dirty_words(pair.alpha) == 0);
	node_stop(pair.alpha);
	assert_true(dirty_words(pair.alpha) > 0);
	assert_true(count_web(pair.beta, MANY, 6000) < 6000);
	pair.alpha->config.bandwidth = 0;
	node_start(pair.alpha);
	WAIT_UNTIL(count_web(pair.beta, 0, MANY + 6000) == MANY + 6000);
	pair_settle(&pair);
	assert_int_equal(resyncs(pair.alpha, "beta"), 0);
	assert_int_equal(resyncs(pair.beta, "alpha"), 1);
	pair_stop(&pair);
}

static uint32_t count_held(struct node *node)
{
	uint32_t peer, count = 0;
	const struct held *held = sync_held(node->sync, &peer);
	struct table_entry entry;

	for (uint32_t b = 0; b < node->tables.conn4_buckets; b++)
		for (uint32_t s = 0; s < LBD_BUCKET_SLOTS; s++)
			count += tables_read4(&node->tables, b, s, &entry) &&
				 held_has(held, held_place(&node->tables, false, b, s), &entry);
	return count;
}

static void what_the_peer_holds_is_known_again(void **state)
{
	struct pair pair;

	(void)state;
	pair_start(&pair);
	assert_int_equal(count_held(pair.beta), 2 * MANY);
	node_stop(pair.alpha);
	node_start(pair.alpha);
	pair_settle(&pair);
	assert_int_equal(count_held(pair.alpha), 2 * MANY);
	assert_int_equal(count_held(pair.beta), 2 * MANY);
	pair_stop(&pair);
}

static void both_at_once_go_on_as_well_ten_times_over(void **state)
{
	struct pair pair;

	(void)state;
	pair_start(&pair);
	for (uint32_t n = 0; n < 10; n++) {
		node_stop(pair.alpha);
		node_stop(pair.beta);
		make_web(pair.alpha, MANY + n, 1);
		node_start(pair.beta);
		node_start(pair.alpha);
		WAIT_UNTIL(both_have_all(&pair));
		assert_int_equal(resyncs(pair.alpha, "beta"), 0);
		assert_int_equal(resyncs(pair.beta, "alpha"), 0);
	}
	WAIT_UNTIL(count_web(pair.beta, 0, MANY + 10) == MANY + 10);
	pair_stop(&pair);
}

static void tables_of_another_size_hold_the_same(void **state)
{
	struct tables old, larger;
	struct table_entry entry;
	struct pair pair;

	(void)state;
	pair_start(&pair);
	node_stop(pair.alpha);
	old = pair.alpha->tables;
	fixture_tables(&larger, 2 * BUCKETS, 99);
	larger.tick_base_ns = old.tick_base_ns;
	for (uint32_t b = 0; b < BUCKETS; b++)
		for (uint32_t s = 0; s < LBD_BUCKET_SLOTS; s++)
			if (tables_read4(&old, b, s, &entry))
				assert_int_equal(tables_put(&larger, &entry), TABLES_PUT_ADDED);
	pair.alpha->tables = larger;
	fixture_tables_free(&old);
	node_start(pair.alpha);
	make_web(pair.alpha, MANY, 10);
	WAIT_UNTIL(count_web(pair.beta, 0, MANY + 10) == MANY + 10);
	pair_settle(&pair);
	assert_int_equal(resyncs(pair.alpha, "beta"), 0);
	assert_int_equal(resyncs(pair.beta, "alpha"), 1);
	assert_int_equal(count_held(pair.alpha), 2 * MANY + 10);
	pair_stop(&pair);
}

static void an_equal_table_is_proven_after_a_resume(void **state)
{
	struct pair pair;

	(void)state;
	pair_start(&pair);
	sync_set_role(pair.alpha->sync, SYNC_ROLE_ACTIVE);
	sync_set_role(pair.beta->sync, SYNC_ROLE_STANDBY);
	node_stop(pair.beta);
	node_start(pair.beta);
	sync_set_role(pair.beta->sync, SYNC_ROLE_STANDBY);
	assert_false(has_all(pair.beta, "alpha"));
	WAIT_UNTIL(has_all(pair.beta, "alpha"));
	WAIT_UNTIL(peer_status(pair.beta, "alpha").holds.agreed_ms_ago >= 0);
	assert_int_equal(resyncs(pair.alpha, "beta"), 1);
	pair_stop(&pair);
}

/* One that goes on with a table that lacks something: the digests find it. */
static void what_is_lost_against_all_promises_is_found_and_repaired(void **state)
{
	struct table_entry entry;
	struct pair pair;

	(void)state;
	pair_start(&pair);
	sync_set_role(pair.alpha->sync, SYNC_ROLE_ACTIVE);
	node_stop(pair.beta);
	for (uint32_t b = 0; b < BUCKETS; b++)
		memset(&pair.beta->tables.conn4[b], 0, (b % 64 == 0) * sizeof(struct lbd_bucket));
	assert_true(count_web(pair.beta, 0, MANY) < MANY);
	node_start(pair.beta);
	sync_set_role(pair.beta->sync, SYNC_ROLE_STANDBY);
	WAIT_UNTIL(count_web(pair.beta, 0, MANY) == MANY);
	assert_true(find_web(pair.beta, 7, &entry));
	assert_int_equal(resyncs(pair.alpha, "beta"), 1);
	pair_stop(&pair);
}

/* --- who must not claim to go on */

static void expect_anew(struct pair *pair, uint64_t boot)
{
	node_start(pair->alpha);
	pair_settle(pair);
	assert_int_not_equal(peer_status(pair->beta, "alpha").boot, boot);
	assert_int_equal(resyncs(pair->beta, "alpha"), 2);
	assert_int_equal(resyncs(pair->alpha, "beta"), 1);
	assert_int_equal(count_web(pair->alpha, 10000, MANY), MANY);
	assert_int_equal(count_web(pair->beta, 0, MANY), MANY);
}

static void tables_made_anew_are_told_everything(void **state)
{
	struct pair pair;
	uint64_t boot;

	(void)state;
	pair_start(&pair);
	boot = peer_status(pair.beta, "alpha").boot;
	node_stop(pair.alpha);
	fixture_tables_free(&pair.alpha->tables);
	fixture_tables(&pair.alpha->tables, BUCKETS, 4711);
	make_web(pair.alpha, 0, MANY);
	sync_forget(pair.dirs[0]);
	expect_anew(&pair, boot);
	pair_stop(&pair);
}

static void garbage_in_the_file_is_refused(void **state)
{
	static const char *const lines[] = {
		"",
		"1",
		"garbage",
		"2 12ab beta 1 2",
		"1 0 beta 1 2",
		"1 12ab beta",
		"1 12ab beta 1",
		"1 12ab beta 1 2 x",
		"1 12ab beta zz 2",
	};
	struct resume resume;
	struct pair pair;
	uint64_t boot;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		assert_int_equal(resume_parse(lines[i], &resume), -EINVAL);
		assert_int_equal(resume.boot, 0);
	}
	pair_start(&pair);
	boot = peer_status(pair.beta, "alpha").boot;
	node_stop(pair.alpha);
	assert_int_equal(runfile_write(pair.dirs[0], RESUME_FILE, lines[7], NULL), 0);
	expect_anew(&pair, boot);
	pair_stop(&pair);
}

/* It says of a peer what isn't so: the peer was another since. */
static void a_peer_that_isnt_who_was_meant_is_told_everything(void **state)
{
	struct pair pair;
	uint64_t boot;

	(void)state;
	pair_start(&pair);
	node_stop(pair.alpha);
	boot = peer_status(pair.beta, "alpha").boot;
	node_stop(pair.beta);
	sync_forget(pair.dirs[1]);
	node_start(pair.beta);
	node_start(pair.alpha);
	pair_settle(&pair);
	assert_int_equal(peer_status(pair.beta, "alpha").boot, boot);
	assert_int_equal(resyncs(pair.alpha, "beta"), 1);
	assert_int_equal(resyncs(pair.beta, "alpha"), 1);
	pair_stop(&pair);
}

static void records_kept_aside_go_with_the_daemon_and_are_told_again(void **state)
{
	struct sync_kept kept;
	struct pair pair;

	(void)state;
	pair_init(&pair);
	pair.beta->model.services[pair.beta->web].id = 0;
	make_web(pair.alpha, 0, 100);
	node_start(pair.alpha);
	node_start(pair.beta);
	pair_settle(&pair);
	node_stop(pair.beta);
	node_start(pair.beta);
	pair_settle(&pair);
	sync_get_kept(pair.beta->sync, &kept);
	assert_int_equal(kept.held, 100);
	assert_int_equal(resyncs(pair.alpha, "beta"), 2);
	/* What beta has told stands in alpha's table. */
	assert_int_equal(resyncs(pair.beta, "alpha"), 0);
	pair_stop(&pair);
}

static void the_line_is_read_as_it_was_written(void **state)
{
	struct resume resume = { .boot = 0xfedcba9876543210 }, found;
	char line[RESUME_LINE_MAX];

	(void)state;
	for (uint32_t i = 0; i < RESUME_PEERS_MAX + 1; i++) {
		struct resume_peer peer = { .told = UINT64_MAX - i, .heard = i };

		memset(peer.name, 'a', sizeof(peer.name) - 1);
		peer.name[0] = (char)('0' + i);
		resume_add(&resume, &peer);
	}
	resume_print(&resume, line);
	assert_int_equal(resume_parse(line, &found), 0);
	assert_memory_equal(&found, &resume, sizeof(found));
	assert_int_equal(found.count, RESUME_PEERS_MAX);
	assert_int_equal(resume_find(&found, resume.peers[3].name)->heard, 3);
	assert_null(resume_find(&found, "nobody"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_line_is_read_as_it_was_written),
		cmocka_unit_test(a_node_that_comes_again_tells_and_hears_what_changed_and_no_more),
		cmocka_unit_test(what_wasnt_told_yet_is_told_by_the_next_daemon),
		cmocka_unit_test(what_the_peer_holds_is_known_again),
		cmocka_unit_test(both_at_once_go_on_as_well_ten_times_over),
		cmocka_unit_test(tables_of_another_size_hold_the_same),
		cmocka_unit_test(an_equal_table_is_proven_after_a_resume),
		cmocka_unit_test(what_is_lost_against_all_promises_is_found_and_repaired),
		cmocka_unit_test(tables_made_anew_are_told_everything),
		cmocka_unit_test(garbage_in_the_file_is_refused),
		cmocka_unit_test(a_peer_that_isnt_who_was_meant_is_told_everything),
		cmocka_unit_test(records_kept_aside_go_with_the_daemon_and_are_told_again),
	};

	return cmocka_run_group_tests_name("sync_resume", tests, NULL, NULL);
}
