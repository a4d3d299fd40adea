// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Room in the return table, where nothing is ever removed: of a full bucket
 * every way that nobody uses any more may be taken, and no other. By the packet
 * path, and by what a peer tells.
 */
#include "nat_desk.h"

#define HOUR 3600
#define SHORT_LIVED 4096U /* four times as many as there are slots */
#define BATCH 512U

static int setup(void **state)
{
	*state = desk_open(4);
	return 0;
}

static int teardown(void **state)
{
	desk_close(*state);
	return 0;
}

/* --- one bucket */

struct crowd {
	struct nat_desk *desk;
	uint32_t flows[LBD_BUCKET_SLOTS + 1]; /* all want the same bucket at the first attempt */
	bool v6;
};

static struct table_entry crowd_entry(const struct crowd *crowd, uint32_t i)
{
	return desk_entry(crowd->desk, crowd->flows[i], crowd->v6);
}

/* Flows that meet in a bucket; the last of them is the one that comes to the full one. */
static void crowd_gather(struct crowd *crowd)
{
	struct table_entry entry = desk_entry(crowd->desk, 0, crowd->v6);
	struct tables_way first, way;
	uint32_t found = 0;

	desk_clear(crowd->desk);
	assert_true(tables_nat_find(crowd->desk->tables, &entry, &first));
	for (uint32_t n = 0; found <= LBD_BUCKET_SLOTS; n++) {
		entry = desk_entry(crowd->desk, n, crowd->v6);
		assert_true(tables_nat_find(crowd->desk->tables, &entry, &way));
		if (way.way.bucket == first.way.bucket)
			crowd->flows[found++] = n;
	}
}

/* Each stands in the slot of its number. */
static void crowd_fill(const struct crowd *crowd)
{
	struct tables_way way;

	desk_clear(crowd->desk);
	for (uint32_t i = 0; i < LBD_BUCKET_SLOTS; i++) {
		const struct table_entry entry = crowd_entry(crowd, i);

		assert_int_equal(tables_put(crowd->desk->tables, &entry), TABLES_PUT_ADDED);
		assert_true(tables_nat_find(crowd->desk->tables, &entry, &way));
		assert_true(way.ours);
		assert_int_equal(way.slot, i);
	}
}

/* What makes a way free: its flow goes out elsewhere, or is idle, or has shown one packet. */
enum ending { MOVED, EXPIRED, UNCONFIRMED, ENDINGS };

static void crowd_end(const struct crowd *crowd, uint32_t i, enum ending ending)
{
	const struct table_entry entry = crowd_entry(crowd, i);
	__u64 value = 0;
	__u64 *word = tables_find_value(crowd->desk->tables, &entry, &value);

	assert_non_null(word);
	if (ending == MOVED)
		value = lbd_value_with_nat(value, 2);
	else if (ending == EXPIRED)
		value = lbd_value_with_tick(value, lbd_value_tick(value) - HOUR);
	else
		value &= ~LBD_CONN_CONFIRMED;
	*word = value;
}

/* All but one, each in another way. */
static void crowd_end_others(const struct crowd *crowd, uint32_t live)
{
	for (uint32_t i = 0; i < LBD_BUCKET_SLOTS; i++)
		if (i != live)
			crowd_end(crowd, i, (i + live) % ENDINGS);
}

/* Who comes to the full bucket; @chance is where it begins to ask. True: it stands there now. */
typedef bool (*crowd_comes)(const struct crowd *crowd, uint32_t chance);

static bool comes_by_a_peer(const struct crowd *crowd, uint32_t chance)
{
	struct table_entry entry = crowd_entry(crowd, LBD_BUCKET_SLOTS);
	enum tables_put put;

	entry.tick -= chance;
	put = tables_put(crowd->desk->tables, &entry);
	assert_int_equal(put == TABLES_PUT_ADDED, desk_has_way(crowd->desk, &entry));
	assert_true(put == TABLES_PUT_ADDED || put == TABLES_PUT_FULL);
	return put == TABLES_PUT_ADDED;
}

/* If it doesn't stand there it stands in another bucket. */
static bool comes_by_a_packet(const struct crowd *crowd, uint32_t chance)
{
	const struct nat_desk *desk = crowd->desk;
	const struct table_entry entry = crowd_entry(crowd, LBD_BUCKET_SLOTS);
	struct table_entry found;

	desk_at(desk, chance);
	assert_int_equal(desk_send(desk, crowd->flows[LBD_BUCKET_SLOTS], true, crowd->v6),
			 LBD_OUTCOME_FORWARD_NEW);
	assert_true(desk_has_way(desk, &entry));
	assert_true(tables_find(desk->tables, &entry, &found));
	return lbd_value_nat(found.flags) == 1;
}

