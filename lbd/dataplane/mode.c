// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/dataplane.h"

const char *dataplane_mode_name(enum config_xdp_mode mode)
{
	static const char *const names[] = {
		[CONFIG_XDP_AUTO] = "auto",
		[CONFIG_XDP_NATIVE] = "native",
		[CONFIG_XDP_GENERIC] = "generic",
		[CONFIG_XDP_OFFLOAD] = "offload",
	};

	return names[mode];
}
