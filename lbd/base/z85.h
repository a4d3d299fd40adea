/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Z85 (ZeroMQ RFC 32): how CURVE keys are written. */
#ifndef BASE_Z85_H
#define BASE_Z85_H

#include <stdbool.h>

#define Z85_KEY_LENGTH 40 /* of 32 bytes */
#define Z85_KEY_SIZE (Z85_KEY_LENGTH + 1)

/* Is @text the Z85 of 32 bytes? */
bool z85_is_key(const char *text);

#endif
