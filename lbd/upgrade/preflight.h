/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands between an object and the traffic, in this order. What fails
 * ends it: the running packet path runs on, and nothing was changed.
 *
 *   maps      it takes the pinned maps for what they are
 *   golden    known packets come out as they must, on private maps
 *   replay    packets like those that are under way fare as they do now
 *   verifier  it loads over the live maps, specialised for the running config
 */
#ifndef UPGRADE_PREFLIGHT_H
#define UPGRADE_PREFLIGHT_H

#include "upgrade/replay.h"
#include "upgrade/upgrade.h"

#define PREFLIGHT_STEPS(X)                                          \
	X(MAPS, maps, "the pinned maps are what it takes them for") \
	X(GOLDEN, golden, "known packets come out as they must")    \
	X(REPLAY, replay, "packets fare as they do now")            \
	X(VERIFIER, verifier, "it loads for the running config")

enum preflight_step {
#define X(constant, name, what) PREFLIGHT_##constant,
	PREFLIGHT_STEPS(X)
#undef X
		PREFLIGHT_STEP_COUNT,
};

enum preflight_verdict {
	PREFLIGHT_NOT_RUN, /* an earlier step refused */
	PREFLIGHT_PASSED,
	PREFLIGHT_SKIPPED, /* there is nothing to compare with */
	PREFLIGHT_FORCED,  /* refused, and taken all the same */
	PREFLIGHT_REFUSED,
};

struct preflight_result {
	enum preflight_verdict verdict;
	uint32_t took_us;
	char text[1024]; /* why it was refused or skipped; or empty */
};

struct preflight_report {
	struct preflight_result steps[PREFLIGHT_STEP_COUNT];
	struct dataplane_map maps[DATAPLANE_MAPS_MAX];
	uint32_t maps_count;
	struct dataplane_program old, new; /* without a program id: there is none */
	struct replay_report replay;
};

/* maps, "the pinned maps are what ..." */
const char *preflight_step_name(enum preflight_step step);
const char *preflight_step_what(enum preflight_step step);

/*
 * Take @object, a file of our own, through all steps. On 0 it may run, and *ret_fd
 * is the generation, the caller's; else @err is that of the step that refused.
 * What runs already is spared golden packets and replay: it passed them.
 */
int preflight_prove(const struct upgrade_place *place, const struct upgrade_target *target,
		    const char *object, int *ret_fd, struct error *err);

/*
 * lbctl upgrade --check: what upgrade_swap would find of @object (NULL: the
 * installed one). Nothing is swapped or kept. An error only if it can't be tried
 * at all; whether it would be taken is in *ret.
 */
int upgrade_check(const struct upgrade_place *place, const struct upgrade_target *target,
		  const char *object, struct preflight_report *ret, struct error *err);

bool preflight_takes(const struct preflight_report *report);

#endif
