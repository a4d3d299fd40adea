// SPDX-License-Identifier: GPL-2.0-or-later
/* What an operator may ask of the running daemon: other backends. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "lbd.h"

/* --- runtime changes */

static void change_path(const struct lbd *lbd, char *path, size_t size)
{
	snprintf(path, size, "%s/running.yaml", lbd->run_dir);
}

void lbd_forget_changes(const struct lbd *lbd)
{
	char path[256];

	change_path(lbd, path, sizeof(path));
	unlink(path);
}

void lbd_forget(const struct lbd *lbd)
{
	const struct upgrade_place place = lbd_place(lbd);

	lbd_forget_changes(lbd);
	upgrade_forget(&place);
	sync_forget(lbd->run_dir);
}

static int change_edit(struct config *config, const struct lbd_backend_change *c, struct error *err)
{
	const struct config_addition addition = { c->name, c->address, c->port, c->weight };

	switch (c->action) {
	case LBD_BACKEND_ADD:
		return config_backend_add(config, c->service, &addition, err);
	case LBD_BACKEND_REMOVE:
		return config_backend_remove(config, c->service, c->name, err);
	case LBD_BACKEND_DRAIN:
		return config_backend_drain(config, c->service, c->name, true, err);
	case LBD_BACKEND_UNDRAIN:
		return config_backend_drain(config, c->service, c->name, false, err);
	case LBD_BACKEND_WEIGHT:
		return config_backend_weight(config, c->service, c->name, c->weight, err);
	}
	return error_set(err, -EINVAL, "unknown change %d of a backend", c->action);
}

/* The change is made to a copy, which travels through the same checks as a file. */
int lbd_change_backend(struct lbd *lbd, const struct lbd_backend_change *change, struct error *err)
{
	struct history_entry entry;
	struct config *edited = NULL;
	char path[256], draft[256];
	int rc;

	rc = lbd_trial_refuse(lbd, err);
	if (rc)
		return rc;
	change_path(lbd, path, sizeof(path));
	snprintf(draft, sizeof(draft), "%s/draft.yaml", lbd->run_dir);
	rc = config_save(lbd->config, draft, err);
	if (!rc)
		rc = config_load(draft, &edited, err);
	if (!rc)
		rc = change_edit(edited, change, err);
	if (!rc)
		rc = config_save(edited, draft, err);
	if (!rc) {
		/* A backend must not wait for a list file to be sound. */
		edited->keep_lists = true;
		entry = lbd_record_prepare(lbd, edited, HISTORY_BY_BACKEND);
		rc = lbd_apply(lbd, edited, err);
	}
	if (rc) {
		unlink(draft);
		config_free(edited);
		return rc;
	}
	lbd->runtime_changes = true;
	lbd_record(lbd, &entry);
	if (rename(draft, path))
		return error_errno(err, -errno, "keep the change in %s", path);
	return 0;
}
