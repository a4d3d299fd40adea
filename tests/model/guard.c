// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/guard.h"

#include <string.h>

#include "base/addr.h"

static bool guard_on_list(const struct config_list *list, const struct lbd_addr *client)
{
	for (uint32_t i = 0; i < list->prefixes_count; i++)
		if (addr_in_prefix(client, &list->prefixes[i]))
			return true;
	return false;
}

static bool guard_on_any(const struct config *config, const struct config_names *names,
			 const struct lbd_addr *client)
{
	for (uint32_t n = 0; n < names->count; n++)
		for (uint32_t i = 0; i < config->lists_count; i++)
			if (!strcmp(config->lists[i].name, names->all[n]) &&
			    guard_on_list(&config->lists[i], client))
				return true;
	return false;
}

static const struct config_service *guard_config(const struct config *config,
						 const struct service *service)
{
	for (uint32_t i = 0; i < config->services_count; i++)
		if (!strcmp(config->services[i].name, service->name))
			return &config->services[i];
	return NULL;
}

int guard_check(const struct config *config, const struct service *service,
		const struct lbd_addr *client, bool v6)
{
	static const struct lbd_addr nobody; /* is on no list */
	const struct config_names *deny = &config->guard.deny, *allow = &config->guard.allow;
	const struct config_service *own = guard_config(config, service);

	if (v6 && lbd_addr_is4(client))
		client = &nobody;
	if (guard_on_any(config, deny, client) || guard_on_any(config, &own->deny, client))
		return LBD_OUTCOME_DROP_DENIED;
	if (!allow->count && !own->allow.count)
		return GUARD_PASSES;
	if (guard_on_any(config, allow, client) || guard_on_any(config, &own->allow, client))
		return GUARD_PASSES;
	return LBD_OUTCOME_DROP_NOT_ALLOWED;
}
