// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/packet/check.h"

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/outcome.h"
#include "tests/packet/hexdiff.h"

#define AT_ETHERTYPE 12
#define IPV4_HEADER 20
#define IPV6_HEADER 40

static uint16_t check_be16(const uint8_t *frame, int at)
{
	return (uint16_t)(frame[at] << 8 | frame[at + 1]);
}

/* Offset of the IP header, behind any VLAN tags; the ethertype stands right before it. */
static int check_link(const uint8_t *frame)
{
	int at = AT_ETHERTYPE;

	while (check_be16(frame, at) == ETH_P_8021Q || check_be16(frame, at) == ETH_P_8021AD)
		at += 4;
	return at + 2;
}

/* --- counters */

static struct lbd_traffic check_sum(const struct lab *lab, uint32_t count,
				    int (*read)(const struct dataplane *, struct lbd_traffic *))
{
	struct lbd_traffic *all = calloc(count, sizeof(*all)), sum = { 0 };

	if (all && !read(lab->dataplane, all))
		for (uint32_t i = 0; i < count; i++) {
			sum.packets += all[i].packets;
			sum.bytes += all[i].bytes;
		}
	free(all);
	return sum;
}

static bool check_outcome(const struct check *check, const struct lab *lab, const char *expected)
{
	uint64_t now[LBD_OUTCOME_MAX] = { 0 };
	bool good = true, seen = false;

	dataplane_outcomes(lab->dataplane, now);
	for (int i = 0; i < LBD_OUTCOME_COUNT; i++) {
		uint64_t moved = now[i] - check->outcomes[i];
		bool wanted = !strcmp(outcomes[i].name, expected);

		seen |= wanted;
		if (moved == wanted)
			continue;
		fprintf(check->report, "  outcome %s: expected %d, came %llu\n", outcomes[i].name,
			wanted, (unsigned long long)moved);
		good = false;
	}
	if (!seen)
		fprintf(check->report, "  outcome %s: there is none of this name\n", expected);
	return good && seen;
}

static uint64_t check_drops(const struct lab *lab, struct lbd_drop *ret_last)
{
	struct lbd_drop *drops = calloc(LBD_DROPS, sizeof(*drops));
	uint64_t all = 0;

	if (drops && dataplane_drops(lab->dataplane, drops, &all))
		*ret_last = drops[0];
	free(drops);
	return all;
}

/* Where every dropped packet is to be kept, each is, once and under its outcome. */
static bool check_kept(const struct check *check, const struct lab *lab,
		       const struct case_step *step, const struct check_result *result)
{
	struct lbd_drop last = { 0 };
	uint64_t kept = check_drops(lab, &last) - check->drops;
	uint64_t expected = lab->model->sample && result->verdict == XDP_DROP;

	if (kept == expected && (!kept || !strcmp(outcomes[last.outcome].name, step->outcome)))
		return true;
	fprintf(check->report, "  dropped packets kept: expected %llu, came %llu, the last as %s\n",
		(unsigned long long)expected, (unsigned long long)kept,
		outcomes[last.outcome].name);
	return false;
}

/* Length of the IP packet in @frame, as its header says. */
static uint64_t check_ip_length(const struct case_frame *frame)
{
	int link = check_link(frame->bytes);

	if (check_be16(frame->bytes, link - 2) == ETH_P_IPV6)
		return IPV6_HEADER + check_be16(frame->bytes, link + 4);
	return check_be16(frame->bytes, link + 2);
}

static bool check_moved(const struct check *check, const char *what, struct lbd_traffic before,
			struct lbd_traffic now, struct lbd_traffic expected)
{
	uint64_t packets = now.packets - before.packets, bytes = now.bytes - before.bytes;

	if (packets == expected.packets && bytes == expected.bytes)
		return true;
	fprintf(check->report,
		"  traffic of all %s: expected %llu packets, %llu bytes more; came "
		"%llu, %llu\n",
		what, (unsigned long long)expected.packets, (unsigned long long)expected.bytes,
		(unsigned long long)packets, (unsigned long long)bytes);
	return false;
}

/* A packet that is forwarded to a backend counts once for a service and once for a backend, as it came. */
static bool check_traffic(const struct check *check, const struct lab *lab,
			  const struct case_step *step)
{
	struct lbd_traffic services =
		check_sum(lab, lab->model->limits.services, dataplane_service_traffic);
	struct lbd_traffic backends =
		check_sum(lab, lab->model->limits.backends, dataplane_backend_traffic);
	struct lbd_traffic expected = { 0 };
	bool good;

	if (!strncmp(step->outcome, "forward", strlen("forward")) &&
	    strcmp(step->outcome, "forward_return") != 0) {
		expected.packets = 1;
		expected.bytes = check_ip_length(&step->frame_in);
	}
	good = check_moved(check, "services", check->services, services, expected);
	return check_moved(check, "backends", check->backends, backends, expected) && good;
}

/* --- frames */

static bool check_verdict(const struct check *check, const struct case_step *step,
			  const struct check_result *result)
{
	if (result->verdict == step->verdict)
		return true;
	fprintf(check->report, "  verdict: expected %s, came %s\n",
		case_verdict_name(step->verdict), case_verdict_name(result->verdict));
	return false;
}

static bool check_frame(const struct check *check, const struct case_step *step,
			const struct check_result *result)
{
	if (hexdiff_equal(&step->frame_out, result->frame, result->size))
		return true;
	hexdiff_print(check->report, &step->frame_out, result->frame, result->size);
	return false;
}

