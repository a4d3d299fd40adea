// SPDX-License-Identifier: GPL-2.0-or-later
/* A start over maps of other sizes, or of another release's layout. */
#include <unistd.h>

#include "base/log.h"
#include "dataplane/next.h"
#include "lbd.h"

/* What moves, and why: a line each. */
static void move_say(const struct lbd *lbd)
{
	const struct dataplane_options options = {
		.pin_dir = lbd->pin_dir,
		.limits = lbd->model->limits,
	};
	struct dataplane_map rows[DATAPLANE_MAPS_MAX];
	struct error err;
	uint32_t count;

	log_info("the maps in %s give way to such as this lbd wants", lbd->pin_dir);
	dataplane_compare_pins(&options, rows, &count, &err);
	for (uint32_t i = 0; i < count; i++)
		if (rows[i].fate != DATAPLANE_FATE_REUSED)
			log_info("map %s: %s: %s", rows[i].name, dataplane_fate_name(rows[i].fate),
				 rows[i].why);
}

/* Up to and with the swap: what fails before it leaves the old maps in use. */
static int move_fill(struct lbd *lbd, struct next *next, struct error *err)
{
	const struct upgrade_place place = lbd_place(lbd);
	struct upgrade_target target = lbd_target(lbd);
	int fd = -1, rc;

	target.dataplane = next_to(next);
	next_follow(next, lbd->model, target.features);
	rc = dataplane_commit(target.dataplane, lbd->model, err);
	if (rc)
		return rc;
	next_copy(next);
	rc = upgrade_load(&place, &target, &fd, err);
	if (rc)
		return rc;
	rc = next_swap(next, fd, err);
	close(fd);
	return rc;
}

int lbd_move(struct lbd *lbd, struct error *err)
{
	struct dataplane *old = lbd->dataplane;
	struct next *next;
	int rc;

	if (dataplane_stays(old, &lbd->model->limits))
		return 0;
	move_say(lbd);
	lbd_own_macs(lbd);
	rc = next_open(old, &lbd->model->limits, false, &next, err);
	if (rc)
		return rc;
	rc = move_fill(lbd, next, err);
	if (!rc) {
		next_prove(next);
		rc = next_promote(next, err);
	}
	if (!rc) {
		lbd->dataplane = next_to(next);
		dataplane_close(old);
		log_info("the maps have been moved");
	}
	next_close(next);
	return rc;
}
