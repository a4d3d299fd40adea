// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/addr.h"
#include "ha/gate.h"
#include "ha/ha.h"
#include "ha/runfile.h"

#define NOTIFY "packaging/keepalived/lbd-notify"

/* --- a fake behind sync.h: what the peers say is what a test sets */

struct sync {
	struct sync_peer_status peers[2];
	uint32_t count;
};

int sync_peers(struct sync *sync, struct sync_peer_status **ret, uint32_t *ret_count)
{
	*ret = calloc(sync->count, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	memcpy(*ret, sync->peers, sync->count * sizeof(**ret));
	*ret_count = sync->count;
	return 0;
}

struct lab {
	struct event_base *base;
	struct sync sync;
	struct ha *ha;
	char dir[64];
};

static int setup(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	assert_non_null(lab);
	strcpy(lab->dir, "/tmp/lbd-test-ha-XXXXXX");
	assert_non_null(mkdtemp(lab->dir));
	assert_int_equal(chmod(lab->dir, 0755), 0);
	lab->base = event_base_new();
	lab->sync.count = 1;
	strcpy(lab->sync.peers[0].name, "lb2");
	strcpy(lab->sync.peers[1].name, "lb3");
	lab->sync.peers[0].heard_ms_ago = lab->sync.peers[1].heard_ms_ago = -1;
	*state = lab;
	return 0;
}

static int run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int run(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	return system(command);
}

static int teardown(void **state)
{
	struct lab *lab = *state;

	ha_free(lab->ha);
	event_base_free(lab->base);
	run("rm -rf %s", lab->dir);
	free(lab);
	return 0;
}

static void start(struct lab *lab, bool adopted, uint32_t patience_ms, bool peers)
{
	struct error err = { 0 };

	ha_free(lab->ha);
	assert_int_equal(ha_new(lab->base, lab->dir, adopted, patience_ms,
				peers ? &lab->sync : NULL, &lab->ha, &err),
			 0);
}

static struct ha_status status_of(const struct lab *lab)
{
	struct ha_status status;

	ha_status(lab->ha, &status);
	return status;
}

static void run_loop_for(struct lab *lab, unsigned int ms)
{
	for (unsigned int i = 0; i < ms / 5; i++) {
		event_base_loop(lab->base, EVLOOP_NONBLOCK);
		usleep(5000);
	}
}

static void expect_file(const struct lab *lab, const char *name, const char *wanted)
{
	char line[64] = "";

	runfile_read(lab->dir, name, line, sizeof(line), NULL);
	assert_string_equal(line, wanted);
}

static void write_file(const struct lab *lab, const char *name, const char *line)
{
	assert_int_equal(runfile_write(lab->dir, name, line, NULL), 0);
}

/* --- the gate's decision */

#define PATIENCE 1000

static struct gate_view view_of(const struct sync_peer_status *peers, uint32_t count)
{
	struct gate_view view = { .peers = peers, .peers_count = count, .patience_ms = PATIENCE };

	return view;
}

static void expect_gate(const struct gate_view *view, bool open, const char *reason)
{
	char text[160];

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
	char text[160];

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
	expect_gate(&view, true, "the connection table is in sync with 1 of 2 peers");
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

	start(lab, false, 60000, true);
	expect_file(lab, "gate", "-254");
	lab->sync.peers[0].heard_ms_ago = 5;
	run_loop_for(lab, 150);
	assert_false(status_of(lab).gate_open);
	assert_string_equal(status_of(lab).gate_reason,
			    "lb2 hasn't sent its whole connection table yet");
	lab->sync.peers[0].received_all = true;
	run_loop_for(lab, 150);
	assert_true(status_of(lab).gate_open);
	expect_file(lab, "gate", "0");
}

static void the_gate_stays_open_when_the_peer_goes_away(void **state)
{
	struct lab *lab = *state;

	lab->sync.peers[0].heard_ms_ago = 5;
	lab->sync.peers[0].received_all = true;
	start(lab, false, 60000, true);
	assert_true(status_of(lab).gate_open);
	lab->sync.peers[0].received_all = false;
	run_loop_for(lab, 200);
	assert_true(status_of(lab).gate_open);
	expect_file(lab, "gate", "0");
}

static void the_gate_opens_when_nobody_answers(void **state)
{
	struct lab *lab = *state;

	start(lab, true, 200, true);
	assert_false(status_of(lab).gate_open);
	run_loop_for(lab, 400);
	assert_true(status_of(lab).gate_open);
}

static void a_restarted_master_keeps_its_gate_open(void **state)
{
	struct lab *lab = *state;
	struct error err;

	start(lab, false, 60000, false);
	assert_int_equal(ha_set_role(lab->ha, "master", &err), 0);
	expect_file(lab, "role", "master");
	start(lab, true, 60000, true);
	assert_int_equal(status_of(lab).role, HA_ROLE_MASTER);
	assert_in_range(status_of(lab).role_ms_ago, 0, 5000);
	expect_file(lab, "gate", "0");
}

static void a_restarted_backup_closes_its_gate(void **state)
{
	struct lab *lab = *state;

	write_file(lab, "role", "backup");
	write_file(lab, "gate", "0");
	start(lab, true, 60000, true);
	assert_int_equal(status_of(lab).role, HA_ROLE_BACKUP);
	expect_file(lab, "gate", "-254");
}

static void a_role_of_a_keepalived_that_is_gone_says_nothing(void **state)
{
	struct lab *lab = *state;
	char pid[16];

	write_file(lab, "role", "master");
	snprintf(pid, sizeof(pid), "%d", getpid()); /* lives, and isn't keepalived */
	write_file(lab, "notifier", pid);
	start(lab, true, 60000, true);
	assert_int_equal(status_of(lab).role, HA_ROLE_UNKNOWN);
	assert_int_equal(status_of(lab).role_ms_ago, -1);
	expect_file(lab, "gate", "-254");
}

static void a_role_of_a_keepalived_that_lives_stands(void **state)
{
	struct lab *lab = *state;

	assert_int_equal(run("cp /bin/sleep %s/keepalived && { %s/keepalived 60 & echo $! >"
			     " %s/notifier; } && sleep 0.1",
			     lab->dir, lab->dir, lab->dir),
			 0);
	write_file(lab, "role", "master");
	start(lab, true, 60000, true);
	run("kill $(cut -d' ' -f1 %s/notifier)", lab->dir);
	assert_int_equal(status_of(lab).role, HA_ROLE_MASTER);
	expect_file(lab, "gate", "0");
}

static void a_garbled_role_file_is_no_role(void **state)
{
	struct lab *lab = *state;

	write_file(lab, "role", "emperor");
	start(lab, true, 60000, true);
	assert_int_equal(status_of(lab).role, HA_ROLE_UNKNOWN);
}

static void an_unknown_role_is_refused_and_the_known_ones_named(void **state)
{
	struct lab *lab = *state;
	struct error err;

	start(lab, false, 60000, false);
	assert_int_equal(ha_set_role(lab->ha, "emperor", &err), -EINVAL);
	assert_string_equal(err.text, "role \"emperor\": expected master, backup or fault");
	assert_int_equal(ha_set_role(lab->ha, "unknown", &err), -EINVAL);
	assert_int_equal(status_of(lab).role, HA_ROLE_UNKNOWN);
}

static void a_run_directory_that_is_missing_is_an_error(void **state)
{
	struct lab *lab = *state;
	struct error err;

	assert_int_equal(ha_new(lab->base, "/nonexistent", false, 1, NULL, &lab->ha, &err),
			 -ENOENT);
	assert_string_equal(err.text, "/nonexistent/gate: No such file or directory");
	lab->ha = NULL;
}

/* --- keepalived.conf */

static struct config_service sample_services[5];
static struct lbd_addr sample_peer;

/* What conf/keepalived.conf says it was made from. */
static struct config sample_config(void)
{
	static const char *const vips[] = { "192.0.2.11", "2001:db8::10", "192.0.2.10",
					    "192.0.2.10", "2001:db8::11" };
	struct config config = { .instance = (char *)(uintptr_t) "lbd",
				 .node = (char *)(uintptr_t) "lb1" };

	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(addr_parse(vips[i], &sample_services[i].vip), 0);
		sample_services[i].protocol = i % 2 ? IPPROTO_UDP : IPPROTO_TCP;
	}
	config.services = sample_services;
	config.services_count = 5;
	config.vrrp.interface = (char *)(uintptr_t) "eth0";
	config.vrrp.router_id = 51;
	config.vrrp.priority = 100;
	config.vrrp.advert_ms = 100;
	assert_int_equal(addr_parse("192.0.2.2", &config.vrrp.source), 0);
	assert_int_equal(addr_parse("192.0.2.3", &sample_peer), 0);
	config.vrrp.peers = &sample_peer;
	config.vrrp.peers_count = 1;
	return config;
}

