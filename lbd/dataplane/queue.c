// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/queue.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <xdp/xsk.h>

#include "base/monotonic.h"
#include "dataplane/internal.h"

#define QUEUE_FRAMES 64 /* copied out at once: they only bridge the moment until then */
_Static_assert(LBD_XSK_INTERFACES == 64, "a bit of a word for each interface");

#define QUEUE_TRIES 25
#define QUEUE_MOMENT_NS 20000000
#define QUEUE_MEMORY (QUEUE_FRAMES * QUEUE_FRAME_MAX)

struct queue {
	struct xsk_umem *umem;
	struct xsk_socket *socket;
	struct xsk_ring_prod fill, tx;
	struct xsk_ring_cons done, rx;
	void *memory;
	uint32_t ifindex;
};

uint32_t queue_count(const char *interface)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	struct ifreq request = { .ifr_data = (void *)&channels };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint32_t count = 0;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (fd >= 0 && !ioctl(fd, SIOCETHTOOL, &request))
		count = channels.rx_count + channels.combined_count;
	if (fd >= 0)
		close(fd);
	if (!count)
		return 1;
	return count < LBD_XSK_QUEUES ? count : LBD_XSK_QUEUES;
}

/* Give frames back to the kernel, to be filled. */
static void queue_fill(struct queue *queue, const uint64_t *addresses, uint32_t count)
{
	uint32_t place;

	if (xsk_ring_prod__reserve(&queue->fill, count, &place) != count)
		return;
	for (uint32_t i = 0; i < count; i++)
		*xsk_ring_prod__fill_addr(&queue->fill, place + i) = addresses[i];
	xsk_ring_prod__submit(&queue->fill, count);
}

static int queue_open_socket(struct queue *queue, const char *interface, uint32_t number)
{
	const struct xsk_umem_config memory = { .fill_size = QUEUE_FRAMES,
						.comp_size = QUEUE_FRAMES,
						.frame_size = QUEUE_FRAME_MAX };
	const struct xsk_socket_config socket = {
		.rx_size = QUEUE_FRAMES,
		.tx_size = 0,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = XDP_COPY,
	};
	uint64_t addresses[QUEUE_FRAMES];
	int rc;

	rc = xsk_umem__create(&queue->umem, queue->memory, QUEUE_MEMORY, &queue->fill, &queue->done,
			      &memory);
	if (!rc)
		rc = xsk_socket__create(&queue->socket, interface, number, queue->umem, &queue->rx,
					NULL, &socket);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < QUEUE_FRAMES; i++)
		addresses[i] = (uint64_t)i * QUEUE_FRAME_MAX;
	queue_fill(queue, addresses, QUEUE_FRAMES);
	return 0;
}

/* The numbers that are taken, a bit each; those of interfaces that are gone are given back. */
static uint64_t queue_numbers_taken(const struct dataplane *dataplane)
{
	const int fd = dataplane->fd[MAP_lbd_xsk_slots];
	uint32_t ifindexes[LBD_XSK_INTERFACES], count = 0, number;
	const uint32_t *last = NULL;
	char name[IF_NAMESIZE];
	uint64_t taken = 0;

	for (; count < LBD_XSK_INTERFACES; last = &ifindexes[count++])
		if (bpf_map_get_next_key(fd, last, &ifindexes[count]))
			break;
	while (count--) {
		if (!if_indextoname(ifindexes[count], name))
			bpf_map_delete_elem(fd, &ifindexes[count]);
		else if (!bpf_map_lookup_elem(fd, &ifindexes[count], &number) &&
			 number < LBD_XSK_INTERFACES)
			taken |= 1ULL << number;
	}
	return taken;
}

/* The interface's number in lbd_xsks: that which it has, else a free one. */
static int queue_number(const struct dataplane *dataplane, uint32_t ifindex, uint32_t *ret)
{
	const int fd = dataplane->fd[MAP_lbd_xsk_slots];
	uint64_t taken;

	if (!bpf_map_lookup_elem(fd, &ifindex, ret) && *ret < LBD_XSK_INTERFACES)
		return 0;
	taken = queue_numbers_taken(dataplane);
	if (taken == UINT64_MAX)
		return -ENOSPC;
	*ret = (uint32_t)__builtin_ctzll(~taken);
	return bpf_map_update_elem(fd, &ifindex, ret, BPF_ANY) ? -errno : 0;
}

