/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one error idiom: a function that can fail returns 0 or a negative errno.
 * One whose failure a person must understand also takes a struct error and
 * says what was expected and what came, at the failing call. It doesn't log:
 * whoever called first (start-up, a reload, an API request) reports it, once.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stddef.h>

struct error {
	char text[4096]; /* one sentence, or several lines for a config check */
	char hint[256];	 /* the next command to try, or empty */
};

/* Set the text and return @code (a negative errno), so callers can return it. @err may be NULL. */
int error_set(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As error_set, followed by ": " and the phrase of errno -@code. */
int error_errno(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Add the command that helps. Call after error_set. */
void error_hint(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Put "context: " before the text that is already there. Returns @code. */
int error_prefix(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
