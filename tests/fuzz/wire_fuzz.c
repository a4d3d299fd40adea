// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: what passes the decoder must survive being read row by row,
 * and being encoded and decoded again. Seeds: the worked bytes of PROTOCOL.md.
 *
 *   clang -fsanitize=fuzzer,address,undefined ... && wire_fuzz -rss_limit_mb=256
 */
#include <stdlib.h>

#include "sync/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_digest_rows(const struct wire_message *message)
{
	for (uint32_t i = 0; i < message->sums.count; i++)
		wire_get_sum(wire_row(&message->sums, i));
	for (uint32_t i = 0; i < message->regions.count; i++)
		wire_get_region(wire_row(&message->regions, i));
}

static void fuzz_rows(const struct wire_message *message)
{
	struct wire_record record;
	struct wire_service service;
	struct wire_backend backend;

	for (uint32_t i = 0; i < message->records4.count; i++)
		wire_get_record4(wire_row(&message->records4, i), &record);
	for (uint32_t i = 0; i < message->records6.count; i++)
		wire_get_record6(wire_row(&message->records6, i), &record);
	for (uint32_t i = 0; i < message->services.count; i++)
		wire_get_service(wire_row(&message->services, i), &service);
	for (uint32_t i = 0; i < message->backends.count; i++)
		wire_get_backend(wire_row(&message->backends, i), &backend);
	fuzz_digest_rows(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t buffer[2 * WIRE_MESSAGE_MAX];
	struct wire_message message, again;
	int encoded;

	if (wire_decode(data, size, &message))
		return 0;
	fuzz_rows(&message);
	encoded = wire_encode(&message, buffer, sizeof(buffer));
	/* Only what is longer than a message may fail now: long rows of a newer sender. */
	if (encoded < 0 || (encoded <= WIRE_MESSAGE_MAX &&
			    wire_decode(buffer, (size_t)encoded, &again) != REFUSAL_NONE))
		abort();
	return 0;
}
