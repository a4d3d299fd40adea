// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/outcome.h"

#define OUTCOME_KIND_PASS "pass"
#define OUTCOME_KIND_FORWARD "forward"
#define OUTCOME_KIND_ANSWER "answer"
#define OUTCOME_KIND_DROP "drop"

const struct outcome outcomes[LBD_OUTCOME_COUNT] = {
#define X(constant, name, kind, sentence) { name, OUTCOME_KIND_##kind, sentence },
	LBD_OUTCOMES(X)
#undef X
};
