/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers that a seed fixes: the same seed makes the same packets anywhere. */
#ifndef MODEL_RANDOM_H
#define MODEL_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

/* SplitMix64 (Steele, Lea, Flood 2014). */
static inline uint64_t random_next(struct random *random)
{
	uint64_t x = random->state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

/* 0 .. @count - 1. */
static inline uint32_t random_below(struct random *random, uint32_t count)
{
	return (uint32_t)((random_next(random) >> 32) * count >> 32);
}

/* @low .. @high, both included. */
static inline uint32_t random_between(struct random *random, uint32_t low, uint32_t high)
{
	return low + random_below(random, high - low + 1);
}

/* True @percent times of 100. */
static inline bool random_chance(struct random *random, uint32_t percent)
{
	return random_below(random, 100) < percent;
}

#define RANDOM_OF(random, array) ((array)[random_below(random, sizeof(array) / sizeof((array)[0]))])

#endif
