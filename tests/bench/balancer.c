// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/balancer.h"

#include <net/if.h>
#include <stdio.h>

#define IN "l0"
#define OUT "l1"

int balancer_open(struct balancer *balancer, const struct hosts *hosts, const char *build,
		  const struct scene *scene, uint32_t slots, struct error *err)
{
	static const uint8_t dmac[6] = { 2, 0, 0, 0, 0xee, 4 }, smac[6] = { 2, 0, 0, 0, 0xee, 3 };
	char config[SCENE_CONFIG_MAX], object[256];
	struct lab *lab = &balancer->lab;
	uint32_t in;
	int rc;

	balancer->hosts = hosts;
	balancer->build = build;
	rc = hosts_enter(hosts, HOST_LB, err);
	if (rc)
		return rc;
	in = if_nametoindex(IN);
	scene_config(scene, slots, IN, config);
	snprintf(object, sizeof(object), "%s/bpf/lb.bpf.o", build);
	rc = lab_open(lab, config, "benchmark", err);
	if (rc)
		return rc;
	scene_resolve(lab, if_nametoindex(OUT), dmac, smac);
	rc = lab_commit(lab, err);
	return rc ? rc : lab_run(lab, object, model_features(lab->model, &in, 1), err);
}

void balancer_close(struct balancer *balancer)
{
	lab_close(&balancer->lab);
}

int balancer_attach(struct balancer *balancer, struct error *err)
{
	struct dataplane_attachment attachment;
	char object[256];
	int rc = hosts_enter(balancer->hosts, HOST_LB, err);

	snprintf(object, sizeof(object), "%s/bpf/root.bpf.o", balancer->build);
	return rc ? rc
		  : dataplane_attach(balancer->lab.dataplane, object, IN, CONFIG_XDP_NATIVE,
				     &attachment, err);
}

int balancer_detach(struct balancer *balancer, struct error *err)
{
	int rc = hosts_enter(balancer->hosts, HOST_LB, err);

	return rc ? rc : dataplane_detach(balancer->lab.dataplane, IN, err);
}
