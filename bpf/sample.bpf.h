/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Some of the dropped packets are kept, one in so many of each outcome, for
 * whoever asks at night what is being dropped (lbctl drops). Where an outcome
 * is counted the frame isn't at hand: there the decision is noted, and the
 * program looks at the note when it is about to drop.
 */
#ifndef SAMPLE_BPF_H
#define SAMPLE_BPF_H

#include <linux/bpf.h>

#include "bpf/config.bpf.h"
#include "bpf/maps.bpf.h"
#include "bpf/packet.bpf.h"
#include "lbd/mask.h"

/* How many packets of the outcome came before on this CPU decides. */
LBD_INLINE void sample_note(__u32 outcome, __u16 service)
{
	const struct lbd_outcome_counters *counters;
	struct lbd_drop_note *note;
	__u32 zero = 0, index = outcome;

	LBD_OPAQUE(index);
	index &= LBD_OUTCOME_MAX - 1;
	if (!config_has(LBD_FEATURE_SAMPLE) || !(LBD_OUTCOME_DROPS >> index & 1))
		return;
	counters = bpf_map_lookup_elem(&lbd_outcomes, &zero);
	note = bpf_map_lookup_elem(&lbd_drop_note, &zero);
	if (!counters || !note)
		return;
	note->outcome = index;
	note->service = service;
	note->take = lbd_config.sample && !((__u32)counters->packets[index] % lbd_config.sample);
}

/* A slot of the ring, for this CPU alone until the others have been round it. */
LBD_INLINE struct lbd_drop *sample_slot(__u64 *ret_ticket)
{
	struct lbd_drop *head;
	__u32 index = 0;

	head = bpf_map_lookup_elem(&lbd_drops, &index);
	if (!head)
		return NULL;
	*ret_ticket = __sync_fetch_and_add(&head->ticket, 1) + 1;
	index = (__u32)*ret_ticket % LBD_DROPS + 1;
	return bpf_map_lookup_elem(&lbd_drops, &index);
}

__attribute__((noinline)) int sample_keep(struct xdp_md *ctx)
{
	const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct lbd_drop_note *note;
	struct lbd_drop *slot;
	__u32 zero = 0, words;
	__u64 ticket = 0;

	note = bpf_map_lookup_elem(&lbd_drop_note, &zero);
	if (!note || !note->take || !config_writes())
		return 0;
	note->take = 0;
	slot = sample_slot(&ticket);
	if (!slot)
		return 0;
	*(volatile __u64 *)&slot->ticket = 0;
	slot->time_ns = bpf_ktime_get_ns();
	slot->length = (__u32)(end - data);
	slot->ifindex = ctx->ingress_ifindex;
	slot->outcome = note->outcome;
	slot->service = note->service;
	for (words = 0; words < LBD_DROP_WORDS; words++) {
		if (data + 8 * (words + 1) > end)
			break;
		slot->frame[words] = packet_word64(data + 8 * words);
	}
	slot->words = words;
	*(volatile __u64 *)&slot->ticket = ticket;
	return 0;
}

/* On the way out of a program: @action as it is, and a look at what is dropped. */
LBD_INLINE int sample_watch(struct xdp_md *ctx, int action)
{
	if (config_has(LBD_FEATURE_SAMPLE) && action == XDP_DROP)
		sample_keep(ctx);
	return action;
}

#endif
