// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The pinned maps. They are made in one go and declared complete last, so a
 * killed start leaves something that the next one recognises and makes again;
 * complete maps are adopted only if each is exactly what this build expects.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"
#include "dataplane/foreign.h"
#include "dataplane/internal.h"

const char *maps_name(enum map_id id)
{
	static const char *const names[MAP_COUNT] = {
#define X(name) #name,
		LBD_MAPS(X)
#undef X
	};

	return names[id];
}

static void maps_path(const struct dataplane *dataplane, const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%s", dataplane->pin_dir, name);
}

int maps_make_one(struct dataplane *dataplane, enum map_id id, const struct map_shape *shape,
		  struct error *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = shape->flags);
	char path[256];
	int fd;

	types_give(dataplane->types, shape, &options);
	fd = bpf_map_create(shape->type, shape->name, shape->key_size, shape->value_size,
			    shape->entries, &options);
	if (fd < 0)
		return error_errno(err, fd, "map %s of %u entries of %u bytes", shape->name,
				   shape->entries, shape->value_size);
	dataplane->fd[id] = fd;
	if (!*dataplane->pin_dir)
		return 0;
	maps_path(dataplane, shape->name, path, sizeof(path));
	if (bpf_obj_pin(fd, path))
		return error_errno(err, -errno, "pin %s", path);
	return 0;
}

static int maps_compare(const struct map_shape *shape, const struct bpf_map_info *info,
			const char *path, struct error *err)
{
	/* The kernel adds this one to a devmap by itself. */
	const uint32_t flags = info->map_flags & ~(uint32_t)BPF_F_RDONLY_PROG;

	if (info->type != shape->type || info->key_size != shape->key_size ||
	    info->value_size != shape->value_size || flags != shape->flags)
		return error_set(err, -EPROTO,
				 "%s: type %u, key %u, value %u bytes, flags %#x; expected "
				 "type %u, key %u, value %u bytes, flags %#x",
				 path, info->type, info->key_size, info->value_size,
				 info->map_flags, shape->type, shape->key_size, shape->value_size,
				 shape->flags);
	if (info->max_entries != shape->entries)
		return error_set(err, -EPROTO, "%s: %u entries, expected %u", path,
				 info->max_entries, shape->entries);
	return 0;
}

static int maps_open_one(struct dataplane *dataplane, enum map_id id, const struct map_shape *shape,
			 struct error *err)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	char path[256];
	int rc;

	maps_path(dataplane, shape->name, path, sizeof(path));
	dataplane->fd[id] = bpf_obj_get(path);
	if (dataplane->fd[id] < 0 && errno == ENOENT && *dataplane->base_dir) {
		snprintf(path, sizeof(path), "%s/%s", dataplane->base_dir, shape->name);
		dataplane->fd[id] = bpf_obj_get(path);
		dataplane->shared[id] = true;
	}
	if (dataplane->fd[id] < 0 && errno == ENOENT && shape->later)
		return maps_make_one(dataplane, id, shape, err);
	if (dataplane->fd[id] < 0)
		return error_errno(err, -errno, "open %s", path);
	if (bpf_obj_get_info_by_fd(dataplane->fd[id], &info, &size))
		return error_errno(err, -errno, "query %s", path);
	rc = maps_compare(shape, &info, path, err);
	return foreign_open(dataplane, id, shape, &info, rc, err);
}

int maps_map_memory(struct dataplane *dataplane, enum map_id id, const struct map_shape *shape,
		    struct error *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = (size_t)shape->value_size * shape->entries;
	void *memory;

	if (dataplane->foreign[id])
		return foreign_map_memory(dataplane, id, shape, err);
	if (!(shape->flags & BPF_F_MMAPABLE))
		return 0;
	size = (size + page - 1) / page * page;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, dataplane->fd[id], 0);
	if (memory == MAP_FAILED)
		return error_errno(err, -errno, "map %s, %zu bytes, into memory", shape->name,
				   size);
	dataplane->memory[id] = memory;
	dataplane->size[id] = size;
	return 0;
}

int maps_each(struct dataplane *dataplane, maps_step step, struct error *err)
{
	struct map_shape shapes[MAP_COUNT];
	int rc = 0;

	shapes_of(&dataplane->limits, shapes);
	for (int id = 0; id < MAP_COUNT && !rc; id++)
		rc = step(dataplane, (enum map_id)id, &shapes[id], err);
	return rc;
}

/* Is there a control map that says the set is complete? */
static int maps_find(struct dataplane *dataplane, struct lbd_control *ret, struct error *err)
{
	char path[256];
	int fd, rc;

	maps_path(dataplane, maps_name(MAP_CONTROL), path, sizeof(path));
	fd = bpf_obj_get(path);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT : error_errno(err, -errno, "open %s", path);
	rc = control_read(fd, dataplane->types, ret, err);
	if (rc)
		error_prefix(err, rc, "%s", dataplane->pin_dir);
	else if (!ret->complete)
		rc = -ENOENT;
	close(fd);
	return rc;
}

/* What can't become ours in any way is refused before anything is touched, all at once. */
static int maps_compare_set(const struct dataplane *dataplane, struct error *err)
{
	struct dataplane_map rows[MAP_COUNT];

	compare_pins(dataplane->pin_dir, &dataplane->limits, dataplane->types, rows);
	if (compare_all(rows, ~FATE(REFUSED)))
		return 0;
	return compare_refuse(rows, dataplane->pin_dir, FATE(REFUSED), err);
}

static int maps_prove(struct dataplane *dataplane, const struct lbd_control *control,
		      struct error *err)
{
	int rc;

