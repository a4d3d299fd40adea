// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>

#include "config/rules.h"

/* Whose connection is it, if two peers have one key? */
static void rules_curve_once(struct document *document, const struct config *config, uint32_t n,
			     const char *key, const char *path)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct config_peer *other = &config->cluster.peers[i];

		for (uint32_t k = 0; k < other->keys_count && k < CONFIG_PEER_KEYS_MAX; k++)
			if (!strcmp(other->keys[k], key))
				document_fault_at(document, path,
						  "came a key that peer %s has, expected one of "
						  "its own",
						  other->name);
	}
}

static void rules_curve_peer(struct document *document, const struct config *config, uint32_t n)
{
	const struct config_peer *peer = &config->cluster.peers[n];
	char path[DOCUMENT_PATH_MAX];

	snprintf(path, sizeof(path), "cluster.peers[%u].keys", n);
	if (peer->keys_count > CONFIG_PEER_KEYS_MAX)
		document_fault_at(document, path,
				  "came %u, expected at most %d: the old and the "
				  "new one",
				  peer->keys_count, CONFIG_PEER_KEYS_MAX);
	for (uint32_t k = 0; k < peer->keys_count && k < CONFIG_PEER_KEYS_MAX; k++)
		rules_curve_once(document, config, n, peer->keys[k], path);
	if (!peer->keys_count && config->cluster.security == CONFIG_SECURITY_CURVE) {
		snprintf(path, sizeof(path), "cluster.peers[%u]", n);
		document_fault_at(document, path,
				  "without keys, expected the public key that "
				  "lbctl keygen prints on %s",
				  peer->name);
	}
}

/* A node connects from where it listens: that is what its peers know it by. */
static void rules_curve_family(struct document *document, const struct config *config, uint32_t n)
{
	char path[DOCUMENT_PATH_MAX];

	snprintf(path, sizeof(path), "cluster.peers[%u].address", n);
	if (config->cluster.listening && lbd_addr_is4(&config->cluster.peers[n].address.addr) !=
						 lbd_addr_is4(&config->cluster.listen.addr))
		document_fault_at(document, path,
				  "is of another family than cluster.listen, "
				  "expected the same");
}

void rules_curve(struct document *document, const struct config *config)
{
	if (config->cluster.peers_count && !config->cluster.key_file &&
	    config->cluster.security == CONFIG_SECURITY_CURVE)
		document_fault_at(document, "cluster",
				  "peers are given but no key-file, expected a file that lbctl "
				  "keygen made; whoever wants no encryption says security: "
				  "plaintext");
	for (uint32_t n = 0; n < config->cluster.peers_count; n++) {
		rules_curve_peer(document, config, n);
		rules_curve_family(document, config, n);
	}
}
