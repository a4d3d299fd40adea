/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the golden packets share; drills make packets like them. */
#ifndef UPGRADE_GOLDEN_H
#define UPGRADE_GOLDEN_H

#include "model/model.h"

#define GOLDEN_FRAME_MAX 256
#define GOLDEN_PORT 80
#define GOLDEN_CLIENT_PORT 40000
#define GOLDEN_TTL 9

struct golden_frame {
	uint8_t bytes[GOLDEN_FRAME_MAX];
	uint32_t size;
};

/* Between whom a frame is. Ports in host order. */
struct golden_ends {
	struct lbd_addr source, dest;
	uint16_t source_port, dest_port;
};

/* golden_packet.c: a frame from the golden client to @vip; @flags are TCP's. */
struct golden_frame golden_packet(const struct lbd_addr *vip, uint8_t protocol,
				  uint16_t client_port, uint16_t vip_port, uint8_t flags);

/* The same from @client. */
struct golden_frame golden_packet_from(const struct lbd_addr *client, const struct lbd_addr *vip,
				       uint8_t protocol, uint16_t client_port, uint16_t vip_port,
				       uint8_t flags);

/* An ICMP error that quotes a packet of a flow, from its client's side to its VIP. */
enum golden_error { GOLDEN_TOO_BIG, GOLDEN_PORT_UNREACHABLE };

struct golden_frame golden_error(const struct lbd_addr *client, const struct lbd_addr *vip,
				 uint8_t protocol, uint16_t client_port, uint16_t vip_port,
				 enum golden_error error);

/* The first fragment of a datagram @id that begins as @whole does, or a later one. */
struct golden_frame golden_fragment(const struct golden_frame *whole, uint16_t id, bool first);

/* A frame that is no IP at all. */
struct golden_frame golden_packet_arp(void);

/* Where golden packets to @vip come from. */
struct lbd_addr golden_client(const struct lbd_addr *vip);

/* The ends of a frame that golden_packet made, or that came of such a one by NAT. */
struct golden_ends golden_get_ends(const struct golden_frame *frame);

/* Give such a frame other ends and a TTL of @ttl; its checksums are made anew. */
void golden_set_ends(struct golden_frame *frame, const struct golden_ends *ends, uint8_t ttl);

/* What whoever got @frame answers: the same, its ends and MAC addresses exchanged. */
struct golden_frame golden_answer(const struct golden_frame *frame);

/*
 * golden_judge.c: NULL if @out is @in as @service must send it, and *ret_backend
 * then who gets it; else what was expected of it.
 */
const char *golden_judge(const struct model *model, const struct service *service,
			 const struct golden_frame *in, const struct golden_frame *out,
			 const struct backend **ret_backend);

/*
 * golden_nat.c: the same for a service that forwards by NAT, whose packet went
 * to @backend.
 */
const char *golden_judge_nat(const struct model *model, const struct service *service,
			     const struct golden_frame *in, const struct golden_frame *out,
			     const struct backend *backend);

/* NULL if @out is @answer, which @in's backend gave, as its client must get it. */
const char *golden_judge_answer(const struct service *service, const struct golden_frame *in,
				const struct golden_frame *answer, const struct golden_frame *out);

#endif
