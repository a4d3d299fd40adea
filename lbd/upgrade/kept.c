// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files in the run directory, as short-lived as the pins: both go with a
 * reboot. Killed between a swap and its rename, a file is one generation
 * behind its slot: the next specialisation then returns to what ran before.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "upgrade/upgrade.h"

#define KEPT_SIZE_MAX (16 << 20)

char *kept_path(const struct upgrade_place *place, enum upgrade_kept which, char *buffer)
{
	static const char *const names[] = {
		[UPGRADE_KEPT_RUNNING] = "running.bpf.o",
		[UPGRADE_KEPT_PREVIOUS] = "previous.bpf.o",
		[UPGRADE_KEPT_CANDIDATE] = "candidate.bpf.o",
		[UPGRADE_KEPT_DRAFT] = "draft.bpf.o",
		[UPGRADE_KEPT_PROOF] = "proof.bpf.o",
	};

	snprintf(buffer, UPGRADE_PATH_MAX, "%.150s/%s", place->run_dir, names[which]);
	return buffer;
}

/* O_NONBLOCK: opening a FIFO must not hold up the daemon. */
static int kept_open(const char *object, off_t *ret_size, struct error *err)
{
	int fd = open(object, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;
	struct stat st;

	if (fd < 0)
		return error_errno(err, -errno, "%s", object);
	if (fstat(fd, &st))
		rc = error_errno(err, -errno, "%s", object);
	else if (!S_ISREG(st.st_mode) || st.st_size > KEPT_SIZE_MAX)
		rc = error_set(err, -EINVAL, "%s: expected a regular file of at most %d bytes",
			       object, KEPT_SIZE_MAX);
	if (rc) {
		close(fd);
		return rc;
	}
	*ret_size = st.st_size;
	return fd;
}

static int kept_write(const char *path, int from, off_t size, struct error *err)
{
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), rc = 0;

	if (to < 0)
		return error_errno(err, -errno, "%s", path);
	while (size > 0 && !rc) {
		ssize_t sent = sendfile(to, from, NULL, (size_t)size);

		size -= sent;
		if (sent <= 0)
			rc = error_errno(err, sent ? -errno : -EIO, "write %s", path);
	}
	close(to);
	return rc;
}

int kept_copy(const struct upgrade_place *place, const char *object, enum upgrade_kept to,
	      struct error *err)
{
	char path[UPGRADE_PATH_MAX];
	off_t size = 0;
	int from, rc;

	from = kept_open(object, &size, err);
	if (from < 0)
		return from;
	rc = kept_write(kept_path(place, to, path), from, size, err);
	close(from);
	return rc;
}

/* Byte by byte, without reading more than a page of either at a time. */
static bool kept_compare(int a, int b)
{
	char one[4096], other[4096];
	ssize_t size;

	do {
		size = read(a, one, sizeof(one));
		if (size < 0 || read(b, other, sizeof(other)) != size ||
		    memcmp(one, other, (size_t)size) != 0)
			return false;
	} while (size);
	return true;
}

bool kept_is(const char *kept, const char *object)
{
	int a = open(kept, O_RDONLY | O_CLOEXEC), b = open(object, O_RDONLY | O_CLOEXEC);
	bool same = a >= 0 && b >= 0 && kept_compare(a, b);

	if (a >= 0)
		close(a);
	if (b >= 0)
		close(b);
	return same;
}

int kept_move(const struct upgrade_place *place, enum upgrade_kept from, enum upgrade_kept to,
	      struct error *err)
{
	char old[UPGRADE_PATH_MAX], new[UPGRADE_PATH_MAX];

	if (rename(kept_path(place, from, old), kept_path(place, to, new)))
		return error_errno(err, -errno, "rename %s", old);
	return 0;
}

int kept_advance(const struct upgrade_place *place, enum upgrade_kept from, bool shift,
		 struct error *err)
{
	int rc = 0;

	if (shift)
		rc = kept_move(place, UPGRADE_KEPT_RUNNING, UPGRADE_KEPT_PREVIOUS, err);
	if (rc && rc != -ENOENT)
		return rc;
	return kept_move(place, from, UPGRADE_KEPT_RUNNING, err);
}

void kept_remove(const struct upgrade_place *place, enum upgrade_kept which)
{
	char path[UPGRADE_PATH_MAX];

	unlink(kept_path(place, which, path));
}

void kept_exchange(const struct upgrade_place *place)
{
	char running[UPGRADE_PATH_MAX], previous[UPGRADE_PATH_MAX];

	kept_path(place, UPGRADE_KEPT_RUNNING, running);
	kept_path(place, UPGRADE_KEPT_PREVIOUS, previous);
	if (!renameat2(AT_FDCWD, running, AT_FDCWD, previous, RENAME_EXCHANGE))
		return;
	/* One of the two isn't there. What is left must not pass for what it isn't. */
	unlink(running);
	rename(previous, running);
}

void upgrade_forget_trial(const struct upgrade_place *place)
{
	kept_remove(place, UPGRADE_KEPT_CANDIDATE);
}

void upgrade_forget(const struct upgrade_place *place)
{
	for (int which = UPGRADE_KEPT_RUNNING; which <= UPGRADE_KEPT_PROOF; which++)
		kept_remove(place, which);
}
