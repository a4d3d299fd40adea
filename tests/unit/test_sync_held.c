// SPDX-License-Identifier: GPL-2.0-or-later
/* What a peer holds by its acknowledgements, the lag, and samples for a drill. */
#include "sync/held.h"
#include "sync_cluster.h"

static uint32_t count_held(struct node *node)
{
	uint32_t peer, count = 0;
	const struct held *held = sync_held(node->sync, &peer);
	struct table_entry entry;

	for (uint32_t b = 0; b < BUCKETS; b++)
		for (uint32_t s = 0; s < LBD_BUCKET_SLOTS; s++)
			count += tables_read4(&node->tables, b, s, &entry) &&
				 held_has(held, held_place(&node->tables, false, b, s), &entry);
	return count;
}

static void what_a_peer_acknowledged_is_held_and_lag_is_known(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0];
	struct sync_peer_status status;

	(void)state;
	cluster_start(&cluster, 2);
	WAIT_UNTIL(is_live(alpha, "beta"));
	assert_int_equal(count_held(alpha), 0);
	make_web(alpha, 0, 500);
	WAIT_UNTIL(count_held(alpha) == 500);
	WAIT_UNTIL(peer_status(alpha, "beta").unsynced_ms == 0);
	WAIT_UNTIL(peer_status(alpha, "beta").unacknowledged == 0);
	WAIT_UNTIL(peer_status(alpha, "beta").lag_p50_us >= 0);
	status = peer_status(alpha, "beta");
	assert_in_range(status.lag_p50_us, 1, 1000000);
	assert_true(status.lag_p99_us >= status.lag_p50_us);
	cluster_stop(&cluster);
}

static void a_peer_that_starts_again_holds_nothing_until_it_has_acknowledged(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1];

	(void)state;
	cluster_start(&cluster, 2);
	make_web(alpha, 0, 300);
	WAIT_UNTIL(count_held(alpha) == 300);
	node_stop(beta);
	WAIT_UNTIL(!is_live(alpha, "beta"));
	make_web(alpha, 300, 10);
	sleep_ms(50);
	assert_int_equal(count_held(alpha), 300);
	node_start(beta);
	WAIT_UNTIL(count_held(alpha) == 310);
	cluster_stop(&cluster);
}

/* --- what a full table refuses */

#define FLOWS 1000
#define SMALL_BUCKETS 64

/* Does @node think that its peer holds flow @n? */
static bool is_held(struct node *node, uint32_t n)
{
	uint32_t peer;
	const struct held *held = sync_held(node->sync, &peer);
	struct table_entry flow = fixture_entry(&node->tables, n, false, node->web, 0), entry;
	__u64 value, *word = tables_find_value(&node->tables, &flow, &value);

	assert_non_null(word);
	tables_entry_of(&flow, value, &entry);
	return held_has(held, held_place_of(&node->tables, false, word), &entry);
}

/* Flows that count as held and aren't there, and the other way round. */
struct mistakes {
	uint32_t there, missing;
};

static struct mistakes compare(struct node *node, struct node *peer)
{
	struct mistakes mistakes = { 0, 0 };
	struct table_entry entry;

	for (uint32_t n = 0; n < FLOWS; n++) {
		bool held = is_held(node, n), there = find_web(peer, n, &entry);

		mistakes.there += there && !held;
		mistakes.missing += held && !there;
	}
	return mistakes;
}

static bool is_exact(struct node *node, struct node *peer)
{
	struct mistakes mistakes = compare(node, peer);

	return mistakes.there == 0 && mistakes.missing == 0;
}

/* A cluster whose second node has a table of 256 slots. */
static void cluster_uneven(struct cluster *cluster, uint32_t count)
{
	struct node *small;

	cluster_init(cluster, count);
	small = &cluster->nodes[1];
	fixture_tables_free(&small->tables);
	fixture_tables(&small->tables, SMALL_BUCKETS, 5);
}

static void start_active(struct cluster *cluster)
{
	for (uint32_t n = 0; n < cluster->count; n++)
		node_start(&cluster->nodes[n]);
	sync_set_role(cluster->nodes[0].sync, SYNC_ROLE_ACTIVE);
	for (uint32_t n = 1; n < cluster->count; n++)
		sync_set_role(cluster->nodes[n].sync, SYNC_ROLE_STANDBY);
}

/* Packets of all of them: each is told again, acknowledged and refused. */
static void refresh(struct node *node)
{
	for (uint32_t n = 0; n < FLOWS; n++) {
		struct table_entry flow = fixture_entry(&node->tables, n, false, node->web, 0);

		fixture_mark(&node->tables, &flow);
	}
}

/* Beyond the next repair, which is asked for 2 s after the first. */
#define REPAIRS_MS 3000

