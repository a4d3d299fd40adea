// SPDX-License-Identifier: GPL-2.0-or-later
/* What a reload would come to, asked without doing it. */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "lbd.h"

static int weigh_interfaces(const struct config *config, struct error *err)
{
	for (uint32_t i = 0; i < config->xdp.interfaces_count; i++)
		if (!if_nametoindex(config->xdp.interfaces[i]))
			return error_set(err, -ENODEV, "xdp.interfaces: there is no interface %s",
					 config->xdp.interfaces[i]);
	return 0;
}

/* Is the key that peers know us by there, and closed to others? */
static int weigh_key(const struct config *config, struct error *err)
{
	struct curve_pair pair;
	int rc;

	if (!config->cluster.peers_count || config->cluster.security == CONFIG_SECURITY_PLAINTEXT)
		return 0;
	rc = curve_read(config->cluster.key_file, &pair, err);
	curve_forget(&pair);
	return rc;
}

static uint32_t weigh_features(const struct model *model, const struct config *config)
{
	uint32_t ifindexes[64], count = 0;

	for (; count < config->xdp.interfaces_count && count < 64; count++)
		ifindexes[count] = if_nametoindex(config->xdp.interfaces[count]);
	return model_features(model, ifindexes, count);
}

/* As a commit would ask for them. */
static void weigh_macs(const struct config *config, struct model *model)
{
	const uint32_t count = config->xdp.interfaces_count;

	for (uint32_t i = 0; i < count && i < LBD_MACS_MAX; i++) {
		struct dataplane_attachment at = {
			.ifindex = if_nametoindex(config->xdp.interfaces[i]),
		};

		dataplane_refresh_mac(&at);
		memcpy(&model->macs[i], at.mac, sizeof(at.mac));
	}
	model->macs_count = count > LBD_MACS_MAX ? 0 : count;
}

void lbd_weigh(struct lbd *lbd, const struct config *config, struct lbd_verdict *ret)
{
	struct dataplane_generation running = { 0 };
	struct model *model = NULL;
	int rc;

	*ret = (struct lbd_verdict){ .refused = false };
	dataplane_generation(lbd->dataplane, LBD_GENERATION_RUNNING, &running);
	ret->features_now = ret->features_then = running.features;
	rc = weigh_interfaces(config, &ret->why);
	if (!rc)
		rc = weigh_key(config, &ret->why);
	if (!rc)
		rc = lbd_build_model(lbd, config, &model, &ret->why);
	ret->refused = rc != 0;
	if (rc)
		return;
	weigh_macs(config, model);
	ret->features_then = weigh_features(model, config);
	ret->refit =
		!dataplane_fits(lbd->dataplane, LBD_GENERATION_RUNNING, model, ret->features_then);
	model_free(model);
}