/* Let the packet path send there. Closing the socket takes it out again. */
static int queue_enter(const struct dataplane *dataplane, const struct queue *queue,
		       uint32_t number)
{
	const int fd = xsk_socket__fd(queue->socket);
	uint32_t interface, slot;
	int rc;

	rc = queue_number(dataplane, queue->ifindex, &interface);
	if (rc)
		return rc;
	slot = lbd_xsk_slot(interface, number);
	return bpf_map_update_elem(dataplane->fd[MAP_lbd_xsks], &slot, &fd, BPF_NOEXIST) ? -errno
											 : 0;
}

static int queue_try(const struct dataplane *dataplane, const char *interface, uint32_t number,
		     struct queue **ret)
{
	struct queue *queue = calloc(1, sizeof(*queue));
	int rc;

	if (!queue)
		return -ENOMEM;
	queue->ifindex = if_nametoindex(interface);
	queue->memory = mmap(NULL, QUEUE_MEMORY, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (queue->memory == MAP_FAILED)
		queue->memory = NULL;
	rc = queue->memory ? queue_open_socket(queue, interface, number) : -ENOMEM;
	if (!rc)
		rc = queue_enter(dataplane, queue, number);
	if (rc)
		queue_close(queue);
	else
		*ret = queue;
	return rc;
}

/* The kernel lets go of a queue some moments after its last socket was closed. */
int queue_open(const struct dataplane *dataplane, const char *interface, uint32_t number,
	       struct queue **ret, struct error *err)
{
	const struct timespec moment = { .tv_nsec = QUEUE_MOMENT_NS };
	int rc = -EBUSY;

	for (int i = 0; i < QUEUE_TRIES && rc == -EBUSY; i++) {
		if (i)
			nanosleep(&moment, NULL);
		rc = queue_try(dataplane, interface, number, ret);
	}
	return rc ? error_errno(err, rc, "AF_XDP socket at queue %u of %s", number, interface) : 0;
}

void queue_close(struct queue *queue)
{
	if (!queue)
		return;
	if (queue->socket)
		xsk_socket__delete(queue->socket);
	if (queue->umem)
		xsk_umem__delete(queue->umem);
	if (queue->memory)
		munmap(queue->memory, QUEUE_MEMORY);
	free(queue);
}

int queue_fd(const struct queue *queue)
{
	return xsk_socket__fd(queue->socket);
}

uint32_t queue_ifindex(const struct queue *queue)
{
	return queue->ifindex;
}

uint32_t queue_receive(struct queue *queue, void *frame)
{
	const struct xdp_desc *desc;
	uint64_t address;
	uint32_t place, size;

	if (!xsk_ring_cons__peek(&queue->rx, 1, &place))
		return 0;
	desc = xsk_ring_cons__rx_desc(&queue->rx, place);
	size = desc->len < QUEUE_FRAME_MAX ? desc->len : QUEUE_FRAME_MAX;
	memcpy(frame, xsk_umem__get_data(queue->memory, desc->addr), size);
	address = desc->addr / QUEUE_FRAME_MAX * QUEUE_FRAME_MAX;
	xsk_ring_cons__release(&queue->rx, 1);
	queue_fill(queue, &address, 1);
	return size;
}

static int64_t queue_age_ms(const struct dataplane *dataplane, uint64_t jiffies)
{
	const int64_t jiffy_ns = dataplane->tables.tick_ns >> dataplane->tick_shift;
	const int64_t seen_ns = dataplane->tables.tick_base_ns + (int64_t)jiffies * jiffy_ns;

	return monotonic_ms() - seen_ns / 1000000;
}

bool queue_first_seen(const struct dataplane *dataplane, const struct lbd_fragment_key *key,
		      uint32_t age_ms, uint32_t *ret_ifindex)
{
	const uint32_t half = __atomic_load_n(&dataplane->control->active, __ATOMIC_ACQUIRE) & 1;
	struct lbd_fragment first;

	if (bpf_map_lookup_elem(dataplane->fd[MAP_lbd_fragments], key, &first) ||
	    first.backend >= dataplane->limits.backends ||
	    queue_age_ms(dataplane, first.seen) >= age_ms)
		return false;
	*ret_ifindex = first.ifindex ? first.ifindex
				     : snapshot_backends(dataplane, half)[first.backend].ifindex;
	return true;
}
