// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Setting what a line asks for. A driver may take a value and keep its own, so
 * what counts is what the kernel shows afterwards.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tune/ethtool.h"
#include "tune/file.h"
#include "tune/irq.h"

static int apply_offload(const struct tune_reading *reading, enum tune_what what)
{
	static const enum tune_offload offloads[TUNE_WHAT_COUNT] = {
		[TUNE_LRO] = TUNE_OFFLOAD_LRO,	     [TUNE_GRO_HW] = TUNE_OFFLOAD_GRO_HW,
		[TUNE_RXVLAN] = TUNE_OFFLOAD_RXVLAN, [TUNE_TXCSUM] = TUNE_OFFLOAD_TXCSUM,
		[TUNE_TSO] = TUNE_OFFLOAD_TSO,	     [TUNE_GSO] = TUNE_OFFLOAD_GSO,
	};

	return ethtool_set_offload_off(reading->interface, offloads[what]);
}

static int apply_queues(const struct tune_reading *reading, enum tune_what what)
{
	struct tune_queues wanted = tune_wanted_queues(reading);

	(void)what;
	return ethtool_set_queues(reading->interface, &wanted);
}

static int apply_rings(const struct tune_reading *reading, enum tune_what what)
{
	struct tune_rings wanted = tune_wanted_rings(reading);

	(void)what;
	return ethtool_set_rings(reading->interface, &wanted);
}

static int apply_irqs(const struct tune_reading *reading, enum tune_what what)
{
	int rc = 0;

	(void)what;
	for (uint32_t i = 0; i < reading->irqs_count && !rc; i++)
		rc = irq_set_cpu(reading->irqs[i].number,
				 tune_wanted_cpu(reading, &reading->irqs[i]));
	return rc;
}

static int apply_rps(const struct tune_reading *reading, enum tune_what what)
{
	char path[96];
	int rc = 0;

	(void)what;
	for (uint32_t i = 0; i < reading->rx_queues && !rc; i++) {
		snprintf(path, sizeof(path), "/sys/class/net/%s/queues/rx-%u/rps_cpus",
			 reading->interface, i);
		rc = file_write(path, "0");
	}
	return rc;
}

/* Set one thing. NULL: nothing that --apply may set is ever asked for there. */
static int (*const setters[TUNE_WHAT_COUNT])(const struct tune_reading *, enum tune_what) = {
	[TUNE_LRO] = apply_offload,    [TUNE_GRO_HW] = apply_offload, [TUNE_RXVLAN] = apply_offload,
	[TUNE_TXCSUM] = apply_offload, [TUNE_TSO] = apply_offload,    [TUNE_GSO] = apply_offload,
	[TUNE_QUEUES] = apply_queues,  [TUNE_RINGS] = apply_rings,    [TUNE_IRQS] = apply_irqs,
	[TUNE_RPS] = apply_rps,
};

static void apply_note_refusal(int rc, struct tune_line *line)
{
	line->result = TUNE_REFUSED;
	if (!rc)
		snprintf(line->refusal, sizeof(line->refusal),
			 "the driver took the value and kept its own");
	else if (rc == -EPERM || rc == -EACCES)
		snprintf(line->refusal, sizeof(line->refusal), "only root may set it");
	else
		snprintf(line->refusal, sizeof(line->refusal), "the driver said: %s",
			 strerror(-rc));
}

/* The line keeps what it was and what was wanted; @reading is what the kernel shows now. */
static int apply_line(struct tune_reading *reading, struct tune_line *line)
{
	int set = setters[line->what](reading, line->what), rc;
	char interface[IF_NAMESIZE];
	struct tune_line after;

	memcpy(interface, reading->interface, sizeof(interface));
	rc = tune_read(interface, reading);
	if (rc)
		return rc;
	tune_judge(reading, line->what, &after);
	if (after.verdict != TUNE_OK) {
		apply_note_refusal(set, line);
		return 0;
	}
	line->verdict = TUNE_OK;
	line->result = TUNE_DONE;
	return 0;
}

int tune_interface(const char *interface, bool apply, struct tune_reading *ret,
		   struct tune_line *ret_lines)
{
	int rc = tune_read(interface, ret);

	for (int what = 0; what < TUNE_WHAT_COUNT && !rc; what++) {
		tune_judge(ret, (enum tune_what)what, &ret_lines[what]);
		if (apply && ret_lines[what].verdict == TUNE_CHANGE)
			rc = apply_line(ret, &ret_lines[what]);
	}
	return rc;
}
