// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/packet/run.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "tests/packet/ask.h"
#include "tests/packet/check.h"

#define SETUP_MAX 16384

static int run_read_setup(const struct run_place *place, const char *setup, char *text, char *path,
			  size_t path_size, struct error *err)
{
	size_t size;
	FILE *file;

	snprintf(path, path_size, "%s/setups/%s.yaml", place->dir, setup);
	file = fopen(path, "re");
	if (!file)
		return error_errno(err, -errno, "%s", path);
	size = fread(text, 1, SETUP_MAX - 1, file);
	text[size] = '\0';
	fclose(file);
	return 0;
}

int run_open_setup(const struct run_place *place, const char *setup, struct lab *lab,
		   struct error *err)
{
	char text[SETUP_MAX], path[512];
	int rc;

	rc = run_read_setup(place, setup, text, path, sizeof(path), err);
	if (!rc)
		rc = lab_open(lab, text, path, err);
	return rc ? rc : neighbourhood_apply(place->neighbourhood, lab, err);
}

struct run {
	struct lab lab;
	struct ask ask;
	struct check check;
};

/*
 * The generation that runs, and beside it the one that is only asked: where it
 * is specialised, as loading one with every feature takes the longest.
 */
static int run_load(struct run *run, const char *object, uint32_t more_features, struct error *err)
{
	const uint32_t in = if_nametoindex(RUN_INTERFACE_IN);
	const uint32_t features = model_features(run->lab.model, &in, 1) | more_features;
	int rc;

	rc = lab_run(&run->lab, object, features, err);
	if (rc || more_features != RUN_SPECIALISED)
		return rc;
	return ask_open(&run->ask, &run->lab, object, features, err);
}

static int run_open(const struct run_place *place, const struct packet_case *packet_case,
		    uint32_t more_features, struct run *run, struct error *err)
{
	int rc;

	rc = run_open_setup(place, packet_case->setup, &run->lab, err);
	if (!rc)
		rc = lab_commit(&run->lab, err);
	if (!rc)
		rc = run_load(run, place->object, more_features, err);
	return rc;
}

void run_change_backend(struct backend *backend, enum case_state state)
{
	backend->healthy = state != CASE_DOWN;
	backend->drain = state == CASE_DRAINING;
	backend->gone = state == CASE_GONE;
	if (state == CASE_UNRESOLVED)
		memset(&backend->nexthop, 0, sizeof(backend->nexthop));
}

static int run_apply_changes(const struct lab *lab, const struct case_step *step, struct error *err)
{
	for (uint32_t i = 0; i < step->changes_count; i++) {
		const struct case_change *change = &step->changes[i];
		struct backend *backend = lab_find_backend(lab, change->backend);

		if (!backend)
			return error_set(err, -ENOENT, "the setup has no backend %s",
					 change->backend);
		run_change_backend(backend, change->becomes);
	}
	return step->changes_count ? lab_commit(lab, err) : 0;
}

static void run_age_bucket(struct lbd_bucket *bucket, uint32_t ticks)
{
	for (int i = 0; i < LBD_BUCKET_SLOTS; i++)
		if (lbd_key_is_flow(bucket->key[i]))
			bucket->value[i] = lbd_value_with_tick(
				bucket->value[i], lbd_value_tick(bucket->value[i]) - ticks);
}

void run_age(const struct tables *tables, uint32_t seconds)
{
	uint32_t ticks = (uint32_t)(seconds * 1000000000ULL / tables->tick_ns);

	for (uint32_t i = 0; i < tables->conn4_buckets; i++)
		run_age_bucket(&tables->conn4[i], ticks);
	for (uint32_t i = 0; i < tables->conn6_buckets; i++)
		run_age_bucket(&tables->conn6[i].line, ticks);
	for (uint32_t i = 0; i < tables->sticky_buckets; i++)
		run_age_bucket(&tables->sticky[i].line, ticks);
}

static int run_send(const struct lab *lab, const struct case_step *step, uint32_t from,
		    struct check_result *ret, struct error *err)
{
	ret->size = sizeof(ret->frame);
	ret->verdict = dataplane_test_run(lab->dataplane, -1, from, step->frame_in.bytes,
					  step->frame_in.size, ret->frame, &ret->size);
	return ret->verdict < 0 ? error_errno(err, ret->verdict, "test-run") : 0;
}

static bool run_step(struct run *run, const struct case_step *step)
{
	const uint32_t from = if_nametoindex(step->from ? step->from : RUN_INTERFACE_IN);
	struct check_result result;
	struct error err = { 0 };
	bool told;
	int rc;

	rc = run_apply_changes(&run->lab, step, &err);
	run_age(dataplane_tables(run->lab.dataplane), step->idle);
	told = rc || ask_step(&run->ask, &run->lab, step, from);
	check_before(&run->check, &run->lab);
	if (!rc)
		rc = run_send(&run->lab, step, from, &result, &err);
	if (rc) {
		fprintf(run->check.report, "  %s\n", err.text);
		return false;
	}
	return check_after(&run->check, &run->lab, step, &result) && told;
}

static bool run_steps(struct run *run, const struct packet_case *packet_case)
{
	for (uint32_t i = 0; i < packet_case->steps_count; i++) {
		const struct case_step *step = &packet_case->steps[i];

		if (run_step(run, step))
			continue;
		fprintf(run->check.report, "  in packet %u of %u%s%s\n", i + 1,
			packet_case->steps_count, step->note ? ": " : "",
			step->note ? step->note : "");
		return false;
	}
	return true;
}

bool run_case(const struct run_place *place, const struct packet_case *packet_case,
	      uint32_t more_features, FILE *report)
{
	struct run run = { .ask.report = report, .check.report = report };
	struct error err = { 0 };
	bool good = false;

	if (run_open(place, packet_case, more_features, &run, &err))
		fprintf(report, "  setup %s: %s\n", packet_case->setup, err.text);
	else
		good = run_steps(&run, packet_case);
	ask_close(&run.ask);
	lab_close(&run.lab);
	return good;
}
