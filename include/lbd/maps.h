/* SPDX-License-Identifier: GPL-2.0-or-later OR GPL-2.0-only */
/*
 * The pinned maps: what outlives program and daemon. Both sides compile this
 * file, and each map is made with the BTF of its key and value. An lbd that
 * finds maps of another layout converts them field by field, by name, in either
 * direction; what can't be converted is refused (lbd/dataplane/layout.h). So
 *
 *   - a field may move, become wider, or be added: it is zero until written;
 *   - room for later is called reserved or unused, and nothing else is;
 *   - a field that goes, or that an older lbd lacks, stops those who would
 *     lose it: that is a change that can't be taken back;
 *   - a change of meaning is a change of name, and a change of how a word is
 *     packed is a change of its typedef's name (lbd_*).
 *
 * LBD_MAPS_ABI is for what no layout shows: how the maps hang together.
 *
 * All service state is a snapshot, kept twice: half 0 and half 1 of lbd_vips,
 * lbd_services and lbd_backends. The packet path reads control->active once
 * per packet and stays in that half; the daemon writes the other half and then
 * flips the word. So a config change, a health change and a new next hop all
 * take effect at one point, for all services together.
 *
 *   vips[half] -> service id -> services[half] -> ring -> backend index
 *                     |                                        |
 *                     +-> connection table -> backend index ---+-> backends[half]
 */
#ifndef LBD_MAPS_H
#define LBD_MAPS_H

#include "lbd/conntable.h"
#include "lbd/nat.h"
#include "lbd/outcome.h"
#include "lbd/types.h"

#define LBD_MAPS_ABI 2

/* X(name): every pinned map, its file name below the instance's directory. */
#define LBD_MAPS(X)      \
	X(lbd_control)   \
	X(lbd_vips)      \
	X(lbd_services)  \
	X(lbd_backends)  \
	X(lbd_rings)     \
	X(lbd_conn4)     \
	X(lbd_conn6)     \
	X(lbd_nat4)      \
	X(lbd_nat6)      \
	X(lbd_dirty4)    \
	X(lbd_dirty6)    \
	X(lbd_rules)     \
	X(lbd_acl)       \
	X(lbd_sources)   \
	X(lbd_meters)    \
	X(lbd_credits)   \
	X(lbd_drops)     \
	X(lbd_drop_note) \
	X(lbd_sticky)    \
	X(lbd_outcomes)  \
	X(lbd_svc_stats) \
	X(lbd_be_stats)  \
	X(lbd_answers)   \
	X(lbd_tx)        \
	X(lbd_fragments) \
	X(lbd_xsks)      \
	X(lbd_wanted)    \
	X(lbd_quic)      \
	X(lbd_xsk_slots) \
	X(lbd_split)     \
	X(lbd_split_ctl) \
	X(lbd_split_cpu) \
	X(lbd_outcomes2) \
	X(lbd_be_stats2) \
	X(lbd_generations)

/*
 * While a new generation is on trial, slot RUNNING holds the splitter
 * (bpf/split.bpf.c), which hands each packet to one of these: lbd_split.
 */
enum lbd_split_slot {
	LBD_SPLIT_STABLE,    /* what ran before */
	LBD_SPLIT_CANDIDATE, /* what is on trial */
	LBD_SPLIT_SLOTS,
};

#define LBD_SPLITTER "lbd_splitter" /* the program */
#define LBD_SPLIT_WHOLE 10000	    /* a share is in ten-thousandths */
#define LBD_SPLIT_SERVICES 16

struct lbd_split_service {
	struct lbd_addr vip;
	__be16 port;
	__be16 port_mask; /* 0: any port */
	__u8 protocol;
	__u8 reserved[3];
};

/* lbd_split_ctl, one entry. All but the deadline and the share stand before the splitter runs. */
struct lbd_split_control {
	__u64 deadline; /* jiffies; past it all is STABLE's, whether or not lbd lives */
	__u64 secret;	/* which flows make up the share; another each time */
	__u32 share;	/* of the flows, for CANDIDATE */
	__u32 services_count;
	__u32 swapped; /* to user space: CANDIDATE counts as the one that runs */
	__u32 from;    /* where the share begins among LBD_SPLIT_WHOLE; it may wrap */
	struct lbd_split_service services[LBD_SPLIT_SERVICES]; /* none: all packets */
};

/* lbd_split_cpu, per CPU. */
struct lbd_split_seen {
	__u64 packets[LBD_SPLIT_SLOTS]; /* handed to each */
	__u64 beside; /* of STABLE's: such as never go to CANDIDATE, whatever the share */
	__u64 late;   /* of STABLE's: the deadline had passed */
};

_Static_assert(sizeof(struct lbd_split_service) == 24, "a service without holes");

/*
 * lbd_split_svc, the splitter's own and never pinned: packets to each
 * service, per CPU and side. Those that can't be told (fragments, ICMP) aren't
 * in it.
 */
#define LBD_SPLIT_SVC "lbd_split_svc"

