/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may send to a service: its lists, and those for all services, prefix by prefix. */
#ifndef MODEL_GUARD_H
#define MODEL_GUARD_H

#include "model/model.h"

#define GUARD_PASSES (-1)

/* The outcome that keeps @client from @service, or GUARD_PASSES. */
int guard_check(const struct config *config, const struct service *service,
		const struct lbd_addr *client);

#endif
