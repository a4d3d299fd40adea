// SPDX-License-Identifier: GPL-2.0-or-later
/* Where the packets of a replay come from. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "upgrade/replay.h"

#define PACKETS_LIVE 1024	 /* connections, over all services ... */
#define PACKETS_LIVE_SERVICE 256 /* ... and of one */
#define PACKETS_FRESH 1024	 /* clients */
#define PACKETS_FRESH_SERVICE 128
#define PACKETS_EACH_SERVICE 4	      /* of either, however many services there are */
#define PACKETS_BUCKETS_MAX (1 << 19) /* of a table that are looked at: some milliseconds */

/* Of VRRP's router 1: the packet path takes frames for it besides its own addresses. */
static const uint8_t packets_mac[6] = { 0x00, 0x00, 0x5e, 0x00, 0x01, 0x01 };

static const uint8_t packets_flags[] = { TH_ACK | TH_PUSH, TH_FIN | TH_ACK, TH_RST, TH_SYN };

static uint64_t packets_random(struct replay_packets *packets)
{
	packets->random += 0x9e3779b97f4a7c15ULL;
	return lbd_mix(packets->random);
}

static bool packets_serves(const struct service *service)
{
	return service->id && !service->gone;
}

static uint32_t packets_services(const struct model *model)
{
	uint32_t count = 0;

	for (uint32_t id = 1; id < model->limits.services; id++)
		count += packets_serves(&model->services[id]);
	return count;
}

/* Of @all, what each of the services gets. */
static uint32_t packets_share(const struct model *model, uint32_t all, uint32_t max)
{
	const uint32_t services = packets_services(model);
	const uint32_t share = services ? all / services : 0;

	return share < PACKETS_EACH_SERVICE ? PACKETS_EACH_SERVICE : share > max ? max : share;
}

static struct replay_packet *packets_add(struct replay_packets *packets, enum replay_source source)
{
	const uint32_t room = packets->room ? 2 * packets->room : 1024;
	struct replay_packet *list = packets->list;

	if (packets->count == packets->room) {
		list = reallocarray(list, room, sizeof(*list));
		if (!list)
			return NULL;
		packets->list = list;
		packets->room = room;
	}
	list[packets->count] = (struct replay_packet){ .source = source };
	return &list[packets->count++];
}

/* What UDP carries is nothing that QUIC could take for a connection id. */
static int packets_add_flow(struct replay_packets *packets, enum replay_source source,
			    const struct service *service, const struct table_entry *flow,
			    uint8_t flags)
{
	struct replay_packet *packet = packets_add(packets, source);

	if (!packet)
		return -ENOMEM;
	packet->service = service->id;
	packet->backend = flow->backend;
	packet->entry = *flow;
	packet->frame = golden_packet_from(&flow->client, &service->vip, service->protocol,
					   ntohs(flow->client_port), ntohs(flow->vip_port), flags);
	packet->size = packet->frame.size;
	memcpy(packet->frame.bytes, packets_mac, sizeof(packets_mac));
	memset(packet->frame.bytes + packet->size - 16, 0, 16);
	return 0;
}

/* --- live connections */

/* Some of each service's, each as likely as any other that was looked at. */
struct packets_sample {
	struct replay_packets *packets;
	const struct model *model;
	uint32_t services; /* beyond all ids in use */
	uint32_t share;
	uint32_t *seen;		     /* by service id */
	struct table_entry *entries; /* share of them each */
};

static void packets_take(struct packets_sample *sample, const struct table_entry *entry)
{
	uint64_t place;

	if (!entry->service || entry->service >= sample->services ||
	    !sample->model->services[entry->service].id)
		return;
	place = sample->seen[entry->service]++;
	if (place >= sample->share)
		place = packets_random(sample->packets) % sample->seen[entry->service];
	if (place < sample->share)
		sample->entries[(size_t)entry->service * sample->share + place] = *entry;
}

static void packets_walk(struct packets_sample *sample, const struct tables *tables, bool v6)
{
	const uint32_t buckets = v6 ? tables->conn6_buckets : tables->conn4_buckets;
	const uint32_t from = (uint32_t)packets_random(sample->packets);
	const uint32_t count = buckets < PACKETS_BUCKETS_MAX ? buckets : PACKETS_BUCKETS_MAX;
	struct table_entry entry;

	for (uint32_t i = 0; i < count; i++)
		for (uint32_t slot = 0; slot < LBD_BUCKET_SLOTS; slot++)
			if (v6 ? tables_read6(tables, (from + i) & (buckets - 1), slot, &entry)
			       : tables_read4(tables, (from + i) & (buckets - 1), slot, &entry))
				packets_take(sample, &entry);
}

