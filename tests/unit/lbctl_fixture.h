/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lbctl as its users meet it: command lines in, text and exit codes out. */
#ifndef LBCTL_FIXTURE_H
#define LBCTL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "api_client.h"

#define OUTPUT_MAX 65536

struct result {
	int code;
	char out[OUTPUT_MAX], err[OUTPUT_MAX];
};

/* Run "lbctl LINE" (split at blanks) and keep what came of it. */
void run(struct result *result, const char *line);

/* As run; after @interrupt_ms it gets a ^C. 0: never. */
void run_until(struct result *result, const char *line, useconds_t interrupt_ms);

/* As run, asking the fake daemon. */
void ask(struct result *result, const struct fake_state *fake, const char *line);

void assert_has(const char *text, const char *part);

#endif
