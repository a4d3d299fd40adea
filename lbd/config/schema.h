/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of keys as libcyaml wants it. */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include <cyaml/cyaml.h>

#include "config/keys.h"
#include "config/raw.h"

struct schema {
	cyaml_schema_value_t top;
	void **blocks; /* everything the schema points at */
	uint32_t count;
};

/* Make the schema of struct raw_config. 0, or -ENOMEM. */
int schema_make(struct schema *schema);
void schema_free(struct schema *schema);

/* For every call of libcyaml: quiet, no aliases, block style. */
extern const cyaml_config_t schema_cyaml;

#endif
