// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A model becomes a snapshot: the idle half of the service tables is written
 * whole, then one word flips. Rings that didn't change stay where they are;
 * the others go to places that the half in force doesn't use.
 *
 *   rings -> services, backends, vips of the idle half -> control->active
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/monotonic.h"
#include "dataplane/internal.h"

#define SERVICE_LIVE 1
#define SERVICE_GONE 2
#define SALTS_TRIED 4096

/* Longer than any packet stays in the packet path. */
#define IDLE_MS 1000

struct snapshot {
	struct dataplane *dataplane;
	const struct model *model;
	uint32_t half; /* the idle one, being written */
	bool *rings_taken;
	bool *rings_changed;	  /* by service id: the ring must be made anew */
	uint16_t *ring;		  /* scratch */
	__u64 *packed;		  /* scratch */
	bool tx_used[LBD_TX_MAX]; /* slots of lbd_tx that either half sends through */
};

struct lbd_vip_bucket *snapshot_vips(const struct dataplane *dataplane, uint32_t half)
{
	return (struct lbd_vip_bucket *)dataplane->memory[MAP_lbd_vips] +
	       half * dataplane->limits.vip_buckets;
}

struct lbd_service *snapshot_services(const struct dataplane *dataplane, uint32_t half)
{
	return (struct lbd_service *)dataplane->memory[MAP_lbd_services] +
	       half * dataplane->limits.services;
}

struct lbd_backend *snapshot_backends(const struct dataplane *dataplane, uint32_t half)
{
	return (struct lbd_backend *)dataplane->memory[MAP_lbd_backends] +
	       half * dataplane->limits.backends;
}

/* --- rings */

static __u64 *snapshot_ring(const struct snapshot *s, uint32_t ring)
{
	return (__u64 *)s->dataplane->memory[MAP_lbd_rings] +
	       (size_t)ring * lbd_ring_words(s->model->limits.ring_size);
}

static void snapshot_pack_ring(const struct snapshot *s)
{
	uint32_t size = s->model->limits.ring_size;

	memset(s->packed, 0, lbd_ring_words(size) * sizeof(*s->packed));
	for (uint32_t i = 0; i < size; i++)
		s->packed[i / LBD_RING_PACK] |= (__u64)s->ring[i] << i % LBD_RING_PACK * 16;
}

static int snapshot_free_ring(const struct snapshot *s)
{
	for (uint32_t i = 0; i < s->model->limits.rings; i++)
		if (!s->rings_taken[i])
			return (int)i;
	return -ENOSPC;
}

/* Where the service's ring is: its old place if it is the same, else a free one. */
static int snapshot_place_ring(struct snapshot *s, const struct service *service)
{
	const struct lbd_service *old = &snapshot_services(s->dataplane, s->half ^ 1)[service->id];
	size_t bytes = lbd_ring_words(s->model->limits.ring_size) * sizeof(*s->packed);
	int ring;

	if (old->used == SERVICE_LIVE && !memcmp(snapshot_ring(s, old->ring), s->packed, bytes))
		return (int)old->ring;
	ring = snapshot_free_ring(s);
	if (ring < 0)
		return ring;
	s->rings_taken[ring] = true;
	memcpy(snapshot_ring(s, (uint32_t)ring), s->packed, bytes);
	return ring;
}

static bool snapshot_same_share(const struct lbd_backend *old, const struct backend *new)
{
	const bool took = old->state == LBD_BACKEND_UP && old->ifindex;

	if (took != model_takes_flows(new))
		return false;
	return !took || (old->service == new->service && old->weight == new->weight &&
			 !(old->down & LBD_BACKEND_FALLBACK) ==
				 !new->fallback &&lbd_addr_equal(&old->addr, &new->addr));
}

/*
 * Which services' rings differ from those in force. Making one takes
 * milliseconds, and a health check changes one service, not all.
 */
static void snapshot_compare_rings(struct snapshot *s)
{
	const struct lbd_backend *old = snapshot_backends(s->dataplane, s->half ^ 1);
	const struct lbd_secret *secret = &s->dataplane->ring_secret;
	const uint32_t services = s->model->limits.services;

	if (memcmp(secret, &s->model->pick_secret, sizeof(*secret)) != 0)
		memset(s->rings_changed, true, services);
	for (uint32_t index = 1; index < s->model->limits.backends; index++) {
		const struct backend *new = &s->model->backends[index];

		if (snapshot_same_share(&old[index], new))
			continue;
		s->rings_changed[old[index].service % services] = true;
		s->rings_changed[new->service] = true;
	}
}

