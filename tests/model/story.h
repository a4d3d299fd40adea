/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens, in order: packets, and between them backends that come and go,
 * time that passes, and connections that a peer tells of. A seed fixes all of it, so a story can be told again,
 * whole or in part.
 */
#ifndef MODEL_STORY_H
#define MODEL_STORY_H

#include <stdio.h>

#include "dataplane/tables.h"
#include "model/model.h"
#include "tests/model/frame.h"
#include "tests/packet/case.h"

enum event_kind { EVENT_PACKET, EVENT_CHANGE, EVENT_IDLE, EVENT_PEER };

#define STORY_CHANGES 5

/* A backend comes or goes. */
struct story_change {
	uint16_t backend;
	enum case_state becomes;
};

struct event {
	enum event_kind kind;
	bool skipped;				    /* not this time */
	bool beyond;				    /* the packet comes from the other interface */
	uint32_t at, size;			    /* its frame, in the story's bytes */
	struct story_change changes[STORY_CHANGES]; /* that take effect together */
	uint32_t changes_count;
	uint32_t seconds;	  /* that pass */
	uint32_t jiffies;	  /* before a packet, where the stage has the clock */
	struct table_entry entry; /* that a peer told of, but for its age: just seen */
};

/* Limits of the setups lie between multiples of this: no idle time comes near one. */
#define STORY_IDLE 200

struct story {
	struct event *events;
	uint32_t count;
	uint8_t *bytes;
	uint32_t used;
};

int story_make(struct story *story, uint32_t packets);
void story_free(struct story *story);

struct story_kind {
	bool crowd; /* many flows of few packets, instead of few flows of many */
	bool alone; /* no peer says anything */
};

void story_tell(struct story *story, uint64_t seed, const struct model *model, uint32_t packets,
		struct story_kind kind);

void story_frame(const struct story *story, const struct event *event, struct frame *ret);

/* Write what isn't skipped, up to event @last, in the format of tests/packet/cases. */
void story_print(const struct story *story, uint32_t last, const struct model *model, FILE *to);

#endif
