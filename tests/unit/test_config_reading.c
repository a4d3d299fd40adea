// SPDX-License-Identifier: GPL-2.0-or-later
/* lbd.yaml as it is read: what is accepted, what it comes to, and what is said of the rest. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/document.h"
#include "config_broken_features.h"
#include "config_fixture.h"
#include "lbd/conntable.h"

#define MUTATIONS 20000

/* --- faults */

static void assert_named(const struct broken *broken)
{
	char expected[4096] = "";
	struct error err = { 0 };

	for (size_t n = 0; n < BROKEN_EXPECTED && broken->expected[n]; n++) {
		size_t used = strlen(expected);

		snprintf(expected + used, sizeof(expected) - used, "%st.yaml:%s", n ? "\n" : "",
			 broken->expected[n]);
	}
	assert_null(parse(broken->text, &err));
	assert_string_equal(err.text, expected);
}

static void every_fault_names_line_key_and_remedy(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(broken_configs) / sizeof(*broken_configs); i++)
		assert_named(&broken_configs[i]);
	for (size_t i = 0; i < sizeof(broken_features) / sizeof(*broken_features); i++)
		assert_named(&broken_features[i]);
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

static void assert_addr(const struct lbd_addr *got, const char *expected)
{
	char text[ADDR_TEXT_MAX];

	assert_string_equal(addr_format(got, text), expected);
}

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
	assert_int_equal(config->tunnel.gue_port, 6080);
	assert_int_equal(config->tunnel.vxlan_port, 4789);
	assert_int_equal(config->tunnel.geneve_port, 6081);
	assert_true(config->icmp.tell_mtu);
	assert_int_equal(config->icmp.rate, 1000);
	assert_int_equal(config->cluster.patience_ms, 10000);
	assert_int_equal(config->cluster.bandwidth, 0);
	assert_int_equal(config->cluster.cpu, 100);
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
	assert_int_equal(config->services_count, 4);
	assert_int_equal(config->cluster.peers_count, 1);
	assert_int_equal(config->vrrp.priority, 150);
	config_free(config);
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
		cmocka_unit_test(mutations_never_crash),
	};

	return cmocka_run_group_tests_name("config reading", tests, NULL, NULL);
}
