// SPDX-License-Identifier: GPL-2.0-or-later
/* What becomes of the daemon's answers in metrics. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lbctl/metrics_table.h"

/* One answer, the others empty. */
static json_t *collect(enum metrics_source source, const char *text)
{
	json_t *answers[METRICS_SOURCE_COUNT], *metrics;

	for (int i = 0; i < METRICS_SOURCE_COUNT; i++)
		answers[i] = i == (int)source ? json_loads(text, 0, NULL) : json_object();
	assert_non_null(answers[source]);
	metrics = metrics_collect(answers);
	for (int i = 0; i < METRICS_SOURCE_COUNT; i++)
		json_decref(answers[i]);
	return metrics;
}

static json_t *samples_of(json_t *metrics, const char *name)
{
	json_t *metric;
	size_t i;

	json_array_foreach(metrics, i, metric)
		if (!strcmp(json_string_value(json_object_get(metric, "name")), name))
			return json_object_get(metric, "samples");
	fail_msg("no metric %s", name);
	return NULL;
}

static void assert_sample(json_t *metrics, const char *name, size_t at, const char *label,
			  const char *text, double value)
{
	const json_t *sample = json_array_get(samples_of(metrics, name), at);
	const json_t *labels = json_object_get(sample, "labels");

	assert_non_null(sample);
	assert_string_equal(json_string_value(json_object_get(labels, label)), text);
	assert_float_equal(json_number_value(json_object_get(sample, "value")), value, 1e-9);
}

static void units_become_those_of_the_base(void **state)
{
	json_t *metrics = collect(METRICS_peers,
				  "{\"peers\": [{\"name\": \"lb2\", \"state\": \"live\", "
				  "\"heard_ms_ago\": 40, \"lag_p50_us\": 220, \"lag_p99_us\": 480, "
				  "\"sent_records\": 10}]}");

	(void)state;
	assert_sample(metrics, "lbd_peer_heard_seconds", 0, "peer", "lb2", 0.04);
	assert_sample(metrics, "lbd_peer_lag_seconds", 0, "quantile", "0.5", 0.00022);
	assert_sample(metrics, "lbd_peer_lag_seconds", 1, "quantile", "0.99", 0.00048);
	assert_sample(metrics, "lbd_peer_live", 0, "peer", "lb2", 1);
	assert_sample(metrics, "lbd_peer_sent_records_total", 0, "peer", "lb2", 10);
	json_decref(metrics);
}

static void what_is_not_known_has_no_sample(void **state)
{
	json_t *metrics = collect(METRICS_peers, "{\"peers\": [{\"name\": \"lb2\", \"state\": "
						 "\"hello\", \"lag_p50_us\": -1, \"lag_p99_us\": "
						 "-1, \"held\": {\"agreed_ms_ago\": -1}}]}");

	(void)state;
	assert_sample(metrics, "lbd_peer_live", 0, "peer", "lb2", 0);
	assert_int_equal(json_array_size(samples_of(metrics, "lbd_peer_lag_seconds")), 0);
	assert_int_equal(json_array_size(samples_of(metrics, "lbd_peer_agreed_seconds")), 0);
	assert_int_equal(json_array_size(samples_of(metrics, "lbd_packets_total")), 0);
	json_decref(metrics);
}

/* Its name may be another's by now, and a name twice spoils all of a scrape. */
static void what_is_gone_has_no_sample(void **state)
{
	json_t *metrics = collect(METRICS_backends,
				  "{\"backends\": ["
				  "{\"service\": \"web\", \"name\": \"be1\", \"state\": \"gone\", "
				  "\"packets\": 5},"
				  "{\"service\": \"web\", \"name\": \"be1\", \"state\": \"up\", "
				  "\"packets\": 7}]}");

	(void)state;
	assert_int_equal(json_array_size(samples_of(metrics, "lbd_backend_packets_total")), 1);
	assert_sample(metrics, "lbd_backend_packets_total", 0, "backend", "be1", 7);
	assert_sample(metrics, "lbd_backend_up", 0, "service", "web", 1);
	json_decref(metrics);
}

static void truth_and_roles_are_numbers(void **state)
{
	json_t *metrics = collect(
		METRICS_status, "{\"node\": \"lb1\", \"version\": \"0.1.0\", \"role\": \"master\", "
				"\"gate\": {\"open\": false}, \"problems\": [{}, {}], "
				"\"generation\": {\"trial\": null}, \"connections\": {"
				"\"ipv4\": {\"slots\": 1024}, \"ipv6\": {\"slots\": 64}}}");

	(void)state;
	assert_sample(metrics, "lbd_info", 0, "node", "lb1", 1);
	assert_int_equal(json_array_size(samples_of(metrics, "lbd_uptime_seconds")), 0);
	assert_sample(metrics, "lbd_table_slots", 0, "family", "ipv4", 1024);
	assert_sample(metrics, "lbd_table_slots", 1, "family", "ipv6", 64);
	assert_float_equal(json_number_value(json_object_get(
				   json_array_get(samples_of(metrics, "lbd_active"), 0), "value")),
			   1, 0);
	assert_float_equal(
		json_number_value(json_object_get(
			json_array_get(samples_of(metrics, "lbd_problems"), 0), "value")),
		2, 0);
	json_decref(metrics);
}

/* Prometheus takes a family's lines only where they stand together, with one type and help. */
static void rows_of_one_name_stand_together_and_agree(void **state)
{
	(void)state;
	for (size_t i = 1; i < metric_count; i++) {
		const struct metric *one = &metric_table[i];

		for (size_t j = 0; j < i; j++) {
			if (strcmp(one->name, metric_table[j].name) != 0)
				continue;
			assert_string_equal(one->name, metric_table[i - 1].name);
			assert_string_equal(one->type, metric_table[j].type);
			assert_string_equal(one->help, metric_table[j].help);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_become_those_of_the_base),
		cmocka_unit_test(what_is_not_known_has_no_sample),
		cmocka_unit_test(what_is_gone_has_no_sample),
		cmocka_unit_test(truth_and_roles_are_numbers),
		cmocka_unit_test(rows_of_one_name_stand_together_and_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
