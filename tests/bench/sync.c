// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two nodes over veth, encrypted, on all CPUs of this machine: those of sync,
 * the writer of flows and whoever looks at the tables share them. Flows are
 * entered in alpha's table and looked for in beta's; tables are compared after
 * each run, so that nothing that was lost counts.
 */
#include "tests/bench/sync.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/monotonic.h"
#include "tests/bench/cpu.h"
#include "tests/bench/room.h"
#include "tests/bench/scene.h"
#include "tests/bench/sync_bench.h"
#include "tests/bench/wrapper.h"

#define FLOWS (1U << 20)
#define STRIDE 64
#define PATIENCE_NS 10e9
#define PATIENCE_TRIES 50000
#define SETTLE_US 300000 /* for the one to notice that the other has gone */

static const struct scene sync_scene = { .forward = LBD_FORWARD_DSR };

static int sync_wait_flow(const struct tables *tables, uint32_t n, struct error *err)
{
	for (int tries = 0; tries < PATIENCE_TRIES; tries++) {
		if (sync_table_has(tables, n))
			return 0;
		usleep(200);
	}
	return error_set(err, -ETIMEDOUT, "flow %u has not arrived", n);
}

int sync_wait_flows(struct sync_bench *bench, uint32_t count, struct error *err)
{
	int rc = 0;

	for (uint32_t n = 0; n < count && !rc; n += STRIDE)
		if (sync_table_has(bench->nodes.tables[SYNC_ALPHA], n))
			rc = sync_wait_flow(&bench->plain[SYNC_BETA], n, err);
	return rc;
}

int sync_prove(struct sync_bench *bench, struct error *err)
{
	uint64_t missing = 1;

	for (int tries = 0; missing && tries < 20; tries++) {
		usleep(tries ? 10000 : 0);
		missing = sync_table_missing(bench->nodes.tables[SYNC_ALPHA],
					     &bench->plain[SYNC_BETA]);
	}
	if (!missing)
		return 0;
	return error_set(err, -EPROTO, "%llu flows are not in the other node's table",
			 (unsigned long long)missing);
}

int sync_sample(struct sync_bench *bench, sync_once *once, unsigned int wanted, struct samples *ret,
		struct error *err)
{
	double before = cpu_reference(), after;
	int rc = 0;

	for (unsigned int i = 0; i < wanted && !rc; i++) {
		struct sample sample = { 0 };

		rc = once(bench, &sample, err);
		after = cpu_reference();
		sample.reference = before > after ? before : after;
		before = after;
		if (!rc)
			samples_add(ret, sample);
	}
	return rc;
}

void sync_report(struct sync_bench *bench, const struct sync_figure *figure,
		 const struct samples *samples)
{
	struct samples_summary summary;

	if (!report_wants(figure->name, bench->only))
		return;
	samples_summarise(samples, &summary);
	report_add(bench->report, &(struct figure){
					  .name = figure->name,
					  .unit = figure->unit,
					  .median = summary.median,
					  .min = summary.min,
					  .baseline = summary.baseline,
					  .ratio = summary.ratio,
					  .n = summary.quiet,
					  .noisy = summary.noisy,
					  .aim = figure->aim,
					  .target = figure->target,
				  });
}

static void sync_clear(struct sync_bench *bench)
{
	for (int node = 0; node < SYNC_NODES; node++)
		sync_table_clear(&bench->plain[node]);
	bench->nodes.tables[SYNC_ALPHA] = &bench->plain[SYNC_ALPHA];
}

/* --- flows as fast as they can be entered */

static int sync_flows_once(struct sync_bench *bench, struct sample *ret, struct error *err)
{
	double from_ns;
	int rc;

	sync_clear(bench);
	rc = sync_nodes_join(&bench->nodes, err);
	if (rc)
		return rc;
	from_ns = monotonic_ns();
	sync_table_fill(&bench->plain[SYNC_ALPHA], FLOWS);
	ret->baseline = FLOWS * 1e3 / (monotonic_ns() - from_ns);
	rc = sync_wait_flows(bench, FLOWS, err);
	ret->value = FLOWS * 1e3 / (monotonic_ns() - from_ns);
	if (!rc)
		rc = sync_prove(bench, err);
	return rc ? rc : sync_nodes_part(&bench->nodes, err);
}

