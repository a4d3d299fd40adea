// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench [--quick] [--build DIRECTORY] [--json FILE] [--only PART OF A NAME]
 *
 * --only =NAME picks that one alone. Needs root. --quick leaves out the end-to-end part and takes fewer samples.
 */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/e2e.h"
#include "tests/bench/memory.h"
#include "tests/bench/packet.h"
#include "tests/bench/peers.h"
#include "tests/bench/report.h"
#include "tests/bench/sync.h"

struct options {
	bool quick;
	const char *build;
	const char *json;
	const char *only;
};

static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{ "quick", no_argument, NULL, 'q' },
		{ "build", required_argument, NULL, 'b' },
		{ "json", required_argument, NULL, 'j' },
		{ "only", required_argument, NULL, 'o' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 'q')
			options->quick = true;
		else if (option == 'b')
			options->build = optarg;
		else if (option == 'j')
			options->json = optarg;
		else if (option == 'o')
			options->only = optarg;
		else
			return -EINVAL;
	}
	return 0;
}

/* The last CPU: interrupts and whoever else is at work prefer the first. */
static void stay_on_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((int)sysconf(_SC_NPROCESSORS_ONLN) - 1, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static int run_all(const struct options *options, struct report *report, struct error *err)
{
	int rc;

	rc = memory_bench(report, options->only, err);
	if (!rc)
		rc = packet_bench(report, options->build, options->only, options->quick, err);
	if (!rc && !options->quick)
		rc = e2e_bench(report, options->build, options->only, err);
	if (!rc && !options->quick)
		rc = peers_bench(report, options->build, options->only, err);
	if (!rc && !options->quick)
		rc = sync_bench(report, options->build, options->only, err);
	if (!rc && options->json && report_save(report, options->json))
		rc = error_set(err, -EIO, "can't write %s", options->json);
	return rc;
}

int main(int argc, char **argv)
{
	struct options options = { .build = "build", .only = "" };
	struct error err = { 0 };
	struct report *report;
	int rc;

	if (parse_options(argc, argv, &options))
		return 2;
	stay_on_one_cpu();
	report = report_new();
	if (!report)
		return 1;
	rc = run_all(&options, report, &err);
	if (rc)
		fprintf(stderr, "bench: %s\n", err.text);
	report_free(report);
	return rc != 0;
}
