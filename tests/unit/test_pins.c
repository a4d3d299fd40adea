// SPDX-License-Identifier: GPL-2.0-or-later
/* Every file below a pin directory is told, and whether anything uses it. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <bpf/bpf.h>

#include "dataplane/next.h"
#include "dataplane/pins.h"

#define PINS "/sys/fs/bpf/pins"

static const char yaml[] =
	"xdp: {interfaces: [lo]}\n"
	"limits: {services: 8, backends: 16, connections-ipv4: 16384, connections-ipv6: 16384,"
	" maglev: 251}\n"
	"services:\n"
	"- {name: a, vip: 192.0.2.1, port: 80, health: {check: none},"
	" backends: [{address: 198.51.100.1}]}\n";

static struct config *config;
static struct model *model;
static struct dataplane *set;

static struct dataplane_pin *pins;
static uint32_t count;

static void look(void)
{
	free(pins);
	assert_int_equal(dataplane_pins(set, &pins, &count), 0);
}

static const struct dataplane_pin *find(const char *path)
{
	for (uint32_t i = 0; i < count; i++)
		if (!strcmp(pins[i].path, path))
			return &pins[i];
	fail_msg("%s isn't listed", path);
	return NULL;
}

static uint32_t unused(void)
{
	uint32_t unused = 0;

	for (uint32_t i = 0; i < count; i++)
		unused += !dataplane_pin_used(&pins[i]);
	return unused;
}

static int array(const char *name)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, 4, 8, 1, NULL);

	assert_true(fd >= 0);
	return fd;
}

static void pin(int fd, const char *path)
{
	unlink(path);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
}

static void every_map_of_the_set_is_in_use(void **state)
{
	(void)state;
	look();
	assert_true(count > 25);
	assert_int_equal(unused(), 0);
	assert_int_equal(find("lbd_control")->kind, DATAPLANE_PIN_MAP);
	assert_non_null(strstr(find("lbd_control")->what, "array map, 1 entries"));
}

static void what_lbd_never_pins_is_told(void **state)
{
	int fd = array("stranger");

	(void)state;
	pin(fd, PINS "/stranger");
	assert_int_equal(mkdir(PINS "/folder", 0700), 0);
	pin(fd, PINS "/folder/stranger");
	assert_int_equal(mkdir(PINS "/empty", 0700), 0);
	look();
	assert_int_equal(unused(), 3);
	assert_int_equal(find("stranger")->use, DATAPLANE_PIN_STRANGE);
	assert_int_equal(find("folder/stranger")->use, DATAPLANE_PIN_STRANGE);
	assert_int_equal(find("empty")->kind, DATAPLANE_PIN_DIRECTORY);
	unlink(PINS "/stranger");
	unlink(PINS "/folder/stranger");
	rmdir(PINS "/folder");
	rmdir(PINS "/empty");
	close(fd);
	look();
	assert_int_equal(unused(), 0);
}

static void another_map_under_a_name_of_ours_is_told(void **state)
{
	int fd = array("lbd_wanted"), own = bpf_obj_get(PINS "/lbd_wanted");

	(void)state;
	assert_true(own >= 0);
	pin(fd, PINS "/lbd_wanted");
	look();
	assert_int_equal(find("lbd_wanted")->use, DATAPLANE_PIN_REPLACED);
	assert_int_equal(unused(), 1);
	pin(own, PINS "/lbd_wanted");
	close(own);
	close(fd);
	look();
	assert_int_equal(unused(), 0);
}

static void a_packet_path_over_other_maps_is_told(void **state)
{
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
	const struct dataplane_options options = { .limits = model->limits };
	struct dataplane *other = NULL;
	struct error err = { 0 };
	char object[256];
	int fd = -1;

	(void)state;
	snprintf(object, sizeof(object), "%s/bpf/lb.bpf.o", build);
	if (dataplane_open(&options, &other, &err) ||
	    dataplane_load(other, object, model, LBD_FEATURE_IPV4 | LBD_FEATURE_DSR, &fd, &err) ||
	    dataplane_swap(set, fd, &err))
		fail_msg("%s", err.text);
	look();
	assert_int_equal(find("lbd_control")->use, DATAPLANE_PIN_BYPASSED);
	close(fd);
	if (dataplane_load(set, object, model, LBD_FEATURE_IPV4 | LBD_FEATURE_DSR, &fd, &err) ||
	    dataplane_swap(set, fd, &err) || dataplane_swap(set, fd, &err))
		fail_msg("%s", err.text);
	close(fd);
	dataplane_close(other);
	look();
	assert_int_equal(unused(), 0);
}

static void a_next_set_is_in_use_while_somebody_fills_it(void **state)
{
	struct lbd_limits limits = model->limits;
	struct error err = { 0 };
	struct next *next;
	int fd = array("lbd_control");

	(void)state;
	limits.conn4_buckets *= 2;
	if (next_open(set, &limits, false, &next, &err))
		fail_msg("%s", err.text);
	look();
	assert_int_equal(find("next/lbd_conn4")->use, DATAPLANE_PIN_MIGRATES);
	assert_int_equal(find("lbd_conn4")->use, DATAPLANE_PIN_MIGRATES);
	assert_int_equal(unused(), 0);
	next_close(next);
	look();
	assert_int_equal(unused(), 0);

	/* As a kill leaves it. */
	assert_int_equal(mkdir(PINS "/next", 0700), 0);
	pin(fd, PINS "/next/lbd_control");
	close(fd);
	look();
	assert_int_equal(find("next/lbd_control")->use, DATAPLANE_PIN_LEFT);
	assert_int_equal(find("lbd_conn4")->use, DATAPLANE_PIN_SERVES);
	assert_int_equal(unused(), 1);
	dataplane_close(set);
	set = NULL;
}

static void open_set(void)
{
	const struct dataplane_options options = { .pin_dir = PINS, .limits = model->limits };
	struct error err = { 0 };

	if (dataplane_open(&options, &set, &err))
		fail_msg("%s", err.text);
}

static void the_next_start_removes_what_was_left(void **state)
{
	(void)state;
	open_set();
	look();
	assert_int_equal(unused(), 0);
}

static int setup(void **state)
{
	struct error err = { 0 };

	(void)state;
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL))
		return -1;
	if (config_parse(yaml, strlen(yaml), "test", &config, &err) ||
	    model_build(config, NULL, NULL, NULL, &model, &err))
		fail_msg("%s", err.text);
	open_set();
	if (dataplane_commit(set, model, &err))
		fail_msg("%s", err.text);
	return 0;
}

static int teardown(void **state)
{
	uint32_t interfaces;
	struct error err;

	(void)state;
	free(pins);
	dataplane_close(set);
	model_free(model);
	config_free(config);
	return dataplane_remove(PINS, &interfaces, &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_map_of_the_set_is_in_use),
		cmocka_unit_test(what_lbd_never_pins_is_told),
		cmocka_unit_test(another_map_under_a_name_of_ours_is_told),
		cmocka_unit_test(a_packet_path_over_other_maps_is_told),
		cmocka_unit_test(a_next_set_is_in_use_while_somebody_fills_it),
		cmocka_unit_test(the_next_start_removes_what_was_left),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
