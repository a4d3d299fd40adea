// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * lbd --takeover, the new one: goes on for the lbd that runs the instance.
 *
 *   new: config, lists, objects; maps     running: serves
 *        are opened, proven and mapped
 *        "ask" ------------------------->  a thread closes the AF_XDP sockets; ends what
 *                                          requests are open
 *                                      |   writes down what it knows, stops sync
 *        "yours" <---------------------|-  with API socket, lock and memory; waits
 *        the rest of the start-up      |
 *        "running" --------------------|>  tells systemd (MAINPID), exits
 *        serves; listens for fragments
 *
 * Between the marks nobody answers, which is what everything else is moved out of.
 * The snapshot in force is the running one's: if no other generation is needed, it is
 * committed anew once requests are answered (start.c).
 *
 * Until "yours" nothing has changed: if the new one ends before, the running one
 * goes on. If it ends after, the running one becomes what it was by starting
 * itself again (handover.c), with the same socket and memory. The lock is held
 * by both, so that it is free only when both are gone. Clients of the API wait
 * in the socket's backlog meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/monotonic.h"
#include "guard/guard.h"
#include "lbd.h"
#include "takeover/memory.h"
#include "takeover/parcel.h"

#define HEIR_ANSWER_MS 10000
#define HEIR_BYE_MS 1000
#define HEIR_SETTLE_US 100000

struct lbd_heir {
	int socket; /* to the running one; -1: it was this very process, before an exec */
	struct parcel parcel;
	json_t *memory;
	int64_t paused_ms; /* CLOCK_MONOTONIC: since then nobody answers */
	int64_t paused_cpu_us;
	struct config *read;	     /* whose lists have been read already ... */
	struct guard *lists;	     /* ... or NULL */
	struct dataplane *dataplane; /* maps that have been looked at already, or NULL */
	struct event *on_bye;
};

static int64_t heir_cpu_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

/* The maps are those that serve, unless they have to be moved first. */
static int heir_look(const struct lbd *lbd, struct lbd_heir *heir, struct error *err)
{
	const struct dataplane_options options = { .pin_dir = lbd->pin_dir,
						   .limits = model_limits(lbd->config) };
	int rc = dataplane_look(&options, &heir->dataplane, err);

	return rc == -EAGAIN ? 0 : rc;
}

/* What may take long, and what may fail, as long as the other one serves. */
static int heir_prepare(struct lbd *lbd, struct lbd_heir *heir, struct error *err)
{
	const char *const objects[] = { lbd->object, lbd->root_object, lbd->split_object };
	int rc;

	for (size_t i = 0; i < sizeof(objects) / sizeof(*objects); i++)
		if (access(objects[i], R_OK))
			return error_errno(err, -errno, "%s", objects[i]);
	for (uint32_t i = 0; i < lbd->config->xdp.interfaces_count; i++)
		if (!if_nametoindex(lbd->config->xdp.interfaces[i]))
			return error_errno(err, -errno, "interface %s",
					   lbd->config->xdp.interfaces[i]);
	heir->read = lbd->config;
	rc = lbd->config->lists_count ? guard_read(lbd->config, &heir->lists, err) : 0;
	return rc ? rc : heir_look(lbd, heir, err);
}

static int heir_receive(struct lbd_heir *heir, struct error *err)
{
	struct pollfd answer = { .fd = heir->socket, .events = POLLIN };
	char line[PARCEL_LINE_MAX] = "";
	int rc = -ETIMEDOUT;

	if (poll(&answer, 1, HEIR_ANSWER_MS) > 0)
		rc = parcel_receive(heir->socket, line, &heir->parcel);
	if (rc)
		return error_errno(err, rc, "the running lbd doesn't hand over");
	if (!strncmp(line, PARCEL_REFUSED, strlen(PARCEL_REFUSED)))
		return error_set(err, -EBUSY, "the running lbd refuses: %s",
				 line + strlen(PARCEL_REFUSED));
	if (strcmp(line, PARCEL_YOURS) != 0 || heir->parcel.lock < 0)
		return error_set(err, -EPROTO, "the running lbd answers \"%.64s\"", line);
	return 0;
}

static int heir_ask(struct lbd *lbd, struct lbd_heir *heir, struct error *err)
{
	int rc = heir_prepare(lbd, heir, err);

	if (!rc)
		rc = parcel_send(heir->socket, PARCEL_ASK, NULL);
	return rc ? rc : heir_receive(heir, err);
}

/* -ENOENT: there is nobody to take over from. */
static int heir_find(struct lbd *lbd, struct lbd_heir *heir, struct error *err)
{
	int rc;

	if (parcel_find(&heir->parcel))
		return 0;
	if (!lbd->takes_over)
		return -ENOENT;
	heir->socket = parcel_connect(lbd->run_dir, err);
	if (heir->socket == -ENOENT || heir->socket == -ECONNREFUSED) {
		log_info("takeover: no lbd runs this instance, or an older one; starting");
		return -ENOENT;
	}
	if (heir->socket < 0)
		return heir->socket;
	rc = heir_ask(lbd, heir, err);
	/* The latter if it ended before it took the connection, or read the question. */
	if (rc != -EPIPE && rc != -ECONNRESET)
		return rc;
	log_warning("takeover: the running lbd ended; starting");
	return -ENOENT;
}

static void heir_free(struct lbd_heir *heir)
{
	if (heir->socket >= 0)
		close(heir->socket);
	parcel_close(&heir->parcel);
	guard_release(heir->lists);
	dataplane_close(heir->dataplane);
	if (heir->on_bye)
		event_free(heir->on_bye);
	json_decref(heir->memory);
	free(heir);
}

