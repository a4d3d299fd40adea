// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random and mutated packets through the packet path and the reference. Every
 * file of setups/ is a test; one more says that each outcome that can be
 * reached was.
 *
 *   model_test [--seed N] [--count PACKETS] [--setup NAME] [--story N]
 *              [--dir tests/model] [--object build/bpf/lb.bpf.o]
 */
#include <getopt.h>
#include <glob.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/compare.h"
#include "tests/model/kernel.h"
#include "tests/model/play.h"
#include "tests/model/random.h"

#define STORY_PACKETS 4000
#define WRONG_MAX 5 /* stories of a setup; one bug is many differences */

struct run {
	struct run_place place;
	const char *neighbours;
	const char *setup; /* only this one; NULL: all */
	uint64_t seed;
	uint64_t count;
	long story; /* only this one; -1: all */
	struct story book;
	uint64_t packets[LBD_OUTCOME_MAX]; /* by outcome */
	uint32_t tests, failed;
};

/* What must have come. No frame brings about a missing generation or headroom, or broken tables. */
static const bool run_reachable[LBD_OUTCOME_COUNT] = {
	[LBD_OUTCOME_PASS_NOT_IP] = true,
	[LBD_OUTCOME_PASS_NOT_L4] = true,
	[LBD_OUTCOME_PASS_NO_SERVICE] = true,
	[LBD_OUTCOME_PASS_TRUNCATED] = true,
	[LBD_OUTCOME_PASS_OTHER_HOST] = true,
	[LBD_OUTCOME_FORWARD_KNOWN] = true,
	[LBD_OUTCOME_FORWARD_NEW] = true,
	[LBD_OUTCOME_FORWARD_FIRST] = true,
	[LBD_OUTCOME_FORWARD_UNTRACKED] = true,
	[LBD_OUTCOME_FORWARD_REPICKED] = true,
	[LBD_OUTCOME_FORWARD_STICKY] = true,
	[LBD_OUTCOME_FORWARD_ICMP] = true,
	[LBD_OUTCOME_FORWARD_FRAGMENT] = true,
	[LBD_OUTCOME_ANSWER_ECHO] = true,
	[LBD_OUTCOME_DROP_ICMP_BAD] = true,
	[LBD_OUTCOME_DROP_FRAGMENT] = true,
	[LBD_OUTCOME_DROP_NO_BACKEND] = true,
	[LBD_OUTCOME_DROP_UNRESOLVED] = true,
	[LBD_OUTCOME_DROP_TOO_BIG] = true,
	[LBD_OUTCOME_DROP_BAD_LENGTH] = true,
	[LBD_OUTCOME_DROP_BAD_HEADER] = true,
	[LBD_OUTCOME_DROP_BAD_FLAGS] = true,
	[LBD_OUTCOME_DROP_MARTIAN] = true,
	[LBD_OUTCOME_DROP_VIP_SOURCE] = true,
	[LBD_OUTCOME_DROP_ANSWER_LIMIT] = true,
	[LBD_OUTCOME_ANSWER_TOO_BIG] = true,
	[LBD_OUTCOME_ANSWER_RESET] = true,
	[LBD_OUTCOME_ANSWER_UNREACHABLE] = true,
	[LBD_OUTCOME_FORWARD_QUIC] = true,
	[LBD_OUTCOME_DROP_DENIED] = true,
	[LBD_OUTCOME_DROP_NOT_ALLOWED] = true,
	[LBD_OUTCOME_FORWARD_RETURN] = true,
	[LBD_OUTCOME_DROP_NAT_PORTS] = true,
	[LBD_OUTCOME_DROP_NAT_UNKNOWN] = true,
	[LBD_OUTCOME_DROP_TTL] = true,
	[LBD_OUTCOME_DROP_NO_ROUTE] = true,
	[LBD_OUTCOME_DROP_SOURCE_PACKETS] = true,
	[LBD_OUTCOME_DROP_SOURCE_NEW] = true,
	[LBD_OUTCOME_DROP_SERVICE_PACKETS] = true,
	[LBD_OUTCOME_DROP_SERVICE_NEW] = true,
	[LBD_OUTCOME_DROP_ICMP_UNKNOWN] = true,
	[LBD_OUTCOME_HOLD_FRAGMENT] = true,
};

static void run_tell(struct run *run, bool good, const char *what)
{
	run->tests++;
	run->failed += !good;
	printf("%sok %u - %s\n", good ? "" : "not ", run->tests, what);
	fflush(stdout);
}

/* Each line as a TAP comment. */
static void run_comment(const char *text)
{
	while (*text) {
		size_t size = strcspn(text, "\n");

		printf("# %.*s\n", (int)size, text);
		text += size + (text[size] == '\n');
	}
}

/* A difference: what it was, and the least of the story that brings it about again. */
static void run_explain(struct run *run, struct stage *stage, uint32_t last, FILE *report)
{
	play_minimise(stage, stage->way, &run->book, last);
	fprintf(report, "the same, or another difference at this event, after the least story:\n");
	if (play_story(stage, stage->way, &run->book, report) == (int)last)
		story_print(&run->book, last, stage->lab.model, report);
	else
		fprintf(report, "  none when the story was told again\n");
}

