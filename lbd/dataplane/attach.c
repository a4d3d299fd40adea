// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The root program on an interface, through libxdp. What makes a program ours
 * is that it is called lbd_root and uses our pinned lbd_generations: that can
 * be asked of the kernel at any time, so there is no record that a kill at the
 * wrong moment could falsify.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include "base/log.h"
#include "dataplane/internal.h"

#define ROOT_PROGRAM "lbd_root"

static int attach_print(enum libxdp_print_level level, const char *format, va_list args)
{
	char line[512];

	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	if (level != LIBXDP_DEBUG)
		log_debug("libxdp: %s", line);
	return 0;
}

static enum xdp_attach_mode attach_to_libxdp(enum config_xdp_mode mode)
{
	static const enum xdp_attach_mode modes[] = {
		[CONFIG_XDP_AUTO] = XDP_MODE_NATIVE,
		[CONFIG_XDP_NATIVE] = XDP_MODE_NATIVE,
		[CONFIG_XDP_GENERIC] = XDP_MODE_SKB,
		[CONFIG_XDP_OFFLOAD] = XDP_MODE_HW,
	};

	return modes[mode];
}

static enum config_xdp_mode attach_from_libxdp(enum xdp_attach_mode mode)
{
	if (mode == XDP_MODE_SKB)
		return CONFIG_XDP_GENERIC;
	return mode == XDP_MODE_HW ? CONFIG_XDP_OFFLOAD : CONFIG_XDP_NATIVE;
}

static bool attach_uses_map(int prog_fd, uint32_t map_id)
{
	__u32 maps[64] = { 0 }, size = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = {
		.map_ids = (__u64)(uintptr_t)maps,
		.nr_map_ids = sizeof(maps) / sizeof(*maps),
	};

	if (bpf_obj_get_info_by_fd(prog_fd, &info, &size))
		return false;
	for (__u32 i = 0; i < info.nr_map_ids && i < sizeof(maps) / sizeof(*maps); i++)
		if (maps[i] == map_id)
			return true;
	return false;
}

static bool attach_is_ours(const struct dataplane *dataplane, const struct xdp_program *program)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);

	if (!program || strcmp(xdp_program__name(program), ROOT_PROGRAM) != 0)
		return false;
	if (bpf_obj_get_info_by_fd(dataplane->fd[MAP_lbd_generations], &info, &size))
		return false;
	return attach_uses_map(xdp_program__fd(program), info.id);
}

/* Our program among those on the interface; belongs to @chain. */
static struct xdp_program *attach_find(const struct dataplane *dataplane,
				       const struct xdp_multiprog *chain)
{
	struct xdp_program *program = NULL;

	if (xdp_multiprog__is_legacy(chain)) {
		program = xdp_multiprog__main_prog(chain);
		return attach_is_ours(dataplane, program) ? program : NULL;
	}
	while ((program = xdp_multiprog__next_prog(program, chain)))
		if (attach_is_ours(dataplane, program))
			return program;
	return NULL;
}

static bool attach_adopt(const struct dataplane *dataplane, struct dataplane_attachment *ret)
{
	struct xdp_multiprog *chain = xdp_multiprog__get_from_ifindex((int)ret->ifindex);
	bool found;

	if (libxdp_get_error(chain))
		return false;
	found = attach_find(dataplane, chain);
	if (found) {
		ret->adopted = true;
		ret->dispatcher = !xdp_multiprog__is_legacy(chain);
		ret->mode = attach_from_libxdp(xdp_multiprog__attach_mode(chain));
	}
	xdp_multiprog__close(chain);
	return found;
}

static int attach_open(const struct dataplane *dataplane, const char *path,
		       struct xdp_program **ret, struct error *err)
{
	DECLARE_LIBXDP_OPTS(xdp_program_opts, options, 0);
	struct bpf_object *object;
	struct xdp_program *program;
	int rc;

	rc = object_open(dataplane, path, NULL, 0, &object, err);
	if (rc)
		return rc;
	options.obj = object;
	options.prog_name = ROOT_PROGRAM;
	program = xdp_program__create(&options);
	rc = (int)libxdp_get_error(program);
	if (rc) {
		bpf_object__close(object);
		return error_errno(err, rc, "%s: program " ROOT_PROGRAM, path);
	}
	*ret = program;
	return 0;
}

