// SPDX-License-Identifier: GPL-2.0-or-later
/* BPF objects: opening one over our maps, and loading one as a generation. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "dataplane/internal.h"

#define VERIFIER_LOG_SIZE (1 << 20)
#define GUARD_TICKS 8
#define LBD_PROGRAM "lbd_lb"

void object_say(const char *library, const char *format, va_list args)
{
	char line[512];

	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	log_debug("%s: %s", library, line);
}

static int object_print(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level != LIBBPF_DEBUG)
		object_say("libbpf", format, args);
	return 0;
}

/*
 * A tail call is refused unless both programs say the same of where they will
 * be attached (Linux 6.18, and the stable series since: 4540aed51b12 "bpf:
 * Enforce expected_attach_type for tailcall compatibility"). In a dispatcher
 * the root is an extension, which must say nothing; XDP programs may.
 */
static void object_attach_anywhere(struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
		bpf_program__set_expected_attach_type(program, 0);
}

int object_read(const char *path, char *log, size_t log_size, struct bpf_object **ret,
		struct error *err)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .kernel_log_buf = log,
		    .kernel_log_size = log_size);

	libbpf_set_print(object_print);
	if (access(path, R_OK))
		return error_errno(err, -errno, "%s", path);
	*ret = bpf_object__open_file(path, &options);
	if (!*ret)
		return error_set(err, -EINVAL, "%s: not a BPF object that libbpf can read", path);
	return 0;
}

int object_open(const struct dataplane *dataplane, const char *path, char *log, size_t log_size,
		struct bpf_object **ret, struct error *err)
{
	struct dataplane_map rows[MAP_COUNT];
	struct bpf_object *object;
	int rc;

	rc = object_read(path, log, log_size, &object, err);
	if (rc)
		return rc;
	compare_object(dataplane, object, rows);
	rc = compare_object_fits(rows, path, err);
	if (!rc)
		rc = maps_reuse(dataplane, object, err);
	if (rc) {
		bpf_object__close(object);
		return rc;
	}
	object_attach_anywhere(object);
	*ret = object;
	return 0;
}

/* The map behind the section that holds the configuration. */
static struct bpf_map *object_config_map(struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
		if (!strcmp(bpf_map__name(map), LBD_GENERATION_CONFIG_SECTION))
			return map;
	return NULL;
}

/* An object has at least the fields up to where its stages stand. */
#define CONFIG_SIZE_MIN (offsetof(struct lbd_generation_config, bank) + sizeof(__u32))

/*
 * The configuration grows only at its end: what an older object lacks is off,
 * and what a newer one has besides stays as it was built.
 */
int object_prove(struct bpf_object *object, const char *path, struct lbd_generation_config *ret,
		 struct error *err)
{
	struct bpf_map *map = object_config_map(object);
	const struct lbd_generation_config *built;
	size_t size = 0;

	built = map ? bpf_map__initial_value(map, &size) : NULL;
	if (!built)
		return error_set(err, -EPROTO, "%s: no %s section, not a packet path of lbd", path,
				 LBD_GENERATION_CONFIG_SECTION);
	if (size < CONFIG_SIZE_MIN || built->abi != LBD_MAPS_ABI)
		return error_set(err, -EPROTO,
				 "%s: built for map ABI %u with %zu bytes of configuration, "
				 "expected ABI %d with at least %zu",
				 path, size >= sizeof(built->abi) ? built->abi : 0, size,
				 LBD_MAPS_ABI, CONFIG_SIZE_MIN);
	memcpy(ret, built, size < sizeof(*ret) ? size : sizeof(*ret));
	return 0;
}

/* As much of @config as the object knows. */
static int object_configure(struct bpf_object *object, const char *path,
			    const struct lbd_generation_config *config, struct error *err)
{
	struct bpf_map *map = object_config_map(object);
	size_t size = 0;
	void *value;
	int rc;

	value = calloc(1, bpf_map__value_size(map));
	if (!value)
		return error_set(err, -ENOMEM, "out of memory");
	memcpy(value, bpf_map__initial_value(map, &size), bpf_map__value_size(map));
	memcpy(value, config, size < sizeof(*config) ? size : sizeof(*config));
	rc = bpf_map__set_initial_value(map, value, size);
	free(value);
	return rc ? error_errno(err, rc, "%s: set its configuration", path) : 0;
}

/* What it counts goes to the sets that the running generation doesn't use. */
static int object_count_apart(const struct dataplane *dataplane, struct bpf_object *object,
			      struct error *err)
{
	for (int kind = 0; kind < COUNTERS_KINDS; kind++) {
		const enum map_id usual = counters_set((enum counters_kind)kind, 0);
		struct bpf_map *map = bpf_object__find_map_by_name(object, maps_name(usual));
		int rc = 0;

		if (map)
			rc = bpf_map__reuse_fd(
				map,
				dataplane->fd[counters_other(dataplane, (enum counters_kind)kind)]);
		if (rc)
			return error_errno(err, rc, "reuse a map of counters for %s",
					   maps_name(usual));
	}
	return 0;
}

uint32_t object_ticks(const struct dataplane *dataplane, uint32_t seconds)
{
	return (uint32_t)(((uint64_t)seconds * 1000000000 + dataplane->tables.tick_ns - 1) /
			  dataplane->tables.tick_ns);
}

/* A tick is 2^tick_shift jiffies. */
static uint32_t object_jiffies(const struct dataplane *dataplane, uint32_t ms)
{
	return (uint32_t)(((uint64_t)ms * 1000000 << dataplane->tick_shift) /
			  dataplane->tables.tick_ns);
}

static uint32_t object_seconds(const struct dataplane *dataplane, uint32_t ticks)
{
	return (uint32_t)((uint64_t)ticks * dataplane->tables.tick_ns / 1000000000);
}

