/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables with aligned columns, and numbers as people read them. */
#ifndef LBCTL_TABLE_H
#define LBCTL_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#define TABLE_TEXT_MAX 64

/* Formats a value into @buffer of TABLE_TEXT_MAX bytes, or returns text that lives elsewhere. */
typedef const char *(*table_format)(const json_t *value, char *buffer);

struct table_column {
	const char *title; /* NULL ends a list */
	const char *path;  /* of the value in a row: "health.latency_us" */
	table_format format;
	bool right;
};

/* Print @rows (a JSON array of objects) under their titles; @empty where there are none. */
void table_print(FILE *out, const struct table_column *columns, const json_t *rows,
		 const char *empty);

/* The value at "a.b" in nested objects, or NULL. */
const json_t *table_value(const json_t *object, const char *path);

/* The formats. What is null, missing or "never" shows as "-". */
const char *table_text(const json_t *value, char *buffer);  /* a string */
const char *table_yes(const json_t *value, char *buffer);   /* yes, no */
const char *table_count(const json_t *value, char *buffer); /* 1,234,567 */
const char *table_bytes(const json_t *value, char *buffer); /* 1.2 MB */
const char *table_share(const json_t *value, char *buffer); /* 12.3 % */
const char *table_ms(const json_t *value, char *buffer);    /* 120 ms, 3.2 s, 5 min, 2.1 d */
const char *table_us(const json_t *value, char *buffer);    /* 120 us, 1.2 ms */
const char *table_time(const json_t *value, char *buffer); /* seconds since the epoch: local time */
const char *table_port(const json_t *value, char *buffer); /* 80, any */

#endif
