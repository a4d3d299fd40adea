// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of keys, for people: text for a terminal, roff for lbd.yaml(5). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/check.h"
#include "config/keys.h"
#include "config/value.h"

struct reference {
	FILE *out;
	bool man;
};

/* Roff takes a dot or a quote at the start of a line, and backslashes, for its own. */
static void reference_put(const struct reference *r, const char *text)
{
	for (const char *c = text; *c; c++) {
		if (r->man && *c == '-')
			fputc('\\', r->out);
		fputc(*c, r->out);
	}
}

static void reference_default(const struct reference *r, const struct key *key)
{
	if (key->required)
		fputs(" Required.", r->out);
	if (!key->standard)
		return;
	fputs(" Default: ", r->out);
	reference_put(r, key->standard);
	fputc('.', r->out);
}

static void reference_key(const struct reference *r, const struct key *key, const char *path)
{
	char expected[VALUE_TEXT_MAX];

	fputs(r->man ? ".TP\n.B " : "", r->out);
	reference_put(r, path);
	fputs(r->man ? "\n" : "\n    ", r->out);
	reference_put(r, key->help);
	if (key->kind != KEY_MAPPING && key->kind != KEY_MAPPINGS) {
		fputs(" Expects ", r->out);
		reference_put(r, value_expected(key, key->kind, expected));
		fputc('.', r->out);
	}
	reference_default(r, key);
	fputc('\n', r->out);
}

static void reference_keys(const struct reference *r, const struct key *keys, const char *prefix)
{
	for (const struct key *key = keys; key->name; key++) {
		char path[DOCUMENT_PATH_MAX];

		snprintf(path, sizeof(path), "%.100s%s%s%s", prefix, *prefix ? "." : "", key->name,
			 key->kind == KEY_MAPPINGS ? "[]" : "");
		reference_key(r, key, path);
		if (key->children)
			reference_keys(r, key->children, path);
	}
}

int config_keys_print(FILE *out, bool man)
{
	const struct reference reference = { .out = out, .man = man };

	reference_keys(&reference, keys_top, "");
	return ferror(out) ? -EIO : 0;
}
