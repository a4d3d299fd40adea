/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bounded reader of msgpack (github.com/msgpack/msgpack/blob/master/spec.md).
 *
 * Why not msgpack-c: msgpack_unpack_next allocates what a length field claims,
 * 16 GB for a header of five bytes. Its unpack_template.h doesn't allocate, but
 * pushes every value through callbacks that know neither the limit of the field
 * they are in nor how many bytes are left. This reader is pulled by the code
 * that knows both. It allocates nothing, and every length is compared with the
 * bytes that are there before it is used.
 */
#ifndef SYNC_CURSOR_H
#define SYNC_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sync/refusal.h"

#define CURSOR_DEPTH_MAX 8

struct cursor {
	const uint8_t *at;
	const uint8_t *end;
};

/* Each takes one value, or says why not; the cursor is then good for nothing. */
enum refusal cursor_uint(struct cursor *cursor, uint64_t max, uint64_t *ret);
enum refusal cursor_text(struct cursor *cursor, size_t max, const uint8_t **ret, size_t *ret_size);
enum refusal cursor_bytes(struct cursor *cursor, size_t max, const uint8_t **ret, size_t *ret_size);

/* Enter a map of *ret_pairs pairs, which are proven to have room in what is left. */
enum refusal cursor_map(struct cursor *cursor, uint32_t max, uint32_t *ret_pairs);

/* Pass over one value of any type. */
enum refusal cursor_skip(struct cursor *cursor);

#endif
