// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/dataplane.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dataplane/internal.h"
#include "dataplane/next.h"

void dataplane_point_tables(struct dataplane *dataplane)
{
	struct tables *tables = &dataplane->tables;

	tables->conn4 = dataplane->memory[MAP_lbd_conn4];
	tables->conn6 = dataplane->memory[MAP_lbd_conn6];
	tables->dirty4 = dataplane->memory[MAP_lbd_dirty4];
	tables->dirty6 = dataplane->memory[MAP_lbd_dirty6];
	tables->nat4 = dataplane->memory[MAP_lbd_nat4];
	tables->nat6 = dataplane->memory[MAP_lbd_nat6];
	tables->sticky = dataplane->memory[MAP_lbd_sticky];
	/* One of another layout isn't read here (foreign.h). */
	tables->nat4_buckets = tables->nat4 ? dataplane->limits.nat4_buckets : 0;
	tables->nat6_buckets = tables->nat6 ? dataplane->limits.nat6_buckets : 0;
	tables->conn4_buckets = tables->conn4 ? dataplane->limits.conn4_buckets : 0;
	tables->conn6_buckets = tables->conn6 ? dataplane->limits.conn6_buckets : 0;
	tables->sticky_buckets = tables->sticky ? dataplane->limits.sticky_buckets : 0;
	tables->secret = dataplane->control->conn_secret;
}

struct dataplane *dataplane_new(const struct lbd_limits *limits)
{
	struct dataplane *dataplane = calloc(1, sizeof(*dataplane));

	if (!dataplane)
		return NULL;
	for (int id = 0; id < MAP_COUNT; id++)
		dataplane->fd[id] = -1;
	if (limits)
		dataplane->limits = *limits;
	return dataplane;
}

static int dataplane_begin(const struct dataplane_options *options, struct dataplane **ret,
			   struct error *err)
{
	struct dataplane *dataplane = dataplane_new(&options->limits);
	int rc;

	if (!dataplane)
		return error_set(err, -ENOMEM, "out of memory");
	if (options->pin_dir)
		snprintf(dataplane->pin_dir, sizeof(dataplane->pin_dir), "%s", options->pin_dir);
	rc = types_open(&dataplane->types, err);
	if (rc)
		dataplane_close(dataplane);
	else
		*ret = dataplane;
	return rc;
}

/*
 * From now on what is there is ours. Stages that a killed one had entered for a
 * generation that never ran would hold their maps, perhaps a whole second set,
 * until their bank is taken. split_recover has waited for packets that may still
 * be with a generation that ran.
 */
static void dataplane_own(struct dataplane *dataplane)
{
	dataplane->recovered = split_recover(dataplane);
	stages_leave_banks(dataplane);
	generation_follow(dataplane);
}

int dataplane_open(const struct dataplane_options *options, struct dataplane **ret,
		   struct error *err)
{
	struct dataplane *dataplane;
	int rc;

	rc = dataplane_begin(options, &dataplane, err);
	if (rc)
		return rc;
	if (options->pin_dir)
		rc = next_recover(options->pin_dir, dataplane->types, err);
	if (!rc)
		rc = maps_open(dataplane, err);
	if (!rc)
		rc = clock_calibrate(dataplane, err);
	if (rc) {
		dataplane_close(dataplane);
		return rc;
	}
	dataplane_point_tables(dataplane);
	dataplane_own(dataplane);
	dataplane->swept = tables_sweep(&dataplane->tables);
	*ret = dataplane;
	return 0;
}

int dataplane_look(const struct dataplane_options *options, struct dataplane **ret,
		   struct error *err)
{
	struct dataplane *dataplane;
	int rc;

	rc = dataplane_begin(options, &dataplane, err);
	if (rc)
		return rc;
	rc = next_is_there(options->pin_dir) ? -EAGAIN : maps_adopt_found(dataplane, err);
	if (rc == -ENOENT)
		rc = -EAGAIN;
	if (!rc)
		rc = clock_calibrate(dataplane, err);
	/* What the model is read back from would be as it is now. */
	if (!rc && dataplane_is_foreign(dataplane))
		rc = -EAGAIN;
	if (rc) {
		dataplane_close(dataplane);
		return rc;
	}
	dataplane_point_tables(dataplane);
	*ret = dataplane;
	return 0;
}

/* Who hands over has published all that it claimed: there is nothing to sweep. */
int dataplane_take(struct dataplane *dataplane, int64_t flipped_ms, struct error *err)
{
	if (!next_is_there(dataplane->pin_dir) && maps_are_pinned(dataplane)) {
		dataplane->flipped_ms = flipped_ms;
		dataplane_own(dataplane);
		return 0;
	}
	error_set(err, -ESTALE, "%s: the maps have given way to others", dataplane->pin_dir);
	dataplane_close(dataplane);
	return -ESTALE;
}

int64_t dataplane_flipped_ms(const struct dataplane *dataplane)
{
	return dataplane->flipped_ms;
}

bool dataplane_stays(const struct dataplane *dataplane, const struct lbd_limits *limits)
{
	return !dataplane_is_foreign(dataplane) &&
	       !memcmp(&dataplane->limits, limits, sizeof(*limits));
}

void dataplane_close(struct dataplane *dataplane)
{
	if (!dataplane)
		return;
	maps_close(dataplane);
	types_close(dataplane->types);
	guard_release(dataplane->guards[0]);
	guard_release(dataplane->guards[1]);
	free(dataplane);
}

bool dataplane_adopted(const struct dataplane *dataplane, uint32_t *ret_swept)
{
	*ret_swept = dataplane->swept;
	return dataplane->adopted;
}

bool dataplane_recovered(const struct dataplane *dataplane)
{
	return dataplane->recovered;
}

const struct lbd_limits *dataplane_limits(const struct dataplane *dataplane)
{
	return &dataplane->limits;
}

const struct tables *dataplane_tables(const struct dataplane *dataplane)
{
	return &dataplane->tables;
}

bool dataplane_take_wanted(struct dataplane *dataplane, struct lbd_addr *ret)
{
	struct lbd_addr *wanted = dataplane->memory[MAP_lbd_wanted];

	for (int slot = 0; slot < LBD_WANTED_MAX; slot++) {
		if (!LBD_READ_ONCE(wanted[slot].halves[1]))
			continue;
		*ret = wanted[slot];
		LBD_WRITE_ONCE(wanted[slot].halves[1], 0);
		return true;
	}
	return false;
}
