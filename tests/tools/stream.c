// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Numbered datagrams over very many flows, as fast as one core makes them, and
 * what came back of them (tests/cluster/stream.bpf.c). The sink stands on the
 * interface itself.
 *
 *   stream OBJECT INTERFACE MAC VIP PORT SOURCE
 *
 * Reads lines from standard input: "flows N": so many from now on; "mark":
 * prints {"sent", "received", "lost", "duplicated", "misrouted", "gap_us",
 * "seconds", "mpps"} since the last mark; "end". A mark is taken between two
 * rounds of sending, when nothing is under way.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/monotonic.h"
#include "tests/cluster/stream.h"

#define ROUND 100000 /* datagrams between looks at standard input */
#define BATCH 64
#define FRAME 60

struct stream {
	struct bpf_object *object;
	int source, sink;
	struct stream_shared *shared;
	struct stream_figures marked;
	double marked_at;
};

static int stream_parse(char **argv, struct stream_config *ret)
{
	struct lbd_addr vip, source;

	ret->ifindex = if_nametoindex(argv[2]);
	if (!ret->ifindex || addr_parse(argv[4], &vip) || addr_parse(argv[6], &source) ||
	    sscanf(argv[3], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &ret->mac[0], &ret->mac[1],
		   &ret->mac[2], &ret->mac[3], &ret->mac[4], &ret->mac[5]) != 6)
		return -EINVAL;
	ret->vip = vip.words[3];
	ret->port = htons((uint16_t)atoi(argv[5]));
	ret->source = ntohl(source.words[3]);
	return 0;
}

static int stream_load(struct stream *stream, const char *path, const struct stream_config *config)
{
	struct bpf_map *map;

	stream->object = bpf_object__open_file(path, NULL);
	if (!stream->object)
		return -errno;
	bpf_object__for_each_map(map, stream->object)
		if (!strcmp(bpf_map__name(map), ".rodata.stream") &&
		    bpf_map__set_initial_value(map, config, sizeof(*config)))
			return -errno;
	if (bpf_object__load(stream->object))
		return -errno;
	stream->source =
		bpf_program__fd(bpf_object__find_program_by_name(stream->object, "source"));
	stream->sink = bpf_program__fd(bpf_object__find_program_by_name(stream->object, "sink"));
	map = bpf_object__find_map_by_name(stream->object, "stream_shared");
	stream->shared = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
			      MAP_SHARED, bpf_map__fd(map), 0);
	if (stream->shared == MAP_FAILED)
		return -errno;
	stream->shared->flows = 1;
	return 0;
}

/* --- talking to whoever runs us */

static void stream_mark(struct stream *stream)
{
	const struct stream_figures now = stream->shared->figures, *then = &stream->marked;
	const double seconds = monotonic_s() - stream->marked_at;

	printf("{\"sent\": %llu, \"received\": %llu, \"lost\": %llu, \"duplicated\": %llu, "
	       "\"misrouted\": %llu, \"gap_us\": %llu, \"seconds\": %.2f, \"mpps\": %.3f}\n",
	       now.sent - then->sent, now.received - then->received, now.lost - then->lost,
	       now.duplicated - then->duplicated, now.misrouted - then->misrouted,
	       now.gap_ns / 1000, seconds, (double)(now.sent - then->sent) / seconds / 1e6);
	fflush(stdout);
	stream->marked = now;
	stream->marked_at = monotonic_s();
	stream->shared->figures.gap_ns = 0;
}

/* False: it is over. */
static bool stream_obey(struct stream *stream)
{
	struct pollfd input = { STDIN_FILENO, POLLIN, 0 };
	char line[64];
	uint32_t flows;

	if (poll(&input, 1, 0) <= 0)
		return true;
	if (!fgets(line, sizeof(line), stdin) || !strcmp(line, "end\n"))
		return false;
	if (sscanf(line, "flows %u", &flows) == 1 && flows && flows <= STREAM_FLOWS_MAX)
		stream->shared->flows = flows;
	else if (!strcmp(line, "mark\n"))
		stream_mark(stream);
	return true;
}

static int stream_run(struct stream *stream)
{
	uint8_t frame[FRAME] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = ROUND, .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);

	setvbuf(stdin, NULL, _IONBF, 0);
	stream->marked_at = monotonic_s();
	while (stream_obey(stream)) {
		/* What a round takes to begin isn't a gap of the balancer's. */
		stream->shared->figures.last_ns = 0;
		if (bpf_prog_test_run_opts(stream->source, &run))
			return -errno;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct stream_config config = { 0 };
	struct stream stream = { 0 };
	int rc;

	if (argc != 7 || stream_parse(argv, &config)) {
		fprintf(stderr, "stream OBJECT INTERFACE MAC VIP PORT SOURCE (IPv4)\n");
		return 2;
	}
	rc = stream_load(&stream, argv[1], &config);
	if (!rc)
		rc = bpf_xdp_attach((int)config.ifindex, stream.sink, 0, NULL);
	if (!rc)
		rc = stream_run(&stream);
	if (rc)
		fprintf(stderr, "stream: %s\n", strerror(-rc));
	bpf_xdp_detach((int)config.ifindex, 0, NULL);
	bpf_object__close(stream.object);
	return rc ? 1 : 0;
}
