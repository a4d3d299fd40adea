// SPDX-License-Identifier: GPL-2.0-or-later
/* What maps are made for, in the words of the config. */
#include <stddef.h>
#include <stdio.h>

#include "dataplane/dataplane.h"
#include "lbd/guard.h"

#define OF(member) .offset = offsetof(struct lbd_limits, member)

/* A limit of the config is so many times what the maps have. */
static const struct {
	const char *name;
	size_t offset;
	uint32_t times;
	uint32_t part; /* or a part of it; 0: none */
} limits_keys[] = {
	{ "services", OF(services), 1, 0 },
	{ "backends", OF(backends), 1, 0 },
	{ "connections-ipv4", OF(conn4_buckets), LBD_BUCKET_SLOTS, 0 },
	{ "connections-ipv6", OF(conn6_buckets), LBD_BUCKET_SLOTS, 0 },
	{ "nat-ipv4", OF(nat4_buckets), LBD_BUCKET_SLOTS, 0 },
	{ "nat-ipv6", OF(nat6_buckets), LBD_BUCKET_SLOTS, 0 },
	{ "sticky", OF(sticky_buckets), LBD_BUCKET_SLOTS, 0 },
	{ "maglev", OF(ring_size), 1, 0 },
	{ "prefixes", OF(acl_entries), 1, LBD_ACL_ROOM },
	{ "sources", OF(source_buckets), LBD_SOURCE_SLOTS, 0 },
};

bool dataplane_limit(const struct lbd_limits *limits, uint32_t place, const char **ret_name,
		     uint32_t *ret_value)
{
	const uint8_t *bytes = (const uint8_t *)limits;

	if (place >= sizeof(limits_keys) / sizeof(*limits_keys))
		return false;
	*ret_name = limits_keys[place].name;
	*ret_value = *(const uint32_t *)(bytes + limits_keys[place].offset);
	*ret_value *= limits_keys[place].times;
	if (limits_keys[place].part)
		*ret_value /= limits_keys[place].part;
	return true;
}

char *dataplane_format_limits(const struct lbd_limits *limits, char *buffer)
{
	const char *name;
	uint32_t value;
	int used = 0;

	*buffer = '\0';
	for (uint32_t i = 0; dataplane_limit(limits, i, &name, &value); i++)
		used += snprintf(buffer + used, (size_t)(DATAPLANE_LIMITS_TEXT - used), "%s%s %u",
				 i ? ", " : "", name, value);
	return buffer;
}

char *dataplane_format_change(const struct lbd_limits *from, const struct lbd_limits *to,
			      char *buffer)
{
	uint32_t value, other;
	const char *name;
	int used = 0;

	*buffer = '\0';
	for (uint32_t i = 0;
	     dataplane_limit(from, i, &name, &value) && dataplane_limit(to, i, &name, &other); i++)
		if (value != other)
			used += snprintf(buffer + used, (size_t)(DATAPLANE_LIMITS_TEXT - used),
					 "%s%s %u -> %u", used ? ", " : "", name, value, other);
	return buffer;
}
