// SPDX-License-Identifier: GPL-2.0-or-later
#include "fake_lbd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/thread.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "fake_model.h"
#include "lbd/api.h"
#include "sync/held.h"

#define FAKE_CONN4_BUCKETS 65536
#define FAKE_CONN6_BUCKETS 64
#define FAKE_TICK_NS 1000000000

struct dataplane {
	struct fake_state state;
	struct tables tables;
	struct held held; /* what the peer holds */
	struct config config;
	char *interface;
	struct dataplane_attachment attachment;
	pthread_t thread;
	int stop[2];
	struct event *stopped;
};

static struct dataplane *fake_of(const struct lbd *lbd)
{
	return lbd->dataplane;
}

struct fake_state *fake_state_of(const struct lbd *lbd)
{
	return &fake_of(lbd)->state;
}

/* --- behind dataplane.h */

const struct tables *dataplane_tables(const struct dataplane *dataplane)
{
	return &dataplane->tables;
}

uint16_t dataplane_pick(const struct dataplane *dataplane, const struct table_entry *flow)
{
	(void)flow;
	return dataplane->state.picked;
}

void fragments_read_figures(const struct fragments *fragments, struct fragments_figures *ret)
{
	(void)fragments;
	*ret = (struct fragments_figures){ .held = 12, .sent = 10, .timed_out = 2 };
}

void fragments_stop(struct fragments *fragments)
{
	(void)fragments;
}

enum path_fault neighbours_fault(const struct neighbours *neighbours, const struct lbd_addr *addr)
{
	(void)neighbours;
	(void)addr;
	return PATH_FAULT_VLAN;
}

bool dataplane_adopted(const struct dataplane *dataplane, uint32_t *ret_swept)
{
	(void)dataplane;
	*ret_swept = 3;
	return true;
}

int dataplane_generation(const struct dataplane *dataplane, enum lbd_generation_slot slot,
			 struct dataplane_generation *ret)
{
	*ret = dataplane->state.generations[slot];
	return 0;
}

bool dataplane_split(const struct dataplane *dataplane, struct dataplane_split *ret)
{
	*ret = (struct dataplane_split){ .candidate = dataplane->state.generations[0],
					 .share = dataplane->state.share };
	return dataplane->state.share;
}

const char *watching_format(const struct lbd_watching *watching, char *text)
{
	return verdict_format(&watching->watch.finding, &watching->watch.packets, text);
}

int dataplane_pins(const struct dataplane *dataplane, struct dataplane_pin **ret,
		   uint32_t *ret_count)
{
	struct dataplane_pin *pin = calloc(1, sizeof(*pin));

	*pin = (struct dataplane_pin){ "next/lbd_control", "array map, 1 entries of 104 bytes",
				       DATAPLANE_PIN_MAP, dataplane->state.pin, 17 };
	*ret = pin;
	*ret_count = 1;
	return 0;
}

int dataplane_outcomes(const struct dataplane *dataplane, uint64_t *ret)
{
	memcpy(ret, dataplane->state.outcomes, sizeof(dataplane->state.outcomes));
	return 0;
}

static int fake_traffic(uint32_t count, struct lbd_traffic *ret)
{
	for (uint32_t i = 0; i < count; i++)
		ret[i] = (struct lbd_traffic){ .packets = 10 * i, .bytes = 1000 * i };
	return 0;
}

int dataplane_service_traffic(const struct dataplane *dataplane, struct lbd_traffic *ret)
{
	return fake_traffic(dataplane->state.lbd.model->limits.services, ret);
}

int dataplane_backend_traffic(const struct dataplane *dataplane, struct lbd_traffic *ret)
{
	return fake_traffic(dataplane->state.lbd.model->limits.backends, ret);
}

void dataplane_guard_usage(const struct dataplane *dataplane, const struct model *model,
			   struct dataplane_guard *ret)
{
	(void)dataplane;
	(void)model;
	*ret = (struct dataplane_guard){ 1000, 4000, 10, 20, 2 };
}

