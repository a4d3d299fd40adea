/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's part: interfaces, and the routes and neighbours that lead to clients. */
#ifndef MODEL_KERNEL_H
#define MODEL_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "lbd/types.h"

/* Make them, in a network namespace of our own. */
int kernel_make(void);

struct kernel_hop {
	uint32_t ifindex, mtu;
	uint8_t dmac[6], smac[6];
};

/* The way to @client for @length bytes. -1, or the outcome that says why there is none. */
int kernel_route(const struct lbd_addr *client, uint32_t length, struct kernel_hop *ret);

#endif
