// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The pins of a next set, and what a killed daemon leaves of them.
 *
 *   PINS/next/MAP          being filled
 *   PINS/next/generation   the program that is about to run over them, or does
 *   PINS/done/MAP          filled to the last entry: only to be renamed to PINS/MAP
 *
 *   killed with           at the next start
 *   --------------------  --------------------------------------------------
 *   next, not running     removed
 *   next, running         last pass and proof once more, then as done
 *   done                  renamed
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "dataplane/next_internal.h"

#define NEXT_DIR_MAX 128
#define NEXT_PATH_MAX 256
#define NEXT_PROGRAM "generation"

void next_dir(const char *pin_dir, char *ret, size_t size)
{
	snprintf(ret, size, "%.100s/next", pin_dir);
}

static void next_done_dir(const char *pin_dir, char *ret, size_t size)
{
	snprintf(ret, size, "%.100s/done", pin_dir);
}

int next_pin_program(const struct next *next, int prog_fd, struct error *err)
{
	char path[NEXT_PATH_MAX];

	snprintf(path, sizeof(path), "%s/" NEXT_PROGRAM, next->to->pin_dir);
	next_step(next, "pin");
	return bpf_obj_pin(prog_fd, path) ? error_errno(err, -errno, "pin %s", path) : 0;
}

static int next_unlink(const char *dir, const char *name, struct error *err)
{
	char path[NEXT_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (unlink(path) && errno != ENOENT)
		return error_errno(err, -errno, "remove %s", path);
	return 0;
}

static int next_remove_dir(const char *dir, struct error *err)
{
	int rc;

	if (access(dir, F_OK))
		return 0;
	rc = next_unlink(dir, NEXT_PROGRAM, err);
	return rc ? rc : maps_unpin(dir, err);
}

bool next_is_there(const char *pin_dir)
{
	char next[NEXT_DIR_MAX], done[NEXT_DIR_MAX];

	next_dir(pin_dir, next, sizeof(next));
	next_done_dir(pin_dir, done, sizeof(done));
	return !access(next, F_OK) || !access(done, F_OK);
}

int next_remove(const char *pin_dir, struct error *err)
{
	char next[NEXT_DIR_MAX], done[NEXT_DIR_MAX];
	int rc;

	next_dir(pin_dir, next, sizeof(next));
	next_done_dir(pin_dir, done, sizeof(done));
	rc = next_remove_dir(next, err);
	return rc ? rc : next_remove_dir(done, err);
}

/* --- the new set's pins become the set's */

static int next_rename(const char *dir, const char *pin_dir, enum map_id id, struct error *err)
{
	char from[NEXT_PATH_MAX], to[NEXT_PATH_MAX];

	snprintf(from, sizeof(from), "%s/%s", dir, maps_name(id));
	snprintf(to, sizeof(to), "%s/%s", pin_dir, maps_name(id));
	if (rename(from, to) && errno != ENOENT)
		return error_errno(err, -errno, "rename %s", from);
	return 0;
}

/* Nothing is missing at any moment: who looks finds the old map or the new one. */
static int next_rename_all(const struct next *next, const char *pin_dir, struct error *err)
{
	char done[NEXT_DIR_MAX];
	int rc = 0;

	next_done_dir(pin_dir, done, sizeof(done));
	for (int id = 0; id < MAP_COUNT && !rc; id++) {
		if (next)
			next_step(next, maps_name((enum map_id)id));
		rc = next_rename(done, pin_dir, (enum map_id)id, err);
	}
	return rc ? rc : next_remove_dir(done, err);
}

static int next_declare_done(const char *pin_dir, struct error *err)
{
	char next[NEXT_DIR_MAX], done[NEXT_DIR_MAX];

	next_dir(pin_dir, next, sizeof(next));
	next_done_dir(pin_dir, done, sizeof(done));
	return rename(next, done) ? error_errno(err, -errno, "rename %s", next) : 0;
}

int next_promote(struct next *next, struct error *err)
{
	struct dataplane *from = next->from, *to = next->to;
	int rc = 0;

	next_step(next, "promote");
	if (*from->pin_dir)
		rc = next_declare_done(from->pin_dir, err);
	if (!rc && *from->pin_dir)
		rc = next_rename_all(next, from->pin_dir, err);
	memcpy(to->pin_dir, from->pin_dir, sizeof(to->pin_dir));
	*to->base_dir = '\0';
	to->older = NULL;
	memset(to->shared, 0, sizeof(to->shared));
	from->types = NULL;
	next->promoted = true;
	return rc;
}

/* --- after a kill */

static uint32_t next_program_id(int fd)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return 0;
	return info.id;
}

