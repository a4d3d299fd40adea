// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/threads.h"

#include <errno.h>
#include <glob.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPOLOGY "tests/bench/topology"
#define THREADS_COMM 32

static void threads_comm(pid_t pid, char comm[THREADS_COMM])
{
	char path[64];
	FILE *file;

	comm[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return;
	if (!fgets(comm, THREADS_COMM, file))
		comm[0] = '\0';
	fclose(file);
}

static bool threads_is(pid_t pid, const char *prefix)
{
	char comm[THREADS_COMM];

	threads_comm(pid, comm);
	return !strncmp(comm, prefix, strlen(prefix));
}

/* All of the machine: only the interface is in their names, not whose it is. */
static void threads_list(struct threads *threads)
{
	glob_t files;

	threads->count = 0;
	if (glob("/proc/[0-9]*", 0, NULL, &files))
		return;
	for (size_t i = 0; i < files.gl_pathc && threads->count < THREADS_MAX; i++) {
		pid_t pid = (pid_t)strtol(files.gl_pathv[i] + strlen("/proc/"), NULL, 10);

		if (threads_is(pid, "napi/"))
			threads->pid[threads->count++] = pid;
	}
	globfree(&files);
}

static bool threads_has(const struct threads *threads, pid_t pid)
{
	for (unsigned int i = 0; i < threads->count; i++)
		if (threads->pid[i] == pid)
			return true;
	return false;
}

static int threads_bring(pid_t pid, struct error *err)
{
	const struct sched_param none = { 0 };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	if (sched_setaffinity(pid, sizeof(set), &set) ||
	    sched_setscheduler(pid, SCHED_BATCH, &none))
		return error_errno(err, -errno, "bring a receiving thread to this CPU");
	return 0;
}

int threads_start(struct threads *ret, struct error *err)
{
	struct threads before, after;
	int rc = 0;

	ret->count = 0;
	threads_list(&before);
	if (system(TOPOLOGY " threads"))
		return error_set(err, -EIO, "failed: " TOPOLOGY " threads");
	threads_list(&after);
	for (unsigned int i = 0; i < after.count && !rc; i++) {
		const pid_t pid = after.pid[i];

		if (threads_has(&before, pid))
			continue;
		rc = threads_bring(pid, err);
		if (threads_is(pid, "napi/l0-") || threads_is(pid, "napi/l1-"))
			ret->pid[ret->count++] = pid;
	}
	if (!rc && ret->count != 2)
		rc = error_set(err, -ENOENT,
			       "of the balancer's links %u have a receiving thread, not 2",
			       ret->count);
	return rc;
}
