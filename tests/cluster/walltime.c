// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Preloaded, it moves a process's wall clock by the seconds (a 64-bit integer)
 * that stand in the file WALLTIME_FILE, as they change. Monotonic clocks stay.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

typedef int walltime_clock_gettime(clockid_t clock, struct timespec *now);

static const volatile int64_t *walltime_offset(void)
{
	static const volatile int64_t *offset;
	const char *path = getenv("WALLTIME_FILE");
	int fd = offset || !path ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	void *map;

	if (fd < 0)
		return offset;
	map = mmap(NULL, sizeof(*offset), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		offset = map;
	return offset;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	static walltime_clock_gettime *real;
	const volatile int64_t *offset;
	int err;

	if (!real)
		real = (walltime_clock_gettime *)dlsym(RTLD_NEXT, "clock_gettime");
	err = real(clock, now);
	offset = clock == CLOCK_REALTIME ? walltime_offset() : NULL;
	if (!err && offset)
		now->tv_sec += *offset;
	return err;
}

time_t time(time_t *ret)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	if (ret)
		*ret = now.tv_sec;
	return now.tv_sec;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec exact = { 0 };

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &exact);
	*now = (struct timeval){ exact.tv_sec, exact.tv_nsec / 1000 };
	return 0;
}
