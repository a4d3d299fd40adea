// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>

#include "lbctl/commands.h"
#include "lbctl/report.h"
#include "sync/curve.h"

#define KEYGEN_DEFAULT "/etc/lbd/key"

static void keygen_print(const struct invocation *invocation, const char *path, const char *public)
{
	json_t *json;

	if (!invocation->json) {
		printf("%s\n", public);
		if (command_value(invocation, "public"))
			return;
		printf("\nIn lbd.yaml here:\n  cluster:\n    key-file: %s\n"
		       "\nIn lbd.yaml of each peer, at this node's entry of cluster.peers:\n"
		       "        keys: [\"%s\"]\n",
		       path, public);
		return;
	}
	json = json_pack("{s:s, s:s}", "file", path, "public", public);
	report_json(json);
	json_decref(json);
}

static int keygen_make(const char *path, struct curve_pair *pair, struct error *err)
{
	int rc = curve_generate(pair, err);

	return rc ? rc : curve_write(path, pair, err);
}

static int keygen_run(const struct invocation *invocation)
{
	const char *path = invocation->argc ? invocation->argv[0] : KEYGEN_DEFAULT;
	struct curve_pair pair = { 0 };
	struct error err = { 0 };
	int rc, code = LBCTL_OK;

	rc = command_value(invocation, "public") ? curve_read(path, &pair, &err)
						 : keygen_make(path, &pair, &err);
	if (rc)
		code = report_error(invocation, LBCTL_FAILED, strerrorname_np(-rc), err.text,
				    err.hint[0] ? err.hint : NULL);
	else
		keygen_print(invocation, path, pair.public);
	curve_forget(&pair);
	return code;
}

static const struct command_option keygen_options[] = {
	{ "public", NULL, "print the public key of the file instead; it makes nothing" },
	{ 0 },
};

static const struct command_example keygen_examples[] = {
	{ "keygen", "once on each node; the peers' configs get what it prints" },
	{ "keygen /etc/lbd/key.new", "a second key, to change to" },
	{ "keygen --public", "the public key of " KEYGEN_DEFAULT },
	{ 0 },
};

const struct command cmd_keygen = {
	.name = "keygen",
	.arguments = "[FILE]",
	.summary = "make this node's key pair for its peers",
	.details =
		"Writes the secret key to a new file of mode 0600 (default: " KEYGEN_DEFAULT
		") and prints the public key, with the lines for the configs. Never overwrites a "
		"file. Needs no daemon.\n"
		"To change a node's key without a gap: make a second key; add its public key to "
		"keys at the peers, reload them; put its file into key-file here, reload; take the "
		"old key off at the peers, reload.",
	.max = 1,
	.options = keygen_options,
	.examples = keygen_examples,
	.run = keygen_run,
};
