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

/* In IPv6 no address is on a list of IPv4 ones. */
static struct lbd_addr guard_address(const struct lbd_addr *addr, bool v6)
{
	static const struct lbd_addr nobody; /* is on no list */

	return v6 && lbd_addr_is4(addr) ? nobody : *addr;
}

int guard_check_stranger(const struct config *config, const struct service *service,
			 const struct lbd_addr *source, bool v6)
{
	const struct config_service *own = service ? guard_config(config, service) : NULL;
	const struct lbd_addr address = guard_address(source, v6);

	if (guard_on_any(config, &config->guard.deny, &address) ||
	    (own && guard_on_any(config, &own->deny, &address)))
		return LBD_OUTCOME_DROP_DENIED;
	return GUARD_PASSES;
}

int guard_check(const struct config *config, const struct service *service,
		const struct lbd_addr *client, bool v6)
{
	const struct config_service *own = guard_config(config, service);
	const struct lbd_addr address = guard_address(client, v6);
	const struct config_names *allow = &config->guard.allow;
	const int denied = guard_check_stranger(config, service, client, v6);

	if (denied != GUARD_PASSES)
		return denied;
	if (!allow->count && !own->allow.count)
		return GUARD_PASSES;
	if (guard_on_any(config, allow, &address) || guard_on_any(config, &own->allow, &address))
		return GUARD_PASSES;
	return LBD_OUTCOME_DROP_NOT_ALLOWED;
}
