// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/lab.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void lab_heal(const struct model *model)
{
	for (uint32_t i = 0; i < model->limits.backends; i++) {
		model->backends[i].healthy = true;
		model->backends[i].checked = true;
	}
}

int lab_start(struct lab *lab, struct config *config, struct error *err)
{
	struct dataplane_options options = { 0 };
	int rc;

	*lab = (struct lab){ .config = config, .prog_fd = -1 };
	rc = model_build(lab->config, NULL, NULL, NULL, &lab->model, err);
	if (!rc) {
		lab_heal(lab->model);
		options.limits = lab->model->limits;
		rc = dataplane_open(&options, &lab->dataplane, err);
	}
	if (rc)
		lab_close(lab);
	return rc;
}

int lab_open(struct lab *lab, const char *yaml, const char *name, struct error *err)
{
	struct config *config = NULL;
	int rc;

	memset(lab, 0, sizeof(*lab));
	rc = config_parse(yaml, strlen(yaml), name, &config, err);
	return rc ? rc : lab_start(lab, config, err);
}

void lab_close(struct lab *lab)
{
	if (lab->prog_fd > 0)
		close(lab->prog_fd);
	dataplane_close(lab->dataplane);
	model_free(lab->model);
	config_free(lab->config);
	memset(lab, 0, sizeof(*lab));
}

int lab_commit(const struct lab *lab, struct error *err)
{
	return dataplane_commit(lab->dataplane, lab->model, err);
}

int lab_run(struct lab *lab, const char *object, uint32_t features, struct error *err)
{
	int fd, rc;

	rc = dataplane_load(lab->dataplane, object, lab->model, features, &fd, err);
	if (rc)
		return rc;
	if (lab->prog_fd > 0)
		close(lab->prog_fd);
	lab->prog_fd = fd;
	return dataplane_swap(lab->dataplane, fd, err);
}
