/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An HTTP client as plain as can be, that also sends what no client should.
 * Whatever fails here fails the cmocka test that runs.
 */
#ifndef API_CLIENT_H
#define API_CLIENT_H

#include <jansson.h>

#include "fake_lbd.h"

int client_dial(const struct fake_state *fake);

/* Send what the server takes: it may hang up on nonsense. */
void client_throw(int fd, const void *data, size_t size);
void client_throw_many(int fd, const char *text, size_t times);

/* Read until the server closes. NULL: it neither answers nor closes in time. free() it. */
char *client_drain(int fd);

/* The answer's JSON, the caller's; its HTTP status must be @status. */
json_t *client_ask(const struct fake_state *fake, const char *method, const char *path,
		   const char *body, int status);
json_t *client_get(const struct fake_state *fake, const char *path);

/* Ask for @path and expect the error body with @code. */
void client_refused(const struct fake_state *fake, const char *method, const char *path,
		    const char *body, int status, const char *code);

void client_assert_alive(const struct fake_state *fake);

/* The number at a, a.b or a.b.c; the text at @key in place @place of a list. */
json_int_t client_number(const json_t *json, const char *a, const char *b, const char *c);
const char *client_text(const json_t *json, size_t place, const char *key);

/* cmocka set-up and tear-down around each test: *state is a struct fake_state. */
int client_start(void **state);
int client_stop(void **state);

#define CLIENT_TEST(name) cmocka_unit_test_setup_teardown(name, client_start, client_stop)

#endif
