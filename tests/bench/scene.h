/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service that is measured: one VIP, 16 backends, a frame to it, and what
 * must come of that frame. A benchmark of a program that does the wrong thing
 * fast is worth nothing, so every run is held against this.
 */
#ifndef BENCH_SCENE_H
#define BENCH_SCENE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/wrap.h"
#include "tests/lab/lab.h"

#define SCENE_BACKENDS 16
#define SCENE_SLOTS 4194304  /* of a connection table that is to hold any case's flows */
#define SCENE_SLOTS_A_FLOW 4 /* as the configuration's reference advises */
#define SCENE_CONFIG_MAX 4096
#define SCENE_PREFIXES 100000

struct scene {
	bool ipv6; /* clients, VIP and backends alike */
	enum lbd_forward forward;
	bool udp;    /* or TCP */
	bool spread; /* clients have addresses of their own */
	const char
		*lists; /* deny those of a file of SCENE_PREFIXES prefixes, which is named here */
	const struct scene *over; /* measured is what it costs more than this one */
	bool limits;		  /* of each source and of the service, far away */
};

/* A configuration with this service and a table of @slots, received on interface @in. */
void scene_config(const struct scene *scene, uint32_t slots, const char *in,
		  char text[SCENE_CONFIG_MAX]);

/*
 * Write the deny list of @scene to the file that it names: half of it single
 * addresses (of IPv6: /64) between those that the packets come from. Without one: nothing.
 */
int scene_write_list(const struct scene *scene, struct error *err);
void scene_remove_list(const struct scene *scene);

/* Give every backend the next hop @mac on @ifindex. */
void scene_resolve(const struct lab *lab, uint32_t ifindex, const uint8_t dmac[6],
		   const uint8_t smac[6]);

/* An answer comes from a backend, to a NAT address. */
enum scene_packet { SCENE_ACK, SCENE_SYN, SCENE_FOREIGN, SCENE_ANSWER };

/* Fill @frame with a TCP segment to the service; returns its size. */
uint32_t scene_frame(const struct scene *scene, enum scene_packet packet,
		     uint8_t frame[WRAP_FRAME_MAX]);

/*
 * Is @out what lbd must make of the frame of flow number @flow: sent to the
 * next hop, tunnelled to one of the backends if the scene says so, and whole?
 */
bool scene_forwarded(const struct scene *scene, const uint8_t *frame, uint32_t size, uint32_t flow,
		     const uint8_t *out, uint32_t out_size);

/* How the backend answers @out, a translated packet. */
void scene_way(const uint8_t *out, struct wrap_way *ret);

/* Is @out what NAT must make of the answer to flow number @flow: from the VIP to its client? */
bool scene_answered(const uint8_t *frame, uint32_t size, uint32_t flow, const uint8_t *out,
		    uint32_t out_size);

#endif
