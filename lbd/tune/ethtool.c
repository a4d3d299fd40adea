// SPDX-License-Identifier: GPL-2.0-or-later
#include "tune/ethtool.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int ethtool_call(const char *interface, void *command)
{
	struct ifreq request = { .ifr_data = command };
	int fd, rc;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	rc = ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

int ethtool_read_driver(const char *interface, char *ret, size_t size)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	int rc = ethtool_call(interface, &info);

	if (!rc)
		snprintf(ret, size, "%.31s", info.driver);
	return rc;
}

int ethtool_read_queues(const char *interface, struct tune_queues *ret)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	int rc = ethtool_call(interface, &channels);

	if (rc)
		return rc;
	ret->rx = (struct tune_count){ channels.rx_count, channels.max_rx };
	ret->tx = (struct tune_count){ channels.tx_count, channels.max_tx };
	ret->combined = (struct tune_count){ channels.combined_count, channels.max_combined };
	return 0;
}

int ethtool_set_queues(const char *interface, const struct tune_queues *wanted)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	int rc = ethtool_call(interface, &channels);

	if (rc)
		return rc;
	channels.cmd = ETHTOOL_SCHANNELS;
	channels.rx_count = wanted->rx.now;
	channels.tx_count = wanted->tx.now;
	channels.combined_count = wanted->combined.now;
	return ethtool_call(interface, &channels);
}

int ethtool_read_rings(const char *interface, struct tune_rings *ret)
{
	struct ethtool_ringparam rings = { .cmd = ETHTOOL_GRINGPARAM };
	int rc = ethtool_call(interface, &rings);

	if (rc)
		return rc;
	ret->rx = (struct tune_count){ rings.rx_pending, rings.rx_max_pending };
	ret->tx = (struct tune_count){ rings.tx_pending, rings.tx_max_pending };
	return 0;
}

int ethtool_set_rings(const char *interface, const struct tune_rings *wanted)
{
	struct ethtool_ringparam rings = { .cmd = ETHTOOL_GRINGPARAM };
	int rc = ethtool_call(interface, &rings);

	if (rc)
		return rc;
	rings.cmd = ETHTOOL_SRINGPARAM;
	rings.rx_pending = wanted->rx.now;
	rings.tx_pending = wanted->tx.now;
	return ethtool_call(interface, &rings);
}

/* How many features this kernel names: their numbers differ between kernels. */
static int ethtool_count_features(const char *interface, uint32_t *ret)
{
	struct {
		struct ethtool_sset_info info;
		__u32 count;
	} request = { .info = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1 << ETH_SS_FEATURES } };
	int rc = ethtool_call(interface, &request);

	if (!rc && !request.info.sset_mask)
		rc = -EOPNOTSUPP;
	*ret = request.count;
	return rc;
}

static int ethtool_name_features(const char *interface, struct ethtool_gstrings **ret)
{
	uint32_t count;
	int rc = ethtool_count_features(interface, &count);

	if (rc)
		return rc;
	*ret = calloc(1, sizeof(**ret) + (size_t)count * ETH_GSTRING_LEN);
	if (!*ret)
		return -ENOMEM;
	(*ret)->cmd = ETHTOOL_GSTRINGS;
	(*ret)->string_set = ETH_SS_FEATURES;
	(*ret)->len = count;
	return ethtool_call(interface, *ret);
}

#define FEATURE_BLOCK(bit) ((bit) / 32)
#define FEATURE_MASK(bit) (1U << ((bit) % 32))

static int ethtool_read_features(const char *interface, uint32_t count,
				 struct ethtool_gfeatures **ret)
{
	uint32_t blocks = FEATURE_BLOCK(count + 31);

	*ret = calloc(1, sizeof(**ret) + blocks * sizeof((*ret)->features[0]));
	if (!*ret)
		return -ENOMEM;
	(*ret)->cmd = ETHTOOL_GFEATURES;
	(*ret)->size = blocks;
	return ethtool_call(interface, *ret);
}

#define FEATURE_PARTS 4

/* What the kernel calls the parts of an offload. */
static const char *const feature_names[TUNE_OFFLOAD_COUNT][FEATURE_PARTS] = {
	[TUNE_OFFLOAD_LRO] = { "rx-lro" },
	[TUNE_OFFLOAD_GRO_HW] = { "rx-gro-hw" },
	[TUNE_OFFLOAD_RXVLAN] = { "rx-vlan-hw-parse", "rx-vlan-stag-hw-parse" },
	[TUNE_OFFLOAD_TXCSUM] = { "tx-checksum-ip-generic", "tx-checksum-ipv4", "tx-checksum-ipv6",
				  "tx-checksum-sctp" },
	[TUNE_OFFLOAD_TSO] = { "tx-tcp-segmentation", "tx-tcp6-segmentation",
			       "tx-tcp-ecn-segmentation", "tx-tcp-mangleid-segmentation" },
	[TUNE_OFFLOAD_GSO] = { "tx-generic-segmentation", "tx-udp-segmentation" },
};

static bool ethtool_is_part(const struct ethtool_gstrings *names, uint32_t bit,
			    enum tune_offload offload)
{
	const char *name = (const char *)names->data + (size_t)bit * ETH_GSTRING_LEN;

	for (int part = 0; part < FEATURE_PARTS; part++)
		if (feature_names[offload][part] &&
		    !strncmp(name, feature_names[offload][part], ETH_GSTRING_LEN))
			return true;
	return false;
}

/* On if a part is; fixed if none that is on can be changed. */
static void ethtool_note_part(const struct ethtool_get_features_block *block, uint32_t mask,
			      struct tune_state *state)
{
	bool on = block->active & mask;
	bool fixed = !(block->available & mask) || (block->never_changed & mask);

	if (!state->known || (on && !state->on))
		state->fixed = fixed;
	else if (on == state->on)
		state->fixed = state->fixed && fixed;
	state->known = true;
	state->on = state->on || on;
}

int ethtool_read_offloads(const char *interface, struct tune_state *ret)
{
	struct ethtool_gstrings *names = NULL;
	struct ethtool_gfeatures *features = NULL;
	int rc = ethtool_name_features(interface, &names);

	if (!rc)
		rc = ethtool_read_features(interface, names->len, &features);
	for (uint32_t bit = 0; !rc && bit < names->len; bit++)
		for (int i = 0; i < TUNE_OFFLOAD_COUNT; i++)
			if (ethtool_is_part(names, bit, (enum tune_offload)i))
				ethtool_note_part(&features->features[FEATURE_BLOCK(bit)],
						  FEATURE_MASK(bit), &ret[i]);
	free(features);
	free(names);
	return rc;
}

int ethtool_set_offload_off(const char *interface, enum tune_offload offload)
{
	struct ethtool_gstrings *names = NULL;
	struct ethtool_sfeatures *wanted = NULL;
	int rc = ethtool_name_features(interface, &names);
	uint32_t blocks;

	if (rc)
		goto out;
	blocks = FEATURE_BLOCK(names->len + 31);
	wanted = calloc(1, sizeof(*wanted) + blocks * sizeof(wanted->features[0]));
	rc = wanted ? 0 : -ENOMEM;
	if (rc)
		goto out;
	wanted->cmd = ETHTOOL_SFEATURES;
	wanted->size = blocks;
	for (uint32_t bit = 0; bit < names->len; bit++)
		if (ethtool_is_part(names, bit, offload))
			wanted->features[FEATURE_BLOCK(bit)].valid |= FEATURE_MASK(bit);
	rc = ethtool_call(interface, wanted);
out:
	free(wanted);
	free(names);
	return rc;
}
