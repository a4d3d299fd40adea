// SPDX-License-Identifier: GPL-2.0-only
/* The maps and no program: what this build lays out how, for types.c to have in it. */
#include "bpf/maps.bpf.h"

#include "bpf/generations.bpf.h"
