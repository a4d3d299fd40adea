/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages as bytes: PROTOCOL.md is the specification, this its only encoder
 * and decoder. Nothing here is an internal type, and no internal type is ever
 * sent: what a table or a model looks like can change without the wire.
 *
 *   struct wire_message --wire_encode--> bytes --wire_decode--> struct wire_message
 *
 * A message is one msgpack map with small integers as keys. All fields are rows
 * of one table; encoder and decoder walk it.
 */
#ifndef SYNC_WIRE_H
#define SYNC_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "lbd/types.h"
#include "sync/refusal.h"

#define WIRE_MAGIC 0x6c626473U /* "lbds" */
#define WIRE_VERSION 2	       /* the highest that is spoken here */
#define WIRE_VERSION_MIN 1     /* the lowest */

#define WIRE_MESSAGE_MAX 65536 /* bytes; ZeroMQ drops the connection of a longer one */
#define WIRE_FIELDS_MAX 64
#define WIRE_TEXT_MAX 64 /* with the NUL, which isn't sent */
#define WIRE_ROWS_BYTES_MAX 32768

/* Rows a message may carry; each kind alone fits its field, all that go together fit a message. */
#define WIRE_RECORDS4_MAX 1024
#define WIRE_RECORDS6_MAX 512
#define WIRE_SERVICES_MAX 512
#define WIRE_BACKENDS_MAX 1024
#define WIRE_SUMS_MAX 2048
#define WIRE_SAMPLE_MAX 1024

/* Regions that digests divide the connections into. */
#define WIRE_REGIONS 4096

/* An age beyond this says as much as this: the connection is long forgotten. */
#define WIRE_AGE_MAX_MS (24U * 3600 * 1000)

/* The version that brought digests. */
#define WIRE_VERSION_DIGESTS 2

/* X(constant, number). Those from 11 on came with version 2. */
#define WIRE_TYPES(X)       \
	X(HELLO, 1)         \
	X(WELCOME, 2)       \
	X(DICTIONARY, 3)    \
	X(RECORDS, 4)       \
	X(BULK_DONE, 5)     \
	X(CREDIT, 6)        \
	X(HEARTBEAT, 7)     \
	X(RESYNC, 8)        \
	X(RESET, 9)         \
	X(BYE, 10)          \
	X(DIGEST_BEGIN, 11) \
	X(DIGEST, 16)       \
	X(REPAIR, 17)       \
	X(SAMPLE_ASK, 18)   \
	X(SAMPLE, 19)

enum wire_type {
#define X(constant, number) WIRE_##constant = number,
	WIRE_TYPES(X)
#undef X
};

#define WIRE_TYPE_LIMIT 32

/* Rows of one kind, still as they are on the wire. They point into the message's bytes. */
struct wire_rows {
	const uint8_t *data;
	uint32_t stride; /* bytes a row; a newer sender may append to each */
	uint32_t count;
};

/* Terms are bounded, so that the one after the highest known can always be told. */
#define WIRE_TERM_MAX (1ULL << 48)

/* What the header says of the sender's part in the cluster. */
#define WIRE_ROLE_UNKNOWN 0
#define WIRE_ROLE_ACTIVE 1
#define WIRE_ROLE_STANDBY 2

struct wire_message {
	/* the header, in every message */
	uint64_t version;
	uint64_t type;
	char node[WIRE_TEXT_MAX];
	uint64_t boot;
	uint64_t conversation;
	uint64_t sequence;
	uint64_t term;	   /* the sender's own */
	uint64_t role;	   /* WIRE_ROLE_* */
	uint64_t term_ms;  /* since it began ... */
	uint64_t ended_ms; /* ... and ended, 0 if it goes on */
	uint64_t term_known;
	/* what its type needs */
	uint64_t version_max;
	uint64_t round;
	uint64_t credit;
	uint64_t token;
	uint64_t dictionary;
	uint64_t more;
	char reason[WIRE_TEXT_MAX];
	uint64_t consumed;
	uint64_t pass;
	uint64_t first_region;
	uint64_t agreed;
	uint64_t unsettled;
	uint64_t sample;
	uint64_t resumes; /* 0: it begins anew */
	char release[WIRE_TEXT_MAX];
	struct wire_rows sums;
	struct wire_rows regions;
	struct wire_rows services;
	struct wire_rows backends;
	struct wire_rows records4;
	struct wire_rows records6;
};

#define WIRE_CONN_CLOSING (1U << 0)
#define WIRE_CONN_UDP (1U << 1)
#define WIRE_CONN_NAT_SHIFT 2 /* three bits: the attempt at which it goes out by NAT */
#define WIRE_CONN_NAT_MASK 7U
#define WIRE_CONN_SECONDHAND (1U << 5) /* the sender has seen no packet of it */

struct wire_record {
	uint16_t service;
	uint16_t backend;
	struct lbd_addr client;
	__be16 client_port;
	__be16 vip_port;
	uint16_t flags; /* WIRE_CONN_* */
	uint32_t age_ms;
};

struct wire_service {
	uint16_t id;
	struct lbd_addr vip;
	__be16 port;
	uint8_t protocol;
};

struct wire_backend {
	uint16_t id;
	uint16_t service;
	struct lbd_addr addr;
};

#define WIRE_RECORD4_SIZE 18
#define WIRE_RECORD6_SIZE 30
#define WIRE_SERVICE_SIZE 22
#define WIRE_BACKEND_SIZE 20
#define WIRE_SUM_SIZE 8
#define WIRE_REGION_SIZE 2

/* Returns the size, or -ENOBUFS. Header and required fields are always written, others if not 0. */
int wire_encode(const struct wire_message *message, uint8_t *buffer, size_t size);

/*
 * Read one message. Rows in @ret point into @data. An unknown type is decoded
 * as far as its header; the receiver must count it and pass over it.
 */
enum refusal wire_decode(const uint8_t *data, size_t size, struct wire_message *ret);

/* One row; @row has the kind's size, or more. */
void wire_put_record4(uint8_t *row, const struct wire_record *record);
void wire_put_record6(uint8_t *row, const struct wire_record *record);
void wire_put_service(uint8_t *row, const struct wire_service *service);
void wire_put_backend(uint8_t *row, const struct wire_backend *backend);
void wire_get_record4(const uint8_t *row, struct wire_record *ret);
void wire_get_record6(const uint8_t *row, struct wire_record *ret);
void wire_get_service(const uint8_t *row, struct wire_service *ret);
void wire_get_backend(const uint8_t *row, struct wire_backend *ret);
void wire_put_sum(uint8_t *row, uint64_t sum);
uint64_t wire_get_sum(const uint8_t *row);
void wire_put_region(uint8_t *row, uint32_t region);
uint32_t wire_get_region(const uint8_t *row);

static inline const uint8_t *wire_row(const struct wire_rows *rows, uint32_t i)
{
	return rows->data + (size_t)i * rows->stride;
}

#endif
