/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A private data plane with a configuration in force, for packet tests and
 * benchmarks: the daemon's own modules, with next hops and health set by hand
 * where the daemon asks the kernel and the backends.
 *
 *   YAML -> config -> model -> (hops, health by hand) -> data plane -> generation
 */
#ifndef LAB_LAB_H
#define LAB_LAB_H

#include "config/config.h"
#include "dataplane/dataplane.h"
#include "model/model.h"

struct lab {
	struct config *config;
	struct model *model;
	struct dataplane *dataplane;
	int prog_fd; /* the running generation */
};

/*
 * A data plane for the configuration in @yaml (@name stands in messages); all
 * backends healthy, none has a next hop yet. On failure nothing is left open.
 */
int lab_open(struct lab *lab, const char *yaml, const char *name, struct error *err);

/* Accepts a lab that was never opened, if zeroed. */
void lab_close(struct lab *lab);

/* Configured backend by its name, NULL if there is none. */
struct backend *lab_find_backend(const struct lab *lab, const char *name);

/* Give every backend at @addr this next hop. Returns how many there are. */
uint32_t lab_set_nexthop(const struct lab *lab, const struct lbd_addr *addr,
			 const struct nexthop *nexthop);

/* Put the model as it now is in force. */
int lab_commit(const struct lab *lab, struct error *err);

/* Load @object, specialised for @features, and let it run. */
int lab_run(struct lab *lab, const char *object, uint32_t features, struct error *err);

#endif
