// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/sync_nodes.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/child.h"

#define PORT 7400
#define PATIENCE_MS 20000
#define HEADERS 66 /* Ethernet, IPv4, TCP with timestamps */

static const char *const sync_node_names[SYNC_NODES] = { "alpha", "beta" };
static const uint32_t sync_node_addresses[SYNC_NODES] = { 0xc00002fd,
							  0xc00002fe }; /* 192.0.2.253, .254 */

enum sync_command { SYNC_COMMAND_LINK, SYNC_COMMAND_START, SYNC_COMMAND_STOP, SYNC_COMMAND_STATUS };

struct sync_order {
	enum sync_command command;
	bool plaintext;
};

struct sync_answer {
	int rc;
	struct error err;
	struct sync_peer_status status;
};

static int sync_run(const char *command, struct error *err)
{
	return system(command) ? error_set(err, -EIO, "failed: %s", command) : 0;
}

/* --- either node, in its process */

/* As keepalived would tell them. */
static const enum sync_role sync_node_roles[SYNC_NODES] = { SYNC_ROLE_ACTIVE, SYNC_ROLE_STANDBY };

static int sync_node_start(const struct sync_nodes *nodes, enum sync_node node, struct sync **ret,
			   struct error *err)
{
	struct sync_config config = nodes->config[node];
	int rc;

	config.plaintext = nodes->plaintext;
	rc = sync_start(&config, nodes->tables[node], ret, err);
	if (!rc && sync_set_dictionary(*ret, nodes->model))
		rc = error_set(err, -ENOMEM, "no memory for a dictionary");
	if (!rc)
		sync_set_role(*ret, sync_node_roles[node]);
	return rc;
}

static int sync_node_status(struct sync *sync, struct sync_peer_status *ret, struct error *err)
{
	struct sync_peer_status *peers;
	uint32_t count;

	if (!sync || sync_peers(sync, &peers, &count) || count != 1)
		return error_set(err, -ENOENT, "a node that isn't started has no peer");
	*ret = peers[0];
	free(peers);
	return 0;
}

/* --- beta */

static void beta_obey(const struct sync_nodes *nodes, enum sync_command command, struct sync **sync,
		      struct sync_answer *ret)
{
	switch (command) {
	case SYNC_COMMAND_LINK:
		ret->rc = sync_run("ip link set lo up && ip link set s1 up && "
				   "ip address add 192.0.2.254/30 dev s1",
				   &ret->err);
		break;
	case SYNC_COMMAND_START:
		ret->rc = sync_node_start(nodes, SYNC_BETA, sync, &ret->err);
		break;
	case SYNC_COMMAND_STOP:
		sync_stop(*sync);
		*sync = NULL;
		break;
	case SYNC_COMMAND_STATUS:
		ret->rc = sync_node_status(*sync, &ret->status, &ret->err);
		break;
	}
}

static void beta_run(struct sync_nodes *nodes, int channel)
{
	struct sync *sync = NULL;
	struct sync_order order;

	if (unshare(CLONE_NEWNET))
		_exit(1);
	do {
		struct sync_answer answer = { 0 };

		if (read(channel, &order, sizeof(order)) != sizeof(order))
			break;
		nodes->plaintext = order.plaintext;
		beta_obey(nodes, order.command, &sync, &answer);
		if (write(channel, &answer, sizeof(answer)) != sizeof(answer))
			break;
	} while (true);
	_exit(0);
}

static int beta_ask(const struct sync_nodes *nodes, enum sync_command command,
		    struct sync_answer *ret, struct error *err)
{
	const struct sync_order order = { command, nodes->plaintext };

	if (write(nodes->channel, &order, sizeof(order)) != sizeof(order) ||
	    read(nodes->channel, ret, sizeof(*ret)) != sizeof(*ret))
		return error_set(err, -EPIPE, "the other node's process is gone");
	*err = ret->rc ? ret->err : *err;
	return ret->rc;
}

static int beta_fork(struct sync_nodes *nodes, struct error *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return error_errno(err, -errno, "a socket pair");
	nodes->beta = child_fork();
	if (nodes->beta == 0) {
		close(pair[0]);
		beta_run(nodes, pair[1]);
	}
	close(pair[1]);
	nodes->channel = pair[0];
	return nodes->beta < 0 ? error_errno(err, nodes->beta, "fork") : 0;
}

/* --- set-up */

static void sync_configure(struct sync_nodes *nodes, enum sync_node node)
{
	const enum sync_node other = node == SYNC_ALPHA ? SYNC_BETA : SYNC_ALPHA;
	struct sync_config *config = &nodes->config[node];
	struct sync_peer_config *peer = &nodes->peer[node];

	snprintf(config->node, sizeof(config->node), "%s", sync_node_names[node]);
	config->listen.addr = lbd_addr_from4(htonl(sync_node_addresses[node]));
	config->listen.port = htons(PORT);
	config->peers = peer;
	config->peers_count = 1;
	snprintf(peer->name, sizeof(peer->name), "%s", sync_node_names[other]);
	peer->address.addr = lbd_addr_from4(htonl(sync_node_addresses[other]));
	peer->address.port = htons(PORT);
	memcpy(peer->keys[0], nodes->config[other].own.public, Z85_KEY_SIZE);
	peer->keys_count = 1;
}

