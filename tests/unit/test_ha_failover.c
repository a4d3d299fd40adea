// SPDX-License-Identifier: GPL-2.0-or-later
/* The planned switchover: its proof, its gate, and what becomes of it when nobody takes over. */
#include "ha_fixture.h"

#include <errno.h>
#include <string.h>

static struct sync_peer_status standby(void)
{
	return (struct sync_peer_status){ .name = "lb2",
					  .role = SYNC_ROLE_STANDBY,
					  .state = SYNC_STATE_LIVE,
					  .version = 2,
					  .heard_ms_ago = 5,
					  .received_all = true,
					  .held = { .agreed_ms_ago = 300, .agreed = 4096 } };
}

/* Master with an open gate, and a standby that holds all. */
static void be_master(struct lab *lab)
{
	struct error err;

	lab->sync.peers[0] = standby();
	lab_start(lab, true, 60000, true);
	assert_int_equal(ha_set_role(lab->ha, "master", &err), 0);
	assert_true(lab_status(lab).gate_open);
}

static void begin(struct lab *lab, bool force, uint32_t timeout_ms)
{
	struct error err;

	assert_int_equal(ha_failover(lab->ha, force, timeout_ms, &err), 0);
}

static struct failover look(struct lab *lab)
{
	struct failover failover;

	ha_look_failover(lab->ha, &failover);
	return failover;
}

static void expect(struct lab *lab, enum failover_state state, const char *gate)
{
	assert_string_equal(failover_state_name(look(lab).state), failover_state_name(state));
	lab_expect_file(lab, "gate", gate);
}

static void a_proven_peer_takes_over_and_this_node_ranks_lower(void **state)
{
	struct lab *lab = *state;
	struct error err;

	be_master(lab);
	begin(lab, false, 1000);
	lab_run_loop(lab, 50);
	expect(lab, FAILOVER_MOVING, "-254");
	lab->sync.peers[0].role = SYNC_ROLE_ACTIVE;
	lab->sync.peers[0].heard_ms_ago = 0;
	lab_run_loop(lab, 50);
	expect(lab, FAILOVER_MOVED, "-50");
	assert_true(lab_status(lab).gate_open);
	assert_in_range(look(lab).without_master_ms, 0, 200);
	assert_int_equal(ha_set_role(lab->ha, "backup", &err), 0);
	lab_expect_file(lab, "gate", "-50");
	assert_int_equal(ha_set_role(lab->ha, "master", &err), 0);
	lab_expect_file(lab, "gate", "0");
}

static void without_proof_nothing_is_changed(void **state)
{
	struct lab *lab = *state;

	be_master(lab);
	lab->sync.peers[0].held.agreed_ms_ago = -1;
	begin(lab, false, 100);
	lab_run_loop(lab, 50);
	expect(lab, FAILOVER_PROVING, "0");
	lab_run_loop(lab, 150);
	expect(lab, FAILOVER_REFUSED, "0");
	assert_non_null(strstr(look(lab).sentence, "lb2 hasn't proven yet"));
}

static void each_lack_of_a_peer_is_named(void **state)
{
	static const struct {
		const char *what;
		struct sync_peer_status peer;
	} lacks[] = {
		{ "no peer answers", { .heard_ms_ago = 5000 } },
		{ "hasn't been sent the whole table", { .state = SYNC_STATE_BULK } },
		{ "doesn't say that it is standby", { .state = SYNC_STATE_LIVE } },
		{ "may lack changes of the last 200 ms",
		  { .state = SYNC_STATE_LIVE, .role = SYNC_ROLE_STANDBY, .unsynced_ms = 200 } },
		{ "the last proof of lb2 is 9000 ms old",
		  { .state = SYNC_STATE_LIVE,
		    .role = SYNC_ROLE_STANDBY,
		    .version = 2,
		    .held.agreed_ms_ago = 9000 } },
	};
	struct failover failover;

	(void)state;
	for (size_t i = 0; i < sizeof(lacks) / sizeof(*lacks); i++) {
		struct sync_peer_status peer = lacks[i].peer;

		strcpy(peer.name, "lb2");
		failover_begin(&failover, false, 100, 1000);
		assert_int_equal(failover_turn(&failover, 1000, &peer, 1), FAILOVER_NOTHING);
		assert_non_null(strstr(failover.sentence, lacks[i].what));
	}
}

static void a_peer_of_version_1_needs_no_digests(void **state)
{
	struct sync_peer_status peer = standby();
	struct failover failover;

	(void)state;
	peer.version = 1;
	peer.held.agreed_ms_ago = -1;
	failover_begin(&failover, false, 100, 1000);
	assert_int_equal(failover_turn(&failover, 1000, &peer, 1), FAILOVER_SHUT);
}

static void every_peer_that_answers_must_hold_all(void **state)
{
	struct sync_peer_status peers[] = { standby(), standby() };
	struct failover failover;

	(void)state;
	peers[1].state = SYNC_STATE_BULK;
	failover_begin(&failover, false, 100, 1000);
	assert_int_equal(failover_turn(&failover, 1000, peers, 2), FAILOVER_NOTHING);
	peers[1].heard_ms_ago = 20000;
	assert_int_equal(failover_turn(&failover, 1000, peers, 2), FAILOVER_SHUT);
}

