// SPDX-License-Identifier: GPL-2.0-or-later
/* The upgrade of a cluster: whose turn it is, and what speaks against the step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cluster/plan.h"

struct lab {
	struct plan_facts facts;
	struct plan_peer peers[2];
	struct plan plan;
};

static void set(char *text, const char *value)
{
	snprintf(text, PLAN_NAME_MAX, "%s", value);
}

static struct plan_peer peer(const char *name, enum plan_role role, const char *release)
{
	struct plan_peer peer = { .role = role,
				  .live = true,
				  .received_all = true,
				  .digests = true,
				  .heard_ms_ago = 40,
				  .holds = { 300, 0 },
				  .held = { 300, 0 } };

	set(peer.name, name);
	set(peer.release, release);
	return peer;
}

/* This node runs @daemon and @packet_path, has @installed; its one peer is lb1. */
static struct lab lab(enum plan_role role, const char *installed, const char *daemon,
		      const char *packet_path, const char *peer_release)
{
	struct lab lab = { .facts = { .role = role, .peers_count = 1 } };
	enum plan_role other = role == PLAN_ROLE_ACTIVE ? PLAN_ROLE_STANDBY : PLAN_ROLE_ACTIVE;

	set(lab.facts.name, "lb2");
	set(lab.facts.installed, installed);
	set(lab.facts.daemon, daemon);
	set(lab.facts.packet_path, packet_path);
	lab.peers[0] = peer("lb1", other, peer_release);
	return lab;
}

static void plan(struct lab *lab, const char *target)
{
	lab->facts.peers = lab->peers;
	plan_make(&lab->facts, target, &lab->plan);
}

static void expect(struct lab *lab, const char *target, enum plan_step step, const char *where)
{
	plan(lab, target);
	for (size_t i = 0; i < lab->plan.checks_count; i++)
		print_message("%d %s\n", lab->plan.checks[i].ok, lab->plan.checks[i].what);
	assert_string_equal(plan_step_name(lab->plan.step), plan_step_name(step));
	assert_string_equal(lab->plan.where, where);
	assert_false(lab->plan.blocked);
}

static void expect_blocked(struct lab *lab, const char *reason)
{
	plan(lab, NULL);
	assert_true(lab->plan.blocked);
	for (size_t i = 0; i < lab->plan.checks_count; i++)
		if (!lab->plan.checks[i].ok && strstr(lab->plan.checks[i].what, reason))
			return;
	fail_msg("no check failed that says \"%s\"", reason);
}

static void a_standby_takes_its_steps_in_order(void **state)
{
	struct lab bare = lab(PLAN_ROLE_STANDBY, "1.0", "1.0", "1.0", "1.0");
	struct lab installed = lab(PLAN_ROLE_STANDBY, "1.1", "1.0", "1.0", "1.0");
	struct lab restarted = lab(PLAN_ROLE_STANDBY, "1.1", "1.1", "1.0", "1.0");
	struct lab ready = lab(PLAN_ROLE_STANDBY, "1.1", "1.1", "1.1", "1.0");

	(void)state;
	expect(&bare, "1.1", PLAN_INSTALL, "lb2");
	expect(&installed, NULL, PLAN_DAEMON, "lb2");
	expect(&restarted, NULL, PLAN_PACKET_PATH, "lb2");
	expect(&ready, NULL, PLAN_ELSEWHERE, "lb1");
}

static void the_active_node_waits_for_the_standby_then_hands_over(void **state)
{
	struct lab first = lab(PLAN_ROLE_ACTIVE, "1.1", "1.0", "1.0", "1.0");
	struct lab last = lab(PLAN_ROLE_ACTIVE, "1.0", "1.0", "1.0", "1.1");

	(void)state;
	expect(&first, NULL, PLAN_ELSEWHERE, "lb1");
	expect(&last, NULL, PLAN_FAILOVER, "lb2");
}

static void when_all_nodes_run_the_target_it_is_done(void **state)
{
	struct lab standby = lab(PLAN_ROLE_STANDBY, "1.1", "1.1", "1.1", "1.1");
	struct lab active = lab(PLAN_ROLE_ACTIVE, "1.1", "1.1", "1.1", "1.1");

	(void)state;
	expect(&standby, NULL, PLAN_DONE, "lb2");
	expect(&active, NULL, PLAN_DONE, "lb2");
	assert_string_equal(active.plan.command, "");
}

static void a_downgrade_is_the_same_with_a_lower_target(void **state)
{
	struct lab bare = lab(PLAN_ROLE_STANDBY, "1.10", "1.10", "1.10", "1.10");
	struct lab installed = lab(PLAN_ROLE_STANDBY, "1.9", "1.10", "1.10", "1.10");
	struct lab active = lab(PLAN_ROLE_ACTIVE, "1.10", "1.10", "1.10", "1.9");

	(void)state;
	expect(&bare, "1.9", PLAN_INSTALL, "lb2");
	expect(&installed, "1.9", PLAN_DAEMON, "lb2");
	expect(&active, "1.9", PLAN_FAILOVER, "lb2");
	/* Without a target the highest counts, by number and not by letter. */
	expect(&active, NULL, PLAN_ELSEWHERE, "lb1");
	assert_string_equal(active.plan.target, "1.10");
}

