// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/stage.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tests/model/random.h"

#define STAGE_CROWD 4096 /* connections at most, for a table to count as small */

static uint64_t stage_jiffy_ns(void)
{
	struct timespec jiffy;

	clock_getres(CLOCK_MONOTONIC_COARSE, &jiffy);
	return (uint64_t)jiffy.tv_nsec;
}

/* Limits go by the clock, and the reference must have the same: a generation that traces has ours. */
static int stage_stop_time(struct stage *stage, struct error *err)
{
	int rc = 0;

	for (int way = 0; way < STAGE_WAYS && !rc; way++)
		rc = dataplane_trace_open(stage->lab.dataplane, stage->prog_fd[way],
					  &stage->clocks[way], err);
	stage->reference.limits->hz = (int64_t)(1000000000 / stage_jiffy_ns());
	if (!rc)
		stage_tick(stage, 0);
	return rc;
}

static int stage_load(struct stage *stage, const char *object, struct error *err)
{
	const uint32_t needed = model_features(stage->lab.model, &stage->in, 1);
	int rc = 0;

	stage->features[STAGE_SPECIALISED] = needed;
	if (needed & LBD_FEATURE_LIMITS)
		stage->features[STAGE_SPECIALISED] |= LBD_FEATURE_TRACE;
	stage->features[STAGE_EVERY_FEATURE] = RUN_EVERY_FEATURE;
	for (int way = 0; way < STAGE_WAYS && !rc; way++)
		rc = dataplane_load(stage->lab.dataplane, object, stage->lab.model,
				    stage->features[way], &stage->prog_fd[way], err);
	/* The tables learn from the running generation where flows go out by NAT. */
	if (!rc)
		rc = dataplane_swap(stage->lab.dataplane, stage->prog_fd[STAGE_EVERY_FEATURE], err);
	if (!rc && needed & LBD_FEATURE_LIMITS)
		rc = stage_stop_time(stage, err);
	return rc;
}

static int stage_remember(struct stage *stage)
{
	const struct model *model = stage->lab.model;
	const size_t size = model->limits.backends * sizeof(*stage->backends);

	stage->backends = malloc(size);
	if (!stage->backends)
		return -ENOMEM;
	memcpy(stage->backends, model->backends, size);
	return 0;
}

static int stage_make(struct stage *stage, uint32_t packets)
{
	const struct model *model = stage->lab.model;
	int rc;

	stage->crowded = model->limits.conn4_buckets * LBD_BUCKET_SLOTS < STAGE_CROWD;
	stage->choices = calloc(1, sizeof(*stage->choices));
	rc = stage->choices ? stage_remember(stage) : -ENOMEM;
	if (!rc)
		rc = world_make(&stage->world, stage->lab.config, model);
	if (!rc)
		rc = reference_make(&stage->reference, &stage->world,
				    stage->crowded ? 4 : 2 * packets);
	if (!rc)
		rc = flows_make(&stage->kept, packets);
	return rc;
}

static int stage_listen(struct stage *stage, struct error *err)
{
	static const char *const interfaces[] = { RUN_INTERFACE_IN, RUN_INTERFACE_OUT };
	int rc = 0;

	stage->world.holds = stage->lab.config->fragments.memory_kib > 0;
	for (int i = 0; i < 2 && !rc && stage->world.holds; i++)
		rc = queue_open(stage->lab.dataplane, interfaces[i], 0, &stage->queues[i], err);
	return rc;
}

int stage_open(struct stage *stage, const struct stage_options *options, struct error *err)
{
	struct random random = { options->seed };
	int rc;

	*stage = (struct stage){
		.prog_fd = { -1, -1 },
		.in = if_nametoindex(RUN_INTERFACE_IN),
		.out = if_nametoindex(RUN_INTERFACE_OUT),
	};
	rc = run_open_setup(options->place, options->setup, &stage->lab, err);
	if (rc)
		return rc;
	stage->lab.model->pick_secret.words[0] = random_next(&random);
	stage->lab.model->pick_secret.words[1] = random_next(&random);
	rc = stage_make(stage, options->packets);
	if (rc)
		return error_errno(err, rc, "%s", options->setup);
	rc = lab_commit(&stage->lab, err);
	if (!rc)
		rc = stage_listen(stage, err);
	return rc ? rc : stage_load(stage, options->place->object, err);
}

