// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/scene.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/flow.h"
#include "tests/bench/room.h"

#define AT_IP 14
#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define TCP_HEADER 20
#define PAYLOAD 6
#define PORT 80
#define MAC_PREFIX 0x02

/* How each mode is asked for, and what it puts before the packet. */
static const struct scene_mode {
	const char *text;
	uint8_t protocol; /* of the outer IP header; 0: that of the packet inside */
	uint16_t port;	  /* of UDP */
	uint32_t between; /* outer IP header and packet */
} scene_modes[] = {
	[LBD_FORWARD_DSR] = { .text = "dsr" },
	[LBD_FORWARD_IPIP] = { .text = "ipip" },
	[LBD_FORWARD_GUE] = { "gue", IPPROTO_UDP, 6080, 8 },
	[LBD_FORWARD_GRE] = { "gre", IPPROTO_GRE, 0, 4 },
	[LBD_FORWARD_VXLAN] = { "vxlan, vni: 7", IPPROTO_UDP, 4789, 30 },
	[LBD_FORWARD_GENEVE] = { "geneve, vni: 7", IPPROTO_UDP, 6081, 30 },
	[LBD_FORWARD_NAT] = { .text = "nat" },
};

static bool scene_is_nat(const struct scene *scene)
{
	return scene->forward == LBD_FORWARD_NAT;
}

void scene_config(const struct scene *scene, uint32_t slots, const char *in,
		  char text[SCENE_CONFIG_MAX])
{
	int used;

	used = snprintf(text, SCENE_CONFIG_MAX,
			"xdp: {interfaces: [%s]}\n"
			"limits: {services: 16, backends: 64, connections-ipv4: %u, "
			"connections-ipv6: %u, nat-ipv4: %u, maglev: 65537}\n"
			"%s%s%s%s%s"
			"services:\n"
			"- {name: measured, vip: \"%s\", port: %d, protocol: %s, forward: %s, "
			"health: {check: none}, backends: [",
			in, scene->ipv6 ? 1024 : slots, scene->ipv6 ? slots : 1024,
			scene_is_nat(scene) ? slots : 1024,
			scene_is_nat(scene) ? "nat: {addresses: [192.0.2.101, 192.0.2.102, "
					      "192.0.2.103, 192.0.2.104]}\n"
					    : "",
			scene->lists ? "lists: [{name: bad, file: " : "",
			scene->lists ? scene->lists : "",
			scene->lists ? "}]\nguard: {deny: [bad]}\n" : "",
			scene->limits ? "guard: {source: {packets: 1000000000}}\n" : "",
			scene->ipv6 ? "2001:db8:1::1" : "192.0.2.1", PORT,
			scene->udp ? "udp" : "tcp", scene_modes[scene->forward].text);
	for (unsigned int i = 1; i <= SCENE_BACKENDS; i++)
		used += snprintf(text + used, (size_t)(SCENE_CONFIG_MAX - used),
				 scene->ipv6 ? "%s{address: \"2001:db8:2::%x\"}"
					     : "%s{address: \"203.0.113.%u\"}",
				 i > 1 ? ", " : "", i);
	snprintf(text + used, (size_t)(SCENE_CONFIG_MAX - used), "]}\n");
}

void scene_resolve(const struct lab *lab, uint32_t ifindex, const uint8_t dmac[6],
		   const uint8_t smac[6])
{
	for (uint32_t i = 1; i < lab->model->limits.backends; i++) {
		struct nexthop *nexthop = &lab->model->backends[i].nexthop;

		nexthop->resolved = true;
		nexthop->ifindex = ifindex;
		nexthop->mtu = 1500;
		memcpy(nexthop->dmac, dmac, sizeof(nexthop->dmac));
		memcpy(nexthop->smac, smac, sizeof(nexthop->smac));
	}
}

/* A prefix between the sources of spread flows, which are even. */
static void scene_near(const struct scene *scene, FILE *file, uint32_t i)
{
	const uint32_t odd = 2 * i + 1;

	if (scene->ipv6)
		fprintf(file, "2001:db8:%x:%x::/64\n", odd >> 16, odd & 0xffff);
	else
		fprintf(file, "198.%u.%u.%u\n", 18 + (odd >> 16), odd >> 8 & 255, odd & 255);
}

