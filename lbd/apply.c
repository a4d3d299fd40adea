// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Applying a configuration, from wherever it came:
 *
 *   build model -> attach -> next hops -> peers -> commit -> leave, follow
 *   \_____________ lbd_apply_prepare ___________/           \_ lbd_apply_adopt
 *   \________________ can fail: all undone _______________/ \_ only memory _/
 *
 * Up to the commit everything can still be refused, and the running state is
 * as it was before; the commit is one word. With other limits it is made in other
 * maps, and the one step is the swap of the generation over to these (migration.h),
 * which takes these parts one by one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "lbd.h"

void lbd_apply_exchange(struct lbd *lbd, struct lbd_draft *draft)
{
	const struct lbd_draft old = { lbd->config, lbd->model, lbd->attachments };

	lbd->config = draft->config;
	lbd->model = draft->model;
	lbd->attachments = draft->attachments;
	*draft = old;
}

/* --- interfaces */

/* What we know of an interface that we stand on already, or NULL. */
static const struct dataplane_attachment *apply_attachment(const struct lbd *lbd, const char *name)
{
	for (uint32_t i = 0; i < lbd->config->xdp.interfaces_count; i++)
		if (!strcmp(lbd->attachments[i].interface, name))
			return &lbd->attachments[i];
	return NULL;
}

static int apply_attach_one(struct lbd *lbd, const struct config *config, const char *name,
			    struct dataplane_attachment *ret, struct error *err)
{
	const struct dataplane_attachment *known = apply_attachment(lbd, name);

	if (known && known->ifindex == if_nametoindex(name) &&
	    config->xdp.mode == lbd->config->xdp.mode) {
		*ret = *known;
		return 0;
	}
	return dataplane_attach(lbd->dataplane, lbd->root_object, name, config->xdp.mode, ret, err);
}

static bool apply_has_interface(const struct config *config, const char *name)
{
	for (uint32_t i = 0; i < config->xdp.interfaces_count; i++)
		if (!strcmp(config->xdp.interfaces[i], name))
			return true;
	return false;
}

/* Leave the first @count interfaces of @left that @kept doesn't have. */
static void apply_leave(struct lbd *lbd, const struct config *left, uint32_t count,
			const struct config *kept, const char *why)
{
	struct error err;

	for (uint32_t i = 0; i < count; i++) {
		const char *name = left->xdp.interfaces[i];

		if (apply_has_interface(kept, name))
			continue;
		if (dataplane_detach(lbd->dataplane, name, &err))
			log_report("detach", &err);
		else
			log_info("interface %s %s: detached", name, why);
	}
}

static void apply_unattach(struct lbd *lbd, const struct config *config, uint32_t count)
{
	apply_leave(lbd, config, count, lbd->config, "was attached for a config that is refused");
}

/* Stand on every interface of @config, or on none that wasn't stood on before. */
static int apply_attach(struct lbd *lbd, const struct config *config,
			struct dataplane_attachment **ret, struct error *err)
{
	struct dataplane_attachment *all = calloc(config->xdp.interfaces_count, sizeof(*all));
	uint32_t i = 0;
	int rc = 0;

	if (!all)
		return error_set(err, -ENOMEM, "out of memory");
	for (; i < config->xdp.interfaces_count && !rc; i++)
		rc = apply_attach_one(lbd, config, config->xdp.interfaces[i], &all[i], err);
	if (!rc) {
		*ret = all;
		return 0;
	}
	apply_unattach(lbd, config, i - 1);
	free(all);
	return rc;
}

/* --- peers */

static void apply_sync_config(const struct config *config, const char *run_dir,
			      struct sync_config *ret, struct sync_peer_config *peers)
{
	memset(ret, 0, sizeof(*ret));
	snprintf(ret->node, sizeof(ret->node), "%s", config->node);
	ret->listen = config->cluster.listen;
	ret->run_dir = run_dir;
	ret->bandwidth = config->cluster.bandwidth;
	ret->cpu = config->cluster.cpu;
	ret->peers = peers;
	ret->peers_count = config->cluster.peers_count;
	for (uint32_t i = 0; i < ret->peers_count; i++) {
		snprintf(peers[i].name, sizeof(peers[i].name), "%s", config->cluster.peers[i].name);
		peers[i].address = config->cluster.peers[i].address;
		peers[i].keys_count = config->cluster.peers[i].keys_count;
		memcpy(peers[i].keys, config->cluster.peers[i].keys, sizeof(peers[i].keys));
	}
}

/* The file is read at each apply: with a new key in it, a reload is a change of keys. */
static int apply_read_key(const struct config *config, struct sync_config *ret, struct error *err)
{
	ret->plaintext = config->cluster.security == CONFIG_SECURITY_PLAINTEXT;
	return ret->plaintext ? 0 : curve_read(config->cluster.key_file, &ret->own, err);
}

