// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The types that maps are made with: those of this build, which it has in it.
 * The object that is installed may be another release's, if only for a moment;
 * to go by that one would be to write fields where its programs don't look.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/internal.h"
#include "dataplane/layout.h"

/* bpf/types/types.bpf.c, compiled. */
extern const char types_own[];
extern const uint64_t types_own_size;

__asm__(".pushsection .rodata\n"
	".balign 8\n"
	"types_own:\n"
	".incbin \"" LBD_OWN_TYPES "\"\n"
	"1:\n"
	".balign 8\n"
	"types_own_size:\n"
	".quad 1b - types_own\n"
	".popsection\n");

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
static int types_load(struct types *types, struct error *err)
{
	const struct btf *btf = bpf_object__btf(types->object);
	const void *raw;
	uint32_t size;
	int rc;

	raw = btf ? btf__raw_data(btf, &size) : NULL;
	types->btf = raw ? btf__new(raw, size) : NULL;
	if (!types->btf)
		return error_set(err, -EPROTO, "types of the maps: there are none");
	rc = btf__load_into_kernel(types->btf);
	return rc ? error_errno(err, rc, "give the types of the maps to the kernel") : 0;
}

int types_read(const void *object, size_t size, struct types **ret, struct error *err)
{
	struct types *types = calloc(1, sizeof(*types));
	int rc = 0;

	if (!types)
		return error_set(err, -ENOMEM, "out of memory");
	types->object = bpf_object__open_mem(object, size, NULL);
	if (!types->object)
		rc = error_set(err, -EINVAL, "types of the maps: not a BPF object");
	if (!rc)
		rc = types_load(types, err);
	if (rc) {
		types_close(types);
		return rc;
	}
	*ret = types;
	return 0;
}

int types_open(struct types **ret, struct error *err)
{
	return types_read(types_own, types_own_size, ret, err);
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
