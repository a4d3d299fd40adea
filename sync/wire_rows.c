// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows: fixed layouts, network byte order, no padding. Everything goes through
 * memcpy because a row may stand at any address.
 *
 *   record v4   service 2 | backend 2 | flags 2 | client port 2 | VIP port 2 | age 4 | client 4
 *   record v6   the same, client 16
 *   service     id 2 | port 2 | protocol 1 | reserved 1 | VIP 16
 *   backend     id 2 | service 2 | address 16
 *   sum         8
 *   region      2
 */
#include <arpa/inet.h>
#include <string.h>

#include "sync/wire.h"

static void wire_put16(uint8_t *at, uint16_t value)
{
	value = htons(value);
	memcpy(at, &value, sizeof(value));
}

static uint16_t wire_get16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return ntohs(value);
}

static void wire_put32(uint8_t *at, uint32_t value)
{
	value = htonl(value);
	memcpy(at, &value, sizeof(value));
}

static uint32_t wire_get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return ntohl(value);
}

/* What both families have in common, in front of the client's address. */
#define WIRE_RECORD_CLIENT 14

static void wire_put_record(uint8_t *row, const struct wire_record *record)
{
	wire_put16(row, record->service);
	wire_put16(row + 2, record->backend);
	wire_put16(row + 4, record->flags);
	memcpy(row + 6, &record->client_port, 2);
	memcpy(row + 8, &record->vip_port, 2);
	wire_put32(row + 10, record->age_ms);
}

static void wire_get_record(const uint8_t *row, struct wire_record *ret)
{
	ret->service = wire_get16(row);
	ret->backend = wire_get16(row + 2);
	ret->flags = wire_get16(row + 4);
	memcpy(&ret->client_port, row + 6, 2);
	memcpy(&ret->vip_port, row + 8, 2);
	ret->age_ms = wire_get32(row + 10);
}

void wire_put_record4(uint8_t *row, const struct wire_record *record)
{
	wire_put_record(row, record);
	memcpy(row + WIRE_RECORD_CLIENT, &record->client.words[3], 4);
}

void wire_put_record6(uint8_t *row, const struct wire_record *record)
{
	wire_put_record(row, record);
	memcpy(row + WIRE_RECORD_CLIENT, record->client.bytes, 16);
}

void wire_get_record4(const uint8_t *row, struct wire_record *ret)
{
	__be32 client;

	wire_get_record(row, ret);
	memcpy(&client, row + WIRE_RECORD_CLIENT, 4);
	ret->client = lbd_addr_from4(client);
}

void wire_get_record6(const uint8_t *row, struct wire_record *ret)
{
	wire_get_record(row, ret);
	memcpy(ret->client.bytes, row + WIRE_RECORD_CLIENT, 16);
}

void wire_put_service(uint8_t *row, const struct wire_service *service)
{
	wire_put16(row, service->id);
	memcpy(row + 2, &service->port, 2);
	row[4] = service->protocol;
	row[5] = 0;
	memcpy(row + 6, service->vip.bytes, 16);
}

void wire_get_service(const uint8_t *row, struct wire_service *ret)
{
	ret->id = wire_get16(row);
	memcpy(&ret->port, row + 2, 2);
	ret->protocol = row[4];
	memcpy(ret->vip.bytes, row + 6, 16);
}

void wire_put_backend(uint8_t *row, const struct wire_backend *backend)
{
	wire_put16(row, backend->id);
	wire_put16(row + 2, backend->service);
	memcpy(row + 4, backend->addr.bytes, 16);
}

void wire_get_backend(const uint8_t *row, struct wire_backend *ret)
{
	ret->id = wire_get16(row);
	ret->service = wire_get16(row + 2);
	memcpy(ret->addr.bytes, row + 4, 16);
}

void wire_put_sum(uint8_t *row, uint64_t sum)
{
	wire_put32(row, (uint32_t)(sum >> 32));
	wire_put32(row + 4, (uint32_t)sum);
}

uint64_t wire_get_sum(const uint8_t *row)
{
	return (uint64_t)wire_get32(row) << 32 | wire_get32(row + 4);
}

void wire_put_region(uint8_t *row, uint32_t region)
{
	wire_put16(row, (uint16_t)region);
}

uint32_t wire_get_region(const uint8_t *row)
{
	return wire_get16(row);
}
