// SPDX-License-Identifier: GPL-2.0-or-later
/* Whole nodes that prove to each other what they hold: what differs is found and repaired. */
#include <pthread.h>
#include <stdatomic.h>

#include "base/monotonic.h"
#include "sync/wire.h"

#define BUCKETS 16384 /* so that churn never finds both buckets full */
#include "sync_cluster.h"

#define REPAIR_MS 5000

static bool agrees(struct node *node, const char *peer)
{
	struct sync_proof holds = peer_status(node, peer).holds;

	return holds.passes > 0 && holds.agreed == WIRE_REGIONS;
}

static bool is_told_to_agree(struct node *node, const char *peer)
{
	struct sync_proof held = peer_status(node, peer).held;

	return held.passes > 0 && held.agreed == WIRE_REGIONS && held.agreed_ms_ago >= 0;
}

/* An active node with some connections, and standbys that have them. */
static void start_proven(struct cluster *cluster, uint32_t count)
{
	cluster_start(cluster, count);
	sync_set_role(cluster->nodes[0].sync, SYNC_ROLE_ACTIVE);
	for (uint32_t n = 1; n < count; n++)
		sync_set_role(cluster->nodes[n].sync, SYNC_ROLE_STANDBY);
	make_web(&cluster->nodes[0], 0, 1000);
	make_dns(&cluster->nodes[0], 0, 300);
	for (uint32_t n = 1; n < count; n++) {
		struct node *node = &cluster->nodes[n];

		WAIT_UNTIL(count_web(node, 0, 1000) == 1000 && count_dns(node, 0, 300) == 300);
		WAIT_UNTIL(agrees(node, "alpha"));
		WAIT_UNTIL(is_told_to_agree(&cluster->nodes[0], node->name));
		assert_int_equal(peer_status(node, "alpha").holds.divergences, 0);
	}
}

/* As memory that fails does: nobody is told. */
static void remove_silently(struct node *node, const struct table_entry *flow)
{
	const struct tables *tables = &node->tables;
	struct table_entry entry;

	for (uint32_t b = 0; b < tables->conn4_buckets; b++)
		for (uint32_t s = 0; s < LBD_BUCKET_SLOTS; s++) {
			if (tables_read4(tables, b, s, &entry) &&
			    lbd_addr_equal(&entry.client, &flow->client))
				LBD_WRITE_ONCE(tables->conn4[b].key[s], LBD_KEY_EMPTY);
			if (tables_read6(tables, b, s, &entry) &&
			    lbd_addr_equal(&entry.client, &flow->client))
				LBD_WRITE_ONCE(tables->conn6[b].line.key[s], LBD_KEY_EMPTY);
		}
}

static void remove_web(struct node *node, uint32_t n)
{
	struct table_entry flow = fixture_entry(&node->tables, n, false, node->web, 0), entry;

	assert_true(find_web(node, n, &entry));
	remove_silently(node, &flow);
	assert_false(find_web(node, n, &entry));
}

static void an_entry_lost_at_the_standby_is_found_and_repaired(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1];
	struct table_entry entry;
	int64_t began_ms;

	(void)state;
	start_proven(&cluster, 2);
	began_ms = monotonic_ms();
	remove_web(beta, 7);
	WAIT_UNTIL(find_web(beta, 7, &entry));
	assert_true(monotonic_ms() - began_ms < REPAIR_MS);
	assert_int_equal(entry.backend, beta->backend + 1);
	WAIT_UNTIL(peer_status(beta, "alpha").holds.repairs == 1);
	WAIT_UNTIL(peer_status(alpha, "beta").held.repairs == 1);
	assert_int_equal(peer_status(beta, "alpha").holds.divergences, 1);
	assert_int_equal(peer_status(alpha, "beta").held.divergences, 1);
	assert_in_range(peer_status(beta, "alpha").holds.diverged_ms_ago, 0, 10000);
	assert_in_range(peer_status(beta, "alpha").holds.repaired_ms_ago, 0, 10000);
	cluster_stop(&cluster);
}

