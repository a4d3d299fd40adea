// SPDX-License-Identifier: GPL-2.0-or-later
/* lbd.yaml as it is written: configs changed and saved, and the reference of its keys. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/document.h"
#include "config/keys.h"
#include "config_fixture.h"

/* --- writing */

static char *save_to_text(const struct config *config, char *path)
{
	struct error err = { 0 };
	struct stat st;
	char *text;
	FILE *file;

	assert_int_equal(config_save(config, path, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	text = calloc(1, (size_t)st.st_size + 1);
	file = fopen(path, "re");
	assert_int_equal(fread(text, 1, (size_t)st.st_size, file), st.st_size);
	fclose(file);
	return text;
}

/* Every member of struct config is in the text, so equal texts mean equal configs. */
static void what_is_saved_loads_as_the_same(void **state)
{
	static const char *const files[] = { EXAMPLE, "conf/single.yaml", "conf/lbd.yaml" };
	char path[] = "/tmp/test_config.XXXXXX";

	(void)state;
	close(mkstemp(path));
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct config *config = load_good(files[i]), *again;
		char *first = save_to_text(config, path), *second;

		again = load_good(path);
		second = save_to_text(again, path);
		assert_string_equal(first, second);
		assert_int_equal(again->services_count, config->services_count);
		assert_string_equal(again->node, config->node);
		free(first);
		free(second);
		config_free(config);
		config_free(again);
	}
	unlink(path);
}

static void tunnels_are_saved_as_they_were_given(void **state)
{
	struct config *config = parse_good(
		XDP "tunnel: {gue-port: 1, vxlan-port: 2, geneve-port: 3, mac: "
		    "\"02:00:00:00:00:0a\"}\n"
		    "icmp: {tell-mtu: false, rate: 7}\n"
		    "services:\n" SERVICE("a", "192.0.2.80",
					  "port: 80, forward: geneve, vni: 16777215, " BACKENDS));
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 10 };
	char path[] = "/tmp/test_config.XXXXXX";
	struct config *again;

	(void)state;
	close(mkstemp(path));
	free(save_to_text(config, path));
	again = load_good(path);
	unlink(path);
	assert_int_equal(again->tunnel.gue_port, 1);
	assert_int_equal(again->tunnel.vxlan_port, 2);
	assert_int_equal(again->tunnel.geneve_port, 3);
	assert_memory_equal(again->tunnel.mac, mac, sizeof(mac));
	assert_false(again->icmp.tell_mtu);
	assert_int_equal(again->icmp.rate, 7);
	assert_int_equal(again->services[0].forward, LBD_FORWARD_GENEVE);
	assert_int_equal(again->services[0].vni, 16777215);
	config_free(config);
	config_free(again);
}

static void quic_configs_and_server_ids_are_saved(void **state)
{
	struct config *config = parse_good(XDP "services:\n" SERVICE(
		"a", "192.0.2.1",
		"port: 443, protocol: udp,\n"
		"    quic: {configs: [{id: 0, server-id-length: 3, nonce-length: 4},\n"
		"      {id: 6, server-id-length: 15, nonce-length: 4}]},\n"
		"    backends: [{address: 192.0.2.101, server-ids: [C4605e,\n"
		"      000102030405060708090a0b0c0d0e]}, {address: 192.0.2.102}]"));
	char path[] = "/tmp/test_config.XXXXXX", *text;
	const struct config_service *service;
	struct config *again;

	(void)state;
	close(mkstemp(path));
	text = save_to_text(config, path);
	assert_non_null(strstr(text, "c4605e"));
	again = load_good(path);
	service = &again->services[0];
	assert_int_equal(service->quic_count, 2);
	assert_memory_equal(service->quic, config->services[0].quic, 2 * sizeof(*service->quic));
	assert_int_equal(service->backends[0].server_ids_count, 2);
	assert_memory_equal(service->backends[0].server_ids,
			    config->services[0].backends[0].server_ids,
			    sizeof(service->backends[0].server_ids));
	assert_int_equal(service->backends[1].server_ids_count, 0);
	unlink(path);
	free(text);
	config_free(config);
	config_free(again);
}

