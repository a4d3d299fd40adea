// SPDX-License-Identifier: GPL-2.0-or-later
/* Runtime changes of a service's backends. The rules of a file hold for them too. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static int edit_check_weight(uint32_t weight, struct error *err)
{
	const struct key *key = edit_key("weight");
	char expected[VALUE_TEXT_MAX];

	if (weight <= key->max)
		return 0;
	return error_set(err, -EINVAL, "weight: came %u, expected %s", weight,
			 value_expected(key, key->kind, expected));
}

static struct config_service *edit_service(struct config *config, const char *name,
					   struct error *err)
{
	struct config_service *service = config_find_service(config, name);

	if (service)
		return service;
	error_set(err, -ENOENT, "there is no service \"%.60s\"", name);
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
		error_hint(err, "lbctl backends %s", service_name);
	}
	return backend;
}

static int edit_check_new(const struct config_service *service, const struct config_backend *new,
			  struct error *err)
{
	char text[ADDR_TEXT_MAX];

	if (lbd_addr_equal(&new->addr, &service->vip))
		return error_set(err, -EINVAL, "address: %s is the VIP itself",
				 addr_format(&new->addr, text));
	if (service->forward == LBD_FORWARD_DSR &&
	    lbd_addr_is4(&new->addr) != lbd_addr_is4(&service->vip))
		return error_set(err, -EINVAL, "address: not of the VIP's family, which dsr needs");
	for (uint32_t i = 0; i < service->backends_count; i++)
		if (lbd_addr_equal(&service->backends[i].addr, &new->addr))
			return error_set(err, -EEXIST, "service %s has %s already, as backend %s",
					 service->name, addr_format(&new->addr, text),
					 service->backends[i].name);
	if (config_find_backend(service, new->name))
		return error_set(err, -EEXIST, "service %s has a backend %s already", service->name,
				 new->name);
	return 0;
}

static int edit_append(struct config_service *service, const struct config_backend *new,
		       struct error *err)
{
	struct config_backend *all;

	all = realloc(service->backends, (service->backends_count + 1) * sizeof(*all));
	if (!all)
		return error_set(err, -ENOMEM, "out of memory");
	service->backends = all;
	all[service->backends_count] = *new;
	all[service->backends_count].name = strdup(new->name);
	if (!all[service->backends_count].name)
		return error_set(err, -ENOMEM, "out of memory");
	service->backends_count++;
	return 0;
}

int config_backend_add(struct config *config, const char *service_name, const char *name,
		       const char *address, uint32_t weight, struct error *err)
{
	struct config_service *service = edit_service(config, service_name, err);
	struct config_backend new = { .weight = weight };
	char copy[CONFIG_NAME_MAX];
	int rc;

	if (!service)
		return -ENOENT;
	rc = edit_check("name", name, err);
	if (!rc)
		rc = edit_check("address", address, err);
	if (!rc)
		rc = edit_check_weight(weight, err);
	if (rc)
		return rc;
	addr_parse(address, &new.addr);
	new.name = strcpy(copy, name); /* a valid name fits */
	rc = edit_check_new(service, &new, err);
	return rc ? rc : edit_append(service, &new, err);
}

int config_backend_remove(struct config *config, const char *service_name, const char *name,
			  struct error *err)
{
	struct config_service *service;
	struct config_backend *backend = edit_backend(config, service_name, name, &service, err);

	if (!backend)
		return -ENOENT;
	if (service->backends_count == 1) {
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
	rc = edit_check_weight(weight, err);
	if (!rc)
		backend->weight = weight;
	return rc;
}