/* Which namespace beta is in is known once it has answered: it may try before it has its link. */
static int sync_join_namespaces(struct sync_nodes *nodes, struct error *err)
{
	struct sync_answer answer;
	char command[160];
	int rc;

	beta_ask(nodes, SYNC_COMMAND_STOP, &answer, err);
	snprintf(command, sizeof(command),
		 "ip link add s0 type veth peer name s1 netns %d && ip link set s0 up && "
		 "ip address add 192.0.2.253/30 dev s0",
		 (int)nodes->beta);
	rc = sync_run(command, err);
	return rc ? rc : beta_ask(nodes, SYNC_COMMAND_LINK, &answer, err);
}

int sync_nodes_open(struct sync_nodes *nodes, struct error *err)
{
	int rc = 0;

	nodes->channel = -1;
	for (int node = 0; node < SYNC_NODES && !rc; node++)
		rc = curve_generate(&nodes->config[node].own, err);
	if (rc)
		return rc;
	sync_configure(nodes, SYNC_ALPHA);
	sync_configure(nodes, SYNC_BETA);
	rc = beta_fork(nodes, err);
	return rc ? rc : sync_join_namespaces(nodes, err);
}

void sync_nodes_close(struct sync_nodes *nodes)
{
	sync_stop(nodes->alpha);
	if (nodes->channel >= 0)
		close(nodes->channel);
	child_end(nodes->beta);
}

/* --- both */

int sync_nodes_start(struct sync_nodes *nodes, enum sync_node node, struct error *err)
{
	struct sync_answer answer;

	if (node == SYNC_BETA)
		return beta_ask(nodes, SYNC_COMMAND_START, &answer, err);
	return sync_node_start(nodes, node, &nodes->alpha, err);
}

int sync_nodes_stop(struct sync_nodes *nodes, enum sync_node node, struct error *err)
{
	struct sync_answer answer;

	if (node == SYNC_BETA)
		return beta_ask(nodes, SYNC_COMMAND_STOP, &answer, err);
	sync_stop(nodes->alpha);
	nodes->alpha = NULL;
	return 0;
}

int sync_nodes_status(struct sync_nodes *nodes, enum sync_node node, struct sync_peer_status *ret,
		      struct error *err)
{
	struct sync_answer answer;
	int rc;

	if (node == SYNC_ALPHA)
		return sync_node_status(nodes->alpha, ret, err);
	rc = beta_ask(nodes, SYNC_COMMAND_STATUS, &answer, err);
	*ret = answer.status;
	return rc;
}

static int sync_wait_node(struct sync_nodes *nodes, enum sync_node node, struct error *err)
{
	struct sync_peer_status status;

	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		int rc = sync_nodes_status(nodes, node, &status, err);

		if (rc || (status.received_all && status.state == SYNC_STATE_LIVE))
			return rc;
		usleep(1000);
	}
	return error_set(err, -ETIMEDOUT, "the nodes don't come together within %d ms",
			 PATIENCE_MS);
}

int sync_nodes_join(struct sync_nodes *nodes, struct error *err)
{
	int rc = 0;

	for (int node = SYNC_BETA; node >= SYNC_ALPHA && !rc; node--)
		rc = sync_nodes_start(nodes, node, err);
	for (int node = 0; node < SYNC_NODES && !rc; node++)
		rc = sync_wait_node(nodes, node, err);
	return rc;
}

int sync_nodes_part(struct sync_nodes *nodes, struct error *err)
{
	int rc = sync_nodes_stop(nodes, SYNC_ALPHA, err);

	return rc ? rc : sync_nodes_stop(nodes, SYNC_BETA, err);
}

/* --- what it costs */

/* The second line that begins with @name in a file of /proc/net, or the first if @first. */
static bool sync_read_line(const char *path, const char *name, bool first, char line[512])
{
	FILE *file = fopen(path, "re");
	bool found = false;
	char *at;

	if (!file)
		return false;
	while (!found && fgets(line, 512, file)) {
		at = line + strspn(line, " ");
		if (strncmp(at, name, strlen(name)))
			continue;
		found = first;
		first = true;
	}
	fclose(file);
	return found;
}

/* A frame that TCP leaves the device to divide counts as one there: its other headers are added. */
uint64_t sync_nodes_bytes(void)
{
	unsigned long long received, sent, packets, segments = 0;
	char line[512];

	if (!sync_read_line("/proc/self/net/dev", "s0:", true, line) ||
	    sscanf(strchr(line, ':') + 1, "%llu %*u %*u %*u %*u %*u %*u %*u %llu %llu", &received,
		   &sent, &packets) != 3)
		return 0;
	if (!sync_read_line("/proc/self/net/snmp", "Tcp:", false, line) ||
	    sscanf(line, "Tcp: %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %llu", &segments) != 1)
		return 0;
	return received + sent + (segments > packets ? segments - packets : 0) * HEADERS;
}

static double sync_read_task(const char *task, bool *ret_sync)
{
	char path[64], text[64] = "";
	double ns = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%.16s/comm", task);
	file = fopen(path, "re");
	*ret_sync = file && fgets(text, sizeof(text), file) && !strcmp(text, "lbd-sync\n");
	if (file)
		fclose(file);
	snprintf(path, sizeof(path), "/proc/self/task/%.16s/schedstat", task);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%lf", &ns) != 1 || !strncmp(text, "bench", 5))
		ns = 0;
	if (file)
		fclose(file);
	return ns;
}

void sync_nodes_cpu(struct sync_cpu *ret)
{
	DIR *directory = opendir("/proc/self/task");
	struct dirent *task;

	*ret = (struct sync_cpu){ 0 };
	while (directory && (task = readdir(directory))) {
		bool sync;
		double ns = task->d_name[0] == '.' ? 0 : sync_read_task(task->d_name, &sync);

		ret->all += ns;
		ret->thread += ns > 0 && sync ? ns : 0;
	}
	if (directory)
		closedir(directory);
}
