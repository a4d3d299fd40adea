// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/keys.h"
#include "config/seen.h"
#include "config/value.h"
#include "lbd/guard.h"

static uint32_t guard_number(const char *given, uint32_t standard)
{
	return given ? value_number(given) : standard;
}

/* --- from text */

static void guard_load_names(char **from, uint32_t count, struct config_names *to)
{
	to->all = calloc(count + 1, sizeof(char *));
	if (!to->all)
		return;
	for (; to->count < count; to->count++)
		to->all[to->count] = strdup(from[to->count]);
}

static void guard_load_rates(const struct raw_rates *raw, struct config_rates *rates)
{
	static const struct raw_rates none;
	const struct key *keys =
		keys_find(keys_find(keys_top, "guard")->children, "source")->children;

	if (!raw)
		raw = &none;
	rates->packets = guard_number(raw->packets, 0);
	rates->new = guard_number(raw->new, 0);
	rates->burst_ms =
		value_duration_ms(raw->burst ? raw->burst : keys_find(keys, "burst")->standard);
}

static void guard_load_list(const struct raw_list *raw, struct config_list *list)
{
	list->name = strdup(raw->name);
	list->file = raw->file ? strdup(raw->file) : NULL;
	list->prefixes = calloc(raw->prefixes_count + 1, sizeof(*list->prefixes));
	if (!list->prefixes)
		return;
	for (; list->prefixes_count < raw->prefixes_count; list->prefixes_count++)
		addr_parse_prefix(raw->prefixes[list->prefixes_count],
				  &list->prefixes[list->prefixes_count]);
}

void guard_load(const struct raw_config *raw, struct config *config)
{
	static const struct raw_guard none;
	const struct raw_guard *guard = raw->guard ? raw->guard : &none;
	const struct key *keys =
		keys_find(keys_find(keys_top, "guard")->children, "source")->children;
	const struct raw_rates *source = guard->source;

	config->lists = calloc(raw->lists_count + 1, sizeof(*config->lists));
	for (uint32_t i = 0; config->lists && i < raw->lists_count; i++)
		guard_load_list(&raw->lists[i], &config->lists[config->lists_count++]);
	guard_load_names(guard->deny, guard->deny_count, &config->guard.deny);
	guard_load_names(guard->allow, guard->allow_count, &config->guard.allow);
	guard_load_rates(source, &config->guard.source);
	config->guard.prefix_ipv4 =
		guard_number(source ? source->prefix_ipv4 : NULL,
			     value_number(keys_find(keys, "prefix-ipv4")->standard));
	config->guard.prefix_ipv6 =
		guard_number(source ? source->prefix_ipv6 : NULL,
			     value_number(keys_find(keys, "prefix-ipv6")->standard));
	config->guard.sample = guard_number(guard->sample, 0);
}

void guard_load_service(const struct raw_service *raw, struct config_service *service)
{
	guard_load_names(raw->deny, raw->deny_count, &service->deny);
	guard_load_names(raw->allow, raw->allow_count, &service->allow);
	guard_load_rates(raw->limits, &service->limits);
	guard_load_rates(raw->limits ? raw->limits->source : NULL, &service->source_limits);
}

static bool guard_names_complete(const struct config_names *names, uint32_t wanted)
{
	bool complete = names->count == wanted;

	for (uint32_t i = 0; complete && i < wanted; i++)
		complete = names->all[i];
	return complete;
}

static bool guard_list_complete(const struct raw_list *raw, const struct config_list *list)
{
	return list->name && !raw->file == !list->file &&
	       list->prefixes_count == raw->prefixes_count;
}

bool guard_complete(const struct raw_config *raw, const struct config *config)
{
	bool complete = config->lists_count == raw->lists_count;

	for (uint32_t i = 0; complete && i < raw->lists_count; i++)
		complete = guard_list_complete(&raw->lists[i], &config->lists[i]);
	for (uint32_t i = 0; complete && i < raw->services_count; i++)
		complete = guard_names_complete(&config->services[i].deny,
						raw->services[i].deny_count) &&
			   guard_names_complete(&config->services[i].allow,
						raw->services[i].allow_count);
	if (!complete || !raw->guard)
		return complete;
	return guard_names_complete(&config->guard.deny, raw->guard->deny_count) &&
	       guard_names_complete(&config->guard.allow, raw->guard->allow_count);
}

/* --- rules */

static bool guard_has_list(const struct config *config, const char *name)
{
	for (uint32_t i = 0; i < config->lists_count; i++)
		if (!strcmp(config->lists[i].name, name))
			return true;
	return false;
}

static void guard_rules_names(struct document *document, const struct config *config,
			      const struct config_names *names, const char *path)
{
	char at[DOCUMENT_PATH_MAX];

	for (uint32_t i = 0; i < names->count; i++) {
		if (guard_has_list(config, names->all[i]))
			continue;
		snprintf(at, sizeof(at), "%.100s[%u]", path, i);
		document_fault_at(document, at, "came \"%s\", expected the name of one of lists",
				  names->all[i]);
	}
}

