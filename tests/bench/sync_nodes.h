/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two nodes that tell each other their tables, encrypted, through sync/sync.h:
 * alpha is this process, in a network namespace of its own (room.h), beta
 * another process in another; a veth pair joins them.
 */
#ifndef BENCH_SYNC_NODES_H
#define BENCH_SYNC_NODES_H

#include <sys/types.h>

#include "sync/sync.h"

enum sync_node { SYNC_ALPHA, SYNC_BETA, SYNC_NODES };

struct sync_nodes {
	int home;
	pid_t beta;
	int channel;	/* to beta: commands, and answers */
	bool plaintext; /* of what is started from now on: what CURVE costs */
	const struct model *model;
	const struct tables
		*tables[SYNC_NODES]; /* alpha's may be exchanged while it isn't started */
	struct sync_config config[SYNC_NODES];
	struct sync_peer_config peer[SYNC_NODES];
	struct sync *alpha;
};

/*
 * Build both; neither is started. Of @nodes model and tables are set, and the
 * process is in alpha's namespace. To be closed whatever comes of it.
 */
int sync_nodes_open(struct sync_nodes *nodes, struct error *err);
void sync_nodes_close(struct sync_nodes *nodes);

int sync_nodes_start(struct sync_nodes *nodes, enum sync_node node, struct error *err);
int sync_nodes_stop(struct sync_nodes *nodes, enum sync_node node, struct error *err);

/* How @node sees the other. */
int sync_nodes_status(struct sync_nodes *nodes, enum sync_node node, struct sync_peer_status *ret,
		      struct error *err);

/* Start both, and wait until each has told the other its table. */
int sync_nodes_join(struct sync_nodes *nodes, struct error *err);
int sync_nodes_part(struct sync_nodes *nodes, struct error *err);

/* Bytes of the frames that both have sent each other, as they would be on a wire. 0: unknown. */
uint64_t sync_nodes_bytes(void);

/* CPU nanoseconds of alpha's sync thread, and of all threads of its sync. */
struct sync_cpu {
	double thread, all;
};

void sync_nodes_cpu(struct sync_cpu *ret);

#endif
