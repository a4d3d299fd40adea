/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fragments that come before the first of their datagram. The packet path hands
 * them over; here they wait until it has seen the first, and are then sent on
 * as it would send them: through the running generation, by test-run, and out
 * of the interface that it names.
 *
 *   packet path --AF_XDP--> hold --first seen--> test-run --AF_PACKET--> backend
 *                            |
 *                            +--timeout--> forgotten
 *
 * One thread, which ends with fragments_stop. Without it, or killed, such
 * fragments are dropped by the packet path: the kernel takes the sockets away.
 */
#ifndef FRAGMENTS_FRAGMENTS_H
#define FRAGMENTS_FRAGMENTS_H

#include <stdint.h>

#include "config/config.h"
#include "dataplane/dataplane.h"

struct fragments;

/* Fragments since the start. */
struct fragments_figures {
	uint64_t held;
	uint64_t sent;	    /* on, behind their first */
	uint64_t timed_out; /* their first never came */
	uint64_t refused;   /* for want of memory */
	uint64_t failed;    /* the first was seen, but they couldn't be sent */
	uint64_t bytes;	    /* held now, as they count against fragments.memory */
};

/*
 * Listen at every queue of @config's interfaces. *ret stays NULL if the config
 * holds none. Needs CAP_NET_RAW; fragments_run needs less.
 */
int fragments_listen(struct dataplane *dataplane, const struct config *config,
		     struct fragments **ret, struct error *err);

/* Start the thread. */
int fragments_run(struct fragments *fragments, struct error *err);

/*
 * Go on over @dataplane, which took the place of the one that it was opened with.
 * What is held stays. On failure only fragments_stop is left. Accepts NULL.
 */
int fragments_move(struct fragments *fragments, struct dataplane *dataplane);

/* Stop the thread and close the sockets; what is held is forgotten. Accepts NULL. */
void fragments_stop(struct fragments *fragments);

/* Accepts NULL: zeros. */
void fragments_read_figures(const struct fragments *fragments, struct fragments_figures *ret);

#endif
