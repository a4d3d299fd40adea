// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A config on trial (lbctl reload --confirm): in force at once, and for good only
 * if somebody says so in time.
 *
 *          reload --confirm            confirm
 *   none ------------------> on trial ---------> none, the new one stays
 *                             |    ^
 *            time, cancel, or |    | reload --confirm: the next one, the time
 *            lbd starts anew  v    | begins anew; the way back stays the same
 *                       none, the old one
 *
 * The trial is in the history before it is in force. Whoever ends lbd meanwhile
 * ends the trial: the next start goes back (source.c). Everything else that
 * would change the config is refused until it is decided.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "guard/guard.h"
#include "lbd.h"

#define TRIAL_RETRY_S 10

static int64_t trial_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t lbd_trial_left_ms(const struct lbd *lbd)
{
	const int64_t left = lbd->trial.ends_ms - trial_now_ms();

	if (!lbd->trial.entry.number)
		return -1;
	return left > 0 ? left : 0;
}

int lbd_trial_refuse(const struct lbd *lbd, struct error *err)
{
	if (!lbd->trial.entry.number)
		return 0;
	error_set(err, -EBUSY, "config %u is on trial for another %lld s", lbd->trial.entry.number,
		  (long long)lbd_trial_left_ms(lbd) / 1000);
	error_hint(err, "lbctl confirm, or lbctl reload --cancel");
	return -EBUSY;
}

static void trial_forget(struct lbd_trial *trial)
{
	if (trial->timer)
		event_free(trial->timer);
	guard_release(trial->lists);
	config_free(trial->before);
	*trial = (struct lbd_trial){ .timer = NULL };
}

/* --- the way back */

static void trial_mark(const struct lbd *lbd, uint32_t number)
{
	struct error err = { 0 };

	if (history_set_result(lbd->history_dir, number, HISTORY_IS_REVERTED, &err))
		log_report("end a trial in the history", &err);
}

/* It runs. A file that was on trial isn't taken by the next start either. */
static void trial_went_back(struct lbd *lbd, struct history_entry *entry)
{
	const struct history_entry trial = lbd->trial.entry;

	lbd->origin = lbd->trial.before_origin;
	lbd->instead_of = lbd->trial.before_instead_of;
	if (trial.origin == HISTORY_FROM_FILE) {
		lbd->origin = HISTORY_FROM_REVERTED;
		lbd->instead_of = trial.text_hash;
	}
	lbd->trial.before = NULL; /* lbd->config now */
	trial_forget(&lbd->trial);
	lbd_record(lbd, entry);
	trial_mark(lbd, trial.number);
	log_warning("config %u was not confirmed: what ran before runs again", trial.number);
}

struct trial_return {
	struct lbd *lbd;
	struct history_entry entry; /* of what is gone back to */
	lbd_reload_done done;
	void *context;
};

static void trial_returned(void *context)
{
	struct trial_return *back = context;

	lbd_read_release(back->lbd->trial.before);
	trial_went_back(back->lbd, &back->entry);
}

static void trial_return_done(void *context, int rc, const struct lbd_migrated *migrated,
			      const struct error *err)
{
	struct trial_return *back = context;

	(void)migrated;
	if (rc)
		lbd_read_release(back->lbd->trial.before);
	back->done(back->context, rc, err);
	free(back);
}

static int trial_return(struct lbd *lbd, struct trial_return *back, struct error *err)
{
	struct lbd_trial *trial = &lbd->trial;
	const struct lbd_migrate_plan plan = { .config = trial->before,
					       .applied = trial_returned,
					       .done = trial_return_done,
					       .context = back };
	int rc;

	/* The lists as they were, whatever has become of their files. */
	trial->before->lists_read = guard_hold(trial->lists);
	rc = lbd_apply_begin(lbd, &plan, err);
	if (rc)
		lbd_read_release(trial->before);
	return rc;
}

int lbd_trial_cancel(struct lbd *lbd, lbd_reload_done done, void *context, struct error *err)
{
	struct trial_return *back;
	int rc = lbd_check_still(lbd, err);

	if (rc)
		return rc;
	if (!lbd->trial.entry.number)
		return error_set(err, -ENOENT, "no config is on trial");
	back = malloc(sizeof(*back));
	if (!back)
		return error_set(err, -ENOMEM, "out of memory");
	*back = (struct trial_return){ .lbd = lbd, .done = done, .context = context };
	back->entry = lbd_record_prepare(lbd, lbd->trial.before, HISTORY_BY_REVERT);
	rc = trial_return(lbd, back, err);
	if (rc)
		free(back);
	return rc;
}

