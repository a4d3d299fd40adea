// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/next.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "dataplane/foreign.h"
#include "dataplane/next_internal.h"

/* Passes go on until one finds no more than this, or for so many. */
#define NEXT_FEW 4096
#define NEXT_PASSES_MAX 16

static const struct {
	enum map_id table;
	enum map_id ways; /* MAP_COUNT: none */
	enum map_id dirty;
	bool v6;
} next_maps[NEXT_TABLES] = {
	[NEXT_CONN4] = { MAP_lbd_conn4, MAP_lbd_nat4, MAP_lbd_dirty4, false },
	[NEXT_CONN6] = { MAP_lbd_conn6, MAP_lbd_nat6, MAP_lbd_dirty6, true },
	[NEXT_STICKY] = { MAP_lbd_sticky, MAP_COUNT, MAP_COUNT, true },
};

void next_step(const struct next *next, const char *step)
{
	if (next->watch)
		next->watch(next->context, step);
}

void next_set_watch(struct next *next, next_watch watch, void *context)
{
	next->watch = watch;
	next->context = context;
}

struct dataplane *next_to(const struct next *next)
{
	return next->to;
}

/* --- which maps are shared, and what the others take */

static void next_share(const struct dataplane *from, const struct map_shape *shapes, bool *ret)
{
	bool differs[GROUP_COUNT] = { false };
	struct error err;

	for (int id = 0; id < MAP_COUNT; id++) {
		ret[id] = shapes[id].move != MOVE_COMMIT &&
			  !maps_compare_with(from, (enum map_id)id, &shapes[id], &err);
		differs[shapes[id].group] |= !ret[id];
	}
	for (int id = 0; id < MAP_COUNT; id++)
		if (shapes[id].group != GROUP_NONE && differs[shapes[id].group])
			ret[id] = false;
}

static uint64_t next_available(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[128];

	while (file && !kib && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) != 1)
			kib = 0;
	if (file)
		fclose(file);
	return kib * 1024;
}

void next_memory(const struct dataplane *from, const struct lbd_limits *limits,
		 struct next_memory *ret)
{
	struct map_shape old[MAP_COUNT], new[MAP_COUNT];
	bool shared[MAP_COUNT];

	shapes_of(&from->limits, old);
	shapes_of(limits, new);
	next_share(from, new, shared);
	*ret = (struct next_memory){ .available = next_available() };
	for (int id = 0; id < MAP_COUNT; id++) {
		ret->before += shapes_bytes(&old[id]);
		ret->after += shapes_bytes(&new[id]);
		if (shared[id])
			continue;
		ret->needed += shapes_bytes(&new[id]);
		/* What the passes keep of what they saw. */
		if (new[id].move == MOVE_TABLE)
			ret->needed += shapes_bytes(&old[id]);
	}
}

static int next_check_memory(const struct dataplane *from, const struct lbd_limits *limits,
			     struct error *err)
{
	struct next_memory memory;
	int rc;

	next_memory(from, limits, &memory);
	if (!memory.available || memory.needed < memory.available / 16 * 15)
		return 0;
	rc = error_set(
		err, -ENOMEM,
		"both sets of maps take %llu MiB more until the old one can go, and %llu MiB "
		"are available",
		(unsigned long long)memory.needed >> 20,
		(unsigned long long)memory.available >> 20);
	error_hint(err, "stop something else for the time, or choose smaller limits");
	return rc;
}

/* --- making the new set */

static int next_make_one(struct next *next, enum map_id id, const struct map_shape *shape,
			 struct error *err)
{
	if (!next->to->shared[id])
		return maps_make_one(next->to, id, shape, err);
	next->to->fd[id] = fcntl(next->from->fd[id], F_DUPFD_CLOEXEC, 3);
	return next->to->fd[id] < 0 ? error_errno(err, -errno, "share %s", shape->name) : 0;
}

static int next_make_maps(struct next *next, struct error *err)
{
	struct map_shape shapes[MAP_COUNT];
	int rc = 0;

	shapes_of(&next->to->limits, shapes);
	next_share(next->from, shapes, next->to->shared);
	for (int id = 0; id < MAP_COUNT && !rc; id++) {
		rc = next_make_one(next, (enum map_id)id, &shapes[id], err);
		if (!rc)
			rc = maps_map_memory(next->to, (enum map_id)id, &shapes[id], err);
	}
	return rc;
}

