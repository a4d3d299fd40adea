// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A crowd of connections that come, talk and go, without a socket for each: as
 * many as a table holds, made of bare segments by a raw socket. Their checksums
 * are zero, so no backend answers them; a balancer doesn't look.
 *
 *   churn VIP PORT CONNECTIONS NEW_PER_SECOND PACKETS_PER_SECOND
 *
 * Each slot of the crowd has one connection: its client follows from the slot
 * and how often it was renewed. Two segments make a connection one that a
 * balancer confirms. A renewed slot's old connection ends by FIN, by RST, or
 * without a word, a third each. Runs until SIGTERM or SIGINT, then prints
 * {"connections", "made", "packets", "failed", "seconds"}.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/addr.h"
#include "base/monotonic.h"

#define TICK_MS 5
#define FIRST_PORT 1024
#define PORTS 60000
#define CONNECTIONS_MAX (1U << 17) /* what 198.18.0.0/15 has addresses */

struct churn {
	struct lbd_addr vip;
	__be16 port;
	uint32_t connections, made_per_second, packets_per_second;
	uint16_t *renewed; /* per slot */
	int socket;
	uint64_t made, packets, failed;
	uint32_t random;
};

static volatile sig_atomic_t churn_over;

static void churn_stop(int signal)
{
	(void)signal;
	churn_over = 1;
}

static uint32_t churn_random(struct churn *churn)
{
	churn->random = churn->random * 1664525 + 1013904223;
	return churn->random >> 8;
}

/* --- a segment */

struct churn_segment4 {
	struct iphdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

struct churn_segment6 {
	struct ip6_hdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

static struct tcphdr churn_tcp(const struct churn *churn, uint32_t slot)
{
	return (struct tcphdr){
		.source = htons((uint16_t)(FIRST_PORT + churn->renewed[slot] % PORTS)),
		.dest = churn->port,
		.doff = sizeof(struct tcphdr) / 4,
		.ack = 1,
		.window = htons(1000),
	};
}

static void churn_transmit(struct churn *churn, const void *segment, size_t size,
			   const struct sockaddr *to, socklen_t to_size)
{
	if (sendto(churn->socket, segment, size, 0, to, to_size) < 0)
		churn->failed++;
	else
		churn->packets++;
}

static void churn_send4(struct churn *churn, uint32_t slot, const struct tcphdr *tcp)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = churn->vip.words[3] };
	struct churn_segment4 segment = {
		.ip = { .version = 4,
			.ihl = 5,
			.tot_len = htons(sizeof(segment)),
			.ttl = 64,
			.protocol = IPPROTO_TCP,
			.saddr = htonl(0xc6120000U + slot),
			.daddr = churn->vip.words[3] },
		.tcp = *tcp,
	};

	churn_transmit(churn, &segment, sizeof(segment), (struct sockaddr *)&to, sizeof(to));
}

static void churn_send6(struct churn *churn, uint32_t slot, const struct tcphdr *tcp)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };
	struct churn_segment6 segment = { .tcp = *tcp };
	struct lbd_addr client = { .words = { htonl(0x20010db8), htonl(0x00c0ffee), 0,
					      htonl(slot) } };

	segment.ip.ip6_vfc = 0x60;
	segment.ip.ip6_plen = htons(sizeof(segment.tcp));
	segment.ip.ip6_nxt = IPPROTO_TCP;
	segment.ip.ip6_hlim = 64;
	memcpy(&segment.ip.ip6_src, &client, sizeof(client));
	memcpy(&segment.ip.ip6_dst, &churn->vip, sizeof(churn->vip));
	memcpy(&to.sin6_addr, &churn->vip, sizeof(churn->vip));
	churn_transmit(churn, &segment, sizeof(segment), (struct sockaddr *)&to, sizeof(to));
}

static void churn_send(struct churn *churn, uint32_t slot, const struct tcphdr *tcp)
{
	if (lbd_addr_is4(&churn->vip))
		churn_send4(churn, slot, tcp);
	else
		churn_send6(churn, slot, tcp);
}

/* --- connections */

static void churn_open(struct churn *churn, uint32_t slot)
{
	struct tcphdr tcp = churn_tcp(churn, slot);

	churn_send(churn, slot, &tcp);
	churn_send(churn, slot, &tcp);
	churn->made++;
}

