// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each case: a private data plane with a table of 4M slots, filled with the
 * case's flows by the program itself; then samples, each between two runs of
 * an empty program in the same wrapper. Nothing is believed that wasn't
 * counted: every run must move the case's outcome by the number of its packets,
 * and its last packet must be right.
 */
#include "tests/bench/packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/bench/flow.h"
#include "tests/bench/packet_cases.h"
#include "tests/bench/room.h"
#include "tests/bench/samples.h"
#include "tests/bench/wrapper.h"

#define LOOPBACK 1	   /* where test-run says packets come from */
#define PACKETS (1U << 20) /* a run */
#define PACKETS_QUICK (1U << 18)
#define PACKETS_QUICK_OVER (1U << 19) /* where the figure is a difference of two such runs */
#define ENOUGH 0.99		      /* of the packets are hits, of the slots are full */

/* A data plane, kept for the cases of one scene and table. */
struct packet_stage {
	const struct scene *scene;
	uint32_t slots;
	struct lab lab;
};

struct packet_bench {
	const char *build;
	bool quick;
	struct packet_stage stages[WRAP_TARGETS]; /* of the program, and of what it is over */
	/* Of one case: */
	const struct packet_case *test;
	struct wrapper *wrapper;
	uint8_t frame[WRAP_FRAME_MAX];
	uint32_t frame_size;
	uint32_t packets; /* a run */
	double reference; /* the last run of the empty program: ns */
};

/* --- set-up */

static void packet_clear_stage(struct packet_stage *stage)
{
	if (stage->scene)
		lab_close(&stage->lab);
	memset(stage, 0, sizeof(*stage));
}

static int packet_open_lab(struct packet_bench *bench, const struct scene *scene, struct lab *lab,
			   struct error *err)
{
	static const uint8_t dmac[6] = { 2, 0, 0, 0, 0xbb, 1 }, smac[6] = { 2, 0, 0, 0, 0xaa, 1 };
	const uint32_t in = LOOPBACK;
	char config[SCENE_CONFIG_MAX], object[256];
	int rc;

	scene_config(scene, bench->test->slots, "lo", config);
	snprintf(object, sizeof(object), "%s/bpf/lb.bpf.o", bench->build);
	rc = scene_write_list(scene, err);
	if (!rc)
		rc = lab_open(lab, config, "benchmark", err);
	scene_remove_list(scene);
	if (rc)
		return rc;
	scene_resolve(lab, LOOPBACK, dmac, smac);
	rc = lab_commit(lab, err);
	if (!rc)
		rc = lab_run(lab, object, model_features(lab->model, &in, 1), err);
	return rc;
}

/* What stands there may stay, if it is of the same scene and size. */
static int packet_set_stage(struct packet_bench *bench, enum wrap_target target,
			    const struct scene *scene, struct error *err)
{
	struct packet_stage *stage = &bench->stages[target];

	if (!scene || (stage->scene == scene && stage->slots == bench->test->slots))
		return 0;
	packet_clear_stage(stage);
	stage->scene = scene;
	stage->slots = bench->test->slots;
	return packet_open_lab(bench, scene, &stage->lab, err);
}

static bool packet_has_over(const struct packet_bench *bench)
{
	return bench->test->scene->over != NULL;
}

static int packet_open_wrapper(struct packet_bench *bench, enum scene_packet packet,
			       struct error *err)
{
	const struct scene *scene = bench->test->scene;
	struct wrap_config config = {
		.flows = bench->test->flows,
		.ipv6 = scene->ipv6,
		.dest4 = scene->forward == LBD_FORWARD_NAT ? htonl(0xc0000201) : 0, /* 192.0.2.1 */
		.port = htons(80),
		.spread = scene->spread,
		.answers = packet == SCENE_ANSWER,
	};
	const int programs[] = {
		[WRAP_PROGRAM] = bench->stages[WRAP_PROGRAM].lab.prog_fd,
		[WRAP_OVER] = packet_has_over(bench) ? bench->stages[WRAP_OVER].lab.prog_fd : -1,
	};
	char object[256];

	bench->frame_size = scene_frame(scene, packet, bench->frame);
	config.frame_size = bench->frame_size;
	snprintf(object, sizeof(object), "%s/tests/bench/wrap.bpf.o", bench->build);
	return wrapper_open(object, &config, bench->frame, programs, &bench->wrapper, err);
}

