/* SPDX-License-Identifier: GPL-2.0-or-later OR GPL-2.0-only */
/*
 * What can happen to a packet. Every exit of the packet path names exactly one
 * outcome; the counter, its name in metrics and JSON, and the sentence that
 * lbctl prints all come from this list.
 *
 *   X(constant, name, kind, sentence)
 *
 * Kinds: PASS left to the kernel, FORWARD sent to a backend or back to its
 * client, ANSWER answered by this node, DROP dropped.
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
	  "dropped, the next hop (MAC address) to the backend or client is not known")            \
	X(DROP_TOO_BIG, "drop_too_big", DROP,                                                     \
	  "dropped, does not fit the link with its tunnel header")                                \
	X(DROP_HEADROOM, "drop_headroom", DROP,                                                   \
	  "dropped, the driver left no room for a tunnel header")                                 \
	X(DROP_TABLE, "drop_table", DROP, "dropped, the service tables contradict each other")    \
	X(PASS_OTHER_HOST, "pass_other_host", PASS,                                               \
	  "to a service, but in a frame for another host's MAC address: left to the kernel")      \
	X(FORWARD_ICMP, "forward_icmp", FORWARD,                                                  \
	  "forwarded, an ICMP error about a connection, to the backend that has it")              \
	X(FORWARD_FRAGMENT, "forward_fragment", FORWARD,                                          \
	  "forwarded, a later fragment, to the backend of its first")                             \
	X(HOLD_FRAGMENT, "hold_fragment", FORWARD,                                                \
	  "held, a fragment that came before its first: sent on behind it")                       \
	X(FORWARD_STICKY, "forward_sticky", FORWARD,                                              \
	  "forwarded, a new connection to the backend that this client had before")               \
	X(FORWARD_QUIC, "forward_quic", FORWARD,                                                  \
	  "forwarded, to the backend named in the QUIC connection id")                            \
	X(FORWARD_RETURN, "forward_return", FORWARD,                                              \
	  "forwarded, a backend's answer, or an error about its flow, translated to the client")  \
	X(ANSWER_ECHO, "answer_echo", ANSWER, "answered, a ping of a VIP")                        \
	X(ANSWER_TOO_BIG, "answer_too_big", ANSWER,                                               \
	  "answered, too big for the way on: its sender is told the MTU")                         \
	X(ANSWER_RESET, "answer_reset", ANSWER,                                                   \
	  "answered, the connection's backend is down: TCP reset")                                \
	X(ANSWER_UNREACHABLE, "answer_unreachable", ANSWER,                                       \
	  "answered, the flow's backend is down: ICMP unreachable")                               \
	X(DROP_BAD_LENGTH, "drop_bad_length", DROP,                                               \
	  "dropped, its length fields contradict the packet or each other")                       \
	X(DROP_BAD_HEADER, "drop_bad_header", DROP,                                               \
	  "dropped, an IP header or extension header that can't be (RFC 791, RFC 8200)")          \
	X(DROP_BAD_FLAGS, "drop_bad_flags", DROP,                                                 \
	  "dropped, TCP flags that never belong together (SYN+FIN, SYN+RST, none)")               \
	X(DROP_MARTIAN, "drop_martian", DROP,                                                     \
	  "dropped, a source that no client has (loopback, multicast, unspecified)")              \
	X(DROP_VIP_SOURCE, "drop_vip_source", DROP, "dropped, claims to come from a VIP")         \
	X(DROP_DENIED, "drop_denied", DROP, "dropped, its source is on a deny list")              \
	X(DROP_NOT_ALLOWED, "drop_not_allowed", DROP,                                             \
	  "dropped, its source is not on the allow list")                                         \
	X(DROP_SOURCE_PACKETS, "drop_source_packets", DROP,                                       \
	  "dropped, its source sends more packets per second than it may")                        \
	X(DROP_SOURCE_NEW, "drop_source_new", DROP,                                               \
	  "dropped, its source opens more connections per second than it may")                    \
	X(DROP_SERVICE_PACKETS, "drop_service_packets", DROP,                                     \
	  "dropped, the service gets more packets per second than it may")                        \
	X(DROP_SERVICE_NEW, "drop_service_new", DROP,                                             \
	  "dropped, the service gets more new connections per second than it may")                \
	X(DROP_ICMP_UNKNOWN, "drop_icmp_unknown", DROP,                                           \
	  "dropped, an ICMP error about a connection that is not in the table")                   \
	X(DROP_ICMP_BAD, "drop_icmp_bad", DROP,                                                   \
	  "dropped, an ICMP error whose quote can't be read")                                     \
	X(DROP_ANSWER_LIMIT, "drop_answer_limit", DROP,                                           \
	  "dropped, an answer was due, but so many per second are not given")                     \
	X(DROP_NAT_PORTS, "drop_nat_ports", DROP,                                                 \
	  "dropped, no free port of the NAT address towards this backend")                        \
	X(DROP_NAT_UNKNOWN, "drop_nat_unknown", DROP,                                             \
	  "dropped, to a NAT port that no connection has")                                        \
	X(DROP_TTL, "drop_ttl", DROP, "dropped, its TTL or hop limit ran out")                    \
	X(DROP_NAT_TABLE, "drop_nat_table", DROP,                                                 \
	  "dropped, no slot of the connection table could be taken, and nat needs one")           \
	X(DROP_NO_ROUTE, "drop_no_route", DROP,                                                   \
	  "dropped, the kernel has no route to the client, or doesn't forward between interfaces")

enum lbd_outcome {
#define X(constant, name, kind, sentence) LBD_OUTCOME_##constant,
	LBD_OUTCOMES(X)
#undef X
		LBD_OUTCOME_COUNT,
};

enum lbd_outcome_kind {
	LBD_KIND_PASS,
	LBD_KIND_FORWARD,
	LBD_KIND_ANSWER,
	LBD_KIND_DROP,
};

/* A bit for each outcome that drops the packet. */
#define LBD_OUTCOME_DROP_BIT(constant, name, kind, sentence) \
	| (unsigned long long)(LBD_KIND_##kind == LBD_KIND_DROP) << LBD_OUTCOME_##constant
#define LBD_OUTCOME_DROPS (0ULL LBD_OUTCOMES(LBD_OUTCOME_DROP_BIT))

/* Room in the pinned counter map, so that a new outcome needs no new map. */
#define LBD_OUTCOME_MAX 64

#endif
