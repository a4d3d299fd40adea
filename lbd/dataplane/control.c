// SPDX-License-Identifier: GPL-2.0-or-later
/* The control map of a pinned set, whatever its layout: the first proof of what the set is. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/internal.h"
#include "dataplane/layout.h"

#define CONTROL_SIZE_MAX 4096

/* From the layout that the map was made with into ours. -ENOENT: one of both says nothing of it. */
static int control_plan(int fd, const struct types *types, struct layout_plan **ret,
			struct error *err)
{
	struct layout *old = NULL, *new = NULL;
	int rc;

	rc = layout_of_map(fd, &old);
	if (!rc)
		rc = types_layout(types, maps_name(MAP_CONTROL), &new);
	if (!rc)
		rc = layout_plan(old, new, ret, err);
	else if (rc != -ENOENT)
		error_errno(err, rc, "types of lbd_control");
	layout_free(old);
	layout_free(new);
	return rc;
}

static int control_convert(int fd, const struct types *types, uint32_t size, const void *value,
			   struct lbd_control *ret, struct error *err)
{
	struct layout_plan *plan = NULL;
	int rc;

	rc = control_plan(fd, types, &plan, err);
	if (!rc)
		rc = layout_convert(plan, value, ret, err);
	layout_plan_free(plan);
	if (rc != -ENOENT)
		return rc;
	if (size != sizeof(*ret))
		return error_set(err, -EPROTO, "lbd_control: %u bytes, expected %zu (ABI %d)", size,
				 sizeof(*ret), LBD_MAPS_ABI);
	memcpy(ret, value, sizeof(*ret));
	return 0;
}

int control_read(int fd, const struct types *types, struct lbd_control *ret, struct error *err)
{
	uint8_t value[CONTROL_SIZE_MAX];
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info), zero = 0;

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return error_errno(err, -errno, "query lbd_control");
	if (info.type != BPF_MAP_TYPE_ARRAY || info.key_size != sizeof(zero) ||
	    info.value_size > sizeof(value))
		return error_set(err, -EPROTO, "lbd_control: type %u, value %u bytes: not lbd's",
				 info.type, info.value_size);
	if (bpf_map_lookup_elem(fd, &zero, value))
		return error_errno(err, -errno, "read lbd_control");
	return control_convert(fd, types, info.value_size, value, ret, err);
}
