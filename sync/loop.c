// SPDX-License-Identifier: GPL-2.0-or-later
#include "sync/loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/monotonic.h"
#include "base/secret.h"
#include "sync/loop_digest.h"
#include "sync/loop_sample.h"

#define LOOP_BUSY_US 400
#define LOOP_FLUSH_US 1000
#define LOOP_IDLE_US 20000
#define LOOP_BYE_MS 100 /* for a bye to leave; ZeroMQ sends in the background */

int64_t loop_cpu_us(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return used.tv_sec * 1000000LL + used.tv_nsec / 1000;
}

/* --- life */

static int loop_init(struct loop *loop, const struct sync_config *config,
		     const struct tables *tables, int wake_fd, struct error *err)
{
	struct lbd_secret random;
	int code = secret_random(&random);

	if (code)
		return error_errno(err, code, "cannot draw a boot identity");
	loop->boot = random.words[0] | 1; /* 0 says unknown */
	loop->tables = tables;
	loop->identities = calloc(1, sizeof(*loop->identities));
	if (!loop->identities)
		return error_errno(err, -ENOMEM, "cannot start sync");
	loop->now_us = monotonic_us();
	snprintf(loop->run_dir, sizeof(loop->run_dir), "%s",
		 config->run_dir ? config->run_dir : "");
	loop_load_term(loop);
	loop_load_resume(loop);
	aside_init(&loop->aside, &random);
	code = transport_new(wake_fd, &loop->transport);
	return code ? error_errno(err, code, "cannot start ZeroMQ") : 0;
}

int loop_new(const struct sync_config *config, const struct tables *tables, int wake_fd,
	     struct loop **ret, struct error *err)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int code;

	if (!loop)
		return error_errno(err, -ENOMEM, "cannot start sync");
	code = loop_init(loop, config, tables, wake_fd, err);
	if (!code)
		code = loop_reconfigure(loop, config, err);
	if (code) {
		loop_free(loop);
		return code;
	}
	loop_take_resume(loop);
	*ret = loop;
	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	for (uint32_t i = 0; i < loop->links_count; i++) {
		loop_say_bye(loop, loop->links[i]);
		link_free(loop->links[i], LOOP_BYE_MS);
	}
	transport_close(loop->router, LOOP_BYE_MS);
	transport_free(loop->transport);
	dictionary_free(loop->dictionary);
	curve_forget(&loop->own);
	free(loop->identities);
	aside_destroy(&loop->aside);
	free(loop->links);
	free(loop->marking);
	free(loop->waiting);
	free(loop);
}

struct link_own loop_own(const struct loop *loop)
{
	return (struct link_own){
		.tables = loop->tables,
		.transport = loop->transport,
		.source = loop->listen.addr,
		.pair = loop->plaintext ? NULL : &loop->own,
	};
}

/* --- configuration: all that can fail is made aside, then exchanged */

struct loop_plan {
	struct link **links; /* those kept and those new, in the order of the config */
	struct outbox **marking;
	struct transport_socket **waiting;
	struct transport_socket *router; /* NULL: the old one stays */
	uint32_t count;
};

static bool loop_same_endpoint(const struct addr_endpoint *a, const struct addr_endpoint *b)
{
	return a->port == b->port && lbd_addr_equal(&a->addr, &b->addr);
}

/* Do the conversations stay as they are? Those in plaintext don't become encrypted. */
static bool loop_stays(const struct loop *loop, const struct sync_config *config)
{
	return loop->router && loop->plaintext == config->plaintext &&
	       loop_same_endpoint(&loop->listen, &config->listen);
}

static bool loop_same_pair(const struct loop *loop, const struct sync_config *config)
{
	return strcmp(loop->own.public, config->own.public) == 0;
}

static struct link *loop_find_same(const struct loop *loop, const struct sync_config *new,
				   const struct sync_peer_config *config)
{
	if (!loop_stays(loop, new))
		return NULL; /* they connect from elsewhere, or otherwise */
	for (uint32_t i = 0; i < loop->links_count; i++) {
		struct link *link = loop->links[i];

		if (strcmp(link->config.name, config->name) == 0 &&
		    loop_same_endpoint(&link->config.address, &config->address))
			return link;
	}
	return NULL;
}

static bool loop_has(struct link *const *links, uint32_t count, const struct link *link)
{
	for (uint32_t i = 0; i < count; i++)
		if (links[i] == link)
			return true;
	return false;
}

static int loop_plan_router(struct loop *loop, const struct sync_config *config,
			    struct loop_plan *plan, struct error *err)
{
	const bool same = loop->router && loop_same_endpoint(&loop->listen, &config->listen);

	if (loop_stays(loop, config) && loop_same_pair(loop, config))
		return 0;
	return transport_listen(loop->transport, config, same ? loop->router : NULL, &plan->router,
				err);
}

static int loop_plan_links(struct loop *loop, const struct sync_config *config,
			   struct loop_plan *plan, struct error *err)
{
	const struct link_own own = {
		.tables = loop->tables,
		.transport = loop->transport,
		.source = config->listen.addr,
		.pair = config->plaintext ? NULL : &config->own,
	};

