// SPDX-License-Identifier: GPL-2.0-or-later
/* Layouts of maps: what converts, what is refused and in what words. */
#include "tests/unit/layout_desk.h"

static void fields_move_by_name(void **state)
{
	const struct old_moved old = { 0xdeadbeef, 4242, { 1, 2, 3, 4, 5, 6 }, 77 };
	struct new_moved new;

	plan(*state, "moved");
	CONVERT((struct desk *)*state, &old, &new);
	assert_int_equal(new.a, 0xdeadbeef);
	assert_int_equal(new.b, 4242);
	assert_int_equal(new.c, 77);
	assert_memory_equal(new.mac, old.mac, 6);
}

static void what_is_unaligned_in_memory_converts_too(void **state)
{
	struct old_moved old = { 7, 8, { 0 }, 9 };
	char room[64];
	struct new_moved new;

	plan(*state, "moved");
	memcpy(room + 1, &old, sizeof(old));
	assert_int_equal(layout_convert(((struct desk *)*state)->plan, room + 1, room + 33, NULL),
			 0);
	memcpy(&new, room + 33, sizeof(new));
	assert_int_equal(new.a, 7);
	assert_int_equal(new.c, 9);
}

static void wider_fields_keep_value_and_sign(void **state)
{
	const struct old_wider old = { 200, 65535, -128, 0xffffffff };
	struct new_wider new;

	plan(*state, "wider");
	CONVERT((struct desk *)*state, &old, &new);
	assert_int_equal(new.a, 200);
	assert_int_equal(new.b, 65535);
	assert_true(new.c == -128);
	assert_int_equal(new.d, 0xffffffff);
}

static void narrower_fields_take_what_fits(void **state)
{
	struct desk *desk = *state;
	const struct old_narrower low = { 255, -128, 1 }, high = { 256, 0, 1 };
	const struct old_narrower below = { 0, -129, 1 }, above = { 0, 128, 1 };
	struct new_narrower new;

	plan(desk, "narrower");
	CONVERT(desk, &low, &new);
	assert_int_equal(new.a, 255);
	assert_true(new.b == -128);
	assert_int_equal(layout_convert(desk->plan, &high, &new, &desk->err), -ERANGE);
	assert_string_equal(desk->err.text,
			    "old_narrower: a holds 256; the new layout has 8 bits for it");
	assert_int_equal(layout_convert(desk->plan, &below, &new, &desk->err), -ERANGE);
	assert_string_equal(desk->err.text,
			    "old_narrower: b holds -129; the new layout has 8 bits for it");
	assert_int_equal(layout_convert(desk->plan, &above, &new, NULL), -ERANGE);
}

static void a_change_of_sign_takes_what_both_can_say(void **state)
{
	struct desk *desk = *state;
	const struct old_signs both = { 0x7fffffff, 0x7fffffff };
	const struct old_signs negative = { -1, 0 }, large = { 0, 0x80000000 };
	struct new_signs new;

	plan(desk, "signs");
	CONVERT(desk, &both, &new);
	assert_int_equal(new.a, 0x7fffffff);
	assert_int_equal(new.b, 0x7fffffff);
	assert_int_equal(layout_convert(desk->plan, &negative, &new, NULL), -ERANGE);
	assert_int_equal(layout_convert(desk->plan, &large, &new, NULL), -ERANGE);
}

static void a_new_field_is_zero(void **state)
{
	const struct old_added old = { 1, 2 };
	struct new_added new;

	plan(*state, "added");
	CONVERT((struct desk *)*state, &old, &new);
	assert_int_equal(new.a, 1);
	assert_int_equal(new.b, 0);
	assert_int_equal(new.c, 2);
	assert_int_equal(new.d, 0);
}

static void fields_that_were_never_written_go(void **state)
{
	const struct old_dropped old = { 1, 0, 2, 0 };
	struct desk *desk = *state;
	struct new_dropped new;

	plan(desk, "dropped");
	assert_string_equal(layout_plan_gone(desk->plan), "weight, colour");
	CONVERT(desk, &old, &new);
	assert_int_equal(new.a, 1);
	assert_int_equal(new.b, 2);
	plan_back(desk, "dropped");
	assert_string_equal(layout_plan_gone(desk->plan), "");
}

