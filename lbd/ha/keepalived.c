// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A keepalived.conf from lbd's own config, so that VIPs are written once. What
 * isn't obvious about it was measured with keepalived 2.2.7:
 *
 * - A node drops adverts that carry another list of addresses than its own, and
 *   makes itself master: two masters as soon as one node has a new VIP and the
 *   other hasn't yet. So only one VIP stands in the adverts (the lowest, so
 *   that the order of services doesn't matter), all others are "excluded", and
 *   vrrp_skip_check_adv_addr lets even that one change node by node.
 * - A track_file in a directory that doesn't exist is dropped with a log line,
 *   and the node takes the VIP ungated: at boot, before lbd has made its run
 *   directory. So the startup script makes it, before the file is looked at.
 * - nopreempt would ignore a peer's falling priority, and then a node whose lbd
 *   is gone keeps the VIP. With equal priorities, the default, a node that
 *   comes back doesn't take the VIP either. FAULT instead of a low priority
 *   would take the VIP from both nodes when lbd is gone on both, though
 *   packets still flow.
 */
#include "ha/ha.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * How long lbd may be gone before the node ranks below any other: longer than
 * a restart, for packets flow on without it, but not long, for connections are
 * no longer replicated.
 */
#define KEEPALIVED_GONE_S 3

/*
 * What it then loses in rank: more than priorities of one cluster differ by,
 * but not everything. Where the kernel doesn't report processes, in a network
 * namespace, all nodes lose it, and must keep their order.
 */
#define KEEPALIVED_GONE_WEIGHT 100

/*
 * How long a lower ranking master is left alone. A lbd that starts again has
 * the rank of its node back at once (fork_delay didn't help), and needs this
 * time to close the gate if it has to. A master that is silent or in FAULT is
 * followed without it.
 */
#define KEEPALIVED_PREEMPT_S 2

struct keepalived_vips {
	struct lbd_addr *addrs; /* sorted, each once */
	uint32_t count;
	uint32_t advertised; /* which one stands in the adverts */
};

static int keepalived_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct lbd_addr));
}

/* The VIPs, and the NAT addresses, which must be where the VIPs are. */
static int keepalived_collect(const struct config *config, struct keepalived_vips *ret)
{
	const uint32_t count = config->services_count + config->nat.addresses_count;

	ret->count = 0;
	ret->addrs = calloc(count + 1U, sizeof(*ret->addrs));
	if (!ret->addrs)
		return -ENOMEM;
	for (uint32_t i = 0; i < config->services_count; i++)
		ret->addrs[i] = config->services[i].vip;
	for (uint32_t i = 0; i < config->nat.addresses_count; i++)
		ret->addrs[config->services_count + i] = config->nat.addresses[i];
	qsort(ret->addrs, count, sizeof(*ret->addrs), keepalived_compare);
	for (uint32_t i = 0; i < count; i++)
		if (!ret->count || !lbd_addr_equal(&ret->addrs[ret->count - 1], &ret->addrs[i]))
			ret->addrs[ret->count++] = ret->addrs[i];
	return 0;
}

/* An instance speaks one family; the adverts' VIP must be of it. */
static int keepalived_choose(const struct config *config, struct keepalived_vips *vips,
			     struct error *err)
{
	bool want4 = lbd_addr_is4(&config->vrrp.source);

	for (uint32_t i = 0; i < vips->count; i++) {
		if (lbd_addr_is4(&vips->addrs[i]) == want4) {
			vips->advertised = i;
			return 0;
		}
	}
	error_set(err, -EINVAL, "vrrp.source is IPv%c, and no service has such a VIP",
		  want4 ? '4' : '6');
	error_hint(err, "give vrrp.source and vrrp.peers addresses of the VIPs' family");
	return -EINVAL;
}

static void keepalived_print_vip(FILE *out, const struct lbd_addr *addr)
{
	char text[ADDR_TEXT_MAX];

	fprintf(out, "\t\t%s/%d\n", addr_format(addr, text), lbd_addr_is4(addr) ? 32 : 128);
}

static void keepalived_print_vips(FILE *out, const struct keepalived_vips *vips)
{
	fprintf(out, "\tvirtual_ipaddress {\n");
	keepalived_print_vip(out, &vips->addrs[vips->advertised]);
	fprintf(out, "\t}\n");
	if (vips->count < 2)
		return;
	fprintf(out, "\tvirtual_ipaddress_excluded {\n");
	for (uint32_t i = 0; i < vips->count; i++)
		if (i != vips->advertised)
			keepalived_print_vip(out, &vips->addrs[i]);
	fprintf(out, "\t}\n");
}

