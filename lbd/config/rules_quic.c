// SPDX-License-Identifier: GPL-2.0-or-later
/* What the connection ids of a service must agree about. */
#include <netinet/in.h>
#include <stdio.h>

#include "config/check.h"
#include "config/seen.h"
#include "config/value.h"

static void quic_config(struct document *document, const struct config_service *service, uint32_t n,
			const char *path)
{
	const struct config_quic *config = &service->quic[n];
	char at[DOCUMENT_PATH_MAX];

	snprintf(at, sizeof(at), "%.100s.quic.configs[%u].id", path, n);
	for (uint32_t i = 0; i < n; i++)
		if (service->quic[i].id == config->id)
			document_fault_at(document, at, "came %u again, configs[%u] has it already",
					  config->id, i);
	snprintf(at, sizeof(at), "%.100s.quic.configs[%u].nonce-length", path, n);
	if (config->server_id_length + config->nonce_length >= LBD_QUIC_CID_MAX)
		document_fault_at(document, at,
				  "came %u, with a server id of %u: expected at most %d together",
				  config->nonce_length, config->server_id_length,
				  LBD_QUIC_CID_MAX - 1);
}

static bool quic_has_length(const struct config_service *service, uint8_t length)
{
	for (uint32_t i = 0; i < service->quic_count; i++)
		if (service->quic[i].server_id_length == length)
			return true;
	return false;
}

static void quic_server_id(struct document *document, const struct config_service *service,
			   const struct config_server_id *id, struct seen *seen, uint32_t backend,
			   const char *path)
{
	char text[VALUE_TEXT_MAX];
	uint32_t first;

	value_format_octets(id->octets, id->length, text);
	if (!quic_has_length(service, id->length))
		document_fault_at(document, path,
				  "came %s, of %u octets: expected a server-id-length of the "
				  "service's quic.configs",
				  text, id->length);
	first = seen_add(seen, text, backend);
	if (first != backend)
		document_fault_at(document, path, "came %s again, backends[%u] has it already",
				  text, first);
}

static void quic_backend(struct document *document, const struct config_service *service,
			 uint32_t n, struct seen *seen, const char *path)
{
	const struct config_backend *backend = &service->backends[n];
	char at[DOCUMENT_PATH_MAX];

	snprintf(at, sizeof(at), "%.100s.backends[%u].server-ids", path, n);
	if (backend->server_ids_count > CONFIG_SERVER_IDS_MAX) {
		document_fault_at(document, at, "came %u, expected at most %d",
				  backend->server_ids_count, CONFIG_SERVER_IDS_MAX);
		return;
	}
	if (backend->server_ids_count && !service->quic_count) {
		document_fault_at(document, at, "the service has no quic that reads them");
		return;
	}
	for (uint32_t i = 0; i < backend->server_ids_count; i++) {
		snprintf(at, sizeof(at), "%.100s.backends[%u].server-ids[%u]", path, n, i);
		quic_server_id(document, service, &backend->server_ids[i], seen, n, at);
	}
}

void rules_quic(struct document *document, const struct config_service *service, const char *path)
{
	struct seen seen = { NULL };
	char at[DOCUMENT_PATH_MAX];

	snprintf(at, sizeof(at), "%.100s.quic", path);
	if (service->quic_count && service->protocol != IPPROTO_UDP)
		document_fault_at(document, at, "QUIC is UDP, expected protocol: udp");
	for (uint32_t n = 0; n < service->quic_count; n++)
		quic_config(document, service, n, path);
	for (uint32_t n = 0; n < service->backends_count; n++)
		quic_backend(document, service, n, &seen, path);
	seen_free(&seen);
}

static uint32_t quic_readings(const struct config_service *service,
			      const struct config_backend *backend)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < backend->server_ids_count && i < CONFIG_SERVER_IDS_MAX; i++)
		for (uint32_t n = 0; n < service->quic_count; n++)
			sum += service->quic[n].server_id_length == backend->server_ids[i].length;
	return sum;
}

void rules_quic_room(struct document *document, const struct config *config)
{
	uint64_t room = (uint64_t)LBD_QUIC_PER_BACKEND * config->limits.backends, sum = 0;

	for (uint32_t n = 0; n < config->services_count; n++)
		for (uint32_t i = 0; i < config->services[n].backends_count; i++)
			sum += quic_readings(&config->services[n],
					     &config->services[n].backends[i]);
	if (sum > room)
		document_fault_at(document, "limits.backends",
				  "the server ids are %llu with each config that reads them, "
				  "expected at most %llu, %d for each backend there is room for",
				  (unsigned long long)sum, (unsigned long long)room,
				  LBD_QUIC_PER_BACKEND);
}
