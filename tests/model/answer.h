/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the node says itself, in a VIP's name, about a packet: ICMP (RFC 792), ICMPv6 (RFC 4443). */
#ifndef MODEL_ANSWER_H
#define MODEL_ANSWER_H

#include "tests/model/view.h"
#include "tests/packet/case.h"

/* May an error be sent about it at all? (RFC 1122, 3.2.2; RFC 4443, 2.4 e) */
bool answer_is_due(const struct view *view);

struct answer_error {
	uint8_t type, code;
	uint32_t rest; /* the header's second word */
};

/* The error about @frame, back to who sent it. */
void answer_frame(const struct frame *frame, const struct view *view,
		  const struct answer_error *error, struct case_frame *ret);

/* Is there an RST to @view's segment? Not behind extension headers without end. */
bool answer_reset_fits(const struct view *view);

/* What a host without the connection says to a segment (RFC 9293, 3.10.7.1). */
void answer_reset(const struct frame *frame, const struct view *view, struct case_frame *ret);

#endif
