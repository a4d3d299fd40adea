// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/config.h"

#include "config/guard.h"

#include <stdlib.h>
#include <string.h>

static void config_free_service(struct config_service *service)
{
	for (uint32_t i = 0; i < service->backends_count; i++)
		free(service->backends[i].name);
	guard_free_service(service);
	free(service->backends);
	free(service->quic);
	free(service->name);
}

void config_free(struct config *config)
{
	if (!config)
		return;
	for (uint32_t i = 0; i < config->services_count; i++)
		config_free_service(&config->services[i]);
	for (uint32_t i = 0; i < config->cluster.peers_count; i++)
		free(config->cluster.peers[i].name);
	for (uint32_t i = 0; i < config->xdp.interfaces_count; i++)
		free(config->xdp.interfaces[i]);
	guard_free(config);
	free(config->services);
	free(config->nat.addresses);
	free(config->cluster.peers);
	free(config->cluster.secret_file);
	free(config->cluster.key_file);
	free(config->xdp.interfaces);
	free(config->vrrp.interface);
	free(config->vrrp.peers);
	free(config->instance);
	free(config->node);
	free(config);
}

struct config_service *config_find_service(const struct config *config, const char *name)
{
	for (uint32_t i = 0; i < config->services_count; i++)
		if (!strcmp(config->services[i].name, name))
			return &config->services[i];
	return NULL;
}

struct config_backend *config_find_backend(const struct config_service *service, const char *name)
{
	for (uint32_t i = 0; i < service->backends_count; i++)
		if (!strcmp(service->backends[i].name, name))
			return &service->backends[i];
	return NULL;
}

/* FNV-1a: nobody gains by a collision but who may write the file anyway. */
uint64_t config_hash(const char *text, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ (uint8_t)text[i]) * 0x100000001b3;
	return hash;
}
