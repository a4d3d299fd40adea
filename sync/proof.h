/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the digests of one direction have shown, kept as times of this host's clock. */
#ifndef SYNC_PROOF_H
#define SYNC_PROOF_H

#include "sync/sync.h"

struct proof {
	int64_t agreed_us; /* -1: none yet; so the others */
	int64_t diverged_us;
	int64_t repaired_us;
	uint32_t agreed, unsettled, differing;
	uint64_t passes;
	uint64_t divergences;
	uint64_t repairs;
	uint64_t said;	 /* divergences that the log knows of ... */
	int64_t said_us; /* ... since then; -1: none */
};

void proof_init(struct proof *proof);

/* A new conversation: what was shown counts no longer, what has happened stays. */
void proof_reset(struct proof *proof);

/* A pass came to its end: so many regions agree, and so many are unsettled. */
void proof_pass(struct proof *proof, uint32_t agreed, uint32_t unsettled, int64_t now_us);

void proof_diverged(struct proof *proof, uint32_t regions, int64_t now_us);
void proof_repaired(struct proof *proof, uint32_t regions, int64_t now_us);

/* How many divergences the log is to hear of now; at most once a minute it is more than 0. */
uint64_t proof_news(struct proof *proof, int64_t now_us);

void proof_report(const struct proof *proof, int64_t now_us, struct sync_proof *ret);

#endif
