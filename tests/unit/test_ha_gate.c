// SPDX-License-Identifier: GPL-2.0-or-later
/* When the gate opens, and what gate and role on disk say to the next start. */
#include "ha_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "ha/gate.h"

/* --- the gate's decision */

#define PATIENCE 1000

static struct gate_view view_of(const struct sync_peer_status *peers, uint32_t count)
{
	struct gate_view view = { .peers = peers, .peers_count = count, .patience_ms = PATIENCE };

	return view;
}

static void expect_gate(const struct gate_view *view, bool open, const char *reason)
{
	char text[200];

	assert_int_equal(gate_decide(view, text, sizeof(text)), open);
	assert_string_equal(text, reason);
}

static void a_node_without_peers_has_an_open_gate(void **state)
{
	struct gate_view view = view_of(NULL, 0);

	(void)state;
	expect_gate(&view, true, "no peers are configured");
}

static void a_master_with_adopted_tables_has_an_open_gate(void **state)
{
	struct sync_peer_status peer = { .name = "lb2", .heard_ms_ago = -1 };
	struct gate_view view = view_of(&peer, 1);
	char text[200];

	(void)state;
	view.role = HA_ROLE_MASTER;
	assert_false(gate_decide(&view, text, sizeof(text)));
	view.adopted = true;
	assert_true(gate_decide(&view, text, sizeof(text)));
	view.role = HA_ROLE_BACKUP;
	assert_false(gate_decide(&view, text, sizeof(text)));
}

static void a_peer_that_answers_must_send_its_whole_table(void **state)
{
	struct sync_peer_status peer = { .name = "lb2", .heard_ms_ago = 10 };
	struct gate_view view = view_of(&peer, 1);

	(void)state;
	view.waited_ms = PATIENCE * 10;
	expect_gate(&view, false, "lb2 hasn't sent its whole connection table yet");
	peer.received_all = true;
	expect_gate(&view, true, "the connection table is in sync with 1 of 1 peers");
}

static void every_peer_that_answers_counts_and_no_other(void **state)
{
	struct sync_peer_status peers[] = {
		{ .name = "lb2", .heard_ms_ago = 10, .received_all = true },
		{ .name = "lb3", .heard_ms_ago = 10 },
	};
	struct sync_peer_status silent[] = { peers[0], { .name = "lb3", .heard_ms_ago = -1 } };
	struct gate_view view = view_of(peers, 2);

	(void)state;
	expect_gate(&view, false, "lb3 hasn't sent its whole connection table yet");
	view = view_of(silent, 2);
	view.waited_ms = PATIENCE;
	expect_gate(&view, true, "the connection table is in sync with 1 of 2 peers");
}

static struct sync_peer_status active_peer(void)
{
	return (struct sync_peer_status){
		.name = "lb2",
		.role = SYNC_ROLE_ACTIVE,
		.version = 2,
		.heard_ms_ago = 10,
		.received_all = true,
		.holds = { .agreed_ms_ago = -1, .agreed = 4000, .unsettled = 90, .differing = 6 },
	};
}

/* A standby that boots beside us has nothing, and says so in no time. */
static void a_standbys_word_does_not_open_while_another_was_never_heard(void **state)
{
	struct sync_peer_status peers[] = {
		{ .name = "lb2", .heard_ms_ago = -1 },
		{ .name = "lb3",
		  .role = SYNC_ROLE_STANDBY,
		  .heard_ms_ago = 10,
		  .received_all = true },
	};
	struct gate_view view = view_of(peers, 2);

	(void)state;
	view.waited_ms = PATIENCE - 1;
	assert_false(gate_is_complete(&view));
	expect_gate(&view, false,
		    "lb2 hasn't answered yet, for 999 of 1000 ms, and none of those that did is "
		    "active");
	peers[0] = active_peer();
	assert_true(gate_is_complete(&view));
	expect_gate(&view, false,
		    "lb2's whole table is here, but not proven equal yet: of its regions 4000 "
		    "agree, 90 are unsettled, 6 differ");
}

static void behind_an_active_peers_proof_nobody_else_is_waited_for(void **state)
{
	struct sync_peer_status peers[] = { active_peer(), { .name = "lb3", .heard_ms_ago = -1 } };
	struct gate_view view = view_of(peers, 2);

	(void)state;
	peers[0].holds = (struct sync_proof){ .agreed_ms_ago = 300, .agreed = 4096 };
	expect_gate(&view, true,
		    "the connection table is proven equal to lb2's: all 4096 regions agreed");
	peers[0].version = 1;
	expect_gate(&view, true,
		    "lb2 has sent its whole table; it speaks version 1 of the protocol, which has "
		    "no proof");
}

