// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/packet/ask.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/outcome.h"
#include "tests/packet/hexdiff.h"
#include "trace/trace.h"

int ask_open(struct ask *ask, const struct lab *lab, const char *object, uint32_t features,
	     struct error *err)
{
	int fd, rc;

	rc = dataplane_load(lab->dataplane, object, lab->model,
			    features | LBD_FEATURE_TRACE | LBD_FEATURE_READONLY, &fd, err);
	if (rc)
		return rc;
	rc = dataplane_trace_open(lab->dataplane, fd, &ask->trace, err);
	close(fd);
	return rc;
}

void ask_close(struct ask *ask)
{
	dataplane_trace_close(ask->trace);
}

/* --- what must not change */

static uint64_t ask_digest(uint64_t sum, const void *memory, size_t size)
{
	const uint64_t *words = memory;

	for (size_t i = 0; i < size / sizeof(*words); i++)
		sum = lbd_mix(sum ^ words[i]) + i;
	return sum;
}

static uint64_t ask_digest_traffic(uint64_t sum, const struct lab *lab, uint32_t count,
				   int (*read)(const struct dataplane *, struct lbd_traffic *))
{
	struct lbd_traffic *all = calloc(count, sizeof(*all));

	if (all && !read(lab->dataplane, all))
		sum = ask_digest(sum, all, count * sizeof(*all));
	free(all);
	return sum;
}

/* Of every byte that the packet path may write. */
static uint64_t ask_marks(const struct lab *lab)
{
	const struct tables *tables = dataplane_tables(lab->dataplane);
	uint64_t counters[LBD_OUTCOME_MAX] = { 0 }, sum = 0;

	dataplane_outcomes(lab->dataplane, counters);
	sum = ask_digest(sum, counters, sizeof(counters));
	sum = ask_digest(sum, tables->conn4, tables->conn4_buckets * sizeof(*tables->conn4));
	sum = ask_digest(sum, tables->conn6, tables->conn6_buckets * sizeof(*tables->conn6));
	sum = ask_digest(sum, tables->nat4, tables->nat4_buckets * sizeof(*tables->nat4));
	sum = ask_digest(sum, tables->nat6, tables->nat6_buckets * sizeof(*tables->nat6));
	sum = ask_digest(sum, tables->dirty4, tables->conn4_buckets / 8);
	sum = ask_digest(sum, tables->dirty6, tables->conn6_buckets / 8);
	sum = ask_digest_traffic(sum, lab, lab->model->limits.services, dataplane_service_traffic);
	return ask_digest_traffic(sum, lab, lab->model->limits.backends, dataplane_backend_traffic);
}

/* --- what it must say */

static bool ask_judge(const struct ask *ask, const struct case_step *step,
		      const struct trace_result *result)
{
	const char *outcome = outcomes[result->outcome].name;

	if (result->action == step->verdict && !strcmp(outcome, step->outcome) &&
	    hexdiff_equal(&step->frame_out, result->out, result->size))
		return true;
	fprintf(ask->report, "  a trace beforehand: expected %s, %s; came %s, %s\n",
		case_verdict_name(step->verdict), step->outcome, case_verdict_name(result->action),
		outcome);
	hexdiff_print(ask->report, &step->frame_out, result->out, result->size);
	return false;
}

bool ask_step(const struct ask *ask, const struct lab *lab, const struct case_step *step,
	      uint32_t ifindex)
{
	struct trace_result result;
	struct error err = { 0 };
	uint64_t before;

	if (!ask->trace || step->frame_in.size < DATAPLANE_FRAME_MIN)
		return true;
	before = ask_marks(lab);
	if (trace_run(ask->trace, lab->model, ifindex, step->frame_in.bytes, step->frame_in.size,
		      &result, &err)) {
		fprintf(ask->report, "  a trace beforehand: %s\n", err.text);
		return false;
	}
	if (before != ask_marks(lab)) {
		fprintf(ask->report, "  a trace beforehand changed a table or a counter\n");
		return false;
	}
	/* How many answers are left is of each generation, and CPU: the trace has all of its own. */
	if (!strcmp(step->outcome, "drop_answer_limit"))
		return true;
	return ask_judge(ask, step, &result);
}
