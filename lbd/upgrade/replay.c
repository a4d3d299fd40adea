// SPDX-License-Identifier: GPL-2.0-or-later
#include "upgrade/replay_internal.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/monotonic.h"
#include "base/outcome.h"

#define REPLAY_TRIES 3

struct replay_pair {
	struct replay_case now;
	struct dataplane_trace *old, *new;
};

/* --- one packet */

static void replay_ask(const struct replay_pair *pair, struct dataplane_trace *trace, uint32_t size,
		       struct replay_verdict *ret)
{
	struct lbd_trace record = { 0 };

	ret->size = sizeof(ret->frame);
	ret->action = dataplane_trace_run(trace, pair->now.replay->ifindex, pair->now.frame, size,
					  ret->frame, &ret->size, &record);
	ret->named = true;
	ret->outcome = record.outcome;
	ret->service = record.service;
	ret->backend = record.backend;
}

/* Of what is dropped nobody sees the frame. */
bool replay_did_alike(const struct replay_verdict *a, const struct replay_verdict *b)
{
	if (a->action != b->action)
		return false;
	return a->action < 0 || a->action == XDP_DROP ||
	       (a->size == b->size && !memcmp(a->frame, b->frame, a->size));
}

bool replay_said_alike(const struct replay_verdict *a, const struct replay_verdict *b)
{
	return a->action < 0 ||
	       (a->outcome == b->outcome && a->service == b->service && a->backend == b->backend);
}

/*
 * What may be called by another name, if the same is done: what is left alone,
 * and what is dropped. Whether a connection was found in the table or made anew
 * is more than a name.
 */
static bool replay_is_name(const struct replay_verdict *a, const struct replay_verdict *b)
{
	const char *kind = outcomes[a->outcome].kind;

	return !strcmp(kind, outcomes[b->outcome].kind) &&
	       (!strcmp(kind, "pass") || !strcmp(kind, "drop"));
}

void replay_list(struct replay_case *now, const struct replay_packet *packet)
{
	const struct model *model = now->replay->model;
	struct replay_report *report = now->report;
	struct replay_difference *row;

	report->different++;
	if (report->listed == REPLAY_LIST_MAX)
		return;
	row = &report->list[report->listed++];
	row->source = packet->source;
	if (packet->service && packet->service < model->limits.services)
		snprintf(row->service, sizeof(row->service), "%s",
			 model->services[packet->service].name);
	replay_describe_packet(model, packet, row->packet);
	replay_describe_verdict(model, &now->said[0], &now->said[1], row->old);
	replay_describe_verdict(model, &now->said[1], &now->said[0], row->new);
}

static void replay_judge(struct replay_pair *pair, const struct replay_packet *packet)
{
	struct replay_verdict *said = pair->now.said;

	for (int tries = 0; tries < REPLAY_TRIES; tries++) {
		replay_ask(pair, pair->old, packet->size, &said[0]);
		replay_ask(pair, pair->new, packet->size, &said[1]);
		if (replay_did_alike(&said[0], &said[1]) && replay_said_alike(&said[0], &said[1])) {
			pair->now.report->same++;
			return;
		}
		replay_ask(pair, pair->old, packet->size, &said[2]);
		if (!replay_did_alike(&said[0], &said[2]) || !replay_said_alike(&said[0], &said[2]))
			continue;
		if (said[0].action >= 0 && replay_did_alike(&said[0], &said[1]) &&
		    replay_is_name(&said[0], &said[1]))
			pair->now.report->otherwise++;
		else
			replay_list(&pair->now, packet);
		return;
	}
	pair->now.report->unsettled++;
}

void replay_begin(struct replay_case *now, const struct replay_packet *packet)
{
	memcpy(now->frame, packet->frame.bytes, packet->frame.size);
	memset(now->frame + packet->frame.size, 0, packet->size - packet->frame.size);
	now->report->run[packet->source]++;
}

static void replay_try(struct replay_pair *pair, const struct replay_packet *packet)
{
	replay_begin(&pair->now, packet);
	replay_judge(pair, packet);
}

bool replay_answer(const struct replay_case *now, const struct replay_packet *packet,
		   struct replay_packet *ret)
{
	const struct replay_verdict *old = &now->said[0];

	if (packet->source != REPLAY_LIVE ||
	    now->replay->model->services[packet->service].forward != LBD_FORWARD_NAT ||
	    (old->action != XDP_TX && old->action != XDP_REDIRECT) || old->size != packet->size)
		return false;
	*ret = *packet;
	memcpy(ret->frame.bytes, old->frame, packet->size);
	ret->frame = golden_answer(&ret->frame);
	ret->source = REPLAY_ANSWER;
	return true;
}

/* --- all of them */

static void replay_all(struct replay_pair *pair, const struct replay_packets *packets)
{
	const int64_t until = monotonic_ms() + pair->now.replay->budget_ms;
	struct replay_packet answer;

	pair->now.report->made = packets->count;
	for (uint32_t i = 0; i < packets->count && monotonic_ms() < until; i++) {
		replay_try(pair, &packets->list[i]);
		if (replay_answer(&pair->now, &packets->list[i], &answer))
			replay_try(pair, &answer);
	}
}

int replay_conclude(const struct replay_report *report, const char *name, struct error *err)
{
	const struct replay_difference *first = &report->list[0];
	uint32_t run = 0;

	if (!report->different)
		return 0;
	for (int source = 0; source < REPLAY_SOURCES; source++)
		run += report->run[source];
	return error_set(err, -EBADMSG,
			 "%s: %u of %u packets fare otherwise; the first, of service %s: %s: "
			 "expected as now, %s; came %s",
			 name, report->different, run, *first->service ? first->service : "none",
			 first->packet, first->old, first->new);
}

static int replay_load(const struct replay *replay, const char *object,
		       struct dataplane_trace **ret, struct error *err)
{
	int fd, rc;

	rc = dataplane_load(replay->dataplane, object, replay->model,
			    replay->features | LBD_FEATURE_TRACE | LBD_FEATURE_READONLY, &fd, err);
	if (rc)
		return rc;
	rc = dataplane_trace_open(replay->dataplane, fd, ret, err);
	if (rc)
		dataplane_unload(replay->dataplane, fd);
	else
		close(fd);
	return rc;
}

int replay_run(const struct replay *replay, const char *old, const char *new,
	       struct replay_report *ret, struct error *err)
{
	struct replay_pair *pair = calloc(1, sizeof(*pair));
	struct replay_packets packets = { 0 };
	int rc;

	memset(ret, 0, sizeof(*ret));
	if (!pair)
		return error_set(err, -ENOMEM, "out of memory");
	pair->now.replay = replay;
	pair->now.report = ret;
	rc = replay_load(replay, old, &pair->old, err) ? -ENODATA : 0;
	if (!rc)
		rc = replay_load(replay, new, &pair->new, err);
	if (!rc && replay_gather(replay->dataplane, replay->model, &packets))
		rc = error_set(err, -ENOMEM, "out of memory");
	if (!rc) {
		replay_all(pair, &packets);
		rc = replay_conclude(ret, "replay", err);
	}
	replay_discard(&packets);
	dataplane_trace_close(pair->old);
	dataplane_trace_close(pair->new);
	free(pair);
	return rc;
}
