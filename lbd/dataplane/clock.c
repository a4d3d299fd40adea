// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The packet path tells time by bpf_jiffies64(), the cheapest clock there is:
 * a tick is 2^shift jiffies, about a second. User space has no jiffies, but
 * CLOCK_MONOTONIC_COARSE advances with them, so its resolution is one jiffy
 * (clock_getres(2)), and one reading of both clocks at start ties them.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <time.h>
#include <unistd.h>

#include "base/monotonic.h"
#include "dataplane/internal.h"

#define SECOND_NS 1000000000LL

#define INSN(c, d, s, o, i) \
	((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })

/* A program that writes jiffies to the first eight bytes of its frame. */
static int clock_load(void)
{
	const struct bpf_insn program[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_1, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_jiffies64),
		INSN(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_6, 0, 0), /* data */
		INSN(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_3, BPF_REG_6, 4, 0), /* data_end */
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_4, BPF_REG_2, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_4, 0, 0, 8),
		INSN(BPF_JMP | BPF_JGT | BPF_X, BPF_REG_4, BPF_REG_3, 1, 0),
		INSN(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_2, BPF_REG_0, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, XDP_PASS),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "lbd_clock", "GPL", program,
			     sizeof(program) / sizeof(*program), NULL);
}

static int clock_read_jiffies(uint64_t *ret, struct error *err)
{
	char frame[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame),
		    .data_out = frame, .data_size_out = sizeof(frame), .repeat = 1);
	int fd, rc;

	fd = clock_load();
	if (fd < 0)
		return error_errno(err, fd, "load the clock program");
	rc = bpf_prog_test_run_opts(fd, &run);
	close(fd);
	if (rc)
		return error_errno(err, rc, "run the clock program");
	__builtin_memcpy(ret, frame, sizeof(*ret));
	return 0;
}

int clock_calibrate(struct dataplane *dataplane, struct error *err)
{
	struct timespec jiffy;
	uint64_t jiffies = 0;
	int64_t hz;
	int rc;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &jiffy) || jiffy.tv_sec || jiffy.tv_nsec < 1)
		return error_set(err, -EINVAL, "CLOCK_MONOTONIC_COARSE has no usable resolution");
	rc = clock_read_jiffies(&jiffies, err);
	if (rc)
		return rc;
	hz = SECOND_NS / jiffy.tv_nsec;
	dataplane->tick_shift = 0;
	while ((1LL << dataplane->tick_shift) * 10 < hz * 8)
		dataplane->tick_shift++;
	dataplane->tables.tick_ns = (uint32_t)(jiffy.tv_nsec << dataplane->tick_shift);
	dataplane->tables.tick_base_ns = monotonic_ns() - (int64_t)jiffies * jiffy.tv_nsec;
	return 0;
}

uint64_t clock_jiffies_in(const struct dataplane *dataplane, uint32_t ms)
{
	const uint32_t jiffy_ns = dataplane->tables.tick_ns >> dataplane->tick_shift;
	const int64_t then = monotonic_ns() + ms * 1000000LL;

	return (uint64_t)(then - dataplane->tables.tick_base_ns) / jiffy_ns;
}
