// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel says of a generation: how long its programs are, and what they were made into. */
#include <errno.h>
#include <unistd.h>

#include "dataplane/internal.h"

int inspect_add(int fd, struct dataplane_program *ret)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	ret->programs++;
	ret->instructions += info.xlated_prog_len / 8;
	ret->verified += info.verified_insns;
	ret->jited_bytes += info.jited_prog_len;
	return 0;
}

int inspect_entry(const struct bpf_program *entry, struct dataplane_program *ret)
{
	struct lbd_generation_config config;

	return generation_read(bpf_program__fd(entry), &ret->generation, &config);
}

static void inspect_stages(const struct dataplane *dataplane, uint32_t bank,
			   struct dataplane_program *ret)
{
	for (int stage = 0; stage < LBD_STAGE_COUNT; stage++) {
		int fd = generation_fd_in(dataplane, MAP_lbd_generations,
					  lbd_stage_slot(bank, stage));

		if (fd < 0)
			continue;
		inspect_add(fd, ret);
		close(fd);
	}
}

static int inspect_program(const struct dataplane *dataplane, int fd, struct dataplane_program *ret)
{
	struct lbd_generation_config config;
	int rc = generation_read(fd, &ret->generation, &config);

	if (!rc)
		rc = inspect_add(fd, ret);
	if (!rc)
		inspect_stages(dataplane, config.bank, ret);
	return rc;
}

int dataplane_inspect(const struct dataplane *dataplane, int prog_fd, struct dataplane_program *ret)
{
	int fd = prog_fd, rc;

	*ret = (struct dataplane_program){ 0 };
	if (fd < 0)
		fd = generation_fd(dataplane, LBD_GENERATION_RUNNING);
	if (fd < 0)
		return fd;
	rc = inspect_program(dataplane, fd, ret);
	if (fd != prog_fd)
		close(fd);
	return rc;
}

void dataplane_unload(struct dataplane *dataplane, int prog_fd)
{
	struct lbd_generation_config config;

	generation_config(prog_fd, &config);
	stages_leave_bank(dataplane, config.bank);
	close(prog_fd);
}
