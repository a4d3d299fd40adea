/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon in the test's own process: its real start-up, reload and upgrade on
 * the real kernel, in private network and mount namespaces. Backends are
 * permanent neighbours behind a veth; nobody needs to answer.
 */
#ifndef DAEMON_FIXTURE_H
#define DAEMON_FIXTURE_H

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lbd.h"
#define RUN "/run/lbd/test"
#define PINS "/sys/fs/bpf/lbd/test"

static struct lbd daemon_now;
static char config_path[] = "/run/lbd.yaml";

static inline void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static inline void shell(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command))
		fail_msg("failed: %s", command);
}

static inline bool attached(const char *interface)
{
	char command[128];

	snprintf(command, sizeof(command), "ip -d link show %s | grep -q lbd_root", interface);
	return system(command) == 0;
}

/* --- configurations */

/* services[] of "NAME PORT BACKEND[,BACKEND...]"; addresses are the last byte. */
static inline void configure(const char *head, const char *services)
{
	FILE *file = fopen(config_path, "w");
	char name[32], backends[256];
	int port, used;

	assert_non_null(file);
	fprintf(file,
		"instance: test\n%s\nlimits: {services: 16, backends: 16, connections-ipv4: 1024,"
		" connections-ipv6: 1024, maglev: 251}\nservices:\n",
		head);
	for (; sscanf(services, " %31s %d %255s%n", name, &port, backends, &used) == 3;
	     services += used) {
		fprintf(file,
			"- {name: %s, vip: 192.0.2.1, port: %d, health: {check: none}, backends: [",
			name, port);
		for (char *last = strtok(backends, ","); last; last = strtok(NULL, ","))
			fprintf(file, "{address: 198.51.100.%s}, ", last);
		fputs("]}\n", file);
	}
	fclose(file);
}

#define ETH0 "xdp: {interfaces: [eth0]}"

static inline int reload(const char *head, const char *services, struct error *err)
{
	*err = (struct error){ 0 };
	configure(head, services);
	return lbd_reload(&daemon_now, err);
}

static inline void assert_reloads(const char *head, const char *services)
{
	struct error err;

	if (reload(head, services, &err))
		fail_msg("refused: %s", err.text);
}

/* --- the daemon */

static inline int start(struct error *err)
{
	const char *build = getenv("BUILD");

	daemon_now = (struct lbd){ .lock = -1, .config_path = config_path };
	*err = (struct error){ 0 };
	snprintf(daemon_now.object, sizeof(daemon_now.object), "%s/bpf/lb.bpf.o",
		 build ? build : "build");
	snprintf(daemon_now.root_object, sizeof(daemon_now.root_object), "%s/bpf/root.bpf.o",
		 build ? build : "build");
	snprintf(daemon_now.split_object, sizeof(daemon_now.split_object), "%s/bpf/split.bpf.o",
		 build ? build : "build");
	return lbd_start(&daemon_now, err);
}

static inline void assert_starts(void)
{
	struct error err;

	if (start(&err))
		fail_msg("doesn't start: %s", err.text);
}

/* As after kill -9, for all that others can see. */
static inline void restart(void)
{
	lbd_stop(&daemon_now);
	assert_starts();
}

static inline int begin(void **state)
{
	(void)state;
	configure(ETH0, "web 80 1,2");
	assert_starts();
	return 0;
}

static inline int end(void **state)
{
	uint32_t interfaces;

	(void)state;
	lbd_stop(&daemon_now);
	dataplane_remove(PINS, &interfaces, NULL);
	shell("rm -rf " RUN);
	return 0;
}

/* --- what the packet path goes by */

static inline struct lbd_addr host(unsigned int last)
{
	return lbd_addr_from4(htonl(0xc6336400 | last));
}

static inline const struct backend *backend_of(const char *service, unsigned int last)
{
	struct lbd_addr addr = host(last);

	for (uint32_t i = 1; i < daemon_now.model->limits.services; i++)
		if (!strcmp(daemon_now.model->services[i].name, service))
			return model_find_backend(daemon_now.model, (uint16_t)i, &addr);
	return NULL;
}

/* The snapshot in force as bytes that can be compared. */
static inline struct model *in_force(void)
{
	struct error err = { 0 };
	struct model *model = NULL;

	assert_int_equal(dataplane_adopt(daemon_now.dataplane, &model, &err), 0);
	return model;
}

static inline void assert_same_model(struct model *before, struct model *after)
{
	assert_memory_equal(before->services, after->services,
			    before->limits.services * sizeof(*before->services));
	for (uint32_t i = 0; i < before->limits.backends; i++) {
		assert_int_equal(before->backends[i].index, after->backends[i].index);
		assert_int_equal(before->backends[i].gone, after->backends[i].gone);
		assert_int_equal(before->backends[i].weight, after->backends[i].weight);
		assert_int_equal(before->backends[i].nexthop.resolved,
				 after->backends[i].nexthop.resolved);
	}
	model_free(before);
	model_free(after);
}

static inline void make_connection(uint16_t service, uint16_t backend, uint16_t port,
				   uint32_t age_s)
{
	const struct tables *tables = dataplane_tables(daemon_now.dataplane);
	const struct table_entry entry = {
		.client = host(200),
		.client_port = htons(port),
		.vip_port = htons(80),
		.service = service,
		.backend = backend,
		.flags = LBD_CONN_CONFIRMED,
		.tick = tables_tick_of_age(tables, age_s * 1000, tables_now(tables)),
	};

	assert_int_equal(tables_put(tables, &entry), TABLES_PUT_ADDED);
}

static inline uint32_t running(enum lbd_generation_slot slot)
{
	struct dataplane_generation generation;

	assert_int_equal(dataplane_generation(daemon_now.dataplane, slot, &generation), 0);
	return generation.prog_id;
}

static inline int enter(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET | CLONE_NEWNS))
		return -1;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("lab", "/run", "tmpfs", 0, "mode=755") ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL))
		return -1;
	shell("ip link set lo up; ip link add eth0 type veth peer name peer;"
	      " ip link set eth0 up; ip link set peer up; ip addr add 198.51.100.254/24 dev eth0;"
	      " for i in $(seq 1 60); do"
	      " ip neigh add 198.51.100.$i lladdr 02:00:00:00:00:$(printf %%02x $i) dev eth0"
	      " nud permanent; done");
	return 0;
}

#define DAEMON_TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

#define DAEMON_TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

#endif
