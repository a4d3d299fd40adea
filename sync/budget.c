// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/budget.h"

#define SECOND_US 1000000

static int64_t bandwidth_depth(const struct bandwidth *bandwidth)
{
	return (int64_t)(bandwidth->rate / 10 + 1);
}

void bandwidth_set(struct bandwidth *bandwidth, uint64_t rate, int64_t now_us)
{
	if (bandwidth->rate == rate)
		return;
	*bandwidth = (struct bandwidth){ .rate = rate, .filled_us = now_us };
	bandwidth->tokens = bandwidth_depth(bandwidth);
}

/* Time that isn't worth a whole token yet isn't taken: it counts with what follows. */
static void bandwidth_fill(struct bandwidth *bandwidth, int64_t now_us)
{
	uint64_t passed = (uint64_t)(now_us - bandwidth->filled_us);
	uint64_t tokens;

	if (passed > SECOND_US)
		passed = SECOND_US;
	tokens = passed * bandwidth->rate / SECOND_US;
	if (tokens == 0)
		return;
	bandwidth->filled_us = now_us - (int64_t)(passed - tokens * SECOND_US / bandwidth->rate);
	bandwidth->tokens += (int64_t)tokens;
	if (bandwidth->tokens > bandwidth_depth(bandwidth))
		bandwidth->tokens = bandwidth_depth(bandwidth);
}

bool bandwidth_may(struct bandwidth *bandwidth, int64_t now_us)
{
	if (bandwidth->rate == 0)
		return true;
	bandwidth_fill(bandwidth, now_us);
	return bandwidth->tokens > 0;
}

void bandwidth_spend(struct bandwidth *bandwidth, uint64_t bytes)
{
	if (bandwidth->rate)
		bandwidth->tokens -= (int64_t)bytes;
}

void cpu_set(struct cpu *cpu, uint32_t percent)
{
	cpu->percent = percent;
}

static int64_t cpu_share_us(const struct cpu *cpu)
{
	return (int64_t)CPU_WINDOW_US * cpu->percent / 100;
}

static void cpu_begin_window(struct cpu *cpu, int64_t now_us, int64_t used_us)
{
	int64_t debt = used_us - cpu->used_us - cpu_share_us(cpu);

	if (cpu->window_us == 0 || debt < 0)
		debt = 0;
	if (debt > CPU_DEBT_WINDOWS * cpu_share_us(cpu))
		debt = CPU_DEBT_WINDOWS * cpu_share_us(cpu);
	cpu->window_us = now_us;
	cpu->used_us = used_us - debt;
}

int64_t cpu_rest_us(struct cpu *cpu, int64_t now_us, int64_t used_us)
{
	if (!cpu_is_limited(cpu))
		return 0;
	if (cpu->window_us == 0 || now_us - cpu->window_us >= CPU_WINDOW_US)
		cpu_begin_window(cpu, now_us, used_us);
	if (used_us - cpu->used_us < cpu_share_us(cpu))
		return 0;
	return cpu->window_us + CPU_WINDOW_US - now_us;
}
