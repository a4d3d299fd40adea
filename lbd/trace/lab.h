/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A private data plane with a configuration in force: no daemon, no interface,
 * nothing pinned. Next hops and health are set by hand where the daemon asks
 * the kernel and the backends. For traces, packet tests and benchmarks.
 *
 *   config -> model -> (next hops, health by hand) -> data plane -> generation
 */
#ifndef TRACE_LAB_H
#define TRACE_LAB_H

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
 * A data plane for @config, which becomes the lab's, whatever comes of it; all
 * backends healthy, none has a next hop yet. On failure nothing is left open.
 */
int lab_start(struct lab *lab, struct config *config, struct error *err);

/* The same for the configuration in @yaml; @name stands in messages. */
int lab_open(struct lab *lab, const char *yaml, const char *name, struct error *err);

/* Accepts a lab that was never opened, if zeroed. */
void lab_close(struct lab *lab);

/* Put the model as it now is in force. */
int lab_commit(const struct lab *lab, struct error *err);

/* Load @object, specialised for @features, and let it run. */
int lab_run(struct lab *lab, const char *object, uint32_t features, struct error *err);

#endif