/* A packet about a connection, or a part of one, of any make. */
static int packets_add_frame(struct replay_packets *packets, enum replay_source source,
			     const struct service *service, const struct table_entry *flow,
			     const struct golden_frame *frame, const char *what)
{
	struct replay_packet *packet = packets_add(packets, source);

	if (!packet)
		return -ENOMEM;
	packet->what = what;
	packet->service = service->id;
	packet->backend = flow->backend;
	packet->entry = *flow;
	packet->frame = *frame;
	packet->size = frame->size;
	memcpy(packet->frame.bytes, packets_mac, sizeof(packets_mac));
	return 0;
}

static int packets_add_error(struct replay_packets *packets, const struct service *service,
			     const struct table_entry *flow, enum golden_error error)
{
	static const char *const names[] = {
		[GOLDEN_TOO_BIG] = "ICMP fragmentation needed (packet too big)",
		[GOLDEN_PORT_UNREACHABLE] = "ICMP port unreachable",
	};
	const struct golden_frame frame =
		golden_error(&flow->client, &service->vip, service->protocol,
			     ntohs(flow->client_port), ntohs(flow->vip_port), error);

	return packets_add_frame(packets, REPLAY_ERROR, service, flow, &frame, names[error]);
}

static int packets_add_fragment(struct replay_packets *packets, const struct service *service,
				const struct table_entry *flow, uint16_t id, bool first)
{
	const struct golden_frame whole =
		golden_packet_from(&flow->client, &service->vip, service->protocol,
				   ntohs(flow->client_port), ntohs(flow->vip_port), TH_ACK);
	const struct golden_frame frame = golden_fragment(&whole, id, first);

	return packets_add_frame(packets, REPLAY_FRAGMENT, service, flow, &frame,
				 first ? "the first fragment" : "a later fragment");
}

/* What is rarer: an error about every other connection, and a datagram in two parts of the others. */
static int packets_add_rarer(struct replay_packets *packets, const struct service *service,
			     const struct table_entry *flow, uint32_t place)
{
	int rc;

	if (place % 2)
		return packets_add_error(packets, service, flow,
					 place % 4 == 1 ? GOLDEN_TOO_BIG : GOLDEN_PORT_UNREACHABLE);
	rc = packets_add_fragment(packets, service, flow, (uint16_t)(1 + place), true);
	return rc ? rc : packets_add_fragment(packets, service, flow, (uint16_t)(1 + place), false);
}

static enum replay_source packets_source(uint8_t flags)
{
	return flags & (TH_FIN | TH_RST) ? REPLAY_CLOSING : REPLAY_LIVE;
}

/* One from the middle of each connection, and one that does something to it. */
static int packets_add_sample(const struct packets_sample *sample, const struct service *service)
{
	const uint32_t seen = sample->seen[service->id];
	const uint32_t count = seen < sample->share ? seen : sample->share;
	int rc = 0;

	for (uint32_t i = 0; i < count && !rc; i++) {
		const struct table_entry *entry =
			&sample->entries[(size_t)service->id * sample->share + i];

		rc = packets_add_flow(sample->packets, REPLAY_LIVE, service, entry, TH_ACK);
		if (!rc && service->protocol == IPPROTO_TCP)
			rc = packets_add_flow(
				sample->packets,
				packets_source(packets_flags[i % sizeof(packets_flags)]), service,
				entry, packets_flags[i % sizeof(packets_flags)]);
		if (!rc)
			rc = packets_add_rarer(sample->packets, service, entry, i);
	}
	return rc;
}

static uint32_t packets_ids(const struct model *model)
{
	uint32_t end = model->limits.services;

	while (end > 1 && !model->services[end - 1].id)
		end--;
	return end;
}

static int packets_add_live(struct replay_packets *packets, const struct tables *tables,
			    const struct model *model)
{
	struct packets_sample sample = {
		.packets = packets,
		.model = model,
		.services = packets_ids(model),
		.share = packets_share(model, PACKETS_LIVE, PACKETS_LIVE_SERVICE),
	};
	int rc = 0;

	sample.seen = calloc(sample.services, sizeof(*sample.seen));
	sample.entries = calloc((size_t)sample.services * sample.share, sizeof(*sample.entries));
	if (!sample.seen || !sample.entries)
		rc = -ENOMEM;
	if (!rc) {
		packets_walk(&sample, tables, false);
		packets_walk(&sample, tables, true);
	}
	for (uint32_t id = 1; id < sample.services && !rc; id++)
		if (sample.seen[id])
			rc = packets_add_sample(&sample, &model->services[id]);
	free(sample.seen);
	free(sample.entries);
	return rc;
}

/* --- fresh flows */

/* Anybody in the world. */
static struct lbd_addr packets_client(struct replay_packets *packets, bool v6)
{
	struct lbd_addr client = { .halves = { packets_random(packets), packets_random(packets) } };
	const uint32_t host = (uint32_t)packets_random(packets);

	if (!v6)
		return lbd_addr_from4(htonl((1 + (host >> 24) % 126) << 24 | (host & 0xffffff)));
	client.bytes[0] = 0x20 | (client.bytes[0] & 0x0f);
	return client;
}

