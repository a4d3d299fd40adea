// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an object says of the maps, beside what they are. libbpf would let any
 * of them be reused and ask nothing; a program that takes a value for another
 * may well pass the verifier.
 */
#include <errno.h>
#include <stdio.h>

#include "dataplane/internal.h"

_Static_assert(MAP_COUNT <= DATAPLANE_MAPS_MAX, "room for every map");

static void compare_map(const struct bpf_map *map, int fd, struct dataplane_map *ret)
{
	struct bpf_map_info held = { 0 };
	__u32 size = sizeof(held);

	if (!map) {
		ret->fate = DATAPLANE_FATE_UNUSED;
		return;
	}
	ret->fate = DATAPLANE_FATE_REFUSED;
	if (bpf_obj_get_info_by_fd(fd, &held, &size))
		snprintf(ret->why, sizeof(ret->why), "the kernel can't be asked");
	else if (bpf_map__type(map) != held.type)
		snprintf(ret->why, sizeof(ret->why), "type %u, expected %u", bpf_map__type(map),
			 held.type);
	else if (bpf_map__key_size(map) != held.key_size)
		snprintf(ret->why, sizeof(ret->why), "keys of %u bytes, expected %u",
			 bpf_map__key_size(map), held.key_size);
	else if (bpf_map__value_size(map) != held.value_size)
		snprintf(ret->why, sizeof(ret->why), "values of %u bytes, expected %u",
			 bpf_map__value_size(map), held.value_size);
	else
		ret->fate = DATAPLANE_FATE_REUSED;
}

static int compare_maps(const struct dataplane *dataplane, const struct bpf_object *object,
			const char *path, struct dataplane_map *ret, struct error *err)
{
	static const char *const names[MAP_COUNT] = {
#define X(name) #name,
		LBD_MAPS(X)
#undef X
	};
	int rc = 0;

	for (int id = 0; id < MAP_COUNT; id++) {
		ret[id] = (struct dataplane_map){ .name = names[id] };
		compare_map(bpf_object__find_map_by_name(object, names[id]), dataplane->fd[id],
			    &ret[id]);
		if (ret[id].fate == DATAPLANE_FATE_REFUSED && !rc)
			rc = error_set(err, -EPROTO, "%s: map %s: %s", path, names[id],
				       ret[id].why);
	}
	return rc;
}

int dataplane_compare(const struct dataplane *dataplane, const char *path,
		      struct dataplane_map ret[DATAPLANE_MAPS_MAX], uint32_t *ret_count,
		      struct error *err)
{
	struct lbd_generation_config built;
	struct bpf_object *object;
	int rc;

	*ret_count = 0;
	object_quiet();
	object = bpf_object__open_file(path, NULL);
	if (!object)
		return error_set(err, -EINVAL, "%s: not a BPF object that libbpf can read", path);
	rc = object_prove(object, path, &built, err);
	if (!rc) {
		rc = compare_maps(dataplane, object, path, ret, err);
		*ret_count = MAP_COUNT;
	}
	bpf_object__close(object);
	return rc;
}
