// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Applying a configuration, from wherever it came:
 *
 *   config -> lbd_build_model -> attach -> generation that fits -> commit -> followers
 *
 * Up to the commit everything can still be refused, and the running state is
 * untouched; the commit is one word.
 */
#include "lbd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"
#include "upgrade/upgrade.h"

/* --- model */

static int lbd_check_fixed(const struct lbd *lbd, const struct config *config, struct error *err)
{
	const struct lbd_limits *have = dataplane_limits(lbd->dataplane);
	const struct lbd_limits asked = model_limits(config);
	char text[DATAPLANE_LIMITS_TEXT];
	int rc = 0;

	if (strcmp(config->instance, lbd->config->instance) != 0)
		rc = error_set(err, -EBUSY, "instance: came \"%s\", running is \"%s\"",
			       config->instance, lbd->config->instance);
	else if (memcmp(have, &asked, sizeof(asked)) != 0)
		rc = error_set(err, -EBUSY,
			       "limits: the pinned maps were made for %s; they can't be resized",
			       dataplane_format_limits(have, text));
	if (rc)
		error_hint(err, "set it back, or start empty: systemctl stop lbd; lbd --detach");
	return rc;
}

static int lbd_read_secret(const struct config *config, struct model *model, struct error *err)
{
	/* Known to everybody who reads this; start-up warns. */
	static const struct lbd_secret public = { { 0x6c62642d6d61676cULL, 0x65762d7075626cULL } };

	if (config->cluster.secret_file)
		return secret_read(config->cluster.secret_file, &model->pick_secret, err);
	model->pick_secret = public;
	return 0;
}

static void lbd_ids_free(struct tables_ids *ids)
{
	free(ids->services);
	free(ids->backends);
}

static int lbd_ids_new(const struct lbd_limits *limits, struct tables_ids *ret)
{
	*ret = (struct tables_ids){
		.services = calloc(limits->services, sizeof(bool)),
		.backends = calloc(limits->backends, sizeof(bool)),
		.services_count = limits->services,
		.backends_count = limits->backends,
	};
	if (ret->services && ret->backends)
		return 0;
	lbd_ids_free(ret);
	return -ENOMEM;
}

static void lbd_mark_gone(const struct model *model, struct tables_ids *gone)
{
	for (uint32_t i = 1; i < model->limits.services; i++)
		gone->services[i] = model->services[i].gone;
	for (uint32_t i = 1; i < model->limits.backends; i++)
		gone->backends[i] = model->backends[i].gone;
}

/* Which ids may be given to nobody else. Those that are GONE free themselves with time. */
static int lbd_used_ids(struct lbd *lbd, struct tables_ids *ret)
{
	const struct tables *tables = dataplane_tables(lbd->dataplane);
	struct tables_ids gone;
	int rc;

	rc = lbd_ids_new(dataplane_limits(lbd->dataplane), &gone);
	if (rc)
		return rc;
	rc = lbd_ids_new(dataplane_limits(lbd->dataplane), ret);
	if (!rc) {
		dataplane_settle(lbd->dataplane);
		lbd_mark_gone(lbd->model, &gone);
		tables_release(tables, &gone);
		tables_mark_used(tables, ret);
	}
	lbd_ids_free(&gone);
	return rc;
}

int lbd_build_model(struct lbd *lbd, const struct config *config, struct model **ret,
		    struct error *err)
{
	struct model *model = NULL;
	struct tables_ids used;
	int rc;

	rc = lbd_check_fixed(lbd, config, err);
	if (rc)
		return rc;
	if (lbd_used_ids(lbd, &used))
		return error_set(err, -ENOMEM, "out of memory");
	rc = model_build(config, lbd->model, used.services, used.backends, &model, err);
	lbd_ids_free(&used);
	if (!rc)
		rc = lbd_read_secret(config, model, err);
	if (rc)
		model_free(model);
	else
		*ret = model;
	return rc;
}

/* --- commit */

/* Frames for other hosts, which a promiscuous interface also sees, aren't ours to forward. */
static void lbd_own_macs(struct lbd *lbd)
{
	uint32_t count = 0;

	for (; count < lbd->config->xdp.interfaces_count && count < LBD_MACS_MAX; count++) {
		dataplane_refresh_mac(&lbd->attachments[count]);
		memcpy(&lbd->model->macs[count], lbd->attachments[count].mac,
		       sizeof(lbd->attachments[count].mac));
	}
	/* More interfaces than that: take every frame. */
	lbd->model->macs_count = lbd->config->xdp.interfaces_count > LBD_MACS_MAX ? 0 : count;
}

