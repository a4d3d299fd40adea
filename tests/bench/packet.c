// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each case: a private data plane with a table of 4M slots, filled with the
 * case's flows by the program itself; then samples, each between two runs of
 * an empty program in the same wrapper. Nothing is believed that wasn't
 * counted: every run must move the case's outcome by the number of its packets,
 * and its last packet must be right.
 */
#include "tests/bench/packet.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include "tests/bench/flow.h"
#include "tests/bench/samples.h"
#include "tests/bench/scene.h"
#include "tests/bench/wrapper.h"

#define LOOPBACK 1  /* where test-run says packets come from */
#define ENOUGH 0.99 /* of the packets are hits, of the slots are full */

struct packet_case {
	const char *name;
	const struct scene *scene;
	enum scene_packet packet;
	uint32_t flows;
	uint32_t fill; /* packets sent beforehand */
	enum lbd_outcome outcome;
	double target; /* ns over the empty program; 0: none */
};

#define K64 (1U << 16)
#define M1 (1U << 20)
#define FILL_TABLE (2U * SCENE_SLOTS)

static const struct scene dsr4 = { .forward = LBD_FORWARD_DSR };
static const struct scene dsr6 = { .ipv6 = true, .forward = LBD_FORWARD_DSR };
static const struct scene ipip4 = { .forward = LBD_FORWARD_IPIP };
static const struct scene ipip6 = { .ipv6 = true, .forward = LBD_FORWARD_IPIP };
static const struct scene gue4 = { .forward = LBD_FORWARD_GUE };
static const struct scene gue6 = { .ipv6 = true, .forward = LBD_FORWARD_GUE };
static const struct scene gre4 = { .forward = LBD_FORWARD_GRE };
static const struct scene vxlan4 = { .forward = LBD_FORWARD_VXLAN };
static const struct scene geneve4 = { .forward = LBD_FORWARD_GENEVE };

/* The guard, and the same packets without it. */
#define LIST_FILE(family) "/tmp/lbd-bench-deny" #family
static const struct scene open4 = { .spread = true };
static const struct scene open6 = { .ipv6 = true, .spread = true };
static const struct scene guard4 = { .spread = true, .over = &open4, .lists = LIST_FILE(4) };
static const struct scene guard6 = {
	.ipv6 = true, .spread = true, .over = &open6, .lists = LIST_FILE(6)
};
static const struct scene limits4 = { .spread = true, .over = &open4, .limits = true };
static const struct scene limits6 = {
	.ipv6 = true, .spread = true, .over = &open6, .limits = true
};

#define HIT(name, scene, flows, target)                                                       \
	{                                                                                     \
		name, scene, SCENE_ACK, flows, 4 * (flows), LBD_OUTCOME_FORWARD_KNOWN, target \
	}
#define HITS(prefix, scene, one, many, more)                                           \
	HIT(prefix ".hit.1", scene, 1, one), HIT(prefix ".hit.64k", scene, K64, many), \
		HIT(prefix ".hit.1m", scene, M1, more)
#define FULL(name, scene, target)                                                                  \
	{                                                                                          \
		name, scene, SCENE_ACK, FLOW_EACH_NEW, FILL_TABLE, LBD_OUTCOME_FORWARD_NEW, target \
	}
#define ONCE(name, scene, packet, flows, outcome)         \
	{                                                 \
		name, scene, packet, flows, 1, outcome, 0 \
	}

static const struct packet_case packet_cases[] = {
	HITS("packet.ipip4", &ipip4, 45, 130, 170),
	FULL("packet.ipip4.new.full", &ipip4, 160),
	ONCE("packet.ipip4.syn", &ipip4, SCENE_SYN, FLOW_EACH_NEW, LBD_OUTCOME_FORWARD_FIRST),
	HITS("packet.dsr4", &dsr4, 0, 0, 0),
	HITS("packet.gue4", &gue4, 0, 0, 0),
	HIT("packet.gre4.hit.1", &gre4, 1, 0),
	HIT("packet.vxlan4.hit.1", &vxlan4, 1, 0),
	HIT("packet.geneve4.hit.1", &geneve4, 1, 0),
	HITS("packet.ipip6", &ipip6, 0, 0, 0),
	FULL("packet.ipip6.new.full", &ipip6, 0),
	HITS("packet.dsr6", &dsr6, 0, 0, 0),
	HIT("packet.gue6.hit.1", &gue6, 1, 0),
	HITS("packet.guard4", &guard4, 40, 40, 40),
	HIT("packet.guard6.hit.64k", &guard6, K64, 40),
	HIT("packet.limits4.hit.64k", &limits4, K64, 0),
	HIT("packet.limits6.hit.64k", &limits6, K64, 0),
	ONCE("packet.pass4", &dsr4, SCENE_FOREIGN, 1, LBD_OUTCOME_PASS_NO_SERVICE),
	ONCE("packet.pass6", &dsr6, SCENE_FOREIGN, 1, LBD_OUTCOME_PASS_NO_SERVICE),
};

