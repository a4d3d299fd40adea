// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/packet/neighbourhood.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"

struct interface {
	char *name;
	char *mac;
	uint16_t mtu;
};

struct neighbour {
	char *address;
	char *interface;
	char *mac;
	uint16_t mtu; /* of the way there; 0: the interface's */
};

struct neighbourhood {
	struct interface *interfaces;
	uint32_t interfaces_count;
	struct neighbour *neighbours;
	uint32_t neighbours_count;
};

#define FIELD_TEXT(key, type, member) \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 1, CYAML_UNLIMITED)

static const cyaml_schema_field_t interface_fields[] = {
	FIELD_TEXT("name", struct interface, name),
	FIELD_TEXT("mac", struct interface, mac),
	CYAML_FIELD_UINT("mtu", CYAML_FLAG_DEFAULT, struct interface, mtu),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t interface_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct interface, interface_fields),
};

static const cyaml_schema_field_t neighbour_fields[] = {
	FIELD_TEXT("address", struct neighbour, address),
	FIELD_TEXT("interface", struct neighbour, interface),
	FIELD_TEXT("mac", struct neighbour, mac),
	CYAML_FIELD_UINT("mtu", CYAML_FLAG_OPTIONAL, struct neighbour, mtu),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t neighbour_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct neighbour, neighbour_fields),
};

static const cyaml_schema_field_t neighbourhood_fields[] = {
	CYAML_FIELD_SEQUENCE_COUNT("interfaces", CYAML_FLAG_POINTER, struct neighbourhood,
				   interfaces, interfaces_count, &interface_schema, 1, 8),
	CYAML_FIELD_SEQUENCE_COUNT("neighbours", CYAML_FLAG_POINTER, struct neighbourhood,
				   neighbours, neighbours_count, &neighbour_schema, 1, 64),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t neighbourhood_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct neighbourhood, neighbourhood_fields),
};

static const cyaml_config_t cyaml_config = {
	.log_fn = cyaml_log,
	.log_level = CYAML_LOG_WARNING,
	.mem_fn = cyaml_mem,
};

int neighbourhood_load(const char *path, struct neighbourhood **ret, struct error *err)
{
	cyaml_err_t rc;

	*ret = NULL;
	rc = cyaml_load_file(path, &cyaml_config, &neighbourhood_schema, (cyaml_data_t **)ret,
			     NULL);
	return rc == CYAML_OK ? 0 : error_set(err, -EINVAL, "%s: %s", path, cyaml_strerror(rc));
}

void neighbourhood_free(struct neighbourhood *neighbourhood)
{
	cyaml_free(&cyaml_config, &neighbourhood_schema, neighbourhood, 0);
}

static const struct interface *neighbourhood_interface(const struct neighbourhood *neighbourhood,
						       const char *name)
{
	for (uint32_t i = 0; i < neighbourhood->interfaces_count; i++)
		if (!strcmp(neighbourhood->interfaces[i].name, name))
			return &neighbourhood->interfaces[i];
	return NULL;
}

static int neighbourhood_resolve(const struct neighbourhood *neighbourhood,
				 const struct neighbour *neighbour, struct lbd_addr *ret_addr,
				 struct nexthop *ret, struct error *err)
{
	const struct interface *interface =
		neighbourhood_interface(neighbourhood, neighbour->interface);

	if (!interface || addr_parse(neighbour->address, ret_addr) ||
	    !ether_aton_r(neighbour->mac, (struct ether_addr *)ret->dmac) ||
	    !ether_aton_r(interface->mac, (struct ether_addr *)ret->smac))
		return error_set(err, -EINVAL,
				 "neighbour %s: expected an address, a known interface and MACs",
				 neighbour->address);
	ret->ifindex = if_nametoindex(interface->name);
	ret->mtu = neighbour->mtu ? neighbour->mtu : interface->mtu;
	ret->resolved = true;
	return ret->ifindex ? 0 : error_errno(err, -errno, "interface %s", interface->name);
}

/* The nodes' own MAC addresses: frames for others must be left alone. */
static void neighbourhood_own_macs(const struct neighbourhood *neighbourhood, struct model *model)
{
	for (uint32_t i = 0; i < neighbourhood->interfaces_count && i < LBD_MACS_MAX; i++) {
		struct ether_addr mac = { 0 };

		ether_aton_r(neighbourhood->interfaces[i].mac, &mac);
		memcpy(&model->macs[i], &mac, sizeof(mac));
		model->macs_count = i + 1;
	}
}

int neighbourhood_apply(const struct neighbourhood *neighbourhood, const struct lab *lab,
			struct error *err)
{
	neighbourhood_own_macs(neighbourhood, lab->model);
	for (uint32_t i = 0; i < neighbourhood->neighbours_count; i++) {
		struct nexthop nexthop = { 0 };
		struct lbd_addr addr;
		int rc;

		rc = neighbourhood_resolve(neighbourhood, &neighbourhood->neighbours[i], &addr,
					   &nexthop, err);
		if (rc)
			return rc;
		lab_set_nexthop(lab, &addr, &nexthop);
	}
	return 0;
}
