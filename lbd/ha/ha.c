// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files of the run directory:
 *
 *   role      what keepalived said last; by the notify script and by ha_set_role
 *   notifier  process ids of the keepalived that said so and of the script; by the script
 *   gate      what keepalived's track_file reads; by this file only
 *   term      of the last takeover (sync/term.h); by sync
 *
 * A role is worth nothing without the keepalived that gave it: when a node was
 * killed as a whole, its peer has the VIP since, whatever "role" still says,
 * and its tables are old. So a role whose notifier is gone is UNKNOWN, and the
 * gate stays closed until a peer has sent its table.
 */
#include "ha/ha.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/monotonic.h"
#include "base/runfile.h"
#include "ha/gate.h"

#define HA_LOOK_MS 50
#define HA_GATE_OPEN "0"
#define HA_GATE_CLOSED "-254"

/*
 * What a node ranks lower after it has handed over: more than priorities of one
 * cluster differ by, but less than a node whose lbd is gone loses (keepalived.c).
 */
#define HA_GATE_YIELDED "-50"
#define HA_FAILOVER_LOOK_MS 10

struct ha {
	char run_dir[128];
	bool adopted;
	uint32_t patience_ms;
	bool has_peers;
	struct sync *sync; /* NULL with peers: it isn't running */
	struct event_base *base;
	struct event *timer;
	struct event *failover_timer;
	struct failover failover;
	bool yielded;
	int64_t asked_ms; /* since when sync has run: who hasn't answered by then? */
	int64_t role_ms;
	int64_t complete_ms; /* when all that is waited for was here; -1 */
	enum ha_role role;
	bool gate_open;
	bool failed; /* to open the gate: said once */
	char gate_reason[240];
};

static const char *const ha_role_names[] = {
#define X(constant, name) name,
	HA_ROLES(X)
#undef X
};

