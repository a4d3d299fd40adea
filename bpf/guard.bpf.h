/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who may send what to our services: lists first, then limits. Asked before
 * the connection table, so that what is refused costs no entry; only the
 * limit of new flows is asked once more by who would make one (conn.bpf.h).
 *
 *   packet                   lists                             limits
 *   -----------------------  --------------------------------  ---------------------------
 *   of a flow, or a later    deny and allow, of all and of     packets; new ones: of a flow
 *   fragment of one          its service
 *   ICMP error to a VIP      deny, of all and of the service   packets, as one to that
 *                            whose packet it quotes            service
 *   ping of a VIP            deny, of all                      packets of its source
 *   later fragment whose     deny, of all                      none yet
 *   first wasn't seen
 *   to a NAT address         none: backends write there        none
 *
 * An allow list names a service's clients; errors come from any router on the way.
 */
#ifndef GUARD_BPF_H
#define GUARD_BPF_H

#include <bpf/bpf_endian.h>

#include "bpf/acl.bpf.h"
#include "bpf/config.bpf.h"
#include "bpf/limit.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/packet.bpf.h"

/* As the guard's tables have it: IPv4 in the highest bits. */
LBD_INLINE __u64 guard_upper(const struct packet *packet, _Bool v6)
{
	return v6 ? bpf_be64_to_cpu(packet->client.halves[0])
		  : (__u64)bpf_ntohl(packet->client.words[3]) << 32;
}

LBD_INLINE __u32 guard_place(const struct packet *packet)
{
	return packet->half * lbd_config.limits.services + packet->service;
}

LBD_INLINE __u64 guard_lower(const struct packet *packet, _Bool v6)
{
	return v6 ? bpf_be64_to_cpu(packet->client.halves[1]) : 0;
}

LBD_INLINE int guard_lists(const struct packet *packet, __u64 upper, _Bool v6)
{
	const __u32 place = guard_place(packet);
	const struct lbd_rule *rule = bpf_map_lookup_elem(&lbd_rules, &place);
	__u32 on;

	if (!rule || !(rule->deny | rule->allow))
		return PACKET_GO_ON;
	on = (__u32)acl_lists(upper, guard_lower(packet, v6),
			      packet->half * lbd_config.limits.acl_entries,
			      v6 ? LBD_ACL_ROOT6 : LBD_ACL_ROOT4);
	if (on & rule->deny)
		return LBD_OUTCOME_DROP_DENIED;
	return rule->allow && !(on & rule->allow) ? LBD_OUTCOME_DROP_NOT_ALLOWED : PACKET_GO_ON;
}

LBD_INLINE int guard_limits(const struct packet *packet, __u64 upper, _Bool v6)
{
	int outcome = limit_packet(upper, guard_place(packet), v6);

	if (outcome == PACKET_GO_ON && packet->syn)
		outcome = limit_syn(upper, guard_place(packet), v6);
	return outcome;
}

/* May this packet go on to the connection table? PACKET_GO_ON, or what it is dropped for. */
LBD_INLINE int guard(const struct packet *packet, _Bool v6)
{
	int outcome = PACKET_GO_ON;
	__u64 upper;

	/* One test where both are off. */
	if (!config_has(LBD_FEATURE_ACL | LBD_FEATURE_LIMITS))
		return PACKET_GO_ON;
	upper = guard_upper(packet, v6);
	if (config_has(LBD_FEATURE_ACL))
		outcome = guard_lists(packet, upper, v6);
	if (outcome == PACKET_GO_ON && config_has(LBD_FEATURE_LIMITS))
		outcome = guard_limits(packet, upper, v6);
	return outcome;
}

/* May it make an entry? Known connections never get here. */
LBD_INLINE int guard_entry(const struct packet *packet, _Bool v6)
{
	if (!config_has(LBD_FEATURE_LIMITS))
		return PACKET_GO_ON;
	return limit_entry(guard_upper(packet, v6), guard_place(packet), v6);
}

/* Deny lists alone. @place: of a rule; that of service 0 in each half holds for all of them. */
__attribute__((noinline)) int guard_denies(__u64 upper, __u64 lower, __u32 place, __u32 v6)
{
	const struct lbd_rule *rule = bpf_map_lookup_elem(&lbd_rules, &place);
	const __u32 half = place >= lbd_config.limits.services;

	if (!rule || !rule->deny)
		return 0;
	return rule->deny & acl_lists(upper, lower, half * lbd_config.limits.acl_entries,
				      v6 ? LBD_ACL_ROOT6 : LBD_ACL_ROOT4);
}

/* May a packet of somebody who need be no client go on? @packet->service 0: asked of all. */
LBD_INLINE int guard_stranger(const struct packet *packet, const _Bool count, _Bool v6)
{
	const __u64 upper = guard_upper(packet, v6);

	if (config_has(LBD_FEATURE_ACL) &&
	    guard_denies(upper, guard_lower(packet, v6), guard_place(packet), v6))
		return LBD_OUTCOME_DROP_DENIED;
	if (count && config_has(LBD_FEATURE_LIMITS))
		return limit_packet(upper, guard_place(packet), v6);
	return PACKET_GO_ON;
}

#endif
