/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What several commands do alike: ask, then print the answer. */
#ifndef LBCTL_SHOW_H
#define LBCTL_SHOW_H

#include "lbctl/client.h"

/* Ask, then print the answer: as JSON with --json, else by @print. Returns the exit code. */
int show_answer(const struct invocation *invocation, const struct client_request *request,
		void (*print)(const struct invocation *invocation, const json_t *answer));

/* As show_answer; the exit code is what @judge makes of the answer. */
int show_judged(const struct invocation *invocation, const struct client_request *request,
		void (*print)(const struct invocation *invocation, const json_t *answer),
		int (*judge)(const json_t *answer));

/* Ask for @endpoint without query or body, then as show_answer. */
int show_endpoint(const struct invocation *invocation, enum api_endpoint endpoint,
		  void (*print)(const struct invocation *invocation, const json_t *answer));

/* Printers that fit show_answer. */
void show_backends(const struct invocation *invocation, const json_t *answer);
void show_generations(const struct invocation *invocation, const json_t *answer);
void show_role(const struct invocation *invocation, const json_t *answer);

/* Two lines on the packet path that is on trial; nothing for null. */
void show_trial(const json_t *trial);

/* "lbd 0.1.0, tag ..., loaded 2024-01-01 12:00:00, ipv4 ipip", or "none" for null. */
void show_generation_line(const json_t *generation);

#endif
