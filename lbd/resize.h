/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other limits by hand (lbctl resize), kept until the next reload as lbctl backend's changes are. */
#ifndef LBD_RESIZE_H
#define LBD_RESIZE_H

#include "migration.h"

#define LBD_RESIZE_LIMITS_MAX 16

struct lbd_limit {
	const char *name; /* as in the config */
	int64_t value;
};

struct lbd_resize {
	struct lbd_limit limits[LBD_RESIZE_LIMITS_MAX];
	uint32_t count;
	bool check; /* only see what it would take and leave out */
	bool evict; /* even if live connections find no room */
};

/*
 * @done is told later, in the event loop, with what it took, or would. -EEXIST:
 * the limits are these already; -EBUSY: a reload is under way, a config on trial,
 * or the tables move already.
 */
int lbd_resize_begin(struct lbd *lbd, const struct lbd_resize *resize, lbd_migrate_done done,
		     void *context, struct error *err);

#endif
