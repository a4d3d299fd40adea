// SPDX-License-Identifier: GPL-2.0-or-later
/* Runtime changes of a service's backends. The rules of a file hold for them too. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "config/check.h"
#include "config/config.h"
#include "config/keys.h"
#include "config/value.h"

static const struct key *edit_key(const char *name)
{
	return keys_find(keys_find(keys_find(keys_top, "services")->children, "backends")->children,
			 name);
}

static int edit_check(const char *name, const char *text, struct error *err)
{
	const struct key *key = edit_key(name);
	char expected[VALUE_TEXT_MAX];

	if (value_valid(key, key->kind, text))
		return 0;
	return error_set(err, -EINVAL, "%s: came \"%.60s\", expected %s", name, text,
			 value_expected(key, key->kind, expected));
}

static int edit_check_number(const char *name, uint32_t number, struct error *err)
{
	const struct key *key = edit_key(name);
	char expected[VALUE_TEXT_MAX];

	if (number <= key->max)
		return 0;
	return error_set(err, -EINVAL, "%s: came %u, expected %s", name, number,
			 value_expected(key, key->kind, expected));
}

/* Who of @names, which end with NULL and may be NULL, was meant by @name? */
static void edit_suggest(const char *name, const char **names, struct error *err)
{
	const char *nearest =
		names && strlen(name) <= NEAREST_WORD_MAX ? nearest_find(name, names) : NULL;
	size_t used = strlen(err->text);

	if (nearest)
		snprintf(err->text + used, sizeof(err->text) - used, ", did you mean \"%s\"?",
			 nearest);
	free(names);
}

static void edit_suggest_service(const struct config *config, const char *name, struct error *err)
{
	const char **names = calloc(config->services_count + 1, sizeof(*names));

	for (uint32_t i = 0; names && i < config->services_count; i++)
		names[i] = config->services[i].name;
	edit_suggest(name, names, err);
}

static void edit_suggest_backend(const struct config_service *service, const char *name,
				 struct error *err)
{
	const char **names = calloc(service->backends_count + 1, sizeof(*names));

	for (uint32_t i = 0; names && i < service->backends_count; i++)
		names[i] = service->backends[i].name;
	edit_suggest(name, names, err);
}

static struct config_service *edit_service(struct config *config, const char *name,
					   struct error *err)
{
	struct config_service *service = config_find_service(config, name);

	if (service)
		return service;
	error_set(err, -ENOENT, "there is no service \"%.60s\"", name);
	if (err)
		edit_suggest_service(config, name, err);
	error_hint(err, "lbctl services");
	return NULL;
}

static struct config_backend *edit_backend(struct config *config, const char *service_name,
					   const char *name, struct config_service **ret_service,
					   struct error *err)
{
	struct config_backend *backend;

	*ret_service = edit_service(config, service_name, err);
	if (!*ret_service)
		return NULL;
	backend = config_find_backend(*ret_service, name);
	if (!backend) {
		error_set(err, -ENOENT, "service %s has no backend \"%.60s\"", service_name, name);
		if (err)
			edit_suggest_backend(*ret_service, name, err);
		error_hint(err, "lbctl backends %s", service_name);
	}
	return backend;
}

static int edit_check_new(const struct config_service *service, const struct config_backend *new,
			  const char *name, struct error *err)
{
	const char *fault = rules_backend_fault(service, &new->addr);
	char text[ADDR_TEXT_MAX];

	if (fault)
		return error_set(err, -EINVAL, "address: came %s, %s",
				 addr_format(&new->addr, text), fault);
	for (uint32_t i = 0; i < service->backends_count; i++)
		if (lbd_addr_equal(&service->backends[i].addr, &new->addr))
			return error_set(err, -EEXIST, "service %s has %s already, as backend %s",
					 service->name, addr_format(&new->addr, text),
					 service->backends[i].name);
	if (config_find_backend(service, name))
		return error_set(err, -EEXIST, "service %s has a backend %s already", service->name,
				 name);
	return 0;
}

static int edit_append(struct config_service *service, const struct config_backend *new,
		       const char *name, struct error *err)
{
	struct config_backend *all;

	all = realloc(service->backends, (service->backends_count + 1) * sizeof(*all));
	if (!all)
		return error_set(err, -ENOMEM, "out of memory");
	service->backends = all;
	all[service->backends_count] = *new;
	all[service->backends_count].name = strdup(name);
	if (!all[service->backends_count].name)
		return error_set(err, -ENOMEM, "out of memory");
	service->backends_count++;
	return 0;
}

/* Is each value one that the file could have? */
static int edit_check_addition(const struct config_service *service,
			       const struct config_addition *addition, struct error *err)
{
	int rc = 0;

	if (addition->name)
		rc = edit_check("name", addition->name, err);
	if (!rc)
		rc = edit_check("address", addition->address, err);
	if (!rc)
		rc = edit_check_number("weight", addition->weight, err);
	if (!rc)
		rc = edit_check_number("port", addition->port, err);
	if (!rc && addition->port && service->forward != LBD_FORWARD_NAT)
		rc = error_set(err, -EINVAL, "port: came %u, " RULES_PORT_FAULT, addition->port);
	return rc;
}

int config_backend_add(struct config *config, const char *service_name,
		       const struct config_addition *addition, struct error *err)
{
	struct config_service *service = edit_service(config, service_name, err);
	struct config_backend new = { .weight = addition->weight,
				      .port = (uint16_t)addition->port };
	const char *name = addition->name;
	char text[ADDR_TEXT_MAX];
	int rc;

	if (!service)
		return -ENOENT;
	rc = edit_check_addition(service, addition, err);
	if (rc)
		return rc;
	addr_parse(addition->address, &new.addr);
	if (!name)
		name = addr_format(&new.addr, text);
	rc = edit_check_new(service, &new, name, err);
	return rc ? rc : edit_append(service, &new, name, err);
}

/* Is it the only one that isn't for fallback? */
static bool edit_is_last(const struct config_service *service, const struct config_backend *backend)
{
	uint32_t normal = 0;

	for (uint32_t i = 0; i < service->backends_count; i++)
		normal += !service->backends[i].fallback;
	return normal == 1 && !backend->fallback;
}

int config_backend_remove(struct config *config, const char *service_name, const char *name,
			  struct error *err)
{
	struct config_service *service;
	struct config_backend *backend = edit_backend(config, service_name, name, &service, err);

	if (!backend)
		return -ENOENT;
	if (edit_is_last(service, backend)) {
		error_set(err, -EINVAL, "%s is the last backend of service %s", name, service_name);
		error_hint(err, "lbctl backend drain %s %s", service_name, name);
		return -EINVAL;
	}
	free(backend->name);
	service->backends_count--;
	memmove(backend, backend + 1,
		(size_t)(service->backends + service->backends_count - backend) * sizeof(*backend));
	return 0;
}

int config_backend_drain(struct config *config, const char *service_name, const char *name,
			 bool drain, struct error *err)
{
	struct config_service *service;
	struct config_backend *backend = edit_backend(config, service_name, name, &service, err);

	if (!backend)
		return -ENOENT;
	backend->drain = drain;
	return 0;
}

int config_backend_weight(struct config *config, const char *service_name, const char *name,
			  uint32_t weight, struct error *err)
{
	struct config_service *service;
	struct config_backend *backend = edit_backend(config, service_name, name, &service, err);
	int rc;

	if (!backend)
		return -ENOENT;
	rc = edit_check_number("weight", weight, err);
	if (!rc)
		backend->weight = weight;
	return rc;
}
