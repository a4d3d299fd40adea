// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Conversations that outlive the daemon, where they meet disk and links: file
 * "sync" of the run directory (resume.h).
 *
 *   stop:  bits of the outboxes and of what is under way -> dirty words; then the file
 *   start: the file -> boot, links; then the file goes
 *
 * So it is never there while anybody changes what it speaks of: who is killed
 * meanwhile, or after, has another boot and tells everything.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/runfile.h"
#include "sync/loop.h"

static int resume_unlink(const char *run_dir)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", run_dir, RESUME_FILE);
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

void sync_forget(const char *run_dir)
{
	int rc = resume_unlink(run_dir);

	if (rc)
		log_error("sync: %s/%s can't be removed: %s", run_dir, RESUME_FILE, strerror(-rc));
}

void loop_load_resume(struct loop *loop)
{
	char line[RESUME_LINE_MAX];

	if (!loop->run_dir[0] || runfile_read(loop->run_dir, RESUME_FILE, line, sizeof(line), NULL))
		return;
	if (resume_parse(line, &loop->resume)) {
		log_warning("sync: %s/%s says \"%.64s\", which isn't where conversations were: the "
			    "peers are told everything again",
			    loop->run_dir, RESUME_FILE, line);
		sync_forget(loop->run_dir);
	}
}

void loop_take_resume(struct loop *loop)
{
	struct resume resume = loop->resume;

	if (!resume.boot)
		return;
	memset(&loop->resume, 0, sizeof(loop->resume));
	if (resume_unlink(loop->run_dir)) {
		/* Another could take it up as well, after changes that it doesn't know of. */
		log_warning("sync: %s/%s can't be removed: the peers are told everything again",
			    loop->run_dir, RESUME_FILE);
		return;
	}
	loop->boot = resume.boot;
	for (uint32_t i = 0; i < loop->links_count; i++) {
		struct link *link = loop->links[i];
		const struct resume_peer *peer = resume_find(&resume, link->config.name);

		if (peer)
			link_take_up(link, peer->told, peer->heard);
	}
}

/* What is kept aside is in memory alone: peers that told it must tell it again. */
static bool loop_has_all(const struct loop *loop, const struct link *link)
{
	return link->intake.had_all && !loop->aside.counts.held && !loop->aside.counts.given_up;
}

void loop_leave_resume(struct loop *loop)
{
	struct resume resume = { .boot = loop->boot };
	char line[RESUME_LINE_MAX];
	struct error err;

	for (uint32_t i = 0; i < loop->links_count; i++) {
		struct link *link = loop->links[i];
		struct resume_peer peer = {
			.told = link_may_go_on(link) ? link->peer.resumes : 0,
			.heard = loop_has_all(loop, link) ? link->intake.boot : 0,
		};

		if (peer.told)
			link_pour(link);
		memcpy(peer.name, link->config.name, sizeof(peer.name));
		resume_add(&resume, &peer);
	}
	if (!loop->run_dir[0])
		return;
	resume_print(&resume, line);
	if (runfile_write(loop->run_dir, RESUME_FILE, line, &err))
		log_report("sync: a daemon that starts again must tell everything", &err);
}