struct lbd_split_key {
	struct lbd_addr vip;
	__be16 port; /* 0: any */
	__u8 protocol;
	__u8 unused[5];
};

struct lbd_split_handed {
	__u64 packets[LBD_SPLIT_SLOTS];
};

_Static_assert(sizeof(struct lbd_split_key) == 24, "a key without holes");

/* Sizes that were fixed when the maps were made; powers of two but where it says otherwise. */
struct lbd_limits {
	__u32 services; /* ids 1 .. services - 1 */
	__u32 backends; /* indexes 1 .. backends - 1 */
	__u32 conn4_buckets;
	__u32 conn6_buckets;
	__u32 nat4_buckets;
	__u32 nat6_buckets;
	__u32 vip_buckets;
	__u32 sticky_buckets;
	__u32 ring_size;   /* Maglev table size, prime */
	__u32 rings;	   /* twice the services: a full set can be written aside */
	__u32 acl_entries; /* of a half of lbd_acl; not a power of two */
	__u32 source_buckets;
};

/* One entry. Written by the daemon only. */
struct lbd_control {
	__u32 abi;
	__u32 size; /* sizeof(struct lbd_control) */
	struct lbd_limits limits;
	__u32 active;	   /* half in force, 0 or 1 */
	__u32 vip_salt[2]; /* per half: makes every VIP fit its bucket */
	__u32 complete;	   /* 1 once the maps have been set up */
	struct lbd_secret conn_secret;
};

/*
 * An address, port and protocol that is served. port 0 serves every port.
 * protocol 0 with port 0 only marks an address as a VIP (service 0). A protocol
 * with port 0 and service 0 is that of answers to a NAT address.
 */
struct lbd_vip {
	struct lbd_addr addr;
	__be16 port;
	__u8 protocol;
	__u8 used;
	__u16 service;
	__u8 translated; /* the service forwards by NAT, or this is a NAT address */
	__u8 reserved[9];
};

#define LBD_VIP_BUCKET_SLOTS 4

struct lbd_vip_bucket {
	struct lbd_vip slot[LBD_VIP_BUCKET_SLOTS];
};

_Static_assert(sizeof(struct lbd_vip) == 32, "two VIPs a cache line");

/*
 * Connection ids by draft-ietf-quic-load-balancers-21, in plaintext:
 *
 *   first octet                  server id        nonce
 *   config id, 3 bits | 5 bits   1..15 octets     4..18 octets
 *
 * Config ids are 0..6; 7 says that the connection id can't be routed.
 */
#define LBD_QUIC_CONFIGS 8
#define LBD_QUIC_UNROUTABLE 7
#define LBD_QUIC_SERVER_MAX 15
#define LBD_QUIC_NONCE_MIN 4
#define LBD_QUIC_NONCE_MAX 18
#define LBD_QUIC_CID_MAX 20

struct lbd_quic_config {
	__u8 server : 4; /* octets; 0: there is no such config */
	__u8 nonce : 4;	 /* octets beyond LBD_QUIC_NONCE_MIN */
};

_Static_assert(sizeof(struct lbd_quic_config) == 1, "all configs of a service in a word");

struct lbd_service {
	struct lbd_addr vip; /* the identity: VIP, port, protocol */
	__be16 port;
	__u8 protocol;
	__u8 used;
	__u32 ring;   /* which ring of lbd_rings */
	__u16 usable; /* backends in the ring; 0: nothing to pick */
	__u8 hash;    /* enum lbd_hash */
	__u8 prefix;  /* bits of the source, as a struct lbd_addr, that the hash looks at */
	__u8 down;    /* enum lbd_down, for when there is no backend to pick */
	__u8 flags;   /* LBD_SERVICE_* */
	__u16 reserved;
	__u32 sticky;		      /* ticks that a client keeps its backend; 0: no stickiness */
	struct lbd_timeouts timeouts; /* looked at with LBD_FEATURE_TIMEOUTS */
	struct lbd_quic_config quic[LBD_QUIC_CONFIGS]; /* by config id */
};

_Static_assert(sizeof(struct lbd_service) == 64, "a service is one cache line");

/* A member of a service. The same machine behind two services is two of these. */
struct lbd_backend {
	struct lbd_addr addr;
	__u8 dmac[6]; /* next hop; dmac and smac are written to the frame in one go */
	__u8 smac[6];
	__u32 ifindex; /* where the next hop is; 0: not resolved */
	__u16 tx_slot; /* of that interface in lbd_tx */
	__u16 mtu;     /* largest IP packet of that interface */
	__u8 state;    /* enum lbd_backend_state */
	__u8 forward;  /* enum lbd_forward */
	__u16 service; /* id of the service it is a member of */
	__u16 weight;
	__be16 port;	     /* where it listens, for NAT; 0: the port that came */
	__u32 tunnel_base4;  /* outer IPv4 source: prefix, host order ... */
	__u32 tunnel_host4;  /* ... and mask of the bits that vary per flow */
	__u8 vni[3];	     /* of VXLAN and Geneve, network order */
	__u8 down;	     /* enum lbd_down, and LBD_BACKEND_FALLBACK */
	__be64 tunnel_base6; /* outer IPv6 source: upper half; the lower varies */
};

