/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes to a NAT address: a backend's answers, and errors about what went to it. */
#ifndef MODEL_BACK_H
#define MODEL_BACK_H

#include "tests/model/step.h"

/* An answer, or an error, in a frame of which step->ret->view shows the flow. */
void back_packet(struct step *step, uint32_t ifindex);

/* A later fragment of an answer whose first came from port @sport to port @dport. */
void back_piece(struct step *step, uint32_t ifindex, uint16_t sport, uint16_t dport,
		uint8_t protocol);

#endif
