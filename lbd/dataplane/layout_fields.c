// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A type as the list of its fields. BTF comes from maps that another version
 * left: a type may contain itself, an array may have 2^32 elements, an offset
 * may lie anywhere. Depth, the number of steps, and the end of the value are
 * the bounds.
 */
#include "dataplane/layout_fields.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS_DEPTH_MAX 24
#define FIELDS_STEPS_MAX 65536
#define FIELDS_MAX 8192
#define FIELD_NAME_MAX 192
#define FIELD_SHAPE_MAX 4096

struct reader {
	const struct btf *btf;
	struct fields *fields;
	uint32_t steps;
};

/* Where in the value a type stands, and what led to it. */
struct place {
	char name[FIELD_NAME_MAX];
	char packing[FIELD_NAME_MAX];
	uint64_t bit;
	uint32_t bitfield; /* bits; 0: none */
	uint32_t depth;
	bool network, padding;
};

static int reader_type(struct reader *reader, uint32_t id, const struct place *place);

void fields_free(struct fields *fields)
{
	for (uint32_t i = 0; i < fields->count; i++) {
		free(fields->list[i].name);
		free(fields->list[i].packing);
		free(fields->list[i].shape);
	}
	free(fields->list);
	*fields = (struct fields){ 0 };
}

const struct field *fields_find(const struct fields *fields, const char *name, uint32_t hint)
{
	for (uint32_t n = 0; n < fields->count; n++) {
		const struct field *field = &fields->list[(hint + n) % fields->count];

		if (!strcmp(field->name, name))
			return field;
	}
	return NULL;
}

/* Append text. -EBADMSG: there is more of it than any lbd would write. */
static int text_append(char *text, size_t size, const char *separator, const char *more)
{
	size_t length = strlen(text);
	int written = snprintf(text + length, size - length, "%s%s", separator, more);

	return written < 0 || (size_t)written >= size - length ? -EBADMSG : 0;
}

/* Keep @field at @place. What it points to is taken over, also on an error. */
static int reader_keep(struct reader *reader, const struct place *place, struct field *field)
{
	struct fields *fields = reader->fields;
	struct field *list;

	field->name = strdup(place->name);
	field->packing = *place->packing ? strdup(place->packing) : NULL;
	field->bit = (uint32_t)place->bit;
	if (fields->count >= FIELDS_MAX || !field->name || (*place->packing && !field->packing))
		goto failed;
	list = reallocarray(fields->list, fields->count + 1, sizeof(*list));
	if (!list)
		goto failed;
	fields->list = list;
	list[fields->count++] = *field;
	return 0;
failed:
	free(field->name);
	free(field->packing);
	free(field->shape);
	return fields->count >= FIELDS_MAX ? -EBADMSG : -ENOMEM;
}

/* @bits at @place lie within the value; a bit field has its own number of them. */
static int reader_within(const struct reader *reader, const struct place *place, uint32_t *bits)
{
	if (place->bitfield > *bits)
		return -EBADMSG;
	if (place->bitfield)
		*bits = place->bitfield;
	if (!*bits || place->bit + *bits > (uint64_t)reader->fields->size * 8)
		return -EBADMSG;
	return 0;
}

static int reader_number(struct reader *reader, const struct btf_type *type,
			 const struct place *place)
{
	struct field field = {
		.kind = place->network ? FIELD_NETWORK : FIELD_NUMBER,
		.is_signed = btf_int_encoding(type) & BTF_INT_SIGNED,
		.bits = btf_int_bits(type),
	};
	struct place exact = *place;

	exact.bit += btf_int_offset(type);
	if (field.bits > 64 || reader_within(reader, &exact, &field.bits))
		return -EBADMSG;
	return place->padding ? 0 : reader_keep(reader, &exact, &field);
}

/* ",NAME=value" of every constant. */
static int reader_constants(const struct reader *reader, const struct btf_type *type, char *ret)
{
	const bool wide = btf_is_enum64(type);
	char value[32];
	int rc = 0;

	*ret = '\0';
	for (uint32_t i = 0; i < btf_vlen(type) && !rc; i++) {
		const char *name =
			btf__name_by_offset(reader->btf, wide ? btf_enum64(type)[i].name_off
							      : btf_enum(type)[i].name_off);

		if (wide)
			snprintf(value, sizeof(value), "=%llu",
				 (unsigned long long)btf_enum64_value(&btf_enum64(type)[i]));
		else
			snprintf(value, sizeof(value), "=%d", btf_enum(type)[i].val);
		rc = name ? text_append(ret, FIELD_SHAPE_MAX, ",", name) : -EBADMSG;
		if (!rc)
			rc = text_append(ret, FIELD_SHAPE_MAX, value, "");
	}
	return rc ? rc : text_append(ret, FIELD_SHAPE_MAX, ",", "");
}

static int reader_enum(struct reader *reader, const struct btf_type *type,
		       const struct place *place)
{
	struct field field = { .kind = FIELD_ENUM, .bits = type->size * 8 };
	char shape[FIELD_SHAPE_MAX];
	int rc;

	if (type->size > 8 || reader_within(reader, place, &field.bits))
		return -EBADMSG;
	rc = reader_constants(reader, type, shape);
	if (rc || place->padding)
		return rc;
	field.shape = strdup(shape);
	return field.shape ? reader_keep(reader, place, &field) : -ENOMEM;
}

