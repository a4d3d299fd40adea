/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Captures of Ethernet frames: pcap and pcapng in, pcap out, by libpcap. */
#ifndef LBCTL_CAPTURE_H
#define LBCTL_CAPTURE_H

#include <stdint.h>

#include "base/error.h"

struct capture;
struct capture_writer;

struct capture_packet {
	uint64_t number;      /* from 1 */
	int64_t time_ns;      /* since the epoch */
	uint32_t length;      /* on the wire */
	uint32_t captured;    /* of them, these many were kept */
	const uint8_t *bytes; /* good until the next call */
};

/*
 * Open @path, "-" for standard input. Refuses what isn't a capture and what
 * isn't Ethernet. *ret: capture_close.
 */
int capture_open(const char *path, struct capture **ret, struct error *err);

/* 1: *ret is the next packet; 0: there is none; negative: @err names file and packet. */
int capture_next(struct capture *capture, struct capture_packet *ret, struct error *err);

/* Accepts NULL. */
void capture_close(struct capture *capture);

/* Write to @path, which must not be @source's file. *ret: capture_finish. */
int capture_create(const char *path, const struct capture *source, struct capture_writer **ret,
		   struct error *err);

void capture_write(struct capture_writer *writer, int64_t time_ns, const uint8_t *bytes,
		   uint32_t size);

/* Write what is left and close. Accepts NULL. */
int capture_finish(struct capture_writer *writer, struct error *err);

#endif
