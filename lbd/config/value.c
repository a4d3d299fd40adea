// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/value.h"

#include <ctype.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/z85.h"
#include "config/config.h"
#include "lbd/types.h"

static const struct {
	const char *suffix;
	int64_t ms;
} value_units[] = { { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 } };

#define VALUE_UNITS (sizeof(value_units) / sizeof(*value_units))
#define VALUE_DIGITS_MAX 12
#define VALUE_LABEL "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

/*
 * Leading digits of @text as a number; -1 if there are none or too many, or if
 * they start with 0: whoever writes 010 may mean eight.
 */
static int64_t value_digits(const char *text, const char **ret_rest)
{
	size_t digits = strspn(text, "0123456789");

	*ret_rest = text + digits;
	if (*text == '0' && digits > 1)
		return -1;
	return digits && digits <= VALUE_DIGITS_MAX ? strtoll(text, NULL, 10) : -1;
}

static int64_t value_parse_number(const char *text)
{
	const char *rest;
	int64_t number = value_digits(text, &rest);

	return *rest ? -1 : number;
}

static int64_t value_parse_duration(const char *text)
{
	const char *unit;
	int64_t number = value_digits(text, &unit);

	for (size_t i = 0; number >= 0 && i < VALUE_UNITS; i++)
		if (!strcmp(unit, value_units[i].suffix))
			return number * value_units[i].ms;
	return -1;
}

static int64_t value_parse_port(const char *text)
{
	int64_t port;

	if (!strcmp(text, "any"))
		return 0;
	port = value_parse_number(text);
	return port >= 1 && port <= 65535 ? port : -1;
}

/* "1024-65535". False if @text is none. */
static bool value_parse_ports(const char *text, struct addr_ports *ret)
{
	const char *rest;
	int64_t first = value_digits(text, &rest);
	int64_t last = first > 0 && *rest == '-' ? value_parse_number(rest + 1) : -1;

	if (last < first || last > 65535)
		return false;
	*ret = (struct addr_ports){ (__u16)first, (__u16)last };
	return true;
}

static int64_t value_parse_choice(const struct key *key, const char *text)
{
	size_t length = strlen(text);
	const char *choice = key->choices;

	for (int64_t n = 0; choice && *choice; n++) {
		size_t end = strcspn(choice, "|");

		if (end == length && !strncmp(choice, text, end))
			return n;
		choice += end + (choice[end] == '|');
	}
	return -1;
}

static const char *const value_hashes[] = {
#define X(constant, name) name,
	LBD_HASHES(X)
#undef X
};

#define VALUE_HASHES (sizeof(value_hashes) / sizeof(*value_hashes))

/* The name of a hash, behind source-prefix a length; -1 if it is none. */
static int value_parse_hash(const char *text, uint8_t *ret_prefix)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	int64_t prefix = slash ? value_parse_number(slash + 1) : 0;

	if (prefix < (slash ? 1 : 0) || prefix > 128)
		return -1;
	for (size_t i = 0; i < VALUE_HASHES; i++) {
		if (strlen(value_hashes[i]) != length || strncmp(value_hashes[i], text, length))
			continue;
		*ret_prefix = (uint8_t)prefix;
		return slash && i != LBD_HASH_PREFIX ? -1 : (int)i;
	}
	return -1;
}

/* Six pairs of digits, and not one that only a group of hosts can have. */
static bool value_parse_mac(const char *text, uint8_t *ret)
{
	if (strlen(text) != strlen("00:00:5e:00:53:01"))
		return false;
	for (int i = 0; i < 6; i++) {
		const char pair[] = { text[3 * i], text[3 * i + 1], '\0' };

		if (hex_parse(pair, &ret[i], 1) != 1 || (i && text[3 * i - 1] != ':'))
			return false;
	}
	return !(ret[0] & 1);
}

/* Names stand in file names, URLs and command lines: nothing in them may need quotes. */
static bool value_is_word(const char *text, const char *characters)
{
	size_t length = strlen(text);

	return length && length < CONFIG_NAME_MAX && isalnum((unsigned char)*text) &&
	       strspn(text, characters) == length;
}

