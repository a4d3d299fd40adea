// SPDX-License-Identifier: GPL-2.0-or-later
/* What the fake daemon does when it is asked for something (lbd.h): it notes that, and answers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_lbd.h"
#include "lbd/api.h"
#include "upgrade/preflight.h"

static int fake_result(const struct lbd *lbd, struct error *err)
{
	int code = fake_state_of(lbd)->fail;

	if (!code)
		return 0;
	error_set(err, code, "told to fail");
	error_hint(err, "try again");
	return code;
}

int lbd_reload_begin(struct lbd *lbd, const struct lbd_reload_order *order, lbd_reload_done done,
		     void *context, struct error *err)
{
	struct error refused = { 0 };

	if (order->confirm_ms)
		lbd->trial = (struct lbd_trial){ .entry = { .number = 12 },
						 .ends_ms = order->confirm_ms,
						 .back = order->history ? order->history : 11 };

	(void)err;
	lbd->changes_dropped = lbd->runtime_changes;
	lbd->runtime_changes = false;
	done(context, fake_result(lbd, &refused), &refused);
	return 0;
}

int64_t lbd_trial_left_ms(const struct lbd *lbd)
{
	return lbd->trial.entry.number ? lbd->trial.ends_ms : -1;
}

int lbd_trial_confirm(struct lbd *lbd, struct error *err)
{
	lbd->recorded.number = 12;
	return fake_result(lbd, err);
}

int lbd_trial_cancel(struct lbd *lbd, lbd_reload_done done, void *context, struct error *err)
{
	struct error refused = { 0 };

	(void)err;
	lbd->recorded.number = 13;
	done(context, fake_result(lbd, &refused), &refused);
	return 0;
}

int lbd_read_begin(struct lbd *lbd, struct lbd_reading **slot, const char *path, lbd_read_done done,
		   void *context, struct error *err)
{
	struct config *config = NULL;
	struct error why = { 0 };
	int rc;

	(void)slot;
	(void)err;
	if (!strcmp(path, API_CONFIG_DEFAULT))
		path = "conf/lbd.yaml";
	rc = fake_result(lbd, &why);
	if (!rc)
		rc = config_load(path, &config, &why);
	done(context, rc, config, &why);
	return 0;
}

void lbd_read_free(struct config *config)
{
	config_free(config);
}

void lbd_weigh(struct lbd *lbd, const struct config *config, struct lbd_verdict *ret)
{
	(void)lbd;
	*ret = (struct lbd_verdict){ .refit = true,
				     .features_now = LBD_FEATURE_IPV4,
				     .features_then = LBD_FEATURE_IPV4 | LBD_FEATURE_NAT };
	ret->refused = !strcmp(config->instance, "other");
	snprintf(ret->why.text, sizeof(ret->why.text), "instance: told to refuse");
}

int lbd_change_backend(struct lbd *lbd, const struct lbd_backend_change *change, struct error *err)
{
	struct fake_state *state = fake_state_of(lbd);

	state->change = *change;
	snprintf(state->changed, sizeof(state->changed), "%.30s/%.30s", change->service,
		 change->name);
	return fake_result(lbd, err);
}

/* A packet path that drops what the running one forwards. */
static void fake_report(struct preflight_report *ret)
{
	*ret = (struct preflight_report){
		.maps = { { .name = "lbd_control" },
			  { .name = "lbd_quic",
			    .fate = DATAPLANE_FATE_REFUSED,
			    .why = "values of 8 bytes, expected 4" } },
		.maps_count = 2,
		.old = { .generation = { .prog_id = 42, .version = "0.1.0", .tag = "aa" },
			 .programs = 2,
			 .instructions = 3000,
			 .verified = 20000,
			 .jited_bytes = 15000 },
		.replay = { .made = 3, .run = { 2, 1 }, .same = 2, .different = 1, .listed = 1 },
		.apart = { .old_ns = 310, .new_ns = 300 },
	};
	ret->new = ret->old;
	snprintf(ret->new.generation.tag, sizeof(ret->new.generation.tag), "bb");
	for (int step = 0; step < PREFLIGHT_STEP_COUNT; step++)
		ret->steps[step] =
			(struct preflight_result){ .verdict = PREFLIGHT_PASSED, .took_us = 1000 };
	ret->steps[PREFLIGHT_REPLAY].verdict = PREFLIGHT_REFUSED;
	snprintf(ret->steps[PREFLIGHT_REPLAY].text, sizeof(ret->steps[0].text),
		 "replay: 1 of 3 packets fare otherwise");
	ret->replay.list[0] = (struct replay_difference){
		.source = REPLAY_LIVE,
		.service = "web",
		.packet = "TCP ACK from 203.0.113.5:40000 to 192.0.2.1:80, a connection of web1",
		.old = "sent to web1 (forward_known)",
		.new = "dropped to web1 (forward_known)",
	};
}

