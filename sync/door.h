/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The listening socket, and who may knock at it: guests, by their address. A
 * filter in the kernel drops the SYNs of everybody else before anything is
 * made for them, so that floods from elsewhere cost nothing. A guest that
 * knocks too often or holds too many connections is shut out for a while.
 *
 * Accepting is done elsewhere (ZeroMQ); here it is told what was accepted.
 */
#ifndef SYNC_DOOR_H
#define SYNC_DOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "sync/refusal.h"

#define DOOR_GUEST_CONNECTIONS 8 /* a guest needs one, and one more while an old one dies */
#define DOOR_GUEST_RATE 32	 /* connections a second; a guest that is refused makes 5 */
#define DOOR_SHUT_US (1000 * 1000LL)

struct door;

struct door_guests {
	struct lbd_addr *all; /* peers may share a host */
	uint32_t count;
};

/*
 * Listen at this address, and no other, for @guests. With @before, which
 * listens there, the new one gets all connections from now on; there may be two
 * at a time. 0 or a negative errno.
 */
int door_open(const struct addr_endpoint *address, const struct door *before,
	      struct door_guests guests, struct door **ret);

/* The one before it is closed: nobody else may listen at its address. */
void door_settle(struct door *door);
void door_close(struct door *door); /* accepts NULL */

/* The socket, for who accepts; it stays the door's. */
int door_fd(const struct door *door);

const struct addr_endpoint *door_address(const struct door *door);

/* Who may knock from now on. Those that were let in stay. 0 or a negative errno. */
int door_invite(struct door *door, struct door_guests guests);

/* @fd was accepted. If it is one too many, it is cut and counted, and its guest shut out. */
void door_accepted(struct door *door, int fd, int64_t now_us, struct refusals *refusals);

/* @fd has said something that could be understood. */
void door_spoke(struct door *door, int fd);

enum door_end {
	DOOR_END_THEIRS,  /* the other side has gone, or we had cut it */
	DOOR_END_UNHEARD, /* it was ended here before anything was understood */
	DOOR_END_BROKEN,  /* it was ended here for what it said */
};

/* The connection @fd is over: how? */
enum door_end door_left(struct door *door, int fd);

/* Cut the connection @fd if it is one that came in here. */
void door_cut(struct door *door, int fd);

/* Let guests in again whose time is up; count what the filter has dropped. */
void door_turn(struct door *door, int64_t now_us, struct refusals *refusals);

/* Is any connection left that came in here? At most a second behind. */
bool door_is_used(const struct door *door);

#endif
