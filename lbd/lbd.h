/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon: what it holds, and what may be asked of it. Signals, API
 * requests, health changes and next hops all end in one of these functions.
 * Main thread only.
 */
#ifndef LBD_LBD_H
#define LBD_LBD_H

#include <event2/event.h>

#include "base/error.h"
#include "config/config.h"
#include "dataplane/dataplane.h"
#include "fragments/fragments.h"
#include "ha/ha.h"
#include "health/health.h"
#include "model/model.h"
#include "net/neighbours.h"
#include "sync/sync.h"
#include "upgrade/upgrade.h"
#include "upgrading.h"

struct api;

/* The running packet path once more, for traces: loaded when asked for, gone when idle. */
struct lbd_tracing {
	struct dataplane_trace *trace; /* or NULL */
	uint32_t prog_id;	       /* of the running generation that it stands for */
	struct event *idle;
};

struct lbd {
	const char *config_path;
	char object[256];	/* lb.bpf.o, as installed */
	char root_object[256];	/* root.bpf.o */
	char split_object[256]; /* split.bpf.o */
	char pin_dir[128];
	char run_dir[128];  /* /run/lbd/INSTANCE: socket, lock, role, gate, running config */
	int lock;	    /* fd of the lock file: one daemon per instance */
	int64_t started_ms; /* CLOCK_MONOTONIC */
	struct event_base *base;
	struct config *config; /* effective: the file plus runtime changes */
	bool runtime_changes;  /* config differs from the file by lbctl backend ... */
	bool changes_dropped;  /* so it was, until the last reload */
	struct model *model;
	struct dataplane *dataplane;
	struct dataplane_attachment *attachments; /* one per config->xdp.interfaces */
	struct neighbours *neighbours;
	struct health *health;
	struct fragments *fragments; /* NULL: none is held */
	struct sync *sync;	     /* NULL without peers */
	struct ha *ha;
	struct api *api;
	struct event *commit_timer; /* coalesces health and next hop changes */
	struct event *signals[3];
	struct event *watchdog;
	struct event *clients_timer;	/* looks for clients whose MAC address is wanted */
	struct event *interfaces_timer; /* looks for interfaces that came back */
	struct lbd_reload *reload;	/* under way; or NULL */
	struct lbd_tracing tracing;
	struct lbd_upgrading upgrading;
	uint64_t reloads, commits;
};

/* Read the config file again and apply it. On failure the running state is untouched. */
int lbd_reload(struct lbd *lbd, struct error *err);

/* What came of a reload: 0, or a negative errno with @err. Called in the event loop. */
typedef void (*lbd_reload_done)(void *context, int rc, const struct error *err);

/*
 * The same without keeping the event loop: @done is told, later. -EBUSY: another
 * one is under way.
 */
int lbd_reload_begin(struct lbd *lbd, lbd_reload_done done, void *context, struct error *err);

/* lbd stops: if a reload is under way, it comes to nothing, and is told so. */
void lbd_reload_end(struct lbd *lbd);

/*
 * Apply @config, which becomes lbd->config on success. On failure it is still
 * the caller's, and everything is as it was.
 */
int lbd_apply(struct lbd *lbd, struct config *config, struct error *err);

/* The model that @config asks for, going on from lbd->model. *ret: model_free. */
int lbd_build_model(struct lbd *lbd, const struct config *config, struct model **ret,
		    struct error *err);

/* Put lbd->model in force, with a generation that fits it. On failure the old snapshot is. */
int lbd_commit(struct lbd *lbd, struct error *err);

/* A commit was refused and lbd->model is the old one again: let the generation fit that. */
void lbd_recommit(struct lbd *lbd);

/* What a generation is to be loaded for, and where its object is. */
struct upgrade_target lbd_target(const struct lbd *lbd);
struct upgrade_place lbd_place(const struct lbd *lbd);

/* Start sync, or change it to the peers of @config. Without any, nothing is done. */
int lbd_start_cluster(struct lbd *lbd, const struct config *config, struct error *err);

/* Watch the next hops of lbd->model's backends, and take what is known of them. */
int lbd_follow_neighbours(struct lbd *lbd);

/* Tell health and sync what lbd->model has. Fails only for want of memory, which is logged. */
void lbd_follow_model(struct lbd *lbd);

/* events.c: what happens to the daemon from outside; @context is the struct lbd. */
int lbd_listen_signals(struct lbd *lbd, struct error *err);
void lbd_schedule_commit(struct lbd *lbd);
void lbd_next_hop_changed(void *context, const struct lbd_addr *addr,
			  const struct nexthop *nexthop);
void lbd_health_changed(void *context, uint16_t backend, bool healthy, const char *reason);

/* Is it resolved, behind an interface that is still there? */
bool lbd_next_hop_stands(const struct nexthop *nexthop);

/*
 * Listen for early fragments anew: the config or an interface has changed.
 * Without it they are dropped, which is logged and no more.
 */
void lbd_listen_fragments(struct lbd *lbd);

/* start.c: start-up order, and the way back. */
int lbd_start(struct lbd *lbd, struct error *err);
void lbd_stop(struct lbd *lbd);

/* Pin and run directories of @instance, into lbd. */
void lbd_set_instance(struct lbd *lbd, const char *instance);

/* Take the instance's lock, making its run directory. -EBUSY: another lbd has it. */
int lbd_lock(struct lbd *lbd, struct error *err);

/* A runtime change of a service's backends (lbctl backend ...), kept until the next reload. */
enum lbd_backend_action {
	LBD_BACKEND_ADD,
	LBD_BACKEND_REMOVE,
	LBD_BACKEND_DRAIN,
	LBD_BACKEND_UNDRAIN,
	LBD_BACKEND_WEIGHT,
};

struct lbd_backend_change {
	enum lbd_backend_action action;
	const char *service, *name, *address;
	uint32_t weight;
	uint32_t port; /* 0: the service's */
};

/* The file holds again: forget what lbctl backend changed. */
void lbd_forget_changes(const struct lbd *lbd);

/* The instance is detached: forget runtime changes and kept objects. */
void lbd_forget(const struct lbd *lbd);

int lbd_change_backend(struct lbd *lbd, const struct lbd_backend_change *change, struct error *err);

/*
 * The running packet path over the live tables, writing nothing, to run frames
 * through (trace/trace.h). Loading it holds up the event loop for as long as an
 * upgrade does; it stays for some seconds. *ret is lbd's, good until the next event.
 */
int lbd_trace_begin(struct lbd *lbd, struct dataplane_trace **ret, struct error *err);

/* Unload it. */
void lbd_trace_end(struct lbd *lbd);

#endif
