// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int addr_parse(const char *text, struct lbd_addr *ret)
{
	__be32 v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		*ret = lbd_addr_from4(v4);
		return 0;
	}
	return inet_pton(AF_INET6, text, ret->bytes) == 1 ? 0 : -EINVAL;
}

static int addr_parse_number(const char *text, unsigned long max, unsigned long *ret)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	*ret = strtoul(text, &end, 10);
	return *end || *ret > max ? -EINVAL : 0;
}

/* Bits of the 16 bytes that the prefix covers. */
static unsigned int addr_prefix_bits(const struct addr_prefix *prefix)
{
	return lbd_addr_is4(&prefix->addr) ? 96U + prefix->length : prefix->length;
}

bool addr_in_prefix(const struct lbd_addr *addr, const struct addr_prefix *prefix)
{
	unsigned int bits = addr_prefix_bits(prefix), bytes = bits / 8;
	__u8 mask = (__u8)(0xff00 >> bits % 8);

	if (memcmp(addr->bytes, prefix->addr.bytes, bytes) != 0)
		return false;
	return !mask || !((addr->bytes[bytes] ^ prefix->addr.bytes[bytes]) & mask);
}

static bool addr_prefix_clean(const struct addr_prefix *prefix)
{
	for (unsigned int bit = addr_prefix_bits(prefix); bit < 128; bit++)
		if (prefix->addr.bytes[bit / 8] & (0x80 >> bit % 8))
			return false;
	return true;
}

int addr_parse_prefix(const char *text, struct addr_prefix *ret)
{
	const char *slash = strchr(text, '/');
	char host[ADDR_TEXT_MAX];
	unsigned long length;

	if (!slash || (size_t)(slash - text) >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, (size_t)(slash - text));
	host[slash - text] = '\0';
	if (addr_parse(host, &ret->addr))
		return -EINVAL;
	if (addr_parse_number(slash + 1, lbd_addr_is4(&ret->addr) ? 32 : 128, &length))
		return -EINVAL;
	ret->length = (__u8)length;
	return addr_prefix_clean(ret) ? 0 : -EINVAL;
}

int addr_parse_endpoint(const char *text, struct addr_endpoint *ret)
{
	const char *colon = strrchr(text, ':');
	bool brackets = *text == '[';
	char host[ADDR_TEXT_MAX];
	unsigned long port;
	size_t length;

	if (!colon || (size_t)(colon - text) >= sizeof(host))
		return -EINVAL;
	length = (size_t)(colon - text);
	if (brackets && (length < 2 || colon[-1] != ']'))
		return -EINVAL;
	memcpy(host, text + brackets, length - 2 * brackets);
	host[length - 2 * brackets] = '\0';
	if (addr_parse(host, &ret->addr) || addr_parse_number(colon + 1, 65535, &port))
		return -EINVAL;
	if (brackets == lbd_addr_is4(&ret->addr))
		return -EINVAL;
	ret->port = htons((__u16)port);
	return 0;
}

char *addr_format(const struct lbd_addr *addr, char *buffer)
{
	if (lbd_addr_is4(addr))
		inet_ntop(AF_INET, &addr->words[3], buffer, ADDR_TEXT_MAX);
	else
		inet_ntop(AF_INET6, addr->bytes, buffer, ADDR_TEXT_MAX);
	return buffer;
}

char *addr_format_endpoint(const struct lbd_addr *addr, __be16 port, char *buffer)
{
	char host[ADDR_TEXT_MAX];

	snprintf(buffer, ADDR_TEXT_MAX, lbd_addr_is4(addr) ? "%.46s:%u" : "[%.46s]:%u",
		 addr_format(addr, host), ntohs(port));
	return buffer;
}

char *addr_format_prefix(const struct addr_prefix *prefix, char *buffer)
{
	char host[ADDR_TEXT_MAX];

	snprintf(buffer, ADDR_TEXT_MAX, "%.46s/%u", addr_format(&prefix->addr, host),
		 prefix->length);
	return buffer;
}

socklen_t addr_to_sockaddr(const struct lbd_addr *addr, __be16 port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (lbd_addr_is4(addr)) {
		in4->sin_family = AF_INET;
		in4->sin_port = port;
		in4->sin_addr.s_addr = addr->words[3];
		return sizeof(*in4);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = port;
	memcpy(&in6->sin6_addr, addr->bytes, 16);
	return sizeof(*in6);
}

int addr_from_sockaddr(const struct sockaddr_storage *from, struct lbd_addr *ret)
{
	if (from->ss_family == AF_INET)
		*ret = lbd_addr_from4(((const struct sockaddr_in *)from)->sin_addr.s_addr);
	else if (from->ss_family == AF_INET6)
		memcpy(ret, &((const struct sockaddr_in6 *)from)->sin6_addr, sizeof(*ret));
	else
		return -EAFNOSUPPORT;
	return 0;
}
