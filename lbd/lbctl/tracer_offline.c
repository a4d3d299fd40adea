// SPDX-License-Identifier: GPL-2.0-or-later
/* lbctl trace --config: a packet path of lbctl's own, seen by nobody. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lbctl/report.h"
#include "lbctl/tracer.h"
#include "trace/offline.h"

#define TRACER_OBJECT "lb.bpf.o"
#define TRACER_INSTALLED LBD_PREFIX "/lib/lbd/" TRACER_OBJECT

struct tracer_offline {
	struct tracer tracer;
	struct offline offline;
	struct trace_result result; /* scratch */
};

static int tracer_fail(const struct invocation *invocation, int status, int rc,
		       const struct error *err)
{
	const char *hint = err->hint[0] ? err->hint : NULL;

	if (!hint && (rc == -EPERM || rc == -EACCES))
		hint = "loading a packet path takes root: sudo lbctl trace";
	return report_error(invocation, status, strerrorname_np(-rc), err->text, hint);
}

static int tracer_answer(struct tracer_offline *own, const struct tracer_packet *packet,
			 json_t *list, struct error *err)
{
	int rc = offline_run(&own->offline, packet->time_ns, packet->frame, packet->size,
			     &own->result, err);

	if (rc)
		return error_prefix(err, rc, "packet %llu", (unsigned long long)packet->number);
	if (json_array_append_new(list, trace_json(&own->result)))
		return error_set(err, -ENOMEM, "out of memory");
	return 0;
}

static int tracer_run_offline(struct tracer *tracer, const struct tracer_batch *batch, json_t **ret)
{
	struct tracer_offline *own = (struct tracer_offline *)tracer;
	struct error err = { 0 };
	json_t *list = json_array();
	int rc = 0;

	for (uint32_t i = 0; i < batch->count && !rc; i++)
		if (batch->packets[i].size)
			rc = tracer_answer(own, &batch->packets[i], list, &err);
	if (rc) {
		json_decref(list);
		return tracer_fail(tracer->invocation, LBCTL_FAILED, rc, &err);
	}
	*ret = list;
	return LBCTL_OK;
}

static void tracer_close_offline(struct tracer *tracer)
{
	struct tracer_offline *own = (struct tracer_offline *)tracer;

	offline_close(&own->offline);
	free(own);
}

static const struct tracer_kind tracer_kind_offline = {
	.run = tracer_run_offline,
	.close = tracer_close_offline,
};

/* Where it was built, if lbctl runs from there: bpf/ stands beside it. */
static bool tracer_find_built(char *path, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	if (length < 0)
		return false;
	path[length] = '\0';
	slash = strrchr(path, '/');
	if (!slash || (size_t)(slash - path) + sizeof("/bpf/" TRACER_OBJECT) > size)
		return false;
	strcpy(slash, "/bpf/" TRACER_OBJECT);
	return !access(path, R_OK);
}

/* The packet path that was asked for, else that of the same build, else the installed one. */
static const char *tracer_object(const struct invocation *invocation, char *path, size_t size)
{
	const char *object = command_value(invocation, "object");

	if (object)
		return object;
	return tracer_find_built(path, size) ? path : TRACER_INSTALLED;
}

static int tracer_load(struct tracer_offline *own, struct config *config)
{
	const struct invocation *invocation = own->tracer.invocation;
	struct error err = { 0 };
	char path[PATH_MAX];
	int rc;

	rc = offline_open(&own->offline, config, tracer_object(invocation, path, sizeof(path)),
			  &err);
	if (rc == -ENOENT)
		error_hint(&err,
			   "install lbd, or name the packet path: --object build/bpf/lb.bpf.o");
	if (rc)
		return tracer_fail(invocation, LBCTL_FAILED, rc, &err);
	if (own->offline.note[0])
		fprintf(stderr, "lbctl: note: %s\n", own->offline.note);
	return LBCTL_OK;
}

int tracer_open_offline(const struct invocation *invocation, struct tracer **ret)
{
	struct tracer_offline *own = calloc(1, sizeof(*own));
	struct config *config = NULL;
	struct error err = { 0 };
	int rc;

	if (!own)
		return report_error(invocation, LBCTL_FAILED, "ENOMEM", "out of memory", NULL);
	own->tracer = (struct tracer){ &tracer_kind_offline, invocation };
	rc = config_load(command_value(invocation, "config"), &config, &err);
	if (rc)
		rc = tracer_fail(invocation, LBCTL_CONFIG, rc, &err);
	else
		rc = tracer_load(own, config);
	if (rc)
		free(own);
	else
		*ret = &own->tracer;
	return rc;
}
