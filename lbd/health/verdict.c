// SPDX-License-Identifier: GPL-2.0-or-later
#include "health/verdict.h"

static void verdict_count(struct verdict *verdict, bool success)
{
	if (!verdict->streak || verdict->last != success)
		verdict->streak = 0;
	if (verdict->streak < UINT32_MAX)
		verdict->streak++;
	verdict->last = success;
}

bool verdict_enter(struct verdict *verdict, bool success, uint32_t rise, uint32_t fall)
{
	bool first = !verdict->checked;

	verdict_count(verdict, success);
	if (!first && (verdict->healthy == success || verdict->streak < (success ? rise : fall)))
		return false;
	verdict->healthy = success;
	verdict->checked = true;
	return true;
}