/* One anywhere else: long or short, as networks are. */
static void scene_far(const struct scene *scene, FILE *file, uint32_t random)
{
	const unsigned int a = random & 0xff, b = random >> 8 & 0xff, c = random >> 16 & 0xff;
	const bool long_one = random >> 31;

	if (scene->ipv6)
		fprintf(file, "26%02x:%x:%x::/%u\n", a, b, long_one ? c : 0, long_one ? 48U : 32U);
	else
		fprintf(file, "%u.%u.%u.0/%u\n", 20 + a % 100, b, long_one ? c : 0,
			long_one ? 24U : 16U);
}

int scene_write_list(const struct scene *scene, struct error *err)
{
	FILE *file = scene->lists ? fopen(scene->lists, "we") : NULL;
	uint64_t random = 1;

	if (!scene->lists)
		return 0;
	if (!file)
		return error_errno(err, -errno, "%s", scene->lists);
	for (uint32_t i = 0; i < SCENE_PREFIXES / 2; i++) {
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		scene_near(scene, file, i);
		scene_far(scene, file, (uint32_t)(random >> 32));
	}
	return fclose(file) ? error_errno(err, -errno, "%s", scene->lists) : 0;
}

void scene_remove_list(const struct scene *scene)
{
	if (scene->lists)
		unlink(scene->lists);
}