/* As the kernel's dev_valid_name(). */
static bool value_is_interface(const char *text)
{
	size_t length = strlen(text);

	return length && length < IFNAMSIZ && strcmp(text, ".") != 0 && strcmp(text, "..") != 0 &&
	       !strpbrk(text, "/: \t\n\v\f\r");
}

static bool value_is_octets(const struct key *key, const char *text)
{
	size_t length = strlen(text);

	return length % 2 == 0 && length / 2 >= (size_t)key->min &&
	       length / 2 <= (size_t)key->max && strspn(text, "0123456789abcdefABCDEF") == length;
}

static bool value_in_range(const struct key *key, int64_t number)
{
	return number >= key->min && number <= key->max;
}

bool value_valid(const struct key *key, enum key_kind kind, const char *text)
{
	struct addr_endpoint endpoint;
	struct addr_prefix prefix;
	struct addr_ports ports;
	struct lbd_addr addr;
	uint8_t mac[6], length;

	switch (kind) {
	case KEY_NAME:
		return value_is_word(text, VALUE_LABEL ".");
	case KEY_LABEL:
		return value_is_word(text, VALUE_LABEL);
	case KEY_INTERFACE:
		return value_is_interface(text);
	case KEY_PATH:
		return *text == '/' && strlen(text) < 200;
	case KEY_NUMBER:
		return value_in_range(key, value_parse_number(text));
	case KEY_DURATION:
		return value_in_range(key, value_parse_duration(text));
	case KEY_ADDRESS:
		return !addr_parse(text, &addr);
	case KEY_MAC:
		return value_parse_mac(text, mac);
	case KEY_PREFIX:
		return !addr_parse_prefix(text, &prefix);
	case KEY_ENDPOINT:
		return !addr_parse_endpoint(text, &endpoint) && endpoint.port;
	case KEY_CHOICE:
		return value_parse_choice(key, text) >= 0;
	case KEY_PORT:
		return value_parse_port(text) >= 0;
	case KEY_PORTS:
		return value_parse_ports(text, &ports);
	case KEY_BOOL:
		return !strcmp(text, "true") || !strcmp(text, "false");
	case KEY_OCTETS:
		return value_is_octets(key, text);
	case KEY_CURVE:
		return z85_is_key(text);
	case KEY_HASH:
		return value_parse_hash(text, &length) >= 0;
	default:
		return false;
	}
}

static const char *value_expected_choice(const struct key *key, char *buffer)
{
	size_t used = (size_t)snprintf(buffer, VALUE_TEXT_MAX, "one of ");

	for (const char *c = key->choices; *c && used + 3 < VALUE_TEXT_MAX; c++) {
		if (*c == '|')
			buffer[used++] = ',';
		buffer[used++] = *c == '|' ? ' ' : *c;
	}
	buffer[used] = '\0';
	return buffer;
}

static const char *value_expected_range(const struct key *key, enum key_kind kind, char *buffer)
{
	char low[VALUE_TEXT_MAX], high[VALUE_TEXT_MAX];

	if (kind == KEY_NUMBER)
		snprintf(buffer, VALUE_TEXT_MAX, "a number from %" PRId64 " to %" PRId64, key->min,
			 key->max);
	else if (kind == KEY_OCTETS)
		snprintf(buffer, VALUE_TEXT_MAX,
			 "%" PRId64 " to %" PRId64
			 " octets of two hexadecimal digits, such as 0a1f",
			 key->min, key->max);
	else
		snprintf(buffer, VALUE_TEXT_MAX,
			 "a duration from %.20s to %.20s, such as 500ms or 2s",
			 value_format_duration((uint32_t)key->min, low),
			 value_format_duration((uint32_t)key->max, high));
	return buffer;
}

