/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Health checks: a scheduler, and one file per kind of check behind
 * struct health_kind. Checks run in the event loop and never block it.
 *
 *          success x rise            failure x fall
 *   down ------------------> up ---------------------> down
 *
 * The first answer of a target that was never checked decides at once.
 */
#ifndef HEALTH_HEALTH_H
#define HEALTH_HEALTH_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"

struct health;

struct health_target {
	uint16_t backend; /* index, the target's identity together with addr and port */
	struct lbd_addr addr;
	uint16_t port; /* host order */
	struct config_health config;
	bool healthy; /* what to assume until the first answer */
	bool checked; /* false: the first answer decides; true: @healthy stands until rise or fall */
};

/* What lbctl backends shows of a target. */
struct health_status {
	bool healthy;
	bool checked;
	uint32_t latency_us;	/* of the last success */
	uint32_t streak;	/* equal answers in a row */
	int64_t changed_ms_ago; /* -1: never */
	char reason[128]; /* of the last failure: "connection refused", "timeout after 1000 ms" */
};

/*
 * Called from the event loop when a backend comes up or goes down, and by the
 * first answer of one that was never checked whatever it is; @reason for the log.
 */
typedef void (*health_changed)(void *context, uint16_t backend, bool healthy, const char *reason);

int health_new(struct event_base *base, health_changed changed, void *context, struct health **ret,
	       struct error *err);

/*
 * Check exactly these targets, one per backend. One that was there before with
 * the same backend, address, port and config keeps its state and schedule.
 * Starts are spread over the interval.
 */
int health_set(struct health *health, const struct health_target *targets, uint32_t count);

/* False if @backend isn't checked. */
bool health_find(const struct health *health, uint16_t backend, struct health_status *ret);

/* How a target stands, for another daemon that goes on with it. */
struct health_memory {
	bool healthy, checked, last; /* last: the last answer */
	uint32_t streak, latency_us;
	int64_t changed_ms, due_ms; /* CLOCK_MONOTONIC; changed_ms 0: never */
	char reason[128];
};

/* False if @backend isn't checked. */
bool health_remember(const struct health *health, uint16_t backend, struct health_memory *ret);

/* @backend goes on from there. Ignored if it isn't checked. */
void health_restore(struct health *health, uint16_t backend, const struct health_memory *memory);

/* Accepts NULL. */
void health_free(struct health *health);

#endif
