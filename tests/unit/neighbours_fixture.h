/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own rtnetlink, in two network namespaces of this process and a
 * child, joined by a veth pair:
 *
 *   this namespace              the child's ("peer")
 *   near  192.0.2.1/24   ------ far  192.0.2.2/24
 *   2001:db8::1/64              2001:db8::2/64   02:00:00:00:00:02
 */
#ifndef TESTS_UNIT_NEIGHBOURS_FIXTURE_H
#define TESTS_UNIT_NEIGHBOURS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "net/neighbours.h"

struct lab {
	struct event_base *base;
	struct neighbours *neighbours;
	struct nexthop last; /* what the latest of @calls told */
	unsigned int calls;
	pid_t peer;
};

/* cmocka set-up and tear-down around each test: *state is a struct lab. */
int lab_setup(void **state);
int lab_teardown(void **state);

#define LAB(test) cmocka_unit_test_setup_teardown(test, lab_setup, lab_teardown)

/* Run a shell command in this namespace; the test fails if it does. */
void lab_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct lbd_addr lab_address(const char *text);
void lab_watch(struct lab *lab, const char *text);
void lab_run_loop(struct lab *lab, int ms);

/* What is known of @text, which must be watched. */
struct nexthop lab_find(struct lab *lab, const char *text);

/* Run the loop until @text has the next hop @mac ("" for none) behind @interface, or fail. */
void lab_expect_behind(struct lab *lab, const char *text, const char *mac, const char *interface);

/* The same behind "near". */
void lab_expect(struct lab *lab, const char *text, const char *mac);

#endif
