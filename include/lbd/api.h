/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control API: what lbd answers and lbctl asks. HTTP/1.1 with JSON bodies
 * on a unix socket, /run/lbd/INSTANCE/api.sock, mode 0660, root and group lbd.
 *
 * Whoever may open the socket may load a packet path (POST /v1/upgrade) and so
 * is as good as root: put nobody into group lbd who isn't trusted like that.
 *
 * lbd/api/API.md shows every answer by example; the unit tests hold the daemon
 * to the keys of those examples. Keys are added, never renamed or removed,
 * within one API_VERSION. A client ignores keys that it doesn't know.
 */
#ifndef LBD_API_H
#define LBD_API_H

#define API_VERSION 1
#define API_RUN_DIR "/run/lbd"
#define API_INSTANCE_DEFAULT "lbd"
#define API_SOCKET_NAME "api.sock"
#define API_CONFIG_DEFAULT "/etc/lbd/lbd.yaml"
#define API_GROUP "lbd"

/* A request is small; whatever is larger isn't one. */
#define API_HEADERS_MAX 8192
#define API_BODY_MAX 65536
#define API_IDLE_SECONDS 10

#define API_CONNECTIONS_DEFAULT 20
#define API_CONNECTIONS_MAX 10000

/* Connections that a part of GET /v1/risk names. */
#define API_RISK_LIST_MAX 10000

/* Connections that a drill tries at most. */
#define API_DRILL_MAX 1024
#define API_DRILL_DEFAULT 256

/* How long a planned switchover waits for proof. */
#define API_FAILOVER_TIMEOUT_MS 30000
#define API_FAILOVER_TIMEOUT_MAX_MS 3600000

/* Differences that GET /v1/diff names. */
#define API_DIFF_MAX 1000

/* How long a config may be on trial. */
#define API_CONFIRM_MIN_MS 1000
#define API_CONFIRM_MAX_MS 86400000

/* Packets of one trace request; their bytes are bounded by API_BODY_MAX. */
#define API_TRACE_PACKETS_MAX 256

/*
 * X(endpoint, method, path, what). A GET changes nothing. An endpoint's
 * handler is api_<endpoint>() in lbd/api/.
 */
#define API_ENDPOINTS(X)                                                                   \
	X(get_version, GET, "/v1/version", "versions of the daemon, the API and the maps") \
	X(get_status, GET, "/v1/status", "role, gate, attachment, generation, totals")     \
	X(get_services, GET, "/v1/services", "services with their traffic")                \
	X(get_backends, GET, "/v1/backends", "backends with state, health, next hop")      \
	X(post_backends, POST, "/v1/backends", "add, remove, drain or weigh a backend")    \
	X(get_connections, GET, "/v1/connections", "count connections and show some")      \
	X(get_counters, GET, "/v1/counters", "what happened to packets")                   \
	X(get_guard, GET, "/v1/guard", "lists and limits, and what they drop")             \
	X(get_drops, GET, "/v1/drops", "dropped packets that were kept")                   \
	X(get_peers, GET, "/v1/peers", "sync with the other nodes")                        \
	X(get_risk, GET, "/v1/risk", "connections that a failover would break now")        \
	X(get_role, GET, "/v1/role", "role and gate")                                      \
	X(get_drill, GET, "/v1/drill", "where a peer's connections would go here")         \
	X(post_drill, POST, "/v1/drill", "ask the active peer for some connections")       \
	X(get_failover, GET, "/v1/failover", "how the planned switchover goes")            \
	X(post_failover, POST, "/v1/failover", "let a peer take over, by proof")           \
	X(post_role, POST, "/v1/role", "keepalived's notify script tells the role")        \
	X(get_diff, GET, "/v1/diff", "what a reload would change")                         \
	X(post_reload, POST, "/v1/reload", "read the config file again and apply it")      \
	X(post_resize, POST, "/v1/resize", "move the tables to other limits")              \
	X(post_confirm, POST, "/v1/confirm", "keep the config that is on trial")           \
	X(post_cancel, POST, "/v1/cancel", "go back to what ran before the trial")         \
	X(get_history, GET, "/v1/history", "configs that were put in force")               \
	X(post_upgrade, POST, "/v1/upgrade", "load a new packet path, try it, swap to it") \
	X(get_upgrades, GET, "/v1/upgrades", "what came of upgrades")                      \
	X(post_preflight, POST, "/v1/preflight", "what an upgrade would find")             \
	X(get_takeover, GET, "/v1/takeover", "which process serves")                       \
	X(post_takeover, POST, "/v1/takeover", "have the installed lbd take over")         \
	X(post_trace, POST, "/v1/trace", "what would become of packets, changing nothing") \
	X(post_rollback, POST, "/v1/rollback", "swap back to the previous packet path")

enum api_endpoint {
#define X(endpoint, method, path, what) API_##endpoint,
	API_ENDPOINTS(X)
#undef X
		API_ENDPOINT_COUNT,
};

/*
 * X(constant, name, what): states of a connection as users name them. REMOTE
 * is a filter: entries learned from a peer that have shown no packet here.
 */
#define API_CONNECTION_STATES(X)                                             \
	X(NEW, "new", "one packet seen, not confirmed, not replicated")      \
	X(ESTABLISHED, "established", "confirmed")                           \
	X(CLOSING, "closing", "FIN or RST seen")                             \
	X(EXPIRED, "expired", "idle beyond its timeout, first to be reused") \
	X(REMOTE, "remote", "learned from a peer, no packet seen here yet")

/* X(constant, code, what): exit codes of lbctl, for --help, the man page and scripts. */
#define LBCTL_EXITS(X)                                                             \
	X(OK, 0, "done")                                                           \
	X(FAILED, 1, "the daemon refused, or the operation failed")                \
	X(USAGE, 2, "wrong usage: unknown command, option or argument")            \
	X(UNREACHABLE, 3, "the daemon isn't reachable")                            \
	X(CONFIG, 4, "the config file is faulty (check, keepalived, trace, tune)") \
	X(DIFFERS, 5, "there are differences (diff)")

enum lbctl_exit {
#define X(constant, code, what) LBCTL_##constant = (code),
	LBCTL_EXITS(X)
#undef X
};

#endif
