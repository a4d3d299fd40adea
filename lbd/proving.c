// SPDX-License-Identifier: GPL-2.0-or-later
#include "proving.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lbd.h"
#include "upgrade/preflight.h"
#include "worker.h"

/* Health checks change no shape: this many in a row is a config that is being worked on. */
#define PROVING_TRIES 4

static int proving_try(struct lbd *lbd, struct error *err);

static void proving_over(struct lbd *lbd, int rc, const struct error *err)
{
	struct lbd_proving over = lbd->proving;

	/* What follows may begin the next one. */
	lbd->proving = (struct lbd_proving){ 0 };
	over.order.done(over.order.context, rc,
			rc || over.order.use ? NULL : preflight_found(over.proof), err);
	preflight_close(over.proof);
}

static int proving_use(struct lbd *lbd, struct error *err)
{
	struct lbd_proving *now = &lbd->proving;
	int rc;

	if (now->ends)
		return error_set(err, -ECANCELED, "lbd stops");
	if (!now->order.use)
		return 0;
	now->usable = true;
	rc = now->order.use(now->order.context, err);
	now->usable = false;
	return rc;
}

static void proving_ready(void *context)
{
	struct lbd *lbd = context;
	struct lbd_proving *now = &lbd->proving;
	struct error err = { 0 };
	int rc = proving_use(lbd, &err);

	if (rc == -ESTALE && ++now->tries < PROVING_TRIES) {
		preflight_close(now->proof);
		now->proof = NULL;
		rc = proving_try(lbd, &err);
		if (!rc)
			return;
	}
	proving_over(lbd, rc, &err);
}

static void proving_run(void *context)
{
	struct lbd *lbd = context;

	preflight_run(lbd->proving.proof);
}

static int proving_try(struct lbd *lbd, struct error *err)
{
	struct lbd_proving *now = &lbd->proving;
	const struct worker_job job = { proving_run, proving_ready, lbd };
	const struct upgrade_place place = lbd_place(lbd);
	struct upgrade_target target = lbd_target(lbd);
	int rc;

	/* The copy for traces is loaded again when it is asked for; its bank may be wanted. */
	lbd_trace_end(lbd);
	target.force = now->order.force;
	target.full = !now->order.use;
	rc = preflight_open(&place, &target, now->object, UPGRADE_KEPT_PROOF, &now->proof, err);
	if (!rc)
		rc = worker_begin(lbd->base, &job, &now->worker, err);
	if (rc) {
		preflight_close(now->proof);
		now->proof = NULL;
	}
	return rc;
}

int lbd_prove_begin(struct lbd *lbd, const struct lbd_prove_order *order, struct error *err)
{
	struct lbd_proving *now = &lbd->proving;
	int rc;

	if (now->worker)
		return error_set(err, -EBUSY, "%s is being tried: ask again once that is done",
				 now->object);
	rc = order->use ? lbd_upgrading_refuse(lbd, err) : lbd_check_still(lbd, err);
	if (rc)
		return rc;
	*now = (struct lbd_proving){ .order = *order };
	snprintf(now->object, sizeof(now->object), "%s",
		 order->object ? order->object : lbd->object);
	rc = proving_try(lbd, err);
	if (rc)
		*now = (struct lbd_proving){ 0 };
	return rc;
}

void lbd_prove_end(struct lbd *lbd)
{
	lbd->proving.ends = true;
	worker_finish(&lbd->proving.worker);
	lbd->proving.ends = false;
}