static void trial_over_done(void *context, int rc, const struct error *err)
{
	const struct timeval again = { .tv_sec = TRIAL_RETRY_S };
	struct lbd *lbd = context;

	/* lbd stops: the next start goes back. */
	if (!rc || rc == -ECANCELED)
		return;
	log_report("can't go back to what ran before the trial, trying again", err);
	snprintf(lbd->trial.fault, sizeof(lbd->trial.fault), "%.250s", err->text);
	evtimer_add(lbd->trial.timer, &again);
}

static void trial_over(evutil_socket_t fd, short what, void *context)
{
	struct error err = { 0 };
	int rc = lbd_trial_cancel(context, trial_over_done, context, &err);

	(void)fd;
	(void)what;
	if (rc)
		trial_over_done(context, rc, &err);
}

/* --- the way there */

/* What to go back to is taken from the history, so that a start could too. */
static int trial_keep_before(struct lbd *lbd, struct lbd_trial *trial, struct error *err)
{
	struct history_entry entry = lbd_record_prepare(lbd, lbd->config, HISTORY_BY_RELOAD);

	if (!lbd->recorded.number)
		lbd_record(lbd, &entry);
	if (!lbd->recorded.number)
		return error_set(err, -EIO,
				 "what runs now can't be kept, so there would be no way "
				 "back: %s can't be written",
				 lbd->history_dir);
	trial->back = lbd->recorded.number;
	trial->before_origin = lbd->origin;
	trial->before_instead_of = lbd->instead_of;
	trial->lists = guard_hold(lbd->model->guard);
	return history_load(lbd->history_dir, trial->back, &trial->before, err);
}

/* A trial after a trial has the same way back. */
static int trial_find_back(struct lbd *lbd, struct lbd_trial *trial, struct error *err)
{
	if (!lbd->trial.entry.number)
		return trial_keep_before(lbd, trial, err);
	*trial = lbd->trial;
	trial->timer = NULL;
	trial->entry.number = 0;
	trial->fault[0] = '\0';
	return 0;
}

int lbd_trial_prepare(struct lbd *lbd, struct lbd_trial *trial, const struct config *config,
		      struct history_entry *entry, struct error *err)
{
	int rc;

	*trial = (struct lbd_trial){ .timer = NULL };
	rc = trial_find_back(lbd, trial, err);
	if (!rc) {
		trial->timer = evtimer_new(lbd->base, trial_over, lbd);
		if (!trial->timer)
			rc = error_set(err, -ENOMEM, "out of memory");
	}
	if (!rc) {
		entry->result = HISTORY_IS_TRIAL;
		rc = lbd_record_as(lbd, entry, config, err);
	}
	if (rc)
		lbd_trial_undo(lbd, trial);
	else
		trial->entry = *entry;
	return rc;
}

/* What @trial has of its own, and not of the one before it. */
void lbd_trial_undo(struct lbd *lbd, struct lbd_trial *trial)
{
	if (trial->entry.number)
		history_remove(lbd->history_dir, trial->entry.number);
	if (trial->timer)
		event_free(trial->timer);
	trial->timer = NULL;
	if (!lbd->trial.entry.number)
		trial_forget(trial);
}

void lbd_trial_begin(struct lbd *lbd, struct lbd_trial *trial, uint32_t confirm_ms)
{
	const struct timeval wait = { .tv_sec = confirm_ms / 1000,
				      .tv_usec = confirm_ms % 1000 * 1000 };

	if (lbd->trial.entry.number) {
		trial_mark(lbd, lbd->trial.entry.number);
		event_free(lbd->trial.timer);
	}
	trial->ends_ms = trial_now_ms() + confirm_ms;
	lbd->trial = *trial;
	lbd->origin = trial->entry.origin;
	lbd->instead_of = trial->entry.instead_of;
	evtimer_add(lbd->trial.timer, &wait);
	log_info("config %u is on trial for %u s, then %u runs again", trial->entry.number,
		 confirm_ms / 1000, trial->back);
}

int lbd_trial_confirm(struct lbd *lbd, struct error *err)
{
	struct history_entry entry = lbd->trial.entry;
	int rc;

	if (!entry.number)
		return error_set(err, -ENOENT, "no config is on trial");
	/* It may be what ran before that they move for. */
	rc = lbd_check_still(lbd, err);
	if (rc)
		return rc;
	rc = history_set_result(lbd->history_dir, entry.number, HISTORY_IS_APPLIED, err);
	if (rc)
		return rc;
	entry.result = HISTORY_IS_APPLIED;
	lbd->recorded = entry;
	trial_forget(&lbd->trial);
	log_info("config %u is confirmed", entry.number);
	return 0;
}

void lbd_trial_end(struct lbd *lbd)
{
	trial_forget(&lbd->trial);
}
