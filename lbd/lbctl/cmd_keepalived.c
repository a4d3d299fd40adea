// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "ha/ha.h"
#include "lbctl/commands.h"
#include "lbctl/report.h"

#define KEEPALIVED_NOTIFY LBD_PREFIX "/lib/lbd/lbd-notify"

static int keepalived_fail(const struct invocation *invocation, int code, const struct error *err)
{
	return report_error(invocation, LBCTL_CONFIG, strerrorname_np(-code), err->text,
			    err->hint[0] ? err->hint : NULL);
}

static void keepalived_print(const struct invocation *invocation, const char *text)
{
	json_t *json;

	if (!invocation->json) {
		fputs(text, stdout);
		return;
	}
	json = json_pack("{s:s}", "keepalived_conf", text);
	report_json(json);
	json_decref(json);
}

static int keepalived_run(const struct invocation *invocation)
{
	const char *path = invocation->argc ? invocation->argv[0] : API_CONFIG_DEFAULT;
	struct config *config = NULL;
	struct error err = { 0 };
	char run_dir[128], *text = NULL;
	int rc;

	rc = config_load(path, &config, &err);
	if (!rc) {
		snprintf(run_dir, sizeof(run_dir), API_RUN_DIR "/%s", config->instance);
		rc = ha_keepalived_conf(config, run_dir, KEEPALIVED_NOTIFY, &text, &err);
	}
	if (!rc)
		keepalived_print(invocation, text);
	else
		rc = keepalived_fail(invocation, rc, &err);
	free(text);
	config_free(config);
	return rc;
}

static const struct command_example keepalived_examples[] = {
	{ "keepalived > /etc/keepalived/keepalived.conf", "from /etc/lbd/lbd.yaml" },
	{ 0 },
};

const struct command cmd_keepalived = {
	.name = "keepalived",
	.arguments = "[FILE]",
	.summary = "print a keepalived.conf made from the config file",
	.details = "So VIPs are written once, in lbd's config (default: " API_CONFIG_DEFAULT
		   "). Needs no daemon, but the config's vrrp section.",
	.max = 1,
	.examples = keepalived_examples,
	.run = keepalived_run,
};