/* What isn't of a size goes over as it is; the secret, for buckets are told by it. */
static void next_begin_control(struct next *next)
{
	struct dataplane *to = next->to;

	to->control = to->memory[MAP_CONTROL];
	to->control->abi = LBD_MAPS_ABI;
	to->control->size = sizeof(*to->control);
	to->control->limits = to->limits;
	to->control->conn_secret = next->from->control->conn_secret;
	__atomic_store_n(&to->control->complete, 1, __ATOMIC_RELEASE);
}

static int next_make(struct next *next, struct error *err)
{
	struct dataplane *from = next->from, *to = next->to;
	int rc;

	if (!next->trial && *from->pin_dir) {
		next_dir(from->pin_dir, to->pin_dir, sizeof(to->pin_dir));
		snprintf(to->base_dir, sizeof(to->base_dir), "%s", from->pin_dir);
		if (mkdir(to->pin_dir, 0700))
			return error_errno(err, -errno, "make directory %s", to->pin_dir);
	}
	to->types = from->types; /* lent until next_promote */
	rc = next_make_maps(next, err);
	if (rc)
		return rc;
	next_begin_control(next);
	to->beside = true;
	to->adopted = from->adopted;
	to->swept = from->swept;
	to->tick_shift = from->tick_shift;
	to->tables.tick_ns = from->tables.tick_ns;
	to->tables.tick_base_ns = from->tables.tick_base_ns;
	dataplane_point_tables(to);
	return 0;
}

static void next_read_foreign(struct foreign *foreign, bool v6, struct carry_source *ret)
{
	ret->memory = foreign->memory;
	ret->bucket_size = foreign->stride;
	ret->convert = v6 ? foreign_both : foreign_line;
	ret->context = foreign;
}

static int next_open_table(struct next *next, enum next_table table, bool keep)
{
	const enum map_id id = next_maps[table].table;
	struct map_shape old[MAP_COUNT], new[MAP_COUNT];
	struct carry_source source;
	struct carry_target target;

	shapes_of(&next->from->limits, old);
	shapes_of(&next->to->limits, new);
	source = (struct carry_source){ .memory = next->from->memory[id],
					.bucket_size = old[id].value_size,
					.buckets = old[id].entries };
	target = (struct carry_target){ .tables = &next->to->tables,
					.buckets = new[id].entries,
					.ageless = table == NEXT_STICKY,
					.ways = next_maps[table].ways != MAP_COUNT };
	if (next->from->foreign[id])
		next_read_foreign(next->from->foreign[id], next_maps[table].v6, &source);
	if (next_maps[table].v6)
		target.both = next->to->memory[id];
	else
		target.lines = next->to->memory[id];
	if (next_maps[table].dirty != MAP_COUNT)
		target.dirty = next->to->memory[next_maps[table].dirty];
	return carry_open(&next->tables[table], &source, &target, keep);
}

int next_open_tables(struct next *next, bool keep, struct error *err)
{
	int rc = 0;

	for (int table = 0; table < NEXT_TABLES && !rc; table++)
		if (!next->to->shared[next_maps[table].table])
			rc = next_open_table(next, (enum next_table)table, keep);
	return rc ? error_errno(err, rc, "memory for what a pass over the tables saw") : 0;
}

int next_open(struct dataplane *from, const struct lbd_limits *limits, bool trial,
	      struct next **ret, struct error *err)
{
	struct next *next;
	int rc;

	rc = next_check_memory(from, limits, err);
	if (rc)
		return rc;
	next = calloc(1, sizeof(*next));
	if (next)
		next->to = dataplane_new(limits);
	if (!next || !next->to) {
		free(next);
		return error_set(err, -ENOMEM, "out of memory");
	}
	next->from = from;
	next->trial = trial;
	rc = next_make(next, err);
	if (!rc)
		rc = next_open_tables(next, !trial, err);
	if (rc)
		next_close(next);
	else
		*ret = next;
	return rc;
}

void next_close(struct next *next)
{
	struct error err;

	if (!next)
		return;
	for (int table = 0; table < NEXT_TABLES; table++)
		carry_close(&next->tables[table]);
	if (!next->swapped && *next->to->pin_dir)
		next_remove(next->from->pin_dir, &err);
	if (!next->promoted) {
		next->to->types = NULL;
		dataplane_close(next->to);
	}
	free(next);
}

