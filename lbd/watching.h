/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packet path on trial against the old one: both sides' counters, into upgrade/watch.h. */
#ifndef LBD_WATCHING_H
#define LBD_WATCHING_H

#include "dataplane/dataplane.h"
#include "upgrade/watch.h"
#include "watching_services.h"

struct lbd_watching {
	struct watch watch;
	struct watching_services services;
	struct watch_sides *sides;	     /* of a look: all packets, and each service */
	bool named;			     /* services are: the old one has the others' too */
	struct dataplane_split_counts round; /* when it began */
	struct dataplane_split_counts all;   /* when the trial began */
};

/* Before anything is loaded: where a swap begins to count what the old one does. */
struct lbd_watching_before {
	uint64_t outcomes[LBD_OUTCOME_MAX];
};

void watching_before(const struct dataplane *dataplane, struct lbd_watching_before *ret);

/* Before the trial begins: what its plan names is in @watching->services. */
int watching_open(struct lbd_watching *watching, const struct model *model, struct error *err);
void watching_close(struct lbd_watching *watching);

/* Right after the trial began. @before: of a swap; NULL for a canary. */
void watching_begin(struct lbd_watching *watching, const struct dataplane *dataplane,
		    const struct lbd_watching_before *before);

/* Shares the flows out anew if that is due. */
enum watch_step watching_look(struct lbd_watching *watching, struct dataplane *dataplane);

/* What was found last, and of which service, into @text of WATCHING_TEXT_MAX, returned. */
#define WATCHING_TEXT_MAX (VERDICT_TEXT_MAX + CONFIG_NAME_MAX + 16)
const char *watching_format(const struct lbd_watching *watching, char *text);

/* How many packets the new one was handed in all. */
uint64_t watching_packets(const struct lbd_watching *watching, const struct dataplane *dataplane);

#endif
