/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connection tables in memory that both nodes' processes have, and flows in
 * them: number n is always the same connection, to one of the scene's backends.
 */
#ifndef BENCH_SYNC_TABLE_H
#define BENCH_SYNC_TABLE_H

#include "base/error.h"
#include "dataplane/tables.h"

#define SYNC_TABLE_BUCKETS (1U << 20) /* 4M slots */

/* Empty ones that are otherwise like @like, but for where flows stand. Never freed. */
int sync_table_make(const struct tables *like, uint64_t salt, struct tables *ret,
		    struct error *err);
void sync_table_clear(const struct tables *tables);

/* Enter flow @n, confirmed, and mark its bucket, as the packet path does. False: no room. */
bool sync_table_enter(const struct tables *tables, uint32_t n);

/* Enter the first @count of them, as fast as that goes; a few find no room. */
void sync_table_fill(const struct tables *tables, uint32_t count);

/* Is flow @n there? Or else, is a bucket of its full, so that it may have been displaced? */
bool sync_table_has(const struct tables *tables, uint32_t n);

/* How many confirmed entries of @from aren't in @to, nor displaced there, or go to another backend. */
uint64_t sync_table_missing(const struct tables *from, const struct tables *to);

#endif