/* One, of a TCP packet from 198.51.100.66 to web; another one each time. */
uint32_t dataplane_drops(const struct dataplane *dataplane, struct lbd_drop *ret, uint64_t *ret_all)
{
	static const uint8_t frame[] = { 2,    0,  0,	0,  0, 1, 2,	0,    0,  0,  0, 2, 8,	 0,
					 0x45, 0,  0,	40, 0, 0, 0,	0,    64, 6,  0, 0, 198, 51,
					 100,  66, 192, 0,  2, 1, 0x9c, 0x40, 0,  80, 0, 0 };
	static uint64_t ticket;

	(void)dataplane;
	ticket++;
	*ret = (struct lbd_drop){ .ticket = ticket,
				  .time_ns = 1,
				  .length = 60,
				  .ifindex = 1,
				  .service = 1,
				  .outcome = LBD_OUTCOME_DROP_DENIED,
				  .words = sizeof(frame) / 8 };
	memcpy(ret->frame, frame, sizeof(frame));
	*ret_all = ticket;
	return 1;
}

/* Every packet goes to web1, as it came. */
int dataplane_trace_run(struct dataplane_trace *trace, uint32_t ifindex, const void *in,
			uint32_t in_size, void *out, uint32_t *out_size, struct lbd_trace *ret)
{
	(void)trace;
	(void)ifindex;
	*ret = (struct lbd_trace){
		.exits = 1, .outcome = LBD_OUTCOME_FORWARD_KNOWN, .service = 1, .backend = 1
	};
	memcpy(out, in, in_size);
	*out_size = in_size;
	return XDP_TX;
}

/* --- behind ha.h, health.h and sync.h: the pointers are the fake itself */

void ha_status(const struct ha *ha, struct ha_status *ret)
{
	*ret = ((const struct dataplane *)ha)->state.ha;
}

int ha_failover(struct ha *ha, bool force, uint32_t timeout_ms, struct error *err)
{
	(void)force;
	(void)err;
	failover_begin(&((struct dataplane *)ha)->state.failover, false, timeout_ms, 0);
	return 0;
}

/* A look later it has come to an end. */
void ha_look_failover(struct ha *ha, struct failover *ret)
{
	struct failover *failover = &((struct dataplane *)ha)->state.failover;

	*ret = *failover;
	if (failover->state != FAILOVER_PROVING)
		return;
	failover->state = failover->timeout_ms ? FAILOVER_MOVED : FAILOVER_REFUSED;
	failover->without_master_ms = failover->timeout_ms ? 64 : -1;
}

int ha_set_role(struct ha *ha, const char *role, struct error *err)
{
	struct ha_status *status = &((struct dataplane *)ha)->state.ha;

	if (strcmp(role, "backup") != 0)
		return error_set(err, -EINVAL, "role \"%s\": expected master, backup or fault",
				 role);
	status->role = HA_ROLE_BACKUP;
	status->role_ms_ago = 0;
	return 0;
}

bool health_find(const struct health *health, uint16_t backend, struct health_status *ret)
{
	(void)health;
	*ret = (struct health_status){
		.healthy = backend != 2, .checked = true, .latency_us = 210, .streak = 4
	};
	if (backend == 2)
		snprintf(ret->reason, sizeof(ret->reason), "connection refused");
	return backend != 4;
}

const struct held *sync_held(struct sync *sync, uint32_t *ret_peer)
{
	*ret_peer = 0;
	return &((struct dataplane *)sync)->held;
}

int sync_ask_sample(struct sync *sync, uint32_t count, uint64_t *ret_number)
{
	(void)sync;
	*ret_number = 1;
	return count == 404 ? -ENOENT : 0;
}

/* Two connections: one with backend 1, one with 2. */
void sync_get_sample(struct sync *sync, struct sync_sample *ret)
{
	(void)sync;
	*ret = (struct sync_sample){ .number = 1, .peer = "lb2", .count = 2 };
	for (uint32_t i = 0; i < ret->count; i++)
		ret->entries[i] = (struct table_entry){ .client = lbd_addr_from4(htonl(0xcb007105)),
							.client_port = htons((uint16_t)(40000 + i)),
							.vip_port = htons(80),
							.service = 1,
							.backend = (uint16_t)(1 + i) };
}

