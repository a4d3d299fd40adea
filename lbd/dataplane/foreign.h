/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A map whose values have another layout than ours. */
#ifndef DATAPLANE_FOREIGN_H
#define DATAPLANE_FOREIGN_H

#include "dataplane/internal.h"
#include "dataplane/layout.h"

struct foreign {
	struct layout_plan *plan; /* NULL: nothing is taken from it */
	uint32_t value_size, stride;
	uint8_t *memory; /* mapped as it is; NULL: it can't be */
	size_t size;
	uint64_t lost;	  /* buckets that our layout has no room for ... */
	struct error why; /* ... and the first of them */
};

/*
 * What is to become of a map that was just opened. @differs: what comparing it
 * by size said, with its words in @err. 0: it is ours, or foreign from now on.
 */
int foreign_open(struct dataplane *dataplane, enum map_id id, const struct map_shape *shape,
		 const struct bpf_map_info *info, int differs, struct error *err);

/* Accepts NULL. */
void foreign_close(struct foreign *foreign);

/* See it in memory, as it is; and in ours, if the model is read back from it. */
int foreign_map_memory(struct dataplane *dataplane, enum map_id id, const struct map_shape *shape,
		       struct error *err);

/* @from, entry @index, in our layout. -ERANGE: there is no room for what it holds. */
int foreign_convert_value(const struct foreign *foreign, const void *from, uint32_t index, void *to,
			  struct error *err);

/* The same, of a map that is seen in memory. */
int foreign_convert(const struct foreign *foreign, uint32_t index, void *to, struct error *err);

/* For struct carry_source; @context is the struct foreign. */
void foreign_line(void *context, const void *from, struct lbd_bucket6 *to);
void foreign_both(void *context, const void *from, struct lbd_bucket6 *to);

/* -ERANGE: not every bucket could be converted. */
int foreign_lost(const struct dataplane *dataplane, struct error *err);

#endif
