// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What isn't a table of entries: maps that are copied place by place, and
 * counters. Those of the new set count already when the last ones of the old
 * set come to stand, and user space can't add to a counter of a CPU that counts
 * at the same time: a small program adds, which no other interrupts on its CPU.
 *
 * An entry is read and made 0 in the old map before it is added to the new one:
 * going on after a kill takes nothing twice. What the killed one had in hand, of
 * one entry, is lost, and who reads that sees a counter that began anew. Who
 * reads counters meanwhile adds up both sets, and sees no entry half taken
 * (counters.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/foreign.h"
#include "dataplane/next_internal.h"

typedef int (*next_visit)(const struct next *, enum map_id, uint32_t entries,
			  const struct map_shape *, struct error *);

/* @visit for each map that moves by @move and isn't shared, with the entries that both sets have. */
static int next_each(const struct next *next, enum map_move move, next_visit visit,
		     struct error *err)
{
	struct map_shape old[MAP_COUNT], new[MAP_COUNT];
	int rc = 0;

	shapes_of(&next->from->limits, old);
	shapes_of(&next->to->limits, new);
	for (int id = 0; id < MAP_COUNT && !rc; id++) {
		const uint32_t entries =
			old[id].entries < new[id].entries ? old[id].entries : new[id].entries;

		if (new[id].move == move && !next->to->shared[id])
			rc = visit(next, (enum map_id)id, entries, &new[id], err);
	}
	return rc;
}

static int next_copy_map(const struct next *next, enum map_id id, uint32_t entries,
			 const struct map_shape *shape, struct error *err)
{
	const uint32_t value_size = shape->value_size;
	const struct foreign *foreign = next->from->foreign[id];
	uint8_t *to = next->to->memory[id];
	int rc = 0;

	if (!foreign)
		memcpy(to, next->from->memory[id], (size_t)entries * value_size);
	for (uint32_t i = 0; foreign && i < entries && !rc; i++)
		rc = foreign_convert(foreign, i, to + (size_t)i * value_size, err);
	return rc;
}

int next_copy_places(const struct next *next, struct error *err)
{
	return next_each(next, MOVE_INDEX, next_copy_map, err);
}

/* --- counters */

/* What the program is told: which counter of which entry, and how much. */
struct next_addition {
	__u32 entry;
	__u32 offset;
	__u64 amount;
	__u8 rest[48]; /* of a frame, as small as a test run takes it */
};

#define INSN(c, d, s, o, i) \
	((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })

/* A program that adds to a counter of map @fd, whose entries have @size bytes. */
static int next_load_adder(int fd, uint32_t size)
{
	const struct bpf_insn program[] = {
		INSN(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_7, BPF_REG_1, 0, 0), /* data */
		INSN(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_8, BPF_REG_1, 4, 0), /* data_end */
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_7, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, 16),
		INSN(BPF_JMP | BPF_JGT | BPF_X, BPF_REG_2, BPF_REG_8, 15, 0),
		INSN(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_9, BPF_REG_7, 8, 0), /* amount */
		INSN(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_8, BPF_REG_7, 4, 0),  /* offset */
		INSN(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_1, BPF_REG_7, 0, 0),  /* entry */
		INSN(BPF_STX | BPF_MEM | BPF_W, BPF_REG_10, BPF_REG_1, -4, 0),
		INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, fd),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -4),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 5, 0),
		INSN(BPF_JMP | BPF_JGT | BPF_K, BPF_REG_8, 0, 4, (int)size - 8),
		INSN(BPF_ALU64 | BPF_ADD | BPF_X, BPF_REG_0, BPF_REG_8, 0, 0),
		INSN(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_1, BPF_REG_0, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_X, BPF_REG_1, BPF_REG_9, 0, 0),
		INSN(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_0, BPF_REG_1, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, XDP_PASS),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "lbd_adder", "GPL", program,
			     sizeof(program) / sizeof(*program), NULL);
}

static int next_add(int adder, __u32 entry, __u32 offset, __u64 amount)
{
	struct next_addition addition = { .entry = entry, .offset = offset, .amount = amount };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = &addition, .data_size_in = sizeof(addition),
		    .repeat = 1);

	return amount ? bpf_prog_test_run_opts(adder, &run) : 0;
}

/* The counters of a map on their way: of all CPUs, in its layout; of one, in ours. */
struct next_sum {
	int from, adder, cpus;
	const struct foreign *foreign; /* NULL: they are in ours */
	uint8_t *held;
	uint32_t stride; /* of a CPU's in @held */
	__u64 *value;	 /* of @words */
	uint32_t words;
};

