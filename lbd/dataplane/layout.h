/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the keys and values of a map are laid out, by the BTF that the map was
 * made with, and how those of another lbd become this one's. Fields go by name:
 *
 *   moved, or wider           converted
 *   narrower                  converted; a value that doesn't fit is refused
 *   only the new one has it   zero
 *   only the old one has it   gone: a value that isn't zero there is refused;
 *                             padding (reserved, unused) may hold anything
 *   an array grew             as fields that only the new one has
 *   an array shrank           converted; what stands behind its end must be zero
 *   other sign                as narrower
 *   other byte order, other packing, another union, an enum whose
 *   constants changed         refused
 *
 * A packing is what a word that is put together by hand says in its name:
 * typedefs that begin with lbd_ (include/lbd/maps.h). Nothing of a map that
 * another version left is trusted: offsets, depth and counts have bounds.
 */
#ifndef DATAPLANE_LAYOUT_H
#define DATAPLANE_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct bpf_object;
struct btf;
struct layout;
struct layout_plan;

/*
 * From the BTF that the map was made with. -ENOENT: without any; -EBADMSG: with
 * types that no lbd gives a map. *ret: layout_free.
 */
int layout_of_map(int fd, struct layout **ret);

/* What @object wants of its map @name. -ENOENT: no such map, or of a kind without BTF. */
int layout_of_object(const struct bpf_object *object, const char *name, struct layout **ret);

/* What both come down to: types of @btf, and the sizes that they must have. */
struct layout_types {
	const char *map;
	uint32_t key, value; /* type ids */
	uint32_t key_size, value_size;
};

int layout_of_types(const struct btf *btf, const struct layout_types *types, struct layout **ret);

/* Accepts NULL. */
void layout_free(struct layout *layout);

/*
 * How an @old entry becomes a @new one. -EPROTO: it can't; @err names the map
 * and every field at fault, a line each. *ret: layout_plan_free.
 */
int layout_plan(const struct layout *old, const struct layout *new, struct layout_plan **ret,
		struct error *err);

/* Accepts NULL. */
void layout_plan_free(struct layout_plan *plan);

/* Are keys and values the same byte for byte, padding aside? */
bool layout_plan_same(const struct layout_plan *plan);

/* The fields that are gone, as "a, b", those that there is room for; "" without any. */
const char *layout_plan_gone(const struct layout_plan *plan);

/*
 * Write @old as @new, all of it: what has no source becomes zero. -ERANGE: the
 * new layout has no room for what a field holds, or no such field; @err (may be NULL) names it.
 */
int layout_convert(const struct layout_plan *plan, const void *old, void *new, struct error *err);
int layout_convert_key(const struct layout_plan *plan, const void *old, void *new,
		       struct error *err);

#endif
