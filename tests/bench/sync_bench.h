/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the sync section: sync.c, sync_live.c, sync_packets.c, sync_conntrackd.c. */
#ifndef BENCH_SYNC_BENCH_H
#define BENCH_SYNC_BENCH_H

#include "tests/bench/report.h"
#include "tests/bench/samples.h"
#include "tests/bench/sync_nodes.h"
#include "tests/bench/sync_table.h"
#include "tests/lab/lab.h"

struct sync_bench {
	struct report *report;
	const char *build;
	const char *only;
	struct lab lab;			 /* the packet path, and the model of both nodes */
	struct tables plain[SYNC_NODES]; /* without a packet path */
	struct sync_nodes nodes;
	uint32_t flows;	  /* entered by now, of a run that counts them */
	double resync_ms; /* of 250,000 entries, once measured */
};

/* Wait until the first @count flows are in beta's table, as far as every 64th tells. */
int sync_wait_flows(struct sync_bench *bench, uint32_t count, struct error *err);

/* Is what alpha has in beta's table? An error names how many aren't. */
int sync_prove(struct sync_bench *bench, struct error *err);

/* Take @wanted samples by @once, each beside the time of a loop that only computes. */
typedef int sync_once(struct sync_bench *bench, struct sample *ret, struct error *err);
int sync_sample(struct sync_bench *bench, sync_once *once, unsigned int wanted, struct samples *ret,
		struct error *err);

struct sync_figure {
	const char *name, *unit;
	enum figure_aim aim;
	double target;
};

void sync_report(struct sync_bench *bench, const struct sync_figure *figure,
		 const struct samples *samples);

/* The cases: each sets up for itself, and leaves both nodes stopped. */
int sync_bench_live(struct sync_bench *bench, struct error *err);
int sync_bench_packets(struct sync_bench *bench, struct error *err);
int sync_bench_packet_cost(struct sync_bench *bench, struct error *err);
int sync_bench_conntrackd(struct sync_bench *bench, struct error *err);

#endif
