// SPDX-License-Identifier: GPL-2.0-or-later
#include "fragments/read.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#define TAG_BYTES 4
#define TAGS_MAX 2
#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define EXTENSION_BYTES 8
#define EXTENSIONS_MAX 6

static uint16_t read_be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* Returns the offset of what follows the link header and its tags; *ret_type says what it is. */
static uint32_t read_link(const uint8_t *frame, uint32_t size, uint16_t *ret_type)
{
	uint32_t at = ETH_HLEN;

	if (size < at)
		return size;
	*ret_type = read_be16(frame + at - 2);
	for (int i = 0; i < TAGS_MAX && (*ret_type == ETH_P_8021Q || *ret_type == ETH_P_8021AD);
	     i++) {
		at += TAG_BYTES;
		if (size < at)
			return size;
		*ret_type = read_be16(frame + at - 2);
	}
	return at;
}

static bool read_ipv4(const uint8_t *ip, uint32_t size, struct lbd_fragment_key *key,
		      uint32_t *ret_offset)
{
	uint16_t id;

	if (size < IPV4_HEADER)
		return false;
	memcpy(&key->client.words[3], ip + 12, 4);
	memcpy(&key->vip.words[3], ip + 16, 4);
	key->client.words[2] = key->vip.words[2] = LBD_MAPPED_PREFIX;
	memcpy(&id, ip + 4, sizeof(id));
	key->id = id;
	key->protocol = ip[9];
	*ret_offset = (uint32_t)(read_be16(ip + 6) & 0x1fff) * 8;
	return *ret_offset;
}

static bool read_ipv6(const uint8_t *ip, uint32_t size, struct lbd_fragment_key *key,
		      uint32_t *ret_offset)
{
	uint32_t at = IPV6_HEADER;
	uint8_t next;

	if (size < at)
		return false;
	next = ip[6];
	memcpy(&key->client, ip + 8, 16);
	memcpy(&key->vip, ip + 24, 16);
	for (int i = 0; i < EXTENSIONS_MAX && at + EXTENSION_BYTES <= size; i++) {
		if (next == IPPROTO_FRAGMENT) {
			memcpy(&key->id, ip + at + 4, sizeof(key->id));
			*ret_offset = read_be16(ip + at + 2) & 0xfff8;
			return *ret_offset;
		}
		next = ip[at];
		at += (uint32_t)(ip[at + 1] + 1) * 8;
	}
	return false;
}

bool fragments_read(const uint8_t *frame, uint32_t size, struct lbd_fragment_key *ret_key,
		    uint32_t *ret_offset)
{
	uint16_t type = 0;
	uint32_t at = read_link(frame, size, &type);

	memset(ret_key, 0, sizeof(*ret_key));
	if (type == ETH_P_IP)
		return read_ipv4(frame + at, size - at, ret_key, ret_offset);
	return type == ETH_P_IPV6 && read_ipv6(frame + at, size - at, ret_key, ret_offset);
}
