/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GENERATIONS_BPF_H
#define GENERATIONS_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "lbd/maps.h"

/* The packet paths that are loaded, and their stages. One update of slot RUNNING is an upgrade. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, LBD_GENERATIONS_SIZE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} lbd_generations SEC(".maps");

#endif