/* libxdp consumes a program in a failed attempt, so each attempt opens its own. */
static int attach_in_chain(const struct dataplane *dataplane, const char *path, uint32_t ifindex,
			   enum config_xdp_mode mode, struct error *err)
{
	struct xdp_program *program = NULL;
	struct bpf_object *object;
	int rc;

	rc = attach_open(dataplane, path, &program, err);
	if (rc)
		return rc;
	object = xdp_program__bpf_obj(program);
	rc = xdp_program__attach(program, (int)ifindex, attach_to_libxdp(mode), 0);
	if (rc)
		error_errno(err, rc, "attach");
	xdp_program__close(program);
	bpf_object__close(object);
	return rc;
}

/* Never in the place of another program: what stands there isn't ours. */
static int attach_alone(const struct dataplane *dataplane, const char *path, uint32_t ifindex,
			enum config_xdp_mode mode)
{
	static const __u32 flags[] = {
		[CONFIG_XDP_AUTO] = XDP_FLAGS_DRV_MODE,
		[CONFIG_XDP_NATIVE] = XDP_FLAGS_DRV_MODE,
		[CONFIG_XDP_GENERIC] = XDP_FLAGS_SKB_MODE,
		[CONFIG_XDP_OFFLOAD] = XDP_FLAGS_HW_MODE,
	};
	struct bpf_program *program;
	struct bpf_object *object;
	int rc;

	rc = object_open(dataplane, path, NULL, 0, &object, NULL);
	if (rc)
		return rc;
	program = bpf_object__find_program_by_name(object, ROOT_PROGRAM);
	rc = program ? bpf_object__load(object) : -ENOENT;
	if (!rc)
		rc = bpf_xdp_attach((int)ifindex, bpf_program__fd(program),
				    flags[mode] | XDP_FLAGS_UPDATE_IF_NOEXIST, NULL);
	bpf_object__close(object);
	return rc;
}

/*
 * A kernel may know dispatchers and yet refuse the root in one, because it ends
 * in a tail call:
 * - before Linux 6.2 (and stable series without 1c123c567fb1 "bpf: Resolve fext
 *   program type when checking map compatibility") an extension may not share
 *   a PROG_ARRAY with XDP programs;
 * - since 6.13 (and in 6.12's series, 81f6d0530ba0 "bpf: check changes_pkt_data
 *   property for extension programs") it may not take the place of a function
 *   that leaves packets alone, as those of libxdp 1.3's dispatcher do.
 * libxdp goes without its chain only if it can't load the dispatcher: then the
 * root stands alone, rather than not at all or in generic mode.
 */
static int attach_try(const struct dataplane *dataplane, const char *path, uint32_t ifindex,
		      enum config_xdp_mode mode, struct error *err)
{
	int rc = attach_in_chain(dataplane, path, ifindex, mode, err);

	if (rc && !attach_alone(dataplane, path, ifindex, mode))
		return 0;
	return rc;
}

const char *dataplane_mode_name(enum config_xdp_mode mode)
{
	static const char *const names[] = {
		[CONFIG_XDP_AUTO] = "auto",
		[CONFIG_XDP_NATIVE] = "native",
		[CONFIG_XDP_GENERIC] = "generic",
		[CONFIG_XDP_OFFLOAD] = "offload",
	};

	return names[mode];
}

static int attach_fallback(const struct dataplane *dataplane, const char *path,
			   struct dataplane_attachment *ret, struct error *err)
{
	char why[sizeof(ret->reason) / 2];
	int rc;

	snprintf(why, sizeof(why), "%.90s", err->text);
	rc = attach_try(dataplane, path, ret->ifindex, CONFIG_XDP_GENERIC, err);
	if (rc)
		return rc;
	ret->mode = CONFIG_XDP_GENERIC;
	snprintf(ret->reason, sizeof(ret->reason),
		 "generic: the driver refused native (%s); costs about two thirds of the packet "
		 "rate",
		 why);
	return 0;
}

static void attach_adopted_reason(struct dataplane_attachment *ret, enum config_xdp_mode mode)
{
	if (mode == CONFIG_XDP_AUTO || mode == ret->mode)
		snprintf(ret->reason, sizeof(ret->reason), "it was attached before");
	else
		snprintf(ret->reason, sizeof(ret->reason),
			 "%s: adopted; the config asks for %s, which takes effect after lbd "
			 "--detach",
			 dataplane_mode_name(ret->mode), dataplane_mode_name(mode));
}

