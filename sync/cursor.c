// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/cursor.h"

enum cursor_kind {
	CURSOR_INVALID,
	CURSOR_UINT,
	CURSOR_OTHER, /* nil, bool, float, signed: only ever skipped */
	CURSOR_EXT,
	CURSOR_STR,
	CURSOR_BIN,
	CURSOR_ARRAY,
	CURSOR_MAP,
};

/* What stands behind a first byte: @width bytes of number, then @body bytes. */
struct cursor_format {
	uint8_t kind;
	uint8_t width;
	uint8_t body;
};

#define CURSOR_TABLE_FIRST 0xc0
#define CURSOR_TABLE_LAST 0xdf

/* clang-format off */
static const struct cursor_format cursor_formats[] = {
	/* nil, never used, false, true */
	{ CURSOR_OTHER, 0, 0 }, { CURSOR_INVALID, 0, 0 },
	{ CURSOR_OTHER, 0, 0 }, { CURSOR_OTHER, 0, 0 },
	/* bin 8, 16, 32 */
	{ CURSOR_BIN, 1, 0 }, { CURSOR_BIN, 2, 0 }, { CURSOR_BIN, 4, 0 },
	/* ext 8, 16, 32: the type's byte comes before the counted ones */
	{ CURSOR_EXT, 1, 1 }, { CURSOR_EXT, 2, 1 }, { CURSOR_EXT, 4, 1 },
	/* float 32, 64 */
	{ CURSOR_OTHER, 0, 4 }, { CURSOR_OTHER, 0, 8 },
	/* uint 8, 16, 32, 64 */
	{ CURSOR_UINT, 1, 0 }, { CURSOR_UINT, 2, 0 }, { CURSOR_UINT, 4, 0 }, { CURSOR_UINT, 8, 0 },
	/* int 8, 16, 32, 64 */
	{ CURSOR_OTHER, 0, 1 }, { CURSOR_OTHER, 0, 2 }, { CURSOR_OTHER, 0, 4 }, { CURSOR_OTHER, 0, 8 },
	/* fixext 1, 2, 4, 8, 16 */
	{ CURSOR_OTHER, 0, 2 }, { CURSOR_OTHER, 0, 3 }, { CURSOR_OTHER, 0, 5 },
	{ CURSOR_OTHER, 0, 9 }, { CURSOR_OTHER, 0, 17 },
	/* str 8, 16, 32 */
	{ CURSOR_STR, 1, 0 }, { CURSOR_STR, 2, 0 }, { CURSOR_STR, 4, 0 },
	/* array 16, 32 and map 16, 32 */
	{ CURSOR_ARRAY, 2, 0 }, { CURSOR_ARRAY, 4, 0 }, { CURSOR_MAP, 2, 0 }, { CURSOR_MAP, 4, 0 },
};
/* clang-format on */

_Static_assert(sizeof(cursor_formats) / sizeof(cursor_formats[0]) ==
		       CURSOR_TABLE_LAST - CURSOR_TABLE_FIRST + 1,
	       "a format for each first byte");

/* The value at the cursor: a number or count, and the bytes that belong to it. */
struct cursor_value {
	uint8_t kind;
	uint64_t number;
	const uint8_t *body;
	size_t body_size;
};

