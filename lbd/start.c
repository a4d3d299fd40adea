// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Start-up, in order. A step that fails stops it; nothing that carries packets
 * is touched before its step, and nothing is undone: what was pinned before
 * still serves.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "api/api.h"
#include "base/log.h"
#include "base/privileges.h"
#include "lbd.h"

#define BPFFS "/sys/fs/bpf"
#define RUN_ROOT "/run/lbd"

void lbd_set_instance(struct lbd *lbd, const char *instance)
{
	snprintf(lbd->pin_dir, sizeof(lbd->pin_dir), BPFFS "/lbd/%s", instance);
	snprintf(lbd->run_dir, sizeof(lbd->run_dir), RUN_ROOT "/%s", instance);
	snprintf(lbd->history_dir, sizeof(lbd->history_dir), "%s/%s/history", lbd->state_dir,
		 instance);
}

static int start_make_dir(const char *path, mode_t mode, struct error *err)
{
	if (mkdir(path, mode) && errno != EEXIST)
		return error_errno(err, -errno, "make directory %s", path);
	return 0;
}

#define LOCK_WAIT_MS 2000
#define LOCK_STEP_MS 10

/*
 * A daemon that was killed holds its lock until the kernel has closed all that
 * it had open, AF_XDP sockets among it, which takes a moment.
 */
static int start_wait_lock(int lock)
{
	for (int waited = 0; flock(lock, LOCK_EX | LOCK_NB); waited += LOCK_STEP_MS) {
		if (errno != EWOULDBLOCK || waited >= LOCK_WAIT_MS)
			return -errno;
		usleep(LOCK_STEP_MS * 1000);
	}
	return 0;
}

int lbd_lock(struct lbd *lbd, struct error *err)
{
	char path[160];
	int rc;

	rc = start_make_dir(RUN_ROOT, 0755, err);
	if (!rc)
		rc = start_make_dir(lbd->run_dir, 0755, err);
	if (rc)
		return rc;
	snprintf(path, sizeof(path), "%s/lock", lbd->run_dir);
	lbd->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lbd->lock < 0)
		return error_errno(err, -errno, "%s", path);
	if (start_wait_lock(lbd->lock)) {
		rc = error_set(err, -EBUSY, "%s is held: another lbd runs this instance", path);
		error_hint(err, "lbctl status");
	}
	return rc;
}

static int start_config(struct lbd *lbd, struct error *err)
{
	int rc;

	if (!lbd->state_dir[0])
		snprintf(lbd->state_dir, sizeof(lbd->state_dir), RUN_ROOT);
	rc = config_load(lbd->config_path, &lbd->config, err);
	if (rc && lbd_source_last_good(lbd, err))
		return rc;
	lbd_set_instance(lbd, lbd->config->instance);
	return 0;
}

static int start_lock(struct lbd *lbd, struct error *err)
{
	int rc = lbd_heir_begin(lbd, err);

	if (!rc && !lbd->heir)
		rc = lbd_lock(lbd, err);
	if (!rc) {
		lbd_source_settle(lbd);
		lbd_heir_settled(lbd);
	}
	return rc;
}

