/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines go to standard error. Under systemd they carry the priority prefix
 * of sd-daemon(3); on a terminal a time of day. Safe to call from any thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/error.h"

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Report @err with its hint, as "context: text (hint)". */
void log_report(const char *context, const struct error *err);

/* Let log_debug through; called once, before threads start. */
void log_set_debug(int on);

#endif
