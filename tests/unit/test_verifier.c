// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the kernel's verifier has to do for the packet path, for each program of
 * a generation, in the mixes of features that cost it most. It gives up at a
 * million instructions, and older kernels need several times as many as newer
 * ones for the same program: what a change adds unseen here is refused there.
 *
 *   test_verifier              the mixes below, as a test
 *   test_verifier FEATURES...  others, each a number: prints what they cost
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <cmocka.h>

#include <bpf/libbpf.h>

#include "lbd/generation.h"

/*
 * Instructions per program, well below what the verifier takes; on newer
 * kernels the same programs need less than half of it.
 */
#define BOUND 300000
#define BOUND_NEWER 150000
#define NEWER_SINCE 6012 /* 6.12 */

#define BPF_LOG_STATS 4
#define LOG_SIZE (1 << 16)
#define PROGRAMS_MAX (LBD_STAGE_COUNT + 1)

#define BOTH_FAMILIES (LBD_FEATURE_IPV4 | LBD_FEATURE_IPV6 | LBD_FEATURE_EXTENSIONS)
/* What every configuration has, or has unless it says otherwise. */
#define COMMON                                                                           \
	(BOTH_FAMILIES | LBD_FEATURE_VLAN | LBD_FEATURE_ECHO | LBD_FEATURE_ICMP_ERRORS | \
	 LBD_FEATURE_FRAGMENTS | LBD_FEATURE_TELL_MTU | LBD_FEATURE_REDIRECT | LBD_FEATURE_SAMPLE)
#define TUNNELS                                                                     \
	(LBD_FEATURE_IPIP | LBD_FEATURE_GUE | LBD_FEATURE_GRE | LBD_FEATURE_VXLAN | \
	 LBD_FEATURE_GENEVE)
#define SELECTION                                                                          \
	(LBD_FEATURE_ANY_PORT | LBD_FEATURE_HASH | LBD_FEATURE_STICKY | LBD_FEATURE_QUIC | \
	 LBD_FEATURE_DOWN | LBD_FEATURE_TIMEOUTS)
#define GUARDED (LBD_FEATURE_ACL | LBD_FEATURE_LIMITS)
#define ALL (COMMON | LBD_FEATURE_DSR | TUNNELS | LBD_FEATURE_NAT | SELECTION | GUARDED)

struct effort {
	struct bpf_object *object;
	char logs[PROGRAMS_MAX][LOG_SIZE];
};

static void effort_specialise(struct bpf_object *object, __u32 features)
{
	struct lbd_generation_config config;
	struct bpf_map *map;
	size_t size;

	bpf_object__for_each_map(map, object)
		if (!strcmp(bpf_map__name(map), LBD_GENERATION_CONFIG_SECTION))
			break;
	assert_non_null(map);
	memcpy(&config, bpf_map__initial_value(map, &size), sizeof(config));
	config.features = features;
	config.limits = (struct lbd_limits){
		.services = 1024,
		.backends = 4096,
		.conn4_buckets = 1 << 18,
		.conn6_buckets = 1 << 18,
		.nat4_buckets = 1 << 18,
		.nat6_buckets = 1 << 18,
		.vip_buckets = 1024,
		.sticky_buckets = 1 << 16,
		.rings = 1024,
		.ring_size = 16381,
		.source_buckets = 1 << 16,
		.acl_entries = 1 << 18,
	};
	config.macs_count = LBD_MACS_MAX;
	config.answer_rate = 100;
	config.sample = 100;
	config.nat.count[0] = LBD_NAT_ADDRS_MAX;
	config.nat.count[1] = LBD_NAT_ADDRS_MAX;
	config.nat.first_port = 1024;
	config.nat.ports = 64512;
	assert_int_equal(bpf_map__set_initial_value(map, &config, sizeof(config)), 0);
}

static _Bool effort_is_wanted(const char *program, __u32 features)
{
#define X(constant, stage, needs)    \
	if (!strcmp(program, stage)) \
		return features & (needs);
	LBD_STAGES(X)
#undef X
	return 1;
}

/* Prepare @program, and where its verifier says what it did. */
static void effort_watch(struct bpf_program *program, __u32 features, char *log)
{
	bpf_program__set_autoload(program, effort_is_wanted(bpf_program__name(program), features));
	bpf_program__set_expected_attach_type(program, 0);
	bpf_program__set_log_level(program, BPF_LOG_STATS);
	assert_int_equal(bpf_program__set_log_buf(program, log, LOG_SIZE), 0);
}

