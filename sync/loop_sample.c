// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/loop_sample.h"

#include <string.h>

/* Of a turn: some ten microseconds. */
#define LOOP_SAMPLE_BUCKETS 2048

void loop_ask_sample(struct loop *loop, uint32_t count)
{
	for (uint32_t i = 0; i < loop->links_count; i++)
		if (loop->links[i]->role == SYNC_ROLE_ACTIVE)
			intake_ask_sample(&loop->links[i]->intake, count);
}

/* --- the node that is asked */

void loop_take_sample_ask(struct loop *loop, struct link *link, const struct wire_message *message)
{
	sampler_begin(&link->sampler, (uint32_t)message->sample, loop->boot, loop->now_us);
}

void loop_sample(struct loop *loop)
{
	for (uint32_t i = 0; i < loop->links_count; i++)
		sampler_slice(&loop->links[i]->sampler, loop->tables, LOOP_SAMPLE_BUCKETS);
}

bool loop_sample_is_due(const struct loop *loop, const struct link *link)
{
	return sampler_is_due(&link->sampler, loop->tables);
}

int loop_do_sample(struct loop *loop, struct link *link, enum peer_action action)
{
	struct wire_message message = { 0 };
	int err;

	sampler_fill(&link->sampler, loop->tables, &loop->batch, &message);
	err = loop_send_action(loop, link, action, &message);
	if (!err)
		sampler_end(&link->sampler);
	return err;
}

/* --- the node that asked */

/* As it is known here. False: its service or backend isn't, or the record is unsound. */
static bool loop_sample_map(const struct directory *directory, const struct wire_record *record,
			    struct table_entry *ret)
{
	const struct directory_service *service = &directory->services[record->service];
	const struct directory_backend *backend = &directory->backends[record->backend];

	*ret = (struct table_entry){
		.client = record->client,
		.client_port = record->client_port,
		.vip_port = record->vip_port,
		.service = service->local,
		.backend = backend->local,
		.flags = record->flags & WIRE_CONN_UDP ? LBD_CONN_UDP : 0,
	};
	return service->used && backend->service == record->service && service->local &&
	       backend->local;
}

static void loop_take_sample_rows(struct loop *loop, const struct directory *directory,
				  const struct wire_rows *rows,
				  void (*get)(const uint8_t *row, struct wire_record *ret))
{
	struct sync_sample *sample = &loop->sample;
	struct wire_record record;

	for (uint32_t i = 0; i < rows->count && sample->count < SYNC_SAMPLE_MAX; i++) {
		get(wire_row(rows, i), &record);
		if (loop_sample_map(directory, &record, &sample->entries[sample->count]))
			sample->count++;
		else
			sample->unknown++;
	}
}

void loop_take_sample(struct loop *loop, struct link *link, const struct wire_message *message)
{
	struct sync_sample *sample = &loop->sample;

	sample->count = sample->unknown = 0;
	memcpy(sample->peer, link->config.name, sizeof(sample->peer));
	loop_take_sample_rows(loop, link->directory, &message->records4, wire_get_record4);
	loop_take_sample_rows(loop, link->directory, &message->records6, wire_get_record6);
	sample->number++;
}