/* --- moving */

void next_follow(struct next *next, const struct model *model, uint32_t features)
{
	struct lbd_generation_config config = { 0 };

	object_specialise(next->to, model, features, &config);
	generation_follow_config(next->to, &config);
}

static uint64_t next_pass(struct next *next, bool alone)
{
	uint64_t count = 0;

	for (int table = 0; table < NEXT_TABLES; table++)
		if (next->tables[table].from.memory)
			count += carry_pass(&next->tables[table], alone);
	return count;
}

void next_copy(struct next *next)
{
	uint64_t found = UINT64_MAX;

	for (int pass = 0; pass < (next->trial ? 1 : NEXT_PASSES_MAX) && found > NEXT_FEW; pass++) {
		next_step(next, "pass");
		found = next_pass(next, true);
	}
}

/* The old program holds the old maps: a rollback loads its object over these. */
static void next_drop_others(const struct next *next)
{
	__u32 slot = LBD_GENERATION_PREVIOUS;

	bpf_map_delete_elem(next->to->fd[MAP_lbd_generations], &slot);
	stages_leave_banks(next->to);
}

static void next_carry_bits(const struct next *next)
{
	for (int table = 0; table < NEXT_TABLES; table++)
		if (next->tables[table].from.memory && next_maps[table].dirty != MAP_COUNT &&
		    next->from->memory[next_maps[table].dirty])
			carry_mark(&next->tables[table],
				   next->from->memory[next_maps[table].dirty]);
}

/*
 * Twice: at once, for an answer by NAT may come back that finds no way yet, and
 * once no packet is with the old program any more, for what it wrote at last.
 */
void next_finish(struct next *next)
{
	next_pass(next, false);
	dataplane_quiesce();
	next_step(next, "quiet");
	next_pass(next, false);
	next_carry_bits(next);
	next_drop_others(next);
	next->to->beside = false;
}

int next_swap(struct next *next, int prog_fd, struct error *err)
{
	int rc;

	rc = next_copy_places(next, err);
	if (!rc)
		rc = next_check_counters(next, err);
	if (!rc && *next->to->pin_dir)
		rc = next_pin_program(next, prog_fd, err);
	if (rc)
		return rc;
	next_step(next, "last pass");
	next_pass(next, true);
	rc = foreign_lost(next->from, err);
	if (rc)
		return rc;
	next_step(next, "swap");
	rc = dataplane_refit(next->to, prog_fd, err);
	if (rc)
		return rc;
	next->swapped = true;
	next_step(next, "swapped");
	next_finish(next);
	return 0;
}

void next_serve(struct next *next)
{
	next->older =
		(struct counters_older){ .set = next->from, .lock = PTHREAD_MUTEX_INITIALIZER };
	next->to->older = &next->older;
}

/* The swap can't be undone any more, and only counters can be missing. */
static void next_prove_counters(struct next *next)
{
	struct error err = { 0 };

	next_step(next, "counters");
	if (next_sum_counters(next, &err))
		log_report("counters don't go on with what they had", &err);
}

void next_prove(struct next *next)
{
	next_prove_counters(next);
	next_step(next, "proof");
	for (int table = 0; table < NEXT_TABLES; table++) {
		carry_close(&next->tables[table]);
		if (next->tables[table].from.memory)
			carry_prove(&next->tables[table]);
	}
}

/* --- figures */

void next_count(struct next *next, struct next_figures *ret)
{
	struct carry_count connections = { 0 }, clients = { 0 };

	for (int table = 0; table < NEXT_TABLES; table++)
		if (next->tables[table].from.memory)
			carry_count(&next->tables[table], !next->swapped,
				    table == NEXT_STICKY ? &clients : &connections);
	*ret = (struct next_figures){ connections.entries, connections.live, connections.idle,
				      clients.live + clients.idle };
}

uint32_t next_progress(const struct next *next)
{
	uint64_t done = 0, all = 0;

	for (int table = 0; table < NEXT_TABLES; table++) {
		done += __atomic_load_n(&next->tables[table].bucket, __ATOMIC_RELAXED);
		all += next->tables[table].from.buckets;
	}
	return all ? (uint32_t)(done * 100 / all) : 100;
}
