/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules that more than one file of rules_*.c has part in. Add faults to the document. */
#ifndef CONFIG_RULES_H
#define CONFIG_RULES_H

#include "config/check.h"

/* Is @addr one that a host can have? */
void rules_host(struct document *document, const struct lbd_addr *addr, const char *path);

/* The section nat. */
void rules_nat(struct document *document, const struct config *config);

/* What a service with forward: nat needs; @path is the service's. */
void rules_nat_service(struct document *document, const struct config *config,
		       const struct config_service *service, const char *path);

/* What cluster needs for its security. */
void rules_curve(struct document *document, const struct config *config);

#endif
