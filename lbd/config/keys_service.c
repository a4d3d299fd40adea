// SPDX-License-Identifier: GPL-2.0-or-later
/* The keys of services, and of who may send to them. */
#include "config/keys_row.h"

static const struct key keys_health[] = {
	{ "check",
	  "tcp opens a connection; none takes every backend for healthy. Without it: tcp for "
	  "TCP services, and for UDP services tcp if a port is given here, else none: a TCP "
	  "connection can't tell whether a UDP port answers.",
	  .choices = "tcp|none", .kind = KEY_CHOICE, AT(raw_health, check) },
	{ "port",
	  "Port that is checked. Without it: the backend's, or the service's port, which must then "
	  "be a TCP port and not any.",
	  .kind = KEY_NUMBER, .min = 1, .max = 65535, AT(raw_health, port) },
	{ "interval", "Time between checks.", "2s", .kind = KEY_DURATION, .min = 50, .max = HOUR_MS,
	  AT(raw_health, interval) },
	{ "timeout", "How long an answer may take; not above the interval.", "1s",
	  .kind = KEY_DURATION, .min = 10, .max = HOUR_MS, AT(raw_health, timeout) },
	{ "rise", "Good answers in a row that bring a backend up.", "2", .kind = KEY_NUMBER,
	  .min = 1, .max = 100, AT(raw_health, rise) },
	{ "fall", "Bad answers in a row that take it down.", "3", .kind = KEY_NUMBER, .min = 1,
	  .max = 100, AT(raw_health, fall) },
	{ NULL },
};

static const struct key keys_backend[] = {
	{ "name", "For people. Without it: the address.", .kind = KEY_NAME, AT(raw_backend, name) },
	{ "address", "The backend's own address.", .kind = KEY_ADDRESS, .required = true,
	  AT(raw_backend, address) },
	{ "port",
	  "Where the backend listens, with forward: nat; other modes leave ports alone. Without "
	  "it: the service's port.",
	  .kind = KEY_NUMBER, .min = 1, .max = 65535, AT(raw_backend, port) },
	{ "weight", "Share of new flows, relative to the others; 0 takes none.", "100",
	  .kind = KEY_NUMBER, .min = 0, .max = 65535, AT(raw_backend, weight) },
	{ "drain", "true: keeps its flows and takes no new ones.", "false", .kind = KEY_BOOL,
	  AT(raw_backend, drain) },
	{ "server-ids",
	  "What QUIC connection ids call this backend: two hexadecimal digits an octet. Each "
	  "holds in the service's quic configs that have server ids of its length, and is no "
	  "other backend's of the service. At most 4: new ones beside old ones while connections "
	  "move over.",
	  .kind = KEY_SCALARS, .item = KEY_OCTETS, .min = 1, .max = LBD_QUIC_SERVER_MAX,
	  LIST_AT(raw_backend, server_ids) },
	{ "mac",
	  "MAC address of its next hop for lbctl trace --config, which asks no neighbour. A "
	  "running lbd goes by the kernel's neighbours, not by this.",
	  .kind = KEY_MAC, AT(raw_backend, mac) },
	{ NULL },
};

const struct key keys_list[] = {
	{ "name", "What deny and allow call it.", .kind = KEY_NAME, .required = true,
	  AT(raw_list, name) },
	{ "file",
	  "File of prefixes or addresses, IPv4 and IPv6, one a line; # begins a comment. lbctl "
	  "reload reads it again.",
	  .kind = KEY_PATH, AT(raw_list, file) },
	{ "prefixes", "Prefixes given here, with or without a file.", .kind = KEY_SCALARS,
	  .item = KEY_PREFIX, LIST_AT(raw_list, prefixes) },
	{ NULL },
};

#define RATES_MAX 1000000000LL

#define KEYS_RATES(whose)                                                                         \
	{ "packets",	      "Packets per second of " whose ". Without it: no limit.",           \
	  .kind = KEY_NUMBER, .min = 1,                                                           \
	  .max = RATES_MAX,   AT(raw_rates, packets) },                                           \
		{ "new",                                                                          \
		  "New connections per second of " whose                                          \
		  ". TCP is counted by its SYNs, and apart from "                                 \
		  "them by its entries in the connection table, UDP by its entries. Connections " \
		  "that "                                                                         \
		  "are in the table go on whatever the rate. Without it: no limit.",              \
		  .kind = KEY_NUMBER,                                                             \
		  .min = 1,                                                                       \
		  .max = RATES_MAX,                                                               \
		  AT(raw_rates, new) },                                                           \
	{                                                                                         \
		"burst",                                                                          \
			"How much of a rate may come at once: what it gives in this time, and "   \
			"one at least.",                                                          \
			"1s", .kind = KEY_DURATION, .min = 10, .max = HOUR_MS,                    \
			      AT(raw_rates, burst)                                                \
	}

