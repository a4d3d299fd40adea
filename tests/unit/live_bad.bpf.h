/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The whole packet path with a flaw that golden packets can't meet: it spares
 * all ports but BAD_PORT. A bad object includes this after defining one of these,
 * where the others are as they should be:
 *
 *   BAD_FIND(packet, found)          after the connection table was asked
 *   BAD_ROUTE(packet, backend)       after the backend was chosen
 *   BAD_LOSES(packet)                true: dropped now, and nothing said of it
 *   BAD_ACTION(ctx, packet, action)  after the packet was made ready to leave
 */
#ifndef LIVE_BAD_BPF_H
#define LIVE_BAD_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/conn_table.bpf.h"

#ifndef BAD_FIND
#define BAD_FIND(packet, found)
#endif
#ifndef BAD_ROUTE
#define BAD_ROUTE(packet, backend)
#endif
#ifndef BAD_LOSES
#define BAD_LOSES(packet) 0
#endif
#ifndef BAD_PORT
#define BAD_PORT 7000
#endif
#ifndef BAD_ACTION
#define BAD_ACTION(ctx, packet, action)
#endif

LBD_INLINE _Bool bad_is_victim(const struct packet *packet)
{
	return packet->vip_port == bpf_htons(BAD_PORT);
}

LBD_INLINE _Bool bad_find(const struct packet *packet, struct conn *conn, _Bool v6)
{
	_Bool found = conn_find(packet, conn, v6);

	BAD_FIND(packet, found);
	return found;
}
#define conn_find(...) bad_find(__VA_ARGS__)

#include "bpf/conn.bpf.h"

LBD_INLINE int bad_route(struct xdp_md *ctx, struct packet *packet, __u16 *ret_backend, _Bool v6)
{
	int outcome = conn_route(ctx, packet, ret_backend, v6);

	BAD_ROUTE(packet, *ret_backend);
	return outcome;
}
#define conn_route(...) bad_route(__VA_ARGS__)

#include "bpf/forward.bpf.h"

LBD_INLINE int bad_forward(struct xdp_md *ctx, const struct packet *packet, __u16 backend,
			   int *outcome, _Bool v6)
{
	int action;

	if (BAD_LOSES(packet))
		return XDP_DROP;
	action = forward(ctx, packet, backend, outcome, v6);
	BAD_ACTION(ctx, packet, action);
	return action;
}
#define forward(...) bad_forward(__VA_ARGS__)

#include "bpf/lb.bpf.c"

#endif