/* The IPv4 header of every frame that is sent must sum to ~0 (RFC 1071). */
static bool check_ipv4_checksum(const struct check *check, const struct check_result *result)
{
	int link = check_link(result->frame);
	uint32_t sum = 0;

	if (check_be16(result->frame, link - 2) != ETH_P_IP)
		return true;
	for (int i = 0; i < (result->frame[link] & 0xf) * 4; i += 2)
		sum += check_be16(result->frame, link + i);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	if (sum == 0xffff)
		return true;
	fprintf(check->report, "  IPv4 header checksum: expected a sum of 0xffff, came %#x\n", sum);
	return false;
}

/* Outer source: IPv4 or IPv6 address and, of UDP, the port; padded with zeros. */
static void check_source_of(const struct check_result *result, uint8_t source[CHECK_SOURCE])
{
	int link = check_link(result->frame);
	const uint8_t *ip = &result->frame[link];

	memset(source, 0, CHECK_SOURCE);
	if (check_be16(result->frame, link - 2) == ETH_P_IPV6) {
		memcpy(source, ip + 8, 16);
		memcpy(source + 16, ip + IPV6_HEADER, ip[6] == IPPROTO_UDP ? 2 : 0);
	} else {
		memcpy(source, ip + 12, 4);
		memcpy(source + 16, ip + IPV4_HEADER, ip[9] == IPPROTO_UDP ? 2 : 0);
	}
}

static bool check_source(struct check *check, const struct case_step *step,
			 const struct check_result *result)
{
	uint8_t source[CHECK_SOURCE];
	bool same;

	check_source_of(result, source);
	same = !memcmp(source, check->source, sizeof(source));
	memcpy(check->source, source, sizeof(source));
	if (step->source == CASE_SOURCE_UNSAID || same == (step->source == CASE_SOURCE_SAME))
		return true;
	fprintf(check->report, "  outer source: expected %s as before, came %s\n",
		same ? "another" : "the same", same ? "the same" : "another");
	return false;
}

/* --- connection table */

struct check_found {
	const struct tables *tables;
	enum case_entry entry;
};

static enum case_entry check_state(const struct tables *tables, const struct table_entry *entry)
{
	const uint64_t value =
		lbd_value_make(entry->backend, entry->vip_port, entry->flags, entry->tick);

	if (tables_expired(tables, entry->service, value, tables_now(tables)))
		return CASE_ENTRY_EXPIRED;
	if (entry->flags & LBD_CONN_CONFIRMED)
		return entry->flags & LBD_CONN_CLOSING ? CASE_ENTRY_CLOSING : CASE_ENTRY_CONFIRMED;
	return entry->flags & LBD_CONN_CLOSING ? CASE_ENTRY_RESET : CASE_ENTRY_UNCONFIRMED;
}

static bool check_visit(void *context, const struct table_entry *entry)
{
	struct check_found *found = context;

	if (found->entry != CASE_ENTRY_NONE)
		found->entry = CASE_ENTRY_SEVERAL;
	else
		found->entry = check_state(found->tables, entry);
	return true;
}

static bool check_entry(const struct check *check, const struct lab *lab, enum case_entry expected)
{
	struct check_found found = { dataplane_tables(lab->dataplane), CASE_ENTRY_NONE };

	if (expected == CASE_ENTRY_UNSAID)
		return true;
	tables_walk(found.tables, check_visit, &found);
	if (found.entry == expected)
		return true;
	fprintf(check->report, "  entry in the connection table: expected %s, came %s\n",
		case_entry_name(expected), case_entry_name(found.entry));
	return false;
}

static void check_clear_news(const struct tables *tables)
{
	memset(tables->dirty4, 0, tables->conn4_buckets / 8);
	memset(tables->dirty6, 0, tables->conn6_buckets / 8);
}

static bool check_any_bit(const uint64_t *words, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (words[i])
			return true;
	return false;
}

static bool check_news(const struct check *check, const struct lab *lab, enum case_news expected)
{
	const struct tables *tables = dataplane_tables(lab->dataplane);
	bool news = check_any_bit(tables->dirty4, tables->conn4_buckets / 64) ||
		    check_any_bit(tables->dirty6, tables->conn6_buckets / 64);

	if (expected == CASE_NEWS_UNSAID || news == (expected == CASE_NEWS_YES))
		return true;
	fprintf(check->report, "  news for the peers: expected %s, came %s\n", news ? "no" : "yes",
		news ? "yes" : "no");
	return false;
}

/* --- all of it */

void check_before(struct check *check, const struct lab *lab)
{
	struct lbd_drop last;

	dataplane_outcomes(lab->dataplane, check->outcomes);
	check->drops = check_drops(lab, &last);
	check->services = check_sum(lab, lab->model->limits.services, dataplane_service_traffic);
	check->backends = check_sum(lab, lab->model->limits.backends, dataplane_backend_traffic);
	check_clear_news(dataplane_tables(lab->dataplane));
}

bool check_after(struct check *check, const struct lab *lab, const struct case_step *step,
		 const struct check_result *result)
{
	bool good = true;

	good &= check_verdict(check, step, result);
	good &= check_outcome(check, lab, step->outcome);
	good &= check_kept(check, lab, step, result);
	good &= check_frame(check, step, result);
	good &= check_traffic(check, lab, step);
	good &= check_entry(check, lab, step->entry);
	good &= check_news(check, lab, step->news);
	if (result->verdict == XDP_TX || result->verdict == XDP_REDIRECT) {
		good &= check_ipv4_checksum(check, result);
		good &= check_source(check, step, result);
	}
	return good;
}
