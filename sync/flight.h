/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was sent and isn't acknowledged: a place a data message, which can't be
 * more than the window that a peer grants. An acknowledgement moves what its
 * messages told into struct held and gives their age: the lag.
 *
 *   outbox_take -> RECORDS -> flight_add ... CREDIT, HEARTBEAT: consumed -> flight_acknowledge
 *
 * When the conversation ends what is under way isn't held: its buckets are marked
 * again (flight_recall), and the next conversation tells them once more.
 */
#ifndef SYNC_FLIGHT_H
#define SYNC_FLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "sync/held.h"
#include "sync/lag.h"
#include "sync/wire.h"

#define FLIGHT_MESSAGES 64
#define FLIGHT_ROWS (WIRE_RECORDS4_MAX + WIRE_RECORDS6_MAX)

/* An entry that was told: its place in the tables, its print and its state (held.h). */
struct flight_row {
	uint32_t place;
	uint32_t print;
	uint32_t state;
};

struct flight_message {
	uint64_t number;  /* data messages sent with it in the conversation */
	int64_t since_us; /* when the oldest change in it was taken */
	bool live;	  /* a change, not part of a whole table: counts in the lag */
	uint32_t rows_count;
	struct flight_row rows[FLIGHT_ROWS];
};

struct flight {
	struct flight_message *messages; /* a ring */
	uint32_t first, count;
	uint64_t bulk_end; /* with this many acknowledged the whole table is; 0: not sent yet */
};

/* 0 or -ENOMEM. */
int flight_init(struct flight *flight);
void flight_destroy(struct flight *flight);

/* A new conversation. */
void flight_clear(struct flight *flight);

/* Message @number was sent; copies @rows, and notes in @held that they were told. */
void flight_add(struct flight *flight, struct held *held, uint64_t number, int64_t since_us,
		bool live, const struct flight_row *rows, uint32_t rows_count);

/* Is there room for one more? What is sent without is in nobody's mind: see flight_add. */
bool flight_is_full(const struct flight *flight);

/* Visit the place of each row that is under way: the peer may lack it. */
void flight_recall(const struct flight *flight, void (*visit)(void *context, uint32_t place),
		   void *context);

/* All that was to be told at the welcome is sent, with @number messages. */
void flight_end_bulk(struct flight *flight, uint64_t number);

/* @consumed messages stand in the peer's table. */
void flight_acknowledge(struct flight *flight, uint64_t consumed, int64_t now_us, struct held *held,
			struct lag *lag);

/* When the oldest change under way was taken; -1: nothing is. */
int64_t flight_oldest_us(const struct flight *flight);

#endif
