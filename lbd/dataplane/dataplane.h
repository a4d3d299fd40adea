/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only door to the kernel's BPF: pinned maps, generations, attachment.
 * No other file of the daemon calls libbpf or libxdp.
 *
 *   dataplane_open    make the maps, or adopt those pinned and prove they fit
 *   dataplane_load    a generation: the packet path, specialised, over these maps
 *   dataplane_swap    one slot update; dataplane_rollback is the same, backwards
 *   dataplane_attach  the root program, once per interface
 *   dataplane_commit  a model: write the idle half, flip one word
 *
 * A private data plane (no pin directory) is the same thing, seen by nobody:
 * for packet tests, benchmarks and the golden packets before an upgrade.
 */
#ifndef DATAPLANE_DATAPLANE_H
#define DATAPLANE_DATAPLANE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"
#include "dataplane/tables.h"
#include "lbd/generation.h"
#include "lbd/guard.h"
#include "lbd/maps.h"
#include "model/model.h"

struct dataplane;

struct dataplane_options {
	const char *pin_dir;	  /* NULL: private, nothing is pinned */
	struct lbd_limits limits; /* of maps that are made; pinned ones keep theirs */
};

/*
 * Make or adopt the maps. Refuses (-EPROTO) pins of another ABI; pins of other
 * limits are adopted with those (dataplane_limits), and can be left for others
 * (next.h), and so are pins of another layout that can be converted. Half-made pins of a killed start are removed and made again; half-made
 * claims are swept.
 */
int dataplane_open(const struct dataplane_options *options, struct dataplane **ret,
		   struct error *err);

/*
 * The same, of maps that another lbd goes on with: what there is to prove and to
 * map is done ahead, and dataplane_take must follow before anything is written.
 * -EAGAIN: these can only be opened when that one has ended.
 */
int dataplane_look(const struct dataplane_options *options, struct dataplane **ret,
		   struct error *err);

/*
 * The other lbd has ended its writing, its last commit was at @flipped_ms (0:
 * unknown). -ESTALE: it left these maps for others; they are closed.
 */
int dataplane_take(struct dataplane *dataplane, int64_t flipped_ms, struct error *err);

/* When the last commit was, by CLOCK_MONOTONIC; 0: unknown. */
int64_t dataplane_flipped_ms(const struct dataplane *dataplane);

/*
 * Did another release make maps of this set, in another layout? Then it is but
 * there to be adopted and moved (next.h): its tables are not to be read.
 */
bool dataplane_is_foreign(const struct dataplane *dataplane);

/* Are the maps as @limits, and this lbd's layout, want them? Otherwise: next.h. */
bool dataplane_stays(const struct dataplane *dataplane, const struct lbd_limits *limits);

/* Unmaps and closes; pins, programs and attachments stay. Accepts NULL. */
void dataplane_close(struct dataplane *dataplane);

/* Were the maps there before? How many claims were swept? */
bool dataplane_adopted(const struct dataplane *dataplane, uint32_t *ret_swept);

/* Had the last lbd died while a candidate was on trial? Then what ran before it runs again. */
bool dataplane_recovered(const struct dataplane *dataplane);

/* Limits in the words of the config; @buffer has DATAPLANE_LIMITS_TEXT bytes and is returned. */
#define DATAPLANE_LIMITS_TEXT 320
char *dataplane_format_limits(const struct lbd_limits *limits, char *buffer);

/* Only those that differ, "NAME FROM -> TO"; the same buffer. */
char *dataplane_format_change(const struct lbd_limits *from, const struct lbd_limits *to,
			      char *buffer);

/* The limit in @place, counted from 0, as the config has it. False: there are no more. */
bool dataplane_limit(const struct lbd_limits *limits, uint32_t place, const char **ret_name,
		     uint32_t *ret_value);

const struct lbd_limits *dataplane_limits(const struct dataplane *dataplane);
const struct tables *dataplane_tables(const struct dataplane *dataplane);

/*
 * The backend that Maglev gives @flow by the tables in force, as every node of
 * the cluster does that has no entry for it; 0: its service has none to give.
 */