static void of_three_nodes_standbys_come_first_and_the_active_last(void **state)
{
	struct lab three = lab(PLAN_ROLE_STANDBY, "1.1", "1.1", "1.1", "1.0");

	(void)state;
	three.peers[1] = peer("lb3", PLAN_ROLE_STANDBY, "1.0");
	three.facts.peers_count = 2;
	expect(&three, NULL, PLAN_ELSEWHERE, "lb3");
	set(three.peers[1].release, "1.1");
	expect(&three, NULL, PLAN_ELSEWHERE, "lb1");
	three.peers[1].live = false;
	expect_blocked(&three, "lb3 isn't in sync");
}

static void a_peer_that_does_not_say_what_it_runs_is_behind(void **state)
{
	struct lab old = lab(PLAN_ROLE_STANDBY, "1.1", "1.1", "1.1", "");

	(void)state;
	old.peers[0].digests = false;
	old.peers[0].holds.agreed_ms_ago = -1;
	expect(&old, NULL, PLAN_ELSEWHERE, "lb1");
}

static void a_node_alone_upgrades_in_place(void **state)
{
	struct lab alone = lab(PLAN_ROLE_ACTIVE, "1.1", "1.1", "1.0", "");

	(void)state;
	alone.facts.peers_count = 0;
	expect(&alone, NULL, PLAN_PACKET_PATH, "lb2");
}

static void each_reason_against_a_step_is_named(void **state)
{
	struct lab fine = lab(PLAN_ROLE_STANDBY, "1.1", "1.1", "1.0", "1.0"), bad;

	(void)state;
	bad = fine;
	bad.facts.role = PLAN_ROLE_FAULT;
	expect_blocked(&bad, "role is fault");
	bad = fine;
	bad.peers[0].role = PLAN_ROLE_STANDBY;
	expect_blocked(&bad, "no peer that is heard says that it is active");
	bad = fine;
	bad.peers[0].heard_ms_ago = -1;
	expect_blocked(&bad, "lb1 was never heard");
	bad = fine;
	bad.peers[0].live = false;
	expect_blocked(&bad, "lb1 isn't in sync");
	bad = fine;
	bad.peers[0].received_all = false;
	expect_blocked(&bad, "whole table isn't here");
	bad = fine;
	bad.peers[0].holds.differing = 3;
	expect_blocked(&bad, "lb2 differs from lb1 in 3 regions");
	bad = fine;
	bad.peers[0].holds.agreed_ms_ago = PLAN_FRESH_MS + 1;
	expect_blocked(&bad, "lb2 isn't proven to hold what lb1 holds");
}

static void each_reason_against_handing_over_is_named(void **state)
{
	struct lab fine = lab(PLAN_ROLE_ACTIVE, "1.0", "1.0", "1.0", "1.1"), bad;

	(void)state;
	bad = fine;
	bad.facts.breaking = 7;
	expect_blocked(&bad, "7 connections would break");
	bad = fine;
	bad.peers[0].role = PLAN_ROLE_ACTIVE;
	expect_blocked(&bad, "both say that they are active");
	bad = fine;
	bad.peers[0].unsynced_ms = 900;
	expect_blocked(&bad, "may lack changes of the last 900 ms");
	bad = fine;
	bad.peers[0].held.agreed_ms_ago = -1;
	expect_blocked(&bad, "lb1 isn't proven to hold what lb2 holds");
}

static void more_peers_than_checks_are_room_for_are_judged_all_the_same(void **state)
{
	static struct plan_peer peers[PLAN_CHECKS_MAX];
	struct lab many = lab(PLAN_ROLE_STANDBY, "1.1", "1.1", "1.1", "1.1");

	(void)state;
	for (size_t i = 0; i < PLAN_CHECKS_MAX; i++)
		peers[i] = peer("lb", i ? PLAN_ROLE_STANDBY : PLAN_ROLE_ACTIVE, "1.1");
	peers[PLAN_CHECKS_MAX - 1].live = false;
	many.facts.peers = peers;
	many.facts.peers_count = PLAN_CHECKS_MAX;
	plan_make(&many.facts, NULL, &many.plan);
	assert_true(many.plan.blocked);
	assert_int_equal(many.plan.checks_count, PLAN_CHECKS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_standby_takes_its_steps_in_order),
		cmocka_unit_test(the_active_node_waits_for_the_standby_then_hands_over),
		cmocka_unit_test(when_all_nodes_run_the_target_it_is_done),
		cmocka_unit_test(a_downgrade_is_the_same_with_a_lower_target),
		cmocka_unit_test(of_three_nodes_standbys_come_first_and_the_active_last),
		cmocka_unit_test(a_peer_that_does_not_say_what_it_runs_is_behind),
		cmocka_unit_test(a_node_alone_upgrades_in_place),
		cmocka_unit_test(each_reason_against_a_step_is_named),
		cmocka_unit_test(each_reason_against_handing_over_is_named),
		cmocka_unit_test(more_peers_than_checks_are_room_for_are_judged_all_the_same),
	};

	return cmocka_run_group_tests_name("cluster_plan", tests, NULL, NULL);
}
