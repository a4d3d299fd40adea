/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The upgrade of a whole cluster, node by node, as seen from one of them: what
 * is known of the nodes goes in; where the procedure stands, what is next, and
 * every check of that step come out. Pure.
 *
 *   each standby, one at a time                         the active node, last
 *   INSTALL -> DAEMON -> PACKET_PATH -> proven again     FAILOVER: it is a standby then
 *        \_____________________________________________________/
 *                              all at the target: DONE
 *
 * The package manager does INSTALL, systemd DAEMON; lbctl does what it can itself.
 * Nothing is remembered between two looks: the versions that the nodes run are
 * the state. A downgrade is the same with a lower target.
 */
#ifndef CLUSTER_PLAN_H
#define CLUSTER_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLAN_NAME_MAX 64
#define PLAN_TEXT_MAX 256
#define PLAN_CHECKS_MAX 64
#define PLAN_FRESH_MS 5000   /* digests go out once a second: an older proof is none */
#define PLAN_UNSYNCED_MS 200 /* changes are always under way: but not for long */

/* X(constant, name) */
#define PLAN_ROLES(X)         \
	X(UNKNOWN, "unknown") \
	X(ACTIVE, "active")   \
	X(STANDBY, "standby") \
	X(FAULT, "fault")

enum plan_role {
#define X(constant, name) PLAN_ROLE_##constant,
	PLAN_ROLES(X)
#undef X
};

/* Do the tables of two nodes agree? */
struct plan_proof {
	int64_t agreed_ms_ago; /* -1: never */
	int64_t differing;     /* regions, of the last digest */
};

struct plan_peer {
	char name[PLAN_NAME_MAX];
	char release[PLAN_NAME_MAX]; /* "": it doesn't say */
	enum plan_role role;
	bool live;		 /* our conversation towards it */
	bool received_all;	 /* its whole table is here */
	bool digests;		 /* it speaks a protocol that has them */
	int64_t heard_ms_ago;	 /* -1: never */
	int64_t unsynced_ms;	 /* age of the oldest change that it may lack */
	struct plan_proof holds; /* here of what it has */
	struct plan_proof held;	 /* there of what we have */
};

struct plan_facts {
	char name[PLAN_NAME_MAX];
	enum plan_role role;
	char installed[PLAN_NAME_MAX];
	char daemon[PLAN_NAME_MAX];
	char packet_path[PLAN_NAME_MAX]; /* "": none is loaded */
	int64_t breaking;		 /* connections, if this node died now */
	const struct plan_peer *peers;
	size_t peers_count;
};

/* X(constant, name, what it is) */
#define PLAN_STEPS(X)                                                           \
	X(DONE, "done", "every node runs the target")                           \
	X(INSTALL, "install", "install the target's package here")              \
	X(DAEMON, "daemon", "start the installed daemon here")                  \
	X(PACKET_PATH, "packet_path", "swap to the installed packet path here") \
	X(FAILOVER, "failover", "hand the VIPs over: this node is the last")    \
	X(ELSEWHERE, "elsewhere", "it is another node's turn")

enum plan_step {
#define X(constant, name, what) PLAN_##constant,
	PLAN_STEPS(X)
#undef X
};

struct plan_check {
	bool ok;
	char what[PLAN_TEXT_MAX];
};

struct plan {
	char target[PLAN_NAME_MAX];
	enum plan_step step;
	char where[PLAN_NAME_MAX];   /* the node whose turn it is */
	char command[PLAN_TEXT_MAX]; /* to be given there; "": none */
	bool blocked;		     /* a check failed: the step would hurt */
	struct plan_check checks[PLAN_CHECKS_MAX];
	size_t checks_count;
};

/* @target: the version to come to; NULL: the highest that is installed or runs anywhere. */
void plan_make(const struct plan_facts *facts, const char *target, struct plan *ret);

const char *plan_role_name(enum plan_role role);
enum plan_role plan_role_of(const char *name); /* UNKNOWN for any other */
const char *plan_step_name(enum plan_step step);
const char *plan_step_what(enum plan_step step);

#endif
