// SPDX-License-Identifier: GPL-2.0-or-later
#include "upgrading.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/monotonic.h"
#include "lbd.h"
#include "upgrade/past.h"
#include "upgrade/preflight.h"

/* What the kernel waits for lbd before it goes back; loading a program may hold lbd up for some. */
#define UPGRADING_PATIENCE_MS 5000
#define UPGRADING_LOOK_MS 250

uint32_t lbd_upgrading_left_ms(const struct lbd *lbd)
{
	const int64_t gone_ms = monotonic_ms() - lbd->upgrading.began_ms;

	return gone_ms < lbd->upgrading.time_ms ? lbd->upgrading.time_ms - (uint32_t)gone_ms : 0;
}

static const char *upgrading_object(const struct lbd *lbd, const char *object)
{
	return object ? object : lbd->object;
}

/* --- what came of it */

static void upgrading_put_down(const struct lbd *lbd, struct past_entry *entry)
{
	char path[PAST_PATH_MAX];
	struct error err = { 0 };

	entry->at = time(NULL);
	if (past_add(past_path(lbd->history_dir, path), entry, &err))
		log_report("the history of upgrades", &err);
}

/* Without a trial. @rc: what it came to, with its reason in @err. */
static void upgrading_put_down_swap(const struct lbd *lbd, const char *kind, const char *object,
				    int rc, const struct error *err)
{
	char why[512] = "";

	if (rc && err)
		snprintf(why, sizeof(why), "%.500s", err->text);
	upgrading_put_down(lbd, &(struct past_entry){ .kind = kind,
						      .object = object,
						      .share = LBD_SPLIT_WHOLE,
						      .result = rc ? "refused" : "runs",
						      .why = why });
}

/* @packets: that it was handed, asked for while the trial was on. */
static void upgrading_put_down_trial(const struct lbd *lbd, const char *result, const char *why,
				     uint64_t packets)
{
	const struct lbd_upgrading *now = &lbd->upgrading;
	char evidence[WATCHING_TEXT_MAX];

	upgrading_put_down(lbd,
			   &(struct past_entry){
				   .kind = now->trial == UPGRADING_CANARY ? "canary" : "upgrade",
				   .object = now->object,
				   .services = now->services,
				   .share = now->share,
				   .result = result,
				   .why = why,
				   .evidence = watching_format(&now->watching, evidence),
				   .packets = packets,
				   .harmed = now->watching.watch.harmed,
			   });
}

void lbd_upgrading_refused(const struct lbd *lbd, bool canary, const char *object,
			   const struct error *err)
{
	upgrading_put_down_swap(lbd, canary ? "canary" : "upgrade", upgrading_object(lbd, object),
				-EINVAL, err);
}

void lbd_upgrading_recovered(const struct lbd *lbd)
{
	upgrading_put_down(lbd, &(struct past_entry){ .kind = "upgrade",
						      .result = "back",
						      .why = "lbd died while it was on trial" });
}

/* --- the end of a trial */

static void upgrading_over(struct lbd *lbd)
{
	if (lbd->upgrading.timer)
		event_free(lbd->upgrading.timer);
	watching_close(&lbd->upgrading.watching);
	lbd->upgrading = (struct lbd_upgrading){ 0 };
}

/* If it has: what failed may have been no more than a file. */
static void upgrading_ended(struct lbd *lbd)
{
	struct dataplane_split split;

	if (!dataplane_split(lbd->dataplane, &split))
		upgrading_over(lbd);
}

static int upgrading_require(const struct lbd *lbd, struct error *err)
{
	if (lbd->upgrading.trial)
		return 0;
	return error_set(err, -ENOENT, "no packet path is on trial");
}

static int upgrading_promote(struct lbd *lbd, const char *why, struct error *err)
{
	const struct upgrade_place place = lbd_place(lbd);
	const uint64_t packets = watching_packets(&lbd->upgrading.watching, lbd->dataplane);
	char evidence[WATCHING_TEXT_MAX];
	int rc = upgrade_promote(&place, lbd->dataplane, err);

	if (!rc) {
		log_info("upgrade: %s is kept: %s; %s", lbd->upgrading.object, why,
			 watching_format(&lbd->upgrading.watching, evidence));
		upgrading_put_down_trial(lbd, "kept", why, packets);
	}
	upgrading_ended(lbd);
	return rc;
}

static int upgrading_abort(struct lbd *lbd, bool keep, const char *why, struct error *err)
{
	const struct upgrade_place place = lbd_place(lbd);
	const uint64_t packets = watching_packets(&lbd->upgrading.watching, lbd->dataplane);
	char evidence[WATCHING_TEXT_MAX];
	int rc = upgrade_abort(&place, lbd->dataplane, keep, err);

	if (!rc) {
		log_warning("upgrade: back from %s to what ran before: %s; %s; %llu packets harmed",
			    lbd->upgrading.object, why,
			    watching_format(&lbd->upgrading.watching, evidence),
			    (unsigned long long)lbd->upgrading.watching.watch.harmed);
		upgrading_put_down_trial(lbd, "back", why, packets);
	}
	upgrading_ended(lbd);
	return rc;
}