static char *print_conf(const struct config *config)
{
	struct error err = { 0 };
	char *text = NULL;

	if (ha_keepalived_conf(config, "/run/lbd/lbd", "/usr/lib/lbd/lbd-notify", &text, &err))
		fail_msg("%s", err.text);
	return text;
}

/* Without comments and empty lines, which the example may have more of. */
static char *strip(char *text)
{
	char *out = text, *line = text, *end;

	for (; *line; line = end) {
		const char *first = line + strspn(line, " \t");

		end = line + strcspn(line, "\n");
		end += *end == '\n';
		if (*first == '#' || *first == '\n')
			continue;
		memmove(out, line, (size_t)(end - line));
		out += end - line;
	}
	*out = '\0';
	return text;
}

static void the_example_is_what_lbd_prints(void **state)
{
	struct config config = sample_config();
	char example[8192] = "", *printed = print_conf(&config);
	FILE *file = fopen("conf/keepalived.conf", "r");

	(void)state;
	assert_non_null(file);
	assert_true(fread(example, 1, sizeof(example) - 1, file) > 0);
	fclose(file);
	assert_string_equal(strip(printed), strip(example));
	free(printed);
}

static void one_vip_stands_in_the_adverts_whatever_the_order(void **state)
{
	struct config config = sample_config();
	char *printed = print_conf(&config);

	(void)state;
	assert_non_null(strstr(printed, "virtual_ipaddress {\n\t\t192.0.2.10/32\n\t}\n"
					"\tvirtual_ipaddress_excluded {\n\t\t192.0.2.11/32\n"
					"\t\t2001:db8::10/128\n\t\t2001:db8::11/128\n\t}\n"));
	free(printed);
}

