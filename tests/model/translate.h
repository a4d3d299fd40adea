/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame that leaves when NAT has given a packet other ends. Like any router
 * it takes one off the TTL; checksums follow what changed under them (RFC 1624),
 * so that a wrong one stays wrong.
 */
#ifndef MODEL_TRANSLATE_H
#define MODEL_TRANSLATE_H

#include "tests/model/view.h"
#include "tests/packet/case.h"

struct translate_ends {
	struct lbd_addr source, dest;
	uint16_t sport, dport;
};

/* Its TTL or hop limit is used up here. */
bool translate_dies(const struct frame *frame, const struct view *view);

/* @view: of @frame, for which ports are there unless it is a later fragment. */
void translate_packet(const struct frame *frame, const struct view *view,
		      const struct translate_ends *ends, struct case_frame *ret);

/* An ICMP error, with @outer addresses, whose quote gets the ends @quoted (RFC 5508). */
void translate_error(const struct frame *frame, const struct view *view,
		     const struct translate_ends *outer, const struct translate_ends *quoted,
		     struct case_frame *ret);

/* Address the frame. */
void translate_macs(struct case_frame *frame, const uint8_t *dmac, const uint8_t *smac);

#endif
