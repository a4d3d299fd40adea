// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/monotonic.h"
#include "health/health.h"
#include "health/verdict.h"

#define WAIT_MS 3000

struct lab {
	struct event_base *base;
	struct health *health;
	unsigned int calls;
	uint16_t backend;
	bool healthy;
	char reason[128];
};

static void on_changed(void *context, uint16_t backend, bool healthy, const char *reason)
{
	struct lab *lab = context;

	lab->calls++;
	lab->backend = backend;
	lab->healthy = healthy;
	snprintf(lab->reason, sizeof(lab->reason), "%s", reason);
}

static int setup(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));
	struct error err;

	assert_non_null(lab);
	lab->base = event_base_new();
	assert_int_equal(health_new(lab->base, on_changed, lab, &lab->health, &err), 0);
	*state = lab;
	return 0;
}

static int teardown(void **state)
{
	struct lab *lab = *state;

	health_free(lab->health);
	event_base_free(lab->base);
	free(lab);
	return 0;
}

/* --- sockets on loopback */

static uint16_t port_of(int fd)
{
	struct sockaddr_in bound;
	socklen_t length = sizeof(bound);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&bound, &length), 0);
	return ntohs(bound.sin_port);
}

/* Bound to a free port of 127.0.0.1, so that the port stays ours; listening if @backlog >= 0. */
static int bound_socket(int backlog)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (const struct sockaddr *)&any, sizeof(any)), 0);
	if (backlog >= 0)
		assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

/* A listener that never accepts, its queue filled: further SYNs are dropped without an answer. */
static int full_socket(int *ret_clients, size_t count)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = bound_socket(0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(port_of(fd));
	for (size_t i = 0; i < count; i++) {
		ret_clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(ret_clients[i], (const struct sockaddr *)&to, sizeof(to));
	}
	usleep(20000);
	return fd;
}

static struct health_target target_on(uint16_t backend, uint16_t port)
{
	struct health_target target = {
		.backend = backend,
		.port = port,
		.config = { true, 0, .interval_ms = 50, .timeout_ms = 40, .rise = 2, .fall = 3 },
	};

	assert_int_equal(addr_parse("127.0.0.1", &target.addr), 0);
	return target;
}

static void set_one(struct lab *lab, const struct health_target *target)
{
	assert_int_equal(health_set(lab->health, target, 1), 0);
}

