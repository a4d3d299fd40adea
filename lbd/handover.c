// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The running lbd's side of a takeover; heir.c has the other, and the diagram.
 *
 *   IDLE -- connects --> PREPARING -- "ask" --> DRAINING -- quiet --> handed over
 *    ^                      |                                         | blocks
 *    +------- it ends ------+                                         |
 *                                             exits <-- "running" ----+
 *                      starts itself again <-- it ends, or hangs -----+
 *
 * AF_XDP sockets take the kernel tens of milliseconds to close, which a thread does while
 * requests are answered. What waits for a moment of quiet is the answers that are under way:
 * no client of the API sees its connection cut. If there is no such moment for a while,
 * no more connections are taken. While it is handed over nothing here runs
 * that could write. The way back is an exec of this very program (not of the
 * file, which may be the new one's by then): what the new one did to the maps
 * is then adopted as after any death. But if that has swapped over to maps of
 * another layout and not put them in place yet, only a release that knows it can go
 * on: then the exec is of the installed program, and of this one if there is none.
 */
#include <errno.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "api/api.h"
#include "base/log.h"
#include "base/monotonic.h"
#include "dataplane/next.h"
#include "lbd.h"
#include "takeover/memory.h"
#include "takeover/parcel.h"
#include "takeover/spawn.h"
#include "worker.h"

#define HANDOVER_LOOK_US 2000
#define HANDOVER_QUIET_MS 20	  /* for a moment without a connection, as they come and go */
#define HANDOVER_DRAIN_MS 70	  /* and for those that are open without a request */
#define HANDOVER_PATIENCE_S 120	  /* for the new one's start, migration of tables included */
#define HANDOVER_SWAPPED_S 1200	  /* once it has swapped: whoever follows would go on from there */
#define HANDOVER_WATCHDOG_MS 1000 /* systemd hears of us that often */
#define HANDOVER_BARRIER_US 1000000

struct lbd_handover {
	struct lbd *lbd;
	int listener, heir; /* heir -1: nobody is connected */
	int heir_pid;
	bool draining;		     /* has it asked? */
	struct fragments *fragments; /* on their way out, by a thread */
	struct worker *closing;
	int64_t drain_began_ms, paused_ms;
	struct event *on_heir, *on_connect, *on_child, *on_drain;
	pid_t child; /* started by us; 0: none */
	char fault[PARCEL_LINE_MAX];
};

static void handover_fault(struct lbd_handover *handover, const char *what)
{
	snprintf(handover->fault, sizeof(handover->fault), "%s", what);
	log_warning("takeover by process %d came to nothing: %s", handover->heir_pid, what);
}

/* Nobody takes over any more; this one serves on. */
static void handover_release(struct lbd_handover *handover)
{
	worker_finish(&handover->closing);
	if (handover->on_heir)
		event_free(handover->on_heir);
	handover->on_heir = NULL;
	if (handover->heir >= 0)
		close(handover->heir);
	handover->heir = -1;
	event_del(handover->on_drain);
	api_pause(handover->lbd->api, false);
	if (handover->draining)
		lbd_listen_fragments(handover->lbd);
	handover->draining = false;
}

/* --- the way back */

static void handover_exec(struct lbd *lbd)
{
	if (next_is_for_others(lbd->dataplane)) {
		log_warning("takeover: it died between swapping over to its own maps and putting "
			    "them in place, and their layout is another: %s goes on with them",
			    lbd->program);
		execv(lbd->program, lbd->argv);
		log_error("takeover: can't start %s: %s", lbd->program, strerror(errno));
	}
	execv("/proc/self/exe", lbd->argv);
}

static void handover_take_back(struct lbd *lbd, const struct parcel *parcel)
{
	char path[160];
	struct error err = { 0 };

	/* Whatever the config file says by now: what ran was sound. */
	snprintf(path, sizeof(path), "%s/running.yaml", lbd->run_dir);
	if (config_save(lbd->config, path, &err))
		log_report("takeover: keep the running config", &err);
	close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	if (!parcel_keep(parcel))
		handover_exec(lbd);
	log_error("takeover: can't start again: %s", strerror(errno));
	_exit(1);
}

/* --- handed over */

static bool handover_hangs(const struct lbd_handover *handover, int64_t waited_ms)
{
	if (waited_ms <= HANDOVER_PATIENCE_S * 1000)
		return false;
	return waited_ms > HANDOVER_SWAPPED_S * 1000 || !next_has_swapped(handover->lbd->dataplane);
}

/* 0: the new one runs. */
static int handover_wait(struct lbd_handover *handover)
{
	const int64_t began_ms = monotonic_ms();
	struct pollfd heir = { .fd = handover->heir, .events = POLLIN };
	char line[PARCEL_LINE_MAX];
	struct parcel none;
	int rc;

	for (;;) {
		sd_notify(0, "WATCHDOG=1");
		rc = poll(&heir, 1, HANDOVER_WATCHDOG_MS);
		if (rc > 0) {
			rc = parcel_receive(handover->heir, line, &none);
			parcel_close(&none);
			if (rc)
				return rc;
			if (!strcmp(line, PARCEL_RUNNING))
				return 0;
			log_error("takeover: process %d: %s", handover->heir_pid, line);
		} else if (handover_hangs(handover, monotonic_ms() - began_ms)) {
			log_error("takeover: process %d hangs, and is killed", handover->heir_pid);
			kill(handover->heir_pid, SIGKILL);
		}
	}
}

static void handover_commit(struct lbd *lbd)
{
	struct error err = { 0 };

	if (evtimer_pending(lbd->commit_timer, NULL) && lbd_commit(lbd, &err))
		log_report("commit", &err);
}

/* Everything that writes ends, and the conversations with the peers are put down. */
static void handover_stop_writers(struct lbd *lbd)
{
	struct sync *sync = lbd->sync;

	/* A config may have come while those from before were closed. */
	fragments_stop(lbd->fragments);
	lbd->fragments = NULL;
	lbd_trace_end(lbd);
	lbd->sync = NULL;
	ha_set_cluster(lbd->ha, lbd->config, NULL);
	sync_stop(sync);
}

static void handover_end(struct lbd_handover *handover)
{
	log_info("process %d runs in place of this one; stopping", handover->heir_pid);
	handover->lbd->handed_on = true;
	sd_notifyf(0, "MAINPID=%d", handover->heir_pid);
	close(handover->heir);
	handover->heir = -1;
	/* systemd knows of whom a message is only while that lives. */
	sd_notify_barrier(0, HANDOVER_BARRIER_US);
	event_base_loopbreak(handover->lbd->base);
}

static int handover_check(const struct lbd *lbd, struct error *err)
{
	struct failover failover;

	if (lbd->reload)
		return error_set(err, -EBUSY, "a reload is under way");
	if (lbd->migration)
		return error_set(err, -EBUSY, "tables are being moved");
	if (lbd->proving.worker)
		return error_set(err, -EBUSY, "a packet path is being tried");
	if (lbd->upgrading.trial == UPGRADING_CANARY)
		return error_set(err, -EBUSY, "a packet path is on trial");
	ha_look_failover(lbd->ha, &failover);
	if (failover_is_on(&failover))
		return error_set(err, -EBUSY, "a switchover is on");
	return lbd_trial_refuse(lbd, err);
}

static void handover_refuse(struct lbd_handover *handover, const char *why)
{
	char line[PARCEL_LINE_MAX];

	snprintf(line, sizeof(line), PARCEL_REFUSED "%.480s", why);
	parcel_send(handover->heir, line, NULL);
}

/* Requests are answered between its asking and its turn: one may have begun something. */
static bool handover_may_give(struct lbd_handover *handover)
{
	struct error err = { 0 };

	if (!handover_check(handover->lbd, &err) &&
	    !lbd_upgrading_settle(handover->lbd, "another lbd takes over", &err))
		return true;
	handover_refuse(handover, err.text);
	handover_release(handover);
	return false;
}

static void handover_give(struct lbd_handover *handover)
{
	struct lbd *lbd = handover->lbd;
	struct parcel parcel = { .api = api_listener(lbd->api), .lock = lbd->lock };

	if (!handover_may_give(handover))
		return;
	event_del(handover->on_drain);
	event_del(handover->on_heir);
	if (!handover->paused_ms)
		handover->paused_ms = monotonic_ms();
	handover_commit(lbd);
	parcel.memory = memory_write(lbd, handover->paused_ms);
	if (parcel.memory < 0) {
		parcel_send(handover->heir, PARCEL_REFUSED "out of memory", NULL);
		handover_release(handover);
		return;
	}
	handover_stop_writers(lbd);
	if (parcel_send(handover->heir, PARCEL_YOURS, &parcel) || handover_wait(handover)) {
		log_error("takeover: process %d ended before it ran; going on", handover->heir_pid);
		handover_take_back(lbd, &parcel);
	}
	close(parcel.memory);
	handover_end(handover);
}

/* --- asked */

static void handover_on_drain(evutil_socket_t fd, short what, void *context)
{
	struct lbd_handover *handover = context;
	const int64_t waited_ms = monotonic_ms() - handover->drain_began_ms;

	(void)fd, (void)what;
	if (api_is_quiet(handover->lbd->api) || waited_ms >= HANDOVER_DRAIN_MS) {
		handover_give(handover);
	} else if (waited_ms >= HANDOVER_QUIET_MS && !handover->paused_ms) {
		api_pause(handover->lbd->api, true);
		handover->paused_ms = monotonic_ms();
	}
}

static void handover_close(void *context)
{
	struct lbd_handover *handover = context;

	fragments_stop(handover->fragments);
}

static void handover_closed(void *context)
{
	const struct timeval period = { .tv_usec = HANDOVER_LOOK_US };
	struct lbd_handover *handover = context;

	handover->fragments = NULL;
	handover->drain_began_ms = monotonic_ms();
	handover->paused_ms = 0;
	event_add(handover->on_drain, &period);
}

static void handover_asked(struct lbd_handover *handover)
{
	const struct worker_job job = { handover_close, handover_closed, handover };
	struct error err = { 0 };

	if (handover->draining)
		return;
	if (handover_check(handover->lbd, &err) ||
	    lbd_upgrading_settle(handover->lbd, "another lbd takes over", &err)) {
		handover_refuse(handover, err.text);
		return;
	}
	handover->fragments = handover->lbd->fragments;
	handover->lbd->fragments = NULL;
	handover->draining = true;
	if (worker_begin(handover->lbd->base, &job, &handover->closing, &err)) {
		handover_close(handover);
		handover_closed(handover);
	}
}

static void handover_on_heir(evutil_socket_t fd, short what, void *context)
{
	struct lbd_handover *handover = context;
	char line[PARCEL_LINE_MAX];
	struct parcel none;
	int rc = parcel_receive(fd, line, &none);

	(void)what;
	parcel_close(&none);
	if (!rc && !strcmp(line, PARCEL_ASK)) {
		handover_asked(handover);
	} else if (!rc && !strncmp(line, PARCEL_FAILED, strlen(PARCEL_FAILED))) {
		handover_fault(handover, line + strlen(PARCEL_FAILED));
	} else if (!rc) {
		handover_refuse(handover, "this lbd understands \"" PARCEL_ASK "\"");
	} else {
		if (!*handover->fault)
			handover_fault(handover, "it ended");
		handover_release(handover);
	}
}

static void handover_take_heir(struct lbd_handover *handover, int fd, int pid)
{
	handover->on_heir = event_new(handover->lbd->base, fd, EV_READ | EV_PERSIST,
				      handover_on_heir, handover);
	if (!handover->on_heir || event_add(handover->on_heir, NULL)) {
		close(fd);
		return;
	}
	handover->heir = fd;
	handover->heir_pid = pid;
	handover->fault[0] = '\0';
	log_info("process %d prepares to take over", pid);
}

static void handover_on_connect(evutil_socket_t listener, short what, void *context)
{
	struct lbd_handover *handover = context;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), pid = 0;

	(void)what;
	if (fd < 0)
		return;
	if (parcel_check_peer(fd, &pid)) {
		log_warning("takeover: refused to process %d: it is another user's", pid);
		close(fd);
	} else if (handover->heir >= 0) {
		parcel_send(fd, PARCEL_REFUSED "another process takes over already", NULL);
		close(fd);
	} else {
		handover_take_heir(handover, fd, pid);
	}
}