static int next_sum_cpu(const struct next_sum *sum, const uint8_t *counters, __u64 *total)
{
	int rc = 0;

	if (sum->foreign)
		rc = layout_convert(sum->foreign->plan, counters, sum->value, NULL);
	else
		memcpy(sum->value, counters, sum->words * sizeof(*sum->value));
	for (uint32_t word = 0; word < sum->words && !rc; word++)
		total[word] += sum->value[word];
	return rc;
}

/* Of all CPUs. *ret_any: not all of it is 0. */
static int next_read_entry(const struct next_sum *sum, __u32 entry, __u64 *total, bool *ret_any)
{
	__u64 any = 0;
	int rc = 0;

	if (bpf_map_lookup_elem(sum->from, &entry, sum->held))
		return -errno;
	for (int cpu = 0; cpu < sum->cpus && !rc; cpu++)
		rc = next_sum_cpu(sum, sum->held + (size_t)cpu * sum->stride, total);
	for (uint32_t word = 0; word < sum->words; word++)
		any |= total[word];
	*ret_any = any;
	return rc;
}

static int next_zero_entry(const struct next_sum *sum, __u32 entry)
{
	memset(sum->held, 0, (size_t)sum->cpus * sum->stride);
	return bpf_map_update_elem(sum->from, &entry, sum->held, BPF_EXIST) ? -errno : 0;
}

/* In this order: killed in between, nothing is there twice. */
static int next_take_entry(const struct next_sum *sum, __u32 entry)
{
	__u64 total[LBD_OUTCOME_MAX] = { 0 };
	bool any = false;
	int rc = next_read_entry(sum, entry, total, &any);

	if (rc || !any)
		return rc;
	rc = next_zero_entry(sum, entry);
	for (uint32_t word = 0; word < sum->words && !rc; word++)
		rc = next_add(sum->adder, entry, word * 8, total[word]);
	return rc;
}

static int next_sum_map(const struct next *next, enum map_id id, uint32_t entries,
			uint32_t value_size)
{
	struct next_sum sum = {
		.from = next->from->fd[id],
		.cpus = libbpf_num_possible_cpus(),
		.foreign = next->from->foreign[id],
		.stride = value_size,
		.words = value_size / 8,
	};
	int rc = 0;

	if (sum.cpus < 0)
		return sum.cpus;
	if (sum.words > LBD_OUTCOME_MAX)
		return -EPROTO;
	if (sum.foreign)
		sum.stride = sum.foreign->stride;
	sum.held = calloc((size_t)sum.cpus, sum.stride);
	sum.value = calloc(1, value_size);
	sum.adder = sum.held && sum.value ? next_load_adder(next->to->fd[id], value_size) : -ENOMEM;
	if (sum.adder < 0)
		rc = sum.adder;
	for (__u32 entry = 0; entry < entries && !rc; entry++) {
		counters_begin_take(next->to->older);
		rc = next_take_entry(&sum, entry);
		counters_end_take(next->to->older);
	}
	if (sum.adder >= 0)
		close(sum.adder);
	free(sum.held);
	free(sum.value);
	return rc;
}

static int next_take_map(const struct next *next, enum map_id id, uint32_t entries,
			 const struct map_shape *shape, struct error *err)
{
	int rc = next_sum_map(next, id, entries, shape->value_size);

	return rc ? error_errno(err, rc, "take over the counters of %s", shape->name) : 0;
}

/* --- before any is taken */

static int next_check_entry(const struct next_sum *sum, __u32 entry, struct error *err)
{
	int rc = 0;

	if (bpf_map_lookup_elem(sum->from, &entry, sum->held))
		return error_errno(err, -errno, "read a counter");
	for (int cpu = 0; cpu < sum->cpus && !rc; cpu++)
		rc = foreign_convert_value(sum->foreign, sum->held + (size_t)cpu * sum->stride,
					   entry, sum->value, err);
	return rc;
}

static int next_check_map(const struct next *next, enum map_id id, uint32_t entries,
			  const struct map_shape *shape, struct error *err)
{
	struct next_sum sum = {
		.from = next->from->fd[id],
		.cpus = libbpf_num_possible_cpus(),
		.foreign = next->from->foreign[id],
	};
	int rc = 0;

	if (!sum.foreign || sum.cpus < 0)
		return 0;
	sum.stride = sum.foreign->stride;
	sum.held = calloc((size_t)sum.cpus, sum.stride);
	sum.value = calloc(1, shape->value_size);
	if (!sum.held || !sum.value)
		rc = error_set(err, -ENOMEM, "out of memory");
	for (__u32 entry = 0; entry < entries && !rc; entry++)
		rc = next_check_entry(&sum, entry, err);
	free(sum.held);
	free(sum.value);
	return rc;
}

int next_check_counters(const struct next *next, struct error *err)
{
	return next_each(next, MOVE_SUM, next_check_map, err);
}

int next_sum_counters(const struct next *next, struct error *err)
{
	return next_each(next, MOVE_SUM, next_take_map, err);
}
