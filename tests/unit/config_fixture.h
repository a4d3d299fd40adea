/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configs in a few words, parsed and loaded. */
#ifndef TESTS_UNIT_CONFIG_FIXTURE_H
#define TESTS_UNIT_CONFIG_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"

#define EXAMPLE "conf/pair.yaml"

#define XDP "xdp: {interfaces: [eth0]}\n"
#define KEY_A "\"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\""
#define KEY_B "\"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID\""
#define SERVICE(name, vip, rest) "  - {name: " name ", vip: " vip ", " rest "}\n"
#define BACKENDS "backends: [{address: 192.0.2.101}]"

static inline struct config *parse(const char *text, struct error *err)
{
	struct config *config = NULL;
	int rc = config_parse(text, strlen(text), "t.yaml", &config, err);

	assert_true(rc == 0 || rc == -EINVAL);
	assert_int_equal(rc == 0, config != NULL);
	return config;
}

static inline struct config *parse_good(const char *text)
{
	struct error err = { 0 };
	struct config *config = parse(text, &err);

	assert_string_equal(err.text, "");
	return config;
}

static inline struct config *load_good(const char *path)
{
	struct config *config = NULL;
	struct error err = { 0 };

	config_load(path, &config, &err);
	assert_string_equal(err.text, "");
	assert_non_null(config);
	return config;
}

#endif