/* --- lbctl upgrade --daemon: start the new one */

static void handover_on_child(evutil_socket_t number, short what, void *context)
{
	struct lbd_handover *handover = context;
	char text[64];
	pid_t ended;
	int status;

	(void)number, (void)what;
	/* Others may be left from before an exec. */
	do
		ended = waitpid(-1, &status, WNOHANG);
	while (ended > 0 && ended != handover->child);
	if (ended <= 0)
		return;
	if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "it was ended by signal %d", WTERMSIG(status));
	else
		snprintf(text, sizeof(text), "it ended with status %d", WEXITSTATUS(status));
	handover->heir_pid = handover->child;
	handover->child = 0;
	if (!*handover->fault)
		handover_fault(handover, text);
}

int lbd_handover_begin(struct lbd *lbd, struct error *err)
{
	struct lbd_handover *handover = lbd->handover;
	int rc = handover_check(lbd, err);

	if (rc)
		return rc;
	if (handover->child || handover->heir >= 0)
		return error_set(err, -EBUSY, "process %d takes over already",
				 handover->child ? handover->child : handover->heir_pid);
	handover->fault[0] = '\0';
	rc = spawn_heir(lbd->program, lbd->argv, &handover->child);
	if (rc) {
		handover->child = 0;
		return error_errno(err, rc, "%s", lbd->program);
	}
	log_info("started %s as process %d, to take over", lbd->program, handover->child);
	return 0;
}

