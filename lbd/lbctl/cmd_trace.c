// SPDX-License-Identifier: GPL-2.0-or-later
/*
 *   capture -> batch -> tracer (offline or live) -> answers -> lines, and packets out
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hex.h"
#include "lbctl/capture.h"
#include "lbctl/commands.h"
#include "lbctl/options.h"
#include "lbctl/report.h"
#include "lbctl/trace_show.h"
#include "trace/offline.h"

struct trace {
	const struct invocation *invocation;
	struct capture *capture;
	struct capture_writer *writer; /* or NULL */
	struct tracer *tracer;
	struct trace_show show;
	struct tracer_batch batch;
	bool progress; /* shown on standard error */
};

static int trace_fail(const struct trace *trace, int rc, const struct error *err)
{
	const char *hint = err->hint[0] ? err->hint : NULL;

	/* What is on standard output already is finished there. */
	if (!trace->invocation->json || !trace->show.packets)
		return report_error(trace->invocation, LBCTL_FAILED, strerrorname_np(-rc),
				    err->text, hint);
	fprintf(stderr, "lbctl: %s\n", err->text);
	return LBCTL_FAILED;
}

/* --- batches */

static bool trace_has_room(const struct tracer_batch *batch)
{
	return batch->count < API_TRACE_PACKETS_MAX &&
	       batch->bytes + DATAPLANE_FRAME_MAX <= TRACER_BATCH_BYTES;
}

/* How much of it can be run, and what to know of that. */
static void trace_judge(const struct capture_packet *from, struct tracer_packet *to)
{
	if (from->length < from->captured)
		to->length = from->captured;
	if (to->length > DATAPLANE_FRAME_MAX)
		snprintf(to->note, sizeof(to->note),
			 "not run: %u bytes, at most %d can be (captured before segmentation?)",
			 to->length, DATAPLANE_FRAME_MAX);
	else if (from->captured < DATAPLANE_FRAME_MIN)
		snprintf(to->note, sizeof(to->note), "not run: %u bytes, no Ethernet header",
			 from->captured);
	else
		to->size = to->length;
	if (to->size > from->captured)
		snprintf(to->note, sizeof(to->note),
			 "only %u of %u bytes were captured, the others are taken as 0",
			 from->captured, to->length);
}

static void trace_add(struct tracer_batch *batch, const struct capture_packet *from)
{
	struct tracer_packet *to = &batch->packets[batch->count++];
	uint8_t *frame = batch->frames + batch->bytes;

	*to = (struct tracer_packet){ .number = from->number,
				      .time_ns = from->time_ns,
				      .length = from->length,
				      .frame = frame };
	trace_judge(from, to);
	if (!to->size)
		return;
	memcpy(frame, from->bytes, from->captured);
	memset(frame + from->captured, 0, to->size - from->captured);
	batch->bytes += to->size;
}

/* 1: there may be more; 0: the capture has ended; negative: it is broken, behind the batch. */
static int trace_fill(struct trace *trace, struct error *err)
{
	struct capture_packet packet;
	int rc = 1;

	trace->batch.count = trace->batch.bytes = 0;
	while (rc > 0 && trace_has_room(&trace->batch)) {
		rc = capture_next(trace->capture, &packet, err);
		if (rc > 0)
			trace_add(&trace->batch, &packet);
	}
	return rc;
}

static void trace_write(const struct trace *trace, const struct tracer_packet *packet,
			const json_t *answer)
{
	const char *out = json_string_value(json_object_get(answer, "out"));
	uint8_t frame[TRACE_OUT_MAX];
	int size;

	if (!trace->writer || !out)
		return;
	size = hex_parse(out, frame, sizeof(frame));
	if (size > 0)
		capture_write(trace->writer, packet->time_ns, frame, (uint32_t)size);
}

static int trace_run_batch(struct trace *trace)
{
	const struct tracer_batch *batch = &trace->batch;
	json_t *answers = NULL;
	size_t answered = 0;
	int rc;

	rc = trace->tracer->kind->run(trace->tracer, batch, &answers);
	for (uint32_t i = 0; i < batch->count && !rc; i++) {
		const struct tracer_packet *packet = &batch->packets[i];
		json_t *answer = packet->size ? json_array_get(answers, answered++) : NULL;

		trace_show_packet(&trace->show, packet, answer);
		trace_write(trace, packet, answer);
	}
	json_decref(answers);
	return rc;
}

/* So many packets take a second or two. */
#define TRACE_LONG 100000

static void trace_progress(const struct trace *trace, const char *end)
{
	if (trace->progress && trace->show.packets >= TRACE_LONG)
		fprintf(stderr, "\r%llu packets%s", (unsigned long long)trace->show.packets, end);
}

static int trace_run_all(struct trace *trace)
{
	struct error err = { 0 };
	int rc = LBCTL_OK, more = 1;

	while (more > 0 && rc == LBCTL_OK) {
		more = trace_fill(trace, &err);
		if (trace->batch.count)
			rc = trace_run_batch(trace);
		trace_progress(trace, "");
	}
	trace_progress(trace, "\n");
	return rc == LBCTL_OK && more < 0 ? trace_fail(trace, more, &err) : rc;
}

