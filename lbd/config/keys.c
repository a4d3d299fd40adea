// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/keys.h"

#include <string.h>

#include "base/nearest.h"
#include "config/keys_row.h"

#define KEYS_MAX 32 /* of one mapping */

static const struct key keys_xdp[] = {
	{ "interfaces",
	  "Interfaces that packets for the VIPs come in on. In native mode packets can't be sent "
	  "on to a VLAN device, a bridge or a macvlan, only back to the one they came in on: "
	  "backends behind one stay unresolved (lbctl backends says so) unless that device is "
	  "named here. Two losses show nowhere: what comes in on another interface in native "
	  "mode for backends behind a device that is named here, and answers by nat to clients "
	  "behind one.",
	  .kind = KEY_SCALARS, .item = KEY_INTERFACE, .required = true,
	  LIST_AT(raw_xdp, interfaces) },
	{ "mode",
	  "How the program is attached. auto tries native, then generic. generic works with "
	  "every driver and costs about two thirds of the packet rate.",
	  "auto", "auto|native|generic|offload", .kind = KEY_CHOICE, AT(raw_xdp, mode) },
	{ NULL },
};

static const struct key keys_limits[] = {
	{ "services",
	  "Room for services, a power of two. Ids of removed services are used again "
	  "only when no connection refers to them.",
	  "128", .kind = KEY_NUMBER, .min = 2, .max = 32768, AT(raw_limits, services) },
	{ "backends", "Room for backends of all services together, a power of two.", "1024",
	  .kind = KEY_NUMBER, .min = 2, .max = 65536, AT(raw_limits, backends) },
	{ "connections-ipv4",
	  "Slots of the IPv4 connection table, a power of two. 16 bytes each. Four times as many "
	  "as "
	  "connections at a time: a fuller one displaces the oldest, and each node others.",
	  "1048576", .kind = KEY_NUMBER, .min = 1024, .max = 1LL << 28,
	  AT(raw_limits, connections_ipv4) },
	{ "connections-ipv6", "Slots of the IPv6 connection table, a power of two. 32 bytes each.",
	  "262144", .kind = KEY_NUMBER, .min = 1024, .max = 1LL << 28,
	  AT(raw_limits, connections_ipv6) },
	{ "nat-ipv4",
	  "Ways back of IPv4 flows in nat mode, a power of two. 16 bytes each. Four times as many "
	  "as flows at a time, or more: a peer has no room for 1 in 200 of them then, and for 1 "
	  "in 30 if only twice as many.",
	  "262144", .kind = KEY_NUMBER, .min = 1024, .max = 1LL << 28, AT(raw_limits, nat_ipv4) },
	{ "nat-ipv6", "The same for IPv6. 32 bytes each.", "65536", .kind = KEY_NUMBER, .min = 1024,
	  .max = 1LL << 28, AT(raw_limits, nat_ipv6) },
	{ "sticky",
	  "Clients that services with sticky remember, a power of two. 32 bytes each; when all "
	  "are taken, a new client displaces the one that was away for longest.",
	  "65536", .kind = KEY_NUMBER, .min = 1024, .max = 1LL << 28, AT(raw_limits, sticky) },
	{ "maglev",
	  "Places of a Maglev ring, a prime. About a hundred times the backends of the "
	  "largest service.",
	  "65537", .kind = KEY_NUMBER, .min = 3, .max = 1048573, AT(raw_limits, maglev) },
	{ "prefixes",
	  "Room for the prefixes of all lists together. 160 bytes each; an IPv6 prefix longer "
	  "than 64 bits can take more room than one.",
	  "131072", .kind = KEY_NUMBER, .min = 16, .max = 1LL << 21, AT(raw_limits, prefixes) },
	{ "sources",
	  "Sources that rate limits tell apart at a time, a power of two. 32 bytes each. When "
	  "there are more, those that use least of their limit are forgotten.",
	  "65536", .kind = KEY_NUMBER, .min = 1024, .max = 1LL << 24, AT(raw_limits, sources) },
	{ NULL },
};

