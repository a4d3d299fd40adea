/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may send to a service: its lists, and those for all services, prefix by prefix. */
#ifndef MODEL_GUARD_H
#define MODEL_GUARD_H

#include "model/model.h"

#define GUARD_PASSES (-1)

/*
 * The outcome that keeps @client from @service, or GUARD_PASSES. @v6: it came in
 * IPv6, where no address is on a list of IPv4 ones.
 */
int guard_check(const struct config *config, const struct service *service,
		const struct lbd_addr *client, bool v6);

/*
 * The same of somebody who need be no client: of a ping, an ICMP error about
 * @service, a fragment whose service isn't known (NULL). Only deny lists count.
 */
int guard_check_stranger(const struct config *config, const struct service *service,
			 const struct lbd_addr *source, bool v6);

#endif
