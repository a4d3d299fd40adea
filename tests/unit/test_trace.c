// SPDX-License-Identifier: GPL-2.0-or-later
/* A trace of a config of one's own: time by the capture, next hops by the config. */
#include <errno.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"
#include "trace/offline.h"
#include "upgrade/golden.h"

#define SECOND_NS 1000000000LL
#define START_NS (1700000000 * SECOND_NS)

static const char trace_config[] =
	"xdp: {interfaces: [eth0]}\n"
	"limits: {services: 16, backends: 32, connections-ipv4: 1024, connections-ipv6: 1024,"
	" nat-ipv4: 1024, nat-ipv6: 1024, maglev: 251}\n"
	"nat: {addresses: [192.0.2.100]}\n"
	"services:\n"
	"- {name: web, vip: 192.0.2.1, port: 80, backends: [{name: one, address: 198.51.100.1,"
	" mac: '00:00:5E:00:53:ab'}]}\n"
	"- {name: bare, vip: 192.0.2.2, port: 80, backends: [{name: two, address: "
	"198.51.100.2}]}\n"
	"- {name: nat, vip: 192.0.2.3, port: 80, forward: nat, backends: [{name: three, address: "
	"198.51.100.3}]}\n";

static struct lbd_addr vip(uint8_t last)
{
	return lbd_addr_from4(htonl(0xc0000200U + last));
}

static int trace_open(void **state)
{
	struct offline *offline = calloc(1, sizeof(*offline));
	const char *build = getenv("BUILD");
	struct config *config = NULL;
	struct error err = { 0 };
	char object[256];

	snprintf(object, sizeof(object), "%s/bpf/lb.bpf.o", build ? build : "build");
	if (config_parse(trace_config, sizeof(trace_config) - 1, "test", &config, &err) ||
	    offline_open(offline, config, object, &err)) {
		print_error("%s\n", err.text);
		return -1;
	}
	*state = offline;
	return 0;
}

static int trace_close(void **state)
{
	offline_close(*state);
	free(*state);
	return 0;
}

/* A packet of the flow from @port, @seconds after the first. */
static struct trace_result send_at(struct offline *offline, uint8_t last, uint16_t port,
				   int64_t seconds)
{
	const struct lbd_addr to = vip(last);
	const struct golden_frame frame = golden_packet(&to, IPPROTO_TCP, port, 80, TH_ACK);
	struct trace_result result;
	struct error err = { 0 };

	if (offline_run(offline, START_NS + seconds * SECOND_NS, frame.bytes, frame.size, &result,
			&err))
		fail_msg("%s", err.text);
	return result;
}

static void the_answer_names_service_and_backend(void **state)
{
	struct trace_result result = send_at(*state, 1, 1000, 0);

	assert_int_equal(result.action, XDP_TX);
	assert_int_equal(result.outcome, LBD_OUTCOME_FORWARD_NEW);
	assert_string_equal(result.service->name, "web");
	assert_string_equal(result.backend->name, "one");
	result = send_at(*state, 9, 1000, 0);
	assert_int_equal(result.action, XDP_PASS);
	assert_null(result.service);
	assert_null(result.backend);
}

/* What routes this machine has means nothing for the capture of another. */
static void an_answer_by_nat_goes_back_whatever_routes_there_are(void **state)
{
	struct trace_result result = send_at(*state, 3, 1000, 0);
	struct golden_frame frame = { .size = result.size };
	struct error err = { 0 };

	assert_int_equal(result.outcome, LBD_OUTCOME_FORWARD_NEW);
	memcpy(frame.bytes, result.out, result.size);
	frame = golden_answer(&frame);
	assert_int_equal(offline_run(*state, START_NS, frame.bytes, frame.size, &result, &err), 0);
	assert_int_equal(result.action, XDP_TX);
	assert_int_equal(result.outcome, LBD_OUTCOME_FORWARD_RETURN);
	assert_string_equal(result.service->name, "nat");
	assert_string_equal(result.backend->name, "three");
}

