/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The HA module of a node in a directory of its own, with peers that say what a test sets. */
#ifndef TESTS_UNIT_HA_FIXTURE_H
#define TESTS_UNIT_HA_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ha/ha.h"

#define NOTIFY "packaging/keepalived/lbd-notify"

/* What the fake behind sync/sync.h answers with; none of them has been heard at first. */
struct sync {
	struct sync_peer_status peers[2];
	uint32_t count;
	enum sync_role role;
};

struct lab {
	struct event_base *base;
	struct sync sync;
	struct ha *ha;
	char dir[64];
};

/* cmocka set-up and tear-down around each test: *state is a struct lab, without lab->ha. */
int lab_setup(void **state);
int lab_teardown(void **state);

#define LAB(test) cmocka_unit_test_setup_teardown(test, lab_setup, lab_teardown)

/* Run a shell command; returns as system(). */
int lab_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Start, or start again, with or without the peers of lab->sync. */
void lab_start(struct lab *lab, bool adopted, uint32_t patience_ms, bool peers);

/* As a move of the tables does it: sync stops, though there are peers, and goes on. */
void lab_pause_sync(struct lab *lab, uint32_t patience_ms);
void lab_resume_sync(struct lab *lab, uint32_t patience_ms);

struct ha_status lab_status(const struct lab *lab);
void lab_run_loop(struct lab *lab, unsigned int ms);

/* Files of the run directory, of one line; one that is missing reads as "". */
void lab_expect_file(const struct lab *lab, const char *name, const char *wanted);
void lab_write_file(const struct lab *lab, const char *name, const char *line);

#endif
