// SPDX-License-Identifier: GPL-2.0-or-later
#include <unistd.h>

#include "upgrade/upgrade.h"

int upgrade_swap(struct dataplane *dataplane, const char *object, const struct model *model,
		 uint32_t features, bool prove, struct error *err)
{
	int fd = -1, rc = 0;

	if (prove)
		rc = golden_try(object, err);
	if (!rc)
		rc = dataplane_load(dataplane, object, model, features, &fd, err);
	if (!rc)
		rc = dataplane_swap(dataplane, fd, err);
	if (fd >= 0)
		close(fd);
	return rc;
}
