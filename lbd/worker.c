// SPDX-License-Identifier: GPL-2.0-or-later
#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct worker {
	struct worker_job job;
	struct worker **slot; /* where it stands while it is under way */
	int ready;	      /* eventfd: the thread is at its end */
	struct event *event;
	pthread_t thread;
};

static void *worker_loop(void *context)
{
	struct worker *worker = context;

	worker->job.run(worker->job.context);
	eventfd_write(worker->ready, 1);
	return NULL;
}

static void worker_free(struct worker *worker)
{
	if (worker->event)
		event_free(worker->event);
	if (worker->ready >= 0)
		close(worker->ready);
	free(worker);
}

void worker_finish(struct worker **slot)
{
	struct worker *worker = *slot;

	if (!worker)
		return;
	pthread_join(worker->thread, NULL);
	*slot = NULL;
	worker->job.done(worker->job.context);
	worker_free(worker);
}

static void worker_on_ready(evutil_socket_t fd, short what, void *context)
{
	struct worker *worker = context;

	(void)fd;
	(void)what;
	worker_finish(worker->slot);
}

static int worker_start(struct worker *worker, struct event_base *base)
{
	sigset_t all, before;
	int rc;

	worker->ready = eventfd(0, EFD_CLOEXEC);
	if (worker->ready < 0)
		return -errno;
	worker->event = event_new(base, worker->ready, EV_READ, worker_on_ready, worker);
	if (!worker->event || event_add(worker->event, NULL))
		return -ENOMEM;
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&worker->thread, NULL, worker_loop, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -rc;
}

int worker_begin(struct event_base *base, const struct worker_job *job, struct worker **slot,
		 struct error *err)
{
	struct worker *worker;
	int rc;

	if (*slot)
		return error_set(err, -EBUSY, "another one is under way");
	worker = malloc(sizeof(*worker));
	if (!worker)
		return error_set(err, -ENOMEM, "out of memory");
	*worker = (struct worker){ .job = *job, .slot = slot, .ready = -1 };
	rc = worker_start(worker, base);
	if (rc) {
		worker_free(worker);
		return error_errno(err, rc, "start a thread");
	}
	*slot = worker;
	return 0;
}
