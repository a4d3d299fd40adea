// SPDX-License-Identifier: GPL-2.0-or-later
/* The running daemon: its tables move into maps of other limits. */
#include "tests/unit/limits_desk.h"

static const struct lbd_reload_order order = { .trigger = HISTORY_BY_RELOAD };

/* --- at a start */

static void a_start_takes_the_tables_along_into_other_limits(void **state)
{
	(void)state;
	fill(200);
	lbd_stop(&daemon_now);
	edit("ipv4: 1024", "ipv4: 65536");
	assert_starts();
	assert_int_equal(buckets(), 65536 / LBD_BUCKET_SLOTS);
	assert_int_equal(present(200), 200);
	assert_true(daemon_now.attachments[0].adopted);
	assert_int_equal(daemon_now.migrated.figures.entries, 200);
	lbd_stop(&daemon_now);
	edit("ipv4: 65536", "ipv4: 1024");
	assert_starts();
	assert_int_equal(present(200), 200);
	assert_false(pinned("next") || pinned("done"));
}

/* 101 and 103 places need the same 26 words: no map tells the difference. */
static void another_ring_size_is_other_limits_though_the_maps_fit(void **state)
{
	(void)state;
	fill(10);
	assert_reloads(ETH0, "web 80 1,2");
	lbd_stop(&daemon_now);
	edit("maglev: 251", "maglev: 101");
	assert_starts();
	lbd_stop(&daemon_now);
	edit("maglev: 101", "maglev: 103");
	assert_starts();
	assert_int_equal(dataplane_limits(daemon_now.dataplane)->ring_size, 103);
	assert_int_equal(present(10), 10);
}

static void a_start_that_would_break_connections_is_refused_and_the_pins_stay(void **state)
{
	struct error err;

	(void)state;
	edit("ipv4: 1024", "ipv4: 8192");
	restart();
	fill(PORTS);
	assert_int_equal(present(PORTS), PORTS);
	lbd_stop(&daemon_now);
	edit("ipv4: 8192", "ipv4: 1024");
	assert_int_equal(start(&err), -ENOSPC);
	lbd_stop(&daemon_now);
	assert_false(pinned("next"));
	edit("ipv4: 1024", "ipv4: 8192");
	assert_starts();
	assert_int_equal(present(PORTS), PORTS);
}

/* --- while it runs */

static void ids_stay_what_they_are(void **state)
{
	struct error err = { 0 };
	const uint32_t index = backend_of("web", 2)->index;

	(void)state;
	fill(100);
	edit("services: 16, backends: 16", "services: 64, backends: 128");
	assert_int_equal(lbd_reload(&daemon_now, &err), 0);
	assert_int_equal(daemon_now.model->limits.backends, 128);
	assert_int_equal(backend_of("web", 2)->index, index);
	assert_int_equal(present(100), 100);
}

static void numbers_in_use_do_not_lose_their_room(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_reloads(ETH0, "web 80 1,2 api 81 3,4,5,6");
	edit("backends: 16", "backends: 4");
	edit("services: 16", "services: 8");
	assert_int_equal(lbd_reload(&daemon_now, &err), -EINVAL);
	assert_reloads(ETH0, "web 80 1,2");
	make_connection(backend_of("web", 1)->service, 6, 9, 1);
	edit("backends: 16", "backends: 4");
	assert_int_equal(lbd_reload(&daemon_now, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "number 6"));
}

static void a_rollback_after_a_move_brings_the_older_program_over_the_new_maps(void **state)
{
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
	struct dataplane_generation old, now;
	struct error err = { 0 };
	char object[256];

	(void)state;
	dataplane_generation(daemon_now.dataplane, LBD_GENERATION_RUNNING, &old);
	snprintf(object, sizeof(object), "%s/tests/unit/bad_live_none.bpf.o", build);
	assert_int_equal(lbd_upgrade(&daemon_now, object, false, &err), 0);
	edit("ipv4: 1024", "ipv4: 4096");
	assert_int_equal(lbd_reload(&daemon_now, &err), 0);
	assert_int_equal(running(LBD_GENERATION_PREVIOUS), 0);
	assert_int_equal(lbd_rollback(&daemon_now, &err), 0);
	dataplane_generation(daemon_now.dataplane, LBD_GENERATION_RUNNING, &now);
	assert_string_equal(now.tag, old.tag);
}

/* --- beside the event loop */

struct told {
	int rc;
	bool told;
	struct error err;
};

static void tell(void *context, int rc, const struct error *err)
{
	struct told *told = context;

	*told = (struct told){ .rc = rc, .told = true };
	if (rc)
		told->err = *err;
	event_base_loopbreak(daemon_now.base);
}

static void begin_reload(struct told *told)
{
	struct error err;

	*told = (struct told){ 0 };
	assert_int_equal(lbd_reload_begin(&daemon_now, &order, tell, told, &err), 0);
}

/* Between two steps of the event loop: the thread is in that phase, or has just been through it. */
static void until(const char *phase)
{
	struct lbd_migrate_status now;

	while (!lbd_migrate_progress(&daemon_now, &now) || strcmp(now.phase, phase))
		event_base_loop(daemon_now.base, EVLOOP_ONCE);
}

