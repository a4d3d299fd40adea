// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The config file read again, or an older config taken from the history, and put
 * in force; whatever lbctl backend changed gives way.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "lbd.h"

struct reload {
	struct lbd *lbd;
	struct config *config;
	struct lbd_reload_order order;
	struct history_entry entry; /* of the config */
	struct lbd_trial trial;	    /* if it goes again unless it is confirmed */
	lbd_reload_done done;
	void *context;
};

/* From the file: it is what runs. From the history: that runs in place of the file. */
static int reload_describe(struct lbd *lbd, const struct lbd_reload_order *order,
			   const struct config *config, struct history_entry *ret,
			   struct error *err)
{
	*ret = lbd_record_prepare(lbd, config, order->trigger);
	ret->origin = HISTORY_FROM_FILE;
	if (!order->history)
		return 0;
	ret->trigger = HISTORY_BY_HISTORY;
	ret->origin = HISTORY_FROM_HISTORY;
	/* What the next start compares the file with, to know whether it was edited since. */
	return config_hash_file(lbd->config_path, &ret->instead_of, err);
}

static int reload_prepare(struct reload *reload, struct error *err)
{
	struct lbd *lbd = reload->lbd;
	int rc = reload_describe(lbd, &reload->order, reload->config, &reload->entry, err);

	if (!rc && reload->order.confirm_ms)
		rc = lbd_trial_prepare(lbd, &reload->trial, reload->config, &reload->entry, err);
	return rc;
}

static void reload_undo(struct reload *reload)
{
	if (reload->order.confirm_ms)
		lbd_trial_undo(reload->lbd, &reload->trial);
}

static void reload_for_good(struct lbd *lbd, struct history_entry *entry)
{
	lbd->origin = entry->origin;
	lbd->instead_of = entry->instead_of;
	lbd_record(lbd, entry);
	log_info("reloaded %s: %u services", lbd->config_path, lbd->config->services_count);
}

static void reload_applied(void *context)
{
	struct reload *reload = context;
	struct lbd *lbd = reload->lbd;

	if (reload->order.confirm_ms)
		lbd_trial_begin(lbd, &reload->trial, reload->order.confirm_ms);
	else
		reload_for_good(lbd, &reload->entry);
	lbd_read_release(lbd->config);
	if (lbd->runtime_changes)
		log_warning("reload: runtime changes (lbctl backend, resize) gave way to %s",
			    lbd->config_path);
	lbd->changes_dropped = lbd->runtime_changes;
	lbd->runtime_changes = false;
	lbd->reloads++;
	lbd_forget_changes(lbd);
}

int lbd_reload(struct lbd *lbd, struct error *err)
{
	struct reload reload = { .lbd = lbd, .order.trigger = HISTORY_BY_RELOAD };
	int rc = lbd_trial_refuse(lbd, err);

	if (!rc)
		rc = lbd_read(lbd->config_path, &reload.config, err);
	if (rc)
		return rc;
	rc = reload_prepare(&reload, err);
	if (!rc)
		rc = lbd_apply(lbd, reload.config, err);
	if (rc)
		lbd_read_free(reload.config);
	else
		reload_applied(&reload);
	return rc;
}

static void reload_over(struct reload *reload, int rc, const struct error *err)
{
	if (rc)
		lbd_read_free(reload->config);
	reload->done(reload->context, rc, err);
	free(reload);
}

static void reload_moved(void *context, int rc, const struct lbd_migrated *migrated,
			 const struct error *err)
{
	(void)migrated;
	if (rc)
		reload_undo(context);
	reload_over(context, rc, err);
}

static void reload_read(void *context, int rc, struct config *config, const struct error *err)
{
	struct reload *reload = context;
	const struct lbd_migrate_plan plan = {
		.config = config, .applied = reload_applied, .done = reload_moved, .context = reload
	};
	struct error why = *err;

	reload->config = config;
	if (!rc)
		rc = reload_prepare(reload, &why);
	if (!rc) {
		rc = lbd_apply_begin(reload->lbd, &plan, &why);
		if (!rc)
			return;
		reload_undo(reload);
	}
	reload_over(reload, rc, &why);
}

/* A second reload would decide about the trial by the way; --confirm says what is meant. */
static int reload_check(const struct lbd *lbd, const struct lbd_reload_order *order,
			struct error *err)
{
	struct history_entry *all;
	uint32_t count = 0;
	bool found = !order->history;

	if (lbd_check_still(lbd, err) || (!order->confirm_ms && lbd_trial_refuse(lbd, err)))
		return -EBUSY;
	if (found || history_list(lbd->history_dir, &all, &count))
		return 0;
	for (uint32_t i = 0; i < count; i++)
		found |= all[i].number == order->history;
	free(all);
	if (found)
		return 0;
	error_set(err, -ENOENT, "the history has no config %u", order->history);
	error_hint(err, "lbctl history");
	return -ENOENT;
}

int lbd_reload_begin(struct lbd *lbd, const struct lbd_reload_order *order, lbd_reload_done done,
		     void *context, struct error *err)
{
	struct reload *reload = malloc(sizeof(*reload));
	char path[HISTORY_PATH_MAX];
	int rc;

	if (!reload)
		return error_set(err, -ENOMEM, "out of memory");
	*reload = (struct reload){ .lbd = lbd, .order = *order, .done = done, .context = context };
	rc = reload_check(lbd, order, err);
	if (!rc)
		rc = lbd_read_begin(lbd, &lbd->reload,
				    order->history
					    ? history_path(lbd->history_dir, order->history, path)
					    : lbd->config_path,
				    reload_read, reload, err);
	if (rc)
		free(reload);
	return rc;
}
