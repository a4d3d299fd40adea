// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asking a generation what it does with a packet. The record (struct lbd_trace)
 * is a map of the generation's own, mapped here: nobody else runs that program,
 * so what stands in it after a run is of that run, and the count of exits
 * proves it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/monotonic.h"
#include "dataplane/internal.h"

struct dataplane_trace {
	struct dataplane *dataplane;
	int prog_fd;
	struct lbd_trace *record;
	uint64_t jiffies; /* when it was opened */
	uint32_t jiffy_ns;
};

static int trace_map(struct dataplane_trace *trace, struct error *err)
{
	int fd = generation_map(trace->prog_fd, LBD_TRACE_MAP, sizeof(*trace->record)), rc = 0;
	void *memory;

	if (fd < 0)
		return error_set(err, fd,
				 "this packet path can't be traced: it has no map " LBD_TRACE_MAP);
	memory = mmap(NULL, sizeof(*trace->record), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		rc = error_errno(err, -errno, "map " LBD_TRACE_MAP " into memory");
	else
		trace->record = memory;
	close(fd);
	return rc;
}

int dataplane_trace_open(struct dataplane *dataplane, int prog_fd, struct dataplane_trace **ret,
			 struct error *err)
{
	struct dataplane_trace *trace = calloc(1, sizeof(*trace));
	int rc;

	if (!trace)
		return error_set(err, -ENOMEM, "out of memory");
	trace->dataplane = dataplane;
	trace->jiffy_ns = dataplane->tables.tick_ns >> dataplane->tick_shift;
	trace->jiffies = (uint64_t)(monotonic_ms() * 1000000 - dataplane->tables.tick_base_ns) /
			 trace->jiffy_ns;
	trace->prog_fd = fcntl(prog_fd, F_DUPFD_CLOEXEC, 0);
	if (trace->prog_fd < 0)
		rc = error_errno(err, -errno, "keep a program for tracing");
	else
		rc = trace_map(trace, err);
	if (rc) {
		dataplane_trace_close(trace);
		return rc;
	}
	*ret = trace;
	return 0;
}

/* Its stages stand in lbd_generations, and would hold their programs for ever. */
static void trace_leave(const struct dataplane_trace *trace)
{
	struct lbd_generation_config config;

	generation_config(trace->prog_fd, &config);
	stages_leave_bank(trace->dataplane, config.bank);
}

void dataplane_trace_close(struct dataplane_trace *trace)
{
	if (!trace)
		return;
	if (trace->record)
		munmap(trace->record, sizeof(*trace->record));
	if (trace->prog_fd >= 0) {
		trace_leave(trace);
		close(trace->prog_fd);
	}
	free(trace);
}

void dataplane_trace_set_elapsed(struct dataplane_trace *trace, uint64_t ns)
{
	trace->record->jiffies = trace->jiffies + ns / trace->jiffy_ns;
}

int dataplane_trace_run(struct dataplane_trace *trace, uint32_t ifindex, const void *in,
			uint32_t in_size, void *out, uint32_t *out_size, struct lbd_trace *ret)
{
	const uint64_t jiffies = trace->record->jiffies;
	int action;

	*trace->record = (struct lbd_trace){ .jiffies = jiffies };
	action = dataplane_test_run(trace->dataplane, trace->prog_fd, ifindex, in, in_size, out,
				    out_size);
	*ret = *trace->record;
	if (action >= 0 && (ret->exits != 1 || ret->outcome >= LBD_OUTCOME_COUNT))
		return -EBADMSG;
	return action;
}
