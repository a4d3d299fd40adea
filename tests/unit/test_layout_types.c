// SPDX-License-Identifier: GPL-2.0-or-later
/* Layouts of types that no compiler wrote, and of those that grow. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <bpf/btf.h>
#include <cmocka.h>

#include "dataplane/layout.h"

static int read_types(struct btf *btf, uint32_t value, uint32_t size)
{
	const uint32_t key = (uint32_t)btf__add_int(btf, "key", 4, 0);
	const struct layout_types types = { "hostile", key, value, 4, size };
	struct layout *layout = NULL;
	int rc = layout_of_types(btf, &types, &layout);

	layout_free(layout);
	return rc;
}

static struct btf *types_new(uint32_t *ret_u32)
{
	struct btf *btf = btf__new_empty();

	assert_non_null(btf);
	*ret_u32 = (uint32_t)btf__add_int(btf, "__u32", 4, 0);
	return btf;
}

static uint32_t add_struct(struct btf *btf, uint32_t size)
{
	return (uint32_t)btf__add_struct(btf, "s", size);
}

static void add_field(struct btf *btf, const char *name, uint32_t type, uint32_t bit, uint32_t bits)
{
	assert_int_equal(btf__add_field(btf, name, (int)type, bit, bits), 0);
}

static void a_field_beyond_the_end_is_refused(void **state)
{
	uint32_t u32, id;
	struct btf *btf = types_new(&u32);

	(void)state;
	id = add_struct(btf, 8);
	add_field(btf, "a", u32, 0, 0);
	add_field(btf, "b", u32, 40, 0);
	assert_int_equal(read_types(btf, id, 8), -EBADMSG);
	btf__free(btf);
}

static void a_bit_field_wider_than_its_type_is_refused(void **state)
{
	uint32_t u32, id;
	struct btf *btf = types_new(&u32);

	(void)state;
	id = add_struct(btf, 64);
	add_field(btf, "a", u32, 0, 33);
	assert_int_equal(read_types(btf, id, 64), -EBADMSG);
	btf__free(btf);
}

static void a_size_that_is_not_the_types_is_refused(void **state)
{
	uint32_t u32, id;
	struct btf *btf = types_new(&u32);

	(void)state;
	id = add_struct(btf, 4);
	add_field(btf, "a", u32, 0, 0);
	assert_int_equal(read_types(btf, id, 4), 0);
	assert_int_equal(read_types(btf, id, 8), -EBADMSG);
	assert_int_equal(read_types(btf, id + 100, 4), -EBADMSG);
	assert_int_equal(read_types(btf, 0, 0), -EBADMSG);
	btf__free(btf);
}

/* Each level holds the next twice, and the last the first again. */
static void types_that_contain_themselves_are_refused(void **state)
{
	uint32_t u32, first;
	struct btf *btf = types_new(&u32);

	(void)state;
	first = u32 + 1;
	for (uint32_t i = 0; i < 20; i++) {
		uint32_t id = add_struct(btf, 4096);

		for (uint32_t j = 0; j < 20; j++)
			add_field(btf, "a", i == 19 ? first : id + 1, 0, 0);
	}
	assert_int_equal(read_types(btf, first, 4096), -EBADMSG);
	btf__free(btf);
}

static void a_typedef_of_itself_is_refused(void **state)
{
	uint32_t u32, id;
	struct btf *btf = types_new(&u32);

	(void)state;
	id = (uint32_t)btf__add_typedef(btf, "lbd_loop", (int)u32 + 1);
	assert_int_equal(read_types(btf, id, 4), -EBADMSG);
	btf__free(btf);
}

static void arrays_of_very_many_are_refused(void **state)
{
	uint32_t u32, empty, nothing, many, id;
	struct btf *btf = types_new(&u32);

	(void)state;
	empty = add_struct(btf, 0);
	nothing = (uint32_t)btf__add_array(btf, (int)u32, (int)empty, 0xffffffff);
	many = (uint32_t)btf__add_array(btf, (int)u32, (int)u32, 0x3fffffff);
	id = add_struct(btf, 4);
	add_field(btf, "a", nothing, 0, 0);
	assert_int_equal(read_types(btf, id, 4), -EBADMSG);
	assert_int_equal(read_types(btf, many, 0xfffffffc), -EBADMSG);
	id = add_struct(btf, 4);
	add_field(btf, "a", many, 0, 0);
	assert_int_equal(read_types(btf, id, 4), -EBADMSG);
	btf__free(btf);
}

static void what_no_map_of_lbd_holds_is_refused(void **state)
{
	uint32_t u32, pointer, wide, id;
	struct btf *btf = types_new(&u32);

	(void)state;
	pointer = (uint32_t)btf__add_ptr(btf, (int)u32);
	wide = (uint32_t)btf__add_int(btf, "__int128", 16, 0);
	id = add_struct(btf, 8);
	add_field(btf, "a", pointer, 0, 0);
	assert_int_equal(read_types(btf, id, 8), -EBADMSG);
	assert_int_equal(read_types(btf, wide, 16), -EBADMSG);
	btf__free(btf);
}

static void a_field_of_an_unknown_type_is_refused(void **state)
{
	uint32_t u32, id;
	struct btf *btf = types_new(&u32);

	(void)state;
	id = add_struct(btf, 4);
	add_field(btf, "a", 12345, 0, 0);
	assert_int_equal(read_types(btf, id, 4), -EBADMSG);
	id = (uint32_t)btf__add_array(btf, (int)u32, 54321, 2);
	assert_int_equal(read_types(btf, id, 8), -EBADMSG);
	btf__free(btf);
}

