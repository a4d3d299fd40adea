/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The connection table's part in a packet's way: which backend has this flow,
 * and what the packet says about the connection.
 *
 *   packet                     not in the table          in the table
 *   -------------------------  ------------------------  ---------------------------
 *   TCP SYN                    Maglev, no entry          its backend while the connection
 *                                                        lives, else picked again
 *   TCP FIN                    Maglev, no entry          its backend, entry CLOSING
 *   TCP RST                    Maglev, no entry          its backend, entry CLOSING and no
 *                                                        longer CONFIRMED
 *   any other TCP, UDP         Maglev, entry made        its backend, entry CONFIRMED
 *
 *   UDP that names a backend   that one, entry made      that one, entry CONFIRMED
 *   (QUIC)
 *
 * A connection lives while its entry is CONFIRMED, neither CLOSING nor expired:
 * a SYN of somebody who only pretends to be its client can't move it, and its
 * backend answers as RFC 5961 has it. After a FIN the client may go on reading
 * for as long as it likes: each ACK makes the entry young again.
 *
 * So a flood of SYNs costs no entry, and one of other packets only entries that
 * are unconfirmed: the first to be displaced, and never replicated.
 */
#ifndef CONN_BPF_H
#define CONN_BPF_H

#include "bpf/config.bpf.h"
#include "bpf/conn_table.bpf.h"
#include "bpf/guard.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/packet.bpf.h"
#include "bpf/pick.bpf.h"
#include "bpf/quic.bpf.h"
#include "bpf/source.bpf.h"

LBD_INLINE const struct lbd_backend *conn_backend(const struct packet *packet, __u16 backend)
{
	__u32 index = packet->half * lbd_config.limits.backends + backend;

	return bpf_map_lookup_elem(&lbd_backends, &index);
}

/* Tell the sync thread that this bucket holds news. */
LBD_INLINE void conn_mark_dirty(__u32 bucket, _Bool v6)
{
	__u32 index = bucket / 64;
	__u64 bit = 1ULL << bucket % 64;
	__u64 *word;

	if (!config_writes())
		return;
	if (v6)
		word = bpf_map_lookup_elem(&lbd_dirty6, &index);
	else
		word = bpf_map_lookup_elem(&lbd_dirty4, &index);
	if (word && !(LBD_READ_ONCE(*word) & bit))
		__sync_fetch_and_or(word, bit);
}

/* Peers hear of a connection when its state changes, and of a live one now and then. */
LBD_INLINE _Bool conn_is_news(const struct conn *conn, __u64 value)
{
	__u32 bits = lbd_config.refresh_bits;

	if ((conn->value ^ value) & (LBD_CONN_CONFIRMED | LBD_CONN_CLOSING | 0xffff))
		return 1;
	/* Buckets take turns, so that the refreshes of all flows don't come at once. */
	return (lbd_value_tick(conn->value) + conn->home) >> bits !=
	       (lbd_value_tick(value) + conn->home) >> bits;
}

LBD_INLINE void conn_write(struct conn *conn, __u64 value, _Bool v6)
{
	if (value == conn->value)
		return;
	if (!config_writes())
		return;
	if (LBD_CAS(conn->word, conn->value, value) == conn->value && conn_is_news(conn, value))
		conn_mark_dirty(conn->home, v6);
}

/* A packet of a known connection: at most one write a tick. */
LBD_INLINE void conn_touch(const struct packet *packet, struct conn *conn, _Bool v6)
{
	__u64 value = lbd_value_with_tick(conn->value, conn->now) & ~LBD_CONN_REMOTE;

	value |= LBD_CONN_CONFIRMED;
	if (packet->fin) {
		value |= LBD_CONN_CLOSING;
		if (packet->fin & TCP_RST)
			value &= ~LBD_CONN_CONFIRMED;
	}
	conn_write(conn, value, v6);
}

/*
 * Does a flow stay with its backend that is down? A TCP connection can't move,
 * and a failed check may be wrong: it stays, unless the service wants it
 * otherwise. A UDP flow loses nothing by going elsewhere. An RST needs no
 * other backend in any case.
 */
