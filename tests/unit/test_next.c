// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A set of pinned maps gives way to one of other sizes, under packets: none goes
 * to another backend, and none out from another port, than before. Every
 * connection was given a backend that Maglev would not pick, so whoever forgets
 * it is found out. Then the same, killed at each of its steps.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/next.h"
#include "kernel_maps.h"
#include "upgrade/golden.h"

#define INTERFACE 1 /* lo */
#define PINS "/sys/fs/bpf/set"
#define FLOWS 20000U /* of each family */
#define NAT_FLOWS 500U

static const char services[] =
	"services:\n"
	"- {name: a, vip: 192.0.2.1, port: 80, health: {check: none},"
	" backends: [{address: 198.51.100.1}, {address: 198.51.100.2}]}\n"
	"- {name: b, vip: '2001:db8::1', port: 80, protocol: udp, health: {check: none},"
	" backends: [{address: '2001:db8:1::1'}, {address: '2001:db8:1::2'}]}\n"
	"- {name: n, vip: 192.0.2.2, port: 80, forward: nat, health: {check: none},"
	" backends: [{address: 198.51.100.3}, {address: 198.51.100.4}]}\n";

/* Sizes: as small as all flows fit, and others in every limit. */
static const char *const sizes[] = {
	"services: 8, backends: 16, connections-ipv4: 131072, connections-ipv6: 131072,"
	" nat-ipv4: 16384, nat-ipv6: 1024, maglev: 251",
	"services: 16, backends: 32, connections-ipv4: 524288, connections-ipv6: 262144,"
	" nat-ipv4: 65536, nat-ipv6: 2048, maglev: 509, prefixes: 64, sources: 2048",
};

struct plane {
	struct config *config;
	struct model *model;
	uint32_t features;
};

static struct plane planes[2];
static struct dataplane *now; /* the set in use */

static uint16_t given[2][FLOWS];	   /* backends that flows of services a and b were given */
static struct golden_ends sent[NAT_FLOWS]; /* where flows of n went out from, and to */

static void hops(struct model *model)
{
	for (uint32_t i = 1; i < model->limits.backends; i++)
		model->backends[i].nexthop = (struct nexthop){
			.resolved = true,
			.ifindex = INTERFACE,
			.mtu = 1500,
			.dmac = { 2, 0, 0, 0, 0, (uint8_t)i },
			.smac = { 2, 0, 0, 0, 1, 0 },
		};
}

/* The same services, with other limits. @old: the model that ids go on from. */
static void plane_new(struct plane *plane, const char *limits, const struct model *old)
{
	struct error err = { 0 };
	char yaml[2048];

	snprintf(yaml, sizeof(yaml),
		 "xdp: {interfaces: [lo]}\n"
		 "nat: {addresses: [192.0.2.100, 192.0.2.101], ports: 2000-5999}\n"
		 "limits: {%s}\n%s",
		 limits, services);
	if (config_parse(yaml, strlen(yaml), "test", &plane->config, &err) ||
	    model_build(plane->config, old, NULL, NULL, &plane->model, &err))
		fail_msg("%s", err.text);
	hops(plane->model);
	plane->features =
		model_features(plane->model, &(uint32_t){ INTERFACE }, 1) | LBD_FEATURE_ROUTELESS;
}

static int load(struct dataplane *dataplane, const struct plane *plane, struct error *err)
{
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
	char object[256];
	int fd, rc;

	snprintf(object, sizeof(object), "%s/bpf/lb.bpf.o", build);
	rc = dataplane_load(dataplane, object, plane->model, plane->features, &fd, err);
	return rc ? rc : fd;
}

static struct dataplane *open_set(const struct lbd_limits *limits)
{
	const struct dataplane_options options = { .pin_dir = PINS, .limits = *limits };
	struct dataplane *dataplane = NULL;
	struct error err = { 0 };

	if (dataplane_open(&options, &dataplane, &err))
		fail_msg("%s", err.text);
	return dataplane;
}

/* --- flows */

