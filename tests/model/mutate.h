/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Spoil a frame: bits, bytes, lengths, ends, and parts of other frames. */
#ifndef MODEL_MUTATE_H
#define MODEL_MUTATE_H

#include "tests/model/frame.h"
#include "tests/model/random.h"

/* Once or a few times. @past: @count frames to take parts of. */
void mutate_frame(struct random *random, struct frame *frame, const struct frame *past,
		  uint32_t count);

#endif
