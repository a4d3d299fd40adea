// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/packet/case.h"

#include <ctype.h>
#include <cyaml/cyaml.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#define STRINGS_COUNT(strings) (sizeof(strings) / sizeof(*(strings)))
#define FIELD_ENUM(key, flags, type, member, strings) \
	CYAML_FIELD_ENUM(key, flags, type, member, strings, STRINGS_COUNT(strings))
#define FIELD_TEXT(key, flags, type, member) \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | (flags), type, member, 0, CYAML_UNLIMITED)

static const cyaml_strval_t state_names[] = {
	{ "up", CASE_UP },     { "draining", CASE_DRAINING },	  { "down", CASE_DOWN },
	{ "gone", CASE_GONE }, { "unresolved", CASE_UNRESOLVED },
};

static const cyaml_strval_t entry_names[] = {
	{ "none", CASE_ENTRY_NONE },	       { "unconfirmed", CASE_ENTRY_UNCONFIRMED },
	{ "confirmed", CASE_ENTRY_CONFIRMED }, { "closing", CASE_ENTRY_CLOSING },
	{ "reset", CASE_ENTRY_RESET },	       { "expired", CASE_ENTRY_EXPIRED },
	{ "several", CASE_ENTRY_SEVERAL },
};

static const cyaml_strval_t source_names[] = {
	{ "same", CASE_SOURCE_SAME },
	{ "other", CASE_SOURCE_OTHER },
};

static const cyaml_strval_t news_names[] = {
	{ "no", CASE_NEWS_NO },
	{ "yes", CASE_NEWS_YES },
};

static const cyaml_strval_t verdict_names[] = {
	{ "PASS", XDP_PASS },	      { "TX", XDP_TX },		  { "DROP", XDP_DROP },
	{ "REDIRECT", XDP_REDIRECT }, { "ABORTED", XDP_ABORTED },
};

static const cyaml_schema_field_t change_fields[] = {
	FIELD_TEXT("backend", 0, struct case_change, backend),
	FIELD_ENUM("becomes", CYAML_FLAG_STRICT, struct case_change, becomes, state_names),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t change_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct case_change, change_fields),
};

static const cyaml_schema_field_t step_fields[] = {
	FIELD_TEXT("note", CYAML_FLAG_OPTIONAL, struct case_step, note),
	CYAML_FIELD_SEQUENCE_COUNT("changes", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
				   struct case_step, changes, changes_count, &change_schema, 0, 16),
	CYAML_FIELD_UINT("idle", CYAML_FLAG_OPTIONAL, struct case_step, idle),
	FIELD_TEXT("from", CYAML_FLAG_OPTIONAL, struct case_step, from),
	FIELD_TEXT("in", 0, struct case_step, in),
	FIELD_ENUM("verdict", CYAML_FLAG_STRICT, struct case_step, verdict, verdict_names),
	FIELD_TEXT("outcome", 0, struct case_step, outcome),
	FIELD_TEXT("out", CYAML_FLAG_OPTIONAL, struct case_step, out),
	FIELD_ENUM("entry", CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL, struct case_step, entry,
		   entry_names),
	FIELD_ENUM("news", CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL, struct case_step, news,
		   news_names),
	FIELD_ENUM("source", CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL, struct case_step, source,
		   source_names),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t step_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct case_step, step_fields),
};

static const cyaml_schema_field_t case_fields[] = {
	FIELD_TEXT("sentence", 0, struct packet_case, sentence),
	FIELD_TEXT("setup", 0, struct packet_case, setup),
	CYAML_FIELD_SEQUENCE_COUNT("steps", CYAML_FLAG_POINTER, struct packet_case, steps,
				   steps_count, &step_schema, 1, 64),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t case_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct packet_case, case_fields),
};

static const cyaml_config_t cyaml_config = {
	.log_fn = cyaml_log,
	.log_level = CYAML_LOG_WARNING,
	.mem_fn = cyaml_mem,
};

static int case_digit(char c)
{
	const char *digits = "0123456789abcdef", *at = strchr(digits, c);

	return c && at ? (int)(at - digits) : -1;
}

/* One hexadecimal digit, or '.' for four bits that may be anything. */
static int case_put_digit(struct case_frame *frame, uint32_t nibbles, char c)
{
	uint32_t place = nibbles / 2;
	int shift = nibbles % 2 ? 0 : 4;

	if (place >= CASE_FRAME_MAX || (c != '.' && case_digit(c) < 0))
		return -EINVAL;
	if (c == '.')
		return 0;
	frame->bytes[place] |= (uint8_t)(case_digit(c) << shift);
	frame->mask[place] |= (uint8_t)(0xf << shift);
	return 0;
}

static int case_parse_frame(const char *text, struct case_frame *frame)
{
	uint32_t nibbles = 0;

	for (; *text; text++) {
		if (isspace((unsigned char)*text))
			continue;
		if (case_put_digit(frame, nibbles++, *text))
			return -EINVAL;
	}
	frame->size = nibbles / 2;
	return nibbles % 2 ? -EINVAL : 0;
}

static int case_parse_frames(struct packet_case *packet_case, const char *path, struct error *err)
{
	for (uint32_t i = 0; i < packet_case->steps_count; i++) {
		struct case_step *step = &packet_case->steps[i];
		const char *out = step->out ? step->out : step->in;

		if (case_parse_frame(step->in, &step->frame_in) ||
		    case_parse_frame(out, &step->frame_out))
			return error_set(err, -EINVAL,
					 "%s: step %u: expected pairs of hexadecimal digits (or "
					 "dots in 'out'), at most %d bytes",
					 path, i + 1, CASE_FRAME_MAX);
	}
	return 0;
}

int case_load(const char *path, struct packet_case **ret, struct error *err)
{
	cyaml_err_t rc;

	*ret = NULL;
	rc = cyaml_load_file(path, &cyaml_config, &case_schema, (cyaml_data_t **)ret, NULL);
	if (rc != CYAML_OK)
		return error_set(err, -EINVAL, "%s: %s", path, cyaml_strerror(rc));
	return case_parse_frames(*ret, path, err);
}

void case_free(struct packet_case *packet_case)
{
	cyaml_free(&cyaml_config, &case_schema, packet_case, 0);
}

static const char *case_name(const cyaml_strval_t *names, size_t count, int64_t value)
{
	for (size_t i = 0; i < count; i++)
		if (names[i].val == value)
			return names[i].str;
	return "?";
}

const char *case_entry_name(enum case_entry entry)
{
	return case_name(entry_names, STRINGS_COUNT(entry_names), entry);
}

const char *case_verdict_name(int verdict)
{
	return case_name(verdict_names, STRINGS_COUNT(verdict_names), verdict);
}
