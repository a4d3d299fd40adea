// SPDX-License-Identifier: GPL-2.0-or-later
/* The running packet path, asked instead of run. */
#include <errno.h>
#include <unistd.h>

#include "lbd.h"

#define TRACING_IDLE_SECONDS 10

static void tracing_unload(struct lbd_tracing *tracing)
{
	dataplane_trace_close(tracing->trace);
	tracing->trace = NULL;
}

static void tracing_on_idle(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	tracing_unload(context);
}

void lbd_trace_end(struct lbd *lbd)
{
	tracing_unload(&lbd->tracing);
	if (lbd->tracing.idle)
		event_free(lbd->tracing.idle);
	lbd->tracing.idle = NULL;
}

static int tracing_load(struct lbd *lbd, struct error *err)
{
	struct upgrade_target target = lbd_target(lbd);
	const struct upgrade_place place = lbd_place(lbd);
	int fd, rc;

	target.features |= LBD_FEATURE_TRACE | LBD_FEATURE_READONLY;
	rc = upgrade_load_beside(&place, &target, &fd, err);
	if (rc)
		return rc;
	rc = dataplane_trace_open(lbd->dataplane, fd, &lbd->tracing.trace, err);
	close(fd);
	return rc;
}

static int tracing_stay(struct lbd *lbd, struct error *err)
{
	const struct timeval idle = { .tv_sec = TRACING_IDLE_SECONDS };

	if (!lbd->tracing.idle)
		lbd->tracing.idle = evtimer_new(lbd->base, tracing_on_idle, &lbd->tracing);
	if (lbd->tracing.idle && !evtimer_add(lbd->tracing.idle, &idle))
		return 0;
	tracing_unload(&lbd->tracing);
	return error_set(err, -ENOMEM, "out of memory");
}

int lbd_trace_begin(struct lbd *lbd, struct dataplane_trace **ret, struct error *err)
{
	struct dataplane_generation running;
	int rc = lbd_migrate_check_slots(lbd, err);

	if (rc)
		return rc;
	rc = dataplane_generation(lbd->dataplane, LBD_GENERATION_RUNNING, &running);
	if (rc)
		return error_errno(err, rc, "query the running generation");
	if (!running.prog_id)
		return error_set(err, -ENOENT, "no packet path runs");
	/* A swap, or a config that needed another shape, has made the copy a stranger. */
	if (running.prog_id != lbd->tracing.prog_id)
		tracing_unload(&lbd->tracing);
	lbd->tracing.prog_id = running.prog_id;
	if (!lbd->tracing.trace)
		rc = tracing_load(lbd, err);
	if (!rc)
		rc = tracing_stay(lbd, err);
	if (!rc)
		*ret = lbd->tracing.trace;
	return rc;
}