LBD_INLINE _Bool conn_keeps_down(const struct packet *packet, const struct lbd_backend *backend)
{
	if (config_has(LBD_FEATURE_DOWN) && (backend->down & LBD_DOWN_MASK) != LBD_DOWN_KEEP)
		return packet->fin & TCP_RST;
	return packet->protocol == IPPROTO_TCP;
}

/* May the entry's backend go on with this flow? A stale index names another service's. */
LBD_INLINE _Bool conn_keeps(const struct packet *packet, const struct lbd_backend *backend)
{
	if (backend->service != packet->service)
		return 0;
	if (backend->state == LBD_BACKEND_DOWN)
		return conn_keeps_down(packet, backend);
	return backend->state == LBD_BACKEND_UP || backend->state == LBD_BACKEND_DRAINING;
}

/* What entries of @service age by: its own timeouts, if it has such. */
LBD_INLINE const struct lbd_timeouts *conn_timeouts(__u32 half, __u16 service)
{
	const struct lbd_service *own = NULL;

	if (config_has(LBD_FEATURE_TIMEOUTS))
		own = pick_service(half, service);
	return own ? &own->timeouts : config_timeouts();
}

LBD_INLINE _Bool conn_expired(const struct packet *packet, const struct conn *conn)
{
	return lbd_value_expired(conn->value, conn->now,
				 conn_timeouts(packet->half, packet->service));
}

/* A SYN on an entry: a repeated one, or a new connection from a port that was used before. */
LBD_INLINE _Bool conn_takes_syn(const struct packet *packet, const struct conn *conn,
				const struct lbd_backend *backend)
{
	if (backend->service != packet->service || conn->value & LBD_CONN_CLOSING ||
	    conn_expired(packet, conn))
		return 0;
	if (backend->state == LBD_BACKEND_UP)
		return 1;
	return conn->value & LBD_CONN_CONFIRMED && conn_keeps(packet, backend);
}

LBD_INLINE __u64 conn_new_value(const struct packet *packet, const struct conn *conn, __u16 backend,
				__u64 flags)
{
	if (packet->protocol == IPPROTO_UDP)
		flags |= LBD_CONN_UDP;
	return lbd_value_make(backend, packet->vip_port, flags, conn->now);
}

/* What stays of an entry that gets another backend: all but what a SYN begins anew. */
LBD_INLINE __u64 conn_kept_flags(const struct packet *packet, const struct conn *conn)
{
	__u64 flags = conn->value & (LBD_CONN_CONFIRMED | LBD_CONN_CLOSING);

	if (packet->syn)
		return 0;
	if (packet->fin)
		flags |= LBD_CONN_CLOSING;
	return packet->fin & TCP_RST ? flags & ~LBD_CONN_CONFIRMED : flags;
}

/* No backend can be picked: dropped, or the client is told. */
LBD_INLINE int conn_nobody(const struct packet *packet)
{
	const struct lbd_service *service;

	if (!config_has(LBD_FEATURE_DOWN))
		return LBD_OUTCOME_DROP_NO_BACKEND;
	service = pick_service(packet->half, packet->service);
	if (!service || service->down != LBD_DOWN_RESET || packet->fin & TCP_RST)
		return LBD_OUTCOME_DROP_NO_BACKEND;
	return packet->protocol == IPPROTO_TCP ? LBD_OUTCOME_ANSWER_RESET
					       : LBD_OUTCOME_ANSWER_UNREACHABLE;
}

/* Give a known flow another backend; a SYN starts it anew, unconfirmed. */
LBD_INLINE int conn_repick(const struct packet *packet, struct conn *conn, __u16 *ret_backend,
			   _Bool v6)
{
	_Bool sticky;
	__u16 backend = pick_backend(packet, &sticky);

	*ret_backend = backend;
	if (!backend)
		return conn_nobody(packet);
	conn_write(conn, conn_new_value(packet, conn, backend, conn_kept_flags(packet, conn)), v6);
	if (!packet->syn)
		return LBD_OUTCOME_FORWARD_REPICKED;
	return sticky ? LBD_OUTCOME_FORWARD_STICKY : LBD_OUTCOME_FORWARD_FIRST;
}

