// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Golden packets: what any packet path must do before it may carry traffic.
 * Each service of the golden configuration gets a SYN (or a first datagram),
 * then two packets of the same flow, and each must leave towards one and the
 * same backend, addressed and encapsulated right, with the inner packet whole.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "upgrade/upgrade.h"

#define GOLDEN_INTERFACE 1 /* the loopback device: test-run's default source */
#define GOLDEN_FRAME_MAX 256
#define GOLDEN_PORT 80

static const char golden_config[] =
	"instance: golden\n"
	"xdp: {interfaces: [lo]}\n"
	"limits: {services: 16, backends: 32, connections-ipv4: 1024, connections-ipv6: 1024,"
	" maglev: 251}\n"
	"services:\n"
	"- {name: dsr4, vip: 192.0.2.1, port: 80, protocol: tcp, forward: dsr,\n"
	"   health: {check: none}, backends: [{address: 198.51.100.1}, {address: 198.51.100.2}]}\n"
	"- {name: dsr6, vip: '2001:db8::1', port: 80, protocol: udp, forward: dsr,\n"
	"   health: {check: none}, backends: [{address: '2001:db8:1::1'}]}\n"
	"- {name: 4in4, vip: 192.0.2.2, port: any, protocol: tcp, forward: ipip,\n"
	"   health: {check: none}, backends: [{address: 198.51.100.3}, {address: 198.51.100.4}]}\n"
	"- {name: 6in6, vip: '2001:db8::2', port: 80, protocol: tcp, forward: ipip,\n"
	"   health: {check: none}, backends: [{address: '2001:db8:1::3'}]}\n"
	"- {name: 6in4, vip: '2001:db8::3', port: 80, protocol: tcp, forward: ipip,\n"
	"   health: {check: none}, backends: [{address: 198.51.100.5}]}\n"
	"- {name: 4in6, vip: 192.0.2.3, port: 80, protocol: udp, forward: ipip,\n"
	"   health: {check: none}, backends: [{address: '2001:db8:1::4'}]}\n";

struct golden {
	struct dataplane *dataplane;
	struct model *model;
	int fd;
};

struct golden_frame {
	uint8_t bytes[GOLDEN_FRAME_MAX];
	uint32_t size;
};

/* --- set-up: a private data plane */

static void golden_next_hops(struct model *model)
{
	for (uint32_t i = 1; i < model->limits.backends; i++) {
		struct nexthop *nexthop = &model->backends[i].nexthop;

		*nexthop = (struct nexthop){ .resolved = true,
					     .ifindex = GOLDEN_INTERFACE,
					     .mtu = 1500,
					     .dmac = { 2, 0, 0, 0, 0, (uint8_t)i },
					     .smac = { 2, 0, 0, 0, 1, 0 } };
	}
}

static int golden_load(struct golden *golden, const struct config *config, const char *object,
		       struct error *err)
{
	const uint32_t interface = GOLDEN_INTERFACE;
	struct dataplane_options options = { 0 };
	uint32_t features;
	int rc;

	rc = model_build(config, NULL, NULL, NULL, &golden->model, err);
	if (rc)
		return rc;
	golden_next_hops(golden->model);
	features = model_features(golden->model, &interface, 1);
	options.limits = golden->model->limits;
	rc = dataplane_open(&options, &golden->dataplane, err);
	if (!rc)
		rc = dataplane_load(golden->dataplane, object, golden->model, features, &golden->fd,
				    err);
	if (!rc)
		rc = dataplane_commit(golden->dataplane, golden->model, err);
	return rc;
}

/* --- packets */

static struct golden_frame golden_packet(const struct service *service, uint8_t tcp_flags)
{
	struct golden_frame frame = { .size = ETH_HLEN };
	struct ethhdr *eth = (void *)frame.bytes;
	uint8_t *at = frame.bytes + ETH_HLEN;
	const uint16_t l4 = sizeof(struct tcphdr);
	struct tcphdr tcp = { .source = htons(40000), .dest = htons(GOLDEN_PORT), .doff = 5 };

	memset(eth->h_dest, 0x22, ETH_ALEN);
	memset(eth->h_source, 0x44, ETH_ALEN);
	if (lbd_addr_is4(&service->vip)) {
		struct iphdr ip = { .version = 4,
				    .ihl = 5,
				    .ttl = 9,
				    .protocol = service->protocol,
				    .tot_len = htons(sizeof(ip) + l4),
				    .saddr = htonl(0xcb007105),
				    .daddr = service->vip.words[3] };

		eth->h_proto = htons(ETH_P_IP);
		memcpy(at, &ip, sizeof(ip));
		at += sizeof(ip);
	} else {
		struct ip6_hdr ip = { .ip6_vfc = 0x60,
				      .ip6_plen = htons(l4),
				      .ip6_hlim = 9,
				      .ip6_nxt = service->protocol };

		eth->h_proto = htons(ETH_P_IPV6);
		memcpy(&ip.ip6_dst, &service->vip, sizeof(ip.ip6_dst));
		ip.ip6_src = ip.ip6_dst;
		ip.ip6_src.s6_addr[15] = 0x99;
		memcpy(at, &ip, sizeof(ip));
		at += sizeof(ip);
	}
	((uint8_t *)&tcp)[13] = tcp_flags;
	memcpy(at, &tcp, sizeof(tcp));
	frame.size = (uint32_t)(at - frame.bytes) + l4;
	return frame;
}

/* --- expectations */