static void scene_be16(uint8_t *to, unsigned int value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static void scene_ipv4(uint8_t *ip, enum scene_packet packet)
{
	ip[0] = 0x45;
	scene_be16(ip + 2, IPV4_HEADER + TCP_HEADER + PAYLOAD);
	ip[8] = 64;
	ip[9] = IPPROTO_TCP;
	inet_pton(AF_INET, packet == SCENE_FOREIGN ? "192.0.2.2" : "192.0.2.1", ip + 16);
}

static void scene_ipv6(uint8_t *ip, enum scene_packet packet)
{
	ip[0] = 0x60;
	scene_be16(ip + 4, TCP_HEADER + PAYLOAD);
	ip[6] = IPPROTO_TCP;
	ip[7] = 64;
	inet_pton(AF_INET6, "2001:db8::", ip + 8);
	inet_pton(AF_INET6, packet == SCENE_FOREIGN ? "2001:db8:1::2" : "2001:db8:1::1", ip + 24);
}

uint32_t scene_frame(const struct scene *scene, enum scene_packet packet,
		     uint8_t frame[WRAP_FRAME_MAX])
{
	uint32_t at_tcp = AT_IP + (scene->ipv6 ? IPV6_HEADER : IPV4_HEADER);

	memset(frame, 0, WRAP_FRAME_MAX);
	frame[0] = frame[6] = MAC_PREFIX;
	scene_be16(frame + 12, scene->ipv6 ? ETH_P_IPV6 : ETH_P_IP);
	if (scene->ipv6)
		scene_ipv6(frame + AT_IP, packet);
	else
		scene_ipv4(frame + AT_IP, packet);
	scene_be16(frame + at_tcp + 2, PORT);
	frame[at_tcp + 12] = TCP_HEADER / 4 << 4;
	frame[at_tcp + 13] = packet == SCENE_SYN ? 0x02 : 0x10;
	return at_tcp + TCP_HEADER + PAYLOAD;
}

/* Write flow number @flow over the frame, as the wrapper does. */
static void scene_set_flow(const struct scene *scene, uint8_t *frame, uint32_t flow)
{
	uint32_t at_source = AT_IP + (!scene->ipv6 || scene->spread ? 12 : 20);
	uint32_t at_tcp = AT_IP + (scene->ipv6 ? IPV6_HEADER : IPV4_HEADER);
	uint32_t low = htonl(scene->ipv6 ? flow >> 14 : flow_address4(flow));

	if (scene->spread)
		low = htonl(flow_spread(flow) + (scene->ipv6 ? 0 : 0xc6120000));

	memcpy(frame + at_source, &low, sizeof(low));
	scene_be16(frame + at_tcp, flow_port(flow));
}

/* Outer headers: towards one of the backends, and what they say is inside. */
static bool scene_tunnelled(const struct scene *scene, const uint8_t *outer)
{
	const struct scene_mode *mode = &scene_modes[scene->forward];
	const uint8_t *behind = outer + (scene->ipv6 ? IPV6_HEADER : IPV4_HEADER);
	uint8_t base[16], host = behind[-1];
	uint8_t protocol = mode->protocol;

	if (!protocol)
		protocol = scene->ipv6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	if (host < 1 || host > SCENE_BACKENDS)
		return false;
	if (mode->port && (behind[2] << 8 | behind[3]) != mode->port)
		return false;
	if (scene->ipv6) {
		inet_pton(AF_INET6, "2001:db8:2::", base);
		return outer[6] == protocol && !memcmp(outer + 24, base, 15);
	}
	inet_pton(AF_INET, "203.0.113.0", base);
	return outer[9] == protocol && !memcmp(outer + 16, base, 3);
}

static uint32_t scene_overhead(const struct scene *scene)
{
	if (scene->forward == LBD_FORWARD_DSR || scene_is_nat(scene))
		return 0;
	return (scene->ipv6 ? IPV6_HEADER : IPV4_HEADER) + scene_modes[scene->forward].between;
}

/* From a NAT address to a backend, and whole behind the ends; packet cases prove the rest. */
static bool scene_translated(const uint8_t *frame, const uint8_t *out, uint32_t size)
{
	const uint32_t at_data = AT_IP + IPV4_HEADER + TCP_HEADER;
	uint8_t backends[4], nat[4];

	inet_pton(AF_INET, "203.0.113.0", backends);
	inet_pton(AF_INET, "192.0.2.100", nat);
	return out[AT_IP + 8] == frame[AT_IP + 8] - 1 && !memcmp(out + AT_IP + 12, nat, 3) &&
	       !memcmp(out + AT_IP + 16, backends, 3) &&
	       !memcmp(out + at_data, frame + at_data, size - at_data);
}

bool scene_forwarded(const struct scene *scene, const uint8_t *frame, uint32_t size, uint32_t flow,
		     const uint8_t *out, uint32_t out_size)
{
	uint32_t overhead = scene_overhead(scene);
	uint8_t expected[WRAP_FRAME_MAX];

	memcpy(expected, frame, size);
	scene_set_flow(scene, expected, flow);
	if (out_size != size + overhead)
		return false;
	if (!memcmp(out, frame, ETH_ALEN) || memcmp(out + 12, frame + 12, 2) != 0)
		return false;
	if (overhead && !scene_tunnelled(scene, out + AT_IP))
		return false;
	if (scene_is_nat(scene))
		return scene_translated(frame, out, size);
	return !memcmp(out + AT_IP + overhead, expected + AT_IP, size - AT_IP);
}

void scene_way(const uint8_t *out, struct wrap_way *ret)
{
	const uint8_t *ip = out + AT_IP, *ports = ip + IPV4_HEADER;
	const uint8_t swapped[4] = { ports[2], ports[3], ports[0], ports[1] };

	memcpy(&ret->source, ip + 16, sizeof(ret->source));
	memcpy(&ret->dest, ip + 12, sizeof(ret->dest));
	memcpy(&ret->ports, swapped, sizeof(ret->ports));
}

bool scene_answered(const uint8_t *frame, uint32_t size, uint32_t flow, const uint8_t *out,
		    uint32_t out_size)
{
	static const uint8_t router[ETH_ALEN] = ROOM_ROUTER_MAC;
	const uint32_t at_data = AT_IP + IPV4_HEADER + TCP_HEADER,
		       client = htonl(flow_address4(flow));
	uint8_t vip[4], ports[4];

	inet_pton(AF_INET, "192.0.2.1", vip);
	scene_be16(ports, PORT);
	scene_be16(ports + 2, flow_port(flow));
	return out_size == size && !memcmp(out, router, ETH_ALEN) &&
	       out[AT_IP + 8] == frame[AT_IP + 8] - 1 && !memcmp(out + AT_IP + 12, vip, 4) &&
	       !memcmp(out + AT_IP + 16, &client, 4) &&
	       !memcmp(out + AT_IP + IPV4_HEADER, ports, 4) &&
	       !memcmp(out + at_data, frame + at_data, size - at_data);
}
