// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A candidate on trial. The splitter (bpf/split.bpf.c) stands in slot RUNNING
 * and hands packets to the generation that ran before or to the candidate:
 *
 *   begin:    control written, its deadline past; lbd_split filled;
 *             RUNNING <- splitter (all is still STABLE's); then the deadline
 *   renew:    the deadline, again and again
 *   promote:  PREVIOUS <- STABLE, RUNNING <- CANDIDATE
 *   abort:    RUNNING <- STABLE
 *   recover:  abort, by the next lbd
 *
 * lbd_split is emptied only when no packet can be in the splitter any more: one
 * that found both its slots empty would go to the kernel. Killed anywhere, the
 * splitter either stands, with both slots filled and a deadline that passes, or
 * doesn't, and lbd_split means nothing.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "dataplane/internal.h"

struct lbd_split_control *split_control(const struct dataplane *dataplane)
{
	return dataplane->memory[MAP_lbd_split_ctl];
}

bool split_stands(const struct dataplane *dataplane)
{
	int fd = generation_fd_in(dataplane, MAP_lbd_generations, LBD_GENERATION_RUNNING);
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);
	bool stands;

	if (fd < 0)
		return false;
	stands = !bpf_obj_get_info_by_fd(fd, &info, &size) && !strcmp(info.name, LBD_SPLITTER);
	close(fd);
	return stands;
}

static int split_load(const struct dataplane *dataplane, const struct dataplane_split_plan *plan,
		      int *ret_fd, struct error *err)
{
	const char *path = plan->object;
	struct bpf_program *program;
	struct bpf_object *object;
	int rc;

	rc = object_open(dataplane, path, NULL, 0, &object, err);
	if (rc)
		return rc;
	program = bpf_object__find_program_by_name(object, LBD_SPLITTER);
	rc = program ? split_services_size(object, plan) : -ENOENT;
	if (!rc)
		rc = bpf_object__load(object);
	if (!rc)
		rc = split_services_enter(object, plan);
	if (rc) {
		error_errno(err, rc, "%s: program " LBD_SPLITTER, path);
	} else {
		*ret_fd = dup(bpf_program__fd(program));
		if (*ret_fd < 0)
			rc = error_errno(err, -errno, "keep program of %s", path);
	}
	bpf_object__close(object);
	return rc;
}

static int split_set(const struct dataplane *dataplane, __u32 side, int fd, struct error *err)
{
	if (bpf_map_update_elem(dataplane->fd[MAP_lbd_split], &side, &fd, BPF_ANY))
		return error_errno(err, -errno, "write slot %u of lbd_split", side);
	return 0;
}

static void split_empty(const struct dataplane *dataplane)
{
	dataplane_quiesce();
	for (__u32 side = 0; side < LBD_SPLIT_SLOTS; side++)
		bpf_map_delete_elem(dataplane->fd[MAP_lbd_split], &side);
}

static int split_write_control(const struct dataplane *dataplane,
			       const struct dataplane_split_plan *plan, struct error *err)
{
	struct lbd_split_control control = {
		.share = plan->share,
		.swapped = plan->swapped,
		.services_count = plan->services_count,
	};
	struct lbd_secret secret;
	int rc = secret_random(&secret);

	if (rc)
		return error_errno(err, rc, "read a secret of the kernel's random source");
	if (plan->services_count > LBD_SPLIT_SERVICES)
		return error_set(err, -E2BIG, "%u services, expected at most %d",
				 plan->services_count, LBD_SPLIT_SERVICES);
	control.secret = secret.words[0];
	memcpy(control.services, plan->services, plan->services_count * sizeof(*plan->services));
	*split_control(dataplane) = control;
	return 0;
}

void dataplane_split_renew(struct dataplane *dataplane, uint32_t patience_ms)
{
	LBD_WRITE_ONCE(split_control(dataplane)->deadline,
		       clock_jiffies_in(dataplane, patience_ms));
}

void dataplane_split_share(struct dataplane *dataplane, uint32_t share)
{
	LBD_WRITE_ONCE(split_control(dataplane)->share, share);
}

void dataplane_split_shift(struct dataplane *dataplane)
{
	struct lbd_split_control *control = split_control(dataplane);

	LBD_WRITE_ONCE(control->from, (control->from + control->share) % LBD_SPLIT_WHOLE);
}

static int split_stand(struct dataplane *dataplane, const struct dataplane_split_plan *plan,
		       int splitter, int stable, struct error *err)
{
	int rc = split_write_control(dataplane, plan, err);

	if (!rc)
		rc = split_set(dataplane, LBD_SPLIT_STABLE, stable, err);
	if (!rc)
		rc = split_set(dataplane, LBD_SPLIT_CANDIDATE, plan->candidate, err);
	if (!rc)
		rc = generation_set(dataplane, LBD_GENERATION_RUNNING, splitter, err);
	if (!rc)
		dataplane_split_renew(dataplane, plan->patience_ms);
	return rc;
}