static void how_a_backend_is_selected_is_saved_and_changed(void **state)
{
	static const char text[] =
		XDP "limits: {sticky: 2048}\n"
		    "services:\n"
		    "  - {name: a, vip: 192.0.2.80, port: 80, sticky: 10m, down: reset,\n"
		    "     timeouts: {idle: 2h, closing: 5s}, fallback: [{name: f, address: "
		    "192.0.2.9}],\n"
		    "     backends: [{name: b, address: 192.0.2.101}]}\n"
		    "  - {name: c, vip: \"2001:db8::80\", port: any, hash: source-prefix, sticky: "
		    "90s,\n"
		    "     health: {check: none}, backends: [{address: \"2001:db8::1\"}]}\n";
	static const struct config_addition addition = { "n", "192.0.2.102", 0, 7 };
	char path[] = "/tmp/test_config.XXXXXX", *first, *second;
	struct config *config = parse_good(text), *again;
	const struct config_service *a = &config->services[0], *c = &config->services[1];
	struct error err = { 0 };

	(void)state;
	assert_int_equal(config->limits.sticky, 2048);
	assert_int_equal(a->hash, LBD_HASH_SOURCE);
	assert_int_equal(a->sticky, 600);
	assert_int_equal(a->down, LBD_DOWN_RESET);
	assert_int_equal(a->timeouts.idle, 7200);
	assert_int_equal(a->timeouts.closing, 5);
	assert_int_equal(a->timeouts.unconfirmed, 0);
	assert_true(a->backends_count == 2 && a->backends[1].fallback && !a->backends[0].fallback);
	assert_int_equal(c->hash, LBD_HASH_PREFIX);
	assert_int_equal(c->prefix, 64);
	assert_int_equal(config_backend_add(config, "a", &addition, &err), 0);
	assert_int_equal(config_backend_drain(config, "a", "f", true, &err), 0);
	close(mkstemp(path));
	first = save_to_text(config, path);
	again = load_good(path);
	second = save_to_text(again, path);
	assert_string_equal(first, second);
	a = &again->services[0];
	assert_int_equal(a->backends_count, 3);
	assert_false(a->backends[1].fallback);
	assert_true(a->backends[2].fallback && a->backends[2].drain);
	assert_int_equal(config_backend_remove(again, "a", "b", &err), 0);
	assert_int_equal(config_backend_remove(again, "a", "n", &err), -EINVAL);
	assert_int_equal(config_backend_remove(again, "a", "f", &err), 0);
	unlink(path);
	free(first);
	free(second);
	config_free(config);
	config_free(again);
}

