/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of dataplane/ share. Nobody else includes this. */
#ifndef DATAPLANE_INTERNAL_H
#define DATAPLANE_INTERNAL_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <pthread.h>
#include <stdarg.h>

#include "dataplane/dataplane.h"

enum map_id {
#define X(name) MAP_##name,
	LBD_MAPS(X)
#undef X
		MAP_COUNT,
};

#define MAP_CONTROL MAP_lbd_control

/* How what a map holds gets into another set of maps (shapes.c). */
enum map_move {
	MOVE_SHARED, /* it doesn't: both sets have the one map */
	MOVE_COMMIT, /* written from the model, always into a map of its own */
	MOVE_TABLE,  /* entry by entry, each to where the other table wants it */
	MOVE_WITH,   /* with the table of its group: ways back of entries, bits of buckets */
	MOVE_INDEX,  /* place by place */
	MOVE_SUM,    /* counters: taken from the old ones once those stand still */
	MOVE_ANEW,   /* begins empty, which does no harm */
};

/* Maps that are shared all or none. */
enum map_group { GROUP_NONE, GROUP_IPV4, GROUP_IPV6, GROUP_COUNT };

struct map_shape {
	const char *name;
	enum bpf_map_type type;
	uint32_t value_size;
	uint32_t entries;
	uint32_t flags;
	uint32_t key_size;
	enum map_move move;
	enum map_group group;
	bool adopted; /* MOVE_COMMIT: the model is read back from it first (adopt.c) */
	bool later;   /* sets that an older lbd made lack it: it is added to them, empty */
};

struct foreign;

/* The set that this one's counters go on from, while these are taken over one by one. */
struct counters_older {
	const struct dataplane *set;
	pthread_mutex_t lock; /* held while one is on its way */
	int readers;	      /* that wait for it: they go first */
};

struct dataplane {
	char pin_dir[128];  /* empty: private */
	char base_dir[128]; /* pins of the set that it shares maps with, while it is the next one */
	bool shared[MAP_COUNT]; /* with that set */
	bool beside; /* that other set carries the packets: what both share isn't to be touched */
	struct lbd_limits limits;
	int fd[MAP_COUNT];
	void *memory[MAP_COUNT]; /* mapped; NULL where a map can't be */
	size_t size[MAP_COUNT];
	struct foreign *foreign[MAP_COUNT]; /* of another layout (foreign.h); NULL: ours */
	struct lbd_control *control;
	struct types *types; /* NULL: maps are made without BTF */
	struct tables tables;
	uint32_t tick_shift;
	struct lbd_secret ring_secret; /* of the rings in force; 0: unknown */
	struct guard *guards[2];       /* whose lists the halves of lbd_acl hold; NULL: unknown */
	int64_t flipped_ms;	       /* CLOCK_MONOTONIC of the last flip; 0: unknown */
	bool adopted;
	bool recovered; /* a trial was on when the last lbd died */
	uint32_t swept;
	uint32_t next_bank;	      /* of lbd_generations, to be tried first */
	struct counters_older *older; /* what isn't summed up here yet; NULL: nothing */
};

/* --- dataplane.c */

/* Without maps yet. @limits may be NULL. */
struct dataplane *dataplane_new(const struct lbd_limits *limits);

/* Let the tables be in the mapped maps. */
void dataplane_point_tables(struct dataplane *dataplane);

/* --- shapes.c */

/* What each map is with these limits; @shapes has MAP_COUNT places. */
void shapes_of(const struct lbd_limits *limits, struct map_shape *shapes);

/* The memory that such a map takes, near enough. */
uint64_t shapes_bytes(const struct map_shape *shape);

/* --- maps.c */

/* Its name, and that of its pin. */
const char *maps_name(enum map_id id);

/* Make, or open and prove, every map; fills fd, memory and size. */
int maps_open(struct dataplane *dataplane, struct error *err);

/* Open and prove the complete set in the pin directory, with the limits that it was made for. */
int maps_adopt_found(struct dataplane *dataplane, struct error *err);

/* One map: make it, and pin it if the set is; see it in memory, if that can be. */
int maps_make_one(struct dataplane *dataplane, enum map_id id, const struct map_shape *shape,
		  struct error *err);
int maps_map_memory(struct dataplane *dataplane, enum map_id id, const struct map_shape *shape,
		    struct error *err);

/* -EPROTO, with what differs: the map isn't such a one. */
int maps_compare_with(const struct dataplane *dataplane, enum map_id id,
		      const struct map_shape *shape, struct error *err);

typedef int (*maps_step)(struct dataplane *, enum map_id, const struct map_shape *, struct error *);

/* Take @step for each map, as the limits shape it. */
int maps_each(struct dataplane *dataplane, maps_step step, struct error *err);

/* Is the set in the pin directory still this one? */
bool maps_are_pinned(const struct dataplane *dataplane);