_Static_assert(sizeof(struct lbd_backend) == 64, "a backend is one cache line");

#define LBD_DOWN_MASK 0x0f
#define LBD_BACKEND_FALLBACK 0x10 /* takes flows only while no other of its service does */

/* lbd_quic: a server id of a service's config -> its backend. */
struct lbd_quic_key {
	__u16 service;
	__u8 config;
	__u8 length;
	__u8 server[LBD_QUIC_SERVER_MAX + 1]; /* zeroes behind length */
};

_Static_assert(sizeof(struct lbd_quic_key) == 20, "a key without padding");

struct lbd_quic_value {
	__u16 backend[2]; /* per half of the snapshot; 0: not in it */
};

/* Server ids that a snapshot may have, for each backend that there is room for. */
#define LBD_QUIC_PER_BACKEND 4

struct lbd_traffic {
	__u64 packets;
	__u64 bytes; /* of the IP packet as it came, without link and tunnel headers */
};

struct lbd_outcome_counters {
	__u64 packets[LBD_OUTCOME_MAX];
};

/* What is left of the rate of answers, per CPU: a token bucket. */
struct lbd_answers {
	__u64 jiffies; /* when it was last looked at */
	__u64 level;
};

/* A dropped packet that was kept: what it was dropped for, and how it begins. */
#define LBD_DROP_WORDS 12

struct lbd_drop {
	__u64 ticket;  /* number of the drop, from 1; 0: being written. In entry 0: of the last */
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u32 length;  /* of the frame */
	__u32 ifindex;
	__u16 service; /* id; 0: none, or not yet known */
	__u8 outcome;  /* enum lbd_outcome */
	__u8 words;    /* of @frame that are filled */
	__u32 reserved;
	__u64 frame[LBD_DROP_WORDS];
};

_Static_assert(sizeof(struct lbd_drop) == 128, "a drop is two cache lines");

#define LBD_DROPS 512 /* kept at a time, behind entry 0 */

/* What the program that drops is told by who counted it. Per CPU. */
struct lbd_drop_note {
	__u16 service;
	__u8 outcome;
	__u8 take; /* keep it */
	__u32 reserved;
};

/* lbd_rings packs four backend indexes into a word. */
#define LBD_RING_PACK 4

typedef __u64 lbd_ring_backend16_by_4;

LBD_INLINE __u32 lbd_ring_words(__u32 ring_size)
{
	return (ring_size + LBD_RING_PACK - 1) / LBD_RING_PACK;
}

/* Devices that backends are reached through. */
#define LBD_TX_MAX 64

/*
 * A datagram that comes in fragments, and where its first went. The protocol is
 * no part of an IPv6 datagram's identity (RFC 8200, 4.5): 0 there.
 */
struct lbd_fragment_key {
	struct lbd_addr client;
	struct lbd_addr vip;
	__be32 id;
	__u8 protocol;
	__u8 unused[3];
};

struct lbd_fragment {
	__u64 seen; /* jiffies */
	__u16 service;
	__u16 backend;
	__be16 client_port;
	__be16 vip_port;
	__u16 size; /* of the first's data: what lies below came with it */
	__u8 protocol;
	__u8 nat;      /* attempt at which the flow is translated, 0: it isn't (lbd/nat.h) */
	__u32 ifindex; /* of an answer to a NAT address, whose service is 0: where it goes out */
};

_Static_assert(sizeof(struct lbd_fragment_key) == 40, "a key without holes");
_Static_assert(sizeof(struct lbd_fragment) == 24, "an entry without holes");

/* Datagrams that are remembered at once; the one that was used least lately makes room. */
#define LBD_FRAGMENTS_MAX 8192

/*
 * AF_XDP sockets of the daemon, one for each queue of an interface. Interfaces
 * have numbers here, by lbd_xsk_slots: ifindexes may be any.
 */
#define LBD_XSK_INTERFACES 64
#define LBD_XSK_QUEUES 64
#define LBD_XSKS_MAX (LBD_XSK_INTERFACES * LBD_XSK_QUEUES)

/* @number: of the interface. Queues beyond LBD_XSK_QUEUES have no socket. */
LBD_INLINE __u32 lbd_xsk_slot(__u32 number, __u32 queue)
{
	return number * LBD_XSK_QUEUES + queue;
}

/* Clients whose MAC address the packet path lacked, for the daemon to ask for; zeros: free. */
#define LBD_WANTED_MAX 64

/* A live entry is replicated again every 2^bits ticks. */
#define LBD_REFRESH_BITS 5

LBD_INLINE __u32 lbd_vip_hash(const struct lbd_addr *addr, __be16 port, __u8 protocol, __u32 salt,
			      __u32 buckets)
{
	__u64 x = addr->halves[1] ^ addr->halves[0] * 0x9e3779b97f4a7c15ULL;

	return (__u32)(lbd_mix(x ^ ((__u64)salt << 32 | (__u32)port << 8 | protocol)) &
		       (buckets - 1));
}

#endif