static void snapshot_take_rings(struct snapshot *s)
{
	const struct lbd_service *old = snapshot_services(s->dataplane, s->half ^ 1);

	for (uint32_t id = 0; id < s->model->limits.services; id++)
		if (old[id].used == SERVICE_LIVE && old[id].ring < s->model->limits.rings)
			s->rings_taken[old[id].ring] = true;
}

/*
 * Slots that the half in force sends through: the kernel empties one when its
 * interface goes, but packets are still sent through it until the flip.
 */
static void snapshot_take_tx(struct snapshot *s)
{
	const struct lbd_backend *old = snapshot_backends(s->dataplane, s->half ^ 1);

	for (uint32_t index = 1; index < s->model->limits.backends; index++)
		if (old[index].ifindex && old[index].tx_slot < LBD_TX_MAX)
			s->tx_used[old[index].tx_slot] = true;
}

/* --- services */

/* Make the ring of @service, and say in @to where it is. */
static int snapshot_make_ring(struct snapshot *s, const struct service *service,
			      struct lbd_service *to, struct error *err)
{
	int usable, ring;

	usable = model_ring(s->model, service, s->ring);
	if (usable < 0)
		return error_errno(err, usable, "Maglev ring of service %s", service->name);
	snapshot_pack_ring(s);
	ring = snapshot_place_ring(s, service);
	if (ring < 0)
		return error_errno(err, ring, "no free ring for service %s", service->name);
	to->usable = (__u16)usable;
	to->ring = (__u32)ring;
	return 0;
}

static void snapshot_selection(const struct snapshot *s, const struct service *service,
			       struct lbd_service *to)
{
	to->hash = service->hash;
	to->prefix = service->prefix;
	to->down = service->down;
	to->sticky = object_ticks(s->dataplane, service->sticky_s);
	object_timeouts(s->dataplane, &service->timeouts_s, &to->timeouts);
}

static int snapshot_service(struct snapshot *s, const struct service *service, struct error *err)
{
	const struct lbd_service *old = &snapshot_services(s->dataplane, s->half ^ 1)[service->id];
	struct lbd_service *to = &snapshot_services(s->dataplane, s->half)[service->id];

	memset(to, 0, sizeof(*to));
	to->vip = service->vip;
	to->port = htons(service->port);
	to->protocol = service->protocol;
	to->used = service->gone ? SERVICE_GONE : SERVICE_LIVE;
	snapshot_selection(s, service, to);
	if (service->gone)
		return 0;
	memcpy(to->quic, service->quic, sizeof(to->quic));
	if (old->used != SERVICE_LIVE || s->rings_changed[service->id])
		return snapshot_make_ring(s, service, to, err);
	to->usable = old->usable;
	to->ring = old->ring;
	return 0;
}

static int snapshot_write_services(struct snapshot *s, struct error *err)
{
	int rc = 0;

	for (uint32_t id = 1; id < s->model->limits.services && !rc; id++) {
		if (!s->model->services[id].id)
			memset(&snapshot_services(s->dataplane, s->half)[id], 0,
			       sizeof(struct lbd_service));
		else
			rc = snapshot_service(s, &s->model->services[id], err);
	}
	return rc;
}

/* --- backends */

/*
 * The slot of lbd_tx that leads to @ifindex; taken if there is none yet.
 * -ENODEV without a message: there is no such interface any more.
 */
static int snapshot_tx_slot(struct snapshot *s, uint32_t ifindex, struct error *err)
{
	int fd = s->dataplane->fd[MAP_lbd_tx], free_slot = -1;
	char name[IFNAMSIZ];
	__u32 held;

	for (__u32 slot = 0; slot < LBD_TX_MAX; slot++) {
		if (bpf_map_lookup_elem(fd, &slot, &held))
			held = 0;
		if (held == ifindex)
			return (int)slot;
		if (!held && free_slot < 0 && !s->tx_used[slot])
			free_slot = (int)slot;
	}
	if (free_slot < 0)
		return error_set(err, -ENOSPC, "backends behind more than %d interfaces",
				 LBD_TX_MAX);
	if (!bpf_map_update_elem(fd, &free_slot, &ifindex, BPF_ANY))
		return free_slot;
	if (!if_indextoname(ifindex, name))
		return -ENODEV;
	return error_errno(err, -errno, "enter interface %s for transmission", name);
}

