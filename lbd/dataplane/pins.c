// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A map that stands in the pin directory is in use if it is the one that this
 * daemon has open, and no program in a slot has another one of that name. What
 * stands in next/ or done/ is in use while this daemon moves packets there,
 * which shows in the maps that it has open (proc(5), fdinfo); until that is
 * over the pin directory has the maps that they move from, or half of each.
 */
#include "dataplane/pins.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/internal.h"

#define PINS_DEPTH_MAX 4

struct pins {
	const struct dataplane *dataplane;
	struct dataplane_pin *pins;
	uint32_t count, room;
	uint32_t own[MAP_COUNT];  /* ids of the maps that lbd has open */
	bool bypassed[MAP_COUNT]; /* a program in a slot uses another one */
	bool moving;
};

/* --- what is there */

static uint32_t pins_describe_map(int fd, char *what, size_t size)
{
	struct bpf_map_info info = { 0 };
	__u32 info_size = sizeof(info);
	const char *type;

	if (bpf_obj_get_info_by_fd(fd, &info, &info_size))
		return 0;
	type = libbpf_bpf_map_type_str(info.type);
	snprintf(what, size, "%s map, %u entries of %u bytes", type ? type : "unknown",
		 info.max_entries, info.value_size);
	return info.id;
}

static uint32_t pins_describe_program(int fd, char *what, size_t size)
{
	struct bpf_prog_info info = { 0 };
	__u32 info_size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &info_size))
		return 0;
	snprintf(what, size, "program %s", info.name);
	return info.id;
}

/* Of what kind an open BPF object is, only its link in /proc tells. */
static enum dataplane_pin_kind pins_kind(int fd)
{
	char link[64], target[64] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, target, sizeof(target) - 1) < 0)
		return DATAPLANE_PIN_OTHER;
	if (!strcmp(target, "anon_inode:bpf-map"))
		return DATAPLANE_PIN_MAP;
	if (!strcmp(target, "anon_inode:bpf-prog"))
		return DATAPLANE_PIN_PROGRAM;
	return strcmp(target, "anon_inode:bpf_link") ? DATAPLANE_PIN_OTHER : DATAPLANE_PIN_LINK;
}

static void pins_describe(struct dataplane_pin *pin, int fd)
{
	snprintf(pin->what, sizeof(pin->what), "not to be opened");
	if (fd < 0)
		return;
	pin->kind = pins_kind(fd);
	if (pin->kind == DATAPLANE_PIN_MAP)
		pin->id = pins_describe_map(fd, pin->what, sizeof(pin->what));
	else if (pin->kind == DATAPLANE_PIN_PROGRAM)
		pin->id = pins_describe_program(fd, pin->what, sizeof(pin->what));
	else
		snprintf(pin->what, sizeof(pin->what), "BPF object");
}

static struct dataplane_pin *pins_add(struct pins *pins, const char *path)
{
	struct dataplane_pin *pin, *grown;

	if (pins->count == pins->room) {
		pins->room = pins->room ? 2 * pins->room : 64;
		grown = realloc(pins->pins, pins->room * sizeof(*grown));
		if (!grown)
			return NULL;
		pins->pins = grown;
	}
	pin = &pins->pins[pins->count++];
	*pin = (struct dataplane_pin){ .use = DATAPLANE_PIN_STRANGE };
	snprintf(pin->path, sizeof(pin->path), "%s", path);
	return pin;
}

static int pins_add_file(struct pins *pins, const char *full, const char *path)
{
	struct dataplane_pin *pin = pins_add(pins, path);
	int fd;

	if (!pin)
		return -ENOMEM;
	fd = bpf_obj_get(full);
	pins_describe(pin, fd);
	if (fd >= 0)
		close(fd);
	return 0;
}

static int pins_walk(struct pins *pins, const char *below, int depth);