static void keepalived_print_globals(FILE *out, const struct config *config, const char *run_dir,
				     const char *notify_path)
{
	fprintf(out,
		"# Made by \"lbctl keepalived\" from the config of lbd instance \"%s\": make it "
		"anew\n"
		"# when services or the vrrp section change, then reload keepalived.\n"
		"\n"
		"global_defs {\n"
		"\trouter_id %s\n"
		"\tvrrp_version 3\n"
		"\t# A new VIP reaches one node before the other: don't refuse its adverts.\n"
		"\tvrrp_skip_check_adv_addr\n"
		"\tscript_user root\n"
		"\tenable_script_security\n"
		"\t# Makes the gate's directory: a track_file without one is ignored.\n"
		"\tstartup_script \"%s %s\"\n"
		"}\n\n",
		config->instance, config->node, notify_path, run_dir);
}

static void keepalived_print_tracked(FILE *out, const char *run_dir)
{
	fprintf(out,
		"# 0: open. -254: closed, FAULT; also when lbd hasn't started yet. -50: open, but\n"
		"# ranking lower: it handed over by \"lbctl failover\".\n"
		"track_file lbd_gate {\n"
		"\tfile \"%s/gate\"\n"
		"\tweight 1\n"
		"\tinit_file -254\n"
		"}\n\n"
		"# A node whose lbd is gone for longer than a restart yields to one that has it.\n"
		"vrrp_track_process lbd_daemon {\n"
		"\tprocess lbd\n"
		"\tweight -%d\n"
		"\tterminate_delay %d\n"
		"}\n\n",
		run_dir, KEEPALIVED_GONE_WEIGHT, KEEPALIVED_GONE_S);
}

/* Unicast needs a peer; a node without one speaks to the multicast group. */
static void keepalived_print_peers(FILE *out, const struct config *config)
{
	char text[ADDR_TEXT_MAX];

	addr_format(&config->vrrp.source, text);
	if (!config->vrrp.peers_count) {
		fprintf(out, "\tmcast_src_ip %s\n", text);
		return;
	}
	fprintf(out, "\tunicast_src_ip %s\n\tunicast_peer {\n", text);
	for (uint32_t i = 0; i < config->vrrp.peers_count; i++)
		fprintf(out, "\t\t%s\n", addr_format(&config->vrrp.peers[i], text));
	fprintf(out, "\t}\n");
}

/* VRRPv3 counts in hundredths of a second (RFC 5798, 5.2.7). */
static void keepalived_print_instance(FILE *out, const struct config *config)
{
	uint32_t advert = (config->vrrp.advert_ms + 9) / 10;

	fprintf(out,
		"vrrp_instance %s {\n"
		"\t# BACKUP on every node. With equal priorities the VIP stays where it is;\n"
		"\t# a node with a higher one takes it back once its gate is open.\n"
		"\tstate BACKUP\n"
		"\tinterface %s\n"
		"\tvirtual_router_id %u\n"
		"\tpriority %u\n"
		"\tadvert_int %u.%02u\n"
		"\t# Time for a starting lbd to close its gate.\n"
		"\tpreempt_delay %d\n",
		config->instance, config->vrrp.interface, config->vrrp.router_id,
		config->vrrp.priority, advert / 100, advert % 100, KEEPALIVED_PREEMPT_S);
	keepalived_print_peers(out, config);
}

static void keepalived_print_hooks(FILE *out, const char *run_dir, const char *notify_path)
{
	fprintf(out,
		"\ttrack_file {\n\t\tlbd_gate\n\t}\n"
		"\ttrack_process {\n\t\tlbd_daemon\n\t}\n"
		"\tnotify \"%s %s\"\n"
		"}\n",
		notify_path, run_dir);
}

static int keepalived_print(const struct config *config, const struct keepalived_vips *vips,
			    const char *run_dir, const char *notify_path, char **ret)
{
	size_t size;
	FILE *out = open_memstream(ret, &size);
	int failed;

	if (!out)
		return -ENOMEM;
	keepalived_print_globals(out, config, run_dir, notify_path);
	keepalived_print_tracked(out, run_dir);
	keepalived_print_instance(out, config);
	keepalived_print_vips(out, vips);
	keepalived_print_hooks(out, run_dir, notify_path);
	failed = ferror(out);
	if (!fclose(out) && !failed)
		return 0;
	free(*ret);
	return -ENOMEM;
}

int ha_keepalived_conf(const struct config *config, const char *run_dir, const char *notify_path,
		       char **ret, struct error *err)
{
	struct keepalived_vips vips = { 0 };
	int rc;

	if (!config->vrrp.interface)
		return error_set(err, -EINVAL, "the config has no vrrp section");
	if (keepalived_collect(config, &vips))
		return error_set(err, -ENOMEM, "keepalived: no memory");
	rc = keepalived_choose(config, &vips, err);
	if (rc)
		goto out;
	rc = keepalived_print(config, &vips, run_dir, notify_path, ret);
	if (rc)
		error_set(err, rc, "keepalived: no memory");
out:
	free(vips.addrs);
	return rc;
}
