// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon in the test's own process: its real start-up, reload and upgrade on
 * the real kernel, in private network and mount namespaces. Backends are
 * permanent neighbours behind a veth; nobody needs to answer.
 */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lbd.h"

#define RUN "/run/lbd/test"
#define PINS "/sys/fs/bpf/lbd/test"

static struct lbd daemon_now;
static char config_path[] = "/run/lbd.yaml";

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void shell(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command))
		fail_msg("failed: %s", command);
}

static bool attached(const char *interface)
{
	char command[128];

	snprintf(command, sizeof(command), "ip -d link show %s | grep -q lbd_root", interface);
	return system(command) == 0;
}

/* --- configurations */

/* services[] of "NAME PORT BACKEND[,BACKEND...]"; addresses are the last byte. */
static void configure(const char *head, const char *services)
{
	FILE *file = fopen(config_path, "w");
	char name[32], backends[256];
	int port, used;

	assert_non_null(file);
	fprintf(file,
		"instance: test\n%s\nlimits: {services: 16, backends: 16, connections-ipv4: 1024,"
		" connections-ipv6: 1024, maglev: 251}\nservices:\n",
		head);
	for (; sscanf(services, " %31s %d %255s%n", name, &port, backends, &used) == 3;
	     services += used) {
		fprintf(file,
			"- {name: %s, vip: 192.0.2.1, port: %d, health: {check: none}, backends: [",
			name, port);
		for (char *last = strtok(backends, ","); last; last = strtok(NULL, ","))
			fprintf(file, "{address: 198.51.100.%s}, ", last);
		fputs("]}\n", file);
	}
	fclose(file);
}

#define ETH0 "xdp: {interfaces: [eth0]}"

static int reload(const char *head, const char *services, struct error *err)
{
	*err = (struct error){ 0 };
	configure(head, services);
	return lbd_reload(&daemon_now, err);
}

static void assert_reloads(const char *head, const char *services)
{
	struct error err;

	if (reload(head, services, &err))
		fail_msg("refused: %s", err.text);
}

/* --- the daemon */

static int start(struct error *err)
{
	const char *build = getenv("BUILD");

	daemon_now = (struct lbd){ .lock = -1, .config_path = config_path };
	*err = (struct error){ 0 };
	snprintf(daemon_now.object, sizeof(daemon_now.object), "%s/bpf/lb.bpf.o",
		 build ? build : "build");
	snprintf(daemon_now.root_object, sizeof(daemon_now.root_object), "%s/bpf/root.bpf.o",
		 build ? build : "build");
	return lbd_start(&daemon_now, err);
}

static void assert_starts(void)
{
	struct error err;

	if (start(&err))
		fail_msg("doesn't start: %s", err.text);
}

/* As after kill -9, for all that others can see. */
static void restart(void)
{
	lbd_stop(&daemon_now);
	assert_starts();
}

static int begin(void **state)
{
	(void)state;
	configure(ETH0, "web 80 1,2");
	assert_starts();
	return 0;
}

static int end(void **state)
{
	uint32_t interfaces;

	(void)state;
	lbd_stop(&daemon_now);
	dataplane_remove(PINS, &interfaces, NULL);
	shell("rm -rf " RUN);
	return 0;
}

/* --- what the packet path goes by */

static struct lbd_addr host(unsigned int last)
{
	return lbd_addr_from4(htonl(0xc6336400 | last));
}

static const struct backend *backend_of(const char *service, unsigned int last)
{
	struct lbd_addr addr = host(last);

	for (uint32_t i = 1; i < daemon_now.model->limits.services; i++)
		if (!strcmp(daemon_now.model->services[i].name, service))
			return model_find_backend(daemon_now.model, (uint16_t)i, &addr);
	return NULL;
}

/* The snapshot in force as bytes that can be compared. */
static struct model *in_force(void)
{
	struct error err = { 0 };
	struct model *model = NULL;

	assert_int_equal(dataplane_adopt(daemon_now.dataplane, &model, &err), 0);
	return model;
}

static void assert_same_model(struct model *before, struct model *after)
{
	assert_memory_equal(before->services, after->services,
			    before->limits.services * sizeof(*before->services));
	for (uint32_t i = 0; i < before->limits.backends; i++) {
		assert_int_equal(before->backends[i].index, after->backends[i].index);
		assert_int_equal(before->backends[i].gone, after->backends[i].gone);
		assert_int_equal(before->backends[i].weight, after->backends[i].weight);
		assert_int_equal(before->backends[i].nexthop.resolved,
				 after->backends[i].nexthop.resolved);
	}
	model_free(before);
	model_free(after);
}

static void make_connection(uint16_t service, uint16_t backend, uint16_t port, uint32_t age_s)
{
	const struct tables *tables = dataplane_tables(daemon_now.dataplane);
	const struct table_entry entry = {
		.client = host(200),
		.client_port = htons(port),
		.vip_port = htons(80),
		.service = service,
		.backend = backend,
		.flags = LBD_CONN_CONFIRMED,
		.tick = tables_tick_of_age(tables, age_s * 1000, tables_now(tables)),
	};

	assert_int_equal(tables_put(tables, &entry), TABLES_PUT_ADDED);
}

