/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet case as its file says it, and the frames in it as bytes.
 * README.md describes the format for whoever writes one.
 */
#ifndef PACKET_CASE_H
#define PACKET_CASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define CASE_FRAME_MAX 2048

/* Bytes on the wire; a bit that is 0 in the mask may be anything. */
struct case_frame {
	uint8_t bytes[CASE_FRAME_MAX];
	uint8_t mask[CASE_FRAME_MAX];
	uint32_t size;
};

/* What may happen to a backend between two packets. */
enum case_state {
	CASE_UP,
	CASE_DRAINING,
	CASE_DOWN,
	CASE_GONE,
	CASE_UNRESOLVED,
};

struct case_change {
	char *backend;
	enum case_state becomes;
};

/* What the connection table holds after a packet. */
enum case_entry {
	CASE_ENTRY_UNSAID,
	CASE_ENTRY_NONE,
	CASE_ENTRY_UNCONFIRMED,
	CASE_ENTRY_CONFIRMED,
	CASE_ENTRY_CLOSING,
	CASE_ENTRY_RESET,
	CASE_ENTRY_EXPIRED,
	CASE_ENTRY_SEVERAL,
};

/* The outer source address against that of the tunnelled packet before. */
enum case_source {
	CASE_SOURCE_UNSAID,
	CASE_SOURCE_SAME,
	CASE_SOURCE_OTHER,
};

enum case_news {
	CASE_NEWS_UNSAID,
	CASE_NEWS_NO,
	CASE_NEWS_YES,
};

struct case_step {
	char *note;
	struct case_change *changes;
	uint32_t changes_count;
	uint32_t idle; /* seconds that every entry has been idle for, more */
	char *from;    /* interface; NULL: in0 */
	char *in;
	int verdict; /* XDP_* */
	char *outcome;
	char *out; /* NULL: as it came */
	enum case_entry entry;
	enum case_news news;
	enum case_source source;
	struct case_frame frame_in, frame_out;
};

struct packet_case {
	char *sentence;
	char *setup; /* setups/SETUP.yaml */
	struct case_step *steps;
	uint32_t steps_count;
};

/* Read @path. *ret is the caller's, freed with case_free. */
int case_load(const char *path, struct packet_case **ret, struct error *err);

/* Accepts NULL. */
void case_free(struct packet_case *packet_case);

const char *case_entry_name(enum case_entry entry);
const char *case_verdict_name(int verdict);

#endif
