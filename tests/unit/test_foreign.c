// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A pinned set that another release made, with another layout, is adopted and
 * moved to one of ours. Its maps are made here, of our own ones, with the types
 * of an object that tests/variant built.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/btf.h>
#include <cmocka.h>

#include "dataplane/foreign.h"
#include "dataplane/next.h"

#define INTERFACE 1 /* lo */
#define PINS "/sys/fs/bpf/set"
#define FLOWS 5000U /* of each family */
#define PACKETS 1234567U

static const char yaml[] =
	"xdp: {interfaces: [lo]}\n"
	"limits: {services: 8, backends: 16, connections-ipv4: 65536, connections-ipv6: 65536,"
	" maglev: 251, sticky: 1024}\n"
	"services:\n"
	"- {name: a, vip: 192.0.2.1, port: 80, sticky: 10m, health: {check: none},"
	" backends: [{address: 198.51.100.1, weight: 3}, {address: 198.51.100.2}]}\n"
	"- {name: b, vip: '2001:db8::1', port: 53, protocol: udp, health: {check: none},"
	" backends: [{address: '2001:db8:1::1'}, {address: '2001:db8:1::2'}]}\n";

struct desk {
	struct config *config;
	struct model *model;
	struct dataplane *now;
	struct bpf_object *other; /* of the other release */
	struct btf *btf;	  /* its types, in the kernel */
	struct error err;
};

static const char *built(const char *file)
{
	static char path[256];
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build";

	snprintf(path, sizeof(path), "%s/%s", build, file);
	return path;
}

static int open_set(struct desk *desk)
{
	const struct dataplane_options options = { .pin_dir = PINS, .limits = desk->model->limits };

	return dataplane_open(&options, &desk->now, &desk->err);
}

static struct table_entry flow(uint32_t n, bool v6)
{
	struct table_entry entry = {
		.client = lbd_addr_from4(htonl(0x0a000000 + n)),
		.client_port = htons((uint16_t)(1024 + n)),
		.vip_port = htons(80),
		.service = v6 ? 2 : 1,
		.backend = (uint16_t)(1 + n % 2 + (v6 ? 2 : 0)),
		.flags = LBD_CONN_CONFIRMED,
	};

	if (v6) {
		inet_pton(AF_INET6, "2001:db8:2::", &entry.client);
		entry.client.words[3] = htonl(n);
	}
	return entry;
}

static void fill(const struct desk *desk)
{
	struct lbd_traffic *traffic = calloc((size_t)libbpf_num_possible_cpus(), sizeof(*traffic));
	struct lbd_service_meter *meters = desk->now->memory[MAP_lbd_meters];
	const __u32 service = 1;

	for (uint32_t n = 0; n < 2 * FLOWS; n++) {
		struct table_entry entry = flow(n / 2, n % 2);

		entry.tick = tables_now(&desk->now->tables);
		assert_int_equal(tables_put(&desk->now->tables, &entry), TABLES_PUT_ADDED);
	}
	traffic[0] = (struct lbd_traffic){ .packets = PACKETS, .bytes = 7 };
	assert_int_equal(
		bpf_map_update_elem(desk->now->fd[MAP_lbd_svc_stats], &service, traffic, BPF_ANY),
		0);
	meters[1].meter[0] = 42;
	free(traffic);
}

/* --- the set as the other release would have made it */

static struct layout *layout_other(const struct desk *desk, enum map_id id)
{
	struct layout *layout = NULL;

	return layout_of_object(desk->other, maps_name(id), &layout) ? NULL : layout;
}

static struct layout_plan *plan_to_other(const struct desk *desk, enum map_id id, int fd)
{
	struct layout *old = NULL, *new = layout_other(desk, id);
	struct layout_plan *plan = NULL;
	struct error err;

	if (new && !layout_of_map(fd, &old) && layout_plan(old, new, &plan, &err))
		fail_msg("%s", err.text);
	layout_free(old);
	layout_free(new);
	if (!plan || !layout_plan_same(plan))
		return plan;
	layout_plan_free(plan);
	return NULL;
}

