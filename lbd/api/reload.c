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

static void reload_done(void *context, int rc, const struct error *err)
{
	struct reload_request *reload = context;
	static const struct error no_memory = { .text = "out of memory" };
	json_t *answer = NULL;

	if (!rc)
		answer = json_pack("{s:I, s:o, s:b}", "services",
				   (json_int_t)api_service_count(reload->lbd), "backends",
				   api_backend_totals_json(reload->lbd), "runtime_changes_dropped",
				   reload->lbd->changes_dropped);
	if (answer)
		reply_json(reload->http, answer);
	else
		reply_error(reload->http, rc ? rc : -ENOMEM, rc ? err : &no_memory);
	json_decref(answer);
	free(reload);
}

int api_post_reload(struct lbd *lbd, const struct api_request *request, json_t **ret,
		    struct error *err)
{
	struct reload_request *reload = calloc(1, sizeof(*reload));
	int rc;

	(void)ret;
	if (!reload)
		return error_set(err, -ENOMEM, "out of memory");
	*reload = (struct reload_request){ lbd, request->http };
	rc = lbd_reload_begin(lbd, reload_done, reload, err);
	if (rc)
		free(reload);
	return rc ? rc : API_LATER;
}
