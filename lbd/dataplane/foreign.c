// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Maps of a set whose values have another layout than ours: another release
 * made them. Such a set is but read, to be moved to one of our own (next.h):
 *
 *   what the model is read back from   a copy in our layout, made when it is opened
 *   tables, places and counters        as they are, converted one by one by who moves them
 *   what is written anew or forgotten  not read at all
 */
#include "dataplane/foreign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dataplane/internal.h"

static size_t foreign_pages(size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

void foreign_close(struct foreign *foreign)
{
	if (!foreign)
		return;
	if (foreign->memory)
		munmap(foreign->memory, foreign->size);
	layout_plan_free(foreign->plan);
	free(foreign);
}

/* *ret is NULL where both layouts are the same. -ENOENT: one says nothing of its types. */
static int foreign_plan(const struct dataplane *dataplane, enum map_id id, struct layout_plan **ret,
			struct error *err)
{
	struct layout *old = NULL, *new = NULL;
	int rc;

	*ret = NULL;
	rc = layout_of_map(dataplane->fd[id], &old);
	if (!rc)
		rc = types_layout(dataplane->types, maps_name(id), &new);
	if (rc && rc != -ENOENT)
		error_errno(err, rc, "types of %s", maps_name(id));
	if (!rc)
		rc = layout_plan(old, new, ret, err);
	if (!rc && layout_plan_same(*ret)) {
		layout_plan_free(*ret);
		*ret = NULL;
	}
	layout_free(old);
	layout_free(new);
	return rc;
}

/* Is anything taken from it? */
static bool foreign_matters(const struct map_shape *shape)
{
	return shape->move != MOVE_ANEW && (shape->move != MOVE_COMMIT || shape->adopted);
}

/* Takes @plan over. */
static int foreign_add(struct dataplane *dataplane, enum map_id id, struct layout_plan *plan,
		       const struct bpf_map_info *info, struct error *err)
{
	struct foreign *foreign = NULL;
	int rc = 0;

	if (*dataplane->base_dir)
		rc = error_set(err, -EPROTO,
			       "%s: another release was killed while it moved the maps; start that "
			       "one, to bring it to an end",
			       dataplane->pin_dir);
	else
		foreign = calloc(1, sizeof(*foreign));
	if (!foreign) {
		layout_plan_free(plan);
		return rc ? rc : error_set(err, -ENOMEM, "out of memory");
	}
	foreign->plan = plan;
	foreign->value_size = info->value_size;
	foreign->stride = (info->value_size + 7) / 8 * 8;
	dataplane->foreign[id] = foreign;
	return 0;
}

/* But for the size of a value, is it such a map? */
static bool foreign_fits(const struct map_shape *shape, const struct bpf_map_info *info)
{
	return info->type == shape->type && info->key_size == shape->key_size &&
	       info->max_entries == shape->entries && info->map_flags == shape->flags &&
	       shape->move != MOVE_SHARED;
}

int foreign_open(struct dataplane *dataplane, enum map_id id, const struct map_shape *shape,
		 const struct bpf_map_info *info, int differs, struct error *err)
{
	struct layout_plan *plan;
	struct error why = { 0 };
	int rc;

	rc = foreign_plan(dataplane, id, &plan, &why);
	if (!differs && !plan && (!rc || rc == -ENOENT))
		return 0;
	if (!foreign_matters(shape) || (plan && foreign_fits(shape, info)))
		return foreign_add(dataplane, id, plan, info, err);
	layout_plan_free(plan);
	if (differs)
		return differs;
	return rc ? error_set(err, rc, "%s", why.text)
		  : error_set(err, -EPROTO, "%s: another layout", shape->name);
}

/* --- what is read */

int foreign_convert_value(const struct foreign *foreign, const void *from, uint32_t index, void *to,
			  struct error *err)
{
	struct error why = { 0 };
	int rc = layout_convert(foreign->plan, from, to, &why);

	return rc ? error_set(err, rc, "%s (entry %u)", why.text, index) : 0;
}

int foreign_convert(const struct foreign *foreign, uint32_t index, void *to, struct error *err)
{
	return foreign_convert_value(foreign, foreign->memory + (size_t)index * foreign->stride,
				     index, to, err);
}

/* What isn't in force may be left from long ago, and is read by nobody. */
static int foreign_copy_half(const struct dataplane *dataplane, enum map_id id,
			     const struct map_shape *shape, struct error *err)
{
	const struct lbd_control *control = dataplane->memory[MAP_CONTROL];
	const struct foreign *foreign = dataplane->foreign[id];
	const bool halves = id != MAP_CONTROL;
	const uint32_t count = halves ? shape->entries / 2 : shape->entries;
	const uint32_t first = halves ? (control->active & 1) * count : 0;
	uint8_t *to = dataplane->memory[id];
	int rc = 0;

	for (uint32_t i = 0; i < count && !rc; i++)
		rc = foreign_convert_value(foreign,
					   foreign->memory + (size_t)(first + i) * foreign->stride,
					   i, to + (size_t)(first + i) * shape->value_size, err);
	return rc;
}

static int foreign_copy(struct dataplane *dataplane, enum map_id id, const struct map_shape *shape,
			struct error *err)
{
	const size_t size = foreign_pages((size_t)shape->value_size * shape->entries);
	void *memory;

	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return error_errno(err, -errno, "memory for what %s has", shape->name);
	dataplane->memory[id] = memory;
	dataplane->size[id] = size;
	return foreign_copy_half(dataplane, id, shape, err);
}

int foreign_map_memory(struct dataplane *dataplane, enum map_id id, const struct map_shape *shape,
		       struct error *err)
{
	struct foreign *foreign = dataplane->foreign[id];
	const size_t size = foreign_pages((size_t)foreign->stride * shape->entries);
	void *memory;

	if (!foreign->plan || !(shape->flags & BPF_F_MMAPABLE))
		return 0;
	memory = mmap(NULL, size, PROT_READ, MAP_SHARED, dataplane->fd[id], 0);
	if (memory == MAP_FAILED)
		return error_errno(err, -errno, "map %s, %zu bytes, into memory", shape->name,
				   size);
	foreign->memory = memory;
	foreign->size = size;
	return shape->adopted ? foreign_copy(dataplane, id, shape, err) : 0;
}

bool dataplane_is_foreign(const struct dataplane *dataplane)
{
	for (int id = 0; id < MAP_COUNT; id++)
		if (dataplane->foreign[id])
			return true;
	return false;
}

/* --- buckets, for carry */

/* One thread at a time converts. What was there may be another entry by now: then it has no words. */
static void foreign_lose(struct foreign *foreign, const void *from, void *scratch)
{
	const size_t at = (size_t)((const uint8_t *)from - foreign->memory);

	if (!foreign->lost)
		foreign_convert_value(foreign, from, (uint32_t)(at / foreign->stride), scratch,
				      &foreign->why);
	__atomic_fetch_add(&foreign->lost, 1, __ATOMIC_RELAXED);
}

void foreign_line(void *context, const void *from, struct lbd_bucket6 *to)
{
	struct foreign *foreign = context;

	if (!layout_convert(foreign->plan, from, &to->line, NULL))
		return;
	foreign_lose(foreign, from, &to->line);
	memset(to, 0, sizeof(*to));
}

void foreign_both(void *context, const void *from, struct lbd_bucket6 *to)
{
	struct foreign *foreign = context;

	if (!layout_convert(foreign->plan, from, to, NULL))
		return;
	foreign_lose(foreign, from, to);
	memset(to, 0, sizeof(*to));
}

int foreign_lost(const struct dataplane *dataplane, struct error *err)
{
	for (int id = 0; id < MAP_COUNT; id++) {
		const struct foreign *foreign = dataplane->foreign[id];

		if (!foreign || !__atomic_load_n(&foreign->lost, __ATOMIC_RELAXED))
			continue;
		if (*foreign->why.text)
			return error_set(err, -ERANGE, "%s", foreign->why.text);
		return error_set(err, -ERANGE,
				 "%s: this lbd's layout has no room for what entries hold",
				 maps_name((enum map_id)id));
	}
	return 0;
}