static int start_bpffs(struct lbd *lbd, struct error *err)
{
	struct statfs fs;

	(void)lbd;
	if (statfs(BPFFS, &fs))
		return error_errno(err, -errno, BPFFS);
	if (fs.f_type == BPF_FS_MAGIC)
		return start_make_dir(BPFFS "/lbd", 0700, err);
	if (mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700"))
		return error_errno(err, -errno, "mount bpffs on " BPFFS);
	log_info("mounted bpffs on " BPFFS);
	return start_make_dir(BPFFS "/lbd", 0700, err);
}

/* dataplane_open has gone back already, if the packet path hadn't by itself. */
static void start_forget_trial(const struct lbd *lbd)
{
	const struct upgrade_place place = lbd_place(lbd);

	if (dataplane_recovered(lbd->dataplane)) {
		log_warning("upgrade: lbd died while a new packet path was on trial; what ran "
			    "before it runs again");
		lbd_upgrading_recovered(lbd);
	}
	upgrade_forget_trial(&place);
}

/* What the peers know of the maps that were there before is no use any more. */
static void start_forget(const struct lbd *lbd)
{
	log_info("made new maps in %s", lbd->pin_dir);
	sync_forget(lbd->run_dir);
}

/* The limits come with the model; ids and everything else from what is pinned. */
static int start_maps(struct lbd *lbd, struct error *err)
{
	const struct dataplane_options options = {
		.pin_dir = lbd->pin_dir,
		.limits = model_limits(lbd->config),
	};
	uint32_t swept;
	int rc;

	lbd->dataplane = lbd_heir_take_maps(lbd);
	rc = lbd->dataplane ? 0 : dataplane_open(&options, &lbd->dataplane, err);
	if (rc)
		return rc;
	if (dataplane_adopted(lbd->dataplane, &swept))
		log_info("adopted the maps in %s, %u half-made claims swept", lbd->pin_dir, swept);
	else
		start_forget(lbd);
	start_forget_trial(lbd);
	return 0;
}

/* Said at each start: a choice that nobody should forget. */
static void start_warn(const struct config *config)
{
	if (!config->cluster.peers_count)
		return;
	if (!config->cluster.secret_file)
		log_warning("cluster.secret-file isn't set: whoever reads the source can tell "
			    "which backend a flow goes to (openssl rand -hex 16 makes a secret)");
	if (config->cluster.security == CONFIG_SECURITY_PLAINTEXT)
		log_warning("cluster.security is plaintext: whoever can send from a peer's address "
			    "can read and write connections (lbctl keygen makes a key)");
}

static int start_model(struct lbd *lbd, struct error *err)
{
	struct model *model;
	int rc;

	rc = dataplane_adopt(lbd->dataplane, &lbd->model, err);
	if (!rc)
		rc = lbd_build_model(lbd, lbd->config, &model, err);
	if (rc)
		return rc;
	model_free(lbd->model);
	lbd->model = model;
	lbd_heir_take_model(lbd);
	start_warn(lbd->config);
	return 0;
}

static int start_base(struct lbd *lbd, struct error *err)
{
	lbd->base = event_base_new();
	if (!lbd->base)
		return error_set(err, -ENOMEM, "event loop can't be made");
	return lbd_listen_signals(lbd, err);
}

static int start_neighbours(struct lbd *lbd, struct error *err)
{
	return neighbours_new(lbd->base, lbd_next_hop_changed, lbd, &lbd->neighbours, err);
}

static int start_health(struct lbd *lbd, struct error *err)
{
	return health_new(lbd->base, lbd_health_changed, lbd, &lbd->health, err);
}

/* What moves, and why: a line each. */
static void start_tell_move(const struct lbd *lbd)
{
	const struct dataplane_options options = { .pin_dir = lbd->pin_dir,
						   .limits = lbd->model->limits };
	struct dataplane_map rows[DATAPLANE_MAPS_MAX];
	struct error err;
	uint32_t count;

	log_info("the maps in %s give way to such as this lbd and %s ask for", lbd->pin_dir,
		 lbd->config_path);
	dataplane_compare_pins(&options, rows, &count, &err);
	for (uint32_t i = 0; i < count; i++)
		if (rows[i].fate != DATAPLANE_FATE_REUSED)
			log_info("map %s: %s: %s", rows[i].name, dataplane_fate_name(rows[i].fate),
				 rows[i].why);
}

/* Maps, generation and snapshot stand before the first packet comes. */
static int start_commit(struct lbd *lbd, struct error *err)
{
	int rc;

	lbd->attachments = calloc(lbd->config->xdp.interfaces_count, sizeof(*lbd->attachments));
	if (!lbd->attachments)
		return error_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < lbd->config->xdp.interfaces_count; i++) {
		lbd->attachments[i].ifindex = if_nametoindex(lbd->config->xdp.interfaces[i]);
		lbd->attachments[i].mode = dataplane_mode_at(lbd->attachments[i].ifindex);
	}
	rc = lbd_follow_neighbours(lbd);
	if (rc)
		return error_errno(err, rc, "follow the backends' next hops");
	lbd_follow_model(lbd);
	lbd_heir_take_health(lbd);
	if (!dataplane_stays(lbd->dataplane, &lbd->model->limits)) {
		start_tell_move(lbd);
		return lbd_move(lbd, err);
	}
	lbd_own_macs(lbd);
	/* What is in force is the other one's, and is committed anew once this one serves. */
	if (lbd_heir_is(lbd) && lbd_fits(lbd))
		return 0;
	return lbd_commit(lbd, err);
}

/* In generic mode packets can leave by more interfaces than the snapshot was made for. */
static int start_judge_next_hops(struct lbd *lbd, struct error *err)
{
	int rc = lbd_follow_neighbours(lbd);

	return rc ? error_errno(err, rc, "follow the backends' next hops") : lbd_commit(lbd, err);
}

