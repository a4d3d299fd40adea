// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an interface's driver does when its XDP program is exchanged for another
 * one, by the drivers' sources in Linux 6.12. An upgrade of lbd never does
 * that: the root stays, and the generation behind it changes. It matters where
 * a root has to be replaced.
 */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/dataplane.h"

static const struct {
	const char *name;
	enum dataplane_exchange exchange;
} drivers[] = {
	{ "veth", DATAPLANE_EXCHANGE_IN_PLACE },      /* veth_xdp_set: rings only from or to none */
	{ "tun", DATAPLANE_EXCHANGE_IN_PLACE },	      /* tun_xdp_set */
	{ "ixgbe", DATAPLANE_EXCHANGE_IN_PLACE },     /* ixgbe_xdp_setup: need_reset */
	{ "i40e", DATAPLANE_EXCHANGE_IN_PLACE },      /* i40e_xdp_setup: need_reset */
	{ "ice", DATAPLANE_EXCHANGE_IN_PLACE },	      /* ice_xdp_setup_prog: hot swap */
	{ "igb", DATAPLANE_EXCHANGE_IN_PLACE },	      /* igb_xdp_setup: need_reset */
	{ "igc", DATAPLANE_EXCHANGE_IN_PLACE },	      /* igc_xdp_set_prog: need_update */
	{ "mlx5_core", DATAPLANE_EXCHANGE_IN_PLACE }, /* mlx5e_xdp_set: reset */
	{ "virtio_net", DATAPLANE_EXCHANGE_PAUSES },  /* virtnet_xdp_set: napi_disable */
	{ "bnxt_en", DATAPLANE_EXCHANGE_RESTARTS },   /* bnxt_xdp_set: bnxt_close_nic */
};

const char *dataplane_exchange_name(enum dataplane_exchange exchange)
{
	static const char *const names[] = {
		[DATAPLANE_EXCHANGE_UNKNOWN] = "unknown",
		[DATAPLANE_EXCHANGE_IN_PLACE] = "in place",
		[DATAPLANE_EXCHANGE_PAUSES] = "queues pause",
		[DATAPLANE_EXCHANGE_RESTARTS] = "link restarts",
	};

	return names[exchange];
}

enum dataplane_exchange dataplane_driver(const char *interface, char *ret, size_t size)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = { .ifr_data = (void *)&info };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	snprintf(ret, size, "unknown");
	if (fd < 0)
		return DATAPLANE_EXCHANGE_UNKNOWN;
	if (!ioctl(fd, SIOCETHTOOL, &request))
		snprintf(ret, size, "%.31s", info.driver);
	close(fd);
	for (size_t i = 0; i < sizeof(drivers) / sizeof(*drivers); i++)
		if (!strcmp(drivers[i].name, ret))
			return drivers[i].exchange;
	return DATAPLANE_EXCHANGE_UNKNOWN;
}