static struct table_entry flow(uint32_t n, bool v6)
{
	struct table_entry entry = {
		.client = lbd_addr_from4(htonl(0x0a000000 + n)),
		.client_port = htons((uint16_t)(1024 + n % 50000)),
		.vip_port = htons(80),
		.service = v6 ? 2 : 1,
	};

	if (v6) {
		inet_pton(AF_INET6, "2001:db8:2::", &entry.client);
		entry.client.words[3] = htonl(n);
	}
	return entry;
}

/* Of both backends the one that Maglev doesn't mean. */
static void fill(bool v6)
{
	const struct tables *tables = dataplane_tables(now);
	const uint16_t first = v6 ? 3 : 1;

	for (uint32_t n = 0; n < FLOWS; n++) {
		struct table_entry entry = flow(n, v6);

		entry.backend = (uint16_t)(2 * first + 1 - dataplane_pick(now, &entry));
		given[v6][n] = entry.backend;
		entry.flags = LBD_CONN_CONFIRMED | (v6 ? LBD_CONN_UDP : 0);
		entry.tick = tables_now(tables);
		assert_int_equal(tables_put(tables, &entry), TABLES_PUT_ADDED);
	}
}

/* The action, and in @frame what went out. */
static int send_frame(struct golden_frame *frame)
{
	struct golden_frame in = *frame;

	frame->size = GOLDEN_FRAME_MAX;
	return dataplane_test_run(now, -1, INTERFACE, in.bytes, in.size, frame->bytes,
				  &frame->size);
}

static struct golden_frame frame_of(uint32_t n, bool v6)
{
	const struct table_entry entry = flow(n, v6);
	const struct lbd_addr *vip = &planes[0].model->services[entry.service].vip;

	return golden_packet_from(&entry.client, vip, v6 ? IPPROTO_UDP : IPPROTO_TCP,
				  ntohs(entry.client_port), 80, v6 ? 0 : TH_ACK);
}

/* Does a packet of the flow go where it always went? */
static bool stays(uint32_t n, bool v6)
{
	struct golden_frame frame = frame_of(n, v6);

	return send_frame(&frame) == XDP_TX && frame.bytes[5] == given[v6][n];
}

static struct golden_frame nat_frame(uint32_t n, uint8_t flags)
{
	const struct lbd_addr client = lbd_addr_from4(htonl(0x0b000000 + n));

	return golden_packet_from(&client, &planes[0].model->services[3].vip, IPPROTO_TCP, 40000,
				  80, flags);
}

static void open_nat_flows(void)
{
	for (uint32_t n = 0; n < NAT_FLOWS; n++) {
		struct golden_frame syn = nat_frame(n, TH_SYN), ack = nat_frame(n, TH_ACK);

		assert_int_equal(send_frame(&syn), XDP_TX);
		assert_int_equal(send_frame(&ack), XDP_TX);
		sent[n] = golden_get_ends(&ack);
	}
}

/* Both ways, as before? */
static bool nat_stays(uint32_t n)
{
	struct golden_frame ack = nat_frame(n, TH_ACK), answer;
	struct golden_ends ends;

	if (send_frame(&ack) != XDP_TX)
		return false;
	ends = golden_get_ends(&ack);
	if (!lbd_addr_equal(&ends.source, &sent[n].source) ||
	    !lbd_addr_equal(&ends.dest, &sent[n].dest) || ends.source_port != sent[n].source_port)
		return false;
	answer = golden_answer(&ack);
	if (send_frame(&answer) != XDP_TX)
		return false;
	ends = golden_get_ends(&answer);
	return ends.dest.words[3] == htonl(0x0b000000 + n) && ends.dest_port == 40000;
}

/* How many of all flows don't stand in the table as they were put there. */
static uint32_t lost(void)
{
	const struct tables *tables = dataplane_tables(now);
	uint32_t wrong = 0;

	for (uint32_t n = 0; n < 2 * FLOWS; n++) {
		const bool v6 = n % 2;
		const struct table_entry entry = flow(n / 2, v6);
		struct table_entry found;

		wrong += !tables_find(tables, &entry, &found) ||
			 found.backend != given[v6][n / 2] || !(found.flags & LBD_CONN_CONFIRMED);
	}
	return wrong;
}

