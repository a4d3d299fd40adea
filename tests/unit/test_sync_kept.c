// SPDX-License-Identifier: GPL-2.0-or-later
/* Records of services that a node has no config for yet: kept aside until it has. */
#include "sync_cluster.h"

static struct sync_kept kept_by(struct node *node)
{
	struct sync_kept kept;

	sync_get_kept(node->sync, &kept);
	return kept;
}

static void records_kept_aside_are_entered_though_who_told_them_has_died(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1];

	(void)state;
	cluster_init(&cluster, 2);
	beta->model.services[beta->web].id = 0;
	make_web(alpha, 0, 100);
	node_start(alpha);
	node_start(beta);
	WAIT_UNTIL(kept_by(beta).held == 100);
	node_stop(alpha);
	node_model(beta);
	assert_int_equal(sync_set_dictionary(beta->sync, &beta->model.model), 0);
	WAIT_UNTIL(kept_by(beta).entered == 100);
	assert_int_equal(count_web(beta, 0, 100), 100);
	assert_int_equal(kept_by(beta).held, 0);
	assert_int_equal(kept_by(beta).given_up, 0);
	cluster_stop(&cluster);
}

/* A backend that is new is as unknown as its service would be; what idles for too long is dropped. */
static void records_kept_aside_for_too_long_are_dropped(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1];
	struct table_entry entry;

	(void)state;
	cluster_init(&cluster, 2);
	beta->model.backends[beta->backend].index = 0;
	beta->tables.timeouts.tcp = 100;
	make_web(alpha, 0, 50);
	entry = fixture_entry(&alpha->tables, 100, false, alpha->web, alpha->backend);
	entry.tick -= 200;
	make_entry(alpha, entry);
	node_start(alpha);
	node_start(beta);
	WAIT_UNTIL(has_all(beta, "alpha"));
	WAIT_UNTIL(kept_by(beta).held == 26);
	node_model(beta);
	assert_int_equal(sync_set_dictionary(beta->sync, &beta->model.model), 0);
	WAIT_UNTIL(kept_by(beta).entered == 25);
	assert_int_equal(count_web(beta, 0, 50), 50);
	assert_int_equal(kept_by(beta).expired, 1);
	assert_false(find_web(beta, 100, &entry));
	cluster_stop(&cluster);
}

/* How long such a record lives is its service's to say, which isn't known yet. */
static void records_of_an_unknown_service_do_not_expire(void **state)
{
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1];
	struct table_entry entry;

	(void)state;
	cluster_init(&cluster, 2);
	beta->model.services[beta->web].id = 0;
	beta->model.services[beta->dns].id = 0;
	beta->tables.timeouts.tcp = 100;
	entry = fixture_entry(&alpha->tables, 100, false, alpha->web, alpha->backend);
	entry.tick -= 200;
	make_entry(alpha, entry);
	node_start(alpha);
	node_start(beta);
	WAIT_UNTIL(kept_by(beta).held == 1);
	/* Another service is new in the config. */
	node_model(beta);
	beta->model.services[beta->web].id = 0;
	assert_int_equal(sync_set_dictionary(beta->sync, &beta->model.model), 0);
	usleep(100000);
	assert_int_equal(kept_by(beta).held, 1);
	beta->tables.timeouts.tcp = 1000;
	node_model(beta);
	assert_int_equal(sync_set_dictionary(beta->sync, &beta->model.model), 0);
	WAIT_UNTIL(kept_by(beta).entered == 1);
	assert_int_equal(kept_by(beta).expired, 0);
	cluster_stop(&cluster);
}

static void what_was_given_up_is_asked_for_again(void **state)
{
	enum { MANY = 70000 };
	struct cluster cluster;
	struct node *alpha = &cluster.nodes[0], *beta = &cluster.nodes[1];

	(void)state;
	cluster_init(&cluster, 2);
	for (uint32_t n = 0; n < 2; n++) {
		fixture_tables_free(&cluster.nodes[n].tables);
		fixture_tables(&cluster.nodes[n].tables, 262144, 77 * (n + 1));
	}
	beta->model.services[beta->web].id = 0;
	make_web(alpha, 0, MANY);
	node_start(alpha);
	node_start(beta);
	WAIT_UNTIL(has_all(beta, "alpha") && kept_by(beta).held == 65536);
	WAIT_UNTIL(kept_by(beta).given_up == MANY - 65536);
	node_model(beta);
	assert_int_equal(sync_set_dictionary(beta->sync, &beta->model.model), 0);
	WAIT_UNTIL(count_web(beta, 0, MANY) == MANY);
	assert_int_equal(kept_by(beta).entered, 65536);
	cluster_stop(&cluster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_kept_aside_are_entered_though_who_told_them_has_died),
		cmocka_unit_test(records_kept_aside_for_too_long_are_dropped),
		cmocka_unit_test(records_of_an_unknown_service_do_not_expire),
		cmocka_unit_test(what_was_given_up_is_asked_for_again),
	};

	return cmocka_run_group_tests_name("sync_kept", tests, NULL, NULL);
}