/* The same without CURVE, in turns with it. */
static int sync_flows_plain_once(struct sync_bench *bench, struct sample *ret, struct error *err)
{
	int rc;

	bench->nodes.plaintext = true;
	rc = sync_flows_once(bench, ret, err);
	bench->nodes.plaintext = false;
	return rc;
}

static void sync_report_flows(struct sync_bench *bench, const struct samples *curve,
			      struct samples *plain)
{
	static const struct sync_figure figures[] = {
		{ "sync.flows", "M/s", FIGURE_MEDIAN_AT_LEAST, 3 },
		{ "sync.flows.plain", "M/s", FIGURE_NO_AIM, 0 },
	};

	for (unsigned int i = 0; i < plain->count; i++)
		plain->all[i].baseline = curve->all[i].value;
	sync_report(bench, &figures[0], curve);
	if (plain->count)
		sync_report(bench, &figures[1], plain);
}

static int sync_bench_flows(struct sync_bench *bench, struct error *err)
{
	const bool both = report_wants("sync.flows.plain", bench->only);
	struct samples curve = { 0 }, plain = { 0 };
	int rc = 0;

	for (int i = 0; i < 7 && !rc; i++) {
		rc = sync_sample(bench, sync_flows_once, 1, &curve, err);
		if (!rc && both)
			rc = sync_sample(bench, sync_flows_plain_once, 1, &plain, err);
	}
	if (!rc)
		sync_report_flows(bench, &curve, &plain);
	return rc;
}

/* --- a full table to an empty node */

struct sync_resync {
	struct sync_figure time, bytes;
	uint32_t entries;
};

static int sync_wait_all(struct sync_bench *bench, struct error *err)
{
	const double end_ns = monotonic_ns() + PATIENCE_NS;
	struct sync_peer_status status = { 0 };
	int rc = 0;

	while (!rc && !status.received_all && monotonic_ns() < end_ns) {
		usleep(500);
		rc = sync_nodes_status(&bench->nodes, SYNC_BETA, &status, err);
	}
	if (rc || status.received_all)
		return rc;
	return error_set(err, -ETIMEDOUT, "the whole table has not arrived");
}

/* ->value: how long it takes, in milliseconds; ->baseline: bytes, in thousands. */
static int sync_resync_once(struct sync_bench *bench, struct sample *ret, struct error *err)
{
	uint64_t bytes;
	double from_ns;
	int rc;

	sync_table_clear(&bench->plain[SYNC_BETA]);
	usleep(SETTLE_US);
	bytes = sync_nodes_bytes();
	from_ns = monotonic_ns();
	rc = sync_nodes_start(&bench->nodes, SYNC_BETA, err);
	if (!rc)
		rc = sync_wait_all(bench, err);
	if (!rc)
		rc = sync_wait_flows(bench, bench->flows, err);
	ret->value = (monotonic_ns() - from_ns) / 1e6;
	ret->baseline = (double)(sync_nodes_bytes() - bytes);
	if (!rc)
		rc = sync_prove(bench, err);
	return rc ? rc : sync_nodes_stop(&bench->nodes, SYNC_BETA, err);
}

/* Two figures of the same runs. */
static void sync_report_resync(struct sync_bench *bench, const struct sync_resync *resync,
			       const struct samples *samples)
{
	struct samples time = *samples, bytes = *samples;
	struct samples_summary summary;

	for (unsigned int i = 0; i < samples->count; i++) {
		time.all[i].baseline = 0;
		bytes.all[i].value = samples->all[i].baseline / resync->entries;
		bytes.all[i].baseline = 0;
	}
	samples_summarise(&time, &summary);
	bench->resync_ms = summary.median; /* the last is that of 250,000 entries */
	sync_report(bench, &resync->time, &time);
	if (resync->bytes.name)
		sync_report(bench, &resync->bytes, &bytes);
}

static int sync_bench_one_resync(struct sync_bench *bench, const struct sync_resync *resync,
				 struct error *err)
{
	struct samples samples = { 0 };
	int rc;

	sync_clear(bench);
	bench->flows = resync->entries;
	sync_table_fill(&bench->plain[SYNC_ALPHA], resync->entries);
	rc = sync_nodes_start(&bench->nodes, SYNC_ALPHA, err);
	if (!rc)
		rc = sync_sample(bench, sync_resync_once, 7, &samples, err);
	if (!rc)
		sync_report_resync(bench, resync, &samples);
	return rc ? rc : sync_nodes_stop(&bench->nodes, SYNC_ALPHA, err);
}

