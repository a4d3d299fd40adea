// SPDX-License-Identifier: GPL-2.0-or-later
/* lbd.yaml: what is accepted, what it comes to, and what is said of the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "config/document.h"
#include "config/keys.h"
#include "config_broken.h"
#include "lbd/conntable.h"

#define EXAMPLE "conf/pair.yaml"
#define MUTATIONS 20000

static struct config *parse(const char *text, struct error *err)
{
	struct config *config = NULL;
	int rc = config_parse(text, strlen(text), "t.yaml", &config, err);

	assert_true(rc == 0 || rc == -EINVAL);
	assert_int_equal(rc == 0, config != NULL);
	return config;
}

static struct config *parse_good(const char *text)
{
	struct error err = { 0 };
	struct config *config = parse(text, &err);

	assert_string_equal(err.text, "");
	return config;
}

static struct config *load_good(const char *path)
{
	struct config *config = NULL;
	struct error err = { 0 };

	config_load(path, &config, &err);
	assert_string_equal(err.text, "");
	assert_non_null(config);
	return config;
}

static struct lbd_addr addr(const char *text)
{
	struct lbd_addr ret;

	assert_int_equal(addr_parse(text, &ret), 0);
	return ret;
}

static void assert_addr(const struct lbd_addr *got, const char *expected)
{
	char text[ADDR_TEXT_MAX];

	assert_string_equal(addr_format(got, text), expected);
}

/* --- faults */

static void every_fault_names_line_key_and_remedy(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(broken_configs) / sizeof(*broken_configs); i++) {
		const struct broken *broken = &broken_configs[i];
		char expected[4096] = "";
		struct error err = { 0 };

		for (size_t n = 0; n < BROKEN_EXPECTED && broken->expected[n]; n++) {
			size_t used = strlen(expected);

			snprintf(expected + used, sizeof(expected) - used, "%st.yaml:%s",
				 n ? "\n" : "", broken->expected[n]);
		}
		assert_null(parse(broken->text, &err));
		assert_string_equal(err.text, expected);
	}
}

static void more_faults_than_room_are_counted(void **state)
{
	char text[8192] = XDP;
	struct error err = { 0 };
	unsigned int lines = 1, more = 0;

	(void)state;
	for (int i = 0; i < 300; i++)
		strcat(text, "nonsense: 1\n");
	assert_null(parse(text, &err));
	for (const char *c = err.text; *c; c++)
		lines += *c == '\n';
	assert_int_equal(sscanf(strrchr(err.text, '\n'), "\n... and %u faults more", &more), 1);
	assert_int_equal(lines - 1 + more, 300);
}

static void binary_garbage_is_called_so(void **state)
{
	static const char garbage[] = "xdp: 1\n\x7f\x45\x4c\x46\x02\x01\x00\xff\xfe";
	struct config *config = NULL;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(config_parse(garbage, sizeof(garbage), "t.yaml", &config, &err), -EINVAL);
	assert_non_null(strstr(err.text, "t.yaml:2: not a text file: "));
}

