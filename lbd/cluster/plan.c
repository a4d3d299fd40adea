// SPDX-License-Identifier: GPL-2.0-or-later
#include "cluster/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const plan_roles[] = {
#define X(constant, name) name,
	PLAN_ROLES(X)
#undef X
};

static const struct {
	const char *name, *what;
} plan_steps[] = {
#define X(constant, name, what) { name, what },
	PLAN_STEPS(X)
#undef X
};

const char *plan_role_name(enum plan_role role)
{
	return plan_roles[role];
}

enum plan_role plan_role_of(const char *name)
{
	for (size_t i = 0; i < sizeof(plan_roles) / sizeof(*plan_roles); i++)
		if (strcmp(name, plan_roles[i]) == 0)
			return (enum plan_role)i;
	return PLAN_ROLE_UNKNOWN;
}

const char *plan_step_name(enum plan_step step)
{
	return plan_steps[step].name;
}

const char *plan_step_what(enum plan_step step)
{
	return plan_steps[step].what;
}

/* --- whose turn is it? */

static const char *plan_higher(const char *a, const char *b)
{
	return strverscmp(a, b) >= 0 ? a : b;
}

static const char *plan_highest(const struct plan_facts *facts)
{
	const char *highest = plan_higher(facts->installed, facts->daemon);

	highest = plan_higher(highest, facts->packet_path);
	for (size_t i = 0; i < facts->peers_count; i++)
		highest = plan_higher(highest, facts->peers[i].release);
	return highest;
}

/* The first peer of @role that runs something else; NULL: there is none. */
static const struct plan_peer *plan_behind(const struct plan_facts *facts, const char *target,
					   enum plan_role role)
{
	for (size_t i = 0; i < facts->peers_count; i++)
		if (facts->peers[i].role == role && strcmp(facts->peers[i].release, target) != 0)
			return &facts->peers[i];
	return NULL;
}

static const struct plan_peer *plan_next_peer(const struct plan_facts *facts, const char *target)
{
	static const enum plan_role order[] = { PLAN_ROLE_STANDBY, PLAN_ROLE_FAULT,
						PLAN_ROLE_UNKNOWN, PLAN_ROLE_ACTIVE };
	const struct plan_peer *peer = NULL;

	for (size_t i = 0; i < sizeof(order) / sizeof(*order) && !peer; i++)
		peer = plan_behind(facts, target, order[i]);
	return peer;
}

/* What this node lacks, in the order in which it gets it; DONE: nothing. */
static enum plan_step plan_own(const struct plan_facts *facts, const char *target)
{
	if (strcmp(facts->daemon, target) != 0)
		return strcmp(facts->installed, target) ? PLAN_INSTALL : PLAN_DAEMON;
	if (strcmp(facts->packet_path, target) != 0)
		return strcmp(facts->installed, target) ? PLAN_INSTALL : PLAN_PACKET_PATH;
	return PLAN_DONE;
}

/* The active node is the last, and hands over first: unless it is alone. */
static enum plan_step plan_choose(const struct plan_facts *facts, const char *target,
				  const struct plan_peer *next)
{
	enum plan_step own = plan_own(facts, target);

	if (facts->role != PLAN_ROLE_ACTIVE || !facts->peers_count)
		return own != PLAN_DONE || !next ? own : PLAN_ELSEWHERE;
	if (next)
		return PLAN_ELSEWHERE;
	return own == PLAN_DONE ? PLAN_DONE : PLAN_FAILOVER;
}

/* --- would it hurt? */

