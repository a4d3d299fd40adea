/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One packet on its way through the reference. */
#ifndef MODEL_STEP_H
#define MODEL_STEP_H

#include "tests/model/reference.h"

/* The packet on its way, and what was found out about it. */
struct step {
	struct reference *reference;
	const struct frame *frame;
	struct expectation *ret;
	struct flow *flow; /* NULL: not in the table */
	uint16_t backend;
	uint8_t attempt; /* at which it goes there by NAT */
	bool opens;	 /* SYN without ACK */
	bool closes;	 /* FIN or RST */
	bool resets;	 /* RST */
	bool sticky;	 /* picked because the client had it before */
	bool tcp;
};

static inline const struct backend *step_backend(const struct step *step, uint16_t index)
{
	return &step->reference->world->model->backends[index];
}

static inline const struct service *step_own_service(const struct step *step)
{
	return &step->reference->world->model->services[step->ret->key.service];
}

#endif
