// SPDX-License-Identifier: GPL-2.0-or-later
/* Lists and limits in the config, and list files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <errno.h>

#include "config_fixture.h"
#include "guard/guard.h"
#include "guard/tree.h"

#define LISTS                                        \
	"lists:\n"                                   \
	"  - {name: bad, file: /etc/lbd/bad.list}\n" \
	"  - {name: office, prefixes: [192.0.2.0/24, \"2001:db8::/32\"]}\n"
#define SERVED(rest) "services:\n" SERVICE("web", "192.0.2.80", "port: 80, " rest BACKENDS)

static const char full[] =
	XDP LISTS "guard:\n"
		  "  deny: [bad]\n"
		  "  source: {prefix-ipv4: 24, prefix-ipv6: 56, packets: 1000, burst: 2s}\n"
		  "  sample: 100\n" SERVED("deny: [bad], allow: [office], "
					   "limits: {new: 20, source: {packets: 30, new: 2}}, ");

static void assert_full(const struct config *config)
{
	const struct config_service *service = &config->services[0];

	assert_int_equal(config->lists_count, 2);
	assert_string_equal(config->lists[0].file, "/etc/lbd/bad.list");
	assert_int_equal(config->lists[1].prefixes_count, 2);
	assert_int_equal(config->guard.source.packets, 1000);
	assert_int_equal(config->guard.source.new, 0);
	assert_int_equal(config->guard.source.burst_ms, 2000);
	assert_int_equal(config->guard.prefix_ipv4, 24);
	assert_int_equal(config->guard.prefix_ipv6, 56);
	assert_int_equal(config->guard.sample, 100);
	assert_int_equal(service->limits.new, 20);
	assert_int_equal(service->limits.burst_ms, 1000);
	assert_int_equal(service->source_limits.packets, 30);
	assert_int_equal(service->source_limits.new, 2);
	assert_int_equal(guard_lists(config, &config->guard.deny), 1);
	assert_int_equal(guard_lists(config, &service->deny), 1);
	assert_int_equal(guard_lists(config, &service->allow), 2);
}

static void lists_and_limits_are_read_and_written(void **state)
{
	struct config *config = parse_good(full), *again;
	char path[] = "/tmp/test_guard.XXXXXX";
	struct error err = { 0 };

	(void)state;
	assert_full(config);
	close(mkstemp(path));
	assert_int_equal(config_save(config, path, &err), 0);
	again = load_good(path);
	assert_full(again);
	unlink(path);
	config_free(again);
	config_free(config);
}

static void faults_name_their_line_and_key(void **state)
{
	static const char *const cases[][2] = {
		{ XDP LISTS SERVED("deny: [worse], "), "services[0].deny[0]: came \"worse\"" },
		{ XDP "guard: {allow: [bad]}\n", "guard.allow[0]: came \"bad\"" },
		{ XDP "lists:\n  - {name: bad}\n", "lists[0]: expected a file, or prefixes" },
		{ XDP LISTS "  - {name: bad, file: /b}\n", "lists[0] has it already" },
		{ XDP "lists:\n  - {name: bad, file: bad.list}\n", "lists[0].file" },
		{ XDP "lists:\n  - {name: bad, prefixes: [192.0.2.1/24]}\n",
		  "lists[0].prefixes[0]" },
		{ XDP "guard: {source: {prefix-ipv6: 65}}\n", "guard.source.prefix-ipv6" },
		{ XDP "guard: {source: {packets: 0}}\n", "guard.source.packets" },
		{ XDP "guard: {source: {burst: 5ms}}\n", "guard.source.burst" },
		{ XDP SERVED("limits: {source: {source: {}}}, "), "services[0].limits.source" },
		{ XDP "limits: {sources: 3000}\n", "limits.sources: came 3000" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct error err = { 0 };

		assert_null(parse(cases[i][0], &err));
		if (!strstr(err.text, cases[i][1]))
			fail_msg("case %zu: \"%s\" lacks \"%s\"", i, err.text, cases[i][1]);
	}
}

static void more_lists_than_there_are_bits_are_refused(void **state)
{
	char text[4096] = XDP "lists:\n";
	struct error err = { 0 };

	(void)state;
	for (int i = 0; i <= LBD_LISTS_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "  - {name: l%d, prefixes: [192.0.2.0/24]}\n", i);
	assert_null(parse(text, &err));
	assert_non_null(strstr(err.text, "came 25 lists, expected at most 24"));
}

/* Read the file of @text, with @mode, as the only list. */
static int read_list(const char *text, size_t size, mode_t mode, struct guard **ret,
		     struct error *err)
{
	char path[] = "/tmp/test_guard.XXXXXX", config_text[256];
	int fd = mkstemp(path), rc;
	struct config *config;

