/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Maps that the kernel holds, pinned or not: what was left behind in it is found only so. */
#ifndef TESTS_UNIT_KERNEL_MAPS_H
#define TESTS_UNIT_KERNEL_MAPS_H

#include <bpf/bpf.h>
#include <string.h>
#include <unistd.h>

static inline bool kernel_map_is(__u32 id, const char *name, uint32_t entries)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	int fd = bpf_map_get_fd_by_id(id);
	bool is;

	if (fd < 0)
		return false;
	is = !bpf_obj_get_info_by_fd(fd, &info, &size) && !strcmp(info.name, name) &&
	     info.max_entries == entries;
	close(fd);
	return is;
}

static inline uint32_t kernel_maps(const char *name, uint32_t entries)
{
	uint32_t count = 0;

	for (__u32 id = 0; !bpf_map_get_next_id(id, &id);)
		count += kernel_map_is(id, name, entries);
	return count;
}

/* The kernel frees them some time after the last one that held them. */
static inline uint32_t kernel_maps_left(const char *name, uint32_t entries)
{
	uint32_t count = kernel_maps(name, entries);

	for (int tries = 0; count && tries < 300; tries++) {
		usleep(10000);
		count = kernel_maps(name, entries);
	}
	return count;
}

#endif
