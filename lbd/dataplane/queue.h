/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the packet path hands to user space: fragments that came before their
 * first. One AF_XDP socket (copy mode, so any driver will do) for each receive
 * queue of an interface; without one the packet path drops such fragments.
 */
#ifndef DATAPLANE_QUEUE_H
#define DATAPLANE_QUEUE_H

#include "dataplane/dataplane.h"

#define QUEUE_FRAME_MAX 4096

struct queue;

/* How many receive queues the interface has, as far as lbd listens: at most LBD_XSK_QUEUES. */
uint32_t queue_count(const char *interface);

/* Listen at queue @number of @interface. Needs CAP_NET_RAW. */
int queue_open(const struct dataplane *dataplane, const char *interface, uint32_t number,
	       struct queue **ret, struct error *err);

/* Accepts NULL. The packet path stops sending there. */
void queue_close(struct queue *queue);

/* For poll(): readable while a frame waits. */
int queue_fd(const struct queue *queue);
uint32_t queue_ifindex(const struct queue *queue);

/* The next frame, copied to @frame of QUEUE_FRAME_MAX bytes. Returns its size, 0 if there is none. */
uint32_t queue_receive(struct queue *queue, void *frame);

/*
 * Has the packet path seen the first fragment of @key, less than @age_ms ago?
 * *ret_ifindex: the interface that its backend is behind.
 */
bool queue_first_seen(const struct dataplane *dataplane, const struct lbd_fragment_key *key,
		      uint32_t age_ms, uint32_t *ret_ifindex);

#endif
