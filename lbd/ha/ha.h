/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * High availability: the role keepalived gives this node, and the gate that
 * tells keepalived whether the node may have the VIP.
 *
 * The gate is a file that keepalived reads (track_file, weight 1): "0" open,
 * "-254" closed, which puts the VRRP instance into FAULT.
 *
 *            peers configured, table not proven
 *   start ------------------------------------> CLOSED
 *     |                                            | every peer that answers has sent
 *     | no peers, or MASTER with adopted tables    | its full table, and the active ones'
 *     |                                            | is proven equal to ours by digests; or
 *     v                                            v no answer, or no proof, for the patience
 *    OPEN <----------------------------------------+
 *
 * While no active peer is proven, "every peer" is every one that is configured until
 * the patience has passed: the one that is slow to answer may be the active one.
 *
 * While peers are configured and sync doesn't run (tables move, or it couldn't
 * start again behind that) nothing is known of them, and CLOSED stays closed; the
 * patience begins anew with sync.
 *
 * Once open it stays open while the daemon runs: a node doesn't drop the VIP
 * because its peer went away. Only a planned switchover (failover.h) shuts it,
 * and then opens it as "-50" until the node is master again: by keepalived's
 * weight it ranks so much lower, and leaves the VIP where it went. The role is
 * kept in a file of the run directory, so that a restarted daemon knows it.
 */
#ifndef HA_HA_H
#define HA_HA_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"
#include "ha/failover.h"
#include "sync/sync.h"

struct ha;

/* X(constant, name as keepalived's notify script says it, lower case) */
#define HA_ROLES(X)           \
	X(UNKNOWN, "unknown") \
	X(MASTER, "master")   \
	X(BACKUP, "backup")   \
	X(FAULT, "fault")

enum ha_role {
#define X(constant, name) HA_ROLE_##constant,
	HA_ROLES(X)
#undef X
};

struct ha_status {
	enum ha_role role;
	int64_t role_ms_ago;
	bool gate_open;
	char gate_reason[240]; /* a sentence: why it is open or closed */
};

/* What a running daemon knows of it, for another one that goes on. */
struct ha_memory {
	bool gate_open;
	char gate_reason[240];
	struct failover failover; /* ended, or none */
};

void ha_remember(const struct ha *ha, struct ha_memory *ret);

/*
 * @run_dir: where "role" and "gate" are kept. @adopted: the pinned tables were
 * taken over, packets flowed meanwhile. @sync may be NULL (no peers). @memory:
 * of the daemon that this one goes on for, whose open gate stays open; or NULL.
 * A closed one waits for the peers anew, as their conversations with us do.
 * Looks at the peers every 50 ms while the gate is closed.
 */
int ha_new(struct event_base *base, const char *run_dir, bool adopted, uint32_t patience_ms,
	   struct sync *sync, const struct ha_memory *memory, struct ha **ret, struct error *err);

/* The notify script said so. -EINVAL names the roles. */
int ha_set_role(struct ha *ha, const char *role, struct error *err);

void ha_status(const struct ha *ha, struct ha_status *ret);

/*
 * Begin a planned switchover; without @force only once the peers are proven to
 * hold what this node holds, within @timeout_ms. -EPERM: this node isn't
 * master, has no peers, or its sync isn't running; -EBUSY: one is on. ha_look_failover shows how it goes.
 */
int ha_failover(struct ha *ha, bool force, uint32_t timeout_ms, struct error *err);

/* The latest switchover; while it waits for proof, it must be looked at to go on. */
void ha_look_failover(struct ha *ha, struct failover *ret);

/*
 * Print a keepalived.conf made from @config to *ret (free()): one VRRP
 * instance with every VIP, unicast peers, the gate as track_file, the notify
 * script at @notify_path. -EINVAL if the config has no vrrp section.
 */
int ha_keepalived_conf(const struct config *config, const char *run_dir, const char *notify_path,
		       char **ret, struct error *err);

/*
 * The cluster section is that of @config: another patience, other peers. Or sync
 * stops (@sync NULL, though @config has peers) and goes on.
 */
void ha_set_cluster(struct ha *ha, const struct config *config, struct sync *sync);

/* Leaves role and gate files as they are: the daemon may be replaced. Accepts NULL. */
void ha_free(struct ha *ha);

#endif
