/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replacing the packet path under load.
 *
 *   object -> golden packets on a private copy -> load over the live maps -> swap one slot
 *                    |                                  |
 *                    +---------- refused ---------------+--> the running one goes on
 */
#ifndef UPGRADE_UPGRADE_H
#define UPGRADE_UPGRADE_H

#include "dataplane/dataplane.h"

/*
 * Load @object on maps of its own, with services of every kind, and see that
 * known packets come out as they must. Nothing of the live state is touched.
 * -EBADMSG names the packet, what was expected and what came.
 */
int golden_try(const char *object, struct error *err);

/*
 * Make @object, specialised for @model with @features, the running generation;
 * after golden_try if @prove. The previous one stays loaded for rollback.
 */
int upgrade_swap(struct dataplane *dataplane, const char *object, const struct model *model,
		 uint32_t features, bool prove, struct error *err);

#endif
