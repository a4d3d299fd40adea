// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What golden packets can't meet, as it hurts only the services that are here:
 * found by packets like those that are under way (bad_live_*.bpf.c).
 */

#include "base/monotonic.h"
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

/* --- what is asked of the daemon, while its event loop goes on */

struct answer {
	bool came;
	int rc;
	struct error err;
};

static void on_answer(void *context, int rc, const struct preflight_report *found,
		      const struct error *err)
{
	struct answer *answer = context;

	*answer = (struct answer){ true, rc, *err };
	if (found)
		report = *found;
}

static void await(const struct answer *answer)
{
	while (!answer->came)
		event_base_loop(daemon_now.base, EVLOOP_ONCE);
}

static void check(const char *name)
{
	struct answer answer = { 0 };
	struct error err = { 0 };
	char path[256];
	const struct lbd_prove_order order = { .object = built(name, path),
					       .done = on_answer,
					       .context = &answer };

	if (lbd_prove_begin(&daemon_now, &order, &err))
		fail_msg("%s: %s", name, err.text);
	await(&answer);
	if (answer.rc)
		fail_msg("%s: %s", name, answer.err.text);
}

/* --- */

static void the_packet_path_itself_is_taken(void **state)
{
	uint32_t run = 0;

	(void)state;
	check("bpf/lb");
	assert_true(preflight_takes(&report));
	assert_int_equal(report.replay.different, 0);
	/* Two of each connection and of each new client; and some to a VIP, but no service. */
	assert_int_equal(report.replay.run[REPLAY_LIVE], 2 * (FLOWS + FLOWS / 2));
	assert_int_equal(report.replay.run[REPLAY_CLOSING], 2 * FLOWS / 2);
	assert_int_equal(report.replay.run[REPLAY_ERROR], 2 * FLOWS / 2);
	assert_int_equal(report.replay.run[REPLAY_FRAGMENT], 2 * FLOWS);
	assert_int_equal(report.replay.run[REPLAY_FRESH], 2 * (2 * 128 + 2));
	assert_int_equal(report.apart.different, 0);
	assert_int_equal(report.apart.unsettled, 0);
	assert_in_range(report.apart.old_ns, 1, 1000000);
	assert_in_range(report.apart.new_ns, 1, 1000000);
	assert_int_equal(report.apart.run[REPLAY_LIVE], report.replay.run[REPLAY_LIVE]);
	assert_int_equal(report.apart.run[REPLAY_ERROR], report.replay.run[REPLAY_ERROR]);
	assert_int_equal(report.apart.run[REPLAY_FRAGMENT], 0);
	for (int source = 0; source < REPLAY_SOURCES; source++)
		run += report.replay.run[source];
	assert_int_equal(report.replay.same, run);
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
		{ "error", "(forward_icmp)", "dropped" },
		{ "fragment", "sent to", "dropped" },
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

/* All that are listed are of that kind, of both families where there are two. */
static void assert_only(const char *bad, enum replay_source source, const char *words)
{
	char name[64];
	bool found = false;

	snprintf(name, sizeof(name), "tests/unit/bad_live_%s", bad);
	check(name);
	assert_true(report.replay.different > 0);
	for (uint32_t i = 0; i < report.replay.listed; i++) {
		assert_int_equal(report.replay.list[i].source, source);
		found |= strstr(report.replay.list[i].packet, words) != NULL;
	}
	assert_true(found);
}

static void what_is_wrong_with_one_kind_alone_is_told_by_that_kind(void **state)
{
	(void)state;
	assert_only("closing", REPLAY_CLOSING, "TCP RST from 198.51.100.200:");
	assert_only("error", REPLAY_ERROR, "ICMP fragmentation needed (packet too big), of TCP");
	assert_only("error", REPLAY_ERROR, "ICMP port unreachable, of TCP from 198.51.100.200:");
	assert_only("fragment", REPLAY_FRAGMENT, "the first fragment, of TCP from ");
}

/* Asked, it does as it should. */
static void one_that_behaves_only_while_it_is_watched_is_refused(void **state)
{
	struct error err = { 0 };
	char path[256];

	(void)state;
	check("tests/unit/bad_live_liar");
	assert_int_equal(report.steps[PREFLIGHT_REPLAY].verdict, PREFLIGHT_PASSED);
	assert_int_equal(report.steps[PREFLIGHT_APART].verdict, PREFLIGHT_REFUSED);
	assert_true(report.apart.different > 0);
	assert_int_equal(
		lbd_upgrade(&daemon_now, built("tests/unit/bad_live_liar", path), false, &err),
		-EBADMSG);
	assert_non_null(strstr(err.text, "replay apart"));
	assert_non_null(strstr(err.text, "of service api"));
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

/* --- while an object is being tried */

static struct upgrade {
	struct answer answer;
	char path[256];
	unsigned int uses;
} upgrade;

static int on_use(void *context, struct error *err)
{
	struct upgrade *now = context;

	now->uses++;
	return lbd_upgrade(&daemon_now, now->path, false, err);
}

static void on_upgraded(void *context, int rc, const struct preflight_report *found,
			const struct error *err)
{
	struct upgrade *now = context;

	on_answer(&now->answer, rc, found, err);
}

static int upgrade_begin(const char *name, struct error *err)
{
	const struct lbd_prove_order order = { built(name, upgrade.path), false, on_use,
					       on_upgraded, &upgrade };

	return lbd_prove_begin(&daemon_now, &order, err);
}

static int upgrade_setup(void **state)
{
	upgrade = (struct upgrade){ 0 };
	return serve(state);
}

static void another_one_is_refused_meanwhile(void **state)
{
	uint32_t program = running(LBD_GENERATION_RUNNING);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(upgrade_begin("tests/unit/bad_live_none", &err), 0);
	assert_int_equal(upgrade_begin("bpf/lb", &err), -EBUSY);
	assert_non_null(strstr(err.text, "bad_live_none.bpf.o is being tried"));
	assert_int_equal(running(LBD_GENERATION_RUNNING), program);
	await(&upgrade.answer);
	assert_int_equal(upgrade.answer.rc, 0);
	assert_int_equal(running(LBD_GENERATION_PREVIOUS), program);
	assert_int_equal(access(RUN "/proof.bpf.o", F_OK), -1);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	static int64_t last_ms;
	const int64_t now_ms = monotonic_ms();
	int64_t *longest_ms = context;

	(void)fd;
	(void)what;
	if (*longest_ms >= 0) {
		const int64_t gap_ms = now_ms - last_ms;

		if (gap_ms > *longest_ms)
			*longest_ms = gap_ms;
	} else {
		*longest_ms = 0;
	}
	last_ms = now_ms;
}

/* Golden packets alone take longer than that by far. */
static void the_event_loop_goes_on_meanwhile(void **state)
{
	const struct timeval often = { .tv_usec = 5000 };
	int64_t longest_ms = -1;
	struct event *tick = event_new(daemon_now.base, -1, EV_PERSIST, on_tick, &longest_ms);
	struct error err = { 0 };

	(void)state;
	event_add(tick, &often);
	assert_int_equal(upgrade_begin("tests/unit/bad_live_none", &err), 0);
	await(&upgrade.answer);
	event_free(tick);
	assert_int_equal(upgrade.answer.rc, 0);
	printf("longest the event loop was held up: %lld ms\n", (long long)longest_ms);
	assert_in_range(longest_ms, 5, 400);
}

/* A reload that needs another shape: what was proven would lack it. */
static void a_proof_for_another_config_is_made_anew(void **state)
{
	struct dataplane_generation now;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(upgrade_begin("tests/unit/bad_live_none", &err), 0);
	assert_reloads(ETH0 "\nguard: {sample: 100}", "web 80 1,2 api 7000 3,4");
	await(&upgrade.answer);
	assert_string_equal(upgrade.answer.err.text, "");
	assert_int_equal(upgrade.answer.rc, 0);
	assert_int_equal(upgrade.uses, 2);
	assert_int_equal(dataplane_generation(daemon_now.dataplane, LBD_GENERATION_RUNNING, &now),
			 0);
	assert_true(now.features & LBD_FEATURE_SAMPLE);
}

/* One that changes no shape leaves the proof what it is: health checks do so all day. */
static void a_proof_outlives_a_change_of_backends(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(upgrade_begin("tests/unit/bad_live_none", &err), 0);
	assert_reloads(ETH0, "web 80 1,2,5 api 7000 3,4");
	await(&upgrade.answer);
	assert_int_equal(upgrade.answer.rc, 0);
	assert_int_equal(upgrade.uses, 1);
}

/* Its object is the candidate's file, until the watch is over. */
static void what_is_watched_after_a_swap_is_what_is_compared_with(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(upgrade_begin("tests/unit/bad_live_none", &err), 0);
	await(&upgrade.answer);
	assert_int_equal(upgrade.answer.rc, 0);
	assert_int_equal(daemon_now.upgrading.trial, UPGRADING_WATCH);
	check("tests/unit/bad_live_none");
	assert_string_equal(report.old.generation.tag, report.new.generation.tag);
	assert_int_equal(report.steps[PREFLIGHT_REPLAY].verdict, PREFLIGHT_PASSED);
	assert_true(report.replay.run[REPLAY_LIVE] > 0);
	check("tests/unit/bad_live_misses");
	assert_int_equal(report.steps[PREFLIGHT_REPLAY].verdict, PREFLIGHT_REFUSED);
	assert_int_equal(daemon_now.upgrading.trial, UPGRADING_WATCH);
	/* Another upgrade takes its place. */
	upgrade.answer.came = false;
	assert_int_equal(upgrade_begin("bpf/lb", &err), 0);
	await(&upgrade.answer);
	assert_int_equal(upgrade.answer.rc, 0);
}

static void one_that_is_cut_short_by_the_end_changes_nothing(void **state)
{
	uint32_t program = running(LBD_GENERATION_RUNNING);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(upgrade_begin("tests/unit/bad_live_none", &err), 0);
	restart();
	assert_true(upgrade.answer.came);
	assert_int_equal(upgrade.answer.rc, -ECANCELED);
	assert_int_equal(upgrade.uses, 0);
	assert_int_equal(running(LBD_GENERATION_RUNNING), program);
	assert_int_equal(access(RUN "/proof.bpf.o", F_OK), -1);
}

#define PREFLIGHT_TEST(function) cmocka_unit_test_setup_teardown(function, serve, end)

#define UPGRADE_TEST(function) cmocka_unit_test_setup_teardown(function, upgrade_setup, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PREFLIGHT_TEST(the_packet_path_itself_is_taken),
		PREFLIGHT_TEST(one_that_does_the_same_is_taken),
		PREFLIGHT_TEST(each_that_hurts_live_traffic_is_refused_and_the_packet_named),
		PREFLIGHT_TEST(what_is_wrong_with_one_kind_alone_is_told_by_that_kind),
		PREFLIGHT_TEST(one_that_behaves_only_while_it_is_watched_is_refused),
		PREFLIGHT_TEST(force_takes_what_only_the_replay_refuses),
		PREFLIGHT_TEST(a_check_leaves_no_trace),
		UPGRADE_TEST(another_one_is_refused_meanwhile),
		UPGRADE_TEST(the_event_loop_goes_on_meanwhile),
		UPGRADE_TEST(a_proof_for_another_config_is_made_anew),
		UPGRADE_TEST(a_proof_outlives_a_change_of_backends),
		UPGRADE_TEST(what_is_watched_after_a_swap_is_what_is_compared_with),
		UPGRADE_TEST(one_that_is_cut_short_by_the_end_changes_nothing),
	};

	return cmocka_run_group_tests(tests, enter, NULL);
}
