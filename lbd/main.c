// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/log.h"
#include "base/monotonic.h"
#include "config/keys.h"
#include "config/value.h"
#include "lbd.h"

#define MAIN_CONFIG "/etc/lbd/lbd.yaml"
#define MAIN_OBJECTS LBD_PREFIX "/lib/lbd"

enum main_exit { MAIN_OK = 0, MAIN_FAILED = 1, MAIN_USAGE = 2 };

struct main_options {
	const char *config;
	const char *objects;
	const char *state;    /* NULL: where systemd says, else the run directory */
	const char *instance; /* of --detach; NULL: as the config says */
	bool strict;
	bool detach;
	bool takeover;
	bool debug;
};

static const struct main_option {
	struct option option;
	const char *argument;
	const char *help;
} main_table[] = {
	{ { "config", required_argument, NULL, 'c' },
	  " FILE",
	  "configuration (default " MAIN_CONFIG ")" },
	{ { "objects", required_argument, NULL, 'o' },
	  " DIR",
	  "BPF objects (default " MAIN_OBJECTS ")" },
	{ { "state", required_argument, NULL, 's' },
	  " DIR",
	  "history of configs (default $STATE_DIRECTORY, else /run/lbd)" },
	{ { "strict", no_argument, NULL, 'S' },
	  "",
	  "don't start with the last good config if the file is broken" },
	{ { "detach", no_argument, NULL, 'D' }, "", "remove program, maps and pins, and exit" },
	{ { "instance", required_argument, NULL, 'i' },
	  " NAME",
	  "with --detach: which instance, when no config tells" },
	{ { "takeover", no_argument, NULL, 't' },
	  "",
	  "take over from the lbd that runs, if one does" },
	{ { "debug", no_argument, NULL, 'd' }, "", "log more" },
	{ { "version", no_argument, NULL, 'V' }, "", "print the version and exit" },
	{ { "help", no_argument, NULL, 'h' }, "", "print this and exit" },
};

#define MAIN_OPTIONS (sizeof(main_table) / sizeof(*main_table))

static int main_usage(FILE *out)
{
	fputs("Usage: lbd [OPTION]...\n"
	      "The daemon of the lbd load balancer: keeps the packet path in the kernel\n"
	      "configured, checked and replicated. Stopping it leaves the packet path running.\n\n",
	      out);
	for (size_t i = 0; i < MAIN_OPTIONS; i++) {
		char left[40];

		snprintf(left, sizeof(left), "--%s%s", main_table[i].option.name,
			 main_table[i].argument);
		fprintf(out, "  -%c, %-18s %s\n", main_table[i].option.val, left,
			main_table[i].help);
	}
	fputs("\nSignals: HUP reloads the configuration; TERM and INT stop the daemon, not the\n"
	      "packet path. Exit status: 0 stopped or done, 1 failed, 2 wrong usage.\n"
	      "See lbd(8), lbd.yaml(5), lbctl(1).\n",
	      out);
	return out == stdout ? MAIN_OK : MAIN_USAGE;
}

/* Returns -1 to go on, or the exit status. */
static int main_option(int letter, struct main_options *options)
{
	switch (letter) {
	case 'c':
		options->config = optarg;
		return -1;
	case 'o':
		options->objects = optarg;
		return -1;
	case 's':
		options->state = optarg;
		return -1;
	case 'S':
		options->strict = true;
		return -1;
	case 'i':
		options->instance = optarg;
		return -1;
	case 'D':
		options->detach = true;
		return -1;
	case 't':
		options->takeover = true;
		return -1;
	case 'd':
		options->debug = true;
		return -1;
	case 'V':
		puts("lbd " LBD_VERSION);
		return MAIN_OK;
	case 'h':
		return main_usage(stdout);
	default:
		return main_usage(stderr);
	}
}

static int main_parse(int argc, char **argv, struct main_options *options)
{
	struct option longs[MAIN_OPTIONS + 1] = { 0 };
	int letter, status = -1;

	for (size_t i = 0; i < MAIN_OPTIONS; i++)
		longs[i] = main_table[i].option;
	while (status < 0 &&
	       (letter = getopt_long(argc, argv, "c:o:s:i:SDdVht", longs, NULL)) != -1)
		status = main_option(letter, options);
	if (status < 0 && optind < argc) {
		fprintf(stderr, "lbd: unexpected argument \"%s\"\n", argv[optind]);
		status = main_usage(stderr);
	}
	return status;
}

