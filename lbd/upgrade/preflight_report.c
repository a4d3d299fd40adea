// SPDX-License-Identifier: GPL-2.0-or-later
#include "upgrade/preflight.h"

static const struct {
	const char *name, *what;
} preflight_steps[PREFLIGHT_STEP_COUNT] = {
#define X(constant, name, what) { #name, what },
	PREFLIGHT_STEPS(X)
#undef X
};

const char *preflight_step_name(enum preflight_step step)
{
	return preflight_steps[step].name;
}

const char *preflight_step_what(enum preflight_step step)
{
	return preflight_steps[step].what;
}

bool preflight_takes(const struct preflight_report *report)
{
	for (int step = 0; step < PREFLIGHT_STEP_COUNT; step++)
		if (report->steps[step].verdict == PREFLIGHT_REFUSED)
			return false;
	return true;
}
