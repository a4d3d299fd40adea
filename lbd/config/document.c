// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/document.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t document_line(const yaml_node_t *node)
{
	return node->start_mark.line + 1;
}

bool document_is_null(const yaml_node_t *node)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };

	if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < sizeof(nulls) / sizeof(*nulls); i++)
		if (!strcmp((const char *)node->data.scalar.value, nulls[i]))
			return true;
	return false;
}

/* Faults go to terminals and logs: what a file holds must not break lines or steer a terminal. */
static void document_clean(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

/* Append @line, or count it if it would be cut. */
static void document_append(struct document *document, const char *line)
{
	const size_t room = sizeof(document->err->text) - sizeof("\n... and 1000000 faults more");
	char *text = document->err->text;
	const char *glue = document->used ? "\n" : "";

	if (!document->hidden && document->used + strlen(line) + 1 <= room)
		document->used += (size_t)sprintf(text + document->used, "%s%s", glue, line);
	else
		sprintf(text + document->used, "\n... and %u faults more", ++document->hidden);
}

static void document_add(struct document *document, size_t line, const char *path,
			 const char *format, va_list args)
{
	char text[600], whole[1000];

	if (!document->faults++)
		error_set(document->err, -EINVAL, "%s", "");
	if (!document->err)
		return;
	vsnprintf(text, sizeof(text), format, args);
	snprintf(whole, sizeof(whole), "%.200s:%zu: %.*s%s%s", document->name, line,
		 DOCUMENT_PATH_MAX, path, *path ? ": " : "", text);
	document_clean(whole);
	document_append(document, whole);
}

void document_fault(struct document *document, size_t line, const char *path, const char *format,
		    ...)
{
	va_list args;

	va_start(args, format);
	document_add(document, line, path, format, args);
	va_end(args);
}

/* --- finding a place */

static yaml_node_t *document_child(struct document *document, const yaml_node_t *node,
				   const char *key, size_t length)
{
	if (node->type != YAML_MAPPING_NODE)
		return NULL;
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		yaml_node_t *name = yaml_document_get_node(&document->yaml, pair->key);

		if (name->type == YAML_SCALAR_NODE && name->data.scalar.length == length &&
		    !memcmp(name->data.scalar.value, key, length))
			return yaml_document_get_node(&document->yaml, pair->value);
	}
	return NULL;
}

static yaml_node_t *document_item(struct document *document, const yaml_node_t *node, size_t n)
{
	const yaml_node_item_t *items = node->data.sequence.items.start;

	if (node->type != YAML_SEQUENCE_NODE ||
	    n >= (size_t)(node->data.sequence.items.top - items))
		return NULL;
	return yaml_document_get_node(&document->yaml, items[n]);
}

static size_t document_find_line(struct document *document, const char *path)
{
	yaml_node_t *node = yaml_document_get_root_node(&document->yaml), *next;

	while (*path) {
		size_t length = strcspn(path, ".[");

		if (*path == '[') {
			next = document_item(document, node, strtoul(path + 1, NULL, 10));
			length = strcspn(path, "]") + 1;
		} else {
			next = document_child(document, node, path, length);
		}
		if (!next)
			break;
		node = next;
		path += length;
		path += *path == '.';
	}
	return document_line(node);
}

void document_fault_at(struct document *document, const char *path, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	document_add(document, document_find_line(document, path), path, format, args);
	va_end(args);
}

/* --- opening */

static size_t document_line_of(const char *text, size_t offset)
{
	size_t line = 1;

	for (size_t i = 0; i < offset; i++)
		line += text[i] == '\n';
	return line;
}

/* @text: of which libyaml complains, when that isn't text at all. */
static void document_syntax_fault(struct document *document, const yaml_parser_t *parser,
				  const char *text)
{
	if (parser->error == YAML_READER_ERROR) {
		document_fault(document, document_line_of(text, parser->problem_offset), "",
			       "not a text file: %s, byte 0x%02x", parser->problem,
			       (unsigned int)parser->problem_value & 0xff);
		return;
	}
	document_fault(document, parser->problem_mark.line + 1, "",
		       "not YAML: %s%s%s; indent with spaces, and put a space after each colon",
		       parser->problem ? parser->problem : "unreadable", parser->context ? " " : "",
		       parser->context ? parser->context : "");
}

