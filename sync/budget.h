/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sync may cost: bytes a second on the wire, and a share of a core. Pure:
 * times go in, permission and rests come out.
 *
 * Bandwidth is a token bucket: it fills at the rate, holds a tenth of a second's
 * worth, and a message may overdraw it, which the next ones wait for.
 *
 * CPU is counted in windows of 100 ms. What a window has used up it rests away;
 * what it used beyond its share the next one has less, so that the average holds.
 */
#ifndef SYNC_BUDGET_H
#define SYNC_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct bandwidth {
	uint64_t rate;	/* bytes a second; 0: without limit */
	int64_t tokens; /* may be below 0 */
	int64_t filled_us;
};

/* A new rate; begins with a full bucket. */
void bandwidth_set(struct bandwidth *bandwidth, uint64_t rate, int64_t now_us);

/* May something be sent now? */
bool bandwidth_may(struct bandwidth *bandwidth, int64_t now_us);
void bandwidth_spend(struct bandwidth *bandwidth, uint64_t bytes);

#define CPU_WINDOW_US 100000
#define CPU_DEBT_WINDOWS 2 /* no rest is so long that peers take us for dead */

struct cpu {
	uint32_t percent;  /* of a core; 100: without limit */
	int64_t window_us; /* when the window began ... */
	int64_t used_us;   /* ... and what was used by then, less what that was too much */
};

void cpu_set(struct cpu *cpu, uint32_t percent);

static inline bool cpu_is_limited(const struct cpu *cpu)
{
	return cpu->percent < 100;
}

/* @used_us: the thread's time on a CPU so far. Returns how long to rest, 0: not at all. */
int64_t cpu_rest_us(struct cpu *cpu, int64_t now_us, int64_t used_us);

#endif