static void packet_close_wrapper(struct packet_bench *bench)
{
	wrapper_close(bench->wrapper);
	bench->wrapper = NULL;
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

static bool packet_is_right(const struct packet_bench *bench, const struct wrapper_run *run)
{
	const uint32_t flow = flow_at(run->last_place, bench->test->flows);

	if (bench->test->packet == SCENE_FOREIGN)
		return true;
	if (bench->test->packet == SCENE_ANSWER)
		return scene_answered(bench->frame, bench->frame_size, flow, run->out,
				      run->out_size);
	return scene_forwarded(bench->test->scene, bench->frame, bench->frame_size, flow, run->out,
			       run->out_size);
}

/* One run of @target, not the empty program, in ns a packet. */
static int packet_run(struct packet_bench *bench, enum wrap_target target, double *ret,
		      struct error *err)
{
	const struct dataplane *dataplane = bench->stages[target].lab.dataplane;
	uint64_t before[LBD_OUTCOME_MAX] = { 0 }, after[LBD_OUTCOME_MAX] = { 0 };
	struct wrapper_run run = { .target = target, .packets = bench->packets };
	int rc;

	dataplane_outcomes(dataplane, before);
	rc = wrapper_run(bench->wrapper, &run, err);
	if (rc)
		return rc;
	dataplane_outcomes(dataplane, after);
	rc = packet_prove_counters(bench, before, after, run.packets, err);
	if (!rc && !packet_is_right(bench, &run))
		rc = error_set(err, -EPROTO, "%s: the last packet out is wrong", bench->test->name);
	*ret = run.ns;
	return rc;
}

static int packet_prove_fill(const struct packet_bench *bench, enum wrap_target target,
			     struct error *err)
{
	uint64_t ipv4, ipv6, entries, wanted = bench->test->flows;

	tables_count(dataplane_tables(bench->stages[target].lab.dataplane), &ipv4, &ipv6);
	entries = ipv4 + ipv6;
	if (bench->test->outcome == LBD_OUTCOME_FORWARD_NEW)
		wanted = bench->test->slots;
	else if (bench->test->outcome != LBD_OUTCOME_FORWARD_KNOWN &&
		 bench->test->outcome != LBD_OUTCOME_FORWARD_RETURN)
		wanted = 0;
	if ((double)entries >= ENOUGH * (double)wanted)
		return 0;
	return error_set(err, -EPROTO, "%s: %llu entries after filling, expected %llu",
			 bench->test->name, (unsigned long long)entries,
			 (unsigned long long)wanted);
}

/* The program fills the table; these packets aren't hits yet, so they prove nothing. */
static int packet_fill(struct packet_bench *bench, enum wrap_target target, struct error *err)
{
	struct wrapper_run run = { .target = target, .packets = bench->test->fill };
	int rc;

	rc = wrapper_run(bench->wrapper, &run, err);
	return rc ? rc : packet_prove_fill(bench, target, err);
}

/* --- answers */

/* What came out for each flow says how its backend would answer. */
static int packet_learn_ways(struct packet_bench *bench, struct wrap_way *ways, struct error *err)
{
	const uint32_t flows = bench->test->flows;
	int rc = 0;

	for (uint32_t i = 0; i < flows && !rc; i++) {
		struct wrapper_run run = { .target = WRAP_PROGRAM, .packets = 1 };

		rc = wrapper_run(bench->wrapper, &run, err);
		scene_way(run.out, &ways[run.last_place & (flows - 1)]);
	}
	return rc;
}

/* From now on, answers are sent to the NAT addresses instead of requests to the VIP. */
static int packet_turn_round(struct packet_bench *bench, struct error *err)
{
	static struct wrap_way ways[WRAP_WAYS_MAX];
	int rc = packet_learn_ways(bench, ways, err);

	packet_close_wrapper(bench);
	if (!rc)
		rc = packet_open_wrapper(bench, SCENE_ANSWER, err);
	for (uint32_t i = 0; i < bench->test->flows && !rc; i++)
		rc = wrapper_set_way(bench->wrapper, i, &ways[i]);
	return rc;
}

/* --- measuring */

/* Run the empty program; *ret is how it was before, and so around what ran in between. */
static int packet_reference(struct packet_bench *bench, struct sample *ret, struct error *err)
{
	struct wrapper_run run = { .target = WRAP_EMPTY, .packets = bench->packets };
	int rc;

	rc = wrapper_run(bench->wrapper, &run, err);
	ret->baseline = (bench->reference + run.ns) / 2;
	ret->reference = fmax(bench->reference, run.ns);
	bench->reference = run.ns;
	return rc;
}

/* A run of @target, and one of the empty program behind it as there was one before. */
static int packet_once(struct packet_bench *bench, enum wrap_target target, struct sample *ret,
		       struct error *err)
{
	int rc = packet_run(bench, target, &ret->value, err);

	if (!rc)
		rc = packet_reference(bench, ret, err);
	ret->value -= ret->baseline;
	return rc;
}

/* With something to compare to, right after it: what comes on top. */
static int packet_sample(struct packet_bench *bench, struct samples *samples, struct error *err)
{
	struct sample without = { 0 }, sample = { 0 };
	int rc;

	rc = packet_once(bench, WRAP_PROGRAM, &sample, err);
	if (!rc && packet_has_over(bench))
		rc = packet_once(bench, WRAP_OVER, &without, err);
	if (rc)
		return rc;
	sample.value -= without.value;
	sample.baseline += without.value;
	sample.reference = fmax(sample.reference, without.reference);
	samples_add(samples, sample);
	return 0;
}

static int packet_measure(struct packet_bench *bench, struct samples *samples, struct error *err)
{
	const uint32_t quiet_wanted = bench->quick ? 7 : 11, tries = bench->quick ? 12 : 22;
	struct sample ignored;
	int rc = packet_reference(bench, &ignored, err);

	while (!rc && samples->count < tries && samples_quiet(samples) < quiet_wanted)
		rc = packet_sample(bench, samples, err);
	return rc;
}

/* In ns; 0: none, or what it is a multiple of wasn't measured. */
static double packet_target(const struct report *report, const struct packet_case *test)
{
	return test->of ? test->at_most * report_median(report, test->of) : test->at_most;
}

static void packet_report(struct report *report, const struct packet_case *test,
			  const struct samples *samples)
{
	const double target = packet_target(report, test);
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
				   .aim = target > 0 ? FIGURE_MEDIAN_AT_MOST : FIGURE_NO_AIM,
				   .target = target,
			   });
}

