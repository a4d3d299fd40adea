// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The scheduler. Each probe is a target with a timer; a check that is under
 * way belongs to its kind until it reports back:
 *
 *   waiting --timer--> checking --done--> verdict --> waiting
 *
 * The wait is the interval with a tenth of jitter, counted from the start of
 * the last check, so that checks of many balancers don't fall into step.
 */
#include "health/health.h"

#include <errno.h>
#include <event2/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/log.h"
#include "base/monotonic.h"
#include "health/kind.h"
#include "health/verdict.h"

struct probe {
	struct health *health;
	struct health_target target;
	const struct health_kind *kind;
	void *check; /* the kind's, while one is under way */
	struct event *timer;
	struct verdict verdict;
	int64_t started_ms, changed_ms; /* changed_ms 0: never */
	int64_t due_ms;			/* when the next check begins, if none is under way */
	uint32_t latency_us;
	char reason[128];
};

struct health {
	struct event_base *base;
	health_changed changed;
	void *context;
	struct probe **probes; /* by backend index, NULL where none is checked */
	uint32_t size;
};

static void probe_wait(struct probe *probe, int64_t ms)
{
	struct timeval after = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	probe->due_ms = monotonic_ms() + ms;
	evtimer_add(probe->timer, &after);
}

/* The interval, give or take a tenth. */
static int64_t probe_interval_ms(const struct probe *probe)
{
	uint32_t interval = probe->target.config.interval_ms, spread = interval / 5 + 1, random;

	evutil_secure_rng_get_bytes(&random, sizeof(random));
	return (int64_t)interval - interval / 10 + random % spread;
}

static void probe_wait_for_next(struct probe *probe)
{
	int64_t left = probe->started_ms + probe_interval_ms(probe) - monotonic_ms();

	probe_wait(probe, left > 0 ? left : 0);
}

static void probe_judge(struct probe *probe, bool success)
{
	const struct config_health *config = &probe->target.config;
	struct health *health = probe->health;
	bool was = probe->verdict.healthy;

	if (!verdict_enter(&probe->verdict, success, config->rise, config->fall))
		return;
	if (was != success)
		probe->changed_ms = monotonic_ms();
	health->changed(health->context, probe->target.backend, success,
			success ? "it answers" : probe->reason);
}

static void probe_on_done(void *context, const struct health_result *result)
{
	struct probe *probe = context;

	probe->check = NULL;
	probe_wait_for_next(probe);
	if (result->answer == HEALTH_OK)
		probe->latency_us = result->latency_us;
	else
		snprintf(probe->reason, sizeof(probe->reason), "%s", result->reason);
	if (result->answer == HEALTH_NO_ANSWER)
		log_warning("health check of backend %u couldn't be made: %s",
			    probe->target.backend, result->reason);
	else
		probe_judge(probe, result->answer == HEALTH_OK);
}

static void probe_on_timer(evutil_socket_t fd, short what, void *context)
{
	struct probe *probe = context;

	(void)fd, (void)what;
	probe->started_ms = monotonic_ms();
	if (probe->kind->start(probe->health->base, &probe->target, probe_on_done, probe,
			       &probe->check))
		probe_wait_for_next(probe);
}

static void probe_free(struct probe *probe)
{
	if (!probe)
		return;
	if (probe->check)
		probe->kind->cancel(probe->check);
	if (probe->timer)
		event_free(probe->timer);
	free(probe);
}

static struct probe *probe_new(struct health *health, const struct health_target *target)
{
	struct probe *probe = calloc(1, sizeof(*probe));

	if (!probe)
		return NULL;
	probe->health = health;
	probe->target = *target;
	probe->kind = &health_tcp;
	probe->verdict.healthy = target->healthy;
	probe->verdict.checked = target->checked;
	probe->timer = evtimer_new(health->base, probe_on_timer, probe);
	if (probe->timer)
		return probe;
	probe_free(probe);
	return NULL;
}

static bool probe_checks(const struct probe *probe, const struct health_target *target)
{
	const struct config_health *a = &probe->target.config, *b = &target->config;

	return probe->target.backend == target->backend && probe->target.port == target->port &&
	       lbd_addr_equal(&probe->target.addr, &target->addr) && a->port == b->port &&
	       a->interval_ms == b->interval_ms && a->timeout_ms == b->timeout_ms &&
	       a->rise == b->rise && a->fall == b->fall;
}