static void names_without_end_are_refused(void **state)
{
	uint32_t u32, id;
	struct btf *btf = types_new(&u32);
	char name[512];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	id = add_struct(btf, 4);
	add_field(btf, name, u32, 0, 0);
	assert_int_equal(read_types(btf, id, 4), -EBADMSG);
	btf__free(btf);
}

static struct layout *layout_of_enum(int red, const char *second, bool third)
{
	struct btf *btf = btf__new_empty();
	const uint32_t key = (uint32_t)btf__add_int(btf, "key", 4, 0);
	const uint32_t value = (uint32_t)btf__add_enum(btf, "colour", 4);
	const struct layout_types types = { "paint", key, value, 4, 4 };
	struct layout *layout = NULL;

	assert_int_equal(btf__add_enum_value(btf, "RED", red), 0);
	assert_int_equal(btf__add_enum_value(btf, second, 12), 0);
	if (third)
		assert_int_equal(btf__add_enum_value(btf, "BLUE", 3), 0);
	assert_int_equal(layout_of_types(btf, &types, &layout), 0);
	btf__free(btf);
	return layout;
}

static void plan_enums(struct layout *old, struct layout *new, int expected)
{
	struct layout_plan *plan = NULL;
	struct error err = { 0 };

	assert_int_equal(layout_plan(old, new, &plan, &err), expected);
	if (expected)
		assert_string_equal(err.text, "paint: value: an enum whose constants changed");
	layout_plan_free(plan);
	layout_free(old);
	layout_free(new);
}

static void an_enum_may_only_grow(void **state)
{
	(void)state;
	plan_enums(layout_of_enum(1, "GREEN", false), layout_of_enum(1, "GREEN", true), 0);
	plan_enums(layout_of_enum(1, "GREEN", true), layout_of_enum(1, "GREEN", false), -EPROTO);
	plan_enums(layout_of_enum(1, "GREEN", false), layout_of_enum(2, "GREEN", false), -EPROTO);
	plan_enums(layout_of_enum(1, "GREEN", false), layout_of_enum(1, "REEN", false), -EPROTO);
}

/* A struct of @count numbers, of one type. */
static struct layout *layout_of_many(const char *name, uint32_t count,
				     uint32_t (*type)(struct btf *, uint32_t))
{
	struct layout *layout = NULL;
	uint32_t u32, many, member;
	struct btf *btf = types_new(&u32);
	char field[32];

	member = type(btf, u32);
	many = add_struct(btf, count * 4);
	for (uint32_t i = 0; i < count; i++) {
		snprintf(field, sizeof(field), "%s_%u", name, i);
		add_field(btf, field, member, i * 32, 0);
	}
	assert_int_equal(layout_of_types(btf,
					 &(struct layout_types){ "m", u32, many, 4, count * 4 },
					 &layout),
			 0);
	btf__free(btf);
	return layout;
}

static uint32_t type_plain(struct btf *btf, uint32_t u32)
{
	(void)btf;
	return u32;
}

static uint32_t type_network(struct btf *btf, uint32_t u32)
{
	return (uint32_t)btf__add_typedef(btf, "__be32", (int)u32);
}

static void reasons_beyond_the_room_are_left_out_whole(void **state)
{
	struct layout *old = layout_of_many("lost", 1000, type_plain);
	struct layout *new = layout_of_many("lost", 1000, type_network);
	struct layout_plan *plan = NULL;
	struct error err = { 0 };
	int rc = layout_plan(old, new, &plan, &err);

	(void)state;
	layout_plan_free(plan);
	layout_free(old);
	layout_free(new);
	assert_int_equal(rc, -EPROTO);
	assert_true(strlen(err.text) < 2048);
	assert_non_null(
		strstr(err.text, "m: lost_0: was a number, is a number in network order\n"));
	assert_string_equal(err.text + strlen(err.text) - 5, "order");
}

static void what_goes_beyond_the_room_is_left_out_whole(void **state)
{
	struct layout *old = layout_of_many("lost", 1000, type_plain);
	struct layout *new = layout_of_many("kept", 1, type_plain);
	struct layout_plan *plan = NULL;
	struct error err = { 0 };
	const char *gone;

	(void)state;
	assert_int_equal(layout_plan(old, new, &plan, &err), 0);
	layout_free(old);
	layout_free(new);
	gone = layout_plan_gone(plan);
	assert_int_equal(strncmp(gone, "lost_0, lost_1, ", 16), 0);
	assert_true(strlen(gone) < 256 && strlen(gone) > 240);
	assert_int_equal(strncmp(strrchr(gone, ' '), " lost_", 6), 0);
	layout_plan_free(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_field_beyond_the_end_is_refused),
		cmocka_unit_test(a_bit_field_wider_than_its_type_is_refused),
		cmocka_unit_test(a_size_that_is_not_the_types_is_refused),
		cmocka_unit_test(types_that_contain_themselves_are_refused),
		cmocka_unit_test(a_typedef_of_itself_is_refused),
		cmocka_unit_test(arrays_of_very_many_are_refused),
		cmocka_unit_test(what_no_map_of_lbd_holds_is_refused),
		cmocka_unit_test(a_field_of_an_unknown_type_is_refused),
		cmocka_unit_test(names_without_end_are_refused),
		cmocka_unit_test(an_enum_may_only_grow),
		cmocka_unit_test(reasons_beyond_the_room_are_left_out_whole),
		cmocka_unit_test(what_goes_beyond_the_room_is_left_out_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
