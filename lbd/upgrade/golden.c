// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Golden packets: what any packet path must do before it may carry traffic.
 *
 *   not ours        ARP, ICMP, another port, a stranger's address: untouched, to the kernel
 *   every service   a flow: addressed, encapsulated, whole, and all to one backend
 *                   new flows: to all of the backends
 *                   its backend drains: the flow stays, new ones go elsewhere
 *   by NAT          the same, translated; and its backend's answers, back to the client
 *
 * The last shows that the connection table is kept and read: by the hash alone
 * the flow would move. NAT has a data plane of its own, and only where it is
 * used: it is the most that a kernel has to verify.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "upgrade/golden.h"
#include "upgrade/upgrade.h"

#define GOLDEN_INTERFACE 1  /* the loopback device: test-run's default source */
#define GOLDEN_NEW_FLOWS 64 /* enough to reach each of two backends: 2^-63 says no */

static const char golden_config[] =
	"instance: golden\n"
	"xdp: {interfaces: [lo]}\n"
	"limits: {services: 16, backends: 32, connections-ipv4: 1024, connections-ipv6: 1024,"
	" maglev: 251}\n"
	"services:\n"
	"- {name: dsr4, vip: 192.0.2.1, port: 80, protocol: tcp, forward: dsr,\n"
	"   health: {check: none}, backends: [{address: 198.51.100.1}, {address: 198.51.100.2}]}\n"
	"- {name: dsr6, vip: '2001:db8::1', port: 80, protocol: udp, forward: dsr,\n"
	"   health: {check: none}, backends: [{address: '2001:db8:1::1'}, {address: "
	"'2001:db8:1::2'}]}\n"
	"- {name: 4in4, vip: 192.0.2.2, port: any, protocol: tcp, forward: ipip,\n"
	"   health: {check: none}, backends: [{address: 198.51.100.3}, {address: 198.51.100.4}]}\n"
	"- {name: 6in6, vip: '2001:db8::2', port: 80, protocol: tcp, forward: ipip,\n"
	"   health: {check: none}, backends: [{address: '2001:db8:1::3'}, {address: "
	"'2001:db8:1::4'}]}\n"
	"- {name: 6in4, vip: '2001:db8::3', port: 80, protocol: tcp, forward: ipip,\n"
	"   health: {check: none}, backends: [{address: 198.51.100.5}, {address: 198.51.100.6}]}\n"
	"- {name: 4in6, vip: 192.0.2.3, port: 80, protocol: udp, forward: ipip,\n"
	"   health: {check: none}, backends: [{address: '2001:db8:1::5'}, {address: "
	"'2001:db8:1::6'}]}\n"
	"- {name: gue-4in4, vip: 192.0.2.4, port: 80, protocol: tcp, forward: gue,\n"
	"   health: {check: none}, backends: [{address: 198.51.100.7}, {address: 198.51.100.8}]}\n"
	"- {name: gue-6in6, vip: '2001:db8::4', port: 80, protocol: tcp, forward: gue,\n"
	"   health: {check: none}, backends: [{address: '2001:db8:1::7'}, {address: "
	"'2001:db8:1::8'}]}\n"
	"- {name: gre-4in6, vip: 192.0.2.5, port: 80, protocol: tcp, forward: gre,\n"
	"   health: {check: none}, backends: [{address: '2001:db8:1::9'}, {address: "
	"'2001:db8:1::a'}]}\n"
	"- {name: gre-6in4, vip: '2001:db8::5', port: 80, protocol: udp, forward: gre,\n"
	"   health: {check: none}, backends: [{address: 198.51.100.9}, {address: 198.51.100.10}]}\n"
	"- {name: vxlan-4in4, vip: 192.0.2.6, port: 80, protocol: tcp, forward: vxlan, vni: 1,\n"
	"   health: {check: none}, backends: [{address: 198.51.100.11}, {address: "
	"198.51.100.12}]}\n"
	"- {name: vxlan-6in6, vip: '2001:db8::6', port: 80, protocol: tcp, forward: vxlan,\n"
	"   vni: 1193046, health: {check: none}, backends: [{address: '2001:db8:1::b'}, {address: "
	"'2001:db8:1::c'}]}\n"
	"- {name: geneve-4in6, vip: 192.0.2.7, port: 80, protocol: udp, forward: geneve,\n"
	"   vni: 16777215, health: {check: none}, backends: [{address: '2001:db8:1::d'}, {address: "
	"'2001:db8:1::e'}]}\n"
	"- {name: geneve-6in4, vip: '2001:db8::7', port: 80, protocol: tcp, forward: geneve,\n"
	"   vni: 7, health: {check: none}, backends: [{address: 198.51.100.13}, {address: "
	"198.51.100.14}]}\n";

