// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/model/story.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "base/addr.h"
#include "tests/model/craft.h"

#define CHANGE_EVERY 700 /* packets; each costs the kernel some milliseconds */
#define IDLE_EVERY 400
#define PEER_EVERY 60

int story_make(struct story *story, uint32_t packets)
{
	*story = (struct story){
		.events = calloc(2 * (size_t)packets, sizeof(*story->events)),
		.bytes = malloc((size_t)packets * FRAME_MAX),
	};
	return story->events && story->bytes ? 0 : -ENOMEM;
}

void story_free(struct story *story)
{
	free(story->events);
	free(story->bytes);
	*story = (struct story){ 0 };
}

/* Where there is only one way out, packets come in by it. */
static bool story_two_interfaces(const struct model *model)
{
	uint32_t first = 0;

	for (uint32_t i = 1; i < model->limits.backends; i++) {
		const uint32_t ifindex = model->backends[i].nexthop.ifindex;

		if (ifindex && first && ifindex != first)
			return true;
		first = ifindex ? ifindex : first;
	}
	return false;
}

/* Packets come in bursts, a second later at most. */
static uint32_t story_jiffies(struct random *random)
{
	if (random_chance(random, 70))
		return 0;
	return random_chance(random, 98) ? random_between(random, 1, 3)
					 : random_between(random, 1, 250);
}

static void story_add_packet(struct story *story, struct craft *craft, bool two_interfaces)
{
	struct event *event = &story->events[story->count++];
	struct frame frame;

	craft_next(craft, &frame);
	*event = (struct event){
		.kind = EVENT_PACKET,
		.at = story->used,
		.size = frame.size,
		.beyond = random_chance(craft->random, 10) && two_interfaces,
		.jiffies = story_jiffies(craft->random),
	};
	memcpy(&story->bytes[event->at], frame.bytes, frame.size);
	story->used += frame.size;
}

static struct story_change story_change(struct random *random, const struct model *model)
{
	static const enum case_state states[] = { CASE_UP,	  CASE_UP,   CASE_UP,
						  CASE_DRAINING,  CASE_DOWN, CASE_GONE,
						  CASE_UNRESOLVED };
	struct story_change change = { .becomes = RANDOM_OF(random, states) };

	do
		change.backend = (uint16_t)random_below(random, model->limits.backends);
	while (!model->backends[change.backend].index);
	return change;
}

static void story_add_changes(struct story *story, struct random *random, const struct model *model)
{
	struct event *event = &story->events[story->count++];

	*event = (struct event){
		.kind = EVENT_CHANGE,
		.changes_count = random_between(random, 1, STORY_CHANGES),
	};
	for (uint32_t i = 0; i < event->changes_count; i++)
		event->changes[i] = story_change(random, model);
}

static void story_add_idle(struct story *story, struct random *random)
{
	static const uint32_t times[] = { 400, 400, 1400, 3000, 5000 };

	story->events[story->count++] = (struct event){
		.kind = EVENT_IDLE,
		.seconds = RANDOM_OF(random, times),
	};
}

static uint16_t story_backend_of(struct random *random, const struct model *model, uint16_t service)
{
	const struct backend *backend = NULL;

	/* One in ten records is of a backend whose index went to another service. */
	for (;;) {
		backend = model_next_backend(model, service, backend);
		if (!backend || random_chance(random, 10))
			return story_change(random, model).backend;
		if (random_chance(random, 50))
			return backend->index;
	}
}

/* A connection of one of the flows that packets come of. */
static void story_add_peer(struct story *story, struct craft *craft, const struct model *model)
{
	const struct craft_flow *flow = &craft->flows[random_below(craft->random, CRAFT_FLOWS)];
	const struct service *service =
		model_find_service(model, &flow->vip, flow->dport, flow->protocol);
	uint64_t flags = LBD_CONN_REMOTE | LBD_CONN_CONFIRMED;

	if (!service)
		service = model_find_service(model, &flow->vip, 0, flow->protocol);
	if (!service || lbd_addr_is4(&flow->client) != lbd_addr_is4(&flow->vip))
		return;
	if (flow->protocol == IPPROTO_UDP)
		flags |= LBD_CONN_UDP;
	else if (random_chance(craft->random, 20))
		flags |= LBD_CONN_CLOSING;
	if (service->forward == LBD_FORWARD_NAT)
		flags = lbd_value_with_nat(flags, random_below(craft->random, 8));
	story->events[story->count++] = (struct event){
		.kind = EVENT_PEER,
		.entry = { .client = flow->client,
			   .client_port = htons(flow->sport),
			   .vip_port = htons(flow->dport),
			   .service = service->id,
			   .backend = story_backend_of(craft->random, model, service->id),
			   .flags = flags },
	};
}

