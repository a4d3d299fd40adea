// SPDX-License-Identifier: GPL-2.0-or-later
#include "lbctl/table.h"

#include <string.h>

#define TABLE_COLUMNS_MAX 24
#define TABLE_GAP 2

const json_t *table_value(const json_t *object, const char *path)
{
	char key[TABLE_TEXT_MAX];

	while (object && *path) {
		size_t length = strcspn(path, ".");

		snprintf(key, sizeof(key), "%.*s", (int)length, path);
		object = json_object_get(object, key);
		path += length + (path[length] == '.');
	}
	return object;
}

static const char *table_cell(const struct table_column *column, const json_t *row, char *buffer)
{
	return column->format(table_value(row, column->path), buffer);
}

static void table_measure(const struct table_column *columns, const json_t *rows, int *widths)
{
	char buffer[TABLE_TEXT_MAX];

	for (size_t c = 0; columns[c].title; c++) {
		size_t widest = strlen(columns[c].title);

		for (size_t r = 0; r < json_array_size(rows); r++) {
			size_t width =
				strlen(table_cell(&columns[c], json_array_get(rows, r), buffer));

			widest = width > widest ? width : widest;
		}
		widths[c] = (int)widest;
	}
}

/* Nothing is padded after the last column: lines don't end in blanks. */
static void table_print_cell(FILE *out, const struct table_column *column, int width,
			     const char *text)
{
	bool last = !column[1].title;

	if (column->right)
		fprintf(out, "%*s", width, text);
	else
		fprintf(out, "%-*s", last ? 0 : width, text);
	fprintf(out, "%*s", last ? 1 : TABLE_GAP, last ? "\n" : "");
}

void table_print(FILE *out, const struct table_column *columns, const json_t *rows,
		 const char *empty)
{
	int widths[TABLE_COLUMNS_MAX] = { 0 };
	char buffer[TABLE_TEXT_MAX];

	if (!json_array_size(rows)) {
		fprintf(out, "%s\n", empty);
		return;
	}
	table_measure(columns, rows, widths);
	for (size_t c = 0; columns[c].title; c++)
		table_print_cell(out, &columns[c], widths[c], columns[c].title);
	for (size_t r = 0; r < json_array_size(rows); r++)
		for (size_t c = 0; columns[c].title; c++)
			table_print_cell(out, &columns[c], widths[c],
					 table_cell(&columns[c], json_array_get(rows, r), buffer));
}
