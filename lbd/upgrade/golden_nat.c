// SPDX-License-Identifier: GPL-2.0-or-later
/* What NAT must make of golden packets. The texts end the sentence "expected ...". */
#include <linux/if_ether.h>
#include <string.h>

#include "upgrade/golden.h"

static bool nat_is_source(const struct lbd_nat *nat, const struct lbd_addr *addr, uint16_t port)
{
	const bool v6 = !lbd_addr_is4(addr);

	if (port < nat->first_port || port - nat->first_port >= nat->ports)
		return false;
	for (uint32_t i = 0; i < nat->count[v6]; i++)
		if (lbd_addr_equal(&nat->addrs[v6][i], addr))
			return true;
	return false;
}

/* Is @out, behind the Ethernet header, @in with these ends, one hop on? */
static bool nat_is_carried(const struct golden_frame *in, const struct golden_frame *out,
			   const struct golden_ends *ends)
{
	struct golden_frame expected = *in;

	golden_set_ends(&expected, ends, GOLDEN_TTL - 1);
	return out->size == expected.size &&
	       !memcmp(out->bytes + ETH_HLEN, expected.bytes + ETH_HLEN, expected.size - ETH_HLEN);
}

const char *golden_judge_nat(const struct model *model, const struct service *service,
			     const struct golden_frame *in, const struct golden_frame *out,
			     const struct backend *backend)
{
	const struct golden_ends ends = golden_get_ends(out);

	if (!nat_is_source(&model->nat, &ends.source, ends.source_port))
		return "it from a NAT address and port";
	if (!lbd_addr_equal(&ends.dest, &backend->addr) ||
	    ends.dest_port != (backend->port ? backend->port : service->port))
		return "it to the backend's address and port";
	if (!nat_is_carried(in, out, &ends))
		return "all else of it as it came, but for a TTL less and checksums that are right";
	return NULL;
}

const char *golden_judge_answer(const struct service *service, const struct golden_frame *in,
				const struct golden_frame *answer, const struct golden_frame *out)
{
	const struct golden_ends asked = golden_get_ends(in);
	const struct golden_ends ends = { service->vip, asked.source, service->port,
					  asked.source_port };

	if (memcmp(out->bytes, answer->bytes + ETH_ALEN, ETH_ALEN) != 0)
		return "it back to whoever brought it";
	if (!nat_is_carried(answer, out, &ends))
		return "it from the VIP to the client, a TTL less, its checksums right";
	return NULL;
}
