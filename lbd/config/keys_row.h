/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tables of keys are written with. Within keys*.c only. */
#ifndef CONFIG_KEYS_ROW_H
#define CONFIG_KEYS_ROW_H

#include <stddef.h>

#include "config/config.h"
#include "config/keys.h"
#include "config/raw.h"

/* Where the text of a key goes: a member of its mapping's raw struct. */
#define AT(type, member) .offset = offsetof(struct type, member)
#define LIST_AT(type, member) \
	AT(type, member), .count_offset = offsetof(struct type, member##_count)

#define HOUR_MS (60 * 60 * 1000LL)
#define DAY_MS (24 * HOUR_MS)

/* Children of the top level that stand in keys_service.c. */
extern const struct key keys_list[], keys_guard[], keys_service[];

#endif