static int reader_element(struct reader *reader, const struct btf_type *type,
			  const struct place *place)
{
	const struct btf_array *array = btf_array(type);
	const int64_t size = btf__resolve_size(reader->btf, array->type);
	struct place element = *place;
	char index[16];
	int rc = 0;

	if (size < 0 || place->bitfield)
		return -EBADMSG;
	element.depth++;
	for (uint32_t i = 0; i < array->nelems && !rc; i++) {
		snprintf(index, sizeof(index), "[%u]", i);
		strcpy(element.name, place->name);
		rc = text_append(element.name, sizeof(element.name), index, "");
		element.bit = place->bit + (uint64_t)i * (uint64_t)size * 8;
		if (!rc)
			rc = reader_type(reader, array->type, &element);
	}
	return rc;
}

/* A member that says so is room for later: nothing reads it. */
static bool name_is_padding(const char *name)
{
	static const char *const names[] = { "reserved", "unused", "padding" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strncmp(name, names[i], strlen(names[i])))
			return true;
	return false;
}

/* A member without a name is a struct or union whose members count as its holder's. */
static int reader_member(struct reader *reader, const struct btf_type *type, uint32_t i,
			 const struct place *place)
{
	const char *name = btf__name_by_offset(reader->btf, btf_members(type)[i].name_off);
	struct place member = *place;

	if (!name)
		return -EBADMSG;
	member.depth++;
	member.bit += btf_member_bit_offset(type, i);
	member.bitfield = btf_member_bitfield_size(type, i);
	member.padding |= name_is_padding(name);
	if (*name && text_append(member.name, sizeof(member.name), *member.name ? "." : "", name))
		return -EBADMSG;
	return reader_type(reader, btf_members(type)[i].type, &member);
}

static int reader_members(struct reader *reader, const struct btf_type *type,
			  const struct place *place)
{
	int rc = place->bitfield ? -EBADMSG : 0;

	for (uint32_t i = 0; i < btf_vlen(type) && !rc; i++)
		rc = reader_member(reader, type, i, place);
	return rc;
}

/* One line of what the union has: every part that could be read in it, and where. */
static int union_shape(const struct fields *parts, char *ret)
{
	char bits[64];
	int rc = 0;

	*ret = '\0';
	for (uint32_t i = 0; i < parts->count && !rc; i++) {
		const struct field *part = &parts->list[i];

		snprintf(bits, sizeof(bits), " %u+%u %d", part->bit, part->bits,
			 part->kind * 2 + part->is_signed);
		rc = text_append(ret, FIELD_SHAPE_MAX, i ? ", " : "", part->name);
		if (!rc)
			rc = text_append(ret, FIELD_SHAPE_MAX, bits, "");
		if (!rc && part->packing)
			rc = text_append(ret, FIELD_SHAPE_MAX, " ", part->packing);
	}
	return rc;
}

/*
 * Its parts share their bytes, so it goes as a whole: by the name of whoever
 * holds it, or of its first part where it has none.
 */
static int reader_union(struct reader *reader, const struct btf_type *type,
			const struct place *place)
{
	struct field field = { .kind = FIELD_UNION, .bits = type->size * 8 };
	struct fields parts = { .size = type->size };
	struct reader inner = { reader->btf, &parts, reader->steps };
	struct place from = { .depth = place->depth };
	struct place to = *place;
	char shape[FIELD_SHAPE_MAX];
	int rc;

	if (type->size > FIELDS_STEPS_MAX || place->bitfield ||
	    reader_within(reader, place, &field.bits))
		return -EBADMSG;
	rc = reader_members(&inner, type, &from);
	reader->steps = inner.steps;
	if (!rc)
		rc = union_shape(&parts, shape);
	if (!rc && !*to.name && parts.count)
		rc = text_append(to.name, sizeof(to.name), "", parts.list[0].name);
	fields_free(&parts);
	if (rc || place->padding)
		return rc;
	field.shape = strdup(shape);
	return field.shape ? reader_keep(reader, &to, &field) : -ENOMEM;
}

static int reader_typedef(struct reader *reader, const struct btf_type *type,
			  const struct place *place)
{
	const char *name = btf__name_by_offset(reader->btf, type->name_off);
	struct place named = *place;

	if (!name)
		return -EBADMSG;
	named.depth++;
	named.network |= !strncmp(name, "__be", 4);
	if (!strncmp(name, "lbd_", 4) &&
	    text_append(named.packing, sizeof(named.packing), *named.packing ? "/" : "", name))
		return -EBADMSG;
	return reader_type(reader, type->type, &named);
}

static int reader_modifier(struct reader *reader, const struct btf_type *type,
			   const struct place *place)
{
	struct place below = *place;

	below.depth++;
	return reader_type(reader, type->type, &below);
}

static int reader_type(struct reader *reader, uint32_t id, const struct place *place)
{
	const struct btf_type *type = btf__type_by_id(reader->btf, id);

	if (!type || place->depth > FIELDS_DEPTH_MAX || reader->steps++ > FIELDS_STEPS_MAX)
		return -EBADMSG;
	switch (btf_kind(type)) {
	case BTF_KIND_INT:
		return reader_number(reader, type, place);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return reader_enum(reader, type, place);
	case BTF_KIND_STRUCT:
		return reader_members(reader, type, place);
	case BTF_KIND_UNION:
		return reader_union(reader, type, place);
	case BTF_KIND_ARRAY:
		return reader_element(reader, type, place);
	case BTF_KIND_TYPEDEF:
		return reader_typedef(reader, type, place);
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
		return reader_modifier(reader, type, place);
	default: /* a pointer, a function ...: never in a map of lbd */
		return -EBADMSG;
	}
}

int fields_read(const struct btf *btf, uint32_t id, uint32_t size, struct fields *ret)
{
	struct reader reader = { .btf = btf, .fields = ret };
	const struct place start = { 0 };
	int rc;

	*ret = (struct fields){ .size = size };
	if (btf__resolve_size(btf, id) != (int64_t)size)
		return -EBADMSG;
	rc = reader_type(&reader, id, &start);
	if (rc)
		fields_free(ret);
	return rc;
}
