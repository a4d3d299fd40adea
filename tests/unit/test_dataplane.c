// SPDX-License-Identifier: GPL-2.0-or-later
/* A private data plane: snapshots under concurrent packets, full tables, ids that come free. */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/dataplane.h"
#include "upgrade/golden.h"

#define INTERFACE 1 /* lo */

struct plane {
	struct config *config;
	struct model *model;
	struct dataplane *dataplane;
	int fd;
};

static void hops(struct model *model)
{
	for (uint32_t i = 1; i < model->limits.backends; i++)
		model->backends[i].nexthop = (struct nexthop){
			.resolved = true,
			.ifindex = INTERFACE,
			.mtu = 1500,
			.dmac = { 2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i },
		};
}

static void plane_open(struct plane *plane, const char *yaml)
{
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
	struct dataplane_options options = { 0 };
	struct error err = { 0 };
	char object[256];

	if (config_parse(yaml, strlen(yaml), "test", &plane->config, &err) ||
	    model_build(plane->config, NULL, NULL, NULL, &plane->model, &err))
		fail_msg("%s", err.text);
	hops(plane->model);
	options.limits = plane->model->limits;
	snprintf(object, sizeof(object), "%s/bpf/lb.bpf.o", build);
	if (dataplane_open(&options, &plane->dataplane, &err) ||
	    dataplane_load(plane->dataplane, object, plane->model,
			   model_features(plane->model, &(uint32_t){ INTERFACE }, 1), &plane->fd,
			   &err) ||
	    dataplane_commit(plane->dataplane, plane->model, &err))
		fail_msg("%s", err.text);
}

static void plane_close(struct plane *plane)
{
	close(plane->fd);
	dataplane_close(plane->dataplane);
	model_free(plane->model);
	config_free(plane->config);
}

/* --- no packet sees two snapshots */

static const char two_backends[] =
	"xdp: {interfaces: [lo]}\n"
	"limits: {services: 4, backends: 4, connections-ipv4: 1024, connections-ipv6: 1024,"
	" maglev: 251}\n"
	"services: [{name: a, vip: 192.0.2.1, port: 80, health: {check: none},"
	" backends: [{address: 198.51.100.1}, {address: 198.51.100.2}]}]\n";

struct sender {
	struct plane *plane;
	atomic_bool stop;
	unsigned int sent, wrong;
	int last;
};

/* SYNs: picked by the ring each time. Always forwarded, by the MAC that its snapshot says. */
static void *send_all_the_time(void *context)
{
	struct sender *sender = context;
	const struct lbd_addr vip = lbd_addr_from4(htonl(0xc0000201));
	struct golden_frame out;

	while (!atomic_load(&sender->stop)) {
		struct golden_frame in = golden_packet(
			&vip, IPPROTO_TCP, (uint16_t)(1024 + sender->sent % 60000), 80, TH_SYN);
		int action;

		out.size = GOLDEN_FRAME_MAX;
		action = dataplane_test_run(sender->plane->dataplane, sender->plane->fd, INTERFACE,
					    in.bytes, in.size, out.bytes, &out.size);
		sender->sent++;
		/* The last byte is the backend, the one before the snapshot it is up in. */
		if (action == XDP_TX && out.bytes[5] == out.bytes[4])
			continue;
		sender->wrong++;
		sender->last = action << 16 | out.bytes[4] << 8 | out.bytes[5];
	}
	return NULL;
}

/* One backend is up at a time; the MAC address says which one it was meant to be. */
static void put_up(struct plane *plane, unsigned int up)
{
	struct error err = { 0 };

	for (unsigned int i = 1; i <= 2; i++) {
		plane->model->backends[i].healthy = i == up;
		plane->model->backends[i].nexthop.dmac[4] = (uint8_t)up;
		plane->model->backends[i].nexthop.dmac[5] = (uint8_t)i;
	}
	if (dataplane_commit(plane->dataplane, plane->model, &err))
		fail_msg("%s", err.text);
}

static void no_packet_sees_two_snapshots(void **state)
{
	struct plane plane = { .fd = -1 };
	struct sender sender = { .plane = &plane };
	pthread_t thread;

	(void)state;
	plane_open(&plane, two_backends);
	put_up(&plane, 1);
	assert_int_equal(pthread_create(&thread, NULL, send_all_the_time, &sender), 0);
	for (unsigned int i = 0; i < 100; i++)
		put_up(&plane, 1 + i % 2);
	atomic_store(&sender.stop, true);
	pthread_join(thread, NULL);
	if (sender.wrong)
		fail_msg("%u of %u packets mixed snapshots, the last %#x", sender.wrong,
			 sender.sent, sender.last);
	assert_true(sender.sent > 100);
	plane_close(&plane);
}

/* --- as full as the limits allow */

