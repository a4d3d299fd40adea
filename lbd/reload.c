// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A reload without a pause: the file and its lists, 100,000 prefixes perhaps,
 * are read and made into a search tree by a thread, while health checks and the
 * API go on. Only what comes of it is applied in the event loop.
 *
 *   lbd_reload_begin -> thread: file, lists, tree -> event loop: apply -> done()
 *                                 with other limits: migration, apply -> done()
 */
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "guard/guard.h"
#include "lbd.h"

struct lbd_reload {
	struct lbd *lbd;
	lbd_reload_done done;
	void *context;
	int ready; /* eventfd: the thread is at its end */
	struct event *event;
	pthread_t thread;
	/* The thread's, until it is ready. */
	struct config *config;
	struct error err;
	int rc;
};

/* After @config was applied, or refused with @rc: then it goes. */
static int reload_finish(struct lbd *lbd, struct config *config, int rc)
{
	guard_release(config->lists_read);
	config->lists_read = NULL;
	if (rc) {
		config_free(config);
		return rc;
	}
	if (lbd->runtime_changes)
		log_warning("reload: runtime changes (lbctl backend ...) gave way to %s",
			    lbd->config_path);
	lbd->changes_dropped = lbd->runtime_changes;
	lbd->runtime_changes = false;
	lbd->reloads++;
	lbd_forget_changes(lbd);
	log_info("reloaded %s: %u services", lbd->config_path, lbd->config->services_count);
	return 0;
}

static int reload_read(const char *path, struct config **ret, struct error *err)
{
	int rc = config_load(path, ret, err);

	if (!rc && (*ret)->lists_count)
		rc = guard_read(*ret, &(*ret)->lists_read, err);
	if (rc) {
		config_free(*ret);
		*ret = NULL;
	}
	return rc;
}

int lbd_reload(struct lbd *lbd, struct error *err)
{
	struct config *config = NULL;
	int rc = reload_read(lbd->config_path, &config, err);

	return rc ? rc : reload_finish(lbd, config, lbd_apply(lbd, config, err));
}

/* --- by a thread */

static void *reload_loop(void *context)
{
	struct lbd_reload *reload = context;

	reload->rc = reload_read(reload->lbd->config_path, &reload->config, &reload->err);
	eventfd_write(reload->ready, 1);
	return NULL;
}

static void reload_free(struct lbd_reload *reload)
{
	if (reload->event)
		event_free(reload->event);
	if (reload->ready >= 0)
		close(reload->ready);
	free(reload);
}

static void reload_done(struct lbd_reload *reload, int rc, const struct error *err)
{
	reload->done(reload->context, rc, err);
	reload_free(reload);
}

static void reload_moved(void *context, int rc, const struct lbd_migrated *migrated,
			 const struct error *err)
{
	struct lbd_reload *reload = context;

	(void)migrated;
	reload_done(reload, reload_finish(reload->lbd, reload->config, rc), err);
}

/* Other limits: the tables move first, and the config is applied at the end of that. */
static int reload_move(struct lbd_reload *reload)
{
	const struct lbd_migrate_plan plan = { .config = reload->config,
					       .done = reload_moved,
					       .context = reload };

	return lbd_migrate_begin(reload->lbd, &plan, &reload->err);
}

static void reload_ready(evutil_socket_t fd, short what, void *context)
{
	struct lbd_reload *reload = context;
	int rc;

	(void)fd;
	(void)what;
	pthread_join(reload->thread, NULL);
	event_del(reload->event);
	reload->lbd->reload = NULL;
	rc = reload->rc;
	if (!rc && lbd_has_other_limits(reload->lbd, reload->config)) {
		rc = reload_move(reload);
		if (!rc)
			return;
		reload_finish(reload->lbd, reload->config, rc);
	} else if (!rc) {
		rc = lbd_apply(reload->lbd, reload->config, &reload->err);
		reload_finish(reload->lbd, reload->config, rc);
	}
	reload_done(reload, rc, &reload->err);
}

static int reload_start(struct lbd_reload *reload)
{
	sigset_t all, before;
	int rc;

	reload->ready = eventfd(0, EFD_CLOEXEC);
	if (reload->ready < 0)
		return -errno;
	reload->event = event_new(reload->lbd->base, reload->ready, EV_READ, reload_ready, reload);
	if (!reload->event || event_add(reload->event, NULL))
		return -ENOMEM;
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&reload->thread, NULL, reload_loop, reload);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -rc;
}

int lbd_reload_begin(struct lbd *lbd, lbd_reload_done done, void *context, struct error *err)
{
	struct lbd_reload *reload;
	int rc;

	if (lbd->reload)
		return error_set(err, -EBUSY, "a reload is under way");
	if (lbd_check_still(lbd, err))
		return -EBUSY;
	reload = calloc(1, sizeof(*reload));
	if (!reload)
		return error_set(err, -ENOMEM, "out of memory");
	*reload = (struct lbd_reload){ .lbd = lbd, .done = done, .context = context };
	rc = reload_start(reload);
	if (rc) {
		reload_free(reload);
		return error_errno(err, rc, "thread for a reload");
	}
	lbd->reload = reload;
	return 0;
}

void lbd_reload_end(struct lbd *lbd)
{
	struct lbd_reload *reload = lbd->reload;

	if (!reload)
		return;
	lbd->reload = NULL;
	pthread_join(reload->thread, NULL);
	if (!reload->rc) {
		guard_release(reload->config->lists_read);
		config_free(reload->config);
		error_set(&reload->err, -ECANCELED, "lbd stops");
	}
	reload->done(reload->context, reload->rc ? reload->rc : -ECANCELED, &reload->err);
	reload_free(reload);
}
