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

static void document_add(struct document *document, size_t line, const char *path,
			 const char *format, va_list args)
{
	char text[600];
	size_t used;

	if (!document->err)
		return;
	if (!document->faults++)
		error_set(document->err, -EINVAL, "%s", "");
	used = strlen(document->err->text);
	vsnprintf(text, sizeof(text), format, args);
	snprintf(document->err->text + used, sizeof(document->err->text) - used, "%s%s:%zu: %s%s%s",
		 used ? "\n" : "", document->name, line, path, *path ? ": " : "", text);
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

static void document_syntax_fault(struct document *document, const yaml_parser_t *parser)
{
	document_fault(document, parser->problem_mark.line + 1, "",
		       "not YAML: %s%s%s; indent with spaces, and put a space after each colon",
		       parser->problem ? parser->problem : "unreadable", parser->context ? " " : "",
		       parser->context ? parser->context : "");
}

/* Refuse what could blow up later: aliases, and nesting that no key needs. */
static bool document_event_is_fine(struct document *document, const yaml_event_t *event,
				   unsigned int *depth)
{
	size_t line = event->start_mark.line + 1;

	if (event->type == YAML_ALIAS_EVENT) {
		document_fault(document, line, "", "aliases (*name) aren't taken; write it out");
		return false;
	}
	if (event->type == YAML_MAPPING_START_EVENT || event->type == YAML_SEQUENCE_START_EVENT)
		++*depth;
	if (event->type == YAML_MAPPING_END_EVENT || event->type == YAML_SEQUENCE_END_EVENT)
		--*depth;
	if (*depth > DOCUMENT_DEPTH_MAX) {
		document_fault(document, line, "", "nested deeper than any key of lbd.yaml");
		return false;
	}
	return true;
}

static int document_scan(struct document *document, const char *text, size_t size)
{
	unsigned int depth = 0;
	yaml_parser_t parser;
	yaml_event_t event;
	bool fine = true, end = false;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
	while (fine && !end) {
		if (!yaml_parser_parse(&parser, &event)) {
			document_syntax_fault(document, &parser);
			fine = false;
			break;
		}
		end = event.type == YAML_STREAM_END_EVENT;
		fine = document_event_is_fine(document, &event, &depth);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return fine ? 0 : -EINVAL;
}

static int document_load(struct document *document, const char *text, size_t size)
{
	yaml_parser_t parser;
	int rc = 0;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
	if (!yaml_parser_load(&parser, &document->yaml)) {
		document_syntax_fault(document, &parser);
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