static int packets_add_stranger(struct replay_packets *packets, const struct service *service)
{
	const struct table_entry flow = {
		.client = packets_client(packets, !lbd_addr_is4(&service->vip)),
		.client_port = htons((uint16_t)(1024 + packets_random(packets) % 64000)),
		.vip_port = htons(service->port ? service->port
						: (uint16_t)(1 + packets_random(packets) % 65535)),
	};
	int rc = packets_add_flow(packets, REPLAY_FRESH, service, &flow, TH_SYN);

	if (!rc && service->protocol == IPPROTO_TCP)
		rc = packets_add_flow(packets, REPLAY_FRESH, service, &flow, TH_ACK);
	return rc;
}

/* To the VIP, and not the service's: another port, and a ping. */
static int packets_add_foreign(struct replay_packets *packets, const struct service *service)
{
	const bool v6 = !lbd_addr_is4(&service->vip);
	const struct lbd_addr client = packets_client(packets, v6);
	const uint16_t echo = v6 ? 128 << 8 : 8 << 8;
	const struct golden_frame frames[] = {
		golden_packet_from(&client, &service->vip, IPPROTO_TCP, 40000, 22, TH_SYN),
		golden_packet_from(&client, &service->vip, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, echo,
				   0, 0),
	};

	for (size_t i = 0; i < sizeof(frames) / sizeof(*frames); i++) {
		struct replay_packet *packet = packets_add(packets, REPLAY_FRESH);

		if (!packet)
			return -ENOMEM;
		packet->frame = frames[i];
		packet->size = frames[i].size;
		memcpy(packet->frame.bytes, packets_mac, sizeof(packets_mac));
	}
	return 0;
}

static int packets_add_fresh(struct replay_packets *packets, const struct model *model)
{
	const uint32_t share = packets_share(model, PACKETS_FRESH, PACKETS_FRESH_SERVICE);
	int rc = 0;

	for (uint32_t id = 1; id < model->limits.services && !rc; id++) {
		if (!packets_serves(&model->services[id]))
			continue;
		for (uint32_t i = 0; i < share && !rc; i++)
			rc = packets_add_stranger(packets, &model->services[id]);
		if (!rc)
			rc = packets_add_foreign(packets, &model->services[id]);
	}
	return rc;
}

/* --- what was dropped */

static int packets_add_drop(struct replay_packets *packets, const struct lbd_drop *drop)
{
	const uint32_t words = drop->words < LBD_DROP_WORDS ? drop->words : LBD_DROP_WORDS;
	const uint32_t max = sizeof(((struct replay_verdict *)0)->frame) - DATAPLANE_HEADROOM;
	struct replay_packet *packet;

	if (8 * words < DATAPLANE_FRAME_MIN)
		return 0;
	packet = packets_add(packets, REPLAY_DROP);
	if (!packet)
		return -ENOMEM;
	packet->service = drop->service;
	packet->frame.size = 8 * words;
	memcpy(packet->frame.bytes, drop->frame, packet->frame.size);
	packet->size = drop->length < packet->frame.size ? packet->frame.size
		       : drop->length > max		 ? max
							 : drop->length;
	return 0;
}

static int packets_add_drops(struct replay_packets *packets, const struct dataplane *dataplane)
{
	struct lbd_drop *drops = calloc(LBD_DROPS, sizeof(*drops));
	uint64_t all;
	uint32_t count;
	int rc = 0;

	if (!drops)
		return -ENOMEM;
	count = dataplane_drops(dataplane, drops, &all);
	for (uint32_t i = 0; i < count && !rc; i++)
		rc = packets_add_drop(packets, &drops[i]);
	free(drops);
	return rc;
}

/* --- all of them */

/* Whatever the time allows to run is then some of everything. */
static void packets_shuffle(struct replay_packets *packets)
{
	for (uint32_t left = packets->count; left > 1; left--) {
		const uint32_t other = (uint32_t)(packets_random(packets) % left);
		const struct replay_packet packet = packets->list[left - 1];

		packets->list[left - 1] = packets->list[other];
		packets->list[other] = packet;
	}
}

int replay_gather(const struct dataplane *dataplane, const struct model *model,
		  struct replay_packets *ret)
{
	int rc;

	*ret = (struct replay_packets){ 0 };
	if (getrandom(&ret->random, sizeof(ret->random), 0) != sizeof(ret->random))
		return -errno;
	rc = packets_add_live(ret, dataplane_tables(dataplane), model);
	if (!rc)
		rc = packets_add_fresh(ret, model);
	if (!rc)
		rc = packets_add_drops(ret, dataplane);
	packets_shuffle(ret);
	return rc;
}

void replay_discard(struct replay_packets *packets)
{
	free(packets->list);
	*packets = (struct replay_packets){ 0 };
}