static void a_lost_field_that_is_in_use_is_refused_by_name(void **state)
{
	const struct old_dropped weight = { 1, 1, 2, 0 }, colour = { 1, 0, 2, 1U << 31 };
	struct desk *desk = *state;
	struct new_dropped new;

	plan(desk, "dropped");
	assert_int_equal(layout_convert(desk->plan, &weight, &new, &desk->err), -ERANGE);
	assert_string_equal(desk->err.text,
			    "old_dropped: weight is in use; the new layout has no such field");
	assert_int_equal(layout_convert(desk->plan, &colour, &new, &desk->err), -ERANGE);
	assert_string_equal(desk->err.text,
			    "old_dropped: colour is in use; the new layout has no such field");
}

/* A bucket that can't go is left out, and the first of them is told. */
static void a_bucket_with_a_lost_field_is_told_with_its_place(void **state)
{
	struct old_line lines[5] = { { .word = { 7 } }, { .word = { 8 } } };
	struct desk *desk = *state;
	struct lbd_bucket6 to;
	struct foreign foreign;

	plan(desk, "line");
	foreign = (struct foreign){ .plan = desk->plan,
				    .stride = sizeof(lines[0]),
				    .memory = (uint8_t *)lines };
	lines[3].hue = lines[4].hue = 9;
	for (int i = 0; i < 5; i++) {
		foreign_line(&foreign, &lines[i], &to);
		assert_int_equal(*(const uint64_t *)&to.line, i < 2 ? 7 + i : 0);
		assert_int_equal(foreign.lost, i < 3 ? 0 : i - 2);
	}
	assert_string_equal(foreign.why.text,
			    "old_line: hue is in use; the new layout has no such field (entry 3)");
}

static void padding_may_come_and_go(void **state)
{
	const struct old_padding old = { 5, 0xffff, { 0xff, 0xff }, { ~0U, ~0U, ~0U } };
	struct new_padding new;

	plan(*state, "padding");
	CONVERT((struct desk *)*state, &old, &new);
	assert_int_equal(new.a, 5);
	for (size_t i = 0; i < sizeof(new.unused); i++)
		assert_int_equal(new.unused[i], 0);
	plan_back(*state, "padding");
}

static void bit_fields_move_and_widen(void **state)
{
	static const struct old_bits old = { 15, 9, 5, 0x1abcd, 0xfed, 200 };
	struct new_bits new;
	struct old_bits back;

	plan(*state, "bits");
	CONVERT((struct desk *)*state, &old, &new);
	assert_int_equal(new.a, 15);
	assert_int_equal(new.b, 9);
	assert_int_equal(new.c, 5);
	assert_int_equal(new.d, 0x1abcd);
	assert_int_equal(new.e, 0xfed);
	assert_int_equal(new.f, 200);
	plan_back(*state, "bits");
	CONVERT((struct desk *)*state, &new, &back);
	assert_memory_equal(&back, &old, sizeof(old));
	new.b = 16;
	assert_int_equal(layout_convert(((struct desk *)*state)->plan, &new, &back, NULL), -ERANGE);
}

static void structs_in_structs_go_by_their_whole_name(void **state)
{
	const struct old_nested old = { 1, { 2, 3 }, { 4 }, { { 5, 6 }, { 7, 8 } } };
	struct new_nested new;

	plan(*state, "nested");
	CONVERT((struct desk *)*state, &old, &new);
	assert_int_equal(new.a, 1);
	assert_int_equal(new.in.x, 2);
	assert_int_equal(new.in.y, 3);
	assert_int_equal(new.hidden, 4);
	assert_int_equal(new.row[0].x, 5);
	assert_int_equal(new.row[0].y, 6);
	assert_int_equal(new.row[1].x, 7);
	assert_int_equal(new.row[1].y, 8);
}

static void an_array_may_grow(void **state)
{
	const struct old_grown old = { { 1, 2, 3 }, 9 };
	struct new_grown new;

	plan(*state, "grown");
	CONVERT((struct desk *)*state, &old, &new);
	assert_int_equal(new.count[2], 3);
	assert_int_equal(new.count[3], 0);
	assert_int_equal(new.count[4], 0);
	assert_int_equal(new.last, 9);
}