static void an_entry_lost_at_the_active_node_comes_back_from_the_standby(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1];
	struct table_entry entry;
	int64_t began_ms;

	(void)state;
	start_proven(&cluster, 2);
	began_ms = monotonic_ms();
	remove_web(alpha, 8);
	WAIT_UNTIL(find_web(alpha, 8, &entry));
	assert_true(monotonic_ms() - began_ms < REPAIR_MS);
	WAIT_UNTIL(peer_status(beta, "alpha").holds.repairs == 1);
	cluster_stop(&cluster);
}

static void an_entry_with_another_backend_is_a_difference(void **state)
{
	struct cluster cluster;
	struct node *beta = &cluster.nodes[1];
	struct table_entry entry;
	__u64 value = 0;
	__u64 *word;

	(void)state;
	start_proven(&cluster, 2);
	assert_true(find_web(beta, 9, &entry));
	word = tables_find_value(&beta->tables, &entry, &value);
	assert_non_null(word);
	LBD_WRITE_ONCE(*word, value ^ ((beta->backend + 1U) ^ beta->backend));
	WAIT_UNTIL(find_web(beta, 9, &entry) && entry.backend == beta->backend + 1);
	WAIT_UNTIL(peer_status(beta, "alpha").holds.repairs == 1);
	cluster_stop(&cluster);
}

static void a_standby_proves_nothing_to_the_active_node(void **state)
{
	struct cluster cluster;

	(void)state;
	start_proven(&cluster, 2);
	assert_int_equal(peer_status(&cluster.nodes[0], "beta").holds.passes, 0);
	assert_int_equal(peer_status(&cluster.nodes[1], "alpha").held.passes, 0);
	cluster_stop(&cluster);
}

static void three_nodes_agree_all_with_all(void **state)
{
	struct cluster cluster;
	struct table_entry entry;

	(void)state;
	start_proven(&cluster, 3);
	WAIT_UNTIL(agrees(&cluster.nodes[1], "gamma") && agrees(&cluster.nodes[2], "beta"));
	remove_web(&cluster.nodes[2], 70);
	WAIT_UNTIL(find_web(&cluster.nodes[2], 70, &entry));
	WAIT_UNTIL(peer_status(&cluster.nodes[2], "alpha").holds.repairs == 1);
	cluster_stop(&cluster);
}

#define SMALL_BUCKETS 64
#define FULL_MS 8000

/* Said for as long as it is so, but not fought over: each repair sends about all of it. */
static void a_table_too_small_differs_and_is_not_repaired_at_full_speed(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1];
	struct sync_proof holds;
	uint64_t sent;

	(void)state;
	cluster_init(&cluster, 2);
	fixture_tables_free(&beta->tables);
	fixture_tables(&beta->tables, SMALL_BUCKETS, 5);
	make_web(alpha, 0, 1000);
	node_start(alpha);
	node_start(beta);
	sync_set_role(alpha->sync, SYNC_ROLE_ACTIVE);
	sync_set_role(beta->sync, SYNC_ROLE_STANDBY);
	WAIT_UNTIL(peer_status(beta, "alpha").holds.divergences > 500);
	sleep_ms(FULL_MS);
	WAIT_UNTIL(peer_status(beta, "alpha").holds.differing > 500);
	holds = peer_status(beta, "alpha").holds;
	sent = peer_status(alpha, "beta").sent_records;
	print_message("%llu records, %u of %llu divergences left\n", (unsigned long long)sent,
		      holds.differing, (unsigned long long)holds.divergences);
	assert_true(peer_status(beta, "alpha").full > 0);
	assert_int_equal(holds.agreed_ms_ago, -1);
	assert_in_range(sent, 1000, 6000);
	cluster_stop(&cluster);
}

/* --- churn: what changes while it is added up is no difference */

#define CHURN_FLOWS 6000
#define CHURN_MS 12000