static void an_active_peers_table_must_be_proven_equal(void **state)
{
	struct sync_peer_status peer = active_peer();
	struct gate_view view = view_of(&peer, 1);

	(void)state;
	expect_gate(&view, false,
		    "lb2's whole table is here, but not proven equal yet: of its regions 4000 "
		    "agree, 90 are unsettled, 6 differ");
	peer.holds = (struct sync_proof){ .agreed_ms_ago = 300, .agreed = 4096 };
	expect_gate(&view, true,
		    "the connection table is proven equal to lb2's: all 4096 regions agreed");
	peer.received_all = false;
	expect_gate(&view, false, "lb2 hasn't sent its whole connection table yet");
}

static void a_proof_is_waited_for_with_patience_and_the_reason_says_that_none_came(void **state)
{
	struct sync_peer_status peer = active_peer();
	struct gate_view view = view_of(&peer, 1);
	char text[200];

	(void)state;
	view.waited_ms = PATIENCE * 10;
	view.complete_ms = PATIENCE - 1;
	assert_true(gate_is_complete(&view));
	assert_false(gate_decide(&view, text, sizeof(text)));
	view.complete_ms = PATIENCE;
	expect_gate(&view, true,
		    "without proof: lb2's table wasn't proven equal within 1000 ms: 90 regions "
		    "unsettled, 6 differing");
}

static void a_peer_of_version_1_cannot_prove_and_the_reason_says_so(void **state)
{
	struct sync_peer_status peer = active_peer();
	struct gate_view view = view_of(&peer, 1);

	(void)state;
	peer.version = 1;
	expect_gate(&view, true,
		    "lb2 has sent its whole table; it speaks version 1 of the protocol, which has "
		    "no proof");
}

static void a_standby_peer_need_not_prove(void **state)
{
	struct sync_peer_status peers[] = { active_peer(), active_peer() };
	struct gate_view view = view_of(peers, 2);

	(void)state;
	peers[0].role = SYNC_ROLE_STANDBY;
	peers[1].holds.agreed_ms_ago = 1;
	peers[1].holds.agreed = 4096;
	expect_gate(&view, true,
		    "the connection table is proven equal to lb2's: all 4096 regions agreed");
	peers[1].role = SYNC_ROLE_STANDBY;
	expect_gate(&view, true, "the connection table is in sync with 2 of 2 peers");
}

static void silence_opens_the_gate_only_after_the_patience(void **state)
{
	struct sync_peer_status peer = { .name = "lb2", .heard_ms_ago = -1 };
	struct gate_view view = view_of(&peer, 1);

	(void)state;
	view.waited_ms = PATIENCE - 1;
	expect_gate(&view, false, "no peer has answered for 999 of 1000 ms");
	view.waited_ms = PATIENCE;
	expect_gate(&view, true, "no peer answered within 1000 ms");
}

static void a_peer_that_dies_in_the_middle_is_waited_for_and_then_given_up(void **state)
{
	struct sync_peer_status peer = { .name = "lb2", .heard_ms_ago = PATIENCE - 1 };
	struct gate_view view = view_of(&peer, 1);

	(void)state;
	view.waited_ms = PATIENCE * 3;
	expect_gate(&view, false, "lb2 hasn't sent its whole connection table yet");
	peer.heard_ms_ago = PATIENCE;
	expect_gate(&view, true, "no peer answered within 1000 ms");
}

/* --- gate and role on disk */

static void the_gate_is_closed_until_the_peer_has_sent_all(void **state)
{
	struct lab *lab = *state;

	lab_start(lab, false, 60000, true);
	lab_expect_file(lab, "gate", "-254");
	lab->sync.peers[0].heard_ms_ago = 5;
	lab_run_loop(lab, 150);
	assert_false(lab_status(lab).gate_open);
	assert_string_equal(lab_status(lab).gate_reason,
			    "lb2 hasn't sent its whole connection table yet");
	lab->sync.peers[0].received_all = true;
	lab_run_loop(lab, 150);
	assert_true(lab_status(lab).gate_open);
	lab_expect_file(lab, "gate", "0");
}

static void the_patience_with_a_proof_begins_when_the_table_is_complete(void **state)
{
	struct lab *lab = *state;

	lab->sync.peers[0] = active_peer();
	lab->sync.peers[0].received_all = false;
	lab_start(lab, false, 300, true);
	lab_run_loop(lab, 400);
	assert_false(lab_status(lab).gate_open);
	lab->sync.peers[0].received_all = true;
	lab_run_loop(lab, 150);
	assert_false(lab_status(lab).gate_open);
	lab_run_loop(lab, 400);
	assert_true(lab_status(lab).gate_open);
	assert_memory_equal(lab_status(lab).gate_reason, "without proof", 13);
}

