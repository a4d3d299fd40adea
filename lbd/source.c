// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which config a start takes, first match:
 *
 *   1. the file is broken: the newest good config of this file, unless --strict
 *   2. a trial (reload --confirm) was cut short, and the file is still the one on
 *      trial: what ran before. Whoever locked himself out needs no more than a
 *      restart, and a restart is no confirmation.
 *   3. what runs in place of the file, because a trial of it was not confirmed or
 *      an older config was asked for, and the file has not been edited since
 *   4. what lbctl backend made of it, unless the file was edited since
 *   5. the file
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "lbd.h"

/* --- 1: the file is broken */

struct source_good {
	struct history_entry entry;
	struct config *config;
};

/* The instance stands in the file, which can't be read: look into each one's history. */
static void source_look(const struct lbd *lbd, const char *instance, struct source_good *best)
{
	struct source_good found = { .config = NULL };
	char dir[HISTORY_PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/%.64s/history", lbd->state_dir, instance);
	if (*instance == '.' ||
	    history_last_good(dir, lbd->config_path, &found.entry, &found.config))
		return;
	if (strcmp(found.config->instance, instance) != 0 ||
	    (best->config && best->entry.at >= found.entry.at)) {
		config_free(found.config);
		return;
	}
	config_free(best->config);
	*best = found;
}

static void source_report(const struct lbd *lbd, const struct history_entry *entry,
			  const struct error *why)
{
	log_report("the config file is broken", why);
	log_warning("going on with the last good config, %u of the history; mend %s, check it with "
		    "lbctl check, then lbctl reload",
		    entry->number, lbd->config_path);
}

int lbd_source_last_good(struct lbd *lbd, const struct error *err)
{
	struct source_good best = { .config = NULL };
	DIR *stream = lbd->strict ? NULL : opendir(lbd->state_dir);
	const struct dirent *item;

	while (stream && (item = readdir(stream)))
		source_look(lbd, item->d_name, &best);
	if (stream)
		closedir(stream);
	if (!best.config)
		return -ENOENT;
	source_report(lbd, &best.entry, err);
	snprintf(lbd->file_fault, sizeof(lbd->file_fault), "%.*s", (int)strcspn(err->text, "\n"),
		 err->text);
	lbd->config = best.config;
	lbd->recorded = best.entry;
	lbd->origin = HISTORY_FROM_LAST_GOOD;
	return 0;
}

/* --- 2 and 3: what stands in for the file */

/* The newest trial that nothing good came after; NULL: none. */
static const struct history_entry *source_trial(const struct history_entry *all, uint32_t count)
{
	const struct history_entry *newest = count ? &all[count - 1] : NULL;

	return newest && newest->result == HISTORY_IS_TRIAL ? newest : NULL;
}

/* Does @good stand in for the file that was read? As what? */
static bool source_stands_in(struct lbd *lbd, const struct history_entry *good,
			     const struct history_entry *trial)
{
	const uint64_t file = lbd->config->text_hash;

	if (trial && trial->origin == HISTORY_FROM_FILE && trial->text_hash == file) {
		lbd->origin = HISTORY_FROM_REVERTED;
		log_warning("config %u was on trial when lbd ended: going back to %u",
			    trial->number, good->number);
	} else if (good->instead_of && good->instead_of == file) {
		lbd->origin = good->origin;
		log_warning("config %u of the history runs in place of %s, until that is edited or "
			    "lbctl reload",
			    good->number, lbd->config_path);
	} else {
		return false;
	}
	lbd->instead_of = file;
	return true;
}

/* Take the newest good one if it stands in; it is known as what ran last in any case. */
static void source_consider(struct lbd *lbd, const struct history_entry *all, uint32_t count)
{
	const struct history_entry *trial = source_trial(all, count);
	struct history_entry good;
	struct config *config;

	lbd->trial_cut = trial ? trial->number : 0;
	if (history_last_good(lbd->history_dir, NULL, &good, &config))
		return;
	lbd->recorded = good;
	if (strcmp(config->instance, lbd->config->instance) != 0 ||
	    !source_stands_in(lbd, &good, trial)) {
		lbd->ran_last = config;
		return;
	}
	config_free(lbd->config);
	lbd->config = config;
}

static void source_stand_in(struct lbd *lbd)
{
	struct history_entry *all;
	uint32_t count;

	if (history_list(lbd->history_dir, &all, &count))
		return;
	if (lbd->origin == HISTORY_FROM_FILE)
		source_consider(lbd, all, count);
	free(all);
}

/* --- 4: runtime changes */

static bool source_is_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

/*
 * A restart is not a reload: runtime changes outlive it, unless the file was
 * edited after them. By its ctime: whoever puts a file in place with an older
 * mtime (cp -p, rsync, a package) has changed it all the same.
 */
static bool source_has_runtime_changes(const struct lbd *lbd, char *path, size_t size)
{
	struct stat running, file;

	snprintf(path, size, "%s/running.yaml", lbd->run_dir);
	if (stat(path, &running) || stat(lbd->config_path, &file))
		return false;
	if (source_is_later(&running.st_mtim, &file.st_ctim))
		return true;
	log_warning("runtime changes (lbctl backend ...) give way to %s, which is newer",
		    lbd->config_path);
	return false;
}

static void source_runtime_config(struct lbd *lbd)
{
	struct config *running;
	struct error err;
	char path[160];

	if (!source_has_runtime_changes(lbd, path, sizeof(path)))
		return;
	if (config_load(path, &running, &err)) {
		log_report("runtime changes are lost", &err);
		return;
	}
	log_info("going on with the runtime changes in %s; lbctl reload returns to %s", path,
		 lbd->config_path);
	running->text_hash = lbd->config->text_hash;
	config_free(lbd->config);
	lbd->config = running;
	lbd->runtime_changes = true;
}

/* --- the way through */

void lbd_source_settle(struct lbd *lbd)
{
	struct error err = { 0 };

	mkdir(lbd->state_dir, 0700); /* where systemd didn't make it; history_open would tell */
	lbd->history_fault = history_open(lbd->history_dir, &err) != 0;
	if (lbd->history_fault)
		log_report("the history of configs", &err);
	source_stand_in(lbd);
	/* The last good one has them already. */
	if (lbd->origin != HISTORY_FROM_LAST_GOOD)
		source_runtime_config(lbd);
}

static void source_end_trials(const struct lbd *lbd)
{
	struct history_entry *all;
	struct error err = { 0 };
	uint32_t count;

	if (history_list(lbd->history_dir, &all, &count))
		return;
	for (uint32_t i = 0; i < count; i++)
		if (all[i].result == HISTORY_IS_TRIAL &&
		    history_set_result(lbd->history_dir, all[i].number, HISTORY_IS_REVERTED, &err))
			log_report("end a trial in the history", &err);
	free(all);
}

void lbd_source_started(struct lbd *lbd)
{
	const bool reverted = lbd->trial_cut && lbd->origin == HISTORY_FROM_REVERTED;
	struct config *runs = lbd->config;
	struct history_entry entry;

	/* What it is a change against is what ran last. */
	if (lbd->ran_last)
		lbd->config = lbd->ran_last;
	entry = lbd_record_prepare(lbd, runs, reverted ? HISTORY_BY_REVERT : HISTORY_BY_START);
	lbd->config = runs;
	config_free(lbd->ran_last);
	lbd->ran_last = NULL;
	lbd_record(lbd, &entry);
	if (lbd->trial_cut)
		source_end_trials(lbd);
	if (!lbd->runtime_changes)
		lbd_forget_changes(lbd);
}
