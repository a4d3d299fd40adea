/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A random sample of the connections, each as likely as any other: one walk
 * over the tables, in slices, that keeps the first ones and then lets each
 * further one take a place by chance (reservoir sampling).
 */
#ifndef SYNC_SAMPLER_H
#define SYNC_SAMPLER_H

#include "dataplane/tables.h"
#include "sync/outbox.h"
#include "sync/wire.h"

#define SAMPLER_EVERY_US (500 * 1000LL) /* who asks sooner again gets no answer */

struct sampler {
	bool on;
	uint32_t wanted, count;
	uint32_t bucket; /* to look at next, over both tables */
	uint64_t seen;
	uint64_t random;
	int64_t began_us; /* 0: never */
	struct table_entry entries[WIRE_SAMPLE_MAX];
};

/* Begin with a sample of @wanted connections, unless one is on or was lately. */
void sampler_begin(struct sampler *sampler, uint32_t wanted, uint64_t seed, int64_t now_us);

/* Look at @buckets more. */
void sampler_slice(struct sampler *sampler, const struct tables *tables, uint32_t buckets);

/* The whole table was seen: the sample is to be sent. */
bool sampler_is_due(const struct sampler *sampler, const struct tables *tables);

/* Its rows, into the room that @batch has for some, and into @ret. */
void sampler_fill(const struct sampler *sampler, const struct tables *tables,
		  struct outbox_batch *batch, struct wire_message *ret);

/* It was sent, or nobody wants it any more. */
void sampler_end(struct sampler *sampler);

#endif
