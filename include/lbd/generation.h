/* SPDX-License-Identifier: GPL-2.0-or-later OR GPL-2.0-only */
/*
 * Generations of the packet path: where they and their stages stand in
 * lbd_generations, what each is loaded for, and what one says of a packet.
 * An lbd meets generations of other releases: slots keep their meaning, and
 * struct lbd_generation_config grows at its end alone.
 */
#ifndef LBD_GENERATION_H
#define LBD_GENERATION_H

#include "lbd/maps.h"

/* Slots of lbd_generations. A swap writes RUNNING; PREVIOUS is for rollback. */
enum lbd_generation_slot {
	LBD_GENERATION_RUNNING,
	LBD_GENERATION_PREVIOUS,
	LBD_GENERATION_SLOTS,
};

/*
 * A generation is the program lbd_lb and its stages: programs that it hands
 * rarer packets to by tail call. Each has a stack of its own and is verified by
 * itself, so they cost the path that most packets take nothing. A generation's
 * stages stand in one bank of lbd_generations, behind the slots above; its
 * .rodata says which. Running, previous and two candidates have room.
 *
 *   X(constant, program, features of which any needs it)
 */
#define LBD_STAGES(X)                                                   \
	X(TAGGED, "lbd_tagged", LBD_FEATURE_VLAN)                       \
	X(NAT, "lbd_nat", LBD_FEATURE_NAT)                              \
	X(NAT_RETURN, "lbd_nat_return", LBD_FEATURE_NAT)                \
	X(RESET, "lbd_reset", LBD_FEATURE_DOWN)                         \
	X(ICMP, "lbd_icmp", LBD_FEATURE_ECHO | LBD_FEATURE_ICMP_ERRORS) \
	X(NAT_ICMP, "lbd_nat_icmp", LBD_FEATURE_NAT)                    \
	X(FRAGMENT, "lbd_fragment", LBD_FEATURE_FRAGMENTS)              \
	X(NAT_FRAGMENT, "lbd_nat_fragment", LBD_FEATURE_NAT)

enum lbd_stage {
#define X(constant, program, features) LBD_STAGE_##constant,
	LBD_STAGES(X)
#undef X
		LBD_STAGE_COUNT,
};

#define LBD_STAGES_MAX 16
#define LBD_BANKS 4
#define LBD_GENERATIONS_SIZE (LBD_GENERATION_SLOTS + LBD_BANKS * LBD_STAGES_MAX)

_Static_assert(LBD_STAGE_COUNT <= LBD_STAGES_MAX, "a bank holds every stage");

LBD_INLINE __u32 lbd_stage_slot(__u32 bank, enum lbd_stage stage)
{
	return LBD_GENERATION_SLOTS + bank * LBD_STAGES_MAX + stage;
}

/*
 * What a generation is specialised for, in its .rodata. Constant to the
 * verifier, which removes the code of every feature that is off.
 */
#define LBD_FEATURE_IPV4 (1U << 0)
#define LBD_FEATURE_IPV6 (1U << 1)
#define LBD_FEATURE_DSR (1U << 2)
#define LBD_FEATURE_IPIP (1U << 3)
#define LBD_FEATURE_ANY_PORT (1U << 4)
#define LBD_FEATURE_REDIRECT (1U << 5) /* a backend is behind another interface */
#define LBD_FEATURE_VLAN (1U << 6)     /* frames may carry one or two 802.1Q tags */
#define LBD_FEATURE_GUE (1U << 7)
#define LBD_FEATURE_GRE (1U << 8)
#define LBD_FEATURE_VXLAN (1U << 9)
#define LBD_FEATURE_GENEVE (1U << 10)
#define LBD_FEATURE_NAT (1U << 11)
#define LBD_FEATURE_ECHO (1U << 12)	   /* answer pings of a VIP */
#define LBD_FEATURE_ICMP_ERRORS (1U << 13) /* hand them to the backend concerned */
#define LBD_FEATURE_TELL_MTU (1U << 14)	   /* tell clients when a packet is too big */
#define LBD_FEATURE_FRAGMENTS (1U << 15)
#define LBD_FEATURE_HASH (1U << 16) /* a service hashes other than by 5-tuple */
#define LBD_FEATURE_STICKY (1U << 17)
#define LBD_FEATURE_QUIC (1U << 18)
#define LBD_FEATURE_DOWN (1U << 19) /* a service rehashes or resets when a backend is down */
#define LBD_FEATURE_ACL (1U << 20)
#define LBD_FEATURE_LIMITS (1U << 21)
#define LBD_FEATURE_TRACE (1U << 22)	  /* say of each packet what became of it */
#define LBD_FEATURE_READONLY (1U << 23)	  /* with TRACE: leave tables and counters alone */
#define LBD_FEATURE_EXTENSIONS (1U << 24) /* walk IPv6 extension headers */
#define LBD_FEATURE_TIMEOUTS (1U << 25)	  /* a service has timeouts of its own */

#define LBD_FEATURE_SAMPLE (1U << 26)	 /* keep some of the dropped packets */
#define LBD_FEATURE_ROUTELESS (1U << 27) /* nothing but packets here: ask no routes for clients */

/* A MAC address as the packet path compares it: in two words. */
struct lbd_mac {
	__u32 first;
	__u16 last;
	__u16 unused;
};

/* What tunnels have from the config. */
struct lbd_tunnel {
	__be16 gue_port;
	__be16 vxlan_port;
	__be16 geneve_port;
	__u16 reserved;
	__u32 inner_macs[3]; /* in VXLAN and Geneve: destination, source, as in a frame */
};

/* Interfaces whose own MAC address is compared. */
#define LBD_MACS_MAX 4

struct lbd_generation_config {
	__u32 abi;
	__u32 features;
	struct lbd_limits limits;
	struct lbd_timeouts timeouts;
	__u32 tick_shift;   /* a tick is 2^shift jiffies, close to a second */
	__u32 refresh_bits; /* a live entry is replicated again every 2^bits ticks */
	struct lbd_secret conn_secret;
	struct lbd_secret pick_secret; /* of the Maglev hash, shared by the cluster */
	struct lbd_nat nat;
	struct lbd_tunnel tunnel;
	__u32 answer_rate;	/* ICMP errors and the like a second, per CPU */
	__u32 fragment_jiffies; /* how long a first fragment is remembered */
	__u32 macs_count;	/* 0: take frames for any MAC address */
	struct lbd_mac macs[LBD_MACS_MAX];
	__u32 bank;   /* where its stages stand */
	__u32 sample; /* one in so many drops of an outcome is kept; with SAMPLE */
	char version[32];
};

/* The section, and so the map, that holds this struct and nothing else. */
#define LBD_GENERATION_CONFIG_SECTION ".rodata.lbd"

/*
 * What a generation with LBD_FEATURE_TRACE says of the packet that it saw last.
 * One entry, in a map that is the generation's own: never pinned, and empty
 * without that feature. User space clears the answer before it runs a packet.
 */
struct lbd_trace {
	__u64 jiffies;	 /* asked: the time to go by; 0: the kernel's */
	__u32 exits;	 /* how many outcomes were named; other than 1: not one packet's answer */
	__u16 service;	 /* id; 0: none has this destination */
	__u16 backend;	 /* index; 0: none was picked */
	__u8 outcome;	 /* enum lbd_outcome */
	__u8 unused[15]; /* room, so that old and new agree on the size */
};

_Static_assert(sizeof(struct lbd_trace) == 32, "a trace record keeps its size");

#define LBD_TRACE_MAP "lbd_trace"

#endif
