// SPDX-License-Identifier: GPL-2.0-or-later
/* Tables on their way into maps of other limits. */
#include "resize.h"

#include <errno.h>
#include <stdlib.h>

#include "api/reply.h"
#include "api/resource.h"

static json_t *resize_changes(const struct lbd_limits *from, const struct lbd_limits *to)
{
	json_t *list = json_array();
	uint32_t old, new;
	const char *name;

	for (uint32_t i = 0;
	     dataplane_limit(from, i, &name, &old) && dataplane_limit(to, i, &name, &new); i++)
		if (old != new)
			json_array_append_new(list,
					      json_pack("{s:s, s:I, s:I}", "limit", name, "from",
							(json_int_t)old, "to", (json_int_t) new));
	return list;
}

static json_t *resize_json(const struct lbd_migrated *m)
{
	return json_pack(
		"{s:o, s:{s:I, s:I, s:I, s:I}, s:I, s:{s:I, s:I, s:I}, s:I, s:I, s:I, s:o}",
		"changes", resize_changes(&m->from, &m->to), "memory", "needed",
		(json_int_t)m->memory.needed, "available", (json_int_t)m->memory.available,
		"before", (json_int_t)m->memory.before, "after", (json_int_t)m->memory.after,
		"connections", (json_int_t)m->figures.entries, "left_out", "live",
		(json_int_t)m->figures.live, "idle", (json_int_t)m->figures.idle, "clients",
		(json_int_t)m->figures.clients, "copy_ms", (json_int_t)m->copy_ms, "pause_us",
		(json_int_t)m->pause_us, "hold_us", (json_int_t)m->hold_us, "ended_at",
		m->ended_at ? json_integer(m->ended_at) : json_null());
}

json_t *api_migration_json(const struct lbd *lbd)
{
	struct lbd_migrate_status now;
	json_t *under_way;

	if (lbd_migrate_progress(lbd, &now))
		under_way = json_pack("{s:s, s:I, s:o}", "phase", now.phase, "percent",
				      (json_int_t)now.percent, "changes",
				      resize_changes(&now.from, &now.to));
	else
		under_way = json_null();
	return json_pack("{s:{s:o, s:o}}", "migration", "under_way", under_way, "last",
			 lbd->migrated.ended_at ? resize_json(&lbd->migrated) : json_null());
}

static void resize_done(void *context, int rc, const struct lbd_migrated *migrated,
			const struct error *err)
{
	static const struct error no_memory = { .text = "out of memory" };
	struct evhttp_request *http = context;
	json_t *answer = rc ? NULL : resize_json(migrated);

	if (answer)
		reply_json(http, answer);
	else
		reply_error(http, rc ? rc : -ENOMEM, rc ? err : &no_memory);
	json_decref(answer);
}

static int resize_read_limits(json_t *limits, struct lbd_resize *resize, struct error *err)
{
	const char *name;
	json_t *value;

	if (!json_object_size(limits) || json_object_size(limits) > LBD_RESIZE_LIMITS_MAX)
		return error_set(err, -EINVAL, "limits: expected 1 to %d of them",
				 LBD_RESIZE_LIMITS_MAX);
	json_object_foreach(limits, name, value) {
		if (!json_is_integer(value))
			return error_set(err, -EINVAL, "limits.%.60s: expected a number", name);
		resize->limits[resize->count++] =
			(struct lbd_limit){ name, json_integer_value(value) };
	}
	return 0;
}

int api_post_resize(struct lbd *lbd, const struct api_request *request, json_t **ret,
		    struct error *err)
{
	struct lbd_resize resize = { .count = 0 };
	int rc, check = 0, evict = 0;
	json_t *limits = NULL;

	(void)ret;
	rc = api_body_unpack(request, err, "{s:o, s?b, s?b}", "limits", &limits, "check", &check,
			     "evict", &evict);
	if (!rc)
		rc = resize_read_limits(limits, &resize, err);
	if (rc)
		return rc;
	resize.check = check;
	resize.evict = evict;
	rc = lbd_resize_begin(lbd, &resize, resize_done, request->http, err);
	return rc ? rc : API_LATER;
}
