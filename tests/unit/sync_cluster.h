/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A cluster of sync instances in one process, over loopback, each with its own tables and ids. */
#ifndef TESTS_UNIT_SYNC_CLUSTER_H
#define TESTS_UNIT_SYNC_CLUSTER_H

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sync/sync.h"
#include "sync_fixture.h"

#ifndef BUCKETS
#define BUCKETS 4096
#endif
#define NODES 3
#define PATIENCE_MS 10000

/*
 * Ids differ between nodes on purpose: node n has the web service at id 1 + n,
 * its backends at 10 * (n + 1) and the next one, the DNS service at 8 + n.
 */
struct node {
	const char *name;
	uint16_t web, dns, backend;
	struct addr_endpoint listen;
	struct curve_pair pair;
	struct tables tables;
	struct fixture_model model;
	struct sync_peer_config peers[NODES];
	struct sync_config config;
	struct sync *sync;
};

struct cluster {
	struct node nodes[NODES];
	uint32_t count;
};

static const char *const node_names[NODES] = { "alpha", "beta", "gamma" };

/* A port that was free a moment ago. */
static inline __be16 free_port(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &size), 0);
	close(fd);
	return addr.sin_port;
}

static inline void node_model(struct node *node)
{
	fixture_model(&node->model);
	fixture_service(&node->model, node->web, "192.0.2.80", 80, IPPROTO_TCP);
	fixture_backend(&node->model, node->backend, node->web, "203.0.113.1");
	fixture_backend(&node->model, (uint16_t)(node->backend + 1), node->web, "203.0.113.2");
	fixture_service(&node->model, node->dns, "2001:db8::53", 0, IPPROTO_UDP);
	fixture_backend(&node->model, (uint16_t)(node->backend + 2), node->dns, "2001:db8::b");
}

static inline void node_init(struct cluster *cluster, uint32_t n)
{
	struct node *node = &cluster->nodes[n];

	node->name = node_names[n];
	node->web = (uint16_t)(1 + n);
	node->dns = (uint16_t)(8 + n);
	node->backend = (uint16_t)(10 * (n + 1));
	node->listen =
		(struct addr_endpoint){ lbd_addr_from4(htonl(INADDR_LOOPBACK)), free_port() };
	assert_int_equal(curve_generate(&node->pair, NULL), 0);
	fixture_tables(&node->tables, BUCKETS, 77 * (n + 1));
	node_model(node);
}

static inline void node_config(struct cluster *cluster, uint32_t n)
{
	struct node *node = &cluster->nodes[n];
	struct sync_config *config = &node->config;

	snprintf(config->node, sizeof(config->node), "%s", node->name);
	config->listen = node->listen;
	config->own = node->pair;
	config->peers = node->peers;
	for (uint32_t i = 0; i < cluster->count; i++) {
		struct sync_peer_config *peer = &node->peers[config->peers_count];

		if (i == n)
			continue;
		snprintf(peer->name, sizeof(peer->name), "%s", cluster->nodes[i].name);
		peer->address = cluster->nodes[i].listen;
		memcpy(peer->keys[0], cluster->nodes[i].pair.public, Z85_KEY_SIZE);
		peer->keys_count = 1;
		config->peers_count++;
	}
}

static inline void node_start(struct node *node)
{
	struct error err = { "", "" };

	if (sync_start(&node->config, &node->tables, &node->sync, &err))
		fail_msg("%s", err.text);
	assert_int_equal(sync_set_dictionary(node->sync, &node->model.model), 0);
}

static inline void node_stop(struct node *node)
{
	sync_stop(node->sync);
	node->sync = NULL;
}

static inline void cluster_init(struct cluster *cluster, uint32_t count)
{
	memset(cluster, 0, sizeof(*cluster));
	cluster->count = count;
	for (uint32_t n = 0; n < count; n++)
		node_init(cluster, n);
	for (uint32_t n = 0; n < count; n++)
		node_config(cluster, n);
}