void lbd_handover_status(const struct lbd *lbd, struct lbd_handover_status *ret)
{
	const struct lbd_handover *handover = lbd->handover;

	*ret = (struct lbd_handover_status){ .predecessor = lbd->predecessor,
					     .pause_ms = lbd->pause_ms };
	ret->successor = handover->child       ? handover->child
			 : handover->heir >= 0 ? handover->heir_pid
					       : 0;
	snprintf(ret->fault, sizeof(ret->fault), "%s",
		 lbd->taken_back && !*handover->fault ? "the new lbd ended before it ran"
						      : handover->fault);
}

/* --- start and end */

static int handover_events(struct lbd_handover *handover)
{
	struct event_base *base = handover->lbd->base;

	handover->on_connect = event_new(base, handover->listener, EV_READ | EV_PERSIST,
					 handover_on_connect, handover);
	handover->on_child = evsignal_new(base, SIGCHLD, handover_on_child, handover);
	handover->on_drain = event_new(base, -1, EV_PERSIST, handover_on_drain, handover);
	if (!handover->on_connect || !handover->on_child || !handover->on_drain ||
	    event_add(handover->on_connect, NULL) || event_add(handover->on_child, NULL))
		return -ENOMEM;
	return 0;
}

int lbd_handover_listen(struct lbd *lbd, struct error *err)
{
	struct lbd_handover *handover = calloc(1, sizeof(*handover));

	if (!handover)
		return error_set(err, -ENOMEM, "out of memory");
	*handover = (struct lbd_handover){ .lbd = lbd, .heir = -1, .listener = -1 };
	lbd->handover = handover;
	unsetenv("WATCHDOG_PID"); /* it has been looked at; a new one shall take it for itself */
	handover->listener = parcel_listen(lbd->run_dir, err);
	if (handover->listener < 0)
		return handover->listener;
	if (handover_events(handover))
		return error_set(err, -ENOMEM, "out of memory");
	return 0;
}

static void handover_free_event(struct event *event)
{
	if (event)
		event_free(event);
}

void lbd_handover_end(struct lbd *lbd)
{
	struct lbd_handover *handover = lbd->handover;

	if (!handover)
		return;
	worker_finish(&handover->closing);
	handover_free_event(handover->on_connect);
	handover_free_event(handover->on_heir);
	handover_free_event(handover->on_child);
	handover_free_event(handover->on_drain);
	if (handover->listener >= 0)
		close(handover->listener);
	if (handover->heir >= 0)
		close(handover->heir);
	free(handover);
	lbd->handover = NULL;
}