int sync_peers(struct sync *sync, struct sync_peer_status **ret, uint32_t *ret_count)
{
	*ret = malloc(sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	**ret = ((struct dataplane *)sync)->state.peer;
	*ret_count = 1;
	return 0;
}

void sync_get_term(struct sync *sync, struct sync_term *ret)
{
	(void)sync;
	*ret = (struct sync_term){ .own = 3, .began_ms_ago = 60000, .known = 3 };
}

void sync_get_kept(struct sync *sync, struct sync_kept *ret)
{
	(void)sync;
	*ret = (struct sync_kept){
		.held = 20, .kept = 30, .entered = 7, .given_up = 2, .expired = 1
	};
}

void sync_refusals(struct sync *sync,
		   void (*visit)(void *context, const char *name, const char *sentence,
				 uint64_t count),
		   void *context)
{
	(void)sync;
	visit(context, "bad_version", "a message of another version", 5);
}

/* --- the world it shows */

static void fake_tables(struct tables *tables)
{
	tables->conn4_buckets = FAKE_CONN4_BUCKETS;
	tables->conn6_buckets = FAKE_CONN6_BUCKETS;
	tables->conn4 = aligned_alloc(64, FAKE_CONN4_BUCKETS * sizeof(*tables->conn4));
	tables->conn6 = aligned_alloc(64, FAKE_CONN6_BUCKETS * sizeof(*tables->conn6));
	memset(tables->conn4, 0, FAKE_CONN4_BUCKETS * sizeof(*tables->conn4));
	memset(tables->conn6, 0, FAKE_CONN6_BUCKETS * sizeof(*tables->conn6));
	tables->timeouts =
		(struct lbd_timeouts){ .tcp = 900, .udp = 60, .closing = 30, .unconfirmed = 10 };
	tables->tick_ns = FAKE_TICK_NS;
	/* An hour of ticks has passed, so that old connections can be. */
	tables->tick_base_ns = -3600LL * FAKE_TICK_NS;
}

void fake_connect(struct fake_state *fake, uint32_t n, uint16_t service, uint16_t backend,
		  uint64_t flags, uint32_t age_ms)
{
	const struct tables *tables = &fake->lbd.dataplane->tables;
	struct table_entry entry = {
		.client = lbd_addr_from4(htonl(0xcb007100 + n)),
		.client_port = htons(40000),
		.vip_port = htons(80),
		.service = service,
		.backend = backend,
		.flags = flags,
		.tick = tables_tick_of_age(tables, age_ms, tables_now(tables)),
	};

	tables_put(tables, &entry);
}

/* Visit the slots until the client's is found: tests have few. */
static uint32_t fake_find(const struct fake_state *fake, uint32_t n, struct table_entry *ret)
{
	const struct tables *tables = &fake->lbd.dataplane->tables;

	for (uint32_t b = 0; b < FAKE_CONN4_BUCKETS; b++)
		for (uint32_t s = 0; s < LBD_BUCKET_SLOTS; s++)
			if (tables_read4(tables, b, s, ret) &&
			    ret->client.words[3] == htonl(0xcb007100 + n))
				return held_place(tables, false, b, s);
	fprintf(stderr, "fake_lbd: no connection of client %u\n", n);
	abort();
}

void fake_hold(struct fake_state *fake, uint32_t n)
{
	struct table_entry entry;
	uint32_t place = fake_find(fake, n, &entry);

	held_put(&fake->lbd.dataplane->held, place, held_print(&entry));
}

void fake_hold_all(struct fake_state *fake)
{
	fake->lbd.dataplane->held.complete = true;
}

void fake_refuse(struct fake_state *fake, uint32_t n)
{
	struct held *held = &fake->lbd.dataplane->held;
	struct table_entry entry;
	uint32_t place = fake_find(fake, n, &entry);

	held_doubt(held, place, &entry);
	held_deny(held, place, &entry);
	held_acknowledge(held, place, held_print(&entry));
}

static void fake_describe(struct dataplane *fake)
{
	struct fake_state *state = &fake->state;

	state->ha = (struct ha_status){ HA_ROLE_MASTER, 60000, true, "in sync with lb2" };
	state->peer = (struct sync_peer_status){
		.name = "lb2",
		.release = "0.1.0",
		.address = { fake_addr("192.0.2.2"), htons(7400) },
		.state = SYNC_STATE_LIVE,
		.received_all = true,
		.heard_ms_ago = 40,
		.rtt_us = 180,
		.full = 12,
		.silences = 1,
		.holds = { .agreed_ms_ago = 800, .agreed = 4096, .passes = 17 },
		.held = { .agreed_ms_ago = 5000, .agreed = 4093, .differing = 3, .passes = 17 }
	};
	state->generations[0] = (struct dataplane_generation){ .prog_id = 42,
							       .features = LBD_FEATURE_IPV4,
							       .instructions = 1234,
							       .loaded_at = 1700000000,
							       .tag = "a04f5eef06a7f555",
							       .version = "0.1.0" };
	state->outcomes[LBD_OUTCOME_FORWARD_KNOWN] = 90;
	state->outcomes[LBD_OUTCOME_DROP_NO_BACKEND] = 10;
	fake->attachment = (struct dataplane_attachment){ .interface = "eth0",
							  .mode = CONFIG_XDP_NATIVE,
							  .reason = "the driver supports it" };
}

static void fake_wire(struct dataplane *fake)
{
	struct lbd *lbd = &fake->state.lbd;
	static char node[] = "lb1", instance[] = "lbd";

	fake->interface = fake->attachment.interface;
	fake->config.node = node;
	fake->config.instance = instance;
	fake->config.xdp.interfaces = &fake->interface;
	fake->config.xdp.interfaces_count = 1;
	lbd->config_path = API_CONFIG_DEFAULT;
	lbd->config = &fake->config;
	lbd->model = fake_model_new();
	lbd->dataplane = fake;
	lbd->attachments = &fake->attachment;
	lbd->ha = (struct ha *)fake;
	lbd->sync = (struct sync *)fake;
}

static void fake_stopped(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(context);
}

static void *fake_thread(void *context)
{
	event_base_dispatch(((struct dataplane *)context)->state.lbd.base);
	return NULL;
}

static void fake_must(int rc, const struct error *err)
{
	if (!rc)
		return;
	fprintf(stderr, "fake daemon: %s\n", err ? err->text : strerror(-rc));
	abort();
}

struct fake_state *fake_start(void)
{
	struct dataplane *fake = calloc(1, sizeof(*fake));
	struct lbd *lbd = &fake->state.lbd;
	struct error err = { 0 };

	fake_tables(&fake->tables);
	fake_must(held_init(&fake->held, &fake->tables), NULL);
	fake_describe(fake);
	fake_wire(fake);
	snprintf(lbd->run_dir, sizeof(lbd->run_dir), "/tmp/lbd-unit-XXXXXX");
	fake_must(mkdtemp(lbd->run_dir) ? 0 : -errno, NULL);
	snprintf(fake->state.socket, sizeof(fake->state.socket), "%s/" API_SOCKET_NAME,
		 lbd->run_dir);
	lbd->base = event_base_new();
	fake_must(pipe(fake->stop), NULL);
	fake->stopped = event_new(lbd->base, fake->stop[0], EV_READ, fake_stopped, lbd->base);
	event_add(fake->stopped, NULL);
	fake_must(api_new(lbd, -1, &lbd->api, &err), &err);
	fake_must(-pthread_create(&fake->thread, NULL, fake_thread, fake), NULL);
	return &fake->state;
}

void fake_stop(struct fake_state *state)
{
	struct dataplane *fake = state->lbd.dataplane;

	close(fake->stop[1]);
	pthread_join(fake->thread, NULL);
	api_free(state->lbd.api);
	event_free(fake->stopped);
	close(fake->stop[0]);
	event_base_free(state->lbd.base);
	rmdir(state->lbd.run_dir);
	fake_model_free(state->lbd.model);
	free(fake->tables.conn4);
	free(fake->tables.conn6);
	held_destroy(&fake->held);
	free(fake);
}
