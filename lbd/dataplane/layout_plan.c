// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From one layout to another: a list of steps, each a run of bytes to copy, a
 * number to write at another width, or something that must be zero as it has
 * no place any more.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/layout_fields.h"

#define REASONS_SIZE 2048
#define GONE_SIZE 256

enum step_kind { STEP_COPY, STEP_NUMBER, STEP_ZERO };

struct step {
	char *name; /* of the field, or of the first one copied */
	enum step_kind kind;
	uint32_t from, from_bits;
	uint32_t to, to_bits;
	bool from_signed, to_signed;
	bool gone; /* of ZERO: the whole field, and not only the end of an array */
};

struct steps {
	struct step *list;
	uint32_t count;
	uint32_t size; /* of what is written */
	bool same;
};

struct layout_plan {
	char map[64];
	struct steps key, value;
	char gone[GONE_SIZE];
};

struct planner {
	const struct layout *old;
	struct steps *steps;
	char *gone;
	char reasons[REASONS_SIZE];
};

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "bit 0 is the lowest of byte 0");

static void steps_free(struct steps *steps)
{
	for (uint32_t i = 0; i < steps->count; i++)
		free(steps->list[i].name);
	free(steps->list);
}

void layout_plan_free(struct layout_plan *plan)
{
	if (!plan)
		return;
	steps_free(&plan->key);
	steps_free(&plan->value);
	free(plan);
}

const char *layout_plan_gone(const struct layout_plan *plan)
{
	return plan->gone;
}

bool layout_plan_same(const struct layout_plan *plan)
{
	return plan->key.same && plan->value.same;
}

/* One more reason, on a line of its own; those beyond the room are left out. */
__attribute__((format(printf, 3, 4))) static void
planner_refuse(struct planner *planner, const char *field, const char *format, ...)
{
	size_t length = strlen(planner->reasons), room = sizeof(planner->reasons) - length;
	char why[512];
	va_list args;
	int written;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	written = snprintf(planner->reasons + length, room, "%s%s: %s: %s", length ? "\n" : "",
			   planner->old->map, *field ? field : "value", why);
	if (written < 0 || (size_t)written >= room)
		planner->reasons[length] = '\0';
}

static bool step_joins(const struct step *last, const struct step *next)
{
	return last->kind == STEP_COPY && next->kind == STEP_COPY &&
	       last->from + last->from_bits == next->from && last->to + last->to_bits == next->to;
}

