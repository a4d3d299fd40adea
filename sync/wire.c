// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/wire.h"

#include <errno.h>
#include <msgpack.h>
#include <stddef.h>
#include <string.h>

#include "sync/cursor.h"

enum wire_kind { WIRE_KIND_UINT, WIRE_KIND_TEXT, WIRE_KIND_ROWS };

/* A row of the table of fields. */
struct wire_field {
	uint8_t key;
	uint8_t kind;
	uint16_t offset;   /* in struct wire_message */
	uint64_t max;	   /* of a number; of a row's count for rows */
	uint32_t stride;   /* least bytes a row */
	uint32_t required; /* in messages of these types */
	uint32_t optional;
};

#define WIRE_KEY_MAGIC 0
#define WIRE_ON(type) (1U << WIRE_##type)
#define WIRE_ALL 0xffffffffU

#define WIRE_NUMBER(key, member, max, required, optional)                                     \
	{                                                                                     \
		key, WIRE_KIND_UINT, offsetof(struct wire_message, member), max, 0, required, \
			optional                                                              \
	}
#define WIRE_TEXT(key, member, required, optional)                                          \
	{                                                                                   \
		key, WIRE_KIND_TEXT, offsetof(struct wire_message, member), 0, 0, required, \
			optional                                                            \
	}
#define WIRE_ROWS(key, member, max, stride, optional)                                       \
	{                                                                                   \
		key, WIRE_KIND_ROWS, offsetof(struct wire_message, member), max, stride, 0, \
			optional                                                            \
	}

/* Keys 12 to 15 are kept for the header, 37 and up are free. */
static const struct wire_field wire_fields[] = {
	WIRE_NUMBER(1, version, 255, WIRE_ALL, 0),
	WIRE_NUMBER(2, type, WIRE_TYPE_LIMIT - 1, WIRE_ALL, 0),
	WIRE_TEXT(3, node, WIRE_ALL, 0),
	WIRE_NUMBER(4, boot, UINT64_MAX, WIRE_ALL, 0),
	WIRE_NUMBER(5, conversation, UINT64_MAX, WIRE_ALL, 0),
	WIRE_NUMBER(6, sequence, UINT64_MAX, WIRE_ALL, 0),
	WIRE_NUMBER(7, term, WIRE_TERM_MAX, WIRE_ALL, 0),
	WIRE_NUMBER(8, role, WIRE_ROLE_STANDBY, 0, WIRE_ALL),
	WIRE_NUMBER(9, term_ms, UINT64_MAX, 0, WIRE_ALL),
	WIRE_NUMBER(10, term_known, WIRE_TERM_MAX, 0, WIRE_ALL),
	WIRE_NUMBER(11, ended_ms, UINT64_MAX, 0, WIRE_ALL),
	WIRE_NUMBER(16, version_max, 255, WIRE_ON(HELLO) | WIRE_ON(WELCOME), 0),
	WIRE_NUMBER(17, round, UINT64_MAX, WIRE_ON(RESYNC) | WIRE_ON(BULK_DONE), 0),
	WIRE_NUMBER(18, credit, UINT64_MAX, WIRE_ON(WELCOME) | WIRE_ON(CREDIT), 0),
	WIRE_NUMBER(19, token, UINT64_MAX, WIRE_ON(HEARTBEAT), 0),
	WIRE_NUMBER(20, dictionary, UINT64_MAX, WIRE_ON(DICTIONARY), 0),
	WIRE_NUMBER(21, more, 1, WIRE_ON(DICTIONARY) | WIRE_ON(DIGEST), 0),
	WIRE_TEXT(22, reason, 0, WIRE_ON(RESET)),
	WIRE_NUMBER(23, consumed, UINT64_MAX, 0, WIRE_ON(CREDIT) | WIRE_ON(HEARTBEAT)),
	WIRE_ROWS(24, services, WIRE_SERVICES_MAX, WIRE_SERVICE_SIZE, WIRE_ON(DICTIONARY)),
	WIRE_ROWS(25, backends, WIRE_BACKENDS_MAX, WIRE_BACKEND_SIZE, WIRE_ON(DICTIONARY)),
	WIRE_ROWS(26, records4, WIRE_RECORDS4_MAX, WIRE_RECORD4_SIZE,
		  WIRE_ON(RECORDS) | WIRE_ON(SAMPLE)),
	WIRE_ROWS(27, records6, WIRE_RECORDS6_MAX, WIRE_RECORD6_SIZE,
		  WIRE_ON(RECORDS) | WIRE_ON(SAMPLE)),
	WIRE_NUMBER(28, pass, UINT64_MAX, WIRE_ON(DIGEST_BEGIN) | WIRE_ON(DIGEST) | WIRE_ON(REPAIR),
		    0),
	WIRE_NUMBER(29, first_region, WIRE_REGIONS - 1, WIRE_ON(DIGEST), 0),
	WIRE_ROWS(30, sums, WIRE_SUMS_MAX, WIRE_SUM_SIZE, WIRE_ON(DIGEST)),
	WIRE_NUMBER(31, agreed, WIRE_REGIONS, WIRE_ON(REPAIR), 0),
	WIRE_NUMBER(32, unsettled, WIRE_REGIONS, WIRE_ON(REPAIR), 0),
	WIRE_ROWS(33, regions, WIRE_REGIONS, WIRE_REGION_SIZE, WIRE_ON(REPAIR)),
	WIRE_NUMBER(34, sample, WIRE_SAMPLE_MAX, WIRE_ON(SAMPLE_ASK), 0),
	WIRE_NUMBER(35, resumes, UINT64_MAX, 0, WIRE_ON(HELLO) | WIRE_ON(WELCOME)),
	WIRE_TEXT(36, release, 0, WIRE_ON(HELLO) | WIRE_ON(WELCOME)),
};

