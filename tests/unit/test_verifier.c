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

#include <cmocka.h>

#include <bpf/libbpf.h>

#include "lbd/maps.h"

/* Instructions per program. A quarter of what the verifier takes. */
#define BOUND 250000

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
	const char *name;
	unsigned long instructions, peak_states;
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

/* The most that any program of a generation with @features needs. */
static unsigned long effort_of(__u32 features)
{
	static char logs[PROGRAMS_MAX][LOG_SIZE];
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
	unsigned long most = 0, sum = 0;
	struct bpf_object *object;
	struct bpf_program *program;
	char path[256];
	int i = 0, rc;

	snprintf(path, sizeof(path), "%s/bpf/lb.bpf.o", build);
	object = bpf_object__open_file(path, NULL);
	assert_non_null(object);
	effort_specialise(object, features);
	memset(logs, 0, sizeof(logs));
	bpf_object__for_each_program(program, object)
		effort_watch(program, features, logs[i++]);
	rc = bpf_object__load(object);
	i = 0;
	bpf_object__for_each_program(program, object) {
		const char *log = logs[i++];
		unsigned long insns = effort_number(log, "processed ");

		if (!bpf_program__autoload(program))
			continue;
		if (rc && *log && strncmp(log, "verification", 12) != 0)
			printf("#   %s: %s", bpf_program__name(program), log);
		printf("#   %-16s %7lu instructions, %5lu states, %8lu us\n",
		       bpf_program__name(program), insns, effort_number(log, "peak_states "),
		       effort_number(log, "verification time "));
		if (insns > most)
			most = insns;
		sum += insns;
	}
	printf("# %#09x: %lu at most, %lu in all\n", features, most, sum);
	fflush(stdout);
	bpf_object__close(object);
	if (rc)
		printf("# refused: %s\n", strerror(-rc));
	return rc ? ULONG_MAX : most;
}

static int effort_silence(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static void within_bound(__u32 features)
{
	assert_in_range(effort_of(features), 1, BOUND);
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
	within_bound(ALL | LBD_FEATURE_TRACE);
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
		cmocka_unit_test(with_either_family_alone),
		cmocka_unit_test(with_each_forwarding_mode_alone),
		cmocka_unit_test(with_every_forwarding_mode_and_nothing_else),
	};

	libbpf_set_print(effort_silence);
	for (int i = 1; i < argc; i++)
		effort_of((__u32)strtoul(argv[i], NULL, 0));
	return argc > 1 ? 0 : cmocka_run_group_tests(tests, NULL, NULL);
}
