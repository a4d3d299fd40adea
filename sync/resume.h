/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a daemon leaves to the next one over the same tables, so that their peers
 * needn't be told everything again (PROTOCOL.md, Going on): a line in the run
 * directory. Pure.
 *
 *   1 BOOT NAME TOLD HEARD NAME TOLD HEARD ...
 *
 * It is there only between a graceful end and the next start: one that was
 * killed leaves none, and begins anew.
 */
#ifndef SYNC_RESUME_H
#define SYNC_RESUME_H

#include <stdint.h>

#include "sync/sync.h"

#define RESUME_FILE "sync"
#define RESUME_PEERS_MAX 64
#define RESUME_LINE_MAX (32 + RESUME_PEERS_MAX * (CONFIG_NAME_MAX + 36))

struct resume_peer {
	char name[CONFIG_NAME_MAX];
	uint64_t told;	/* its boot that lacks nothing but what is marked dirty; 0: none */
	uint64_t heard; /* its boot of which all is here that it had acknowledged; 0: none */
};

struct resume {
	uint64_t boot; /* 0: nothing is left */
	uint32_t count;
	struct resume_peer peers[RESUME_PEERS_MAX];
};

/* What doesn't fit is left out: that peer is told all. */
void resume_add(struct resume *resume, const struct resume_peer *peer);

/* NULL: nothing is known of it. */
const struct resume_peer *resume_find(const struct resume *resume, const char *name);

void resume_print(const struct resume *resume, char line[RESUME_LINE_MAX]);

/* -EINVAL: not such a line; *ret says that nothing is left. */
int resume_parse(const char *line, struct resume *ret);

#endif
