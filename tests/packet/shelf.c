// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/packet/shelf.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The one place that reaches behind the data plane's door: nobody else empties its maps. */
#include "dataplane/internal.h"

/* --- emptying */

/* What the config is written to; everything else the packet path writes. */
static bool shelf_is_config(int map)
{
	switch (map) {
	case MAP_lbd_control:
	case MAP_lbd_vips:
	case MAP_lbd_services:
	case MAP_lbd_backends:
	case MAP_lbd_rings:
	case MAP_lbd_rules:
	case MAP_lbd_acl:
	case MAP_lbd_tx:
	case MAP_lbd_quic:
	case MAP_lbd_xsks:
	case MAP_lbd_split:
	case MAP_lbd_generations:
		return true;
	default:
		return false;
	}
}

static void shelf_empty_hash(int fd)
{
	char key[sizeof(struct lbd_fragment_key)]; /* the only one */

	while (!bpf_map_get_next_key(fd, NULL, key))
		bpf_map_delete_elem(fd, key);
}

static int shelf_zero_array(int fd, const struct bpf_map_info *info)
{
	const size_t stride = (info->value_size + 7) / 8 * 8;
	void *zeros = calloc((size_t)libbpf_num_possible_cpus(), stride);
	int rc = zeros ? 0 : -ENOMEM;

	for (__u32 key = 0; key < info->max_entries && !rc; key++)
		rc = bpf_map_update_elem(fd, &key, zeros, BPF_ANY);
	free(zeros);
	return rc;
}

static int shelf_empty(const struct dataplane *dataplane, int map)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);

	if (dataplane->memory[map]) {
		memset(dataplane->memory[map], 0, dataplane->size[map]);
		return 0;
	}
	if (bpf_obj_get_info_by_fd(dataplane->fd[map], &info, &size))
		return -errno;
	if (info.type != BPF_MAP_TYPE_LRU_HASH)
		return shelf_zero_array(dataplane->fd[map], &info);
	shelf_empty_hash(dataplane->fd[map]);
	return 0;
}

/* --- labs */

/* With all features every dropped packet is kept, whatever the setup says. */
static void shelf_keep_drops(struct shelf_lab *lab)
{
	if (lab->more_features != RUN_SPECIALISED)
		lab->lab.model->sample = 1;
}

/* The model as the setup has it: the case before may have changed backends. */
static int shelf_remodel(struct shelf_lab *shelf, const struct run_place *place, struct error *err)
{
	struct lab *lab = &shelf->lab;
	int rc;

	model_free(lab->model);
	lab->model = NULL;
	rc = lab_model(lab, err);
	if (!rc)
		rc = neighbourhood_apply(place->neighbourhood, lab, err);
	if (rc)
		return rc;
	shelf_keep_drops(shelf);
	return lab_commit(lab, err);
}

static int shelf_renew(struct shelf_lab *lab, const struct run_place *place, struct error *err)
{
	int rc = 0;

	for (int map = 0; map < MAP_COUNT && !rc; map++)
		if (!shelf_is_config(map))
			rc = shelf_empty(lab->lab.dataplane, map);
	if (rc)
		return error_errno(err, rc, "empty the tables");
	return shelf_remodel(lab, place, err);
}

/*
 * The generation that runs, and beside it the one that is only asked.
 */
static int shelf_load(struct shelf_lab *lab, const char *object, struct error *err)
{
	const uint32_t in = if_nametoindex(RUN_INTERFACE_IN);
	const uint32_t features = model_features(lab->lab.model, &in, 1) | lab->more_features;
	int rc;

	rc = lab_run(&lab->lab, object, features, err);
	if (rc || lab->more_features != RUN_SPECIALISED)
		return rc;
	return ask_open(&lab->ask, &lab->lab, object, features, err);
}

static void shelf_drop(struct shelf_lab *lab)
{
	if (!lab->open)
		return;
	ask_close(&lab->ask);
	lab_close(&lab->lab);
	memset(lab, 0, sizeof(*lab));
}

static int shelf_open(struct shelf_lab *lab, const struct run_place *place, const char *setup,
		      struct error *err)
{
	int rc;

	rc = run_open_setup(place, setup, &lab->lab, err);
	lab->open = true;
	if (!rc)
		shelf_keep_drops(lab);
	if (!rc)
		rc = lab_commit(&lab->lab, err);
	if (!rc)
		rc = shelf_load(lab, place->object, err);
	if (rc)
		shelf_drop(lab);
	return rc;
}

int shelf_take(struct shelf *shelf, const struct run_place *place, const char *setup,
	       uint32_t more_features, struct shelf_lab **ret, struct error *err)
{
	struct shelf_lab *lab = &shelf->labs[more_features != RUN_SPECIALISED];

	if (strcmp(shelf->setup, setup) != 0)
		shelf_clear(shelf);
	snprintf(shelf->setup, sizeof(shelf->setup), "%s", setup);
	*ret = lab;
	if (lab->open)
		return shelf_renew(lab, place, err);
	lab->more_features = more_features;
	return shelf_open(lab, place, setup, err);
}

void shelf_clear(struct shelf *shelf)
{
	for (int way = 0; way < SHELF_WAYS; way++)
		shelf_drop(&shelf->labs[way]);
}
