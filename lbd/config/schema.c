// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/schema.h"

#include <errno.h>
#include <stdlib.h>

const cyaml_config_t schema_cyaml = {
	.log_fn = NULL,
	.mem_fn = cyaml_mem,
	.log_level = CYAML_LOG_ERROR,
	.flags = CYAML_CFG_NO_ALIAS | CYAML_CFG_STYLE_BLOCK,
};

/* Memory that lives as long as the schema. */
static void *schema_alloc(struct schema *schema, size_t count, size_t size)
{
	void **blocks = realloc(schema->blocks, (schema->count + 1) * sizeof(*blocks));

	if (!blocks)
		return NULL;
	schema->blocks = blocks;
	blocks[schema->count] = calloc(count, size);
	return blocks[schema->count] ? blocks[schema->count++] : NULL;
}

static void schema_string(cyaml_schema_value_t *value, enum cyaml_flag flags)
{
	value->type = CYAML_STRING;
	value->flags = flags;
	value->data_size = sizeof(char);
	value->string.min = 0;
	value->string.max = CYAML_UNLIMITED;
}

static const cyaml_schema_field_t *schema_fields(struct schema *schema, const struct key *keys);

static int schema_mapping(struct schema *schema, const struct key *key, cyaml_schema_value_t *value,
			  enum cyaml_flag flags)
{
	value->type = CYAML_MAPPING;
	value->flags = flags;
	value->data_size = key->size;
	value->mapping.fields = schema_fields(schema, key->children);
	return value->mapping.fields ? 0 : -ENOMEM;
}

static int schema_list(struct schema *schema, const struct key *key, cyaml_schema_value_t *value)
{
	cyaml_schema_value_t *entry = schema_alloc(schema, 1, sizeof(*entry));
	int rc = 0;

	if (!entry)
		return -ENOMEM;
	if (key->kind == KEY_MAPPINGS)
		rc = schema_mapping(schema, key, entry, CYAML_FLAG_DEFAULT);
	else
		schema_string(entry, CYAML_FLAG_POINTER);
	value->type = CYAML_SEQUENCE;
	value->flags = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL;
	value->data_size = key->kind == KEY_MAPPINGS ? key->size : sizeof(char *);
	value->sequence.entry = entry;
	value->sequence.max = CYAML_UNLIMITED;
	return rc;
}

static int schema_field(struct schema *schema, const struct key *key, cyaml_schema_field_t *field)
{
	const enum cyaml_flag optional = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL;

	field->key = key->name;
	field->data_offset = key->offset;
	field->count_offset = key->count_offset;
	field->count_size = sizeof(uint32_t);
	if (key->kind == KEY_MAPPING)
		return schema_mapping(schema, key, &field->value, optional);
	if (!keys_is_scalar(key->kind))
		return schema_list(schema, key, &field->value);
	schema_string(&field->value, optional);
	return 0;
}

static const cyaml_schema_field_t *schema_fields(struct schema *schema, const struct key *keys)
{
	cyaml_schema_field_t *fields;
	size_t count = 0;

	while (keys[count].name)
		count++;
	fields = schema_alloc(schema, count + 1, sizeof(*fields)); /* a NULL key ends it */
	for (size_t i = 0; fields && i < count; i++)
		if (schema_field(schema, &keys[i], &fields[i]))
			return NULL;
	return fields;
}

int schema_make(struct schema *schema)
{
	static const struct key top = {
		.kind = KEY_MAPPING,
		.children = keys_top,
		.size = sizeof(struct raw_config),
	};

	*schema = (struct schema){ 0 };
	return schema_mapping(schema, &top, &schema->top, CYAML_FLAG_POINTER);
}

void schema_free(struct schema *schema)
{
	for (uint32_t i = 0; i < schema->count; i++)
		free(schema->blocks[i]);
	free(schema->blocks);
}
