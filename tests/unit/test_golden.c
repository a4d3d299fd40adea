// SPDX-License-Identifier: GPL-2.0-or-later
/* Golden packets let the packet path pass, and stop each that has one flaw (bad_*.bpf.c). */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "upgrade/upgrade.h"

static const char *golden_build(void)
{
	const char *build = getenv("BUILD");

	return build ? build : "build";
}

static int golden_try_built(const char *name, struct error *err)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s.bpf.o", golden_build(), name);
	return golden_try(path, true, err);
}

static void assert_refused(const char *object, int code, const char *why)
{
	struct error err = { 0 };
	int rc = golden_try_built(object, &err);

	if (rc != code || !strstr(err.text, why))
		fail_msg("%s: came %d \"%s\", expected %d and \"%s\"", object, rc, err.text, code,
			 why);
}

static void the_packet_path_passes(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(golden_try_built("bpf/lb", &err), 0);
	assert_string_equal(err.text, "");
}

/* Else the others could fail by what they share. */
static void the_bad_ones_are_good_but_for_their_flaw(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(golden_try_built("tests/unit/bad_none", &err), 0);
	assert_string_equal(err.text, "");
}

static void each_flaw_is_found_and_named(void **state)
{
	static const struct {
		const char *object, *why;
	} bad[] = {
		{ "bad_arp", "ARP: action 1, expected 2" },
		{ "bad_ssh", "ssh to a VIP: action 3, expected 2" },
		{ "bad_forgetful", "which has the flow" },
		{ "bad_lopsided", "new flows never reached backend" },
		{ "bad_elsewhere", "one of the service's backends" },
		{ "bad_source", "MAC address as its source" },
		{ "bad_type", "Ethernet header that says what follows" },
		{ "bad_checksum", "outer IPv4 header with its length and checksum" },
		{ "bad_vni", "header with the service's VNI" },
		{ "bad_packet", "whole behind the headers" },
		{ "bad_nat_source", "from a NAT address and port" },
		{ "bad_nat_port", "to the backend's address and port" },
		{ "bad_nat_checksum", "a TTL less and checksums that are right" },
		{ "bad_nat_answer", "golden answer of service nat" },
		{ "bad_nat_lost", "golden answer of service nat4: action 1, expected 3" },
	};
	char name[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(name, sizeof(name), "tests/unit/%s", bad[i].object);
		assert_refused(name, -EBADMSG, bad[i].why);
	}
}

static void other_objects_are_refused_before_a_packet(void **state)
{
	(void)state;
	assert_refused("tests/cluster/blackhole", -EBADMSG, "golden packet");
	assert_refused("tests/cluster/foreign", -EPROTO, "ABI");
	assert_refused("tests/cluster/pass", -EPROTO, "not a packet path of lbd");
	assert_refused("bpf/root", -EPROTO, "not a packet path of lbd");
	assert_refused("bpf/nowhere", -ENOENT, "No such file");
}

/* --- the files that are kept */

struct kept {
	char dir[64], object[80], path[UPGRADE_PATH_MAX];
	struct upgrade_place place;
};

static void kept_open(struct kept *kept)
{
	snprintf(kept->dir, sizeof(kept->dir), "/tmp/test_golden.XXXXXX");
	assert_non_null(mkdtemp(kept->dir));
	snprintf(kept->object, sizeof(kept->object), "%s/object", kept->dir);
	kept->place = (struct upgrade_place){ .run_dir = kept->dir, .installed = kept->object };
}

static void kept_close(struct kept *kept)
{
	upgrade_forget(&kept->place);
	unlink(kept->object);
	assert_int_equal(rmdir(kept->dir), 0); /* nothing else is left */
}

static void kept_put(struct kept *kept, const char *text)
{
	FILE *file = fopen(kept->object, "w");
	struct error err = { 0 };

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(kept_copy(&kept->place, kept->object, UPGRADE_KEPT_DRAFT, &err), 0);
	assert_int_equal(kept_advance(&kept->place, UPGRADE_KEPT_DRAFT, true, &err), 0);
}

static void assert_kept(struct kept *kept, enum upgrade_kept which, const char *expected)
{
	char text[16] = "";
	int fd = open(kept_path(&kept->place, which, kept->path), O_RDONLY);

	if (fd >= 0) {
		assert_true(read(fd, text, sizeof(text) - 1) >= 0);
		close(fd);
	}
	assert_string_equal(text, expected);
}

static void kept_objects_follow_upgrades_and_rollbacks(void **state)
{
	struct kept kept = { 0 };
	char path[UPGRADE_PATH_MAX];

	(void)state;
	kept_open(&kept);
	kept_put(&kept, "one");
	assert_kept(&kept, UPGRADE_KEPT_RUNNING, "one");
	assert_kept(&kept, UPGRADE_KEPT_PREVIOUS, "");
	kept_put(&kept, "two");
	assert_kept(&kept, UPGRADE_KEPT_RUNNING, "two");
	assert_kept(&kept, UPGRADE_KEPT_PREVIOUS, "one");
	assert_true(kept_is(kept_path(&kept.place, UPGRADE_KEPT_RUNNING, path), kept.object));
	assert_false(kept_is(kept_path(&kept.place, UPGRADE_KEPT_PREVIOUS, path), kept.object));
	assert_false(kept_is(kept_path(&kept.place, UPGRADE_KEPT_DRAFT, path), kept.object));
	kept_exchange(&kept.place);
	assert_kept(&kept, UPGRADE_KEPT_RUNNING, "one");
	assert_kept(&kept, UPGRADE_KEPT_PREVIOUS, "two");
	kept_close(&kept);
}

static void a_rollback_to_an_object_that_is_not_kept_keeps_none(void **state)
{
	struct kept kept = { 0 };

	(void)state;
	kept_open(&kept);
	kept_put(&kept, "one");
	kept_exchange(&kept.place);
	assert_kept(&kept, UPGRADE_KEPT_RUNNING, "");
	assert_kept(&kept, UPGRADE_KEPT_PREVIOUS, "");
	kept_close(&kept);
}

static void what_is_no_regular_file_is_refused_at_once(void **state)
{
	struct error err = { 0 };
	struct kept kept = { 0 };

	(void)state;
	kept_open(&kept);
	assert_int_equal(mkfifo(kept.object, 0600), 0);
	assert_int_equal(kept_copy(&kept.place, kept.object, UPGRADE_KEPT_DRAFT, &err), -EINVAL);
	assert_non_null(strstr(err.text, "expected a regular file"));
	assert_int_equal(kept_copy(&kept.place, kept.dir, UPGRADE_KEPT_DRAFT, &err), -EINVAL);
	assert_int_equal(kept_copy(&kept.place, "/dev/zero", UPGRADE_KEPT_DRAFT, &err), -EINVAL);
	kept_close(&kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_packet_path_passes),
		cmocka_unit_test(the_bad_ones_are_good_but_for_their_flaw),
		cmocka_unit_test(each_flaw_is_found_and_named),
		cmocka_unit_test(other_objects_are_refused_before_a_packet),
		cmocka_unit_test(kept_objects_follow_upgrades_and_rollbacks),
		cmocka_unit_test(a_rollback_to_an_object_that_is_not_kept_keeps_none),
		cmocka_unit_test(what_is_no_regular_file_is_refused_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
