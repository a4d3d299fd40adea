// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loading a generation in two steps: what takes long, by any thread, and what
 * changes something, by the one that owns the data plane.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/internal.h"

struct dataplane_prepared {
	struct bpf_object *object;
	struct lbd_generation_config config;
	enum map_id counters; /* it counts there; MAP_COUNT: in doubt */
	char path[256];
};

uint32_t dataplane_choose_bank(struct dataplane *dataplane)
{
	return stages_take_bank(dataplane);
}

int dataplane_prepare(const struct dataplane *dataplane, const char *object,
		      const struct model *model, uint32_t features, uint32_t bank,
		      struct dataplane_prepared **ret, struct error *err)
{
	struct dataplane_prepared *prepared = calloc(1, sizeof(*prepared));
	int rc;

	if (!prepared)
		return error_set(err, -ENOMEM, "out of memory");
	snprintf(prepared->path, sizeof(prepared->path), "%s", object);
	prepared->config.bank = bank;
	prepared->counters = counters_other(dataplane, COUNTERS_OUTCOMES);
	rc = object_build(dataplane, object, model, features, &prepared->config, &prepared->object,
			  err);
	if (rc) {
		free(prepared);
		return rc;
	}
	if (counters_other(dataplane, COUNTERS_OUTCOMES) != prepared->counters)
		prepared->counters = MAP_COUNT;
	*ret = prepared;
	return 0;
}

bool dataplane_prepared_fits(const struct dataplane *dataplane,
			     const struct dataplane_prepared *prepared, const struct model *model,
			     uint32_t features)
{
	struct lbd_generation_config wanted = prepared->config;

	object_specialise(dataplane, model, features, &wanted);
	return !memcmp(&wanted, &prepared->config, sizeof(wanted)) &&
	       prepared->counters == counters_other(dataplane, COUNTERS_OUTCOMES) &&
	       !generation_uses_bank(dataplane, wanted.bank);
}

int dataplane_enter(const struct dataplane *dataplane, const struct dataplane_prepared *prepared,
		    int *ret_fd, struct error *err)
{
	const uint32_t bank = prepared->config.bank;
	int rc;

	if (generation_uses_bank(dataplane, bank))
		return error_set(err, -ESTALE, "another packet path took its place");
	stages_leave_bank(dataplane, bank);
	rc = stages_enter(dataplane, prepared->object, bank, err);
	if (!rc)
		rc = object_take(prepared->object, prepared->path, ret_fd, err);
	if (rc)
		stages_leave_bank(dataplane, bank);
	return rc;
}

int dataplane_inspect_prepared(const struct dataplane_prepared *prepared,
			       struct dataplane_program *ret)
{
	struct bpf_program *program;
	int rc;

	*ret = (struct dataplane_program){ 0 };
	rc = inspect_entry(object_entry(prepared->object), ret);
	bpf_object__for_each_program(program, prepared->object)
		if (!rc && bpf_program__fd(program) >= 0)
			rc = inspect_add(bpf_program__fd(program), ret);
	return rc;
}

void dataplane_discard(struct dataplane_prepared *prepared)
{
	if (!prepared)
		return;
	bpf_object__close(prepared->object);
	free(prepared);
}
