/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How an interface stands for XDP: what is read of it, what is to be said of
 * that, and setting it. Reading, judging and setting are apart: the judgement
 * takes a reading and touches nothing.
 */
#ifndef TUNE_TUNE_H
#define TUNE_TUNE_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TUNE_IRQS_MAX 256
#define TUNE_LIST_MAX 64

/* What hardware or driver does to packets that XDP has to see as they are. */
enum tune_offload {
	TUNE_OFFLOAD_LRO,
	TUNE_OFFLOAD_GRO_HW,
	TUNE_OFFLOAD_RXVLAN,
	TUNE_OFFLOAD_TXCSUM,
	TUNE_OFFLOAD_TSO,
	TUNE_OFFLOAD_GSO,
	TUNE_OFFLOAD_COUNT,
};

/* The lines about an interface, in the order of showing and setting: new queues bring new IRQs. */
enum tune_what {
	TUNE_LRO,
	TUNE_GRO_HW,
	TUNE_RXVLAN,
	TUNE_TXCSUM,
	TUNE_TSO,
	TUNE_GSO,
	TUNE_MTU,
	TUNE_QUEUES,
	TUNE_RINGS,
	TUNE_IRQS,
	TUNE_IRQBALANCE,
	TUNE_RPS,
	TUNE_XPS,
	TUNE_WHAT_COUNT,
};

enum tune_xdp { TUNE_XDP_NONE, TUNE_XDP_NATIVE, TUNE_XDP_GENERIC, TUNE_XDP_OFFLOAD };

struct tune_count {
	uint32_t now, max;
};

struct tune_queues {
	struct tune_count rx, tx, combined;
};

struct tune_rings {
	struct tune_count rx, tx;
};

struct tune_irq {
	uint32_t number;
	uint32_t queue;		  /* as its name says */
	char cpus[TUNE_LIST_MAX]; /* as smp_affinity_list says: "0-3,8" */
};

struct tune_state {
	bool known, on, fixed; /* fixed: the driver lets nobody change it */
};

/* What is read of an interface; what its driver doesn't tell is not known. */
struct tune_reading {
	char interface[IF_NAMESIZE];
	char driver[32]; /* "" if it names none */
	enum tune_xdp xdp;
	uint32_t cpus; /* online */
	uint32_t page;
	uint32_t mtu;
	bool vlans;	 /* VLAN interfaces stand on it */
	bool irqbalance; /* the daemon runs */
	bool queues_known, rings_known;
	struct tune_queues queues;
	struct tune_rings rings;
	struct tune_state offloads[TUNE_OFFLOAD_COUNT];
	bool steering_known;		/* sysfs shows this interface */
	uint32_t rx_queues, rps_queues; /* all; those of them with RPS */
	uint32_t tx_queues, xps_queues;
	uint32_t first_cpu; /* for queue 0: interfaces with few queues don't all meet on CPU 0 */
	uint32_t irqs_count;
	struct tune_irq irqs[TUNE_IRQS_MAX];
};

enum tune_verdict {
	TUNE_OK,
	TUNE_CHANGE,  /* --apply does it */
	TUNE_BY_HAND, /* only the operator may */
};

enum tune_result { TUNE_NOT_TRIED, TUNE_DONE, TUNE_REFUSED };

struct tune_line {
	enum tune_what what;
	enum tune_verdict verdict;
	char now[TUNE_LIST_MAX];
	char wanted[TUNE_LIST_MAX]; /* "" if ok */
	char why[256];		    /* a sentence */
	enum tune_result result;
	char refusal[128]; /* why, if refused */
};

/* "queues", "irq-affinity", ...: stable, for people and JSON. */
const char *tune_what_name(enum tune_what what);
const char *tune_xdp_name(enum tune_xdp xdp);

/* Read how @interface stands. Returns 0, -ENODEV, or another negative errno. */
int tune_read(const char *interface, struct tune_reading *ret);

/* What is to be said of one matter. Pure. */
void tune_judge(const struct tune_reading *reading, enum tune_what what, struct tune_line *ret);

/* What is wanted. Pure. */
struct tune_queues tune_wanted_queues(const struct tune_reading *reading);
struct tune_rings tune_wanted_rings(const struct tune_reading *reading);
uint32_t tune_wanted_cpu(const struct tune_reading *reading, const struct tune_irq *irq);

/*
 * Read and judge; with @apply also set what is to change, then read again. Fills
 * the last reading and TUNE_WHAT_COUNT lines. Returns 0, or an error of tune_read.
 */
int tune_interface(const char *interface, bool apply, struct tune_reading *ret,
		   struct tune_line *ret_lines);

/* Neither to change nor refused. */
bool tune_line_settled(const struct tune_line *line);

#endif
