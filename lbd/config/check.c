// SPDX-License-Identifier: GPL-2.0-or-later
/* The document against the table of keys. Goes on after a fault, to find them all. */
#include "config/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/keys.h"
#include "config/value.h"

static void check_mapping(struct document *document, const yaml_node_t *node,
			  const struct key *keys, const char *path);

static const char *check_text(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

/* What came, for a message. */
static const char *check_came(const yaml_node_t *node, char *buffer, size_t size)
{
	if (node->type == YAML_MAPPING_NODE)
		return "keys and values";
	if (node->type == YAML_SEQUENCE_NODE)
		return "a list";
	snprintf(buffer, size, "\"%.60s\"", check_text(node));
	return buffer;
}

static void check_fault_expected(struct document *document, const yaml_node_t *node,
				 const struct key *key, enum key_kind kind, const char *path)
{
	char came[80], expected[VALUE_TEXT_MAX];

	document_fault(document, document_line(node), path, "came %s, expected %s",
		       check_came(node, came, sizeof(came)), value_expected(key, kind, expected));
}

static void check_scalar(struct document *document, const yaml_node_t *node, const struct key *key,
			 enum key_kind kind, const char *path)
{
	/* A NUL inside would end the text early for everybody after this. */
	if (node->type != YAML_SCALAR_NODE ||
	    strlen(check_text(node)) != node->data.scalar.length ||
	    !value_valid(key, kind, check_text(node)))
		check_fault_expected(document, node, key, kind, path);
}

static void check_item(struct document *document, const yaml_node_t *node, const struct key *key,
		       const char *path)
{
	if (key->kind == KEY_SCALARS)
		check_scalar(document, node, key, key->item, path);
	else if (node->type != YAML_MAPPING_NODE)
		check_fault_expected(document, node, key, KEY_MAPPING, path);
	else
		check_mapping(document, node, key->children, path);
}

static void check_list(struct document *document, const yaml_node_t *node, const struct key *key,
		       const char *path)
{
	const yaml_node_item_t *items = node->data.sequence.items.start;
	size_t count;

	if (node->type != YAML_SEQUENCE_NODE) {
		check_fault_expected(document, node, key, key->kind, path);
		return;
	}
	count = (size_t)(node->data.sequence.items.top - items);
	if (!count && key->required)
		document_fault(document, document_line(node), path, "empty, expected at least one");
	for (size_t i = 0; i < count; i++) {
		char at[DOCUMENT_PATH_MAX];

		snprintf(at, sizeof(at), "%.130s[%zu]", path, i);
		check_item(document, yaml_document_get_node(&document->yaml, items[i]), key, at);
	}
}

static void check_value(struct document *document, const yaml_node_t *node, const struct key *key,
			const char *path)
{
	if (key->kind == KEY_MAPPINGS || key->kind == KEY_SCALARS)
		check_list(document, node, key, path);
	else if (key->kind != KEY_MAPPING)
		check_scalar(document, node, key, key->kind, path);
	else if (node->type != YAML_MAPPING_NODE)
		check_fault_expected(document, node, key, key->kind, path);
	else
		check_mapping(document, node, key->children, path);
}

static void check_unknown(struct document *document, const yaml_node_t *name,
			  const struct key *keys, const char *path)
{
	const char *nearest = NULL;

	if (name->type != YAML_SCALAR_NODE) {
		document_fault(document, document_line(name), path, "a key must be a word");
		return;
	}
	nearest = keys_nearest(keys, check_text(name));
	if (nearest)
		document_fault(document, document_line(name), path,
			       "unknown key \"%.60s\", did you mean \"%s\"?", check_text(name),
			       nearest);
	else
		document_fault(document, document_line(name), path,
			       "unknown key \"%.60s\"; lbctl check --keys lists all",
			       check_text(name));
}

static void check_pair(struct document *document, const yaml_node_pair_t *pair,
		       const struct key *keys, const char *path, uint64_t *seen)
{
	const yaml_node_t *name = yaml_document_get_node(&document->yaml, pair->key);
	const struct key *key = NULL;
	char at[DOCUMENT_PATH_MAX];

	if (name->type == YAML_SCALAR_NODE)
		key = keys_find(keys, check_text(name));
	if (!key) {
		check_unknown(document, name, keys, path);
		return;
	}
	snprintf(at, sizeof(at), "%.120s%s%s", path, *path ? "." : "", key->name);
	if (*seen & 1ULL << (key - keys))
		document_fault(document, document_line(name), at, "given twice, expected once");
	*seen |= 1ULL << (key - keys);
	check_value(document, yaml_document_get_node(&document->yaml, pair->value), key, at);
}

static void check_missing(struct document *document, const yaml_node_t *node,
			  const struct key *keys, const char *path, uint64_t seen)
{
	char expected[VALUE_TEXT_MAX];

	for (const struct key *key = keys; key->name; key++)
		if (key->required && !(seen & 1ULL << (key - keys)))
			document_fault(document, document_line(node), path,
				       "missing key \"%s\": %s", key->name,
				       value_expected(key, key->kind, expected));
}

static void check_mapping(struct document *document, const yaml_node_t *node,
			  const struct key *keys, const char *path)
{
	uint64_t seen = 0;

	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++)
		check_pair(document, pair, keys, path, &seen);
	check_missing(document, node, keys, path, seen);
}

void check_document(struct document *document)
{
	const yaml_node_t *root = yaml_document_get_root_node(&document->yaml);

	if (root->type != YAML_MAPPING_NODE)
		document_fault(document, document_line(root), "",
			       "expected keys and values, such as xdp: {interfaces: [eth0]}");
	else
		check_mapping(document, root, keys_top, "");
}