static void an_ipv6_source_advertises_an_ipv6_vip(void **state)
{
	struct config config = sample_config();
	char *printed;

	(void)state;
	assert_int_equal(addr_parse("2001:db8::2", &config.vrrp.source), 0);
	printed = print_conf(&config);
	assert_non_null(strstr(printed, "virtual_ipaddress {\n\t\t2001:db8::10/128\n\t}\n"));
	free(printed);
}

static void a_source_without_a_vip_of_its_family_is_refused(void **state)
{
	struct config config = sample_config();
	struct error err;
	char *text;

	(void)state;
	config.services_count = 1;
	assert_int_equal(addr_parse("2001:db8::2", &config.vrrp.source), 0);
	assert_int_equal(ha_keepalived_conf(&config, "/run", "/n", &text, &err), -EINVAL);
	assert_string_equal(err.text, "vrrp.source is IPv6, and no service has such a VIP");
}

static void a_config_without_vrrp_is_refused(void **state)
{
	struct config config = sample_config();
	struct error err;
	char *text;

	(void)state;
	config.vrrp.interface = NULL;
	assert_int_equal(ha_keepalived_conf(&config, "/run", "/n", &text, &err), -EINVAL);
	assert_string_equal(err.text, "the config has no vrrp section");
}

/* In a namespace of its own with the interface, the notify script where it says. */
static int keepalived_accepts(const struct lab *lab, const struct config *config)
{
	char script[96], path[96], *text;
	struct error err;
	FILE *file;
	int rc;

	snprintf(script, sizeof(script), "%s/lbd-notify", lab->dir);
	snprintf(path, sizeof(path), "%s/keepalived.conf", lab->dir);
	assert_int_equal(run("install -m 755 " NOTIFY " %s", script), 0);
	assert_int_equal(ha_keepalived_conf(config, lab->dir, script, &text, &err), 0);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	free(text);
	rc = run("unshare -n sh -ec 'ip link add eth0 type veth peer name peer;"
		 " ip addr add 192.0.2.2/24 dev eth0; ip addr add 2001:db8::2/64 dev eth0;"
		 " ip link set eth0 up; ip link set peer up; keepalived -t -f %s' >%s/said 2>&1",
		 path, lab->dir);
	if (rc)
		run("cat %s/said", lab->dir);
	return rc;
}

