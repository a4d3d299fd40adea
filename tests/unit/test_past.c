// SPDX-License-Identifier: GPL-2.0-or-later
/* What came of upgrades, in its file: kept, bounded, and garbage left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lbd/maps.h"
#include "upgrade/past.h"

static char dir[64], path[PAST_PATH_MAX];

static int enter(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_past.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	past_path(dir, path);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void add(uint64_t packets)
{
	const struct past_entry entry = { .at = 5,
					  .kind = "canary",
					  .object = "/tmp/\xff.bpf.o",
					  .result = "back",
					  .why = "",
					  .evidence = "\"a\"\nb",
					  .share = LBD_SPLIT_WHOLE / 4,
					  .packets = packets };
	struct error err = { 0 };

	if (past_add(path, &entry, &err))
		fail_msg("%s", err.text);
}

static uint64_t packets_of(json_t *list, size_t i)
{
	return (uint64_t)json_integer_value(json_object_get(json_array_get(list, i), "packets"));
}

static void what_is_put_down_is_there(void **state)
{
	json_t *list = past_list(path), *entry;

	(void)state;
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	add(17);
	list = past_list(path);
	assert_int_equal(json_array_size(list), 1);
	entry = json_array_get(list, 0);
	assert_int_equal(packets_of(list, 0), 17);
	assert_true(json_real_value(json_object_get(entry, "share")) == 0.25);
	assert_true(json_is_null(json_object_get(entry, "object")));
	assert_true(json_is_null(json_object_get(entry, "why")));
	assert_string_equal(json_string_value(json_object_get(entry, "evidence")), "\"a\"\nb");
	json_decref(list);
}

static void only_the_newest_are_kept(void **state)
{
	json_t *list;

	(void)state;
	for (uint64_t n = 1; n <= PAST_MAX + 5; n++)
		add(n);
	list = past_list(path);
	assert_int_equal(json_array_size(list), PAST_MAX);
	assert_int_equal(packets_of(list, 0), 6);
	assert_int_equal(packets_of(list, PAST_MAX - 1), PAST_MAX + 5);
	json_decref(list);
}

static void garbage_is_left_out(void **state)
{
	FILE *file = fopen(path, "w");
	json_t *list;

	(void)state;
	assert_non_null(file);
	fputs("no json\n[1]\n{\"packets\": 3}\n{\"cut", file);
	fclose(file);
	add(4);
	list = past_list(path);
	assert_int_equal(json_array_size(list), 2);
	assert_int_equal(packets_of(list, 0), 3);
	assert_int_equal(packets_of(list, 1), 4);
	json_decref(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_put_down_is_there, enter, leave),
		cmocka_unit_test_setup_teardown(only_the_newest_are_kept, enter, leave),
		cmocka_unit_test_setup_teardown(garbage_is_left_out, enter, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
