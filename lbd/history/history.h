/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configs that were put in force, kept as files that outlive the daemon. */
#ifndef HISTORY_HISTORY_H
#define HISTORY_HISTORY_H

#include "config/config.h"
#include "config/diff.h"

/* X(constant, name, what): why a config was put in force. */
#define HISTORY_TRIGGERS(X)                                  \
	X(START, "start", "lbd started")                     \
	X(RELOAD, "reload", "lbctl reload")                  \
	X(SIGNAL, "sighup", "SIGHUP")                        \
	X(BACKEND, "backend", "lbctl backend")               \
	X(REVERT, "revert", "a trial wasn't kept")           \
	X(HISTORY, "history", "lbctl reload --from-history") \
	X(RESIZE, "resize", "a table got another size")

/* X(constant, name, what): what came of it. */
#define HISTORY_RESULTS(X)                                         \
	X(APPLIED, "applied", "put in force for good")             \
	X(TRIAL, "trial", "in force until it is confirmed or not") \
	X(REVERTED, "reverted", "was in force, and was not confirmed")

/* X(constant, name, what): what a config stems from. */
#define HISTORY_ORIGINS(X)                                                           \
	X(FILE, "file", "the config file, and lbctl backend")                        \
	X(REVERTED, "reverted", "what ran before a trial of the config file")        \
	X(HISTORY, "history", "an older one, asked for in place of the config file") \
	X(LAST_GOOD, "last_good", "the newest good one, as the config file was broken at start")

enum history_trigger {
#define X(constant, name, what) HISTORY_BY_##constant,
	HISTORY_TRIGGERS(X)
#undef X
		HISTORY_TRIGGER_COUNT,
};

enum history_result {
#define X(constant, name, what) HISTORY_IS_##constant,
	HISTORY_RESULTS(X)
#undef X
		HISTORY_RESULT_COUNT,
};

enum history_origin {
#define X(constant, name, what) HISTORY_FROM_##constant,
	HISTORY_ORIGINS(X)
#undef X
		HISTORY_ORIGIN_COUNT,
};

extern const char *const history_triggers[HISTORY_TRIGGER_COUNT];
extern const char *const history_results[HISTORY_RESULT_COUNT];
extern const char *const history_origins[HISTORY_ORIGIN_COUNT];

#define HISTORY_FILE_MAX 256
#define HISTORY_PATH_MAX 256

struct history_entry {
	uint32_t number; /* from 1 on, never used again */
	int64_t at;	 /* seconds since the epoch */
	enum history_trigger trigger;
	enum history_result result;
	enum history_origin origin;
	uint32_t changes;		  /* against what ran before */
	char summary[CONFIG_SUMMARY_MAX]; /* of them */
	char file[HISTORY_FILE_MAX];	  /* the daemon's config file */
	uint64_t text_hash;		  /* of the text that it was read from */
	uint64_t instead_of; /* runs in place of a config file with this hash; 0: it is the file */
};

/* Make @dir, closed to others, its parent with it, and clear away what a killed write left. */
int history_open(const char *dir, struct error *err);

/* Every entry that can be read, oldest first. 0 or -ENOMEM; no folder means no entries. */
int history_list(const char *dir, struct history_entry **ret, uint32_t *ret_count);

/* Put down @config with @entry, whose number it sets; keep the newest @keep of all. */
int history_add(const char *dir, struct history_entry *entry, const struct config *config,
		uint32_t keep, struct error *err);

int history_set_result(const char *dir, uint32_t number, enum history_result result,
		       struct error *err);

/* An entry that came to nothing: it was never in force. */
void history_remove(const char *dir, uint32_t number);

/* The file of an entry, into @path of HISTORY_PATH_MAX, returned. */
const char *history_path(const char *dir, uint32_t number, char *path);

/* -ENOENT: there is none of that number. *ret is the caller's. */
int history_load(const char *dir, uint32_t number, struct config **ret, struct error *err);
int history_text(const char *dir, uint32_t number, char **ret, struct error *err);

/*
 * The newest that was put in force for good, for config file @file (NULL: any),
 * and can be loaded; older ones are tried. -ENOENT: there is none.
 */
int history_last_good(const char *dir, const char *file, struct history_entry *ret_entry,
		      struct config **ret);

#endif
