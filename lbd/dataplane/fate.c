// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/dataplane.h"

const char *dataplane_fate_name(enum dataplane_fate fate)
{
	static const char *const names[] = {
#define X(constant, name) [DATAPLANE_FATE_##constant] = (name),
		DATAPLANE_FATES(X)
#undef X
	};

	return names[fate];
}
