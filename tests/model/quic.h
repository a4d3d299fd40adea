/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The backend that a QUIC connection id names: RFC 8999, draft-ietf-quic-load-balancers-21. */
#ifndef MODEL_QUIC_H
#define MODEL_QUIC_H

#include "model/model.h"
#include "tests/model/frame.h"
#include "tests/model/view.h"

/* NULL: it names none, or none that may have the connection. */
const struct backend *quic_backend(const struct model *model, const struct service *service,
				   const struct frame *frame, const struct view *view);

#endif