/* In place of what is pinned at @path. */
static int make_other(const struct desk *desk, enum map_id id, const struct bpf_map_info *info,
		      const char *path)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(desk->other, maps_name(id));
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = info->map_flags,
		    .btf_fd = (uint32_t)btf__fd(desk->btf),
		    .btf_key_type_id = bpf_map__btf_key_type_id(map),
		    .btf_value_type_id = bpf_map__btf_value_type_id(map));
	int fd;

	fd = bpf_map_create(info->type, maps_name(id), info->key_size, bpf_map__value_size(map),
			    info->max_entries, &options);
	if (fd < 0 || unlink(path) || bpf_obj_pin(fd, path))
		fail_msg("%s: %s", path, strerror(errno));
	return fd;
}

static void convert(const struct desk *desk, enum map_id id, int from, const char *path,
		    const struct layout_plan *plan)
{
	uint8_t old[4096], new[4096];
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);
	struct error err;
	int fd, cpus = 1;

	assert_int_equal(bpf_obj_get_info_by_fd(from, &info, &size), 0);
	if (info.type == BPF_MAP_TYPE_PERCPU_ARRAY)
		cpus = libbpf_num_possible_cpus();
	fd = make_other(desk, id, &info, path);
	for (__u32 i = 0; i < info.max_entries; i++) {
		assert_int_equal(bpf_map_lookup_elem(from, &i, old), 0);
		for (int cpu = 0; cpu < cpus; cpu++)
			if (layout_convert(plan, old + cpu * (int)info.value_size, new + cpu * 24,
					   &err))
				fail_msg("%s", err.text);
		assert_int_equal(bpf_map_update_elem(fd, &i, new, BPF_ANY), 0);
	}
	close(fd);
}

/* Every map in @dir that the other release lays out in another way. Returns how many. */
static uint32_t age_pins(const struct desk *desk, const char *dir)
{
	uint32_t count = 0;

	for (int id = 0; id < MAP_COUNT; id++) {
		struct layout_plan *plan;
		char path[256];
		int fd;

		snprintf(path, sizeof(path), "%s/%s", dir, maps_name((enum map_id)id));
		fd = bpf_obj_get(path);
		plan = fd < 0 ? NULL : plan_to_other(desk, (enum map_id)id, fd);
		if (plan) {
			convert(desk, (enum map_id)id, fd, path, plan);
			count++;
		}
		layout_plan_free(plan);
		if (fd >= 0)
			close(fd);
	}
	return count;
}

static uint32_t age(struct desk *desk)
{
	const uint32_t count = age_pins(desk, PINS);

	dataplane_close(desk->now);
	desk->now = NULL;
	return count;
}

static int desk_open(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));
	const void *raw;
	uint32_t size;

	assert_non_null(desk);
	*state = desk;
	if (config_parse(yaml, strlen(yaml), "test", &desk->config, &desk->err) ||
	    model_build(desk->config, NULL, NULL, NULL, &desk->model, &desk->err) ||
	    open_set(desk) || dataplane_commit(desk->now, desk->model, &desk->err))
		fail_msg("%s", desk->err.text);
	desk->other = bpf_object__open_file(built("older/build/bpf/lb.bpf.o"), NULL);
	assert_non_null(desk->other);
	raw = btf__raw_data(bpf_object__btf(desk->other), &size);
	desk->btf = btf__new(raw, size);
	assert_int_equal(btf__load_into_kernel(desk->btf), 0);
	fill(desk);
	return 0;
}

static int desk_close(void **state)
{
	struct desk *desk = *state;

	dataplane_close(desk->now);
	next_remove(PINS, &desk->err);
	maps_unpin(PINS, &desk->err);
	btf__free(desk->btf);
	bpf_object__close(desk->other);
	model_free(desk->model);
	config_free(desk->config);
	free(desk);
	return 0;
}

/* --- what is made of it */

static void reopen(struct desk *desk)
{
	if (open_set(desk))
		fail_msg("%s", desk->err.text);
}