static const struct key keys_timeouts[] = {
	{ "tcp", "Idle TCP connections.", "15m", .kind = KEY_DURATION, .min = 1000,
	  .max = 30 * DAY_MS, AT(raw_timeouts, tcp) },
	{ "udp", "Idle UDP flows.", "60s", .kind = KEY_DURATION, .min = 1000, .max = 30 * DAY_MS,
	  AT(raw_timeouts, udp) },
	{ "closing", "TCP connections after a FIN of the client.", "30s", .kind = KEY_DURATION,
	  .min = 1000, .max = 30 * DAY_MS, AT(raw_timeouts, closing) },
	{ "unconfirmed", "Flows that have shown a single packet, or ended with an RST.", "10s",
	  .kind = KEY_DURATION, .min = 1000, .max = 30 * DAY_MS, AT(raw_timeouts, unconfirmed) },
	{ NULL },
};

static const struct key keys_tunnel[] = {
	{ "source-ipv4",
	  "Prefix of outer IPv4 sources. The bits behind it vary per flow, so that receivers "
	  "spread the flows over their queues. Backends must not filter it (rp_filter).",
	  "198.18.0.0/16", .kind = KEY_PREFIX, AT(raw_tunnel, source_ipv4) },
	{ "source-ipv6", "The same for IPv6, 64 bits or shorter.", "100::/64", .kind = KEY_PREFIX,
	  AT(raw_tunnel, source_ipv6) },
	{ "gue-port", "UDP port of backends for gue.", "6080", .kind = KEY_NUMBER, .min = 1,
	  .max = 65535, AT(raw_tunnel, gue_port) },
	{ "vxlan-port", "UDP port of backends for vxlan.", "4789", .kind = KEY_NUMBER, .min = 1,
	  .max = 65535, AT(raw_tunnel, vxlan_port) },
	{ "geneve-port", "UDP port of backends for geneve.", "6081", .kind = KEY_NUMBER, .min = 1,
	  .max = 65535, AT(raw_tunnel, geneve_port) },
	{ "mac",
	  "Destination of the Ethernet frames in vxlan and geneve: the MAC address that the "
	  "backends' tunnel devices must have. The frames come from 02:4c:42:44:00:02.",
	  "02:4c:42:44:00:01", .kind = KEY_MAC, AT(raw_tunnel, mac) },
	{ NULL },
};

static const struct key keys_icmp[] = {
	{ "echo",
	  "true: a ping of a VIP is answered by the packet path, whether or not the node has the "
	  "address. false: it is left to the kernel.",
	  "true", .kind = KEY_BOOL, AT(raw_icmp, echo) },
	{ "tell-mtu",
	  "Tell a client, in the VIP's name, when its packet doesn't fit the way to the backend "
	  "with its tunnel headers: fragmentation needed, packet too big. With forward: nat also a "
	  "backend, in the NAT address's name, when its answer doesn't fit the way to the client. "
	  "false: such packets are dropped, and who sends large ones hangs.",
	  "true", .kind = KEY_BOOL, AT(raw_icmp, tell_mtu) },
	{ "rate", "Answers a second that each CPU gives at most; what is more is dropped.", "1000",
	  .kind = KEY_NUMBER, .min = 1, .max = 1000000, AT(raw_icmp, rate) },
	{ NULL },
};

static const struct key keys_fragments[] = {
	{ "timeout",
	  "How long a datagram's first fragment is remembered, and one that came before it is "
	  "held.",
	  "2s", .kind = KEY_DURATION, .min = 100, .max = 60000, AT(raw_fragments, timeout) },
	{ "memory",
	  "KiB for fragments that came before their first: lbd holds them, and sends them on "
	  "behind it. 0: none is held, they are dropped.",
	  "1024", .kind = KEY_NUMBER, .min = 0, .max = 1048576, AT(raw_fragments, memory) },
	{ NULL },
};

static const struct key keys_upgrade[] = {
	{ "watch",
	  "How long lbctl upgrade watches the new packet path. If it drops, misses or fails more "
	  "than the old one did, the old one runs again. 0s: it isn't watched.",
	  "30s", .kind = KEY_DURATION, .min = 0, .max = HOUR_MS, AT(raw_upgrade, watch) },
	{ "canary-time",
	  "How long lbctl upgrade --canary compares both packet paths before it takes the new one.",
	  "60s", .kind = KEY_DURATION, .min = 1000, .max = DAY_MS, AT(raw_upgrade, canary_time) },
	{ NULL },
};

