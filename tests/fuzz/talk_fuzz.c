// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: a node's whole side of its conversations with a peer that
 * says anything. An input is a row of steps, each a byte that says which and
 * its operands; messages are bytes of the fuzzer, or, where a step says so, put
 * in order: else hardly one would get beyond the first check.
 *
 * What is sent is sound (fakes.c), credit is kept to, and at the end no entry of
 * the table has a backend that isn't its service's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sync/loop.h"
#include "tests/fuzz/fakes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BUCKETS 64
#define PEER "lb1"
#define STEPS_MAX 256

/* Service 1 has the backends 1 to 3, service 2 those from 4 to 6. */
#define SERVICES 3
#define BACKENDS 7

static uint16_t service_of(uint16_t backend)
{
	return backend < 4 ? 1 : 2;
}

struct world {
	const uint8_t *at, *end; /* of the input */
	struct tables tables;
	struct service services[SERVICES];
	struct backend backends[BACKENDS];
	struct loop *loop;
	uint8_t message[2 * WIRE_MESSAGE_MAX];
};

static struct lbd_bucket conn4[BUCKETS];
static struct lbd_bucket6 conn6[BUCKETS];
static uint64_t dirty[2];

/* --- the world */

static void world_tables(struct world *world)
{
	memset(conn4, 0, sizeof(conn4));
	memset(conn6, 0, sizeof(conn6));
	memset(dirty, 0, sizeof(dirty));
	world->tables = (struct tables){
		.conn4 = conn4,
		.conn6 = conn6,
		.dirty4 = &dirty[0],
		.dirty6 = &dirty[1],
		.conn4_buckets = BUCKETS,
		.conn6_buckets = BUCKETS,
		.secret = { { 1, 2 } },
		.timeouts = { .tcp = 900, .udp = 60, .closing = 30, .unconfirmed = 10, .guard = 5 },
		.tick_ns = 1024000000,
	};
}

/* The config has the first @services services, each with the first @each of its backends. */
static void world_configure(struct world *world, uint16_t services, uint16_t each)
{
	struct model model = { .services = world->services, .backends = world->backends };
	struct dictionary *dictionary;

	model.limits.services = SERVICES;
	model.limits.backends = BACKENDS;
	memset(world->services, 0, sizeof(world->services));
	memset(world->backends, 0, sizeof(world->backends));
	for (uint16_t id = 1; id <= services; id++)
		world->services[id] = (struct service){
			.id = id,
			.vip = lbd_addr_from4(htonl(0xc0000250U)), /* 192.0.2.80 */
			.port = id == 1 ? 443 : 0,
			.protocol = id == 1 ? 6 : 17,
		};
	for (uint16_t i = 1; i < BACKENDS; i++)
		if (service_of(i) <= services && (i - 1) % 3 < each)
			world->backends[i] = (struct backend){
				.index = i,
				.service = service_of(i),
				.addr = lbd_addr_from4(htonl(0xc6336407U + i - 1)),
			};
	dictionary = dictionary_new(&model);
	if (!dictionary)
		abort();
	loop_set_dictionary(world->loop, dictionary);
}

static void world_start(struct world *world)
{
	struct sync_peer_config peer = { .name = PEER };
	struct sync_config config = {
		.node = "lb2", .peers = &peer, .peers_count = 1, .plaintext = true
	};
	struct error err;

	fake_reset();
	world_tables(world);
	if (loop_new(&config, &world->tables, -1, &world->loop, &err))
		abort();
	world_configure(world, 2, 3);
}

static bool world_entry_is_sound(void *context, const struct table_entry *entry)
{
	(void)context;
	if (entry->backend == 0 || entry->backend >= BACKENDS ||
	    entry->service != service_of(entry->backend))
		abort();
	return true;
}

static void world_turn(struct world *world)
{
	const struct intake *intake = &world->loop->links[0]->intake;

	loop_turn(world->loop);
	if (intake->consumed > intake->credit)
		abort();
}

/* Nothing takes an entry out, so that a look at the end sees all of them. */
static void world_end(struct world *world)
{
	tables_walk(&world->tables, world_entry_is_sound, NULL);
	loop_free(world->loop);
}

/* --- the input */

static uint8_t take_byte(struct world *world)
{
	return world->at < world->end ? *world->at++ : 0;
}

