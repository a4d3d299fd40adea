/* SPDX-License-Identifier: GPL-2.0-or-later OR GPL-2.0-only */
/*
 * Types shared by the packet path and user space. Byte order is in the type's
 * name: __beNN is network order, everything else is host order.
 */
#ifndef LBD_TYPES_H
#define LBD_TYPES_H

#include <linux/types.h>

#define LBD_INLINE static inline __attribute__((always_inline))

/*
 * An IPv4 or IPv6 address. IPv4 is kept v4-mapped, ::ffff:a.b.c.d
 * (RFC 4291, 2.5.5.2), so that one type and one compare serve both families.
 */
struct lbd_addr {
	union {
		__u8 bytes[16];
		__be32 words[4];
		__be64 halves[2];
	};
};

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LBD_MAPPED_PREFIX ((__be32)0xffff0000)
#else
#define LBD_MAPPED_PREFIX ((__be32)0x0000ffff)
#endif

LBD_INLINE _Bool lbd_addr_is4(const struct lbd_addr *addr)
{
	return !addr->halves[0] && addr->words[2] == LBD_MAPPED_PREFIX;
}

LBD_INLINE _Bool lbd_addr_equal(const struct lbd_addr *a, const struct lbd_addr *b)
{
	return a->halves[0] == b->halves[0] && a->halves[1] == b->halves[1];
}

LBD_INLINE struct lbd_addr lbd_addr_from4(__be32 v4)
{
	struct lbd_addr addr = { .words = { 0, 0, LBD_MAPPED_PREFIX, v4 } };

	return addr;
}

/* How a packet reaches its backend: X(constant, name in config and output). */
#define LBD_FORWARDS(X)     \
	X(DSR, "dsr")       \
	X(IPIP, "ipip")     \
	X(GUE, "gue")       \
	X(GRE, "gre")       \
	X(VXLAN, "vxlan")   \
	X(GENEVE, "geneve") \
	X(NAT, "nat")

enum lbd_forward {
#define X(constant, name) LBD_FORWARD_##constant,
	LBD_FORWARDS(X)
#undef X
};

/* What a flow of a service is told apart by: X(constant, name). */
#define LBD_HASHES(X)              \
	X(5_TUPLE, "5-tuple")      \
	X(SOURCE, "source")        \
	X(PREFIX, "source-prefix") \
	X(PORT, "destination-port")

enum lbd_hash {
#define X(constant, name) LBD_HASH_##constant,
	LBD_HASHES(X)
#undef X
};

/* What becomes of the connections of a backend that is down: X(constant, name). */
#define LBD_DOWNS(X)        \
	X(KEEP, "keep")     \
	X(REHASH, "rehash") \
	X(RESET, "reset")

enum lbd_down {
#define X(constant, name) LBD_DOWN_##constant,
	LBD_DOWNS(X)
#undef X
};

/*
 * What a backend may be given: X(constant, name, takes new flows, keeps old).
 * GONE backends are no longer configured, but their index stays taken until no
 * entry of the connection table points at it.
 */
#define LBD_BACKEND_STATES(X)         \
	X(NONE, "none", 0, 0)         \
	X(UP, "up", 1, 1)             \
	X(DRAINING, "draining", 0, 1) \
	X(DOWN, "down", 0, 1)         \
	X(GONE, "gone", 0, 0)

enum lbd_backend_state {
#define X(constant, name, takes, keeps) LBD_BACKEND_##constant,
	LBD_BACKEND_STATES(X)
#undef X
};

#endif