static const struct key keys_nat[] = {
	{ "addresses",
	  "Addresses that clients' packets go out from in nat mode, at most 8 of a family, the "
	  "same on all nodes. They move with the VIPs, and backends must have a route to them. "
	  "Each is good for as many flows to a backend as there are ports. Connections in nat "
	  "mode don't survive a change of this list or of the ports.",
	  .kind = KEY_SCALARS, .item = KEY_ADDRESS, .required = true, LIST_AT(raw_nat, addresses) },
	{ "ports", "Their ports for it; what comes to other ports is the kernel's.", "1024-65535",
	  .kind = KEY_PORTS, AT(raw_nat, ports) },
	{ NULL },
};

static const struct key keys_peer[] = {
	{ "name", "The peer's node name, as its own config has it.", .kind = KEY_NAME,
	  .required = true, AT(raw_peer, name) },
	{ "address", "Where the peer listens.", .kind = KEY_ENDPOINT, .required = true,
	  AT(raw_peer, address) },
	{ "keys",
	  "The peer's public key, as lbctl keygen prints it there; in quotes. While the peer "
	  "changes its key: the old and the new one. What has another key isn't the peer.",
	  .kind = KEY_SCALARS, .item = KEY_CURVE, LIST_AT(raw_peer, keys) },
	{ NULL },
};

static const struct key keys_cluster[] = {
	{ "secret-file",
	  "File of 32 hexadecimal digits, mode 0600, the same on all nodes. It keys the choice "
	  "of backends: all nodes choose alike, and nobody outside can foretell it.",
	  .kind = KEY_PATH, AT(raw_cluster, secret_file) },
	{ "security",
	  "curve: what nodes tell each other is encrypted, and only peers whose key is known are "
	  "talked to. plaintext: whoever can send from a peer's address can read and write "
	  "connections; lbd warns about it.",
	  "curve", "curve|plaintext", .kind = KEY_CHOICE, AT(raw_cluster, security) },
	{ "key-file",
	  "This node's secret key, mode 0600: lbctl keygen makes it. Peers have its public key. "
	  "lbctl reload reads it again.",
	  .kind = KEY_PATH, AT(raw_cluster, key_file) },
	{ "listen", "Named address and port where peers deliver their connections.",
	  .kind = KEY_ENDPOINT, AT(raw_cluster, listen) },
	{ "patience",
	  "How long a starting node waits for its peers to answer, and, once it has a peer's whole "
	  "table, for the proof that both are equal, before it may take the VIP without. A peer "
	  "that answers and is still sending is waited for as long as that takes. One that was "
	  "never heard isn't waited for once an active peer's table is proven to be here.",
	  "10s", .kind = KEY_DURATION, .min = 100, .max = HOUR_MS, AT(raw_cluster, patience) },
	{ "bandwidth",
	  "Bytes a second that connections and their proofs may take on the wire, for all peers "
	  "together; 0: without limit. More is not lost, but comes later.",
	  "0", .kind = KEY_NUMBER, .min = 0, .max = UINT32_MAX, AT(raw_cluster, bandwidth) },
	{ "cpu",
	  "Percent of a core that replication may take, over a tenth of a second; 100: without "
	  "limit. More is not lost, but comes later.",
	  "100", .kind = KEY_NUMBER, .min = 5, .max = 100, AT(raw_cluster, cpu) },
	{ "peers", "The other nodes.", .kind = KEY_MAPPINGS, .children = keys_peer,
	  .size = sizeof(struct raw_peer), LIST_AT(raw_cluster, peers) },
	{ NULL },
};

static const struct key keys_vrrp[] = {
	{ "interface", "Interface that the VIPs and adverts are on.", .kind = KEY_INTERFACE,
	  .required = true, AT(raw_vrrp, interface) },
	{ "router-id", "VRRP router id, the same on all nodes of the pair.", .kind = KEY_NUMBER,
	  .min = 1, .max = 255, .required = true, AT(raw_vrrp, router_id) },
	{ "priority",
	  "The node with the highest becomes master first. Those of one cluster must differ by "
	  "less "
	  "than 50: by so much a node ranks lower after lbctl failover.",
	  "100", .kind = KEY_NUMBER, .min = 1, .max = 254, AT(raw_vrrp, priority) },
	{ "advert", "Interval of adverts; a takeover takes about three and a half of them.",
	  "100ms", .kind = KEY_DURATION, .min = 10, .max = 40000, AT(raw_vrrp, advert) },
	{ "source", "This node's address for adverts.", .kind = KEY_ADDRESS, .required = true,
	  AT(raw_vrrp, source) },
	{ "peers", "The other nodes' addresses for adverts.", .kind = KEY_SCALARS,
	  .item = KEY_ADDRESS, .required = true, LIST_AT(raw_vrrp, peers) },
	{ NULL },
};

