// SPDX-License-Identifier: GPL-2.0-or-later
/* Server ids of QUIC in a private data plane: they change with the snapshot, and leave with it. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/internal.h"

#define INTERFACE 1 /* lo */

struct plane {
	struct config *config;
	struct model *model;
	struct dataplane *dataplane;
	int fd;
};

/* A service with two configs and two backends; @one and @two are their lists of server ids. */
static struct config *configure(const char *one, const char *two)
{
	struct config *config = NULL;
	struct error err = { 0 };
	char text[1024];

	snprintf(text, sizeof(text),
		 "xdp: {interfaces: [lo]}\n"
		 "limits: {services: 4, backends: 8, connections-ipv4: 1024,"
		 " connections-ipv6: 1024, maglev: 251}\n"
		 "services: [{name: a, vip: 192.0.2.1, port: 443, protocol: udp,\n"
		 "  health: {check: none}, quic: {configs: [\n"
		 "  {id: 0, server-id-length: 3, nonce-length: 4},\n"
		 "  {id: 1, server-id-length: 3, nonce-length: 5}]}, backends: [\n"
		 "  {address: 198.51.100.1, server-ids: [%s]},\n"
		 "  {address: 198.51.100.2, server-ids: [%s]}]}]\n",
		 one, two);
	if (config_parse(text, strlen(text), "test", &config, &err))
		fail_msg("%s", err.text);
	return config;
}

static void hops(struct model *model)
{
	for (uint32_t i = 1; i < model->limits.backends; i++)
		model->backends[i].nexthop = (struct nexthop){
			.resolved = true,
			.ifindex = INTERFACE,
			.mtu = 1500,
			.dmac = { 2, 0, 0, 0, 0, (uint8_t)i },
		};
}

/* As a reload does. */
static void plane_apply(struct plane *plane, struct config *config)
{
	struct model *model = NULL;
	struct error err = { 0 };

	if (model_build(config, plane->model, NULL, NULL, &model, &err))
		fail_msg("%s", err.text);
	hops(model);
	model_free(plane->model);
	config_free(plane->config);
	plane->model = model;
	plane->config = config;
	if (plane->dataplane && dataplane_commit(plane->dataplane, model, &err))
		fail_msg("%s", err.text);
}

