// SPDX-License-Identifier: GPL-2.0-or-later
/* The running daemon's configs: trials, the history, and what a start takes. */
#include <dirent.h>

#include "tests/unit/daemon_fixture.h"

#define HISTORY RUN "/history"

static struct {
	bool done;
	int rc;
	struct error err;
} told;

static void tell(void *context, int rc, const struct error *err)
{
	(void)context;
	told.done = true;
	told.rc = rc;
	told.err = *err;
}

static void run_ms(long ms)
{
	const struct timeval wait = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_base_loopexit(daemon_now.base, &wait);
	event_base_dispatch(daemon_now.base);
}

/* As POST /v1/reload: by the thread, and waited for. */
static int order(uint32_t history, uint32_t confirm_ms)
{
	const struct lbd_reload_order wanted = { HISTORY_BY_RELOAD, history, confirm_ms };

	told.done = false;
	told.err = (struct error){ 0 };
	told.rc = lbd_reload_begin(&daemon_now, &wanted, tell, NULL, &told.err);
	while (!told.rc && !told.done)
		event_base_loop(daemon_now.base, EVLOOP_ONCE);
	return told.rc;
}

static void assert_orders(uint32_t history, uint32_t confirm_ms)
{
	if (order(history, confirm_ms))
		fail_msg("refused: %s", told.err.text);
}

static void assert_refuses(uint32_t history, uint32_t confirm_ms, const char *why)
{
	assert_int_not_equal(order(history, confirm_ms), 0);
	if (!strstr(told.err.text, why))
		fail_msg("came \"%s\", expected \"%s\"", told.err.text, why);
}

static uint32_t weight(void)
{
	return backend_of("web", 1)->weight;
}

/* The file says that backend 1 weighs @n. */
static void write_weight(unsigned int n)
{
	configure(ETH0, "web 80 1,2");
	shell("sed -i 's/{address: 198.51.100.1}/{address: 198.51.100.1, weight: %u}/' %s", n,
	      config_path);
}

static struct history_entry entries[64];

static uint32_t history(void)
{
	struct history_entry *all;
	uint32_t count;

	assert_int_equal(history_list(HISTORY, &all, &count), 0);
	assert_true(count <= 64);
	memcpy(entries, all, count * sizeof(*all));
	free(all);
	return count;
}

static const struct history_entry *newest(void)
{
	uint32_t count = history();

	assert_int_not_equal(count, 0);
	return &entries[count - 1];
}

static int change_weight(uint32_t n, struct error *err)
{
	const struct lbd_backend_change change = {
		LBD_BACKEND_WEIGHT, "web", "198.51.100.1", NULL, n, 0
	};

	*err = (struct error){ 0 };
	return lbd_change_backend(&daemon_now, &change, err);
}

/* --- the history */

static void what_is_put_in_force_is_kept_with_its_reason(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(history(), 1);
	assert_int_equal(newest()->trigger, HISTORY_BY_START);
	write_weight(7);
	assert_orders(0, 0);
	assert_int_equal(newest()->trigger, HISTORY_BY_RELOAD);
	assert_int_equal(newest()->changes, 1);
	assert_string_equal(newest()->summary,
			    "services[web].backends[198.51.100.1].weight 100 -> 7");
	assert_int_equal(change_weight(9, &err), 0);
	assert_int_equal(newest()->trigger, HISTORY_BY_BACKEND);
	assert_int_equal(history(), 3);
}

static void what_changes_nothing_makes_no_entry(void **state)
{
	(void)state;
	assert_orders(0, 0);
	restart();
	restart();
	assert_int_equal(history(), 1);
}

