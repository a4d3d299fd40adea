/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_PRIVILEGES_H
#define BASE_PRIVILEGES_H

#include "base/error.h"

/*
 * Keep only the capabilities that the running daemon needs, for good: no
 * process it starts could regain others (no_new_privs). Of this thread and those
 * that it starts from here on, so call it first. 0 or a negative errno.
 */
int privileges_drop(struct error *err);

#endif