static void snapshot_next_hop(struct lbd_backend *to, const struct nexthop *nexthop)
{
	memcpy(to->dmac, nexthop->dmac, sizeof(to->dmac));
	memcpy(to->smac, nexthop->smac, sizeof(to->smac));
	to->ifindex = nexthop->ifindex;
	to->mtu = nexthop->mtu;
}

static void snapshot_tunnel(struct lbd_backend *to, const struct model *model)
{
	__u32 base4 = ntohl(model->tunnel4.addr.words[3]);

	to->tunnel_base4 = base4;
	to->tunnel_host4 = model->tunnel4.length ? ~(~0U << (32 - model->tunnel4.length)) : ~0U;
	if (model->tunnel4.length == 32)
		to->tunnel_host4 = 0;
	to->tunnel_base6 = model->tunnel6.addr.halves[0];
}

static void snapshot_vni(struct lbd_backend *to, uint32_t vni)
{
	to->vni[0] = (__u8)(vni >> 16);
	to->vni[1] = (__u8)(vni >> 8);
	to->vni[2] = (__u8)vni;
}

static int snapshot_backend(struct snapshot *s, const struct backend *backend, struct error *err)
{
	struct lbd_backend *to = &snapshot_backends(s->dataplane, s->half)[backend->index];
	int slot;

	memset(to, 0, sizeof(*to));
	to->addr = backend->addr;
	to->state = (__u8)model_backend_state(backend);
	to->service = backend->service;
	to->forward = s->model->services[backend->service].forward;
	to->weight = (__u16)backend->weight;
	to->port = htons(backend->port);
	to->down = s->model->services[backend->service].down;
	if (backend->fallback)
		to->down |= LBD_BACKEND_FALLBACK;
	snapshot_tunnel(to, s->model);
	snapshot_vni(to, s->model->services[backend->service].vni);
	if (!backend->nexthop.resolved)
		return 0;
	slot = snapshot_tx_slot(s, backend->nexthop.ifindex, err);
	/* The interface went away with the next hop: unresolved, and no reason to hold up the rest. */
	if (slot == -ENODEV)
		return 0;
	if (slot < 0)
		return slot;
	snapshot_next_hop(to, &backend->nexthop);
	s->tx_used[slot] = true;
	to->tx_slot = (__u16)slot;
	return 0;
}

static int snapshot_write_backends(struct snapshot *s, struct error *err)
{
	int rc = 0;

	for (uint32_t index = 1; index < s->model->limits.backends && !rc; index++) {
		if (!s->model->backends[index].index)
			memset(&snapshot_backends(s->dataplane, s->half)[index], 0,
			       sizeof(struct lbd_backend));
		else
			rc = snapshot_backend(s, &s->model->backends[index], err);
	}
	return rc;
}

/* --- vips */

static bool snapshot_add_vip(const struct snapshot *s, uint32_t salt, const struct lbd_vip *vip)
{
	struct lbd_vip_bucket *bucket = &snapshot_vips(s->dataplane, s->half)[lbd_vip_hash(
		&vip->addr, vip->port, vip->protocol, salt, s->model->limits.vip_buckets)];

	for (int i = 0; i < LBD_VIP_BUCKET_SLOTS; i++) {
		struct lbd_vip *slot = &bucket->slot[i];

		if (slot->used && (!lbd_addr_equal(&slot->addr, &vip->addr) ||
				   slot->port != vip->port || slot->protocol != vip->protocol))
			continue;
		*slot = *vip;
		return true;
	}
	return false;
}

/* Answers to a NAT address, and a mark that it is ours. */
static bool snapshot_add_nat(const struct snapshot *s, uint32_t salt, const struct lbd_addr *addr)
{
	static const __u8 protocols[] = { 0, IPPROTO_TCP, IPPROTO_UDP };

	for (size_t i = 0; i < sizeof(protocols); i++) {
		const struct lbd_vip vip = {
			.addr = *addr, .protocol = protocols[i], .translated = 1, .used = 1
		};

		if (!snapshot_add_vip(s, salt, &vip))
			return false;
	}
	return true;
}

static bool snapshot_add_nats(const struct snapshot *s, uint32_t salt)
{
	const struct lbd_nat *nat = &s->model->nat;

	for (int family = 0; family < 2; family++)
		for (uint32_t i = 0; i < nat->count[family]; i++)
			if (!snapshot_add_nat(s, salt, &nat->addrs[family][i]))
				return false;
	return true;
}

