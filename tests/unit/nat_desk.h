/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A node with a small return table, and flows that it forwards by NAT: entered
 * by their packets, or by a peer's word. Time stands still for packets, and every
 * secret is known, so that each run is the same.
 */
#ifndef TESTS_UNIT_NAT_DESK_H
#define TESTS_UNIT_NAT_DESK_H

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/tcp.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/internal.h"
#include "dataplane/tables_nat.h"
#include "trace/lab.h"

#define DESK_SLOTS 1024U /* of either return table, the least there is */

struct nat_desk {
	struct lab lab;
	struct dataplane_trace *trace;
	struct tables *tables;
};

static const char desk_yaml[] =
	"xdp: {interfaces: [lo]}\n"
	"limits: {services: 4, backends: 4, connections-ipv4: 32768, connections-ipv6: 32768,"
	" nat-ipv4: 1024, nat-ipv6: 1024, maglev: 251}\n"
	"nat: {addresses: [192.0.2.100, \"2001:db8:1::100\"]}\n"
	"services:\n"
	"- {name: web, vip: 192.0.2.1, port: 80, forward: nat, health: {check: none},\n"
	"   backends: [{name: one, address: 203.0.113.11}]}\n"
	"- {name: web6, vip: \"2001:db8:1::1\", port: 80, forward: nat, health: {check: none},\n"
	"   backends: [{name: one6, address: \"2001:db8:2::11\"}]}\n";

static inline void desk_secrets(struct nat_desk *desk, uint64_t node)
{
	struct model *model = desk->lab.model;

	for (uint32_t i = 1; i < model->limits.backends; i++)
		model->backends[i].nexthop =
			(struct nexthop){ .resolved = true, .ifindex = 1, .mtu = 1500 };
	model->pick_secret = (struct lbd_secret){ { 1, 2 } };
	desk->tables->secret = (struct lbd_secret){ { 3, node } };
	desk->lab.dataplane->control->conn_secret = desk->tables->secret;
}

/* Let it be so many jiffies after the opening. */
static inline void desk_at(const struct nat_desk *desk, uint32_t jiffies)
{
	const uint32_t jiffy_ns = desk->tables->tick_ns >> desk->lab.dataplane->tick_shift;

	dataplane_trace_set_elapsed(desk->trace, (uint64_t)jiffies * jiffy_ns);
}

/* Nodes share all but @node, which says where in their tables they put things. */
static inline struct nat_desk *desk_open(uint64_t node)
{
	struct nat_desk *desk = calloc(1, sizeof(*desk));
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
	struct error err = { 0 };
	uint32_t features;
	char object[256];

	snprintf(object, sizeof(object), "%s/bpf/lb.bpf.o", build);
	if (lab_open(&desk->lab, desk_yaml, "test", &err))
		fail_msg("%s", err.text);
	desk->tables = &desk->lab.dataplane->tables;
	desk_secrets(desk, node);
	features = model_features(desk->lab.model, &(uint32_t){ 1 }, 1) | LBD_FEATURE_TRACE;
	if (lab_commit(&desk->lab, &err) || lab_run(&desk->lab, object, features, &err) ||
	    dataplane_trace_open(desk->lab.dataplane, desk->lab.prog_fd, &desk->trace, &err))
		fail_msg("%s", err.text);
	desk_at(desk, 0);
	return desk;
}

static inline void desk_close(struct nat_desk *desk)
{
	dataplane_trace_close(desk->trace);
	lab_close(&desk->lab);
	free(desk);
}

static inline void desk_clear(struct nat_desk *desk)
{
	const struct tables *tables = desk->tables;

	memset(tables->conn4, 0, tables->conn4_buckets * sizeof(*tables->conn4));
	memset(tables->conn6, 0, tables->conn6_buckets * sizeof(*tables->conn6));
	memset(tables->nat4, 0, tables->nat4_buckets * sizeof(*tables->nat4));
	memset(tables->nat6, 0, tables->nat6_buckets * sizeof(*tables->nat6));
}

/* --- flows, by number */