int lbd_promote(struct lbd *lbd, struct error *err)
{
	int rc = upgrading_require(lbd, err);

	return rc ? rc : upgrading_promote(lbd, "lbctl upgrade --promote", err);
}

int lbd_abort(struct lbd *lbd, struct error *err)
{
	int rc = upgrading_require(lbd, err);

	return rc ? rc : upgrading_abort(lbd, false, "lbctl upgrade --abort", err);
}

/* Nobody would look at it any more: what is in doubt then isn't kept. */
static int upgrading_settle_watch(struct lbd *lbd, const char *why, struct error *err)
{
	char text[256];

	if (!lbd->upgrading.watching.watch.doubted)
		return upgrading_promote(lbd, why, err);
	snprintf(text, sizeof(text), "%s, and it is in doubt", why);
	return upgrading_abort(lbd, false, text, err);
}

int lbd_upgrading_settle(struct lbd *lbd, const char *why, struct error *err)
{
	switch (lbd->upgrading.trial) {
	case UPGRADING_WATCH:
		return upgrading_settle_watch(lbd, why, err);
	case UPGRADING_CANARY:
		return upgrading_abort(lbd, false, why, err);
	case UPGRADING_NONE:
		break;
	}
	return 0;
}

void lbd_upgrading_end(struct lbd *lbd)
{
	struct error err = { 0 };

	if (lbd->upgrading.trial &&
	    upgrading_abort(lbd, false, "lbd stops, and nobody would watch it", &err))
		log_report("end the trial of a packet path", &err);
}

/* --- while it is on */

static int upgrading_time_is_over(struct lbd *lbd, struct error *err)
{
	const struct watch *watch = &lbd->upgrading.watching.watch;

	/* Among many services one or the other always seems to be worse: that is no verdict. */
	if (watch->doubted && watch_decides_soon(watch))
		return 0;
	if (watch->doubted)
		return upgrading_abort(lbd, false, "its time is over, and it is in doubt", err);
	if (lbd->upgrading.trial == UPGRADING_CANARY && !watch->compared)
		return upgrading_abort(lbd, false, "its time is over", err);
	return upgrading_promote(lbd, "its time is over", err);
}

static void upgrading_on_timer(evutil_socket_t fd, short what, void *context)
{
	struct lbd *lbd = context;
	struct error err = { 0 };
	int rc = 0;

	(void)fd;
	(void)what;
	dataplane_split_renew(lbd->dataplane, UPGRADING_PATIENCE_MS);
	if (watching_look(&lbd->upgrading.watching, lbd->dataplane) == WATCH_BACK)
		rc = upgrading_abort(lbd, false, "it is worse", &err);
	else if (!lbd_upgrading_left_ms(lbd))
		rc = upgrading_time_is_over(lbd, &err);
	if (rc)
		log_report("end the trial of a packet path", &err);
}

struct upgrading_request {
	const char *object; /* NULL: the installed one */
	bool force;
	uint32_t time_ms;
};

/* The copy for traces goes first: the new one may want its bank of stages. */
static struct upgrade_target upgrading_target(struct lbd *lbd, bool force)
{
	struct upgrade_target target = lbd_target(lbd);

	lbd_trace_end(lbd);
	target.force = force;
	return target;
}

static int upgrading_begin(struct lbd *lbd, const struct upgrading_request *asked,
			   struct upgrade_trial *trial, struct error *err)
{
	const struct timeval look = { .tv_usec = UPGRADING_LOOK_MS * 1000 };
	const struct upgrade_target target = upgrading_target(lbd, asked->force);
	const struct upgrade_place place = lbd_place(lbd);
	struct lbd_upgrading *now = &lbd->upgrading;
	struct lbd_watching_before before;
	int rc;

	watching_before(lbd->dataplane, &before);
	now->timer = event_new(lbd->base, -1, EV_PERSIST, upgrading_on_timer, lbd);
	if (!now->timer || event_add(now->timer, &look))
		rc = error_set(err, -ENOMEM, "out of memory");
	else
		rc = watching_open(&now->watching, lbd->model, err);
	trial->watched = now->watching.services.keys;
	trial->watched_count = now->watching.services.count;
	if (!rc)
		rc = upgrade_try(&place, &target, asked->object, trial, err);
	if (rc) {
		upgrading_over(lbd);
		return rc;
	}
	now->trial = trial->swapped ? UPGRADING_WATCH : UPGRADING_CANARY;
	now->began_ms = monotonic_ms();
	now->time_ms = asked->time_ms;
	now->share = trial->share;
	now->watching.named = trial->services_count > 0;
	snprintf(now->object, sizeof(now->object), "%s", upgrading_object(lbd, asked->object));
	watching_begin(&now->watching, lbd->dataplane, trial->swapped ? &before : NULL);
	return 0;
}

/* --- requests */

