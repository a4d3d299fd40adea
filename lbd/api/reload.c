// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>

#include "api/reply.h"
#include "api/resource.h"

/* A request that is answered once the reload is done. */
struct reload_request {
	struct lbd *lbd;
	struct evhttp_request *http;
};

json_t *api_trial_json(const struct lbd *lbd)
{
	const struct lbd_trial *trial = &lbd->trial;

	if (!trial->entry.number)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:o}", "number", (json_int_t)trial->entry.number,
			 "back_to", (json_int_t)trial->back, "left_ms",
			 (json_int_t)lbd_trial_left_ms(lbd), "fault",
			 api_text(trial->fault[0] ? trial->fault : NULL));
}

static json_t *reload_json(const struct lbd *lbd)
{
	return json_pack("{s:I, s:o, s:b, s:o}", "services", (json_int_t)api_service_count(lbd),
			 "backends", api_backend_totals_json(lbd), "runtime_changes_dropped",
			 lbd->changes_dropped, "trial", api_trial_json(lbd));
}

static void reload_done(void *context, int rc, const struct error *err)
{
	struct reload_request *reload = context;

	reply_later(reload->http, rc, rc ? NULL : reload_json(reload->lbd), err);
	free(reload);
}

static int reload_read_order(const struct api_request *request, struct lbd_reload_order *ret,
			     struct error *err)
{
	json_int_t confirm_ms = 0, history = 0;
	int rc = 0;

	*ret = (struct lbd_reload_order){ .trigger = HISTORY_BY_RELOAD };
	if (request->body)
		rc = api_body_unpack(request, err, "{s?I, s?I}", "confirm_ms", &confirm_ms,
				     "history", &history);
	if (rc)
		return rc;
	if (confirm_ms && (confirm_ms < API_CONFIRM_MIN_MS || confirm_ms > API_CONFIRM_MAX_MS))
		return error_set(err, -EINVAL, "confirm_ms: expected %d to %d", API_CONFIRM_MIN_MS,
				 API_CONFIRM_MAX_MS);
	if (history < 0 || history > UINT32_MAX)
		return error_set(err, -EINVAL, "history: expected the number of a config");
	ret->confirm_ms = (uint32_t)confirm_ms;
	ret->history = (uint32_t)history;
	return 0;
}

int api_post_reload(struct lbd *lbd, const struct api_request *request, json_t **ret,
		    struct error *err)
{
	struct reload_request *reload;
	struct lbd_reload_order order;
	int rc;

	(void)ret;
	rc = reload_read_order(request, &order, err);
	if (rc)
		return rc;
	reload = calloc(1, sizeof(*reload));
	if (!reload)
		return error_set(err, -ENOMEM, "out of memory");
	*reload = (struct reload_request){ lbd, request->http };
	rc = lbd_reload_begin(lbd, &order, reload_done, reload, err);
	if (rc)
		free(reload);
	return rc ? rc : API_LATER;
}

/* --- the trial */

static json_t *reload_number_json(const struct lbd *lbd)
{
	return json_pack("{s:I}", "number", (json_int_t)lbd->recorded.number);
}

int api_post_confirm(struct lbd *lbd, const struct api_request *request, json_t **ret,
		     struct error *err)
{
	int rc = lbd_trial_confirm(lbd, err);

	(void)request;
	if (!rc)
		*ret = reload_number_json(lbd);
	return rc;
}

static void reload_cancelled(void *context, int rc, const struct error *err)
{
	struct reload_request *cancel = context;

	reply_later(cancel->http, rc, rc ? NULL : reload_number_json(cancel->lbd), err);
	free(cancel);
}

int api_post_cancel(struct lbd *lbd, const struct api_request *request, json_t **ret,
		    struct error *err)
{
	struct reload_request *cancel = calloc(1, sizeof(*cancel));
	int rc;

	(void)ret;
	if (!cancel)
		return error_set(err, -ENOMEM, "out of memory");
	*cancel = (struct reload_request){ lbd, request->http };
	rc = lbd_trial_cancel(lbd, reload_cancelled, cancel, err);
	if (rc)
		free(cancel);
	return rc ? rc : API_LATER;
}
