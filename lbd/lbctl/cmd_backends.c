// SPDX-License-Identifier: GPL-2.0-or-later
#include "lbctl/commands.h"
#include "lbctl/show.h"

static int backends_run(const struct invocation *invocation)
{
	const struct client_parameter query[] = {
		{ "service", invocation->argc ? invocation->argv[0] : NULL },
		{ 0 },
	};
	const struct client_request request = { .endpoint = API_get_backends, .query = query };

	return show_answer(invocation, &request, show_backends);
}

static const struct command_example backends_examples[] = {
	{ "backends", "the backends of all services" },
	{ "backends web", "those of service web" },
	{ 0 },
};

const struct command cmd_backends = {
	.name = "backends",
	.arguments = "[SERVICE]",
	.summary = "list the backends with state, health check and next hop",
	.details = "States: up takes new connections; draining and down keep the ones they have; a "
		   "gone one was removed from the config, but connections still use it. Server ids "
		   "are what QUIC connection ids call a backend.",
	.max = 1,
	.examples = backends_examples,
	.run = backends_run,
};