static void saving_where_it_cannot_be_leaves_nothing_behind(void **state)
{
	struct config *config = load_good(EXAMPLE);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(config_save(config, "/nonexistent/lbd.yaml", &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/lbd.yaml"));
	assert_int_equal(config_save(config, "/", &err) < 0, true);
	config_free(config);
}

static void a_mac_is_saved_and_loaded(void **state)
{
	static const uint8_t mac[] = { 0, 0, 0x5e, 0, 0x53, 0xab };
	char path[] = "/tmp/test_config.XXXXXX";
	struct config *config = parse_good(
		XDP "services:\n" SERVICE("web", "192.0.2.80",
					  "port: 80, backends: [{address: 192.0.2.101, mac: "
					  "'00:00:5E:00:53:ab'}, {address: 192.0.2.102}]"));
	struct config *again = NULL;
	struct error err = { 0 };

	(void)state;
	close(mkstemp(path));
	assert_int_equal(config_save(config, path, &err), 0);
	assert_int_equal(config_load(path, &again, &err), 0);
	assert_true(again->services[0].backends[0].has_mac);
	assert_memory_equal(again->services[0].backends[0].mac, mac, sizeof(mac));
	assert_false(again->services[0].backends[1].has_mac);
	unlink(path);
	config_free(config);
	config_free(again);
}

/* --- as full as it gets */

static char *full_config(uint32_t backends, size_t *ret_size)
{
	char *text;
	FILE *out = open_memstream(&text, ret_size);

	fprintf(out,
		XDP "limits: {services: 2, backends: 65536}\nservices:\n"
		    "  - name: all\n    vip: 2001:db8:ffff::80\n    port: 80\n    backends:\n");
	for (uint32_t i = 1; i <= backends; i++)
		fprintf(out,
			"      - {name: a-name-as-long-as-may-be-%05u, address: "
			"\"2001:db8:%x::%x\"}\n",
			i, i >> 8, (i & 0xff) + 1);
	fclose(out);
	return text;
}

/*
 * An eighth of what the limits allow: libcyaml grows its lists item by item,
 * which the sanitizer's realloc() makes quadratic.
 */
static void a_config_as_full_as_the_limits_allow_can_be_saved_and_loaded(void **state)
{
	const uint32_t backends = 65536 / 8;
	char path[] = "/tmp/test_config.XXXXXX";
	struct config *config = NULL, *again = NULL;
	struct error err = { 0 };
	struct stat st;
	size_t size;
	char *text = full_config(backends, &size);

	(void)state;
	close(mkstemp(path));
	assert_int_equal(config_parse(text, size, "t.yaml", &config, &err), 0);
	assert_int_equal(config->services[0].backends_count, backends);
	assert_int_equal(config_save(config, path, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_in_range(st.st_size * 8, 1, DOCUMENT_SIZE_MAX);
	assert_int_equal(config_load(path, &again, &err), 0);
	assert_int_equal(again->services[0].backends_count, backends);
	unlink(path);
	free(text);
	config_free(config);
	config_free(again);
}

/* --- runtime changes */

static void a_backend_is_added_changed_and_removed(void **state)
{
	static const struct config_addition four = { "web4", "192.0.2.104", 0, 7 };
	static const struct config_addition nameless = { NULL, "192.0.2.105", 0, 1 };
	struct config *config = load_good(EXAMPLE);
	struct config_service *web = config_find_service(config, "web");
	struct lbd_addr new;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(config_backend_add(config, "web", &four, &err), 0);
	assert_int_equal(web->backends_count, 4);
	assert_int_equal(web->backends[3].weight, 7);
	assert_int_equal(addr_parse("192.0.2.104", &new), 0);
	assert_true(lbd_addr_equal(&web->backends[3].addr, &new));
	assert_int_equal(config_backend_drain(config, "web", "web4", true, &err), 0);
	assert_true(web->backends[3].drain);
	assert_int_equal(config_backend_weight(config, "web", "web4", 0, &err), 0);
	assert_int_equal(web->backends[3].weight, 0);
	assert_int_equal(config_backend_remove(config, "web", "web1", &err), 0);
	assert_null(config_find_backend(web, "web1"));
	assert_string_equal(web->backends[2].name, "web4");
	assert_int_equal(config_backend_add(config, "web", &nameless, &err), 0);
	assert_string_equal(web->backends[3].name, "192.0.2.105");
	config_free(config);
}

static void a_backend_of_nat_is_added_with_its_port(void **state)
{
	static const char text[] =
		"xdp: {interfaces: [eth0]}\n"
		"nat: {addresses: [192.0.2.9]}\n"
		"services:\n"
		"- {name: shop, vip: 192.0.2.80, port: 80, protocol: tcp, forward: nat,\n"
		"   backends: [{name: one, address: 192.0.2.101, port: 8080}]}\n";
	static const struct config_addition two = { "two", "192.0.2.102", 8081, 100 };
	char path[] = "/tmp/test_config.XXXXXX";
	struct config *config = parse_good(text), *again;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(config_backend_add(config, "shop", &two, &err), 0);
	close(mkstemp(path));
	assert_int_equal(config_save(config, path, &err), 0);
	again = load_good(path);
	assert_int_equal(again->services[0].backends[0].port, 8080);
	assert_int_equal(again->services[0].backends[1].port, 8081);
	unlink(path);
	config_free(again);
	config_free(config);
}

static void a_change_that_the_file_could_not_have_is_refused(void **state)
{
	static const struct {
		const char *service;
		struct config_addition addition;
		int rc;
		const char *says;
	} cases[] = {
		{ "wbe",
		  { "x", "192.0.2.9", 0, 1 },
		  -ENOENT,
		  "no service \"wbe\", did you mean \"web\"?" },
		{ "web", { "web1", "192.0.2.9", 0, 1 }, -EEXIST, "has a backend web1 already" },
		{ "web",
		  { "x", "192.0.2.101", 0, 1 },
		  -EEXIST,
		  "has 192.0.2.101 already, as backend web1" },
		{ "web", { "x", "2001:db8::9", 0, 1 }, -EINVAL, "not of the VIP's family" },
		{ "web", { "x", "192.0.2.80", 0, 1 }, -EINVAL, "the VIP itself" },
		{ "web", { "x", "224.0.0.9", 0, 1 }, -EINVAL, "no host's address" },
		{ "web",
		  { "x", "192.0.2", 0, 1 },
		  -EINVAL,
		  "came \"192.0.2\", expected an IPv4 or IPv6" },
		{ "web",
		  { "x y", "192.0.2.9", 0, 1 },
		  -EINVAL,
		  "name: came \"x y\", expected a name" },
		{ "web", { "x", "192.0.2.9", 0, 65536 }, -EINVAL, "weight: came 65536, expected" },
		{ "web",
		  { "x", "192.0.2.9", 8080, 1 },
		  -EINVAL,
		  "port: came 8080, but only forward: nat can change the port" },
		{ "web", { "x", "192.0.2.9", 65536, 1 }, -EINVAL, "port: came 65536, expected" },
	};
	struct config *config = load_good(EXAMPLE);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct error err = { 0 };

		assert_int_equal(
			config_backend_add(config, cases[i].service, &cases[i].addition, &err),
			cases[i].rc);
		if (!strstr(err.text, cases[i].says))
			assert_string_equal(err.text, cases[i].says);
		assert_int_equal(config_find_service(config, "web")->backends_count, 3);
	}
	config_free(config);
}

static void a_missing_backend_is_told_with_the_nearest_name(void **state)
{
	struct config *config = load_good(EXAMPLE);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(config_backend_weight(config, "dns", "dsn1", 1, &err), -ENOENT);
	assert_string_equal(err.text,
			    "service dns has no backend \"dsn1\", did you mean \"dns1\"?");
	assert_int_equal(config_backend_remove(config, "everything", "203.0.113.7", &err), -EINVAL);
	assert_string_equal(err.text, "203.0.113.7 is the last backend of service everything");
	config_free(config);
}

/* --- the reference */

static void assert_printed(const struct key *keys, const char *reference)
{
	for (; keys->name; keys++) {
		assert_non_null(strstr(reference, keys->name));
		assert_non_null(strstr(reference, keys->help));
		if (keys->children)
			assert_printed(keys->children, reference);
	}
}

static void the_reference_has_every_key(void **state)
{
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(config_keys_print(out, false), 0);
	fclose(out);
	assert_printed(keys_top, text);
	assert_non_null(strstr(text, "services[].backends[].weight\n"));
	assert_non_null(strstr(text, "Default: 100."));
	free(text);
}

static void the_manual_page_says_so_if_it_could_not_be_written(void **state)
{
	FILE *full = fopen("/dev/full", "we");

	(void)state;
	setbuf(full, NULL);
	assert_int_equal(config_keys_print(full, true), -EIO);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_saved_loads_as_the_same),
		cmocka_unit_test(tunnels_are_saved_as_they_were_given),
		cmocka_unit_test(quic_configs_and_server_ids_are_saved),
		cmocka_unit_test(how_a_backend_is_selected_is_saved_and_changed),
		cmocka_unit_test(saving_where_it_cannot_be_leaves_nothing_behind),
		cmocka_unit_test(a_mac_is_saved_and_loaded),
		cmocka_unit_test(a_config_as_full_as_the_limits_allow_can_be_saved_and_loaded),
		cmocka_unit_test(a_backend_is_added_changed_and_removed),
		cmocka_unit_test(a_backend_of_nat_is_added_with_its_port),
		cmocka_unit_test(a_change_that_the_file_could_not_have_is_refused),
		cmocka_unit_test(a_missing_backend_is_told_with_the_nearest_name),
		cmocka_unit_test(the_reference_has_every_key),
		cmocka_unit_test(the_manual_page_says_so_if_it_could_not_be_written),
	};

	return cmocka_run_group_tests_name("config writing", tests, NULL, NULL);
}
