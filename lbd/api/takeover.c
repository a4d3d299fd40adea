// SPDX-License-Identifier: GPL-2.0-or-later
#include <unistd.h>

#include "api/resource.h"

static json_t *takeover_pid(int pid)
{
	return pid ? json_integer(pid) : json_null();
}

static json_t *takeover_json(const struct lbd *lbd)
{
	struct lbd_handover_status status;

	lbd_handover_status(lbd, &status);
	return json_pack("{s:i, s:s, s:o, s:o, s:I, s:o}", "pid", (int)getpid(), "version",
			 LBD_VERSION, "successor", takeover_pid(status.successor), "predecessor",
			 takeover_pid(status.predecessor), "pause_ms", (json_int_t)status.pause_ms,
			 "fault", api_text(*status.fault ? status.fault : NULL));
}

int api_get_takeover(struct lbd *lbd, const struct api_request *request, json_t **ret,
		     struct error *err)
{
	(void)request;
	(void)err;
	*ret = takeover_json(lbd);
	return 0;
}

int api_post_takeover(struct lbd *lbd, const struct api_request *request, json_t **ret,
		      struct error *err)
{
	int rc;

	(void)request;
	rc = lbd_handover_begin(lbd, err);
	if (!rc)
		*ret = takeover_json(lbd);
	return rc;
}
