// SPDX-License-Identifier: GPL-2.0-or-later
/* Runtime changes of the limits. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "config/keys.h"
#include "config/value.h"

#define OF(member) offsetof(struct config, limits.member)

static const struct {
	const char *name;
	size_t offset;
} limits_places[] = {
	{ "services", OF(services) },
	{ "backends", OF(backends) },
	{ "connections-ipv4", OF(connections_ipv4) },
	{ "connections-ipv6", OF(connections_ipv6) },
	{ "nat-ipv4", OF(nat_ipv4) },
	{ "nat-ipv6", OF(nat_ipv6) },
	{ "sticky", OF(sticky) },
	{ "maglev", OF(maglev) },
	{ "prefixes", OF(prefixes) },
	{ "sources", OF(sources) },
};

static uint32_t *limits_place(struct config *config, const char *name)
{
	for (size_t i = 0; i < sizeof(limits_places) / sizeof(*limits_places); i++)
		if (!strcmp(limits_places[i].name, name))
			return (uint32_t *)((char *)config + limits_places[i].offset);
	return NULL;
}

int config_limit_set(struct config *config, const char *name, int64_t value, struct error *err)
{
	const struct key *keys = keys_find(keys_top, "limits")->children;
	const struct key *key = keys_find(keys, name);
	uint32_t *place = limits_place(config, name);
	char text[32], expected[VALUE_TEXT_MAX];

	if (!key || !place) {
		const char *nearest = keys_nearest(keys, name);

		return error_set(err, -EINVAL, "no limit is called \"%.60s\"%s%s", name,
				 nearest ? ", did you mean " : "", nearest ? nearest : "");
	}
	snprintf(text, sizeof(text), "%lld", (long long)value);
	if (!value_valid(key, key->kind, text))
		return error_set(err, -EINVAL, "limits.%s: came %s, expected %s", name, text,
				 value_expected(key, key->kind, expected));
	*place = (uint32_t)value;
	return 0;
}