static uint32_t running(enum lbd_generation_slot slot)
{
	struct dataplane_generation generation;

	assert_int_equal(dataplane_generation(daemon_now.dataplane, slot, &generation), 0);
	return generation.prog_id;
}

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
	const struct lbd_backend_change weigh = { LBD_BACKEND_WEIGHT, "web", "198.51.100.1", NULL,
						  7 };
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

/* --- reload */

static void a_refused_reload_leaves_everything_as_it_was(void **state)
{
	static const struct {
		const char *head, *services, *why;
	} refused[] = {
		{ "xdp: {interfaces: [eth0, spare, nowhere]}", "web 80 1 new 81 3", "nowhere" },
		{ "xdp: {interfaces: [spare]}\ncluster: {listen: '203.0.113.1:7400', "
		  "peers: [{name: other, address: '203.0.113.2:7400'}]}",
		  "new 81 3", "cannot listen" },
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
	const struct lbd_backend_change add = { LBD_BACKEND_ADD, "web", NULL, "198.51.100.9", 50 };
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

/* --- generations */

static void a_rollback_is_not_undone_by_a_config_change(void **state)
{
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
	struct dataplane_generation old, now;
	char object[256];
	struct error err = { 0 };

	(void)state;
	dataplane_generation(daemon_now.dataplane, LBD_GENERATION_RUNNING, &old);
	snprintf(object, sizeof(object), "%s/tests/unit/bad_none.bpf.o", build);
	assert_int_equal(lbd_upgrade(&daemon_now, object, &err), 0);
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
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
	struct dataplane_generation old, now;
	char object[256];
	struct error err = { 0 };

	(void)state;
	dataplane_generation(daemon_now.dataplane, LBD_GENERATION_RUNNING, &old);
	snprintf(object, sizeof(object), "%s/tests/unit/bad_none.bpf.o", build);
	assert_int_equal(lbd_upgrade(&daemon_now, object, &err), 0);
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
	assert_int_equal(lbd_upgrade(&daemon_now, object, &err), -EBADMSG);
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

static void other_limits_are_refused_and_the_pins_stay(void **state)
{
	struct error err;

	(void)state;
	lbd_stop(&daemon_now);
	shell("sed -i 's/services: 16/services: 32/' %s", config_path);
	assert_int_equal(start(&err), -E2BIG);
	assert_non_null(strstr(err.hint, "set the limits back"));
	lbd_stop(&daemon_now);
	shell("sed -i 's/services: 32/services: 16/' %s", config_path);
	assert_starts();
	assert_true(daemon_now.attachments[0].adopted);
}

/* 101 and 103 places need the same 26 words: no map tells the difference. */
static void another_ring_size_is_refused_though_the_maps_fit(void **state)
{
	struct error err;
	uint32_t interfaces;

	(void)state;
	lbd_stop(&daemon_now);
	assert_int_equal(dataplane_remove(PINS, &interfaces, &err), 0);
	shell("sed -i 's/maglev: 251/maglev: 101/' %s", config_path);
	assert_starts();
	lbd_stop(&daemon_now);
	shell("sed -i 's/maglev: 101/maglev: 103/' %s", config_path);
	assert_int_equal(start(&err), -E2BIG);
	assert_non_null(strstr(err.text, "101 places"));
}

static int enter(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET | CLONE_NEWNS))
		return -1;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("lab", "/run", "tmpfs", 0, "mode=755") ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL))
		return -1;
	shell("ip link set lo up; ip link add eth0 type veth peer name peer;"
	      " ip link set eth0 up; ip link set peer up; ip addr add 198.51.100.254/24 dev eth0;"
	      " for i in $(seq 1 60); do"
	      " ip neigh add 198.51.100.$i lladdr 02:00:00:00:00:$(printf %%02x $i) dev eth0"
	      " nud permanent; done");
	return 0;
}

#define DAEMON_TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DAEMON_TEST(a_new_service_on_a_known_address_has_its_next_hop_at_once),
		DAEMON_TEST(a_lost_interface_holds_up_nobody_else),
		DAEMON_TEST(a_refused_reload_leaves_everything_as_it_was),
		DAEMON_TEST(a_packet_path_that_cannot_be_loaded_refuses_the_reload),
		DAEMON_TEST(interfaces_follow_the_config),
		DAEMON_TEST(no_services_at_all_is_a_config_too),
		DAEMON_TEST(ids_of_removed_backends_come_free_when_their_connections_expired),
		DAEMON_TEST(an_id_is_not_given_away_while_a_connection_uses_it),
		DAEMON_TEST(runtime_changes_outlive_a_restart_and_end_with_a_reload),
		DAEMON_TEST(a_rollback_is_not_undone_by_a_config_change),
		DAEMON_TEST(a_rollback_after_a_config_change_brings_the_older_program_for_it),
		DAEMON_TEST(there_is_nothing_to_roll_back_to_at_first),
		DAEMON_TEST(a_bad_object_changes_nothing),
		DAEMON_TEST(pins_that_vanished_do_not_lock_lbd_out),
		DAEMON_TEST(detach_also_takes_a_program_whose_pins_vanished),
		DAEMON_TEST(other_limits_are_refused_and_the_pins_stay),
		DAEMON_TEST(another_ring_size_is_refused_though_the_maps_fit),
	};

	return cmocka_run_group_tests(tests, enter, NULL);
}
