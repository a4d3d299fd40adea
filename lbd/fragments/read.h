/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FRAGMENTS_READ_H
#define FRAGMENTS_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "lbd/maps.h"

/*
 * Which datagram the frame's IP packet is a fragment of, and where its data
 * belongs in it: as the packet path reads it. False: it is no fragment.
 */
bool fragments_read(const uint8_t *frame, uint32_t size, struct lbd_fragment_key *ret_key,
		    uint32_t *ret_offset);

#endif
