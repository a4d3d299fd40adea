// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A replay apart from the live maps. Three planes get the same packets in the
 * same order: the old one, the new one and the old one again. Where the two old
 * ones come apart, it was time that made the difference.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/monotonic.h"
#include "dataplane/next.h"
#include "upgrade/replay_internal.h"

#define APART_PLANES 3
#define APART_BUCKETS (1 << 14) /* of a table: the packets are some thousand */

struct apart_plane {
	struct dataplane *dataplane;
	int fd;
};

struct apart {
	struct replay_case now;
	struct model *model;
	struct apart_plane planes[APART_PLANES]; /* as their verdicts in @now */
	uint32_t first;				 /* of them that gets the next packet */
	uint32_t *ns[2];			 /* each packet's of the old and the new one */
	uint32_t timed, room;
};

/* --- planes */

static void apart_bound(uint32_t *buckets)
{
	if (*buckets > APART_BUCKETS)
		*buckets = APART_BUCKETS;
}

static int apart_model(struct apart *apart, struct error *err)
{
	struct lbd_limits *limits;

	apart->model = model_copy(apart->now.replay->model);
	if (!apart->model)
		return error_set(err, -ENOMEM, "out of memory");
	limits = &apart->model->limits;
	apart_bound(&limits->conn4_buckets);
	apart_bound(&limits->conn6_buckets);
	apart_bound(&limits->nat4_buckets);
	apart_bound(&limits->nat6_buckets);
	apart_bound(&limits->sticky_buckets);
	return 0;
}

/* A proof is worth no packet: it takes half of what is free at most. */
static int apart_check_memory(const struct apart *apart, struct error *err)
{
	struct next_memory memory;

	next_memory(apart->now.replay->dataplane, &apart->model->limits, &memory);
	if (!memory.available || APART_PLANES * memory.after < memory.available / 2)
		return 0;
	return error_set(err, -ENODATA, "%d sets of maps take %llu MiB, and %llu MiB are available",
			 APART_PLANES, (unsigned long long)(APART_PLANES * memory.after) >> 20,
			 (unsigned long long)memory.available >> 20);
}

static int apart_open(const struct apart *apart, const char *object, struct apart_plane *ret,
		      struct error *err)
{
	const uint32_t features = apart->now.replay->features & ~LBD_FEATURE_LIMITS;
	const struct dataplane_options options = { .limits = apart->model->limits };
	int rc;

	rc = dataplane_open(&options, &ret->dataplane, err);
	if (!rc)
		rc = dataplane_load(ret->dataplane, object, apart->model, features, &ret->fd, err);
	if (!rc)
		rc = dataplane_commit(ret->dataplane, apart->model, err);
	/* Entries are then read as it does. */
	return rc ? rc : dataplane_swap(ret->dataplane, ret->fd, err);
}

static int apart_open_all(struct apart *apart, const char *old, const char *new, struct error *err)
{
	int rc;

	rc = apart_model(apart, err);
	if (!rc)
		rc = apart_check_memory(apart, err);
	if (!rc)
		rc = apart_open(apart, old, &apart->planes[0], err) ? -ENODATA : 0;
	if (!rc)
		rc = apart_open(apart, old, &apart->planes[2], err) ? -ENODATA : 0;
	return rc ? rc : apart_open(apart, new, &apart->planes[1], err);
}

static void apart_close(struct apart *apart)
{
	for (int i = 0; i < APART_PLANES; i++) {
		if (apart->planes[i].fd >= 0)
			close(apart->planes[i].fd);
		dataplane_close(apart->planes[i].dataplane);
	}
	model_free(apart->model);
	free(apart->ns[0]);
	free(apart->ns[1]);
	free(apart);
}

/* --- packets */

static void apart_put(const struct apart *apart, const struct replay_packets *packets)
{
	for (int i = 0; i < APART_PLANES; i++)
		for (uint32_t k = 0; k < packets->count; k++)
			if (packets->list[k].source == REPLAY_LIVE)
				tables_put(dataplane_tables(apart->planes[i].dataplane),
					   &packets->list[k].entry);
}

