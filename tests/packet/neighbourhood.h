/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Next hops of the cases' backends: what the kernel's neighbour table would say. */
#ifndef PACKET_NEIGHBOURHOOD_H
#define PACKET_NEIGHBOURHOOD_H

#include "base/error.h"
#include "tests/lab/lab.h"

struct neighbourhood;

/* Read @path. *ret is the caller's, freed with neighbourhood_free. */
int neighbourhood_load(const char *path, struct neighbourhood **ret, struct error *err);

/* Accepts NULL. */
void neighbourhood_free(struct neighbourhood *neighbourhood);

/* Resolve every backend of @lab that the neighbourhood knows. */
int neighbourhood_apply(const struct neighbourhood *neighbourhood, const struct lab *lab,
			struct error *err);

#endif