/* Only after attaching can be told whether libxdp found a dispatcher possible. */
static void attach_note_chain(const struct dataplane *dataplane, struct dataplane_attachment *ret)
{
	struct dataplane_attachment found = { .ifindex = ret->ifindex };

	if (attach_adopt(dataplane, &found))
		ret->dispatcher = found.dispatcher;
}

int dataplane_attach(struct dataplane *dataplane, const char *root_object, const char *interface,
		     enum config_xdp_mode mode, struct dataplane_attachment *ret, struct error *err)
{
	int rc;

	memset(ret, 0, sizeof(*ret));
	libxdp_set_print(attach_print);
	snprintf(ret->interface, sizeof(ret->interface), "%s", interface);
	ret->ifindex = if_nametoindex(interface);
	if (!ret->ifindex)
		return error_errno(err, -errno, "interface %s", interface);
	if (attach_adopt(dataplane, ret)) {
		attach_adopted_reason(ret, mode);
		return 0;
	}
	ret->mode = mode == CONFIG_XDP_AUTO ? CONFIG_XDP_NATIVE : mode;
	rc = attach_try(dataplane, root_object, ret->ifindex, mode, err);
	if (!rc)
		snprintf(ret->reason, sizeof(ret->reason), "%s",
			 mode == CONFIG_XDP_AUTO ? "the driver supports it"
						 : "the config asks for it");
	else if (mode == CONFIG_XDP_AUTO)
		rc = attach_fallback(dataplane, root_object, ret, err);
	if (rc)
		return error_prefix(err, rc, "interface %s, mode %s", interface,
				    dataplane_mode_name(mode));
	attach_note_chain(dataplane, ret);
	return 0;
}

int dataplane_detach(struct dataplane *dataplane, const char *interface, struct error *err)
{
	int ifindex = (int)if_nametoindex(interface), rc = 0;
	struct xdp_multiprog *chain;
	struct xdp_program *program;

	libxdp_set_print(attach_print);
	if (!ifindex)
		return 0;
	chain = xdp_multiprog__get_from_ifindex(ifindex);
	if (libxdp_get_error(chain))
		return 0;
	program = attach_find(dataplane, chain);
	if (program)
		rc = xdp_program__detach(program, ifindex, xdp_multiprog__attach_mode(chain), 0);
	if (rc)
		error_errno(err, rc, "detach from %s", interface);
	xdp_multiprog__close(chain);
	return rc;
}

static bool attach_stands_on(const struct dataplane *dataplane, unsigned int ifindex)
{
	struct dataplane_attachment attachment = { .ifindex = ifindex };

	return attach_adopt(dataplane, &attachment);
}

static int attach_remove_all(struct dataplane *dataplane, const struct if_nameindex *all,
			     uint32_t *ret_interfaces, struct error *err)
{
	int rc = 0;

	for (; all->if_index && !rc; all++) {
		if (!attach_stands_on(dataplane, all->if_index))
			continue;
		rc = dataplane_detach(dataplane, all->if_name, err);
		*ret_interfaces += !rc;
	}
	return rc;
}

int dataplane_remove(const char *pin_dir, uint32_t *ret_interfaces, struct error *err)
{
	struct dataplane dataplane = { 0 };
	struct if_nameindex *all;
	char path[256];
	int rc;

	*ret_interfaces = 0;
	libxdp_set_print(attach_print);
	if (access(pin_dir, F_OK))
		return error_errno(err, -errno, "%s", pin_dir);
	snprintf(path, sizeof(path), "%s/lbd_generations", pin_dir);
	dataplane.fd[MAP_lbd_generations] = bpf_obj_get(path);
	if (dataplane.fd[MAP_lbd_generations] < 0)
		return maps_unpin(pin_dir, err);
	all = if_nameindex();
	rc = all ? attach_remove_all(&dataplane, all, ret_interfaces, err)
		 : error_errno(err, -errno, "list the interfaces");
	if (all)
		if_freenameindex(all);
	close(dataplane.fd[MAP_lbd_generations]);
	return rc ? rc : maps_unpin(pin_dir, err);
}