static void assert_free_ways_are_found(struct nat_desk *desk, crowd_comes comes, bool v6)
{
	struct crowd crowd = { .desk = desk, .v6 = v6 };
	struct table_entry entry;

	crowd_gather(&crowd);
	for (uint32_t i = 0; i < LBD_BUCKET_SLOTS * LBD_BUCKET_SLOTS; i++) {
		const uint32_t live = i / LBD_BUCKET_SLOTS, chance = i % LBD_BUCKET_SLOTS;

		crowd_fill(&crowd);
		crowd_end_others(&crowd, live);
		entry = crowd_entry(&crowd, live);
		if (!comes(&crowd, chance))
			fail_msg("way %u in use, chance %u: no room", live, chance);
		if (!desk_has_way(desk, &entry))
			fail_msg("way %u in use, chance %u: it was taken", live, chance);
	}
}

/* Each of them by itself, wherever it is and wherever one begins to ask. */
static void assert_the_one_free_way_is_found(struct nat_desk *desk, crowd_comes comes, bool v6)
{
	struct crowd crowd = { .desk = desk, .v6 = v6 };
	struct table_entry entry;

	crowd_gather(&crowd);
	for (uint32_t i = 0; i < ENDINGS * LBD_BUCKET_SLOTS * LBD_BUCKET_SLOTS; i++) {
		const uint32_t ended = i / LBD_BUCKET_SLOTS % LBD_BUCKET_SLOTS;

		crowd_fill(&crowd);
		crowd_end(&crowd, ended, i % ENDINGS);
		assert_true(comes(&crowd, i % LBD_BUCKET_SLOTS));
		for (uint32_t live = 0; live < LBD_BUCKET_SLOTS; live++) {
			entry = crowd_entry(&crowd, live);
			assert_int_equal(desk_has_way(desk, &entry), live != ended);
		}
	}
}

static void assert_ways_in_use_stay(struct nat_desk *desk, crowd_comes comes, bool v6)
{
	struct crowd crowd = { .desk = desk, .v6 = v6 };
	struct table_entry entry;

	crowd_gather(&crowd);
	for (uint32_t chance = 0; chance < LBD_BUCKET_SLOTS; chance++) {
		crowd_fill(&crowd);
		assert_false(comes(&crowd, chance));
		for (uint32_t i = 0; i < LBD_BUCKET_SLOTS; i++) {
			entry = crowd_entry(&crowd, i);
			assert_true(desk_has_way(desk, &entry));
		}
	}
}

static void a_packet_finds_the_free_ways_of_a_full_bucket(void **state)
{
	assert_free_ways_are_found(*state, comes_by_a_packet, false);
	assert_free_ways_are_found(*state, comes_by_a_packet, true);
}

static void a_record_finds_the_free_ways_of_a_full_bucket(void **state)
{
	assert_free_ways_are_found(*state, comes_by_a_peer, false);
	assert_free_ways_are_found(*state, comes_by_a_peer, true);
}

static void a_packet_finds_the_last_free_way(void **state)
{
	assert_the_one_free_way_is_found(*state, comes_by_a_packet, false);
	assert_the_one_free_way_is_found(*state, comes_by_a_packet, true);
}

static void a_record_finds_the_last_free_way(void **state)
{
	assert_the_one_free_way_is_found(*state, comes_by_a_peer, false);
	assert_the_one_free_way_is_found(*state, comes_by_a_peer, true);
}

static void a_packet_takes_no_way_in_use(void **state)
{
	assert_ways_in_use_stay(*state, comes_by_a_packet, false);
	assert_ways_in_use_stay(*state, comes_by_a_packet, true);
}

static void a_record_takes_no_way_in_use(void **state)
{
	assert_ways_in_use_stay(*state, comes_by_a_peer, false);
	assert_ways_in_use_stay(*state, comes_by_a_peer, true);
}

/* --- a table that has been in use for long */

static void age_line(struct lbd_bucket *line)
{
	for (uint32_t s = 0; s < LBD_BUCKET_SLOTS; s++)
		if (lbd_key_is_flow(line->key[s]))
			line->value[s] = lbd_value_with_tick(line->value[s],
							     lbd_value_tick(line->value[s]) - HOUR);
}

/* All that there is was an hour ago. */
static void age(const struct nat_desk *desk)
{
	for (uint32_t b = 0; b < desk->tables->conn4_buckets; b++)
		age_line(&desk->tables->conn4[b]);
	for (uint32_t b = 0; b < desk->tables->conn6_buckets; b++)
		age_line(&desk->tables->conn6[b].line);
}

/* Connections with their second packet. Returns how many found no port. */
static uint32_t connect_flows(const struct nat_desk *desk, uint32_t from, uint32_t count, bool v6)
{
	uint32_t dropped = 0;

	for (uint32_t n = from; n < from + count; n++) {
		int outcome;

		desk_at(desk, n % LBD_BUCKET_SLOTS);
		outcome = desk_send(desk, n, true, v6);
		dropped += outcome == LBD_OUTCOME_DROP_NAT_PORTS;
		if (outcome != LBD_OUTCOME_DROP_NAT_PORTS)
			assert_int_equal(outcome, LBD_OUTCOME_FORWARD_NEW);
		desk_send(desk, n, false, v6);
	}
	return dropped;
}

struct telling {
	const struct nat_desk *from, *to;
	uint32_t told, refused;
	uint32_t wanted[2][DESK_SLOTS / LBD_BUCKET_SLOTS]; /* by bucket: who is to stand there */
};

