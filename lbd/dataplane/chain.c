// SPDX-License-Identifier: GPL-2.0-or-later
/* Who stands on an interface: asked each time, because others come and go without us. */
#include <stdio.h>
#include <xdp/libxdp.h>

#include "dataplane/dataplane.h"

static void chain_note(struct dataplane_chain *chain, const struct xdp_program *program)
{
	if (!program || chain->count == DATAPLANE_CHAIN_MAX)
		return;
	snprintf(chain->programs[chain->count++], sizeof(chain->programs[0]), "%s",
		 xdp_program__name(program));
}

void dataplane_chain(uint32_t ifindex, struct dataplane_chain *ret)
{
	struct xdp_multiprog *all = xdp_multiprog__get_from_ifindex((int)ifindex);
	struct xdp_program *program = NULL;

	ret->count = 0;
	if (libxdp_get_error(all))
		return;
	if (xdp_multiprog__is_legacy(all))
		chain_note(ret, xdp_multiprog__main_prog(all));
	else
		while ((program = xdp_multiprog__next_prog(program, all)))
			chain_note(ret, program);
	xdp_multiprog__close(all);
}