static void what_a_full_table_refused_is_not_held_and_the_rest_is(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1];

	(void)state;
	cluster_uneven(&cluster, 2);
	make_web(alpha, 0, FLOWS);
	start_active(&cluster);
	WAIT_UNTIL(peer_status(alpha, "beta").held.divergences > 0);
	WAIT_UNTIL(is_exact(alpha, beta));
	print_message("%u of %u are held\n", count_held(alpha), FLOWS);
	assert_in_range(count_held(alpha), 1, SMALL_BUCKETS * LBD_BUCKET_SLOTS);
	for (int64_t end_ms = monotonic_ms() + REPAIRS_MS; monotonic_ms() < end_ms;) {
		refresh(alpha);
		sleep_ms(10);
		assert_int_equal(compare(alpha, beta).missing, 0);
	}
	WAIT_UNTIL(is_exact(alpha, beta));
	cluster_stop(&cluster);
}

static void remove_silently(struct node *node, uint32_t n)
{
	const struct tables *tables = &node->tables;
	struct table_entry flow = fixture_entry(tables, n, false, node->web, 0);
	__u64 value, *word = tables_find_value(tables, &flow, &value);
	uint32_t place;

	assert_non_null(word);
	place = held_place_of(tables, false, word);
	LBD_WRITE_ONCE(tables->conn4[place / LBD_BUCKET_SLOTS].key[place % LBD_BUCKET_SLOTS],
		       LBD_KEY_EMPTY);
}

static void what_was_refused_and_then_found_room_is_held_again(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1];
	struct table_entry entry;
	uint32_t left = 0;

	(void)state;
	cluster_uneven(&cluster, 2);
	make_web(alpha, 0, FLOWS);
	start_active(&cluster);
	WAIT_UNTIL(peer_status(alpha, "beta").held.divergences > 0 && is_exact(alpha, beta));
	for (uint32_t n = 0; n < FLOWS; n++) {
		bool there = find_web(beta, n, &entry);

		if (there)
			remove_silently(beta, n);
		if (there || left == 20)
			remove_silently(alpha, n);
		else
			left++;
	}
	assert_int_equal(left, 20);
	refresh(alpha);
	/* A repair may bring some of the others back. */
	WAIT_UNTIL(count_held(alpha) >= left && count_held(alpha) == count_web(alpha, 0, FLOWS));
	WAIT_UNTIL(count_held(alpha) == count_web(beta, 0, FLOWS));
	cluster_stop(&cluster);
}

/* Both its peers were told of them by the third node, and only one has the room. */
static void what_a_third_node_told_is_not_held_by_who_refused_it(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1],
		    *gamma = &cluster.nodes[2];

	(void)state;
	cluster_uneven(&cluster, 3);
	make_web(gamma, 0, FLOWS);
	start_active(&cluster);
	WAIT_UNTIL(count_web(alpha, 0, FLOWS) == FLOWS);
	WAIT_UNTIL(peer_status(alpha, "beta").held.divergences > 0);
	node_stop(gamma);
	WAIT_UNTIL(!is_live(alpha, "gamma"));
	WAIT_UNTIL(is_exact(alpha, beta));
	assert_in_range(count_held(alpha), 1, SMALL_BUCKETS * LBD_BUCKET_SLOTS);
	cluster_stop(&cluster);
}

static void an_active_node_is_asked_for_a_sample(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1];
	struct sync_sample *sample = calloc(1, sizeof(*sample));
	uint64_t number;

	(void)state;
	assert_non_null(sample);
	cluster_start(&cluster, 2);
	make_web(alpha, 0, 400);
	make_dns(alpha, 0, 20);
	WAIT_UNTIL(is_live(alpha, "beta") && is_live(beta, "alpha"));
	assert_int_equal(sync_ask_sample(beta->sync, 50, &number), -ENOENT);
	sync_set_role(alpha->sync, SYNC_ROLE_ACTIVE);
	WAIT_UNTIL(peer_status(beta, "alpha").role == SYNC_ROLE_ACTIVE);
	assert_int_equal(sync_ask_sample(beta->sync, 50, &number), 0);
	WAIT_UNTIL((sync_get_sample(beta->sync, sample), sample->number == number));
	assert_string_equal(sample->peer, "alpha");
	assert_int_equal(sample->count, 50);
	assert_int_equal(sample->unknown, 0);
	for (uint32_t i = 0; i < sample->count; i++)
		assert_true(sample->entries[i].service == beta->web ||
			    sample->entries[i].service == beta->dns);
	free(sample);
	cluster_stop(&cluster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_peer_acknowledged_is_held_and_lag_is_known),
		cmocka_unit_test(a_peer_that_starts_again_holds_nothing_until_it_has_acknowledged),
		cmocka_unit_test(what_a_full_table_refused_is_not_held_and_the_rest_is),
		cmocka_unit_test(what_was_refused_and_then_found_room_is_held_again),
		cmocka_unit_test(what_a_third_node_told_is_not_held_by_who_refused_it),
		cmocka_unit_test(an_active_node_is_asked_for_a_sample),
	};

	return cmocka_run_group_tests_name("sync_held", tests, NULL, NULL);
}