static unsigned long effort_number(const char *log, const char *before)
{
	const char *at = strstr(log, before);

	return at ? strtoul(at + strlen(before), NULL, 10) : 0;
}

static void effort_open(struct effort *effort, __u32 features)
{
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
	struct bpf_program *program;
	char path[256];
	int i = 0;

	snprintf(path, sizeof(path), "%s/bpf/lb.bpf.o", build);
	memset(effort, 0, sizeof(*effort));
	effort->object = bpf_object__open_file(path, NULL);
	assert_non_null(effort->object);
	effort_specialise(effort->object, features);
	bpf_object__for_each_program(program, effort->object) {
		assert_in_range(i, 0, PROGRAMS_MAX - 1);
		effort_watch(program, features, effort->logs[i++]);
	}
}

/* Print what @program took. One that was refused begins with why. */
static unsigned long effort_say(const struct bpf_program *program, const char *log)
{
	const unsigned long instructions = effort_number(log, "processed ");

	if (strncmp(log, "verification time", 17))
		printf("#   %s: refused: %s", bpf_program__name(program), log);
	printf("#   %-16s %7lu instructions, %5lu states, %8lu us\n", bpf_program__name(program),
	       instructions, effort_number(log, "peak_states "),
	       effort_number(log, "verification time "));
	return instructions;
}

/* The most that any program of a generation with @features needs. */
static unsigned long effort_of(__u32 features)
{
	static struct effort effort;
	struct bpf_program *program;
	unsigned long most = 0, sum = 0, one;
	int i = 0, rc;

	effort_open(&effort, features);
	rc = bpf_object__load(effort.object);
	bpf_object__for_each_program(program, effort.object) {
		const char *log = effort.logs[i++];

		if (!*log)
			continue;
		one = effort_say(program, log);
		most = one > most ? one : most;
		sum += one;
	}
	printf("# features %#x: %lu at most, %lu in all%s\n", features, most, sum,
	       rc ? ", REFUSED" : "");
	fflush(stdout);
	bpf_object__close(effort.object);
	return rc ? ULONG_MAX : most;
}

static int effort_silence(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static unsigned long bound(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;

	assert_int_equal(uname(&name), 0);
	assert_int_equal(sscanf(name.release, "%u.%u", &major, &minor), 2);
	return major * 1000 + minor < NEWER_SINCE ? BOUND : BOUND_NEWER;
}

static void within_bound(__u32 features)
{
	assert_in_range(effort_of(features), 1, bound());
}

static void with_all_there_is(void **state)
{
	(void)state;
	within_bound(ALL);
}

static void in_a_trace_of_the_live_tables(void **state)
{
	(void)state;
	within_bound(ALL | LBD_FEATURE_TRACE | LBD_FEATURE_READONLY);
}

static void in_a_trace_of_a_capture(void **state)
{
	(void)state;
	within_bound(ALL | LBD_FEATURE_TRACE | LBD_FEATURE_ROUTELESS);
}

static void under_golden_packets(void **state)
{
	(void)state;
	within_bound(ALL | LBD_FEATURE_ROUTELESS);
}

static void with_either_family_alone(void **state)
{
	(void)state;
	within_bound(ALL & ~(LBD_FEATURE_IPV6 | LBD_FEATURE_EXTENSIONS));
	within_bound(ALL & ~LBD_FEATURE_IPV4);
}

/* What a mode is isn't asked where there is no other: less to walk, but another way to go. */
static void with_each_forwarding_mode_alone(void **state)
{
	const __u32 modes = LBD_FEATURE_DSR | TUNNELS | LBD_FEATURE_NAT;

	(void)state;
	for (__u32 mode = 1; mode; mode <<= 1)
		if (mode & modes)
			within_bound((ALL & ~modes) | mode);
}

static void with_every_forwarding_mode_and_nothing_else(void **state)
{
	(void)state;
	within_bound(COMMON | LBD_FEATURE_DSR | TUNNELS | LBD_FEATURE_NAT);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_all_there_is),
		cmocka_unit_test(in_a_trace_of_the_live_tables),
		cmocka_unit_test(in_a_trace_of_a_capture),
		cmocka_unit_test(under_golden_packets),
		cmocka_unit_test(with_either_family_alone),
		cmocka_unit_test(with_each_forwarding_mode_alone),
		cmocka_unit_test(with_every_forwarding_mode_and_nothing_else),
	};

	libbpf_set_print(effort_silence);
	for (int i = 1; i < argc; i++)
		effort_of((__u32)strtoul(argv[i], NULL, 0));
	return argc > 1 ? 0 : cmocka_run_group_tests(tests, NULL, NULL);
}
