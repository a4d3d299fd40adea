// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <time.h>

static atomic_int log_debug_on;

void log_set_debug(int on)
{
	atomic_store(&log_debug_on, on);
}

static void log_stamp(char *buffer, size_t size)
{
	struct timespec now;
	struct tm broken;
	size_t used;

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &broken);
	used = strftime(buffer, size, "%H:%M:%S", &broken);
	snprintf(buffer + used, size - used, ".%03ld ", now.tv_nsec / 1000000);
}

static void log_line(const char *priority, const char *label, const char *format, va_list args)
{
	char text[sizeof(struct error)], stamp[32] = "";
	const char *prefix = getenv("JOURNAL_STREAM") ? priority : "";

	if (!*prefix)
		log_stamp(stamp, sizeof(stamp));
	vsnprintf(text, sizeof(text), format, args);
	fprintf(stderr, "%s%slbd: %s%s\n", prefix, stamp, label, text);
}

#define LOG_FUNCTION(name, priority, label)              \
	void name(const char *format, ...)               \
	{                                                \
		va_list args;                            \
		va_start(args, format);                  \
		log_line(priority, label, format, args); \
		va_end(args);                            \
	}

LOG_FUNCTION(log_error, SD_ERR, "error: ")
LOG_FUNCTION(log_warning, SD_WARNING, "warning: ")
LOG_FUNCTION(log_info, SD_INFO, "")

void log_debug(const char *format, ...)
{
	va_list args;

	if (!atomic_load(&log_debug_on))
		return;
	va_start(args, format);
	log_line(SD_DEBUG, "debug: ", format, args);
	va_end(args);
}

void log_report(const char *context, const struct error *err)
{
	if (err->hint[0])
		log_error("%s: %s (%s)", context, err->text, err->hint);
	else
		log_error("%s: %s", context, err->text);
}
