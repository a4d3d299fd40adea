// SPDX-License-Identifier: GPL-2.0-or-later
/* What is said of pinned maps before anything is done to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/internal.h"

/* Of other releases, made by tests/variant. */
#define OWN "bpf/lb.bpf.o"
#define LAYOUT "older/build/bpf/lb.bpf.o"
#define LESS "less/build/bpf/lb.bpf.o"

#define OBJECT_MAX (8 << 20)
#define BPFFS "/sys/fs/bpf"

struct desk {
	char pin_dir[128];
	struct dataplane *dataplane;
	struct dataplane_map rows[DATAPLANE_MAPS_MAX];
	uint32_t count;
	struct error err;
};

static const char *built(const char *file)
{
	static char path[256];
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build";

	snprintf(path, sizeof(path), "%s/%s", build, file);
	return path;
}

static struct lbd_limits limits(void)
{
	return (struct lbd_limits){
		.services = 4,
		.backends = 16,
		.conn4_buckets = 1024,
		.conn6_buckets = 1024,
		.nat4_buckets = 64,
		.nat6_buckets = 64,
		.vip_buckets = 16,
		.sticky_buckets = 64,
		.ring_size = 251,
		.rings = 8,
		.acl_entries = 64,
		.source_buckets = 64,
	};
}

static void pins_make(struct desk *desk)
{
	const struct dataplane_options options = {
		.pin_dir = desk->pin_dir,
		.limits = limits(),
	};

	if (dataplane_open(&options, &desk->dataplane, &desk->err))
		fail_msg("%s", desk->err.text);
}

static int desk_open(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));

	assert_non_null(desk);
	snprintf(desk->pin_dir, sizeof(desk->pin_dir), BPFFS "/compare");
	pins_make(desk);
	*state = desk;
	return 0;
}

static int desk_close(void **state)
{
	struct desk *desk = *state;

	dataplane_close(desk->dataplane);
	maps_unpin(desk->pin_dir, NULL);
	free(desk);
	return 0;
}

static void *file_read(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "re");
	void *bytes = malloc(OBJECT_MAX);

	assert_non_null(file);
	*ret_size = fread(bytes, 1, OBJECT_MAX, file);
	fclose(file);
	return bytes;
}

/* As a start of the release that @object is of. */
static void compare_with(struct desk *desk, const char *object)
{
	struct lbd_limits wanted = limits();
	struct types *types;
	size_t size;
	void *bytes = file_read(built(object), &size);

	assert_int_equal(types_read(bytes, size, &types, &desk->err), 0);
	compare_pins(desk->pin_dir, &wanted, types, desk->rows);
	types_close(types);
	free(bytes);
}

/* As our own start. */
static int compare(struct desk *desk, struct lbd_limits wanted)
{
	const struct dataplane_options options = {
		.pin_dir = desk->pin_dir,
		.limits = wanted,
	};

	return dataplane_compare_pins(&options, desk->rows, &desk->count, &desk->err);
}

static void expect(const struct desk *desk, enum map_id id, enum dataplane_fate fate,
		   const char *why)
{
	const struct dataplane_map *row = &desk->rows[id];

	if (row->fate != fate || !strstr(row->why, why))
		fail_msg("%s: %s (%s), expected %s (%s)", row->name, dataplane_fate_name(row->fate),
			 row->why, dataplane_fate_name(fate), why);
}

static void expect_all(const struct desk *desk, enum dataplane_fate fate)
{
	assert_int_equal(desk->count, MAP_COUNT);
	for (int id = 0; id < MAP_COUNT; id++)
		expect(desk, (enum map_id)id, fate, "");
}

static void what_this_lbd_made_is_reused(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(compare(desk, limits()), 0);
	expect_all(desk, DATAPLANE_FATE_REUSED);
}

