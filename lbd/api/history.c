// SPDX-License-Identifier: GPL-2.0-or-later
/* The configs that were put in force. */
#include <errno.h>
#include <stdlib.h>

#include "api/resource.h"

static json_t *history_json(const struct lbd *lbd, const struct history_entry *entry)
{
	const uint32_t runs =
		lbd->trial.entry.number ? lbd->trial.entry.number : lbd->recorded.number;

	return json_pack("{s:I, s:I, s:s, s:s, s:s, s:I, s:o, s:o, s:b}", "number",
			 (json_int_t)entry->number, "at", (json_int_t)entry->at, "trigger",
			 history_triggers[entry->trigger], "result", history_results[entry->result],
			 "origin", history_origins[entry->origin], "changes",
			 (json_int_t)entry->changes, "summary", api_text(entry->summary), "file",
			 api_text(entry->file), "runs", entry->number == runs);
}

/* The newest first. */
static int history_all(const struct lbd *lbd, json_t **ret, struct error *err)
{
	struct history_entry *all;
	json_t *list = json_array();
	uint32_t count;

	if (history_list(lbd->history_dir, &all, &count)) {
		json_decref(list);
		return error_set(err, -ENOMEM, "out of memory");
	}
	for (; count; count--)
		json_array_append_new(list, history_json(lbd, &all[count - 1]));
	free(all);
	*ret = json_pack("{s:o, s:o}", "directory", api_text(lbd->history_dir), "configs", list);
	return 0;
}

static int history_one(const struct lbd *lbd, const char *number, json_t **ret, struct error *err)
{
	char *end, *text;
	unsigned long n = strtoul(number, &end, 10);
	int rc;

	if (*number < '0' || *number > '9' || *end || n > UINT32_MAX)
		return error_set(err, -EINVAL, "number: %.50s, expected that of a config", number);
	rc = history_text(lbd->history_dir, (uint32_t)n, &text, err);
	if (rc)
		return rc;
	*ret = json_pack("{s:I, s:o}", "number", (json_int_t)n, "text", api_text(text));
	free(text);
	return 0;
}

int api_get_history(struct lbd *lbd, const struct api_request *request, json_t **ret,
		    struct error *err)
{
	static const char *const known[] = { "number", NULL };
	const char *number = api_query(request, "number");
	int rc = api_query_check(request, known, err);

	if (rc)
		return rc;
	return number ? history_one(lbd, number, ret, err) : history_all(lbd, ret, err);
}
