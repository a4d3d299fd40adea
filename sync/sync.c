// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The public functions, and the thread behind them. The loop belongs to the
 * thread alone; what passes between it and the main thread stands in struct
 * sync, under its mutex: commands one way, copies of the state the other.
 */
#include "sync/sync.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/monotonic.h"
#include "base/runfile.h"
#include "sync/loop_sample.h"

#define SYNC_PUBLISH_US 10000

struct sync_published {
	struct sync_peer_status status;
	int64_t heard_us;
};

struct sync {
	pthread_t thread;
	int wake_fd;
	struct loop *loop; /* the thread's */
	int64_t published_us;

	pthread_mutex_t mutex; /* everything below */
	pthread_cond_t reconfigured;
	bool stop;
	enum sync_role role;
	bool role_told;
	uint32_t sample_asked; /* to be taken by the thread; 0: none */
	struct sync_sample sample;
	struct term term; /* as published */
	struct sync_kept kept;
	struct dictionary *dictionary;	  /* to be taken by the thread */
	const struct sync_config *config; /* as well; reconfigured is signalled afterwards */
	struct error *config_error;
	int config_code;
	struct sync_published *peers;
	uint32_t peers_count;
	struct refusals refusals;
};

static void sync_wake(const struct sync *sync)
{
	const uint64_t one = 1;

	/* Can only fail when the counter is full, and then the thread is awake. */
	if (write(sync->wake_fd, &one, sizeof(one)) < 0)
		return;
}

/* --- the thread */

static void sync_publish_peers(struct sync *sync)
{
	const struct loop *loop = sync->loop;
	struct sync_published *peers = sync->peers;

	if (loop->links_count != sync->peers_count) {
		peers = realloc(sync->peers, (loop->links_count + 1) * sizeof(*peers));
		if (!peers)
			return;
		sync->peers = peers;
		sync->peers_count = loop->links_count;
	}
	for (uint32_t i = 0; i < loop->links_count; i++)
		link_status(loop->links[i], loop->now_us, &peers[i].status, &peers[i].heard_us);
}

static void sync_publish(struct sync *sync)
{
	pthread_mutex_lock(&sync->mutex);
	sync_publish_peers(sync);
	sync->refusals = sync->loop->refusals;
	sync->term = sync->loop->term;
	sync->kept = sync->loop->aside.counts;
	if (sync->sample.number != sync->loop->sample.number)
		sync->sample = sync->loop->sample;
	pthread_mutex_unlock(&sync->mutex);
}

static void sync_publish_at_times(struct sync *sync)
{
	int64_t now_us = sync->loop->now_us;

	if (now_us - sync->published_us < SYNC_PUBLISH_US && !sync->loop->news)
		return;
	sync->loop->news = false;
	sync->published_us = now_us;
	sync_publish(sync);
}

static void sync_take_config(struct sync *sync)
{
	if (!sync->config)
		return;
	sync->config_code = loop_reconfigure(sync->loop, sync->config, sync->config_error);
	sync_publish_peers(sync);
	sync->config = NULL;
	pthread_cond_signal(&sync->reconfigured);
}

/* Returns false when told to stop. */
static bool sync_take_commands(struct sync *sync)
{
	uint64_t wakes;
	bool stop;

	if (read(sync->wake_fd, &wakes, sizeof(wakes)) < 0)
		return true; /* nobody has woken us */
	pthread_mutex_lock(&sync->mutex);
	if (sync->dictionary)
		loop_set_dictionary(sync->loop, sync->dictionary);
	sync->dictionary = NULL;
	if (sync->role_told)
		loop_set_role(sync->loop, sync->role);
	if (sync->sample_asked)
		loop_ask_sample(sync->loop, sync->sample_asked);
	sync->sample_asked = 0;
	sync_take_config(sync);
	stop = sync->stop;
	pthread_mutex_unlock(&sync->mutex);
	return !stop;
}

/* A flush is a fraction of a millisecond: the kernel shall not round it. */
static void *sync_run(void *argument)
{
	struct sync *sync = argument;

	prctl(PR_SET_TIMERSLACK, 1UL);
	while (sync_take_commands(sync)) {
		int64_t timeout_us = loop_turn(sync->loop);

		sync_publish_at_times(sync);
		loop_wait(sync->loop, timeout_us);
	}
	return NULL;
}

/* Signals are the main thread's: the event loop there takes them. */
static int sync_spawn(struct sync *sync)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&sync->thread, NULL, sync_run, sync);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err)
		pthread_setname_np(sync->thread, "lbd-sync");
	return -err;
}

/* --- the main thread */

static void sync_free(struct sync *sync)
{
	loop_free(sync->loop);
	if (sync->wake_fd >= 0)
		close(sync->wake_fd);
	pthread_cond_destroy(&sync->reconfigured);
	pthread_mutex_destroy(&sync->mutex);
	dictionary_free(sync->dictionary);
	free(sync->peers);
	free(sync);
}

static int sync_prepare(struct sync *sync, const struct sync_config *config,
			const struct tables *tables, struct error *err)
{
	int code;

	pthread_mutex_init(&sync->mutex, NULL);
	pthread_cond_init(&sync->reconfigured, NULL);
	sync->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (sync->wake_fd < 0)
		return error_errno(err, -errno, "cannot make an eventfd");
	code = loop_new(config, tables, sync->wake_fd, &sync->loop, err);
	if (code)
		return code;
	sync_publish(sync);
	code = sync_spawn(sync);
	return code ? error_errno(err, code, "cannot start the sync thread") : 0;
}

int sync_start(const struct sync_config *config, const struct tables *tables, struct sync **ret,
	       struct error *err)
{
	struct sync *sync = calloc(1, sizeof(*sync));
	int code;