static void guard_rules_list(struct document *document, const struct config_list *list, uint32_t n,
			     struct seen *seen)
{
	uint32_t first = seen_add(seen, list->name, n);
	char at[DOCUMENT_PATH_MAX];

	snprintf(at, sizeof(at), "lists[%u]", n);
	if (first != n)
		document_fault_at(document, at, "came \"%s\" again, lists[%u] has it already",
				  list->name, first);
	if (!list->file && !list->prefixes_count)
		document_fault_at(document, at, "expected a file, or prefixes");
}

void guard_rules(struct document *document, const struct config *config)
{
	struct seen seen = { NULL };
	char at[DOCUMENT_PATH_MAX];

	if (config->lists_count > LBD_LISTS_MAX)
		document_fault_at(document, "lists", "came %u lists, expected at most %u",
				  config->lists_count, LBD_LISTS_MAX);
	for (uint32_t i = 0; i < config->lists_count; i++)
		guard_rules_list(document, &config->lists[i], i, &seen);
	seen_free(&seen);
	guard_rules_names(document, config, &config->guard.deny, "guard.deny");
	guard_rules_names(document, config, &config->guard.allow, "guard.allow");
	for (uint32_t i = 0; i < config->services_count; i++) {
		snprintf(at, sizeof(at), "services[%u].deny", i);
		guard_rules_names(document, config, &config->services[i].deny, at);
		snprintf(at, sizeof(at), "services[%u].allow", i);
		guard_rules_names(document, config, &config->services[i].allow, at);
	}
}

/* --- back to text */

static char **guard_save_names(const struct config_names *names, uint32_t *ret_count)
{
	char **texts = names->count ? calloc(names->count, sizeof(*texts)) : NULL;

	for (uint32_t i = 0; texts && i < names->count; i++)
		texts[(*ret_count)++] = save_text("%s", names->all[i]);
	return texts;
}

static struct raw_rates *guard_save_rates(const struct config_rates *rates)
{
	struct raw_rates *raw = calloc(1, sizeof(*raw));

	if (!raw)
		return NULL;
	if (rates->packets)
		raw->packets = save_text("%u", rates->packets);
	if (rates->new)
		raw->new = save_text("%u", rates->new);
	raw->burst = save_duration(rates->burst_ms);
	return raw;
}

static void guard_save_list(const struct config_list *list, struct raw_list *raw)
{
	raw->name = save_text("%s", list->name);
	if (list->file)
		raw->file = save_text("%s", list->file);
	if (list->prefixes_count)
		raw->prefixes = calloc(list->prefixes_count, sizeof(char *));
	for (uint32_t i = 0; raw->prefixes && i < list->prefixes_count; i++)
		raw->prefixes[raw->prefixes_count++] = save_prefix(&list->prefixes[i]);
}

void guard_save(const struct config *config, struct raw_config *raw)
{
	struct raw_guard *guard = calloc(1, sizeof(*guard));

	raw->guard = guard;
	raw->lists = config->lists_count ? calloc(config->lists_count, sizeof(*raw->lists)) : NULL;
	for (uint32_t i = 0; raw->lists && i < config->lists_count; i++)
		guard_save_list(&config->lists[i], &raw->lists[raw->lists_count++]);
	if (!guard)
		return;
	guard->deny = guard_save_names(&config->guard.deny, &guard->deny_count);
	guard->allow = guard_save_names(&config->guard.allow, &guard->allow_count);
	guard->source = guard_save_rates(&config->guard.source);
	if (guard->source) {
		guard->source->prefix_ipv4 = save_text("%u", config->guard.prefix_ipv4);
		guard->source->prefix_ipv6 = save_text("%u", config->guard.prefix_ipv6);
	}
	if (config->guard.sample)
		guard->sample = save_text("%u", config->guard.sample);
}

void guard_save_service(const struct config_service *service, struct raw_service *raw)
{
	raw->deny = guard_save_names(&service->deny, &raw->deny_count);
	raw->allow = guard_save_names(&service->allow, &raw->allow_count);
	raw->limits = guard_save_rates(&service->limits);
	if (raw->limits)
		raw->limits->source = guard_save_rates(&service->source_limits);
}

/* --- the end */

static void guard_free_names(struct config_names *names)
{
	for (uint32_t i = 0; i < names->count; i++)
		free(names->all[i]);
	free(names->all);
}

void guard_free_service(struct config_service *service)
{
	guard_free_names(&service->deny);
	guard_free_names(&service->allow);
}

void guard_free(struct config *config)
{
	for (uint32_t i = 0; i < config->lists_count; i++) {
		free(config->lists[i].name);
		free(config->lists[i].file);
		free(config->lists[i].prefixes);
	}
	free(config->lists);
	guard_free_names(&config->guard.deny);
	guard_free_names(&config->guard.allow);
}
