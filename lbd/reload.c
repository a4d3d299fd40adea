// SPDX-License-Identifier: GPL-2.0-or-later
/* The config file read again and put in force; whatever lbctl backend changed gives way. */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "lbd.h"

struct reload {
	struct lbd *lbd;
	lbd_reload_done done;
	void *context;
};

static int reload_apply(struct lbd *lbd, struct config *config, struct error *err)
{
	int rc = lbd_apply(lbd, config, err);

	if (rc) {
		lbd_read_free(config);
		return rc;
	}
	lbd_read_release(config);
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

int lbd_reload(struct lbd *lbd, struct error *err)
{
	struct config *config = NULL;
	int rc = lbd_read(lbd->config_path, &config, err);

	return rc ? rc : reload_apply(lbd, config, err);
}

static void reload_read(void *context, int rc, struct config *config, const struct error *err)
{
	struct reload *reload = context;
	struct error why = *err;

	if (!rc)
		rc = reload_apply(reload->lbd, config, &why);
	reload->done(reload->context, rc, &why);
	free(reload);
}

int lbd_reload_begin(struct lbd *lbd, lbd_reload_done done, void *context, struct error *err)
{
	struct reload *reload = malloc(sizeof(*reload));
	int rc;

	if (!reload)
		return error_set(err, -ENOMEM, "out of memory");
	*reload = (struct reload){ lbd, done, context };
	rc = lbd_read_begin(lbd, &lbd->reload, lbd->config_path, reload_read, reload, err);
	if (rc)
		free(reload);
	return rc;
}
