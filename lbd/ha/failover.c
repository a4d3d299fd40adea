// SPDX-License-Identifier: GPL-2.0-or-later
#include "ha/failover.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *failover_state_name(enum failover_state state)
{
	static const char *const names[] = {
#define X(constant, name) [FAILOVER_##constant] = name,
		FAILOVER_STATES(X)
#undef X
	};

	return names[state];
}

void failover_take_state(struct failover *failover, const char *name)
{
	failover->state = FAILOVER_IDLE;
	for (int i = FAILOVER_MOVED; name && i <= FAILOVER_FAILED; i++)
		if (!strcmp(name, failover_state_name((enum failover_state)i)))
			failover->state = (enum failover_state)i;
}

static void failover_say(struct failover *failover, enum failover_state state, const char *format,
			 ...) __attribute__((format(printf, 3, 4)));

static void failover_say(struct failover *failover, enum failover_state state, const char *format,
			 ...)
{
	va_list args;

	failover->state = state;
	va_start(args, format);
	vsnprintf(failover->sentence, sizeof(failover->sentence), format, args);
	va_end(args);
}

bool failover_is_on(const struct failover *failover)
{
	return failover->state == FAILOVER_PROVING || failover->state == FAILOVER_MOVING;
}

void failover_begin(struct failover *failover, bool force, int64_t timeout_ms, int64_t now_ms)
{
	*failover = (struct failover){ .force = force,
				       .timeout_ms = timeout_ms,
				       .began_ms = now_ms,
				       .asked_ms = now_ms,
				       .without_master_ms = -1 };
	failover_say(failover, FAILOVER_PROVING, "looking at the peers");
}

void failover_refuse(struct failover *failover, const char *why)
{
	if (failover->state == FAILOVER_PROVING)
		failover_say(failover, FAILOVER_REFUSED, "%s", why);
}

void failover_asked(struct failover *failover, int64_t now_ms)
{
	failover->asked_ms = now_ms;
}

/* --- the proof */

/* What @peer lacks to take over, as a sentence. False: nothing. */
static bool failover_lacks(const struct sync_peer_status *peer, char *ret, size_t size)
{
	const struct sync_proof *held = &peer->held;

	if (peer->state != SYNC_STATE_LIVE)
		snprintf(ret, size, "%s hasn't been sent the whole table yet", peer->name);
	else if (peer->role != SYNC_ROLE_STANDBY)
		snprintf(ret, size, "%s doesn't say that it is standby", peer->name);
	else if (peer->unsynced_ms > FAILOVER_UNSYNCED_MS)
		snprintf(ret, size, "%s may lack changes of the last %" PRId64 " ms", peer->name,
			 peer->unsynced_ms);
	else if (peer->version > 1 && held->agreed_ms_ago < 0)
		snprintf(
			ret, size,
			"%s hasn't proven yet that it holds what we hold: %u regions agree, %u are "
			"unsettled, %u differ",
			peer->name, held->agreed, held->unsettled, held->differing);
	else if (peer->version > 1 && held->agreed_ms_ago > FAILOVER_FRESH_MS)
		snprintf(ret, size, "the last proof of %s is %" PRId64 " ms old", peer->name,
			 held->agreed_ms_ago);
	else
		return false;
	return true;
}

/* Does every peer that answers hold what we hold? *ret says what is missing. */
static bool failover_proven(const struct sync_peer_status *peers, uint32_t count, char *ret,
			    size_t size)
{
	bool answered = false;

	snprintf(ret, size, "no peer answers");
	for (uint32_t i = 0; i < count; i++) {
		if (peers[i].heard_ms_ago < 0 || peers[i].heard_ms_ago > FAILOVER_SILENT_MS)
			continue;
		if (failover_lacks(&peers[i], ret, size))
			return false;
		answered = true;
	}
	return answered;
}

static enum failover_action failover_shut(struct failover *failover, int64_t now_ms,
					  const char *why)
{
	failover->shut_ms = now_ms;
	failover_say(failover, FAILOVER_MOVING, "%s; letting go of the VIPs", why);
	return FAILOVER_SHUT;
}

static enum failover_action failover_prove(struct failover *failover, int64_t now_ms,
					   const struct sync_peer_status *peers, uint32_t count)
{
	char lacks[160];

	if (failover->force)
		return failover_shut(failover, now_ms, "without proof, as told");
	if (failover_proven(peers, count, lacks, sizeof(lacks)))
		return failover_shut(failover, now_ms, "the peer holds what this node holds");
	if (now_ms - failover->asked_ms > FAILOVER_ASKED_MS)
		failover_say(failover, FAILOVER_REFUSED, "nobody waits for it any more");
	else if (now_ms - failover->began_ms >= failover->timeout_ms)
		failover_say(failover, FAILOVER_REFUSED, "no proof within %" PRId64 " ms: %s",
			     failover->timeout_ms, lacks);
	else
		failover_say(failover, FAILOVER_PROVING, "waiting for proof: %s", lacks);
	return FAILOVER_NOTHING;
}

/* --- the move */

static enum failover_action failover_move(struct failover *failover, int64_t now_ms,
					  const struct sync_peer_status *peers, uint32_t count)
{
	int64_t since_ms = now_ms - failover->shut_ms;

	for (uint32_t i = 0; i < count; i++) {
		if (peers[i].role != SYNC_ROLE_ACTIVE || peers[i].heard_ms_ago < 0 ||
		    peers[i].heard_ms_ago > since_ms)
			continue;
		failover->without_master_ms = since_ms;
		failover_say(failover, FAILOVER_MOVED,
			     "%s is active, heard %" PRId64 " ms after this node let go",
			     peers[i].name, since_ms);
		return FAILOVER_YIELD;
	}
	if (since_ms < FAILOVER_TAKE_MS)
		return FAILOVER_NOTHING;
	failover_say(failover, FAILOVER_FAILED,
		     "no peer became active within %d ms: this node may have the VIPs again",
		     FAILOVER_TAKE_MS);
	return FAILOVER_OPEN;
}

enum failover_action failover_turn(struct failover *failover, int64_t now_ms,
				   const struct sync_peer_status *peers, uint32_t count)
{
	if (failover->state == FAILOVER_PROVING)
		return failover_prove(failover, now_ms, peers, count);
	if (failover->state == FAILOVER_MOVING)
		return failover_move(failover, now_ms, peers, count);
	return FAILOVER_NOTHING;
}
