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
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include "dataplane/internal.h"
#include "dataplane/next.h"

#define ROOT_PROGRAM "lbd_root"
#define GENERIC_COST "it costs about two thirds of the packet rate"

static int attach_print(enum libxdp_print_level level, const char *format, va_list args)
{
	if (level != LIBXDP_DEBUG)
		object_say("libxdp", format, args);
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

#define ATTACH_MAPS_MAX 64 /* of a program; root uses two */

/* Ids of the maps that the program uses; returns how many. */
static uint32_t attach_maps(const struct xdp_program *program, __u32 *ids)
{
	__u32 size = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = {
		.map_ids = (__u64)(uintptr_t)ids,
		.nr_map_ids = ATTACH_MAPS_MAX,
	};

	if (bpf_obj_get_info_by_fd(xdp_program__fd(program), &info, &size))
		return 0;
	return info.nr_map_ids < ATTACH_MAPS_MAX ? info.nr_map_ids : ATTACH_MAPS_MAX;
}

static bool attach_is_root(const struct xdp_program *program)
{
	return program && !strcmp(xdp_program__name(program), ROOT_PROGRAM);
}

static bool attach_is_ours(const struct dataplane *dataplane, const struct xdp_program *program)
{
	__u32 size = sizeof(struct bpf_map_info), ids[ATTACH_MAPS_MAX];
	struct bpf_map_info info = { 0 };
	uint32_t count;

	if (!attach_is_root(program) ||
	    bpf_obj_get_info_by_fd(dataplane->fd[MAP_lbd_generations], &info, &size))
		return false;
	count = attach_maps(program, ids);
	for (uint32_t i = 0; i < count; i++)
		if (ids[i] == info.id)
			return true;
	return false;
}

static bool attach_map_is_deserted(uint32_t id)
{
	__u32 size = sizeof(struct bpf_map_info), running = LBD_GENERATION_RUNNING, held;
	struct bpf_map_info info = { 0 };
	int fd = bpf_map_get_fd_by_id(id);
	bool deserted;

	if (fd < 0)
		return false;
	deserted = !bpf_obj_get_info_by_fd(fd, &info, &size) &&
		   !strcmp(info.name, "lbd_generations") &&
		   bpf_map_lookup_elem(fd, &running, &held) && errno == ENOENT;
	close(fd);
	return deserted;
}

/*
 * A root program whose pins were removed behind our back, or went with bpffs:
 * with its last pin and descriptor the kernel emptied its lbd_generations, so
 * it only hands packets to the kernel. Nobody misses it, and it is in the way.
 */
static bool attach_is_orphan(const struct dataplane *dataplane, const struct xdp_program *program)
{
	__u32 ids[ATTACH_MAPS_MAX];
	uint32_t count;

	if (!attach_is_root(program) || attach_is_ours(dataplane, program))
		return false;
	count = attach_maps(program, ids);
	for (uint32_t i = 0; i < count; i++)
		if (attach_map_is_deserted(ids[i]))
			return true;
	return false;
}

typedef bool (*attach_match)(const struct dataplane *, const struct xdp_program *);

/* The program among those on the interface that @match means; belongs to @chain. */
static struct xdp_program *attach_find(const struct dataplane *dataplane,
				       const struct xdp_multiprog *chain, attach_match match)
{
	struct xdp_program *program = NULL;

	if (xdp_multiprog__is_legacy(chain)) {
		program = xdp_multiprog__main_prog(chain);
		return match(dataplane, program) ? program : NULL;
	}
	while ((program = xdp_multiprog__next_prog(program, chain)))
		if (match(dataplane, program))
			return program;
	return NULL;
}

static bool attach_adopt(const struct dataplane *dataplane, struct dataplane_attachment *ret)
{
	struct xdp_multiprog *chain = xdp_multiprog__get_from_ifindex((int)ret->ifindex);
	bool found;

	if (libxdp_get_error(chain))
		return false;
	found = attach_find(dataplane, chain, attach_is_ours);
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

static void attach_explain(int rc, enum config_xdp_mode mode, struct error *err)
{
	if (rc == -EBUSY || rc == -EEXIST) {
		error_set(err, rc, "another XDP program is attached, and can't be shared with");
		error_hint(err, "see it: ip -d link; remove it: ip link set dev INTERFACE xdp off");
		return;
	}
	error_errno(err, rc, "attach");
	if (mode == CONFIG_XDP_NATIVE || mode == CONFIG_XDP_OFFLOAD)
		error_hint(err, "xdp.mode: auto also takes generic, which every driver can do");
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
		attach_explain(rc, mode, err);
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
	snprintf(ret->reason, sizeof(ret->reason), "the driver refused native (%s); " GENERIC_COST,
		 why);
	return 0;
}

static void attach_adopted_reason(struct dataplane_attachment *ret, enum config_xdp_mode mode)
{
	if (mode == CONFIG_XDP_AUTO || mode == ret->mode)
		snprintf(ret->reason, sizeof(ret->reason), "it was attached before");
	else
		snprintf(ret->reason, sizeof(ret->reason),
			 "adopted; the config asks for %s, which takes effect after lbd --detach",
			 dataplane_mode_name(mode));
}

/* Only after attaching can be told whether libxdp found a dispatcher possible. */
static void attach_note_chain(const struct dataplane *dataplane, struct dataplane_attachment *ret)
{
	struct dataplane_attachment found = { .ifindex = ret->ifindex };

	if (attach_adopt(dataplane, &found))
		ret->dispatcher = found.dispatcher;
}

void dataplane_refresh_mac(struct dataplane_attachment *attachment)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || !if_indextoname(attachment->ifindex, request.ifr_name))
		goto out;
	if (!ioctl(fd, SIOCGIFHWADDR, &request))
		memcpy(attachment->mac, request.ifr_hwaddr.sa_data, sizeof(attachment->mac));
out:
	if (fd >= 0)
		close(fd);
}