void object_timeouts_s(const struct dataplane *dataplane, const struct lbd_timeouts *ticks,
		       struct lbd_timeouts *seconds)
{
	seconds->tcp = object_seconds(dataplane, ticks->tcp);
	seconds->udp = object_seconds(dataplane, ticks->udp);
	seconds->closing = object_seconds(dataplane, ticks->closing);
	seconds->unconfirmed = object_seconds(dataplane, ticks->unconfirmed);
}

void object_timeouts(const struct dataplane *dataplane, const struct lbd_timeouts *seconds,
		     struct lbd_timeouts *ticks)
{
	ticks->tcp = object_ticks(dataplane, seconds->tcp);
	ticks->udp = object_ticks(dataplane, seconds->udp);
	ticks->closing = object_ticks(dataplane, seconds->closing);
	ticks->unconfirmed = object_ticks(dataplane, seconds->unconfirmed);
	ticks->guard = GUARD_TICKS;
}

void object_follow_timeouts(struct dataplane *dataplane, const struct lbd_generation_config *config)
{
	const bool own = config->features & LBD_FEATURE_TIMEOUTS;

	dataplane->tables.timeouts = config->timeouts;
	dataplane->tables.services = dataplane->memory[MAP_lbd_services];
	dataplane->tables.control = own ? dataplane->control : NULL;
}

void object_specialise(const struct dataplane *dataplane, const struct model *model,
		       uint32_t features, struct lbd_generation_config *config)
{
	object_timeouts(dataplane, &model->timeouts_s, &config->timeouts);
	config->features = features;
	config->limits = dataplane->limits;
	config->tick_shift = dataplane->tick_shift;
	config->refresh_bits = LBD_REFRESH_BITS;
	config->conn_secret = dataplane->control->conn_secret;
	config->pick_secret = model->pick_secret;
	config->fragment_jiffies = object_jiffies(dataplane, model->fragment_ms);
	config->nat = model->nat;
	config->sample = model->sample;
	config->tunnel = model->tunnel;
	config->answer_rate = model->answer_rate;
	config->macs_count = model->macs_count;
	memcpy(config->macs, model->macs, sizeof(config->macs));
}

const struct bpf_program *object_entry(const struct bpf_object *object)
{
	return bpf_object__find_program_by_name(object, LBD_PROGRAM);
}

/* The last two lines of the verifier's log say what it refused. */
static void object_tail(const char *log, char *ret, size_t size)
{
	const char *end = log + strlen(log), *from = end;

	for (int lines = 0; from > log && lines < 4; from--)
		lines += *from == '\n';
	snprintf(ret, size, "%.*s", (int)(end - from < 400 ? end - from : 400), from);
	for (char *c = ret; *c; c++)
		if (*c == '\n')
			*c = ' ';
}

static int object_load(struct bpf_object *object, const char *path, const char *log,
		       struct error *err)
{
	char tail[401];
	int rc;

	if (!object_entry(object))
		return error_set(err, -EPROTO, "%s: no program " LBD_PROGRAM, path);
	rc = bpf_object__load(object);
	if (!rc)
		return 0;
	object_tail(log, tail, sizeof(tail));
	return error_set(err, rc, "%s: the kernel refused it (%s): %s", path, strerror(-rc), tail);
}

int object_take(const struct bpf_object *object, const char *path, int *ret_fd, struct error *err)
{
	*ret_fd = dup(bpf_program__fd(object_entry(object)));
	return *ret_fd < 0 ? error_errno(err, -errno, "keep program of %s", path) : 0;
}

/* Specialise the opened @object and let the kernel have it. */
static int object_make(const struct dataplane *dataplane, struct bpf_object *object,
		       const char *path, const struct lbd_generation_config *config,
		       const char *log, struct error *err)
{
	int rc;

	stages_select(object, config->features);
	rc = object_configure(object, path, config, err);
	if (!rc)
		rc = object_count_apart(dataplane, object, err);
	return rc ? rc : object_load(object, path, log, err);
}

int object_build(const struct dataplane *dataplane, const char *path, const struct model *model,
		 uint32_t features, struct lbd_generation_config *config, struct bpf_object **ret,
		 struct error *err)
{
	const uint32_t bank = config->bank;
	struct bpf_object *object = NULL;
	char *log;
	int rc;

	log = calloc(1, VERIFIER_LOG_SIZE);
	if (!log)
		return error_set(err, -ENOMEM, "out of memory");
	rc = object_open(dataplane, path, log, VERIFIER_LOG_SIZE, &object, err);
	if (!rc)
		rc = object_prove(object, path, config, err);
	if (!rc) {
		object_specialise(dataplane, model, features, config);
		config->bank = bank;
		rc = object_make(dataplane, object, path, config, log, err);
	}
	free(log);
	if (rc)
		bpf_object__close(object);
	else
		*ret = object;
	return rc;
}

int dataplane_load(struct dataplane *dataplane, const char *path, const struct model *model,
		   uint32_t features, int *ret_fd, struct error *err)
{
	struct lbd_generation_config config = { .bank = stages_take_bank(dataplane) };
	struct bpf_object *object = NULL;
	int rc;

	rc = object_build(dataplane, path, model, features, &config, &object, err);
	if (rc)
		return rc;
	rc = stages_enter(dataplane, object, config.bank, err);
	if (!rc)
		rc = object_take(object, path, ret_fd, err);
	if (rc)
		stages_leave_bank(dataplane, config.bank);
	/* Until one runs, entries are aged as the first to be loaded will. */
	if (!rc && !dataplane->tables.timeouts.tcp)
		object_follow_timeouts(dataplane, &config);
	bpf_object__close(object);
	return rc;
}