static inline void cluster_start(struct cluster *cluster, uint32_t count)
{
	cluster_init(cluster, count);
	for (uint32_t n = 0; n < count; n++)
		node_start(&cluster->nodes[n]);
}

static inline void cluster_stop(struct cluster *cluster)
{
	for (uint32_t n = 0; n < cluster->count; n++) {
		node_stop(&cluster->nodes[n]);
		fixture_tables_free(&cluster->nodes[n].tables);
	}
}

/* --- waiting for what threads do */

static inline void sleep_ms(long ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

static inline struct sync_peer_status peer_status(struct node *node, const char *name)
{
	struct sync_peer_status *peers, found = { .name = "" };
	uint32_t count;

	assert_int_equal(sync_peers(node->sync, &peers, &count), 0);
	for (uint32_t i = 0; i < count; i++)
		if (strcmp(peers[i].name, name) == 0)
			found = peers[i];
	free(peers);
	assert_string_equal(found.name, name);
	return found;
}

struct wanted_refusal {
	const char *name;
	uint64_t count;
};

static inline void visit_refusal(void *context, const char *name, const char *sentence,
				 uint64_t count)
{
	struct wanted_refusal *wanted = context;

	assert_non_null(sentence);
	if (strcmp(name, wanted->name) == 0)
		wanted->count = count;
}

static inline uint64_t refusals(struct node *node, const char *name)
{
	struct wanted_refusal wanted = { name, 0 };

	sync_refusals(node->sync, visit_refusal, &wanted);
	return wanted.count;
}

#define WAIT_UNTIL(condition)                                                      \
	do {                                                                       \
		int left_ms = PATIENCE_MS;                                         \
		while (!(condition) && left_ms-- > 0)                              \
			sleep_ms(1);                                               \
		if (!(condition))                                                  \
			fail_msg("not within %d ms: %s", PATIENCE_MS, #condition); \
	} while (0)

static inline bool is_live(struct node *node, const char *peer)
{
	return peer_status(node, peer).state == SYNC_STATE_LIVE;
}

static inline bool has_all(struct node *node, const char *peer)
{
	return peer_status(node, peer).received_all;
}

/* --- connections */

static inline void make_entry(struct node *node, struct table_entry entry)
{
	assert_int_equal(tables_put(&node->tables, &entry), TABLES_PUT_ADDED);
	fixture_mark(&node->tables, &entry);
}

static inline void make_web(struct node *node, uint32_t first, uint32_t count)
{
	for (uint32_t n = first; n < first + count; n++)
		make_entry(node, fixture_entry(&node->tables, n, false, node->web,
					       (uint16_t)(node->backend + n % 2)));
}

static inline void make_dns(struct node *node, uint32_t first, uint32_t count)
{
	for (uint32_t n = first; n < first + count; n++) {
		struct table_entry entry = fixture_entry(&node->tables, n, true, node->dns,
							 (uint16_t)(node->backend + 2));

		entry.flags |= LBD_CONN_UDP;
		make_entry(node, entry);
	}
}

static inline bool find_web(struct node *node, uint32_t n, struct table_entry *ret)
{
	struct table_entry flow = fixture_entry(&node->tables, n, false, node->web, 0);

	return tables_find(&node->tables, &flow, ret);
}

static inline uint32_t count_web(struct node *node, uint32_t first, uint32_t count)
{
	struct table_entry entry;
	uint32_t found = 0;

	for (uint32_t n = first; n < first + count; n++)
		found += find_web(node, n, &entry) && entry.backend == node->backend + n % 2;
	return found;
}

static inline uint32_t count_dns(struct node *node, uint32_t first, uint32_t count)
{
	struct table_entry entry;
	uint32_t found = 0;

	for (uint32_t n = first; n < first + count; n++) {
		struct table_entry flow = fixture_entry(&node->tables, n, true, node->dns, 0);

		found += tables_find(&node->tables, &flow, &entry) &&
			 entry.backend == node->backend + 2 && (entry.flags & LBD_CONN_UDP);
	}
	return found;
}

#endif