static void force_needs_no_proof(void **state)
{
	struct lab *lab = *state;

	be_master(lab);
	lab->sync.peers[0].held.agreed_ms_ago = -1;
	begin(lab, true, 0);
	lab_run_loop(lab, 50);
	expect(lab, FAILOVER_MOVING, "-254");
}

static void while_sync_stands_still_nothing_is_changed(void **state)
{
	static const char *const why =
		"sync isn't running: no peer can prove that it holds everything";
	struct lab *lab = *state;
	struct error err;

	be_master(lab);
	lab_pause_sync(lab, 60000);
	assert_int_equal(ha_failover(lab->ha, true, 0, &err), -EPERM);
	assert_string_equal(err.text, why);
	lab_resume_sync(lab, 60000);
	begin(lab, true, 0);
	lab_pause_sync(lab, 60000);
	lab_run_loop(lab, 50);
	expect(lab, FAILOVER_REFUSED, "0");
	assert_string_equal(look(lab).sentence, why);
}

/* Its rank would take the VIPs back from a peer that has them. */
static void who_let_go_and_cannot_ask_any_more_ranks_lower(void **state)
{
	struct lab *lab = *state;

	be_master(lab);
	begin(lab, false, 1000);
	lab_run_loop(lab, 50);
	expect(lab, FAILOVER_MOVING, "-254");
	lab_pause_sync(lab, 60000);
	lab_run_loop(lab, FAILOVER_TAKE_MS + 100);
	expect(lab, FAILOVER_FAILED, "-50");
}

static void if_nobody_takes_over_the_gate_opens_again(void **state)
{
	struct sync_peer_status peer = standby();
	struct failover failover;

	(void)state;
	failover_begin(&failover, false, 100, 1000);
	assert_int_equal(failover_turn(&failover, 1000, &peer, 1), FAILOVER_SHUT);
	assert_int_equal(failover_turn(&failover, 1000 + FAILOVER_TAKE_MS - 1, &peer, 1),
			 FAILOVER_NOTHING);
	assert_int_equal(failover_turn(&failover, 1000 + FAILOVER_TAKE_MS, &peer, 1),
			 FAILOVER_OPEN);
	assert_int_equal(failover.state, FAILOVER_FAILED);
}

static void one_that_nobody_waits_for_is_given_up(void **state)
{
	struct sync_peer_status peer = standby();
	struct failover failover;

	(void)state;
	peer.held.agreed_ms_ago = -1;
	failover_begin(&failover, false, 60000, 1000);
	failover_asked(&failover, 3000);
	failover_turn(&failover, 3000 + FAILOVER_ASKED_MS, &peer, 1);
	assert_int_equal(failover.state, FAILOVER_PROVING);
	failover_turn(&failover, 3001 + FAILOVER_ASKED_MS, &peer, 1);
	assert_int_equal(failover.state, FAILOVER_REFUSED);
}

static void only_the_active_node_of_a_cluster_hands_over(void **state)
{
	struct lab *lab = *state;
	struct error err;

	lab_start(lab, true, 60000, false);
	assert_int_equal(ha_failover(lab->ha, true, 0, &err), -EPERM);
	be_master(lab);
	begin(lab, false, 60000);
	assert_int_equal(ha_failover(lab->ha, false, 60000, &err), -EBUSY);
	assert_int_equal(ha_set_role(lab->ha, "backup", &err), 0);
	assert_int_equal(ha_failover(lab->ha, false, 0, &err), -EPERM);
	assert_string_equal(err.text, "this node's role is backup: a switchover begins on the "
				      "active node");
}

static void a_restarted_daemon_still_ranks_lower(void **state)
{
	struct lab *lab = *state;

	be_master(lab);
	lab_write_file(lab, "role", "backup");
	lab_write_file(lab, "gate", "-50");
	lab_start(lab, true, 60000, true);
	lab_expect_file(lab, "gate", "-50");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB(a_proven_peer_takes_over_and_this_node_ranks_lower),
		LAB(without_proof_nothing_is_changed),
		cmocka_unit_test(each_lack_of_a_peer_is_named),
		cmocka_unit_test(a_peer_of_version_1_needs_no_digests),
		cmocka_unit_test(every_peer_that_answers_must_hold_all),
		LAB(force_needs_no_proof),
		LAB(while_sync_stands_still_nothing_is_changed),
		LAB(who_let_go_and_cannot_ask_any_more_ranks_lower),
		cmocka_unit_test(if_nobody_takes_over_the_gate_opens_again),
		cmocka_unit_test(one_that_nobody_waits_for_is_given_up),
		LAB(only_the_active_node_of_a_cluster_hands_over),
		LAB(a_restarted_daemon_still_ranks_lower),
	};

	return cmocka_run_group_tests_name("ha failover", tests, NULL, NULL);
}
