/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame that leaves: addressed to the backend, behind a tunnel header or none. */
#ifndef MODEL_WRAP_H
#define MODEL_WRAP_H

#include "model/model.h"
#include "tests/model/frame.h"
#include "tests/model/view.h"
#include "tests/packet/case.h"

/* As it came. */
void wrap_nothing(const struct frame *frame, struct case_frame *ret);

/* Does the packet fit the link to @backend, with what goes before it? */
bool wrap_fits(const struct view *view, const struct service *service,
	       const struct backend *backend);

void wrap_for(const struct frame *frame, const struct view *view, const struct service *service,
	      const struct backend *backend, struct case_frame *ret);

#endif