void stage_close(struct stage *stage)
{
	for (int way = 0; way < STAGE_WAYS; way++)
		dataplane_trace_close(stage->clocks[way]);
	for (int way = 0; way < STAGE_WAYS; way++)
		if (stage->prog_fd[way] >= 0)
			close(stage->prog_fd[way]);
	for (int i = 0; i < 2; i++)
		queue_close(stage->queues[i]);
	stage_free_traffic(&stage->before);
	flows_free(&stage->kept);
	reference_free(&stage->reference);
	world_free(&stage->world);
	free(stage->backends);
	free(stage->choices);
	lab_close(&stage->lab);
}

static int stage_commit(struct stage *stage, struct error *err)
{
	int rc = lab_commit(&stage->lab, err);

	if (rc)
		return rc;
	rc = world_update(&stage->world);
	return rc ? error_errno(err, rc, "rings") : 0;
}

/* The map of this name that the packet path uses, or -1. The caller closes it. */
static int stage_map(const struct stage *stage, const char *name)
{
	__u32 ids[64], size = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = { .nr_map_ids = 64, .map_ids = (uintptr_t)ids };

	if (bpf_obj_get_info_by_fd(stage->prog_fd[STAGE_EVERY_FEATURE], &info, &size))
		return -1;
	for (__u32 i = 0; i < info.nr_map_ids && i < 64; i++) {
		struct bpf_map_info map = { 0 };
		int fd = bpf_map_get_fd_by_id(ids[i]);

		size = sizeof(map);
		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &map, &size) && !strcmp(map.name, name))
			return fd;
		close(fd);
	}
	return -1;
}

/* Datagrams of other stories, that have the same ids. */
static void stage_forget_fragments(const struct stage *stage)
{
	int fd = stage_map(stage, "lbd_fragments");
	struct lbd_fragment_key key;

	while (fd >= 0 && !bpf_map_get_next_key(fd, NULL, &key))
		bpf_map_delete_elem(fd, &key);
	if (fd >= 0)
		close(fd);
}

/* Zeros into a map of arrays, mapped. */
static void stage_clear_array(const struct stage *stage, const char *name)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	int fd = stage_map(stage, name);
	void *memory;

	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size)) {
		const size_t bytes = (size_t)info.value_size * info.max_entries;

		memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (memory != MAP_FAILED) {
			memset(memory, 0, bytes);
			munmap(memory, bytes);
		}
	}
	close(fd);
}

/* What this CPU has taken in advance. */
static void stage_clear_credits(const struct stage *stage)
{
	const int cpus = libbpf_num_possible_cpus();
	struct lbd_credit *none = calloc((size_t)(cpus > 0 ? cpus : 1), sizeof(*none));
	int fd = stage_map(stage, "lbd_credits");

	for (__u32 id = 0; none && fd >= 0 && id < stage->lab.model->limits.services; id++)
		bpf_map_update_elem(fd, &id, none, BPF_ANY);
	if (fd >= 0)
		close(fd);
	free(none);
}

static void stage_forget_limits(const struct stage *stage)
{
	if (!*stage->clocks)
		return;
	stage_clear_array(stage, "lbd_sources");
	stage_clear_array(stage, "lbd_meters");
	stage_clear_credits(stage);
}

int stage_reset(struct stage *stage, enum stage_way way, struct error *err)
{
	const struct tables *tables = dataplane_tables(stage->lab.dataplane);
	const struct model *model = stage->lab.model;

	memset(tables->conn4, 0, tables->conn4_buckets * sizeof(*tables->conn4));
	memset(tables->conn6, 0, tables->conn6_buckets * sizeof(*tables->conn6));
	memset(tables->nat4, 0, tables->nat4_buckets * sizeof(*tables->nat4));
	memset(tables->nat6, 0, tables->nat6_buckets * sizeof(*tables->nat6));
	memset(tables->sticky, 0, tables->sticky_buckets * sizeof(*tables->sticky));
	memset(stage->choices, 0, sizeof(*stage->choices));
	memcpy(model->backends, stage->backends, model->limits.backends * sizeof(*stage->backends));
	stage_forget_fragments(stage);
	stage_forget_limits(stage);
	reference_clear(&stage->reference);
	flows_clear(&stage->kept);
	stage_free_traffic(&stage->before);
	stage->way = way;
	stage->world.features = stage->features[way];
	if (stage_read_traffic(stage, &stage->before))
		return error_set(err, -EIO, "the traffic counters can't be read");
	return stage_commit(stage, err);
}

