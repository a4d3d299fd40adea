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
#include "history/history.h"
#include "migration.h"
#include "model/model.h"
#include "net/neighbours.h"
#include "proving.h"
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

/* A config that goes again unless it is confirmed (trial.c). */
struct lbd_trial {
	struct history_entry entry; /* number 0: none is on trial */
	int64_t ends_ms;	    /* CLOCK_BOOTTIME */
	uint32_t back;		    /* number of what runs again then ... */
	struct config *before;	    /* ... what that is ... */
	struct guard *lists;	    /* ... its lists as they were ... */
	enum history_origin before_origin;
	uint64_t before_instead_of;
	struct event *timer;
	char fault[256]; /* why going back failed the last time, or empty */
};

struct lbd {
	const char *config_path;
	char object[256];	/* lb.bpf.o, as installed */
	char root_object[256];	/* root.bpf.o */
	char split_object[256]; /* split.bpf.o */
	char pin_dir[128];
	char run_dir[128];     /* /run/lbd/INSTANCE: socket, lock, role, gate, running config */
	char state_dir[128];   /* what outlives a boot, if there is such a place; else /run/lbd */
	char history_dir[200]; /* state_dir/INSTANCE/history */
	char program[256];     /* this one's file, as installed */
	char **argv;	       /* as it was started */
	bool takes_over;       /* --takeover: from an lbd that runs, if there is one */
	bool handed_on;	       /* the run directory's sockets are another lbd's */
	bool taken_back;       /* what it had handed over already */
	int64_t pause_ms;      /* that nobody answered the API meanwhile */
	bool ready_later;      /* systemd is told of the start by the event loop */
	int predecessor;       /* process that it took over from; 0: none */
	bool strict;	       /* a broken config file refuses the start */
	int lock;	       /* fd of the lock file: one daemon per instance */
	int64_t started_ms;    /* CLOCK_MONOTONIC */
	struct event_base *base;
	struct config *config;	    /* effective: the file plus runtime changes */
	bool runtime_changes;	    /* config differs from the file by lbctl backend ... */
	bool changes_dropped;	    /* so it was, until the last reload */
	enum history_origin origin; /* what config stems from */
	uint64_t instead_of;	    /* hash of the file's text that it runs in place of; 0: none */
	char file_fault[256];	    /* HISTORY_FROM_LAST_GOOD: what is wrong with the file */
	struct history_entry recorded; /* config as the history has it; number 0: it hasn't */
	bool history_fault;	       /* the history can't be written */
	struct config *ran_last;       /* while starting: what the start replaces, or NULL */
	uint32_t trial_cut; /* while starting: on trial when the last lbd ended; 0: none */
	struct lbd_trial trial;
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
	/* Configs that are read, to be put in force or only compared; NULL: none. */
	struct lbd_reading *reload, *weighing;
	struct lbd_migration *migration; /* tables are copied; or NULL */
	struct model *coming;		 /* it will be in force once they have moved; or NULL */
	struct lbd_migrated migrated;	 /* the last one */
	struct lbd_tracing tracing;
	struct lbd_proving proving;
	struct lbd_upgrading upgrading;
	struct lbd_heir *heir;	       /* while it takes over; or NULL */
	struct lbd_handover *handover; /* waits for one that takes over */
	uint64_t reloads, commits;
};

/* --- read.c: a config and its lists, from a file */

/* 0: @config is the callee's, lbd_read_free. Else NULL, and why. Called in the event loop. */
typedef void (*lbd_read_done)(void *context, int rc, struct config *config,
			      const struct error *err);

/* At once, holding up the event loop. *ret: lbd_read_free. */
int lbd_read(const char *path, struct config **ret, struct error *err);

/*
 * By a thread; @done is told, later, and if lbd stops before. @slot is
 * &lbd->reload or &lbd->weighing: -EBUSY if another one is under way there.
 */
int lbd_read_begin(struct lbd *lbd, struct lbd_reading **slot, const char *path, lbd_read_done done,
		   void *context, struct error *err);

/* lbd stops: what is under way comes to nothing, and is told so. */
void lbd_read_end(struct lbd_reading **slot);