const struct key keys_top[] = {
	{ "instance", "Names the pins, the run directory and the control socket.", "lbd",
	  .kind = KEY_LABEL, AT(raw_config, instance) },
	{ "node", "This node's name for its peers. Without it: the host's name.", .kind = KEY_NAME,
	  AT(raw_config, node) },
	{ "history",
	  "Configs that were put in force and are kept for lbctl history, reload --from-history "
	  "and "
	  "a start that finds this file broken. 16 MiB of them at most; the newest good one stays.",
	  "20", .kind = KEY_NUMBER, .min = 2, .max = 200, AT(raw_config, history) },
	{ "xdp", "Where packets are taken.", .kind = KEY_MAPPING, .children = keys_xdp,
	  .size = sizeof(struct raw_xdp), .required = true, AT(raw_config, xdp) },
	{ "limits",
	  "Sizes of the pinned maps. With other ones, a reload, a restart or lbctl resize moves "
	  "what "
	  "they hold while packets flow.",
	  .kind = KEY_MAPPING, .children = keys_limits, .size = sizeof(struct raw_limits),
	  AT(raw_config, limits) },
	{ "timeouts", "When an idle entry of the connection table may be displaced.",
	  .kind = KEY_MAPPING, .children = keys_timeouts, .size = sizeof(struct raw_timeouts),
	  AT(raw_config, timeouts) },
	{ "tunnel", "Headers of tunnels: ipip, gue, gre, vxlan, geneve.", .kind = KEY_MAPPING,
	  .children = keys_tunnel, .size = sizeof(struct raw_tunnel), AT(raw_config, tunnel) },
	{ "icmp",
	  "ICMP and ICMPv6 to a VIP, and what this node itself says to clients. Errors about a "
	  "connection always go to the backend that has it.",
	  .kind = KEY_MAPPING, .children = keys_icmp, .size = sizeof(struct raw_icmp),
	  AT(raw_config, icmp) },
	{ "fragments",
	  "Datagrams in fragments: the first shows the ports, the others follow it to its "
	  "backend.",
	  .kind = KEY_MAPPING, .children = keys_fragments, .size = sizeof(struct raw_fragments),
	  AT(raw_config, fragments) },
	{ "upgrade", "How a new packet path is tried (lbctl upgrade).", .kind = KEY_MAPPING,
	  .children = keys_upgrade, .size = sizeof(struct raw_upgrade), AT(raw_config, upgrade) },
	{ "nat", "What services with forward: nat go out from.", .kind = KEY_MAPPING,
	  .children = keys_nat, .size = sizeof(struct raw_nat), AT(raw_config, nat) },
	{ "cluster", "The nodes that replicate their connections to each other.",
	  .kind = KEY_MAPPING, .children = keys_cluster, .size = sizeof(struct raw_cluster),
	  AT(raw_config, cluster) },
	{ "vrrp", "What lbctl keepalived makes a keepalived.conf of.", .kind = KEY_MAPPING,
	  .children = keys_vrrp, .size = sizeof(struct raw_vrrp), AT(raw_config, vrrp) },
	{ "lists", "Prefixes by a name, for deny and allow. 24 at most.", .kind = KEY_MAPPINGS,
	  .children = keys_list, .size = sizeof(struct raw_list), LIST_AT(raw_config, lists) },
	{ "guard", "Who may send what to the services.", .kind = KEY_MAPPING,
	  .children = keys_guard, .size = sizeof(struct raw_guard), AT(raw_config, guard) },
	{ "services", "What is balanced.", .kind = KEY_MAPPINGS, .children = keys_service,
	  .size = sizeof(struct raw_service), LIST_AT(raw_config, services) },
	{ NULL },
};

const struct key *keys_find(const struct key *keys, const char *name)
{
	for (; keys->name; keys++)
		if (!strcmp(keys->name, name))
			return keys;
	return NULL;
}

bool keys_is_scalar(enum key_kind kind)
{
	return kind < KEY_MAPPING;
}

const char *keys_nearest(const struct key *keys, const char *name)
{
	const char *names[KEYS_MAX + 1] = { 0 };

	if (strlen(name) > NEAREST_WORD_MAX)
		return NULL;
	for (size_t i = 0; i < KEYS_MAX && keys[i].name; i++)
		names[i] = keys[i].name;
	return nearest_find(name, names);
}