static int planner_add(struct planner *planner, const char *name, struct step step)
{
	struct steps *steps = planner->steps;
	struct step *last = steps->count ? &steps->list[steps->count - 1] : NULL;
	struct step *list;

	if (last && step_joins(last, &step)) {
		last->from_bits += step.from_bits;
		last->to_bits += step.to_bits;
		return 0;
	}
	list = reallocarray(steps->list, steps->count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	steps->list = list;
	step.name = strdup(name);
	if (!step.name)
		return -ENOMEM;
	list[steps->count++] = step;
	return 0;
}

/* Every constant that the old one has is the same in the new one. */
static bool enum_extends(const struct field *old, const struct field *new)
{
	const char *at = old->shape;
	char constant[256];

	while (at[0] && at[1]) {
		size_t length = strcspn(at + 1, ",") + 2;

		if (length >= sizeof(constant))
			return false;
		snprintf(constant, length + 1, "%s", at);
		if (!strstr(new->shape, constant))
			return false;
		at += length - 1;
	}
	return true;
}

static bool text_equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static const char *kind_name(enum field_kind kind)
{
	static const char *const names[] = {
		[FIELD_NUMBER] = "a number",
		[FIELD_NETWORK] = "a number in network order",
		[FIELD_ENUM] = "an enum",
		[FIELD_UNION] = "a union",
	};

	return names[kind];
}

/* Can what @old holds be understood as @new? False: refused, with the reason. */
static bool planner_agrees(struct planner *planner, const struct field *old,
			   const struct field *new)
{
	if (old->kind != new->kind)
		planner_refuse(planner, old->name, "was %s, is %s", kind_name(old->kind),
			       kind_name(new->kind));
	else if (!text_equal(old->packing, new->packing))
		planner_refuse(planner, old->name, "packed as %s, expected %s",
			       old->packing ? old->packing : "a plain number",
			       new->packing ? new->packing : "a plain number");
	else if (old->kind == FIELD_NETWORK && old->bits != new->bits)
		planner_refuse(planner, old->name, "%u bits in network order, expected %u",
			       old->bits, new->bits);
	else if (old->kind == FIELD_UNION &&
		 (old->bits != new->bits || !text_equal(old->shape, new->shape)))
		planner_refuse(planner, old->name, "a union of other parts");
	else if (old->kind == FIELD_ENUM && !enum_extends(old, new))
		planner_refuse(planner, old->name, "an enum whose constants changed");
	else
		return true;
	return false;
}

static bool field_in_bytes(const struct field *field)
{
	return field->bit % 8 == 0 && field->bits % 8 == 0;
}

static int planner_move(struct planner *planner, const struct field *old, const struct field *new)
{
	const bool alike = old->bits == new->bits && old->is_signed == new->is_signed;
	struct step step = {
		.kind = STEP_NUMBER,
		.from = old->bit,
		.from_bits = old->bits,
		.from_signed = old->is_signed,
		.to = new->bit,
		.to_bits = new->bits,
		.to_signed = new->is_signed,
	};

	if (alike && field_in_bytes(old) && field_in_bytes(new))
		step.kind = STEP_COPY;
	if (!alike || old->bit != new->bit)
		planner->steps->same = false;
	return planner_add(planner, old->name, step);
}

/* Does the new layout have an array of this name, only a shorter one? */
static bool array_shrank(const struct field *old, const struct fields *new)
{
	char first[256];
	size_t at = 0;

	for (const char *c = old->name; *c && at < sizeof(first) - 2; c++) {
		first[at++] = *c;
		if (*c != '[')
			continue;
		first[at++] = '0';
		c += strspn(c + 1, "0123456789");
	}
	first[at] = '\0';
	return strchr(first, '[') && fields_find(new, first, 0);
}

/* One more field that is gone; those beyond the room are left out. */
static void planner_note_gone(struct planner *planner, const char *field)
{
	const size_t length = strlen(planner->gone), room = GONE_SIZE - length;
	const int written = snprintf(planner->gone + length, room, "%s%s", length ? ", " : "",
				     *field ? field : "value");

	if (written < 0 || (size_t)written >= room)
		planner->gone[length] = '\0';
}

/* What only the old one has: nothing is lost where nothing was ever written. */
static int planner_drop(struct planner *planner, const struct field *old, const struct fields *new)
{
	const struct step step = { .kind = STEP_ZERO,
				   .from = old->bit,
				   .from_bits = old->bits,
				   .gone = !array_shrank(old, new) };

	planner->steps->same = false;
	if (step.gone)
		planner_note_gone(planner, old->name);
	return planner_add(planner, old->name, step);
}

static int planner_fields(struct planner *planner, const struct fields *old,
			  const struct fields *new)
{
	uint32_t matched = 0;
	int rc = 0;

	planner->steps->size = new->size;
	planner->steps->same = old->size == new->size;
	for (uint32_t i = 0; i < old->count && !rc; i++) {
		const struct field *from = &old->list[i];
		const struct field *to = fields_find(new, from->name, i);

		matched += to != NULL;
		if (!to)
			rc = planner_drop(planner, from, new);
		else if (planner_agrees(planner, from, to))
			rc = planner_move(planner, from, to);
	}
	if (matched < new->count)
		planner->steps->same = false;
	return rc;
}

int layout_plan(const struct layout *old, const struct layout *new, struct layout_plan **ret,
		struct error *err)
{
	struct layout_plan *plan = calloc(1, sizeof(*plan));
	struct planner planner = { .old = old };
	int rc;

	if (!plan)
		return error_set(err, -ENOMEM, "out of memory");
	snprintf(plan->map, sizeof(plan->map), "%s", old->map);
	planner.gone = plan->gone;
	planner.steps = &plan->key;
	rc = planner_fields(&planner, &old->key, &new->key);
	planner.steps = &plan->value;
	if (!rc)
		rc = planner_fields(&planner, &old->value, &new->value);
	if (rc)
		error_set(err, rc, "out of memory");
	else if (*planner.reasons)
		rc = error_set(err, -EPROTO, "%s", planner.reasons);
	if (rc) {
		layout_plan_free(plan);
		return rc;
	}
	*ret = plan;
	return 0;
}

/* --- one value */

/* A number of up to 64 bits, sign extended; it may begin at any bit. */
static uint64_t number_read(const uint8_t *from, uint32_t bit, uint32_t bits, bool is_signed)
{
	unsigned __int128 word = 0;
	uint64_t value;

	memcpy(&word, from + bit / 8, (bit % 8 + bits + 7) / 8);
	value = (uint64_t)(word >> bit % 8) << (64 - bits);
	return is_signed ? (uint64_t)((int64_t)value >> (64 - bits)) : value >> (64 - bits);
}

/* Into bits that are zero. */
static void number_write(uint8_t *to, uint32_t bit, uint32_t bits, uint64_t value)
{
	const uint32_t bytes = (bit % 8 + bits + 7) / 8;
	unsigned __int128 word = 0;

	memcpy(&word, to + bit / 8, bytes);
	word |= (unsigned __int128)(value << (64 - bits) >> (64 - bits)) << bit % 8;
	memcpy(to + bit / 8, &word, bytes);
}

static bool number_fits(const struct step *step, uint64_t value)
{
	const uint32_t room = step->to_bits - step->to_signed;

	if (step->from_signed && value >> 63)
		return step->to_signed && (int64_t)value >> room == -1;
	return room == 64 || value >> room == 0;
}

static bool bits_zero(const uint8_t *from, uint32_t bit, uint32_t bits)
{
	for (uint32_t part; bits; bit += part, bits -= part) {
		part = bits < 64 ? bits : 64;
		if (number_read(from, bit, part, false))
			return false;
	}
	return true;
}

static bool step_run(const struct step *step, const uint8_t *old, uint8_t *new)
{
	uint64_t value;

	switch (step->kind) {
	case STEP_COPY:
		memcpy(new + step->to / 8, old + step->from / 8, step->from_bits / 8);
		return true;
	case STEP_ZERO:
		return bits_zero(old, step->from, step->from_bits);
	case STEP_NUMBER:
		break;
	}
	value = number_read(old, step->from, step->from_bits, step->from_signed);
	if (!number_fits(step, value))
		return false;
	number_write(new, step->to, step->to_bits, value);
	return true;
}

static int step_refuse(const char *map, const struct step *step, const uint8_t *old,
		       struct error *err)
{
	const char *field = *step->name ? step->name : "value";

	if (step->gone)
		return error_set(err, -ERANGE, "%s: %s is in use; the new layout has no such field",
				 map, field);
	if (step->kind == STEP_ZERO)
		return error_set(err, -ERANGE, "%s: %s is in use; the new layout ends before it",
				 map, field);
	return error_set(
		err, -ERANGE, "%s: %s holds %lld; the new layout has %u bits for it", map, field,
		(long long)number_read(old, step->from, step->from_bits, step->from_signed),
		step->to_bits);
}

static int steps_run(const char *map, const struct steps *steps, const void *old, void *new,
		     struct error *err)
{
	memset(new, 0, steps->size);
	for (uint32_t i = 0; i < steps->count; i++)
		if (!step_run(&steps->list[i], old, new))
			return step_refuse(map, &steps->list[i], old, err);
	return 0;
}

int layout_convert(const struct layout_plan *plan, const void *old, void *new, struct error *err)
{
	return steps_run(plan->map, &plan->value, old, new, err);
}

int layout_convert_key(const struct layout_plan *plan, const void *old, void *new,
		       struct error *err)
{
	return steps_run(plan->map, &plan->key, old, new, err);
}
