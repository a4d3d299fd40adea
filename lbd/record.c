// SPDX-License-Identifier: GPL-2.0-or-later
/* What runs goes into the history, so that there is always something to go back to. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "lbd.h"

struct history_entry lbd_record_prepare(const struct lbd *lbd, const struct config *config,
					enum history_trigger trigger)
{
	struct history_entry entry = {
		.trigger = trigger,
		.at = time(NULL),
		.text_hash = config->text_hash,
	};
	int changes = lbd->config ? config_summarise(lbd->config, config, entry.summary) : 0;

	entry.changes = changes > 0 ? (uint32_t)changes : 0;
	snprintf(entry.file, sizeof(entry.file), "%s", lbd->config_path);
	return entry;
}

/* The same config from the same place is no news. */
static bool record_is_news(const struct lbd *lbd, const struct history_entry *entry)
{
	return entry->changes || entry->result != HISTORY_IS_APPLIED || !lbd->recorded.number ||
	       lbd->recorded.result != HISTORY_IS_APPLIED ||
	       lbd->recorded.instead_of != entry->instead_of ||
	       lbd->recorded.origin != entry->origin;
}

int lbd_record_as(struct lbd *lbd, struct history_entry *entry, const struct config *config,
		  struct error *err)
{
	int rc = history_add(lbd->history_dir, entry, config, config->history, err);

	lbd->history_fault = rc != 0;
	if (rc)
		error_prefix(err, rc, "the history of configs");
	return rc;
}

/* A config that can't be kept runs all the same: there is just no way back to it. */
void lbd_record(struct lbd *lbd, struct history_entry *entry)
{
	struct error err = { 0 };

	entry->origin = lbd->origin;
	entry->instead_of = lbd->instead_of;
	if (!record_is_news(lbd, entry))
		return;
	if (!lbd->recorded.number && !entry->changes)
		snprintf(entry->summary, sizeof(entry->summary), "the first one that is kept");
	lbd->recorded.number = 0;
	if (lbd_record_as(lbd, entry, lbd->config, &err))
		log_report("what runs now can't be kept", &err);
	else
		lbd->recorded = *entry;
}
