// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/wire.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>

struct wire {
	struct bpf_object *object;
};

static int wire_load(struct wire *wire, const char *build, struct error *err)
{
	char path[256];
	int rc;

	snprintf(path, sizeof(path), "%s/tests/bench/wire.bpf.o", build);
	wire->object = bpf_object__open_file(path, NULL);
	if (!wire->object)
		return error_errno(err, -errno, "%s", path);
	rc = bpf_object__load(wire->object);
	return rc ? error_errno(err, rc, "load %s", path) : 0;
}

/* What comes in on @from leaves by @to. The program goes with the interface. */
static int wire_lead(const struct wire *wire, int from, int to, struct error *err)
{
	const int program = bpf_program__fd(bpf_object__find_program_by_name(wire->object, "wire"));
	int rc;

	rc = bpf_map__update_elem(bpf_object__find_map_by_name(wire->object, "wire_ends"), &from,
				  sizeof(from), &to, sizeof(to), BPF_ANY);
	if (!rc)
		rc = bpf_xdp_attach(from, program, XDP_FLAGS_DRV_MODE, NULL);
	return rc ? error_errno(err, rc, "lead packets through the wire") : 0;
}

int wire_open(const struct hosts *hosts, const char *build, struct wire **ret, struct error *err)
{
	struct wire *wire = calloc(1, sizeof(*wire));
	int w0, w1, rc;

	*ret = wire;
	if (!wire)
		return error_set(err, -ENOMEM, "out of memory");
	rc = wire_load(wire, build, err);
	if (rc)
		return rc;
	w0 = hosts_ifindex(hosts, HOST_WIRE, "w0", err);
	w1 = hosts_ifindex(hosts, HOST_WIRE, "w1", err);
	if (w0 < 0 || w1 < 0)
		return -ENODEV;
	rc = wire_lead(wire, w0, w1, err);
	return rc ? rc : wire_lead(wire, w1, w0, err);
}

void wire_close(struct wire *wire)
{
	if (!wire)
		return;
	bpf_object__close(wire->object);
	free(wire);
}