static void what_is_no_small_regular_file_is_refused(void **state)
{
	struct config *config = NULL;
	struct error err = { 0 };
	char path[] = "/tmp/test_config.XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(ftruncate(fd, DOCUMENT_SIZE_MAX + 1), 0);
	assert_int_equal(config_load(path, &config, &err), -EINVAL);
	assert_non_null(strstr(err.text, "16777217 bytes, expected at most 16777216"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(config_load(path, &config, &err), -ENOENT);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(config_load(path, &config, &err), -EINVAL);
	assert_non_null(strstr(err.text, "expected a regular file"));
	assert_int_equal(config_load("/tmp", &config, &err), -EINVAL);
	unlink(path);
	close(fd);
}

static void a_million_values_are_refused_before_they_are_built(void **state)
{
	const size_t count = DOCUMENT_NODES_MAX + 10, size = 2 * count;
	char *text = malloc(size + 64);
	size_t used = (size_t)sprintf(text, "xdp: {interfaces: [");
	struct config *config = NULL;
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < count; i++)
		used += (size_t)sprintf(text + used, "a,");
	assert_int_equal(config_parse(text, used, "t.yaml", &config, &err), -EINVAL);
	assert_string_equal(err.text, "t.yaml:1: more values than lbd.yaml can have");
	free(text);
}

/* --- values */

static void what_the_file_leaves_out_has_the_documented_default(void **state)
{
	struct config *config =
		parse_good(XDP "services:\n" SERVICE("web", "192.0.2.80", "port: 80, " BACKENDS));
	const struct config_service *service = &config->services[0];

	(void)state;
	assert_string_equal(config->instance, "lbd");
	assert_int_equal(config->xdp.mode, CONFIG_XDP_AUTO);
	assert_int_equal(config->limits.services, 128);
	assert_int_equal(config->limits.backends, 1024);
	assert_int_equal(config->limits.connections_ipv4, 1048576);
	assert_int_equal(config->limits.connections_ipv6, 262144);
	assert_int_equal(config->limits.maglev, 65537);
	assert_int_equal(config->timeouts.tcp, 900);
	assert_int_equal(config->timeouts.udp, 60);
	assert_int_equal(config->timeouts.closing, 30);
	assert_int_equal(config->timeouts.unconfirmed, 10);
	assert_addr(&config->tunnel.source_ipv4.addr, "198.18.0.0");
	assert_addr(&config->tunnel.source_ipv6.addr, "100::");
	assert_int_equal(config->cluster.patience_ms, 10000);
	assert_false(config->cluster.listening);
	assert_null(config->cluster.secret_file);
	assert_null(config->vrrp.interface);
	assert_int_equal(service->protocol, IPPROTO_TCP);
	assert_int_equal(service->forward, LBD_FORWARD_DSR);
	assert_int_equal(service->health.interval_ms, 2000);
	assert_int_equal(service->health.timeout_ms, 1000);
	assert_int_equal(service->health.rise, 2);
	assert_int_equal(service->health.fall, 3);
	assert_int_equal(service->backends[0].weight, 100);
	assert_false(service->backends[0].drain);
	assert_string_equal(service->backends[0].name, "192.0.2.101");
	config_free(config);
}

static void udp_services_are_checked_only_where_a_tcp_port_is_named(void **state)
{
	struct config *config = parse_good(
		XDP "services:\n" SERVICE("t", "192.0.2.80", "port: 80, " BACKENDS)
			SERVICE("u", "192.0.2.80", "port: 80, protocol: udp, " BACKENDS) SERVICE(
				"p", "192.0.2.80",
				"port: 53, protocol: udp, health: {port: 8080}, " BACKENDS));

	(void)state;
	assert_true(config->services[0].health.enabled);
	assert_false(config->services[1].health.enabled);
	assert_true(config->services[2].health.enabled);
	assert_int_equal(config->services[2].health.port, 8080);
	config_free(config);
}

static void the_example_says_what_it_seems_to_say(void **state)
{
	struct config *config = load_good(EXAMPLE);
	const struct config_service *web = config_find_service(config, "web");
	const struct config_service *everything = config_find_service(config, "everything");

	(void)state;
	assert_string_equal(config->node, "node1");
	assert_string_equal(config->xdp.interfaces[0], "eth0");
	assert_addr(&config->cluster.listen.addr, "192.0.2.11");
	assert_int_equal(ntohs(config->cluster.listen.port), 7946);
	assert_string_equal(config->cluster.peers[0].name, "node2");
	assert_int_equal(config->vrrp.router_id, 51);
	assert_int_equal(config->vrrp.advert_ms, 100);
	assert_addr(&config->vrrp.peers[0], "192.0.2.12");
	assert_int_equal(web->port, 443);
	assert_int_equal(web->health.port, 8443);
	assert_true(config_find_backend(web, "web3")->drain);
	assert_int_equal(everything->port, 0);
	assert_false(everything->health.enabled);
	assert_int_equal(config_find_service(config, "web6")->forward, LBD_FORWARD_IPIP);
	config_free(config);
}

static void the_file_that_ships_loads_and_serves_nothing(void **state)
{
	struct config *config = load_good("conf/lbd.yaml");

	(void)state;
	assert_int_equal(config->services_count, 0);
	assert_int_equal(config->xdp.interfaces_count, 1);
	config_free(config);
	config_free(load_good("conf/single.yaml"));
}

/* Does the shipped file still load when somebody takes every # away that hides a key? */
static void the_file_that_ships_loads_uncommented(void **state)
{
	char text[16384], *out = text, line[512];
	FILE *file = fopen("conf/lbd.yaml", "re");
	struct config *config;

	(void)state;
	while (fgets(line, sizeof(line), file)) {
		bool hides = line[0] == '#' && line[1] != ' ' && line[1] != '\n';

		hides |= strncmp(line, "#  ", 3) == 0 && !strstr(line, "lbctl");
		out += sprintf(out, "%s", hides ? line + 1 : line);
	}
	fclose(file);
	config = parse_good(text);
	assert_int_equal(config->services_count, 2);
	assert_int_equal(config->cluster.peers_count, 1);
	assert_int_equal(config->vrrp.priority, 150);
	config_free(config);
}

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
	struct config *config = load_good(EXAMPLE);
	struct config_service *web = config_find_service(config, "web");
	struct lbd_addr new = addr("192.0.2.104");
	struct error err = { 0 };

	(void)state;
	assert_int_equal(config_backend_add(config, "web", "web4", "192.0.2.104", 7, &err), 0);
	assert_int_equal(web->backends_count, 4);
	assert_int_equal(web->backends[3].weight, 7);
	assert_true(lbd_addr_equal(&web->backends[3].addr, &new));
	assert_int_equal(config_backend_drain(config, "web", "web4", true, &err), 0);
	assert_true(web->backends[3].drain);
	assert_int_equal(config_backend_weight(config, "web", "web4", 0, &err), 0);
	assert_int_equal(web->backends[3].weight, 0);
	assert_int_equal(config_backend_remove(config, "web", "web1", &err), 0);
	assert_null(config_find_backend(web, "web1"));
	assert_string_equal(web->backends[2].name, "web4");
	assert_int_equal(config_backend_add(config, "web", NULL, "192.0.2.105", 1, &err), 0);
	assert_string_equal(web->backends[3].name, "192.0.2.105");
	config_free(config);
}