static int packet_prepare(struct packet_bench *bench, struct error *err)
{
	const struct packet_case *test = bench->test;
	const bool answer = test->packet == SCENE_ANSWER;
	int rc;

	rc = packet_set_stage(bench, WRAP_PROGRAM, test->scene, err);
	if (!rc)
		rc = packet_set_stage(bench, WRAP_OVER, test->scene->over, err);
	if (!rc)
		rc = packet_open_wrapper(bench, answer ? SCENE_ACK : test->packet, err);
	if (!rc)
		rc = packet_fill(bench, WRAP_PROGRAM, err);
	if (!rc && packet_has_over(bench))
		rc = packet_fill(bench, WRAP_OVER, err);
	if (!rc && answer)
		rc = packet_turn_round(bench, err);
	return rc;
}

static uint32_t packet_run_length(const struct packet_bench *bench)
{
	if (!bench->quick)
		return PACKETS;
	return packet_has_over(bench) ? PACKETS_QUICK_OVER : PACKETS_QUICK;
}

static int packet_bench_case(struct packet_bench *bench, const struct packet_case *test,
			     struct report *report, struct error *err)
{
	struct samples samples = { 0 };
	int rc;

	bench->test = test;
	bench->packets = packet_run_length(bench);
	rc = packet_prepare(bench, err);
	if (!rc)
		rc = packet_measure(bench, &samples, err);
	packet_close_wrapper(bench);
	if (!rc)
		packet_report(report, test, &samples);
	return rc;
}

static int packet_bench_all(struct packet_bench *bench, const char *only, struct report *report,
			    struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < packet_cases_count && !rc; i++)
		if (report_wants(packet_cases[i].name, only))
			rc = packet_bench_case(bench, &packet_cases[i], report, err);
	return rc;
}

int packet_bench(struct report *report, const char *build, const char *only, bool quick,
		 struct error *err)
{
	struct packet_bench bench = { .build = build, .quick = quick };
	int home, rc;

	rc = room_enter(&home, err);
	if (!rc)
		rc = packet_bench_all(&bench, only, report, err);
	for (int i = 0; i < WRAP_TARGETS; i++)
		packet_clear_stage(&bench.stages[i]);
	room_leave(home);
	return rc;
}
