// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What becomes of each pinned map: one row of a table for each, from which the
 * start, the preflight and every refusal take what they say.
 *
 *   compare_pins     the pinned set -> what this lbd makes with these limits
 *   compare_object   the maps in use -> what a BPF object takes them for
 *
 * libbpf would let any map be reused and ask nothing; a program that takes one
 * field for another may well pass the verifier.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/internal.h"
#include "dataplane/layout.h"

_Static_assert(MAP_COUNT <= DATAPLANE_MAPS_MAX, "room for every map");

/* A map as one of both sides has it. */
struct side {
	uint32_t type, key_size, value_size, flags;
	uint32_t entries;      /* 0: as many as there are */
	struct layout *layout; /* NULL: it says nothing of its types */
};

__attribute__((format(printf, 3, 4))) static void
row_set(struct dataplane_map *row, enum dataplane_fate fate, const char *format, ...)
{
	va_list args;

	row->fate = fate;
	va_start(args, format);
	vsnprintf(row->why, sizeof(row->why), format, args);
	va_end(args);
}

/* --- one map */

/* Of the kernel. -errno: it can't be asked. */
static int side_of_map(int fd, struct side *ret)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	int rc;

	*ret = (struct side){ 0 };
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	/* The kernel adds this flag to a devmap by itself. */
	*ret = (struct side){ info.type,	info.key_size,
			      info.value_size,	info.map_flags & ~(uint32_t)BPF_F_RDONLY_PROG,
			      info.max_entries, NULL };
	rc = layout_of_map(fd, &ret->layout);
	return rc == -ENOENT ? 0 : rc;
}

static int side_of_object(const struct bpf_object *object, const struct bpf_map *map,
			  struct side *ret)
{
	int rc;

	*ret = (struct side){ bpf_map__type(map),
			      bpf_map__key_size(map),
			      bpf_map__value_size(map),
			      bpf_map__map_flags(map),
			      0,
			      NULL };
	rc = layout_of_object(object, bpf_map__name(map), &ret->layout);
	return rc == -ENOENT ? 0 : rc;
}

static int side_of_shape(const struct types *types, const struct map_shape *shape, struct side *ret)
{
	int rc;

	*ret = (struct side){ shape->type,  shape->key_size, shape->value_size,
			      shape->flags, shape->entries,  NULL };
	rc = types_layout(types, shape->name, &ret->layout);
	return rc == -ENOENT ? 0 : rc;
}

/* Every line begins with the map's name, which the row has by itself. */
static void row_refuse(struct dataplane_map *row, const struct error *err)
{
	const size_t skip = strlen(row->name) + 2;
	size_t used = 0;

	row->fate = DATAPLANE_FATE_REFUSED;
	for (const char *line = err->text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		line += strlen(line) > skip ? skip : 0;
		if (used < sizeof(row->why))
			used += (size_t)snprintf(row->why + used, sizeof(row->why) - used, "%s%.*s",
						 used ? "; " : "", (int)strcspn(line, "\n"), line);
	}
}

static void row_migrate(struct dataplane_map *row, const struct layout_plan *plan)
{
	const char *gone = layout_plan_gone(plan);

	if (*gone)
		row_set(row, DATAPLANE_FATE_MIGRATED,
			"another layout, without %s: refused if that isn't zero in every entry",
			gone);
	else
		row_set(row, DATAPLANE_FATE_MIGRATED, "another layout");
}

static void compare_layouts(const struct side *old, const struct side *new,
			    struct dataplane_map *row)
{
	struct layout_plan *plan = NULL;
	struct error err = { 0 };

	if (!old->layout || !new->layout) {
		if (old->value_size == new->value_size && old->key_size == new->key_size)
			return;
		row_set(row, DATAPLANE_FATE_REFUSED,
			"keys of %u and values of %u bytes, expected %u and %u, and no types to "
			"convert them by",
			old->key_size, old->value_size, new->key_size, new->value_size);
		return;
	}
	if (layout_plan(old->layout, new->layout, &plan, &err))
		row_refuse(row, &err);
	else if (!layout_plan_same(plan))
		row_migrate(row, plan);
	layout_plan_free(plan);
}

