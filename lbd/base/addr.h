/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, prefixes and endpoints: text to struct lbd_addr and back. */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "lbd/types.h"

#define ADDR_TEXT_MAX 64 /* "[v6 address]:port" and "v6 prefix/128" fit */

struct addr_endpoint {
	struct lbd_addr addr;
	__be16 port;
};

/* A range of ports, host order, both ends included. */
struct addr_ports {
	__u16 first, last;
};

struct addr_prefix {
	struct lbd_addr addr;
	__u8 length; /* of the family: 0..32 for IPv4, 0..128 for IPv6 */
};

/* "192.0.2.1" or "2001:db8::1". 0, or -EINVAL. */
int addr_parse(const char *text, struct lbd_addr *ret);

/* "192.0.2.0/24" or "2001:db8::/32". 0, or -EINVAL (also when host bits are set). */
int addr_parse_prefix(const char *text, struct addr_prefix *ret);

/* "192.0.2.1:80" or "[2001:db8::1]:80". 0, or -EINVAL. */
int addr_parse_endpoint(const char *text, struct addr_endpoint *ret);

/* Each formats into @buffer of ADDR_TEXT_MAX bytes and returns it. @port is in network order. */
char *addr_format(const struct lbd_addr *addr, char *buffer);
char *addr_format_endpoint(const struct lbd_addr *addr, __be16 port, char *buffer);
char *addr_format_prefix(const struct addr_prefix *prefix, char *buffer);

/* Is @addr within @prefix? */
bool addr_in_prefix(const struct lbd_addr *addr, const struct addr_prefix *prefix);

/* Fill @ret for connect() or bind(); returns its length. */
socklen_t addr_to_sockaddr(const struct lbd_addr *addr, __be16 port, struct sockaddr_storage *ret);

/* The address in @from, as accept() and the like give it. 0, or -EAFNOSUPPORT. */
int addr_from_sockaddr(const struct sockaddr_storage *from, struct lbd_addr *ret);

#endif
