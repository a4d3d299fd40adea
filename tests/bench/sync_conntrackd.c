// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The reference: conntrackd between the same two namespaces (tests/bench/conntrackd).
 * Its connections are datagrams that alpha sends to as many addresses and ports.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/flow.h"
#include "tests/bench/sync_bench.h"

#define SCRIPT "tests/bench/conntrackd"
#define ENTRIES 250000
#define RUNS 3

/* Run a verb of the script. Its exit code, or a negative errno; *ret_ms is what it printed. */
static int conntrackd_do(struct sync_bench *bench, const char *verb, double *ret_ms)
{
	char command[96];
	FILE *pipe;
	int status;

	snprintf(command, sizeof(command), SCRIPT " %s %d %d", verb, (int)bench->nodes.beta,
		 ENTRIES * 99 / 100);
	pipe = popen(command, "re");
	if (!pipe)
		return -errno;
	if (fscanf(pipe, "%lf", ret_ms) != 1)
		*ret_ms = 0;
	status = pclose(pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}

static int conntrackd_make_flows(struct error *err)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_errno(err, -errno, "a socket");
	for (uint32_t flow = 0; flow < ENTRIES; flow++) {
		const struct sockaddr_in to = {
			.sin_family = AF_INET,
			.sin_addr.s_addr = htonl(flow_address4(flow)),
			.sin_port = htons(flow_port(flow)),
		};

		if (sendto(fd, "", 1, 0, (const struct sockaddr *)&to, sizeof(to)) < 0) {
			int rc = error_errno(err, -errno, "send datagram %u", flow);

			close(fd);
			return rc;
		}
		if (flow % 1024 == 0)
			usleep(1000); /* or the daemon can't follow */
	}
	close(fd);
	return 0;
}

static int conntrackd_once(struct sync_bench *bench, struct sample *ret, struct error *err)
{
	double ms;
	int rc = conntrackd_do(bench, "resync", &ms);

	ret->value = bench->resync_ms;
	ret->baseline = ms;
	return rc || ms <= 0 ? error_set(err, -EPROTO, "conntrackd has not synced its table") : 0;
}

/* As in the sections that compare with others: the ratio says how many times better lbd is. */
static void conntrackd_report(struct sync_bench *bench, const struct samples *samples)
{
	struct samples_summary summary;

	samples_summarise(samples, &summary);
	report_add(bench->report, &(struct figure){
					  .name = "sync.vs_conntrackd",
					  .unit = "ms",
					  .median = summary.median,
					  .min = summary.min,
					  .baseline = summary.baseline,
					  .ratio = summary.baseline / summary.median,
					  .n = summary.quiet,
					  .noisy = summary.noisy,
				  });
}

int sync_bench_conntrackd(struct sync_bench *bench, struct error *err)
{
	struct samples samples = { 0 };
	double none;
	int rc = conntrackd_do(bench, "up", &none);

	if (rc) {
		fprintf(stderr, "bench: sync.vs_conntrackd: %s, see above\n",
			rc == EOPNOTSUPP ? "not supported here" : "conntrackd does not run here");
		conntrackd_do(bench, "down", &none);
		return 0;
	}
	rc = conntrackd_make_flows(err);
	sleep(1);
	if (!rc)
		rc = sync_sample(bench, conntrackd_once, RUNS, &samples, err);
	conntrackd_do(bench, "down", &none);
	if (!rc)
		conntrackd_report(bench, &samples);
	return rc;
}