static void keepalived_accepts_what_is_printed(void **state)
{
	struct config config = sample_config();

	assert_int_equal(keepalived_accepts(*state, &config), 0);
	config.vrrp.peers_count = 0;
	config.vrrp.advert_ms = 1000;
	assert_int_equal(keepalived_accepts(*state, &config), 0);
	config = sample_config();
	assert_int_equal(addr_parse("2001:db8::2", &config.vrrp.source), 0);
	assert_int_equal(addr_parse("2001:db8::3", &sample_peer), 0);
	assert_int_equal(keepalived_accepts(*state, &config), 0);
}

static void keepalived_refuses_what_is_broken(void **state)
{
	struct config config = sample_config();

	config.vrrp.interface = (char *)(uintptr_t) "eth0\n\tno_such_keyword";
	assert_int_not_equal(keepalived_accepts(*state, &config), 0);
}

/* --- the notify script */

static int notify(const struct lab *lab, const char *keepalived_state)
{
	return run("PATH=%s:$PATH " NOTIFY " %s INSTANCE lbd %s 100", lab->dir, lab->dir,
		   keepalived_state);
}

static void the_notify_script_leaves_the_role_on_disk_when_lbd_is_down(void **state)
{
	static const struct {
		const char *state, *role;
	} cases[] = {
		{ "MASTER", "master" }, { "BACKUP", "backup" },
		{ "FAULT", "fault" },	{ "MASTER", "master" },
		{ "STOP", "fault" },	{ "BACKUP", "backup" },
		{ "DELETED", "fault" }, { "MASTER_RX_LOWER_PRI", "fault" },
	};
	struct lab *lab = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(notify(lab, cases[i].state), 0);
		expect_file(lab, "role", cases[i].role);
	}
}

/* This process is both notifications' parent; the first one has the lower process id. */
static void a_notification_that_is_overtaken_changes_nothing(void **state)
{
	struct lab *lab = *state;

	assert_int_equal(run("sh -c 'sleep 0.3; exec " NOTIFY " %s INSTANCE lbd MASTER 100' &"
			     " " NOTIFY " %s INSTANCE lbd BACKUP 100; wait",
			     lab->dir, lab->dir),
			 0);
	expect_file(lab, "role", "backup");
	assert_int_equal(notify(lab, "MASTER"), 0);
	expect_file(lab, "role", "master");
}

static void the_notify_script_makes_the_run_directory(void **state)
{
	struct lab *lab = *state;

	assert_int_equal(run("umask 077; " NOTIFY " %s/run/lbd && stat -c %%a %s/run %s/run/lbd |"
			     " sort -u | grep -qx 755",
			     lab->dir, lab->dir, lab->dir),
			 0);
	assert_int_equal(run("! " NOTIFY " %s INSTANCE 2>/dev/null", lab->dir), 0);
}

