// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mad: what a sync port must bear. Does one of these for a while, then says how
 * much it got rid of, as a line of JSON.
 *
 *   mad segments  SOURCE TARGET SECONDS   TCP segments of no connection, every 64th a SYN,
 *                                         over IPv4; SOURCE may be somebody else's
 *   mad garbage   SOURCE TARGET SECONDS   connections that send random bytes, several at a time
 *   mad crowd     SOURCE TARGET SECONDS   connections that say nothing, as many as it gets
 *   mad peer      SOURCE TARGET SECONDS NAME KEYFILE SERVER
 *                 a peer with its own key that has lost its mind: wrong dictionaries, absurd
 *                 ages, huge arrays, wrong sequences, the names of others
 *
 * SOURCE is an address, TARGET address:port, SERVER the target's public key.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "base/addr.h"
#include "base/monotonic.h"
#include "sync/curve.h"
#include "sync/wire.h"

#define MAD_CHUNK 16384
#define MAD_STREAMS 8
#define MAD_IDLE 20 /* turns of a millisecond in which a stream takes nothing */
#define MAD_CROWD 4000
#define MAD_SEGMENT 1380 /* with an IP header it fits the lab's links */
#define MAD_BATCH 64
#define MAD_RATE 120000000ULL /* bytes a second, of segments */
#define MAD_RECORDS 1000

struct mad {
	struct lbd_addr source;
	struct addr_endpoint target;
	int64_t start_ms, end_ms;
	uint64_t connections, bytes, messages;
	/* of mode peer */
	const char *name, *server;
	struct curve_pair own;
	void *context, *dealer;
	uint64_t boot, conversation, sequence;
};

static bool mad_goes_on(const struct mad *mad)
{
	return monotonic_ms() < mad->end_ms;
}

/* xorshift: getrandom() alone would cost more than all else. @size is a multiple of 8. */
static void mad_fill(void *bytes, size_t size)
{
	static uint64_t state = 88172645463325252ULL;
	uint64_t *words = bytes;

	for (size_t i = 0; i < size / 8; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		words[i] = state;
	}
}

static void mad_nap(long us)
{
	const struct timespec nap = { 0, us * 1000 };

	nanosleep(&nap, NULL);
}

/* --- connections */

