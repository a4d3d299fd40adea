/* SPDX-License-Identifier: GPL-2.0-or-later */
/* As config_broken.h: the cluster, tunnels, VRRP, QUIC and NAT. */
#ifndef CONFIG_BROKEN_FEATURES_H
#define CONFIG_BROKEN_FEATURES_H

#include "config_broken.h"

static const struct broken broken_features[] = {
	{
		"peers that can't reach this node",
		XDP "cluster:\n  peers: [{name: b, address: \"192.0.2.12:7946\"}]\n",
		{ "3: cluster: peers are given but no listen, expected where they reach this "
		  "node",
		  "3: cluster: peers are given but no key-file, expected a file that lbctl keygen "
		  "made; whoever wants no encryption says security: plaintext",
		  "3: cluster.peers[0]: without keys, expected the public key that lbctl keygen "
		  "prints on b" },
	},
	{
		"something that isn't a key",
		XDP "cluster:\n  listen: \"192.0.2.11:7946\"\n  key-file: /etc/lbd/key\n  peers:\n"
		    "  - {name: b, address: \"192.0.2.12:7946\", keys: [" KEY_A ", short]}\n",
		{ "6: cluster.peers[0].keys[1]: came \"short\", expected a key as lbctl keygen "
		  "prints it: 40 characters, in quotes" },
	},
	{
		"too many keys, and one that two peers have",
		XDP "cluster:\n  listen: \"192.0.2.11:7946\"\n  key-file: /etc/lbd/key\n  peers:\n"
		    "  - {name: b, address: \"192.0.2.12:7946\", keys: [" KEY_A "]}\n"
		    "  - {name: c, address: \"192.0.2.13:7946\", keys: [" KEY_B ", " KEY_A
		    ", " KEY_B "]}\n",
		{ "7: cluster.peers[1].keys: came 3, expected at most 2: the old and the new one",
		  "7: cluster.peers[1].keys: came a key that peer b has, expected one of its own" },
	},
	{
		"a peer of the other family",
		XDP "cluster: {listen: \"192.0.2.11:7946\", security: plaintext,\n"
		    "  peers: [{name: b, address: \"[2001:db8::12]:7946\"}]}\n",
		{ "3: cluster.peers[0].address: is of another family than cluster.listen, expected "
		  "the same" },
	},
	{
		"a word for security that isn't one",
		XDP "cluster: {security: none}\n",
		{ "2: cluster.security: came \"none\", expected one of curve, plaintext" },
	},
	{
		"a wildcard to listen on",
		XDP "cluster: {listen: \"0.0.0.0:7946\"}\n",
		{ "2: cluster.listen: came the unspecified address 0.0.0.0, expected one that "
		  "names a "
		  "node" },
	},
	{
		"this node as its own peer",
		"node: a\n" XDP "cluster: {listen: \"192.0.2.11:7946\", security: plaintext,\n"
		"  peers: [{name: a, address: \"192.0.2.11:7946\"}]}\n",
		{ "4: cluster.peers[0].name: \"a\" is this node itself, expected another one",
		  "4: cluster.peers[0].address: is cluster.listen itself, expected where the peer "
		  "listens" },
	},
	{
		"a VNI of more than 24 bits",
		XDP "services:\n" SERVICE("c", "192.0.2.82",
					  "port: 80, forward: geneve, vni: 16777216, " BACKENDS),
		{ "3: services[0].vni: came \"16777216\", expected a number from 1 to 16777215" },
	},
	{
		"tunnels without a VNI, and a VNI without a tunnel that has one",
		XDP "services:\n" SERVICE("a", "192.0.2.80", "port: 80, forward: vxlan, " BACKENDS)
			SERVICE("b", "192.0.2.81", "port: 80, forward: gue, vni: 7, " BACKENDS),
		{ "3: services[0]: forward: vxlan and geneve need a vni, from 1 to 16777215",
		  "4: services[1].vni: came 7, but only vxlan and geneve have one" },
	},
	{
		"tunnels that a backend can't tell apart, or would take for its own frames",
		XDP "tunnel: {gue-port: 4789, geneve-port: 4789, mac: \"02:4c:42:44:00:02\"}\n",
		{ "2: tunnel.mac: is where the frames in tunnels come from, expected another",
		  "2: tunnel.vxlan-port: came 4789, which tunnel.gue-port has too; expected "
		  "another",
		  "2: tunnel.geneve-port: came 4789, which tunnel.gue-port has too; expected "
		  "another",
		  "2: tunnel.geneve-port: came 4789, which tunnel.vxlan-port has too; expected "
		  "another" },
	},
	{
		"a MAC address of a group in tunnels",
		XDP "tunnel: {mac: \"01:00:5e:00:00:01\"}\n",
		{ "2: tunnel.mac: came \"01:00:5e:00:00:01\", expected a unicast MAC address, such "
		  "as 00:00:5e:00:53:01" },
	},
	{
		"tunnel sources of the wrong family",
		XDP "tunnel: {source-ipv4: \"100::/64\", source-ipv6: 198.18.0.0/16}\n",
		{ "2: tunnel.source-ipv4: expected an IPv4 prefix of 8 to 32 bits",
		  "2: tunnel.source-ipv6: expected an IPv6 prefix of 8 to 64 bits" },
	},
	{
		"host bits in a prefix",
		XDP "tunnel: {source-ipv4: 198.18.0.1/16}\n",
		{ "2: tunnel.source-ipv4: came \"198.18.0.1/16\", expected a prefix without host "
		  "bits, "
		  "such as 198.18.0.0/16" },
	},
	{
		"VRRP peers of another family than the source",
		XDP "vrrp: {interface: eth0, router-id: 51, source: 192.0.2.11, peers: "
		    "[\"2001:db8::12\"]}\n",
		{ "2: vrrp.peers[0]: not of the family of vrrp.source: VRRP adverts are of one "
		  "family" },
	},
	{
		"QUIC over TCP, and a config that doesn't fit in 20 octets",
		XDP "services:\n" SERVICE(
			"a", "192.0.2.1",
			"port: 443,\n"
			"    quic: {configs: [{id: 0, server-id-length: 15, nonce-length: 5}]},\n"
			"    " BACKENDS),
		{ "4: services[0].quic: QUIC is UDP, expected protocol: udp",
		  "4: services[0].quic.configs[0].nonce-length: came 5, with a server id of 15: "
		  "expected at most 19 together" },
	},
	{
		"QUIC configs of the reserved id and of lengths that none has",
		XDP "services:\n" SERVICE(
			"a", "192.0.2.1",
			"port: 443, protocol: udp,\n"
			"    quic: {configs: [{id: 7, server-id-length: 0, nonce-length: 3}]},\n"
			"    " BACKENDS),
		{ "4: services[0].quic.configs[0].id: came \"7\", expected a number from 0 to 6",
		  "4: services[0].quic.configs[0].server-id-length: came \"0\", expected a number "
		  "from 1 to 15",
		  "4: services[0].quic.configs[0].nonce-length: came \"3\", expected a number from "
		  "4 "
		  "to 18" },
	},
	{
		"a QUIC config id given twice",
		XDP "services:\n" SERVICE(
			"a", "192.0.2.1",
			"port: 443, protocol: udp,\n"
			"    quic: {configs: [{id: 1, server-id-length: 2, nonce-length: 4},\n"
			"      {id: 1, server-id-length: 3, nonce-length: 4}]}, " BACKENDS),
		{ "5: services[0].quic.configs[1].id: came 1 again, configs[0] has it already" },
	},
	{
		"server ids of no config's length, of two backends, and no octets",
		XDP "services:\n" SERVICE(
			"a", "192.0.2.1",
			"port: 443, protocol: udp,\n"
			"    quic: {configs: [{id: 1, server-id-length: 2, nonce-length: 4}]},\n"
			"    backends: [{address: 192.0.2.101, server-ids: [0a1B, 0a]},\n"
			"      {address: 192.0.2.102, server-ids: [0A1b]}]"),
		{ "5: services[0].backends[0].server-ids[1]: came 0a, of 1 octets: expected a "
		  "server-id-length of the service's quic.configs",
		  "6: services[0].backends[1].server-ids[0]: came 0a1b again, backends[0] has it "
		  "already" },
	},
	{
		"server ids that aren't pairs of digits",
		XDP "services:\n" SERVICE(
			"a", "192.0.2.1",
			"port: 443,\n"
			"    backends: [{address: 192.0.2.101, server-ids: [0a1, xy]}]"),
		{ "4: services[0].backends[0].server-ids[0]: came \"0a1\", expected 1 to 15 octets "
		  "of two hexadecimal digits, such as 0a1f",
		  "4: services[0].backends[0].server-ids[1]: came \"xy\", expected 1 to 15 octets "
		  "of "
		  "two hexadecimal digits, such as 0a1f" },
	},
	{
		"server ids that nothing reads, and too many",
		XDP "services:\n" SERVICE(
			"a", "192.0.2.1",
			"port: 443,\n"
			"    backends: [{address: 192.0.2.101, server-ids: [0a]},\n"
			"      {address: 192.0.2.102, server-ids: [1a, 1b, 1c, 1d, 1e]}]"),
		{ "4: services[0].backends[0].server-ids: the service has no quic that reads them",
		  "5: services[0].backends[1].server-ids: came 5, expected at most 4" },
	},
	{
		"nat without an address to go out from",
		XDP "services:\n" SERVICE("a", "192.0.2.1",
					  "port: 80, forward: nat,\n"
					  "    backends: [{address: 192.0.2.101}]"),
		{ "3: services[0].forward: came nat, but nat.addresses has none of IPv4 to go out "
		  "from" },
	},
	{
		"nat to the other family, and to every port",
		XDP "nat: {addresses: [192.0.2.100]}\n"
		    "services:\n" SERVICE("a", "192.0.2.1",
					  "port: any, forward: nat, health: {check: none},\n"
					  "    backends: [{address: \"2001:db8::1\"}]"),
		{ "4: services[0].forward: came nat with port any, expected one port",
		  "5: services[0].backends[0].address: came 2001:db8::1, which is not of the VIP's "
		  "family: nat doesn't translate between IPv4 and IPv6; forward: ipip can" },
	},
	{
		"a backend's own port without nat",
		XDP "services:\n" SERVICE("a", "192.0.2.1",
					  "port: 80,\n"
					  "    backends: [{address: 192.0.2.101, port: 8080}]"),
		{ "4: services[0].backends[0].port: came 8080, but only forward: nat can change "
		  "the "
		  "port" },
	},
	{
		"a VIP as NAT address, given twice",
		XDP "nat: {addresses: [192.0.2.1, 192.0.2.1]}\n"
		    "services:\n" SERVICE("a", "192.0.2.1",
					  "port: 80,\n"
					  "    backends: [{address: 192.0.2.101}]"),
		{ "2: nat.addresses: came 192.0.2.1, the VIP of service a, expected an address of "
		  "its own",
		  "2: nat.addresses: came 192.0.2.1 twice, expected once" },
	},
	{
		"NAT ports that are no range",
		XDP "nat: {addresses: [192.0.2.1], ports: 2000-1000}\n",
		{ "2: nat.ports: came \"2000-1000\", expected a range of ports, such as "
		  "1024-65535" },
	},
};

#endif
