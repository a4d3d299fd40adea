// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a balancer costs: the CPU time that its host takes while a load goes
 * through it, divided by the packets that it received, from clients and from
 * backends. Its host is the two threads of the kernel that receive on its links
 * (threads.h), in which lbd runs as well, and the proxy's process. What clients,
 * wire and backends take is theirs: there is no difference of two large numbers.
 *
 * All is on one CPU, and nobody preempts anybody (SCHED_BATCH): a batch of the
 * load is sent, carried and answered as one, whoever carries it. lbd and the
 * peer have a turn in each round; a sample compares turns of one round.
 */
#include "tests/bench/peers.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/balancer.h"
#include "tests/bench/cpu.h"
#include "tests/bench/load.h"
#include "tests/bench/proxy.h"
#include "tests/bench/samples.h"
#include "tests/bench/threads.h"
#include "tests/bench/wire.h"

#define ROUNDS 15
#define PROXY_TRIES 50 /* of 0.1 s until a proxy answers */
#define SETTLE_US 5000 /* after the last answer connections are still being closed */

struct turn {
	double ns; /* the balancer's, for a packet */
	double reference;
};

struct peer_case {
	const char *name;
	enum load_protocol protocol;
	enum proxy_kind proxy;
	uint32_t exchanges; /* a turn */
	double target;	    /* times */
};

static const struct peer_case peer_cases[] = {
	{ "e2e.dsr4.vs_haproxy_tcp", LOAD_TCP, PROXY_HAPROXY, 64 * LOAD_BATCH, 16 },
	{ "e2e.dsr4.vs_nginx_udp", LOAD_UDP, PROXY_NGINX, 512 * LOAD_BATCH, 24 },
};

struct peers {
	const struct peer_case *test;
	struct hosts hosts;
	struct threads threads; /* of the balancer */
	struct wire *wire;
	struct load load;
	struct proxy proxy;
	struct balancer lbd;
};

/* --- turns */

static double peers_cpu_ns(const struct peers *peers)
{
	double ns = cpu_ns_of(peers->proxy.pid);

	for (unsigned int i = 0; i < peers->threads.count; i++)
		ns += cpu_ns_of(peers->threads.pid[i]);
	return ns;
}

static int peers_received(const struct peers *peers, double *ret, struct error *err)
{
	uint64_t from_clients, from_backends;
	int rc;

	rc = hosts_received(&peers->hosts, HOST_LB, "l0", &from_clients, err);
	if (!rc)
		rc = hosts_received(&peers->hosts, HOST_LB, "l1", &from_backends, err);
	if (!rc)
		*ret = (double)(from_clients + from_backends);
	return rc;
}

static int peers_load(const struct peers *peers, uint32_t exchanges, struct error *err)
{
	return load_run(&peers->load, peers->test->protocol, exchanges, err);
}

static int peers_measure(struct peers *peers, struct turn *ret, struct error *err)
{
	const double reference = cpu_reference();
	double ns, before, after;
	int rc;

	rc = peers_received(peers, &before, err);
	if (rc)
		return rc;
	ns = peers_cpu_ns(peers);
	rc = peers_load(peers, peers->test->exchanges, err);
	usleep(SETTLE_US);
	ns = peers_cpu_ns(peers) - ns;
	ret->reference = fmax(reference, cpu_reference());
	if (!rc)
		rc = peers_received(peers, &after, err);
	if (!rc && after - before < peers->test->exchanges)
		rc = error_set(err, -EPROTO, "%s: %u exchanges, but %.0f packets at the balancer",
			       peers->test->name, peers->test->exchanges, after - before);
	ret->ns = ns / (after - before);
	return rc;
}

/* Once before, so that flows and caches are there. */
static int peers_turn(struct peers *peers, bool lbd, struct turn *ret, struct error *err)
{
	int rc = lbd ? balancer_attach(&peers->lbd, err) : 0;

	if (!rc)
		rc = peers_load(peers, 4 * LOAD_BATCH, err);
	if (!rc)
		rc = peers_measure(peers, ret, err);
	if (!rc && lbd)
		rc = balancer_detach(&peers->lbd, err);
	return rc;
}

