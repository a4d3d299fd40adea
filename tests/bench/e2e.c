// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rounds in which every way of balancing has a turn, so that all of them meet
 * the same moods of the machine; a figure compares turns of one round. Each
 * turn stands between two runs of a fixed loop, which tell whether it was quiet.
 */
#include "tests/bench/e2e.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "tests/bench/balancer.h"
#include "tests/bench/cpu.h"
#include "tests/bench/road.h"
#include "tests/bench/samples.h"

#define ROUNDS 11
#define ARRIVED_ENOUGH 0.98
#define WARM_UP_NEW 1000 /* packets, where there are no flows to be met again */

/* Balancers: by mode, with a table for 64k flows, and with one that new flows don't fill. */
enum e2e_lb { LB_NONE, LB_DSR, LB_IPIP, LB_DSR_LARGE, LB_IPIP_LARGE, LBS };

struct e2e;

struct way {
	const char *name;
	uint32_t flows;
	uint32_t packets; /* a turn */
	bool xdp;	  /* do frames stay frames up to the backend? */
	enum e2e_lb lb;
};

enum way_id {
	WAY_REDIRECT,
	WAY_DSR4,
	WAY_DSR4_64K,
	WAY_IPIP4,
	WAY_IPIP4_64K,
	WAY_NFT,
	WAY_DSR4_NEW,
	WAY_IPIP4_NEW,
	WAY_NFT_NEW,
	WAYS,
};

struct turn {
	double mpps;
	double reference;
};

struct e2e {
	struct road *road;
	struct balancer lbs[LBS];
	bool wanted[WAYS];
	struct turn turns[WAYS][ROUNDS];
};

/* --- the ways */

/* nftables is always there: it gets what no XDP program takes. */
static int way_begin(struct e2e *e2e, const struct way *way, struct error *err)
{
	if (way->lb != LB_NONE)
		return balancer_attach(&e2e->lbs[way->lb], err);
	return way->xdp ? road_redirect(e2e->road, true, err) : 0;
}

static int way_end(struct e2e *e2e, const struct way *way, struct error *err)
{
	if (way->lb != LB_NONE)
		return balancer_detach(&e2e->lbs[way->lb], err);
	return way->xdp ? road_redirect(e2e->road, false, err) : 0;
}

#define M1 1000000
#define K64 65536
#define K300 300000
#define K100 100000 /* new flows a turn: far below what connection tracking holds */

static const struct way ways[WAYS] = {
	[WAY_REDIRECT] = { "redirect", 1000, M1, true, LB_NONE },
	[WAY_DSR4] = { "dsr4", 1000, M1, true, LB_DSR },
	[WAY_DSR4_64K] = { "dsr4.64k", K64, M1, true, LB_DSR },
	[WAY_IPIP4] = { "ipip4", 1000, M1, true, LB_IPIP },
	[WAY_IPIP4_64K] = { "ipip4.64k", K64, M1, true, LB_IPIP },
	[WAY_NFT] = { "nft", 1000, K300, false, LB_NONE },
	[WAY_DSR4_NEW] = { "dsr4.new", ROAD_EACH_NEW, K300, true, LB_DSR_LARGE },
	[WAY_IPIP4_NEW] = { "ipip4.new", ROAD_EACH_NEW, K300, true, LB_IPIP_LARGE },
	[WAY_NFT_NEW] = { "nft.new", ROAD_EACH_NEW, K100, false, LB_NONE },
};

/* --- turns and rounds */

static int e2e_measure(struct e2e *e2e, const struct way *way, struct turn *ret, struct error *err)
{
	struct road_traffic traffic;
	int rc;

	rc = road_send(e2e->road, way->flows, way->flows ? 4 * way->flows : WARM_UP_NEW, &traffic,
		       err);
	if (rc)
		return rc;
	ret->reference = cpu_reference();
	rc = road_send(e2e->road, way->flows, way->packets, &traffic, err);
	if (rc)
		return rc;
	ret->reference = fmax(ret->reference, cpu_reference());
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
		rc = way_begin(e2e, way, err);
	if (!rc)
		rc = e2e_measure(e2e, way, ret, err);
	if (!rc)
		rc = way_end(e2e, way, err);
	return rc;
}

static int e2e_rounds(struct e2e *e2e, struct error *err)
{
	int rc = 0;

	for (int round = 0; round < ROUNDS && !rc; round++)
		for (int id = 0; id < WAYS && !rc; id++)
			if (e2e->wanted[id])
				rc = e2e_turn(e2e, &ways[id], &e2e->turns[id][round], err);
	return rc;
}

/* --- set-up */

static int e2e_open(struct e2e *e2e, const char *build, struct error *err)
{
	static const struct scene dsr = { .udp = true, .forward = LBD_FORWARD_DSR };
	static const struct scene ipip = { .udp = true, .forward = LBD_FORWARD_IPIP };
	static const struct {
		const struct scene *scene;
		uint32_t slots;
	} rooms[LBS] = {
		[LB_DSR] = { &dsr, SCENE_SLOTS_A_FLOW * K64 },
		[LB_IPIP] = { &ipip, SCENE_SLOTS_A_FLOW * K64 },
		[LB_DSR_LARGE] = { &dsr, SCENE_SLOTS },
		[LB_IPIP_LARGE] = { &ipip, SCENE_SLOTS },
	};
	int rc;

	rc = road_open(build, &e2e->road, err);
	for (int i = LB_DSR; i < LBS && !rc; i++)
		rc = balancer_open(&e2e->lbs[i], road_hosts(e2e->road), build, rooms[i].scene,
				   rooms[i].slots, err);
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
	{ "e2e.dsr4.vs_redirect", WAY_DSR4, WAY_REDIRECT, 0.85 },
	{ "e2e.dsr4.64k.vs_redirect", WAY_DSR4_64K, WAY_REDIRECT, 0.7 },
	{ "e2e.ipip4.vs_redirect", WAY_IPIP4, WAY_REDIRECT, 0.85 },
	{ "e2e.ipip4.64k.vs_redirect", WAY_IPIP4_64K, WAY_REDIRECT, 0.7 },
	{ "e2e.dsr4.vs_nft", WAY_DSR4, WAY_NFT, 8 },
	{ "e2e.ipip4.vs_nft", WAY_IPIP4, WAY_NFT, 8 },
	{ "e2e.dsr4.vs_nft_new", WAY_DSR4_NEW, WAY_NFT_NEW, 10 },
	{ "e2e.ipip4.vs_nft_new", WAY_IPIP4_NEW, WAY_NFT_NEW, 10 },
};

#define COMPARISONS (sizeof(comparisons) / sizeof(*comparisons))

/* Mark the ways that the comparisons asked for need. False: none. */
static bool e2e_choose(struct e2e *e2e, const char *only)
{
	bool any = false;

	for (size_t i = 0; i < COMPARISONS; i++) {
		if (!report_wants(comparisons[i].name, only))
			continue;
		e2e->wanted[comparisons[i].way] = e2e->wanted[comparisons[i].with] = true;
		any = true;
	}
	return any;
}

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
	struct e2e e2e = { 0 };
	int rc;

	if (!e2e_choose(&e2e, only))
		return 0;
	rc = e2e_open(&e2e, build, err);
	if (!rc)
		rc = e2e_rounds(&e2e, err);
	for (int i = LB_DSR; i < LBS; i++)
		balancer_close(&e2e.lbs[i]);
	road_close(e2e.road);
	for (size_t i = 0; i < COMPARISONS && !rc; i++)
		if (report_wants(comparisons[i].name, only))
			e2e_compare(&e2e, &comparisons[i], report);
	return rc;
}