void maps_close(struct dataplane *dataplane);
int maps_unpin(const char *pin_dir, struct error *err);

/* Let the maps of @object that we know by name be ours. */
int maps_reuse(const struct dataplane *dataplane, struct bpf_object *object, struct error *err);

/* --- clock.c */

/* Fill the tables' time base: how ticks, jiffies and CLOCK_MONOTONIC relate. */
int clock_calibrate(struct dataplane *dataplane, struct error *err);

/* What bpf_jiffies64() will say @ms from now. */
uint64_t clock_jiffies_in(const struct dataplane *dataplane, uint32_t ms);

/* --- snapshot.c: no packet is under way any more that came before; and where things are in the mapped halves */

void dataplane_quiesce(void);
struct lbd_vip_bucket *snapshot_vips(const struct dataplane *dataplane, uint32_t half);
struct lbd_service *snapshot_services(const struct dataplane *dataplane, uint32_t half);
struct lbd_backend *snapshot_backends(const struct dataplane *dataplane, uint32_t half);

/* --- guard.c */

/* Write lists and limits of @model to the idle half. */
void dataplane_guard_write(struct dataplane *dataplane, const struct model *model, uint32_t half);

/*
 * After the flip: meters of limits that changed begin anew. One that was run up
 * under a long burst would hold up a shorter one's packets for all that time.
 */
void dataplane_guard_settle(struct dataplane *dataplane);

/* --- quic.c */

/* Make the server ids of @model those of the idle @half; the other one stays as it is. */
int quic_write(const struct dataplane *dataplane, const struct model *model, uint32_t half,
	       struct error *err);

/* --- types.c: what maps are made with */

struct layout;
struct types;

/* Those of this build. *ret: types_close. */
int types_open(struct types **ret, struct error *err);

/* Those of a BPF object, as the file is. */
int types_read(const void *object, size_t size, struct types **ret, struct error *err);

/* Accepts NULL. */
void types_close(struct types *types);

/* Let a map of @shape be made with its types, where it takes any. @types may be NULL. */
void types_give(const struct types *types, const struct map_shape *shape,
		struct bpf_map_create_opts *options);

/* The layout that @map is made with. -ENOENT: without any. *ret: layout_free. */
int types_layout(const struct types *types, const char *map, struct layout **ret);

/* --- control.c */

/* What control map @fd holds, which may have another layout. -EPROTO: ours can't be made of it. */
int control_read(int fd, const struct types *types, struct lbd_control *ret, struct error *err);

/* --- compare.c; @rows have MAP_COUNT places */

void compare_pins(const char *pin_dir, const struct lbd_limits *limits, const struct types *types,
		  struct dataplane_map *rows);
void compare_object(const struct dataplane *dataplane, const struct bpf_object *object,
		    struct dataplane_map *rows);

/* Sets of fates. */
#define FATE(name) (1U << DATAPLANE_FATE_##name)
#define FATES_AS_IS (FATE(REUSED) | FATE(ADDED) | FATE(UNUSED))

/* Has each row one of @fates? */
bool compare_all(const struct dataplane_map *rows, uint32_t fates);

/* -EPROTO: an object (@path) that takes the maps in use for these isn't to be loaded. */
int compare_object_fits(const struct dataplane_map *rows, const char *path, struct error *err);

/* "what: " and a line for each row with one of @fates. Returns -EPROTO. */
int compare_refuse(const struct dataplane_map *rows, const char *what, uint32_t fates,
		   struct error *err);

/* --- object.c */

/* Open @path as a BPF object; the caller closes it. @log may be NULL. */
int object_read(const char *path, char *log, size_t log_size, struct bpf_object **ret,
		struct error *err);

/* Open @path as a BPF object with our maps in it; the caller closes it. */
int object_open(const struct dataplane *dataplane, const char *path, char *log, size_t log_size,
		struct bpf_object **ret, struct error *err);

/*
 * Open and load @path for @model, its stages in bank @config->bank, and enter
 * nothing; *config is what it was specialised for. *ret: bpf_object__close.
 */
int object_build(const struct dataplane *dataplane, const char *path, const struct model *model,
		 uint32_t features, struct lbd_generation_config *config, struct bpf_object **ret,
		 struct error *err);

/* The program that packets enter by. NULL: there is none. */
const struct bpf_program *object_entry(const struct bpf_object *object);

/* The same as a descriptor that outlives the object. */
int object_take(const struct bpf_object *object, const char *path, int *ret_fd, struct error *err);

/* What the object was built with. -EPROTO: it is none of ours, or of another ABI. */
int object_prove(struct bpf_object *object, const char *path, struct lbd_generation_config *ret,
		 struct error *err);

