// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rounds in which every way of balancing has a turn, so that all of them meet
 * the same moods of the machine; a figure compares turns of one round. Each
 * turn stands between two runs of a fixed loop, which tell whether it was quiet.
 */
#include "tests/bench/e2e.h"

#include <errno.h>
#include <math.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/bench/road.h"
#include "tests/bench/samples.h"
#include "tests/bench/scene.h"

#define ROUNDS 11
#define ARRIVED_ENOUGH 0.98

struct e2e;

struct way {
	const char *name;
	uint32_t flows;
	uint32_t packets; /* a turn */
	bool xdp;	  /* do frames stay frames up to the backend? */
	int (*begin)(struct e2e *e2e, struct error *err);
	int (*end)(struct e2e *e2e, struct error *err);
};

enum way_id { WAY_REDIRECT, WAY_DSR4, WAY_DSR4_64K, WAY_IPIP4, WAY_IPIP4_64K, WAY_NFT, WAYS };

struct turn {
	double mpps;
	double reference;
};

struct e2e {
	const char *build;
	struct road *road;
	struct lab dsr, ipip;
	struct turn turns[WAYS][ROUNDS];
};

/* --- the ways */

static int way_begin_redirect(struct e2e *e2e, struct error *err)
{
	return road_redirect(e2e->road, true, err);
}

static int way_end_redirect(struct e2e *e2e, struct error *err)
{
	return road_redirect(e2e->road, false, err);
}

/* As the daemon does it: the root program, through libxdp. */
static int way_begin_lbd(struct e2e *e2e, struct lab *lab, struct error *err)
{
	struct dataplane_attachment attachment;
	char object[256];
	int rc;

	snprintf(object, sizeof(object), "%s/bpf/root.bpf.o", e2e->build);
	rc = road_enter(e2e->road, ROAD_LB, err);
	if (!rc)
		rc = dataplane_attach(lab->dataplane, object, "l0", CONFIG_XDP_NATIVE, &attachment,
				      err);
	return rc;
}

static int way_end_lbd(struct e2e *e2e, struct lab *lab, struct error *err)
{
	int rc = road_enter(e2e->road, ROAD_LB, err);

	return rc ? rc : dataplane_detach(lab->dataplane, "l0", err);
}

static int way_begin_dsr(struct e2e *e2e, struct error *err)
{
	return way_begin_lbd(e2e, &e2e->dsr, err);
}

static int way_end_dsr(struct e2e *e2e, struct error *err)
{
	return way_end_lbd(e2e, &e2e->dsr, err);
}

static int way_begin_ipip(struct e2e *e2e, struct error *err)
{
	return way_begin_lbd(e2e, &e2e->ipip, err);
}

static int way_end_ipip(struct e2e *e2e, struct error *err)
{
	return way_end_lbd(e2e, &e2e->ipip, err);
}

/* nftables is always there: it gets what no XDP program takes. */
static int way_nothing(struct e2e *e2e, struct error *err)
{
	(void)e2e;
	(void)err;
	return 0;
}

#define M1 1000000
#define K300 300000

static const struct way ways[WAYS] = {
	[WAY_REDIRECT] = { "redirect", 1000, M1, true, way_begin_redirect, way_end_redirect },
	[WAY_DSR4] = { "dsr4", 1000, M1, true, way_begin_dsr, way_end_dsr },
	[WAY_DSR4_64K] = { "dsr4.64k", 65536, M1, true, way_begin_dsr, way_end_dsr },
	[WAY_IPIP4] = { "ipip4", 1000, M1, true, way_begin_ipip, way_end_ipip },
	[WAY_IPIP4_64K] = { "ipip4.64k", 65536, M1, true, way_begin_ipip, way_end_ipip },
	[WAY_NFT] = { "nft", 1000, K300, false, way_nothing, way_nothing },
};

/* --- turns and rounds */