int stage_change(struct stage *stage, const struct event *event, struct error *err)
{
	for (uint32_t i = 0; i < event->changes_count; i++) {
		const uint16_t index = event->changes[i].backend;
		struct backend *backend = &stage->lab.model->backends[index];

		backend->nexthop = stage->backends[index].nexthop;
		run_change_backend(backend, event->changes[i].becomes);
	}
	return stage_commit(stage, err);
}

/* All keys: whoever changes entries while he walks a hash may walk for ever. */
static uint32_t stage_fragment_keys(int fd, struct lbd_fragment_key *ret)
{
	uint32_t count = 0;

	while (count < LBD_FRAGMENTS_MAX &&
	       !bpf_map_get_next_key(fd, count ? &ret[count - 1] : NULL, &ret[count]))
		count++;
	return count;
}

/* As if each datagram's first had come @seconds earlier. */
static void stage_age_fragments(const struct stage *stage, uint32_t seconds)
{
	static struct lbd_fragment_key keys[LBD_FRAGMENTS_MAX];
	int fd = stage_map(stage, "lbd_fragments");
	struct lbd_fragment first;

	if (fd < 0)
		return;
	for (uint32_t i = stage_fragment_keys(fd, keys); i--;) {
		if (bpf_map_lookup_elem(fd, &keys[i], &first))
			continue;
		first.seen -= seconds * 1000000000ULL / stage_jiffy_ns();
		bpf_map_update_elem(fd, &keys[i], &first, BPF_EXIST);
	}
	close(fd);
}

void stage_tick(struct stage *stage, uint32_t jiffies)
{
	stage->elapsed_ns += jiffies * stage_jiffy_ns();
	for (int way = 0; way < STAGE_WAYS; way++)
		dataplane_trace_set_elapsed(stage->clocks[way], stage->elapsed_ns);
	stage->reference.limits->jiffies = (int64_t)(stage->elapsed_ns / stage_jiffy_ns());
}

void stage_idle(struct stage *stage, uint32_t seconds)
{
	if (*stage->clocks) {
		stage_tick(stage, (uint32_t)(seconds * 1000000000ULL / stage_jiffy_ns()));
	} else {
		stage_age_fragments(stage, seconds);
		run_age(dataplane_tables(stage->lab.dataplane), seconds);
	}
	stage->reference.now += seconds;
	flows_clear(&stage->kept);
}

bool stage_entry(const struct stage *stage, const struct flow_key *key, struct table_entry *ret)
{
	const struct table_entry flow = {
		.client = key->client,
		.client_port = htons(key->client_port),
		.vip_port = htons(key->vip_port),
		.service = key->service,
	};

	return tables_find(dataplane_tables(stage->lab.dataplane), &flow, ret);
}

int stage_read_traffic(const struct stage *stage, struct stage_traffic *ret)
{
	const struct lbd_limits *limits = &stage->lab.model->limits;
	int rc = -ENOMEM;

	ret->services = calloc(limits->services, sizeof(*ret->services));
	ret->backends = calloc(limits->backends, sizeof(*ret->backends));
	if (ret->services && ret->backends)
		rc = dataplane_service_traffic(stage->lab.dataplane, ret->services);
	if (!rc)
		rc = dataplane_backend_traffic(stage->lab.dataplane, ret->backends);
	if (rc)
		stage_free_traffic(ret);
	return rc;
}

void stage_free_traffic(struct stage_traffic *traffic)
{
	free(traffic->services);
	free(traffic->backends);
	*traffic = (struct stage_traffic){ 0 };
}
