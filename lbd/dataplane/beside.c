// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A second hold on the maps in use: descriptors and mappings of its own, so
 * that another thread may look and load while the first one goes on, even if
 * that one leaves the maps for others meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/internal.h"

struct beside {
	const struct dataplane *from;
	struct dataplane *to;
	bool own_stages;
};

static int beside_one(const struct beside *beside, enum map_id id, const struct map_shape *shape,
		      struct error *err)
{
	struct dataplane *to = beside->to;

	if (id == MAP_lbd_generations && beside->own_stages)
		return maps_make_one(to, id, shape, err);
	to->fd[id] = fcntl(beside->from->fd[id], F_DUPFD_CLOEXEC, 3);
	if (to->fd[id] < 0)
		return error_errno(err, -errno, "share %s", shape->name);
	return maps_map_memory(to, id, shape, err);
}

/* Entries are aged as they are there, by mappings of ours. */
static void beside_follow(const struct dataplane *from, struct dataplane *to)
{
	to->tables = from->tables;
	dataplane_point_tables(to);
	to->tables.control = from->tables.control ? to->control : NULL;
	to->tables.nat_control = from->tables.nat_control ? to->control : NULL;
	to->tables.services = to->memory[MAP_lbd_services];
	to->tables.backends = to->memory[MAP_lbd_backends];
}

int dataplane_open_beside(const struct dataplane *dataplane, bool own_stages,
			  struct dataplane **ret, struct error *err)
{
	const struct beside beside = { dataplane, dataplane_new(&dataplane->limits), own_stages };
	struct map_shape shapes[MAP_COUNT];
	int rc = 0;

	if (!beside.to)
		return error_set(err, -ENOMEM, "out of memory");
	shapes_of(&dataplane->limits, shapes);
	for (int id = 0; id < MAP_COUNT && !rc; id++)
		rc = beside_one(&beside, (enum map_id)id, &shapes[id], err);
	if (rc) {
		dataplane_close(beside.to);
		return rc;
	}
	beside.to->control = beside.to->memory[MAP_CONTROL];
	beside.to->tick_shift = dataplane->tick_shift;
	beside.to->beside = true;
	beside_follow(dataplane, beside.to);
	*ret = beside.to;
	return 0;
}
