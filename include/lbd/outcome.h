/* SPDX-License-Identifier: GPL-2.0-or-later OR GPL-2.0-only */
/*
 * What can happen to a packet. Every exit of the packet path names exactly one
 * outcome; the counter, its name in metrics and JSON, and the sentence that
 * lbctl prints all come from this list.
 *
 *   X(constant, name, kind, sentence)
 *
 * Kinds: PASS left to the kernel, FORWARD sent to a backend, DROP dropped.
 * The order is the index of the pinned counter: append, never reorder.
 */
#ifndef LBD_OUTCOME_H
#define LBD_OUTCOME_H

#define LBD_OUTCOMES(X)                                                                           \
	X(PASS_NOT_IP, "pass_not_ip", PASS,                                                       \
	  "neither IPv4 nor IPv6 (ARP, LLDP): left to the kernel")                                \
	X(PASS_NOT_L4, "pass_not_l4", PASS,                                                       \
	  "neither TCP nor UDP (VRRP, ICMP, ND): left to the kernel")                             \
	X(PASS_NO_SERVICE, "pass_no_service", PASS,                                               \
	  "no service has this address, port and protocol: left to the kernel")                   \
	X(PASS_TRUNCATED, "pass_truncated", PASS, "headers cut short: left to the kernel")        \
	X(PASS_NO_GENERATION, "pass_no_generation", PASS,                                         \
	  "no packet path is loaded in the running slot: left to the kernel")                     \
	X(FORWARD_KNOWN, "forward_known", FORWARD, "forwarded, connection in the table")          \
	X(FORWARD_NEW, "forward_new", FORWARD, "forwarded, connection entered in the table")      \
	X(FORWARD_FIRST, "forward_first", FORWARD,                                                \
	  "forwarded, first packet (SYN): picked by Maglev, no entry yet")                        \
	X(FORWARD_UNTRACKED, "forward_untracked", FORWARD,                                        \
	  "forwarded, picked by Maglev without an entry: no slot could be taken, or it closes "   \
	  "(FIN, RST)")                                                                           \
	X(FORWARD_REPICKED, "forward_repicked", FORWARD,                                          \
	  "forwarded, the connection's backend takes it no longer: picked again")                 \
	X(DROP_FRAGMENT, "drop_fragment", DROP, "dropped, a later fragment shows no ports")       \
	X(DROP_NO_BACKEND, "drop_no_backend", DROP, "dropped, the service has no usable backend") \
	X(DROP_UNRESOLVED, "drop_unresolved", DROP,                                               \
	  "dropped, the backend's next hop (MAC address) is not known")                           \
	X(DROP_TOO_BIG, "drop_too_big", DROP,                                                     \
	  "dropped, does not fit the link with its tunnel header")                                \
	X(DROP_HEADROOM, "drop_headroom", DROP,                                                   \
	  "dropped, the driver left no room for a tunnel header")                                 \
	X(DROP_TABLE, "drop_table", DROP, "dropped, the service tables contradict each other")    \
	X(PASS_OTHER_HOST, "pass_other_host", PASS,                                               \
	  "to a service, but in a frame for another host's MAC address: left to the kernel")

enum lbd_outcome {
#define X(constant, name, kind, sentence) LBD_OUTCOME_##constant,
	LBD_OUTCOMES(X)
#undef X
		LBD_OUTCOME_COUNT,
};

enum lbd_outcome_kind {
	LBD_KIND_PASS,
	LBD_KIND_FORWARD,
	LBD_KIND_DROP,
};

/* A bit for each outcome that drops the packet. */
#define LBD_OUTCOME_DROP_BIT(constant, name, kind, sentence) \
	| (unsigned long long)(LBD_KIND_##kind == LBD_KIND_DROP) << LBD_OUTCOME_##constant
#define LBD_OUTCOME_DROPS (0ULL LBD_OUTCOMES(LBD_OUTCOME_DROP_BIT))

/* Room in the pinned counter map, so that a new outcome needs no new map. */
#define LBD_OUTCOME_MAX 64

#endif