static int sync_bench_resync(struct sync_bench *bench, struct error *err)
{
	static const struct sync_resync resyncs[] = {
		{ { "sync.resync1m", "ms", FIGURE_MEDIAN_AT_MOST, 250 },
		  { "sync.bytes_bulk", "B", FIGURE_MEDIAN_AT_MOST, 24 },
		  1U << 20 },
		{ { "sync.resync250k", "ms", FIGURE_MEDIAN_AT_MOST, 80 }, { 0 }, 250000 },
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(resyncs) / sizeof(*resyncs) && !rc; i++)
		rc = sync_bench_one_resync(bench, &resyncs[i], err);
	return rc;
}

/* --- all */

static const struct sync_case {
	const char *names;
	int (*run)(struct sync_bench *bench, struct error *err);
} sync_cases[] = {
	{ "sync.flows sync.flows.plain", sync_bench_flows },
	{ "sync.flows_with_packets", sync_bench_packets },
	{ "sync.packet_cost", sync_bench_packet_cost },
	{ "sync.lag_p99 sync.cpu sync.bytes_live", sync_bench_live },
	{ "sync.resync1m sync.bytes_bulk sync.resync250k sync.vs_conntrackd", sync_bench_resync },
	{ "sync.vs_conntrackd", sync_bench_conntrackd },
};

/* The packet path, which takes packets from the loopback device. */
static int sync_open_lab(struct sync_bench *bench, struct error *err)
{
	static const uint8_t dmac[6] = { 2, 0, 0, 0, 0xbb, 1 }, smac[6] = { 2, 0, 0, 0, 0xaa, 1 };
	const uint32_t in = WRAPPER_STANDS_ON;
	char config[SCENE_CONFIG_MAX], object[256];
	struct lab *lab = &bench->lab;
	int rc;

	scene_config(&sync_scene, SCENE_SLOTS, "lo", config);
	snprintf(object, sizeof(object), "%s/bpf/lb.bpf.o", bench->build);
	rc = lab_open(lab, config, "benchmark", err);
	if (rc)
		return rc;
	scene_resolve(lab, in, dmac, smac);
	rc = lab_commit(lab, err);
	return rc ? rc : lab_run(lab, object, model_features(lab->model, &in, 1), err);
}

static int sync_prepare(struct sync_bench *bench, struct error *err)
{
	int rc = sync_open_lab(bench, err);

	for (int node = 0; node < SYNC_NODES && !rc; node++) {
		rc = sync_table_make(dataplane_tables(bench->lab.dataplane), 77U + (uint64_t)node,
				     &bench->plain[node], err);
		bench->nodes.tables[node] = &bench->plain[node];
	}
	bench->nodes.model = bench->lab.model;
	return rc ? rc : sync_nodes_open(&bench->nodes, err);
}

static int sync_run_cases(struct sync_bench *bench, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < sizeof(sync_cases) / sizeof(*sync_cases) && !rc; i++)
		if (report_wants(sync_cases[i].names, bench->only))
			rc = sync_cases[i].run(bench, err);
	return rc;
}

static bool sync_is_wanted(const char *only)
{
	for (size_t i = 0; i < sizeof(sync_cases) / sizeof(*sync_cases); i++)
		if (report_wants(sync_cases[i].names, only))
			return true;
	return false;
}

/* The two nodes have all CPUs; the rest of the benchmarks stays on one. */
static void sync_spread(cpu_set_t *ret_before)
{
	cpu_set_t all;

	sched_getaffinity(0, sizeof(*ret_before), ret_before);
	memset(&all, 0xff, sizeof(all));
	sched_setaffinity(0, sizeof(all), &all);
}

int sync_bench(struct report *report, const char *build, const char *only, struct error *err)
{
	static struct sync_bench bench;
	cpu_set_t before;
	int rc, home;

	if (!sync_is_wanted(only))
		return 0;
	memset(&bench, 0, sizeof(bench));
	bench.report = report;
	bench.build = build;
	bench.only = only;
	sync_spread(&before);
	rc = room_enter(&home, err);
	if (!rc)
		rc = sync_prepare(&bench, err);
	if (!rc)
		rc = sync_run_cases(&bench, err);
	sync_nodes_close(&bench.nodes);
	lab_close(&bench.lab);
	room_leave(home);
	sched_setaffinity(0, sizeof(before), &before);
	return rc;
}