void story_tell(struct story *story, uint64_t seed, const struct model *model, uint32_t packets,
		struct story_kind kind)
{
	const bool two_interfaces = story_two_interfaces(model);
	struct random random = { .state = seed };
	static struct craft craft;

	story->count = 0;
	story->used = 0;
	craft_begin(&craft, &random, model);
	if (kind.crowd)
		craft.strangers = 60;
	for (uint32_t i = 0; i < packets; i++) {
		if (!random_below(&random, CHANGE_EVERY))
			story_add_changes(story, &random, model);
		else if (!random_below(&random, IDLE_EVERY))
			story_add_idle(story, &random);
		else if (!random_below(&random, PEER_EVERY) && !kind.alone)
			story_add_peer(story, &craft, model);
		story_add_packet(story, &craft, two_interfaces);
	}
}

void story_frame(const struct story *story, const struct event *event, struct frame *ret)
{
	ret->size = event->size;
	memcpy(ret->bytes, &story->bytes[event->at], event->size);
}

/* --- as a packet case */

static void story_print_changes(const struct event *event, const struct model *model, FILE *to)
{
	static const char *const names[] = {
		[CASE_UP] = "up",     [CASE_DRAINING] = "draining",	[CASE_DOWN] = "down",
		[CASE_GONE] = "gone", [CASE_UNRESOLVED] = "unresolved",
	};

	for (uint32_t i = 0; i < event->changes_count; i++)
		fprintf(to, "    - {backend: %s, becomes: %s}\n",
			model->backends[event->changes[i].backend].name,
			names[event->changes[i].becomes]);
}

/* A case can't say this. */
static void story_print_peer(const struct table_entry *entry, const struct model *model, FILE *to)
{
	char client[ADDR_TEXT_MAX];

	fprintf(to, "    # a peer says: %s to port %u of %s: backend %s, attempt %u%s\n",
		addr_format_endpoint(&entry->client, entry->client_port, client),
		ntohs(entry->vip_port), model->services[entry->service].name,
		model->backends[entry->backend].name, lbd_value_nat(entry->flags),
		entry->flags & LBD_CONN_CLOSING ? ", closing" : "");
}

static void story_print_packet(const struct story *story, const struct event *event, FILE *to)
{
	if (event->beyond)
		fprintf(to, "    from: out0\n");
	fprintf(to, "    in: |\n      ");
	for (uint32_t i = 0; i < event->size; i++)
		fprintf(to, "%02x%s", story->bytes[event->at + i],
			i == FRAME_MIN - 1 || (i > FRAME_MIN && (i - FRAME_MIN) % 16 == 15)
				? "\n      "
				: "");
	fprintf(to, "\n");
}

static bool story_is(const struct event *event, enum event_kind kind)
{
	return !event->skipped && event->kind == kind;
}

/* What happens between the packets before and at @event. */
static void story_print_between(const struct story *story, uint32_t from, uint32_t until,
				const struct model *model, FILE *to)
{
	uint32_t seconds = 0, changes = 0;

	for (uint32_t i = from; i < until; i++) {
		if (story_is(&story->events[i], EVENT_IDLE))
			seconds += story->events[i].seconds;
		if (story_is(&story->events[i], EVENT_PEER))
			story_print_peer(&story->events[i].entry, model, to);
		if (!story_is(&story->events[i], EVENT_CHANGE))
			continue;
		if (!changes++)
			fprintf(to, "    changes:\n");
		story_print_changes(&story->events[i], model, to);
	}
	if (seconds)
		fprintf(to, "    idle: %u\n", seconds);
}

void story_print(const struct story *story, uint32_t last, const struct model *model, FILE *to)
{
	uint32_t from = 0;

	for (uint32_t i = 0; i <= last; i++) {
		if (!story_is(&story->events[i], EVENT_PACKET))
			continue;
		fprintf(to, "  - note: event %u\n", i);
		story_print_between(story, from, i, model, to);
		story_print_packet(story, &story->events[i], to);
		from = i + 1;
	}
}
