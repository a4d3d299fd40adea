// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every file of cases/ is a test. Each runs twice: on a generation that was
 * specialised for its setup, and on one with every feature, because what is
 * specialised away must not be missed.
 *
 *   packet_test [DIRECTORY [lb.bpf.o [PART OF A FILE NAME]]]
 */
#include <glob.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/packet/run.h"
#include "tests/packet/shelf.h"

struct test {
	const char *path;
	struct packet_case *packet_case;
	const struct run_place *place;
	struct shelf *shelf;
};

static void test_way(const struct test *test, uint32_t features, const char *which)
{
	char *text = NULL;
	size_t size = 0;
	FILE *report = open_memstream(&text, &size);
	bool good = run_case(test->shelf, test->place, test->packet_case, features, report);

	fclose(report);
	if (!good)
		print_error("%s, on a generation %s:\n%s", test->path, which, text);
	free(text);
	assert_true(good);
}

static void test_case(void **state)
{
	const struct test *test = *state;

	test_way(test, RUN_SPECIALISED, "specialised for the setup");
	test_way(test, RUN_EVERY_FEATURE, "with every feature");
}

/* Rates are counted per CPU: a case must not wander to another. */
static int stay_on_cpu(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((unsigned int)sched_getcpu(), &cpus);
	return sched_setaffinity(0, sizeof(cpus), &cpus);
}

/*
 * The namespace of the cases: two interfaces that the next hops are behind, and
 * the clients that a backend's answer is sent to.
 */
static int make_interfaces(void)
{
	static const char script[] =
		"set -e\n"
		"ip link add " RUN_INTERFACE_IN " address 02:00:00:00:aa:01 type veth"
		" peer name " RUN_INTERFACE_OUT " address 02:00:00:00:aa:02\n"
		"echo 1 > /proc/sys/net/ipv4/ip_forward\n"
		"echo 1 > /proc/sys/net/ipv6/conf/all/forwarding\n"
		"ip link set " RUN_INTERFACE_IN " up\n"
		"ip link set " RUN_INTERFACE_OUT " up\n"
		"reach() {\n"
		"	ip route add $1 dev $2 ${5:+mtu lock $5}\n"
		"	ip neigh add $3 lladdr $4 nud permanent dev $2\n"
		"}\n"
		"reach 198.51.100.0/24 " RUN_INTERFACE_IN " 198.51.100.7 02:00:00:00:cc:01\n"
		"reach 2001:db8:c::/64 " RUN_INTERFACE_IN " 2001:db8:c::7 02:00:00:00:cc:01\n"
		"reach 198.51.101.0/24 " RUN_INTERFACE_OUT " 198.51.101.7 02:00:00:00:cc:02\n"
		"reach 2001:db8:d::/64 " RUN_INTERFACE_OUT " 2001:db8:d::7 02:00:00:00:cc:02\n"
		"reach 198.51.103.0/24 " RUN_INTERFACE_IN " 198.51.103.7 02:00:00:00:cc:01 1300\n"
		"reach 2001:db8:e::/64 " RUN_INTERFACE_IN " 2001:db8:e::7 02:00:00:00:cc:01 1300\n"
		"reach 203.0.113.0/24 " RUN_INTERFACE_IN " 203.0.113.11 02:00:00:00:bb:11\n"
		"reach 2001:db8:2::/64 " RUN_INTERFACE_IN " 2001:db8:2::11 02:00:00:00:bb:11\n";

	if (unshare(CLONE_NEWNET))
		return -1;
	return system(script);
}

/* Cases of one setup follow each other: they share its labs. */
static int test_by_setup(const void *a, const void *b)
{
	const struct test *x = a, *y = b;
	int order = strcmp(x->packet_case->setup, y->packet_case->setup);

	return order ? order : strcmp(x->path, y->path);
}

static int load_tests(const glob_t *files, const struct run_place *place, struct shelf *shelf,
		      struct test *tests, struct CMUnitTest *units)
{
	struct error err = { 0 };

	for (size_t i = 0; i < files->gl_pathc; i++) {
		tests[i] = (struct test){ files->gl_pathv[i], NULL, place, shelf };
		if (case_load(tests[i].path, &tests[i].packet_case, &err)) {
			print_error("%s\n", err.text);
			return -1;
		}
	}
	qsort(tests, files->gl_pathc, sizeof(*tests), test_by_setup);
	for (size_t i = 0; i < files->gl_pathc; i++) {
		units[i] = (struct CMUnitTest){ .name = tests[i].packet_case->sentence,
						.test_func = test_case,
						.initial_state = &tests[i] };
	}
	return 0;
}

static int test_all(const glob_t *files, const struct run_place *place)
{
	struct CMUnitTest *units = calloc(files->gl_pathc, sizeof(*units));
	struct test *tests = calloc(files->gl_pathc, sizeof(*tests));
	struct shelf shelf = { 0 };
	int failed = -1;

	if (units && tests && !load_tests(files, place, &shelf, tests, units))
		failed = _cmocka_run_group_tests("packet", units, files->gl_pathc, NULL, NULL);
	shelf_clear(&shelf);
	for (size_t i = 0; tests && i < files->gl_pathc; i++)
		case_free(tests[i].packet_case);
	free(tests);
	free(units);
	return failed;
}

int main(int argc, char **argv)
{
	struct run_place place = {
		.dir = argc > 1 ? argv[1] : "tests/packet",
		.object = argc > 2 ? argv[2] : "build/bpf/lb.bpf.o",
	};
	struct neighbourhood *neighbourhood = NULL;
	struct error err = { 0 };
	int failed = 1;
	char path[512];
	glob_t files;

	snprintf(path, sizeof(path), "%s/cases/*%s*.yaml", place.dir, argc > 3 ? argv[3] : "");
	if (glob(path, 0, NULL, &files)) {
		fprintf(stderr, "packet_test: no case matches %s\n", path);
		return 1;
	}
	snprintf(path, sizeof(path), "%s/setups/neighbours.yaml", place.dir);
	if (stay_on_cpu() || make_interfaces() || neighbourhood_load(path, &neighbourhood, &err)) {
		fprintf(stderr, "packet_test: needs root and iproute2 %s\n", err.text);
	} else {
		place.neighbourhood = neighbourhood;
		failed = test_all(&files, &place);
	}
	neighbourhood_free(neighbourhood);
	globfree(&files);
	return failed != 0;
}
