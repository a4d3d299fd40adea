// SPDX-License-Identifier: GPL-2.0-or-later
/* The running daemon: another size of its tables by hand. */
#include "kernel_maps.h"
#include "resize.h"
#include "tests/unit/limits_desk.h"

struct resized {
	int rc;
	struct lbd_migrated migrated;
	struct error err;
};

static void tell_resized(void *context, int rc, const struct lbd_migrated *migrated,
			 const struct error *err)
{
	struct resized *resized = context;

	*resized = (struct resized){ .rc = rc };
	if (!rc)
		resized->migrated = *migrated;
	else
		resized->err = *err;
	event_base_loopbreak(daemon_now.base);
}

static void begin_resize(const struct lbd_resize *wanted, struct resized *resized)
{
	struct error err = { 0 };

	if (lbd_resize_begin(&daemon_now, wanted, tell_resized, resized, &err))
		fail_msg("refused: %s", err.text);
}

static struct resized resize(uint32_t slots, bool check, bool evict)
{
	const struct lbd_resize wanted = { .limits = { { "connections-ipv4", slots } },
					   .count = 1,
					   .check = check,
					   .evict = evict };
	struct resized resized;

	begin_resize(&wanted, &resized);
	event_base_dispatch(daemon_now.base);
	return resized;
}

static void a_resize_outlives_a_restart_and_ends_with_a_reload(void **state)
{
	struct error err;

	(void)state;
	fill(200);
	assert_int_equal(resize(65536, false, false).rc, 0);
	assert_true(daemon_now.runtime_changes);
	assert_int_equal(daemon_now.recorded.trigger, HISTORY_BY_RESIZE);
	restart();
	assert_int_equal(buckets(), 65536 / LBD_BUCKET_SLOTS);
	assert_int_equal(present(200), 200);
	assert_int_equal(lbd_reload(&daemon_now, &err), 0);
	assert_int_equal(buckets(), 1024 / LBD_BUCKET_SLOTS);
	assert_int_equal(present(200), 200);
}

static void a_check_says_what_would_be_left_out_and_changes_nothing(void **state)
{
	struct resized checked, evicted;

	(void)state;
	assert_int_equal(resize(8192, false, false).rc, 0);
	fill(PORTS);
	checked = resize(1024, true, false);
	assert_int_equal(checked.rc, 0);
	assert_int_equal(checked.migrated.figures.entries, PORTS);
	assert_true(checked.migrated.figures.live >= PORTS - 1024);
	assert_int_equal(buckets(), 8192 / LBD_BUCKET_SLOTS);
	assert_int_equal(present(PORTS), PORTS);
	assert_false(pinned("next"));
	assert_int_equal(resize(1024, false, false).rc, -ENOSPC);
	assert_int_equal(present(PORTS), PORTS);
	evicted = resize(1024, false, true);
	assert_int_equal(evicted.rc, 0);
	assert_int_equal(present(PORTS), PORTS - evicted.migrated.figures.live);
}

static bool phase_is(const char *name)
{
	struct lbd_migrate_status now;

	return lbd_migrate_progress(&daemon_now, &now) && !strcmp(now.phase, name);
}

#define ODD 2097152 /* a size that nobody else's maps have meanwhile */

static uint32_t odd_maps_left(void)
{
	return kernel_maps_left("lbd_conn4", ODD / LBD_BUCKET_SLOTS);
}

/* Loaded over the new maps, and then lbd stops. */
static void a_move_that_comes_to_nothing_leaves_no_maps(void **state)
{
	const struct lbd_resize wanted = { .limits = { { "connections-ipv4", ODD } }, .count = 1 };
	struct resized resized = { 0 };

	(void)state;
	assert_int_equal(odd_maps_left(), 0);
	begin_resize(&wanted, &resized);
	while (!phase_is("loading"))
		event_base_loop(daemon_now.base, EVLOOP_ONCE);
	assert_int_equal(kernel_maps("lbd_conn4", ODD / LBD_BUCKET_SLOTS), 1);
	lbd_migrate_end(&daemon_now);
	assert_int_equal(resized.rc, -ECANCELED);
	assert_int_equal(odd_maps_left(), 0);
	assert_int_equal(buckets(), 1024 / LBD_BUCKET_SLOTS);
}

static bool is_watched(void)
{
	struct dataplane_split split;

	return dataplane_split(daemon_now.dataplane, &split) && daemon_now.upgrading.trial;
}

static void a_resize_ends_a_watch_only_if_it_comes_about(void **state)
{
	struct error err = { 0 };
	uint32_t new;

	(void)state;
	assert_int_equal(resize(8192, false, false).rc, 0);
	fill(PORTS);
	assert_int_equal(lbd_upgrade(&daemon_now, NULL, false, &err), 0);
	new = running(LBD_GENERATION_RUNNING);
	assert_int_equal(resize(1024, true, false).rc, 0);
	assert_int_equal(resize(1024, false, false).rc, -ENOSPC);
	assert_true(is_watched());
	assert_int_equal(running(LBD_GENERATION_RUNNING), new);
	assert_int_equal(resize(16384, false, false).rc, 0);
	assert_false(is_watched());
	assert_int_equal(present(PORTS), PORTS);
}

static void sizes_that_make_no_sense_are_refused(void **state)
{
	struct lbd_resize wanted = { .limits = { { "connections-ipv4", 1000000 } }, .count = 1 };
	struct error err = { 0 };
	struct resized never;

	(void)state;
	assert_int_equal(lbd_resize_begin(&daemon_now, &wanted, tell_resized, &never, &err),
			 -EINVAL);
	wanted.limits[0] = (struct lbd_limit){ "connections-ipv4", 1024 };
	assert_int_equal(lbd_resize_begin(&daemon_now, &wanted, tell_resized, &never, &err),
			 -EEXIST);
	wanted.limits[0] = (struct lbd_limit){ "connections-ipv5", 1024 };
	assert_int_equal(lbd_resize_begin(&daemon_now, &wanted, tell_resized, &never, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "did you mean connections-ipv"));
	wanted.limits[0] = (struct lbd_limit){ "connections-ipv4", 1LL << 40 };
	assert_int_equal(lbd_resize_begin(&daemon_now, &wanted, tell_resized, &never, &err),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DAEMON_TEST(a_resize_outlives_a_restart_and_ends_with_a_reload),
		DAEMON_TEST(a_check_says_what_would_be_left_out_and_changes_nothing),
		DAEMON_TEST(a_move_that_comes_to_nothing_leaves_no_maps),
		DAEMON_TEST(a_resize_ends_a_watch_only_if_it_comes_about),
		DAEMON_TEST(sizes_that_make_no_sense_are_refused),
	};

	return cmocka_run_group_tests(tests, enter, NULL);
}
