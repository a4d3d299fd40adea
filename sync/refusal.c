// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/refusal.h"

#include "base/log.h"

static const struct {
	const char *name;
	const char *sentence;
} refusal_texts[REFUSAL_COUNT] = { [REFUSAL_NONE] = { "none", "taken" },
#define X(constant, name, sentence) [REFUSAL_##constant] = { name, sentence },
				   REFUSALS(X)
#undef X
};

const char *refusal_name(enum refusal refusal)
{
	return refusal_texts[refusal].name;
}

const char *refusal_sentence(enum refusal refusal)
{
	return refusal_texts[refusal].sentence;
}

void refusal_count(struct refusals *refusals, enum refusal refusal, uint64_t n)
{
	if (refusal == REFUSAL_NONE || n == 0)
		return;
	/* That one belongs to every reconnect. */
	if (refusals->counts[refusal] == 0 && refusal != REFUSAL_NO_CONVERSATION)
		log_warning("sync: refused for the first time: %s (counted as %s)",
			    refusal_sentence(refusal), refusal_name(refusal));
	refusals->counts[refusal] += n;
}