static int peers_rounds(struct peers *peers, struct samples *samples, struct error *err)
{
	struct turn lbd, peer;
	int rc = 0;

	for (int round = 0; round < ROUNDS && !rc; round++) {
		rc = peers_turn(peers, true, &lbd, err);
		if (!rc)
			rc = peers_turn(peers, false, &peer, err);
		if (!rc)
			samples_add(samples,
				    (struct sample){
					    .value = lbd.ns,
					    .baseline = peer.ns,
					    .reference = fmax(lbd.reference, peer.reference),
				    });
	}
	return rc;
}

static void peers_report(const struct peer_case *test, const struct samples *samples,
			 struct report *report)
{
	struct samples_summary summary;

	samples_summarise(samples, &summary);
	report_add(report, &(struct figure){
				   .name = test->name,
				   .unit = "ns",
				   .median = summary.median,
				   .min = summary.min,
				   .baseline = summary.baseline,
				   .ratio = 1 / summary.ratio,
				   .n = summary.quiet,
				   .noisy = summary.noisy,
				   .aim = FIGURE_RATIO_AT_LEAST,
				   .target = test->target,
			   });
}

/* --- set-up */

static int peers_wait_for_proxy(const struct peers *peers, struct error *err)
{
	int rc = -EAGAIN;

	for (int i = 0; i < PROXY_TRIES && rc; i++) {
		rc = peers_load(peers, LOAD_BATCH, err);
		if (rc)
			usleep(100000);
	}
	return rc;
}

/* Children first: they inherit what is open. */
static int peers_open(struct peers *peers, const char *build, struct error *err)
{
	const struct scene scene = { .udp = peers->test->protocol == LOAD_UDP,
				     .forward = LBD_FORWARD_DSR };
	int rc;

	rc = hosts_open(&peers->hosts, "sockets", err);
	if (!rc)
		rc = threads_start(&peers->threads, err);
	if (!rc)
		rc = load_open(&peers->load, &peers->hosts, err);
	if (!rc)
		rc = proxy_start(&peers->proxy, peers->test->proxy, &peers->hosts, err);
	if (!rc)
		rc = wire_open(&peers->hosts, build, &peers->wire, err);
	if (!rc)
		rc = peers_wait_for_proxy(peers, err);
	if (!rc)
		rc = balancer_open(&peers->lbd, &peers->hosts, build, &scene, SCENE_SLOTS, err);
	return rc;
}

static void peers_close(struct peers *peers)
{
	balancer_close(&peers->lbd);
	wire_close(peers->wire);
	proxy_stop(&peers->proxy);
	load_close(&peers->load);
	hosts_close(&peers->hosts);
}

static int peers_bench_case(const struct peer_case *test, const char *build, struct report *report,
			    struct error *err)
{
	struct peers peers = { .test = test };
	struct samples samples = { 0 };
	int rc = peers_open(&peers, build, err);

	if (!rc)
		rc = peers_rounds(&peers, &samples, err);
	peers_close(&peers);
	if (!rc)
		peers_report(test, &samples, report);
	return rc;
}

int peers_bench(struct report *report, const char *build, const char *only, struct error *err)
{
	const struct sched_param none = { 0 };
	int rc = 0;

	if (sched_setscheduler(0, SCHED_BATCH, &none))
		return error_errno(err, -errno, "be scheduled as a batch");
	for (size_t i = 0; i < sizeof(peer_cases) / sizeof(*peer_cases) && !rc; i++)
		if (report_wants(peer_cases[i].name, only))
			rc = peers_bench_case(&peer_cases[i], build, report, err);
	sched_setscheduler(0, SCHED_OTHER, &none);
	return rc;
}