/* Plays one story. What differed is told as a comment. */
static bool run_story(struct run *run, struct stage *stage, const char *setup, long number)
{
	const enum stage_way way = (enum stage_way)(number % STAGE_WAYS);
	struct random random = { run->seed ^ (uint64_t)number << 20 };
	char *first = NULL, *text = NULL;
	size_t size;
	FILE *report = open_memstream(&first, &size);
	int last;

	story_tell(&run->book, random_next(&random), stage->lab.model, STORY_PACKETS,
		   (struct story_kind){ .crowd = stage->crowded, .alone = *stage->clocks });
	last = play_story(stage, way, &run->book, report);
	fclose(report);
	if (last != PLAY_GOOD) {
		report = open_memstream(&text, &size);
		fprintf(report, "--seed %llu --setup %s --story %ld, event %d, %s:\n",
			(unsigned long long)run->seed, setup, number, last,
			way == STAGE_SPECIALISED ? "specialised" : "with every feature");
		fputs(first, report);
		run_explain(run, stage, last < 0 ? 0 : (uint32_t)last, report);
		fclose(report);
		run_comment(text);
	}
	free(first);
	free(text);
	return last == PLAY_GOOD;
}

/* Plays until the packets are used up, or too many stories went wrong. */
static bool run_stories(struct run *run, struct stage *stage, const char *setup, uint64_t packets)
{
	uint32_t wrong = 0;

	for (long n = 0; (uint64_t)n * STORY_PACKETS < packets && wrong < WRONG_MAX; n++)
		if (run->story < 0 || n == run->story)
			wrong += !run_story(run, stage, setup, n);
	return !wrong;
}

static void run_setup(struct run *run, const char *setup, uint64_t packets)
{
	const struct stage_options options = { &run->place, setup, run->seed, STORY_PACKETS };
	struct error err = { 0 };
	struct stage stage;
	char what[128];
	bool good = false;

	if (stage_open(&stage, &options, &err))
		run_comment(err.text);
	else
		good = run_stories(run, &stage, setup, packets);
	for (int i = 0; i < LBD_OUTCOME_COUNT; i++)
		run->packets[i] += stage.seen[i];
	stage_close(&stage);
	snprintf(what, sizeof(what), "setup %s: %llu packets, each as the reference says", setup,
		 (unsigned long long)packets);
	run_tell(run, good, what);
}

static void run_coverage(struct run *run)
{
	bool good = true;

	for (int i = 0; i < LBD_OUTCOME_COUNT; i++) {
		if (!run_reachable[i] && !run->packets[i])
			continue;
		printf("# %10llu %s\n", (unsigned long long)run->packets[i],
		       compare_outcome_names[i]);
		good &= run->packets[i] > 0;
	}
	run_tell(run, good, "every outcome that a packet can have came at least once");
}

/* The file's name, without its ending. */
static char *run_name(const char *path)
{
	char *name = strdup(strrchr(path, '/') + 1);

	if (name)
		name[strcspn(name, ".")] = '\0';
	return name;
}

static void run_all(struct run *run, const glob_t *files)
{
	printf("1..%zu\n# seed %llu\n", run->setup ? 1 : files->gl_pathc + 1,
	       (unsigned long long)run->seed);
	for (size_t i = 0; i < files->gl_pathc; i++) {
		char *name = run_name(files->gl_pathv[i]);

		if (name && (!run->setup || !strcmp(run->setup, name)))
			run_setup(run, name, run->count / files->gl_pathc);
		free(name);
	}
	if (!run->setup)
		run_coverage(run);
}

static int run_options(struct run *run, int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'c' },
		{ "setup", required_argument, NULL, 'u' },
		{ "story", required_argument, NULL, 't' },
		{ "dir", required_argument, NULL, 'd' },
		{ "object", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's':
			run->seed = strtoull(optarg, NULL, 0);
			break;
		case 'c':
			run->count = strtoull(optarg, NULL, 0);
			break;
		case 'u':
			run->setup = optarg;
			break;
		case 't':
			run->story = strtol(optarg, NULL, 0);
			break;
		case 'd':
			run->place.dir = optarg;
			break;
		case 'o':
			run->place.object = optarg;
			break;
		default:
			return -1;
		}
	}
	return 0;
}

/* Rates are counted per CPU. */
static int run_stay_on_cpu(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((unsigned int)sched_getcpu(), &cpus);
	return sched_setaffinity(0, sizeof(cpus), &cpus);
}

int main(int argc, char **argv)
{
	struct run run = {
		.place = { "tests/model", "build/bpf/lb.bpf.o", NULL },
		.neighbours = "tests/model/neighbours.yaml",
		.seed = 1,
		.count = 1000000,
		.story = -1,
	};
	struct neighbourhood *neighbourhood = NULL;
	struct error err = { 0 };
	char pattern[512];
	glob_t files;

	if (run_options(&run, argc, argv))
		return 2;
	snprintf(pattern, sizeof(pattern), "%s/setups/*.yaml", run.place.dir);
	if (run_stay_on_cpu() || kernel_make() ||
	    neighbourhood_load(run.neighbours, &neighbourhood, &err) ||
	    story_make(&run.book, STORY_PACKETS) || glob(pattern, 0, NULL, &files)) {
		fprintf(stderr, "model_test: needs root, iproute2 and %s %s\n", pattern, err.text);
		return 2;
	}
	run.place.neighbourhood = neighbourhood;
	run_all(&run, &files);
	globfree(&files);
	neighbourhood_free(neighbourhood);
	story_free(&run.book);
	return run.failed != 0;
}