/* Each service, and a mark that its address is a VIP. */
static bool snapshot_try_salt(const struct snapshot *s, uint32_t salt)
{
	memset(snapshot_vips(s->dataplane, s->half), 0,
	       s->model->limits.vip_buckets * sizeof(struct lbd_vip_bucket));
	for (uint32_t id = 1; id < s->model->limits.services; id++) {
		const struct service *service = &s->model->services[id];
		struct lbd_vip vip = { .addr = service->vip, .used = 1 };

		if (!service->id || service->gone)
			continue;
		if (!snapshot_add_vip(s, salt, &vip))
			return false;
		vip.port = htons(service->port);
		vip.protocol = service->protocol;
		vip.service = service->id;
		vip.translated = service->forward == LBD_FORWARD_NAT;
		if (!snapshot_add_vip(s, salt, &vip))
			return false;
	}
	return snapshot_add_nats(s, salt);
}

static int snapshot_write_vips(const struct snapshot *s, struct error *err)
{
	for (uint32_t salt = 0; salt < SALTS_TRIED; salt++) {
		if (!snapshot_try_salt(s, salt))
			continue;
		s->dataplane->control->vip_salt[s->half] = salt;
		return 0;
	}
	return error_set(err, -ENOSPC, "no salt of %d spreads the VIPs over %u buckets",
			 SALTS_TRIED, s->model->limits.vip_buckets);
}

/* --- the flip */

/*
 * XDP programs run inside an RCU read-side section, and MEMBARRIER_CMD_GLOBAL
 * waits for all of those (membarrier(2)).
 */
void dataplane_quiesce(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		usleep(IDLE_MS * 1000);
}

/*
 * Wait until no packet can be in the idle half any more. Rarely needed: the
 * last flip is mostly long ago.
 */
void dataplane_settle(const struct dataplane *dataplane)
{
	int64_t since = monotonic_ms() - dataplane->flipped_ms;

	if (dataplane->flipped_ms && since > IDLE_MS)
		return;
	dataplane_quiesce();
}

static void snapshot_flip(struct dataplane *dataplane, uint32_t half)
{
	__atomic_store_n(&dataplane->control->active, half, __ATOMIC_SEQ_CST);
	dataplane->flipped_ms = monotonic_ms();
}

/* Interfaces that neither half uses. A failure only leaves a slot taken. */
static void snapshot_release_tx(const struct snapshot *s)
{
	for (__u32 slot = 0; slot < LBD_TX_MAX; slot++)
		if (!s->tx_used[slot])
			bpf_map_delete_elem(s->dataplane->fd[MAP_lbd_tx], &slot);
}

static int snapshot_write(struct snapshot *s, struct error *err)
{
	int rc;

	snapshot_take_rings(s);
	snapshot_compare_rings(s);
	snapshot_take_tx(s);
	rc = snapshot_write_services(s, err);
	if (!rc)
		rc = snapshot_write_backends(s, err);
	if (!rc)
		rc = snapshot_write_vips(s, err);
	if (!rc)
		rc = quic_write(s->dataplane, s->model, s->half, err);
	if (!rc)
		dataplane_guard_write(s->dataplane, s->model, s->half);
	return rc;
}

int dataplane_commit(struct dataplane *dataplane, const struct model *model, struct error *err)
{
	struct snapshot s = {
		.dataplane = dataplane,
		.model = model,
		.half = (dataplane->control->active & 1) ^ 1,
		.rings_taken = calloc(model->limits.rings, sizeof(bool)),
		.rings_changed = calloc(model->limits.services, sizeof(bool)),
		.ring = calloc(model->limits.ring_size, sizeof(uint16_t)),
		.packed = calloc(lbd_ring_words(model->limits.ring_size), sizeof(__u64)),
	};
	int rc;

	if (!s.rings_taken || !s.rings_changed || !s.ring || !s.packed) {
		rc = error_set(err, -ENOMEM, "out of memory");
		goto out;
	}
	dataplane_settle(dataplane);
	rc = snapshot_write(&s, err);
	if (rc)
		goto out;
	snapshot_flip(dataplane, s.half);
	dataplane->ring_secret = model->pick_secret;
	/* Meters and devices may be those of the set that serves. */
	if (!dataplane->beside) {
		dataplane_guard_settle(dataplane);
		snapshot_release_tx(&s);
	}
out:
	free(s.rings_taken);
	free(s.rings_changed);
	free(s.ring);
	free(s.packed);
	return rc;
}