/*
 * The backend is dead, and the client shall know: answered, not forwarded. Its
 * connection is over, and a SYN picks anew; a UDP flow may go on with another.
 */
LBD_INLINE int conn_reset(const struct packet *packet, struct conn *conn, __u16 *ret_backend,
			  _Bool v6)
{
	__u64 value = lbd_value_with_tick(conn->value, conn->now);

	if (packet->protocol == IPPROTO_UDP) {
		conn_repick(packet, conn, ret_backend, v6);
		*ret_backend = 0;
		return LBD_OUTCOME_ANSWER_UNREACHABLE;
	}
	*ret_backend = 0;
	conn_write(conn, (value | LBD_CONN_CLOSING) & ~(LBD_CONN_CONFIRMED | LBD_CONN_REMOTE), v6);
	return LBD_OUTCOME_ANSWER_RESET;
}

LBD_INLINE _Bool conn_resets(const struct packet *packet, const struct lbd_backend *backend)
{
	return config_has(LBD_FEATURE_DOWN) && backend->service == packet->service &&
	       backend->state == LBD_BACKEND_DOWN &&
	       (backend->down & LBD_DOWN_MASK) == LBD_DOWN_RESET && !packet->syn;
}

LBD_INLINE int conn_known(const struct packet *packet, struct conn *conn, __u16 *ret_backend,
			  _Bool v6)
{
	const struct lbd_backend *backend;

	*ret_backend = lbd_value_backend(conn->value);
	backend = conn_backend(packet, *ret_backend);
	if (!backend)
		return conn_repick(packet, conn, ret_backend, v6);
	if (packet->syn) {
		if (!conn_takes_syn(packet, conn, backend))
			return conn_repick(packet, conn, ret_backend, v6);
		return LBD_OUTCOME_FORWARD_FIRST;
	}
	if (!conn_keeps(packet, backend))
		return conn_resets(packet, backend) ? conn_reset(packet, conn, ret_backend, v6)
						    : conn_repick(packet, conn, ret_backend, v6);
	conn_touch(packet, conn, v6);
	return LBD_OUTCOME_FORWARD_KNOWN;
}

/*
 * A known flow whose packet names its backend: the table follows, so that its
 * packets that name nobody go there too.
 */
LBD_INLINE int conn_follow(const struct packet *packet, struct conn *conn, __u16 named,
			   __u16 *ret_backend, _Bool v6)
{
	*ret_backend = named;
	if (lbd_value_backend(conn->value) == named)
		conn_touch(packet, conn, v6);
	else
		conn_write(conn,
			   conn_new_value(packet, conn, named, conn->value & LBD_CONN_CONFIRMED),
			   v6);
	return LBD_OUTCOME_FORWARD_QUIC;
}

/* A backend for a flow that isn't in the table: @named, or a picked one. */
LBD_INLINE int conn_pick(const struct packet *packet, __u16 named, __u16 *ret_backend,
			 _Bool *ret_sticky, _Bool v6)
{
	int problem = source_check(packet, v6);

	if (problem != PACKET_GO_ON)
		return problem;
	*ret_backend = named ? named : pick_backend(packet, ret_sticky);
	return *ret_backend ? PACKET_GO_ON : conn_nobody(packet);
}

LBD_INLINE _Bool conn_enter(const struct packet *packet, const struct conn *conn, __u16 backend,
			    _Bool v6)
{
	const __u64 value = conn_new_value(packet, conn, backend, 0);
	/* A copy: what a called function is shown must be in memory, all of it. */
	const struct lbd_flow flow = conn->flow;

	return v6 ? conn_insert_ipv6(&flow, value, conn->hash, conn->now)
		  : conn_insert_ipv4(&flow, value, conn->hash, conn->now);
}

