/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Maglev hashing (Eisenbud et al., NSDI 2016, 3.4), weighted and keyed.
 * Pure: the same secret, identities and weights give the same ring on every
 * node, whatever the order or the local indexes of the backends.
 */
#ifndef MODEL_MAGLEV_H
#define MODEL_MAGLEV_H

#include <stdbool.h>
#include <stdint.h>

#include "lbd/conntable.h"
#include "lbd/types.h"

struct maglev_member {
	struct lbd_addr addr; /* the identity */
	uint16_t index;	      /* what is written into the ring */
	uint32_t weight;      /* share of the ring; 0: no place in it */
};

/*
 * Fill @ring of @size (prime) places with the indexes of @members (at most
 * 65535). Returns the number of members that have a place, 0 if none (the ring
 * is then all 0), or -ENOMEM.
 */
int maglev_build(const struct lbd_secret *secret, const struct maglev_member *members,
		 uint32_t count, uint16_t *ring, uint32_t size);

/* Is @n a prime? Ring sizes must be. */
bool maglev_is_prime(uint32_t n);

#endif
