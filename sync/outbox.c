// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/outbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OUTBOX_BITS 64

/*
 * Lines of memory that are fetched together, with nothing between: it takes longer to answer
 * than a row to be made, but answers many questions at once if they come at once.
 */
#define OUTBOX_BLOCK 32

int outbox_init(struct outbox *outbox, const struct tables *tables)
{
	uint32_t words4 = tables->conn4_buckets / OUTBOX_BITS;
	uint32_t count = words4 + tables->conn6_buckets / OUTBOX_BITS;

	*outbox = (struct outbox){ .tables = tables, .words4 = words4, .words_count = count };
	outbox->words = calloc(count + 1, sizeof(uint64_t));
	outbox->summary = calloc(count / OUTBOX_BITS + 1, sizeof(uint64_t));
	if (outbox->words && outbox->summary)
		return 0;
	outbox_destroy(outbox);
	return -ENOMEM;
}

void outbox_destroy(struct outbox *outbox)
{
	free(outbox->words);
	free(outbox->summary);
	outbox->words = outbox->summary = NULL;
}

void outbox_mark(struct outbox *outbox, uint32_t word, uint64_t bits)
{
	uint64_t fresh = bits & ~outbox->words[word];

	if (outbox->pending == 0)
		outbox->round_us = outbox->since_us = outbox->now_us;
	outbox->words[word] |= fresh;
	outbox->pending += (uint64_t)__builtin_popcountll(fresh);
	outbox->summary[word / OUTBOX_BITS] |= 1ULL << word % OUTBOX_BITS;
}

void outbox_mark_all(struct outbox *outbox)
{
	for (uint32_t word = 0; word < outbox->words_count; word++)
		outbox_mark(outbox, word, ~0ULL);
	outbox->sweep_left = outbox->words_count;
	outbox->withheld = 0;
}

void outbox_sweep(struct outbox *outbox)
{
	outbox->sweep_left = outbox->pending ? outbox->words_count : 0;
}

static void outbox_recall_place(void *context, uint32_t place)
{
	struct outbox *outbox = context;
	uint32_t bucket = place / LBD_BUCKET_SLOTS;

	if (outbox->held)
		held_untell(outbox->held, place);
	outbox_mark(outbox, bucket / OUTBOX_BITS, 1ULL << bucket % OUTBOX_BITS);
}

void outbox_recall(struct outbox *outbox, const struct flight *flight)
{
	flight_recall(flight, outbox_recall_place, outbox);
}

void outbox_pour(const struct outbox *outbox)
{
	const struct tables *tables = outbox->tables;

	for (uint32_t word = 0; word < outbox->words_count; word++) {
		uint64_t *dirty = word < outbox->words4 ? &tables->dirty4[word]
							: &tables->dirty6[word - outbox->words4];

		if (outbox->words[word])
			__atomic_fetch_or(dirty, outbox->words[word], __ATOMIC_SEQ_CST);
	}
}

/* Within a round it is visited; until then all that is taken is taken whole. */
void outbox_mark_whole(struct outbox *outbox, uint32_t bucket)
{
	if (outbox->held)
		held_untell_bucket(outbox->held, bucket);
	outbox_mark(outbox, bucket / OUTBOX_BITS, 1ULL << bucket % OUTBOX_BITS);
	outbox->whole_until = outbox->visited + outbox->words_count;
}

uint64_t outbox_begin_round(const struct outbox *outbox)
{
	return outbox->visited + outbox->words_count;
}

bool outbox_is_past(const struct outbox *outbox, uint64_t round)
{
	return outbox->pending == 0 || outbox->visited >= round;
}

/*
 * A cache line of dirty words at once: nearly all are empty, and this runs thousands of times a
 * second. Two words a load; one that changes meanwhile is found by the next turn.
 */
#define OUTBOX_LINE 8

typedef uint64_t outbox_two __attribute__((vector_size(16), aligned(8), may_alias));

static bool outbox_is_line_clean(const uint64_t *dirty)
{
	const outbox_two *two = (const outbox_two *)dirty;
	const outbox_two bits = two[0] | two[1] | two[2] | two[3];

	return !(bits[0] | bits[1]);
}

/* Dirty words, those of a table, and where they go. */
struct outbox_collecting {
	uint64_t *dirty;
	uint32_t count;
	uint32_t offset; /* of the first in an outbox */
	struct outbox **outboxes;
	uint32_t outboxes_count;
};