static int start_attach(struct lbd *lbd, struct error *err)
{
	bool news = false;
	int rc = 0;

	for (uint32_t i = 0; i < lbd->config->xdp.interfaces_count && !rc; i++) {
		const enum config_xdp_mode before = lbd->attachments[i].mode;

		rc = dataplane_attach(lbd->dataplane, lbd->root_object,
				      lbd->config->xdp.interfaces[i], lbd->config->xdp.mode,
				      &lbd->attachments[i], err);
		if (rc)
			break;
		news |= before != lbd->attachments[i].mode;
		if (lbd->attachments[i].mode == CONFIG_XDP_GENERIC)
			log_warning("interface %s: %s: %s", lbd->attachments[i].interface,
				    dataplane_mode_name(lbd->attachments[i].mode),
				    lbd->attachments[i].reason);
		else
			log_info("interface %s: %s: %s", lbd->attachments[i].interface,
				 dataplane_mode_name(lbd->attachments[i].mode),
				 lbd->attachments[i].reason);
	}
	if (!rc && news && !lbd_is_native(lbd))
		rc = start_judge_next_hops(lbd, err);
	return rc;
}

static int start_cluster(struct lbd *lbd, struct error *err)
{
	struct ha_memory memory;
	bool remembers = lbd_heir_take_ha(lbd, &memory);
	uint32_t swept;
	int rc;

	rc = lbd_start_cluster(lbd, lbd->config, err);
	if (!rc && lbd->sync && sync_set_dictionary(lbd->sync, lbd->model))
		rc = error_set(err, -ENOMEM, "out of memory");
	if (rc)
		return rc;
	return ha_new(lbd->base, lbd->run_dir, dataplane_adopted(lbd->dataplane, &swept),
		      lbd->config->cluster.patience_ms, lbd->sync, remembers ? &memory : NULL,
		      &lbd->ha, err);
}

static int start_api(struct lbd *lbd, struct error *err)
{
	return api_new(lbd, lbd_heir_take_listener(lbd), &lbd->api, err);
}

/*
 * Capabilities are a thread's: they go before the first thread is started, the
 * one that talks to the network. Sockets of group lbd are made before that.
 */
static int start_privileges(struct lbd *lbd, struct error *err)
{
	(void)lbd;
	return privileges_drop(err);
}

/* After the privileges: its thread needs no more than is kept. */
static int start_fragments(struct lbd *lbd, struct error *err)
{
	(void)err;
	/* It costs some milliseconds: once requests are answered. */
	if (!lbd_heir_is(lbd))
		lbd_listen_fragments(lbd);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct lbd *lbd, struct error *err);
} start_steps[] = {
	{ "configuration", start_config },
	{ "lock", start_lock },
	{ "bpffs", start_bpffs },
	{ "maps", start_maps },
	{ "model", start_model },
	{ "event loop", start_base },
	{ "next hops", start_neighbours },
	{ "health", start_health },
	{ "snapshot", start_commit },
	{ "attachment", start_attach },
	{ "API", start_api },
	{ "takeover", lbd_handover_listen },
	{ "privileges", start_privileges },
	{ "fragments", start_fragments },
	{ "cluster", start_cluster },
};

int lbd_start(struct lbd *lbd, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < sizeof(start_steps) / sizeof(*start_steps) && !rc; i++) {
		rc = start_steps[i].run(lbd, err);
		if (rc)
			error_prefix(err, rc, "%s", start_steps[i].name);
	}
	/* Only now: a start that is refused, say for its limits, takes nothing away. */
	if (!rc)
		lbd_source_started(lbd);
	if (rc)
		lbd_heir_failed(lbd, err);
	else
		lbd->ready_later = lbd_heir_running(lbd);
	return rc;
}

static void start_free_event(struct event *event)
{
	if (event)
		event_free(event);
}

void lbd_stop(struct lbd *lbd)
{
	lbd_upgrading_end(lbd);
	lbd_read_end(&lbd->reload);
	lbd_read_end(&lbd->weighing);
	lbd_migrate_end(lbd);
	lbd_prove_end(lbd);
	lbd_trial_end(lbd);
	lbd_handover_end(lbd);
	lbd_heir_end(lbd);
	api_free(lbd->api);
	lbd_trace_end(lbd);
	ha_free(lbd->ha);
	sync_stop(lbd->sync);
	fragments_stop(lbd->fragments);
	health_free(lbd->health);
	neighbours_free(lbd->neighbours);
	start_free_event(lbd->commit_timer);
	start_free_event(lbd->watchdog);
	start_free_event(lbd->clients_timer);
	start_free_event(lbd->interfaces_timer);
	for (size_t i = 0; i < sizeof(lbd->signals) / sizeof(*lbd->signals); i++)
		start_free_event(lbd->signals[i]);
	if (lbd->base)
		event_base_free(lbd->base);
	free(lbd->attachments);
	dataplane_close(lbd->dataplane);
	model_free(lbd->model);
	config_free(lbd->config);
	config_free(lbd->ran_last);
	if (lbd->lock >= 0)
		close(lbd->lock);
	/* At last: who gave us all this takes it back then. */
	lbd_heir_free(lbd);
}
