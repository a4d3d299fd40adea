// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/dictionary.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static int dictionary_compare_service(const void *left, const void *right)
{
	const struct wire_service *a = left, *b = right;
	int order = memcmp(&a->vip, &b->vip, sizeof(a->vip));

	if (order == 0)
		order = (int)ntohs(a->port) - (int)ntohs(b->port);
	return order != 0 ? order : (int)a->protocol - (int)b->protocol;
}

static int dictionary_compare_backend(const void *left, const void *right)
{
	const struct wire_backend *a = left, *b = right;

	if (a->service != b->service)
		return (int)a->service - (int)b->service;
	return memcmp(&a->addr, &b->addr, sizeof(a->addr));
}

static void dictionary_fill_services(struct dictionary *dictionary, const struct model *model)
{
	for (uint32_t i = 0; i < model->limits.services; i++) {
		const struct service *service = &model->services[i];

		if (service->id == 0)
			continue;
		dictionary->services[dictionary->services_count++] = (struct wire_service){
			.id = service->id,
			.vip = service->vip,
			.port = htons(service->port),
			.protocol = service->protocol,
		};
	}
	qsort(dictionary->services, dictionary->services_count, sizeof(*dictionary->services),
	      dictionary_compare_service);
}

static void dictionary_fill_backends(struct dictionary *dictionary, const struct model *model)
{
	for (uint32_t i = 0; i < model->limits.backends; i++) {
		const struct backend *backend = &model->backends[i];

		if (backend->index == 0 || backend->service == 0)
			continue;
		dictionary->backends[dictionary->backends_count++] = (struct wire_backend){
			.id = backend->index,
			.service = backend->service,
			.addr = backend->addr,
		};
		dictionary->backend_service[backend->index] = backend->service;
	}
	qsort(dictionary->backends, dictionary->backends_count, sizeof(*dictionary->backends),
	      dictionary_compare_backend);
}

struct dictionary *dictionary_new(const struct model *model)
{
	struct dictionary *dictionary = calloc(1, sizeof(*dictionary));

	if (!dictionary)
		return NULL;
	dictionary->services = calloc(model->limits.services + 1, sizeof(*dictionary->services));
	dictionary->backends = calloc(model->limits.backends + 1, sizeof(*dictionary->backends));
	if (!dictionary->services || !dictionary->backends) {
		dictionary_free(dictionary);
		return NULL;
	}
	dictionary_fill_services(dictionary, model);
	dictionary_fill_backends(dictionary, model);
	return dictionary;
}

void dictionary_free(struct dictionary *dictionary)
{
	if (!dictionary)
		return;
	free(dictionary->services);
	free(dictionary->backends);
	free(dictionary);
}

bool dictionary_equal(const struct dictionary *a, const struct dictionary *b)
{
	if (a->services_count != b->services_count || a->backends_count != b->backends_count)
		return false;
	for (uint32_t i = 0; i < a->services_count; i++)
		if (a->services[i].id != b->services[i].id ||
		    dictionary_compare_service(&a->services[i], &b->services[i]) != 0)
			return false;
	for (uint32_t i = 0; i < a->backends_count; i++)
		if (a->backends[i].id != b->backends[i].id ||
		    dictionary_compare_backend(&a->backends[i], &b->backends[i]) != 0)
			return false;
	return true;
}

uint16_t dictionary_find_service(const struct dictionary *dictionary,
				 const struct wire_service *service)
{
	const struct wire_service *found =
		bsearch(service, dictionary->services, dictionary->services_count, sizeof(*service),
			dictionary_compare_service);

	return found ? found->id : 0;
}

uint16_t dictionary_find_backend(const struct dictionary *dictionary, uint16_t service,
				 const struct lbd_addr *addr)
{
	struct wire_backend wanted = { .service = service, .addr = *addr };
	const struct wire_backend *found =
		bsearch(&wanted, dictionary->backends, dictionary->backends_count, sizeof(wanted),
			dictionary_compare_backend);

	return found ? found->id : 0;
}

/* Services come first, so that a reader knows the service of a backend it is told of. */
void dictionary_part(const struct dictionary *dictionary, uint32_t offset,
		     struct dictionary_part *part, struct wire_message *ret)
{
	uint32_t services = dictionary->services_count,
		 total = services + dictionary->backends_count;
	uint32_t at = offset, row;

	for (row = 0; at < services && row < WIRE_SERVICES_MAX; row++)
		wire_put_service(part->services + row * WIRE_SERVICE_SIZE,
				 &dictionary->services[at++]);
	ret->services = (struct wire_rows){ part->services, WIRE_SERVICE_SIZE, row };
	for (row = 0; at >= services && at < total && row < WIRE_BACKENDS_MAX; row++)
		wire_put_backend(part->backends + row * WIRE_BACKEND_SIZE,
				 &dictionary->backends[at++ - services]);
	ret->backends = (struct wire_rows){ part->backends, WIRE_BACKEND_SIZE, row };
	part->next = at;
	ret->more = at < total;
}
