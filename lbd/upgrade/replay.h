/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets like those that are under way, through the old and the new packet
 * path, over the live tables: neither writes anything (LBD_FEATURE_READONLY),
 * and both must come to the same end.
 *
 *   connection tables --sample--+
 *   services ----fresh flows----+--> packets --shuffled--> old, new, old again
 *   lbd_drops -------frames-----+                               |
 *                                    same, said otherwise, unsettled, different
 *
 * Packets come and go meanwhile: where the old one doesn't say the same twice,
 * the packet is tried again. Then the same once more, apart: by programs that
 * write, and can't know that they are watched.
 */
#ifndef UPGRADE_REPLAY_H
#define UPGRADE_REPLAY_H

#include "dataplane/dataplane.h"
#include "model/model.h"
#include "upgrade/golden.h"

enum replay_source {
	REPLAY_LIVE,	 /* of a connection in the table */
	REPLAY_CLOSING,	 /* of one, with FIN or RST */
	REPLAY_ERROR,	 /* ICMP: too big, or port unreachable, about a packet of one */
	REPLAY_FRAGMENT, /* of one: the first or a later fragment of a datagram */
	REPLAY_FRESH,	 /* of a client that was never seen */
	REPLAY_DROP,	 /* dropped some time ago, and kept */
	REPLAY_ANSWER,	 /* of a backend, by NAT */
	REPLAY_SOURCES,
};

struct replay_packet {
	enum replay_source source;
	const char *what; /* of errors and fragments: which, in words; else NULL */
	uint16_t service; /* whose it is; 0: unknown */
	uint16_t backend; /* that has the connection; 0: there is none */
	uint32_t size;	  /* of the frame; what isn't in @frame is zeros */
	struct golden_frame frame;
	struct table_entry entry; /* that a live one has */
};

/* --- replay_packets.c */

struct replay_packets {
	struct replay_packet *list;
	uint32_t count, room;
	uint64_t random;
};

/* Make packets as above. -ENOMEM. */
int replay_gather(const struct dataplane *dataplane, const struct model *model,
		  struct replay_packets *ret);
void replay_discard(struct replay_packets *packets);

/* --- replay.c */

/* What a packet path did with a packet. */
struct replay_verdict {
	int action; /* XDP_*; a negative errno: test-run failed, or it named no outcome */
	bool named; /* what follows is known: it was traced */
	uint8_t outcome;
	uint16_t service, backend;
	uint32_t size;
	uint8_t frame[2048];
};

#define REPLAY_TEXT_MAX 256
#define REPLAY_LIST_MAX 32

struct replay_difference {
	enum replay_source source;
	char service[CONFIG_NAME_MAX]; /* "" if it is none's */
	char packet[REPLAY_TEXT_MAX];  /* in words */
	char old[REPLAY_TEXT_MAX], new[REPLAY_TEXT_MAX];
};

struct replay_report {
	uint32_t made;		      /* packets that there were */
	uint32_t run[REPLAY_SOURCES]; /* of those, in the time that was given */
	uint32_t same;
	uint32_t otherwise; /* done alike, but called by another name: no harm */
	uint32_t unsettled; /* the old one changed its mind each time: live traffic did */
	uint32_t different;
	uint32_t old_ns, new_ns; /* medians of a packet, apart; 0: not measured */
	uint32_t listed;
	struct replay_difference list[REPLAY_LIST_MAX];
};

struct replay {
	struct dataplane *dataplane;
	const struct model *model;
	uint32_t ifindex; /* where the packets come in */
	uint32_t features;
	uint32_t budget_ms;
};

/*
 * Compare objects @old and @new. -EBADMSG: they differ, and the first of the differences is in
 * @err. -ENODATA: the old one can't be asked, and @err says why.
 */
int replay_run(const struct replay *replay, const char *old, const char *new,
	       struct replay_report *ret, struct error *err);

/*
 * The same by programs as they will run, which neither trace nor spare anything: each over maps of
 * its own, with the services and backends of the model and a sample of the live connections. Rates
 * are left out: they are a matter of time. Else as replay_run; -ENODATA too where memory is short.
 */
int replay_run_apart(const struct replay *replay, const char *old, const char *new,
		     struct replay_report *ret, struct error *err);

/* --- replay_words.c: for people */

const char *replay_source_name(enum replay_source source);

void replay_describe_packet(const struct model *model, const struct replay_packet *packet,
			    char *ret);
void replay_describe_verdict(const struct model *model, const struct replay_verdict *verdict,
			     const struct replay_verdict *other, char *ret);

#endif