/* The instance becomes part of paths, below which things are removed. */
static bool main_is_instance(const char *name)
{
	const struct key *key = keys_find(keys_top, "instance");

	return value_valid(key, key->kind, name);
}

static int main_find_instance(struct lbd *lbd, const struct main_options *options,
			      struct error *err)
{
	struct config *config;
	int rc;

	if (options->instance && !main_is_instance(options->instance))
		return error_set(err, -EINVAL, "\"%s\" can't be the name of an instance",
				 options->instance);
	if (options->instance) {
		lbd_set_instance(lbd, options->instance);
		return 0;
	}
	rc = config_load(options->config, &config, err);
	if (rc) {
		error_hint(err, "lbd --detach --instance NAME needs no config");
		return rc;
	}
	lbd_set_instance(lbd, config->instance);
	config_free(config);
	return 0;
}

static int main_detach(struct lbd *lbd, const struct main_options *options, struct error *err)
{
	uint32_t interfaces = 0;
	int rc;

	rc = main_find_instance(lbd, options, err);
	if (!rc)
		rc = lbd_lock(lbd, err);
	if (rc)
		return rc;
	rc = dataplane_remove(lbd->pin_dir, &interfaces, err);
	if (rc && rc != -ENOENT)
		return rc;
	lbd_forget(lbd);
	if (rc)
		printf("nothing is pinned in %s\n", lbd->pin_dir);
	else
		printf("removed the program from %u interface%s, and the maps in %s\n", interfaces,
		       interfaces == 1 ? "" : "s", lbd->pin_dir);
	return 0;
}

static int main_run(struct lbd *lbd, const struct main_options *options, struct error *err)
{
	int rc;

	snprintf(lbd->object, sizeof(lbd->object), "%s/lb.bpf.o", options->objects);
	snprintf(lbd->root_object, sizeof(lbd->root_object), "%s/root.bpf.o", options->objects);
	snprintf(lbd->split_object, sizeof(lbd->split_object), "%s/split.bpf.o", options->objects);
	rc = lbd_start(lbd, err);
	if (rc)
		return rc;
	log_info("lbd " LBD_VERSION " runs as instance %s, %u services", lbd->config->instance,
		 lbd->config->services_count);
	if (!lbd->ready_later)
		sd_notify(0, "READY=1");
	event_base_dispatch(lbd->base);
	if (!lbd->handed_on)
		sd_notify(0, "STOPPING=1");
	return 0;
}

/* systemd joins several by colons; the first is ours. */
static void main_set_state(struct lbd *lbd, const char *dir)
{
	if (dir && *dir == '/')
		snprintf(lbd->state_dir, sizeof(lbd->state_dir), "%.*s", (int)strcspn(dir, ":"),
			 dir);
}

/*
 * Where this program was started from. /proc/self/exe would name a file that is
 * gone once a package has put another in its place.
 */
static void main_set_program(struct lbd *lbd, char **argv)
{
	char directory[128] = "";
	ssize_t length;

	lbd->argv = argv;
	if (*argv[0] == '/' || (strchr(argv[0], '/') && getcwd(directory, sizeof(directory)))) {
		snprintf(lbd->program, sizeof(lbd->program), "%s%s%.120s", directory,
			 *directory ? "/" : "", argv[0]);
		return;
	}
	length = readlink("/proc/self/exe", lbd->program, sizeof(lbd->program) - 1);
	lbd->program[length > 0 ? length : 0] = '\0';
}

int main(int argc, char **argv)
{
	struct main_options options = { .config = MAIN_CONFIG, .objects = MAIN_OBJECTS };
	struct lbd lbd = { .lock = -1 };
	struct error err = { 0 };
	int status, rc;

	status = main_parse(argc, argv, &options);
	if (status >= 0)
		return status;
	log_set_debug(options.debug);
	lbd.config_path = options.config;
	lbd.strict = options.strict;
	lbd.takes_over = options.takeover;
	main_set_program(&lbd, argv);
	main_set_state(&lbd, options.state ? options.state : getenv("STATE_DIRECTORY"));
	lbd.started_ms = monotonic_ms();
	rc = options.detach ? main_detach(&lbd, &options, &err) : main_run(&lbd, &options, &err);
	if (rc)
		log_report(options.detach ? "detach" : "start", &err);
	lbd_stop(&lbd);
	return rc ? MAIN_FAILED : MAIN_OK;
}