int lbd_start_cluster(struct lbd *lbd, const struct config *config, struct error *err)
{
	struct sync_peer_config *peers;
	struct sync_config sync;
	int rc;

	if (!config->cluster.peers_count)
		return 0;
	peers = calloc(config->cluster.peers_count, sizeof(*peers));
	if (!peers)
		return error_set(err, -ENOMEM, "out of memory");
	apply_sync_config(config, lbd->run_dir, &sync, peers);
	rc = apply_read_key(config, &sync, err);
	if (!rc && lbd->sync)
		rc = sync_reconfigure(lbd->sync, &sync, err);
	else if (!rc)
		rc = sync_start(&sync, dataplane_tables(lbd->dataplane), &lbd->sync, err);
	curve_forget(&sync.own);
	free(peers);
	return rc;
}

/* Peers that @config doesn't have any more. The gate must not look at what is stopped. */
static void apply_settle_cluster(struct lbd *lbd, const struct config *config)
{
	struct sync *left = config->cluster.peers_count ? NULL : lbd->sync;

	if (left)
		lbd->sync = NULL;
	if (lbd->ha)
		ha_set_cluster(lbd->ha, config, lbd->sync);
	sync_stop(left);
}

static void apply_restore_cluster(struct lbd *lbd)
{
	struct error err = { 0 };

	if (lbd_start_cluster(lbd, lbd->config, &err))
		log_report("go back to the peers of the running config", &err);
	apply_settle_cluster(lbd, lbd->config);
}

/* --- fragments */

void lbd_listen_fragments(struct lbd *lbd)
{
	struct error err = { 0 };
	int rc;

	fragments_stop(lbd->fragments);
	rc = fragments_listen(lbd->dataplane, lbd->config, &lbd->fragments, &err);
	if (!rc && lbd->fragments)
		rc = fragments_run(lbd->fragments, &err);
	if (rc)
		log_report("fragments that come before their first are dropped", &err);
}

static bool apply_fragments_stay(const struct config *a, const struct config *b)
{
	bool same = a->xdp.interfaces_count == b->xdp.interfaces_count &&
		    a->fragments.memory_kib == b->fragments.memory_kib &&
		    a->fragments.timeout_ms == b->fragments.timeout_ms;

	for (uint32_t i = 0; same && i < a->xdp.interfaces_count; i++)
		same = !strcmp(a->xdp.interfaces[i], b->xdp.interfaces[i]);
	return same;
}

/* --- the way through */

static int apply_commit(struct lbd *lbd, struct error *err)
{
	return lbd_has_other_limits(lbd, lbd->config) ? lbd_move(lbd, err) : lbd_commit(lbd, err);
}

/* What may be refused. lbd has the new config, model and attachments already. */
static int apply_lead(struct lbd *lbd, struct error *err)
{
	int rc = lbd_follow_neighbours(lbd);

	if (rc)
		return error_errno(err, rc, "follow the backends' next hops");
	return lbd_start_cluster(lbd, lbd->config, err);
}

int lbd_apply_prepare(struct lbd *lbd, struct config *config, struct lbd_draft *ret,
		      struct error *err)
{
	struct lbd_draft draft = { .config = config };
	int rc;

	rc = lbd_build_model(lbd, config, &draft.model, err);
	if (rc)
		return rc;
	rc = apply_attach(lbd, config, &draft.attachments, err);
	if (rc) {
		model_free(draft.model);
		return rc;
	}
	lbd_apply_exchange(lbd, &draft);
	rc = apply_lead(lbd, err);
	lbd_apply_exchange(lbd, &draft);
	if (rc)
		lbd_apply_discard(lbd, &draft);
	else
		*ret = draft;
	return rc;
}

void lbd_apply_discard(struct lbd *lbd, struct lbd_draft *draft)
{
	if (lbd_follow_neighbours(lbd))
		log_error("next hops don't follow the config that stays: out of memory");
	apply_restore_cluster(lbd);
	lbd_recommit(lbd);
	apply_unattach(lbd, draft->config, draft->config->xdp.interfaces_count);
	free(draft->attachments);
	model_free(draft->model);
}

void lbd_apply_adopt(struct lbd *lbd, struct lbd_draft *old)
{
	apply_leave(lbd, old->config, old->config->xdp.interfaces_count, lbd->config,
		    "left the config");
	apply_settle_cluster(lbd, lbd->config);
	lbd_follow_model(lbd);
	if (!apply_fragments_stay(old->config, lbd->config))
		lbd_listen_fragments(lbd);
	config_free(old->config);
	free(old->attachments);
	model_free(old->model);
}

int lbd_apply(struct lbd *lbd, struct config *config, struct error *err)
{
	struct lbd_draft draft;
	int rc = lbd_check_still(lbd, err);

	if (!rc)
		rc = lbd_apply_prepare(lbd, config, &draft, err);
	if (rc)
		return rc;
	lbd_apply_exchange(lbd, &draft);
	rc = apply_commit(lbd, err);
	if (!rc) {
		lbd_apply_adopt(lbd, &draft);
		return 0;
	}
	lbd_apply_exchange(lbd, &draft);
	lbd_apply_discard(lbd, &draft);
	return rc;
}
