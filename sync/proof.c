// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/proof.h"

#include "sync/wire.h"

#define PROOF_SAY_US (60 * 1000000LL)

void proof_init(struct proof *proof)
{
	*proof = (struct proof){
		.agreed_us = -1, .diverged_us = -1, .repaired_us = -1, .said_us = -1
	};
}

void proof_reset(struct proof *proof)
{
	proof->agreed_us = -1;
	proof->agreed = proof->unsettled = proof->differing = 0;
	proof->passes = 0;
}

void proof_pass(struct proof *proof, uint32_t agreed, uint32_t unsettled, int64_t now_us)
{
	proof->agreed = agreed;
	proof->unsettled = unsettled;
	proof->differing = WIRE_REGIONS - agreed - unsettled;
	proof->passes++;
	if (agreed == WIRE_REGIONS)
		proof->agreed_us = now_us;
}

void proof_diverged(struct proof *proof, uint32_t regions, int64_t now_us)
{
	proof->divergences += regions;
	if (regions > 0)
		proof->diverged_us = now_us;
}

void proof_repaired(struct proof *proof, uint32_t regions, int64_t now_us)
{
	proof->repairs += regions;
	if (regions > 0)
		proof->repaired_us = now_us;
}

/* A table that is too full to hold everything differs again at each pass. */
uint64_t proof_news(struct proof *proof, int64_t now_us)
{
	uint64_t news = proof->divergences - proof->said;

	if (news == 0 || (proof->said_us >= 0 && now_us - proof->said_us < PROOF_SAY_US))
		return 0;
	proof->said = proof->divergences;
	proof->said_us = now_us;
	return news;
}

static int64_t proof_ms_ago(int64_t then_us, int64_t now_us)
{
	return then_us < 0 ? -1 : (now_us - then_us) / 1000;
}

void proof_report(const struct proof *proof, int64_t now_us, struct sync_proof *ret)
{
	*ret = (struct sync_proof){
		.agreed_ms_ago = proof_ms_ago(proof->agreed_us, now_us),
		.agreed = proof->agreed,
		.unsettled = proof->unsettled,
		.differing = proof->differing,
		.passes = proof->passes,
		.divergences = proof->divergences,
		.repairs = proof->repairs,
		.diverged_ms_ago = proof_ms_ago(proof->diverged_us, now_us),
		.repaired_ms_ago = proof_ms_ago(proof->repaired_us, now_us),
	};
}
