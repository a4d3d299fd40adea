// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/memory.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "tests/bench/cpu.h"
#include "tests/bench/samples.h"

#define LINE 64
#define LOADS (1U << 20) /* a sample */
#define SAMPLES 11

struct line {
	uint32_t next;
	uint8_t rest[LINE - sizeof(uint32_t)];
};

/* Of the sizes of connection tables: what 64k and 1M IPv4 flows should have. */
static const struct memory_case {
	const char *name;
	uint32_t lines; /* a power of two */
} memory_cases[] = {
	{ "memory.load.4m", (4U << 20) / LINE },
	{ "memory.load.64m", (64U << 20) / LINE },
};

/* Pages of 4 KB, as those of BPF maps are. */
static struct line *memory_map(const struct memory_case *test)
{
	const size_t size = (size_t)test->lines * LINE;
	struct line *lines =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (lines == MAP_FAILED)
		return NULL;
	madvise(lines, size, MADV_NOHUGEPAGE);
	return lines;
}

/* One cycle through all of them (Sattolo's shuffle), in an order that no prefetcher foresees. */
static void memory_chain(struct line *lines, uint32_t count)
{
	uint64_t random = 88172645463325252U;

	for (uint32_t i = 0; i < count; i++)
		lines[i].next = i;
	for (uint32_t i = count - 1; i > 0; i--) {
		uint32_t other, next = lines[i].next;

		random = random * 6364136223846793005U + 1442695040888963407U;
		other = (uint32_t)((random >> 33) % i);
		lines[i].next = lines[other].next;
		lines[other].next = next;
	}
}

static double memory_walk(const struct line *lines, uint32_t *at)
{
	struct timespec from, to;
	uint32_t here = *at;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	for (uint32_t i = 0; i < LOADS; i++) {
		here = lines[here].next;
		__asm__ volatile("" : "+r"(here));
	}
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	*at = here;
	return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
	       LOADS;
}

static void memory_report(struct report *report, const char *name, const struct samples *samples)
{
	struct samples_summary summary;

	samples_summarise(samples, &summary);
	report_add(report, &(struct figure){
				   .name = name,
				   .unit = "ns",
				   .median = summary.median,
				   .min = summary.min,
				   .baseline = summary.median,
				   .ratio = 1,
				   .n = summary.quiet,
				   .noisy = summary.noisy,
				   .aim = FIGURE_NO_AIM,
			   });
}

static int memory_case(struct report *report, const struct memory_case *test, struct error *err)
{
	struct line *lines = memory_map(test);
	struct samples samples = { 0 };
	double before = cpu_reference();
	uint32_t at = 0;

	if (!lines)
		return error_set(err, -ENOMEM, "%s: no memory for %u lines", test->name,
				 test->lines);
	memory_chain(lines, test->lines);
	for (int i = 0; i < SAMPLES; i++) {
		const double ns = memory_walk(lines, &at), after = cpu_reference();

		samples_add(&samples, (struct sample){ ns, ns, fmax(before, after) });
		before = after;
	}
	munmap(lines, (size_t)test->lines * LINE);
	memory_report(report, test->name, &samples);
	return 0;
}

int memory_bench(struct report *report, const char *only, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < sizeof(memory_cases) / sizeof(*memory_cases) && !rc; i++)
		if (strstr(memory_cases[i].name, only))
			rc = memory_case(report, &memory_cases[i], err);
	return rc;
}
