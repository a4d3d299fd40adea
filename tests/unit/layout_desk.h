/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pairs of maps out of layout_pairs.bpf.c, and plans of how one becomes the other. */
#ifndef TESTS_UNIT_LAYOUT_DESK_H
#define TESTS_UNIT_LAYOUT_DESK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>
#include <errno.h>
#include <unistd.h>

#include "dataplane/foreign.h"
#include "tests/unit/layout_pairs.h"

struct desk {
	struct bpf_object *object;
	struct layout_plan *plan;
	struct error err;
};

static inline int desk_open(void **state)
{
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
	struct desk *desk = calloc(1, sizeof(*desk));
	char path[256];

	assert_non_null(desk);
	snprintf(path, sizeof(path), "%s/tests/unit/layout_pairs.bpf.o", build);
	desk->object = bpf_object__open_file(path, NULL);
	assert_non_null(desk->object);
	*state = desk;
	return 0;
}

static inline int desk_close(void **state)
{
	struct desk *desk = *state;

	bpf_object__close(desk->object);
	layout_plan_free(desk->plan);
	free(desk);
	return 0;
}

static inline struct layout *layout_named(struct desk *desk, const char *age, const char *name)
{
	struct layout *layout = NULL;
	char map[64];
	int rc;

	snprintf(map, sizeof(map), "%s_%s", age, name);
	rc = layout_of_object(desk->object, map, &layout);
	if (rc)
		fail_msg("%s: %s", map, strerror(-rc));
	return layout;
}

static inline int plan_between(struct desk *desk, const char *from, const char *to,
			       const char *name)
{
	struct layout *old = layout_named(desk, from, name);
	struct layout *new = layout_named(desk, to, name);
	int rc;

	layout_plan_free(desk->plan);
	desk->plan = NULL;
	rc = layout_plan(old, new, &desk->plan, &desk->err);
	layout_free(old);
	layout_free(new);
	return rc;
}

/* The pair converts, and isn't the same. */
static inline void plan(struct desk *desk, const char *name)
{
	if (plan_between(desk, "old", "new", name))
		fail_msg("%s: %s", name, desk->err.text);
	assert_false(layout_plan_same(desk->plan));
}

static inline void plan_back(struct desk *desk, const char *name)
{
	if (plan_between(desk, "new", "old", name))
		fail_msg("%s: %s", name, desk->err.text);
	assert_false(layout_plan_same(desk->plan));
}

static inline void plan_refused(struct desk *desk, const char *from, const char *to,
				const char *name, const char *text)
{
	assert_int_equal(plan_between(desk, from, to, name), -EPROTO);
	assert_string_equal(desk->err.text, text);
}

/* What isn't written must have been cleared. */
#define CONVERT(desk, old, new)                                           \
	do {                                                              \
		memset(new, 0xa5, sizeof(*(new)));                        \
		if (layout_convert((desk)->plan, old, new, &(desk)->err)) \
			fail_msg("%s", (desk)->err.text);                 \
	} while (0)

#endif
