// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The node's term, where it meets disk, log and messages. File "term" of the
 * run directory holds it, written before any message says it.
 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/runfile.h"
#include "sync/loop.h"

#define LOOP_TERM_FILE "term"

static void loop_save_term(struct loop *loop)
{
	char line[TERM_LINE_MAX];
	struct error err;

	if (!loop->run_dir[0])
		return;
	term_print(&loop->term, line);
	if (runfile_write(loop->run_dir, LOOP_TERM_FILE, line, &err))
		log_report("sync: a daemon that starts again won't know its term", &err);
}

void loop_load_term(struct loop *loop)
{
	char line[TERM_LINE_MAX];

	if (!loop->run_dir[0] ||
	    runfile_read(loop->run_dir, LOOP_TERM_FILE, line, sizeof(line), NULL))
		return;
	if (term_parse(line, loop->now_us, &loop->term))
		log_warning("sync: %s/%s says \"%s\", which is no term of this boot: ignored",
			    loop->run_dir, LOOP_TERM_FILE, line);
	else if (loop->term.own)
		log_info("sync: going on with term %llu, the highest known is %llu",
			 (unsigned long long)loop->term.own, (unsigned long long)loop->term.known);
}

void loop_set_role(struct loop *loop, enum sync_role role)
{
	bool held = term_is_held(&loop->term), began;

	for (uint32_t i = 0; i < loop->links_count && role != loop->role; i++)
		peer_say_role(&loop->links[i]->peer);
	loop->role = role;
	began = term_set_role(&loop->term, role, loop->now_us);
	if (began)
		log_info("sync: term %llu begins: this node took over",
			 (unsigned long long)loop->term.own);
	if (began || held != term_is_held(&loop->term))
		loop_save_term(loop);
}

void loop_hear_term(struct loop *loop, struct link *link, const struct wire_message *message)
{
	uint64_t known = loop->term.known;

	if (message->term != link->term && message->term)
		log_info("sync: %s is of term %llu", link->config.name,
			 (unsigned long long)message->term);
	link->term = message->term;
	if (term_hear(&loop->term, loop->node, message, loop->now_us)) {
		/* What lost against the higher term is told once more. */
		for (uint32_t i = 0; i < loop->links_count; i++)
			link_mark_all(loop->links[i]);
		log_info("sync: term %llu begins: %s had a higher one but isn't active",
			 (unsigned long long)loop->term.own, link->config.name);
	}
	if (loop->term.known != known)
		loop_save_term(loop);
}

/* In whole ticks, as the ages of records are. */
static uint64_t loop_ms_since(const struct loop *loop, int64_t then_us)
{
	return tables_ticks_ms(loop->tables, tables_ticks_since(loop->tables, then_us));
}

void loop_fill_term(const struct loop *loop, struct wire_message *message)
{
	message->role = loop->role;
	message->term = loop->term.own;
	message->term_known = loop->term.known;
	if (loop->term.own)
		message->term_ms = loop_ms_since(loop, loop->term.began_us);
	if (loop->term.ended_us)
		message->ended_ms = loop_ms_since(loop, loop->term.ended_us);
}
