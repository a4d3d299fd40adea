// SPDX-License-Identifier: GPL-2.0-or-later
/* The running daemon: generations, and what others leave behind. */
#include "tests/unit/daemon_fixture.h"

/* --- generations */

/* Upgrade to another object; *ret_old is what ran before. */
static void upgrade_to_another(struct dataplane_generation *ret_old)
{
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
	struct error err = { 0 };
	char object[256];

	dataplane_generation(daemon_now.dataplane, LBD_GENERATION_RUNNING, ret_old);
	snprintf(object, sizeof(object), "%s/tests/unit/bad_live_none.bpf.o", build);
	assert_int_equal(lbd_upgrade(&daemon_now, object, false, &err), 0);
}

static void a_rollback_is_not_undone_by_a_config_change(void **state)
{
	struct dataplane_generation old, now;
	struct error err = { 0 };

	(void)state;
	upgrade_to_another(&old);
	assert_int_equal(running(LBD_GENERATION_PREVIOUS), old.prog_id);
	assert_int_equal(lbd_rollback(&daemon_now, &err), 0);
	assert_int_equal(running(LBD_GENERATION_RUNNING), old.prog_id);
	assert_reloads("timeouts: {tcp: 60s}\n" ETH0, "web 80 1,2");
	dataplane_generation(daemon_now.dataplane, LBD_GENERATION_RUNNING, &now);
	assert_int_not_equal(now.prog_id, old.prog_id);
	assert_string_equal(now.tag, old.tag);
}

static void a_rollback_after_a_config_change_brings_the_older_program_for_it(void **state)
{
	struct dataplane_generation old, now;
	struct error err = { 0 };

	(void)state;
	upgrade_to_another(&old);
	assert_int_equal(lbd_promote(&daemon_now, &err), 0);
	restart();
	assert_reloads("timeouts: {tcp: 60s}\n" ETH0, "web 80 1,2");
	assert_int_equal(lbd_rollback(&daemon_now, &err), 0);
	dataplane_generation(daemon_now.dataplane, LBD_GENERATION_RUNNING, &now);
	assert_string_equal(now.tag, old.tag);
	assert_true(dataplane_fits(daemon_now.dataplane, LBD_GENERATION_RUNNING, daemon_now.model,
				   now.features));
}

static void there_is_nothing_to_roll_back_to_at_first(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(lbd_rollback(&daemon_now, &err), -ENOENT);
	/* Specialising isn't upgrading. */
	assert_reloads("timeouts: {tcp: 60s}\n" ETH0, "web 80 1,2");
	assert_int_equal(lbd_rollback(&daemon_now, &err), -ENOENT);
}

static void a_bad_object_changes_nothing(void **state)
{
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
	uint32_t program = running(LBD_GENERATION_RUNNING);
	char object[256];
	struct error err = { 0 };

	(void)state;
	snprintf(object, sizeof(object), "%s/tests/unit/bad_forgetful.bpf.o", build);
	assert_int_equal(lbd_upgrade(&daemon_now, object, false, &err), -EBADMSG);
	assert_int_equal(running(LBD_GENERATION_RUNNING), program);
	assert_int_equal(running(LBD_GENERATION_PREVIOUS), 0);
}

/* --- what others leave behind */

static void pins_that_vanished_do_not_lock_lbd_out(void **state)
{
	(void)state;
	lbd_stop(&daemon_now);
	shell("rm -r " PINS);
	usleep(200000); /* the kernel empties lbd_generations in its own time */
	assert_true(attached("eth0"));
	assert_starts();
	assert_true(attached("eth0"));
	assert_false(daemon_now.attachments[0].adopted);
}

static void detach_also_takes_a_program_whose_pins_vanished(void **state)
{
	struct error err = { 0 };
	uint32_t interfaces = 0;

	(void)state;
	lbd_stop(&daemon_now);
	daemon_now = (struct lbd){ .lock = -1 };
	shell("rm -r " PINS);
	usleep(200000);
	assert_int_equal(dataplane_remove(PINS, &interfaces, &err), 0);
	assert_int_equal(interfaces, 1);
	assert_false(attached("eth0"));
	assert_int_equal(dataplane_remove(PINS, &interfaces, &err), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DAEMON_TEST(a_rollback_is_not_undone_by_a_config_change),
		DAEMON_TEST(a_rollback_after_a_config_change_brings_the_older_program_for_it),
		DAEMON_TEST(there_is_nothing_to_roll_back_to_at_first),
		DAEMON_TEST(a_bad_object_changes_nothing),
		DAEMON_TEST(pins_that_vanished_do_not_lock_lbd_out),
		DAEMON_TEST(detach_also_takes_a_program_whose_pins_vanished),
	};

	return cmocka_run_group_tests(tests, enter, NULL);
}
