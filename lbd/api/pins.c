// SPDX-License-Identifier: GPL-2.0-or-later
/* What is pinned, and what for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/resource.h"
#include "dataplane/pins.h"

static const char *const pins_kinds[] = {
	[DATAPLANE_PIN_OTHER] = "other",	 [DATAPLANE_PIN_MAP] = "map",
	[DATAPLANE_PIN_PROGRAM] = "program",	 [DATAPLANE_PIN_LINK] = "link",
	[DATAPLANE_PIN_DIRECTORY] = "directory",
};

static const struct {
	const char *reason, *advice;
} pins_uses[DATAPLANE_PIN_USES] = {
	[DATAPLANE_PIN_SERVES] = { "lbd and the packet path use it", NULL },
	[DATAPLANE_PIN_MIGRATES] = { "packets are moving from these maps to those", NULL },
	[DATAPLANE_PIN_STRANGE] = { "lbd pins no such thing", "look what it is, and remove it" },
	[DATAPLANE_PIN_REPLACED] = { "lbd has another map of that name open",
				     "systemctl restart lbd" },
	[DATAPLANE_PIN_BYPASSED] = { "a loaded packet path uses another map of that name",
				     "lbctl upgrade, twice: no older one is left then" },
	[DATAPLANE_PIN_LEFT] = { "left of a move to other maps that was cut short",
				 "systemctl restart lbd" },
};

static json_t *pins_file_json(const struct dataplane_pin *pin)
{
	return json_pack("{s:o, s:s, s:o, s:o, s:b, s:s}", "path", api_text(pin->path), "kind",
			 pins_kinds[pin->kind], "what", api_text(pin->what), "id",
			 pin->id ? json_integer((json_int_t)pin->id) : json_null(), "in_use",
			 dataplane_pin_used(pin), "why", pins_uses[pin->use].reason);
}

json_t *api_pins_json(const struct lbd *lbd)
{
	struct dataplane_pin *pins = NULL;
	json_t *files = json_array();
	uint32_t count = 0, used = 0;

	if (dataplane_pins(lbd->dataplane, &pins, &count))
		count = 0;
	for (uint32_t i = 0; i < count; i++) {
		used += dataplane_pin_used(&pins[i]);
		json_array_append_new(files, pins_file_json(&pins[i]));
	}
	free(pins);
	return json_pack("{s:o, s:I, s:I, s:o}", "directory", api_text(lbd->pin_dir), "in_use",
			 (json_int_t)used, "not_in_use", (json_int_t)(count - used), "files",
			 files);
}

bool api_pins_fault(const struct lbd *lbd, struct api_pins_fault *ret)
{
	struct dataplane_pin *pins = NULL;
	uint32_t count = 0, unused = 0;

	if (dataplane_pins(lbd->dataplane, &pins, &count))
		count = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (dataplane_pin_used(&pins[i]) || unused++)
			continue;
		snprintf(ret->what, sizeof(ret->what), "%s/%s: %s", lbd->pin_dir, pins[i].path,
			 pins_uses[pins[i].use].reason);
		ret->hint = pins_uses[pins[i].use].advice;
	}
	ret->others = unused ? unused - 1 : 0;
	free(pins);
	return unused;
}
