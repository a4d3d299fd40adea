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

int lbd_trial_cancel(struct lbd *lbd, struct error *err)
{
	struct lbd_trial *trial = &lbd->trial;
	struct history_entry entry;
	int rc;

	if (!trial->entry.number)
		return error_set(err, -ENOENT, "no config is on trial");
	entry = lbd_record_prepare(lbd, trial->before, HISTORY_BY_REVERT);
	/* The lists as they were, whatever has become of their files. */
	trial->before->lists_read = guard_hold(trial->lists);
	rc = lbd_apply(lbd, trial->before, err);
	lbd_read_release(trial->before);
	if (!rc)
		trial_went_back(lbd, &entry);
	return rc;
}

static void trial_over(evutil_socket_t fd, short what, void *context)
{
	const struct timeval again = { .tv_sec = TRIAL_RETRY_S };
	struct lbd *lbd = context;
	struct error err = { 0 };

	(void)fd;
	(void)what;
	if (!lbd_trial_cancel(lbd, &err))
		return;
	log_report("can't go back to what ran before the trial, trying again", &err);
	snprintf(lbd->trial.fault, sizeof(lbd->trial.fault), "%.250s", err.text);
	evtimer_add(lbd->trial.timer, &again);
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
static int trial_prepare(struct lbd *lbd, struct lbd_trial *trial, struct error *err)
{
	if (lbd->trial.entry.number) {
		*trial = lbd->trial;
		trial->timer = NULL;
	} else {
		int rc = trial_keep_before(lbd, trial, err);

		if (rc)
			return rc;
	}
	trial->fault[0] = '\0';
	trial->timer = evtimer_new(lbd->base, trial_over, lbd);
	return trial->timer ? 0 : error_set(err, -ENOMEM, "out of memory");
}

/* What @trial has of its own, and not of the one before it. */
static void trial_undo(struct lbd *lbd, struct lbd_trial *trial)
{
	if (trial->timer)
		event_free(trial->timer);
	trial->timer = NULL;
	if (!lbd->trial.entry.number)
		trial_forget(trial);
}

static void trial_begin(struct lbd *lbd, struct lbd_trial *trial, uint32_t confirm_ms)
{
	const struct timeval wait = { .tv_sec = confirm_ms / 1000,
				      .tv_usec = confirm_ms % 1000 * 1000 };

	if (lbd->trial.entry.number) {
		trial_mark(lbd, lbd->trial.entry.number);
		event_free(lbd->trial.timer);
	}
	trial->ends_ms = trial_now_ms() + confirm_ms;
	lbd->trial = *trial;
	evtimer_add(lbd->trial.timer, &wait);
	log_info("config %u is on trial for %u s, then %u runs again", trial->entry.number,
		 confirm_ms / 1000, trial->back);
}

int lbd_trial_apply(struct lbd *lbd, struct config *config, struct history_entry *entry,
		    uint32_t confirm_ms, struct error *err)
{
	struct lbd_trial trial = { .timer = NULL };
	int rc;

	rc = trial_prepare(lbd, &trial, err);
	if (!rc) {
		entry->result = HISTORY_IS_TRIAL;
		rc = lbd_record_as(lbd, entry, config, err);
	}
	if (!rc) {
		rc = lbd_apply(lbd, config, err);
		if (rc)
			history_remove(lbd->history_dir, entry->number);
	}
	if (rc) {
		trial_undo(lbd, &trial);
		return rc;
	}
	trial.entry = *entry;
	lbd->origin = entry->origin;
	lbd->instead_of = entry->instead_of;
	trial_begin(lbd, &trial, confirm_ms);
	return 0;
}

int lbd_trial_confirm(struct lbd *lbd, struct error *err)
{
	struct history_entry entry = lbd->trial.entry;
	int rc;

	if (!entry.number)
		return error_set(err, -ENOENT, "no config is on trial");
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
