// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/packet/run.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

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

static int run_open(const struct run_place *place, const struct packet_case *packet_case,
		    uint32_t more_features, struct lab *lab, struct error *err)
{
	const uint32_t in = if_nametoindex(RUN_INTERFACE_IN);
	int rc;

	rc = run_open_setup(place, packet_case->setup, lab, err);
	if (!rc)
		rc = lab_commit(lab, err);
	if (!rc)
		rc = lab_run(lab, place->object, model_features(lab->model, &in, 1) | more_features,
			     err);
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
}

static int run_send(const struct lab *lab, const struct case_step *step, struct check_result *ret,
		    struct error *err)
{
	uint32_t from = if_nametoindex(step->from ? step->from : RUN_INTERFACE_IN);

	ret->size = sizeof(ret->frame);
	ret->verdict = dataplane_test_run(lab->dataplane, -1, from, step->frame_in.bytes,
					  step->frame_in.size, ret->frame, &ret->size);
	return ret->verdict < 0 ? error_errno(err, ret->verdict, "test-run") : 0;
}

static bool run_step(const struct lab *lab, const struct case_step *step, struct check *check)
{
	struct check_result result;
	struct error err = { 0 };
	int rc;

	rc = run_apply_changes(lab, step, &err);
	run_age(dataplane_tables(lab->dataplane), step->idle);
	check_before(check, lab);
	if (!rc)
		rc = run_send(lab, step, &result, &err);
	if (rc) {
		fprintf(check->report, "  %s\n", err.text);
		return false;
	}
	return check_after(check, lab, step, &result);
}

static bool run_steps(const struct lab *lab, const struct packet_case *packet_case, FILE *report)
{
	struct check check = { .report = report };

	for (uint32_t i = 0; i < packet_case->steps_count; i++) {
		const struct case_step *step = &packet_case->steps[i];

		if (run_step(lab, step, &check))
			continue;
		fprintf(report, "  in packet %u of %u%s%s\n", i + 1, packet_case->steps_count,
			step->note ? ": " : "", step->note ? step->note : "");
		return false;
	}
	return true;
}

bool run_case(const struct run_place *place, const struct packet_case *packet_case,
	      uint32_t more_features, FILE *report)
{
	struct error err = { 0 };
	struct lab lab = { 0 };
	bool good = false;

	if (run_open(place, packet_case, more_features, &lab, &err))
		fprintf(report, "  setup %s: %s\n", packet_case->setup, err.text);
	else
		good = run_steps(&lab, packet_case, report);
	lab_close(&lab);
	return good;
}
