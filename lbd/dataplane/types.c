// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The types that maps are made with. They come from the object that the daemon
 * was installed with, read once: that file may be replaced while it runs.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/internal.h"
#include "dataplane/layout.h"

struct types {
	struct bpf_object *object;
	struct btf *btf; /* the object's, in the kernel */
};

void types_close(struct types *types)
{
	if (!types)
		return;
	btf__free(types->btf);
	bpf_object__close(types->object);
	free(types);
}

/* The object's own can't be given to the kernel before the object is. */
static int types_load(struct types *types, const char *path, struct error *err)
{
	const struct btf *btf = bpf_object__btf(types->object);
	const void *raw;
	uint32_t size;
	int rc;

	raw = btf ? btf__raw_data(btf, &size) : NULL;
	types->btf = raw ? btf__new(raw, size) : NULL;
	if (!types->btf)
		return error_set(err, -EPROTO, "%s: no BTF, not a packet path of lbd", path);
	rc = btf__load_into_kernel(types->btf);
	return rc ? error_errno(err, rc, "%s: give its BTF to the kernel", path) : 0;
}

int types_open(const char *path, struct types **ret, struct error *err)
{
	struct types *types = calloc(1, sizeof(*types));
	int rc;

	if (!types)
		return error_set(err, -ENOMEM, "out of memory");
	rc = object_read(path, NULL, 0, &types->object, err);
	if (!rc)
		rc = types_load(types, path, err);
	if (rc) {
		types_close(types);
		return rc;
	}
	*ret = types;
	return 0;
}

/* The kernel takes BTF for none of these. */
static bool types_apply(enum bpf_map_type type)
{
	return type != BPF_MAP_TYPE_DEVMAP && type != BPF_MAP_TYPE_XSKMAP &&
	       type != BPF_MAP_TYPE_PROG_ARRAY;
}

void types_give(const struct types *types, const struct map_shape *shape,
		struct bpf_map_create_opts *options)
{
	const struct bpf_map *map;

	map = types && types_apply(shape->type)
		      ? bpf_object__find_map_by_name(types->object, shape->name)
		      : NULL;
	if (!map || !bpf_map__btf_value_type_id(map))
		return;
	options->btf_fd = (uint32_t)btf__fd(types->btf);
	options->btf_key_type_id = bpf_map__btf_key_type_id(map);
	options->btf_value_type_id = bpf_map__btf_value_type_id(map);
}

int types_layout(const struct types *types, const char *map, struct layout **ret)
{
	return types ? layout_of_object(types->object, map, ret) : -ENOENT;
}