uint16_t dataplane_pick(const struct dataplane *dataplane, const struct table_entry *flow);

/* What the snapshot in force says, as a model (names are addresses). *ret: model_free. */
int dataplane_adopt(const struct dataplane *dataplane, struct model **ret, struct error *err);

/* Put @model in force: one atomic step for the packet path. */
int dataplane_commit(struct dataplane *dataplane, const struct model *model, struct error *err);

/*
 * Wait until no packet is under way that read an older snapshot, some
 * milliseconds at most. What refers to an id that went GONE before is then in
 * the connection table, to be seen.
 */
void dataplane_settle(const struct dataplane *dataplane);

struct dataplane_generation {
	uint32_t prog_id; /* 0: the slot is empty */
	uint32_t features;
	uint32_t instructions; /* after verification */
	int64_t loaded_at;     /* seconds since the epoch */
	char tag[17];	       /* of the program's text, hexadecimal */
	char version[32];      /* of the object, as built */
};

/*
 * Load @object as a generation for @model over these maps. The program's file
 * descriptor is the caller's. -EPROTO if its ABI differs, the verifier's last
 * lines in @err if it was refused.
 */
int dataplane_load(struct dataplane *dataplane, const char *object, const struct model *model,
		   uint32_t features, int *ret_fd, struct error *err);

/*
 * The same in two steps. A bank is chosen and the generation entered by whoever
 * owns the data plane; in between any thread prepares, by a second hold on the
 * maps. Until it is entered another load may take the bank: -ESTALE then.
 */
struct dataplane_prepared;

uint32_t dataplane_choose_bank(struct dataplane *dataplane);

/* *ret: dataplane_discard. */
int dataplane_prepare(const struct dataplane *dataplane, const char *object,
		      const struct model *model, uint32_t features, uint32_t bank,
		      struct dataplane_prepared **ret, struct error *err);

/* Would preparing it now, for these, make just the same? */
bool dataplane_prepared_fits(const struct dataplane *dataplane,
			     const struct dataplane_prepared *prepared, const struct model *model,
			     uint32_t features);

/* *ret_fd is the caller's, as dataplane_load gives it. */
int dataplane_enter(const struct dataplane *dataplane, const struct dataplane_prepared *prepared,
		    int *ret_fd, struct error *err);

/* Accepts NULL. */
void dataplane_discard(struct dataplane_prepared *prepared);

/*
 * A second hold on the maps, for another thread: what is loaded through it and
 * entered stands apart from the generations that carry packets if @own_stages.
 * Nothing may be committed or swapped through it. *ret: dataplane_close.
 */
int dataplane_open_beside(const struct dataplane *dataplane, bool own_stages,
			  struct dataplane **ret, struct error *err);

/* Make @prog_fd the running generation; the one that ran becomes the previous one. */
int dataplane_swap(struct dataplane *dataplane, int prog_fd, struct error *err);

/*
 * Make @prog_fd the running generation in place of one of the same object that
 * was specialised for another config: the previous one stays for a rollback.
 */
int dataplane_refit(struct dataplane *dataplane, int prog_fd, struct error *err);

/* Exchange running and previous. -ENOENT if there is no previous one. */
int dataplane_rollback(struct dataplane *dataplane, struct error *err);

/*
 * What is meant by @slot: while a candidate is on trial, the one that takes the
 * place of what runs if it is a watched swap, else what ran before.
 */
int dataplane_generation(const struct dataplane *dataplane, enum lbd_generation_slot slot,
			 struct dataplane_generation *ret);

/* A generation with its stages, summed up. */
struct dataplane_program {
	struct dataplane_generation generation;
	uint32_t programs;     /* that it is made of */
	uint32_t instructions; /* after verification */
	uint32_t verified; /* that the verifier walked through; 0: Linux before 5.16 doesn't say */
	uint32_t jited_bytes; /* of machine code; 0: the kernel doesn't compile */
};