static void another_size_moves_the_table_and_all_that_belongs_to_it(void **state)
{
	struct lbd_limits wanted = limits();
	struct desk *desk = *state;

	wanted.conn4_buckets *= 2;
	assert_int_equal(compare(desk, wanted), 0);
	expect(desk, MAP_lbd_conn4, DATAPLANE_FATE_MIGRATED, "1024 entries, expected 2048");
	expect(desk, MAP_lbd_dirty4, DATAPLANE_FATE_MIGRATED, "16 entries, expected 32");
	expect(desk, MAP_lbd_nat4, DATAPLANE_FATE_MIGRATED, "with others of its table");
	expect(desk, MAP_lbd_services, DATAPLANE_FATE_MIGRATED, "written anew");
	expect(desk, MAP_lbd_conn6, DATAPLANE_FATE_REUSED, "");
	expect(desk, MAP_lbd_outcomes, DATAPLANE_FATE_REUSED, "");
}

static void what_may_be_forgotten_is_made_anew(void **state)
{
	struct lbd_limits wanted = limits();
	struct desk *desk = *state;

	wanted.source_buckets *= 2;
	assert_int_equal(compare(desk, wanted), 0);
	expect(desk, MAP_lbd_sources, DATAPLANE_FATE_ANEW, "64 entries, expected 128");
	expect(desk, MAP_lbd_conn4, DATAPLANE_FATE_REUSED, "");
}

static void maps_of_another_layout_are_migrated(void **state)
{
	struct desk *desk = *state;

	compare_with(desk, LAYOUT);
	expect(desk, MAP_lbd_control, DATAPLANE_FATE_MIGRATED, "another layout");
	expect(desk, MAP_lbd_services, DATAPLANE_FATE_MIGRATED, "another layout");
	expect(desk, MAP_lbd_backends, DATAPLANE_FATE_MIGRATED, "another layout");
	expect(desk, MAP_lbd_conn4, DATAPLANE_FATE_MIGRATED, "another layout");
	expect(desk, MAP_lbd_conn6, DATAPLANE_FATE_MIGRATED, "another layout");
	expect(desk, MAP_lbd_dirty6, DATAPLANE_FATE_MIGRATED, "with others of its table");
	expect(desk, MAP_lbd_be_stats, DATAPLANE_FATE_MIGRATED, "another layout");
	expect(desk, MAP_lbd_rings, DATAPLANE_FATE_MIGRATED, "written anew");
	expect(desk, MAP_lbd_outcomes, DATAPLANE_FATE_REUSED, "");
	expect(desk, MAP_lbd_generations, DATAPLANE_FATE_REUSED, "");
}

static void a_field_that_goes_is_named(void **state)
{
	struct desk *desk = *state;

	compare_with(desk, LESS);
	expect(desk, MAP_lbd_services, DATAPLANE_FATE_MIGRATED,
	       "another layout, without sticky: refused if that isn't zero in every entry");
	expect(desk, MAP_lbd_backends, DATAPLANE_FATE_MIGRATED, "written anew");
	assert_true(compare_all(desk->rows, ~FATE(REFUSED)));
}

static void unpin(const struct desk *desk, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", desk->pin_dir, name);
	assert_int_equal(unlink(path), 0);
}

static void a_map_that_is_missing_is_added_only_if_older_sets_lack_it(void **state)
{
	struct desk *desk = *state;

	unpin(desk, "lbd_xsk_slots");
	assert_int_equal(compare(desk, limits()), 0);
	expect(desk, MAP_lbd_xsk_slots, DATAPLANE_FATE_ADDED, "");
	unpin(desk, "lbd_conn6");
	assert_int_equal(compare(desk, limits()), -EPROTO);
	expect(desk, MAP_lbd_conn6, DATAPLANE_FATE_REFUSED, "No such file");
}

static void no_set_is_not_an_empty_one(void **state)
{
	struct desk *desk = *state;

	unpin(desk, "lbd_control");
	assert_int_equal(compare(desk, limits()), -ENOENT);
	assert_int_equal(desk->count, 0);
}