LBD_INLINE int conn_unknown(const struct packet *packet, const struct conn *conn, __u16 named,
			    __u16 *ret_backend, _Bool v6)
{
	_Bool sticky = 0, entered;
	int problem;

	problem = conn_pick(packet, named, ret_backend, &sticky, v6);
	if (problem != PACKET_GO_ON)
		return problem;
	if (packet->syn)
		return sticky ? LBD_OUTCOME_FORWARD_STICKY : LBD_OUTCOME_FORWARD_FIRST;
	if (packet->fin)
		return LBD_OUTCOME_FORWARD_UNTRACKED;
	problem = guard_entry(packet, v6);
	if (problem != PACKET_GO_ON) {
		*ret_backend = 0;
		return problem;
	}
	entered = conn_enter(packet, conn, *ret_backend, v6);
	if (named)
		return LBD_OUTCOME_FORWARD_QUIC;
	if (!entered)
		return LBD_OUTCOME_FORWARD_UNTRACKED;
	/* Of a TCP connection the SYN has been counted as sticky. */
	return sticky && packet->protocol == IPPROTO_UDP ? LBD_OUTCOME_FORWARD_STICKY
							 : LBD_OUTCOME_FORWARD_NEW;
}

#define CONN_STAGE_NAT (-2)

/*
 * A packet that is to be translated: of a flow that has all it needs, or one
 * for the NAT stage, which must see it before anything is written here.
 */
LBD_INLINE int conn_translated(struct packet *packet, struct conn *conn, __u16 *ret_backend,
			       _Bool v6)
{
	const struct lbd_backend *backend;

	packet->nat = lbd_value_nat(conn->value);
	backend = conn_backend(packet, lbd_value_backend(conn->value));
	if (packet->syn || !packet->nat || !backend || !conn_keeps(packet, backend))
		return CONN_STAGE_NAT;
	*ret_backend = lbd_value_backend(conn->value);
	conn_touch(packet, conn, v6);
	return LBD_OUTCOME_FORWARD_KNOWN;
}

/*
 * The backend that the packet itself names; 0: none, go by table and Maglev. The
 * only question for the feature: where it is off the verifier sees a 0 from here on.
 */
LBD_INLINE __u16 conn_named(struct xdp_md *ctx, const struct packet *packet)
{
	if (!config_has(LBD_FEATURE_QUIC) || packet->protocol != IPPROTO_UDP)
		return 0;
	return (__u16)quic_backend(ctx, packet->l4, packet->l3 + packet->length - packet->l4,
				   packet->half, packet->service);
}

/*
 * Which backend gets this packet. Returns the outcome if it can be forwarded,
 * or CONN_STAGE_NAT.
 */
LBD_INLINE int conn_route(struct xdp_md *ctx, struct packet *packet, __u16 *ret_backend, _Bool v6)
{
	const __u16 named = conn_named(ctx, packet);
	struct conn conn = {};
	_Bool found;

	found = conn_find(packet, &conn, v6);
	if (config_has(LBD_FEATURE_NAT) && packet->translated)
		return found ? conn_translated(packet, &conn, ret_backend, v6) : CONN_STAGE_NAT;
	if (!found)
		return conn_unknown(packet, &conn, named, ret_backend, v6);
	if (named)
		return conn_follow(packet, &conn, named, ret_backend, v6);
	return conn_known(packet, &conn, ret_backend, v6);
}

/* The backend that has this flow, or would get it; 0: none. Leaves all tables as they are. */
LBD_INLINE __u16 conn_owner(const struct packet *packet, _Bool v6)
{
	const struct lbd_backend *backend;
	struct conn conn = {};
	_Bool sticky;

	if (conn_find(packet, &conn, v6)) {
		backend = conn_backend(packet, lbd_value_backend(conn.value));
		if (backend && conn_keeps(packet, backend))
			return lbd_value_backend(conn.value);
	}
	return pick_sticky(packet, STICKY_READ, &sticky);
}

#endif
