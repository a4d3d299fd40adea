/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The YAML document with its line numbers (libyaml), and the faults found in
 * it. A path such as services[1].backends[0].weight names a place.
 */
#ifndef CONFIG_DOCUMENT_H
#define CONFIG_DOCUMENT_H

#include <yaml.h>

#include "base/error.h"

#define DOCUMENT_PATH_MAX 160
#define DOCUMENT_SIZE_MAX (4U << 20)
#define DOCUMENT_DEPTH_MAX 8

struct document {
	const char *name; /* of the file, for messages */
	yaml_document_t yaml;
	struct error *err; /* collects the faults, a line each */
	unsigned int faults;
};

/*
 * Parse @text. On a syntax error, an alias, too deep nesting or an empty
 * document returns -EINVAL with the fault in @err; else document_close is due.
 */
int document_open(struct document *document, const char *text, size_t size, const char *name,
		  struct error *err);
void document_close(struct document *document);

/* Add the line "NAME:LINE: PATH: ..." to the faults. @line is from 1. */
void document_fault(struct document *document, size_t line, const char *path, const char *format,
		    ...) __attribute__((format(printf, 4, 5)));

/* The same, the line being that of the value at @path, or of what is nearest above it. */
void document_fault_at(struct document *document, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Line of @node, from 1. */
size_t document_line(const yaml_node_t *node);

#endif
