// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>

#include "config/rules.h"
#include "lbd/nat.h"

static void rules_nat_address(struct document *document, const struct config *config, uint32_t n)
{
	const struct lbd_addr *addr = &config->nat.addresses[n];
	char text[ADDR_TEXT_MAX];

	rules_host(document, addr, "nat.addresses");
	addr_format(addr, text);
	if (n && lbd_addr_equal(addr, &config->nat.addresses[n - 1])) {
		document_fault_at(document, "nat.addresses", "came %s twice, expected once", text);
		return;
	}
	for (uint32_t i = 0; i < config->services_count; i++)
		if (lbd_addr_equal(addr, &config->services[i].vip))
			document_fault_at(document, "nat.addresses",
					  "came %s, the VIP of service %s, expected an address "
					  "of its own",
					  text, config->services[i].name);
}

static uint32_t rules_nat_count(const struct config *config, bool v4)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < config->nat.addresses_count; i++)
		count += lbd_addr_is4(&config->nat.addresses[i]) == v4;
	return count;
}

void rules_nat(struct document *document, const struct config *config)
{
	for (int v4 = 0; v4 <= 1; v4++)
		if (rules_nat_count(config, v4) > LBD_NAT_ADDRS_MAX)
			document_fault_at(
				document, "nat.addresses", "came %u of IPv%c, expected at most %d",
				rules_nat_count(config, v4), v4 ? '4' : '6', LBD_NAT_ADDRS_MAX);
	for (uint32_t n = 0; n < config->nat.addresses_count; n++)
		rules_nat_address(document, config, n);
}

void rules_nat_service(struct document *document, const struct config *config,
		       const struct config_service *service, const char *path)
{
	const bool v4 = lbd_addr_is4(&service->vip);
	char at[DOCUMENT_PATH_MAX];

	if (service->forward != LBD_FORWARD_NAT)
		return;
	snprintf(at, sizeof(at), "%.100s.forward", path);
	if (!rules_nat_count(config, v4))
		document_fault_at(document, at,
				  "came nat, but nat.addresses has none of IPv%c to go out from",
				  v4 ? '4' : '6');
	if (!service->port)
		document_fault_at(document, at, "came nat with port any, expected one port");
	if (service->quic_count)
		document_fault_at(document, at,
				  "came nat with quic: a client that moves would get another port "
				  "there; expected another way");
}
