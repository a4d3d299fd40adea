// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What golden packets can't meet, as it hurts only the services that are here:
 * found by packets like those that are under way (bad_live_*.bpf.c).
 */
#include "tests/unit/daemon_fixture.h"
#include "upgrade/preflight.h"

#define FLOWS 100

static struct preflight_report report;

static char *built(const char *name, char *path)
{
	const char *build = getenv("BUILD");

	snprintf(path, 256, "%s/%s.bpf.o", build ? build : "build", name);
	return path;
}

static void connect_to(const struct backend *backend, uint16_t vip_port, uint16_t client_port)
{
	const struct tables *tables = dataplane_tables(daemon_now.dataplane);
	const struct table_entry entry = {
		.client = host(200),
		.client_port = htons(client_port),
		.vip_port = htons(vip_port),
		.service = backend->service,
		.backend = backend->index,
		.flags = LBD_CONN_CONFIRMED,
		.tick = tables_now(tables),
	};

	assert_int_equal(tables_put(tables, &entry), TABLES_PUT_ADDED);
}

/* Two services, and connections of both where Maglev would have put some of them. */
static int serve(void **state)
{
	(void)state;
	configure(ETH0, "web 80 1,2 api 7000 3,4");
	assert_starts();
	for (uint16_t i = 0; i < FLOWS; i++) {
		connect_to(backend_of("web", 1 + i % 2), 80, (uint16_t)(1024 + i));
		connect_to(backend_of("api", 3 + i % 2), 7000, (uint16_t)(1024 + i));
	}
	return 0;
}

static void check(const char *name)
{
	struct error err = { 0 };
	char path[256];

	if (lbd_check(&daemon_now, built(name, path), &report, &err))
		fail_msg("%s: %s", name, err.text);
}

static void the_packet_path_itself_is_taken(void **state)
{
	(void)state;
	check("bpf/lb");
	assert_true(preflight_takes(&report));
	assert_int_equal(report.replay.different, 0);
	/* Two of each connection and of each new client; and some to a VIP, but no service. */
	assert_int_equal(report.replay.run[REPLAY_LIVE], 2 * 2 * FLOWS);
	assert_int_equal(report.replay.run[REPLAY_FRESH], 2 * (2 * 128 + 2));
	assert_int_equal(report.replay.same, report.replay.run[REPLAY_LIVE] +
						     report.replay.run[REPLAY_FRESH] +
						     report.replay.run[REPLAY_DROP]);
	assert_string_equal(report.old.generation.tag, report.new.generation.tag);
	assert_int_equal(report.old.instructions, report.new.instructions);
	assert_true(report.new.jited_bytes > report.new.instructions);
}

static void one_that_does_the_same_is_taken(void **state)
{
	(void)state;
	check("tests/unit/bad_live_none");
	assert_true(preflight_takes(&report));
	assert_string_not_equal(report.old.generation.tag, report.new.generation.tag);
}

/* All of service api, and one at least of a connection, as it should and as it came. */
static void assert_listed(const char *now, const char *then)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < report.replay.listed; i++) {
		const struct replay_difference *difference = &report.replay.list[i];

		assert_string_equal(difference->service, "api");
		assert_non_null(strstr(difference->packet, "192.0.2.1:7000"));
		found += strstr(difference->old, now) && strstr(difference->new, then);
	}
	if (!found)
		fail_msg("none of %u went from \"%s\" to \"%s\"", report.replay.listed, now, then);
}

static void each_that_hurts_live_traffic_is_refused_and_the_packet_named(void **state)
{
	static const struct {
		const char *name, *now, *then;
	} bad[] = {
		{ "drop", "sent to", "dropped to" },
		{ "random", "sent to", "dropped to" },
		{ "elsewhere", "sent to", "sent to" },
		{ "misses", "(forward_known)", "(forward_new)" },
		{ "action", "sent to", "action 99" },
		{ "cut", "bytes", "bytes" },
		{ "closing", "sent to", "dropped" },
	};
	uint32_t program = running(LBD_GENERATION_RUNNING);
	char name[64], path[256];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct error err = { 0 };

		snprintf(name, sizeof(name), "tests/unit/bad_live_%s", bad[i].name);
		check(name);
		assert_int_equal(report.steps[PREFLIGHT_GOLDEN].verdict, PREFLIGHT_PASSED);
		assert_int_equal(report.steps[PREFLIGHT_REPLAY].verdict, PREFLIGHT_REFUSED);
		assert_true(report.replay.different > 0);
		assert_listed(bad[i].now, bad[i].then);
		assert_int_equal(lbd_upgrade(&daemon_now, built(name, path), false, &err),
				 -EBADMSG);
		assert_non_null(strstr(err.text, "of service api"));
	}
	assert_int_equal(running(LBD_GENERATION_RUNNING), program);
	assert_int_equal(running(LBD_GENERATION_PREVIOUS), 0);
}

static void force_takes_what_only_the_replay_refuses(void **state)
{
	struct error err = { 0 };
	char path[256];

	(void)state;
	assert_int_equal(
		lbd_upgrade(&daemon_now, built("tests/unit/bad_forgetful", path), true, &err),
		-EBADMSG);
	assert_int_equal(
		lbd_upgrade(&daemon_now, built("tests/unit/bad_live_misses", path), true, &err), 0);
}

/* Entries, ages, dirty bits and counters: a check leaves all as it was. */
static void a_check_leaves_no_trace(void **state)
{
	const struct tables *tables = dataplane_tables(daemon_now.dataplane);
	uint64_t before[LBD_OUTCOME_MAX], after[LBD_OUTCOME_MAX];
	const size_t size = tables->conn4_buckets * sizeof(*tables->conn4);
	void *copy = malloc(size);

	(void)state;
	assert_non_null(copy);
	memcpy(copy, tables->conn4, size);
	dataplane_outcomes(daemon_now.dataplane, before);
	check("tests/unit/bad_live_misses");
	dataplane_outcomes(daemon_now.dataplane, after);
	assert_memory_equal(copy, tables->conn4, size);
	assert_memory_equal(before, after, sizeof(before));
	for (uint32_t i = 0; i < tables->conn4_buckets / 64; i++)
		assert_int_equal(tables->dirty4[i], 0);
	assert_int_equal(access(RUN "/draft.bpf.o", F_OK), -1);
	free(copy);
}

#define PREFLIGHT_TEST(function) cmocka_unit_test_setup_teardown(function, serve, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PREFLIGHT_TEST(the_packet_path_itself_is_taken),
		PREFLIGHT_TEST(one_that_does_the_same_is_taken),
		PREFLIGHT_TEST(each_that_hurts_live_traffic_is_refused_and_the_packet_named),
		PREFLIGHT_TEST(force_takes_what_only_the_replay_refuses),
		PREFLIGHT_TEST(a_check_leaves_no_trace),
	};

	return cmocka_run_group_tests(tests, enter, NULL);
}