static bool outbox_collect_word(const struct outbox_collecting *from, uint32_t word)
{
	uint64_t bits;

	/* A plain look first: an exchange would take the line from the packet path. */
	if (!LBD_READ_ONCE(from->dirty[word]))
		return false;
	bits = __atomic_exchange_n(&from->dirty[word], 0, __ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < from->outboxes_count; i++)
		outbox_mark(from->outboxes[i], from->offset + word, bits);
	return true;
}

static bool outbox_collect_line(const struct outbox_collecting *from, uint32_t word)
{
	const uint32_t left = from->count - word;
	const uint32_t end = word + (left < OUTBOX_LINE ? left : OUTBOX_LINE);
	bool any = false;

	for (; word < end; word++)
		any |= outbox_collect_word(from, word);
	return any;
}

/* What an exchange and the marks need is asked for when the line is found, and there when all are. */
LBD_INLINE void outbox_fetch_line(const struct outbox_collecting *from, uint32_t word)
{
	__builtin_prefetch(&from->dirty[word], 1);
	for (uint32_t i = 0; i < from->outboxes_count; i++)
		__builtin_prefetch(&from->outboxes[i]->words[from->offset + word], 1);
}

/* The next lines that may have marks, from *word on: how many. */
static uint32_t outbox_find_lines(const struct outbox_collecting *from, uint32_t *word,
				  uint32_t *lines)
{
	uint32_t count = 0;

	for (; *word < from->count && count < OUTBOX_BLOCK; *word += OUTBOX_LINE) {
		if (from->count - *word >= OUTBOX_LINE && outbox_is_line_clean(from->dirty + *word))
			continue;
		outbox_fetch_line(from, *word);
		lines[count++] = *word;
	}
	return count;
}

static bool outbox_collect_words(const struct outbox_collecting *from)
{
	uint32_t lines[OUTBOX_BLOCK], word = 0;
	bool any = false;

	while (word < from->count) {
		uint32_t count = outbox_find_lines(from, &word, lines);

		for (uint32_t i = 0; i < count; i++)
			any |= outbox_collect_line(from, lines[i]);
	}
	return any;
}

bool outbox_collect(const struct tables *tables, struct outbox **outboxes, uint32_t count)
{
	const uint32_t words4 = tables->conn4_buckets / OUTBOX_BITS;
	const uint32_t words6 = tables->conn6_buckets / OUTBOX_BITS;
	const struct outbox_collecting from[] = {
		{ tables->dirty4, words4, 0, outboxes, count },
		{ tables->dirty6, words6, words4, outboxes, count },
	};
	bool any = outbox_collect_words(&from[0]);

	return outbox_collect_words(&from[1]) || any;
}

int64_t outbox_oldest_us(const struct outbox *outbox)
{
	return outbox->pending ? outbox->since_us : -1;
}

/* --- taking */

struct outbox_taking {
	struct outbox *outbox;
	const struct dictionary *dictionary;
	struct outbox_batch *batch;
	uint32_t now;
	uint32_t read; /* of the batch's buckets, how many have been */
	bool whole;    /* a sweep or a whole round is on: everything is told */
};

/* One that an RST ended was told before: the peers should hear that it is over. */
static bool outbox_is_alive(const struct outbox_taking *taking, uint16_t service, uint64_t value)
{
	if (!(value & (LBD_CONN_CONFIRMED | LBD_CONN_CLOSING)))
		return false;
	if ((value & LBD_CONN_REMOTE) && !taking->whole)
		return false;
	return !tables_expired(taking->outbox->tables, service, value, taking->now);
}

/* Before the dictionary tells the peer what the ids are, a record would say nothing. */
static bool outbox_is_told(const struct outbox_taking *taking, const struct table_entry *entry)
{
	if (taking->dictionary->backend_service[entry->backend] == entry->service)
		return true;
	taking->outbox->withheld++;
	return false;
}

void outbox_describe(const struct tables *tables, const struct table_entry *entry, uint32_t now,
		     struct wire_record *ret)
{
	uint64_t value = lbd_value_make(entry->backend, entry->vip_port, entry->flags, entry->tick);

	ret->age_ms = tables_age_ms(tables, value, now);
	ret->service = entry->service;
	ret->backend = entry->backend;
	ret->client = entry->client;
	ret->client_port = entry->client_port;
	ret->vip_port = entry->vip_port;
	ret->flags = (entry->flags & LBD_CONN_CLOSING ? WIRE_CONN_CLOSING : 0) |
		     (entry->flags & LBD_CONN_UDP ? WIRE_CONN_UDP : 0) |
		     (entry->flags & LBD_CONN_REMOTE ? WIRE_CONN_SECONDHAND : 0) |
		     (uint16_t)(lbd_value_nat(entry->flags) << WIRE_CONN_NAT_SHIFT);
}

