// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/flight.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int flight_init(struct flight *flight)
{
	*flight = (struct flight){ 0 };
	flight->messages = calloc(FLIGHT_MESSAGES, sizeof(*flight->messages));
	return flight->messages ? 0 : -ENOMEM;
}

void flight_destroy(struct flight *flight)
{
	free(flight->messages);
	flight->messages = NULL;
}

void flight_clear(struct flight *flight)
{
	flight->first = flight->count = 0;
	flight->bulk_end = 0;
}

bool flight_is_full(const struct flight *flight)
{
	return flight->count == FLIGHT_MESSAGES;
}

void flight_recall(const struct flight *flight, void (*visit)(void *context, uint32_t place),
		   void *context)
{
	for (uint32_t i = 0; i < flight->count; i++) {
		const struct flight_message *message =
			&flight->messages[(flight->first + i) % FLIGHT_MESSAGES];

		for (uint32_t row = 0; row < message->rows_count; row++)
			visit(context, message->rows[row].place);
	}
}

/* A peer that grants more than the window isn't followed beyond it: those count as not held. */
void flight_add(struct flight *flight, struct held *held, uint64_t number, int64_t since_us,
		bool live, const struct flight_row *rows, uint32_t rows_count)
{
	struct flight_message *message;

	if (flight_is_full(flight))
		return;
	message = &flight->messages[(flight->first + flight->count++) % FLIGHT_MESSAGES];
	message->number = number;
	message->since_us = since_us;
	message->live = live;
	message->rows_count = rows_count;
	memcpy(message->rows, rows, rows_count * sizeof(*rows));
	for (uint32_t i = 0; i < rows_count; i++)
		held_tell(held, rows[i].place, rows[i].print, rows[i].state);
}

void flight_end_bulk(struct flight *flight, uint64_t number)
{
	flight->bulk_end = number;
}

static void flight_land(const struct flight_message *message, int64_t now_us, struct held *held,
			struct lag *lag)
{
	for (uint32_t i = 0; i < message->rows_count; i++)
		held_acknowledge(held, message->rows[i].place, message->rows[i].print);
	held->acked += message->rows_count;
	if (message->live)
		lag_add(lag, now_us, now_us - message->since_us, message->rows_count);
}

void flight_acknowledge(struct flight *flight, uint64_t consumed, int64_t now_us, struct held *held,
			struct lag *lag)
{
	while (flight->count > 0) {
		const struct flight_message *message = &flight->messages[flight->first];

		if (message->number > consumed)
			break;
		flight_land(message, now_us, held, lag);
		flight->first = (flight->first + 1) % FLIGHT_MESSAGES;
		flight->count--;
	}
	if (flight->bulk_end > 0 && consumed >= flight->bulk_end)
		__atomic_store_n(&held->complete, true, __ATOMIC_RELAXED);
}

int64_t flight_oldest_us(const struct flight *flight)
{
	return flight->count ? flight->messages[flight->first].since_us : -1;
}
