// SPDX-License-Identifier: GPL-2.0-or-later
/* The model: making it from a configuration, putting it in force, telling who follows it. */
#include "lbd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"

/* --- model */

static int lbd_check_fixed(const struct lbd *lbd, const struct config *config, struct error *err)
{
	int rc;

	if (!strcmp(config->instance, lbd->config->instance))
		return 0;
	rc = error_set(err, -EBUSY, "instance: came \"%s\", running is \"%s\"", config->instance,
		       lbd->config->instance);
	error_hint(err, "set it back, or start empty: systemctl stop lbd; lbd --detach");
	return rc;
}

static int lbd_read_secret(const struct config *config, struct model *model, struct error *err)
{
	if (config->cluster.secret_file)
		return secret_read(config->cluster.secret_file, &model->pick_secret, err);
	model->pick_secret = secret_public; /* start-up warns */
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
static int lbd_used_ids(struct lbd *lbd, const struct lbd_limits *room, struct tables_ids *ret)
{
	const struct tables *tables = dataplane_tables(lbd->dataplane);
	struct tables_ids gone;
	int rc;

	rc = lbd_ids_new(room, &gone);
	if (rc)
		return rc;
	rc = lbd_ids_new(room, ret);
	if (!rc) {
		dataplane_settle(lbd->dataplane);
		lbd_mark_gone(lbd->model, &gone);
		tables_release(tables, &gone);
		tables_mark_used(tables, ret);
		/* Nobody can tell what refers to them before the tables have been moved. */
		if (dataplane_is_foreign(lbd->dataplane))
			lbd_mark_gone(lbd->model, ret);
	}
	lbd_ids_free(&gone);
	return rc;
}

static uint32_t lbd_larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static int lbd_refuse_ids(const char *limit, uint32_t asked, uint32_t id, struct error *err)
{
	error_set(err, -ENOSPC, "limits.%s: %u has no room for number %u, which is in use", limit,
		  asked, id);
	error_hint(err, "numbers come free when a restart finds no connection that uses them");
	return -ENOSPC;
}

/* Ids stay what they are: entries refer to them. */
static int lbd_check_ids(const struct lbd *lbd, const struct lbd_limits *asked,
			 const struct tables_ids *used, struct error *err)
{
	const struct model *model = lbd->model;

	for (uint32_t i = asked->services; i < model->limits.services; i++)
		if (used->services[i] || (model->services[i].id && !model->services[i].gone))
			return lbd_refuse_ids("services", asked->services, i, err);
	for (uint32_t i = asked->backends; i < model->limits.backends; i++)
		if (used->backends[i] || (model->backends[i].index && !model->backends[i].gone))
			return lbd_refuse_ids("backends", asked->backends, i, err);
	return 0;
}

int lbd_build_model(struct lbd *lbd, const struct config *config, struct model **ret,
		    struct error *err)
{
	const struct lbd_limits *have = &lbd->model->limits, asked = model_limits(config);
	const struct lbd_limits room = { .services = lbd_larger(have->services, asked.services),
					 .backends = lbd_larger(have->backends, asked.backends) };
	struct model *model = NULL;
	struct tables_ids used;
	int rc;

	rc = lbd_check_fixed(lbd, config, err);
	if (rc)
		return rc;
	if (lbd_used_ids(lbd, &room, &used))
		return error_set(err, -ENOMEM, "out of memory");
	rc = lbd_check_ids(lbd, &asked, &used, err);
	if (!rc)
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
void lbd_own_macs(struct lbd *lbd)
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

uint32_t lbd_model_features(const struct lbd *lbd, const struct model *model)
{
	uint32_t ifindexes[64], count = 0;

	for (; count < lbd->config->xdp.interfaces_count && count < 64; count++)
		ifindexes[count] = lbd->attachments[count].ifindex;
	return model_features(model, ifindexes, count);
}

struct upgrade_target lbd_target(const struct lbd *lbd)
{
	return (struct upgrade_target){
		.dataplane = lbd->dataplane,
		.model = lbd->model,
		.features = lbd_model_features(lbd, lbd->model),
		.ifindex = lbd->attachments[0].ifindex,
		.proof = lbd->proving.usable ? lbd->proving.proof : NULL,
	};
}

struct upgrade_place lbd_place(const struct lbd *lbd)
{
	return (struct upgrade_place){ lbd->run_dir, lbd->object, lbd->split_object };
}

static int lbd_refit(struct lbd *lbd, const struct upgrade_target *target, struct error *err)
{
	const struct upgrade_place place = lbd_place(lbd);
	int fd, rc;

	rc = upgrade_load(&place, target, &fd, err);
	if (rc)
		return rc;
	rc = dataplane_refit(lbd->dataplane, fd, err);
	close(fd);
	return rc;
}

/* A packet path on trial was loaded for the old shape. */
static int lbd_make_room(struct lbd *lbd, const struct upgrade_target *target, struct error *err)
{
	if (dataplane_fits(lbd->dataplane, LBD_GENERATION_RUNNING, lbd->model, target->features))
		return 0;
	return lbd_upgrading_settle(lbd, "the config needs another shape of the packet path", err);
}

/* The running generation must be able to do what both snapshots need, for the flip. */
static int lbd_widen(struct lbd *lbd, const struct upgrade_target *target, struct error *err)
{
	struct dataplane_generation running;
	struct upgrade_target wide = *target;

	dataplane_generation(lbd->dataplane, LBD_GENERATION_RUNNING, &running);
	if (running.prog_id && !(target->features & ~running.features))
		return 0;
	wide.features |= running.features;
	return lbd_refit(lbd, &wide, err);
}

/*
 * The generation that is specialised for just the new snapshot is loaded
 * before the flip, while all can still be refused, and swapped in after it.
 */
int lbd_commit(struct lbd *lbd, struct error *err)
{
	const struct upgrade_target target = lbd_target(lbd);
	const struct upgrade_place place = lbd_place(lbd);
	int fd = -1, rc;

	lbd_own_macs(lbd);
	rc = lbd_make_room(lbd, &target, err);
	if (!rc)
		rc = lbd_widen(lbd, &target, err);
	if (!rc &&
	    !dataplane_fits(lbd->dataplane, LBD_GENERATION_RUNNING, lbd->model, target.features))
		rc = upgrade_load(&place, &target, &fd, err);
	if (!rc)
		rc = dataplane_commit(lbd->dataplane, lbd->model, err);
	if (!rc)
		lbd->commits++;
	if (!rc && fd >= 0)
		rc = dataplane_refit(lbd->dataplane, fd, err);
	if (fd >= 0)
		close(fd);
	return rc;
}

bool lbd_fits(const struct lbd *lbd)
{
	return dataplane_fits(lbd->dataplane, LBD_GENERATION_RUNNING, lbd->model,
			      lbd_model_features(lbd, lbd->model));
}

void lbd_recommit(struct lbd *lbd)
{
	const struct upgrade_target target = lbd_target(lbd);
	struct error err = { 0 };

	if (dataplane_fits(lbd->dataplane, LBD_GENERATION_RUNNING, lbd->model, target.features))
		return;
	if (lbd_make_room(lbd, &target, &err) || lbd_refit(lbd, &target, &err))
		log_report("specialise the packet path for the running config again", &err);
}

/* --- followers of the model */

/*
 * An address that was watched before brings no news: ask for what is known of
 * it. And a next hop that was adopted may be behind an interface of the past, or
 * behind one that packets can't be sent to.
 */
static void lbd_take_next_hops(struct lbd *lbd)
{
	struct nexthop nexthop;

	for (uint32_t i = 1; i < lbd->model->limits.backends; i++) {
		struct backend *backend = &lbd->model->backends[i];

		if (!lbd_next_hop_stands(&backend->nexthop) ||
		    path_fault_refuses(neighbours_fault(lbd->neighbours, &backend->addr)))
			backend->nexthop.resolved = false;
		if (backend->index && !backend->gone && !backend->nexthop.resolved &&
		    neighbours_find(lbd->neighbours, &backend->addr, &nexthop) &&
		    lbd_next_hop_stands(&nexthop))
			backend->nexthop = nexthop;
	}
}

bool lbd_is_native(const struct lbd *lbd)
{
	for (uint32_t i = 0; i < lbd->config->xdp.interfaces_count; i++)
		if (lbd->attachments[i].mode != CONFIG_XDP_GENERIC)
			return true;
	return false;
}

static int lbd_tell_doors(struct lbd *lbd)
{
	const uint32_t count = lbd->config->xdp.interfaces_count;
	uint32_t *ifindexes = calloc(count + 1U, sizeof(*ifindexes));
	struct path_doors doors = { ifindexes, count, lbd_is_native(lbd) };
	int rc;

	if (!ifindexes)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		ifindexes[i] = lbd->attachments[i].ifindex;
	rc = neighbours_set_doors(lbd->neighbours, &doors);
	free(ifindexes);
	return rc;
}

int lbd_follow_neighbours(struct lbd *lbd)
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
	rc = lbd_tell_doors(lbd);
	if (!rc)
		rc = neighbours_watch(lbd->neighbours, addrs, count);
	free(addrs);
	if (!rc)
		lbd_take_next_hops(lbd);
	return rc;
}

/* Where a check knocks: as configured, else where the backend serves. */
static uint16_t lbd_health_port(const struct service *service, const struct backend *backend)
{
	if (service->health.port)
		return service->health.port;
	return backend->port ? backend->port : service->port;
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
			.port = lbd_health_port(service, backend),
			.config = service->health,
			.healthy = backend->healthy,
			.checked = backend->checked,
		};
	}
	rc = health_set(lbd->health, targets, count);
	free(targets);
	return rc;
}

void lbd_follow_model(struct lbd *lbd)
{
	if (lbd_follow_health(lbd))
		log_error("health checks don't follow the change: out of memory");
	if (lbd->sync && sync_set_dictionary(lbd->sync, lbd->model))
		log_error("sync doesn't follow the change: out of memory");
}
