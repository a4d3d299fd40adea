// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading what a client sent. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "api/resource.h"

const char *api_query(const struct api_request *request, const char *name)
{
	return evhttp_find_header(&request->query, name);
}

static bool api_listed(const char *const *names, const char *name)
{
	while (*names && strcasecmp(*names, name) != 0)
		names++;
	return *names;
}

int api_query_check(const struct api_request *request, const char *const *names, struct error *err)
{
	const struct evkeyval *pair;

	for (pair = request->query.tqh_first; pair; pair = pair->next.tqe_next)
		if (!api_listed(names, pair->key))
			return error_set(err, -EINVAL, "unknown query parameter: %.100s",
					 pair->key);
	return 0;
}

int api_body_unpack(const struct api_request *request, struct error *err, const char *format, ...)
{
	json_error_t fault;
	va_list args;
	int rc;

	if (!request->body)
		return error_set(err, -EINVAL, "expected a JSON object as body, none came");
	va_start(args, format);
	rc = json_vunpack_ex(request->body, &fault, JSON_STRICT, format, args);
	va_end(args);
	return rc ? error_set(err, -EINVAL, "body: %s", fault.text) : 0;
}

json_t *api_text(const char *text)
{
	json_t *string = text ? json_string(text) : json_null();
	char *copy;

	if (string)
		return string;
	copy = strdup(text);
	if (!copy)
		return NULL;
	for (char *c = copy; *c; c++)
		if (*c & 0x80)
			*c = '?';
	string = json_string(copy);
	free(copy);
	return string;
}
