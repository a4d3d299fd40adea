/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this node's daemon knows of the cluster, as the plan of an upgrade wants it. */
#ifndef LBCTL_CLUSTER_FACTS_H
#define LBCTL_CLUSTER_FACTS_H

#include "cluster/plan.h"
#include "lbctl/command.h"

struct cluster_facts {
	struct plan_facts facts;
	struct plan_peer *peers; /* those of the facts */
};

/* LBCTL_OK, or the error has been reported. cluster_facts_free() in any case. */
int cluster_facts_ask(const struct invocation *invocation, struct cluster_facts *ret);
void cluster_facts_free(struct cluster_facts *facts);

#endif
