// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A config without a pause: the file and its lists, 100,000 prefixes perhaps,
 * are read and made into a search tree by a thread, while health checks and the
 * API go on. Only what comes of it is used in the event loop.
 *
 *   lbd_read_begin -> thread: file, lists, tree -> event loop: done(config)
 */
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "guard/guard.h"
#include "lbd.h"

struct lbd_reading {
	struct lbd *lbd;
	struct lbd_reading **slot; /* where it stands while it is under way */
	lbd_read_done done;
	void *context;
	char *path;
	int ready; /* eventfd: the thread is at its end */
	struct event *event;
	pthread_t thread;
	/* The thread's, until it is ready. */
	struct config *config;
	struct error err;
	int rc;
};

int lbd_read(const char *path, struct config **ret, struct error *err)
{
	struct config *config = NULL;
	int rc = config_load(path, &config, err);

	if (!rc && config->lists_count)
		rc = guard_read(config, &config->lists_read, err);
	if (rc)
		config_free(config);
	else
		*ret = config;
	return rc;
}

void lbd_read_release(struct config *config)
{
	guard_release(config->lists_read);
	config->lists_read = NULL;
}

void lbd_read_free(struct config *config)
{
	if (config)
		lbd_read_release(config);
	config_free(config);
}

static void *read_loop(void *context)
{
	struct lbd_reading *reading = context;

	reading->rc = lbd_read(reading->path, &reading->config, &reading->err);
	eventfd_write(reading->ready, 1);
	return NULL;
}

static void read_free(struct lbd_reading *reading)
{
	if (reading->event)
		event_free(reading->event);
	if (reading->ready >= 0)
		close(reading->ready);
	free(reading->path);
	free(reading);
}

static void read_ready(evutil_socket_t fd, short what, void *context)
{
	struct lbd_reading *reading = context;

	(void)fd;
	(void)what;
	pthread_join(reading->thread, NULL);
	*reading->slot = NULL;
	reading->done(reading->context, reading->rc, reading->config, &reading->err);
	read_free(reading);
}

static int read_start(struct lbd_reading *reading)
{
	sigset_t all, before;
	int rc;

	reading->ready = eventfd(0, EFD_CLOEXEC);
	if (reading->ready < 0)
		return -errno;
	reading->event =
		event_new(reading->lbd->base, reading->ready, EV_READ, read_ready, reading);
	if (!reading->path || !reading->event || event_add(reading->event, NULL))
		return -ENOMEM;
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&reading->thread, NULL, read_loop, reading);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -rc;
}

int lbd_read_begin(struct lbd *lbd, struct lbd_reading **slot, const char *path, lbd_read_done done,
		   void *context, struct error *err)
{
	struct lbd_reading *reading;
	int rc;

	if (*slot)
		return error_set(err, -EBUSY, "another one is under way");
	reading = calloc(1, sizeof(*reading));
	if (!reading)
		return error_set(err, -ENOMEM, "out of memory");
	*reading = (struct lbd_reading){
		.lbd = lbd, .slot = slot, .done = done, .context = context, .path = strdup(path)
	};
	rc = read_start(reading);
	if (rc) {
		read_free(reading);
		return error_errno(err, rc, "thread that reads %s", path);
	}
	*slot = reading;
	return 0;
}

void lbd_read_end(struct lbd_reading **slot)
{
	struct lbd_reading *reading = *slot;

	if (!reading)
		return;
	*slot = NULL;
	pthread_join(reading->thread, NULL);
	lbd_read_free(reading->config);
	if (!reading->rc)
		error_set(&reading->err, -ECANCELED, "lbd stops");
	reading->done(reading->context, reading->rc ? reading->rc : -ECANCELED, NULL,
		      &reading->err);
	read_free(reading);
}