static const char golden_config_nat[] =
	"instance: golden\n"
	"xdp: {interfaces: [lo]}\n"
	"limits: {services: 16, backends: 32, connections-ipv4: 1024, connections-ipv6: 1024,"
	" nat-ipv4: 1024, nat-ipv6: 1024, maglev: 251}\n"
	"nat: {addresses: [192.0.2.100, 192.0.2.101, '2001:db8::100', '2001:db8::101'],\n"
	"   ports: 2000-2999}\n"
	"services:\n"
	"- {name: nat4, vip: 192.0.2.1, port: 80, protocol: tcp, forward: nat,\n"
	"   health: {check: none}, backends: [{address: 198.51.100.1}, {address: 198.51.100.2,\n"
	"   port: 8080}]}\n"
	"- {name: nat6, vip: '2001:db8::1', port: 80, protocol: udp, forward: nat,\n"
	"   health: {check: none}, backends: [{address: '2001:db8:1::1', port: 8080}, {address: "
	"'2001:db8:1::2'}]}\n"
	"- {name: nat-udp4, vip: 192.0.2.2, port: 80, protocol: udp, forward: nat,\n"
	"   health: {check: none}, backends: [{address: 198.51.100.3}, {address: 198.51.100.4}]}\n"
	"- {name: nat-tcp6, vip: '2001:db8::2', port: 80, protocol: tcp, forward: nat,\n"
	"   health: {check: none}, backends: [{address: '2001:db8:1::3'}, {address: "
	"'2001:db8:1::4'}]}\n";

struct golden {
	struct dataplane *dataplane;
	struct model *model;
	int fd;
};

/* --- set-up: a private data plane */

static void golden_next_hops(struct model *model)
{
	for (uint32_t i = 1; i < model->limits.backends; i++) {
		struct nexthop *nexthop = &model->backends[i].nexthop;

		*nexthop = (struct nexthop){ .resolved = true,
					     .ifindex = GOLDEN_INTERFACE,
					     .mtu = 1500,
					     .dmac = { 2, 0, 0, 0, 0, (uint8_t)i },
					     .smac = { 2, 0, 0, 0, 1, 0 } };
	}
}

static int golden_load(struct golden *golden, const struct config *config, const char *object,
		       struct error *err)
{
	const uint32_t interface = GOLDEN_INTERFACE;
	struct dataplane_options options = { 0 };
	uint32_t features;
	int rc;

	rc = model_build(config, NULL, NULL, NULL, &golden->model, err);
	if (rc)
		return rc;
	golden_next_hops(golden->model);
	features = model_features(golden->model, &interface, 1) | LBD_FEATURE_ROUTELESS;
	options.limits = golden->model->limits;
	rc = dataplane_open(&options, &golden->dataplane, err);
	if (!rc)
		rc = dataplane_load(golden->dataplane, object, golden->model, features, &golden->fd,
				    err);
	if (!rc)
		rc = dataplane_commit(golden->dataplane, golden->model, err);
	return rc;
}

/* --- packets */

static int golden_test_run(const struct golden *golden, const struct golden_frame *in,
			   struct golden_frame *out)
{
	out->size = GOLDEN_FRAME_MAX;
	return dataplane_test_run(golden->dataplane, golden->fd, GOLDEN_INTERFACE, in->bytes,
				  in->size, out->bytes, &out->size);
}

