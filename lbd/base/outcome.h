/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The outcomes of include/lbd/outcome.h as text, by their number. */
#ifndef BASE_OUTCOME_H
#define BASE_OUTCOME_H

#include "lbd/outcome.h"

struct outcome {
	const char *name, *kind, *sentence;
};

extern const struct outcome outcomes[LBD_OUTCOME_COUNT];

#endif