static void an_array_may_shrink_where_its_end_is_not_in_use(void **state)
{
	struct desk *desk = *state;
	struct old_shrunk old = { { 1, 2, 3 }, 9 };
	struct new_shrunk new;

	plan(desk, "shrunk");
	CONVERT(desk, &old, &new);
	assert_int_equal(new.count[2], 3);
	assert_int_equal(new.last, 9);
	old.count[4] = 1ULL << 63;
	assert_int_equal(layout_convert(desk->plan, &old, &new, &desk->err), -ERANGE);
	assert_string_equal(desk->err.text,
			    "old_shrunk: count[4] is in use; the new layout ends before it");
}

static void a_union_goes_as_a_whole(void **state)
{
	struct old_address old = { .a = 3 };
	struct new_address new;

	memcpy(old.addr.bytes, "0123456789abcdef", 16);
	plan(*state, "address");
	CONVERT((struct desk *)*state, &old, &new);
	assert_int_equal(new.a, 3);
	assert_memory_equal(new.addr.bytes, old.addr.bytes, 16);
}

static void a_union_of_other_parts_is_refused(void **state)
{
	plan_refused(*state, "old", "new", "reshaped", "old_reshaped: u: a union of other parts");
}

static void a_packed_word_moves_as_long_as_its_packing_stays(void **state)
{
	const struct old_packed old = { { 11, ~0ULL }, 13 };
	struct new_packed new;

	plan(*state, "packed");
	CONVERT((struct desk *)*state, &old, &new);
	assert_true(new.key[0] == 11 && new.key[1] == ~0ULL);
	assert_int_equal(new.x, 13);
}

static void another_packing_is_refused(void **state)
{
	plan_refused(*state, "old", "new", "repacked",
		     "old_repacked: key[0]: packed as lbd_test_word_a32_b32, expected "
		     "lbd_test_word_b32_a32\n"
		     "old_repacked: key[1]: packed as lbd_test_word_a32_b32, expected "
		     "lbd_test_word_b32_a32");
}

static void a_struct_can_be_of_another_packing_as_a_whole(void **state)
{
	plan_refused(*state, "old", "new", "bucket",
		     "old_bucket: slot[0].key: packed as lbd_test_bucket_first, expected "
		     "lbd_test_bucket_second\n"
		     "old_bucket: slot[1].key: packed as lbd_test_bucket_first, expected "
		     "lbd_test_bucket_second");
}

static void an_enum_moves(void **state)
{
	const struct old_states old = { LBD_DOWN_RESET, 1 };
	struct new_states new;

	plan(*state, "states");
	CONVERT((struct desk *)*state, &old, &new);
	assert_int_equal(new.down, LBD_DOWN_RESET);
	assert_int_equal(new.x, 1);
}

static void network_order_moves_and_no_more(void **state)
{
	const struct old_network old = { 0x5000, 0x010200c0 };
	struct new_network new;

	plan(*state, "network");
	CONVERT((struct desk *)*state, &old, &new);
	assert_int_equal(new.port, 0x5000);
	assert_int_equal(new.ip, 0x010200c0);
	plan_refused(*state, "old", "new", "turned",
		     "old_turned: port: was a number in network order, is a number\n"
		     "old_turned: mtu: was a number, is a number in network order\n"
		     "old_turned: wide: 16 bits in network order, expected 32");
}

static void the_same_is_told_from_what_must_be_converted(void **state)
{
	struct desk *desk = *state;

	assert_int_equal(plan_between(desk, "old", "old", "bits"), 0);
	assert_true(layout_plan_same(desk->plan));
	assert_int_equal(plan_between(desk, "old", "new", "alike"), 0);
	assert_true(layout_plan_same(desk->plan));
}

static void keys_are_converted_as_values_are(void **state)
{
	struct desk *desk = *state;
	const uint16_t old[2] = { 443, 0xffff };
	uint32_t new = ~0U;
	uint16_t back[2];

	plan(desk, "hash");
	assert_int_equal(layout_convert_key(desk->plan, old, &new, &desk->err), 0);
	assert_int_equal(new, 443);
	plan_back(desk, "hash");
	assert_int_equal(layout_convert_key(desk->plan, &new, back, &desk->err), 0);
	assert_int_equal(back[0], 443);
	assert_int_equal(back[1], 0);
	new = 65536;
	assert_int_equal(layout_convert_key(desk->plan, &new, back, &desk->err), -ERANGE);
}

