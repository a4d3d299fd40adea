// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>

#include "config/load_text.h"
#include "config/value.h"

/* More than there is room for are counted, for the rules to refuse. */
static void load_peer(const struct raw_peer *raw, struct config_peer *peer)
{
	peer->name = load_copy(raw->name);
	addr_parse_endpoint(raw->address, &peer->address);
	peer->keys_count = raw->keys_count;
	for (uint32_t i = 0; i < raw->keys_count && i < CONFIG_PEER_KEYS_MAX; i++)
		snprintf(peer->keys[i], sizeof(peer->keys[i]), "%s", raw->keys[i]);
}

void load_cluster(const struct raw_cluster *raw, struct config *config)
{
	const struct key *keys = load_children("cluster");

	config->cluster.secret_file = load_copy(raw->secret_file);
	config->cluster.security = value_choice(keys_find(keys, "security"),
						load_text(raw->security, keys, "security"));
	config->cluster.key_file = load_copy(raw->key_file);
	config->cluster.listening = raw->listen != NULL;
	if (raw->listen)
		addr_parse_endpoint(raw->listen, &config->cluster.listen);
	config->cluster.patience_ms = value_duration_ms(load_text(raw->patience, keys, "patience"));
	config->cluster.bandwidth = value_number(load_text(raw->bandwidth, keys, "bandwidth"));
	config->cluster.cpu = value_number(load_text(raw->cpu, keys, "cpu"));
	config->cluster.peers = calloc(raw->peers_count, sizeof(*config->cluster.peers));
	if (!config->cluster.peers)
		return;
	config->cluster.peers_count = raw->peers_count;
	for (uint32_t i = 0; i < raw->peers_count; i++)
		load_peer(&raw->peers[i], &config->cluster.peers[i]);
}

void load_vrrp(const struct raw_vrrp *raw, struct config *config)
{
	const struct key *keys = load_children("vrrp");

	config->vrrp.interface = load_copy(raw->interface);
	config->vrrp.router_id = value_number(raw->router_id);
	config->vrrp.priority = value_number(load_text(raw->priority, keys, "priority"));
	config->vrrp.advert_ms = value_duration_ms(load_text(raw->advert, keys, "advert"));
	addr_parse(raw->source, &config->vrrp.source);
	config->vrrp.peers = calloc(raw->peers_count, sizeof(*config->vrrp.peers));
	if (!config->vrrp.peers)
		return;
	config->vrrp.peers_count = raw->peers_count;
	for (uint32_t i = 0; i < raw->peers_count; i++)
		addr_parse(raw->peers[i], &config->vrrp.peers[i]);
}