static inline struct lbd_addr desk_client(uint32_t n, bool v6)
{
	struct lbd_addr client = lbd_addr_from4(htonl(0xc6336400 | (n >> 14 & 0xff)));

	if (v6)
		inet_pton(AF_INET6, "2001:db8:9::", &client);
	client.words[3] = htonl((v6 ? 0 : 0xc6336400) | (n >> 14 & 0xff));
	return client;
}

static inline uint16_t desk_port(uint32_t n)
{
	return (uint16_t)(1024 + (n & 0x3fff));
}

/* As a peer tells it: confirmed, of now, and goes out at the first attempt. */
static inline struct table_entry desk_entry(const struct nat_desk *desk, uint32_t n, bool v6)
{
	return (struct table_entry){
		.client = desk_client(n, v6),
		.client_port = htons(desk_port(n)),
		.vip_port = htons(80),
		.service = v6 ? 2 : 1,
		.backend = v6 ? 2 : 1,
		.flags = lbd_value_with_nat(LBD_CONN_CONFIRMED, 1),
		.tick = tables_now(desk->tables),
	};
}

/* Is the way back of @entry, as it is in the table, the flow's? */
static inline bool desk_has_way(const struct nat_desk *desk, const struct table_entry *entry)
{
	struct table_entry found;
	struct tables_way way;

	return tables_find(desk->tables, entry, &found) && lbd_value_nat(found.flags) &&
	       tables_nat_find(desk->tables, &found, &way) && way.ours;
}

/* --- packets */

struct desk_tcp4 {
	struct ethhdr eth;
	struct iphdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

struct desk_tcp6 {
	struct ethhdr eth;
	struct ip6_hdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

static inline struct tcphdr desk_segment(uint32_t n, bool syn)
{
	return (struct tcphdr){
		.source = htons(desk_port(n)), .dest = htons(80), .doff = 5, .syn = syn, .ack = !syn
	};
}

static inline struct desk_tcp4 desk_frame4(uint32_t n, bool syn)
{
	return (struct desk_tcp4){
		.eth = { .h_dest = { 2, 0, 0, 0, 0, 1 }, .h_proto = htons(ETH_P_IP) },
		.ip = { .version = 4,
			.ihl = 5,
			.ttl = 64,
			.protocol = IPPROTO_TCP,
			.tot_len = htons(sizeof(struct iphdr) + sizeof(struct tcphdr)),
			.saddr = desk_client(n, false).words[3],
			.daddr = htonl(0xc0000201) },
		.tcp = desk_segment(n, syn),
	};
}

static inline struct desk_tcp6 desk_frame6(uint32_t n, bool syn)
{
	const struct lbd_addr client = desk_client(n, true);
	struct desk_tcp6 frame = {
		.eth = { .h_dest = { 2, 0, 0, 0, 0, 1 }, .h_proto = htons(ETH_P_IPV6) },
		.tcp = desk_segment(n, syn),
	};

	frame.ip.ip6_flow = htonl(6U << 28);
	frame.ip.ip6_plen = htons(sizeof(struct tcphdr));
	frame.ip.ip6_nxt = IPPROTO_TCP;
	frame.ip.ip6_hlim = 64;
	memcpy(&frame.ip.ip6_src, &client, sizeof(client));
	inet_pton(AF_INET6, "2001:db8:1::1", &frame.ip.ip6_dst);
	return frame;
}

/* What becomes of a packet of flow @n: enum lbd_outcome. */
static inline int desk_send(const struct nat_desk *desk, uint32_t n, bool syn, bool v6)
{
	const struct desk_tcp4 frame4 = desk_frame4(n, syn);
	const struct desk_tcp6 frame6 = desk_frame6(n, syn);
	struct lbd_trace told = { 0 };
	char out[256];
	uint32_t size = sizeof(out);

	assert_true(dataplane_trace_run(desk->trace, 1, v6 ? (const void *)&frame6 : &frame4,
					v6 ? sizeof(frame6) : sizeof(frame4), out, &size,
					&told) >= 0);
	return told.outcome;
}

#endif