static int golden_fault(const struct service *service, const char *what, const char *fault,
			struct error *err)
{
	if (!fault)
		return 0;
	return error_set(err, -EBADMSG, "golden %s of service %s: expected %s", what, service->name,
			 fault);
}

/* Send @in, which is a @what of the service, and see that it is sent on, as *ret_out. */
static int golden_pass_on(const struct golden *golden, const struct service *service,
			  const char *what, const struct golden_frame *in,
			  struct golden_frame *ret_out, struct error *err)
{
	int action = golden_test_run(golden, in, ret_out);

	if (action < 0)
		return error_errno(err, action, "golden %s of service %s: test-run", what,
				   service->name);
	if (action != XDP_TX)
		return error_set(err, -EBADMSG,
				 "golden %s of service %s: action %d, expected %d (XDP_TX)", what,
				 service->name, action, XDP_TX);
	return 0;
}

/* The backend that got @out answers it, by NAT. */
static int golden_reply(const struct golden *golden, const struct service *service,
			const struct golden_frame *in, const struct golden_frame *out,
			struct error *err)
{
	const struct golden_frame answer = golden_answer(out);
	struct golden_frame back;
	int rc = golden_pass_on(golden, service, "answer", &answer, &back, err);

	return rc ? rc
		  : golden_fault(service, "answer",
				 golden_judge_answer(service, in, &answer, &back), err);
}

/* Send one packet of the flow from @port. *ret_backend: who got it. */
static int golden_send(const struct golden *golden, const struct service *service, uint16_t port,
		       uint8_t flags, const struct backend **ret_backend, struct error *err)
{
	const struct golden_frame in =
		golden_packet(&service->vip, service->protocol, port, GOLDEN_PORT, flags);
	struct golden_frame out;
	int rc;

	rc = golden_pass_on(golden, service, "packet", &in, &out, err);
	if (!rc)
		rc = golden_fault(service, "packet",
				  golden_judge(golden->model, service, &in, &out, ret_backend),
				  err);
	if (rc || service->forward != LBD_FORWARD_NAT)
		return rc;
	return golden_reply(golden, service, &in, &out, err);
}

/* A flow from its first packet on: each to @expected, or where the first went if that is NULL. */
static int golden_flow(const struct golden *golden, const struct service *service,
		       const uint8_t *flags, size_t count, const struct backend **expected,
		       struct error *err)
{
	const struct backend *backend;

	for (size_t i = 0; i < count; i++) {
		int rc = golden_send(golden, service, GOLDEN_CLIENT_PORT, flags[i], &backend, err);

		if (rc)
			return rc;
		if (*expected && backend != *expected)
			return error_set(
				err, -EBADMSG,
				"golden packet of service %s: went to backend %s, expected "
				"%s, which has the flow",
				service->name, backend->name, (*expected)->name);
		*expected = backend;
	}
	return 0;
}

/* --- what a service must do */

/* New flows reach every backend, but not @drained. */
static int golden_spread(const struct golden *golden, const struct service *service,
			 const struct backend *drained, struct error *err)
{
	struct backend *backend = NULL;
	bool reached[64] = { false };
	int rc = 0;

	for (uint16_t i = 1; i <= GOLDEN_NEW_FLOWS && !rc; i++) {
		const struct backend *to;
		uint16_t port = (uint16_t)(GOLDEN_CLIENT_PORT + (drained ? 1000 : 0) + i);

		rc = golden_send(golden, service, port, TH_SYN, &to, err);
		if (!rc)
			reached[to->index % 64] = true;
	}
	while (!rc && (backend = model_next_backend(golden->model, service->id, backend)))
		if (reached[backend->index] != (backend != drained))
			rc = error_set(err, -EBADMSG,
				       "golden packets of service %s: new flows %s backend %s",
				       service->name,
				       backend == drained ? "went to" : "never reached",
				       backend->name);
	return rc;
}

static int golden_drain(const struct golden *golden, const struct backend *backend, bool drain,
			struct error *err)
{
	golden->model->backends[backend->index].drain = drain;
	return dataplane_commit(golden->dataplane, golden->model, err);
}

