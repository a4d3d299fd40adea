/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A valid frame from a description of it: lengths and checksums are right. */
#ifndef MODEL_COMPOSE_H
#define MODEL_COMPOSE_H

#include <stdbool.h>

#include "tests/model/frame.h"

#define COMPOSE_TAGS_MAX 3
#define COMPOSE_EXTENSIONS_MAX 8

struct compose_tag {
	uint16_t type; /* TPID */
	uint16_t tci;
};

/* An IPv6 extension header of @words * 8 bytes (a fragment header has one word). */
struct compose_extension {
	uint8_t type;
	uint8_t words;
};

struct composition {
	uint8_t dmac[6], smac[6];
	struct compose_tag tags[COMPOSE_TAGS_MAX];
	uint32_t tags_count;
	struct lbd_addr source, dest; /* both of one family */
	bool v6;
	uint8_t traffic, ttl;
	uint32_t flow_label;
	uint16_t id;
	uint16_t fragment;	/* IPv4: flags and offset; IPv6: the fragment header's */
	uint8_t options_words;	/* IPv4, 0..10 */
	const uint8_t *options; /* 40 bytes to take them from */
	struct compose_extension extensions[COMPOSE_EXTENSIONS_MAX];
	uint32_t extensions_count;
	uint8_t protocol;
	uint16_t sport, dport;
	uint8_t flags;	   /* TCP */
	uint8_t tcp_words; /* TCP options, 0..10 */
	uint8_t icmp_type, icmp_code;
	uint32_t icmp_rest;
	const uint8_t *load;
	uint32_t load_size;
	bool no_checksum; /* UDP: 0 */
	bool pad;	  /* to Ethernet's least */
};

/* What doesn't fit FRAME_MAX is cut off the load. */
void compose_frame(const struct composition *plan, struct frame *ret);

/* Make the checksum of the IPv4 header at @at right again, if it is whole. */
void compose_fix_ipv4(struct frame *frame, uint32_t at);

#endif