/* Text of @services with a backend each. The caller frees it. */
static char *many(uint32_t services, uint32_t limit)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	fprintf(out,
		"xdp: {interfaces: [lo]}\nlimits: {services: %u, backends: %u,"
		" connections-ipv4: 1024, connections-ipv6: 1024, maglev: 3}\nservices:\n",
		limit, limit);
	for (uint32_t i = 1; i <= services; i++)
		fprintf(out,
			"- {name: s%u, vip: 10.%u.%u.%u, port: 80, health: {check: none},"
			" backends: [{address: 198.51.100.1}]}\n",
			i, i >> 16, i >> 8 & 255, i & 255);
	fclose(out);
	return text;
}

static void assert_forwards(struct plane *plane, uint32_t n)
{
	const struct lbd_addr vip = lbd_addr_from4(htonl(0x0a000000 | n));
	const struct golden_frame in = golden_packet(&vip, IPPROTO_TCP, 1024, 80, TH_SYN);
	struct golden_frame out = { .size = GOLDEN_FRAME_MAX };

	assert_int_equal(dataplane_test_run(plane->dataplane, plane->fd, INTERFACE, in.bytes,
					    in.size, out.bytes, &out.size),
			 XDP_TX);
}

/* A VIP of its own for each service is the most that the hash must hold. */
static void every_service_of_the_limit_is_found(void **state)
{
	static const uint32_t limits[] = { 2, 128, 8192 };

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		struct plane plane = { .fd = -1 };
		char *text = many(limits[i] - 1, limits[i]);

		plane_open(&plane, text);
		for (uint32_t n = 1; n < limits[i]; n++)
			assert_forwards(&plane, n);
		plane_close(&plane);
		free(text);
	}
}

/* --- ids */

static struct table_entry entry(const struct tables *tables, uint16_t backend, uint16_t port,
				uint32_t age_s)
{
	return (struct table_entry){
		.client = lbd_addr_from4(htonl(0xcb007101)),
		.client_port = htons(port),
		.vip_port = htons(80),
		.service = 1,
		.backend = backend,
		.flags = LBD_CONN_CONFIRMED,
		.tick = tables_tick_of_age(tables, age_s * 1000, tables_now(tables)),
	};
}

static void only_expired_entries_of_what_is_gone_are_released(void **state)
{
	bool services[4] = { false }, backends[4] = { [2] = true };
	const struct tables_ids gone = { services, backends, 4, 4 };
	struct plane plane = { .fd = -1 };
	const struct tables *tables;
	struct table_entry kept[3], found;

	(void)state;
	plane_open(&plane, two_backends);
	tables = dataplane_tables(plane.dataplane);
	kept[0] = entry(tables, 1, 1, 5000); /* expired, but its backend is there */
	kept[1] = entry(tables, 2, 2, 0);    /* gone, but it lives */
	kept[2] = entry(tables, 2, 3, 5000); /* both */
	for (int i = 0; i < 3; i++)
		assert_int_equal(tables_put(tables, &kept[i]), TABLES_PUT_ADDED);
	assert_int_equal(tables_release(tables, &gone), 1);
	assert_true(tables_find(tables, &kept[0], &found));
	assert_true(tables_find(tables, &kept[1], &found));
	assert_false(tables_find(tables, &kept[2], &found));
	assert_int_equal(tables_release(tables, &gone), 0);
	plane_close(&plane);
}

/* What a killed daemon had claimed, in any table: nobody else would ever free it. */
static void every_table_is_swept(void **state)
{
	struct plane plane = { .fd = -1 };
	const struct tables *tables;

	(void)state;
	plane_open(&plane, two_backends);
	tables = dataplane_tables(plane.dataplane);
	tables->conn4[0].key[1] = LBD_KEY_CLAIMED_USER;
	tables->conn6[0].line.key[1] = LBD_KEY_CLAIMED_USER;
	tables->nat4[0].key[1] = LBD_KEY_CLAIMED_USER;
	tables->nat6[0].line.key[1] = LBD_KEY_CLAIMED_USER;
	tables->sticky[0].line.key[1] = LBD_KEY_CLAIMED_USER;
	tables->sticky[0].line.key[2] = LBD_KEY_CLAIMED_BPF;
	assert_int_equal(tables_sweep(tables), 5);
	assert_int_equal(tables->sticky[0].line.key[1], LBD_KEY_EMPTY);
	assert_true(tables->sticky[0].line.key[2] == LBD_KEY_CLAIMED_BPF);
	assert_int_equal(tables_sweep(tables), 0);
	plane_close(&plane);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_packet_sees_two_snapshots),
		cmocka_unit_test(every_service_of_the_limit_is_found),
		cmocka_unit_test(only_expired_entries_of_what_is_gone_are_released),
		cmocka_unit_test(every_table_is_swept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