struct packet_bench {
	const struct packet_case *test;
	struct lab lab;
	struct wrapper *wrapper;
	struct packet_bench *over; /* what this one is compared to; NULL: the empty program */
	uint8_t frame[WRAP_FRAME_MAX];
	uint32_t frame_size;
	uint32_t packets; /* a run */
	uint32_t quiet_wanted;
	uint32_t tries;
};

/* --- set-up */

static int packet_open_lab(struct packet_bench *bench, const char *build, struct error *err)
{
	static const uint8_t dmac[6] = { 2, 0, 0, 0, 0xbb, 1 }, smac[6] = { 2, 0, 0, 0, 0xaa, 1 };
	const uint32_t in = LOOPBACK;
	char config[SCENE_CONFIG_MAX], object[256];
	int rc;

	scene_config(bench->test->scene, "lo", config);
	snprintf(object, sizeof(object), "%s/bpf/lb.bpf.o", build);
	rc = scene_write_list(bench->test->scene, err);
	if (!rc)
		rc = lab_open(&bench->lab, config, "benchmark", err);
	scene_remove_list(bench->test->scene);
	if (rc)
		return rc;
	scene_resolve(&bench->lab, LOOPBACK, dmac, smac);
	rc = lab_commit(&bench->lab, err);
	if (!rc)
		rc = lab_run(&bench->lab, object, model_features(bench->lab.model, &in, 1), err);
	return rc;
}

static int packet_open(struct packet_bench *bench, const char *build, struct error *err)
{
	struct wrap_config config = {
		.flows = bench->test->flows,
		.ipv6 = bench->test->scene->ipv6,
		.spread = bench->test->scene->spread,
	};
	char object[256];
	int rc;

	rc = packet_open_lab(bench, build, err);
	if (rc)
		return rc;
	bench->frame_size = scene_frame(bench->test->scene, bench->test->packet, bench->frame);
	config.frame_size = bench->frame_size;
	snprintf(object, sizeof(object), "%s/tests/bench/wrap.bpf.o", build);
	return wrapper_open(object, &config, bench->frame, bench->lab.prog_fd, &bench->wrapper,
			    err);
}

static void packet_close(struct packet_bench *bench)
{
	wrapper_close(bench->wrapper);
	lab_close(&bench->lab);
}

/* --- proof */

/* The share of @packets that moved the case's own outcome, or an error if some moved none. */
static int packet_prove_counters(const struct packet_bench *bench, const uint64_t *before,
				 const uint64_t *after, uint32_t packets, struct error *err)
{
	uint64_t all = 0, right = after[bench->test->outcome] - before[bench->test->outcome];

	for (int i = 0; i < LBD_OUTCOME_MAX; i++)
		all += after[i] - before[i];
	if (all == packets && (double)right >= ENOUGH * packets)
		return 0;
	return error_set(
		err, -EPROTO, "%s: %u packets were sent, %llu counted, %llu of them as expected",
		bench->test->name, packets, (unsigned long long)all, (unsigned long long)right);
}

static int packet_prove_frame(const struct packet_bench *bench, const struct wrapper_run *run,
			      struct error *err)
{
	uint32_t flow = flow_at(run->last_place, bench->test->flows);

	if (bench->test->packet == SCENE_FOREIGN)
		return 0;
	if (scene_forwarded(bench->test->scene, bench->frame, bench->frame_size, flow, run->out,
			    run->out_size))
		return 0;
	return error_set(err, -EPROTO, "%s: the last packet out is wrong", bench->test->name);
}

static int packet_run(struct packet_bench *bench, struct wrapper_run *run, struct error *err)
{
	uint64_t before[LBD_OUTCOME_MAX] = { 0 }, after[LBD_OUTCOME_MAX] = { 0 };
	int rc;

	dataplane_outcomes(bench->lab.dataplane, before);
	rc = wrapper_run(bench->wrapper, run, err);
	if (rc)
		return rc;
	dataplane_outcomes(bench->lab.dataplane, after);
	rc = packet_prove_counters(bench, before, after, run->packets, err);
	return rc ? rc : packet_prove_frame(bench, run, err);
}

static int packet_prove_fill(const struct packet_bench *bench, struct error *err)
{
	uint64_t ipv4, ipv6, entries, wanted = bench->test->flows;

	tables_count(dataplane_tables(bench->lab.dataplane), &ipv4, &ipv6);
	entries = ipv4 + ipv6;
	if (bench->test->outcome == LBD_OUTCOME_FORWARD_NEW)
		wanted = SCENE_SLOTS;
	else if (bench->test->outcome != LBD_OUTCOME_FORWARD_KNOWN)
		wanted = 0;
	if ((double)entries >= ENOUGH * (double)wanted)
		return 0;
	return error_set(err, -EPROTO, "%s: %llu entries after filling, expected %llu",
			 bench->test->name, (unsigned long long)entries,
			 (unsigned long long)wanted);
}

