// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel tells of an interface. What it doesn't, stays not known. */
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tune/ethtool.h"
#include "tune/file.h"
#include "tune/irq.h"

static enum tune_xdp read_xdp(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	if (bpf_xdp_query((int)ifindex, 0, &query))
		return TUNE_XDP_NONE;
	switch (query.attach_mode) {
	case XDP_ATTACHED_SKB:
		return TUNE_XDP_GENERIC;
	case XDP_ATTACHED_HW:
		return TUNE_XDP_OFFLOAD;
	case XDP_ATTACHED_NONE:
		return TUNE_XDP_NONE;
	default:
		return TUNE_XDP_NATIVE;
	}
}

/* A mask such as "00000000,0000000f". */
static bool read_mask_is_set(const char *path)
{
	char text[512];

	return !file_read(path, text, sizeof(text)) && strspn(text, "0,") != strlen(text);
}

static void read_steering(struct tune_reading *reading)
{
	char path[320];
	struct dirent *entry;
	DIR *folder;

	snprintf(path, sizeof(path), "/sys/class/net/%s/queues", reading->interface);
	folder = opendir(path);
	if (!folder)
		return;
	while ((entry = readdir(folder))) {
		bool rx = !strncmp(entry->d_name, "rx-", 3);

		if (!rx && strncmp(entry->d_name, "tx-", 3))
			continue;
		snprintf(path, sizeof(path), "/sys/class/net/%s/queues/%.32s/%s",
			 reading->interface, entry->d_name, rx ? "rps_cpus" : "xps_cpus");
		*(rx ? &reading->rx_queues : &reading->tx_queues) += 1;
		*(rx ? &reading->rps_queues : &reading->xps_queues) += read_mask_is_set(path);
	}
	closedir(folder);
}

/* A line of it: "eth0.5 | 5 | eth0". */
static bool read_vlans(const char *interface)
{
	FILE *file = fopen("/proc/net/vlan/config", "re");
	char line[160], below[IF_NAMESIZE];
	bool found = false;

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%*[^|]| %*d | %15s", below) == 1 && !strcmp(below, interface);
	fclose(file);
	return found;
}

static uint32_t read_mtu(const char *interface)
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint32_t mtu = 0;

	if (fd < 0)
		return 0;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (!ioctl(fd, SIOCGIFMTU, &request))
		mtu = (uint32_t)request.ifr_mtu;
	close(fd);
	return mtu;
}

/* In a network namespace that was entered without a mount of its own, /sys shows other interfaces. */
static bool read_sysfs_shows(const char *interface, uint32_t ifindex)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/class/net/%s/ifindex", interface);
	return file_number(path) == ifindex;
}

/* What only sysfs tells. */
static void read_sysfs(struct tune_reading *reading, uint32_t ifindex)
{
	if (!read_sysfs_shows(reading->interface, ifindex))
		return;
	reading->steering_known = true;
	read_steering(reading);
	irq_read(reading);
	if (reading->rx_queues < reading->cpus)
		reading->first_cpu = ifindex % reading->cpus;
}

int tune_read(const char *interface, struct tune_reading *ret)
{
	uint32_t ifindex = if_nametoindex(interface);

	memset(ret, 0, sizeof(*ret));
	if (!ifindex)
		return -ENODEV;
	snprintf(ret->interface, sizeof(ret->interface), "%s", interface);
	ethtool_read_driver(interface, ret->driver, sizeof(ret->driver));
	ret->xdp = read_xdp(ifindex);
	ret->cpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
	ret->page = (uint32_t)sysconf(_SC_PAGESIZE);
	ret->mtu = read_mtu(interface);
	ret->vlans = read_vlans(interface);
	ret->irqbalance = irq_balance_runs();
	ret->queues_known = !ethtool_read_queues(interface, &ret->queues);
	ret->rings_known = !ethtool_read_rings(interface, &ret->rings);
	ethtool_read_offloads(interface, ret->offloads);
	read_sysfs(ret, ifindex);
	return 0;
}
