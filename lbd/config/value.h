/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Single values: from text by the rules of their key, and back. Pure. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "base/addr.h"
#include "config/keys.h"

#define VALUE_TEXT_MAX 320

/* Is @text a value of @kind, within the limits of @key? */
bool value_valid(const struct key *key, enum key_kind kind, const char *text);

/* "a number from 1 to 255", "one of tcp, udp": into @buffer of VALUE_TEXT_MAX, returned. */
const char *value_expected(const struct key *key, enum key_kind kind, char *buffer);

/* Each takes text that value_valid has accepted. */
uint32_t value_number(const char *text);
uint32_t value_duration_ms(const char *text);
uint16_t value_port(const char *text);				/* 0: any */
uint32_t value_choice(const struct key *key, const char *text); /* place in choices */
bool value_bool(const char *text);
uint8_t value_octets(const char *text, uint8_t *ret);	   /* how many */
uint8_t value_hash(const char *text, uint8_t *ret_prefix); /* enum lbd_hash; prefix 0: not given */
void value_mac(const char *text, uint8_t *ret);		   /* six bytes */

/* The shortest way to write @ms; into @buffer of VALUE_TEXT_MAX, returned. */
const char *value_format_duration(uint32_t ms, char *buffer);

/* Two digits each, into @buffer of VALUE_TEXT_MAX, returned. */
const char *value_format_octets(const uint8_t *octets, uint8_t length, char *buffer);

/* As value_hash reads it; into @buffer of VALUE_TEXT_MAX, returned. */
const char *value_format_hash(uint8_t hash, uint8_t prefix, char *buffer);

/* Choice number @n of @key, into @buffer of VALUE_TEXT_MAX, returned. */
const char *value_format_choice(const struct key *key, uint32_t n, char *buffer);

#endif