static void attach_fresh_reason(struct dataplane_attachment *ret, enum config_xdp_mode mode)
{
	const char *reason = "the config asks for it";

	if (mode == CONFIG_XDP_AUTO)
		reason = "the driver supports it";
	else if (mode == CONFIG_XDP_GENERIC)
		reason = "the config asks for it; " GENERIC_COST;
	snprintf(ret->reason, sizeof(ret->reason), "%s", reason);
}

/* Attach where nothing of ours stands yet. */
static int attach_fresh(const struct dataplane *dataplane, const char *root_object,
			enum config_xdp_mode mode, struct dataplane_attachment *ret,
			struct error *err)
{
	int rc;

	ret->mode = mode == CONFIG_XDP_AUTO ? CONFIG_XDP_NATIVE : mode;
	rc = attach_try(dataplane, root_object, ret->ifindex, mode, err);
	if (!rc)
		attach_fresh_reason(ret, mode);
	/* With a foreign program on the interface generic would fail as well, less clearly. */
	else if (mode == CONFIG_XDP_AUTO && rc != -EBUSY && rc != -EEXIST)
		rc = attach_fallback(dataplane, root_object, ret, err);
	return rc;
}

/* Remove the program that @match means from the interface. *ret_found: was there one? */
static int attach_remove(const struct dataplane *dataplane, uint32_t ifindex, attach_match match,
			 bool *ret_found, struct error *err)
{
	struct xdp_multiprog *chain = xdp_multiprog__get_from_ifindex((int)ifindex);
	struct xdp_program *program;
	int rc = 0;

	*ret_found = false;
	if (libxdp_get_error(chain))
		return 0;
	program = attach_find(dataplane, chain, match);
	*ret_found = program;
	if (program)
		rc = xdp_program__detach(program, (int)ifindex, xdp_multiprog__attach_mode(chain),
					 0);
	if (rc)
		error_errno(err, rc, "detach from interface %u", ifindex);
	xdp_multiprog__close(chain);
	return rc;
}

int dataplane_detach(struct dataplane *dataplane, const char *interface, struct error *err)
{
	uint32_t ifindex = if_nametoindex(interface);
	bool found;

	libxdp_set_print(attach_print);
	return ifindex ? attach_remove(dataplane, ifindex, attach_is_ours, &found, err) : 0;
}

int dataplane_attach(struct dataplane *dataplane, const char *root_object, const char *interface,
		     enum config_xdp_mode mode, struct dataplane_attachment *ret, struct error *err)
{
	bool orphan;
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
	rc = attach_remove(dataplane, ret->ifindex, attach_is_orphan, &orphan, err);
	if (!rc)
		rc = attach_fresh(dataplane, root_object, mode, ret, err);
	if (rc)
		return error_prefix(err, rc, "interface %s, mode %s", interface,
				    dataplane_mode_name(mode));
	attach_note_chain(dataplane, ret);
	return 0;
}

static bool attach_is_removable(const struct dataplane *dataplane,
				const struct xdp_program *program)
{
	return attach_is_ours(dataplane, program) || attach_is_orphan(dataplane, program);
}

static int attach_remove_all(const struct dataplane *dataplane, uint32_t *ret_interfaces,
			     struct error *err)
{
	struct if_nameindex *all = if_nameindex();
	bool found;
	int rc = 0;

	if (!all)
		return error_errno(err, -errno, "list the interfaces");
	for (size_t i = 0; all[i].if_index && !rc; i++) {
		rc = attach_remove(dataplane, all[i].if_index, attach_is_removable, &found, err);
		*ret_interfaces += found && !rc;
	}
	if_freenameindex(all);
	return rc;
}

int dataplane_remove(const char *pin_dir, uint32_t *ret_interfaces, struct error *err)
{
	struct dataplane dataplane = { 0 };
	char path[256];
	int rc;

	*ret_interfaces = 0;
	libxdp_set_print(attach_print);
	snprintf(path, sizeof(path), "%s/lbd_generations", pin_dir);
	dataplane.fd[MAP_lbd_generations] = bpf_obj_get(path);
	/* Unreadable: the only way to what is attached, so it stays. */
	if (dataplane.fd[MAP_lbd_generations] < 0 && errno != ENOENT)
		return error_errno(err, -errno, "open %s", path);
	rc = attach_remove_all(&dataplane, ret_interfaces, err);
	if (dataplane.fd[MAP_lbd_generations] >= 0)
		close(dataplane.fd[MAP_lbd_generations]);
	if (rc)
		return rc;
	if (access(pin_dir, F_OK))
		return *ret_interfaces ? 0 : error_errno(err, -ENOENT, "%s", pin_dir);
	rc = next_remove(pin_dir, err);
	return rc ? rc : maps_unpin(pin_dir, err);
}
