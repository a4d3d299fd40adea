// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files of the run directory:
 *
 *   role      what keepalived said last; by the notify script and by ha_set_role
 *   notifier  process ids of the keepalived that said so and of the script; by the script
 *   gate      what keepalived's track_file reads; by this file only
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
#include <time.h>

#include "base/log.h"
#include "base/runfile.h"
#include "ha/gate.h"

#define HA_LOOK_MS 50
#define HA_GATE_OPEN "0"
#define HA_GATE_CLOSED "-254"

struct ha {
	char run_dir[128];
	bool adopted;
	uint32_t patience_ms;
	struct sync *sync;
	struct event *timer;
	int64_t started_ms, role_ms;
	enum ha_role role;
	bool gate_open;
	bool failed; /* to open the gate: said once */
	char gate_reason[160];
};

static const char *const ha_role_names[] = {
#define X(constant, name) name,
	HA_ROLES(X)
#undef X
};

static int64_t ha_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

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
	int rc = runfile_write(ha->run_dir, "gate", open ? HA_GATE_OPEN : HA_GATE_CLOSED, err);

	if (rc)
		return rc;
	ha->gate_open = open;
	log_info("gate %s: %s", open ? "open" : "closed", ha->gate_reason);
	return 0;
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

/* Whether the gate may open now. Without memory for the peers it stays closed. */
static bool ha_decide(struct ha *ha)
{
	struct gate_view view = {
		.adopted = ha->adopted,
		.role = ha->role,
		.waited_ms = ha_now_ms() - ha->started_ms,
		.patience_ms = ha->patience_ms,
	};
	struct sync_peer_status *peers = NULL;
	bool open;

	if (ha->sync && sync_peers(ha->sync, &peers, &view.peers_count))
		return false;
	view.peers = peers;
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
	int rc = ha_set_gate(ha, ha_decide(ha), err);

	if (rc || ha->gate_open)
		return rc;
	ha->timer = event_new(base, -1, EV_PERSIST, ha_on_timer, ha);
	if (!ha->timer || event_add(ha->timer, &period))
		return error_set(err, -ENOMEM, "ha: no memory for its timer");
	return 0;
}

int ha_new(struct event_base *base, const char *run_dir, bool adopted, uint32_t patience_ms,
	   struct sync *sync, struct ha **ret, struct error *err)
{
	struct ha *ha = calloc(1, sizeof(*ha));
	int rc;

	if (!ha)
		return error_set(err, -ENOMEM, "ha: no memory");
	snprintf(ha->run_dir, sizeof(ha->run_dir), "%s", run_dir);
	ha->adopted = adopted;
	ha->patience_ms = patience_ms;
	ha->sync = sync;
	ha->started_ms = ha->role_ms = ha_now_ms();
	ha_load_role(ha);
	ha_tell_role(ha);
	rc = ha_start(ha, base, err);
	if (rc) {
		ha_free(ha);
		return rc;
	}
	*ret = ha;
	return 0;
}

int ha_set_role(struct ha *ha, const char *role, struct error *err)
{
	enum ha_role old = ha->role;

	if (ha_parse_role(role, &ha->role))
		return error_set(err, -EINVAL, "role \"%.32s\": expected master, backup or fault",
				 role);
	if (ha->role != old) {
		ha->role_ms = ha_now_ms();
		log_info("role: %s, was %s", ha_role_names[ha->role], ha_role_names[old]);
		ha_tell_role(ha);
	}
	return runfile_write(ha->run_dir, "role", ha_role_names[ha->role], err);
}

void ha_status(const struct ha *ha, struct ha_status *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->role = ha->role;
	ret->role_ms_ago = ha->role == HA_ROLE_UNKNOWN ? -1 : ha_now_ms() - ha->role_ms;
	ret->gate_open = ha->gate_open;
	memcpy(ret->gate_reason, ha->gate_reason, sizeof(ret->gate_reason));
}

void ha_set_cluster(struct ha *ha, uint32_t patience_ms, struct sync *sync)
{
	ha->patience_ms = patience_ms;
	ha->sync = sync;
	ha_tell_role(ha);
}

void ha_free(struct ha *ha)
{
	if (!ha)
		return;
	if (ha->timer)
		event_free(ha->timer);
	free(ha);
}
