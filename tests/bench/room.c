// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/room.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The loopback device forwards, or no route would be looked up for what comes in there. */
static const char *const room_commands[] = {
	"ip link set lo up",
	"ip link add out0 type veth peer name out1",
	"ip link set out0 up",
	"ip link set out1 up",
	"ip address add 198.51.100.254/24 dev out0",
	"ip neighbour add 198.51.100.1 lladdr 02:00:00:00:cc:01 dev out0",
	"ip route add 198.18.0.0/15 via 198.51.100.1",
	"sysctl -qw net.ipv4.conf.lo.forwarding=1",
};

int room_enter(int *ret_home, struct error *err)
{
	*ret_home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (*ret_home < 0 || unshare(CLONE_NEWNET))
		return error_errno(err, -errno, "a network namespace to measure in");
	for (size_t i = 0; i < sizeof(room_commands) / sizeof(*room_commands); i++)
		if (system(room_commands[i]))
			return error_set(err, -EIO, "failed: %s", room_commands[i]);
	return 0;
}

void room_leave(int home)
{
	if (home < 0)
		return;
	if (setns(home, CLONE_NEWNET))
		fprintf(stderr, "bench: can't go back to where it came from\n");
	close(home);
}