/* Ask the kernel of @prog_fd, or of the running generation with -1 (-ENOENT: none runs). */
int dataplane_inspect(const struct dataplane *dataplane, int prog_fd,
		      struct dataplane_program *ret);

/* The same of one that is only prepared. */
int dataplane_inspect_prepared(const struct dataplane_prepared *prepared,
			       struct dataplane_program *ret);

/*
 * Close a generation that was loaded: its stages go with it, unless it was given a
 * place. Whoever only closes it leaves them and their maps behind, until a later load
 * takes the bank.
 */
void dataplane_unload(struct dataplane *dataplane, int prog_fd);

/* What becomes of a pinned map. */
#define DATAPLANE_FATES(X)                                             \
	X(REUSED, "reused")	/* as it is */                         \
	X(MIGRATED, "migrated") /* its contents go to another map */   \
	X(ADDED, "added")	/* it wasn't there: made, and empty */ \
	X(ANEW, "made anew")	/* empty, which does no harm */        \
	X(UNUSED, "unused")	/* whoever asks doesn't know it */     \
	X(REFUSED, "refused")	/* nothing can be made of what is in it */

enum dataplane_fate {
#define X(constant, name) DATAPLANE_FATE_##constant,
	DATAPLANE_FATES(X)
#undef X
};

const char *dataplane_fate_name(enum dataplane_fate fate);

struct dataplane_map {
	const char *name;
	enum dataplane_fate fate;
	char why[500]; /* it isn't reused; or empty */
};

#define DATAPLANE_MAPS_MAX 48

/*
 * What becomes of each map of the pinned set @options->pin_dir when an lbd of
 * this build starts with @options. *ret_count of @ret are filled. -ENOENT: there
 * is no such set. -EPROTO: a map is refused at least, and @err says which; the
 * rows are filled all the same.
 */
int dataplane_compare_pins(const struct dataplane_options *options,
			   struct dataplane_map ret[DATAPLANE_MAPS_MAX], uint32_t *ret_count,
			   struct error *err);

/*
 * What @object takes each map in use for. *ret_count of @ret are filled. -EPROTO:
 * it is no packet path of this ABI, or one map has another layout at least: an
 * lbd of the object's release converts such as are MIGRATED when it starts.
 */
int dataplane_compare(const struct dataplane *dataplane, const char *object,
		      struct dataplane_map ret[DATAPLANE_MAPS_MAX], uint32_t *ret_count,
		      struct error *err);

/* Was the generation in @slot loaded with just these features and @model's times and secret? */
bool dataplane_fits(const struct dataplane *dataplane, enum lbd_generation_slot slot,
		    const struct model *model, uint32_t features);

/*
 * A trial: a candidate gets a share of the flows, or all packets, from slot
 * RUNNING on. Unless it is renewed before its patience is over, all goes to what
 * ran before, though lbd be dead. Swap, refit and rollback are refused (-EBUSY)
 * meanwhile.
 */
struct dataplane_split_plan {
	const char *object; /* split.bpf.o */
	int candidate;	    /* as dataplane_load returned it */
	uint32_t share;	    /* of LBD_SPLIT_WHOLE */
	bool swapped;	    /* it counts as the running generation */
	uint32_t patience_ms;
	uint32_t services_count; /* 0: packets of all */
	struct lbd_split_service services[LBD_SPLIT_SERVICES];
	const struct lbd_split_key *watched; /* services that are counted one by one */
	uint32_t watched_count;
};

int dataplane_split_begin(struct dataplane *dataplane, const struct dataplane_split_plan *plan,
			  struct error *err);
void dataplane_split_renew(struct dataplane *dataplane, uint32_t patience_ms);
void dataplane_split_share(struct dataplane *dataplane, uint32_t share);

/* Let other flows make up the share: none of those that did, if it is half of them at most. */
void dataplane_split_shift(struct dataplane *dataplane);

/* The candidate becomes the running generation, what ran before it the previous one. */
int dataplane_split_promote(struct dataplane *dataplane, struct error *err);

