/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * talk: the instrument that the cluster's figures come from. A client keeps
 * numbered questions going over many connections; a server on each backend
 * sends each one back with its own name written in. Whatever goes missing,
 * comes twice or is answered by somebody else, the client has seen.
 */
#ifndef TALK_H
#define TALK_H

#include <stdint.h>

#define TALK_NAME_MAX 16   /* of a server, with the NUL */
#define TALK_SIZE_MAX 1400 /* of a message: one packet, in a tunnel too */

/* A message opens with this; the rest is padding. Host order: both ends run on one machine. */
struct talk_record {
	uint32_t size; /* of the whole message */
	uint32_t flow; /* which flow of the client asked */
	uint64_t sequence;
	uint32_t window; /* between which two marks it was sent */
	uint32_t reserved;
	char server[TALK_NAME_MAX]; /* written by the server */
};

/* The subcommands: main.c hands argv on; each returns an exit code. */
int server_main(int argc, char **argv);
int client_main(int argc, char **argv);

/* A whole number of [1, max] out of an option's text; exits with a message otherwise. */
uint32_t talk_number(const char *option, const char *text, uint32_t max);

/* Room for bursts: a full receive buffer would look like a packet lost on the way. */
void talk_enlarge_buffers(int fd);

#endif