/* In a sweep or a whole round everything is told, whatever was told before. */
static bool outbox_is_news(const struct outbox_taking *taking, const struct flight_row *row)
{
	const struct held *held = taking->outbox->held;

	return taking->whole || !held || !held_is_told(held, row->place, row->print, row->state);
}

/* True: @entry, which stands at @place, is told by @ret. */
static bool outbox_record(const struct outbox_taking *taking, const struct table_entry *entry,
			  uint32_t place, struct wire_record *ret)
{
	struct outbox_batch *batch = taking->batch;
	struct flight_row *row = &batch->told[batch->rows4_count + batch->rows6_count];
	uint64_t value = lbd_value_make(entry->backend, entry->vip_port, entry->flags, entry->tick);

	if (!outbox_is_alive(taking, entry->service, value) || !outbox_is_told(taking, entry))
		return false;
	*row = (struct flight_row){ place, held_print(entry), held_state(entry) };
	if (!outbox_is_news(taking, row)) {
		if (taking->outbox->unchanged)
			taking->outbox->unchanged(taking->outbox->context, entry);
		return false;
	}
	outbox_describe(taking->outbox->tables, entry, taking->now, ret);
	return true;
}

static void outbox_take_bucket4(const struct outbox_taking *taking, uint32_t bucket)
{
	const uint32_t place = held_place(taking->outbox->tables, false, bucket, 0);
	struct outbox_batch *batch = taking->batch;
	struct wire_record record;
	struct table_entry entry;

	for (uint32_t slot = 0; slot < LBD_BUCKET_SLOTS; slot++)
		if (tables_read4(taking->outbox->tables, bucket, slot, &entry) &&
		    outbox_record(taking, &entry, place + slot, &record))
			wire_put_record4(batch->rows4 + WIRE_RECORD4_SIZE * batch->rows4_count++,
					 &record);
}

static void outbox_take_bucket6(const struct outbox_taking *taking, uint32_t bucket)
{
	const uint32_t place = held_place(taking->outbox->tables, true, bucket, 0);
	struct outbox_batch *batch = taking->batch;
	struct wire_record record;
	struct table_entry entry;

	for (uint32_t slot = 0; slot < LBD_BUCKET_SLOTS; slot++)
		if (tables_read6(taking->outbox->tables, bucket, slot, &entry) &&
		    outbox_record(taking, &entry, place + slot, &record))
			wire_put_record6(batch->rows6 + WIRE_RECORD6_SIZE * batch->rows6_count++,
					 &record);
}

/* Would it be, if all slots of those that are still to be read, and of one more, made a row? */
static bool outbox_is_full(const struct outbox_taking *taking)
{
	const struct outbox_batch *batch = taking->batch;
	uint32_t rows = (batch->buckets_count - taking->read + 1) * LBD_BUCKET_SLOTS;

	return batch->rows4_count + rows > WIRE_RECORDS4_MAX ||
	       batch->rows6_count + rows > WIRE_RECORDS6_MAX ||
	       batch->buckets_count == OUTBOX_BUCKETS_MAX;
}

/* Inlined: a call of what only prefetches has no effect for GCC, and is left out. */
LBD_INLINE void outbox_fetch(const struct outbox *outbox, uint32_t bucket)
{
	const struct tables *tables = outbox->tables;

	if (outbox->held)
		held_prefetch(outbox->held, bucket * LBD_BUCKET_SLOTS);
	if (bucket < tables->conn4_buckets) {
		__builtin_prefetch(&tables->conn4[bucket]);
		return;
	}
	__builtin_prefetch(&tables->conn6[bucket - tables->conn4_buckets].line);
	__builtin_prefetch(&tables->conn6[bucket - tables->conn4_buckets].client);
}

/* Make rows of the buckets that were taken. */
static void outbox_read(struct outbox_taking *taking)
{
	const struct outbox_batch *batch = taking->batch;
	const uint32_t buckets4 = taking->outbox->tables->conn4_buckets;

	for (uint32_t i = taking->read; i < batch->buckets_count; i++)
		outbox_fetch(taking->outbox, batch->buckets[i]);
	for (; taking->read < batch->buckets_count; taking->read++) {
		uint32_t bucket = batch->buckets[taking->read];

		if (bucket < buckets4)
			outbox_take_bucket4(taking, bucket);
		else
			outbox_take_bucket6(taking, bucket - buckets4);
	}
}