int dataplane_split_begin(struct dataplane *dataplane, const struct dataplane_split_plan *plan,
			  struct error *err)
{
	int stable, splitter = -1, rc;

	if (split_stands(dataplane))
		return error_set(err, -EBUSY, "a packet path is on trial already");
	stable = generation_fd(dataplane, LBD_GENERATION_RUNNING);
	if (stable < 0)
		return error_errno(err, stable, "open the running generation");
	rc = split_load(dataplane, plan, &splitter, err);
	if (!rc)
		rc = split_stand(dataplane, plan, splitter, stable, err);
	if (splitter >= 0)
		close(splitter);
	close(stable);
	return rc;
}

/* One of lbd_split becomes the one that runs, and one of them perhaps the previous one. */
static int split_end(struct dataplane *dataplane, enum lbd_split_slot winner, bool keep_other,
		     struct error *err)
{
	const __u32 loser = LBD_SPLIT_CANDIDATE - winner;
	int run = generation_fd_in(dataplane, MAP_lbd_split, winner), other = -1, rc = 0;

	if (!split_stands(dataplane))
		rc = error_set(err, -ENOENT, "no packet path is on trial");
	else if (run < 0)
		rc = error_errno(err, run, "open slot %d of lbd_split", winner);
	if (!rc && keep_other) {
		other = generation_fd_in(dataplane, MAP_lbd_split, loser);
		rc = other < 0 ? error_errno(err, other, "open slot %u of lbd_split", loser)
			       : generation_set(dataplane, LBD_GENERATION_PREVIOUS, other, err);
	}
	if (!rc)
		rc = generation_set(dataplane, LBD_GENERATION_RUNNING, run, err);
	if (!rc) {
		split_empty(dataplane);
		generation_follow(dataplane);
	}
	if (run >= 0)
		close(run);
	if (other >= 0)
		close(other);
	return rc;
}

static uint32_t split_candidate_bank(const struct dataplane *dataplane)
{
	int fd = generation_fd_in(dataplane, MAP_lbd_split, LBD_SPLIT_CANDIDATE);
	struct lbd_generation_config config = { .bank = LBD_BANKS };

	if (fd < 0)
		return LBD_BANKS;
	if (!generation_config(fd, &config))
		config.bank = LBD_BANKS;
	close(fd);
	return config.bank;
}

int dataplane_split_promote(struct dataplane *dataplane, struct error *err)
{
	return split_end(dataplane, LBD_SPLIT_CANDIDATE, true, err);
}

int dataplane_split_abort(struct dataplane *dataplane, bool keep, struct error *err)
{
	const uint32_t bank = split_candidate_bank(dataplane);
	int rc = split_end(dataplane, LBD_SPLIT_STABLE, keep, err);

	/* Its stages would hold their programs for ever. */
	if (!rc && bank < LBD_BANKS)
		stages_leave_bank(dataplane, bank);
	return rc;
}

bool split_recover(struct dataplane *dataplane)
{
	if (split_stands(dataplane))
		return !dataplane_split_abort(dataplane, false, NULL);
	split_empty(dataplane);
	return false;
}

static int split_candidate(const struct dataplane *dataplane, struct dataplane_generation *ret)
{
	int fd = generation_fd_in(dataplane, MAP_lbd_split, LBD_SPLIT_CANDIDATE), rc;
	struct lbd_generation_config config;

	if (fd < 0)
		return fd;
	rc = generation_read(fd, ret, &config);
	close(fd);
	return rc;
}

bool dataplane_split(const struct dataplane *dataplane, struct dataplane_split *ret)
{
	const struct lbd_split_control *control = split_control(dataplane);

	memset(ret, 0, sizeof(*ret));
	if (!split_stands(dataplane) || split_candidate(dataplane, &ret->candidate))
		return false;
	ret->share = control->share;
	ret->swapped = control->swapped;
	ret->late = (int64_t)(clock_jiffies_in(dataplane, 0) - control->deadline) >= 0;
	return true;
}

int dataplane_split_counts(const struct dataplane *dataplane, bool first,
			   struct dataplane_split_counts *ret)
{
	int rc = first ? 0 : counters_split(dataplane, &ret->seen);

	for (int side = 0; side < LBD_SPLIT_SLOTS && !rc; side++)
		rc = counters_side(dataplane, side, ret->outcomes[side]);
	return rc || !first ? rc : counters_split(dataplane, &ret->seen);
}