/* What ran before runs again; the candidate is forgotten, or becomes the previous one if @keep. */
int dataplane_split_abort(struct dataplane *dataplane, bool keep, struct error *err);

struct dataplane_split {
	struct dataplane_generation candidate;
	uint32_t share;
	bool swapped;
	bool late; /* the deadline has passed: nothing goes to the candidate */
};

/* False: no candidate is on trial. */
bool dataplane_split(const struct dataplane *dataplane, struct dataplane_split *ret);

/* Both sides, since the maps were made: what each was handed, and what it made of that. */
struct dataplane_split_counts {
	struct lbd_split_seen seen;
	uint64_t outcomes[LBD_SPLIT_SLOTS][LBD_OUTCOME_MAX];
};

/*
 * Read in such an order that between a @first and a later call no packet seems
 * to lack an outcome that has one, whatever comes meanwhile.
 */
int dataplane_split_counts(const struct dataplane *dataplane, bool first,
			   struct dataplane_split_counts *ret);

/*
 * Service by service: what each side was handed for @keys, of the plan's. The
 * order above holds here too: the backends come first at first, and last later.
 */
int dataplane_split_handed(const struct dataplane *dataplane, const struct lbd_split_key *keys,
			   uint32_t count, struct lbd_split_handed *ret);

struct dataplane_split_backend {
	uint16_t service; /* id; 0: it is nobody's now */
	uint64_t packets[LBD_SPLIT_SLOTS];
};

/*
 * What each side gave to each backend, ever; @ret has limits.backends places.
 * -EOPNOTSUPP: the two sides can't be told apart, as the old one is of a release
 * that has only one set of these counters.
 */
int dataplane_split_backends(const struct dataplane *dataplane,
			     struct dataplane_split_backend *ret);

struct dataplane_attachment {
	char interface[IFNAMSIZ];
	uint32_t ifindex;
	enum config_xdp_mode mode; /* in force: NATIVE, GENERIC or OFFLOAD */
	bool dispatcher;	   /* in libxdp's chain, or the only program */
	bool adopted;		   /* it was there before */
	uint8_t mac[6];		   /* frames for it are ours */
	char reason[192];	   /* why this mode: a sentence */
};

#define DATAPLANE_CHAIN_MAX 10 /* what libxdp's dispatcher takes */

/* The XDP programs on an interface, in the order they run. */
struct dataplane_chain {
	uint32_t count;
	char programs[DATAPLANE_CHAIN_MAX][64];
};

/* Ask the kernel; none where nothing is attached or it can't be told. */
void dataplane_chain(uint32_t ifindex, struct dataplane_chain *ret);

/* What exchanging the XDP program of an interface for another one comes to. */
enum dataplane_exchange {
	DATAPLANE_EXCHANGE_UNKNOWN,
	DATAPLANE_EXCHANGE_IN_PLACE, /* not one packet is lost by it */
	DATAPLANE_EXCHANGE_PAUSES,   /* packets wait, or are lost, for a moment */
	DATAPLANE_EXCHANGE_RESTARTS, /* link and queues: packets are lost */
};

const char *dataplane_exchange_name(enum dataplane_exchange exchange);

/* In native mode. @ret is the driver's name, of @size bytes; "unknown" if it says none. */
enum dataplane_exchange dataplane_driver(const char *interface, char *ret, size_t size);

/* Read the interface's MAC address again: it may change while we stand on it. */
void dataplane_refresh_mac(struct dataplane_attachment *attachment);

/* "native", "generic", ... as the config writes it. */
const char *dataplane_mode_name(enum config_xdp_mode mode);

/* How whatever program stands on the interface is attached; AUTO: none is. */
enum config_xdp_mode dataplane_mode_at(uint32_t ifindex);

/*
 * Stand the root program on @interface, unless it stands there already.
 * AUTO tries native, then generic. @root_object is root.bpf.o. A root program
 * that lost its pins, and so only hands packets to the kernel, is replaced.
 * -EBUSY or -EEXIST: somebody else's program is there, and can't be shared with.
 */