static void the_notify_script_tells_lbd(void **state)
{
	struct lab *lab = *state;
	char wanted[128], got[128] = "";

	assert_int_equal(run("printf '#!/bin/sh\\necho \"$@\" >%s/told\\n' >%s/lbctl &&"
			     " chmod 755 %s/lbctl",
			     lab->dir, lab->dir, lab->dir),
			 0);
	assert_int_equal(notify(lab, "MASTER"), 0);
	snprintf(wanted, sizeof(wanted), "--socket %s/api.sock --timeout 2 role master", lab->dir);
	runfile_read(lab->dir, "told", got, sizeof(got), NULL);
	assert_string_equal(got, wanted);
}

static void the_notify_script_does_not_wait_for_a_lbctl_that_hangs(void **state)
{
	struct lab *lab = *state;

	assert_int_equal(
		run("printf '#!/bin/sh\\nexec sleep 60\\n' >%s/lbctl && chmod 755 %s/lbctl",
		    lab->dir, lab->dir),
		0);
	assert_int_equal(run("PATH=%s:$PATH timeout 5 " NOTIFY " %s INSTANCE lbd MASTER 100",
			     lab->dir, lab->dir),
			 0);
	expect_file(lab, "role", "master");
}

static void the_role_of_the_notify_script_is_read_by_the_next_lbd(void **state)
{
	struct lab *lab = *state;

	/* Its parent must look like keepalived, as it does in life. */
	assert_int_equal(
		run("cp /bin/sh %s/keepalived; %s/keepalived -c '" NOTIFY
		    " %s INSTANCE lbd MASTER 100; while :; do sleep 0.1; done' & sleep 0.5",
		    lab->dir, lab->dir, lab->dir),
		0);
	start(lab, true, 60000, true);
	run("kill $(cut -d' ' -f1 %s/notifier)", lab->dir);
	assert_int_equal(status_of(lab).role, HA_ROLE_MASTER);
	expect_file(lab, "gate", "0");
}

#define LAB(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_without_peers_has_an_open_gate),
		cmocka_unit_test(a_master_with_adopted_tables_has_an_open_gate),
		cmocka_unit_test(a_peer_that_answers_must_send_its_whole_table),
		cmocka_unit_test(every_peer_that_answers_counts_and_no_other),
		cmocka_unit_test(silence_opens_the_gate_only_after_the_patience),
		cmocka_unit_test(a_peer_that_dies_in_the_middle_is_waited_for_and_then_given_up),
		LAB(the_gate_is_closed_until_the_peer_has_sent_all),
		LAB(the_gate_stays_open_when_the_peer_goes_away),
		LAB(the_gate_opens_when_nobody_answers),
		LAB(a_restarted_master_keeps_its_gate_open),
		LAB(a_restarted_backup_closes_its_gate),
		LAB(a_role_of_a_keepalived_that_is_gone_says_nothing),
		LAB(a_role_of_a_keepalived_that_lives_stands),
		LAB(a_garbled_role_file_is_no_role),
		LAB(an_unknown_role_is_refused_and_the_known_ones_named),
		LAB(a_run_directory_that_is_missing_is_an_error),
		cmocka_unit_test(the_example_is_what_lbd_prints),
		cmocka_unit_test(one_vip_stands_in_the_adverts_whatever_the_order),
		cmocka_unit_test(an_ipv6_source_advertises_an_ipv6_vip),
		cmocka_unit_test(a_source_without_a_vip_of_its_family_is_refused),
		cmocka_unit_test(a_config_without_vrrp_is_refused),
		LAB(keepalived_accepts_what_is_printed),
		LAB(keepalived_refuses_what_is_broken),
		LAB(the_notify_script_leaves_the_role_on_disk_when_lbd_is_down),
		LAB(a_notification_that_is_overtaken_changes_nothing),
		LAB(the_notify_script_makes_the_run_directory),
		LAB(the_notify_script_tells_lbd),
		LAB(the_notify_script_does_not_wait_for_a_lbctl_that_hangs),
		LAB(the_role_of_the_notify_script_is_read_by_the_next_lbd),
	};

	return cmocka_run_group_tests_name("ha", tests, NULL, NULL);
}
