// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * 100,000 new flows a second: how long they take, what they cost. The lag is
 * measured from outside: a thread enters flows and notes when, this one looks
 * for some of them in the other table.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/monotonic.h"
#include "tests/bench/sync_bench.h"

#define RATE 100000
#define NOTES 65536 /* of flows entered last; a power of two */
#define WINDOW_NS 1e9
#define WINDOWS 8
#define LAGS_MAX 4096
#define LOST_NS 1e9 /* nothing takes so long unless it is lost */

struct sync_live {
	struct sync_bench *bench;
	pthread_t thread;
	bool stop;
	uint32_t entered;
	double entered_ns[NOTES];
	double lags[LAGS_MAX];
	uint32_t lags_count;
	struct samples lag, cpu, bytes;
};

/* --- the writer */

static void *live_write(void *argument)
{
	struct sync_live *live = argument;
	const double start_ns = monotonic_ns();
	const struct tables *tables = &live->bench->plain[SYNC_ALPHA];
	uint32_t n = 0;

	prctl(PR_SET_TIMERSLACK, 1UL);
	while (!__atomic_load_n(&live->stop, __ATOMIC_RELAXED)) {
		double now_ns = monotonic_ns();

		for (; n < (now_ns - start_ns) * RATE / 1e9; n++) {
			live->entered_ns[n % NOTES] = monotonic_ns();
			sync_table_enter(tables, n);
			__atomic_store_n(&live->entered, n + 1, __ATOMIC_RELEASE);
		}
		usleep(100);
	}
	return NULL;
}

/* --- the watcher */

static int live_watch_one(struct sync_live *live, struct error *err)
{
	uint32_t n = __atomic_load_n(&live->entered, __ATOMIC_ACQUIRE) - 1;
	double entered_ns = live->entered_ns[n % NOTES], now_ns;

	if (!sync_table_has(&live->bench->plain[SYNC_ALPHA], n))
		return 0;
	while (!sync_table_has(&live->bench->plain[SYNC_BETA], n)) {
		now_ns = monotonic_ns();
		if (now_ns - entered_ns > LOST_NS)
			return error_set(err, -ETIMEDOUT, "flow %u has not arrived", n);
		usleep(20);
	}
	now_ns = monotonic_ns();
	if (live->lags_count < LAGS_MAX)
		live->lags[live->lags_count++] = (now_ns - entered_ns) / 1e3;
	return 0;
}

static int live_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* One window: samples of the lag at times that have nothing to do with flushes. */
static int live_watch(struct sync_live *live, struct error *err)
{
	const double end_ns = monotonic_ns() + WINDOW_NS;
	int rc = 0;

	live->lags_count = 0;
	while (!rc && monotonic_ns() < end_ns) {
		usleep((useconds_t)random() % 1000);
		rc = live_watch_one(live, err);
	}
	qsort(live->lags, live->lags_count, sizeof(*live->lags), live_compare);
	return rc;
}

static int live_window(struct sync_live *live, struct error *err)
{
	struct sync_cpu cpu_before, cpu_after;
	struct sync_peer_status status;
	double from_ns = monotonic_ns(), took_ns;
	uint64_t bytes = sync_nodes_bytes();
	uint32_t entered = __atomic_load_n(&live->entered, __ATOMIC_RELAXED);
	int rc;

	sync_nodes_cpu(&cpu_before);
	rc = live_watch(live, err);
	if (!rc)
		rc = sync_nodes_status(&live->bench->nodes, SYNC_ALPHA, &status, err);
	if (rc)
		return rc;
	sync_nodes_cpu(&cpu_after);
	took_ns = monotonic_ns() - from_ns;
	entered = __atomic_load_n(&live->entered, __ATOMIC_RELAXED) - entered;
	bytes = sync_nodes_bytes() - bytes;
	samples_add(&live->lag, (struct sample){ live->lags[live->lags_count * 99 / 100],
						 (double)status.lag_p99_us, took_ns });
	samples_add(&live->cpu,
		    (struct sample){ 100 * (cpu_after.thread - cpu_before.thread) / took_ns,
				     100 * (cpu_after.all - cpu_before.all) / took_ns, took_ns });
	samples_add(&live->bytes, (struct sample){ (double)bytes / entered, 0, took_ns });
	return 0;
}

static int live_measure(struct sync_live *live, struct error *err)
{
	int rc;

	if (pthread_create(&live->thread, NULL, live_write, live))
		return error_set(err, -EAGAIN, "can't start a thread that enters flows");
	usleep(200000);
	rc = live_watch(live, err); /* warm */
	for (int i = 0; i < WINDOWS && !rc; i++)
		rc = live_window(live, err);
	__atomic_store_n(&live->stop, true, __ATOMIC_RELAXED);
	pthread_join(live->thread, NULL);
	if (!rc)
		rc = sync_wait_flows(live->bench, live->entered, err);
	return rc;
}

static int live_run(struct sync_bench *bench, struct sync_live *live, struct error *err)
{
	int rc;

	sync_table_clear(&bench->plain[SYNC_ALPHA]);
	sync_table_clear(&bench->plain[SYNC_BETA]);
	bench->nodes.tables[SYNC_ALPHA] = &bench->plain[SYNC_ALPHA];
	rc = sync_nodes_join(&bench->nodes, err);
	if (!rc)
		rc = live_measure(live, err);
	if (!rc)
		rc = sync_prove(bench, err);
	return rc ? rc : sync_nodes_part(&bench->nodes, err);
}

int sync_bench_live(struct sync_bench *bench, struct error *err)
{
	static const struct sync_figure lag = { "sync.lag_p99", "us", FIGURE_MEDIAN_AT_MOST, 1000 },
					cpu = { "sync.cpu", "%", FIGURE_MEDIAN_AT_MOST, 15 },
					bytes = { "sync.bytes_live", "B", FIGURE_MEDIAN_AT_MOST,
						  40 };
	struct sync_live *live = calloc(1, sizeof(*live));
	int rc;

	if (!live)
		return error_set(err, -ENOMEM, "out of memory");
	live->bench = bench;
	prctl(PR_SET_TIMERSLACK, 1UL);
	rc = live_run(bench, live, err);
	prctl(PR_SET_TIMERSLACK, 0UL);
	if (!rc) {
		sync_report(bench, &lag, &live->lag);
		sync_report(bench, &cpu, &live->cpu);
		sync_report(bench, &bytes, &live->bytes);
	}
	free(live);
	return rc;
}
