/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A trial service by service: what each was handed, and what its backends got. */
#ifndef LBD_WATCHING_SERVICES_H
#define LBD_WATCHING_SERVICES_H

#include "dataplane/dataplane.h"
#include "model/model.h"
#include "upgrade/watch.h"

struct watching_service {
	char name[CONFIG_NAME_MAX];
	uint16_t id;
	struct lbd_split_handed handed, given; /* ever */
	struct lbd_split_handed round_handed, round_given;
};

/*
 * Those that are there when the trial begins. Backends come and go meanwhile:
 * what each got is added up look by look, for whom it then belongs to.
 */
struct watching_services {
	uint32_t count;
	struct lbd_split_key *keys;
	struct watching_service *list;
	uint32_t ids, backends;
	uint32_t *places;			    /* id -> its place in @list, from 1; 0: none */
	struct dataplane_split_backend *then, *now; /* by index: the last look, and this one */
	struct lbd_split_handed *handed;	    /* in the order of @keys: this look */
};

/* Which services there are. Freed by watching_services_close, also upon an error. */
int watching_services_open(struct watching_services *services, const struct model *model,
			   struct error *err);
void watching_services_close(struct watching_services *services);

/* The trial has begun. If the sides can't be told apart, there are no services from now on. */
void watching_services_begin(struct watching_services *services, const struct dataplane *dataplane);

/* @ret: count of them. Nothing is lost, as far as it can't be read. */
void watching_services_look(struct watching_services *services, const struct dataplane *dataplane,
			    struct watch_sides *ret);

/* Before rounds begin. */
int watching_services_read(struct watching_services *services, const struct dataplane *dataplane);

/* A round begins for service @place of the list, with what was read last. */
void watching_services_round(struct watching_services *services, uint32_t place);

#endif