#define WIRE_FIELDS_COUNT (sizeof(wire_fields) / sizeof(wire_fields[0]))

_Static_assert(WIRE_RECORDS4_MAX *WIRE_RECORD4_SIZE + WIRE_RECORDS6_MAX * WIRE_RECORD6_SIZE +
			       1024 <=
		       WIRE_MESSAGE_MAX,
	       "full records fit a message");
_Static_assert(WIRE_SERVICES_MAX *WIRE_SERVICE_SIZE + WIRE_BACKENDS_MAX * WIRE_BACKEND_SIZE +
			       1024 <=
		       WIRE_MESSAGE_MAX,
	       "a full part of a dictionary fits a message");

static bool wire_is_on(uint32_t types, uint64_t type)
{
	return type < WIRE_TYPE_LIMIT && (types >> type & 1);
}

/* --- encode */

struct wire_buffer {
	uint8_t *data;
	size_t size, used;
};

static int wire_write(void *context, const char *bytes, size_t size)
{
	struct wire_buffer *buffer = context;

	if (size > buffer->size - buffer->used)
		return -1;
	memcpy(buffer->data + buffer->used, bytes, size);
	buffer->used += size;
	return 0;
}

static int wire_pack_uint(msgpack_packer *packer, const struct wire_field *field, const void *value)
{
	uint64_t number;

	(void)field;
	memcpy(&number, value, sizeof(number));
	return msgpack_pack_uint64(packer, number);
}

static int wire_pack_text(msgpack_packer *packer, const struct wire_field *field, const void *value)
{
	(void)field;
	return msgpack_pack_str_with_body(packer, value, strnlen(value, WIRE_TEXT_MAX - 1));
}

static int wire_pack_rows(msgpack_packer *packer, const struct wire_field *field, const void *value)
{
	const struct wire_rows *rows = value;
	size_t size = (size_t)rows->count * rows->stride;
	uint8_t stride = (uint8_t)rows->stride;

	if (rows->count > field->max || rows->stride < field->stride || rows->stride > 255)
		return -1;
	if (msgpack_pack_bin(packer, size + 1) || msgpack_pack_bin_body(packer, &stride, 1))
		return -1;
	return msgpack_pack_bin_body(packer, rows->data, size);
}

static bool wire_has_uint(const void *value)
{
	uint64_t number;

	memcpy(&number, value, sizeof(number));
	return number != 0;
}

static bool wire_has_text(const void *value)
{
	return *(const char *)value != '\0';
}

static bool wire_has_rows(const void *value)
{
	return ((const struct wire_rows *)value)->count > 0;
}

/* --- decode */

static enum refusal wire_read_uint(struct cursor *cursor, const struct wire_field *field, void *ret)
{
	uint64_t number;
	enum refusal refusal = cursor_uint(cursor, field->max, &number);

	if (!refusal)
		memcpy(ret, &number, sizeof(number));
	return refusal;
}

static enum refusal wire_read_text(struct cursor *cursor, const struct wire_field *field, void *ret)
{
	const uint8_t *text;
	size_t size;
	enum refusal refusal = cursor_text(cursor, WIRE_TEXT_MAX - 1, &text, &size);

	(void)field;
	if (refusal)
		return refusal;
	/* Texts end up in the log and on terminals. */
	for (size_t i = 0; i < size; i++)
		if (text[i] < ' ' || text[i] > '~')
			return REFUSAL_OUT_OF_RANGE;
	memcpy(ret, text, size);
	((char *)ret)[size] = '\0';
	return REFUSAL_NONE;
}

static enum refusal wire_read_rows(struct cursor *cursor, const struct wire_field *field, void *ret)
{
	struct wire_rows *rows = ret;
	const uint8_t *bytes;
	size_t size;
	enum refusal refusal = cursor_bytes(cursor, WIRE_ROWS_BYTES_MAX, &bytes, &size);

	if (refusal)
		return refusal;
	if (size == 0 || bytes[0] < field->stride || (size - 1) % bytes[0] != 0)
		return REFUSAL_BAD_ROWS;
	rows->data = bytes + 1;
	rows->stride = bytes[0];
	rows->count = (uint32_t)((size - 1) / bytes[0]);
	return rows->count <= field->max ? REFUSAL_NONE : REFUSAL_TOO_LONG;
}

/* --- both, by kind and by table */