	for (; plan->count < config->peers_count; plan->count++) {
		const struct sync_peer_config *peer = &config->peers[plan->count];
		struct link *link = loop_find_same(loop, config, peer);
		int code = link ? 0 : link_new(peer, &own, loop->now_us, &link, err);

		if (code)
			return code;
		plan->links[plan->count] = link;
	}
	return 0;
}

static int loop_plan(struct loop *loop, const struct sync_config *config, struct loop_plan *plan,
		     struct error *err)
{
	int code;

	plan->links = calloc(config->peers_count + 1, sizeof(*plan->links));
	plan->marking = calloc(config->peers_count + 1, sizeof(*plan->marking));
	plan->waiting = calloc(config->peers_count + 1, sizeof(*plan->waiting));
	if (!plan->links || !plan->marking || !plan->waiting)
		return error_errno(err, -ENOMEM, "cannot configure the peers");
	code = loop_plan_router(loop, config, plan, err);
	return code ? code : loop_plan_links(loop, config, plan, err);
}

static void loop_plan_drop(struct loop *loop, struct loop_plan *plan)
{
	for (uint32_t i = 0; i < plan->count; i++)
		if (!loop_has(loop->links, loop->links_count, plan->links[i]))
			link_free(plan->links[i], 0);
	transport_close(plan->router, 0);
	free(plan->links);
	free(plan->marking);
	free(plan->waiting);
}

static void loop_drop_links(struct loop *loop, const struct loop_plan *plan)
{
	for (uint32_t i = 0; i < loop->links_count; i++) {
		if (loop_has(plan->links, plan->count, loop->links[i]))
			continue;
		loop_say_bye(loop, loop->links[i]);
		link_free(loop->links[i], LOOP_BYE_MS);
	}
}

/*
 * With another key of our own the old router goes on with what it has. Else
 * conversations that came in there are over: their routes are its names.
 */
static void loop_exchange_router(struct loop *loop, struct transport_socket *router, bool stays)
{
	if (stays) {
		transport_retire(router, loop->router);
		loop->router = router;
		return;
	}
	transport_close(loop->router, LOOP_BYE_MS);
	loop->router = router;
	for (uint32_t i = 0; i < loop->links_count; i++) {
		intake_close(&loop->links[i]->intake);
		intake_forget(&loop->links[i]->intake);
	}
}

static void loop_set_node(struct loop *loop, const char *node)
{
	if (strcmp(loop->node, node) == 0)
		return;
	snprintf(loop->node, sizeof(loop->node), "%s", node);
	for (uint32_t i = 0; i < loop->links_count; i++)
		peer_restart(&loop->links[i]->peer, loop->now_us);
}

/* The links that stay: with the keys that their peers have now. */
static void loop_rekey_links(struct loop *loop, const struct sync_config *config)
{
	for (uint32_t i = 0; i < loop->links_count; i++)
		link_rekey(loop->links[i], &config->peers[i]);
}

static void loop_commit(struct loop *loop, const struct sync_config *config, struct loop_plan *plan)
{
	const bool stays = loop_stays(loop, config);

	loop_drop_links(loop, plan);
	free(loop->links);
	free(loop->marking);
	free(loop->waiting);
	loop->links = plan->links;
	loop->links_count = plan->count;
	loop->marking = plan->marking;
	loop->waiting = plan->waiting;
	loop->listen = config->listen;
	bandwidth_set(&loop->bandwidth, config->bandwidth, loop->now_us);
	cpu_set(&loop->cpu, config->cpu ? config->cpu : 100);
	loop->plaintext = config->plaintext;
	loop->own = config->own;
	if (plan->router)
		loop_exchange_router(loop, plan->router, stays);
	if (transport_admit(loop->transport, loop->router, config))
		log_error("sync: peers can't be let in: out of memory");
	loop_rekey_links(loop, config);
	loop_set_node(loop, config->node);
}

int loop_reconfigure(struct loop *loop, const struct sync_config *config, struct error *err)
{
	struct loop_plan plan = { 0 };
	int code = loop_plan(loop, config, &plan, err);

	if (code)
		loop_plan_drop(loop, &plan);
	else
		loop_commit(loop, config, &plan);
	return code;
}

static void loop_renew_dictionary(struct loop *loop, struct link *link)
{
	link->dictionary_next = 0;
	peer_tell_dictionary(&link->peer);
	if (link->outbox.withheld)
		link_mark_all(link);
	/* What was missed was kept, but for what there was no room for. */
	if (directory_map(link->directory, loop->dictionary) && loop->aside.counts.given_up)
		intake_ask_resync(&link->intake);
}

static void loop_enter_kept(struct loop *loop)
{
	const struct apply_target target = loop_target(loop);
	uint64_t before = loop->aside.counts.entered;

	apply_kept(&target, loop->dictionary);
	if (loop->aside.counts.entered != before)
		log_info("sync: %llu records that were kept aside have their services now",
			 (unsigned long long)(loop->aside.counts.entered - before));
}

