// SPDX-License-Identifier: GPL-2.0-or-later
/* A packet of the replay, and what became of it, in words. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "base/outcome.h"
#include "upgrade/replay.h"

#define WORDS_FRAME_MAX 192
#define WORDS_FLAGS_AT 13 /* of TCP's header */

static const char *const replay_sources[REPLAY_SOURCES] = {
	[REPLAY_LIVE] = "live",		[REPLAY_CLOSING] = "closing", [REPLAY_ERROR] = "icmp-error",
	[REPLAY_FRAGMENT] = "fragment", [REPLAY_FRESH] = "fresh",     [REPLAY_DROP] = "dropped",
	[REPLAY_ANSWER] = "answer",
};

const char *replay_source_name(enum replay_source source)
{
	return replay_sources[source];
}

static const char *const words_actions[] = {
	[XDP_ABORTED] = "aborted",	   [XDP_DROP] = "dropped",
	[XDP_PASS] = "left to the kernel", [XDP_TX] = "sent",
	[XDP_REDIRECT] = "sent elsewhere",
};

#define WORDS_ACTIONS ((int)(sizeof(words_actions) / sizeof(*words_actions)))

static const struct service *words_service(const struct model *model, uint16_t id)
{
	return id && id < model->limits.services && model->services[id].id ? &model->services[id]
									   : NULL;
}

static const char *words_backend(const struct model *model, uint16_t index)
{
	return index && index < model->limits.backends && model->backends[index].index
		       ? model->backends[index].name
		       : NULL;
}

static const char *words_flags(uint8_t flags, char *buffer, size_t size)
{
	snprintf(buffer, size, "%s%s%s%s", flags & TH_SYN ? " SYN" : "",
		 flags & TH_FIN ? " FIN" : "", flags & TH_RST ? " RST" : "",
		 flags & TH_ACK ? " ACK" : "");
	return buffer;
}

static const char *words_protocol(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "TCP";
	case IPPROTO_UDP:
		return "UDP";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return "ICMP";
	default:
		return "IP";
	}
}

/* "TCP SYN from A to B", of a frame that golden_packet or a drop made. */
static void words_frame(const struct golden_frame *frame, char *ret, size_t size)
{
	const bool v4 = frame->bytes[12] == 0x08 && !frame->bytes[13];
	const bool v6 = frame->bytes[12] == 0x86 && frame->bytes[13] == 0xdd;
	const uint32_t l4 = ETH_HLEN + (v4 ? 20 : 40);
	const uint8_t protocol = frame->bytes[ETH_HLEN + (v4 ? 9 : 6)];
	char source[ADDR_TEXT_MAX], dest[ADDR_TEXT_MAX], flags[32] = "";
	struct golden_ends ends;

	if ((!v4 && !v6) || l4 + WORDS_FLAGS_AT >= frame->size) {
		snprintf(ret, size, "a frame of type %02x%02x", frame->bytes[12], frame->bytes[13]);
		return;
	}
	ends = golden_get_ends(frame);
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) {
		addr_format_endpoint(&ends.source, htons(ends.source_port), source);
		addr_format_endpoint(&ends.dest, htons(ends.dest_port), dest);
	} else {
		addr_format(&ends.source, source);
		addr_format(&ends.dest, dest);
	}
	if (protocol == IPPROTO_TCP)
		words_flags(frame->bytes[l4 + WORDS_FLAGS_AT], flags, sizeof(flags));
	snprintf(ret, size, "%s%s from %s to %s", words_protocol(protocol), flags, source, dest);
}

/* Of a frame that doesn't show the ends of its flow. */
static void words_flow(const struct model *model, const struct replay_packet *packet, char *ret)
{
	const struct service *service = words_service(model, packet->service);
	const char *backend = words_backend(model, packet->backend);
	char client[ADDR_TEXT_MAX] = "", vip[ADDR_TEXT_MAX] = "";

	addr_format_endpoint(&packet->entry.client, packet->entry.client_port, client);
	if (service)
		addr_format_endpoint(&service->vip, packet->entry.vip_port, vip);
	snprintf(ret, REPLAY_TEXT_MAX, "%s, of %s from %s to %s, a connection of %.40s",
		 packet->what, service ? words_protocol(service->protocol) : "a flow", client, vip,
		 backend ? backend : "a removed backend");
}

void replay_describe_packet(const struct model *model, const struct replay_packet *packet,
			    char *ret)
{
	const struct service *service = words_service(model, packet->service);
	const char *backend = words_backend(model, packet->backend);
	char frame[WORDS_FRAME_MAX];

	words_frame(&packet->frame, frame, sizeof(frame));
	switch (packet->source) {
	case REPLAY_ERROR:
	case REPLAY_FRAGMENT:
		words_flow(model, packet, ret);
		break;
	case REPLAY_LIVE:
	case REPLAY_CLOSING:
		snprintf(ret, REPLAY_TEXT_MAX, "%s, a connection of %.40s", frame,
			 backend ? backend : "a removed backend");
		break;
	case REPLAY_ANSWER:
		snprintf(ret, REPLAY_TEXT_MAX, "%s, an answer of %.40s", frame,
			 backend ? backend : "a removed backend");
		break;
	case REPLAY_DROP:
		snprintf(ret, REPLAY_TEXT_MAX, "%s, dropped some time ago", frame);
		break;
	default:
		snprintf(ret, REPLAY_TEXT_MAX, "%s, %s", frame,
			 service ? "a new client" : "of no service");
	}
}

/* Where the frames differ that were sent. */
static void words_bytes(const struct replay_verdict *verdict, const struct replay_verdict *other,
			char *ret, size_t size)
{
	uint32_t at = 0;

	*ret = '\0';
	if (verdict->action < 0 || verdict->action != other->action ||
	    verdict->action == XDP_DROP || verdict->backend != other->backend)
		return;
	if (verdict->size != other->size) {
		snprintf(ret, size, ", %u bytes", verdict->size);
		return;
	}
	while (at < verdict->size && verdict->frame[at] == other->frame[at])
		at++;
	if (at < verdict->size)
		snprintf(ret, size, ", byte %u is %02x", at, verdict->frame[at]);
}

void replay_describe_verdict(const struct model *model, const struct replay_verdict *verdict,
			     const struct replay_verdict *other, char *ret)
{
	const char *backend = words_backend(model, verdict->backend);
	char action[32], bytes[48], outcome[64] = "";

	if (verdict->action == -EBADMSG) {
		snprintf(ret, REPLAY_TEXT_MAX, "names not one outcome that this lbd knows");
		return;
	}
	if (verdict->action < 0) {
		snprintf(ret, REPLAY_TEXT_MAX, "test-run fails: %s", strerror(-verdict->action));
		return;
	}
	snprintf(action, sizeof(action), "action %d", verdict->action);
	words_bytes(verdict, other, bytes, sizeof(bytes));
	if (verdict->named)
		snprintf(outcome, sizeof(outcome), " (%s)", outcomes[verdict->outcome].name);
	snprintf(ret, REPLAY_TEXT_MAX, "%s%s%.40s%s%s",
		 verdict->action < WORDS_ACTIONS ? words_actions[verdict->action] : action,
		 backend ? " to " : "", backend ? backend : "", outcome, bytes);
}