static const struct {
	int (*pack)(msgpack_packer *packer, const struct wire_field *field, const void *value);
	bool (*has)(const void *value);
	enum refusal (*read)(struct cursor *cursor, const struct wire_field *field, void *ret);
} wire_kinds[] = {
	[WIRE_KIND_UINT] = { wire_pack_uint, wire_has_uint, wire_read_uint },
	[WIRE_KIND_TEXT] = { wire_pack_text, wire_has_text, wire_read_text },
	[WIRE_KIND_ROWS] = { wire_pack_rows, wire_has_rows, wire_read_rows },
};

static const void *wire_member(const struct wire_message *message, const struct wire_field *field)
{
	return (const char *)message + field->offset;
}

static bool wire_is_sent(const struct wire_message *message, const struct wire_field *field)
{
	if (wire_is_on(field->required, message->type))
		return true;
	return wire_is_on(field->optional, message->type) &&
	       wire_kinds[field->kind].has(wire_member(message, field));
}

static int wire_pack_field(msgpack_packer *packer, const struct wire_message *message,
			   const struct wire_field *field)
{
	if (!wire_is_sent(message, field))
		return 0;
	if (msgpack_pack_uint8(packer, field->key))
		return -1;
	return wire_kinds[field->kind].pack(packer, field, wire_member(message, field));
}

int wire_encode(const struct wire_message *message, uint8_t *data, size_t size)
{
	struct wire_buffer buffer = { data, size, 0 };
	msgpack_packer packer;
	size_t pairs = 1;

	msgpack_packer_init(&packer, &buffer, wire_write);
	for (size_t i = 0; i < WIRE_FIELDS_COUNT; i++)
		pairs += wire_is_sent(message, &wire_fields[i]);
	if (msgpack_pack_map(&packer, pairs) || msgpack_pack_uint8(&packer, WIRE_KEY_MAGIC) ||
	    msgpack_pack_uint32(&packer, WIRE_MAGIC))
		return -ENOBUFS;
	for (size_t i = 0; i < WIRE_FIELDS_COUNT; i++)
		if (wire_pack_field(&packer, message, &wire_fields[i]))
			return -ENOBUFS;
	return (int)buffer.used;
}

static const struct wire_field *wire_find_field(uint64_t key)
{
	for (size_t i = 0; i < WIRE_FIELDS_COUNT; i++)
		if (wire_fields[i].key == key)
			return &wire_fields[i];
	return NULL;
}

static enum refusal wire_read_pair(struct cursor *cursor, struct wire_message *ret, uint64_t *seen)
{
	const struct wire_field *field;
	enum refusal refusal;
	uint64_t key;

	refusal = cursor_uint(cursor, UINT64_MAX, &key);
	if (refusal)
		return refusal;
	field = wire_find_field(key);
	if (!field)
		return cursor_skip(cursor);
	if (*seen >> key & 1)
		return REFUSAL_DUPLICATE;
	*seen |= 1ULL << key;
	return wire_kinds[field->kind].read(cursor, field, (char *)ret + field->offset);
}

/* What isn't ours is told from what is by its first pair, before anything else is read. */
static enum refusal wire_read_magic(struct cursor *cursor, uint32_t *ret_pairs)
{
	enum refusal refusal = cursor_map(cursor, WIRE_FIELDS_MAX, ret_pairs);
	uint64_t key, magic;

	if (refusal == REFUSAL_BAD_TYPE || (!refusal && *ret_pairs == 0))
		return REFUSAL_NOT_LBD;
	if (refusal)
		return refusal;
	(*ret_pairs)--;
	if (cursor_uint(cursor, WIRE_KEY_MAGIC, &key) || cursor_uint(cursor, WIRE_MAGIC, &magic))
		return REFUSAL_NOT_LBD;
	return magic == WIRE_MAGIC ? REFUSAL_NONE : REFUSAL_NOT_LBD;
}

static enum refusal wire_check(const struct wire_message *message, uint64_t seen)
{
	if (message->version < WIRE_VERSION_MIN || message->version > WIRE_VERSION)
		return REFUSAL_WRONG_VERSION;
	for (size_t i = 0; i < WIRE_FIELDS_COUNT; i++)
		if (wire_is_on(wire_fields[i].required, message->type) &&
		    !(seen >> wire_fields[i].key & 1))
			return REFUSAL_MISSING;
	return REFUSAL_NONE;
}

enum refusal wire_decode(const uint8_t *data, size_t size, struct wire_message *ret)
{
	struct cursor cursor = { data, data + size };
	enum refusal refusal;
	uint64_t seen = 0;
	uint32_t pairs;

	memset(ret, 0, sizeof(*ret));
	if (size > WIRE_MESSAGE_MAX)
		return REFUSAL_TOO_LONG;
	refusal = wire_read_magic(&cursor, &pairs);
	while (!refusal && pairs-- > 0)
		refusal = wire_read_pair(&cursor, ret, &seen);
	if (refusal)
		return refusal;
	if (cursor.at != cursor.end)
		return REFUSAL_TRAILING;
	return wire_check(ret, seen);
}
