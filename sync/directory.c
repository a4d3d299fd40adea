// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "sync/dictionary.h"

struct directory *directory_new(void)
{
	return calloc(1, sizeof(struct directory));
}

void directory_free(struct directory *directory)
{
	free(directory);
}

static void directory_forget(struct directory *directory)
{
	memset(directory->services, 0, directory->services_end * sizeof(*directory->services));
	memset(directory->backends, 0, directory->backends_end * sizeof(*directory->backends));
	directory->services_end = directory->backends_end = 0;
}

void directory_clear(struct directory *directory)
{
	directory_forget(directory);
	directory->version = 0;
	directory->missed_before = false;
}

/* What was missed must outlive the rows that said so. */
static void directory_renew(struct directory *directory, uint64_t version)
{
	for (uint32_t id = 0; id < directory->backends_end; id++)
		directory->missed_before |= directory->backends[id].missed;
	directory_forget(directory);
	directory->version = version;
}

void directory_go_on(struct directory *directory)
{
	directory_renew(directory, 0);
}

static void directory_map_service(struct directory_service *service, const struct dictionary *own)
{
	service->local = service->used ? dictionary_find_service(own, &service->identity) : 0;
}

/* Returns true if the backend is found and wasn't known under that index before. */
static bool directory_map_backend(struct directory *directory, struct directory_backend *backend,
				  const struct dictionary *own)
{
	uint16_t before = backend->local, service = directory->services[backend->service].local;

	backend->local = service ? dictionary_find_backend(own, service, &backend->addr) : 0;
	return backend->local && backend->local != before;
}

static bool directory_learn_service(struct directory *directory, const struct dictionary *own,
				    const uint8_t *row)
{
	struct directory_service *service;
	struct wire_service identity;

	wire_get_service(row, &identity);
	if (identity.id < LBD_SERVICE_ID_MIN || identity.id > LBD_SERVICE_ID_MAX)
		return false;
	service = &directory->services[identity.id];
	service->identity = identity;
	service->used = true;
	if (identity.id >= directory->services_end)
		directory->services_end = identity.id + 1U;
	directory_map_service(service, own);
	return true;
}

static bool directory_learn_backend(struct directory *directory, const struct dictionary *own,
				    const uint8_t *row)
{
	struct directory_backend *backend;
	struct wire_backend identity;

	wire_get_backend(row, &identity);
	if (identity.id == 0 || !directory->services[identity.service].used)
		return false;
	backend = &directory->backends[identity.id];
	backend->addr = identity.addr;
	backend->service = identity.service;
	if (identity.id >= directory->backends_end)
		directory->backends_end = identity.id + 1U;
	directory_map_backend(directory, backend, own);
	return true;
}

uint32_t directory_learn(struct directory *directory, const struct dictionary *own,
			 const struct wire_message *message)
{
	uint32_t bad = 0;

	if (message->dictionary != directory->version)
		directory_renew(directory, message->dictionary);
	for (uint32_t i = 0; i < message->services.count; i++)
		bad += !directory_learn_service(directory, own, wire_row(&message->services, i));
	for (uint32_t i = 0; i < message->backends.count; i++)
		bad += !directory_learn_backend(directory, own, wire_row(&message->backends, i));
	return bad;
}

bool directory_map(struct directory *directory, const struct dictionary *own)
{
	bool again = false;

	for (uint32_t id = 0; id < directory->services_end; id++)
		directory_map_service(&directory->services[id], own);
	for (uint32_t id = 0; id < directory->backends_end; id++) {
		struct directory_backend *backend = &directory->backends[id];

		if (!backend->service || !directory_map_backend(directory, backend, own))
			continue;
		again |= backend->missed || directory->missed_before;
		backend->missed = false;
	}
	if (again)
		directory->missed_before = false;
	return again;
}