static uint32_t lbd_features(const struct lbd *lbd)
{
	uint32_t ifindexes[64], count = 0;

	for (; count < lbd->config->xdp.interfaces_count && count < 64; count++)
		ifindexes[count] = lbd->attachments[count].ifindex;
	return model_features(lbd->model, ifindexes, count);
}

/*
 * The running generation must be able to do what the new snapshot needs before
 * the flip, and is specialised for just that after it.
 */
int lbd_commit(struct lbd *lbd, struct error *err)
{
	uint32_t features = lbd_features(lbd);
	struct dataplane_generation running;
	int rc = 0;

	lbd_own_macs(lbd);
	dataplane_generation(lbd->dataplane, LBD_GENERATION_RUNNING, &running);
	if (!running.prog_id || (features & ~running.features))
		rc = upgrade_swap(lbd->dataplane, lbd->object, lbd->model,
				  features | running.features, false, err);
	if (!rc)
		rc = dataplane_commit(lbd->dataplane, lbd->model, err);
	if (rc)
		return rc;
	lbd->commits++;
	if (!dataplane_fits(lbd->dataplane, lbd->model, features))
		rc = upgrade_swap(lbd->dataplane, lbd->object, lbd->model, features, false, err);
	return rc;
}

/* --- followers of the model */

/*
 * An address that was watched before brings no news: ask for what is known of
 * it. And a next hop that was adopted may be behind an interface of the past.
 */
static void lbd_take_next_hops(struct lbd *lbd)
{
	struct nexthop nexthop;

	for (uint32_t i = 1; i < lbd->model->limits.backends; i++) {
		struct backend *backend = &lbd->model->backends[i];

		if (!lbd_next_hop_stands(&backend->nexthop))
			backend->nexthop.resolved = false;
		if (backend->index && !backend->gone && !backend->nexthop.resolved &&
		    neighbours_find(lbd->neighbours, &backend->addr, &nexthop))
			backend->nexthop = nexthop;
	}
}

static int lbd_follow_neighbours(struct lbd *lbd)
{
	struct model *model = lbd->model;
	struct lbd_addr *addrs = calloc(model->limits.backends, sizeof(*addrs));
	uint32_t count = 0;
	int rc;

	if (!addrs)
		return -ENOMEM;
	for (uint32_t i = 1; i < model->limits.backends; i++)
		if (model->backends[i].index && !model->backends[i].gone)
			addrs[count++] = model->backends[i].addr;
	rc = neighbours_watch(lbd->neighbours, addrs, count);
	free(addrs);
	if (!rc)
		lbd_take_next_hops(lbd);
	return rc;
}

static int lbd_follow_health(struct lbd *lbd)
{
	struct model *model = lbd->model;
	struct health_target *targets = calloc(model->limits.backends, sizeof(*targets));
	uint32_t count = 0;
	int rc;

	if (!targets)
		return -ENOMEM;
	for (uint32_t i = 1; i < model->limits.backends; i++) {
		const struct backend *backend = &model->backends[i];
		const struct service *service = &model->services[backend->service];

		if (!backend->index || backend->gone || !service->health.enabled)
			continue;
		targets[count++] = (struct health_target){
			.backend = backend->index,
			.addr = backend->addr,
			.port = service->health.port ? service->health.port : service->port,
			.config = service->health,
			.healthy = backend->healthy,
			.checked = backend->checked,
		};
	}
	rc = health_set(lbd->health, targets, count);
	free(targets);
	return rc;
}

int lbd_follow_model(struct lbd *lbd, struct error *err)
{
	int rc;

	rc = lbd_follow_neighbours(lbd);
	if (rc)
		return error_errno(err, rc, "follow the backends' next hops");
	rc = lbd_follow_health(lbd);
	if (rc)
		return error_errno(err, rc, "schedule the health checks");
	if (lbd->sync)
		rc = sync_set_dictionary(lbd->sync, lbd->model);
	return rc ? error_errno(err, rc, "tell sync of services and backends") : 0;
}

/* --- apply */

/* What we know of an interface that we stand on already, or NULL. */
static const struct dataplane_attachment *lbd_attachment(const struct lbd *lbd, const char *name)
{
	for (uint32_t i = 0; i < lbd->config->xdp.interfaces_count; i++)
		if (!strcmp(lbd->attachments[i].interface, name))
			return &lbd->attachments[i];
	return NULL;
}

static int lbd_attach_one(struct lbd *lbd, const struct config *config, const char *name,
			  struct dataplane_attachment *ret, struct error *err)
{
	const struct dataplane_attachment *known = lbd_attachment(lbd, name);

