/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ids are local to a node; identities aren't: a service is (VIP, port,
 * protocol), a backend (service, address). Two halves:
 *
 *   struct dictionary  our ids -> identities; told to the peers, and asked by
 *   struct directory   a peer's ids -> identities -> our ids
 *
 * A dictionary doesn't change once made. A directory is filled by the rows of
 * DICTIONARY messages and mapped again whenever our own dictionary changes.
 */
#ifndef SYNC_DICTIONARY_H
#define SYNC_DICTIONARY_H

#include <stdbool.h>
#include <stdint.h>

#include "model/model.h"
#include "sync/wire.h"

#define DICTIONARY_IDS 65536

struct dictionary {
	uint32_t services_count;
	uint32_t backends_count;
	struct wire_service *services;		  /* sorted by identity */
	struct wire_backend *backends;		  /* sorted by service id, address */
	uint16_t backend_service[DICTIONARY_IDS]; /* by backend index; 0: not in here */
};

/* NULL without memory. GONE services and backends are in it: entries may still use them. */
struct dictionary *dictionary_new(const struct model *model);
void dictionary_free(struct dictionary *dictionary); /* accepts NULL */
bool dictionary_equal(const struct dictionary *a, const struct dictionary *b);

/* Our id of that identity, 0 if there is none. */
uint16_t dictionary_find_service(const struct dictionary *dictionary,
				 const struct wire_service *service);
uint16_t dictionary_find_backend(const struct dictionary *dictionary, uint16_t service,
				 const struct lbd_addr *addr);

/* Room for the rows of one message. */
struct dictionary_part {
	uint8_t services[WIRE_SERVICES_MAX * WIRE_SERVICE_SIZE];
	uint8_t backends[WIRE_BACKENDS_MAX * WIRE_BACKEND_SIZE];
	uint32_t next; /* offset of the part that follows */
};

/* Make the rows that start at @offset, as many as a message takes, and refer to them in @ret. */
void dictionary_part(const struct dictionary *dictionary, uint32_t offset,
		     struct dictionary_part *part, struct wire_message *ret);

struct directory_service {
	struct wire_service identity;
	bool used;
	uint16_t local; /* our id, 0: unknown here */
};

struct directory_backend {
	struct lbd_addr addr;
	uint16_t service; /* the peer's id; 0: row not used */
	uint16_t local;	  /* our index, 0: unknown here */
	bool missed;	  /* a record for it was thrown away: ask for it again once known */
};

struct directory {
	uint64_t version;
	bool missed_before;    /* a backend of an older version was missed */
	uint32_t services_end; /* ids used are below, so that small directories stay cheap */
	uint32_t backends_end;
	struct directory_service services[DICTIONARY_IDS];
	struct directory_backend backends[DICTIONARY_IDS];
};

/* NULL without memory. */
struct directory *directory_new(void);
void directory_free(struct directory *directory); /* accepts NULL */

/* Forget everything: a new conversation begins. */
void directory_clear(struct directory *directory);

/* Forget it but for what was missed: the conversation goes on, its ids come again. */
void directory_go_on(struct directory *directory);

/* Take a DICTIONARY message; the first of a new version clears. Returns how many rows were bad. */
uint32_t directory_learn(struct directory *directory, const struct dictionary *own,
			 const struct wire_message *message);

/*
 * Our own dictionary is another now: map again. Returns true if a record was
 * thrown away that could be taken now.
 */
bool directory_map(struct directory *directory, const struct dictionary *own);

#endif