/* The real one takes a second or two. */
int lbd_prove_begin(struct lbd *lbd, const struct lbd_prove_order *order, struct error *err)
{
	struct fake_state *state = fake_state_of(lbd);
	struct preflight_report *report = malloc(sizeof(*report));
	struct error refused = { 0 };
	int rc;

	if (!report)
		return error_set(err, -ENOMEM, "out of memory");
	if (order->use) {
		rc = order->use(order->context, &refused);
	} else {
		rc = fake_result(lbd, &refused);
		snprintf(state->object, sizeof(state->object), "%s",
			 order->object ? order->object : "installed");
	}
	fake_report(report);
	/* The installed one is what runs. */
	if (!order->object) {
		report->steps[PREFLIGHT_REPLAY] = report->steps[PREFLIGHT_MAPS];
		report->replay.different = report->replay.listed = 0;
	}
	order->done(order->context, rc, rc || order->use ? NULL : report, &refused);
	free(report);
	return 0;
}

bool lbd_migrate_progress(const struct lbd *lbd, struct lbd_migrate_status *ret)
{
	(void)lbd, (void)ret;
	return false;
}

int lbd_resize_begin(struct lbd *lbd, const struct lbd_resize *resize, lbd_migrate_done done,
		     void *context, struct error *err)
{
	struct lbd_migrated migrated = { .ended_at = 1, .figures.entries = 7 };
	struct error refused = { 0 };

	(void)err;
	fake_state_of(lbd)->resize = *resize;
	migrated.from.conn4_buckets = 256;
	migrated.to.conn4_buckets = (uint32_t)resize->limits[0].value / LBD_BUCKET_SLOTS;
	done(context, fake_result(lbd, &refused), &migrated, &refused);
	return 0;
}

static void fake_try(struct fake_state *state, enum upgrading_trial trial, uint32_t share)
{
	state->share = share;
	state->lbd.upgrading.trial = trial;
	snprintf(state->lbd.upgrading.object, sizeof(state->lbd.upgrading.object), "%s",
		 state->object);
}

void lbd_upgrading_refused(const struct lbd *lbd, bool canary, const char *object,
			   const struct error *err)
{
	(void)lbd;
	(void)canary;
	(void)object;
	(void)err;
}

int lbd_upgrade(struct lbd *lbd, const char *object, bool force, struct error *err)
{
	struct fake_state *state = fake_state_of(lbd);

	state->upgrades++;
	state->forced = force;
	snprintf(state->object, sizeof(state->object), "%s", object ? object : "installed");
	fake_try(state, UPGRADING_WATCH, LBD_SPLIT_WHOLE);
	return fake_result(lbd, err);
}

int lbd_canary(struct lbd *lbd, const struct lbd_canary *canary, struct error *err)
{
	struct fake_state *state = fake_state_of(lbd);
	char *services = state->lbd.upgrading.services;

	*services = '\0';
	for (uint32_t i = 0; i < canary->services_count; i++)
		snprintf(services + strlen(services), 40, "%s%.30s", i ? ", " : "",
			 canary->services[i]);
	snprintf(state->object, sizeof(state->object), "%s",
		 canary->object ? canary->object : "installed");
	fake_try(state, UPGRADING_CANARY, canary->share);
	return fake_result(lbd, err);
}

int lbd_promote(struct lbd *lbd, struct error *err)
{
	fake_try(fake_state_of(lbd), UPGRADING_NONE, 0);
	return fake_result(lbd, err);
}

int lbd_abort(struct lbd *lbd, struct error *err)
{
	return lbd_promote(lbd, err);
}

uint32_t lbd_upgrading_left_ms(const struct lbd *lbd)
{
	(void)lbd;
	return 29500;
}

int lbd_trace_begin(struct lbd *lbd, struct dataplane_trace **ret, struct error *err)
{
	*ret = (struct dataplane_trace *)lbd->dataplane;
	return fake_result(lbd, err);
}

int lbd_handover_begin(struct lbd *lbd, struct error *err)
{
	return fake_result(lbd, err);
}

void lbd_handover_status(const struct lbd *lbd, struct lbd_handover_status *ret)
{
	(void)lbd;
	*ret = (struct lbd_handover_status){ .predecessor = 321 };
}

int lbd_rollback(struct lbd *lbd, struct error *err)
{
	fake_state_of(lbd)->rollbacks++;
	return fake_result(lbd, err);
}
