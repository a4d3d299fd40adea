// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an interface's driver does when its XDP program is exchanged for another
 * one, by what it does upon XDP_SETUP_PROG in its sources (read up to Linux
 * 6.12, each by the function that the table names). An upgrade of lbd never does
 * that: the root stays, and the generation behind it changes. It matters where a
 * root has to be replaced.
 *
 * Most compare "is there one" before and after, and rebuild rings only where
 * that changes: so the first root of an interface, and taking it away, restart
 * queues or link with all of them but tun, hv_netvsc and sfc. Kernels without
 * "ice: hot swap XDP programs" restart the link with ice too.
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
	/* veth_xdp_set: veth_enable_xdp only from none, veth_disable_xdp only to none. */
	{ "veth", DATAPLANE_EXCHANGE_IN_PLACE },
	/* tun_xdp_set: a pointer. */
	{ "tun", DATAPLANE_EXCHANGE_IN_PLACE },
	/* ixgbe_xdp_setup: need_reset (ixgbe_setup_tc), else each ring's pointer. */
	{ "ixgbe", DATAPLANE_EXCHANGE_IN_PLACE },
	/* i40e_xdp_setup: need_reset (i40e_prep_for_reset), else each ring's pointer. */
	{ "i40e", DATAPLANE_EXCHANGE_IN_PLACE },
	/* igb_xdp_setup: need_reset (igb_close, igb_open), else each ring's pointer. */
	{ "igb", DATAPLANE_EXCHANGE_IN_PLACE },
	/* ice_xdp_setup_prog: ice_vsi_assign_bpf_prog at once; ice_down only from or to none. */
	{ "ice", DATAPLANE_EXCHANGE_IN_PLACE },
	/* igc_xdp_set_prog: igc_close, igc_open; need_update spares an exchange that only later. */
	{ "igc", DATAPLANE_EXCHANGE_RESTARTS },
	/* mlx5e_xdp_set: mlx5e_safe_switch_params, and reset only from or to none. */
	{ "mlx5_core", DATAPLANE_EXCHANGE_IN_PLACE },
	/* mlx4_xdp_set: as many XDP rings as before, so each ring's pointer. */
	{ "mlx4_en", DATAPLANE_EXCHANGE_IN_PLACE },
	/* ena_xdp_set: ena_xdp_exchange_program; ena_down only from or to none. */
	{ "ena", DATAPLANE_EXCHANGE_IN_PLACE },
	/* efx_xdp_setup_prog: a pointer. */
	{ "sfc", DATAPLANE_EXCHANGE_IN_PLACE },
	/* netvsc_xdp_set: each channel's pointer; a VF below does what its own driver does. */
	{ "hv_netvsc", DATAPLANE_EXCHANGE_IN_PLACE },
	/* virtnet_xdp_set: napi_disable of all queues, whatever was there. */
	{ "virtio_net", DATAPLANE_EXCHANGE_PAUSES },
	/* gve_set_xdp: gve_turndown (which takes the carrier off), gve_turnup. */
	{ "gve", DATAPLANE_EXCHANGE_RESTARTS },
	/* bnxt_xdp_set: bnxt_close_nic, bnxt_open_nic. */
	{ "bnxt_en", DATAPLANE_EXCHANGE_RESTARTS },
	/* qede_xdp_set: qede_reload. */
	{ "qede", DATAPLANE_EXCHANGE_RESTARTS },
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
