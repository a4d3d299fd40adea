/* SPDX-License-Identifier: GPL-2.0-or-later OR GPL-2.0-only */
/*
 * Pairs of layouts, old and new, that test_layout converts between. Compiled
 * into a BPF object for its BTF, and into the test for the same structs.
 */
#ifndef LAYOUT_PAIRS_H
#define LAYOUT_PAIRS_H

#include "lbd/types.h"

#define LAYOUT_PAIRS(X) \
	X(moved)        \
	X(wider)        \
	X(narrower)     \
	X(signs)        \
	X(added)        \
	X(dropped)      \
	X(line)         \
	X(padding)      \
	X(bits)         \
	X(nested)       \
	X(grown)        \
	X(shrunk)       \
	X(address)      \
	X(reshaped)     \
	X(packed)       \
	X(repacked)     \
	X(bucket)       \
	X(states)       \
	X(network)      \
	X(turned)       \
	X(alike)        \
	X(fivefold)

/* clang-format off */
struct old_moved { __u32 a; __u16 b; __u8 mac[6]; __u8 c; };
struct new_moved { __u8 c; __u8 mac[6]; __u16 b; __u32 a; };

struct old_wider { __u8 a; __u16 b; __s8 c; __u32 d; };
struct new_wider { __u32 a; __u64 b; __s64 c; __u64 d; };

struct old_narrower { __u32 a; __s32 b; __u64 c; };
struct new_narrower { __u8 a; __s8 b; __u64 c; };

struct old_signs { __s32 a; __u32 b; };
struct new_signs { __u32 a; __s32 b; };

struct old_added { __u32 a, c; };
struct new_added { __u32 a, b, c, d; };

struct old_dropped { __u32 a, weight, b, colour; };
struct new_dropped { __u32 a, b; };

struct old_line { __u64 word[8]; __u32 hue; };
struct new_line { __u64 word[8]; };

struct old_padding { __u32 a; __u16 reserved; __u8 unused[2]; __u32 reserved2[3]; };
struct new_padding { __u32 a; __u8 unused[12]; };

struct old_bits { __u8 a : 4, b : 4; __u32 c : 3, d : 17, e : 12; __u8 f; };
struct new_bits { __u8 a; __u16 b : 7, f : 9; __u64 e : 13, d : 33, c : 3; };

struct old_inner { __u16 x, y; };
struct old_nested { __u8 a; struct old_inner in; struct { __u32 hidden; }; struct old_inner row[2]; };
struct new_inner { __u32 y, x; };
struct new_nested { struct new_inner row[2]; __u32 hidden; struct new_inner in; __u64 a; };

struct old_grown { __u64 count[3]; __u32 last; };
struct new_grown { __u64 count[5]; __u32 last; };
struct old_shrunk { __u64 count[5]; __u32 last; };
struct new_shrunk { __u64 count[3]; __u32 last; };

struct old_address { __u32 a; struct lbd_addr addr; };
struct new_address { struct lbd_addr addr; __u32 a; };

struct old_reshaped { union { __u32 word; __u8 bytes[4]; } u; };
struct new_reshaped { union { __u32 word; __u16 shorts[2]; } u; };

typedef __u64 lbd_test_word_a32_b32;
typedef __u64 lbd_test_word_b32_a32;
struct old_packed { lbd_test_word_a32_b32 key[2]; __u32 x; };
struct new_packed { __u32 x; lbd_test_word_a32_b32 key[2]; };
struct old_repacked { __u32 x; lbd_test_word_a32_b32 key[2]; };
struct new_repacked { __u32 x; lbd_test_word_b32_a32 key[2]; };

struct test_bucket { __u64 key; };
typedef struct test_bucket lbd_test_bucket_first;
typedef struct test_bucket lbd_test_bucket_second;
struct old_bucket { lbd_test_bucket_first slot[2]; };
struct new_bucket { lbd_test_bucket_second slot[2]; };

struct old_states { enum lbd_down down; __u8 x; };
struct new_states { __u8 x; enum lbd_down down; };

struct old_network { __be16 port; __be32 ip; };
struct new_network { __be32 ip; __be16 port; };
struct old_turned { __be16 port; __u16 mtu; __be16 wide; };
struct new_turned { __u16 port; __be16 mtu; __be32 wide; };

struct old_alike { __u32 a; __u32 reserved; __u64 b[2]; };
struct new_alike { __u32 a; __u32 unused; __u64 b[2]; };

struct old_fivefold { __u32 a, b, c, d, e; };
struct new_fivefold { __u64 f; };
/* clang-format on */

#endif
