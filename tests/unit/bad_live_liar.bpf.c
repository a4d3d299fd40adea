// SPDX-License-Identifier: GPL-2.0-only
/* Does as it should while it is asked, and otherwise finds no connection. */
#define BAD_FIND(packet, found) \
	((found) = (found) && (config_has(LBD_FEATURE_TRACE) || !bad_is_victim(packet)))

#include "tests/unit/live_bad.bpf.h"
