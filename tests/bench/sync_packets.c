// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The packet path makes the flows: by test-run, one packet enters a flow and
 * the next confirms it, in the real tables, which alpha's sync reads.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/monotonic.h"
#include "tests/bench/flow.h"
#include "tests/bench/scene.h"
#include "tests/bench/sync_bench.h"
#include "tests/bench/wrapper.h"

#define FLOWS (1U << 20)
#define BATCH (1U << 16) /* flows entered, then confirmed */
#define STRIDE 64
#define PATIENCE_TRIES 50000

/* --- the packet path */

static int packets_open(struct sync_bench *bench, struct wrapper **ret, struct error *err)
{
	static const struct scene scene = { .forward = LBD_FORWARD_DSR };
	const int programs[] = { [WRAP_PROGRAM] = bench->lab.prog_fd, [WRAP_OVER] = -1 };
	struct wrap_config config = { .flows = FLOW_EACH_NEW, .port = htons(80) };
	uint8_t frame[WRAP_FRAME_MAX];
	char object[256];

	config.frame_size = scene_frame(&scene, SCENE_ACK, frame);
	snprintf(object, sizeof(object), "%s/tests/bench/wrap.bpf.o", bench->build);
	return wrapper_open(object, &config, frame, programs, ret, err);
}

/* The packets of the flows at places @first on, @count of them. *ret_ns: CPU time of all. */
static int packets_send(struct wrapper *wrapper, uint64_t first, uint32_t count, double *ret_ns,
			struct error *err)
{
	struct wrapper_run run = { .target = WRAP_PROGRAM, .packets = count };
	int rc;

	wrapper_seek(wrapper, first);
	rc = wrapper_run(wrapper, &run, err);
	*ret_ns += run.ns * count;
	return rc;
}

/* New flows, confirmed. */
static int packets_make(struct wrapper *wrapper, uint64_t first, uint32_t count, double *ret_ns,
			struct error *err)
{
	int rc = packets_send(wrapper, first, count, ret_ns, err);

	return rc ? rc : packets_send(wrapper, first, count, ret_ns, err);
}

static int packets_start(struct sync_bench *bench, struct error *err)
{
	const struct tables *tables = dataplane_tables(bench->lab.dataplane);

	sync_table_clear(tables);
	sync_table_clear(&bench->plain[SYNC_BETA]);
	bench->nodes.tables[SYNC_ALPHA] = tables;
	return sync_nodes_join(&bench->nodes, err);
}

/* --- as many as possible */

static void packets_entry(uint64_t place, struct table_entry *ret)
{
	const uint32_t flow = flow_at(place, FLOW_EACH_NEW);

	*ret = (struct table_entry){
		.client = lbd_addr_from4(htonl(flow_address4(flow))),
		.client_port = htons(flow_port(flow)),
		.vip_port = htons(80),
		.service = 1,
	};
}

static int packets_wait(struct sync_bench *bench, struct error *err)
{
	const struct tables *tables = &bench->plain[SYNC_BETA];
	struct table_entry flow, found;
	uint64_t place = 0;

	for (int tries = 0; place < FLOWS && tries < PATIENCE_TRIES; tries++) {
		for (; place < FLOWS; place += STRIDE) {
			packets_entry(place, &flow);
			if (tables_find(bench->nodes.tables[SYNC_ALPHA], &flow, &found) &&
			    !tables_find(tables, &flow, &found))
				break;
		}
		usleep(200);
	}
	return place < FLOWS ? error_set(err, -ETIMEDOUT, "flow %llu of %u has not arrived",
					 (unsigned long long)place, FLOWS)
			     : 0;
}

/* ->value: flows until all have arrived; ->baseline: as the packet path alone made them. */
static int packets_flood(struct sync_bench *bench, struct wrapper *wrapper, struct sample *ret,
			 struct error *err)
{
	double from_ns = monotonic_ns(), cpu_ns = 0;
	int rc = 0;

	for (uint64_t first = 0; first < FLOWS && !rc; first += BATCH)
		rc = packets_make(wrapper, first, BATCH, &cpu_ns, err);
	ret->baseline = FLOWS * 1e3 / (monotonic_ns() - from_ns);
	if (!rc)
		rc = packets_wait(bench, err);
	ret->value = FLOWS * 1e3 / (monotonic_ns() - from_ns);
	return rc ? rc : sync_prove(bench, err);
}

