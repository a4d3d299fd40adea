// SPDX-License-Identifier: GPL-2.0-or-later
/* Open files and lines between two daemons, and through an exec. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "takeover/parcel.h"

static int new_file(const char *text)
{
	char path[] = "/tmp/test_parcel.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static struct parcel new_parcel(void)
{
	return (struct parcel){ new_file("api"), new_file("lock"), new_file("memory") };
}

static void assert_file(int fd, const char *text)
{
	char read_back[16] = "";

	assert_int_equal(pread(fd, read_back, sizeof(read_back) - 1, 0), strlen(text));
	assert_string_equal(read_back, text);
}

static void assert_parcel(const struct parcel *parcel)
{
	assert_file(parcel->api, "api");
	assert_file(parcel->lock, "lock");
	assert_file(parcel->memory, "memory");
}

static void a_parcel_arrives_with_its_line(void **state)
{
	struct parcel sent = new_parcel(), got;
	char line[PARCEL_LINE_MAX];
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	assert_int_equal(parcel_send(ends[0], PARCEL_YOURS, &sent), 0);
	assert_int_equal(parcel_receive(ends[1], line, &got), 0);
	assert_string_equal(line, PARCEL_YOURS);
	assert_parcel(&got);
	assert_int_equal(fcntl(got.lock, F_GETFD), FD_CLOEXEC);
	parcel_close(&got);
	parcel_close(&sent);
	close(ends[0]);
	close(ends[1]);
}

static void a_line_comes_alone_and_an_end_is_told(void **state)
{
	struct parcel got;
	char line[PARCEL_LINE_MAX];
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	assert_int_equal(parcel_send(ends[0], PARCEL_ASK, NULL), 0);
	assert_int_equal(parcel_receive(ends[1], line, &got), 0);
	assert_string_equal(line, PARCEL_ASK);
	assert_int_equal(got.lock, -1);
	close(ends[0]);
	assert_int_equal(parcel_receive(ends[1], line, &got), -EPIPE);
	assert_int_equal(parcel_send(ends[1], PARCEL_ASK, NULL), -EPIPE);
	close(ends[1]);
}

/* Whoever sends other files than a whole parcel gets none of them in. */
static void half_a_parcel_is_none(void **state)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	char text[] = "yours 1", line[PARCEL_LINE_MAX];
	struct iovec part = { text, strlen(text) };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int ends[2], file = new_file("one"), before, after;
	struct parcel got;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	*header = (struct cmsghdr){ CMSG_LEN(sizeof(file)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(header), &file, sizeof(file));
	assert_true(sendmsg(ends[0], &message, 0) > 0);
	before = dup(file);
	close(before);
	assert_int_equal(parcel_receive(ends[1], line, &got), 0);
	assert_int_equal(got.api, -1);
	assert_int_equal(got.lock, -1);
	after = dup(file);
	assert_int_equal(after, before);
	close(after);
	close(file);
	close(ends[0]);
	close(ends[1]);
}

static void only_its_owner_may_connect(void **state)
{
	char dir[] = "/tmp/test_parcel.XXXXXX", path[64];
	struct error err = { "", "" };
	struct stat st;
	int listener, client, pid = 0;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(parcel_connect(dir, &err), -ENOENT);
	listener = parcel_listen(dir, &err);
	assert_true(listener >= 0);
	snprintf(path, sizeof(path), "%s/" PARCEL_SOCKET_NAME, dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	client = parcel_connect(dir, &err);
	assert_true(client >= 0);
	assert_int_equal(parcel_check_peer(client, &pid), 0);
	assert_int_equal(pid, getpid());
	close(client);
	close(listener);
	assert_int_equal(parcel_connect(dir, &err), -ECONNREFUSED);
	unlink(path);
	rmdir(dir);
}

static void a_parcel_is_found_once_after_an_exec(void **state)
{
	struct parcel kept = new_parcel(), found;

	(void)state;
	assert_false(parcel_find(&found));
	assert_int_equal(parcel_keep(&kept), 0);
	assert_int_equal(fcntl(kept.memory, F_GETFD), 0);
	assert_true(parcel_find(&found));
	assert_parcel(&found);
	assert_int_equal(fcntl(found.memory, F_GETFD), FD_CLOEXEC);
	assert_false(parcel_find(&found));
	parcel_close(&kept);
	setenv("LBD_PARCEL", "7,8", 1);
	assert_false(parcel_find(&found));
	setenv("LBD_PARCEL", "1000001,1000002,1000003", 1);
	assert_false(parcel_find(&found));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_parcel_arrives_with_its_line),
		cmocka_unit_test(a_line_comes_alone_and_an_end_is_told),
		cmocka_unit_test(half_a_parcel_is_none),
		cmocka_unit_test(only_its_owner_may_connect),
		cmocka_unit_test(a_parcel_is_found_once_after_an_exec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
