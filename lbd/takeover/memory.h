/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon knows and no file or map has: how the health checks stand,
 * why the gate is open, counters. Times are of CLOCK_MONOTONIC, which both
 * sides share.
 */
#ifndef TAKEOVER_MEMORY_H
#define TAKEOVER_MEMORY_H

#include <jansson.h>

#include "lbd.h"

/* Into a file without a name; returns its fd. @paused_ms: since then nobody answers. */
int memory_write(const struct lbd *lbd, int64_t paused_ms);

/* NULL: there is nothing of use. Else json_decref. */
json_t *memory_read(int fd);

/* The pid of who wrote it; 0 unknown. */
int memory_pid(const json_t *memory);

/* Since when nobody answers; 0 unknown. */
int64_t memory_paused_ms(const json_t *memory);

/* When the last commit was; 0 unknown. */
int64_t memory_flipped_ms(const json_t *memory);

/* Where to tell systemd, unless this process was told so itself. */
void memory_take_notify(const json_t *memory);

/* Into lbd->model, before its commit; counters, too. */
void memory_take_model(const json_t *memory, struct lbd *lbd);

/* Into lbd->health, once it has its targets. */
void memory_take_health(const json_t *memory, struct lbd *lbd);

/* False: nothing about it. */
bool memory_take_ha(const json_t *memory, struct ha_memory *ret);

#endif
