// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/z85.h"

#include <stdint.h>
#include <string.h>

static const char z85_digits[] =
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/* Five digits hold four bytes, and a little more than fits. */
static bool z85_is_group(const char *text)
{
	uint64_t value = 0;

	for (int i = 0; i < 5; i++)
		value = value * 85 + (uint64_t)(strchr(z85_digits, text[i]) - z85_digits);
	return value <= UINT32_MAX;
}

bool z85_is_key(const char *text)
{
	if (strlen(text) != Z85_KEY_LENGTH || strspn(text, z85_digits) != Z85_KEY_LENGTH)
		return false;
	for (int i = 0; i < Z85_KEY_LENGTH; i += 5)
		if (!z85_is_group(text + i))
			return false;
	return true;
}