static void until_it_moves(void)
{
	until("opening");
}

/* What changes meanwhile; which of them what is in force has then. */
static void turn_next_hop(uint8_t last)
{
	struct lbd_addr addr = host(2);
	struct nexthop hop = backend_of("web", 2)->nexthop;

	hop.dmac[5] = last;
	lbd_next_hop_changed(&daemon_now, &addr, &hop);
}

static uint8_t next_hop_in_force(void)
{
	struct model *model = in_force();
	const uint8_t last = model->backends[backend_of("web", 2)->index].nexthop.dmac[5];

	model_free(model);
	return last;
}

static void a_reload_moves_the_tables_and_nothing_else_changes_meanwhile(void **state)
{
	const struct lbd_backend_change change = { .action = LBD_BACKEND_DRAIN,
						   .service = "web",
						   .name = "198.51.100.1" };
	struct lbd_migrate_status now;
	struct told told;
	struct error err;

	(void)state;
	fill(200);
	edit("ipv4: 1024", "ipv4: 1048576");
	begin_reload(&told);
	until_it_moves();
	assert_true(lbd_migrate_progress(&daemon_now, &now));
	assert_int_equal(now.to.conn4_buckets, 1048576 / LBD_BUCKET_SLOTS);
	assert_int_equal(lbd_change_backend(&daemon_now, &change, &err), -EBUSY);
	assert_int_equal(lbd_upgrade(&daemon_now, NULL, false, &err), -EBUSY);
	assert_int_equal(lbd_rollback(&daemon_now, &err), -EBUSY);
	assert_int_equal(lbd_reload_begin(&daemon_now, &order, tell, &told, &err), -EBUSY);
	event_base_dispatch(daemon_now.base);
	assert_true(told.told);
	assert_int_equal(told.rc, 0);
	assert_null(daemon_now.migration);
	assert_int_equal(present(200), 200);
	assert_int_equal(lbd_change_backend(&daemon_now, &change, &err), 0);
}

static void what_changes_in_any_phase_is_in_the_new_maps(void **state)
{
	static const char *const phases[] = { "opening", "copying", "loading", "swapping",
					      "proving" };
	struct told told;

	(void)state;
	for (uint8_t i = 0; i < sizeof(phases) / sizeof(*phases); i++) {
		edit(i % 2 ? "ipv4: 65536" : "ipv4: 1024", i % 2 ? "ipv4: 1024" : "ipv4: 65536");
		begin_reload(&told);
		until(phases[i]);
		turn_next_hop(100 + i);
		while (!told.told || evtimer_pending(daemon_now.commit_timer, NULL))
			event_base_loop(daemon_now.base, EVLOOP_ONCE);
		assert_int_equal(told.rc, 0);
		assert_int_equal(next_hop_in_force(), 100 + i);
	}
}

/* Before the proof, which takes as long as the table is large. */
static void the_new_maps_serve_while_they_are_proven(void **state)
{
	const uint16_t service = backend_of("web", 1)->service;
	struct dataplane_trace *trace;
	struct told told;
	struct error err;

	(void)state;
	fill(200);
	edit("ipv4: 1024", "ipv4: 65536");
	begin_reload(&told);
	until("swapping");
	assert_int_equal(buckets(), 1024 / LBD_BUCKET_SLOTS);
	assert_int_equal(lbd_trace_begin(&daemon_now, &trace, &err), -EBUSY);
	until("proving");
	assert_false(told.told);
	assert_int_equal(buckets(), 65536 / LBD_BUCKET_SLOTS);
	assert_int_equal(daemon_now.config->limits.connections_ipv4, 65536);
	assert_true(pinned("next"));
	assert_int_equal(present(200), 200);
	make_connection(service, backend_of("web", 1)->index, 300, 1);
	assert_int_equal(lbd_trace_begin(&daemon_now, &trace, &err), 0);
	event_base_dispatch(daemon_now.base);
	assert_int_equal(told.rc, 0);
	assert_false(pinned("next") || pinned("done"));
	assert_int_equal(present(200), 200);
	assert_int_equal(daemon_now.migrated.figures.entries, 200);
	assert_int_equal(daemon_now.migrated.figures.live, 0);
}

/* No slot is written before the pins are in their places: a start couldn't tell what runs. */
static void another_shape_waits_for_the_end_of_the_proof(void **state)
{
	struct lbd_addr addr = host(2);
	struct nexthop hop;
	struct told told;
	uint32_t program;

	(void)state;
	edit("ipv4: 1024", "ipv4: 65536");
	begin_reload(&told);
	until("proving");
	program = running(LBD_GENERATION_RUNNING);
	hop = backend_of("web", 2)->nexthop;
	hop.ifindex = if_nametoindex("peer");
	lbd_next_hop_changed(&daemon_now, &addr, &hop);
	assert_false(lbd_fits(&daemon_now));
	assert_false(lbd_migrate_takes_commits(&daemon_now));
	while (daemon_now.migration) {
		assert_int_equal(running(LBD_GENERATION_RUNNING), program);
		event_base_loop(daemon_now.base, EVLOOP_ONCE);
	}
	while (evtimer_pending(daemon_now.commit_timer, NULL))
		event_base_loop(daemon_now.base, EVLOOP_ONCE);
	assert_int_not_equal(running(LBD_GENERATION_RUNNING), program);
	assert_true(lbd_fits(&daemon_now));
}