	assert_int_equal(write(fd, text, size), size);
	fchmod(fd, mode);
	close(fd);
	snprintf(config_text, sizeof(config_text),
		 XDP "limits: {prefixes: 16}\nlists: [{name: bad, file: %s}]\n", path);
	config = parse_good(config_text);
	rc = guard_read(config, ret, err);
	config_free(config);
	unlink(path);
	return rc;
}

static uint32_t find(const struct guard *guard, const char *text)
{
	struct lbd_addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return tree_find(guard->entries, &addr);
}

static void a_list_file_has_prefixes_addresses_and_comments(void **state)
{
	static const char text[] = "# all of them\n\n192.0.2.0/24\t# office\r\n  198.51.100.7\n"
				   "2001:db8::/32#home\n2001:db9::1";
	struct guard *guard = NULL;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(read_list(text, sizeof(text) - 1, 0640, &guard, &err), 0);
	assert_int_equal(guard->lists[0].ipv4, 2);
	assert_int_equal(guard->lists[0].ipv6, 2);
	assert_int_equal(find(guard, "192.0.2.255"), 1);
	assert_int_equal(find(guard, "192.0.3.0"), 0);
	assert_int_equal(find(guard, "198.51.100.7"), 1);
	assert_int_equal(find(guard, "198.51.100.8"), 0);
	assert_int_equal(find(guard, "2001:db8:ffff::"), 1);
	assert_int_equal(find(guard, "2001:db9::1"), 1);
	assert_int_equal(find(guard, "2001:db9::2"), 0);
	guard_release(guard);
}

static void a_faulty_list_file_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		mode_t mode;
		int rc;
		const char *says;
	} cases[] = {
		{ "192.0.2.0/24\n192.0.2.1/24\n", 26, 0600, -EINVAL, ":2: came \"192.0.2.1/24\"" },
		{ "192.0.2.0/33\n", 13, 0600, -EINVAL, ":1: came \"192.0.2.0/33\"" },
		{ "192.0.2.1 192.0.2.2\n", 20, 0600, -EINVAL, ":1: came \"192.0.2.1 192.0.2.2\"" },
		{ "\nhost.example\n", 14, 0600, -EINVAL, ":2: came \"host.example\"" },
		{ "192.0.2.1\n\0\n", 12, 0600, -EINVAL, ":2: a NUL byte" },
		{ "192.0.2.1\n", 10, 0602, -EPERM, "anybody may write to it" },
		{ "1.0.0.1\n1.0.0.2\n1.0.0.3\n1.0.0.4\n1.0.0.5\n1.0.0.6\n1.0.0.7\n1.0.0.8\n"
		  "1.0.0.9\n1.0.1.0\n1.0.1.1\n1.0.1.2\n1.0.1.3\n1.0.1.4\n1.0.1.5\n1.0.1.6\n1.0.1."
		  "7\n",
		  136, 0600, -ENOSPC, ":17: more prefixes than limits.prefixes has room for, 16" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct guard *guard = NULL;
		struct error err = { 0 };

		assert_int_equal(
			read_list(cases[i].text, cases[i].size, cases[i].mode, &guard, &err),
			cases[i].rc);
		if (!strstr(err.text, cases[i].says))
			fail_msg("case %zu: \"%s\" lacks \"%s\"", i, err.text, cases[i].says);
	}
}

static void a_missing_list_file_is_refused(void **state)
{
	struct config *config = parse_good(
		XDP "lists: [{name: bad, file: /no/such/list}, {name: dir, file: /tmp}]\n");
	struct guard *guard = NULL;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(guard_read(config, &guard, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/no/such/list"));
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_and_limits_are_read_and_written),
		cmocka_unit_test(faults_name_their_line_and_key),
		cmocka_unit_test(more_lists_than_there_are_bits_are_refused),
		cmocka_unit_test(a_list_file_has_prefixes_addresses_and_comments),
		cmocka_unit_test(a_faulty_list_file_is_refused_with_its_line),
		cmocka_unit_test(a_missing_list_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
