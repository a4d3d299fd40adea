// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The established connections that a node's pinned maps hold, read past the
 * daemon: one a line, by identity, in the order of the slots.
 *
 *   dump PIN_DIR          "CLIENT VIP BACKEND", addresses with ports
 *   dump PIN_DIR all      the others too, with flags (LBD_CONN_*, hexadecimal) and tick
 *   dump PIN_DIR split    packets that a trial handed to the old and to the new packet path
 *   dump PIN_DIR lose N   forget every N-th of them, silently: no dirty bit; prints how many
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/addr.h"
#include "lbd/conntable.h"
#include "lbd/maps.h"

struct dump_map {
	void *data;
	uint32_t entries;
};

struct dump {
	struct dump_map control, services, backends, conn4, conn6;
	bool all;
	uint64_t lose; /* every so many-th; 0: print */
	uint64_t count;
};

static int dump_map(const char *dir, const char *name, struct dump_map *ret)
{
	struct bpf_map_info info = { 0 };
	uint32_t info_size = sizeof(info);
	char path[256];
	size_t size;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = bpf_obj_get(path);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &info_size)) {
		fprintf(stderr, "dump: %s: %s\n", path, strerror(errno));
		return -errno;
	}
	size = (size_t)info.max_entries * ((info.value_size + 7U) & ~7U);
	ret->data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ret->entries = info.max_entries;
	close(fd);
	return ret->data == MAP_FAILED ? -errno : 0;
}

static int dump_open(const char *dir, struct dump *dump)
{
	const struct {
		const char *name;
		struct dump_map *map;
	} maps[] = {
		{ "lbd_control", &dump->control },   { "lbd_services", &dump->services },
		{ "lbd_backends", &dump->backends }, { "lbd_conn4", &dump->conn4 },
		{ "lbd_conn6", &dump->conn6 },
	};

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		if (dump_map(dir, maps[i].name, maps[i].map))
			return -1;
	return 0;
}

static void dump_print(const struct dump *dump, const struct lbd_addr *client, uint64_t key,
		       uint64_t value)
{
	const struct lbd_control *control = dump->control.data;
	const struct lbd_service *services = (const struct lbd_service *)dump->services.data +
					     (size_t)control->active * control->limits.services;
	const struct lbd_backend *backends = (const struct lbd_backend *)dump->backends.data +
					     (size_t)control->active * control->limits.backends;
	const struct lbd_service *service = &services[lbd_key_service(key)];
	char from[ADDR_TEXT_MAX], vip[ADDR_TEXT_MAX], backend[ADDR_TEXT_MAX];

	printf("%s %s/%u %s", addr_format_endpoint(client, lbd_key_port(key), from),
	       addr_format_endpoint(&service->vip, lbd_value_dport(value), vip), service->protocol,
	       addr_format(&backends[lbd_value_backend(value)].addr, backend));
	if (dump->all)
		printf(" %02llx %u", (unsigned long long)(value & LBD_CONN_FLAGS) >> 32,
		       lbd_value_tick(value));
	putchar('\n');
}

static void dump_slot(struct dump *dump, __u64 *key, uint64_t value, const struct lbd_addr *client)
{
	bool established = value & LBD_CONN_CONFIRMED && !(value & LBD_CONN_CLOSING);

	if (!lbd_key_is_flow(*key) || !(established || dump->all))
		return;
	dump->count++;
	if (!dump->lose)
		dump_print(dump, client, *key, value);
	else if (dump->count % dump->lose == 0)
		*(volatile __u64 *)key = LBD_KEY_EMPTY;
}

static void dump_tables(struct dump *dump)
{
	struct lbd_bucket *conn4 = dump->conn4.data;
	struct lbd_bucket6 *conn6 = dump->conn6.data;

	for (size_t n = 0; n < (size_t)dump->conn4.entries * LBD_BUCKET_SLOTS; n++) {
		struct lbd_bucket *bucket = &conn4[n / LBD_BUCKET_SLOTS];
		__u64 *key = &bucket->key[n % LBD_BUCKET_SLOTS];
		struct lbd_addr client = lbd_addr_from4(lbd_key_client4(*key));

		dump_slot(dump, key, bucket->value[n % LBD_BUCKET_SLOTS], &client);
	}
	for (size_t n = 0; n < (size_t)dump->conn6.entries * LBD_BUCKET_SLOTS; n++) {
		struct lbd_bucket6 *bucket = &conn6[n / LBD_BUCKET_SLOTS];
		uint32_t slot = n % LBD_BUCKET_SLOTS;

		dump_slot(dump, &bucket->line.key[slot], bucket->line.value[slot],
			  &bucket->client[slot]);
	}
}

static int dump_split(const char *dir)
{
	int cpus = libbpf_num_possible_cpus(), fd, rc;
	struct lbd_split_seen *seen = calloc((size_t)cpus, sizeof(*seen));
	unsigned long long packets[LBD_SPLIT_SLOTS] = { 0 };
	__u32 zero = 0;
	char path[256];

	snprintf(path, sizeof(path), "%s/lbd_split_cpu", dir);
	fd = bpf_obj_get(path);
	rc = fd < 0 || bpf_map_lookup_elem(fd, &zero, seen);
	for (int cpu = 0; cpu < cpus && !rc; cpu++)
		for (int side = 0; side < LBD_SPLIT_SLOTS; side++)
			packets[side] += seen[cpu].packets[side];
	if (rc)
		perror(path);
	else
		printf("%llu %llu\n", packets[LBD_SPLIT_STABLE], packets[LBD_SPLIT_CANDIDATE]);
	free(seen);
	return rc;
}

int main(int argc, char **argv)
{
	struct dump dump = { 0 };

	if (argc == 3 && !strcmp(argv[2], "split"))
		return dump_split(argv[1]);
	dump.all = argc == 3 && !strcmp(argv[2], "all");
	if (argc == 4 && !strcmp(argv[2], "lose"))
		dump.lose = strtoull(argv[3], NULL, 10);
	if (argc != 2 && !dump.all && !dump.lose) {
		fprintf(stderr, "usage: dump PIN_DIR [all | split | lose N]\n");
		return 2;
	}
	if (dump_open(argv[1], &dump))
		return 1;
	dump_tables(&dump);
	if (dump.lose)
		printf("%llu\n", (unsigned long long)(dump.count / dump.lose));
	return 0;
}
