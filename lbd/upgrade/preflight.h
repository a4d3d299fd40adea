/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands between an object and the traffic, in this order. What fails
 * ends it: the running packet path runs on, and nothing was changed.
 *
 *   maps      it takes the pinned maps for what they are
 *   golden    known packets come out as they must, on private maps
 *   replay    packets like those that are under way fare as they do now
 *   apart     so they do on maps of their own, by programs as they will run
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
	X(APART, apart, "so they do where all is written")          \
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
	struct replay_report replay, apart;
};

/* maps, "the pinned maps are what ..." */
const char *preflight_step_name(enum preflight_step step);
const char *preflight_step_what(enum preflight_step step);

/*
 * The proof of @object, in three parts: what takes long changes nothing, and
 * may be another thread's.
 *
 *   preflight_open   copies the object, and takes hold of maps and model
 *   preflight_run    all steps, until one refuses
 *   preflight_take   if it may run, and what it was proven for still is so
 *
 * What runs already is spared golden packets and replays, unless @target wants
 * all: it passed them. @file is the copy; it goes with preflight_close.
 */
struct preflight;

int preflight_open(const struct upgrade_place *place, const struct upgrade_target *target,
		   const char *object, enum upgrade_kept file, struct preflight **ret,
		   struct error *err);

/* Any thread. */
void preflight_run(struct preflight *preflight);

/*
 * *ret_fd is the generation, the caller's, and the copy is the draft. Else @err
 * is that of the step that refused. -ESTALE: the config has needed another
 * shape since, or another packet path runs.
 */
int preflight_take(struct preflight *preflight, const struct upgrade_target *target, int *ret_fd,
		   struct error *err);

/* What the steps said. */
const struct preflight_report *preflight_found(const struct preflight *preflight);

/* Accepts NULL. */
void preflight_close(struct preflight *preflight);

/* Would an upgrade swap? */
bool preflight_takes(const struct preflight_report *report);

#endif