	if (known && known->ifindex == if_nametoindex(name) &&
	    config->xdp.mode == lbd->config->xdp.mode) {
		*ret = *known;
		return 0;
	}
	return dataplane_attach(lbd->dataplane, lbd->root_object, name, config->xdp.mode, ret, err);
}

/* Stand on every interface of @config. */
static int lbd_attach_all(struct lbd *lbd, const struct config *config,
			  struct dataplane_attachment **ret, struct error *err)
{
	struct dataplane_attachment *all = calloc(config->xdp.interfaces_count, sizeof(*all));
	int rc = all ? 0 : error_set(err, -ENOMEM, "out of memory");

	for (uint32_t i = 0; i < config->xdp.interfaces_count && !rc; i++)
		rc = lbd_attach_one(lbd, config, config->xdp.interfaces[i], &all[i], err);
	if (rc)
		free(all);
	else
		*ret = all;
	return rc;
}

static bool lbd_config_has_interface(const struct config *config, const char *name)
{
	for (uint32_t i = 0; i < config->xdp.interfaces_count; i++)
		if (!strcmp(config->xdp.interfaces[i], name))
			return true;
	return false;
}

static void lbd_leave_interfaces(struct lbd *lbd, const struct config *old)
{
	struct error err;

	for (uint32_t i = 0; i < old->xdp.interfaces_count; i++) {
		if (lbd_config_has_interface(lbd->config, old->xdp.interfaces[i]))
			continue;
		if (dataplane_detach(lbd->dataplane, old->xdp.interfaces[i], &err))
			log_report("reload", &err);
		else
			log_info("interface %s left the config: detached", old->xdp.interfaces[i]);
	}
}

static void lbd_sync_config(const struct config *config, struct sync_config *ret,
			    struct sync_peer_config *peers)
{
	memset(ret, 0, sizeof(*ret));
	snprintf(ret->node, sizeof(ret->node), "%s", config->node);
	ret->listen = config->cluster.listen;
	ret->peers = peers;
	ret->peers_count = config->cluster.peers_count;
	for (uint32_t i = 0; i < ret->peers_count; i++) {
		snprintf(peers[i].name, sizeof(peers[i].name), "%s", config->cluster.peers[i].name);
		peers[i].address = config->cluster.peers[i].address;
	}
}

/* Start, change or stop sync to what @config asks for. */
int lbd_follow_cluster(struct lbd *lbd, const struct config *config, struct error *err)
{
	struct sync_peer_config *peers;
	struct sync_config sync;
	int rc;

	if (!config->cluster.peers_count) {
		sync_stop(lbd->sync);
		lbd->sync = NULL;
		return 0;
	}
	peers = calloc(config->cluster.peers_count, sizeof(*peers));
	if (!peers)
		return error_set(err, -ENOMEM, "out of memory");
	lbd_sync_config(config, &sync, peers);
	if (lbd->sync)
		rc = sync_reconfigure(lbd->sync, &sync, err);
	else
		rc = sync_start(&sync, dataplane_tables(lbd->dataplane), &lbd->sync, err);
	free(peers);
	return rc;
}

/* From here on the new config is the truth; what fails below is reported, not undone. */
static int lbd_adopt_config(struct lbd *lbd, struct config *config,
			    struct dataplane_attachment *attachments, struct error *err)
{
	struct config *old = lbd->config;
	int rc;

	lbd->config = config;
	free(lbd->attachments);
	lbd->attachments = attachments;
	lbd_leave_interfaces(lbd, old);
	config_free(old);
	rc = lbd_follow_cluster(lbd, config, err);
	ha_set_cluster(lbd->ha, config->cluster.patience_ms, lbd->sync);
	if (!rc)
		rc = lbd_follow_model(lbd, err);
	return rc;
}

int lbd_apply(struct lbd *lbd, struct config *config, struct error *err)
{
	struct dataplane_attachment *attachments = NULL, *running = lbd->attachments;
	struct config *running_config = lbd->config;
	struct model *model = NULL, *old = lbd->model;
	int rc;

	rc = lbd_build_model(lbd, config, &model, err);
	if (!rc)
		rc = lbd_attach_all(lbd, config, &attachments, err);
	if (rc)
		goto out;
	lbd->model = model;
	lbd->config = config;
	lbd->attachments = attachments;
	rc = lbd_follow_neighbours(lbd);
	if (rc)
		error_errno(err, rc, "follow the backends' next hops");
	else
		rc = lbd_commit(lbd, err);
	lbd->config = running_config;
	lbd->attachments = running;
	if (rc) {
		lbd->model = old;
		lbd_follow_neighbours(lbd);
		goto out;
	}
	model_free(old);
	return lbd_adopt_config(lbd, config, attachments, err);
out:
	free(attachments);
	model_free(model);
	return rc;
}

