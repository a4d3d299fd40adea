// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/held.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* One more than there are: a table of none has its memory, too. */
static size_t held_size(const struct held *held)
{
	return (held->slots_count + 1ULL) * sizeof(*held->slots);
}

/* Slots are looked for at random: in huge pages, where the kernel has some, without a walk each time. */
int held_init(struct held *held, const struct tables *tables)
{
	void *slots;

	*held = (struct held){ .slots_count = held_place(tables, true, tables->conn6_buckets, 0) };
	slots = mmap(NULL, held_size(held), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);
	if (slots == MAP_FAILED)
		return -ENOMEM;
	madvise(slots, held_size(held), MADV_HUGEPAGE);
	held->slots = slots;
	return 0;
}

void held_destroy(struct held *held)
{
	if (held->slots)
		munmap(held->slots, held_size(held));
	held->slots = NULL;
}

void held_clear(struct held *held)
{
	memset(held->slots, 0, held_size(held));
	__atomic_store_n(&held->complete, false, __ATOMIC_RELAXED);
	held->doubts = false;
	held->acked = 0;
}

void held_set_boot(struct held *held, uint64_t boot)
{
	if (held->boot == boot)
		return;
	held->boot = boot;
	held_clear(held);
}

/* The slot of a value word: both tables have the words of a bucket in one line. */
uint32_t held_place_of(const struct tables *tables, bool v6, const __u64 *value)
{
	const uint8_t *first = v6 ? (const uint8_t *)tables->conn6 : (const uint8_t *)tables->conn4;
	size_t offset = (size_t)((const uint8_t *)value - first);
	uint32_t bucket =
		(uint32_t)(v6 ? offset / sizeof(*tables->conn6) : offset / sizeof(*tables->conn4));
	const struct lbd_bucket *line = v6 ? &tables->conn6[bucket].line : &tables->conn4[bucket];

	return held_place(tables, v6, bucket, (uint32_t)(value - line->value));
}

void held_untell_bucket(struct held *held, uint32_t bucket)
{
	for (uint32_t slot = 0; slot < LBD_BUCKET_SLOTS; slot++)
		held_untell(held, bucket * LBD_BUCKET_SLOTS + slot);
}

static void held_store(struct held *held, uint32_t place, uint32_t print)
{
	__atomic_store_n(&held->slots[place].print, print, __ATOMIC_RELAXED);
}

void held_doubt(struct held *held, uint32_t place, const struct table_entry *entry)
{
	if (!held_has(held, place, entry))
		return;
	held_store(held, place, held_print(entry) | HELD_DOUBTED);
	held->doubts = true;
}

void held_deny(struct held *held, uint32_t place, const struct table_entry *entry)
{
	const uint32_t print = held_print(entry);

	if (held->slots[place].print == (print | HELD_DOUBTED))
		held_store(held, place, print ^ HELD_BITS);
}

void held_trust(struct held *held, uint32_t place, const struct table_entry *entry)
{
	const uint32_t print = held_print(entry), found = held->slots[place].print;

	if (found & HELD_DOUBTED && (found | HELD_BITS) == (print | HELD_BITS))
		held_store(held, place, print);
}

static void held_assume_bucket(struct held *held, const struct tables *tables, bool v6,
			       uint32_t bucket)
{
	struct table_entry entry;

	for (uint32_t slot = 0; slot < LBD_BUCKET_SLOTS; slot++)
		if (v6 ? tables_read6(tables, bucket, slot, &entry)
		       : tables_read4(tables, bucket, slot, &entry))
			held_put(held, held_place(tables, v6, bucket, slot), held_print(&entry));
}

void held_assume(struct held *held, const struct tables *tables, const uint64_t *marks)
{
	uint32_t buckets = tables->conn4_buckets + tables->conn6_buckets;

	for (uint32_t at = 0; at < buckets; at++) {
		bool v6 = at >= tables->conn4_buckets;

		if (!(marks[at / 64] >> at % 64 & 1))
			held_assume_bucket(held, tables, v6, v6 ? at - tables->conn4_buckets : at);
	}
	__atomic_store_n(&held->complete, true, __ATOMIC_RELAXED);
}

/* The time and the flags may change, and the connection still goes where it went. */
uint32_t held_print(const struct table_entry *entry)
{
	uint64_t ids = (uint64_t)entry->service << 48 | (uint64_t)entry->backend << 32 |
		       (uint64_t)entry->client_port << 16 | entry->vip_port;
	uint64_t x = lbd_mix(entry->client.halves[1] ^ ids);

	x = lbd_mix(x ^ entry->client.halves[0]);
	return ((uint32_t)(x >> 32) & ~HELD_BITS) | HELD_ACKNOWLEDGED;
}
