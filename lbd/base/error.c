// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void error_text(struct error *err, const char *format, va_list args)
{
	vsnprintf(err->text, sizeof(err->text), format, args);
	err->hint[0] = '\0';
}

int error_set(struct error *err, int code, const char *format, ...)
{
	va_list args;

	if (!err)
		return code;
	va_start(args, format);
	error_text(err, format, args);
	va_end(args);
	return code;
}

int error_errno(struct error *err, int code, const char *format, ...)
{
	va_list args;
	size_t used;

	if (!err)
		return code;
	va_start(args, format);
	error_text(err, format, args);
	va_end(args);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", strerror(-code));
	return code;
}

void error_hint(struct error *err, const char *format, ...)
{
	va_list args;

	if (!err)
		return;
	va_start(args, format);
	vsnprintf(err->hint, sizeof(err->hint), format, args);
	va_end(args);
}

int error_prefix(struct error *err, int code, const char *format, ...)
{
	char context[sizeof(err->text)], joined[sizeof(err->text)];
	va_list args;

	if (!err)
		return code;
	va_start(args, format);
	vsnprintf(context, sizeof(context), format, args);
	va_end(args);
	snprintf(joined, sizeof(joined), "%.500s: %.3500s", context, err->text);
	memcpy(err->text, joined, sizeof(joined));
	return code;
}