	if (!sync)
		return error_errno(err, -ENOMEM, "cannot start sync");
	code = sync_prepare(sync, config, tables, err);
	if (code) {
		sync_free(sync);
		return code;
	}
	*ret = sync;
	return 0;
}

int sync_reconfigure(struct sync *sync, const struct sync_config *config, struct error *err)
{
	int code;

	pthread_mutex_lock(&sync->mutex);
	sync->config = config;
	sync->config_error = err;
	sync_wake(sync);
	while (sync->config)
		pthread_cond_wait(&sync->reconfigured, &sync->mutex);
	code = sync->config_code;
	pthread_mutex_unlock(&sync->mutex);
	return code;
}

int sync_set_dictionary(struct sync *sync, const struct model *model)
{
	struct dictionary *dictionary = dictionary_new(model);

	if (!dictionary)
		return -ENOMEM;
	pthread_mutex_lock(&sync->mutex);
	dictionary_free(sync->dictionary);
	sync->dictionary = dictionary;
	pthread_mutex_unlock(&sync->mutex);
	sync_wake(sync);
	return 0;
}

void sync_set_role(struct sync *sync, enum sync_role role)
{
	pthread_mutex_lock(&sync->mutex);
	sync->role = role;
	sync->role_told = true;
	pthread_mutex_unlock(&sync->mutex);
	sync_wake(sync);
}

static int64_t sync_ms_ago(int64_t then_us)
{
	return then_us < 0 ? -1 : monotonic_ms() - then_us / 1000;
}

void sync_get_term(struct sync *sync, struct sync_term *ret)
{
	struct term term;

	pthread_mutex_lock(&sync->mutex);
	term = sync->term;
	pthread_mutex_unlock(&sync->mutex);
	*ret = (struct sync_term){
		.own = term.own,
		.began_ms_ago = term.own ? sync_ms_ago(term.began_us) : -1,
		.known = term.known,
	};
}

void sync_get_kept(struct sync *sync, struct sync_kept *ret)
{
	pthread_mutex_lock(&sync->mutex);
	*ret = sync->kept;
	pthread_mutex_unlock(&sync->mutex);
}

int sync_peers(struct sync *sync, struct sync_peer_status **ret, uint32_t *ret_count)
{
	struct sync_peer_status *peers;

	pthread_mutex_lock(&sync->mutex);
	*ret_count = sync->peers_count;
	peers = calloc(sync->peers_count + 1, sizeof(*peers));
	for (uint32_t i = 0; peers && i < sync->peers_count; i++) {
		peers[i] = sync->peers[i].status;
		peers[i].heard_ms_ago = sync_ms_ago(sync->peers[i].heard_us);
	}
	pthread_mutex_unlock(&sync->mutex);
	*ret = peers;
	return peers ? 0 : -ENOMEM;
}

/* 0, or why there is nobody to ask. Under the mutex. */
static int sync_check_active(const struct sync *sync)
{
	int code = -ENOENT;

	for (uint32_t i = 0; i < sync->peers_count; i++) {
		const struct sync_peer_status *peer = &sync->peers[i].status;

		if (peer->role != SYNC_ROLE_ACTIVE)
			continue;
		if (peer->version >= WIRE_VERSION_DIGESTS)
			return 0;
		code = -EPROTO;
	}
	return code;
}

int sync_ask_sample(struct sync *sync, uint32_t count, uint64_t *ret_number)
{
	int code;

	pthread_mutex_lock(&sync->mutex);
	code = sync_check_active(sync);
	if (!code)
		sync->sample_asked = count;
	*ret_number = sync->sample.number + 1;
	pthread_mutex_unlock(&sync->mutex);
	if (!code)
		sync_wake(sync);
	return code;
}

void sync_get_sample(struct sync *sync, struct sync_sample *ret)
{
	pthread_mutex_lock(&sync->mutex);
	*ret = sync->sample;
	pthread_mutex_unlock(&sync->mutex);
}

static bool sync_is_connected(const struct sync_peer_status *peer)
{
	return peer->state == SYNC_STATE_BULK || peer->state == SYNC_STATE_LIVE;
}

/* Links come and go in loop_reconfigure only, for which the main thread waits. */
const struct held *sync_held(struct sync *sync, uint32_t *ret_peer)
{
	const struct held *best = NULL;
	bool best_connected = false;

	pthread_mutex_lock(&sync->mutex);
	for (uint32_t i = 0; i < sync->loop->links_count && i < sync->peers_count; i++) {
		const struct held *held = &sync->loop->links[i]->held;
		bool connected = sync_is_connected(&sync->peers[i].status);

		if (best && (connected < best_connected ||
			     (connected == best_connected && held->acked <= best->acked)))
			continue;
		best = held;
		best_connected = connected;
		*ret_peer = i;
	}
	pthread_mutex_unlock(&sync->mutex);
	return best;
}

void sync_refusals(struct sync *sync,
		   void (*visit)(void *context, const char *name, const char *sentence,
				 uint64_t count),
		   void *context)
{
	struct refusals refusals;

	pthread_mutex_lock(&sync->mutex);
	refusals = sync->refusals;
	pthread_mutex_unlock(&sync->mutex);
	for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++)
		visit(context, refusal_name((enum refusal)i), refusal_sentence((enum refusal)i),
		      refusals.counts[i]);
}

void sync_stop(struct sync *sync)
{
	if (!sync)
		return;
	pthread_mutex_lock(&sync->mutex);
	sync->stop = true;
	pthread_mutex_unlock(&sync->mutex);
	sync_wake(sync);
	pthread_join(sync->thread, NULL);
	loop_leave_resume(sync->loop);
	sync_free(sync);
}
