// SPDX-License-Identifier: GPL-2.0-or-later
/*
 *   metric_table[]: where in which answer  --metrics_collect()-->  name, labels, value
 */
#include "lbctl/metrics.h"

#include <string.h>

#include "lbctl/metrics_table.h"
#include "lbctl/table.h"

/* NULL: there is none to tell. */
static json_t *metrics_value(const struct metric *metric, const json_t *row)
{
	const json_t *value = table_value(row, metric->path);
	const double number = json_number_value(value);

	switch (metric->unit) {
	case METRIC_LENGTH:
		return json_integer((json_int_t)json_array_size(value));
	case METRIC_TRUE:
		return json_is_boolean(value) ? json_integer(json_is_true(value)) : NULL;
	case METRIC_SET:
		return json_integer(json_is_object(value));
	case METRIC_IS:
		return json_integer(json_is_string(value) &&
				    !strcmp(json_string_value(value), metric->is));
	case METRIC_FROM_MS:
		return json_is_number(value) && number >= 0 ? json_real(number / 1e3) : NULL;
	case METRIC_FROM_US:
		return json_is_number(value) && number >= 0 ? json_real(number / 1e6) : NULL;
	case METRIC_PLAIN:
		break;
	}
	return json_is_number(value) && number >= 0 ? json_deep_copy(value) : NULL;
}

static json_t *metrics_labels(const struct metric *metric, const json_t *row)
{
	json_t *labels = json_object();

	for (int i = 0; i < METRIC_LABELS_MAX && metric->labels[i].name; i++) {
		const struct metric_label *label = &metric->labels[i];
		const char *text = *label->path == '='
					   ? label->path + 1
					   : json_string_value(table_value(row, label->path));

		json_object_set_new(labels, label->name, json_string(text ? text : ""));
	}
	return labels;
}

static void metrics_add_sample(json_t *samples, const struct metric *metric, const json_t *row)
{
	json_t *value = metrics_value(metric, row);

	if (value)
		json_array_append_new(samples,
				      json_pack("{s:o, s:o}", "labels", metrics_labels(metric, row),
						"value", value));
}

static bool metrics_is_gone(const json_t *row)
{
	const char *state = json_string_value(json_object_get(row, "state"));

	return state && !strcmp(state, "gone");
}

static void metrics_add_samples(json_t *samples, const struct metric *metric, const json_t *answer)
{
	const json_t *rows = table_value(answer, metric->rows);
	json_t *row;
	size_t i;

	if (!*metric->rows)
		metrics_add_sample(samples, metric, answer);
	json_array_foreach(rows, i, row)
		if (!metrics_is_gone(row))
			metrics_add_sample(samples, metric, row);
}

/* Rows of one name stand together: they are one family. */
static json_t *metrics_family(json_t *list, const struct metric *metric)
{
	const json_t *last = json_array_get(list, json_array_size(list) - 1);
	const char *name = json_string_value(json_object_get(last, "name"));

	if (!name || strcmp(name, metric->name) != 0) {
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:[]}", "name", metric->name,
						      "type", metric->type, "help", metric->help,
						      "samples"));
		last = json_array_get(list, json_array_size(list) - 1);
	}
	return json_object_get(last, "samples");
}

json_t *metrics_collect(json_t *const answers[METRICS_SOURCE_COUNT])
{
	json_t *list = json_array();

	for (size_t i = 0; i < metric_count && list; i++)
		metrics_add_samples(metrics_family(list, &metric_table[i]), &metric_table[i],
				    answers[metric_table[i].source]);
	return list;
}
