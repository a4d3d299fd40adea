/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rate limits (lbd.yaml(5), LISTS AND LIMITS): token buckets of a source over all
 * services, of a source at one service, and of a service from everywhere. They
 * are asked in this order; what one gave is spent, though the next refuses.
 * A service's is given out to a CPU by up to a 64th of the burst at a time.
 */
#ifndef MODEL_LIMITS_H
#define MODEL_LIMITS_H

#include "model/model.h"

#define LIMITS_MAX 8192
#define LIMITS_PASS (-1)

/* What is asked for: a SYN and the entry that it may become are counted apart. */
enum limits_ask { LIMITS_PACKET, LIMITS_SYN, LIMITS_ENTRY };

struct limits_key {
	uint8_t source[8]; /* as much of the address as tells sources apart */
	uint16_t service;  /* 0: over all of them */
	uint8_t ask;
	bool v6, all; /* all: of the service, whoever sends */
	uint8_t unused[3];
};

struct limits_bucket {
	struct limits_key key;
	int64_t level;	 /* tokens, each limits.hz */
	int64_t jiffies; /* when it was last looked at */
	uint32_t credit; /* given out, and not yet spent */
};

struct limits {
	struct limits_bucket buckets[LIMITS_MAX];
	uint32_t count;
	int64_t jiffies; /* now */
	int64_t hz;
};

/* Whose packet it is. */
struct limits_sender {
	const struct lbd_addr *addr;
	bool v6;
};

/* LIMITS_PASS, or the outcome. @service: NULL for a packet of none. */
int limits_check(struct limits *limits, const struct model *model, const struct service *service,
		 struct limits_sender sender, enum limits_ask ask);

#endif