/* As they were made before they had any. */
static void maps_without_types_go_by_their_size(void **state)
{
	struct lbd_limits l = limits();
	struct map_shape shapes[MAP_COUNT];
	struct desk *desk = *state;

	shapes_of(&l, shapes);
	dataplane_close(desk->dataplane);
	desk->dataplane = dataplane_new(&l);
	assert_int_equal(maps_unpin(desk->pin_dir, &desk->err), 0);
	assert_int_equal(mkdir(desk->pin_dir, 0700), 0);
	snprintf(desk->dataplane->pin_dir, sizeof(desk->dataplane->pin_dir), "%s", desk->pin_dir);
	assert_int_equal(maps_each(desk->dataplane, maps_make_one, &desk->err), 0);
	assert_int_equal(compare(desk, limits()), 0);
	expect_all(desk, DATAPLANE_FATE_REUSED);
}

static int compare_object_named(struct desk *desk, const char *object)
{
	memset(&desk->err, 0, sizeof(desk->err));
	return dataplane_compare(desk->dataplane, built(object), desk->rows, &desk->count,
				 &desk->err);
}

static void an_object_of_this_layout_fits(void **state)
{
	struct desk *desk = *state;

	if (compare_object_named(desk, OWN))
		fail_msg("%s", desk->err.text);
	assert_int_equal(desk->rows[MAP_lbd_conn4].fate, DATAPLANE_FATE_REUSED);
}

static void an_object_of_another_layout_needs_its_lbd(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(compare_object_named(desk, LAYOUT), -EPROTO);
	expect(desk, MAP_lbd_backends, DATAPLANE_FATE_MIGRATED, "another layout");
	expect(desk, MAP_lbd_outcomes, DATAPLANE_FATE_REUSED, "");
	assert_non_null(strstr(desk->err.text, "map lbd_backends: another layout"));
	assert_non_null(strstr(desk->err.hint, "restart lbd"));
}

static void an_object_that_lacks_a_field_is_not_loaded(void **state)
{
	struct desk *desk = *state;
	struct model *model;
	int fd = -1;

	assert_int_equal(compare_object_named(desk, LESS), -EPROTO);
	expect(desk, MAP_lbd_services, DATAPLANE_FATE_MIGRATED, "another layout, without sticky: ");
	assert_int_equal(dataplane_adopt(desk->dataplane, &model, &desk->err), 0);
	assert_int_equal(dataplane_load(desk->dataplane, built(LESS), model, LBD_FEATURE_IPV4, &fd,
					&desk->err),
			 -EPROTO);
	assert_non_null(
		strstr(desk->err.text, "map lbd_services: another layout, without sticky: "));
	model_free(model);
}

/* Pins that nobody else sees. */
static int mount_bpffs(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", BPFFS, "bpf", 0, NULL))
		fail_msg("mount bpffs: %s", strerror(errno));
	return 0;
}

#define DESK_TEST(name) cmocka_unit_test_setup_teardown(name, desk_open, desk_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(what_this_lbd_made_is_reused),
		DESK_TEST(another_size_moves_the_table_and_all_that_belongs_to_it),
		DESK_TEST(what_may_be_forgotten_is_made_anew),
		DESK_TEST(maps_of_another_layout_are_migrated),
		DESK_TEST(a_field_that_goes_is_named),
		DESK_TEST(a_map_that_is_missing_is_added_only_if_older_sets_lack_it),
		DESK_TEST(no_set_is_not_an_empty_one),
		DESK_TEST(maps_without_types_go_by_their_size),
		DESK_TEST(an_object_of_this_layout_fits),
		DESK_TEST(an_object_of_another_layout_needs_its_lbd),
		DESK_TEST(an_object_that_lacks_a_field_is_not_loaded),
	};

	return cmocka_run_group_tests(tests, mount_bpffs, NULL);
}