static int mad_socket(const struct mad *mad)
{
	struct sockaddr_storage addr;
	socklen_t size = addr_to_sockaddr(&mad->source, 0, &addr);
	int fd = socket(addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, size))
		return -1;
	size = addr_to_sockaddr(&mad->target.addr, mad->target.port, &addr);
	if (connect(fd, (struct sockaddr *)&addr, size) && errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

struct mad_stream {
	int fd; /* -1: not connected */
	int idle;
	uint8_t bytes[MAD_CHUNK];
};

/*
 * Noise; every other time it begins as ZMTP does, and every fourth time with all of a greeting,
 * so that what follows is taken for a message of the handshake.
 */
static int mad_stream_open(struct mad *mad, struct mad_stream *stream)
{
	static const uint8_t greeting[64] = { 0xff, 0, 0, 0,   0,   0,	 0,   0,  1,
					      0x7f, 3, 1, 'C', 'U', 'R', 'V', 'E' };
	const size_t like[] = { 0, 1, 0, sizeof(greeting) };

	stream->fd = mad_socket(mad);
	stream->idle = 0;
	if (getrandom(stream->bytes, sizeof(stream->bytes), 0) < 0)
		return -errno;
	memcpy(stream->bytes, greeting, like[mad->connections % 4]);
	mad->connections += stream->fd >= 0;
	return 0;
}

/* What it takes now. False: it is over. */
static bool mad_stream_pour(struct mad *mad, struct mad_stream *stream)
{
	for (int i = 0; i < MAD_BATCH; i++) {
		ssize_t sent = send(stream->fd, stream->bytes, MAD_CHUNK, MSG_NOSIGNAL);

		if (sent < 0)
			return (errno == EAGAIN || errno == ENOTCONN) && ++stream->idle < MAD_IDLE;
		mad->bytes += (uint64_t)sent;
		stream->idle = 0;
	}
	return true;
}

static int mad_garbage(struct mad *mad)
{
	static struct mad_stream streams[MAD_STREAMS];

	for (int i = 0; i < MAD_STREAMS; i++)
		streams[i].fd = -1;
	while (mad_goes_on(mad)) {
		for (int i = 0; i < MAD_STREAMS; i++) {
			if (streams[i].fd < 0 && mad_stream_open(mad, &streams[i]))
				return 1;
			if (streams[i].fd < 0 || mad_stream_pour(mad, &streams[i]))
				continue;
			close(streams[i].fd);
			streams[i].fd = -1;
		}
		mad_nap(1000);
	}
	return 0;
}

static int mad_crowd(struct mad *mad)
{
	int fds[MAD_CROWD];
	uint32_t n = 0;

	memset(fds, -1, sizeof(fds));
	while (mad_goes_on(mad)) {
		if (fds[n] >= 0)
			close(fds[n]);
		fds[n] = mad_socket(mad);
		mad->connections += fds[n] >= 0;
		n = (n + 1) % MAD_CROWD;
		mad_nap(50);
	}
	return 0;
}

/* --- segments of no connection */

struct mad_packet {
	struct iphdr ip; /* the kernel adds what is missing */
	uint8_t tcp[MAD_SEGMENT];
} __attribute__((packed));

static uint16_t mad_sum(const void *data, size_t size, uint32_t sum)
{
	const uint16_t *words = data;

	for (size_t i = 0; i < size / 2; i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint16_t mad_pseudo_sum(const struct mad *mad, size_t size)
{
	const uint32_t header[] = { mad->source.words[3], mad->target.addr.words[3],
				    htonl(IPPROTO_TCP << 16 | (uint32_t)size) };

	return mad_sum(header, sizeof(header), 0);
}

/* Not above MAD_RATE. */
static void mad_pace(const struct mad *mad)
{
	while (mad_goes_on(mad) &&
	       mad->bytes > (uint64_t)(monotonic_ms() - mad->start_ms + 1) * (MAD_RATE / 1000))
		mad_nap(100);
}

static void mad_segment(const struct mad *mad, uint32_t n, struct mad_packet *packet)
{
	struct tcphdr *tcp = (struct tcphdr *)packet->tcp;

	packet->ip = (struct iphdr){ .version = 4,
				     .ihl = 5,
				     .ttl = 64,
				     .protocol = IPPROTO_TCP,
				     .saddr = mad->source.words[3],
				     .daddr = mad->target.addr.words[3] };
	memset(tcp, 0, sizeof(*tcp));
	tcp->source = htons((uint16_t)(1024 + n % 60000));
	tcp->dest = mad->target.port;
	tcp->seq = n;
	tcp->doff = sizeof(*tcp) / 4;
	tcp->syn = n % MAD_BATCH == 0;
	tcp->ack = !tcp->syn;
	tcp->window = htons(1024);
	tcp->check = (uint16_t)~mad_sum(packet->tcp, MAD_SEGMENT, mad_pseudo_sum(mad, MAD_SEGMENT));
}

static int mad_segments(struct mad *mad)
{
	static struct mad_packet packets[MAD_BATCH];
	struct mmsghdr messages[MAD_BATCH] = { 0 };
	struct iovec vectors[MAD_BATCH];
	struct sockaddr_storage addr;
	socklen_t size = addr_to_sockaddr(&mad->target.addr, 0, &addr);
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), sent;

	if (fd < 0 || getrandom(packets, sizeof(packets), 0) < 0)
		return 1;
	for (uint32_t i = 0; i < MAD_BATCH; i++) {
		vectors[i] = (struct iovec){ &packets[i], sizeof(packets[i]) };
		messages[i].msg_hdr = (struct msghdr){ .msg_name = &addr,
						       .msg_namelen = size,
						       .msg_iov = &vectors[i],
						       .msg_iovlen = 1 };
	}
	for (uint32_t n = 0; mad_goes_on(mad); n += MAD_BATCH) {
		for (uint32_t i = 0; i < MAD_BATCH; i++)
			mad_segment(mad, n + i, &packets[i]);
		sent = sendmmsg(fd, messages, MAD_BATCH, 0);
		if (sent > 0)
			mad->bytes += (uint64_t)sent * MAD_SEGMENT;
		mad->connections++;
		mad_pace(mad);
	}
	close(fd);
	return 0;
}

/* --- a peer gone mad */

static void mad_connect(struct mad *mad)
{
	char url[2 * ADDR_TEXT_MAX + 8] = "tcp://";
	const int linger = 0;

	if (mad->dealer)
		zmq_close(mad->dealer);
	addr_format_endpoint(&mad->source, 0, url + strlen(url));
	strcat(url, ";");
	addr_format_endpoint(&mad->target.addr, mad->target.port, url + strlen(url));
	mad->dealer = zmq_socket(mad->context, ZMQ_DEALER);
	zmq_setsockopt(mad->dealer, ZMQ_LINGER, &linger, sizeof(linger));
	curve_join(mad->dealer, &mad->own, mad->server);
	zmq_connect(mad->dealer, url);
	mad->connections++;
}

static void mad_send_bytes(struct mad *mad, const void *bytes, size_t size, int flags)
{
	if (zmq_send(mad->dealer, bytes, size, ZMQ_DONTWAIT | flags) < 0)
		return;
	mad->messages++;
	mad->bytes += size;
}

static int mad_encode(struct mad *mad, struct wire_message *message, uint8_t *buffer)
{
	if (!message->node[0])
		snprintf(message->node, sizeof(message->node), "%s", mad->name);
	message->version = 1;
	message->version_max = WIRE_VERSION;
	message->boot = mad->boot;
	message->conversation = mad->conversation;
	message->sequence += mad->sequence;
	return wire_encode(message, buffer, WIRE_MESSAGE_MAX);
}

static void mad_send(struct mad *mad, struct wire_message message)
{
	static uint8_t buffer[WIRE_MESSAGE_MAX];
	int size = mad_encode(mad, &message, buffer);

	if (size < 0)
		return;
	mad_send_bytes(mad, buffer, (size_t)size, 0);
	mad->sequence++;
}

static void mad_hello(struct mad *mad)
{
	mad->conversation++;
	mad->sequence = 0;
	mad_send(mad, (struct wire_message){ .type = WIRE_HELLO });
}

/* Ids that can't be, backends of services that aren't, and some that could. */
static void mad_dictionary(struct mad *mad)
{
	static _Alignas(8) uint8_t services[256 * WIRE_SERVICE_SIZE];
	static _Alignas(8) uint8_t backends[512 * WIRE_BACKEND_SIZE];
	struct wire_message message = { .type = WIRE_DICTIONARY, .dictionary = mad->sequence };

	mad_fill(services, sizeof(services));
	mad_fill(backends, sizeof(backends));
	message.services = (struct wire_rows){ services, WIRE_SERVICE_SIZE, 256 };
	message.backends = (struct wire_rows){ backends, WIRE_BACKEND_SIZE, 512 };
	mad_send(mad, message);
}

/* Of any service and age: the first half in the words of the last dictionary. */
static void mad_records(struct mad *mad)
{
	static _Alignas(8) uint8_t rows[MAD_RECORDS * WIRE_RECORD4_SIZE];
	struct wire_message message = { .type = WIRE_RECORDS };

	mad_fill(rows, sizeof(rows));
	message.records4 = (struct wire_rows){ rows, WIRE_RECORD4_SIZE, MAD_RECORDS };
	mad_send(mad, message);
}

/* A real connection, seen before the universe was made. */
static void mad_ages(struct mad *mad)
{
	struct wire_message message = { .type = WIRE_RECORDS };
	const struct wire_record record = { .service = 1, .backend = 1, .age_ms = UINT32_MAX };
	uint8_t row[WIRE_RECORD4_SIZE];

	wire_put_record4(row, &record);
	message.records4 = (struct wire_rows){ row, WIRE_RECORD4_SIZE, 1 };
	mad_send(mad, message);
}

/* Lengths of 4 GiB, nested arrays of as many, and nothing behind them. */
static void mad_arrays(struct mad *mad)
{
	static const uint8_t head[] = { 0xdf, 0xff, 0xff, 0xff, 0xff, 0, 0xce, 'l', 'b', 'd', 's' };
	static const uint8_t array[] = { 0x8a, 0,    0xce, 'l',	 'b',  'd',  's',  60,
					 0xdd, 0xff, 0xff, 0xff, 0xff, 0xdd, 0xff, 0xff };
	static const uint8_t bin[] = { 0x8a, 0,	   0xce, 'l',  'b',  'd', 's',
				       26,   0xc6, 0xff, 0xff, 0xff, 0xff };

	mad_send_bytes(mad, head, sizeof(head), 0);
	mad_send_bytes(mad, array, sizeof(array), 0);
	mad_send_bytes(mad, bin, sizeof(bin), 0);
}

static void mad_gap(struct mad *mad)
{
	mad_send(mad, (struct wire_message){ .type = WIRE_HEARTBEAT, .sequence = 5 });
}

static void mad_repetition(struct mad *mad)
{
	mad_send(mad, (struct wire_message){ .type = WIRE_HEARTBEAT });
	mad->sequence--;
	mad_send(mad, (struct wire_message){ .type = WIRE_HEARTBEAT });
}

static void mad_others_name(struct mad *mad)
{
	mad_send(mad, (struct wire_message){ .type = WIRE_HELLO, .node = "lb1" });
	mad_send(mad, (struct wire_message){ .type = WIRE_BYE, .node = "nobody" });
}

static void mad_frames(struct mad *mad)
{
	mad_send_bytes(mad, "one", 3, ZMQ_SNDMORE);
	mad_send_bytes(mad, "two", 3, 0);
}

static void mad_noise(struct mad *mad)
{
	static uint8_t noise[4096];

	if (getrandom(noise, sizeof(noise), 0) > 0)
		mad_send_bytes(mad, noise, sizeof(noise), 0);
}

static void mad_spendthrift(struct mad *mad)
{
	for (int i = 0; i < 200; i++)
		mad_send(mad, (struct wire_message){ .type = WIRE_RECORDS });
}

/* Longer than a message may be: ends the connection. */
static void mad_long(struct mad *mad)
{
	static uint8_t bytes[WIRE_MESSAGE_MAX + 1];

	mad_send_bytes(mad, bytes, sizeof(bytes), 0);
	mad_nap(20000);
	mad_connect(mad);
}

static void (*const mad_ways[])(struct mad *mad) = {
	mad_dictionary, mad_records,	 mad_ages,  mad_arrays,	 mad_gap,	  mad_repetition,
	mad_frames,	mad_others_name, mad_noise, mad_records, mad_spendthrift, mad_long,
};

static int mad_peer(struct mad *mad)
{
	const uint32_t ways = sizeof(mad_ways) / sizeof(*mad_ways);

	mad->context = zmq_ctx_new();
	if (getrandom(&mad->boot, sizeof(mad->boot), 0) < 0)
		return 1;
	mad->boot |= 1;
	mad_connect(mad);
	for (uint32_t n = 0; mad_goes_on(mad); n++) {
		char answer[256];

		if (n % 200 >= ways) /* mostly the ways that cost the other side most */
			mad_ways[n % 2](mad);
		else
			mad_ways[n % 200](mad);
		mad_hello(mad);
		while (zmq_recv(mad->dealer, answer, sizeof(answer), ZMQ_DONTWAIT) >= 0)
			;
		mad_nap(10);
	}
	zmq_close(mad->dealer);
	zmq_ctx_term(mad->context);
	return 0;
}

/* --- the command line */

static int mad_usage(void)
{
	fputs("usage: mad segments|garbage|crowd SOURCE TARGET SECONDS\n"
	      "       mad peer SOURCE TARGET SECONDS NAME KEYFILE SERVER\n",
	      stderr);
	return 2;
}

static int mad_run(struct mad *mad, const char *way)
{
	static const struct {
		const char *name;
		int (*run)(struct mad *mad);
	} all[] = { { "segments", mad_segments },
		    { "garbage", mad_garbage },
		    { "crowd", mad_crowd },
		    { "peer", mad_peer } };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (strcmp(all[i].name, way) == 0)
			return all[i].run(mad);
	return mad_usage();
}

int main(int argc, char **argv)
{
	struct mad mad = { 0 };
	struct error err = { 0 };
	int rc;

	if (argc < 5 || addr_parse(argv[2], &mad.source) ||
	    addr_parse_endpoint(argv[3], &mad.target) || (strcmp(argv[1], "peer") == 0 && argc < 8))
		return mad_usage();
	mad.start_ms = monotonic_ms();
	mad.end_ms = mad.start_ms + atoi(argv[4]) * 1000;
	if (argc >= 8) {
		mad.name = argv[5];
		mad.server = argv[7];
		if (curve_read(argv[6], &mad.own, &err)) {
			fprintf(stderr, "mad: %s\n", err.text);
			return 1;
		}
	}
	rc = mad_run(&mad, argv[1]);
	printf("{\"connections\": %llu, \"messages\": %llu, \"bytes\": %llu, \"ms\": %lld}\n",
	       (unsigned long long)mad.connections, (unsigned long long)mad.messages,
	       (unsigned long long)mad.bytes, (long long)(monotonic_ms() - mad.start_ms));
	return rc;
}