static void compare_sides(const struct side *old, const struct side *new, struct dataplane_map *row)
{
	row->fate = DATAPLANE_FATE_REUSED;
	if (old->type != new->type)
		row_set(row, DATAPLANE_FATE_REFUSED, "type %u, expected %u", old->type, new->type);
	else if (old->flags != new->flags)
		row_set(row, DATAPLANE_FATE_REFUSED, "flags %#x, expected %#x", old->flags,
			new->flags);
	else
		compare_layouts(old, new, row);
	if (row->fate == DATAPLANE_FATE_REUSED && new->entries && old->entries != new->entries)
		row_set(row, DATAPLANE_FATE_MIGRATED, "%u entries, expected %u", old->entries,
			new->entries);
}

/* --- the pinned set */

/* What differs may be no harm, or the more. */
static void row_move(const struct map_shape *shape, struct dataplane_map *row)
{
	const bool differs = row->fate != DATAPLANE_FATE_REUSED;
	char why[sizeof(row->why)];

	snprintf(why, sizeof(why), "%s", row->why);
	if (differs && shape->move == MOVE_ANEW)
		row_set(row, DATAPLANE_FATE_ANEW, "%s", why);
	else if (differs && shape->move == MOVE_COMMIT && !shape->adopted)
		row_set(row, DATAPLANE_FATE_MIGRATED, "%s", why);
	else if (row->fate == DATAPLANE_FATE_MIGRATED && shape->move == MOVE_SHARED)
		row_set(row, DATAPLANE_FATE_REFUSED,
			"%.400s; it can't be replaced while packets pass", why);
}

static void compare_pin(const char *pin_dir, const struct types *types,
			const struct map_shape *shape, struct dataplane_map *row)
{
	struct side old = { 0 }, new = { 0 };
	char path[256];
	int fd, rc;

	snprintf(path, sizeof(path), "%s/%s", pin_dir, shape->name);
	fd = bpf_obj_get(path);
	if (fd < 0 && errno == ENOENT && shape->later) {
		row_set(row, DATAPLANE_FATE_ADDED, "made by an lbd that didn't have it");
		return;
	}
	rc = fd < 0 ? -errno : side_of_map(fd, &old);
	if (!rc)
		rc = side_of_shape(types, shape, &new);
	if (rc)
		row_set(row, DATAPLANE_FATE_REFUSED, "%s",
			rc == -EBADMSG ? "of types that no lbd gives it" : strerror(-rc));
	else
		compare_sides(&old, &new, row);
	row_move(shape, row);
	layout_free(old.layout);
	layout_free(new.layout);
	if (fd >= 0)
		close(fd);
}

static bool row_moves(const struct dataplane_map *row)
{
	return row->fate == DATAPLANE_FATE_MIGRATED || row->fate == DATAPLANE_FATE_ANEW;
}

/* Who goes to the other set, if any does: what belongs together, and what is written there. */
static void compare_company(const struct map_shape *shapes, struct dataplane_map *rows)
{
	bool any = false, group[GROUP_COUNT] = { false };

	for (int id = 0; id < MAP_COUNT; id++) {
		any |= row_moves(&rows[id]);
		group[shapes[id].group] |= row_moves(&rows[id]);
	}
	for (int id = 0; id < MAP_COUNT; id++) {
		if (rows[id].fate != DATAPLANE_FATE_REUSED)
			continue;
		if (shapes[id].group != GROUP_NONE && group[shapes[id].group])
			row_set(&rows[id], DATAPLANE_FATE_MIGRATED, "with others of its table");
		else if (any && shapes[id].move == MOVE_COMMIT)
			row_set(&rows[id], DATAPLANE_FATE_MIGRATED, "written anew");
	}
}

void compare_pins(const char *pin_dir, const struct lbd_limits *limits, const struct types *types,
		  struct dataplane_map *rows)
{
	struct map_shape shapes[MAP_COUNT];