static void churn_end(struct churn *churn, uint32_t slot)
{
	struct tcphdr tcp = churn_tcp(churn, slot);
	uint32_t how = churn_random(churn) % 3;

	tcp.fin = how == 1;
	tcp.rst = how == 2;
	if (how)
		churn_send(churn, slot, &tcp);
}

static void churn_renew(struct churn *churn, uint32_t slot)
{
	churn_end(churn, slot);
	churn->renewed[slot]++;
	churn_open(churn, slot);
}

static void churn_talk(struct churn *churn, uint32_t slot)
{
	struct tcphdr tcp = churn_tcp(churn, slot);

	churn_send(churn, slot, &tcp);
}

/* How many of @rate a second are due @elapsed seconds after the start, beyond those @done. */
static uint64_t churn_due(uint32_t rate, double elapsed, uint64_t done)
{
	uint64_t all = (uint64_t)(rate * elapsed);

	return all > done ? all - done : 0;
}

static void churn_run(struct churn *churn)
{
	const struct timespec tick = { .tv_nsec = TICK_MS * 1000000 };
	const double begun = monotonic_s();
	uint64_t renewals = 0, talks = 0;

	while (!churn_over) {
		double elapsed = monotonic_s() - begun;

		for (uint64_t n = churn_due(churn->made_per_second, elapsed, renewals); n; n--) {
			churn_renew(churn, churn_random(churn) % churn->connections);
			renewals++;
		}
		for (uint64_t n = churn_due(churn->packets_per_second, elapsed, talks); n; n--) {
			churn_talk(churn, churn_random(churn) % churn->connections);
			talks++;
		}
		nanosleep(&tick, NULL);
	}
	printf("{\"connections\": %u, \"made\": %llu, \"packets\": %llu, \"failed\": %llu, "
	       "\"seconds\": %.1f}\n",
	       churn->connections, (unsigned long long)churn->made,
	       (unsigned long long)churn->packets, (unsigned long long)churn->failed,
	       monotonic_s() - begun);
}

/* Paced, so that no queue on the way overflows. */
static void churn_fill(struct churn *churn)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (uint32_t slot = 0; slot < churn->connections && !churn_over; slot++) {
		churn_open(churn, slot);
		if (slot % 32 == 0)
			nanosleep(&pause, NULL);
	}
	puts("{\"filled\": true}");
	fflush(stdout);
}

/* --- start */

static int churn_socket(const struct churn *churn)
{
	bool is4 = lbd_addr_is4(&churn->vip);
	int fd = socket(is4 ? AF_INET : AF_INET6, SOCK_RAW, IPPROTO_RAW), on = 1;

	/* IPPROTO_RAW says that the header is in it; on IPv6 it must be said again. */
	if (fd >= 0 && !is4 && setsockopt(fd, IPPROTO_IPV6, IPV6_HDRINCL, &on, sizeof(on)))
		return -errno;
	return fd < 0 ? -errno : fd;
}

static int churn_parse(char **argv, struct churn *ret)
{
	if (addr_parse(argv[1], &ret->vip))
		return -EINVAL;
	ret->port = htons((uint16_t)atoi(argv[2]));
	ret->connections = (uint32_t)atoi(argv[3]);
	ret->made_per_second = (uint32_t)atoi(argv[4]);
	ret->packets_per_second = (uint32_t)atoi(argv[5]);
	return ret->connections == 0 || ret->connections > CONNECTIONS_MAX ? -EINVAL : 0;
}

int main(int argc, char **argv)
{
	struct churn churn = { .random = 1 };

	if (argc != 6 || churn_parse(argv, &churn)) {
		fprintf(stderr,
			"usage: churn VIP PORT CONNECTIONS NEW_PER_SECOND "
			"PACKETS_PER_SECOND; at most %u connections\n",
			CONNECTIONS_MAX);
		return 2;
	}
	churn.renewed = calloc(churn.connections, sizeof(*churn.renewed));
	churn.socket = churn_socket(&churn);
	if (!churn.renewed || churn.socket < 0) {
		fprintf(stderr, "churn: no raw socket: %s\n", strerror(-churn.socket));
		return 1;
	}
	signal(SIGTERM, churn_stop);
	signal(SIGINT, churn_stop);
	churn_fill(&churn);
	churn_run(&churn);
	free(churn.renewed);
	return 0;
}