static const uint8_t *take_bytes(struct world *world, size_t *ret_size)
{
	size_t size = (size_t)take_byte(world) << 8 | take_byte(world), left;
	const uint8_t *bytes = world->at;

	left = (size_t)(world->end - world->at);
	*ret_size = size < left ? size : left;
	world->at += *ret_size;
	return bytes;
}

/* --- steps */

static void order_request(const struct world *world, struct wire_message *message)
{
	const struct intake *intake = &world->loop->links[0]->intake;
	bool hello = message->type == WIRE_HELLO;

	message->boot = intake->boot ? intake->boot : 1;
	message->conversation = intake->conversation + hello;
	message->sequence = hello ? 0 : intake->expected;
}

static void order_answer(const struct world *world, struct wire_message *message)
{
	const struct peer *peer = &world->loop->links[0]->peer;

	message->boot = peer->boot ? peer->boot : 1;
	message->conversation = peer->conversation;
	message->sequence = peer->answered;
}

/* The fuzzer's message with a header in order, if it is one at all and not too long. */
static const uint8_t *put_in_order(struct world *world, const uint8_t *bytes, size_t *size,
				   void (*order)(const struct world *, struct wire_message *))
{
	struct wire_message message;
	int encoded;

	if (wire_decode(bytes, *size, &message))
		return bytes;
	strcpy(message.node, PEER);
	order(world, &message);
	encoded = wire_encode(&message, world->message, sizeof(world->message));
	if (encoded < 0)
		return bytes;
	*size = (size_t)encoded;
	return world->message;
}

static void step_request(struct world *world)
{
	uint8_t ordered = take_byte(world);
	size_t size;
	const uint8_t *bytes = take_bytes(world, &size);

	if (ordered & 1)
		bytes = put_in_order(world, bytes, &size, order_request);
	fake_request(bytes, size);
}

static void step_answer(struct world *world)
{
	uint8_t ordered = take_byte(world);
	size_t size;
	const uint8_t *bytes = take_bytes(world, &size);

	if (ordered & 1)
		bytes = put_in_order(world, bytes, &size, order_answer);
	fake_answer(bytes, size);
}

static void step_pass(struct world *world)
{
	fake_pass(take_byte(world) * 10U);
}

static void step_role(struct world *world)
{
	loop_set_role(world->loop, (enum sync_role)(take_byte(world) % 3));
}

static void step_configure(struct world *world)
{
	uint8_t what = take_byte(world);

	world_configure(world, what % 3, what / 3 % 4);
}

/* A packet of ours makes, confirms, refreshes or ends a connection. */
static void step_packet(struct world *world)
{
	uint8_t n = take_byte(world), backend = take_byte(world) % (BACKENDS - 1) + 1;
	struct table_entry entry = {
		.client = lbd_addr_from4(htonl(0xcb007100U + n)),
		.client_port = htons(40000),
		.vip_port = htons(443),
		.service = service_of(backend),
		.backend = backend,
		.flags = LBD_CONN_CONFIRMED | (n & 1 ? LBD_CONN_CLOSING : 0),
		.tick = tables_now(&world->tables),
	};

	tables_put(&world->tables, &entry);
	dirty[0] = ~0ULL;
}

static void step_sends(struct world *world)
{
	static const int errs[] = { 0, -EAGAIN, -EHOSTUNREACH };

	fake_sends(errs[take_byte(world) % 3]);
}

/* Other limits; all else stays. */
static void step_limit(struct world *world)
{
	struct sync_peer_config peer = { .name = PEER };
	struct sync_config config = {
		.node = "lb2", .peers = &peer, .peers_count = 1, .plaintext = true
	};
	struct error err;

	config.bandwidth = take_byte(world) * 100U;
	if (loop_reconfigure(world->loop, &config, &err))
		abort();
}

static void step_turn(struct world *world)
{
	(void)world;
	fake_pass(1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const steps[])(struct world * world) = {
		step_request, step_answer, step_pass, step_role,  step_configure,
		step_packet,  step_sends,  step_turn, step_limit,
	};
	static struct world world;

	world.at = data;
	world.end = data + size;
	world_start(&world);
	for (int i = 0; i < STEPS_MAX && world.at < world.end; i++) {
		steps[take_byte(&world) % (sizeof(steps) / sizeof(*steps))](&world);
		world_turn(&world);
	}
	world_end(&world);
	return 0;
}