static bool outbox_has_room(struct outbox_taking *taking)
{
	if (outbox_is_full(taking) || taking->batch->buckets_count - taking->read == OUTBOX_BLOCK)
		outbox_read(taking);
	return !outbox_is_full(taking);
}

static void outbox_take_bit(const struct outbox_taking *taking, uint32_t word, uint32_t bit)
{
	struct outbox *outbox = taking->outbox;
	struct outbox_batch *batch = taking->batch;

	outbox->words[word] &= ~(1ULL << bit);
	outbox->pending--;
	batch->buckets[batch->buckets_count++] = word * OUTBOX_BITS + bit;
}

/* Empty the word at the cursor. False: the batch was full before the word was empty. */
static bool outbox_take_word(struct outbox_taking *taking)
{
	struct outbox *outbox = taking->outbox;
	uint32_t word = outbox->cursor;

	while (outbox->words[word]) {
		if (!outbox_has_room(taking))
			return false;
		outbox_take_bit(taking, word, (uint32_t)__builtin_ctzll(outbox->words[word]));
	}
	outbox->summary[word / OUTBOX_BITS] &= ~(1ULL << word % OUTBOX_BITS);
	return true;
}

/* How many words from the cursor on are surely empty, by the summary; 0 if its own isn't. */
static uint32_t outbox_empty_run(const struct outbox *outbox)
{
	uint32_t word = outbox->cursor, bit = word % OUTBOX_BITS;
	uint64_t marked = outbox->summary[word / OUTBOX_BITS] >> bit;
	uint32_t run = marked ? (uint32_t)__builtin_ctzll(marked) : OUTBOX_BITS - bit;
	uint32_t left = outbox->words_count - word;

	return run < left ? run : left;
}

/* What is marked when a round begins was marked since the one before began. */
static void outbox_turn_round(struct outbox *outbox)
{
	outbox->cursor = 0;
	outbox->since_us = outbox->round_us;
	outbox->round_us = outbox->now_us;
}

static void outbox_move_on(struct outbox *outbox, uint32_t words)
{
	outbox->cursor += words;
	if (outbox->cursor == outbox->words_count)
		outbox_turn_round(outbox);
	outbox->visited += words;
	outbox->sweep_left -= words < outbox->sweep_left ? words : outbox->sweep_left;
}

/* Take what is marked until the batch is full. False: it is. */
static bool outbox_take_marked(struct outbox_taking *taking)
{
	struct outbox *outbox = taking->outbox;

	while (outbox->pending > 0) {
		uint32_t run = outbox_empty_run(outbox);

		if (run == 0 && !outbox_take_word(taking))
			return false;
		outbox_move_on(outbox, run ? run : 1);
	}
	return true;
}

static void outbox_begin_batch(const struct outbox *outbox, struct outbox_batch *batch)
{
	batch->rows4_count = batch->rows6_count = batch->buckets_count = 0;
	batch->cursor = outbox->cursor;
	batch->sweep_left = outbox->sweep_left;
	batch->round_us = outbox->round_us;
	batch->since_us = outbox->since_us;
	batch->visited = outbox->visited;
}

void outbox_take(struct outbox *outbox, const struct dictionary *dictionary,
		 struct outbox_batch *batch)
{
	struct outbox_taking taking = {
		.outbox = outbox,
		.dictionary = dictionary,
		.batch = batch,
		.now = tables_now(outbox->tables),
		.whole = outbox->sweep_left > 0 || outbox->visited < outbox->whole_until,
	};

	outbox_begin_batch(outbox, batch);
	if (outbox_take_marked(&taking)) {
		outbox->visited += outbox->words_count;
		outbox->sweep_left = 0;
	}
	outbox_read(&taking);
}

void outbox_restore(struct outbox *outbox, const struct outbox_batch *batch)
{
	for (uint32_t i = 0; i < batch->buckets_count; i++)
		outbox_mark(outbox, batch->buckets[i] / OUTBOX_BITS,
			    1ULL << batch->buckets[i] % OUTBOX_BITS);
	outbox->cursor = batch->cursor;
	outbox->sweep_left = batch->sweep_left;
	outbox->round_us = batch->round_us;
	outbox->since_us = batch->since_us;
	outbox->visited = batch->visited;
}