static size_t cursor_left(const struct cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

/* First bytes that hold their number themselves, and those of negative fixint. */
static bool cursor_fix(uint8_t first, struct cursor_value *ret)
{
	*ret = (struct cursor_value){ .kind = CURSOR_UINT, .number = first };
	if (first < 0x80)
		return true;
	if (first < 0x90)
		*ret = (struct cursor_value){ .kind = CURSOR_MAP, .number = first & 0xf };
	else if (first < 0xa0)
		*ret = (struct cursor_value){ .kind = CURSOR_ARRAY, .number = first & 0xf };
	else if (first < CURSOR_TABLE_FIRST)
		*ret = (struct cursor_value){ .kind = CURSOR_STR, .number = first & 0x1f };
	else
		*ret = (struct cursor_value){ .kind = CURSOR_OTHER };
	return first < CURSOR_TABLE_FIRST || first > CURSOR_TABLE_LAST;
}

static enum refusal cursor_number(struct cursor *cursor, uint8_t width, uint64_t *ret)
{
	if (cursor_left(cursor) < width)
		return REFUSAL_TRUNCATED;
	*ret = 0;
	for (uint8_t i = 0; i < width; i++)
		*ret = *ret << 8 | *cursor->at++;
	return REFUSAL_NONE;
}

static bool cursor_sized(uint8_t kind)
{
	return kind == CURSOR_STR || kind == CURSOR_BIN || kind == CURSOR_EXT;
}

/* Take the first byte, its number and its body; what a container holds is left. */
static enum refusal cursor_take(struct cursor *cursor, struct cursor_value *ret)
{
	const struct cursor_format *format;
	uint8_t first, body = 0;
	uint64_t size;

	if (cursor->at == cursor->end)
		return REFUSAL_TRUNCATED;
	first = *cursor->at++;
	if (!cursor_fix(first, ret)) {
		format = &cursor_formats[first - CURSOR_TABLE_FIRST];
		ret->kind = format->kind;
		body = format->body;
		if (cursor_number(cursor, format->width, &ret->number))
			return REFUSAL_TRUNCATED;
	}
	if (ret->kind == CURSOR_INVALID)
		return REFUSAL_BAD_TYPE;
	size = (cursor_sized(ret->kind) ? ret->number : 0) + body;
	if (size > cursor_left(cursor))
		return REFUSAL_TRUNCATED;
	ret->body = cursor->at;
	ret->body_size = (size_t)size;
	cursor->at += size;
	return REFUSAL_NONE;
}

static enum refusal cursor_expect(struct cursor *cursor, uint8_t kind, struct cursor_value *ret)
{
	enum refusal refusal = cursor_take(cursor, ret);

	if (refusal)
		return refusal;
	return ret->kind == kind ? REFUSAL_NONE : REFUSAL_BAD_TYPE;
}

enum refusal cursor_uint(struct cursor *cursor, uint64_t max, uint64_t *ret)
{
	struct cursor_value value;
	enum refusal refusal = cursor_expect(cursor, CURSOR_UINT, &value);

	if (refusal)
		return refusal;
	*ret = value.number;
	return value.number <= max ? REFUSAL_NONE : REFUSAL_OUT_OF_RANGE;
}

static enum refusal cursor_sequence(struct cursor *cursor, uint8_t kind, size_t max,
				    const uint8_t **ret, size_t *ret_size)
{
	struct cursor_value value;
	enum refusal refusal = cursor_expect(cursor, kind, &value);

	if (refusal)
		return refusal;
	*ret = value.body;
	*ret_size = value.body_size;
	return value.body_size <= max ? REFUSAL_NONE : REFUSAL_TOO_LONG;
}

enum refusal cursor_text(struct cursor *cursor, size_t max, const uint8_t **ret, size_t *ret_size)
{
	return cursor_sequence(cursor, CURSOR_STR, max, ret, ret_size);
}

enum refusal cursor_bytes(struct cursor *cursor, size_t max, const uint8_t **ret, size_t *ret_size)
{
	return cursor_sequence(cursor, CURSOR_BIN, max, ret, ret_size);
}

/* Each child takes at least one byte: a count beyond what is left is a lie. */
static enum refusal cursor_room(const struct cursor *cursor, uint64_t children)
{
	return children <= cursor_left(cursor) ? REFUSAL_NONE : REFUSAL_TRUNCATED;
}

enum refusal cursor_map(struct cursor *cursor, uint32_t max, uint32_t *ret_pairs)
{
	struct cursor_value value;
	enum refusal refusal = cursor_expect(cursor, CURSOR_MAP, &value);

	if (refusal)
		return refusal;
	if (value.number > max)
		return REFUSAL_TOO_LONG;
	*ret_pairs = (uint32_t)value.number;
	return cursor_room(cursor, value.number * 2);
}

static uint64_t cursor_children(const struct cursor_value *value)
{
	if (value->kind == CURSOR_MAP)
		return value->number * 2;
	return value->kind == CURSOR_ARRAY ? value->number : 0;
}

static enum refusal cursor_skip_at(struct cursor *cursor, unsigned int depth)
{
	struct cursor_value value;
	enum refusal refusal = cursor_take(cursor, &value);
	uint64_t children;

	if (refusal)
		return refusal;
	children = cursor_children(&value);
	if (children > 0 && depth == CURSOR_DEPTH_MAX)
		return REFUSAL_TOO_DEEP;
	refusal = cursor_room(cursor, children);
	while (!refusal && children-- > 0)
		refusal = cursor_skip_at(cursor, depth + 1);
	return refusal;
}

enum refusal cursor_skip(struct cursor *cursor)
{
	return cursor_skip_at(cursor, 1);
}