static void plane_open(struct plane *plane, struct config *config)
{
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
	struct dataplane_options options = { 0 };
	struct error err = { 0 };
	char object[256];

	plane_apply(plane, config);
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

struct datagram {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	uint8_t quic[40];
} __attribute__((packed));

/* A short header from @port, by config @config to server @id of three octets. */
static struct datagram datagram(uint16_t port, uint8_t config, uint32_t id)
{
	const uint16_t size = sizeof(struct iphdr) + sizeof(struct udphdr) + 40;

	return (struct datagram){
		.eth.h_proto = htons(ETH_P_IP),
		.ip = { .version = 4,
			.ihl = 5,
			.ttl = 64,
			.protocol = IPPROTO_UDP,
			.tot_len = htons(size),
			.saddr = htonl(0xcb007107),
			.daddr = htonl(0xc0000201) },
		.udp = { .uh_sport = htons(port),
			 .uh_dport = htons(443),
			 .uh_ulen = htons(sizeof(struct udphdr) + 40) },
		.quic = { 0x40, (uint8_t)(config << 5), (uint8_t)(id >> 16), (uint8_t)(id >> 8),
			  (uint8_t)id },
	};
}

/* Which backend gets the packet: the last octet of the MAC address that `hops` gave it. */
static uint8_t receiver(struct plane *plane, uint16_t port, uint8_t config, uint32_t id)
{
	const struct datagram in = datagram(port, config, id);
	struct datagram out;
	uint32_t size = sizeof(out);

	assert_int_equal(dataplane_test_run(plane->dataplane, plane->fd, INTERFACE, &in, sizeof(in),
					    &out, &size),
			 XDP_TX);
	return out.eth.h_dest[5];
}

/* All of sixty-four flows get to @backend. Maglev would spread them. */
static bool all_reach(struct plane *plane, uint16_t first_port, uint8_t config, uint32_t id,
		      uint8_t backend)
{
	for (uint16_t i = 0; i < 64; i++)
		if (receiver(plane, first_port + i, config, id) != backend)
			return false;
	return true;
}

static uint32_t count_ids(const struct plane *plane)
{
	struct lbd_quic_key key;
	uint32_t count = 0;
	int fd = plane->dataplane->fd[MAP_lbd_quic];
	int rc = bpf_map_get_next_key(fd, NULL, &key);

	for (; !rc; count++)
		rc = bpf_map_get_next_key(fd, &key, &key);
	return count;
}

static void ids_are_read_in_every_config_of_their_length(void **state)
{
	struct plane plane = { .fd = -1 };

	(void)state;
	plane_open(&plane, configure("c4605e", "0a0b0c"));
	for (uint8_t config = 0; config < 2; config++) {
		assert_true(all_reach(&plane, 1000, config, 0xc4605e, 1));
		assert_true(all_reach(&plane, 1000, config, 0x0a0b0c, 2));
	}
	assert_false(all_reach(&plane, 2000, 0, 0x010203, 1));
	assert_int_equal(count_ids(&plane), 4);
	plane_close(&plane);
}

static void a_reload_gives_ids_to_other_backends(void **state)
{
	struct plane plane = { .fd = -1 };

	(void)state;
	plane_open(&plane, configure("c4605e", "0a0b0c"));
	plane_apply(&plane, configure("0a0b0c", "c4605e"));
	assert_true(all_reach(&plane, 1000, 0, 0xc4605e, 2));
	assert_true(all_reach(&plane, 1000, 1, 0x0a0b0c, 1));
	assert_int_equal(count_ids(&plane), 4);
	plane_close(&plane);
}

static void ids_are_written_beside_those_in_force(void **state)
{
	struct plane plane = { .fd = -1 };
	struct error err = { 0 };
	struct config *swapped = configure("0a0b0c", "c4605e");
	struct model *model = NULL;

	(void)state;
	plane_open(&plane, configure("c4605e", "0a0b0c"));
	assert_int_equal(model_build(swapped, plane.model, NULL, NULL, &model, &err), 0);
	/* All of a commit but the flip. */
	assert_int_equal(quic_write(plane.dataplane, model,
				    (plane.dataplane->control->active & 1) ^ 1, &err),
			 0);
	assert_true(all_reach(&plane, 1000, 0, 0xc4605e, 1));
	assert_true(all_reach(&plane, 1000, 0, 0x0a0b0c, 2));
	model_free(model);
	config_free(swapped);
	plane_close(&plane);
}

static void what_neither_half_has_is_removed(void **state)
{
	struct plane plane = { .fd = -1 };

	(void)state;
	plane_open(&plane, configure("c4605e, aaaaaa, bbbbbb", "0a0b0c"));
	assert_int_equal(count_ids(&plane), 8);
	plane_apply(&plane, configure("c4605e", "0a0b0c, dddddd"));
	assert_false(all_reach(&plane, 1000, 0, 0xaaaaaa, 1));
	assert_true(all_reach(&plane, 1000, 0, 0xdddddd, 2));
	plane_apply(&plane, configure("c4605e", "0a0b0c, dddddd"));
	assert_int_equal(count_ids(&plane), 6);
	plane_apply(&plane, configure("", ""));
	plane_apply(&plane, configure("", ""));
	assert_int_equal(count_ids(&plane), 0);
	plane_close(&plane);
}

/* As many as the rules let through, and as many others in their place. */
static void a_full_set_can_be_replaced(void **state)
{
	struct plane plane = { .fd = -1 };

	(void)state;
	plane_open(&plane,
		   configure("000001, 000002, 000003, 000004", "000005, 000006, 000007, 000008"));
	plane_apply(&plane,
		    configure("000011, 000012, 000013, 000014", "000015, 000016, 000017, 000018"));
	assert_true(all_reach(&plane, 1000, 1, 0x000018, 2));
	plane_close(&plane);
}

static void more_ids_than_there_is_room_for_are_refused(void **state)
{
	struct error err = { 0 };
	struct config *config = NULL;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	fprintf(out, "xdp: {interfaces: [lo]}\nlimits: {backends: 2}\nservices: [{name: a, "
		     "vip: 192.0.2.1, port: 443, protocol: udp, quic: {configs: [");
	for (int id = 0; id < 7; id++)
		fprintf(out, "%s{id: %d, server-id-length: 1, nonce-length: 4}", id ? ", " : "",
			id);
	fprintf(out, "]}, backends: [{address: 198.51.100.1, server-ids: [01, 02]}]}]\n");
	fclose(out);
	assert_int_equal(config_parse(text, size, "t.yaml", &config, &err), -EINVAL);
	assert_non_null(strstr(err.text, "limits.backends: the server ids are 14 with each config "
					 "that reads them, expected at most 8"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_read_in_every_config_of_their_length),
		cmocka_unit_test(a_reload_gives_ids_to_other_backends),
		cmocka_unit_test(ids_are_written_beside_those_in_force),
		cmocka_unit_test(what_neither_half_has_is_removed),
		cmocka_unit_test(a_full_set_can_be_replaced),
		cmocka_unit_test(more_ids_than_there_is_room_for_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