static bool tell_one(void *context, const struct table_entry *entry)
{
	const uint64_t value =
		lbd_value_make(entry->backend, entry->vip_port, entry->flags, entry->tick);
	struct telling *telling = context;
	struct tables_way way;

	if (tables_expired(telling->from->tables, entry->service, value,
			   tables_now(telling->from->tables)))
		return true;
	telling->told++;
	telling->refused += tables_put(telling->to->tables, entry) == TABLES_PUT_FULL;
	if (!lbd_value_nat(entry->flags))
		return true;
	tables_nat_find(telling->to->tables, entry, &way);
	telling->wanted[lbd_addr_is4(&entry->client)][way.way.bucket]++;
	return true;
}

/* Every live connection. */
static struct telling tell(const struct nat_desk *from, const struct nat_desk *to)
{
	struct telling telling = { .from = from, .to = to };

	tables_walk(from->tables, tell_one, &telling);
	return telling;
}

/* Slots that were never used; IPv4 and IPv6. */
static uint32_t unused(const struct nat_desk *desk)
{
	uint32_t count = 0;

	for (uint32_t b = 0; b < desk->tables->nat4_buckets; b++)
		for (uint32_t s = 0; s < LBD_BUCKET_SLOTS; s++)
			count += (desk->tables->nat4[b].key[s] == LBD_KEY_EMPTY) +
				 (desk->tables->nat6[b].line.key[s] == LBD_KEY_EMPTY);
	return count;
}

/* Connections come and go, at @desk and at its peer. */
static void live_long(const struct nat_desk *desk, const struct nat_desk *peer)
{
	for (uint32_t n = 0; n < SHORT_LIVED; n += BATCH) {
		connect_flows(desk, n, BATCH, false);
		connect_flows(desk, n, BATCH, true);
		if (peer)
			tell(desk, peer);
		age(desk);
		if (peer)
			age(peer);
	}
	assert_in_range(unused(desk), 0, DESK_SLOTS / 50);
	if (peer)
		assert_in_range(unused(peer), 0, DESK_SLOTS / 50);
}

static void a_worn_table_has_a_port_for_every_flow(void **state)
{
	const uint32_t flows = DESK_SLOTS * 3 / 4;
	struct nat_desk *desk = *state;
	struct table_entry entry;

	live_long(desk, NULL);
	for (uint32_t v6 = 0; v6 < 2; v6++) {
		assert_int_equal(connect_flows(desk, SHORT_LIVED, flows, v6), 0);
		for (uint32_t n = SHORT_LIVED; n < SHORT_LIVED + flows; n++) {
			entry = desk_entry(desk, n, v6);
			assert_true(desk_has_way(desk, &entry));
		}
	}
}

/* As many as don't fit in: a record stands in one bucket, or nowhere. */
static uint32_t beyond_room(const struct telling *telling)
{
	uint32_t count = 0;

	for (uint32_t b = 0; b < DESK_SLOTS / LBD_BUCKET_SLOTS; b++)
		for (int v4 = 0; v4 < 2; v4++)
			if (telling->wanted[v4][b] > LBD_BUCKET_SLOTS)
				count += telling->wanted[v4][b] - LBD_BUCKET_SLOTS;
	return count;
}

/* With so many connections at a time, all others being over. */
static void assert_all_fit(const struct nat_desk *desk, const struct nat_desk *peer, uint32_t flows,
			   uint32_t refused_max)
{
	const uint32_t first = SHORT_LIVED + 2 * flows; /* of those that were not here yet */
	struct telling telling;

	assert_int_equal(connect_flows(desk, first, flows, false), 0);
	assert_int_equal(connect_flows(desk, first, flows, true), 0);
	telling = tell(desk, peer);
	assert_int_equal(telling.told, 2 * flows);
	assert_int_equal(telling.refused, beyond_room(&telling));
	assert_in_range(telling.refused, 0, refused_max);
	age(desk);
	age(peer);
}

static void a_worn_table_has_room_for_what_a_peer_tells(void **state)
{
	struct nat_desk *desk = *state, *peer = desk_open(5);

	live_long(desk, peer);
	assert_all_fit(desk, peer, DESK_SLOTS / 16, 0);
	assert_all_fit(desk, peer, DESK_SLOTS / 8, 1);
	assert_all_fit(desk, peer, DESK_SLOTS / 4, DESK_SLOTS / 100);
	assert_all_fit(desk, peer, DESK_SLOTS / 2, DESK_SLOTS / 20);
	desk_close(peer);
}

int main(void)
{
#define DESK_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		DESK_TEST(a_packet_finds_the_free_ways_of_a_full_bucket),
		DESK_TEST(a_record_finds_the_free_ways_of_a_full_bucket),
		DESK_TEST(a_packet_finds_the_last_free_way),
		DESK_TEST(a_record_finds_the_last_free_way),
		DESK_TEST(a_packet_takes_no_way_in_use),
		DESK_TEST(a_record_takes_no_way_in_use),
		DESK_TEST(a_worn_table_has_a_port_for_every_flow),
		DESK_TEST(a_worn_table_has_room_for_what_a_peer_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