const char *value_expected(const struct key *key, enum key_kind kind, char *buffer)
{
	static const char *const fixed[] = {
		[KEY_NAME] = "a name of letters, digits, dots, dashes and underscores, at most 63, "
			     "the first a letter or digit",
		[KEY_LABEL] = "a name of letters, digits, dashes and underscores, at most 63, "
			      "the first a letter or digit",
		[KEY_INTERFACE] = "the name of a network interface, at most 15 characters",
		[KEY_PATH] = "an absolute path",
		[KEY_ADDRESS] = "an IPv4 or IPv6 address",
		[KEY_MAC] = "a unicast MAC address, such as 00:00:5e:00:53:01",
		[KEY_PREFIX] = "a prefix without host bits, such as 198.18.0.0/16",
		[KEY_ENDPOINT] = "address:port, such as 192.0.2.1:7946 or [2001:db8::1]:7946",
		[KEY_PORT] = "a port from 1 to 65535, or any",
		[KEY_PORTS] = "a range of ports, such as 1024-65535",
		[KEY_BOOL] = "true or false",
		[KEY_CURVE] = "a key as lbctl keygen prints it: 40 characters, in quotes",
		[KEY_HASH] = "5-tuple, source, source-prefix, source-prefix/24 or the like, or "
			     "destination-port",
		[KEY_MAPPING] = "keys and values below it",
		[KEY_MAPPINGS] = "a list of entries, each starting with a dash",
		[KEY_SCALARS] = "a list of values, such as [one, two]",
	};

	if (kind == KEY_CHOICE)
		return value_expected_choice(key, buffer);
	if (kind == KEY_NUMBER || kind == KEY_DURATION || kind == KEY_OCTETS)
		return value_expected_range(key, kind, buffer);
	snprintf(buffer, VALUE_TEXT_MAX, "%s", fixed[kind]);
	return buffer;
}

uint32_t value_number(const char *text)
{
	return (uint32_t)value_parse_number(text);
}

uint32_t value_duration_ms(const char *text)
{
	return (uint32_t)value_parse_duration(text);
}

struct addr_ports value_ports(const char *text)
{
	struct addr_ports ports = { 0, 0 };

	value_parse_ports(text, &ports);
	return ports;
}

uint16_t value_port(const char *text)
{
	return (uint16_t)value_parse_port(text);
}

uint32_t value_choice(const struct key *key, const char *text)
{
	return (uint32_t)value_parse_choice(key, text);
}

void value_mac(const char *text, uint8_t *ret)
{
	value_parse_mac(text, ret);
}

bool value_bool(const char *text)
{
	return !strcmp(text, "true");
}

uint8_t value_octets(const char *text, uint8_t *ret)
{
	size_t count = strlen(text) / 2;

	for (size_t i = 0; i < count; i++) {
		const char pair[] = { text[2 * i], text[2 * i + 1], '\0' };

		ret[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return (uint8_t)count;
}

const char *value_format_octets(const uint8_t *octets, uint8_t length, char *buffer)
{
	buffer[0] = '\0';
	for (uint8_t i = 0; i < length; i++)
		snprintf(buffer + 2 * i, VALUE_TEXT_MAX - 2 * i, "%02x", octets[i]);
	return buffer;
}

uint8_t value_hash(const char *text, uint8_t *ret_prefix)
{
	return (uint8_t)value_parse_hash(text, ret_prefix);
}

const char *value_format_hash(uint8_t hash, uint8_t prefix, char *buffer)
{
	if (hash == LBD_HASH_PREFIX)
		snprintf(buffer, VALUE_TEXT_MAX, "%s/%u", value_hashes[hash], prefix);
	else
		snprintf(buffer, VALUE_TEXT_MAX, "%s", value_hashes[hash]);
	return buffer;
}

const char *value_format_duration(uint32_t ms, char *buffer)
{
	for (size_t i = 0; i < VALUE_UNITS; i++) {
		if (ms % value_units[i].ms)
			continue;
		snprintf(buffer, VALUE_TEXT_MAX, "%" PRId64 "%s", ms / value_units[i].ms,
			 value_units[i].suffix);
		break;
	}
	return buffer;
}

const char *value_format_choice(const struct key *key, uint32_t n, char *buffer)
{
	const char *choice = key->choices;

	for (; n; n--)
		choice += strcspn(choice, "|") + 1;
	snprintf(buffer, VALUE_TEXT_MAX, "%.*s", (int)strcspn(choice, "|"), choice);
	return buffer;
}