/* --- reload and runtime changes */

static void lbd_running_path(const struct lbd *lbd, char *path, size_t size)
{
	snprintf(path, size, "%s/running.yaml", lbd->run_dir);
}

void lbd_forget_changes(const struct lbd *lbd)
{
	char path[256];

	lbd_running_path(lbd, path, sizeof(path));
	unlink(path);
}

int lbd_reload(struct lbd *lbd, struct error *err)
{
	struct config *config = NULL;
	int rc;

	rc = config_load(lbd->config_path, &config, err);
	if (rc)
		return rc;
	rc = lbd_apply(lbd, config, err);
	if (rc) {
		if (lbd->config != config)
			config_free(config);
		return rc;
	}
	if (lbd->runtime_changes)
		log_warning("reload: runtime changes (lbctl backend ...) gave way to %s",
			    lbd->config_path);
	lbd->runtime_changes = false;
	lbd->reloads++;
	lbd_forget_changes(lbd);
	log_info("reloaded %s: %u services", lbd->config_path, lbd->config->services_count);
	return 0;
}

static int lbd_edit(struct config *config, const struct lbd_backend_change *c, struct error *err)
{
	switch (c->action) {
	case LBD_BACKEND_ADD:
		return config_backend_add(config, c->service, c->name, c->address, c->weight, err);
	case LBD_BACKEND_REMOVE:
		return config_backend_remove(config, c->service, c->name, err);
	case LBD_BACKEND_DRAIN:
		return config_backend_drain(config, c->service, c->name, true, err);
	case LBD_BACKEND_UNDRAIN:
		return config_backend_drain(config, c->service, c->name, false, err);
	case LBD_BACKEND_WEIGHT:
		return config_backend_weight(config, c->service, c->name, c->weight, err);
	}
	return error_set(err, -EINVAL, "unknown change %d of a backend", c->action);
}

/* The change is made to a copy, which travels through the same checks as a file. */
int lbd_change_backend(struct lbd *lbd, const struct lbd_backend_change *change, struct error *err)
{
	struct config *edited = NULL;
	char path[256], draft[256];
	int rc;

	lbd_running_path(lbd, path, sizeof(path));
	snprintf(draft, sizeof(draft), "%s/draft.yaml", lbd->run_dir);
	rc = config_save(lbd->config, draft, err);
	if (!rc)
		rc = config_load(draft, &edited, err);
	if (!rc)
		rc = lbd_edit(edited, change, err);
	if (!rc)
		rc = config_save(edited, draft, err);
	if (!rc)
		rc = lbd_apply(lbd, edited, err);
	if (rc) {
		unlink(draft);
		if (lbd->config != edited)
			config_free(edited);
		return rc;
	}
	lbd->runtime_changes = true;
	if (rename(draft, path))
		return error_errno(err, -errno, "keep the change in %s", path);
	return 0;
}

/* --- upgrade */

int lbd_upgrade(struct lbd *lbd, const char *object, struct error *err)
{
	char path[sizeof(lbd->object)];
	int rc;

	snprintf(path, sizeof(path), "%s", object ? object : lbd->object);
	rc = upgrade_swap(lbd->dataplane, path, lbd->model, lbd_features(lbd), true, err);
	if (rc)
		return rc;
	memcpy(lbd->object, path, sizeof(path));
	log_info("upgrade: %s runs", path);
	return 0;
}

int lbd_rollback(struct lbd *lbd, struct error *err)
{
	struct dataplane_generation previous;
	uint32_t missing;
	int rc;

	rc = dataplane_generation(lbd->dataplane, LBD_GENERATION_PREVIOUS, &previous);
	if (rc)
		return error_errno(err, rc, "query the previous generation");
	missing = lbd_features(lbd) & ~previous.features;
	if (previous.prog_id && missing) {
		rc = error_set(err, -EINVAL,
			       "the previous generation was specialised for an older config and "
			       "lacks features %#x that the running one needs",
			       missing);
		error_hint(err, "lbctl upgrade OBJECT loads an older object for this config");
		return rc;
	}
	rc = dataplane_rollback(lbd->dataplane, err);
	if (!rc)
		log_info("rollback: program %u runs again", previous.prog_id);
	return rc;
}