/* CPU milliseconds of a loop that only computes: shows a neighbour on the same core. */
static double e2e_reference(void)
{
	struct timespec from, to;
	uint64_t a = 1, b = 2, c = 3, d = 4;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	for (uint64_t i = 0; i < 5000000; i++) {
		a += i;
		b ^= i;
		c += a;
		d ^= b;
		__asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
	}
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	return (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
}

static int e2e_measure(struct e2e *e2e, const struct way *way, struct turn *ret, struct error *err)
{
	struct road_traffic traffic;
	int rc;

	rc = road_send(e2e->road, way->flows, 4 * way->flows, &traffic, err);
	if (rc)
		return rc;
	ret->reference = e2e_reference();
	rc = road_send(e2e->road, way->flows, way->packets, &traffic, err);
	if (rc)
		return rc;
	ret->reference = fmax(ret->reference, e2e_reference());
	if ((double)traffic.received < ARRIVED_ENOUGH * (double)traffic.sent)
		return error_set(err, -EPROTO, "e2e %s: of %llu packets %llu arrived", way->name,
				 (unsigned long long)traffic.sent,
				 (unsigned long long)traffic.received);
	ret->mpps = 1e3 / traffic.ns;
	return 0;
}

static int e2e_turn(struct e2e *e2e, const struct way *way, struct turn *ret, struct error *err)
{
	int rc;

	rc = road_sink(e2e->road, way->xdp, err);
	if (!rc)
		rc = way->begin(e2e, err);
	if (!rc)
		rc = e2e_measure(e2e, way, ret, err);
	if (!rc)
		rc = way->end(e2e, err);
	return rc;
}

static int e2e_rounds(struct e2e *e2e, struct error *err)
{
	int rc = 0;

	for (int round = 0; round < ROUNDS && !rc; round++)
		for (int id = 0; id < WAYS && !rc; id++)
			rc = e2e_turn(e2e, &ways[id], &e2e->turns[id][round], err);
	return rc;
}

/* --- set-up */

static int e2e_open_lab(struct e2e *e2e, bool ipip, struct lab *lab, struct error *err)
{
	static const uint8_t dmac[6] = { 2, 0, 0, 0, 0xee, 4 }, smac[6] = { 2, 0, 0, 0, 0xee, 3 };
	const struct scene scene = { .udp = true,
				     .forward = ipip ? LBD_FORWARD_IPIP : LBD_FORWARD_DSR };
	const uint32_t in = if_nametoindex("l0");
	char config[SCENE_CONFIG_MAX], object[256];
	int rc;

	scene_config(&scene, "l0", config);
	snprintf(object, sizeof(object), "%s/bpf/lb.bpf.o", e2e->build);
	rc = lab_open(lab, config, "benchmark", err);
	if (rc)
		return rc;
	scene_resolve(lab, if_nametoindex("l1"), dmac, smac);
	rc = lab_commit(lab, err);
	if (!rc)
		rc = lab_run(lab, object, model_features(lab->model, &in, 1), err);
	return rc;
}

static int e2e_open(struct e2e *e2e, struct error *err)
{
	int rc;

	rc = road_open(e2e->build, &e2e->road, err);
	if (!rc)
		rc = road_enter(e2e->road, ROAD_LB, err);
	if (!rc)
		rc = e2e_open_lab(e2e, false, &e2e->dsr, err);
	if (!rc)
		rc = e2e_open_lab(e2e, true, &e2e->ipip, err);
	return rc;
}

/* --- figures */

struct comparison {
	const char *name;
	enum way_id way, with;
	double target; /* least ratio; 0: none */
};

static const struct comparison comparisons[] = {
	{ "e2e.redirect", WAY_REDIRECT, WAY_REDIRECT, 0 },
	{ "e2e.dsr4.vs_redirect", WAY_DSR4, WAY_REDIRECT, 0.75 },
	{ "e2e.dsr4.64k.vs_redirect", WAY_DSR4_64K, WAY_REDIRECT, 0 },
	{ "e2e.ipip4.vs_redirect", WAY_IPIP4, WAY_REDIRECT, 0.75 },
	{ "e2e.ipip4.64k.vs_redirect", WAY_IPIP4_64K, WAY_REDIRECT, 0 },
	{ "e2e.dsr4.vs_nft", WAY_DSR4, WAY_NFT, 6 },
	{ "e2e.ipip4.vs_nft", WAY_IPIP4, WAY_NFT, 6 },
};

static void e2e_compare(const struct e2e *e2e, const struct comparison *comparison,
			struct report *report)
{
	struct samples_summary summary;
	struct samples samples = { 0 };

	for (int round = 0; round < ROUNDS; round++) {
		const struct turn *turn = &e2e->turns[comparison->way][round];
		const struct turn *with = &e2e->turns[comparison->with][round];

		samples_add(&samples, (struct sample){
					      .value = turn->mpps,
					      .baseline = with->mpps,
					      .reference = fmax(turn->reference, with->reference),
				      });
	}
	samples_summarise(&samples, &summary);
	report_add(report,
		   &(struct figure){
			   .name = comparison->name,
			   .unit = "Mpps",
			   .median = summary.median,
			   .min = summary.min,
			   .baseline = summary.baseline,
			   .ratio = summary.ratio,
			   .n = summary.quiet,
			   .noisy = summary.noisy,
			   .aim = comparison->target > 0 ? FIGURE_RATIO_AT_LEAST : FIGURE_NO_AIM,
			   .target = comparison->target,
		   });
}

int e2e_bench(struct report *report, const char *build, const char *only, struct error *err)
{
	struct e2e e2e = { .build = build };
	int rc = 0;

	if (!strncmp(only, "packet", strlen("packet")))
		return 0;
	rc = e2e_open(&e2e, err);
	if (!rc)
		rc = e2e_rounds(&e2e, err);
	lab_close(&e2e.dsr);
	lab_close(&e2e.ipip);
	road_close(e2e.road);
	for (size_t i = 0; i < sizeof(comparisons) / sizeof(*comparisons) && !rc; i++)
		if (strstr(comparisons[i].name, only))
			e2e_compare(&e2e, &comparisons[i], report);
	return rc;
}