/* The program fills the table; these packets aren't hits yet, so they prove nothing. */
static int packet_fill(struct packet_bench *bench, struct error *err)
{
	struct wrapper_run run = { .target = WRAP_PROGRAM, .packets = bench->test->fill };
	int rc;

	rc = wrapper_run(bench->wrapper, &run, err);
	return rc ? rc : packet_prove_fill(bench, err);
}

/* --- measuring */

static int packet_reference(struct packet_bench *bench, double *ret, struct error *err)
{
	struct wrapper_run run = {
		.target = WRAP_EMPTY,
		.packets = bench->packets,
	};
	int rc;

	rc = wrapper_run(bench->wrapper, &run, err);
	*ret = run.ns;
	return rc;
}

static int packet_once(struct packet_bench *bench, struct sample *ret, struct error *err)
{
	struct wrapper_run run = {
		.target = WRAP_PROGRAM,
		.packets = bench->packets,
	};
	double before, after;
	int rc;

	rc = packet_reference(bench, &before, err);
	if (!rc)
		rc = packet_run(bench, &run, err);
	if (!rc)
		rc = packet_reference(bench, &after, err);
	if (rc)
		return rc;
	*ret = (struct sample){
		.value = run.ns - (before + after) / 2,
		.baseline = (before + after) / 2,
		.reference = before > after ? before : after,
	};
	return 0;
}

/* With something to compare to, right after it: what comes on top. */
static int packet_sample(struct packet_bench *bench, struct samples *samples, struct error *err)
{
	struct sample without, sample;
	int rc;

	rc = packet_once(bench, &sample, err);
	if (!rc && bench->over)
		rc = packet_once(bench->over, &without, err);
	if (rc)
		return rc;
	if (bench->over) {
		sample.value -= without.value;
		sample.baseline += without.value;
		if (sample.reference < without.reference)
			sample.reference = without.reference;
	}
	samples_add(samples, sample);
	return 0;
}

static int packet_measure(struct packet_bench *bench, struct samples *samples, struct error *err)
{
	int rc = 0;

	while (!rc && samples->count < bench->tries && samples_quiet(samples) < bench->quiet_wanted)
		rc = packet_sample(bench, samples, err);
	return rc;
}

static void packet_report(struct report *report, const struct packet_case *test,
			  const struct samples *samples)
{
	struct samples_summary summary;

	samples_summarise(samples, &summary);
	report_add(report, &(struct figure){
				   .name = test->name,
				   .unit = "ns",
				   .median = summary.median,
				   .min = summary.min,
				   .baseline = summary.baseline,
				   .ratio = 1 + summary.ratio,
				   .n = summary.quiet,
				   .noisy = summary.noisy,
				   .aim = test->target > 0 ? FIGURE_MEDIAN_AT_MOST : FIGURE_NO_AIM,
				   .target = test->target,
			   });
}

static int packet_prepare(struct packet_bench *bench, const char *build, struct error *err)
{
	int rc;

	rc = packet_open(bench, build, err);
	return rc ? rc : packet_fill(bench, err);
}

/* The same case on the scene that it is compared to. */
static struct packet_case packet_without(const struct packet_case *test)
{
	struct packet_case without = *test;

	if (test->scene->over)
		without.scene = test->scene->over;
	return without;
}

static int packet_bench_case(struct report *report, const struct packet_case *test,
			     const char *build, bool quick, struct error *err)
{
	struct packet_bench bench = {
		.test = test,
		.packets = quick ? M1 / 2 : M1,
		.quiet_wanted = quick ? 7 : 11,
		.tries = quick ? 9 : 22,
	};
	const struct packet_case without = packet_without(test);
	struct packet_bench over = { .test = &without, .packets = bench.packets };
	struct samples samples = { 0 };
	int rc;

	rc = packet_prepare(&bench, build, err);
	if (!rc && test->scene->over) {
		bench.over = &over;
		rc = packet_prepare(&over, build, err);
	}
	if (!rc)
		rc = packet_measure(&bench, &samples, err);
	packet_close(&over);
	packet_close(&bench);
	if (!rc)
		packet_report(report, test, &samples);
	return rc;
}

int packet_bench(struct report *report, const char *build, const char *only, bool quick,
		 struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < sizeof(packet_cases) / sizeof(*packet_cases) && !rc; i++)
		if (strstr(packet_cases[i].name, only))
			rc = packet_bench_case(report, &packet_cases[i], build, quick, err);
	return rc;
}