/* What the events add up to. A type that isn't listed changes nothing. */
struct document_sum {
	unsigned int depth, nodes, documents;
};

static void document_count(struct document_sum *sum, yaml_event_type_t type)
{
	static const struct {
		int depth, nodes, documents;
	} steps[] = {
		[YAML_DOCUMENT_START_EVENT] = { .documents = 1 },
		[YAML_SCALAR_EVENT] = { .nodes = 1 },
		[YAML_SEQUENCE_START_EVENT] = { .depth = 1, .nodes = 1 },
		[YAML_SEQUENCE_END_EVENT] = { .depth = -1 },
		[YAML_MAPPING_START_EVENT] = { .depth = 1, .nodes = 1 },
		[YAML_MAPPING_END_EVENT] = { .depth = -1 },
	};

	sum->depth += (unsigned int)steps[type].depth;
	sum->nodes += (unsigned int)steps[type].nodes;
	sum->documents += (unsigned int)steps[type].documents;
}

/* Refuse what could blow up later: aliases, and more nesting or values than the keys need. */
static const char *document_refusal(const struct document_sum *sum, yaml_event_type_t type)
{
	if (type == YAML_ALIAS_EVENT)
		return "aliases (*name) aren't taken; write it out";
	if (sum->depth > DOCUMENT_DEPTH_MAX)
		return "nested deeper than any key of lbd.yaml";
	if (sum->nodes > DOCUMENT_NODES_MAX)
		return "more values than lbd.yaml can have";
	return sum->documents > 1 ? "a second document starts here, expected only one" : NULL;
}

static int document_scan_events(struct document *document, yaml_parser_t *parser, const char *text)
{
	struct document_sum sum = { 0 };
	bool end = false;

	while (!end) {
		const char *refusal;
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event)) {
			document_syntax_fault(document, parser, text);
			return -EINVAL;
		}
		end = event.type == YAML_STREAM_END_EVENT;
		document_count(&sum, event.type);
		refusal = document_refusal(&sum, event.type);
		if (refusal)
			document_fault(document, event.start_mark.line + 1, "", "%s", refusal);
		yaml_event_delete(&event);
		if (refusal)
			return -EINVAL;
	}
	return 0;
}

static int document_scan(struct document *document, const char *text, size_t size)
{
	yaml_parser_t parser;
	int rc;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
	rc = document_scan_events(document, &parser, text);
	yaml_parser_delete(&parser);
	return rc;
}

static int document_load(struct document *document, const char *text, size_t size)
{
	yaml_parser_t parser;
	int rc = 0;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
	if (!yaml_parser_load(&parser, &document->yaml)) {
		document_syntax_fault(document, &parser, text);
		rc = -EINVAL;
	}
	yaml_parser_delete(&parser);
	return rc;
}

int document_open(struct document *document, const char *text, size_t size, const char *name,
		  struct error *err)
{
	int rc;

	*document = (struct document){ .name = name, .err = err };
	if (size > DOCUMENT_SIZE_MAX)
		return error_set(err, -EINVAL, "%s: %zu bytes, expected at most %u", name, size,
				 DOCUMENT_SIZE_MAX);
	rc = document_scan(document, text, size);
	if (!rc)
		rc = document_load(document, text, size);
	if (rc == -ENOMEM)
		return error_set(err, rc, "out of memory");
	if (rc)
		return rc;
	if (yaml_document_get_root_node(&document->yaml))
		return 0;
	document_fault(document, 1, "", "empty, expected at least xdp: with its interfaces");
	yaml_document_delete(&document->yaml);
	return -EINVAL;
}

void document_close(struct document *document)
{
	yaml_document_delete(&document->yaml);
}
