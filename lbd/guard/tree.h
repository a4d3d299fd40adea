/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ranges to the search tree that the packet path walks (lbd/guard.h). Pure. */
#ifndef GUARD_TREE_H
#define GUARD_TREE_H

#include "guard/ranges.h"
#include "lbd/guard.h"

/*
 * Write the trees of both families to @entries, of which there are @room.
 * *ret_count: how many are used. -ENOSPC: they don't fit, or would be deeper
 * than LBD_ACL_DEPTH. -ENOMEM.
 */
int tree_make(const struct ranges *v4, const struct ranges *v6, struct lbd_acl_entry *entries,
	      uint32_t room, uint32_t *ret_count);

/* The lists that @addr is on, as the packet path finds them. */
uint32_t tree_find(const struct lbd_acl_entry *entries, const struct lbd_addr *addr);

#endif