int dataplane_attach(struct dataplane *dataplane, const char *root_object, const char *interface,
		     enum config_xdp_mode mode, struct dataplane_attachment *ret,
		     struct error *err);

/* Remove the root program from @interface: one that left the config. */
int dataplane_detach(struct dataplane *dataplane, const char *interface, struct error *err);

/*
 * Remove everything of the instance: the root program from each interface of
 * this network namespace (and such as lost their pins), then every pin. Works
 * whatever ABI and sizes the pins have. -ENOENT if there is nothing.
 * *ret_interfaces: how many it stood on.
 */
int dataplane_remove(const char *pin_dir, uint32_t *ret_interfaces, struct error *err);

/*
 * A client that an answer could not be sent to, as its MAC address isn't known;
 * each is told once. False: none is left.
 */
bool dataplane_take_wanted(struct dataplane *dataplane, struct lbd_addr *ret);

/* Counters, summed over CPUs. @ret has LBD_OUTCOME_MAX places; the others limits.services / .backends. */
int dataplane_outcomes(const struct dataplane *dataplane, uint64_t *ret);
int dataplane_service_traffic(const struct dataplane *dataplane, struct lbd_traffic *ret);
int dataplane_backend_traffic(const struct dataplane *dataplane, struct lbd_traffic *ret);

/*
 * The dropped packets that were kept, newest first, LBD_DROPS at most; *ret_all:
 * how many were ever kept. Returns how many @ret got.
 */
uint32_t dataplane_drops(const struct dataplane *dataplane, struct lbd_drop *ret,
			 uint64_t *ret_all);

/* How much of the guard's room is used. */
struct dataplane_guard {
	uint32_t places, places_room;	/* of the search tree of the lists */
	uint32_t sources, sources_room; /* that have a meter ... */
	uint32_t sources_busy;		/* ... and have used some of their limit just now */
};

void dataplane_guard_usage(const struct dataplane *dataplane, const struct model *model,
			   struct dataplane_guard *ret);

/*
 * Run @prog_fd (or the running generation with -1) on one frame. @out has room
 * for *out_size bytes and gets the frame as it left. Returns the XDP action,
 * or a negative errno. The frame comes from ifindex @ifindex of this namespace.
 */
int dataplane_test_run(struct dataplane *dataplane, int prog_fd, uint32_t ifindex, const void *in,
		       uint32_t in_size, void *out, uint32_t *out_size);

/* The same, and for how many nanoseconds it ran by the kernel's clock: once, from a cold start. */
int dataplane_test_run_timed(struct dataplane *dataplane, int prog_fd, uint32_t ifindex,
			     const void *in, uint32_t in_size, void *out, uint32_t *out_size,
			     uint32_t *ret_ns);

/*
 * A generation loaded with LBD_FEATURE_TRACE, to be asked what it does with
 * packets. It carries no traffic. One thread.
 */
struct dataplane_trace;

/* The largest frame that test-run takes in one piece: a page, less head- and tailroom. */
#define DATAPLANE_FRAME_MAX 3520
#define DATAPLANE_FRAME_MIN 14 /* an Ethernet header */
#define DATAPLANE_HEADROOM 256 /* by how much it may grow */

/* @prog_fd stays the caller's. -ENOENT: that object can't trace. *ret: dataplane_trace_close. */
int dataplane_trace_open(struct dataplane *dataplane, int prog_fd, struct dataplane_trace **ret,
			 struct error *err);

/* Accepts NULL. */
void dataplane_trace_close(struct dataplane_trace *trace);

/* Let it be @ns after the opening for what comes; before the first call, time is the kernel's. */
void dataplane_trace_set_elapsed(struct dataplane_trace *trace, uint64_t ns);

/*
 * As dataplane_test_run, and *ret is what the packet path says of the packet.
 * -EBADMSG: it named no outcome, or several.
 */
int dataplane_trace_run(struct dataplane_trace *trace, uint32_t ifindex, const void *in,
			uint32_t in_size, void *out, uint32_t *out_size, struct lbd_trace *ret);

#endif