static void plan_check(struct plan *plan, bool ok, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void plan_check(struct plan *plan, bool ok, const char *format, ...)
{
	struct plan_check *check = &plan->checks[plan->checks_count];
	va_list args;

	plan->blocked |= !ok;
	if (plan->checks_count == PLAN_CHECKS_MAX)
		return;
	check->ok = ok;
	va_start(args, format);
	vsnprintf(check->what, sizeof(check->what), format, args);
	va_end(args);
	plan->checks_count++;
}

static const struct plan_peer *plan_active_peer(const struct plan_facts *facts)
{
	for (size_t i = 0; i < facts->peers_count; i++)
		if (facts->peers[i].role == PLAN_ROLE_ACTIVE && facts->peers[i].live)
			return &facts->peers[i];
	return NULL;
}

/* One carries the traffic, and this node knows its part. */
static void plan_check_roles(const struct plan_facts *facts, struct plan *plan)
{
	const struct plan_peer *active = plan_active_peer(facts);
	bool own = facts->role == PLAN_ROLE_ACTIVE;

	if (own && active)
		plan_check(plan, false, "this node and %s both say that they are active",
			   active->name);
	else if (own)
		plan_check(plan, true, "this node is active");
	else if (facts->role != PLAN_ROLE_STANDBY)
		plan_check(
			plan, false,
			"this node's role is %s, expected standby or active: is keepalived well?",
			plan_role_name(facts->role));
	else if (active)
		plan_check(plan, true, "this node is standby, %s is active", active->name);
	else
		plan_check(
			plan, false,
			"this node is standby, but no peer that is heard says that it is active");
}

static void plan_check_sync(const struct plan_peer *peer, struct plan *plan)
{
	if (peer->heard_ms_ago < 0)
		plan_check(plan, false, "%s was never heard", peer->name);
	else if (!peer->live)
		plan_check(plan, false,
			   "%s isn't in sync, last heard %lld ms ago: one node at a time",
			   peer->name, (long long)peer->heard_ms_ago);
	else if (!peer->received_all)
		plan_check(plan, false, "%s is in sync, but its whole table isn't here yet",
			   peer->name);
	else if (peer->unsynced_ms > PLAN_UNSYNCED_MS)
		plan_check(plan, false, "%s may lack changes of the last %lld ms", peer->name,
			   (long long)peer->unsynced_ms);
	else
		plan_check(plan, true, "%s is in sync, last heard %lld ms ago", peer->name,
			   (long long)peer->heard_ms_ago);
}

/* A node sends digests unless it is standby and the other active: so one side judges. */
static void plan_check_proof(const struct plan_facts *facts, const struct plan_peer *peer,
			     struct plan *plan)
{
	bool active = facts->role == PLAN_ROLE_ACTIVE;
	const struct plan_proof *proof = active ? &peer->held : &peer->holds;
	const char *holder = active ? peer->name : facts->name;
	const char *owner = active ? facts->name : peer->name;

	if (!active && peer->role != PLAN_ROLE_ACTIVE)
		return;
	if (!peer->digests)
		plan_check(plan, true, "%s speaks a protocol without proofs: its word counts",
			   peer->name);
	else if (proof->differing > 0)
		plan_check(plan, false, "%s differs from %s in %lld regions of the table", holder,
			   owner, (long long)proof->differing);
	else if (proof->agreed_ms_ago < 0 || proof->agreed_ms_ago > PLAN_FRESH_MS)
		plan_check(plan, false, "%s isn't proven to hold what %s holds", holder, owner);
	else
		plan_check(plan, true, "%s is proven to hold what %s holds, %lld ms ago", holder,
			   owner, (long long)proof->agreed_ms_ago);
}

static void plan_check_all(const struct plan_facts *facts, struct plan *plan)
{
	if (!facts->peers_count) {
		plan_check(plan, true,
			   "this node is alone: its swaps lose nothing, its death everything");
		return;
	}
	plan_check_roles(facts, plan);
	for (size_t i = 0; i < facts->peers_count; i++) {
		plan_check_sync(&facts->peers[i], plan);
		plan_check_proof(facts, &facts->peers[i], plan);
	}
	if (facts->role == PLAN_ROLE_ACTIVE)
		plan_check(plan, !facts->breaking,
			   "if this node died now, %lld connections would break",
			   (long long)facts->breaking);
}

/* --- and how? */

/* An active peer may be of a release that has no such command: what it would do has one of its own. */
static const char *plan_command(const struct plan *plan, const struct plan_peer *next)
{
	switch (plan->step) {
	case PLAN_DONE:
		return "";
	case PLAN_INSTALL:
		return "install that lbd by the package manager, then: lbctl cluster upgrade";
	case PLAN_DAEMON:
		return "systemctl restart lbd, then: lbctl cluster upgrade";
	case PLAN_ELSEWHERE:
		if (next->role == PLAN_ROLE_ACTIVE)
			return "lbctl failover, then: lbctl cluster upgrade";
		return "lbctl cluster upgrade";
	default:
		return "lbctl cluster upgrade";
	}
}

void plan_make(const struct plan_facts *facts, const char *target, struct plan *ret)
{
	const struct plan_peer *next;

	memset(ret, 0, sizeof(*ret));
	snprintf(ret->target, sizeof(ret->target), "%s", target ? target : plan_highest(facts));
	next = plan_next_peer(facts, ret->target);
	ret->step = plan_choose(facts, ret->target, next);
	snprintf(ret->where, sizeof(ret->where), "%s",
		 ret->step == PLAN_ELSEWHERE ? next->name : facts->name);
	snprintf(ret->command, sizeof(ret->command), "%s", plan_command(ret, next));
	plan_check_all(facts, ret);
}