static void a_trial_with_other_limits_goes_back_beside_the_event_loop(void **state)
{
	struct told told, back = { 0 };
	struct error err;

	(void)state;
	fill(200);
	edit("ipv4: 1024", "ipv4: 65536");
	told = (struct told){ 0 };
	assert_int_equal(lbd_reload_begin(&daemon_now,
					  &(struct lbd_reload_order){ .trigger = HISTORY_BY_RELOAD,
								      .confirm_ms = 60000 },
					  tell, &told, &err),
			 0);
	event_base_dispatch(daemon_now.base);
	assert_int_equal(told.rc, 0);
	assert_int_equal(buckets(), 65536 / LBD_BUCKET_SLOTS);
	assert_true(lbd_trial_left_ms(&daemon_now) > 0);
	assert_int_equal(lbd_trial_cancel(&daemon_now, tell, &back, &err), 0);
	assert_false(back.told);
	assert_int_equal(lbd_trial_confirm(&daemon_now, &err), -EBUSY);
	assert_int_equal(lbd_trial_cancel(&daemon_now, tell, &back, &err), -EBUSY);
	event_base_dispatch(daemon_now.base);
	assert_true(back.told);
	assert_int_equal(back.rc, 0);
	assert_int_equal(buckets(), 1024 / LBD_BUCKET_SLOTS);
	assert_int_equal(present(200), 200);
	assert_int_equal(lbd_trial_left_ms(&daemon_now), -1);
}

static void a_reload_that_would_break_connections_changes_nothing(void **state)
{
	struct told told;

	(void)state;
	edit("ipv4: 1024", "ipv4: 8192");
	restart();
	fill(PORTS);
	edit("ipv4: 8192", "ipv4: 1024");
	begin_reload(&told);
	event_base_dispatch(daemon_now.base);
	assert_int_equal(told.rc, -ENOSPC);
	assert_non_null(strstr(told.err.text, "live connections"));
	assert_int_equal(buckets(), 8192 / LBD_BUCKET_SLOTS);
	assert_int_equal(present(PORTS), PORTS);
	assert_false(pinned("next"));
}

static void a_stop_ends_a_move_and_the_next_start_makes_it(void **state)
{
	struct told told;

	(void)state;
	fill(100);
	edit("ipv4: 1024", "ipv4: 65536");
	begin_reload(&told);
	until_it_moves();
	lbd_stop(&daemon_now);
	assert_int_equal(told.rc, -ECANCELED);
	assert_false(pinned("next"));
	assert_starts();
	assert_int_equal(buckets(), 65536 / LBD_BUCKET_SLOTS);
	assert_int_equal(present(100), 100);
}

/* Once the new maps serve, a stop brings it to its end. */
static void a_stop_after_the_swap_leaves_nothing_undone(void **state)
{
	struct told told;

	(void)state;
	fill(100);
	for (int i = 0; i < 2; i++) {
		const char *const before = i ? "ipv4: 65536" : "ipv4: 1024";

		edit(before, i ? "ipv4: 1024" : "ipv4: 65536");
		begin_reload(&told);
		until(i ? "swapping" : "proving");
		lbd_stop(&daemon_now);
		assert_int_equal(told.rc, 0);
		assert_false(pinned("next") || pinned("done"));
		assert_starts();
		assert_int_equal(present(100), 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DAEMON_TEST(a_start_takes_the_tables_along_into_other_limits),
		DAEMON_TEST(another_ring_size_is_other_limits_though_the_maps_fit),
		DAEMON_TEST(a_start_that_would_break_connections_is_refused_and_the_pins_stay),
		DAEMON_TEST(ids_stay_what_they_are),
		DAEMON_TEST(numbers_in_use_do_not_lose_their_room),
		DAEMON_TEST(a_rollback_after_a_move_brings_the_older_program_over_the_new_maps),
		DAEMON_TEST(a_reload_moves_the_tables_and_nothing_else_changes_meanwhile),
		DAEMON_TEST(what_changes_in_any_phase_is_in_the_new_maps),
		DAEMON_TEST(the_new_maps_serve_while_they_are_proven),
		DAEMON_TEST(another_shape_waits_for_the_end_of_the_proof),
		DAEMON_TEST(a_trial_with_other_limits_goes_back_beside_the_event_loop),
		DAEMON_TEST(a_reload_that_would_break_connections_changes_nothing),
		DAEMON_TEST(a_stop_ends_a_move_and_the_next_start_makes_it),
		DAEMON_TEST(a_stop_after_the_swap_leaves_nothing_undone),
	};

	return cmocka_run_group_tests(tests, enter, NULL);
}