static void the_gate_stays_open_when_the_peer_goes_away(void **state)
{
	struct lab *lab = *state;

	lab->sync.peers[0].heard_ms_ago = 5;
	lab->sync.peers[0].received_all = true;
	lab_start(lab, false, 60000, true);
	assert_true(lab_status(lab).gate_open);
	lab->sync.peers[0].received_all = false;
	lab_run_loop(lab, 200);
	assert_true(lab_status(lab).gate_open);
	lab_expect_file(lab, "gate", "0");
}

static void the_gate_opens_when_nobody_answers(void **state)
{
	struct lab *lab = *state;

	lab_start(lab, true, 200, true);
	assert_false(lab_status(lab).gate_open);
	lab_run_loop(lab, 400);
	assert_true(lab_status(lab).gate_open);
}

static void a_closed_gate_stays_closed_while_sync_stands_still(void **state)
{
	struct lab *lab = *state;

	lab->sync.peers[0].heard_ms_ago = 5;
	lab_start(lab, true, 100, true);
	lab_run_loop(lab, 150);
	assert_false(lab_status(lab).gate_open);
	lab_pause_sync(lab, 100);
	lab_run_loop(lab, 200);
	assert_false(lab_status(lab).gate_open);
	assert_string_equal(lab_status(lab).gate_reason,
			    "sync isn't running: no peer can be asked for its table");
	lab_expect_file(lab, "gate", "-254");
}

static void an_open_gate_stays_open_while_sync_stands_still(void **state)
{
	struct lab *lab = *state;

	lab->sync.peers[0].heard_ms_ago = 5;
	lab->sync.peers[0].received_all = true;
	lab_start(lab, true, 60000, true);
	lab_pause_sync(lab, 60000);
	lab_run_loop(lab, 100);
	assert_true(lab_status(lab).gate_open);
	lab_expect_file(lab, "gate", "0");
}

static void when_sync_goes_on_the_peers_are_waited_for_anew(void **state)
{
	struct lab *lab = *state;

	lab->sync.peers[0].heard_ms_ago = 5;
	lab_start(lab, true, 300, true);
	lab_run_loop(lab, 350);
	lab_pause_sync(lab, 300);
	lab->sync.peers[0].heard_ms_ago = -1;
	lab_resume_sync(lab, 300);
	lab_run_loop(lab, 100);
	assert_false(lab_status(lab).gate_open);
	lab_run_loop(lab, 350);
	assert_true(lab_status(lab).gate_open);
	assert_string_equal(lab_status(lab).gate_reason, "no peer answered within 300 ms");
}

/* Its sync has heard nobody yet: that isn't silence. */
static void who_takes_over_a_closed_gate_waits_for_the_peers_anew(void **state)
{
	struct lab *lab = *state;
	struct ha_memory memory;
	struct error err;

	lab->sync.peers[0].heard_ms_ago = 5;
	lab_start(lab, true, 300, true);
	lab_run_loop(lab, 350);
	ha_remember(lab->ha, &memory);
	assert_false(memory.gate_open);
	ha_free(lab->ha);
	lab->sync.peers[0].heard_ms_ago = -1;
	assert_int_equal(
		ha_new(lab->base, lab->dir, true, 300, &lab->sync, &memory, &lab->ha, &err), 0);
	assert_false(lab_status(lab).gate_open);
	lab_run_loop(lab, 100);
	assert_false(lab_status(lab).gate_open);
	lab_run_loop(lab, 350);
	assert_true(lab_status(lab).gate_open);
}

static void a_config_without_peers_opens_the_gate(void **state)
{
	struct lab *lab = *state;

	lab_start(lab, true, 60000, true);
	lab->sync.count = 0;
	lab_pause_sync(lab, 60000);
	lab_run_loop(lab, 100);
	assert_true(lab_status(lab).gate_open);
	assert_string_equal(lab_status(lab).gate_reason, "no peers are configured");
}

static void a_restarted_master_keeps_its_gate_open(void **state)
{
	struct lab *lab = *state;
	struct error err;

	lab_start(lab, false, 60000, false);
	assert_int_equal(ha_set_role(lab->ha, "master", &err), 0);
	lab_expect_file(lab, "role", "master");
	lab_start(lab, true, 60000, true);
	assert_int_equal(lab_status(lab).role, HA_ROLE_MASTER);
	assert_int_equal(lab->sync.role, SYNC_ROLE_ACTIVE);
	assert_in_range(lab_status(lab).role_ms_ago, 0, 5000);
	lab_expect_file(lab, "gate", "0");
}

static void a_restarted_backup_closes_its_gate(void **state)
{
	struct lab *lab = *state;

	lab_write_file(lab, "role", "backup");
	lab_write_file(lab, "gate", "0");
	lab_start(lab, true, 60000, true);
	assert_int_equal(lab_status(lab).role, HA_ROLE_BACKUP);
	lab_expect_file(lab, "gate", "-254");
}

