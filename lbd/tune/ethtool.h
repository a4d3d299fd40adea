/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ioctls of linux/ethtool.h that tune needs. Each returns 0 or a negative errno. */
#ifndef TUNE_ETHTOOL_H
#define TUNE_ETHTOOL_H

#include "tune/tune.h"

int ethtool_read_driver(const char *interface, char *ret, size_t size);

int ethtool_read_queues(const char *interface, struct tune_queues *ret);
int ethtool_set_queues(const char *interface, const struct tune_queues *wanted);

int ethtool_read_rings(const char *interface, struct tune_rings *ret);
int ethtool_set_rings(const char *interface, const struct tune_rings *wanted);

/* @ret has TUNE_OFFLOAD_COUNT places. */
int ethtool_read_offloads(const char *interface, struct tune_state *ret);
int ethtool_set_offload_off(const char *interface, enum tune_offload offload);

#endif