static int packets_once(struct sync_bench *bench, struct sample *ret, struct error *err)
{
	struct wrapper *wrapper = NULL;
	int rc = packets_open(bench, &wrapper, err);

	if (!rc)
		rc = packets_start(bench, err);
	if (!rc)
		rc = packets_flood(bench, wrapper, ret, err);
	wrapper_close(wrapper);
	return rc ? rc : sync_nodes_part(&bench->nodes, err);
}

int sync_bench_packets(struct sync_bench *bench, struct error *err)
{
	static const struct sync_figure figure = { "sync.flows_with_packets", "M/s",
						   FIGURE_MEDIAN_AT_LEAST, 1 };
	struct samples samples = { 0 };
	int rc = sync_sample(bench, packets_once, 5, &samples, err);

	if (!rc)
		sync_report(bench, &figure, &samples);
	return rc;
}

/* --- what sync costs each packet */

#define RATE 100000	    /* new flows a second */
#define SLICE_NS 1e6	    /* they come in slices of so long ... */
#define SLICE_HITS 8192	    /* ... with so many packets of known flows */
#define KNOWN (1U << 16)    /* of so many */
#define NEW_FROM (1U << 20) /* places of new flows */
#define TURN_NS 0.7e9

struct packets_cost {
	struct wrapper *wrapper;
	uint64_t next; /* place of a new flow */
	uint64_t hit;  /* place of a known one */
};

static int packets_slice(struct packets_cost *cost, uint32_t flows, double *cpu_ns,
			 struct error *err)
{
	int rc = packets_make(cost->wrapper, cost->next, flows, cpu_ns, err);

	cost->next += flows;
	if (!rc)
		rc = packets_send(cost->wrapper, cost->hit, SLICE_HITS, cpu_ns, err);
	cost->hit = (cost->hit + SLICE_HITS) % KNOWN;
	return rc;
}

/* CPU time a packet, over a turn. */
static int packets_turn(struct packets_cost *cost, double *ret, struct error *err)
{
	const double from_ns = monotonic_ns();
	double now_ns = from_ns, cpu_ns = 0, packets = 0;
	uint64_t made = 0;
	int rc = 0;

	while (now_ns - from_ns < TURN_NS && !rc) {
		uint32_t due = (uint32_t)((now_ns - from_ns) * RATE / 1e9 - (double)made) + 1;

		rc = packets_slice(cost, due, &cpu_ns, err);
		made += due;
		packets += 2.0 * due + SLICE_HITS;
		now_ns = monotonic_ns();
		if (now_ns - from_ns < (double)made * 1e9 / RATE)
			usleep(100);
	}
	*ret = cpu_ns / packets;
	return rc;
}

/* Without sync, with it, and without it again. */
static int packets_compare(struct sync_bench *bench, struct packets_cost *cost, struct sample *ret,
			   struct error *err)
{
	double before = 0, after = 0;
	int rc = packets_turn(cost, &before, err);

	if (!rc)
		rc = sync_nodes_join(&bench->nodes, err);
	if (!rc)
		rc = packets_turn(cost, &ret->value, err);
	if (!rc)
		rc = sync_nodes_part(&bench->nodes, err);
	if (!rc)
		rc = packets_turn(cost, &after, err);
	ret->baseline = (before + after) / 2;
	return rc;
}

static int packets_cost_once(struct sync_bench *bench, struct sample *ret, struct error *err)
{
	struct packets_cost cost = { .next = NEW_FROM };
	double cpu_ns = 0;
	int rc = packets_open(bench, &cost.wrapper, err);

	sync_table_clear(dataplane_tables(bench->lab.dataplane));
	sync_table_clear(&bench->plain[SYNC_BETA]);
	bench->nodes.tables[SYNC_ALPHA] = dataplane_tables(bench->lab.dataplane);
	if (!rc)
		rc = packets_make(cost.wrapper, 0, KNOWN, &cpu_ns, err);
	if (!rc)
		rc = packets_compare(bench, &cost, ret, err);
	wrapper_close(cost.wrapper);
	return rc;
}

int sync_bench_packet_cost(struct sync_bench *bench, struct error *err)
{
	static const struct sync_figure figure = { "sync.packet_cost", "ns", FIGURE_RATIO_AT_MOST,
						   1.05 };
	struct samples samples = { 0 };
	int rc;

	prctl(PR_SET_TIMERSLACK, 1UL);
	rc = sync_sample(bench, packets_cost_once, 7, &samples, err);
	prctl(PR_SET_TIMERSLACK, 0UL);
	if (!rc)
		sync_report(bench, &figure, &samples);
	return rc;
}
