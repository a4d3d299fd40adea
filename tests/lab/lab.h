/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests and benchmarks do to a lab by hand. */
#ifndef LAB_LAB_H
#define LAB_LAB_H

#include "trace/lab.h"

/* Configured backend by its name, NULL if there is none. */
struct backend *lab_find_backend(const struct lab *lab, const char *name);

/* Give every backend at @addr this next hop. Returns how many there are. */
uint32_t lab_set_nexthop(const struct lab *lab, const struct lbd_addr *addr,
			 const struct nexthop *nexthop);

#endif
