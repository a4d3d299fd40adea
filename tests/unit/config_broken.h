/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Broken configs and what must be said of them. A row is a sentence. */
#ifndef CONFIG_BROKEN_H
#define CONFIG_BROKEN_H

#include "config_fixture.h"

#define BROKEN_EXPECTED 4

struct broken {
	const char *sentence;
	const char *text;
	const char *expected[BROKEN_EXPECTED]; /* whole lines, without the file's name */
};

static const struct broken broken_configs[] = {
	{
		"an empty file",
		"",
		{ "1: empty, expected at least xdp: with its interfaces" },
	},
	{
		"a file of comments",
		"# nothing\n# at all\n",
		{ "1: empty, expected at least xdp: with its interfaces" },
	},
	{
		"a list instead of keys",
		"- xdp\n- services\n",
		{ "1: expected keys and values, such as xdp: {interfaces: [eth0]}" },
	},
	{
		"a mistyped key with a near one",
		XDP "servces: []\n",
		{ "2: unknown key \"servces\", did you mean \"services\"?" },
	},
	{
		"a key that is like no other",
		XDP "turbo: on\n",
		{ "2: unknown key \"turbo\"; lbctl check --keys lists all" },
	},
	{
		"a word where a number belongs",
		XDP "services:\n"
		    "  - name: web\n"
		    "    vip: 192.0.2.80\n"
		    "    port: 80\n"
		    "    backends:\n"
		    "      - address: 192.0.2.101\n"
		    "        weight: heavy\n",
		{ "8: services[0].backends[0].weight: came \"heavy\", expected a number from 0 to "
		  "65535" },
	},
	{
		"a MAC address that no host can have",
		XDP "services:\n"
		    "  - name: web\n"
		    "    vip: 192.0.2.80\n"
		    "    port: 80\n"
		    "    backends:\n"
		    "      - {address: 192.0.2.101, mac: '01:00:5e:00:53:01'}\n"
		    "      - {address: 192.0.2.102, mac: '00:00:5e:00:53'}\n"
		    "      - {address: 192.0.2.103, mac: '00-00-5e-00-53-01'}\n",
		{ "7: services[0].backends[0].mac: came \"01:00:5e:00:53:01\", expected a unicast "
		  "MAC address, such as 00:00:5e:00:53:01",
		  "8: services[0].backends[1].mac: came \"00:00:5e:00:53\", expected a unicast MAC "
		  "address, such as 00:00:5e:00:53:01",
		  "9: services[0].backends[2].mac: came \"00-00-5e-00-53-01\", expected a unicast "
		  "MAC "
		  "address, such as 00:00:5e:00:53:01" },
	},
	{
		"every fault at once, each with its line",
		"xdp: {interfaces: [eth0], mode: fast}\n"
		"timeouts: {tcp: 15}\n"
		"limits:\n"
		"  services: 1e3\n",
		{ "1: xdp.mode: came \"fast\", expected one of auto, native, generic, offload",
		  "2: timeouts.tcp: came \"15\", expected a duration from 1s to 720h, such as "
		  "500ms "
		  "or 2s",
		  "4: limits.services: came \"1e3\", expected a number from 2 to 32768" },
	},
	{
		"missing keys, at the mapping that lacks them",
		XDP "services:\n"
		    "  - name: web\n"
		    "    backends:\n"
		    "      - {weight: 1}\n",
		{ "5: services[0].backends[0]: missing key \"address\": an IPv4 or IPv6 address",
		  "3: services[0]: missing key \"vip\": an IPv4 or IPv6 address",
		  "3: services[0]: missing key \"port\": a port from 1 to 65535, or any" },
	},
	{
		"no interfaces",
		"xdp: {interfaces: []}\n",
		{ "1: xdp.interfaces: empty, expected at least one" },
	},
	{
		"a value where a list belongs",
		"xdp: {interfaces: eth0}\n",
		{ "1: xdp.interfaces: came \"eth0\", expected a list of values, such as [one, "
		  "two]" },
	},
	{
		"a key given twice",
		XDP "instance: a\ninstance: b\n",
		{ "3: instance: given twice, expected once" },
	},
	{
		"a key without its value",
		XDP "instance:\n",
		{ "2: instance: came nothing, expected a name of letters, digits, dashes and "
		  "underscores, at most 63, the first a letter or digit" },
	},
	{
		"a dot in the instance, which bpffs doesn't take",
		XDP "instance: lb.1\n",
		{ "2: instance: came \"lb.1\", expected a name of letters, digits, dashes and "
		  "underscores, at most 63, the first a letter or digit" },
	},
	{
		"an interface name that no interface can have",
		"xdp: {interfaces: [enterprise-uplink0]}\n",
		{ "1: xdp.interfaces[0]: came \"enterprise-uplink0\", expected the name of a "
		  "network "
		  "interface, at most 15 characters" },
	},
	{
		"an interface twice",
		"xdp: {interfaces: [eth0, eth1, eth0]}\n",
		{ "1: xdp.interfaces[2]: came \"eth0\" again, xdp.interfaces[0] has it already" },
	},
	{
		"a NUL hidden in a string",
		XDP "node: \"a\\0b\"\n",
		{ "2: node: came \"a\", expected a name of letters, digits, dots, dashes and "
		  "underscores, at most 63, the first a letter or digit" },
	},
	{
		"terminal escapes and new lines in a value",
		XDP "node: \"\\e[31m\\nlbd: all is well\"\n",
		{ "2: node: came \"?[31m?lbd: all is well\", expected a name of letters, digits, "
		  "dots, "
		  "dashes and underscores, at most 63, the first a letter or digit" },
	},
	{
		"a tab as indentation",
		"xdp:\n\tinterfaces: [eth0]\n",
		{ "2: not YAML: found character that cannot start any token while scanning for the "
		  "next token; indent with spaces, and put a space after each colon" },
	},
	{
		"a bracket that stays open",
		"xdp:\n  interfaces: [eth0\nservices: []\n",
		{ "3: not YAML: did not find expected ',' or ']' while parsing a flow sequence; "
		  "indent "
		  "with spaces, and put a space after each colon" },
	},
	{
		"an alias",
		"node: &n a\ninstance: *n\n" XDP,
		{ "2: aliases (*name) aren't taken; write it out" },
	},
	{
		"nesting without end",
		"xdp: [[[[[[[[[[[[[[[[[[[[\n",
		{ "1: nested deeper than any key of lbd.yaml" },
	},
	{
		"a second document",
		XDP "---\n" XDP,
		{ "2: a second document starts here, expected only one" },
	},
	{
		"limits that the maps can't have",
		XDP "limits:\n  backends: 1000\n  maglev: 65536\n",
		{ "3: limits.backends: came 1000, expected a power of two",
		  "4: limits.maglev: came 65536, expected a prime, such as 65537 or 251" },
	},
	{
		"more services and backends than the limits",
		XDP "limits: {services: 2, backends: 2}\nservices:\n" SERVICE("a", "192.0.2.80",
									      "port: 80, " BACKENDS)
			SERVICE("b", "192.0.2.81", "port: 80, " BACKENDS),
		{ "4: services: came 2 services, limits.services: 2 has room for 1",
		  "4: services: came 2 backends in all, limits.backends: 2 has room for 1" },
	},
	{
		"a VIP, port and protocol twice",
		XDP "services:\n" SERVICE("a", "192.0.2.80", "port: 80, " BACKENDS)
			SERVICE("b", "192.0.2.80", "port: 80, " BACKENDS),
		{ "4: services[1].vip: came \"192.0.2.80 tcp port 80\" again, services[0] has it "
		  "already" },
	},
	{
		"two services of one name",
		XDP "services:\n" SERVICE("a", "192.0.2.80", "port: 80, " BACKENDS)
			SERVICE("a", "192.0.2.80", "port: 81, " BACKENDS),
		{ "4: services[1].name: came \"a\" again, services[0] has it already" },
	},
	{
		"VIPs that no host can have",
		XDP "services:\n" SERVICE("a", "224.0.0.80", "port: 80, " BACKENDS)
			SERVICE("b", "0.0.0.0", "port: 80, " BACKENDS)
				SERVICE("c", "127.0.0.1", "port: 80, " BACKENDS),
		{ "3: services[0].vip: came the multicast address 224.0.0.80, expected a host's",
		  "4: services[1].vip: came the unspecified address 0.0.0.0, expected a host's",
		  "5: services[2].vip: came the loopback address 127.0.0.1, expected a host's" },
	},
	{
		"a backend address twice, a name twice, the VIP as a backend",
		XDP
		"services:\n" SERVICE("a", "192.0.2.80",
				      "port: 80, backends: [{address: 192.0.2.1}, {name: x, "
				      "address: 192.0.2.1},\n"
				      "    {name: x, address: 192.0.2.3}, {address: 192.0.2.80}]"),
		{ "3: services[0].backends[1].address: came \"192.0.2.1\" again, "
		  "services[0].backends[0] has it already",
		  "4: services[0].backends[2].name: came \"x\" again, services[0].backends[1] has "
		  "it "
		  "already",
		  "4: services[0].backends[3].address: came 192.0.2.80, which is the VIP itself; "
		  "expected the backend's own" },
	},
	{
		"dsr to a backend of the other family",
		XDP "services:\n" SERVICE("a", "192.0.2.80",
					  "port: 80, backends: [{address: \"2001:db8::1\"}]"),
		{ "3: services[0].backends[0].address: came 2001:db8::1, which is not of the VIP's "
		  "family, as dsr needs; a tunnel, such as forward: ipip, can" },
	},
	{
		"a timeout longer than its interval",
		XDP "services:\n" SERVICE(
			"a", "192.0.2.80",
			"port: 80, health: {interval: 1s, timeout: 1500ms}, " BACKENDS),
		{ "3: services[0].health.timeout: came 1500 ms, expected at most the interval, "
		  "1000 "
		  "ms" },
	},
	{
		"a check that has no port to go to",
		XDP "services:\n" SERVICE("a", "192.0.2.80", "port: any, " BACKENDS)
			SERVICE("b", "192.0.2.80",
				"port: 53, protocol: udp, health: {check: tcp}, " BACKENDS),
		{ "3: services[0].health: the service has port any: give health a port, or check: "
		  "none",
		  "4: services[1].health: a TCP connection can't check a UDP port: give health a "
		  "port, "
		  "or check: none" },
	},
	{
		"a hash that is none, and one whose prefix is none",
		XDP "services:\n" SERVICE("a", "192.0.2.80", "port: 80, hash: client, " BACKENDS)
			SERVICE("b", "192.0.2.81", "port: 80, hash: source/24, " BACKENDS) SERVICE(
				"c", "192.0.2.82", "port: 80, hash: source-prefix/0, " BACKENDS),
		{ "3: services[0].hash: came \"client\", expected 5-tuple, source, source-prefix, "
		  "source-prefix/24 or the like, or destination-port",
		  "4: services[1].hash: came \"source/24\", expected 5-tuple, source, "
		  "source-prefix, source-prefix/24 or the like, or destination-port",
		  "5: services[2].hash: came \"source-prefix/0\", expected 5-tuple, source, "
		  "source-prefix, source-prefix/24 or the like, or destination-port" },
	},
	{
		"hashes that don't fit their service",
		XDP "services:\n" SERVICE("a", "192.0.2.80",
					  "port: 80, hash: source-prefix/33, " BACKENDS)
			SERVICE("b", "192.0.2.81", "port: 80, hash: destination-port, " BACKENDS)
				SERVICE("c", "192.0.2.82",
					"port: 80, hash: 5-tuple, sticky: 1m, " BACKENDS),
		{ "3: services[0].hash: came a prefix of 33 bits, the VIP's clients have 32",
		  "4: services[1].hash: all clients ask for port 80, so one backend would get "
		  "them all: destination-port is for port: any",
		  "5: services[2].hash: sticky needs source or source-prefix: connections that a "
		  "client opens at once would part otherwise" },
	},
	{
		"a backend that is its own fallback",
		XDP "services:\n" SERVICE(
			"a", "192.0.2.80",
			"port: 80, fallback: [{name: f, address: 192.0.2.102}, "
			"{address: 192.0.2.101}, {name: f, address: 192.0.2.80}], " BACKENDS),
		{ "3: services[0].fallback[1].address: came \"192.0.2.101\" again, "
		  "services[0].backends[0] has it already",
		  "3: services[0].fallback[2].address: came 192.0.2.80, which is the VIP itself; "
		  "expected the backend's own",
		  "3: services[0].fallback[2].name: came \"f\" again, services[0].fallback[0] has "
		  "it already" },
	},
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
