// SPDX-License-Identifier: GPL-2.0-or-later
#include <unistd.h>

#include "api/resource.h"

int api_get_version(struct lbd *lbd, const struct api_request *request, json_t **ret,
		    struct error *err)
{
	(void)request;
	(void)err;
	*ret = json_pack("{s:s, s:i, s:i, s:s, s:s, s:i}", "version", LBD_VERSION, "api",
			 API_VERSION, "maps_abi", LBD_MAPS_ABI, "node", lbd->config->node,
			 "instance", lbd->config->instance, "pid", (int)getpid());
	return 0;
}