static int move_watched(struct desk *desk, next_watch watch, char *step)
{
	struct next *next = NULL;
	int fd = -1, rc;

	rc = next_open(desk->now, &desk->model->limits, false, &next, &desk->err);
	if (rc)
		return rc;
	next_set_watch(next, watch, step);
	rc = dataplane_commit(next_to(next), desk->model, &desk->err);
	next_copy(next);
	if (!rc)
		rc = dataplane_load(next_to(next), built("bpf/lb.bpf.o"), desk->model,
				    model_features(desk->model, &(uint32_t){ INTERFACE }, 1), &fd,
				    &desk->err);
	if (!rc)
		rc = next_swap(next, fd, &desk->err);
	if (!rc)
		next_prove(next);
	if (!rc)
		rc = next_promote(next, &desk->err);
	if (!rc) {
		dataplane_close(desk->now);
		desk->now = next_to(next);
	}
	if (fd >= 0)
		close(fd);
	next_close(next);
	return rc;
}

static int move(struct desk *desk)
{
	return move_watched(desk, NULL, NULL);
}

static void assert_flows(const struct desk *desk)
{
	for (uint32_t n = 0; n < 2 * FLOWS; n++) {
		const struct table_entry entry = flow(n / 2, n % 2);
		struct table_entry found;

		if (!tables_find(&desk->now->tables, &entry, &found) ||
		    found.backend != entry.backend || !(found.flags & LBD_CONN_CONFIRMED))
			fail_msg("flow %u isn't there as it was", n);
	}
}

static void the_model_is_read_back(void **state)
{
	struct desk *desk = *state;
	struct model *model;

	assert_true(age(desk) >= 10);
	reopen(desk);
	assert_true(dataplane_is_foreign(desk->now));
	assert_int_equal(dataplane_adopt(desk->now, &model, &desk->err), 0);
	for (int id = 1; id <= 2; id++) {
		assert_memory_equal(&model->services[id].vip, &desk->model->services[id].vip,
				    sizeof(struct lbd_addr));
		assert_int_equal(model->services[id].port, desk->model->services[id].port);
	}
	for (int i = 1; i <= 4; i++) {
		assert_memory_equal(&model->backends[i].addr, &desk->model->backends[i].addr,
				    sizeof(struct lbd_addr));
		assert_int_equal(model->backends[i].weight, desk->model->backends[i].weight);
		assert_int_equal(model->backends[i].service, desk->model->backends[i].service);
	}
	model_free(model);
}

static void all_entries_and_counters_come_along(void **state)
{
	struct desk *desk = *state;
	struct lbd_traffic traffic[8];
	const struct lbd_secret secret = desk->now->tables.secret;

	age(desk);
	reopen(desk);
	if (move(desk))
		fail_msg("%s", desk->err.text);
	assert_false(dataplane_is_foreign(desk->now));
	assert_flows(desk);
	assert_memory_equal(&secret, &desk->now->tables.secret, sizeof(secret));
	assert_int_equal(dataplane_service_traffic(desk->now, traffic), 0);
	assert_int_equal(traffic[1].packets, PACKETS);
	assert_int_equal(traffic[1].bytes, 7);
	assert_int_equal(
		((struct lbd_service_meter *)desk->now->memory[MAP_lbd_meters])[1].meter[0], 42);
	/* And for good. */
	dataplane_close(desk->now);
	reopen(desk);
	assert_false(dataplane_is_foreign(desk->now));
	assert_flows(desk);
}

static void what_has_no_room_is_refused_and_stays(void **state)
{
	struct desk *desk = *state;
	const __u32 place = desk->model->limits.backends * (desk->now->control->active & 1) + 1;
	const __u32 weight = 70000;
	uint8_t value[72];
	int fd;

	age(desk);
	fd = bpf_obj_get(PINS "/lbd_backends");
	assert_int_equal(bpf_map_lookup_elem(fd, &place, value), 0);
	memcpy(value, &weight, sizeof(weight)); /* as tests/variant/layout puts it */
	assert_int_equal(bpf_map_update_elem(fd, &place, value, BPF_EXIST), 0);
	close(fd);
	assert_int_equal(open_set(desk), -ERANGE);
	assert_non_null(strstr(desk->err.text, "lbd_backends: weight holds 70000"));
	assert_int_equal(access(PINS "/lbd_conn4", F_OK), 0);
}

/* One word of an entry, of all its CPUs, as the other release would write it. */
static void poke(const char *map, __u32 entry, uint32_t at, uint32_t size)
{
	uint8_t value[4096] = { 0 };
	char path[256];
	int fd;

	snprintf(path, sizeof(path), PINS "/%s", map);
	fd = bpf_obj_get(path);
	assert_int_equal(bpf_map_lookup_elem(fd, &entry, value), 0);
	for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++)
		value[at + size * (uint32_t)cpu] = 1;
	assert_int_equal(bpf_map_update_elem(fd, &entry, value, BPF_EXIST), 0);
	close(fd);
}