static const struct key keys_source_rates[] = {
	KEYS_RATES("one source at this service"),
	{ NULL },
};

static const struct key keys_service_limits[] = {
	KEYS_RATES("the service, from all sources"),
	{ "source", "Limits of each source; guard.source says what a source is.",
	  .kind = KEY_MAPPING, .children = keys_source_rates, .size = sizeof(struct raw_rates),
	  AT(raw_rates, source) },
	{ NULL },
};

static const struct key keys_guard_source[] = {
	{ "prefix-ipv4", "Bits of an IPv4 address that make up a source.", "32", .kind = KEY_NUMBER,
	  .min = 8, .max = 32, AT(raw_rates, prefix_ipv4) },
	{ "prefix-ipv6", "Bits of an IPv6 address that make up a source.", "64", .kind = KEY_NUMBER,
	  .min = 16, .max = 64, AT(raw_rates, prefix_ipv6) },
	KEYS_RATES("one source, over all services"),
	{ NULL },
};

const struct key keys_guard[] = {
	{ "deny",
	  "Lists whose addresses are dropped, for all services. Deny wins over allow, whichever "
	  "prefix is longer.",
	  .kind = KEY_SCALARS, .item = KEY_NAME, LIST_AT(raw_guard, deny) },
	{ "allow",
	  "Lists of the only addresses that may pass, for all services; a service's own are "
	  "added.",
	  .kind = KEY_SCALARS, .item = KEY_NAME, LIST_AT(raw_guard, allow) },
	{ "source", "Limits of each source over all services.", .kind = KEY_MAPPING,
	  .children = keys_guard_source, .size = sizeof(struct raw_rates), AT(raw_guard, source) },
	{ "sample",
	  "Keep one in so many dropped packets of each outcome and CPU for lbctl drops, the "
	  "first one included. Without it: none.",
	  .kind = KEY_NUMBER, .min = 1, .max = RATES_MAX, AT(raw_guard, sample) },
	{ NULL },
};

static const struct key keys_quic_config[] = {
	{ "id",
	  "The config id: the first three bits of the connection ids that servers make by it. 7 "
	  "is kept for those that can't be routed.",
	  .kind = KEY_NUMBER, .min = 0, .max = LBD_QUIC_UNROUTABLE - 1, .required = true,
	  AT(raw_quic_config, id) },
	{ "server-id-length", "Octets of a server id, which follow the first octet.",
	  .kind = KEY_NUMBER, .min = 1, .max = LBD_QUIC_SERVER_MAX, .required = true,
	  AT(raw_quic_config, server_id_length) },
	{ "nonce-length", "Octets after the server id, at most 19 together with it.",
	  .kind = KEY_NUMBER, .min = LBD_QUIC_NONCE_MIN, .max = LBD_QUIC_NONCE_MAX,
	  .required = true, AT(raw_quic_config, nonce_length) },
	{ NULL },
};

static const struct key keys_quic[] = {
	{ "configs",
	  "How connection ids are read. To change over, add a config with another id, give it to "
	  "the servers, and remove the old one when its connections have ended.",
	  .kind = KEY_MAPPINGS, .children = keys_quic_config,
	  .size = sizeof(struct raw_quic_config), .required = true, LIST_AT(raw_quic, configs) },
	{ NULL },
};

static const struct key keys_service_timeouts[] = {
	{ "idle", "Idle connections or flows of this service.", .kind = KEY_DURATION, .min = 1000,
	  .max = 30 * DAY_MS, AT(raw_service_timeouts, idle) },
	{ "closing", "Its TCP connections after a FIN of the client.", .kind = KEY_DURATION,
	  .min = 1000, .max = 30 * DAY_MS, AT(raw_service_timeouts, closing) },
	{ "unconfirmed", "Its flows that have shown a single packet, or ended with an RST.",
	  .kind = KEY_DURATION, .min = 1000, .max = 30 * DAY_MS,
	  AT(raw_service_timeouts, unconfirmed) },
	{ NULL },
};