void loop_set_dictionary(struct loop *loop, struct dictionary *dictionary)
{
	if (loop->dictionary && dictionary_equal(loop->dictionary, dictionary)) {
		dictionary_free(dictionary);
		return;
	}
	dictionary_free(loop->dictionary);
	loop->dictionary = dictionary;
	loop->dictionary_version++;
	for (uint32_t i = 0; i < loop->links_count; i++)
		loop_renew_dictionary(loop, loop->links[i]);
	loop_digest_learn(loop);
	loop_enter_kept(loop);
}

/* --- the turn */

static bool loop_is_heard(const struct loop *loop)
{
	for (uint32_t i = 0; i < loop->links_count; i++)
		if (link_wants_marks(loop->links[i]))
			return true;
	return false;
}

bool loop_collect_marks(struct loop *loop)
{
	uint32_t count = 0;

	loop->collected_us = loop->now_us;
	if (!loop_is_heard(loop))
		return false;
	for (uint32_t i = 0; i < loop->links_count; i++) {
		loop->links[i]->outbox.now_us = loop->now_us;
		if (link_keeps_marks(loop->links[i]))
			loop->marking[count++] = &loop->links[i]->outbox;
	}
	return outbox_collect(loop->tables, loop->marking, count);
}

/*
 * Returns how long to wait until the next time. Not sooner: an acknowledgement
 * ends the wait, and would bring about the next message and so the next of its kind.
 */
static int64_t loop_collect(struct loop *loop)
{
	int64_t left_us = loop->collected_us + LOOP_BUSY_US - loop->now_us;

	if (left_us > 0)
		return left_us;
	loop->busy = loop_collect_marks(loop);
	if (!loop_is_heard(loop))
		return LOOP_IDLE_US;
	return loop->busy ? LOOP_BUSY_US : LOOP_FLUSH_US;
}

static void loop_log_state(struct link *link)
{
	if (link->peer.state == link->logged)
		return;
	link->logged = link->peer.state;
	if (link->logged == SYNC_STATE_LIVE || link->logged == SYNC_STATE_STALE)
		log_info("sync: %s is %s", link->config.name, peer_state_name(link->logged));
	else
		log_debug("sync: %s is %s", link->config.name, peer_state_name(link->logged));
}

static void loop_attend(struct loop *loop)
{
	const struct link_own own = loop_own(loop);

	transport_attend(loop->transport, loop->router, loop->now_us, &loop->refusals);
	for (uint32_t i = 0; i < loop->links_count; i++)
		link_attend(loop->links[i], &own, loop->now_us);
}

/* How long to do nothing at all, so that the thread keeps to its share of a core. */
static int64_t loop_rest_us(struct loop *loop)
{
	int64_t rest_us = 0;

	if (cpu_is_limited(&loop->cpu))
		rest_us = cpu_rest_us(&loop->cpu, loop->now_us, loop_cpu_us());
	loop->resting = rest_us > 0;
	return rest_us;
}

/* Returns true if there is more to send. They take turns to be first, as they share the bandwidth. */
static bool loop_serve_all(struct loop *loop)
{
	bool more = false;

	for (uint32_t i = 0; i < loop->links_count; i++) {
		struct link *link = loop->links[(loop->serve_next + i) % loop->links_count];

		more |= loop_serve(loop, link);
		loop_log_state(link);
		loop->busy &= link->outbox.pending == 0;
	}
	loop->serve_next = loop->links_count ? (loop->serve_next + 1) % loop->links_count : 0;
	return more;
}

int64_t loop_turn(struct loop *loop)
{
	int64_t timeout_us, rest_us;
	bool more;

	loop->now_us = monotonic_us();
	loop_attend(loop);
	if (!loop->dictionary)
		return LOOP_IDLE_US;
	rest_us = loop_rest_us(loop);
	if (rest_us)
		return rest_us;
	more = loop_receive(loop);
	timeout_us = loop_collect(loop);
	loop_digest(loop);
	loop_sample(loop);
	more |= loop_serve_all(loop);
	return more ? 0 : timeout_us;
}

/* Before there is a dictionary, and at rest, nothing is read: only the wake-up is waited for. */
static void loop_wait_all(struct loop *loop, int64_t timeout_us)
{
	uint32_t count = 0;

	if (loop->dictionary && !loop->resting) {
		loop->waiting[count++] = loop->router;
		for (uint32_t i = 0; i < loop->links_count; i++)
			loop->waiting[count++] = loop->links[i]->dealer;
	}
	transport_wait(loop->transport, loop->waiting, count, timeout_us);
}

/*
 * While changes come, all else can wait for the next flush: each wake-up costs as much as one,
 * and each look at what could wake it, too.
 */
void loop_wait(struct loop *loop, int64_t timeout_us)
{
	if (timeout_us && loop->busy && !loop->resting)
		transport_doze(loop->transport, timeout_us);
	else
		loop_wait_all(loop, timeout_us);
}