static void heir_tell_failure(const struct lbd_heir *heir, const struct error *err)
{
	char line[PARCEL_LINE_MAX];

	snprintf(line, sizeof(line), PARCEL_FAILED "%.480s", err->text);
	if (heir->socket >= 0)
		parcel_send(heir->socket, line, NULL);
}

int lbd_heir_begin(struct lbd *lbd, struct error *err)
{
	struct lbd_heir *heir = calloc(1, sizeof(*heir));
	int rc;

	if (!heir)
		return error_set(err, -ENOMEM, "out of memory");
	*heir = (struct lbd_heir){ .socket = -1, .parcel = PARCEL_NONE };
	rc = heir_find(lbd, heir, err);
	if (rc) {
		if (rc != -ENOENT)
			heir_tell_failure(heir, err);
		heir_free(heir);
		return rc == -ENOENT ? 0 : rc;
	}
	lbd->heir = heir;
	lbd->handed_on = true; /* still the other one's, until this one runs */
	lbd->lock = heir->parcel.lock;
	heir->parcel.lock = -1;
	heir->paused_cpu_us = heir_cpu_us();
	heir->memory = memory_read(heir->parcel.memory);
	heir->paused_ms = memory_paused_ms(heir->memory);
	memory_take_notify(heir->memory);
	return 0;
}

void lbd_heir_settled(struct lbd *lbd)
{
	struct lbd_heir *heir = lbd->heir;

	if (!heir || heir->read != lbd->config)
		return;
	lbd->config->lists_read = heir->lists;
	heir->lists = NULL;
}

struct dataplane *lbd_heir_take_maps(struct lbd *lbd)
{
	struct dataplane *dataplane = lbd->heir ? lbd->heir->dataplane : NULL;
	struct error err = { 0 };

	if (!dataplane)
		return NULL;
	lbd->heir->dataplane = NULL;
	if (!dataplane_take(dataplane, memory_flipped_ms(lbd->heir->memory), &err))
		return dataplane;
	log_report("takeover", &err);
	return NULL;
}

bool lbd_heir_is(const struct lbd *lbd)
{
	return lbd->heir && lbd->heir->socket >= 0;
}

void lbd_heir_take_model(struct lbd *lbd)
{
	lbd_read_release(lbd->config);
	if (lbd->heir)
		memory_take_model(lbd->heir->memory, lbd);
}

void lbd_heir_take_health(struct lbd *lbd)
{
	if (lbd->heir)
		memory_take_health(lbd->heir->memory, lbd);
}

int lbd_heir_take_listener(struct lbd *lbd)
{
	int fd = lbd->heir ? lbd->heir->parcel.api : -1;

	if (lbd->heir)
		lbd->heir->parcel.api = -1;
	return fd;
}

bool lbd_heir_take_ha(struct lbd *lbd, struct ha_memory *ret)
{
	return lbd->heir && memory_take_ha(lbd->heir->memory, ret);
}

/* What can wait until those are answered who waited. */
static void heir_settle(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	lbd_listen_fragments(context);
	lbd_schedule_commit(context);
}

/*
 * systemd listens to the running one until that says that this is the main
 * process now. Requests are answered meanwhile.
 */
static void heir_over(struct lbd *lbd)
{
	const struct timeval soon = { .tv_usec = HEIR_SETTLE_US };

	heir_free(lbd->heir);
	lbd->heir = NULL;
	sd_notify(0, "READY=1");
	if (event_base_once(lbd->base, -1, EV_TIMEOUT, heir_settle, lbd, &soon))
		heir_settle(-1, 0, lbd);
}

static void heir_on_bye(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	heir_over(context);
}

static void heir_say_running(struct lbd *lbd, struct lbd_heir *heir)
{
	const struct timeval longest = { .tv_sec = HEIR_BYE_MS / 1000 };

	parcel_send(heir->socket, PARCEL_RUNNING, NULL);
	lbd->predecessor = memory_pid(heir->memory);
	if (heir->paused_ms)
		lbd->pause_ms = monotonic_ms() - heir->paused_ms;
	log_info("took over from process %d: the API waited %lld ms, of which %lld us were spent "
		 "here",
		 lbd->predecessor, (long long)lbd->pause_ms,
		 (long long)(heir_cpu_us() - heir->paused_cpu_us));
	heir->on_bye = event_new(lbd->base, heir->socket, EV_READ, heir_on_bye, lbd);
	if (!heir->on_bye || event_add(heir->on_bye, &longest))
		heir_over(lbd);
}

bool lbd_heir_running(struct lbd *lbd)
{
	struct lbd_heir *heir = lbd->heir;

	if (!heir)
		return false;
	lbd->handed_on = false;
	if (heir->socket >= 0) {
		heir_say_running(lbd, heir);
		return true;
	}
	lbd->taken_back = true;
	log_info("goes on in place of the new one");
	heir_free(heir);
	lbd->heir = NULL;
	return false;
}

void lbd_heir_failed(struct lbd *lbd, const struct error *err)
{
	if (lbd->heir)
		heir_tell_failure(lbd->heir, err);
}

void lbd_heir_end(struct lbd *lbd)
{
	struct lbd_heir *heir = lbd->heir;

	if (!heir || !heir->on_bye)
		return;
	event_free(heir->on_bye);
	heir->on_bye = NULL;
}

void lbd_heir_free(struct lbd *lbd)
{
	if (lbd->heir)
		heir_free(lbd->heir);
	lbd->heir = NULL;
}
