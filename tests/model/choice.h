/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the packet path may choose in a tunnel header: the outer source within
 * the configured prefix, IPv6's flow label, UDP's source port. It must stay within, be the same
 * for all packets of a flow, and the checksum must be right.
 */
#ifndef MODEL_CHOICE_H
#define MODEL_CHOICE_H

#include "tests/model/reference.h"

#define CHOICE_PLACES 4096

struct choice {
	struct flow_key key;
	bool v6;
	uint8_t source[16];
	uint32_t label;
	uint16_t port;
};

/* Choices seen before; one that is in the way of another is forgotten. */
struct choices {
	struct choice places[CHOICE_PLACES];
};

/* True, or what is wrong with the tunnel header of @frame in *ret_wrong. */
bool choice_check(struct choices *choices, const struct world *world,
		  const struct expectation *expected, const uint8_t *frame, const char **ret_wrong);

#endif
