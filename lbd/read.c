// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A config without a pause: the file and its lists, 100,000 prefixes perhaps,
 * are read and made into a search tree by a thread, while health checks and the
 * API go on. Only what comes of it is used in the event loop.
 *
 *   lbd_read_begin -> thread: file, lists, tree -> event loop: done(config)
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guard/guard.h"
#include "lbd.h"
#include "worker.h"

struct lbd_reading {
	struct lbd_reading **slot; /* where it stands while it is under way */
	struct worker *worker;
	lbd_read_done done;
	void *context;
	char *path;
	bool ends; /* nobody wants it any more */
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

static void read_run(void *context)
{
	struct lbd_reading *reading = context;

	reading->rc = lbd_read(reading->path, &reading->config, &reading->err);
}

static void read_free(struct lbd_reading *reading)
{
	free(reading->path);
	free(reading);
}

static void read_cancel(struct lbd_reading *reading)
{
	lbd_read_free(reading->config);
	reading->config = NULL;
	if (!reading->rc)
		reading->rc = error_set(&reading->err, -ECANCELED, "lbd stops");
}

static void read_ready(void *context)
{
	struct lbd_reading *reading = context;

	*reading->slot = NULL;
	if (reading->ends)
		read_cancel(reading);
	reading->done(reading->context, reading->rc, reading->config, &reading->err);
	read_free(reading);
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
		.slot = slot, .done = done, .context = context, .path = strdup(path)
	};
	rc = reading->path ? worker_begin(lbd->base,
					  &(struct worker_job){ read_run, read_ready, reading },
					  &reading->worker, err)
			   : error_set(err, -ENOMEM, "out of memory");
	if (rc)
		read_free(reading);
	else
		*slot = reading;
	return rc;
}

void lbd_read_end(struct lbd_reading **slot)
{
	if (!*slot)
		return;
	(*slot)->ends = true;
	worker_finish(&(*slot)->worker);
}