const struct key keys_service[] = {
	{ "name", "For people and lbctl.", .kind = KEY_NAME, .required = true,
	  AT(raw_service, name) },
	{ "vip", "The address that clients use.", .kind = KEY_ADDRESS, .required = true,
	  AT(raw_service, vip) },
	{ "port", "The port that clients use, or any.", .kind = KEY_PORT, .required = true,
	  AT(raw_service, port) },
	{ "protocol", "Transport protocol.", "tcp", "tcp|udp", .kind = KEY_CHOICE,
	  AT(raw_service, protocol) },
	{ "forward",
	  "dsr rewrites the destination MAC address: backends are on the same network and have "
	  "the VIP on a loopback. The others send the packet in a tunnel: backends may be "
	  "anywhere, of either family, and take the headers off. ipip: IP in IP; gue: UDP with "
	  "the packet right behind it; gre; vxlan and geneve: an Ethernet frame in UDP, with a "
	  "VNI. nat rewrites both addresses and ports: backends may be anywhere and need nothing, "
	  "answer through this node, and don't see the client's address.",
	  "dsr", "dsr|ipip|gue|gre|vxlan|geneve|nat", .kind = KEY_CHOICE,
	  AT(raw_service, forward) },
	{ "vni", "Network identifier of vxlan and geneve, which need one.", .kind = KEY_NUMBER,
	  .min = 1, .max = 16777215, AT(raw_service, vni) },
	{ "deny", "Lists whose addresses are dropped, besides those of guard.deny.",
	  .kind = KEY_SCALARS, .item = KEY_NAME, LIST_AT(raw_service, deny) },
	{ "allow", "Lists of the only addresses that may pass, together with guard.allow.",
	  .kind = KEY_SCALARS, .item = KEY_NAME, LIST_AT(raw_service, allow) },
	{ "limits", "How much may come to the service.", .kind = KEY_MAPPING,
	  .children = keys_service_limits, .size = sizeof(struct raw_rates),
	  AT(raw_service, limits) },
	{ "hash",
	  "What tells new connections apart when a backend is picked: all of the 5-tuple; the "
	  "client's address (source); the network it is in (source-prefix/24, without a length "
	  "24 bits of IPv4 and 64 of IPv6); or the port it asks for. Without it: 5-tuple, and "
	  "with sticky source for IPv4, source-prefix/64 for IPv6.",
	  .kind = KEY_HASH, AT(raw_service, hash) },
	{ "sticky",
	  "A client's new connections go to the backend that its last one went to, if that began "
	  "no longer ago than this and the backend is up. Clients are told apart as hash says, "
	  "which must be source or source-prefix. Each node remembers for itself.",
	  .kind = KEY_DURATION, .min = 1000, .max = 30 * DAY_MS, AT(raw_service, sticky) },
	{ "down",
	  "What becomes of the connections of a backend that is down. keep: TCP connections stay, "
	  "since a failed check may be wrong; UDP flows go to another. rehash: all go to another. "
	  "reset: the client is told, by a TCP reset or an ICMP error, and connects anew; so it "
	  "is while the service has no usable backend at all.",
	  "keep", "keep|rehash|reset", .kind = KEY_CHOICE, AT(raw_service, down) },
	{ "timeouts", "In place of the node's timeouts, for this service.", .kind = KEY_MAPPING,
	  .children = keys_service_timeouts, .size = sizeof(struct raw_service_timeouts),
	  AT(raw_service, timeouts) },
	{ "health", "How backends are checked.", .kind = KEY_MAPPING, .children = keys_health,
	  .size = sizeof(struct raw_health), AT(raw_service, health) },
	{ "quic",
	  "Of a UDP service: go by the server id in QUIC connection ids "
	  "(draft-ietf-quic-load-balancers-21, plaintext), so that a connection keeps its backend "
	  "when the client's address or port changes.",
	  .kind = KEY_MAPPING, .children = keys_quic, .size = sizeof(struct raw_quic),
	  AT(raw_service, quic) },
	{ "backends", "Who serves.", .kind = KEY_MAPPINGS, .children = keys_backend,
	  .size = sizeof(struct raw_backend), .required = true, LIST_AT(raw_service, backends) },
	{ "fallback",
	  "Who serves while none of the backends takes new connections: all are down, drained or "
	  "out of reach. Checked like them. Connections stay when the backends are back.",
	  .kind = KEY_MAPPINGS, .children = keys_backend, .size = sizeof(struct raw_backend),
	  LIST_AT(raw_service, fallback) },
	{ NULL },
};
