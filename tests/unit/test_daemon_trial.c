// SPDX-License-Identifier: GPL-2.0-or-later
/* The running daemon with a packet path on trial: watched swaps and canaries, to every end. */
#include "tests/unit/daemon_fixture.h"
#include "upgrade/past.h"

static const char *trial_object(void)
{
	static char object[256];
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build";

	snprintf(object, sizeof(object), "%s/tests/unit/bad_live_none.bpf.o", build);
	return object;
}

static void trial_upgrade(void)
{
	struct error err = { 0 };

	if (lbd_upgrade(&daemon_now, trial_object(), false, &err))
		fail_msg("refused: %s", err.text);
}

static void trial_canary(uint32_t share)
{
	const struct lbd_canary canary = { .object = trial_object(), .share = share };
	struct error err = { 0 };

	if (lbd_canary(&daemon_now, &canary, &err))
		fail_msg("refused: %s", err.text);
}

static uint32_t trial_candidate(void)
{
	struct dataplane_split split;

	return dataplane_split(daemon_now.dataplane, &split) ? split.candidate.prog_id : 0;
}

static bool trial_kept(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), RUN "/%s.bpf.o", name);
	return !access(path, F_OK);
}

/* lbd is gone without a word; the splitter stays. */
static void trial_die(void)
{
	event_free(daemon_now.upgrading.timer);
	watching_close(&daemon_now.upgrading.watching);
	daemon_now.upgrading = (struct lbd_upgrading){ 0 };
	restart();
}

static void a_swap_is_watched_and_then_kept(void **state)
{
	const uint32_t old = running(LBD_GENERATION_RUNNING);
	struct error err = { 0 };
	uint32_t new;

	(void)state;
	trial_upgrade();
	new = trial_candidate();
	assert_int_not_equal(new, 0);
	assert_int_equal(running(LBD_GENERATION_RUNNING), new);
	assert_int_equal(running(LBD_GENERATION_PREVIOUS), old);
	assert_int_equal(lbd_promote(&daemon_now, &err), 0);
	assert_int_equal(trial_candidate(), 0);
	assert_int_equal(running(LBD_GENERATION_RUNNING), new);
	assert_int_equal(running(LBD_GENERATION_PREVIOUS), old);
	assert_true(trial_kept("running") && trial_kept("previous") && !trial_kept("candidate"));
	assert_int_equal(lbd_promote(&daemon_now, &err), -ENOENT);
	assert_int_equal(lbd_abort(&daemon_now, &err), -ENOENT);
}

static void without_watch_a_swap_is_a_swap(void **state)
{
	(void)state;
	assert_reloads("upgrade: {watch: 0s}\n" ETH0, "web 80 1,2");
	trial_upgrade();
	assert_int_equal(trial_candidate(), 0);
	assert_int_not_equal(running(LBD_GENERATION_PREVIOUS), 0);
}

static void a_watch_keeps_the_new_one_when_its_time_is_over(void **state)
{
	const struct timeval enough = { .tv_sec = 2 };

	(void)state;
	assert_reloads("upgrade: {watch: 1s}\n" ETH0, "web 80 1,2");
	trial_upgrade();
	event_base_loopexit(daemon_now.base, &enough);
	event_base_dispatch(daemon_now.base);
	assert_int_equal(trial_candidate(), 0);
	assert_int_not_equal(running(LBD_GENERATION_PREVIOUS), 0);
}

static void a_rollback_from_a_watched_swap_goes_back_and_forth(void **state)
{
	const uint32_t old = running(LBD_GENERATION_RUNNING);
	struct error err = { 0 };
	uint32_t new;

	(void)state;
	trial_upgrade();
	new = trial_candidate();
	assert_int_equal(lbd_rollback(&daemon_now, &err), 0);
	assert_int_equal(trial_candidate(), 0);
	assert_int_equal(running(LBD_GENERATION_RUNNING), old);
	assert_int_equal(running(LBD_GENERATION_PREVIOUS), new);
	assert_int_equal(lbd_rollback(&daemon_now, &err), 0);
	assert_int_equal(running(LBD_GENERATION_RUNNING), new);
}

static void another_upgrade_keeps_the_watched_one_first(void **state)
{
	struct error err = { 0 };
	uint32_t first;

	(void)state;
	trial_upgrade();
	first = trial_candidate();
	trial_upgrade();
	assert_int_equal(running(LBD_GENERATION_PREVIOUS), first);
	assert_int_equal(lbd_abort(&daemon_now, &err), 0);
	assert_int_equal(running(LBD_GENERATION_RUNNING), first);
}

static void a_canary_is_only_an_attempt(void **state)
{
	const uint32_t old = running(LBD_GENERATION_RUNNING);
	const char *unknown = "nix";
	const struct lbd_canary other = { .share = 1, .services = &unknown, .services_count = 1 };
	struct error err = { 0 };

	(void)state;
	trial_canary(500);
	assert_int_equal(running(LBD_GENERATION_RUNNING), old);
	assert_int_equal(running(LBD_GENERATION_PREVIOUS), 0);
	assert_int_equal(lbd_upgrade(&daemon_now, NULL, false, &err), -EBUSY);
	assert_non_null(strstr(err.hint, "--promote"));
	assert_int_equal(lbd_rollback(&daemon_now, &err), -EBUSY);
	assert_int_equal(lbd_canary(&daemon_now, &other, &err), -ENOENT);
	assert_int_equal(lbd_abort(&daemon_now, &err), 0);
	assert_int_equal(running(LBD_GENERATION_RUNNING), old);
	assert_false(trial_kept("candidate"));
}

