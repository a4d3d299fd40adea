/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ways out: left alone, to a backend, back to the client. */
#ifndef MODEL_SEND_H
#define MODEL_SEND_H

#include "tests/model/step.h"

/* Left to the kernel or dropped, by its outcome; as it came. */
void send_leave(const struct step *step, int outcome);

/* Hand it to step->backend, unless nothing can be handed to it. */
void send_packet(struct step *step, uint32_t ifindex, int outcome);

/* It would fit if it had @room: said to its sender, if the config says so and it helps. */
void send_too_big(const struct step *step, uint32_t room);

/* Said to the client, unless nothing may be said to it. */
void send_tell(const struct step *step, int outcome);

/* The answer to a ping. */
void send_ping(const struct step *step);

#endif
