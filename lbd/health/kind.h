/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kind of check: how to find out whether a backend answers. The scheduler
 * knows nothing else about it.
 */
#ifndef HEALTH_KIND_H
#define HEALTH_KIND_H

#include "health/health.h"

enum health_answer {
	HEALTH_OK,
	HEALTH_FAILED,
	HEALTH_NO_ANSWER, /* this host's fault (no descriptors, ports): says nothing of the backend */
};

struct health_result {
	enum health_answer answer;
	uint32_t latency_us; /* of HEALTH_OK */
	char reason[128];    /* of the others */
};

/* Called once per started check, from the event loop, never from within start. */
typedef void (*health_done)(void *context, const struct health_result *result);

struct health_kind {
	const char *name;

	/* Begin a check of @target, which is read only now. *ret_check is the kind's own until done. */
	int (*start)(struct event_base *base, const struct health_target *target, health_done done,
		     void *context, void **ret_check);

	/* Give up a check that isn't done; done isn't called. */
	void (*cancel)(void *check);
};

/* A TCP connection is accepted. */
extern const struct health_kind health_tcp;

#endif