	shapes_of(limits, shapes);
	for (int id = 0; id < MAP_COUNT; id++) {
		rows[id] = (struct dataplane_map){ .name = shapes[id].name };
		compare_pin(pin_dir, types, &shapes[id], &rows[id]);
	}
	compare_company(shapes, rows);
}

/* --- an object */

static void compare_map(const struct dataplane *dataplane, const struct bpf_object *object,
			enum map_id id, struct dataplane_map *row)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(object, row->name);
	struct side old = { 0 }, new = { 0 };
	int rc;

	if (!map) {
		row->fate = DATAPLANE_FATE_UNUSED;
		return;
	}
	rc = side_of_map(dataplane->fd[id], &old);
	if (!rc)
		rc = side_of_object(object, map, &new);
	if (rc)
		row_set(row, DATAPLANE_FATE_REFUSED, "%s", strerror(-rc));
	else
		compare_sides(&old, &new, row);
	layout_free(old.layout);
	layout_free(new.layout);
}

void compare_object(const struct dataplane *dataplane, const struct bpf_object *object,
		    struct dataplane_map *rows)
{
	for (int id = 0; id < MAP_COUNT; id++) {
		rows[id] = (struct dataplane_map){ .name = maps_name((enum map_id)id) };
		compare_map(dataplane, object, (enum map_id)id, &rows[id]);
	}
}

/* --- what is said of it */

bool compare_all(const struct dataplane_map *rows, uint32_t fates)
{
	for (int id = 0; id < MAP_COUNT; id++)
		if (!(fates & 1U << rows[id].fate))
			return false;
	return true;
}

int compare_refuse(const struct dataplane_map *rows, const char *what, uint32_t fates,
		   struct error *err)
{
	char text[sizeof(err->text) - 512] = "";
	size_t used = 0;

	for (int id = 0; id < MAP_COUNT; id++)
		if (fates & 1U << rows[id].fate && used < sizeof(text))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "\n  map %s: %s",
						 rows[id].name, rows[id].why);
	return error_set(err, -EPROTO, "%s:%s", what, text);
}

static bool pins_are_there(const char *pin_dir)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/lbd_control", pin_dir);
	return !access(path, F_OK);
}

int dataplane_compare_pins(const struct dataplane_options *options,
			   struct dataplane_map ret[DATAPLANE_MAPS_MAX], uint32_t *ret_count,
			   struct error *err)
{
	struct types *types = NULL;
	int rc;

	*ret_count = 0;
	if (!pins_are_there(options->pin_dir))
		return error_set(err, -ENOENT, "%s: no maps are pinned there", options->pin_dir);
	rc = types_open(&types, err);
	if (rc)
		return rc;
	compare_pins(options->pin_dir, &options->limits, types, ret);
	*ret_count = MAP_COUNT;
	types_close(types);
	return compare_all(ret, ~FATE(REFUSED))
		       ? 0
		       : compare_refuse(ret, options->pin_dir, FATE(REFUSED), err);
}

int compare_object_fits(const struct dataplane_map *rows, const char *path, struct error *err)
{
	int rc;

	if (compare_all(rows, FATES_AS_IS))
		return 0;
	rc = compare_refuse(rows, path, ~FATES_AS_IS, err);
	if (compare_all(rows, FATES_AS_IS | FATE(MIGRATED)))
		error_hint(err, "restart lbd with the release that it came with: the maps are "
				"converted then");
	else
		error_hint(err, "take the object of the release that lbd runs");
	return rc;
}

int dataplane_compare(const struct dataplane *dataplane, const char *object,
		      struct dataplane_map ret[DATAPLANE_MAPS_MAX], uint32_t *ret_count,
		      struct error *err)
{
	struct lbd_generation_config built;
	struct bpf_object *opened;
	int rc;

	*ret_count = 0;
	rc = object_read(object, NULL, 0, &opened, err);
	if (rc)
		return rc;
	rc = object_prove(opened, object, &built, err);
	if (!rc) {
		compare_object(dataplane, opened, ret);
		*ret_count = MAP_COUNT;
		rc = compare_object_fits(ret, object, err);
	}
	bpf_object__close(opened);
	return rc;
}
