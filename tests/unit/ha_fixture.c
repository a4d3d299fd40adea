// SPDX-License-Identifier: GPL-2.0-or-later
#include "ha_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/runfile.h"

/* Comes before the one of sync/: the peers say what a test has set. */
int sync_peers(struct sync *sync, struct sync_peer_status **ret, uint32_t *ret_count)
{
	*ret = calloc(sync->count, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	memcpy(*ret, sync->peers, sync->count * sizeof(**ret));
	*ret_count = sync->count;
	return 0;
}

void sync_set_role(struct sync *sync, enum sync_role role)
{
	sync->role = role;
}

int lab_setup(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	assert_non_null(lab);
	strcpy(lab->dir, "/tmp/lbd-test-ha-XXXXXX");
	assert_non_null(mkdtemp(lab->dir));
	assert_int_equal(chmod(lab->dir, 0755), 0);
	lab->base = event_base_new();
	lab->sync.count = 1;
	strcpy(lab->sync.peers[0].name, "lb2");
	strcpy(lab->sync.peers[1].name, "lb3");
	lab->sync.peers[0].heard_ms_ago = lab->sync.peers[1].heard_ms_ago = -1;
	*state = lab;
	return 0;
}

int lab_run(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	return system(command);
}

int lab_teardown(void **state)
{
	struct lab *lab = *state;

	ha_free(lab->ha);
	event_base_free(lab->base);
	lab_run("rm -rf %s", lab->dir);
	free(lab);
	return 0;
}

void lab_start(struct lab *lab, bool adopted, uint32_t patience_ms, bool peers)
{
	struct error err = { 0 };

	ha_free(lab->ha);
	assert_int_equal(ha_new(lab->base, lab->dir, adopted, patience_ms,
				peers ? &lab->sync : NULL, NULL, &lab->ha, &err),
			 0);
}

static void lab_set_sync(struct lab *lab, uint32_t patience_ms, struct sync *sync)
{
	struct config config = { .cluster.patience_ms = patience_ms,
				 .cluster.peers_count = lab->sync.count };

	ha_set_cluster(lab->ha, &config, sync);
}

void lab_pause_sync(struct lab *lab, uint32_t patience_ms)
{
	lab_set_sync(lab, patience_ms, NULL);
}

void lab_resume_sync(struct lab *lab, uint32_t patience_ms)
{
	lab_set_sync(lab, patience_ms, &lab->sync);
}

struct ha_status lab_status(const struct lab *lab)
{
	struct ha_status status;

	ha_status(lab->ha, &status);
	return status;
}

void lab_run_loop(struct lab *lab, unsigned int ms)
{
	for (unsigned int i = 0; i < ms / 5; i++) {
		event_base_loop(lab->base, EVLOOP_NONBLOCK);
		usleep(5000);
	}
}

void lab_expect_file(const struct lab *lab, const char *name, const char *wanted)
{
	char line[64] = "";

	runfile_read(lab->dir, name, line, sizeof(line), NULL);
	assert_string_equal(line, wanted);
}

void lab_write_file(const struct lab *lab, const char *name, const char *line)
{
	assert_int_equal(runfile_write(lab->dir, name, line, NULL), 0);
}