/* Run the loop until the next call of on_changed, at most @ms. */
static bool wait_for_change(struct lab *lab, unsigned int ms)
{
	unsigned int calls = lab->calls;

	for (unsigned int waited = 0; waited < ms && lab->calls == calls; waited++) {
		event_base_loop(lab->base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	return lab->calls > calls;
}

static struct health_status status_of(struct lab *lab, uint16_t backend)
{
	struct health_status status;

	assert_true(health_find(lab->health, backend, &status));
	return status;
}

/* --- checks by TCP */

static void the_first_success_decides_at_once(void **state)
{
	struct lab *lab = *state;
	int fd = bound_socket(16);
	struct health_target target = target_on(7, port_of(fd));

	set_one(lab, &target);
	assert_true(wait_for_change(lab, WAIT_MS));
	assert_int_equal(lab->backend, 7);
	assert_true(lab->healthy);
	assert_int_equal(status_of(lab, 7).streak, 1);
	assert_in_range(status_of(lab, 7).latency_us, 1, 40000);
	close(fd);
}

static void the_first_failure_is_told_with_its_reason(void **state)
{
	struct lab *lab = *state;
	int fd = bound_socket(-1);
	struct health_target target = target_on(7, port_of(fd));

	set_one(lab, &target);
	assert_true(wait_for_change(lab, WAIT_MS));
	assert_false(lab->healthy);
	assert_string_equal(lab->reason, "connection refused");
	assert_string_equal(status_of(lab, 7).reason, "connection refused");
	assert_true(status_of(lab, 7).checked);
	assert_int_equal(status_of(lab, 7).changed_ms_ago, -1);
	close(fd);
}

static void silence_is_a_timeout(void **state)
{
	struct lab *lab = *state;
	int clients[4], fd = full_socket(clients, 4);
	struct health_target target = target_on(7, port_of(fd));

	set_one(lab, &target);
	assert_true(wait_for_change(lab, WAIT_MS));
	assert_false(lab->healthy);
	assert_string_equal(lab->reason, "timeout after 40 ms");
	for (size_t i = 0; i < 4; i++)
		close(clients[i]);
	close(fd);
}

static void an_error_that_comes_at_once_is_reported_from_the_loop(void **state)
{
	struct lab *lab = *state;
	struct health_target target = target_on(7, 80);

	/* Loopback has no way to there: connect(2) itself fails. */
	assert_int_equal(addr_parse("255.255.255.255", &target.addr), 0);
	set_one(lab, &target);
	assert_int_equal(lab->calls, 0);
	assert_true(wait_for_change(lab, WAIT_MS));
	assert_false(lab->healthy);
	assert_true(lab->reason[0] >= 'a' && lab->reason[0] <= 'z');
}

static void an_ipv6_backend_is_checked(void **state)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	struct lab *lab = *state;
	struct health_target target;

	assert_int_equal(bind(fd, (const struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(fd, 4), 0);
	target = target_on(7, port_of(fd));
	assert_int_equal(addr_parse("::1", &target.addr), 0);
	set_one(lab, &target);
	assert_true(wait_for_change(lab, WAIT_MS));
	assert_true(lab->healthy);
	close(fd);
}

static void a_check_leaves_no_connection_behind(void **state)
{
	struct lab *lab = *state;
	int fd = bound_socket(16);
	struct health_target target = target_on(7, port_of(fd));
	char command[160], byte;
	int peer;

	set_one(lab, &target);
	assert_true(wait_for_change(lab, WAIT_MS));
	peer = accept(fd, NULL, NULL);
	assert_int_equal(recv(peer, &byte, 1, 0), -1); /* reset, not closed */
	snprintf(command, sizeof(command),
		 "! ss -Htan state time-wait 'sport = :%u or dport = :%u' | grep .", target.port,
		 target.port);
	assert_int_equal(system(command), 0);
	close(peer);
	close(fd);
}

static void a_shortage_of_this_host_says_nothing_of_the_backend(void **state)
{
	struct lab *lab = *state;
	int fd = bound_socket(16), lowest = dup(fd);
	struct health_target target = target_on(7, port_of(fd));
	struct rlimit old, none;

	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = (rlim_t)lowest;
	target.healthy = true;
	set_one(lab, &target);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_false(wait_for_change(lab, 300));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_true(status_of(lab, 7).healthy);
	assert_string_equal(status_of(lab, 7).reason, "too many open files");
	assert_true(wait_for_change(lab, WAIT_MS));
	assert_true(lab->healthy);
	close(fd);
}

/* --- the scheduler */

static void a_backend_that_dies_falls_and_one_that_returns_rises(void **state)
{
	struct lab *lab = *state;
	int fd = bound_socket(16);
	struct sockaddr_in same = { .sin_family = AF_INET, .sin_port = htons(port_of(fd)) };
	struct health_target target = target_on(7, port_of(fd));
	const int on = 1;

	same.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	set_one(lab, &target);
	assert_true(wait_for_change(lab, WAIT_MS));
	close(fd);
	assert_true(wait_for_change(lab, WAIT_MS));
	assert_false(lab->healthy);
	assert_int_equal(status_of(lab, 7).streak, 3);
	assert_true(status_of(lab, 7).changed_ms_ago >= 0);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(fd, (const struct sockaddr *)&same, sizeof(same)), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_true(wait_for_change(lab, WAIT_MS));
	assert_true(lab->healthy);
	assert_int_equal(status_of(lab, 7).streak, 2);
	close(fd);
}

static void a_state_taken_over_stands_until_fall_is_reached(void **state)
{
	struct lab *lab = *state;
	int fd = bound_socket(-1);
	struct health_target target = target_on(7, port_of(fd));

	target.healthy = target.checked = true;
	set_one(lab, &target);
	assert_true(wait_for_change(lab, WAIT_MS));
	assert_false(lab->healthy);
	assert_int_equal(status_of(lab, 7).streak, 3);
	close(fd);
}

static void an_unchanged_target_keeps_its_state(void **state)
{
	struct lab *lab = *state;
	int fd = bound_socket(16);
	struct health_target targets[] = { target_on(7, port_of(fd)), target_on(9, port_of(fd)) };

	set_one(lab, &targets[0]);
	assert_true(wait_for_change(lab, WAIT_MS));
	assert_int_equal(health_set(lab->health, targets, 2), 0);
	assert_true(status_of(lab, 7).checked);
	assert_false(status_of(lab, 9).checked);
	assert_true(wait_for_change(lab, WAIT_MS));
	assert_int_equal(lab->backend, 9);
	close(fd);
}

static void a_changed_target_starts_afresh(void **state)
{
	struct lab *lab = *state;
	int fd = bound_socket(16);
	struct health_target target = target_on(7, port_of(fd));

	set_one(lab, &target);
	assert_true(wait_for_change(lab, WAIT_MS));
	target.config.rise = 5;
	set_one(lab, &target);
	assert_false(status_of(lab, 7).checked);
	close(fd);
}

static void a_dropped_target_is_checked_no_longer(void **state)
{
	struct lab *lab = *state;
	int clients[4], fd = full_socket(clients, 4);
	struct health_target target = target_on(7, port_of(fd));
	struct health_status status;

	set_one(lab, &target);
	assert_false(wait_for_change(lab, 20)); /* a check is under way */
	assert_int_equal(health_set(lab->health, NULL, 0), 0);
	assert_false(health_find(lab->health, 7, &status));
	assert_false(wait_for_change(lab, 150));
	for (size_t i = 0; i < 4; i++)
		close(clients[i]);
	close(fd);
}

static void checks_follow_each_other_by_the_interval(void **state)
{
	struct lab *lab = *state;
	int fd = bound_socket(64);
	struct health_target target = target_on(7, port_of(fd));
	int64_t began_ms;
	unsigned int intervals;

	began_ms = monotonic_ms();
	set_one(lab, &target);
	assert_true(wait_for_change(lab, WAIT_MS));
	assert_false(wait_for_change(lab, 1000));
	intervals = (unsigned int)((monotonic_ms() - began_ms) / 50);
	/* Give or take jitter; a loaded machine checks less often. */
	assert_in_range(status_of(lab, 7).streak, 10, intervals * 5 / 4);
	close(fd);
}

/* --- rise and fall */

static void rise_counts_successes_in_a_row(void **state)
{
	struct verdict verdict = { .checked = true };

	(void)state;
	assert_false(verdict_enter(&verdict, true, 2, 3));
	assert_false(verdict_enter(&verdict, false, 2, 3));
	assert_false(verdict_enter(&verdict, true, 2, 3));
	assert_true(verdict_enter(&verdict, true, 2, 3));
	assert_true(verdict.healthy);
}

static void fall_counts_failures_in_a_row(void **state)
{
	struct verdict verdict = { .checked = true, .healthy = true };

	(void)state;
	assert_false(verdict_enter(&verdict, false, 2, 3));
	assert_false(verdict_enter(&verdict, false, 2, 3));
	assert_false(verdict_enter(&verdict, true, 2, 3));
	assert_false(verdict_enter(&verdict, false, 2, 3));
	assert_false(verdict_enter(&verdict, false, 2, 3));
	assert_true(verdict_enter(&verdict, false, 2, 3));
	assert_false(verdict.healthy);
	assert_false(verdict_enter(&verdict, false, 2, 3));
}

static void the_first_answer_of_an_unchecked_target_decides(void **state)
{
	struct verdict up = { 0 }, down = { .healthy = true };

	(void)state;
	assert_true(verdict_enter(&up, true, 9, 9));
	assert_true(up.healthy);
	assert_true(verdict_enter(&down, false, 9, 9));
	assert_false(down.healthy);
}

#define LAB(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* --- another daemon goes on */

static void a_target_goes_on_from_what_another_daemon_knew(void **state)
{
	struct lab *lab = *state;
	int fd = bound_socket(-1);
	struct health_target target = target_on(1, port_of(fd));
	struct health_memory memory = { .healthy = true,
					.checked = true,
					.streak = 2,
					.changed_ms = 1,
					.due_ms = INT64_MAX,
					.reason = "refused by another" };
	struct health_memory again;
	struct health_status status;

	target.config.interval_ms = 60000;
	set_one(lab, &target);
	health_restore(lab->health, 1, &memory);
	health_restore(lab->health, 2, &memory);
	assert_true(health_find(lab->health, 1, &status));
	assert_true(status.healthy && status.checked);
	assert_int_equal(status.streak, 2);
	assert_string_equal(status.reason, "refused by another");
	assert_true(health_remember(lab->health, 1, &again));
	assert_false(health_remember(lab->health, 2, &again));
	assert_int_equal(again.changed_ms, 1);
	/* A time out of reach is an interval from now at most. */
	assert_in_range(again.due_ms, 1, INT64_MAX / 2);
	/* Two failures are counted already: the third, due now, decides. */
	memory.due_ms = 0;
	health_restore(lab->health, 1, &memory);
	for (int i = 0; i < WAIT_MS && !lab->calls; i++) {
		event_base_loop(lab->base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	assert_int_equal(lab->calls, 1);
	assert_false(lab->healthy);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rise_counts_successes_in_a_row),
		cmocka_unit_test(fall_counts_failures_in_a_row),
		cmocka_unit_test(the_first_answer_of_an_unchecked_target_decides),
		LAB(the_first_success_decides_at_once),
		LAB(the_first_failure_is_told_with_its_reason),
		LAB(silence_is_a_timeout),
		LAB(an_error_that_comes_at_once_is_reported_from_the_loop),
		LAB(an_ipv6_backend_is_checked),
		LAB(a_check_leaves_no_connection_behind),
		LAB(a_shortage_of_this_host_says_nothing_of_the_backend),
		LAB(a_backend_that_dies_falls_and_one_that_returns_rises),
		LAB(a_state_taken_over_stands_until_fall_is_reached),
		LAB(an_unchanged_target_keeps_its_state),
		LAB(a_changed_target_starts_afresh),
		LAB(a_dropped_target_is_checked_no_longer),
		LAB(checks_follow_each_other_by_the_interval),
		LAB(a_target_goes_on_from_what_another_daemon_knew),
	};

	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
