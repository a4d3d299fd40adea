// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/dataplane.h"

#include <bpf/libbpf.h>
#include <linux/if_link.h>

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

enum config_xdp_mode dataplane_mode_at(uint32_t ifindex)
{
	static const enum config_xdp_mode modes[] = {
		[XDP_ATTACHED_NONE] = CONFIG_XDP_AUTO,	  [XDP_ATTACHED_DRV] = CONFIG_XDP_NATIVE,
		[XDP_ATTACHED_SKB] = CONFIG_XDP_GENERIC,  [XDP_ATTACHED_HW] = CONFIG_XDP_OFFLOAD,
		[XDP_ATTACHED_MULTI] = CONFIG_XDP_NATIVE,
	};
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	if (bpf_xdp_query((int)ifindex, 0, &query) ||
	    query.attach_mode >= sizeof(modes) / sizeof(*modes))
		return CONFIG_XDP_AUTO;
	return modes[query.attach_mode];
}
