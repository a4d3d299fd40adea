/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What this generation was specialised for. Frozen before the program is
 * verified: to the verifier these are constants, and code behind a feature
 * that is off is removed.
 */
#ifndef CONFIG_BPF_H
#define CONFIG_BPF_H

#include <bpf/bpf_helpers.h>

#include "lbd/generation.h"

const volatile struct lbd_generation_config lbd_config SEC(LBD_GENERATION_CONFIG_SECTION) = {
	.abi = LBD_MAPS_ABI,
	.version = LBD_VERSION,
};

LBD_INLINE _Bool config_has(__u32 feature)
{
	return lbd_config.features & feature;
}

/*
 * May this generation change what others see? One that traces over the live
 * tables may not: no entry, age, dirty bit, bucket of tokens or counter. Every
 * function that writes to a map asks this first.
 */
LBD_INLINE _Bool config_writes(void)
{
	return !config_has(LBD_FEATURE_READONLY);
}

/*
 * Where they stand, not volatile: what takes them by pointer expects no such.
 * The compiler mustn't see where the pointer comes from, or it would take the
 * zeros that stand there until the generation is specialised.
 */
LBD_INLINE const struct lbd_timeouts *config_timeouts(void)
{
	const volatile struct lbd_timeouts *timeouts = &lbd_config.timeouts;

	asm volatile("" : "+r"(timeouts));
	return (const struct lbd_timeouts *)timeouts;
}

#endif
