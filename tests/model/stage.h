/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where stories are played: a private data plane with a setup in force, its
 * packet path loaded twice (specialised for the setup, and with every feature),
 * and the reference beside it.
 */
#ifndef MODEL_STAGE_H
#define MODEL_STAGE_H

#include <stdio.h>

#include "dataplane/queue.h"
#include "tests/lab/lab.h"
#include "tests/model/choice.h"
#include "tests/model/reference.h"
#include "tests/model/story.h"
#include "tests/packet/run.h"

/* Traffic counters, by service id and backend index. */
struct stage_traffic {
	struct lbd_traffic *services, *backends;
};

enum stage_way { STAGE_SPECIALISED, STAGE_EVERY_FEATURE, STAGE_WAYS };

struct stage {
	struct lab lab;
	struct world world;
	struct reference reference;
	struct choices *choices;
	struct backend *backends; /* as they were at first */
	int prog_fd[STAGE_WAYS];
	uint32_t features[STAGE_WAYS];
	struct dataplane_trace *clocks[STAGE_WAYS]; /* with limits time stands still ... */
	uint64_t elapsed_ns;			    /* ... until it is moved on */
	uint32_t in, out;			    /* interfaces ... */
	struct queue *queues[2];		    /* ... and who takes early fragments there */
	bool crowded;	   /* flows displace each other: the table says which are left */
	struct flows kept; /* confirmed ones, that nothing may displace */
	enum stage_way way;
	uint64_t outcomes[LBD_OUTCOME_MAX]; /* the data plane's counters, as last read */
	struct stage_traffic before;	    /* as the story began */
	uint64_t seen[LBD_OUTCOME_MAX];	    /* expected so far, in stories that went well */
};

struct stage_options {
	const struct run_place *place; /* of setups/ and the object */
	const char *setup;
	uint64_t seed;
	uint32_t packets; /* the most in a story */
};

/* What is open is stage_close()'s, also on failure. */
int stage_open(struct stage *stage, const struct stage_options *options, struct error *err);
void stage_close(struct stage *stage);

/* As it was at first: no connections, all backends up; stories go the @way. */
int stage_reset(struct stage *stage, enum stage_way way, struct error *err);

/* Backends come and go as @event says. */
int stage_change(struct stage *stage, const struct event *event, struct error *err);

void stage_idle(struct stage *stage, uint32_t seconds);

/* Where time stands still: so many ticks of the kernel's timer later. */
void stage_tick(struct stage *stage, uint32_t jiffies);

int stage_read_traffic(const struct stage *stage, struct stage_traffic *ret);
void stage_free_traffic(struct stage_traffic *traffic);

/* The table's entry of a flow. False if there is none. */
bool stage_entry(const struct stage *stage, const struct flow_key *key, struct table_entry *ret);

#endif
