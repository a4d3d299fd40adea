// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/cpu.h"

#include <errno.h>
#include <glob.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool cpu_comm_is(const char *path, const char *name)
{
	char comm[32] = "";
	FILE *file = fopen(path, "re");

	if (!file)
		return false;
	if (!fgets(comm, sizeof(comm), file))
		comm[0] = '\0';
	fclose(file);
	comm[strcspn(comm, "\n")] = '\0';
	return !strcmp(comm, name);
}

int cpu_open(struct cpu_meter *meter, struct error *err)
{
	char name[32];
	glob_t files;

	memset(meter, 0, sizeof(*meter));
	snprintf(name, sizeof(name), "ksoftirqd/%d", sched_getcpu());
	if (glob("/proc/[0-9]*/comm", 0, NULL, &files))
		return error_set(err, -ENOENT, "/proc shows no processes");
	for (size_t i = 0; i < files.gl_pathc && !meter->ksoftirqd; i++)
		if (cpu_comm_is(files.gl_pathv[i], name))
			meter->ksoftirqd =
				(pid_t)strtol(files.gl_pathv[i] + strlen("/proc/"), NULL, 10);
	globfree(&files);
	return meter->ksoftirqd ? 0 : error_set(err, -ENOENT, "no process %s", name);
}

double cpu_ns_of(pid_t pid)
{
	char path[64];
	double ns = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%lf", &ns) != 1)
		ns = 0;
	fclose(file);
	return ns;
}

static double cpu_own_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

double cpu_ns(const struct cpu_meter *meter)
{
	return cpu_own_ns() + cpu_ns_of(meter->ksoftirqd);
}

double cpu_reference(void)
{
	const double from = cpu_own_ns();
	uint64_t a = 1, b = 2, c = 3, d = 4;

	for (uint64_t i = 0; i < 5000000; i++) {
		a += i;
		b ^= i;
		c += a;
		d ^= b;
		__asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
	}
	return (cpu_own_ns() - from) / 1e6;
}
