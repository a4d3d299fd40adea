/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of layout share: a type as the list of what it is made of. */
#ifndef DATAPLANE_LAYOUT_FIELDS_H
#define DATAPLANE_LAYOUT_FIELDS_H

#include "dataplane/layout.h"

enum field_kind {
	FIELD_NUMBER,
	FIELD_NETWORK, /* a number in network order: __be16 ... */
	FIELD_ENUM,
	FIELD_UNION, /* taken as a whole */
};

/* A number, an enum or a union; structs and arrays are taken apart. Padding isn't kept. */
struct field {
	char *name;    /* "limits.services", "slot[1].port" */
	char *packing; /* typedefs that name one, outermost first; NULL: none */
	char *shape;   /* of an enum ",NAME=value,..."; of a union what it is made of */
	enum field_kind kind;
	bool is_signed;
	uint32_t bit, bits;
};

struct fields {
	struct field *list;
	uint32_t count;
	uint32_t size; /* bytes */
};

struct layout {
	char map[64];
	struct fields key, value;
};

/* A field whose name is @name, looked for from place @hint on; NULL: none. */
const struct field *fields_find(const struct fields *fields, const char *name, uint32_t hint);

/* Take type @id of @btf apart. On an error @ret is empty. */
int fields_read(const struct btf *btf, uint32_t id, uint32_t size, struct fields *ret);
void fields_free(struct fields *fields);

#endif
