// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/packet/hexdiff.h"

#define LINE 16

static bool hexdiff_byte_equal(const struct case_frame *expected, const uint8_t *got, uint32_t size,
			       uint32_t i)
{
	if (i >= size || i >= expected->size)
		return i >= size && i >= expected->size;
	return !((expected->bytes[i] ^ got[i]) & expected->mask[i]);
}

bool hexdiff_equal(const struct case_frame *expected, const uint8_t *got, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		if (!hexdiff_byte_equal(expected, got, size, i))
			return false;
	return size == expected->size;
}

static void hexdiff_expected(FILE *to, const struct case_frame *expected, uint32_t i)
{
	static const char digits[] = "0123456789abcdef";

	if (i >= expected->size) {
		fputs("   ", to);
		return;
	}
	fputc(' ', to);
	fputc(expected->mask[i] & 0xf0 ? digits[expected->bytes[i] >> 4] : '.', to);
	fputc(expected->mask[i] & 0x0f ? digits[expected->bytes[i] & 15] : '.', to);
}

static bool hexdiff_line_equal(const struct case_frame *expected, const uint8_t *got, uint32_t size,
			       uint32_t from)
{
	for (uint32_t i = from; i < from + LINE; i++)
		if (!hexdiff_byte_equal(expected, got, size, i))
			return false;
	return true;
}

static void hexdiff_line(FILE *to, const struct case_frame *expected, const uint8_t *got,
			 uint32_t size, uint32_t from)
{
	fprintf(to, "  %04x expected", from);
	for (uint32_t i = from; i < from + LINE; i++)
		hexdiff_expected(to, expected, i);
	if (hexdiff_line_equal(expected, got, size, from)) {
		fputc('\n', to);
		return;
	}
	fputs("\n       came    ", to);
	for (uint32_t i = from; i < from + LINE && i < size; i++)
		fprintf(to, " %02x", got[i]);
	fputs("\n               ", to);
	for (uint32_t i = from; i < from + LINE; i++)
		fputs(hexdiff_byte_equal(expected, got, size, i) ? "   " : " ^^", to);
	fputc('\n', to);
}

void hexdiff_print(FILE *to, const struct case_frame *expected, const uint8_t *got, uint32_t size)
{
	uint32_t longest = size > expected->size ? size : expected->size;

	fprintf(to, "  frame: expected %u bytes, came %u\n", expected->size, size);
	for (uint32_t from = 0; from < longest; from += LINE)
		hexdiff_line(to, expected, got, size, from);
}