static void a_canary_that_is_promoted_runs(void **state)
{
	const uint32_t old = running(LBD_GENERATION_RUNNING);
	struct error err = { 0 };
	uint32_t new;

	(void)state;
	trial_canary(500);
	new = trial_candidate();
	assert_int_equal(lbd_promote(&daemon_now, &err), 0);
	assert_int_equal(running(LBD_GENERATION_RUNNING), new);
	assert_int_equal(running(LBD_GENERATION_PREVIOUS), old);
}

static void a_death_during_a_trial_brings_the_old_one_back(void **state)
{
	const uint32_t old = running(LBD_GENERATION_RUNNING);

	(void)state;
	trial_canary(500);
	trial_die();
	assert_true(dataplane_recovered(daemon_now.dataplane));
	assert_int_equal(running(LBD_GENERATION_RUNNING), old);
	assert_int_equal(trial_candidate(), 0);
	assert_false(trial_kept("candidate"));
	trial_upgrade();
	trial_die();
	assert_int_equal(running(LBD_GENERATION_RUNNING), old);
	restart();
	assert_false(dataplane_recovered(daemon_now.dataplane));
}

/* As its deadline would: who stops lbd can't watch. */
static void a_stop_ends_a_trial(void **state)
{
	const uint32_t old = running(LBD_GENERATION_RUNNING);

	(void)state;
	trial_upgrade();
	restart();
	assert_false(dataplane_recovered(daemon_now.dataplane));
	assert_int_equal(running(LBD_GENERATION_RUNNING), old);
}

static void a_config_of_another_shape_ends_a_canary_and_keeps_a_watched_swap(void **state)
{
	struct dataplane_generation before, after;

	(void)state;
	dataplane_generation(daemon_now.dataplane, LBD_GENERATION_RUNNING, &before);
	trial_canary(500);
	assert_reloads(ETH0, "web 80 1,2 ssh 22 3");
	assert_int_not_equal(trial_candidate(), 0);
	assert_reloads("timeouts: {tcp: 60s}\n" ETH0, "web 80 1,2");
	assert_int_equal(trial_candidate(), 0);
	dataplane_generation(daemon_now.dataplane, LBD_GENERATION_RUNNING, &after);
	assert_string_equal(after.tag, before.tag);
	trial_upgrade();
	dataplane_generation(daemon_now.dataplane, LBD_GENERATION_RUNNING, &before);
	assert_reloads("timeouts: {tcp: 90s}\n" ETH0, "web 80 1,2");
	assert_int_equal(trial_candidate(), 0);
	dataplane_generation(daemon_now.dataplane, LBD_GENERATION_RUNNING, &after);
	assert_string_equal(after.tag, before.tag);
	assert_true(dataplane_fits(daemon_now.dataplane, LBD_GENERATION_RUNNING, daemon_now.model,
				   after.features));
}

/* The newest entry of the history says @result, and @why. */
static void assert_put_down(const char *result, const char *why)
{
	char path[PAST_PATH_MAX];
	json_t *list = past_list(past_path(daemon_now.history_dir, path)), *newest;

	newest = json_array_get(list, json_array_size(list) - 1);
	assert_non_null(newest);
	assert_string_equal(json_string_value(json_object_get(newest, "result")), result);
	if (!strstr(json_string_value(json_object_get(newest, "why")), why))
		fail_msg("%s, expected %s", json_string_value(json_object_get(newest, "why")), why);
	json_decref(list);
}

static void what_ends_a_watch_in_doubt_goes_back_first(void **state)
{
	struct dataplane_generation before, after;
	struct error err = { 0 };
	uint32_t first;

	(void)state;
	dataplane_generation(daemon_now.dataplane, LBD_GENERATION_RUNNING, &before);
	trial_upgrade();
	daemon_now.upgrading.watching.watch.doubted = true;
	assert_reloads("timeouts: {tcp: 60s}\n" ETH0, "web 80 1,2");
	assert_int_equal(trial_candidate(), 0);
	assert_false(trial_kept("candidate"));
	assert_put_down("back", "another shape of the packet path, and it is in doubt");
	dataplane_generation(daemon_now.dataplane, LBD_GENERATION_RUNNING, &after);
	assert_string_equal(after.tag, before.tag);
	first = after.prog_id;
	trial_upgrade();
	daemon_now.upgrading.watching.watch.doubted = true;
	trial_upgrade();
	assert_put_down("back", "another upgrade takes its place, and it is in doubt");
	assert_int_equal(running(LBD_GENERATION_PREVIOUS), first);
	assert_int_equal(lbd_abort(&daemon_now, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DAEMON_TEST(a_swap_is_watched_and_then_kept),
		DAEMON_TEST(without_watch_a_swap_is_a_swap),
		DAEMON_TEST(a_watch_keeps_the_new_one_when_its_time_is_over),
		DAEMON_TEST(a_rollback_from_a_watched_swap_goes_back_and_forth),
		DAEMON_TEST(another_upgrade_keeps_the_watched_one_first),
		DAEMON_TEST(a_canary_is_only_an_attempt),
		DAEMON_TEST(a_canary_that_is_promoted_runs),
		DAEMON_TEST(a_death_during_a_trial_brings_the_old_one_back),
		DAEMON_TEST(a_stop_ends_a_trial),
		DAEMON_TEST(a_config_of_another_shape_ends_a_canary_and_keeps_a_watched_swap),
		DAEMON_TEST(what_ends_a_watch_in_doubt_goes_back_first),
	};

	return cmocka_run_group_tests(tests, enter, NULL);
}
