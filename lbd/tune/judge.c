// SPDX-License-Identifier: GPL-2.0-or-later
/* A reading in, one line out: nothing here touches the machine. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tune/tune.h"

/* More only lets a burst wait longer, in memory that no cache holds any more. */
#define RING_SANE 2048U

/* What a driver's XDP buffer loses of a page: headroom, the end that skb_shared_info takes, headers. */
#define XDP_PAGE_OVERHEAD 598U

const char *tune_what_name(enum tune_what what)
{
	static const char *const names[TUNE_WHAT_COUNT] = {
		[TUNE_LRO] = "lro",
		[TUNE_GRO_HW] = "gro-hw",
		[TUNE_RXVLAN] = "rxvlan",
		[TUNE_TXCSUM] = "tx-checksum",
		[TUNE_TSO] = "tso",
		[TUNE_GSO] = "gso",
		[TUNE_MTU] = "mtu",
		[TUNE_QUEUES] = "queues",
		[TUNE_RINGS] = "rings",
		[TUNE_IRQS] = "irq-affinity",
		[TUNE_IRQBALANCE] = "irqbalance",
		[TUNE_RPS] = "rps",
		[TUNE_XPS] = "xps",
	};

	return names[what];
}

const char *tune_xdp_name(enum tune_xdp xdp)
{
	static const char *const names[] = {
		[TUNE_XDP_NONE] = "none",
		[TUNE_XDP_NATIVE] = "native",
		[TUNE_XDP_GENERIC] = "generic",
		[TUNE_XDP_OFFLOAD] = "offload",
	};

	return names[xdp];
}

bool tune_line_settled(const struct tune_line *line)
{
	return line->verdict == TUNE_OK && line->result != TUNE_REFUSED;
}

/* --- what a line says */

