// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Nodes of different versions talk: a node of today holds both conversations with
 * a peer that sends nothing but frozen bytes of version 1. That peer reads as
 * version 1 did: what it must not meet (another version, a type it doesn't know)
 * fails the test, what it may pass over (fields from 8 to 15 and from 23 on that
 * it doesn't know) doesn't.
 */
#include <msgpack.h>
#include <zmq.h>

#include "sync_cluster.h"
#include "wire_frozen.h"

/* Where the frozen header of version 1 has what a conversation changes. */
#define AT_CONVERSATION 27
#define AT_SEQUENCE 29
#define AT_FIELDS 32 /* what the type needs */

struct old_message {
	uint64_t version, type, boot, conversation, sequence;
	uint64_t version_max, round, credit, token;
	uint32_t records, rows; /* bytes a record, and how many */
	uint32_t known;		/* keys that version 1 knows, of those seen */
};

/* Its keys: 0 to 7, 16 to 22 and 24 to 27. */
#define OLD_KEYS 0x0f7f00ffU

static void old_take_rows(const msgpack_object_bin *rows, struct old_message *ret)
{
	assert_in_range(rows->size, 2, 32768);
	ret->records = (uint8_t)rows->ptr[0];
	ret->rows = (rows->size - 1) / ret->records;
}

static void old_take_pair(const msgpack_object_kv *pair, struct old_message *ret)
{
	uint64_t *const numbers[] = {
		[1] = &ret->version,  [2] = &ret->type,
		[4] = &ret->boot,     [5] = &ret->conversation,
		[6] = &ret->sequence, [16] = &ret->version_max,
		[17] = &ret->round,   [18] = &ret->credit,
		[19] = &ret->token,   [27] = NULL,
	};
	uint64_t key;

	assert_int_equal(pair->key.type, MSGPACK_OBJECT_POSITIVE_INTEGER);
	key = pair->key.via.u64;
	if (key > 27 || !(OLD_KEYS >> key & 1))
		return;
	assert_false(ret->known >> key & 1);
	ret->known |= 1U << key;
	if (numbers[key])
		*numbers[key] = pair->val.via.u64;
	if (key == 26)
		old_take_rows(&pair->val.via.bin, ret);
}

/* As version 1 read it: the magic first, its own version and types, the header complete. */
static void old_decode(const char *bytes, size_t size, struct old_message *ret)
{
	msgpack_unpacked unpacked;
	const msgpack_object_map *map;

	memset(ret, 0, sizeof(*ret));
	msgpack_unpacked_init(&unpacked);
	assert_int_equal(msgpack_unpack_next(&unpacked, bytes, size, NULL), MSGPACK_UNPACK_SUCCESS);
	assert_int_equal(unpacked.data.type, MSGPACK_OBJECT_MAP);
	map = &unpacked.data.via.map;
	assert_in_range(map->size, 8, 64);
	assert_int_equal(map->ptr[0].key.via.u64, 0);
	assert_int_equal(map->ptr[0].val.via.u64, 0x6c626473);
	for (uint32_t i = 0; i < map->size; i++)
		old_take_pair(&map->ptr[i], ret);
	msgpack_unpacked_destroy(&unpacked);
	assert_int_equal(ret->version, 1);
	assert_in_range(ret->type, 1, 10);
	assert_int_equal(ret->known & 0xff, 0xff);
}

struct old_peer {
	struct cluster cluster;
	struct node *node;
	void *context, *socket;
	bool routes; /* a ROUTER: messages come with a route, and go with the last one */
	char route[64];
	int route_size;
	uint8_t conversation, sequence;
	struct old_message last;
};

static void old_url(const struct addr_endpoint *endpoint, char url[ADDR_TEXT_MAX + 8])
{
	char text[ADDR_TEXT_MAX];

	snprintf(url, ADDR_TEXT_MAX + 8, "tcp://%s",
		 addr_format_endpoint(&endpoint->addr, endpoint->port, text));
}

/* alpha knows what the frozen dictionary tells, and calls its peer as the frozen bytes do. */
static void old_cluster(struct old_peer *old)
{
	struct fixture_model *model;

	cluster_init(&old->cluster, 2);
	old->cluster.nodes[0].config.plaintext = true;
	old->node = &old->cluster.nodes[0];
	model = &old->node->model;
	strcpy(old->node->peers[0].name, "lb1");
	old->node->config.plaintext = true;
	fixture_service(model, 5, "192.0.2.80", 443, IPPROTO_TCP);
	fixture_backend(model, 50, 5, "198.51.100.7");
}

static void old_open(struct old_peer *old, int type)
{
	const int linger = 0, patience = PATIENCE_MS;
	char url[ADDR_TEXT_MAX + 8];

	memset(old, 0, sizeof(*old));
	old_cluster(old);
	old->routes = type == ZMQ_ROUTER;
	old->context = zmq_ctx_new();
	old->socket = zmq_socket(old->context, type);
	zmq_setsockopt(old->socket, ZMQ_LINGER, &linger, sizeof(linger));
	zmq_setsockopt(old->socket, ZMQ_RCVTIMEO, &patience, sizeof(patience));
	old_url(old->routes ? &old->node->peers[0].address : &old->node->listen, url);
	if (old->routes)
		assert_int_equal(zmq_bind(old->socket, url), 0);
	else
		assert_int_equal(zmq_connect(old->socket, url), 0);
}

static void old_close(struct old_peer *old)
{
	zmq_close(old->socket);
	zmq_ctx_term(old->context);
	cluster_stop(&old->cluster);
}

static void old_send_bytes(struct old_peer *old, uint8_t *bytes, size_t size)
{
	bytes[AT_CONVERSATION] = old->conversation;
	bytes[AT_SEQUENCE] = old->sequence++;
	if (old->routes)
		assert_int_equal(
			zmq_send(old->socket, old->route, (size_t)old->route_size, ZMQ_SNDMORE),
			old->route_size);
	assert_int_equal(zmq_send(old->socket, bytes, size, 0), size);
}

static void old_send(struct old_peer *old, const char *name)
{
	uint8_t bytes[WIRE_MESSAGE_MAX];
	size_t size = frozen_read(1, name, bytes);

	old_send_bytes(old, bytes, size);
}

/* The frozen one with another number behind its last key. */
static void old_send_number(struct old_peer *old, const char *name, uint64_t number)
{
	uint8_t bytes[WIRE_MESSAGE_MAX];

	frozen_read(1, name, bytes);
	bytes[AT_FIELDS + 1] = 0xcf;
	for (int i = 0; i < 8; i++)
		bytes[AT_FIELDS + 2 + i] = (uint8_t)(number >> (56 - 8 * i));
	old_send_bytes(old, bytes, AT_FIELDS + 10);
}

static uint64_t old_receive(struct old_peer *old)
{
	static char bytes[WIRE_MESSAGE_MAX];
	int size;

	if (old->routes)
		old->route_size = zmq_recv(old->socket, old->route, sizeof(old->route), 0);
	size = zmq_recv(old->socket, bytes, sizeof(bytes), 0);
	if (size < 0)
		fail_msg("nothing came for %d ms", PATIENCE_MS);
	old_decode(bytes, (size_t)size, &old->last);
	return old->last.type;
}

/* Everything up to a message of that type; heartbeats are answered, as they must be. */
static void old_await(struct old_peer *old, uint64_t type)
{
	while (old_receive(old) != type)
		if (old->routes && old->last.type == WIRE_HEARTBEAT)
			old_send_number(old, "heartbeat", old->last.token);
}

static void version_1_may_lead_a_conversation_with_us(void **state)
{
	struct table_entry entry = { .client = fixture_addr("203.0.113.9"),
				     .client_port = htons(40000),
				     .vip_port = htons(443),
				     .service = 5 };
	struct old_peer old;

	(void)state;
	old_open(&old, ZMQ_DEALER);
	node_start(old.node);
	old.conversation = 1;
	old_send(&old, "hello");
	old_await(&old, WIRE_WELCOME);
	assert_int_equal(old.last.credit, 64);
	old_send(&old, "dictionary");
	old_send(&old, "records");
	old_send_number(&old, "bulk_done", 0);
	old_send_number(&old, "heartbeat", 77);
	old_await(&old, WIRE_HEARTBEAT);
	assert_int_equal(old.last.token, 77);
	WAIT_UNTIL(has_all(old.node, "lb1"));
	assert_true(tables_find(&old.node->tables, &entry, &entry));
	assert_int_equal(entry.backend, 50);
	assert_int_equal(peer_status(old.node, "lb1").term, 0);
	assert_string_equal(peer_status(old.node, "lb1").release, "");
	/* Its IPv6 record is of a service that its dictionary doesn't have. */
	assert_int_equal(refusals(old.node, "bad_record"), 1);
	assert_int_equal(refusals(old.node, "out_of_order"), 0);
	old_send(&old, "bye");
	old_close(&old);
}

/* Whatever this node does, what it sends stays within version 1. */
static void we_lead_a_conversation_with_version_1_in_its_terms(void **state)
{
	struct old_peer old;

	(void)state;
	old_open(&old, ZMQ_ROUTER);
	make_web(old.node, 0, 100);
	node_start(old.node);
	sync_set_role(old.node->sync, SYNC_ROLE_ACTIVE);
	old_await(&old, WIRE_HELLO);
	assert_int_equal(old.last.version_max, 2);
	old.conversation = (uint8_t)old.last.conversation;
	old_send(&old, "welcome");
	old_await(&old, WIRE_DICTIONARY);
	old_await(&old, WIRE_RECORDS);
	assert_int_equal(old.last.records, WIRE_RECORD4_SIZE);
	assert_int_equal(old.last.rows, 100);
	old_await(&old, WIRE_BULK_DONE);
	old_send_number(&old, "credit", 128);
	make_web(old.node, 100, 10);
	old_await(&old, WIRE_RECORDS);
	assert_in_range(old.last.rows, 1, 10);
	old_send_number(&old, "resync", 2);
	do
		old_await(&old, WIRE_BULK_DONE);
	while (old.last.round != 2);
	WAIT_UNTIL(is_live(old.node, "lb1"));
	assert_int_equal(refusals(old.node, "unexpected"), 0);
	assert_int_equal(refusals(old.node, "no_conversation"), 0);
	old_close(&old);
}

static void a_reset_of_version_1_begins_a_new_conversation(void **state)
{
	struct old_peer old;

	(void)state;
	old_open(&old, ZMQ_ROUTER);
	node_start(old.node);
	old_await(&old, WIRE_HELLO);
	old.conversation = (uint8_t)old.last.conversation;
	old_send(&old, "welcome");
	old_await(&old, WIRE_BULK_DONE);
	old_send(&old, "reset");
	old_await(&old, WIRE_HELLO);
	assert_int_equal(old.last.conversation, old.conversation + 1);
	old_close(&old);
}

/* It has the boot that we would go on with, but can't agree to that: the field is younger. */
static void an_old_peer_that_comes_again_is_told_everything(void **state)
{
	struct old_peer old;

	(void)state;
	old_open(&old, ZMQ_ROUTER);
	make_web(old.node, 0, 100);
	node_start(old.node);
	old_await(&old, WIRE_HELLO);
	old.conversation = (uint8_t)old.last.conversation;
	old_send(&old, "welcome");
	old_await(&old, WIRE_BULK_DONE);
	old_send_number(&old, "credit", 128);
	WAIT_UNTIL(peer_status(old.node, "lb1").unacknowledged == 0);
	old_send(&old, "bye");
	while (old_receive(&old) != WIRE_HELLO)
		; /* who has said bye answers nothing */
	old.conversation = (uint8_t)old.last.conversation;
	old_send(&old, "welcome");
	old_await(&old, WIRE_RECORDS);
	assert_int_equal(old.last.rows, 100);
	WAIT_UNTIL(peer_status(old.node, "lb1").resyncs == 2);
	old_close(&old);
}

/* A type that is to come: counted, passed over, and the conversation goes on. */
static void a_type_that_is_not_known_is_counted_and_passed_over(void **state)
{
	uint8_t bytes[WIRE_MESSAGE_MAX];
	struct old_peer old;
	size_t size;

	(void)state;
	old_open(&old, ZMQ_DEALER);
	node_start(old.node);
	old.conversation = 1;
	old_send(&old, "hello");
	old_await(&old, WIRE_WELCOME);
	size = frozen_read(1, "bye", bytes);
	bytes[10] = 31;
	old_send_bytes(&old, bytes, size);
	old_send_number(&old, "heartbeat", 78);
	old_await(&old, WIRE_HEARTBEAT);
	assert_int_equal(old.last.token, 78);
	WAIT_UNTIL(refusals(old.node, "unknown_message") == 1);
	old_close(&old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_1_may_lead_a_conversation_with_us),
		cmocka_unit_test(we_lead_a_conversation_with_version_1_in_its_terms),
		cmocka_unit_test(a_reset_of_version_1_begins_a_new_conversation),
		cmocka_unit_test(an_old_peer_that_comes_again_is_told_everything),
		cmocka_unit_test(a_type_that_is_not_known_is_counted_and_passed_over),
	};

	return cmocka_run_group_tests_name("sync_versions", tests, NULL, NULL);
}
