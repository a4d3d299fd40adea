// SPDX-License-Identifier: GPL-2.0-or-later
#include "takeover/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* SERVICE/BACKEND@ADDRESS: indices may be others in the next one. */
#define MEMORY_KEY_MAX (2 * CONFIG_NAME_MAX + ADDR_TEXT_MAX + 8)

static void memory_key(const struct model *model, const struct backend *backend,
		       char key[MEMORY_KEY_MAX])
{
	char address[ADDR_TEXT_MAX];

	snprintf(key, MEMORY_KEY_MAX, "%s/%s@%s", model->services[backend->service].name,
		 backend->name, addr_format(&backend->addr, address));
}

/* Names and reasons are UTF-8, or they are left out. */
static json_t *memory_text(const char *text)
{
	json_t *string = json_string(text);

	return string ? string : json_string("");
}

/* --- writing */

static json_t *memory_probe_json(const struct health_memory *m)
{
	return json_pack("{s:b, s:b, s:b, s:I, s:I, s:I, s:I, s:o}", "healthy", m->healthy,
			 "checked", m->checked, "last", m->last, "streak", (json_int_t)m->streak,
			 "latency_us", (json_int_t)m->latency_us, "changed_ms",
			 (json_int_t)m->changed_ms, "due_ms", (json_int_t)m->due_ms, "reason",
			 memory_text(m->reason));
}

static json_t *memory_health_json(const struct lbd *lbd)
{
	const struct model *model = lbd->model;
	json_t *all = json_object();
	struct health_memory probe;
	char key[MEMORY_KEY_MAX];

	for (uint32_t i = 1; i < model->limits.backends; i++) {
		const struct backend *backend = &model->backends[i];

		if (!backend->index || backend->gone ||
		    !health_remember(lbd->health, backend->index, &probe))
			continue;
		memory_key(model, backend, key);
		json_object_set_new(all, key, memory_probe_json(&probe));
	}
	return all;
}

static json_t *memory_ha_json(const struct lbd *lbd)
{
	struct ha_memory m;

	ha_remember(lbd->ha, &m);
	return json_pack("{s:b, s:o, s:{s:s, s:o, s:I}}", "gate_open", m.gate_open, "gate_reason",
			 memory_text(m.gate_reason), "failover", "state",
			 failover_state_name(m.failover.state), "sentence",
			 memory_text(m.failover.sentence), "without_master_ms",
			 (json_int_t)m.failover.without_master_ms);
}

static json_t *memory_notify_json(void)
{
	const char *socket = getenv("NOTIFY_SOCKET"), *watchdog = getenv("WATCHDOG_USEC");

	return json_pack("{s:s*, s:s*}", "NOTIFY_SOCKET", socket, "WATCHDOG_USEC", watchdog);
}

int memory_write(const struct lbd *lbd, int64_t paused_ms)
{
	json_t *memory =
		json_pack("{s:i, s:I, s:I, s:I, s:I, s:b, s:o, s:o, s:o}", "pid", (int)getpid(),
			  "paused_ms", (json_int_t)paused_ms, "flipped_ms",
			  (json_int_t)dataplane_flipped_ms(lbd->dataplane), "reloads",
			  (json_int_t)lbd->reloads, "commits", (json_int_t)lbd->commits,
			  "changes_dropped", lbd->changes_dropped, "notify", memory_notify_json(),
			  "ha", memory_ha_json(lbd), "health", memory_health_json(lbd));
	int fd = memory ? memfd_create("lbd-memory", MFD_CLOEXEC) : -1;

	if (fd >= 0 && json_dumpfd(memory, fd, JSON_COMPACT)) {
		close(fd);
		fd = -1;
	}
	json_decref(memory);
	return fd < 0 ? -ENOMEM : fd;
}

/* --- reading */

json_t *memory_read(int fd)
{
	return lseek(fd, 0, SEEK_SET) ? NULL : json_loadfd(fd, 0, NULL);
}

static int64_t memory_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

int memory_pid(const json_t *memory)
{
	return (int)json_integer_value(json_object_get(memory, "pid"));
}

int64_t memory_flipped_ms(const json_t *memory)
{
	return memory_number(memory, "flipped_ms");
}

int64_t memory_paused_ms(const json_t *memory)
{
	return memory_number(memory, "paused_ms");
}

void memory_take_notify(const json_t *memory)
{
	const json_t *notify = json_object_get(memory, "notify"), *value;
	const char *name;
	/* An iterator wants what may be written to. */
	json_t *all = json_copy((json_t *)(uintptr_t)notify);

	if (!getenv("NOTIFY_SOCKET"))
		json_object_foreach(all, name, value)
			setenv(name, json_string_value(value), 1);
	json_decref(all);
}

static const json_t *memory_find(const json_t *memory, const struct model *model,
				 const struct backend *backend)
{
	char key[MEMORY_KEY_MAX];

	if (!backend->index || backend->gone)
		return NULL;
	memory_key(model, backend, key);
	return json_object_get(json_object_get(memory, "health"), key);
}

static bool memory_is(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static void memory_copy_text(const json_t *object, const char *key, char *ret, size_t size)
{
	const char *text = json_string_value(json_object_get(object, key));

	snprintf(ret, size, "%s", text ? text : "");
}

void memory_take_model(const json_t *memory, struct lbd *lbd)
{
	for (uint32_t i = 1; i < lbd->model->limits.backends; i++) {
		struct backend *backend = &lbd->model->backends[i];
		const json_t *probe = memory_find(memory, lbd->model, backend);

		if (!probe)
			continue;
		backend->healthy = memory_is(probe, "healthy");
		backend->checked = memory_is(probe, "checked");
	}
	lbd->reloads = (uint64_t)memory_number(memory, "reloads");
	lbd->commits = (uint64_t)memory_number(memory, "commits");
	lbd->changes_dropped = memory_is(memory, "changes_dropped");
}

void memory_take_health(const json_t *memory, struct lbd *lbd)
{
	for (uint32_t i = 1; i < lbd->model->limits.backends; i++) {
		const struct backend *backend = &lbd->model->backends[i];
		const json_t *probe = memory_find(memory, lbd->model, backend);
		struct health_memory m;

		if (!probe)
			continue;
		m = (struct health_memory){
			.healthy = memory_is(probe, "healthy"),
			.checked = memory_is(probe, "checked"),
			.last = memory_is(probe, "last"),
			.streak = (uint32_t)memory_number(probe, "streak"),
			.latency_us = (uint32_t)memory_number(probe, "latency_us"),
			.changed_ms = memory_number(probe, "changed_ms"),
			.due_ms = memory_number(probe, "due_ms"),
		};
		memory_copy_text(probe, "reason", m.reason, sizeof(m.reason));
		health_restore(lbd->health, backend->index, &m);
	}
}

bool memory_take_ha(const json_t *memory, struct ha_memory *ret)
{
	const json_t *ha = json_object_get(memory, "ha"), *failover;

	if (!json_is_object(ha))
		return false;
	failover = json_object_get(ha, "failover");
	*ret = (struct ha_memory){
		.gate_open = memory_is(ha, "gate_open"),
		.failover.without_master_ms = memory_number(failover, "without_master_ms"),
	};
	failover_take_state(&ret->failover, json_string_value(json_object_get(failover, "state")));
	memory_copy_text(ha, "gate_reason", ret->gate_reason, sizeof(ret->gate_reason));
	memory_copy_text(failover, "sentence", ret->failover.sentence,
			 sizeof(ret->failover.sentence));
	return true;
}