static void what_converts_both_ways_comes_back_as_it_was(void **state)
{
	static const char *const pairs[] = { "moved",	"wider",  "bits",   "nested",
					     "address", "packed", "network" };
	struct desk *desk = *state;
	uint8_t old[128], new[128], back[128], again[128];

	srandom(1);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs) * 200; i++) {
		const char *name = pairs[i / 200];

		for (size_t j = 0; j < sizeof(old); j++)
			old[j] = (uint8_t)random();
		memset(new, 0, sizeof(new));
		memset(back, 0, sizeof(back));
		memset(again, 0, sizeof(again));
		plan(desk, name);
		assert_int_equal(layout_convert(desk->plan, old, new, &desk->err), 0);
		plan_back(desk, name);
		assert_int_equal(layout_convert(desk->plan, new, back, &desk->err), 0);
		plan(desk, name);
		assert_int_equal(layout_convert(desk->plan, back, again, &desk->err), 0);
		assert_memory_equal(new, again, sizeof(new));
	}
}

static void a_map_without_types_has_no_layout(void **state)
{
	struct desk *desk = *state;
	struct layout *layout = NULL;

	assert_int_equal(layout_of_object(desk->object, "untyped", &layout), -ENOENT);
	assert_int_equal(layout_of_object(desk->object, "nowhere", &layout), -ENOENT);
	assert_null(layout);
}

static void a_map_tells_what_it_was_made_with(void **state)
{
	struct desk *desk = *state;
	LIBBPF_OPTS(bpf_map_create_opts, options);
	struct bpf_map *map = bpf_object__find_map_by_name(desk->object, "old_moved");
	struct layout *of_map = NULL, *of_object = layout_named(desk, "old", "moved");
	uint32_t size;
	const void *raw = btf__raw_data(bpf_object__btf(desk->object), &size);
	struct btf *btf = btf__new(raw, size);
	int fd, bare;

	assert_non_null(btf);
	assert_int_equal(btf__load_into_kernel(btf), 0);
	bare = bpf_map_create(BPF_MAP_TYPE_ARRAY, "bare", 4, sizeof(struct old_moved), 1, NULL);
	options.btf_fd = (uint32_t)btf__fd(btf);
	options.btf_key_type_id = bpf_map__btf_key_type_id(map);
	options.btf_value_type_id = bpf_map__btf_value_type_id(map);
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "typed", 4, sizeof(struct old_moved), 1, &options);
	assert_true(fd >= 0 && bare >= 0);
	assert_int_equal(layout_of_map(bare, &of_map), -ENOENT);
	assert_int_equal(layout_of_map(fd, &of_map), 0);
	assert_int_equal(layout_plan(of_map, of_object, &desk->plan, &desk->err), 0);
	assert_true(layout_plan_same(desk->plan));
	assert_true(layout_of_map(-1, &of_map) < 0);
	close(fd);
	close(bare);
	btf__free(btf);
	layout_free(of_map);
	layout_free(of_object);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, desk_open, desk_close)
	const struct CMUnitTest tests[] = {
		TEST(fields_move_by_name),
		TEST(what_is_unaligned_in_memory_converts_too),
		TEST(wider_fields_keep_value_and_sign),
		TEST(narrower_fields_take_what_fits),
		TEST(a_change_of_sign_takes_what_both_can_say),
		TEST(a_new_field_is_zero),
		TEST(fields_that_were_never_written_go),
		TEST(a_lost_field_that_is_in_use_is_refused_by_name),
		TEST(a_bucket_with_a_lost_field_is_told_with_its_place),
		TEST(padding_may_come_and_go),
		TEST(bit_fields_move_and_widen),
		TEST(structs_in_structs_go_by_their_whole_name),
		TEST(an_array_may_grow),
		TEST(an_array_may_shrink_where_its_end_is_not_in_use),
		TEST(a_union_goes_as_a_whole),
		TEST(a_union_of_other_parts_is_refused),
		TEST(a_packed_word_moves_as_long_as_its_packing_stays),
		TEST(another_packing_is_refused),
		TEST(a_struct_can_be_of_another_packing_as_a_whole),
		TEST(an_enum_moves),
		TEST(network_order_moves_and_no_more),
		TEST(the_same_is_told_from_what_must_be_converted),
		TEST(keys_are_converted_as_values_are),
		TEST(what_converts_both_ways_comes_back_as_it_was),
		TEST(a_map_without_types_has_no_layout),
		TEST(a_map_tells_what_it_was_made_with),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