static void the_next_hop_is_the_config_s_or_the_placeholder(void **state)
{
	struct trace_result result = send_at(*state, 1, 1000, 0);
	char text[2 * 12 + 1];

	assert_string_equal(hex_format(result.out, 12, text), "00005e0053ab00005e005301");
	result = send_at(*state, 2, 1000, 0);
	assert_string_equal(hex_format(result.out, 12, text), "00005e00530200005e005301");
}

static bool keep_tick(void *context, const struct table_entry *entry)
{
	uint32_t *ticks = context;

	ticks[ntohs(entry->client_port) - 1000] = entry->tick;
	return true;
}

/* By how many seconds the entry of port 1001 is younger than that of 1000. */
static double younger(const struct offline *offline)
{
	const struct tables *tables = dataplane_tables(offline->lab.dataplane);
	uint32_t ticks[2] = { 0 };

	tables_walk(tables, keep_tick, ticks);
	return (double)((ticks[1] - ticks[0]) & LBD_TICK_MASK) * tables->tick_ns / 1e9;
}

static void time_passes_as_in_the_capture(void **state)
{
	send_at(*state, 1, 1000, 0);
	send_at(*state, 1, 1001, 500);
	assert_in_range((int)younger(*state), 497, 503);
}

static void time_that_goes_back_stands_still(void **state)
{
	send_at(*state, 1, 1000, 0);
	send_at(*state, 1, 1001, -500);
	assert_in_range((int)younger(*state), 0, 1);
	send_at(*state, 1, 1001, 100);
	assert_in_range((int)younger(*state), 97, 103);
}

static void a_leap_of_years_ages_beyond_every_timeout(void **state)
{
	send_at(*state, 1, 1000, 0);
	send_at(*state, 1, 1001, 100LL * 365 * 24 * 3600);
	assert_true(younger(*state) > 24 * 3600);
}

static void frames_that_test_run_does_not_take_are_refused(void **state)
{
	static const uint8_t frame[DATAPLANE_FRAME_MAX + 1] = { 0 };
	struct offline *offline = *state;
	struct trace_result result;
	struct error err = { 0 };

	assert_int_equal(offline_run(offline, 0, frame, DATAPLANE_FRAME_MIN - 1, &result, &err),
			 -EINVAL);
	assert_int_equal(offline_run(offline, 0, frame, DATAPLANE_FRAME_MAX + 1, &result, &err),
			 -EINVAL);
	assert_int_equal(offline_run(offline, 0, frame, DATAPLANE_FRAME_MIN, &result, &err), 0);
	assert_int_equal(offline_run(offline, 0, frame, DATAPLANE_FRAME_MAX, &result, &err), 0);
	assert_int_equal(result.size, DATAPLANE_FRAME_MAX);
}

static void hexadecimal_digits_come_in_pairs(void **state)
{
	uint8_t bytes[2];

	(void)state;
	assert_int_equal(hex_parse("0aFf", bytes, 2), 2);
	assert_int_equal(bytes[1], 0xff);
	assert_int_equal(hex_parse("", bytes, 2), 0);
	assert_int_equal(hex_parse("0aff00", bytes, 2), -E2BIG);
	assert_int_equal(hex_parse("0af", bytes, 2), -EINVAL);
	assert_int_equal(hex_parse("0g", bytes, 2), -EINVAL);
	assert_int_equal(hex_parse(" 00", bytes, 2), -EINVAL);
	assert_int_equal(hex_parse("@0", bytes, 2), -EINVAL);
}

#define TRACE_TEST(test) cmocka_unit_test_setup_teardown(test, trace_open, trace_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRACE_TEST(the_answer_names_service_and_backend),
		TRACE_TEST(an_answer_by_nat_goes_back_whatever_routes_there_are),
		TRACE_TEST(the_next_hop_is_the_config_s_or_the_placeholder),
		TRACE_TEST(time_passes_as_in_the_capture),
		TRACE_TEST(time_that_goes_back_stands_still),
		TRACE_TEST(a_leap_of_years_ages_beyond_every_timeout),
		TRACE_TEST(frames_that_test_run_does_not_take_are_refused),
		cmocka_unit_test(hexadecimal_digits_come_in_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