static int pins_add_directory(struct pins *pins, const char *path, int depth)
{
	const uint32_t before = pins->count;
	int rc = depth < PINS_DEPTH_MAX ? pins_walk(pins, path, depth + 1) : 0;
	struct dataplane_pin *pin;

	if (rc || pins->count > before)
		return rc == -ENOENT ? 0 : rc;
	pin = pins_add(pins, path);
	if (!pin)
		return -ENOMEM;
	pin->kind = DATAPLANE_PIN_DIRECTORY;
	snprintf(pin->what, sizeof(pin->what), "empty directory");
	return 0;
}

/* Where the set's pins are, and those of the one that it takes the place of. */
static const char *pins_directory(const struct pins *pins)
{
	const struct dataplane *dataplane = pins->dataplane;

	return *dataplane->base_dir ? dataplane->base_dir : dataplane->pin_dir;
}

static int pins_enter(struct pins *pins, const char *below, const char *name, int depth)
{
	char path[DATAPLANE_PIN_PATH_MAX], full[DATAPLANE_PIN_PATH_MAX + 130];
	struct stat status;

	snprintf(path, sizeof(path), "%.90s%s%.64s", below, *below ? "/" : "", name);
	snprintf(full, sizeof(full), "%s/%s", pins_directory(pins), path);
	if (lstat(full, &status))
		return errno == ENOENT ? 0 : -errno; /* it went meanwhile */
	return S_ISDIR(status.st_mode) ? pins_add_directory(pins, path, depth)
				       : pins_add_file(pins, full, path);
}

static int pins_walk(struct pins *pins, const char *below, int depth)
{
	char full[DATAPLANE_PIN_PATH_MAX + 130];
	struct dirent *entry;
	DIR *directory;
	int rc = 0;

	snprintf(full, sizeof(full), "%s/%s", pins_directory(pins), below);
	directory = opendir(full);
	if (!directory)
		return -errno;
	while (!rc && (entry = readdir(directory)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			rc = pins_enter(pins, below, entry->d_name, depth);
	closedir(directory);
	return rc;
}

/* --- what uses it */

/* MAP_COUNT: no map of ours is called so. */
static enum map_id pins_map(const char *name)
{
	int id = 0;

	while (id < MAP_COUNT && strcmp(maps_name((enum map_id)id), name))
		id++;
	return (enum map_id)id;
}

static void pins_read_own(struct pins *pins)
{
	char what[96];

	for (int id = 0; id < MAP_COUNT; id++)
		pins->own[id] = pins_describe_map(pins->dataplane->fd[id], what, sizeof(what));
}

static void pins_check_map(struct pins *pins, __u32 id)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	enum map_id map;
	int fd;

	for (int own = 0; own < MAP_COUNT; own++)
		if (pins->own[own] == id)
			return;
	fd = bpf_map_get_fd_by_id(id);
	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size)) {
		map = pins_map(info.name);
		if (map != MAP_COUNT)
			pins->bypassed[map] = true;
	}
	close(fd);
}

static void pins_check_program(struct pins *pins, __u32 id)
{
	__u32 maps[MAP_COUNT + 8], size = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = { .map_ids = (__u64)(uintptr_t)maps,
				      .nr_map_ids = MAP_COUNT + 8 };
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size))
		for (__u32 i = 0; i < info.nr_map_ids && i < MAP_COUNT + 8; i++)
			pins_check_map(pins, maps[i]);
	close(fd);
}

/* Stages stay in a bank until it is taken again, and are of one object with what is in a slot. */
static void pins_check_programs(struct pins *pins)
{
	struct map_shape shapes[MAP_COUNT];
	__u32 program;

	shapes_of(&pins->dataplane->limits, shapes);
	shapes[MAP_lbd_generations].entries = LBD_GENERATION_SLOTS;
	for (int id = 0; id < MAP_COUNT; id++)
		for (__u32 slot = 0;
		     shapes[id].type == BPF_MAP_TYPE_PROG_ARRAY && slot < shapes[id].entries;
		     slot++)
			if (!bpf_map_lookup_elem(pins->dataplane->fd[id], &slot, &program))
				pins_check_program(pins, program);
}

