/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work that would hold up the event loop, in a thread of its own.
 *
 *   worker_begin -> thread: run(context) -> event loop: done(context)
 */
#ifndef LBD_WORKER_H
#define LBD_WORKER_H

#include <event2/event.h>

#include "base/error.h"

struct worker;

struct worker_job {
	void (*run)(void *context);  /* in the thread */
	void (*done)(void *context); /* in the event loop, once that has returned */
	void *context;
};

/* *slot is the worker until it is done. -EBUSY: one is there already. */
int worker_begin(struct event_base *base, const struct worker_job *job, struct worker **slot,
		 struct error *err);

/* Wait for it, at once; done is called before this returns. Nothing, if there is none. */
void worker_finish(struct worker **slot);

#endif
