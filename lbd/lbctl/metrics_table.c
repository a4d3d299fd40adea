// SPDX-License-Identifier: GPL-2.0-or-later
#include "lbctl/metrics_table.h"

#define GAUGE(of, title, text, list, value, ...)                                             \
	{                                                                                    \
		.source = METRICS_##of, .name = "lbd_" title, .type = "gauge", .help = text, \
		.rows = list, .path = value, __VA_ARGS__,                                    \
	}
#define COUNTER(of, title, text, list, value, ...)                                        \
	{                                                                                 \
		.source = METRICS_##of, .name = "lbd_" title "_total", .type = "counter", \
		.help = text, .rows = list, .path = value, __VA_ARGS__,                   \
	}
#define BY(...) .labels = { __VA_ARGS__ }
#define NOTHING BY({ NULL, NULL })
#define FAMILY(text)               \
	{                          \
		"family", "=" text \
	}
#define SERVICE                   \
	{                         \
		"service", "name" \
	}
#define BACKEND                   \
	{ "service", "service" }, \
	{                         \
		"backend", "name" \
	}
#define PEER                   \
	{                      \
		"peer", "name" \
	}
#define LAG "Time within which so many of the last minute's changes stood in the peer's table"

const struct metric metric_table[] = {
	GAUGE(status, "info", "1, with the node and its release", "", "generation",
	      .unit = METRIC_SET, BY({ "node", "node" }, { "version", "version" })),
	GAUGE(status, "uptime_seconds", "Time since the daemon started", "", "uptime_ms",
	      .unit = METRIC_FROM_MS, NOTHING),
	GAUGE(status, "problems", "What lbctl status calls a problem", "", "problems",
	      .unit = METRIC_LENGTH, NOTHING),
	GAUGE(status, "active", "1 on the node that has the VIPs", "", "role", .unit = METRIC_IS,
	      .is = "master", NOTHING),
	GAUGE(status, "gate_open", "1 if keepalived may give this node the VIPs", "", "gate.open",
	      .unit = METRIC_TRUE, NOTHING),
	GAUGE(status, "term", "This node's term: it grows with each takeover", "", "term.own",
	      NOTHING),
	GAUGE(status, "table_entries", "Entries of the connection table", "",
	      "connections.ipv4.entries", BY(FAMILY("ipv4"))),
	GAUGE(status, "table_entries", "Entries of the connection table", "",
	      "connections.ipv6.entries", BY(FAMILY("ipv6"))),
	GAUGE(status, "table_slots", "Slots of the connection table", "", "connections.ipv4.slots",
	      BY(FAMILY("ipv4"))),
	GAUGE(status, "table_slots", "Slots of the connection table", "", "connections.ipv6.slots",
	      BY(FAMILY("ipv6"))),
	GAUGE(status, "generation_loaded_time_seconds",
	      "When the running packet path was loaded, since the epoch", "",
	      "generation.running.loaded_at", NOTHING),
	GAUGE(status, "trial", "1 while a packet path is on trial", "", "generation.trial",
	      .unit = METRIC_SET, NOTHING),
	COUNTER(status, "reloads", "Configurations applied since the daemon started", "", "reloads",
		NOTHING),

	COUNTER(counters, "packets", "Packets that came in, each in one outcome", "outcomes",
		"packets", BY({ "outcome", "name" }, { "kind", "kind" })),

	COUNTER(services, "service_packets", "Packets forwarded for a service", "services",
		"packets", BY(SERVICE)),
	COUNTER(services, "service_bytes", "Bytes forwarded for a service", "services", "bytes",
		BY(SERVICE)),
	GAUGE(services, "service_connections", "Entries of the connection table", "services",
	      "connections", BY(SERVICE)),
	GAUGE(services, "service_backends", "Backends that are configured", "services", "backends",
	      BY(SERVICE)),
	GAUGE(services, "service_backends_up", "Backends that take new connections", "services",
	      "up", BY(SERVICE)),

	COUNTER(backends, "backend_packets", "Packets sent to a backend", "backends", "packets",
		BY(BACKEND)),
	COUNTER(backends, "backend_bytes", "Bytes sent to a backend", "backends", "bytes",
		BY(BACKEND)),
	GAUGE(backends, "backend_connections", "Entries of the connection table", "backends",
	      "connections", BY(BACKEND)),
	GAUGE(backends, "backend_up", "1 if it takes new connections", "backends", "state",
	      .unit = METRIC_IS, .is = "up", BY(BACKEND)),
	GAUGE(backends, "backend_check_seconds", "How long its last health check took", "backends",
	      "health.latency_us", .unit = METRIC_FROM_US, BY(BACKEND)),

	GAUGE(peers, "peer_live", "1 if replication to the peer is up to date and goes on", "peers",
	      "state", .unit = METRIC_IS, .is = "live", BY(PEER)),
	GAUGE(peers, "peer_heard_seconds", "Time since the peer was last heard", "peers",
	      "heard_ms_ago", .unit = METRIC_FROM_MS, BY(PEER)),
	GAUGE(peers, "peer_unsynced_seconds", "Age of the oldest change that it may lack", "peers",
	      "unsynced_ms", .unit = METRIC_FROM_MS, BY(PEER)),
	GAUGE(peers, "peer_lag_seconds", LAG, "peers", "lag_p50_us", .unit = METRIC_FROM_US,
	      BY(PEER, { "quantile", "=0.5" })),
	GAUGE(peers, "peer_lag_seconds", LAG, "peers", "lag_p99_us", .unit = METRIC_FROM_US,
	      BY(PEER, { "quantile", "=0.99" })),
	GAUGE(peers, "peer_agreed_seconds", "Time since its digests of our connections agreed",
	      "peers", "held.agreed_ms_ago", .unit = METRIC_FROM_MS, BY(PEER)),
	COUNTER(peers, "peer_sent_records", "Connections told to the peer", "peers", "sent_records",
		BY(PEER)),
	COUNTER(peers, "peer_sent_bytes", "Bytes of messages sent to the peer", "peers",
		"sent_bytes", BY(PEER)),
	COUNTER(peers, "peer_received_records", "Connections that the peer told", "peers",
		"received_records", BY(PEER)),
	COUNTER(peers, "peer_received_bytes", "Bytes of the peer's messages", "peers",
		"received_bytes", BY(PEER)),
	COUNTER(peers, "peer_divergences", "Regions of its table that differed from ours", "peers",
		"held.divergences", BY(PEER)),
	COUNTER(peers, "peer_repairs", "Regions of its table that were told again", "peers",
		"held.repairs", BY(PEER)),
	COUNTER(peers, "peer_resyncs", "Times that our whole table was to be told", "peers",
		"resyncs", BY(PEER)),
	COUNTER(peers, "peer_silences", "Times that the peer was taken for dead", "peers",
		"silences", BY(PEER)),
	COUNTER(peers, "refused_messages", "What came on the sync port and was refused", "refusals",
		"count", BY({ "refusal", "name" })),

	GAUGE(risk, "risk_connections", "Confirmed and open connections", "services", "connections",
	      BY({ "service", "service" })),
	GAUGE(risk, "risk_unsynced", "Connections that the best peer may not hold", "services",
	      "unsynced", BY({ "service", "service" })),
	GAUGE(risk, "risk_breaking", "Connections that would break if this node died now",
	      "services", "breaking", BY({ "service", "service" })),
};

const size_t metric_count = sizeof(metric_table) / sizeof(*metric_table);