static void apart_ask(struct apart *apart, uint32_t which, uint32_t size, uint32_t *ret_ns)
{
	const struct apart_plane *plane = &apart->planes[which];
	struct replay_verdict *said = &apart->now.said[which];

	said->size = sizeof(said->frame);
	said->action =
		dataplane_test_run_timed(plane->dataplane, plane->fd, apart->now.replay->ifindex,
					 apart->now.frame, size, said->frame, &said->size, ret_ns);
}

/* Nobody comes first each time: what the first one fetches from memory the others find there. */
static void apart_note(struct apart *apart, const uint32_t *ns)
{
	if (apart->timed == apart->room)
		return;
	apart->ns[0][apart->timed] = ns[0];
	apart->ns[1][apart->timed++] = ns[1];
}

static int apart_order(const void *a, const void *b)
{
	const uint32_t *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

static uint32_t apart_median(uint32_t *ns, uint32_t count)
{
	if (!count)
		return 0;
	qsort(ns, count, sizeof(*ns), apart_order);
	return ns[count / 2];
}

static void apart_try(struct apart *apart, const struct replay_packet *packet)
{
	const struct replay_verdict *said = apart->now.said;
	uint32_t ns[APART_PLANES];

	replay_begin(&apart->now, packet);
	apart->first++;
	for (uint32_t i = 0; i < APART_PLANES; i++) {
		const uint32_t which = (apart->first + i) % APART_PLANES;

		apart_ask(apart, which, packet->size, &ns[which]);
	}
	apart_note(apart, ns);
	if (replay_did_alike(&said[0], &said[1]))
		apart->now.report->same++;
	else if (!replay_did_alike(&said[0], &said[2]))
		apart->now.report->unsettled++;
	else
		replay_list(&apart->now, packet);
}

static void apart_try_all(struct apart *apart, const struct replay_packets *packets)
{
	const int64_t until = monotonic_ms() + apart->now.replay->budget_ms;
	struct replay_report *report = apart->now.report;
	struct replay_packet answer;

	report->made = packets->count;
	for (uint32_t i = 0; i < packets->count && monotonic_ms() < until; i++) {
		apart_try(apart, &packets->list[i]);
		if (replay_answer(&apart->now, &packets->list[i], &answer))
			apart_try(apart, &answer);
	}
	report->old_ns = apart_median(apart->ns[0], apart->timed);
	report->new_ns = apart_median(apart->ns[1], apart->timed);
}

static int apart_make_room(struct apart *apart, uint32_t packets, struct error *err)
{
	apart->room = packets;
	apart->ns[0] = calloc(packets + 1, sizeof(**apart->ns));
	apart->ns[1] = calloc(packets + 1, sizeof(**apart->ns));
	return apart->ns[0] && apart->ns[1] ? 0 : error_set(err, -ENOMEM, "out of memory");
}

int replay_run_apart(const struct replay *replay, const char *old, const char *new,
		     struct replay_report *ret, struct error *err)
{
	struct apart *apart = calloc(1, sizeof(*apart));
	struct replay_packets packets = { 0 };
	int rc;

	memset(ret, 0, sizeof(*ret));
	if (!apart)
		return error_set(err, -ENOMEM, "out of memory");
	apart->now.replay = replay;
	apart->now.report = ret;
	for (int i = 0; i < APART_PLANES; i++)
		apart->planes[i].fd = -1;
	rc = apart_open_all(apart, old, new, err);
	if (!rc && replay_gather(replay->dataplane, replay->model, &packets))
		rc = error_set(err, -ENOMEM, "out of memory");
	if (!rc)
		rc = apart_make_room(apart, packets.count, err);
	if (!rc) {
		apart_put(apart, &packets);
		apart_try_all(apart, &packets);
		rc = replay_conclude(ret, "replay apart", err);
	}
	replay_discard(&packets);
	apart_close(apart);
	return rc;
}