/* Let go of the lists: once a model has them, or with lbd_read_free. */
void lbd_read_release(struct config *config);

/* Accepts NULL. */
void lbd_read_free(struct config *config);

/* --- weigh.c: what putting @config in force would come to, changing nothing */

struct lbd_verdict {
	bool refused; /* why says so; the rest is then unknown */
	bool refit;   /* another packet path would be loaded */
	uint32_t features_now, features_then;
	struct error why;
};

void lbd_weigh(struct lbd *lbd, const struct config *config, struct lbd_verdict *ret);

/* --- reload.c */

/* Read the config file again and apply it. On failure the running state is untouched. */
int lbd_reload(struct lbd *lbd, struct error *err);

/* What came of a reload: 0, or a negative errno with @err. Called in the event loop. */
typedef void (*lbd_reload_done)(void *context, int rc, const struct error *err);

struct lbd_reload_order {
	enum history_trigger trigger;
	uint32_t history;    /* this one of the history in place of the file; 0: the file */
	uint32_t confirm_ms; /* go back unless confirmed in so long; 0: for good */
};

/*
 * The same without keeping the event loop: @done is told, later. -EBUSY: another
 * one is under way, or a config is on trial and this one is to be for good.
 */
int lbd_reload_begin(struct lbd *lbd, const struct lbd_reload_order *order, lbd_reload_done done,
		     void *context, struct error *err);

/* --- trial.c: configs that go again unless they are confirmed */

/*
 * Before a config is put in force: keep a way back, and enter it, @entry, in the
 * history. Then begin, or undo: everything, an earlier trial too, is as it was.
 */
int lbd_trial_prepare(struct lbd *lbd, struct lbd_trial *trial, const struct config *config,
		      struct history_entry *entry, struct error *err);
void lbd_trial_undo(struct lbd *lbd, struct lbd_trial *trial);

/* It is in force: until lbd_trial_confirm, or for @confirm_ms. */
void lbd_trial_begin(struct lbd *lbd, struct lbd_trial *trial, uint32_t confirm_ms);

/* -ENOENT: none is on trial. */
int lbd_trial_confirm(struct lbd *lbd, struct error *err);

/* Go back now. @done is told, perhaps before this returns; not on an error that is returned. */
int lbd_trial_cancel(struct lbd *lbd, lbd_reload_done done, void *context, struct error *err);

/* -EBUSY while a config is on trial; else 0. */
int lbd_trial_refuse(const struct lbd *lbd, struct error *err);

/* Until it goes; -1: none is on trial. */
int64_t lbd_trial_left_ms(const struct lbd *lbd);

/* lbd stops: the next start goes back. */
void lbd_trial_end(struct lbd *lbd);

/* --- record.c: what runs goes into the history */

/* What there is to say about @config, while lbd->config still is what it replaces. */
struct history_entry lbd_record_prepare(const struct lbd *lbd, const struct config *config,
					enum history_trigger trigger);

/* lbd->config is in force now: enter it, unless nothing is new. A failure is logged. */
void lbd_record(struct lbd *lbd, struct history_entry *entry);

/* Enter @config just as @entry says. */
int lbd_record_as(struct lbd *lbd, struct history_entry *entry, const struct config *config,
		  struct error *err);

/* --- source.c: which config a start takes */

/* The file is broken, @err says why: take the last good one. -ENOENT: there is none. */
int lbd_source_last_good(struct lbd *lbd, const struct error *err);

/* The file was read and the lock is ours: does something else go before the file? */
void lbd_source_settle(struct lbd *lbd);

/* The start succeeded: only now what is no longer wanted is forgotten. */
void lbd_source_started(struct lbd *lbd);

/*
 * --- apply.c: @config becomes lbd->config on success. On failure it is still
 * the caller's, and everything is as it was. If its limits are others, the tables
 * move to such maps, which holds up the event loop: lbd_migrate_begin doesn't.
 */
int lbd_apply(struct lbd *lbd, struct config *config, struct error *err);

/* What the daemon goes by: of a config that isn't in force yet, or no longer. */
struct lbd_draft {
	struct config *config;
	struct model *model;
	struct dataplane_attachment *attachments;
};

