/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP (RFC 792) and ICMPv6 (RFC 4443) to a VIP: pings, and errors that quote
 * what a backend sent. Anything else is the kernel's.
 */
#ifndef MODEL_NOTICE_H
#define MODEL_NOTICE_H

#include "tests/model/view.h"
#include "tests/model/world.h"
#include "tests/packet/case.h"

/* Is this what notice_read() is for? The headers have left it to the kernel. */
bool notice_is(const struct world *world, const struct view *view);

/* A ping, to be answered. */
#define NOTICE_PING (-2)

/*
 * The outcome; or NOTICE_PING; or VIEW_WHOLE: an error, and @view shows the
 * flow that it is about, as its client would send it.
 */
int notice_read(const struct world *world, const struct frame *frame, struct view *view);

/* Without options and extension headers: those are for the kernel to understand. */
bool notice_is_plain(const struct view *view);

/* The answer to the ping in @frame. */
void notice_pong(const struct frame *frame, const struct view *view, struct case_frame *ret);

#endif