/* UNKNOWN isn't a role that can be given. */
static int ha_parse_role(const char *name, enum ha_role *ret)
{
	for (unsigned int i = HA_ROLE_MASTER; i <= HA_ROLE_FAULT; i++) {
		if (!strcmp(name, ha_role_names[i])) {
			*ret = (enum ha_role)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* No notifier: the role was given by hand, and stands. */
static bool ha_notifier_is_gone(const char *run_dir)
{
	char line[32], dir[64], name[32];
	unsigned int pid;

	if (runfile_read(run_dir, "notifier", line, sizeof(line), NULL))
		return false;
	if (sscanf(line, "%u", &pid) != 1)
		return true;
	snprintf(dir, sizeof(dir), "/proc/%u", pid);
	return runfile_read(dir, "comm", name, sizeof(name), NULL) ||
	       strncmp(name, "keepalived", strlen("keepalived"));
}

static void ha_load_role(struct ha *ha)
{
	char line[32];
	int64_t age_ms;

	if (runfile_read(ha->run_dir, "role", line, sizeof(line), &age_ms))
		return;
	if (ha_parse_role(line, &ha->role) || ha_notifier_is_gone(ha->run_dir))
		ha->role = HA_ROLE_UNKNOWN;
	else
		ha->role_ms -= age_ms;
}

static int ha_set_gate(struct ha *ha, bool open, struct error *err)
{
	const char *value = ha->yielded ? HA_GATE_YIELDED : HA_GATE_OPEN;
	int rc = runfile_write(ha->run_dir, "gate", open ? value : HA_GATE_CLOSED, err);

	if (rc)
		return rc;
	ha->gate_open = open;
	log_info("gate %s: %s", open ? "open" : "closed", ha->gate_reason);
	return 0;
}

/* One that handed over and starts again still ranks lower; a reboot has removed the file. */
static void ha_load_yielded(struct ha *ha)
{
	char line[32];

	ha->yielded = !runfile_read(ha->run_dir, "gate", line, sizeof(line), NULL) &&
		      !strcmp(line, HA_GATE_YIELDED);
}

/* What the peers hear of it. */
static void ha_tell_role(const struct ha *ha)
{
	static const enum sync_role roles[] = {
		[HA_ROLE_UNKNOWN] = SYNC_ROLE_UNKNOWN,
		[HA_ROLE_MASTER] = SYNC_ROLE_ACTIVE,
		[HA_ROLE_BACKUP] = SYNC_ROLE_STANDBY,
		[HA_ROLE_FAULT] = SYNC_ROLE_STANDBY,
	};

	if (ha->sync)
		sync_set_role(ha->sync, roles[ha->role]);
}

/* The patience with a proof begins when everything is here: a long resync isn't cut short. */
static int64_t ha_time_complete(struct ha *ha, const struct gate_view *view)
{
	if (!gate_is_complete(view))
		ha->complete_ms = -1;
	else if (ha->complete_ms < 0)
		ha->complete_ms = monotonic_ms();
	return ha->complete_ms < 0 ? 0 : monotonic_ms() - ha->complete_ms;
}

/* Whether the gate may open now. Without memory for the peers it stays closed. */
static bool ha_decide(struct ha *ha)
{
	struct gate_view view = {
		.adopted = ha->adopted,
		.role = ha->role,
		.unasked = ha->has_peers && !ha->sync,
		.waited_ms = monotonic_ms() - ha->asked_ms,
		.patience_ms = ha->patience_ms,
	};
	struct sync_peer_status *peers = NULL;
	bool open;

	if (ha->sync && sync_peers(ha->sync, &peers, &view.peers_count))
		return false;
	view.peers = peers;
	view.complete_ms = ha_time_complete(ha, &view);
	open = gate_decide(&view, ha->gate_reason, sizeof(ha->gate_reason));
	free(peers);
	return open;
}

/* Only while the gate is closed. */
static void ha_on_timer(evutil_socket_t fd, short what, void *context)
{
	struct ha *ha = context;
	struct error err;

	(void)fd, (void)what;
	if (!ha_decide(ha))
		return;
	if (!ha_set_gate(ha, true, &err)) {
		event_del(ha->timer);
	} else if (!ha->failed) {
		log_report("the gate couldn't be opened, trying on", &err);
		ha->failed = true;
	}
}

static int ha_start(struct ha *ha, struct event_base *base, struct error *err)
{
	const struct timeval period = { .tv_usec = HA_LOOK_MS * 1000 };
	int rc = ha_set_gate(ha, ha->gate_open || ha_decide(ha), err);

	if (rc || ha->gate_open)
		return rc;
	ha->timer = event_new(base, -1, EV_PERSIST, ha_on_timer, ha);
	if (!ha->timer || event_add(ha->timer, &period))
		return error_set(err, -ENOMEM, "ha: no memory for its timer");
	return 0;
}

void ha_remember(const struct ha *ha, struct ha_memory *ret)
{
	*ret = (struct ha_memory){ .gate_open = ha->gate_open, .failover = ha->failover };
	memcpy(ret->gate_reason, ha->gate_reason, sizeof(ret->gate_reason));
}

static void ha_take_memory(struct ha *ha, const struct ha_memory *memory)
{
	ha->gate_open = memory->gate_open;
	ha->failover = memory->failover;
	memcpy(ha->gate_reason, memory->gate_reason, sizeof(ha->gate_reason));
}

int ha_new(struct event_base *base, const char *run_dir, bool adopted, uint32_t patience_ms,
	   struct sync *sync, const struct ha_memory *memory, struct ha **ret, struct error *err)
{
	struct ha *ha = calloc(1, sizeof(*ha));
	int rc;

	if (!ha)
		return error_set(err, -ENOMEM, "ha: no memory");
	snprintf(ha->run_dir, sizeof(ha->run_dir), "%s", run_dir);
	ha->adopted = adopted;
	ha->base = base;
	ha->patience_ms = patience_ms;
	ha->has_peers = sync != NULL;
	ha->sync = sync;
	ha->failover.without_master_ms = -1;
	ha->asked_ms = ha->role_ms = monotonic_ms();
	ha->complete_ms = -1;
	ha_load_role(ha);
	ha_load_yielded(ha);
	ha_tell_role(ha);
	if (memory)
		ha_take_memory(ha, memory);
	rc = ha_start(ha, base, err);
	if (rc) {
		ha_free(ha);
		return rc;
	}
	*ret = ha;
	return 0;
}

/* --- the planned switchover */

/* Why there is nobody who could take over; NULL: there may be. */
static const char *ha_failover_lacks(const struct ha *ha)
{
	if (ha->sync)
		return NULL;
	return ha->has_peers ? "sync isn't running: no peer can prove that it holds everything"
			     : "no peers are configured: nobody could take over";
}

static void ha_failover_act(struct ha *ha, enum failover_action action)
{
	struct error err;

	if (action == FAILOVER_NOTHING)
		return;
	ha->yielded = action == FAILOVER_YIELD;
	snprintf(ha->gate_reason, sizeof(ha->gate_reason), "%s%.160s",
		 ha->yielded ? "it let go of the VIPs, and ranks lower until it is master again: "
			     : "",
		 ha->failover.sentence);
	if (ha_set_gate(ha, action != FAILOVER_SHUT, &err))
		log_report("failover: the gate couldn't be moved", &err);
}

/* It comes to nothing without sync; once it has let go, whether a peer has the VIPs isn't known. */
static void ha_failover_unasked(struct ha *ha)
{
	enum failover_action action;

	failover_refuse(&ha->failover, ha_failover_lacks(ha));
	action = failover_turn(&ha->failover, monotonic_ms(), NULL, 0);
	if (action == FAILOVER_OPEN && ha->has_peers)
		action = FAILOVER_YIELD;
	ha_failover_act(ha, action);
}

static void ha_failover_ask(struct ha *ha)
{
	struct sync_peer_status *peers = NULL;
	uint32_t count = 0;

	if (sync_peers(ha->sync, &peers, &count))
		return;
	ha_failover_act(ha, failover_turn(&ha->failover, monotonic_ms(), peers, count));
	free(peers);
}

static void ha_on_failover(evutil_socket_t fd, short what, void *context)
{
	struct ha *ha = context;

	(void)fd, (void)what;
	if (ha->sync)
		ha_failover_ask(ha);
	else
		ha_failover_unasked(ha);
	if (failover_is_on(&ha->failover))
		return;
	event_del(ha->failover_timer);
	log_info("failover: %s: %s", failover_state_name(ha->failover.state),
		 ha->failover.sentence);
}

static int ha_failover_check(const struct ha *ha, struct error *err)
{
	if (ha_failover_lacks(ha))
		return error_set(err, -EPERM, "%s", ha_failover_lacks(ha));
	if (ha->role != HA_ROLE_MASTER)
		return error_set(err, -EPERM,
				 "this node's role is %s: a switchover begins on the active node",
				 ha_role_names[ha->role]);
	if (failover_is_on(&ha->failover))
		return error_set(err, -EBUSY, "a switchover is on already");
	return 0;
}

int ha_failover(struct ha *ha, bool force, uint32_t timeout_ms, struct error *err)
{
	const struct timeval period = { .tv_usec = HA_FAILOVER_LOOK_MS * 1000 };
	int rc = ha_failover_check(ha, err);

	if (rc)
		return rc;
	if (!ha->failover_timer)
		ha->failover_timer = event_new(ha->base, -1, EV_PERSIST, ha_on_failover, ha);
	if (!ha->failover_timer || event_add(ha->failover_timer, &period))
		return error_set(err, -ENOMEM, "failover: no memory for its timer");
	failover_begin(&ha->failover, force, timeout_ms, monotonic_ms());
	return 0;
}

void ha_look_failover(struct ha *ha, struct failover *ret)
{
	failover_asked(&ha->failover, monotonic_ms());
	*ret = ha->failover;
}

/* Master again: its full rank is its own. */
static void ha_take_rank(struct ha *ha)
{
	struct error err;

	if (!ha->yielded)
		return;
	ha->yielded = false;
	snprintf(ha->gate_reason, sizeof(ha->gate_reason), "it became master again");
	if (ha_set_gate(ha, true, &err))
		log_report("the gate couldn't be raised", &err);
}

int ha_set_role(struct ha *ha, const char *role, struct error *err)
{
	enum ha_role old = ha->role;

	if (ha_parse_role(role, &ha->role))
		return error_set(err, -EINVAL, "role \"%.32s\": expected master, backup or fault",
				 role);
	if (ha->role != old) {
		ha->role_ms = monotonic_ms();
		log_info("role: %s, was %s", ha_role_names[ha->role], ha_role_names[old]);
		ha_tell_role(ha);
	}
	if (ha->role == HA_ROLE_MASTER)
		ha_take_rank(ha);
	return runfile_write(ha->run_dir, "role", ha_role_names[ha->role], err);
}

void ha_status(const struct ha *ha, struct ha_status *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->role = ha->role;
	ret->role_ms_ago = ha->role == HA_ROLE_UNKNOWN ? -1 : monotonic_ms() - ha->role_ms;
	ret->gate_open = ha->gate_open;
	memcpy(ret->gate_reason, ha->gate_reason, sizeof(ret->gate_reason));
}

void ha_set_cluster(struct ha *ha, const struct config *config, struct sync *sync)
{
	/* Its peers have yet to be heard: they haven't been silent before. */
	if (sync && !ha->sync)
		ha->asked_ms = monotonic_ms();
	ha->patience_ms = config->cluster.patience_ms;
	ha->has_peers = config->cluster.peers_count > 0;
	ha->sync = sync;
	ha_tell_role(ha);
}

void ha_free(struct ha *ha)
{
	if (!ha)
		return;
	if (ha->timer)
		event_free(ha->timer);
	if (ha->failover_timer)
		event_free(ha->failover_timer);
	free(ha);
}