/* Its backend takes no new flows any more; the flow doesn't notice. */
static int golden_keeps(const struct golden *golden, const struct service *service,
			const struct backend *backend, struct error *err)
{
	static const uint8_t flags[] = { TH_ACK | TH_PUSH, TH_ACK };
	int rc;

	rc = golden_drain(golden, backend, true, err);
	if (!rc)
		rc = golden_flow(golden, service, flags, sizeof(flags), &backend, err);
	if (!rc)
		rc = golden_spread(golden, service, backend, err);
	return rc ? rc : golden_drain(golden, backend, false, err);
}

static int golden_service(const struct golden *golden, const struct service *service,
			  struct error *err)
{
	static const uint8_t flags[] = { TH_SYN, TH_ACK, TH_ACK | TH_PUSH, TH_ACK };
	const struct backend *backend = NULL;
	int rc;

	rc = golden_flow(golden, service, flags, sizeof(flags), &backend, err);
	if (!rc)
		rc = golden_spread(golden, service, NULL, err);
	return rc ? rc : golden_keeps(golden, service, backend, err);
}

/* --- what isn't ours */

static int golden_untouched(const struct golden *golden, const struct golden_frame *in,
			    const char *what, struct error *err)
{
	struct golden_frame out;
	int action = golden_test_run(golden, in, &out);

	if (action != XDP_PASS || out.size != in->size ||
	    memcmp(in->bytes, out.bytes, in->size) != 0)
		return error_set(err, -EBADMSG,
				 "golden packet, %s: action %d, expected %d (XDP_PASS) and the "
				 "packet untouched",
				 what, action, XDP_PASS);
	return 0;
}

static int golden_foreign(const struct golden *golden, struct error *err)
{
	const struct lbd_addr stranger = lbd_addr_from4(htonl(0xc00002fe)); /* 192.0.2.254 */
	const struct lbd_addr vip4 = lbd_addr_from4(htonl(0xc0000201));
	const struct lbd_addr vip6 = { .bytes = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } };
	const struct {
		const char *what;
		struct golden_frame frame;
	} packets[] = {
		{ "ARP", golden_packet_arp() },
		{ "to no VIP", golden_packet(&stranger, IPPROTO_TCP, 1, GOLDEN_PORT, TH_SYN) },
		{ "ssh to a VIP", golden_packet(&vip4, IPPROTO_TCP, 1, 22, TH_SYN) },
		{ "VRRP", golden_packet(&vip4, 112, 1, 1, 0) },
		{ "ICMP to a VIP", golden_packet(&vip4, IPPROTO_ICMP, 1, 1, 0) },
		{ "ICMPv6 to a VIP", golden_packet(&vip6, IPPROTO_ICMPV6, 1, 1, 0) },
		{ "TCP to a VIP for UDP",
		  golden_packet(&vip6, IPPROTO_TCP, 1, GOLDEN_PORT, TH_SYN) },
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(packets) / sizeof(*packets) && !rc; i++)
		rc = golden_untouched(golden, &packets[i].frame, packets[i].what, err);
	return rc;
}

static int golden_run(const struct golden *golden, struct error *err)
{
	int rc = golden_foreign(golden, err);

	for (uint32_t id = 1; id < golden->model->limits.services && !rc; id++)
		if (golden->model->services[id].id)
			rc = golden_service(golden, &golden->model->services[id], err);
	return rc;
}

static int golden_try_config(const char *object, const char *text, struct error *err)
{
	struct golden golden = { .fd = -1 };
	struct config *config = NULL;
	int rc;

	rc = config_parse(text, strlen(text), "golden packets", &config, err);
	if (!rc)
		rc = golden_load(&golden, config, object, err);
	if (!rc)
		rc = golden_run(&golden, err);
	if (golden.fd >= 0)
		close(golden.fd);
	dataplane_close(golden.dataplane);
	model_free(golden.model);
	config_free(config);
	return rc;
}

int golden_try(const char *object, bool nat, struct error *err)
{
	int rc = golden_try_config(object, golden_config, err);

	return rc || !nat ? rc : golden_try_config(object, golden_config_nat, err);
}