static void a_role_of_a_keepalived_that_is_gone_says_nothing(void **state)
{
	struct lab *lab = *state;
	char pid[16];

	lab_write_file(lab, "role", "master");
	snprintf(pid, sizeof(pid), "%d", getpid()); /* lives, and isn't keepalived */
	lab_write_file(lab, "notifier", pid);
	lab_start(lab, true, 60000, true);
	assert_int_equal(lab_status(lab).role, HA_ROLE_UNKNOWN);
	assert_int_equal(lab_status(lab).role_ms_ago, -1);
	lab_expect_file(lab, "gate", "-254");
}

static void a_role_of_a_keepalived_that_lives_stands(void **state)
{
	struct lab *lab = *state;

	assert_int_equal(lab_run("cp /bin/sleep %s/keepalived && { %s/keepalived 60 & echo $! >"
				 " %s/notifier; } && sleep 0.1",
				 lab->dir, lab->dir, lab->dir),
			 0);
	lab_write_file(lab, "role", "master");
	lab_start(lab, true, 60000, true);
	lab_run("kill $(cut -d' ' -f1 %s/notifier)", lab->dir);
	assert_int_equal(lab_status(lab).role, HA_ROLE_MASTER);
	lab_expect_file(lab, "gate", "0");
}

static void a_garbled_role_file_is_no_role(void **state)
{
	struct lab *lab = *state;

	lab_write_file(lab, "role", "emperor");
	lab_start(lab, true, 60000, true);
	assert_int_equal(lab_status(lab).role, HA_ROLE_UNKNOWN);
}

static void an_unknown_role_is_refused_and_the_known_ones_named(void **state)
{
	struct lab *lab = *state;
	struct error err;

	lab_start(lab, false, 60000, false);
	assert_int_equal(ha_set_role(lab->ha, "emperor", &err), -EINVAL);
	assert_string_equal(err.text, "role \"emperor\": expected master, backup or fault");
	assert_int_equal(ha_set_role(lab->ha, "unknown", &err), -EINVAL);
	assert_int_equal(lab_status(lab).role, HA_ROLE_UNKNOWN);
}

static void a_run_directory_that_is_missing_is_an_error(void **state)
{
	struct lab *lab = *state;
	struct error err;

	assert_int_equal(ha_new(lab->base, "/nonexistent", false, 1, NULL, NULL, &lab->ha, &err),
			 -ENOENT);
	assert_string_equal(err.text, "/nonexistent/gate: No such file or directory");
	lab->ha = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_without_peers_has_an_open_gate),
		cmocka_unit_test(a_master_with_adopted_tables_has_an_open_gate),
		cmocka_unit_test(a_peer_that_answers_must_send_its_whole_table),
		cmocka_unit_test(every_peer_that_answers_counts_and_no_other),
		cmocka_unit_test(silence_opens_the_gate_only_after_the_patience),
		cmocka_unit_test(a_peer_that_dies_in_the_middle_is_waited_for_and_then_given_up),
		cmocka_unit_test(an_active_peers_table_must_be_proven_equal),
		cmocka_unit_test(
			a_proof_is_waited_for_with_patience_and_the_reason_says_that_none_came),
		cmocka_unit_test(a_peer_of_version_1_cannot_prove_and_the_reason_says_so),
		cmocka_unit_test(a_standby_peer_need_not_prove),
		cmocka_unit_test(a_standbys_word_does_not_open_while_another_was_never_heard),
		cmocka_unit_test(behind_an_active_peers_proof_nobody_else_is_waited_for),
		LAB(the_gate_is_closed_until_the_peer_has_sent_all),
		LAB(the_patience_with_a_proof_begins_when_the_table_is_complete),
		LAB(the_gate_stays_open_when_the_peer_goes_away),
		LAB(the_gate_opens_when_nobody_answers),
		LAB(a_closed_gate_stays_closed_while_sync_stands_still),
		LAB(an_open_gate_stays_open_while_sync_stands_still),
		LAB(when_sync_goes_on_the_peers_are_waited_for_anew),
		LAB(who_takes_over_a_closed_gate_waits_for_the_peers_anew),
		LAB(a_config_without_peers_opens_the_gate),
		LAB(a_restarted_master_keeps_its_gate_open),
		LAB(a_restarted_backup_closes_its_gate),
		LAB(a_role_of_a_keepalived_that_is_gone_says_nothing),
		LAB(a_role_of_a_keepalived_that_lives_stands),
		LAB(a_garbled_role_file_is_no_role),
		LAB(an_unknown_role_is_refused_and_the_known_ones_named),
		LAB(a_run_directory_that_is_missing_is_an_error),
	};

	return cmocka_run_group_tests_name("ha gate", tests, NULL, NULL);
}