int lbd_upgrading_refuse(const struct lbd *lbd, struct error *err)
{
	int rc = lbd_check_still(lbd, err);

	if (rc)
		return rc;
	if (lbd->upgrading.trial != UPGRADING_CANARY)
		return 0;
	error_set(err, -EBUSY, "a canary of %s is on", lbd->upgrading.object);
	error_hint(err, "lbctl upgrade --promote takes it, lbctl upgrade --abort ends it");
	return -EBUSY;
}

static int upgrading_swap(struct lbd *lbd, const struct upgrading_request *asked, struct error *err)
{
	const struct upgrade_target target = upgrading_target(lbd, asked->force);
	const struct upgrade_place place = lbd_place(lbd);
	int rc = upgrade_swap(&place, &target, asked->object, err);

	if (!rc)
		upgrading_put_down_swap(lbd, "upgrade", upgrading_object(lbd, asked->object), 0,
					err);
	return rc;
}

static bool upgrading_can_watch(const struct lbd *lbd)
{
	struct dataplane_generation running;

	return lbd->config->upgrade.watch_ms &&
	       !dataplane_generation(lbd->dataplane, LBD_GENERATION_RUNNING, &running) &&
	       running.prog_id;
}

int lbd_upgrade(struct lbd *lbd, const char *object, bool force, struct error *err)
{
	const struct upgrading_request asked = { object, force, lbd->config->upgrade.watch_ms };
	struct upgrade_trial trial = {
		.share = LBD_SPLIT_WHOLE,
		.swapped = true,
		.patience_ms = UPGRADING_PATIENCE_MS,
	};
	int rc = lbd_upgrading_refuse(lbd, err);

	if (!rc)
		rc = lbd_upgrading_settle(lbd, "another upgrade takes its place", err);
	if (!rc && upgrading_can_watch(lbd))
		rc = upgrading_begin(lbd, &asked, &trial, err);
	else if (!rc)
		rc = upgrading_swap(lbd, &asked, err);
	if (!rc)
		log_info("upgrade: %s runs", upgrading_object(lbd, object));
	return rc;
}

static const struct service *upgrading_find_service(const struct lbd *lbd, const char *name)
{
	for (uint32_t id = LBD_SERVICE_ID_MIN; id < lbd->model->limits.services; id++) {
		const struct service *service = &lbd->model->services[id];

		if (service->id && !service->gone && !strcmp(service->name, name))
			return service;
	}
	return NULL;
}

static int upgrading_name_services(const struct lbd *lbd, const struct lbd_canary *canary,
				   struct upgrade_trial *trial, struct error *err)
{
	if (canary->services_count > LBD_SPLIT_SERVICES)
		return error_set(err, -E2BIG, "%u services, expected at most %d",
				 canary->services_count, LBD_SPLIT_SERVICES);
	for (uint32_t i = 0; i < canary->services_count; i++) {
		const struct service *service = upgrading_find_service(lbd, canary->services[i]);

		if (!service)
			return error_set(err, -ENOENT, "no service %.100s", canary->services[i]);
		trial->services[i] = (struct lbd_split_service){
			.vip = service->vip,
			.port = htons(service->port),
			.port_mask = service->port ? 0xffff : 0,
			.protocol = service->protocol,
		};
	}
	trial->services_count = canary->services_count;
	return 0;
}

static void upgrading_keep_names(struct lbd *lbd, const struct lbd_canary *canary)
{
	char *text = lbd->upgrading.services;
	size_t used = 0, size = sizeof(lbd->upgrading.services);

	for (uint32_t i = 0; i < canary->services_count && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
					 canary->services[i]);
}

int lbd_canary(struct lbd *lbd, const struct lbd_canary *canary, struct error *err)
{
	const struct upgrading_request asked = { canary->object, canary->force,
						 lbd->config->upgrade.canary_ms };
	struct upgrade_trial trial = {
		.share = canary->share,
		.patience_ms = UPGRADING_PATIENCE_MS,
	};
	int rc = upgrading_name_services(lbd, canary, &trial, err);

	if (!rc)
		rc = lbd_upgrading_refuse(lbd, err);
	if (!rc)
		rc = lbd_upgrading_settle(lbd, "a canary takes its place", err);
	if (!rc)
		rc = upgrading_begin(lbd, &asked, &trial, err);
	if (rc)
		return rc;
	upgrading_keep_names(lbd, canary);
	log_info("upgrade: %s gets %u.%02u %% of the flows of %s",
		 upgrading_object(lbd, canary->object), canary->share / 100, canary->share % 100,
		 canary->services_count ? lbd->upgrading.services : "all services");
	return 0;
}

int lbd_rollback(struct lbd *lbd, struct error *err)
{
	const struct upgrade_target target = lbd_target(lbd);
	const struct upgrade_place place = lbd_place(lbd);
	int rc = lbd_upgrading_refuse(lbd, err);

	if (rc)
		return rc;
	if (lbd->upgrading.trial)
		return upgrading_abort(lbd, true, "lbctl rollback", err);
	rc = upgrade_rollback(&place, &target, err);
	upgrading_put_down_swap(lbd, "rollback", NULL, rc, err);
	if (!rc)
		log_info("rollback: the previous packet path runs again");
	return rc;
}
