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
#include "ha/ha.h"
#include "health/health.h"
#include "model/model.h"
#include "net/neighbours.h"
#include "sync/sync.h"

struct api;

struct lbd {
	const char *config_path;
	const char *object_dir; /* root.bpf.o and lb.bpf.o */
	char pin_dir[128];
	char run_dir[128];  /* /run/lbd/INSTANCE: socket, lock, role, gate, running config */
	int64_t started_ms; /* CLOCK_MONOTONIC */
	struct event_base *base;
	struct config *config; /* effective: the file plus runtime changes */
	bool runtime_changes;  /* config differs from the file by lbctl backend ... */
	struct model *model;
	struct dataplane *dataplane;
	struct dataplane_attachment *attachments; /* one per config->xdp.interfaces */
	struct neighbours *neighbours;
	struct health *health;
	struct sync *sync; /* NULL without peers */
	struct ha *ha;
	struct api *api;
	struct event *commit_timer; /* coalesces health and next hop changes */
	struct event *signals[3];
	uint64_t reloads, commits;
};

/* Read the config file again and apply it. On failure the running state is untouched. */
int lbd_reload(struct lbd *lbd, struct error *err);

/* Apply @config, which becomes lbd->config on success; still the caller's on failure. */
int lbd_apply(struct lbd *lbd, struct config *config, struct error *err);

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
};

int lbd_change_backend(struct lbd *lbd, const struct lbd_backend_change *change, struct error *err);

/*
 * Load @object (NULL: the installed one) as a new generation, try golden
 * packets on it and swap. The running one keeps running on any failure.
 */
int lbd_upgrade(struct lbd *lbd, const char *object, struct error *err);

/* Go back to the previous generation. */
int lbd_rollback(struct lbd *lbd, struct error *err);

#endif
