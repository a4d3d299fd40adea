// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/packet_cases.h"

#include "tests/bench/flow.h"

#define K64 (1U << 16)
#define M1 (1U << 20)
#define FILL_TABLE (2U * SCENE_SLOTS)
/* A table for 64k flows, and one that any case fits in. */
#define SMALL (SCENE_SLOTS_A_FLOW * K64)
#define LARGE SCENE_SLOTS

static const struct scene dsr4 = { .forward = LBD_FORWARD_DSR };
static const struct scene dsr6 = { .ipv6 = true, .forward = LBD_FORWARD_DSR };
static const struct scene ipip4 = { .forward = LBD_FORWARD_IPIP };
static const struct scene ipip6 = { .ipv6 = true, .forward = LBD_FORWARD_IPIP };
static const struct scene gue4 = { .forward = LBD_FORWARD_GUE };
static const struct scene gue6 = { .ipv6 = true, .forward = LBD_FORWARD_GUE };
static const struct scene gre4 = { .forward = LBD_FORWARD_GRE };
static const struct scene vxlan4 = { .forward = LBD_FORWARD_VXLAN };
static const struct scene geneve4 = { .forward = LBD_FORWARD_GENEVE };
static const struct scene nat4 = { .forward = LBD_FORWARD_NAT };

/* The guard, and the same packets without it. */
#define LIST_FILE(family) "/tmp/lbd-bench-deny" #family
static const struct scene open4 = { .spread = true };
static const struct scene open6 = { .ipv6 = true, .spread = true };
static const struct scene guard4 = { .spread = true, .over = &open4, .lists = LIST_FILE(4) };
static const struct scene guard6 = {
	.ipv6 = true, .spread = true, .over = &open6, .lists = LIST_FILE(6)
};
static const struct scene limits4 = { .spread = true, .over = &open4, .limits = true };
static const struct scene limits6 = {
	.ipv6 = true, .spread = true, .over = &open6, .limits = true
};

/* Each flow comes once in so many packets: the first time it is entered, then confirmed. */
#define HIT_TIMES(name, scene, slots, flows, times, other)                                    \
	{                                                                                     \
		name, scene, SCENE_ACK, slots, flows, 2 * (flows), LBD_OUTCOME_FORWARD_KNOWN, \
			times, other                                                          \
	}
#define HIT(name, scene, slots, flows, ns) HIT_TIMES(name, scene, slots, flows, ns, NULL)
#define HITS(prefix, scene, one, many, more)                     \
	HIT(prefix ".hit.1", scene, SMALL, 1, one),              \
		HIT(prefix ".hit.64k", scene, SMALL, K64, many), \
		HIT(prefix ".hit.1m", scene, LARGE, M1, more)
#define HITS_TIMES(prefix, scene, times, other)                                           \
	HIT_TIMES(prefix ".hit.1", scene, SMALL, 1, times, other ".hit.1"),               \
		HIT_TIMES(prefix ".hit.64k", scene, SMALL, K64, times, other ".hit.64k"), \
		HIT_TIMES(prefix ".hit.1m", scene, LARGE, M1, times, other ".hit.1m")
#define ANSWERS(name, scene, flows)                                                               \
	{                                                                                         \
		name, scene, SCENE_ANSWER, SMALL, flows, 2 * (flows), LBD_OUTCOME_FORWARD_RETURN, \
			0, NULL                                                                   \
	}
#define FULL_TIMES(name, scene, times, other)                                                      \
	{                                                                                          \
		name, scene, SCENE_ACK, LARGE, FLOW_EACH_NEW, FILL_TABLE, LBD_OUTCOME_FORWARD_NEW, \
			times, other                                                               \
	}
#define FULL(name, scene, ns) FULL_TIMES(name, scene, ns, NULL)
#define ONCE(name, scene, packet, flows, outcome)                      \
	{                                                              \
		name, scene, packet, LARGE, flows, 1, outcome, 0, NULL \
	}

const struct packet_case packet_cases[] = {
	HITS("packet.ipip4", &ipip4, 35, 100, 140),
	HIT("packet.ipip4.hit.64k.large", &ipip4, LARGE, K64, 0),
	ONCE("packet.ipip4.syn", &ipip4, SCENE_SYN, FLOW_EACH_NEW, LBD_OUTCOME_FORWARD_FIRST),
	FULL("packet.ipip4.new.full", &ipip4, 130),
	HITS("packet.dsr4", &dsr4, 0, 0, 0),
	ONCE("packet.pass4", &dsr4, SCENE_FOREIGN, 1, LBD_OUTCOME_PASS_NO_SERVICE),
	HITS_TIMES("packet.nat4", &nat4, 1.6, "packet.dsr4"),
	ANSWERS("packet.nat4.return.hit.1", &nat4, 1),
	ANSWERS("packet.nat4.return.hit.64k", &nat4, K64),
	HITS_TIMES("packet.gue4", &gue4, 1.2, "packet.ipip4"),
	HIT("packet.gre4.hit.1", &gre4, SMALL, 1, 0),
	HIT("packet.vxlan4.hit.1", &vxlan4, SMALL, 1, 0),
	HIT("packet.geneve4.hit.1", &geneve4, SMALL, 1, 0),
	HITS_TIMES("packet.ipip6", &ipip6, 1.3, "packet.ipip4"),
	FULL_TIMES("packet.ipip6.new.full", &ipip6, 1.3, "packet.ipip4.new.full"),
	HITS_TIMES("packet.dsr6", &dsr6, 1.3, "packet.dsr4"),
	ONCE("packet.pass6", &dsr6, SCENE_FOREIGN, 1, LBD_OUTCOME_PASS_NO_SERVICE),
	HIT_TIMES("packet.gue6.hit.1", &gue6, SMALL, 1, 1.2, "packet.ipip6.hit.1"),
	HITS("packet.guard4", &guard4, 40, 40, 40),
	HIT("packet.limits4.hit.64k", &limits4, SMALL, K64, 0),
	HIT("packet.guard6.hit.64k", &guard6, SMALL, K64, 40),
	HIT("packet.limits6.hit.64k", &limits6, SMALL, K64, 0),
};

const size_t packet_cases_count = sizeof(packet_cases) / sizeof(*packet_cases);