static uint32_t nat_lost(void)
{
	uint32_t wrong = 0;

	for (uint32_t n = 0; n < NAT_FLOWS; n++)
		wrong += !nat_stays(n);
	return wrong;
}

/* --- moving */

/* From @now to @plane's limits; in a child, which tells @watch of its steps. */
static int move(const struct plane *plane, next_watch watch, void *context)
{
	struct error err = { 0 };
	struct next *next = NULL;
	int fd = -1, rc;

	rc = next_open(now, &plane->model->limits, false, &next, &err);
	if (rc)
		goto out;
	next_set_watch(next, watch, context);
	next_follow(next, plane->model, plane->features);
	rc = dataplane_commit(next_to(next), plane->model, &err);
	if (rc)
		goto out;
	next_copy(next);
	fd = rc = load(next_to(next), plane, &err);
	if (rc >= 0)
		rc = next_swap(next, fd, &err);
	if (!rc)
		next_prove(next);
	if (!rc)
		rc = next_promote(next, &err);
	if (!rc) {
		struct dataplane *old = now;

		now = next_to(next);
		dataplane_close(old);
	}
out:
	if (fd >= 0)
		close(fd);
	next_close(next);
	if (rc)
		fprintf(stderr, "move: %s\n", err.text);
	return rc;
}

static uint32_t which(const struct dataplane *dataplane)
{
	return !!memcmp(dataplane_limits(dataplane), &planes[0].model->limits,
			sizeof(struct lbd_limits));
}

static void assert_tidy(void)
{
	assert_int_not_equal(access(PINS "/next", F_OK), 0);
	assert_int_not_equal(access(PINS "/done", F_OK), 0);
}

static uint64_t packets_of(uint16_t service)
{
	struct lbd_traffic *traffic = calloc(dataplane_limits(now)->services, sizeof(*traffic));
	uint64_t packets;

	assert_int_equal(dataplane_service_traffic(now, traffic), 0);
	packets = traffic[service].packets;
	free(traffic);
	return packets;
}

static void all_stay_when_a_set_grows_and_shrinks(void **state)
{
	const uint64_t before = packets_of(1);
	struct lbd_secret secret = dataplane_tables(now)->secret;

	(void)state;
	for (int i = 0; i < 4; i++) {
		const uint32_t other = which(now) ^ 1;

		assert_int_equal(move(&planes[other], NULL, NULL), 0);
		assert_int_equal(which(now), other);
		assert_int_equal(lost(), 0);
		assert_int_equal(nat_lost(), 0);
		assert_tidy();
		for (uint32_t n = 0; n < 1000; n++)
			assert_true(stays(n * 17, n % 2));
		/* Counters go on, whichever map they are in. */
		assert_int_equal(packets_of(1), before + 500U * ((unsigned int)i + 1));
	}
	assert_memory_equal(&secret, &dataplane_tables(now)->secret, sizeof(secret));
	/* And after a restart, whose daemon has the same sizes. */
	dataplane_close(now);
	now = open_set(&planes[0].model->limits);
	assert_int_equal(lost(), 0);
	assert_int_equal(nat_lost(), 0);
}

/* What a move would leave out is known before anything is touched. */
static void a_trial_counts_what_would_be_left_out(void **state)
{
	struct lbd_limits small = *dataplane_limits(now);
	struct next_figures figures;
	struct next_memory memory;
	struct next *next = NULL;
	struct error err = { 0 };

	(void)state;
	small.conn4_buckets = 1024;
	next_memory(now, &small, &memory);
	assert_true(memory.after < memory.before);
	assert_true(memory.needed > 0);
	assert_int_equal(next_open(now, &small, true, &next, &err), 0);
	next_follow(next, planes[0].model, planes[0].features);
	assert_int_equal(dataplane_commit(next_to(next), planes[0].model, &err), 0);
	next_copy(next);
	next_count(next, &figures);
	printf("[          ] 4096 slots: %llu of %llu connections have no room\n",
	       (unsigned long long)figures.live, (unsigned long long)figures.entries);
	assert_in_range(figures.live, FLOWS + NAT_FLOWS - 4096, FLOWS + NAT_FLOWS - 4000);
	next_close(next);
	assert_tidy();
	assert_int_equal(lost(), 0);
}

