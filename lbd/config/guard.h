/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists and limits: their part of loading, checking, saving and freeing. Within config/ only. */
#ifndef CONFIG_GUARD_H
#define CONFIG_GUARD_H

#include "config/config.h"
#include "config/document.h"
#include "config/raw.h"

void guard_load(const struct raw_config *raw, struct config *config);
void guard_load_service(const struct raw_service *raw, struct config_service *service);

/* Did every copy get its memory? */
bool guard_complete(const struct raw_config *raw, const struct config *config);

/* Lists that are named but not given, or given twice, or empty. Adds faults. */
void guard_rules(struct document *document, const struct config *config);

void guard_save(const struct config *config, struct raw_config *raw);
void guard_save_service(const struct config_service *service, struct raw_service *raw);

void guard_free(struct config *config);
void guard_free_service(struct config_service *service);

/* Of save.c: text of a value, the caller's; NULL without memory. */
char *save_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *save_prefix(const struct addr_prefix *prefix);
char *save_duration(uint32_t ms);

#endif
