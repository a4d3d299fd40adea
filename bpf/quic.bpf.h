/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The backend that a QUIC packet's destination connection id names, by
 * draft-ietf-quic-load-balancers-21 in plaintext. Only what no version of QUIC
 * may change (RFC 8999) is looked at:
 *
 *   long header    1... .... | version, 32 | length, 8 | connection id | ...
 *   short header   0... .... | connection id, of a length only the server knows | ...
 *
 * A connection id that a client made up, as before the first answer, names
 * nobody, or somebody by chance: then all packets of that connection go there.
 */
#ifndef QUIC_BPF_H
#define QUIC_BPF_H

#include <bpf/bpf_endian.h>

#include "bpf/config.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/packet.bpf.h"

#define QUIC_LONG 0x80	   /* of the first octet */
#define QUIC_LONG_LENGTH 5 /* where the connection id's length is ... */
#define QUIC_LONG_CID 6	   /* ... and it itself; */
#define QUIC_SHORT_CID 1   /* in a short header */
#define QUIC_UDP_HEADER 8
#define QUIC_UDP_LENGTH 4 /* where UDP says how long it is */
#define QUIC_L4_MAX 1023  /* no header starts behind this */

/* What is to be read of a connection id: octets left in its packet from its start on. */
struct quic_cid {
	const __u8 *at;
	__u32 length;
};

/*
 * Where the connection id is; its first octet is in the frame. @room: from the
 * UDP header to the packet's end; a first fragment's UDP says more than it has.
 */
LBD_INLINE _Bool quic_find_cid(const void *udp, const void *end, __u32 room, struct quic_cid *cid)
{
	const __u8 *quic = udp + QUIC_UDP_HEADER;
	__u32 said, start = QUIC_SHORT_CID;

	if ((const void *)(quic + QUIC_LONG_CID + 1) > end)
		return 0;
	said = bpf_ntohs(packet_word16(udp + QUIC_UDP_LENGTH));
	if (said < room)
		room = said;
	if (quic[0] & QUIC_LONG)
		start = QUIC_LONG_CID;
	if (room < QUIC_UDP_HEADER + start)
		return 0;
	room -= QUIC_UDP_HEADER + start;
	cid->at = quic + start;
	cid->length = room;
	if (start == QUIC_LONG_CID)
		cid->length = quic[QUIC_LONG_LENGTH];
	return cid->length && cid->length <= room;
}

/* The server id, out of a connection id that is long enough for its config. */
LBD_INLINE _Bool quic_read_server(const struct quic_cid *cid, const void *end,
				  const struct lbd_quic_config *config, struct lbd_quic_key *key)
{
	__u32 length = config->server;

	if (!length || cid->length < 1 + length + LBD_QUIC_NONCE_MIN + config->nonce)
		return 0;
	key->length = (__u8)length;
#pragma unroll
	for (__u32 i = 0; i < LBD_QUIC_SERVER_MAX; i++) {
		if (i >= length)
			break;
		if ((const void *)(cid->at + 2 + i) > end)
			return 0;
		key->server[i] = cid->at[1 + i];
	}
	return 1;
}

/* May the backend have a connection of this service? */
LBD_INLINE _Bool quic_takes(__u32 half, __u16 service, __u16 backend)
{
	__u32 index = half * lbd_config.limits.backends + backend;
	const struct lbd_backend *at = bpf_map_lookup_elem(&lbd_backends, &index);

	return at && at->service == service &&
	       (at->state == LBD_BACKEND_UP || at->state == LBD_BACKEND_DRAINING);
}

LBD_INLINE __u16 quic_lookup(const struct lbd_quic_key *key, __u32 half)
{
	const struct lbd_quic_value *value = bpf_map_lookup_elem(&lbd_quic, key);
	__u16 backend;

	if (!value)
		return 0;
	backend = value->backend[half & 1];
	return backend && quic_takes(half, key->service, backend) ? backend : 0;
}

/*
 * The backend that the UDP packet of @room bytes at @l4 names, if it may have
 * the connection; else 0. A function of its own: the verifier walks through it once.
 */
__attribute__((noinline)) int quic_backend(struct xdp_md *ctx, __u32 l4, __u32 room, __u32 half,
					   __u32 service)
{
	const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct lbd_quic_key key = { .service = (__u16)service };
	__u32 index = half * lbd_config.limits.services + service;
	const struct lbd_service *at;
	struct quic_cid cid;

	if (l4 > QUIC_L4_MAX || !quic_find_cid(data + l4, end, room, &cid))
		return 0;
	at = bpf_map_lookup_elem(&lbd_services, &index);
	if (!at)
		return 0;
	key.config = *cid.at >> 5;
	if (!quic_read_server(&cid, end, &at->quic[key.config], &key))
		return 0;
	return quic_lookup(&key, half);
}

#endif