/* What @library prints, a line of it, for our debug log: what it means we report ourselves. */
void object_say(const char *library, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/* --- split.c */

/* Does the splitter stand in slot RUNNING? */
bool split_stands(const struct dataplane *dataplane);
struct lbd_split_control *split_control(const struct dataplane *dataplane);

/* The splitter's own map of services: before it is loaded, and after. */
int split_services_size(struct bpf_object *object, const struct dataplane_split_plan *plan);
int split_services_enter(const struct bpf_object *object, const struct dataplane_split_plan *plan);

/* lbd died with a candidate on trial: what ran before runs again. True if that was so. */
bool split_recover(struct dataplane *dataplane);

/* --- counters.c */

/* What is counted by the side of a trial: in one of two maps. */
enum counters_kind { COUNTERS_OUTCOMES, COUNTERS_BACKENDS, COUNTERS_KINDS };

#define COUNTERS_SETS 2

enum map_id counters_set(enum counters_kind kind, int set);

/* Of both, the one that the running generation doesn't count in. */
enum map_id counters_other(const struct dataplane *dataplane, enum counters_kind kind);

/* Which one the generation on that side of the split counts in: enum map_id, or -errno. */
int counters_side_set(const struct dataplane *dataplane, enum lbd_split_slot side,
		      enum counters_kind kind);

/* Around what takes a counter over. Accept NULL: nobody reads them yet. */
void counters_begin_take(struct counters_older *older);
void counters_end_take(struct counters_older *older);

/* What the generation on that side of the split counted; LBD_OUTCOME_MAX of them. */
int counters_side(const struct dataplane *dataplane, enum lbd_split_slot side, uint64_t *ret);
int counters_backend(const struct dataplane *dataplane, enum map_id set, uint32_t index,
		     uint64_t *ret_packets);
int counters_split(const struct dataplane *dataplane, struct lbd_split_seen *ret);

/* --- stages.c */

/* A bank that no generation uses which may get a packet, emptied. */
uint32_t stages_take_bank(struct dataplane *dataplane);

/* A generation that carried no packets goes: empty its bank, unless another has taken it. */
void stages_leave_bank(const struct dataplane *dataplane, uint32_t bank);

/* The same of all banks. */
void stages_leave_banks(const struct dataplane *dataplane);

/* Load only the stages that @features need. */
void stages_select(struct bpf_object *object, uint32_t features);

/* Enter the loaded stages of @object into @bank. */
int stages_enter(const struct dataplane *dataplane, struct bpf_object *object, uint32_t bank,
		 struct error *err);

/* --- inspect.c */

/* Add up a program and its stages: what it is, and how long each one of them is. */
int inspect_entry(const struct bpf_program *entry, struct dataplane_program *ret);
int inspect_add(int fd, struct dataplane_program *ret);

/* --- generation.c */

/* The program in @slot of one of our arrays of programs; the fd is the caller's. -ENOENT: none. */
int generation_fd_in(const struct dataplane *dataplane, enum map_id map, __u32 slot);

/* The program that is meant by @slot, wherever it stands while a candidate is on trial. */
int generation_fd(const struct dataplane *dataplane, enum lbd_generation_slot slot);

/* Write slot @slot of lbd_generations. */
int generation_set(const struct dataplane *dataplane, __u32 slot, int fd, struct error *err);

/* What program @fd is, and the configuration that it was loaded with. */
int generation_read(int fd, struct dataplane_generation *ret, struct lbd_generation_config *config);

/* Does any generation that may get a packet have its stages in @bank? */
bool generation_uses_bank(const struct dataplane *dataplane, uint32_t bank);

/*
 * Age entries, and find NAT ports, as the running generation does. Without it a daemon that adopted
 * the maps would take every idle entry for expired.
 */
void generation_follow(struct dataplane *dataplane);
void generation_follow_config(struct dataplane *dataplane,
			      const struct lbd_generation_config *config);

/* Timeouts in seconds as the packet path counts them. */
void object_timeouts(const struct dataplane *dataplane, const struct lbd_timeouts *seconds,
		     struct lbd_timeouts *ticks);
void object_timeouts_s(const struct dataplane *dataplane, const struct lbd_timeouts *ticks,
		       struct lbd_timeouts *seconds);
uint32_t object_ticks(const struct dataplane *dataplane, uint32_t seconds);

/* Age entries as the generation with @config does. */
void object_follow_timeouts(struct dataplane *dataplane,
			    const struct lbd_generation_config *config);

/* A map that program @prog_fd uses, by name and size of its value (0: any); the fd is the caller's. */
int generation_map(int prog_fd, const char *name, uint32_t value_size);

/*
 * The frozen configuration that program @prog_fd was loaded with, zeros where it has none.
 * Returns how much of it there is: an older object's is shorter. 0: it is no generation.
 */
uint32_t generation_config(int prog_fd, struct lbd_generation_config *ret);

/* Write into @config what a generation for @model with @features is specialised for. */
void object_specialise(const struct dataplane *dataplane, const struct model *model,
		       uint32_t features, struct lbd_generation_config *config);

#endif