static int pins_compare_ids(const void *a, const void *b)
{
	const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

#define PINS_HELD_MAX 512

/* The ids of the maps that this process has open, sorted. */
static uint32_t pins_held(uint32_t *held)
{
	DIR *directory = opendir("/proc/self/fdinfo");
	char path[64], line[128];
	struct dirent *entry;
	uint32_t count = 0;
	FILE *file;

	while (directory && (entry = readdir(directory))) {
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%.20s", entry->d_name);
		file = fopen(path, "re");
		while (file && count < PINS_HELD_MAX && fgets(line, sizeof(line), file))
			count += sscanf(line, "map_id: %u", &held[count]) == 1;
		if (file)
			fclose(file);
	}
	if (directory)
		closedir(directory);
	qsort(held, count, sizeof(*held), pins_compare_ids);
	return count;
}

/* The name in next/ or done/; NULL: the pin isn't in one of those. */
static const char *pins_aside(const struct dataplane_pin *pin)
{
	if (strncmp(pin->path, "next", 4) && strncmp(pin->path, "done", 4))
		return NULL;
	return !pin->path[4] ? "" : pin->path[4] == '/' ? pin->path + 5 : NULL;
}

static bool pins_is_held(const struct dataplane_pin *pin, const uint32_t *held, uint32_t count)
{
	return pin->kind == DATAPLANE_PIN_MAP &&
	       bsearch(&pin->id, held, count, sizeof(*held), pins_compare_ids);
}

/* Does this daemon fill, or have packets use, maps that aren't in their place yet? */
static void pins_find_moving(struct pins *pins)
{
	uint32_t held[PINS_HELD_MAX], count = 0;
	bool aside = false;

	for (uint32_t i = 0; i < pins->count; i++)
		aside |= !!pins_aside(&pins->pins[i]);
	if (aside)
		count = pins_held(held);
	for (uint32_t i = 0; i < pins->count; i++)
		pins->moving |=
			pins_aside(&pins->pins[i]) && pins_is_held(&pins->pins[i], held, count);
}

static enum dataplane_pin_use pins_judge(const struct pins *pins, const struct dataplane_pin *pin)
{
	const char *aside = pins_aside(pin);
	enum map_id map = pins_map(aside ? aside : pin->path);

	if (aside)
		return pins->moving ? DATAPLANE_PIN_MIGRATES : DATAPLANE_PIN_LEFT;
	if (map == MAP_COUNT || pin->kind != DATAPLANE_PIN_MAP)
		return DATAPLANE_PIN_STRANGE;
	if (pins->moving)
		return DATAPLANE_PIN_MIGRATES;
	if (pin->id != pins->own[map])
		return DATAPLANE_PIN_REPLACED;
	return pins->bypassed[map] ? DATAPLANE_PIN_BYPASSED : DATAPLANE_PIN_SERVES;
}

static int pins_compare(const void *a, const void *b)
{
	const struct dataplane_pin *left = a, *right = b;

	return strcmp(left->path, right->path);
}

int dataplane_pins(const struct dataplane *dataplane, struct dataplane_pin **ret,
		   uint32_t *ret_count)
{
	struct pins pins = { .dataplane = dataplane };
	int rc = pins_walk(&pins, "", 0);

	if (rc) {
		free(pins.pins);
		return rc;
	}
	pins_read_own(&pins);
	pins_check_programs(&pins);
	pins_find_moving(&pins);
	for (uint32_t i = 0; i < pins.count; i++)
		pins.pins[i].use = pins_judge(&pins, &pins.pins[i]);
	if (pins.count)
		qsort(pins.pins, pins.count, sizeof(*pins.pins), pins_compare);
	*ret = pins.pins;
	*ret_count = pins.count;
	return 0;
}
