// SPDX-License-Identifier: GPL-2.0-or-later
/* Where layouts come from: a map in the kernel, or the object that wants one. */
#include "dataplane/layout.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "dataplane/layout_fields.h"

void layout_free(struct layout *layout)
{
	if (!layout)
		return;
	fields_free(&layout->key);
	fields_free(&layout->value);
	free(layout);
}

int layout_of_types(const struct btf *btf, const struct layout_types *types, struct layout **ret)
{
	struct layout *layout = calloc(1, sizeof(*layout));
	int rc;

	if (!layout)
		return -ENOMEM;
	snprintf(layout->map, sizeof(layout->map), "%s", types->map);
	rc = fields_read(btf, types->key, types->key_size, &layout->key);
	if (!rc)
		rc = fields_read(btf, types->value, types->value_size, &layout->value);
	if (rc) {
		layout_free(layout);
		return rc;
	}
	*ret = layout;
	return 0;
}

int layout_of_map(int fd, struct layout **ret)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	struct layout_types types;
	struct btf *btf;
	int rc;

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	if (!info.btf_id || !info.btf_value_type_id)
		return -ENOENT;
	btf = btf__load_from_kernel_by_id(info.btf_id);
	if (!btf)
		return -errno;
	types = (struct layout_types){ info.name, info.btf_key_type_id, info.btf_value_type_id,
				       info.key_size, info.value_size };
	rc = layout_of_types(btf, &types, ret);
	btf__free(btf);
	return rc;
}

int layout_of_object(const struct bpf_object *object, const char *name, struct layout **ret)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(object, name);
	const struct btf *btf = bpf_object__btf(object);
	struct layout_types types;

	if (!map || !btf || !bpf_map__btf_value_type_id(map))
		return -ENOENT;
	types = (struct layout_types){ name, bpf_map__btf_key_type_id(map),
				       bpf_map__btf_value_type_id(map), bpf_map__key_size(map),
				       bpf_map__value_size(map) };
	return layout_of_types(btf, &types, ret);
}
