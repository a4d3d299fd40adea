// SPDX-License-Identifier: GPL-2.0-or-later
/* What a reload would change against what runs. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/reply.h"
#include "api/resource.h"
#include "config/diff.h"

/* A request that is answered once the file is read. */
struct diff_request {
	struct lbd *lbd;
	struct evhttp_request *http;
	char *file;
};

struct diff_list {
	json_t *changes;
	json_int_t total;
};

/* What becomes of a change: by the start of its path, else it is put in force as packets flow. */
static const char *diff_effect(const char *path)
{
	static const struct {
		const char *start, *effect;
	} special[] = {
		{ "instance", "refused" },
		{ "limits.", "resize" },
		{ "vrrp", "keepalived" },
	};

	for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++)
		if (!strncmp(path, special[i].start, strlen(special[i].start)))
			return special[i].effect;
	return "online";
}

static void diff_add(void *context, const struct config_change *change)
{
	struct diff_list *list = context;

	if (list->total++ >= API_DIFF_MAX)
		return;
	json_array_append_new(list->changes,
			      json_pack("{s:o, s:o, s:o, s:s}", "path", api_text(change->path),
					"old", api_text(change->old), "new", api_text(change->new),
					"effect", diff_effect(change->path)));
}

static json_t *diff_packet_path(const struct lbd_verdict *verdict)
{
	return json_pack("{s:b, s:o, s:o}", "reload", verdict->refit, "added",
			 api_features_json(verdict->features_then & ~verdict->features_now),
			 "removed",
			 api_features_json(verdict->features_now & ~verdict->features_then));
}

static json_t *diff_json(const struct diff_request *diff, const struct config *config)
{
	struct diff_list list = { json_array(), 0 };
	struct lbd_verdict verdict;

	if (config_diff(diff->lbd->config, config, diff_add, &list)) {
		json_decref(list.changes);
		return NULL;
	}
	lbd_weigh(diff->lbd, config, &verdict);
	return json_pack("{s:o, s:b, s:I, s:o, s:o, s:o, s:b}", "file", api_text(diff->file),
			 "differs", list.total > 0 || verdict.refit, "total", list.total, "changes",
			 list.changes, "packet_path", diff_packet_path(&verdict), "refused",
			 api_text(verdict.refused ? verdict.why.text : NULL), "runtime_changes",
			 diff->lbd->runtime_changes);
}

static void diff_read(void *context, int rc, struct config *config, const struct error *err)
{
	static const struct error no_memory = { .text = "out of memory" };
	struct diff_request *diff = context;
	json_t *answer = rc ? NULL : diff_json(diff, config);

	if (answer)
		reply_json(diff->http, answer);
	else
		reply_error(diff->http, rc ? rc : -ENOMEM, rc ? err : &no_memory);
	json_decref(answer);
	lbd_read_free(config);
	free(diff->file);
	free(diff);
}

static int diff_begin(struct lbd *lbd, struct evhttp_request *http, const char *file,
		      struct error *err)
{
	struct diff_request *diff = calloc(1, sizeof(*diff));
	int rc = -ENOMEM;

	if (!diff)
		return error_set(err, rc, "out of memory");
	*diff = (struct diff_request){ lbd, http, strdup(file) };
	rc = diff->file ? lbd_read_begin(lbd, &lbd->weighing, file, diff_read, diff, err)
			: error_set(err, rc, "out of memory");
	if (!rc)
		return 0;
	free(diff->file);
	free(diff);
	return rc;
}

/* The file to read: the one that is named, one of the history, or the daemon's own. */
static int diff_path(const struct lbd *lbd, const struct api_request *request, char *path,
		     size_t size, struct error *err)
{
	const char *file = api_query(request, "file"), *number = api_query(request, "history");
	unsigned long n = 0;
	char *end;

	/* The daemon's working directory is none of the client's business. */
	if (file && *file != '/')
		return error_set(err, -EINVAL, "file: %.200s, expected an absolute path", file);
	if (!number) {
		snprintf(path, size, "%s", file ? file : lbd->config_path);
		return 0;
	}
	n = strtoul(number, &end, 10);
	if (*number < '0' || *number > '9' || *end || n > UINT32_MAX || file)
		return error_set(err, -EINVAL,
				 "history: expected the number of a config, and no file");
	history_path(lbd->history_dir, (uint32_t)n, path);
	return 0;
}

int api_get_diff(struct lbd *lbd, const struct api_request *request, json_t **ret,
		 struct error *err)
{
	static const char *const known[] = { "file", "history", NULL };
	char path[PATH_MAX];
	int rc;

	(void)ret;
	rc = api_query_check(request, known, err);
	if (!rc)
		rc = diff_path(lbd, request, path, sizeof(path), err);
	if (!rc)
		rc = diff_begin(lbd, request->http, path, err);
	return rc ? rc : API_LATER;
}
