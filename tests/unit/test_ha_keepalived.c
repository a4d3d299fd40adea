// SPDX-License-Identifier: GPL-2.0-or-later
/* What is between keepalived and lbd: the config printed for it and the script that it calls. */
#include "ha_fixture.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/runfile.h"

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
	assert_int_equal(lab_run("install -m 755 " NOTIFY " %s", script), 0);
	assert_int_equal(ha_keepalived_conf(config, lab->dir, script, &text, &err), 0);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	free(text);
	rc = lab_run(
		"unshare -n sh -ec 'ip link add eth0 type veth peer name peer;"
		" ip addr add 192.0.2.2/24 dev eth0; ip addr add 2001:db8::2/64 dev eth0;"
		" ip link set eth0 up; ip link set peer up; keepalived -t -f %s' >%s/said 2>&1",
		path, lab->dir);
	if (rc)
		lab_run("cat %s/said", lab->dir);
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
	return lab_run("PATH=%s:$PATH " NOTIFY " %s INSTANCE lbd %s 100", lab->dir, lab->dir,
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
		lab_expect_file(lab, "role", cases[i].role);
	}
}

/* This process is both notifications' parent; the first one has the lower process id. */
static void a_notification_that_is_overtaken_changes_nothing(void **state)
{
	struct lab *lab = *state;

	assert_int_equal(lab_run("sh -c 'sleep 0.3; exec " NOTIFY " %s INSTANCE lbd MASTER 100' &"
				 " " NOTIFY " %s INSTANCE lbd BACKUP 100; wait",
				 lab->dir, lab->dir),
			 0);
	lab_expect_file(lab, "role", "backup");
	assert_int_equal(notify(lab, "MASTER"), 0);
	lab_expect_file(lab, "role", "master");
}

static void the_notify_script_makes_the_run_directory(void **state)
{
	struct lab *lab = *state;

	assert_int_equal(lab_run("umask 077; " NOTIFY
				 " %s/run/lbd && stat -c %%a %s/run %s/run/lbd |"
				 " sort -u | grep -qx 755",
				 lab->dir, lab->dir, lab->dir),
			 0);
	assert_int_equal(lab_run("! " NOTIFY " %s INSTANCE 2>/dev/null", lab->dir), 0);
}

static void the_notify_script_tells_lbd(void **state)
{
	struct lab *lab = *state;
	char wanted[128], got[128] = "";

	assert_int_equal(lab_run("printf '#!/bin/sh\\necho \"$@\" >%s/told\\n' >%s/lbctl &&"
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
		lab_run("printf '#!/bin/sh\\nexec sleep 60\\n' >%s/lbctl && chmod 755 %s/lbctl",
			lab->dir, lab->dir),
		0);
	assert_int_equal(lab_run("PATH=%s:$PATH timeout 5 " NOTIFY " %s INSTANCE lbd MASTER 100",
				 lab->dir, lab->dir),
			 0);
	lab_expect_file(lab, "role", "master");
}

static void the_role_of_the_notify_script_is_read_by_the_next_lbd(void **state)
{
	struct lab *lab = *state;

	/* Its parent must look like keepalived, as it does in life. */
	assert_int_equal(
		lab_run("cp /bin/sh %s/keepalived; %s/keepalived -c '" NOTIFY
			" %s INSTANCE lbd MASTER 100; while :; do sleep 0.1; done' & sleep 0.5",
			lab->dir, lab->dir, lab->dir),
		0);
	lab_start(lab, true, 60000, true);
	lab_run("kill $(cut -d' ' -f1 %s/notifier)", lab->dir);
	assert_int_equal(lab_status(lab).role, HA_ROLE_MASTER);
	lab_expect_file(lab, "gate", "0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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

	return cmocka_run_group_tests_name("ha keepalived", tests, NULL, NULL);
}
