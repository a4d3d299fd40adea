/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include "config/config.h"
#include "config/document.h"

/* Every key known, every value of its kind, nothing twice, nothing missing? Adds faults. */
void check_document(struct document *document);

/*
 * What no single value can tell: names and addresses used twice, families that
 * don't go together, limits that don't fit. Adds faults.
 */
void rules_check(struct document *document, const struct config *config);

/* Why @addr can't be a backend of @service, as the end of a sentence; NULL if it can. */
const char *rules_backend_fault(const struct config_service *service, const struct lbd_addr *addr);

/* Why a backend can't have a port, as the end of a sentence. */
#define RULES_PORT_FAULT "but only forward: nat can change the port"

/* What the quic section and the server ids of a service must agree about. Adds faults. */
void rules_quic(struct document *document, const struct config_service *service, const char *path);

/* Is there room for all server ids together? */
void rules_quic_room(struct document *document, const struct config *config);

#endif
