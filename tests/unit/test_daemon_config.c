// SPDX-License-Identifier: GPL-2.0-or-later
/* The running daemon: next hops, reloads, ids, runtime changes. */
#include "tests/unit/daemon_fixture.h"

/* --- next hops */

static void a_new_service_on_a_known_address_has_its_next_hop_at_once(void **state)
{
	(void)state;
	assert_reloads(ETH0, "web 80 1,2 other 81 1");
	assert_true(backend_of("other", 1)->nexthop.resolved);
	assert_int_equal(backend_of("other", 1)->nexthop.ifindex, if_nametoindex("eth0"));
}

static void a_lost_interface_holds_up_nobody_else(void **state)
{
	const struct lbd_backend_change weigh = {
		LBD_BACKEND_WEIGHT, "web", "198.51.100.1", NULL, 7, 0
	};
	struct error err = { 0 };

	(void)state;
	shell("ip link add far type veth peer name farp && ip link set far up && ip link set farp "
	      "up &&"
	      " ip route add 198.51.100.99 dev far &&"
	      " ip neigh add 198.51.100.99 lladdr 02:00:00:00:00:99 dev far nud permanent");
	assert_reloads(ETH0, "web 80 1 far 81 99");
	assert_true(backend_of("far", 99)->nexthop.resolved);
	shell("ip link del far");
	assert_int_equal(lbd_change_backend(&daemon_now, &weigh, &err), 0);
	assert_false(backend_of("far", 99)->nexthop.resolved);
	restart();
	assert_int_equal(backend_of("web", 1)->weight, 7);
	assert_false(backend_of("far", 99)->nexthop.resolved);
}

static void run_for(time_t seconds)
{
	const struct timeval wait = { .tv_sec = seconds };

	event_base_loopexit(daemon_now.base, &wait);
	event_base_dispatch(daemon_now.base);
}

static void an_interface_that_comes_back_is_attached_again(void **state)
{
	(void)state;
	shell("ip link add spare type veth peer name sparep");
	assert_reloads("xdp: {interfaces: [eth0, spare]}", "web 80 1,2");
	shell("ip link del spare");
	run_for(2);
	shell("ip link add spare type veth peer name sparep");
	assert_false(attached("spare"));
	run_for(2);
	assert_true(attached("spare"));
	assert_int_equal(daemon_now.attachments[1].ifindex, if_nametoindex("spare"));
	shell("ip link del spare");
}

/* --- reload */

static void a_refused_reload_leaves_everything_as_it_was(void **state)
{
	static const struct {
		const char *head, *services, *why;
	} refused[] = {
		{ "xdp: {interfaces: [eth0, spare, nowhere]}", "web 80 1 new 81 3", "nowhere" },
		{ "xdp: {interfaces: [spare]}\ncluster: {listen: '203.0.113.1:7400', "
		  "security: plaintext, peers: [{name: other, address: '203.0.113.2:7400'}]}",
		  "new 81 3", "cannot listen" },
		{ ETH0 "\ncluster: {listen: '203.0.113.1:7400', key-file: /run/open, peers: "
		       "[{name: other, address: '203.0.113.2:7400', "
		       "keys: ['rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7']}]}",
		  "new 81 3", "expected 0600" },
		{ ETH0 "\ncluster: {secret-file: /run/open}", "new 81 3", "expected 0600" },
		{ ETH0 "\ncluster: {secret-file: /run/none}", "new 81 3", "/run/none" },
		{ ETH0, "a 81 1,2,3,4,5,6,7 b 82 1,2,3,4,5,6,7,8", "indexes are taken" },
		{ "xdp: {interfaces: [eth0]}\nnonsense: 1", "web 80 1", "nonsense" },
	};
	struct model *before = in_force();
	struct config *config = daemon_now.config;
	uint32_t program = running(LBD_GENERATION_RUNNING);
	struct error err;

	(void)state;
	shell("ip link add spare type veth peer name sparep; umask 022; echo x >/run/open");
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		assert_int_not_equal(reload(refused[i].head, refused[i].services, &err), 0);
		if (!strstr(err.text, refused[i].why))
			fail_msg("came \"%s\", expected \"%s\"", err.text, refused[i].why);
		assert_ptr_equal(daemon_now.config, config);
		assert_true(attached("eth0"));
		assert_false(attached("spare"));
		assert_null(daemon_now.sync);
		assert_true(backend_of("web", 2)->nexthop.resolved);
		assert_int_equal(running(LBD_GENERATION_RUNNING), program);
	}
	assert_same_model(before, in_force());
	shell("ip link del spare");
}

