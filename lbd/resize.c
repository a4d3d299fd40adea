// SPDX-License-Identifier: GPL-2.0-or-later
#include "resize.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "lbd.h"

struct resizing {
	struct lbd *lbd;
	struct config *config;
	struct history_entry entry;
	bool check;
	lbd_migrate_done done;
	void *context;
};

static int resize_refuse(const struct lbd *lbd, struct error *err)
{
	int rc = lbd_check_still(lbd, err);

	if (!rc && lbd->reload)
		rc = error_set(err, -EBUSY, "a reload is under way");
	return rc ? rc : lbd_trial_refuse(lbd, err);
}

static int resize_edit(struct config *config, const struct lbd_resize *resize, struct error *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < resize->count && !rc; i++)
		rc = config_limit_set(config, resize->limits[i].name, resize->limits[i].value, err);
	return rc;
}

/* The change is made to a copy, which travels through the same checks as a file. */
static int resize_draft(const struct lbd *lbd, const struct lbd_resize *resize, struct config **ret,
			struct error *err)
{
	struct config *edited = NULL;
	char draft[256];
	int rc;

	snprintf(draft, sizeof(draft), "%s/draft.yaml", lbd->run_dir);
	rc = config_save(lbd->config, draft, err);
	if (!rc)
		rc = config_load(draft, &edited, err);
	if (!rc)
		rc = resize_edit(edited, resize, err);
	if (!rc)
		rc = config_save(edited, draft, err);
	config_free(edited);
	if (!rc)
		rc = config_load(draft, ret, err);
	unlink(draft);
	if (!rc)
		(*ret)->keep_lists = true;
	return rc;
}

static void resize_applied(void *context)
{
	struct resizing *resizing = context;
	struct lbd *lbd = resizing->lbd;
	struct error err = { 0 };
	char path[256];

	lbd->runtime_changes = true;
	lbd_record(lbd, &resizing->entry);
	snprintf(path, sizeof(path), "%s/running.yaml", lbd->run_dir);
	if (config_save(lbd->config, path, &err))
		log_report("a restart returns to the limits of the file", &err);
}

static void resize_moved(void *context, int rc, const struct lbd_migrated *migrated,
			 const struct error *err)
{
	struct resizing *resizing = context;

	if (rc || resizing->check)
		config_free(resizing->config);
	resizing->done(resizing->context, rc, migrated, err);
	free(resizing);
}

static int resize_start(struct resizing *resizing, const struct lbd_resize *resize,
			struct error *err)
{
	const struct lbd_migrate_plan plan = { .config = resizing->config,
					       .check = resize->check,
					       .evict = resize->evict,
					       .applied = resize_applied,
					       .done = resize_moved,
					       .context = resizing };

	if (!lbd_has_other_limits(resizing->lbd, resizing->config))
		return error_set(err, -EEXIST, "the limits are these already");
	resizing->entry = lbd_record_prepare(resizing->lbd, resizing->config, HISTORY_BY_RESIZE);
	return lbd_migrate_begin(resizing->lbd, &plan, err);
}

int lbd_resize_begin(struct lbd *lbd, const struct lbd_resize *resize, lbd_migrate_done done,
		     void *context, struct error *err)
{
	struct resizing *resizing;
	int rc = resize_refuse(lbd, err);

	if (rc)
		return rc;
	resizing = malloc(sizeof(*resizing));
	if (!resizing)
		return error_set(err, -ENOMEM, "out of memory");
	*resizing = (struct resizing){
		.lbd = lbd, .check = resize->check, .done = done, .context = context
	};
	rc = resize_draft(lbd, resize, &resizing->config, err);
	if (!rc) {
		rc = resize_start(resizing, resize, err);
		if (rc)
			config_free(resizing->config);
	}
	if (rc)
		free(resizing);
	return rc;
}
