// SPDX-License-Identifier: GPL-2.0-or-later
#include "neighbours_fixture.h"

#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/addr.h"

#define WAIT_MS 8000

void lab_run(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command))
		fail_msg("failed: %s", command);
}

struct lbd_addr lab_address(const char *text)
{
	struct lbd_addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static void on_changed(void *context, const struct lbd_addr *addr, const struct nexthop *nexthop)
{
	struct lab *lab = context;

	(void)addr;
	lab->calls++;
	lab->last = *nexthop;
}

static pid_t start_peer(void)
{
	int ready[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void build_lab(pid_t peer)
{
	lab_run("ip link set lo up");
	lab_run("ip link add near type veth peer name far address 02:00:00:00:00:02 netns %d",
		peer);
	lab_run("ip addr add 192.0.2.1/24 dev near && ip addr add 2001:db8::1/64 dev near nodad");
	lab_run("ip link set near up");
	lab_run("nsenter -t %d -n sh -c 'ip addr add 192.0.2.2/24 dev far &&"
		" ip addr add 2001:db8::2/64 dev far nodad && ip link set far up'",
		peer);
}

int lab_setup(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));
	struct error err;

	assert_non_null(lab);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	lab->peer = start_peer();
	build_lab(lab->peer);
	lab->base = event_base_new();
	assert_int_equal(neighbours_new(lab->base, on_changed, lab, &lab->neighbours, &err), 0);
	*state = lab;
	return 0;
}

int lab_teardown(void **state)
{
	struct lab *lab = *state;

	neighbours_free(lab->neighbours);
	event_base_free(lab->base);
	kill(lab->peer, SIGKILL);
	waitpid(lab->peer, NULL, 0);
	free(lab);
	return 0;
}

struct nexthop lab_find(struct lab *lab, const char *text)
{
	struct lbd_addr addr = lab_address(text);
	struct nexthop nexthop;

	assert_true(neighbours_find(lab->neighbours, &addr, &nexthop));
	return nexthop;
}

void lab_expect_behind(struct lab *lab, const char *text, const char *mac, const char *interface)
{
	char got[64] = "", wanted[64] = "";

	if (*mac)
		snprintf(wanted, sizeof(wanted), "%s %u", mac, if_nametoindex(interface));
	for (int waited = 0; waited < WAIT_MS; waited += 10) {
		const struct nexthop hop = lab_find(lab, text);
		const uint8_t *b = hop.dmac;

		got[0] = '\0';
		if (hop.resolved)
			snprintf(got, sizeof(got), "%02x:%02x:%02x:%02x:%02x:%02x %u", b[0], b[1],
				 b[2], b[3], b[4], b[5], hop.ifindex);
		if (!strcmp(got, wanted))
			return;
		event_base_loop(lab->base, EVLOOP_NONBLOCK);
		usleep(10000);
	}
	assert_string_equal(got, wanted);
}

void lab_expect(struct lab *lab, const char *text, const char *mac)
{
	lab_expect_behind(lab, text, mac, "near");
}

void lab_run_loop(struct lab *lab, int ms)
{
	const struct timeval period = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_base_loopexit(lab->base, &period);
	event_base_dispatch(lab->base);
}

void lab_watch(struct lab *lab, const char *text)
{
	struct lbd_addr addr = lab_address(text);

	assert_int_equal(neighbours_watch(lab->neighbours, &addr, 1), 0);
}