/* Does the program that was pinned beside the new maps run? */
static bool next_is_running(const char *pin_dir)
{
	char path[NEXT_PATH_MAX];
	__u32 slot = LBD_GENERATION_RUNNING, running = 0, id;
	int program, generations;

	snprintf(path, sizeof(path), "%s/next/" NEXT_PROGRAM, pin_dir);
	program = bpf_obj_get(path);
	snprintf(path, sizeof(path), "%s/lbd_generations", pin_dir);
	generations = bpf_obj_get(path);
	id = next_program_id(program);
	if (generations >= 0 && bpf_map_lookup_elem(generations, &slot, &running))
		running = 0;
	if (program >= 0)
		close(program);
	if (generations >= 0)
		close(generations);
	return id && id == running;
}

static int next_open_set(struct dataplane **ret, const char *pin_dir, const char *base_dir,
			 struct types *types, struct error *err)
{
	struct dataplane *set = dataplane_new(NULL);
	int rc;

	if (!set)
		return error_set(err, -ENOMEM, "out of memory");
	*ret = set;
	set->types = types; /* lent */
	snprintf(set->pin_dir, sizeof(set->pin_dir), "%s", pin_dir);
	snprintf(set->base_dir, sizeof(set->base_dir), "%s", base_dir);
	rc = maps_adopt_found(set, err);
	if (!rc)
		rc = clock_calibrate(set, err);
	if (rc)
		return rc;
	dataplane_point_tables(set);
	return 0;
}

/* Both sets as the killed one left them, and the claims that it left in the new one. */
static int next_reopen(struct next *next, const char *pin_dir, struct types *types,
		       struct error *err)
{
	char dir[NEXT_DIR_MAX];
	int rc;

	next_dir(pin_dir, dir, sizeof(dir));
	rc = next_open_set(&next->from, pin_dir, "", types, err);
	if (!rc)
		rc = next_open_set(&next->to, dir, pin_dir, types, err);
	if (rc)
		return rc;
	generation_follow(next->to);
	tables_sweep(&next->to->tables);
	return next_open_tables(next, false, err);
}

/* Its types are lent. */
static void next_close_set(struct dataplane *set)
{
	if (set)
		set->types = NULL;
	dataplane_close(set);
}

bool next_has_swapped(const struct dataplane *from)
{
	return next_is_running(from->pin_dir);
}

bool next_is_for_others(const struct dataplane *from)
{
	struct dataplane *set = NULL;
	char dir[NEXT_DIR_MAX];
	struct error err;
	int rc;

	if (!next_has_swapped(from))
		return false;
	next_dir(from->pin_dir, dir, sizeof(dir));
	rc = next_open_set(&set, dir, from->pin_dir, from->types, &err);
	next_close_set(set);
	return rc != 0;
}

static int next_resume(const char *pin_dir, struct types *types, struct error *err)
{
	struct next next = { .swapped = true };
	int rc;

	rc = next_reopen(&next, pin_dir, types, err);
	if (!rc) {
		next_finish(&next);
		next_prove(&next);
		log_info("the copy of the maps that was cut short after its swap is complete");
	}
	for (int table = 0; table < NEXT_TABLES; table++)
		carry_close(&next.tables[table]);
	next_close_set(next.to);
	next_close_set(next.from);
	return rc;
}

int next_recover(const char *pin_dir, struct types *types, struct error *err)
{
	char next[NEXT_DIR_MAX], done[NEXT_DIR_MAX];
	int rc = 0;

	next_dir(pin_dir, next, sizeof(next));
	next_done_dir(pin_dir, done, sizeof(done));
	if (!access(next, F_OK) && next_is_running(pin_dir)) {
		rc = next_resume(pin_dir, types, err);
		if (!rc)
			rc = next_declare_done(pin_dir, err);
	} else if (!access(next, F_OK)) {
		log_info("a copy of the maps that was cut short before its swap is removed");
		rc = next_remove_dir(next, err);
	}
	if (!rc && !access(done, F_OK))
		rc = next_rename_all(NULL, pin_dir, err);
	return rc;
}