/* All that @config may be refused for before it is committed. Then adopt, or discard it. */
int lbd_apply_prepare(struct lbd *lbd, struct config *config, struct lbd_draft *ret,
		      struct error *err);

/* lbd goes by @draft, which is what it went by. */
void lbd_apply_exchange(struct lbd *lbd, struct lbd_draft *draft);

/* What lbd went by gives way to what is committed now. */
void lbd_apply_adopt(struct lbd *lbd, struct lbd_draft *old);

/* What lbd goes by stays. The draft's config is the caller's. */
void lbd_apply_discard(struct lbd *lbd, struct lbd_draft *draft);

/* The model that @config asks for, going on from lbd->model. *ret: model_free. */
int lbd_build_model(struct lbd *lbd, const struct config *config, struct model **ret,
		    struct error *err);

/* Put lbd->model in force, with a generation that fits it. On failure the old snapshot is. */
int lbd_commit(struct lbd *lbd, struct error *err);

/* Is the running generation just what lbd->model asks for? */
bool lbd_fits(const struct lbd *lbd);

/* Into lbd->model: frames for these are ours. */
void lbd_own_macs(struct lbd *lbd);

/* What @model asks of a packet path on the interfaces that we stand on. */
uint32_t lbd_model_features(const struct lbd *lbd, const struct model *model);

/* A commit was refused and lbd->model is the old one again: let the generation fit that. */
void lbd_recommit(struct lbd *lbd);

/* What a generation is to be loaded for, and where its object is. */
struct upgrade_target lbd_target(const struct lbd *lbd);
struct upgrade_place lbd_place(const struct lbd *lbd);

/* Start sync, or change it to the peers of @config. Without any, nothing is done. */
int lbd_start_cluster(struct lbd *lbd, const struct config *config, struct error *err);

/* Is an interface attached to other than in generic mode, or may it come to that? */
bool lbd_is_native(const struct lbd *lbd);

/* Watch the next hops of lbd->model's backends, and take what is known of them. */
int lbd_follow_neighbours(struct lbd *lbd);

/* Tell health and sync what lbd->model has. Fails only for want of memory, which is logged. */
void lbd_follow_model(struct lbd *lbd);

/* --- heir.c: going on for the lbd that runs the instance */

/*
 * If lbd is to take over: prepare, ask, and have what the running one hands
 * over. 0 with lbd->heir NULL: there is nobody, or it isn't to. On failure the
 * running one runs on.
 */
int lbd_heir_begin(struct lbd *lbd, struct error *err);

/* Each start-up step takes its part; without lbd->heir there is none. */
void lbd_heir_settled(struct lbd *lbd);
void lbd_heir_take_model(struct lbd *lbd);
void lbd_heir_take_health(struct lbd *lbd);
int lbd_heir_take_listener(struct lbd *lbd); /* -1: none */
bool lbd_heir_take_ha(struct lbd *lbd, struct ha_memory *ret);

struct dataplane *lbd_heir_take_maps(struct lbd *lbd); /* NULL: none */

/* Does it go on for another process? */
bool lbd_heir_is(const struct lbd *lbd);

/*
 * The start is over: the other one may go, or must go on. True: it is told to
 * systemd later, by the event loop, that this one is ready.
 */
bool lbd_heir_running(struct lbd *lbd);
void lbd_heir_failed(struct lbd *lbd, const struct error *err);
void lbd_heir_free(struct lbd *lbd);

/* lbd stops: no event is waited for any more. */
void lbd_heir_end(struct lbd *lbd);

/* --- handover.c: another lbd takes over from this one */

struct lbd_handover_status {
	int successor;	  /* process that prepares to take over; 0: none */
	int predecessor;  /* that this one took over from; 0: none */
	int64_t pause_ms; /* that nobody answered then */
	char fault[512];  /* why the last one came to nothing, or empty */
};

int lbd_handover_listen(struct lbd *lbd, struct error *err);
void lbd_handover_end(struct lbd *lbd);

/* Start the installed lbd, to take over. -EBUSY: not now. */
int lbd_handover_begin(struct lbd *lbd, struct error *err);

void lbd_handover_status(const struct lbd *lbd, struct lbd_handover_status *ret);

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
