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
};

#endif