/* --- the way through */

static int trace_open_files(struct trace *trace)
{
	const char *write = command_value(trace->invocation, "write");
	struct error err = { 0 };
	int rc;

	rc = capture_open(command_value(trace->invocation, "pcap"), &trace->capture, &err);
	if (!rc && write)
		rc = capture_create(write, trace->capture, &trace->writer, &err);
	return rc ? trace_fail(trace, rc, &err) : LBCTL_OK;
}

static int trace_open(struct trace *trace)
{
	const struct invocation *invocation = trace->invocation;

	if (command_value(invocation, "config"))
		return tracer_open_offline(invocation, &trace->tracer);
	return tracer_open_live(invocation, &trace->tracer);
}

/* A refusal before the first packet is all that is said; after that, what was done is finished. */
static int trace_all(struct trace *trace)
{
	int rc;

	if (!trace_show_start(&trace->show, trace->invocation))
		return report_error(trace->invocation, LBCTL_FAILED, "ENOMEM", "out of memory",
				    NULL);
	rc = trace_run_all(trace);
	if (!rc || trace->show.packets)
		trace_show_finish(&trace->show, !rc);
	return rc;
}

static int trace_close(struct trace *trace, int rc)
{
	struct error err = { 0 };
	int fault = capture_finish(trace->writer, &err);

	if (fault && !rc)
		rc = trace_fail(trace, fault, &err);
	trace_show_end(&trace->show);
	capture_close(trace->capture);
	if (trace->tracer)
		trace->tracer->kind->close(trace->tracer);
	free(trace);
	return rc;
}

static int trace_check_usage(const struct invocation *invocation)
{
	bool offline = command_value(invocation, "config");

	if (!command_value(invocation, "pcap"))
		return options_refuse(invocation->command, "trace: --pcap FILE is missing");
	if (offline && command_value(invocation, "interface"))
		return options_refuse(invocation->command,
				      "trace: --interface is for the running daemon, --config "
				      "has none");
	if (!offline && command_value(invocation, "object"))
		return options_refuse(invocation->command, "trace: --object needs --config");
	return LBCTL_OK;
}

static int trace_start(const struct invocation *invocation)
{
	struct trace *trace;
	int rc = trace_check_usage(invocation);

	if (rc)
		return rc;
	trace = calloc(1, sizeof(*trace));
	if (!trace)
		return report_error(invocation, LBCTL_FAILED, "ENOMEM", "out of memory", NULL);
	trace->invocation = invocation;
	trace->progress = isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO);
	rc = trace_open_files(trace);
	if (!rc)
		rc = trace_open(trace);
	if (!rc)
		rc = trace_all(trace);
	return trace_close(trace, rc);
}

static const struct command_option trace_options[] = {
	{ "pcap", "FILE", "the capture, pcap or pcapng, of Ethernet frames; - for standard input" },
	{ "config", "FILE", "on a packet path of its own for this config; needs no daemon" },
	{ "write", "FILE", "write the packets that are sent to this pcap" },
	{ "interface", "NAME", "the running daemon: where they come in (default: its first)" },
	{ "object", "FILE", "with --config: another packet path than the installed one" },
	{ 0 },
};

static const struct command_example trace_examples[] = {
	{ "trace --config lbd.yaml --pcap in.pcap", "what this config does with these packets" },
	{ "trace --config lbd.yaml --pcap in.pcap --write out.pcap", "and what is sent" },
	{ "trace --pcap in.pcap --json", "what the running lbd would do, as JSON" },
	{ 0 },
};

const struct command cmd_trace = {
	.name = "trace",
	.arguments = "--pcap FILE [--config FILE] [--write FILE]",
	.summary = "what becomes of the packets of a capture, and why",
	.details =
		"Runs each packet of a capture through the packet path, in order, and prints its "
		"action (tx, redirect, pass, drop), service, backend, the length of the packet out "
		"and the outcome in a sentence. No packet is sent.\n"
		"With --config, lbctl loads a packet path of its own (as root, on any host). "
		"Connections are remembered from packet to packet and age by the capture's own "
		"time. Every backend counts as healthy; next hops are the config's mac keys, else "
		"" TRACE_MAC_BACKEND ", on a link with an MTU of 1500; frames for any MAC address "
		"are taken; what a backend answers by NAT goes back out where it came from.\n"
		"Without --config, the running lbd is asked. Its tables are read, nothing in them "
		"changes: no entry, no age, no counter. So each packet is judged for itself, "
		"now.\n"
		"Packets that the capture cut short are filled up with zeros, with a note. Those "
		"of "
		"more than 3520 bytes, which is what test-run takes, are not run, with a note.\n"
		"--json prints an object {capture, packets, summary, complete}, a line for each "
		"packet: number, time (seconds since the epoch), length, action, outcome, kind "
		"(pass, forward, answer, drop), sentence, service, backend, out_interface (when "
		"redirected), out (the frame sent, in hexadecimal), note; null where there is "
		"none. complete is false if the capture or the trace broke off; the exit status "
		"is 1 then and the reason on standard error.",
	.options = trace_options,
	.examples = trace_examples,
	.run = trace_start,
};