/* Bytes of the outer header that leads to @backend, or -1 if it isn't one that does. */
static int golden_outer(const struct golden_frame *out, const struct backend *backend, bool inner4)
{
	const uint8_t expected = inner4 ? IPPROTO_IPIP : IPPROTO_IPV6;
	struct iphdr ip;
	struct ip6_hdr ip6;

	if (lbd_addr_is4(&backend->addr)) {
		memcpy(&ip, out->bytes + ETH_HLEN, sizeof(ip));
		return ip.version == 4 && ip.protocol == expected &&
				       ip.daddr == backend->addr.words[3] &&
				       ntohs(ip.tot_len) == out->size - ETH_HLEN
			       ? (int)sizeof(ip)
			       : -1;
	}
	memcpy(&ip6, out->bytes + ETH_HLEN, sizeof(ip6));
	return ip6.ip6_vfc >> 4 == 6 && ip6.ip6_nxt == expected &&
			       !memcmp(&ip6.ip6_dst, &backend->addr, sizeof(ip6.ip6_dst))
		       ? (int)sizeof(ip6)
		       : -1;
}

static struct backend *golden_receiver(const struct golden *golden, const struct golden_frame *out)
{
	for (uint32_t i = 1; i < golden->model->limits.backends; i++) {
		struct backend *backend = &golden->model->backends[i];

		if (backend->index && !memcmp(out->bytes, backend->nexthop.dmac, ETH_ALEN))
			return backend;
	}
	return NULL;
}

/* NULL if @out is @in as @service must send it; else what is wrong. */
static const char *golden_judge(const struct golden *golden, const struct service *service,
				const struct golden_frame *in, const struct golden_frame *out,
				uint16_t *backend_index)
{
	const struct backend *backend = golden_receiver(golden, out);
	int outer = 0;

	if (!backend || backend->service != service->id)
		return "addressed to one of the service's backends";
	if (*backend_index && *backend_index != backend->index)
		return "sent to the backend that got the flow's first packet";
	*backend_index = backend->index;
	if (service->forward == LBD_FORWARD_IPIP)
		outer = golden_outer(out, backend, lbd_addr_is4(&service->vip));
	if (outer < 0)
		return "encapsulated to its backend";
	if (out->size != in->size + (uint32_t)outer ||
	    memcmp(out->bytes + ETH_HLEN + outer, in->bytes + ETH_HLEN, in->size - ETH_HLEN) != 0)
		return "whole inside";
	return NULL;
}

static int golden_send(const struct golden *golden, const struct service *service,
		       uint8_t tcp_flags, uint16_t *backend_index, struct error *err)
{
	struct golden_frame in = golden_packet(service, tcp_flags);
	struct golden_frame out = { .size = GOLDEN_FRAME_MAX };
	const char *expected;
	int action;

	action = dataplane_test_run(golden->dataplane, golden->fd, GOLDEN_INTERFACE, in.bytes,
				    in.size, out.bytes, &out.size);
	if (action < 0)
		return error_errno(err, action, "golden packet of service %s: test-run",
				   service->name);
	if (action != XDP_TX)
		return error_set(err, -EBADMSG,
				 "golden packet of service %s: action %d, expected %d (XDP_TX)",
				 service->name, action, XDP_TX);
	expected = golden_judge(golden, service, &in, &out, backend_index);
	if (expected)
		return error_set(err, -EBADMSG, "golden packet of service %s: expected it %s",
				 service->name, expected);
	return 0;
}

static int golden_service(const struct golden *golden, const struct service *service,
			  struct error *err)
{
	static const uint8_t flags[] = { TH_SYN, TH_ACK, TH_ACK | TH_PUSH, TH_ACK };
	uint16_t backend = 0;
	int rc = 0;

	for (size_t i = 0; i < sizeof(flags) && !rc; i++)
		rc = golden_send(golden, service, flags[i], &backend, err);
	return rc;
}

/* What isn't ours must come back untouched. */
static int golden_foreign(const struct golden *golden, struct error *err)
{
	struct service stranger = { .vip = lbd_addr_from4(htonl(0xc00002fe)),
				    .protocol = IPPROTO_TCP };
	struct golden_frame in = golden_packet(&stranger, TH_SYN);
	struct golden_frame out = { .size = GOLDEN_FRAME_MAX };
	int action;

	action = dataplane_test_run(golden->dataplane, golden->fd, GOLDEN_INTERFACE, in.bytes,
				    in.size, out.bytes, &out.size);
	if (action != XDP_PASS || out.size != in.size || memcmp(in.bytes, out.bytes, in.size) != 0)
		return error_set(err, -EBADMSG,
				 "golden packet to no service: action %d, expected %d (XDP_PASS) "
				 "and the packet untouched",
				 action, XDP_PASS);
	return 0;
}

static int golden_run(const struct golden *golden, struct error *err)
{
	int rc = golden_foreign(golden, err);

	for (uint32_t id = 1; id < golden->model->limits.services && !rc; id++)
		if (golden->model->services[id].id)
			rc = golden_service(golden, &golden->model->services[id], err);
	return rc;
}

int golden_try(const char *object, struct error *err)
{
	struct golden golden = { .fd = -1 };
	struct config *config = NULL;
	int rc;

	rc = config_parse(golden_config, sizeof(golden_config) - 1, "golden packets", &config, err);
	if (!rc)
		rc = golden_load(&golden, config, object, err);
	if (!rc)
		rc = golden_run(&golden, err);
	if (golden.fd >= 0)
		close(golden.fd);
	dataplane_close(golden.dataplane);
	model_free(golden.model);
	config_free(config);
	return rc;
}
