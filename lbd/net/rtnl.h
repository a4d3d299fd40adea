/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An rtnetlink socket (rtnetlink(7), libmnl), and what its messages share:
 * attributes that are read only after their length was checked. One socket is
 * for requests, which the kernel answers at once, another one for events, so
 * that an answer never stands behind a storm of events.
 */
#ifndef NET_RTNL_H
#define NET_RTNL_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "lbd/types.h"

#define RTNL_REQUEST_MAX 128

struct rtnl;

/* Room for a request, aligned as its header needs it. */
struct rtnl_request {
	union {
		struct nlmsghdr header;
		char bytes[RTNL_REQUEST_MAX];
	};
};

/*
 * Open a socket. With @groups (RTNLGRP_*, @count of them) it is non-blocking
 * and for rtnl_events; without, it is for rtnl_ask. *ret: rtnl_close.
 */
int rtnl_open(const unsigned int *groups, size_t count, struct rtnl **ret, struct error *err);

/* Accepts NULL. */
void rtnl_close(struct rtnl *rtnl);

int rtnl_fd(const struct rtnl *rtnl);

/*
 * Send @request and wait for its answer, which stands in *ret_reply until the
 * next call (NULL: only the acknowledgement matters). 0, or the kernel's
 * negative errno, or -ETIMEDOUT.
 */
int rtnl_ask(struct rtnl *rtnl, struct rtnl_request *request, const struct nlmsghdr **ret_reply);

/*
 * Hand every waiting event to @visit. 0, or a negative errno: -ENOBUFS and
 * -ENOSPC say that events were lost.
 */
int rtnl_events(struct rtnl *rtnl, void (*visit)(void *context, const struct nlmsghdr *),
		void *context);

/* Start @request: @type, @flags, and a zeroed family header of @size bytes, which is returned. */
void *rtnl_begin(struct rtnl_request *request, uint16_t type, uint16_t flags, size_t size);

/* Append an address as 4 or 16 bytes. */
void rtnl_put_addr(struct rtnl_request *request, uint16_t type, const struct lbd_addr *addr);

/* AF_INET or AF_INET6. */
uint8_t rtnl_family(const struct lbd_addr *addr);

/*
 * The family header of @message if it has room for @size bytes, else NULL.
 * table[0..max] is filled with its attributes, NULL where one is absent.
 */
const void *rtnl_attrs(const struct nlmsghdr *message, size_t size, const struct nlattr **table,
		       uint16_t max);

/* The same for the attributes within @nest. */
void rtnl_nested(const struct nlattr *nest, const struct nlattr **table, uint16_t max);

/* Each is false, and leaves *ret alone, if @attr is NULL or of another length. */
bool rtnl_get_u32(const struct nlattr *attr, uint32_t *ret);
bool rtnl_get_mac(const struct nlattr *attr, uint8_t *ret);
bool rtnl_get_addr(uint8_t family, const struct nlattr *attr, struct lbd_addr *ret);

/* @bytes is an address of @family, @length bytes long. */
bool rtnl_addr(uint8_t family, const void *bytes, size_t length, struct lbd_addr *ret);

#endif
