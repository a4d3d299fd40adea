// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A SYN flood, as fast as one core makes it: live frames of a test-run, sent
 * out of an interface by XDP redirect. Prints {"sent", "seconds", "mpps"}. With
 * "pairs", two segments of each connection instead, which confirm it.
 *
 *   flood OBJECT INTERFACE MAC VIP PORT SOURCE/LENGTH SECONDS [pairs]
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/monotonic.h"
#include "tests/cluster/flood.h"

#define ROUND 100000 /* packets between looks at the clock */
#define BATCH 64
#define FRAME 60

static int flood_parse(char **argv, struct flood_config *ret)
{
	struct addr_prefix source;
	struct lbd_addr vip;

	ret->ifindex = if_nametoindex(argv[2]);
	if (!ret->ifindex || addr_parse(argv[4], &vip) || addr_parse_prefix(argv[6], &source) ||
	    sscanf(argv[3], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &ret->mac[0], &ret->mac[1],
		   &ret->mac[2], &ret->mac[3], &ret->mac[4], &ret->mac[5]) != 6)
		return -EINVAL;
	ret->vip = vip.words[3];
	ret->port = htons((uint16_t)atoi(argv[5]));
	ret->source = ntohl(source.addr.words[3]);
	ret->vary = source.length ? (uint32_t)((1ULL << (32 - source.length)) - 1) : ~0U;
	return 0;
}

static struct bpf_object *flood_load(const char *path, const struct flood_config *config)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_map *map;

	if (!object)
		return NULL;
	bpf_object__for_each_map(map, object)
		if (!strcmp(bpf_map__name(map), ".rodata.flood") &&
		    !bpf_map__set_initial_value(map, config, sizeof(*config)) &&
		    !bpf_object__load(object))
			return object;
	bpf_object__close(object);
	return NULL;
}

static int flood_send(int fd, double seconds)
{
	uint8_t frame[FRAME] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = ROUND, .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);
	const double begun = monotonic_s();
	uint64_t sent = 0;
	double took = 0;

	for (; took < seconds; took = monotonic_s() - begun, sent += ROUND)
		if (bpf_prog_test_run_opts(fd, &run))
			return -errno;
	printf("{\"sent\": %llu, \"seconds\": %.3f, \"mpps\": %.3f}\n", (unsigned long long)sent,
	       took, (double)sent / took / 1e6);
	return 0;
}

int main(int argc, char **argv)
{
	struct flood_config config = { 0 };
	struct bpf_object *object;
	int rc;

	config.pairs = argc == 9 && !strcmp(argv[8], "pairs");
	if (argc != 8 + config.pairs || flood_parse(argv, &config)) {
		fprintf(stderr, "flood OBJECT INTERFACE MAC VIP PORT SOURCE/LENGTH SECONDS "
				"[pairs] (IPv4)\n");
		return 2;
	}
	object = flood_load(argv[1], &config);
	if (!object) {
		fprintf(stderr, "flood: %s: can't be loaded\n", argv[1]);
		return 1;
	}
	rc = flood_send(bpf_program__fd(bpf_object__find_program_by_name(object, "flood")),
			atof(argv[7]));
	if (rc)
		fprintf(stderr, "flood: %s\n", strerror(-rc));
	bpf_object__close(object);
	return rc ? 1 : 0;
}