int health_new(struct event_base *base, health_changed changed, void *context, struct health **ret,
	       struct error *err)
{
	struct health *health = calloc(1, sizeof(*health));

	if (!health)
		return error_set(err, -ENOMEM, "health: no memory");
	health->base = base;
	health->changed = changed;
	health->context = context;
	*ret = health;
	return 0;
}

static void health_free_probes(struct probe **probes, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		probe_free(probes[i]);
	free(probes);
}

static struct probe *health_probe(const struct health *health, uint16_t backend)
{
	return backend < health->size ? health->probes[backend] : NULL;
}

static bool health_is_running(const struct health *health, const struct health_target *target)
{
	const struct probe *probe = health_probe(health, target->backend);

	return probe && probe_checks(probe, target);
}

/* New probes for @targets; NULL stands where a running one goes on. */
static int health_make(struct health *health, const struct health_target *targets, uint32_t count,
		       struct probe **ret_probes)
{
	for (uint32_t i = 0; i < count; i++) {
		struct probe **place = &ret_probes[targets[i].backend];

		if (*place || health_is_running(health, &targets[i]))
			continue;
		*place = probe_new(health, &targets[i]);
		if (!*place)
			return -ENOMEM;
	}
	return 0;
}

/* Starts are spread over the interval, or a reload would check everything at once. */
static void health_start(struct health *health, const struct health_target *targets, uint32_t count,
			 struct probe **probes)
{
	for (uint32_t i = 0; i < count; i++) {
		struct probe **place = &probes[targets[i].backend];

		if (*place) {
			probe_wait(*place, (int64_t)targets[i].config.interval_ms * i / count);
		} else {
			*place = health->probes[targets[i].backend];
			health->probes[targets[i].backend] = NULL;
		}
	}
}

int health_set(struct health *health, const struct health_target *targets, uint32_t count)
{
	struct probe **probes;
	uint32_t size = 1;

	for (uint32_t i = 0; i < count; i++)
		if (targets[i].backend >= size)
			size = targets[i].backend + 1U;
	probes = calloc(size, sizeof(*probes));
	if (!probes)
		return -ENOMEM;
	if (health_make(health, targets, count, probes)) {
		health_free_probes(probes, size);
		return -ENOMEM;
	}
	health_start(health, targets, count, probes);
	health_free_probes(health->probes, health->size);
	health->probes = probes;
	health->size = size;
	return 0;
}

bool health_find(const struct health *health, uint16_t backend, struct health_status *ret)
{
	const struct probe *probe = health_probe(health, backend);

	if (!probe)
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->healthy = probe->verdict.healthy;
	ret->checked = probe->verdict.checked;
	ret->latency_us = probe->latency_us;
	ret->streak = probe->verdict.streak;
	ret->changed_ms_ago = probe->changed_ms ? monotonic_ms() - probe->changed_ms : -1;
	memcpy(ret->reason, probe->reason, sizeof(ret->reason));
	return true;
}

/* A check that is under way is made again, at once. */
bool health_remember(const struct health *health, uint16_t backend, struct health_memory *ret)
{
	const struct probe *probe = health_probe(health, backend);

	if (!probe)
		return false;
	*ret = (struct health_memory){
		.healthy = probe->verdict.healthy,
		.checked = probe->verdict.checked,
		.last = probe->verdict.last,
		.streak = probe->verdict.streak,
		.latency_us = probe->latency_us,
		.changed_ms = probe->changed_ms,
		.due_ms = probe->check ? monotonic_ms() : probe->due_ms,
	};
	memcpy(ret->reason, probe->reason, sizeof(ret->reason));
	return true;
}

void health_restore(struct health *health, uint16_t backend, const struct health_memory *memory)
{
	struct probe *probe = health_probe(health, backend);
	int64_t left;

	if (!probe || probe->check)
		return;
	probe->verdict = (struct verdict){ .healthy = memory->healthy,
					   .checked = memory->checked,
					   .last = memory->last,
					   .streak = memory->streak };
	probe->latency_us = memory->latency_us;
	probe->changed_ms = memory->changed_ms;
	memcpy(probe->reason, memory->reason, sizeof(probe->reason));
	left = memory->due_ms - monotonic_ms();
	if (left > probe->target.config.interval_ms)
		left = probe->target.config.interval_ms;
	probe_wait(probe, left > 0 ? left : 0);
}

void health_free(struct health *health)
{
	if (!health)
		return;
	health_free_probes(health->probes, health->size);
	free(health);
}
