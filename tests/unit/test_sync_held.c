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
		cmocka_unit_test(an_active_node_is_asked_for_a_sample),
	};

	return cmocka_run_group_tests_name("sync_held", tests, NULL, NULL);
}
