// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/hex.h"

#include <errno.h>

char *hex_format(const void *bytes, size_t size, char *text)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *from = bytes;
	char *to = text;

	for (size_t i = 0; i < size; i++) {
		*to++ = digits[from[i] >> 4];
		*to++ = digits[from[i] & 15];
	}
	*to = '\0';
	return text;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 'a' ^ 'A';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int hex_parse(const char *text, uint8_t *bytes, size_t max)
{
	size_t count = 0;

	for (; *text; text += 2, count++) {
		int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);

		if (low < 0)
			return -EINVAL;
		if (count == max)
			return -E2BIG;
		bytes[count] = (uint8_t)(high << 4 | low);
	}
	return (int)count;
}
