// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The client. It reads commands from standard input, a line each:
 *
 *   mark NAME   print one line of JSON: the figures since the last mark
 *   quit        exit (so does end of file)
 */
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/monotonic.h"
#include "tests/tools/talk/talk.h"
#include "tests/tools/talk/tcp.h"
#include "tests/tools/talk/udp.h"

#define CLIENT_TARGETS_MAX 16
#define CLIENT_SETTLE_MS 300 /* how long an answer may be on its way after a mark, by default */

struct client {
	struct event_base *base;
	struct tcp *tcp;
	struct udp *udp;
	uint64_t marked_ns;
	uint32_t settle_ms;
	char line[128];
	size_t line_length;
};

/* A mark whose last answers may still come. */
struct client_mark {
	struct client *client;
	char name[64];
	double seconds;
	uint32_t window;
	json_t *tcp;
};

struct client_options {
	struct addr_endpoint tcp_targets[CLIENT_TARGETS_MAX], udp_targets[CLIENT_TARGETS_MAX];
	struct tcp_options tcp;
	struct udp_options udp;
	uint32_t settle_ms;
};

static void client_print_mark(evutil_socket_t fd, short what, void *context)
{
	struct client_mark *mark = context;
	json_t *json =
		json_pack("{ss sf so so so}", "mark", mark->name, "seconds", mark->seconds, "tcp",
			  mark->tcp, "udp", udp_report(mark->client->udp, mark->window), "servers",
			  tcp_servers(mark->client->tcp));

	(void)fd;
	(void)what;
	json_dumpf(json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	putchar('\n');
	fflush(stdout);
	json_decref(json);
	free(mark);
}

static void client_mark(struct client *client, const char *name)
{
	struct timeval settle = { client->settle_ms / 1000, client->settle_ms % 1000 * 1000 };
	struct client_mark *mark = calloc(1, sizeof(*mark));
	uint64_t now_ns = monotonic_ns();

	if (!mark)
		abort();
	mark->client = client;
	snprintf(mark->name, sizeof(mark->name), "%s", name);
	mark->seconds = (double)(now_ns - client->marked_ns) / 1e9;
	client->marked_ns = now_ns;
	mark->window = udp_mark(client->udp);
	mark->tcp = tcp_report(client->tcp);
	event_base_once(client->base, -1, EV_TIMEOUT, client_print_mark, mark, &settle);
}

static void client_command(struct client *client, const char *line)
{
	if (!strncmp(line, "mark ", 5))
		client_mark(client, line + 5);
	else if (!strcmp(line, "quit"))
		event_base_loopbreak(client->base);
	else
		fprintf(stderr, "talk: \"%s\", expected \"mark NAME\" or \"quit\"\n", line);
}

static void client_character(struct client *client, char c)
{
	if (c != '\n') {
		if (client->line_length + 1 < sizeof(client->line))
			client->line[client->line_length++] = c;
		return;
	}
	client->line[client->line_length] = '\0';
	client->line_length = 0;
	client_command(client, client->line);
}

static void client_input(evutil_socket_t fd, short what, void *context)
{
	struct client *client = context;
	char buffer[256];
	ssize_t size = read(fd, buffer, sizeof(buffer));

	(void)what;
	if (size <= 0)
		event_base_loopbreak(client->base);
	for (ssize_t i = 0; i < size; i++)
		client_character(client, buffer[i]);
}

static void client_tick(evutil_socket_t fd, short what, void *context)
{
	struct client *client = context;
	uint64_t now_ns = monotonic_ns();

	(void)fd;
	(void)what;
	tcp_tick(client->tcp, now_ns);
	udp_tick(client->udp, now_ns);
}

static void client_add_target(const char *option, const char *text, struct addr_endpoint *targets,
			      uint32_t *count)
{
	if (*count < CLIENT_TARGETS_MAX && !addr_parse_endpoint(text, &targets[*count])) {
		++*count;
		return;
	}
	fprintf(stderr, "talk: --%s: \"%s\", expected ADDRESS:PORT, at most %d of them\n", option,
		text, CLIENT_TARGETS_MAX);
	exit(2);
}

/* Options that take a number: where it goes. */
struct client_number {
	const char *name;
	uint32_t max;
	uint32_t *place;
};

static int client_set(const struct client_number *numbers, const char *name, const char *text)
{
	for (; numbers->name; numbers++) {
		if (strcmp(numbers->name, name) != 0)
			continue;
		*numbers->place = talk_number(name, text, numbers->max);
		return 0;
	}
	return 2;
}

static int client_parse(int argc, char **argv, struct client_options *options)
{
	static const struct option known[] = {
		{ "tcp", required_argument, NULL, 't' },
		{ "udp", required_argument, NULL, 'u' },
		{ "connections", required_argument, NULL, 0 },
		{ "pace", required_argument, NULL, 0 },
		{ "interval-ms", required_argument, NULL, 0 },
		{ "timeout-ms", required_argument, NULL, 0 },
		{ "size", required_argument, NULL, 0 },
		{ "flows", required_argument, NULL, 0 },
		{ "rate", required_argument, NULL, 0 },
		{ "settle-ms", required_argument, NULL, 0 },
		{ 0 },
	};
	struct client_number numbers[] = {
		{ "connections", 19000, &options->tcp.connections },
		{ "pace", 1000000, &options->tcp.pace },
		{ "interval-ms", 60000, &options->tcp.interval_ms },
		{ "timeout-ms", 600000, &options->tcp.timeout_ms },
		{ "size", TALK_SIZE_MAX, &options->tcp.size },
		{ "flows", 1000, &options->udp.flows },
		{ "rate", 1000000, &options->udp.rate },
		{ "settle-ms", 5000, &options->settle_ms },
		{ 0 },
	};
	int option, index, err = 0;

	while (!err && (option = getopt_long(argc, argv, "", known, &index)) != -1) {
		if (option == 't')
			client_add_target("tcp", optarg, options->tcp_targets,
					  &options->tcp.targets_count);
		else if (option == 'u')
			client_add_target("udp", optarg, options->udp_targets,
					  &options->udp.targets_count);
		else
			err = option ? 2 : client_set(numbers, known[index].name, optarg);
	}
	return err;
}

static void client_settle_options(struct client_options *options)
{
	if (!options->tcp.targets_count)
		options->tcp.connections = 0;
	if (options->tcp.size < sizeof(struct talk_record))
		options->tcp.size = sizeof(struct talk_record);
	options->udp.size = options->tcp.size;
	options->tcp.targets = options->tcp_targets;
	options->udp.targets = options->udp_targets;
}

static struct event_base *client_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

static int client_run(const struct client_options *options)
{
	struct client client = { .base = client_base(),
				 .marked_ns = monotonic_ns(),
				 .settle_ms = options->settle_ms };
	struct timeval millisecond = { .tv_usec = 1000 };
	struct event *tick = event_new(client.base, -1, EV_PERSIST, client_tick, &client);
	struct event *input =
		event_new(client.base, STDIN_FILENO, EV_READ | EV_PERSIST, client_input, &client);
	int err = udp_new(client.base, &options->udp, &client.udp);

	client.tcp = tcp_new(client.base, &options->tcp);
	if (err || !client.tcp || event_add(tick, &millisecond)) {
		fprintf(stderr, "talk: cannot start: %s\n", strerror(-err));
		return 1;
	}
	if (event_add(input, NULL)) {
		/* epoll takes pipes and terminals, not plain files */
		fputs("talk: standard input must be a pipe or a terminal\n", stderr);
		return 1;
	}
	return event_base_dispatch(client.base) ? 1 : 0;
}

int client_main(int argc, char **argv)
{
	struct client_options options = {
		.tcp = { .connections = 100, .pace = 1000, .interval_ms = 150, .timeout_ms = 5000 },
		.udp = { .flows = 32, .rate = 1000 },
		.settle_ms = CLIENT_SETTLE_MS,
	};
	int err = client_parse(argc, argv, &options);

	if (err)
		return err;
	client_settle_options(&options);
	if (!options.tcp.targets_count && !options.udp.targets_count) {
		fputs("talk client: give it --tcp or --udp ADDRESS:PORT\n", stderr);
		return 2;
	}
	return client_run(&options);
}
