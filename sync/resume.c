// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/resume.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RESUME_FORMAT 1U

_Static_assert(CONFIG_NAME_MAX == 64, "resume_parse reads names of up to 63 characters");

void resume_add(struct resume *resume, const struct resume_peer *peer)
{
	if (resume->count < RESUME_PEERS_MAX)
		resume->peers[resume->count++] = *peer;
}

const struct resume_peer *resume_find(const struct resume *resume, const char *name)
{
	for (uint32_t i = 0; i < resume->count; i++)
		if (strcmp(resume->peers[i].name, name) == 0)
			return &resume->peers[i];
	return NULL;
}

void resume_print(const struct resume *resume, char line[RESUME_LINE_MAX])
{
	int used = snprintf(line, RESUME_LINE_MAX, "%u %" PRIx64, RESUME_FORMAT, resume->boot);

	for (uint32_t i = 0; i < resume->count; i++)
		used += snprintf(line + used, RESUME_LINE_MAX - (size_t)used,
				 " %s %" PRIx64 " %" PRIx64, resume->peers[i].name,
				 resume->peers[i].told, resume->peers[i].heard);
}

static int resume_parse_peers(const char *line, struct resume *ret)
{
	int used = 0;

	while (*line) {
		struct resume_peer peer = { 0 };

		if (ret->count == RESUME_PEERS_MAX ||
		    sscanf(line, " %63s %16" SCNx64 " %16" SCNx64 "%n", peer.name, &peer.told,
			   &peer.heard, &used) != 3)
			return -EINVAL;
		resume_add(ret, &peer);
		line += used;
	}
	return 0;
}

int resume_parse(const char *line, struct resume *ret)
{
	unsigned int format;
	int used = 0, rc = -EINVAL;

	memset(ret, 0, sizeof(*ret));
	if (sscanf(line, "%u %16" SCNx64 "%n", &format, &ret->boot, &used) == 2 &&
	    format == RESUME_FORMAT && ret->boot)
		rc = resume_parse_peers(line + used, ret);
	if (rc)
		memset(ret, 0, sizeof(*ret));
	return rc;
}