struct churn {
	struct node *node;
	pthread_t thread;
	uint32_t first; /* client */
	atomic_bool stop;
	atomic_ullong changes;
};

static void churn_change(struct churn *churn, const struct table_entry *entry)
{
	struct node *node = churn->node;
	__u64 value, held = 0;
	__u64 *word = tables_find_value(&node->tables, entry, &held);

	value = lbd_value_make(entry->backend, entry->vip_port, entry->flags, entry->tick);
	if (!word)
		tables_put(&node->tables, entry);
	else if (LBD_CAS(word, held, value) != held)
		return;
	fixture_mark(&node->tables, entry);
}

/* As packets would: made, confirmed, closed, made anew with another backend. */
static void churn_flow(struct churn *churn, uint32_t n, uint32_t round)
{
	static const uint64_t flags[] = { 0, LBD_CONN_CONFIRMED, LBD_CONN_CONFIRMED,
					  LBD_CONN_CONFIRMED | LBD_CONN_CLOSING };
	struct node *node = churn->node;
	bool dns = n % 3 == 0;
	struct table_entry entry =
		fixture_entry(&node->tables, churn->first + n, dns, dns ? node->dns : node->web,
			      (uint16_t)(node->backend + (dns ? 2 : (n + round / 4) % 2)));

	entry.flags = flags[(round + n) % 4] | (dns ? LBD_CONN_UDP : 0);
	churn_change(churn, &entry);
	atomic_fetch_add(&churn->changes, 1);
}

static void *churn_run(void *context)
{
	struct churn *churn = context;

	for (uint32_t round = 0; !churn->stop; round++)
		for (uint32_t n = 0; n < CHURN_FLOWS && !churn->stop; n++) {
			churn_flow(churn, n, round);
			if (n % 64 == 0)
				sleep_ms(1);
		}
	return NULL;
}

static void churn_start(struct churn *churn, struct node *node, uint32_t first)
{
	*churn = (struct churn){ .node = node, .first = first };
	assert_int_equal(pthread_create(&churn->thread, NULL, churn_run, churn), 0);
}

static void churn_stop(struct churn *churn)
{
	churn->stop = true;
	pthread_join(churn->thread, NULL);
	print_message("%llu changes\n", (unsigned long long)churn->changes);
}

static void expect_no_divergence(struct node *node, const char *peer)
{
	struct sync_proof holds = peer_status(node, peer).holds;

	print_message("%s of %s: %llu passes, %u agree, %u unsettled, %u differ\n", node->name,
		      peer, (unsigned long long)holds.passes, holds.agreed, holds.unsettled,
		      holds.differing);
	assert_true(holds.passes >= 5);
	assert_true(holds.agreed_ms_ago >= 0);
	assert_int_equal(holds.divergences, 0);
	assert_int_equal(peer_status(node, peer).full, 0);
}

static void churn_at_the_active_node_is_no_divergence(void **state)
{
	struct cluster cluster;
	struct churn churn;

	(void)state;
	start_proven(&cluster, 2);
	churn_start(&churn, &cluster.nodes[0], 2000);
	sleep_ms(CHURN_MS);
	churn_stop(&churn);
	expect_no_divergence(&cluster.nodes[1], "alpha");
	WAIT_UNTIL(agrees(&cluster.nodes[1], "alpha"));
	cluster_stop(&cluster);
}

static void churn_at_two_active_nodes_is_no_divergence(void **state)
{
	struct cluster cluster;
	struct churn churns[2];

	(void)state;
	start_proven(&cluster, 2);
	sync_set_role(cluster.nodes[1].sync, SYNC_ROLE_ACTIVE);
	WAIT_UNTIL(agrees(&cluster.nodes[0], "beta"));
	churn_start(&churns[0], &cluster.nodes[0], 2000);
	churn_start(&churns[1], &cluster.nodes[1], 20000);
	sleep_ms(CHURN_MS);
	churn_stop(&churns[0]);
	churn_stop(&churns[1]);
	expect_no_divergence(&cluster.nodes[0], "beta");
	expect_no_divergence(&cluster.nodes[1], "alpha");
	cluster_stop(&cluster);
}

