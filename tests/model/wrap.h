/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame that leaves: addressed to the backend, behind a tunnel's headers or none. */
#ifndef MODEL_WRAP_H
#define MODEL_WRAP_H

#include "tests/model/view.h"
#include "tests/model/world.h"
#include "tests/packet/case.h"

/* One packet's way to its backend. */
struct wrap {
	const struct frame *frame;
	const struct view *view;
	const struct model *model;
	const struct service *service;
	const struct backend *backend;
	bool redirected; /* it leaves by another interface than it came in by */
};

/* As it came. */
void wrap_nothing(const struct frame *frame, struct case_frame *ret);

/*
 * What the link to the backend has room for, behind all that a tunnel adds. Without
 * one: anything that goes back where it came from.
 */
uint32_t wrap_room(const struct wrap *wrap);

void wrap_for(const struct wrap *wrap, struct case_frame *ret);

void wrap_append(struct case_frame *frame, const void *bytes, uint32_t size);

#endif