static void judge_now(struct tune_line *line, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void judge_now(struct tune_line *line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(line->now, sizeof(line->now), format, args);
	va_end(args);
}

static void judge_say(struct tune_line *line, enum tune_verdict verdict, const char *why)
{
	line->verdict = verdict;
	snprintf(line->why, sizeof(line->why), "%s", why);
}

static void judge_want(struct tune_line *line, enum tune_verdict verdict, const char *wanted,
		       const char *why)
{
	snprintf(line->wanted, sizeof(line->wanted), "%s", wanted);
	judge_say(line, verdict, why);
}

/* --- offloads */

static bool judge_is_veth(const struct tune_reading *reading)
{
	return !strcmp(reading->driver, "veth");
}

struct offload_rule {
	enum tune_offload offload;
	bool (*matters)(const struct tune_reading *reading);
	const char *why;     /* it has to go */
	const char *why_not; /* it may stay */
};

static bool judge_always(const struct tune_reading *reading)
{
	(void)reading;
	return true;
}

static bool judge_has_vlans(const struct tune_reading *reading)
{
	return reading->vlans;
}

static const struct offload_rule offload_rules[TUNE_WHAT_COUNT] = {
	[TUNE_LRO] = { TUNE_OFFLOAD_LRO, judge_always,
		       "XDP would see merged frames longer than its buffer, and most drivers "
		       "refuse XDP while it is on",
		       "" },
	[TUNE_GRO_HW] = { TUNE_OFFLOAD_GRO_HW, judge_always,
			  "the hardware merges frames before XDP sees them", "" },
	[TUNE_RXVLAN] = { TUNE_OFFLOAD_RXVLAN, judge_has_vlans,
			  "VLANs stand on this interface, and a tag that the hardware strips is "
			  "lost for XDP: the frame would be sent on without it",
			  "no VLAN stands on this interface" },
	[TUNE_TXCSUM] = { TUNE_OFFLOAD_TXCSUM, judge_is_veth,
			  "a veth never fills the checksum in, so XDP at the other end forwards "
			  "broken ones; the same goes for clients' and backends' ends",
			  "the hardware fills checksums in" },
	[TUNE_TSO] = { TUNE_OFFLOAD_TSO, judge_is_veth,
		       "a veth hands segments larger than a frame to XDP at the other end, which "
		       "can't take them",
		       "the hardware cuts segments to frames" },
	[TUNE_GSO] = { TUNE_OFFLOAD_GSO, judge_is_veth,
		       "a veth hands segments larger than a frame to XDP at the other end, which "
		       "can't take them",
		       "the kernel cuts segments to frames before the driver" },
};

static void judge_offload(const struct tune_reading *reading, struct tune_line *line)
{
	const struct offload_rule *rule = &offload_rules[line->what];
	const struct tune_state *state = &reading->offloads[rule->offload];

	judge_now(line, "%s%s",
		  !state->known ? "unknown"
		  : state->on	? "on"
				: "off",
		  state->known && state->fixed ? " (fixed)" : "");
	if (!state->known)
		judge_say(line, TUNE_OK, "this kernel or driver doesn't know it");
	else if (!state->on)
		judge_say(line, TUNE_OK, "XDP sees frames as they are");
	else if (!rule->matters(reading))
		judge_say(line, TUNE_OK, rule->why_not);
	else if (!state->fixed)
		judge_want(line, TUNE_CHANGE, "off", rule->why);
	else if (reading->xdp == TUNE_XDP_NATIVE)
		judge_say(line, TUNE_OK, "the driver fixes it, and took native XDP all the same");
	else
		judge_want(line, TUNE_BY_HAND, "off", rule->why);
}

/* --- sizes */

static void judge_mtu(const struct tune_reading *reading, struct tune_line *line)
{
	uint32_t limit = reading->page - XDP_PAGE_OVERHEAD;
	char wanted[TUNE_LIST_MAX];

	judge_now(line, "%u", reading->mtu);
	if (reading->mtu <= limit) {
		judge_say(line, TUNE_OK, "a frame fits in the one page that XDP gets");
		return;
	}
	snprintf(wanted, sizeof(wanted), "%u or less", limit);
	judge_want(line, TUNE_BY_HAND, wanted,
		   "a frame must fit in one page, or drivers refuse native XDP; peers and routes "
		   "have to agree, so it isn't set here");
}

static uint32_t judge_least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Where queues can be combined they are; a driver that has only separate ones gets both. */
struct tune_queues tune_wanted_queues(const struct tune_reading *reading)
{
	struct tune_queues wanted = reading->queues;

	if (wanted.combined.max) {
		wanted.combined.now = judge_least(wanted.combined.max, reading->cpus);
		return wanted;
	}
	wanted.rx.now = judge_least(wanted.rx.max, reading->cpus);
	wanted.tx.now = judge_least(wanted.tx.max, reading->cpus);
	return wanted;
}

static bool judge_same_queues(const struct tune_queues *a, const struct tune_queues *b)
{
	return a->rx.now == b->rx.now && a->tx.now == b->tx.now &&
	       a->combined.now == b->combined.now;
}

static void judge_print_queues(const struct tune_queues *queues, bool with_max, char *ret)
{
	const struct tune_count *counts[] = { &queues->rx, &queues->tx, &queues->combined };
	static const char *const names[] = { "rx", "tx", "combined" };
	size_t used = 0;

	ret[0] = 0;
	for (int i = 0; i < 3 && used < TUNE_LIST_MAX; i++) {
		if (!counts[i]->max)
			continue;
		used += (size_t)snprintf(ret + used, TUNE_LIST_MAX - used, "%s%s %u",
					 used ? ", " : "", names[i], counts[i]->now);
		if (with_max && used < TUNE_LIST_MAX)
			used += (size_t)snprintf(ret + used, TUNE_LIST_MAX - used, " of %u",
						 counts[i]->max);
	}
}

static void judge_queues(const struct tune_reading *reading, struct tune_line *line)
{
	struct tune_queues wanted = tune_wanted_queues(reading);

	if (!reading->queues_known) {
		judge_now(line, "unknown");
		judge_say(line, TUNE_OK, "the driver doesn't tell its queues");
		return;
	}
	judge_print_queues(&reading->queues, true, line->now);
	if (judge_same_queues(&reading->queues, &wanted)) {
		judge_say(line, TUNE_OK, "a queue for each CPU, or as many as the driver has");
		return;
	}
	judge_print_queues(&wanted, false, line->wanted);
	judge_say(line, TUNE_CHANGE,
		  "each CPU takes packets of a queue of its own; fewer leave CPUs idle, more split "
		  "the batches");
}

static uint32_t judge_ring(const struct tune_count *ring)
{
	uint32_t sane = judge_least(ring->max, RING_SANE);

	return ring->now < sane ? sane : ring->now;
}

struct tune_rings tune_wanted_rings(const struct tune_reading *reading)
{
	struct tune_rings wanted = reading->rings;

	wanted.rx.now = judge_ring(&reading->rings.rx);
	wanted.tx.now = judge_ring(&reading->rings.tx);
	return wanted;
}

static void judge_rings(const struct tune_reading *reading, struct tune_line *line)
{
	struct tune_rings wanted = tune_wanted_rings(reading);

	if (!reading->rings_known || !reading->rings.rx.max) {
		judge_now(line, "unknown");
		judge_say(line, TUNE_OK, "the driver doesn't tell its rings");
		return;
	}
	judge_now(line, "rx %u of %u, tx %u of %u", reading->rings.rx.now, reading->rings.rx.max,
		  reading->rings.tx.now, reading->rings.tx.max);
	if (wanted.rx.now == reading->rings.rx.now && wanted.tx.now == reading->rings.tx.now) {
		judge_say(line, TUNE_OK, "long enough for a burst");
		return;
	}
	snprintf(line->wanted, sizeof(line->wanted), "rx %u, tx %u", wanted.rx.now, wanted.tx.now);
	judge_say(line, TUNE_CHANGE,
		  "a burst that comes while the CPU is busy elsewhere is dropped when the ring is "
		  "full");
}

/* --- interrupts and steering */

uint32_t tune_wanted_cpu(const struct tune_reading *reading, const struct tune_irq *irq)
{
	return (reading->first_cpu + irq->queue) % reading->cpus;
}

static bool judge_is_on_one(const struct tune_irq *irq)
{
	return irq->cpus[0] && !irq->cpus[strspn(irq->cpus, "0123456789")];
}

/* Any even spread is as good as ours: each on one CPU, none with more than its share. */
static bool judge_is_spread(const struct tune_reading *reading)
{
	uint32_t share = (reading->irqs_count + reading->cpus - 1) / reading->cpus;

	for (uint32_t i = 0; i < reading->irqs_count; i++) {
		uint32_t same = 0;

		if (!judge_is_on_one(&reading->irqs[i]))
			return false;
		for (uint32_t j = 0; j < reading->irqs_count; j++)
			same += !strcmp(reading->irqs[i].cpus, reading->irqs[j].cpus);
		if (same > share)
			return false;
	}
	return true;
}

static bool judge_is_as_wanted(const struct tune_reading *reading)
{
	for (uint32_t i = 0; i < reading->irqs_count; i++)
		if (!judge_is_on_one(&reading->irqs[i]) ||
		    strtoul(reading->irqs[i].cpus, NULL, 10) !=
			    tune_wanted_cpu(reading, &reading->irqs[i]))
			return false;
	return true;
}

static void judge_print_irqs(const struct tune_reading *reading, char *ret)
{
	size_t used = 0;

	for (uint32_t i = 0; i < reading->irqs_count && used < TUNE_LIST_MAX; i++)
		used += (size_t)snprintf(ret + used, TUNE_LIST_MAX - used, "%s%s", i ? " " : "",
					 reading->irqs[i].cpus);
}

static void judge_irqs(const struct tune_reading *reading, struct tune_line *line)
{
	if (!reading->irqs_count) {
		judge_now(line, "none");
		judge_say(line, TUNE_OK, "the interface has no interrupts of its own");
		return;
	}
	judge_print_irqs(reading, line->now);
	if (judge_is_spread(reading) || judge_is_as_wanted(reading))
		judge_say(line, TUNE_OK, "each queue interrupts a CPU of its own");
	else
		judge_want(line, TUNE_CHANGE, "each queue on a CPU of its own",
			   "queues that interrupt the same CPU leave the others idle, and one that "
			   "may interrupt any moves away from its cache");
}

static void judge_irqbalance(const struct tune_reading *reading, struct tune_line *line)
{
	judge_now(line, "%s", reading->irqbalance ? "running" : "not running");
	if (!reading->irqbalance)
		judge_say(line, TUNE_OK, "nothing moves interrupts");
	else if (!reading->irqs_count)
		judge_say(line, TUNE_OK, "the interface has no interrupts that it could move");
	else
		judge_want(line, TUNE_BY_HAND, "systemctl disable --now irqbalance",
			   "it moves the queues' interrupts away again");
}

static bool judge_steering_unknown(const struct tune_reading *reading, struct tune_line *line)
{
	if (reading->steering_known)
		return false;
	judge_now(line, "unknown");
	judge_say(line, TUNE_OK, "/sys is not that of this network namespace");
	return true;
}

/* Generic XDP runs behind RPS, so with one queue RPS is what spreads it. */
static void judge_rps(const struct tune_reading *reading, struct tune_line *line)
{
	if (judge_steering_unknown(reading, line))
		return;
	judge_now(line, "on for %u of %u rx queues", reading->rps_queues, reading->rx_queues);
	if (!reading->rps_queues)
		judge_say(line, TUNE_OK, "packets stay on the CPU that took them");
	else if (reading->xdp == TUNE_XDP_GENERIC && reading->rx_queues < reading->cpus)
		judge_say(line, TUNE_OK, "it spreads generic XDP over CPUs that have no queue");
	else
		judge_want(line, TUNE_CHANGE, "off",
			   "XDP has done its work before RPS, which only moves what is left to "
			   "another CPU, by an interrupt each");
}

static void judge_xps(const struct tune_reading *reading, struct tune_line *line)
{
	if (judge_steering_unknown(reading, line))
		return;
	judge_now(line, "on for %u of %u tx queues", reading->xps_queues, reading->tx_queues);
	judge_say(line, TUNE_OK, "what XDP sends goes by the CPU's own queue, whatever XPS says");
}

void tune_judge(const struct tune_reading *reading, enum tune_what what, struct tune_line *ret)
{
	static void (*const judges[TUNE_WHAT_COUNT])(const struct tune_reading *,
						     struct tune_line *) = {
		[TUNE_LRO] = judge_offload,
		[TUNE_GRO_HW] = judge_offload,
		[TUNE_RXVLAN] = judge_offload,
		[TUNE_TXCSUM] = judge_offload,
		[TUNE_TSO] = judge_offload,
		[TUNE_GSO] = judge_offload,
		[TUNE_MTU] = judge_mtu,
		[TUNE_QUEUES] = judge_queues,
		[TUNE_RINGS] = judge_rings,
		[TUNE_IRQS] = judge_irqs,
		[TUNE_IRQBALANCE] = judge_irqbalance,
		[TUNE_RPS] = judge_rps,
		[TUNE_XPS] = judge_xps,
	};

	memset(ret, 0, sizeof(*ret));
	ret->what = what;
	judges[what](reading, ret);
}