	if (control->abi != LBD_MAPS_ABI)
		return error_set(err, -EPROTO, "%s: pinned maps have ABI %u, this lbd has %d",
				 dataplane->pin_dir, control->abi, LBD_MAPS_ABI);
	dataplane->limits = control->limits;
	rc = *dataplane->base_dir ? 0 : maps_compare_set(dataplane, err);
	return rc ? rc : maps_each(dataplane, maps_open_one, err);
}

static int maps_adopt(struct dataplane *dataplane, const struct lbd_control *control,
		      struct error *err)
{
	int rc;

	rc = maps_prove(dataplane, control, err);
	if (!rc)
		rc = maps_each(dataplane, maps_map_memory, err);
	if (rc)
		return rc;
	dataplane->control = dataplane->memory[MAP_CONTROL];
	dataplane->adopted = true;
	return 0;
}

static int maps_make(struct dataplane *dataplane, struct error *err)
{
	int rc;

	rc = maps_each(dataplane, maps_make_one, err);
	if (!rc)
		rc = maps_each(dataplane, maps_map_memory, err);
	if (rc)
		return rc;
	dataplane->control = dataplane->memory[MAP_CONTROL];
	dataplane->control->abi = LBD_MAPS_ABI;
	dataplane->control->size = sizeof(struct lbd_control);
	dataplane->control->limits = dataplane->limits;
	rc = secret_random(&dataplane->control->conn_secret);
	if (rc)
		return error_errno(err, rc, "read a secret of the kernel's random source");
	__atomic_store_n(&dataplane->control->complete, 1, __ATOMIC_RELEASE);
	return 0;
}

static int maps_make_anew(struct dataplane *dataplane, struct error *err)
{
	int rc = maps_unpin(dataplane->pin_dir, err);

	if (rc)
		return rc;
	if (mkdir(dataplane->pin_dir, 0700) && errno != EEXIST)
		return error_errno(err, -errno, "make directory %s", dataplane->pin_dir);
	return maps_make(dataplane, err);
}

static void maps_hint(int rc, struct error *err)
{
	if (rc == -EPROTO || rc == -ENOENT)
		error_hint(err, "install the lbd that made them, or start empty: lbd --detach");
}

int maps_open(struct dataplane *dataplane, struct error *err)
{
	struct lbd_control control;
	int rc;

	if (!*dataplane->pin_dir)
		return maps_make(dataplane, err);
	rc = maps_find(dataplane, &control, err);
	if (rc == -ENOENT)
		return maps_make_anew(dataplane, err);
	if (!rc)
		rc = maps_adopt(dataplane, &control, err);
	maps_hint(rc, err);
	return rc;
}

int maps_adopt_found(struct dataplane *dataplane, struct error *err)
{
	struct lbd_control control;
	int rc = maps_find(dataplane, &control, err);

	if (rc == -ENOENT)
		return error_set(err, rc, "%s: there is no complete set of maps",
				 dataplane->pin_dir);
	if (!rc)
		rc = maps_adopt(dataplane, &control, err);
	maps_hint(rc, err);
	return rc;
}

static uint32_t maps_id(int fd)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);

	return fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

bool maps_are_pinned(const struct dataplane *dataplane)
{
	char path[256];
	uint32_t id;
	int fd;

	maps_path(dataplane, maps_name(MAP_CONTROL), path, sizeof(path));
	fd = bpf_obj_get(path);
	id = maps_id(fd);
	if (fd >= 0)
		close(fd);
	return id && id == maps_id(dataplane->fd[MAP_CONTROL]);
}

int maps_compare_with(const struct dataplane *dataplane, enum map_id id,
		      const struct map_shape *shape, struct error *err)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);

	if (dataplane->foreign[id])
		return error_set(err, -EPROTO, "%s: another layout", shape->name);
	if (bpf_obj_get_info_by_fd(dataplane->fd[id], &info, &size))
		return error_errno(err, -errno, "query %s", shape->name);
	return maps_compare(shape, &info, shape->name, err);
}

void maps_close(struct dataplane *dataplane)
{
	for (int id = 0; id < MAP_COUNT; id++) {
		if (dataplane->memory[id])
			munmap(dataplane->memory[id], dataplane->size[id]);
		if (dataplane->fd[id] >= 0)
			close(dataplane->fd[id]);
		foreign_close(dataplane->foreign[id]);
	}
}

int maps_unpin(const char *pin_dir, struct error *err)
{
	char path[256];
	int rc;

	for (int id = 0; id < MAP_COUNT; id++) {
		snprintf(path, sizeof(path), "%s/%s", pin_dir, maps_name((enum map_id)id));
		if (unlink(path) && errno != ENOENT)
			return error_errno(err, -errno, "remove %s", path);
	}
	if (!rmdir(pin_dir) || errno == ENOENT)
		return 0;
	rc = error_errno(err, -errno, "remove %s", pin_dir);
	if (rc == -ENOTEMPTY)
		error_hint(err, "what is left in it isn't lbd's: look, and remove it");
	return rc;
}

int maps_reuse(const struct dataplane *dataplane, struct bpf_object *object, struct error *err)
{
	struct bpf_map *map;
	int rc;

	for (int id = 0; id < MAP_COUNT; id++) {
		map = bpf_object__find_map_by_name(object, maps_name((enum map_id)id));
		if (!map)
			continue;
		rc = bpf_map__reuse_fd(map, dataplane->fd[id]);
		if (rc)
			return error_errno(err, rc, "reuse map %s", maps_name((enum map_id)id));
	}
	return 0;
}
