// SPDX-License-Identifier: GPL-2.0-or-later
/* Numbers as people read them: each with its unit, none with more digits than matter. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lbctl/table.h"

const char *table_text(const json_t *value, char *buffer)
{
	const char *text = json_string_value(value);

	(void)buffer;
	return text && *text ? text : "-";
}

const char *table_yes(const json_t *value, char *buffer)
{
	(void)buffer;
	if (!json_is_boolean(value))
		return "-";
	return json_is_true(value) ? "yes" : "no";
}

/* 1234567 -> 1,234,567, from the right end of the digits. */
const char *table_count(const json_t *value, char *buffer)
{
	char digits[32];
	size_t length, used = 0;

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return "-";
	length = (size_t)snprintf(digits, sizeof(digits), "%lld",
				  (long long)json_integer_value(value));
	for (size_t i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			buffer[used++] = ',';
		buffer[used++] = digits[i];
	}
	buffer[used] = '\0';
	return buffer;
}

/* A scale: from @least on, values are shown divided by @divisor with @unit. */
struct format_scale {
	double least, divisor;
	const char *unit;
	int decimals;
};

static const char *format_scaled(const json_t *value, const struct format_scale *scale,
				 char *buffer)
{
	double number = (double)json_integer_value(value);

	if (!json_is_integer(value) || number < 0)
		return "-";
	while (number < scale->least)
		scale++;
	snprintf(buffer, TABLE_TEXT_MAX, "%.*f %s", scale->decimals, number / scale->divisor,
		 scale->unit);
	return buffer;
}

const char *table_bytes(const json_t *value, char *buffer)
{
	static const struct format_scale scales[] = {
		{ 1e12, 1e12, "TB", 1 }, { 1e9, 1e9, "GB", 1 }, { 1e6, 1e6, "MB", 1 },
		{ 1e3, 1e3, "kB", 1 },	 { 0, 1, "B", 0 },
	};

	return format_scaled(value, scales, buffer);
}

const char *table_us(const json_t *value, char *buffer)
{
	static const struct format_scale scales[] = {
		{ 1e6, 1e6, "s", 1 },
		{ 1e3, 1e3, "ms", 1 },
		{ 0, 1, "us", 0 },
	};

	/* 0 is what the daemon says before it has measured anything. */
	return json_integer_value(value) ? format_scaled(value, scales, buffer) : "-";
}

#define FORMAT_MINUTE 60000.0
#define FORMAT_HOUR (60 * FORMAT_MINUTE)
#define FORMAT_DAY (24 * FORMAT_HOUR)

const char *table_ms(const json_t *value, char *buffer)
{
	static const struct format_scale scales[] = {
		{ 2 * FORMAT_DAY, FORMAT_DAY, "d", 1 },
		{ 2 * FORMAT_HOUR, FORMAT_HOUR, "h", 1 },
		{ 2 * FORMAT_MINUTE, FORMAT_MINUTE, "min", 0 },
		{ 1e3, 1e3, "s", 1 },
		{ 0, 1, "ms", 0 },
	};

	return format_scaled(value, scales, buffer);
}

const char *table_share(const json_t *value, char *buffer)
{
	if (!json_is_number(value))
		return "-";
	snprintf(buffer, TABLE_TEXT_MAX, "%.1f %%", 100 * json_number_value(value));
	return buffer;
}

const char *table_port(const json_t *value, char *buffer)
{
	if (!json_integer_value(value))
		return "any";
	snprintf(buffer, TABLE_TEXT_MAX, "%d", (int)json_integer_value(value));
	return buffer;
}

const char *table_time(const json_t *value, char *buffer)
{
	time_t when = (time_t)json_integer_value(value);
	struct tm broken;

	if (!localtime_r(&when, &broken) ||
	    !strftime(buffer, TABLE_TEXT_MAX, "%Y-%m-%d %H:%M:%S", &broken))
		return "-";
	return buffer;
}
