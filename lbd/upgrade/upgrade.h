/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replacing the packet path under load.
 *
 *   object -> copy -> golden packets on private maps -> load over the live maps -> swap one slot
 *                              |                                  |
 *                              +---------- refused ---------------+--> the running one goes on
 *
 * The objects behind the two generations are kept as files in the run
 * directory. A change of the configuration may need the running packet path
 * specialised anew, and a rollback the previous one: both by the text that was
 * proven then, whatever became of the file that it came from.
 */
#ifndef UPGRADE_UPGRADE_H
#define UPGRADE_UPGRADE_H

#include "dataplane/dataplane.h"

struct preflight;

/* Where packet paths come from, and where those in use are kept. */
struct upgrade_place {
	const char *run_dir;
	const char *installed; /* lb.bpf.o of the package */
	const char *splitter;  /* split.bpf.o */
};

/* What a generation is loaded over and specialised for. */
struct upgrade_target {
	struct dataplane *dataplane;
	const struct model *model;
	uint32_t features;
	uint32_t ifindex;	 /* where packets come in, one of the interfaces */
	bool force;		 /* take an object though its replay differs */
	bool full;		 /* try also what runs already, and was tried when it came */
	struct preflight *proof; /* of the object that is to be swapped; NULL: prove it now */
};

/*
 * Load @object on maps of its own, with services of every kind (@nat: those that
 * translate too), and see that known packets come out as they must. Nothing of
 * the live state is touched. -EBADMSG names the packet, what was expected and
 * what came.
 */
int golden_try(const char *object, bool nat, struct error *err);

/*
 * Load the packet path that runs, specialised for @target; the installed one if
 * none runs or its object isn't kept or loads no more. Nothing is swapped:
 * *ret_fd is the caller's, for dataplane_refit.
 */
int upgrade_load(const struct upgrade_place *place, const struct upgrade_target *target,
		 int *ret_fd, struct error *err);

/*
 * Load the packet path that runs once more, for @target, and nothing else: no
 * file and no slot is touched. -ENOENT if its object isn't kept. *ret_fd is the caller's.
 */
int upgrade_load_beside(const struct upgrade_place *place, const struct upgrade_target *target,
			int *ret_fd, struct error *err);

/*
 * Make @object (NULL: the installed one) the running generation, once it is
 * proven. -ESTALE: @target has a proof, and it is of another config or was
 * beside another packet path: prove it anew.
 */
int upgrade_swap(const struct upgrade_place *place, const struct upgrade_target *target,
		 const char *object, struct error *err);

/* How a packet path is tried beside the one that runs; the times are the daemon's business. */
struct upgrade_trial {
	uint32_t share; /* of LBD_SPLIT_WHOLE */
	bool swapped;	/* a watched swap: it counts as the running one from now on */
	uint32_t patience_ms;
	uint32_t services_count; /* 0: packets of all */
	struct lbd_split_service services[LBD_SPLIT_SERVICES];
	const struct lbd_split_key *watched; /* counted one by one; they outlive the call */
	uint32_t watched_count;
};

/* Prove @object (NULL: the installed one) and put it on trial. -EBUSY: another one is. */
int upgrade_try(const struct upgrade_place *place, const struct upgrade_target *target,
		const char *object, const struct upgrade_trial *trial, struct error *err);

/* What is on trial becomes the running generation. */
int upgrade_promote(const struct upgrade_place *place, struct dataplane *dataplane,
		    struct error *err);

/* What ran before the trial runs again; what was on trial is kept as the previous one if @keep. */
int upgrade_abort(const struct upgrade_place *place, struct dataplane *dataplane, bool keep,
		  struct error *err);

/* A trial that the last lbd didn't see the end of came to nothing: so did its object. */
void upgrade_forget_trial(const struct upgrade_place *place);

/*
 * Let the previous generation run again: its slot if that fits @target, else
 * its object, specialised anew. -ENOENT if there is none.
 */
int upgrade_rollback(const struct upgrade_place *place, const struct upgrade_target *target,
		     struct error *err);

/* Remove the objects that are kept: the instance was detached. */
void upgrade_forget(const struct upgrade_place *place);

/* --- kept.c: the files */

enum upgrade_kept {
	UPGRADE_KEPT_RUNNING,
	UPGRADE_KEPT_PREVIOUS,
	UPGRADE_KEPT_CANDIDATE, /* on trial */
	UPGRADE_KEPT_DRAFT,
	UPGRADE_KEPT_PROOF, /* being proven while all else goes on */
};

#define UPGRADE_PATH_MAX 192

char *kept_path(const struct upgrade_place *place, enum upgrade_kept which, char *buffer);

/* Which of them runs: one that is watched after a swap is still the candidate. */
enum upgrade_kept upgrade_which_runs(const struct dataplane *dataplane);

/* Copy @object into that one. Refuses what isn't a regular file of sensible size. */
int kept_copy(const struct upgrade_place *place, const char *object, enum upgrade_kept to,
	      struct error *err);

/* Are the two files the same, byte by byte? */
bool kept_is(const char *kept, const char *object);

/* @from becomes the running one; the one that ran becomes the previous one if @shift. */
int kept_advance(const struct upgrade_place *place, enum upgrade_kept from, bool shift,
		 struct error *err);

/* @from becomes @to. */
int kept_move(const struct upgrade_place *place, enum upgrade_kept from, enum upgrade_kept to,
	      struct error *err);

void kept_remove(const struct upgrade_place *place, enum upgrade_kept which);

/* Exchange running and previous. */
void kept_exchange(const struct upgrade_place *place);

#endif