static void the_history_is_bounded_and_closed_to_others(void **state)
{
	struct stat st;

	(void)state;
	for (unsigned int i = 1; i <= 8; i++) {
		configure("history: 3\n" ETH0, "web 80 1,2");
		shell("sed -i 's/100.1}/100.1, weight: %u}/' %s", i, config_path);
		assert_orders(0, 0);
	}
	assert_int_equal(history(), 3);
	assert_int_equal(newest()->number, 9);
	assert_int_equal(stat(HISTORY "/000009.yaml", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(HISTORY, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void an_older_config_stands_in_for_the_file_until_that_is_edited(void **state)
{
	(void)state;
	write_weight(7);
	assert_orders(0, 0);
	assert_orders(1, 0);
	assert_int_equal(weight(), 100);
	assert_int_equal(daemon_now.origin, HISTORY_FROM_HISTORY);
	restart();
	assert_int_equal(weight(), 100);
	assert_int_equal(daemon_now.origin, HISTORY_FROM_HISTORY);
	write_weight(8);
	restart();
	assert_int_equal(weight(), 8);
	assert_int_equal(daemon_now.origin, HISTORY_FROM_FILE);
	assert_refuses(77, 0, "no config 77");
}

/* --- what a reload would come to */

static struct lbd_verdict weighed(void)
{
	struct config *config = NULL;
	struct lbd_verdict verdict;
	struct error err = { 0 };

	if (lbd_read(config_path, &config, &err))
		fail_msg("%s", err.text);
	lbd_weigh(&daemon_now, config, &verdict);
	lbd_read_free(config);
	if (verdict.refused)
		print_message("refused: %s\n", verdict.why.text);
	return verdict;
}

static void a_reload_is_weighed_as_it_would_come_to_be(void **state)
{
	struct model *before = in_force();
	struct lbd_verdict verdict = weighed();

	(void)state;
	assert_false(verdict.refused || verdict.refit);
	write_weight(7);
	verdict = weighed();
	assert_false(verdict.refused || verdict.refit);
	shell("sed -i 's/health:/forward: ipip, health:/' %s", config_path);
	verdict = weighed();
	assert_true(verdict.refit && !verdict.refused);
	assert_int_equal(verdict.features_then & ~verdict.features_now & LBD_FEATURE_IPIP,
			 LBD_FEATURE_IPIP);
	configure("timeouts: {tcp: 77s}\n" ETH0, "web 80 1,2");
	verdict = weighed();
	assert_true(verdict.refit && verdict.features_then == verdict.features_now);
	configure("xdp: {interfaces: [eth0, nowhere]}", "web 80 1,2");
	assert_true(weighed().refused);
	configure(ETH0 "\ncluster: {secret-file: /run/none}", "web 80 1,2");
	verdict = weighed();
	assert_true(verdict.refused && strstr(verdict.why.text, "/run/none"));
	assert_same_model(before, in_force());
}

/* --- trials */

static void a_config_that_is_not_confirmed_goes_again(void **state)
{
	(void)state;
	write_weight(7);
	assert_orders(0, 200);
	assert_int_equal(weight(), 7);
	assert_true(lbd_trial_left_ms(&daemon_now) > 0);
	assert_int_equal(newest()->result, HISTORY_IS_TRIAL);
	run_ms(400);
	assert_int_equal(weight(), 100);
	assert_int_equal(lbd_trial_left_ms(&daemon_now), -1);
	assert_int_equal(newest()->trigger, HISTORY_BY_REVERT);
	assert_int_equal(entries[1].result, HISTORY_IS_REVERTED);
}

static void cancelled(void *context, int rc, const struct error *err)
{
	int *told = context;

	(void)err;
	*told = rc;
}

static void a_file_that_was_not_confirmed_is_not_taken_by_the_next_start(void **state)
{
	struct error err;
	int told = 1;

	(void)state;
	write_weight(7);
	assert_orders(0, 60000);
	assert_int_equal(lbd_trial_cancel(&daemon_now, cancelled, &told, &err), 0);
	assert_int_equal(told, 0);
	for (int i = 0; i < 2; i++) {
		restart();
		assert_int_equal(weight(), 100);
		assert_int_equal(daemon_now.origin, HISTORY_FROM_REVERTED);
	}
	assert_orders(0, 0);
	assert_int_equal(weight(), 7);
	restart();
	assert_int_equal(weight(), 7);
	assert_int_equal(daemon_now.origin, HISTORY_FROM_FILE);
}

static void a_config_that_is_confirmed_stays(void **state)
{
	struct error err;

	(void)state;
	write_weight(7);
	assert_orders(0, 200);
	assert_int_equal(lbd_trial_confirm(&daemon_now, &err), 0);
	run_ms(400);
	assert_int_equal(weight(), 7);
	restart();
	assert_int_equal(weight(), 7);
	assert_int_equal(lbd_trial_confirm(&daemon_now, &err), -ENOENT);
	assert_int_equal(lbd_trial_cancel(&daemon_now, cancelled, NULL, &err), -ENOENT);
}

static void a_restart_is_no_confirmation(void **state)
{
	(void)state;
	write_weight(7);
	assert_orders(0, 60000);
	restart();
	assert_int_equal(weight(), 100);
	assert_int_equal(daemon_now.origin, HISTORY_FROM_REVERTED);
	assert_int_equal(newest()->trigger, HISTORY_BY_REVERT);
	assert_int_equal(entries[1].result, HISTORY_IS_REVERTED);
	restart();
	assert_int_equal(weight(), 100);
	write_weight(8);
	restart();
	assert_int_equal(weight(), 8);
}

static void a_trial_is_decided_before_anything_else_changes_the_config(void **state)
{
	struct error err;

	(void)state;
	write_weight(7);
	assert_orders(0, 60000);
	assert_refuses(0, 0, "config 2 is on trial");
	assert_int_equal(change_weight(9, &err), -EBUSY);
	assert_int_equal(lbd_reload(&daemon_now, &err), -EBUSY);
	assert_int_equal(weight(), 7);
}

static void a_trial_after_a_trial_has_the_same_way_back(void **state)
{
	(void)state;
	write_weight(7);
	assert_orders(0, 60000);
	write_weight(8);
	assert_orders(0, 200);
	assert_int_equal(weight(), 8);
	assert_int_equal(daemon_now.trial.back, 1);
	shell("echo nonsense: 1 >>%s", config_path);
	assert_refuses(0, 60000, "nonsense");
	assert_int_equal(weight(), 8);
	run_ms(400);
	assert_int_equal(weight(), 100);
}

static void a_trial_that_is_refused_leaves_no_trace(void **state)
{
	(void)state;
	configure("xdp: {interfaces: [eth0, nowhere]}", "web 80 1");
	assert_refuses(0, 60000, "nowhere");
	assert_int_equal(lbd_trial_left_ms(&daemon_now), -1);
	assert_int_equal(history(), 1);
	assert_orders(1, 0);
}

static void runtime_changes_come_back_with_what_ran_before(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(change_weight(9, &err), 0);
	write_weight(7);
	assert_orders(0, 200);
	assert_int_equal(weight(), 7);
	run_ms(400);
	assert_int_equal(weight(), 9);
	assert_int_equal(change_weight(10, &err), 0);
	restart();
	assert_int_equal(weight(), 10);
}

static void a_trial_of_an_older_config_goes_back_to_the_file(void **state)
{
	(void)state;
	write_weight(7);
	assert_orders(0, 0);
	assert_orders(1, 60000);
	assert_int_equal(weight(), 100);
	restart();
	assert_int_equal(weight(), 7);
	assert_int_equal(daemon_now.origin, HISTORY_FROM_FILE);
	assert_orders(1, 200);
	run_ms(400);
	assert_int_equal(weight(), 7);
	assert_int_equal(daemon_now.origin, HISTORY_FROM_FILE);
}

/* --- broken files */

static int start_strictly(struct error *err)
{
	lbd_stop(&daemon_now);
	daemon_now = (struct lbd){ .lock = -1, .config_path = config_path, .strict = true };
	*err = (struct error){ 0 };
	return lbd_start(&daemon_now, err);
}

static void a_broken_file_starts_with_the_last_good_config(void **state)
{
	struct error err;

	(void)state;
	write_weight(7);
	assert_orders(0, 0);
	shell("echo nonsense: 1 >>%s", config_path);
	assert_int_not_equal(start_strictly(&err), 0);
	assert_non_null(strstr(err.text, "nonsense"));
	restart();
	assert_int_equal(weight(), 7);
	assert_int_equal(daemon_now.origin, HISTORY_FROM_LAST_GOOD);
	assert_non_null(strstr(daemon_now.file_fault, "nonsense"));
	shell("rm %s", config_path);
	restart();
	assert_int_equal(weight(), 7);
	write_weight(8);
	restart();
	assert_int_equal(weight(), 8);
	assert_int_equal(daemon_now.origin, HISTORY_FROM_FILE);
}

static void a_config_on_trial_is_no_good_one(void **state)
{
	(void)state;
	write_weight(7);
	assert_orders(0, 60000);
	shell("echo nonsense: 1 >%s", config_path);
	restart();
	assert_int_equal(weight(), 100);
}

static void without_a_good_config_a_broken_file_is_refused(void **state)
{
	struct error err;

	(void)state;
	lbd_stop(&daemon_now);
	shell("rm -r " HISTORY "; echo nonsense: 1 >%s", config_path);
	assert_int_not_equal(start(&err), 0);
	assert_non_null(strstr(err.text, "nonsense"));
	/* For `end`: there is something to stop. */
	configure(ETH0, "web 80 1,2");
}

static void another_files_good_config_is_not_taken(void **state)
{
	struct error err;

	(void)state;
	lbd_stop(&daemon_now);
	shell("sed -i 's|# file: .*|# file: /run/another.yaml|' " HISTORY "/000001.yaml;"
	      " echo nonsense: 1 >%s",
	      config_path);
	assert_int_not_equal(start(&err), 0);
	configure(ETH0, "web 80 1,2");
}

static void garbage_in_the_history_stops_no_start(void **state)
{
	static const char *const garbage[] = {
		"head -c 4096 /dev/urandom >" HISTORY "/000001.yaml",
		"rm " HISTORY "/000001.yaml; mkfifo " HISTORY "/000001.yaml",
		"rm " HISTORY "/000001.yaml; mkdir " HISTORY "/000001.yaml",
		"echo >" HISTORY "/99999999.yaml; echo >" HISTORY "/99999999999.yaml",
		"sed -i '/^[^#]/d' " HISTORY "/*.yaml 2>/dev/null || :",
		"touch " HISTORY "/000002.yaml.aBcDeF",
		"rm -r " HISTORY "; touch " HISTORY,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(garbage) / sizeof(*garbage); i++) {
		write_weight(7);
		assert_orders(0, 0);
		shell("%s", garbage[i]);
		write_weight(8);
		restart();
		assert_int_equal(weight(), 8);
	}
	assert_true(daemon_now.history_fault);
	write_weight(7);
	assert_refuses(0, 60000, "no way back");
	assert_orders(0, 0);
	assert_int_equal(weight(), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DAEMON_TEST(what_is_put_in_force_is_kept_with_its_reason),
		DAEMON_TEST(what_changes_nothing_makes_no_entry),
		DAEMON_TEST(the_history_is_bounded_and_closed_to_others),
		DAEMON_TEST(an_older_config_stands_in_for_the_file_until_that_is_edited),
		DAEMON_TEST(a_reload_is_weighed_as_it_would_come_to_be),
		DAEMON_TEST(a_config_that_is_not_confirmed_goes_again),
		DAEMON_TEST(a_file_that_was_not_confirmed_is_not_taken_by_the_next_start),
		DAEMON_TEST(a_config_that_is_confirmed_stays),
		DAEMON_TEST(a_restart_is_no_confirmation),
		DAEMON_TEST(a_trial_is_decided_before_anything_else_changes_the_config),
		DAEMON_TEST(a_trial_after_a_trial_has_the_same_way_back),
		DAEMON_TEST(a_trial_that_is_refused_leaves_no_trace),
		DAEMON_TEST(runtime_changes_come_back_with_what_ran_before),
		DAEMON_TEST(a_trial_of_an_older_config_goes_back_to_the_file),
		DAEMON_TEST(a_broken_file_starts_with_the_last_good_config),
		DAEMON_TEST(a_config_on_trial_is_no_good_one),
		DAEMON_TEST(without_a_good_config_a_broken_file_is_refused),
		DAEMON_TEST(another_files_good_config_is_not_taken),
		DAEMON_TEST(garbage_in_the_history_stops_no_start),
	};

	return cmocka_run_group_tests(tests, enter, NULL);
}
