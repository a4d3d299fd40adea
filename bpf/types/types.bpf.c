// SPDX-License-Identifier: GPL-2.0-only
/* The maps and no program: what this build lays out how, for types.c to have in it. */
#include "bpf/maps.bpf.h"

#include "bpf/generations.bpf.h"

/* The second sets of counters: to a program they are the first (lbd/dataplane/counters.c). */
LBD_PERCPU(lbd_outcomes2, struct lbd_outcome_counters);
LBD_PERCPU(lbd_be_stats2, struct lbd_traffic);