static void a_change_that_the_file_could_not_have_is_refused(void **state)
{
	static const struct {
		const char *service, *name, *address;
		uint32_t weight;
		int rc;
		const char *says;
	} cases[] = {
		{ "wbe", "x", "192.0.2.9", 1, -ENOENT,
		  "no service \"wbe\", did you mean \"web\"?" },
		{ "web", "web1", "192.0.2.9", 1, -EEXIST, "has a backend web1 already" },
		{ "web", "x", "192.0.2.101", 1, -EEXIST,
		  "has 192.0.2.101 already, as backend web1" },
		{ "web", "x", "2001:db8::9", 1, -EINVAL, "not of the VIP's family" },
		{ "web", "x", "192.0.2.80", 1, -EINVAL, "the VIP itself" },
		{ "web", "x", "224.0.0.9", 1, -EINVAL, "no host's address" },
		{ "web", "x", "192.0.2", 1, -EINVAL, "came \"192.0.2\", expected an IPv4 or IPv6" },
		{ "web", "x y", "192.0.2.9", 1, -EINVAL, "name: came \"x y\", expected a name" },
		{ "web", "x", "192.0.2.9", 65536, -EINVAL, "weight: came 65536, expected" },
	};
	struct config *config = load_good(EXAMPLE);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct error err = { 0 };

		assert_int_equal(config_backend_add(config, cases[i].service, cases[i].name,
						    cases[i].address, cases[i].weight, &err),
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

/* --- mutations: whatever comes, an answer and no crash (the sanitizers watch) */

static uint32_t dice(uint64_t *seed, uint32_t sides)
{
	*seed = lbd_mix(*seed + 0x9e3779b97f4a7c15ULL);
	return (uint32_t)(*seed >> 32) % sides;
}

static void mutate_byte(char *text, size_t *size, uint64_t *seed)
{
	static const char spice[] = "\n\t :-[]{},\"'#&*!|>%@`~0\\?\xff";

	text[dice(seed, (uint32_t)*size)] = spice[dice(seed, sizeof(spice))];
}

static void mutate_cut(char *text, size_t *size, uint64_t *seed)
{
	size_t at = dice(seed, (uint32_t)*size), length = dice(seed, 40);

	if (at + length >= *size)
		return;
	memmove(text + at, text + at + length, *size - at - length);
	*size -= length;
}

/* Repeat a piece somewhere else: keys twice, values in strange places. */
static void mutate_copy(char *text, size_t *size, uint64_t *seed)
{
	size_t from = dice(seed, (uint32_t)*size), to = dice(seed, (uint32_t)*size);
	size_t length = dice(seed, 40);
	char piece[40];

	if (from + length >= *size)
		return;
	memcpy(piece, text + from, length);
	memmove(text + to + length, text + to, *size - to);
	memcpy(text + to, piece, length);
	*size += length;
}

static void mutations_never_crash(void **state)
{
	static void (*const kinds[])(char *, size_t *, uint64_t *) = { mutate_byte, mutate_cut,
								       mutate_copy };
	char example[8192], text[16384];
	FILE *file = fopen(EXAMPLE, "re");
	size_t length = fread(example, 1, sizeof(example), file);
	uint64_t seed = 20;
	unsigned int refused = 0;

	(void)state;
	fclose(file);
	for (int i = 0; i < MUTATIONS; i++) {
		struct config *config = NULL;
		struct error err = { 0 };
		size_t size = length;

		memcpy(text, example, length);
		for (uint32_t n = dice(&seed, 6) + 1; n; n--)
			kinds[dice(&seed, 3)](text, &size, &seed);
		if (config_parse(text, size, "t.yaml", &config, &err)) {
			assert_int_not_equal(err.text[0], '\0');
			assert_null(config);
			refused++;
		}
		config_free(config);
	}
	assert_in_range(refused, MUTATIONS / 4, MUTATIONS - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fault_names_line_key_and_remedy),
		cmocka_unit_test(more_faults_than_room_are_counted),
		cmocka_unit_test(binary_garbage_is_called_so),
		cmocka_unit_test(what_is_no_small_regular_file_is_refused),
		cmocka_unit_test(a_million_values_are_refused_before_they_are_built),
		cmocka_unit_test(what_the_file_leaves_out_has_the_documented_default),
		cmocka_unit_test(udp_services_are_checked_only_where_a_tcp_port_is_named),
		cmocka_unit_test(the_example_says_what_it_seems_to_say),
		cmocka_unit_test(the_file_that_ships_loads_and_serves_nothing),
		cmocka_unit_test(the_file_that_ships_loads_uncommented),
		cmocka_unit_test(what_is_saved_loads_as_the_same),
		cmocka_unit_test(saving_where_it_cannot_be_leaves_nothing_behind),
		cmocka_unit_test(a_config_as_full_as_the_limits_allow_can_be_saved_and_loaded),
		cmocka_unit_test(a_backend_is_added_changed_and_removed),
		cmocka_unit_test(a_change_that_the_file_could_not_have_is_refused),
		cmocka_unit_test(a_missing_backend_is_told_with_the_nearest_name),
		cmocka_unit_test(the_reference_has_every_key),
		cmocka_unit_test(the_manual_page_says_so_if_it_could_not_be_written),
		cmocka_unit_test(mutations_never_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