/* --- age: what passes the limit at both nodes is no difference */

#define AGE_FLOWS 6000
#define AGE_TICK_NS 100000000
#define AGE_MS 15000

/* Ticks of 100 ms, so that flows come to the limit while the test waits. */
static void quicken(struct tables *tables)
{
	tables->tick_ns = AGE_TICK_NS;
	tables->tick_base_ns = monotonic_ns() - 5000LL * AGE_TICK_NS - AGE_TICK_NS / 2;
	tables->timeouts.tcp = 120;
}

static void make_aged(struct node *node)
{
	for (uint32_t n = 0; n < AGE_FLOWS; n++) {
		bool dns = n % 3 == 0;
		struct table_entry entry =
			fixture_entry(&node->tables, n, dns, dns ? node->dns : node->web,
				      (uint16_t)(node->backend + (dns ? 2 : n % 2)));

		entry.flags |= dns ? LBD_CONN_UDP : 0;
		entry.tick -= n % (dns ? 56 : 112);
		make_entry(node, entry);
	}
}

/* A packet: the peers hear of it when another stretch of 32 ticks has begun. */
static void refresh(struct node *node, uint32_t n)
{
	bool dns = n % 3 == 0;
	struct table_entry flow =
		fixture_entry(&node->tables, n, dns, dns ? node->dns : node->web, 0);
	uint32_t now = tables_now(&node->tables);
	__u64 held = 0, *word = tables_find_value(&node->tables, &flow, &held);

	if (!word || lbd_value_idle(held, now) > 50)
		return;
	if (LBD_CAS(word, held, lbd_value_with_tick(held, now)) == held &&
	    lbd_value_tick(held) >> LBD_REFRESH_BITS != now >> LBD_REFRESH_BITS)
		fixture_mark(&node->tables, &flow);
}

static void ages_that_pass_the_limit_are_no_divergence(void **state)
{
	struct cluster cluster;

	(void)state;
	cluster_init(&cluster, 2);
	for (int n = 0; n < 2; n++)
		quicken(&cluster.nodes[n].tables);
	make_aged(&cluster.nodes[0]);
	for (int n = 0; n < 2; n++)
		node_start(&cluster.nodes[n]);
	sync_set_role(cluster.nodes[0].sync, SYNC_ROLE_ACTIVE);
	sync_set_role(cluster.nodes[1].sync, SYNC_ROLE_STANDBY);
	WAIT_UNTIL(agrees(&cluster.nodes[1], "alpha"));
	for (int64_t end_ms = monotonic_ms() + AGE_MS; monotonic_ms() < end_ms;) {
		for (int i = 0; i < 10; i++)
			refresh(&cluster.nodes[0], (uint32_t)rand() % AGE_FLOWS);
		sleep_ms(10);
	}
	expect_no_divergence(&cluster.nodes[1], "alpha");
	cluster_stop(&cluster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_lost_at_the_standby_is_found_and_repaired),
		cmocka_unit_test(an_entry_lost_at_the_active_node_comes_back_from_the_standby),
		cmocka_unit_test(an_entry_with_another_backend_is_a_difference),
		cmocka_unit_test(a_standby_proves_nothing_to_the_active_node),
		cmocka_unit_test(three_nodes_agree_all_with_all),
		cmocka_unit_test(a_table_too_small_differs_and_is_not_repaired_at_full_speed),
		cmocka_unit_test(churn_at_the_active_node_is_no_divergence),
		cmocka_unit_test(churn_at_two_active_nodes_is_no_divergence),
		cmocka_unit_test(ages_that_pass_the_limit_are_no_divergence),
	};

	return cmocka_run_group_tests_name("test_sync_digest", tests, NULL, NULL);
}