static void what_has_no_memory_is_refused(void **state)
{
	struct lbd_limits huge = *dataplane_limits(now);
	struct next *next = NULL;
	struct error err = { 0 };

	(void)state;
	huge.conn4_buckets = 1U << 30;
	assert_int_equal(next_open(now, &huge, false, &next, &err), -ENOMEM);
	assert_non_null(strstr(err.text, "MiB"));
	assert_tidy();
}

/* --- killed at each step */

static void die_at(void *context, const char *step)
{
	int *left = context;

	(void)step;
	if (!(*left)--)
		_exit(7);
}

/* Packets go on while the child works. Returns how many went wrong. */
static uint32_t send_until(pid_t child, int *ret_status)
{
	uint32_t wrong = 0, n = 0;

	while (!waitpid(child, ret_status, WNOHANG)) {
		n = (n + 7919) % FLOWS;
		wrong += !stays(n, false) + !stays(n, true) + !nat_stays(n % NAT_FLOWS);
	}
	return wrong;
}

/* Of the set that isn't in use: a program that only lbd_generations holds would hold it. */
static uint32_t maps_left(void)
{
	const struct lbd_limits *other = &planes[which(now) ^ 1].model->limits;

	return kernel_maps_left("lbd_conn4", other->conn4_buckets);
}

static uint32_t swapped; /* how often one was killed between the swap and the pins */

static bool survives_kill_at(int step)
{
	const struct plane *to = &planes[which(now) ^ 1];
	const pid_t child = fork();
	uint32_t wrong;
	int status = 0;

	if (!child) {
		/* Its own, as a daemon's. */
		now = open_set(dataplane_limits(now));
		_exit(move(to, die_at, &step) ? 1 : 0);
	}
	wrong = send_until(child, &status);
	swapped += next_has_swapped(now);
	assert_false(next_is_for_others(now));
	assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 7 || !WEXITSTATUS(status)));
	dataplane_close(now);
	now = open_set(&planes[0].model->limits);
	assert_tidy();
	if (wrong || lost() || nat_lost())
		fail_msg("killed at step %d: %u packets went wrong; then %u and %u flows", step,
			 wrong, lost(), nat_lost());
	if (maps_left())
		fail_msg("killed at step %d: the set that isn't used is held", step);
	return WEXITSTATUS(status) == 7;
}

static void a_kill_at_any_step_leaves_one_whole_set(void **state)
{
	int step = 0, kills = 0;

	(void)state;
	/* The last ones are the pins, one after the other: some will do. */
	for (; survives_kill_at(step); kills++)
		step += step < 11 ? 1 : 7;
	printf("[          ] killed at %d steps of %d, %u between the swap and the pins\n", kills,
	       step, swapped);
	assert_in_range(step, 30, 100);
	assert_in_range(swapped, 3, 6);
	assert_false(next_has_swapped(now));
}

/* --- set-up */

static int setup(void **state)
{
	struct error err = { 0 };
	int fd;

	(void)state;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL))
		return -1;
	plane_new(&planes[0], sizes[0], NULL);
	plane_new(&planes[1], sizes[1], planes[0].model);
	now = open_set(&planes[0].model->limits);
	fd = load(now, &planes[0], &err);
	if (fd < 0 || dataplane_commit(now, planes[0].model, &err) || dataplane_swap(now, fd, &err))
		fail_msg("%s", err.text);
	close(fd);
	fill(false);
	fill(true);
	open_nat_flows();
	return 0;
}

static int teardown(void **state)
{
	uint32_t interfaces;
	struct error err;

	(void)state;
	dataplane_close(now);
	for (int i = 0; i < 2; i++) {
		model_free(planes[i].model);
		config_free(planes[i].config);
	}
	return dataplane_remove(PINS, &interfaces, &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_stay_when_a_set_grows_and_shrinks),
		cmocka_unit_test(a_trial_counts_what_would_be_left_out),
		cmocka_unit_test(what_has_no_memory_is_refused),
		cmocka_unit_test(a_kill_at_any_step_leaves_one_whole_set),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
