/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every key of the configuration, once: its kind, range, default and help. The
 * checker, the loader, the writer and lbd.yaml(5) all read this table.
 */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum key_kind {
	KEY_NAME,  /* letters, digits, dot, dash, underscore */
	KEY_LABEL, /* a name without dots, which bpffs doesn't take in file names */
	KEY_INTERFACE,
	KEY_PATH,     /* an absolute path */
	KEY_NUMBER,   /* min..max */
	KEY_DURATION, /* min..max in milliseconds; written 500ms, 2s, 15m, 1h */
	KEY_ADDRESS,
	KEY_MAC,
	KEY_PREFIX,
	KEY_ENDPOINT, /* address:port */
	KEY_CHOICE,   /* one of choices */
	KEY_PORT,     /* 1..65535, or any */
	KEY_PORTS,    /* first-last */
	KEY_BOOL,     /* true or false */
	KEY_OCTETS,   /* min..max of them, two hexadecimal digits each */
	KEY_CURVE,    /* a CURVE key, 40 characters of Z85 */
	KEY_HASH,     /* what a flow is told apart by; source-prefix takes a length */
	KEY_MAPPING,  /* of children */
	KEY_MAPPINGS, /* a list of mappings of children */
	KEY_SCALARS,  /* a list of items */
};

struct key {
	const char *name;
	const char *help;
	const char *standard;	    /* what holds if the key isn't given; NULL: nothing */
	const char *choices;	    /* "one|two|three" */
	const struct key *children; /* ends with a NULL name */
	int64_t min, max;
	uint32_t offset;       /* in the raw struct of the mapping */
	uint32_t count_offset; /* of a list */
	uint32_t size;	       /* raw struct of a child */
	enum key_kind kind;
	enum key_kind item; /* of KEY_SCALARS */
	bool required;
};

/* The top level. */
extern const struct key keys_top[];

/* The key @name among @keys, or NULL. */
const struct key *keys_find(const struct key *keys, const char *name);

/* The key that was probably meant by @name, or NULL if none is near. */
const char *keys_nearest(const struct key *keys, const char *name);

/* Is it a single value, not a mapping or list? */
bool keys_is_scalar(enum key_kind kind);

/* Print the reference: plain text for a terminal, or roff for lbd.yaml(5). 0 or -EIO. */
int config_keys_print(FILE *out, bool man);

#endif