static void a_packet_path_that_cannot_be_loaded_refuses_the_reload(void **state)
{
	struct model *before = in_force();
	struct error err;

	(void)state;
	/* ipv6 needs another shape of the packet path, and there is none to be had. */
	shell("echo garbage >" RUN "/running.bpf.o");
	snprintf(daemon_now.object, sizeof(daemon_now.object), "/run/none");
	configure(ETH0, "web 80 1,2");
	shell("echo \"- {name: six, vip: '2001:db8::1', port: 80, health: {check: none},"
	      " backends: [{address: '2001:db8::2'}]}\" >>%s",
	      config_path);
	assert_int_not_equal(lbd_reload(&daemon_now, &err), 0);
	assert_int_equal(daemon_now.config->services_count, 1);
	assert_same_model(before, in_force());
}

static void interfaces_follow_the_config(void **state)
{
	(void)state;
	shell("ip link add spare type veth peer name sparep");
	assert_reloads("xdp: {interfaces: [eth0, spare]}", "web 80 1,2");
	assert_true(attached("spare"));
	assert_reloads(ETH0, "web 80 1,2");
	assert_false(attached("spare"));
	assert_true(attached("eth0"));
	shell("ip link del spare");
}

static void no_services_at_all_is_a_config_too(void **state)
{
	(void)state;
	assert_reloads(ETH0, "");
	assert_reloads(ETH0, "web 80 1,2");
	assert_int_equal(model_backend_state(backend_of("web", 2)), LBD_BACKEND_UP);
}

/* --- ids */

static void ids_of_removed_backends_come_free_when_their_connections_expired(void **state)
{
	char services[64];

	(void)state;
	/* Fifteen indexes; each address leaves a connection behind that is long idle. */
	for (unsigned int last = 1; last <= 60; last++) {
		snprintf(services, sizeof(services), "web 80 %u", last);
		assert_reloads(ETH0, services);
		make_connection(backend_of("web", last)->service, backend_of("web", last)->index,
				(uint16_t)(1000 + last), 100000);
	}
}

static void an_id_is_not_given_away_while_a_connection_uses_it(void **state)
{
	uint16_t index = backend_of("web", 1)->index, service = backend_of("web", 1)->service;

	(void)state;
	make_connection(service, index, 1000, 0);
	for (unsigned int round = 0; round < 20; round++) {
		assert_reloads(ETH0, round % 2 ? "web 80 3,4" : "web 80 5,6");
		assert_true(daemon_now.model->backends[index].gone);
		if (round % 5 == 4)
			restart();
	}
	assert_reloads(ETH0, "web 80 1");
	assert_int_equal(backend_of("web", 1)->index, index);
}

/* --- runtime changes */

static void runtime_changes_outlive_a_restart_and_end_with_a_reload(void **state)
{
	const struct lbd_backend_change add = {
		LBD_BACKEND_ADD, "web", NULL, "198.51.100.9", 50, 0
	};
	struct error err = { 0 };

	(void)state;
	assert_int_equal(lbd_change_backend(&daemon_now, &add, &err), 0);
	restart();
	assert_int_equal(backend_of("web", 9)->weight, 50);
	assert_true(daemon_now.runtime_changes);
	assert_int_equal(lbd_reload(&daemon_now, &err), 0);
	assert_true(backend_of("web", 9)->gone);
	restart();
	assert_false(daemon_now.runtime_changes);
}

static void a_file_put_in_place_after_runtime_changes_wins_whatever_its_mtime(void **state)
{
	const struct lbd_backend_change add = {
		LBD_BACKEND_ADD, "web", NULL, "198.51.100.9", 50, 0
	};
	struct error err = { 0 };

	(void)state;
	assert_int_equal(lbd_change_backend(&daemon_now, &add, &err), 0);
	lbd_stop(&daemon_now);
	shell("sleep 0.05; cp %s /run/old; touch -d 2020-01-01 /run/old; mv /run/old %s",
	      config_path, config_path);
	assert_starts();
	assert_true(backend_of("web", 9)->gone);
	assert_false(daemon_now.runtime_changes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DAEMON_TEST(a_new_service_on_a_known_address_has_its_next_hop_at_once),
		DAEMON_TEST(a_lost_interface_holds_up_nobody_else),
		DAEMON_TEST(an_interface_that_comes_back_is_attached_again),
		DAEMON_TEST(a_refused_reload_leaves_everything_as_it_was),
		DAEMON_TEST(a_packet_path_that_cannot_be_loaded_refuses_the_reload),
		DAEMON_TEST(interfaces_follow_the_config),
		DAEMON_TEST(no_services_at_all_is_a_config_too),
		DAEMON_TEST(ids_of_removed_backends_come_free_when_their_connections_expired),
		DAEMON_TEST(an_id_is_not_given_away_while_a_connection_uses_it),
		DAEMON_TEST(runtime_changes_outlive_a_restart_and_end_with_a_reload),
		DAEMON_TEST(a_file_put_in_place_after_runtime_changes_wins_whatever_its_mtime),
	};

	return cmocka_run_group_tests(tests, enter, NULL);
}