/* The other release has fields that we lack, in places and in counters: of no harm till now. */
static void a_field_that_goes_is_refused_where_it_is_in_use(void **state)
{
	struct desk *desk = *state;

	age(desk);
	poke("lbd_svc_stats", 5, 8, 24);
	reopen(desk);
	assert_int_equal(move(desk), -ERANGE);
	assert_string_equal(
		desk->err.text,
		"lbd_svc_stats: colour is in use; the new layout has no such field (entry 5)");
	poke("lbd_meters", 3, 0, 0);
	assert_int_equal(move(desk), -ERANGE);
	assert_string_equal(
		desk->err.text,
		"lbd_meters: hue is in use; the new layout has no such field (entry 3)");
	assert_int_equal(access(PINS "/next", F_OK), -1);
}

/* --- another release was killed on its way from our layout to its own */

static void killed(void *context, const char *step)
{
	if (!strcmp(step, context))
		_exit(0);
}

/* It was about to do @step, and also wanted other limits, so that there is something to move. */
static void killed_at(struct desk *desk, char *step)
{
	int status;
	pid_t child;

	dataplane_close(desk->now);
	desk->now = NULL;
	child = fork();
	if (!child) {
		reopen(desk);
		desk->model->limits.conn4_buckets *= 2;
		desk->model->limits.sticky_buckets *= 2;
		_exit(move_watched(desk, killed, step) ? 1 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void before_its_swap_nothing_of_it_matters(void **state)
{
	struct desk *desk = *state;

	killed_at(desk, "swap");
	assert_true(age_pins(desk, PINS "/next") > 2);
	reopen(desk);
	assert_false(dataplane_is_foreign(desk->now));
	assert_int_equal(access(PINS "/next", F_OK), -1);
	assert_flows(desk);
}

/* What the last packets before the swap wrote is for that release to carry on. */
static void after_its_swap_only_that_release_can_end_it(void **state)
{
	struct desk *desk = *state;

	killed_at(desk, "swapped");
	age_pins(desk, PINS "/next");
	assert_int_equal(open_set(desk), -EPROTO);
	assert_non_null(
		strstr(desk->err.text, "another release was killed while it moved the maps"));
	assert_int_equal(access(PINS "/next/generation", F_OK), 0);
	assert_int_equal(access(PINS "/lbd_conn4", F_OK), 0);
}

/* Filled to the last entry: whoever starts next renames, and then finds another layout. */
static void once_it_was_done_any_release_goes_on(void **state)
{
	static char *steps[] = { "lbd_control", "lbd_conn6", "lbd_generations" };
	struct desk *desk = *state;

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		killed_at(desk, steps[i]);
		assert_int_equal(access(PINS "/done", F_OK), 0);
		assert_true(age_pins(desk, PINS "/done") + age_pins(desk, PINS) > 10);
		desk->model->limits.conn4_buckets *= 2;
		desk->model->limits.sticky_buckets *= 2;
		reopen(desk);
		assert_true(dataplane_is_foreign(desk->now));
		assert_int_equal(access(PINS "/done", F_OK), -1);
		if (move(desk))
			fail_msg("%s: %s", steps[i], desk->err.text);
		assert_flows(desk);
	}
}

/* Pins that nobody else sees. */
static int mount_bpffs(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL))
		fail_msg("mount bpffs: %s", strerror(errno));
	return 0;
}

#define DESK_TEST(name) cmocka_unit_test_setup_teardown(name, desk_open, desk_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(the_model_is_read_back),
		DESK_TEST(all_entries_and_counters_come_along),
		DESK_TEST(what_has_no_room_is_refused_and_stays),
		DESK_TEST(before_its_swap_nothing_of_it_matters),
		DESK_TEST(after_its_swap_only_that_release_can_end_it),
		DESK_TEST(once_it_was_done_any_release_goes_on),
		DESK_TEST(a_field_that_goes_is_refused_where_it_is_in_use),
	};

	return cmocka_run_group_tests(tests, mount_bpffs, NULL);
}
