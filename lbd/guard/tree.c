// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A node splits its cuts by the bits below those that all of them share, into
 * about as many slots as there are cuts: what is spread evenly is found in one
 * step, what clusters in one step more for each cluster within a cluster.
 */
#include "guard/tree.h"

#include <errno.h>
#include <stdlib.h>

/* From @key on, @answer holds. */
struct cut {
	uint64_t key;
	uint32_t answer;
};

/* Cuts, and what holds before the first. */
struct cuts {
	const struct cut *all;
	uint32_t count, before;
};

struct tree {
	struct lbd_acl_entry *entries;
	uint32_t room, used;
	uint32_t per_slot; /* cuts to a slot, in halves: fewer are faster, and need more room */
};

/* Room for @count places, or -ENOSPC. */
static int tree_take(struct tree *tree, uint32_t count, uint32_t *ret)
{
	if (tree->room - tree->used < count)
		return -ENOSPC;
	*ret = tree->used;
	tree->used += count;
	return 0;
}

static uint64_t tree_slots(const struct cuts *cuts, unsigned int shift)
{
	return (cuts->all[cuts->count - 1].key >> shift) - (cuts->all[0].key >> shift) + 1;
}

/* How wide the slots are: two at least, or it would go on for ever. */
static unsigned int tree_shift(const struct tree *tree, const struct cuts *cuts)
{
	const uint64_t differ = cuts->all[0].key ^ cuts->all[cuts->count - 1].key;
	uint64_t wanted = 2ULL * cuts->count / tree->per_slot;
	unsigned int shift = 63U - (unsigned int)__builtin_clzll(differ);

	if (wanted > LBD_ACL_SLOTS)
		wanted = LBD_ACL_SLOTS;
	while (shift && tree_slots(cuts, shift - 1) <= wanted)
		shift--;
	return shift;
}

/* Take from @rest the cuts of the slot that ends with @last. */
static struct cuts tree_split(struct cuts *rest, uint64_t last)
{
	struct cuts slot = { rest->all, 0, rest->before };

	while (slot.count < rest->count && slot.all[slot.count].key <= last)
		slot.count++;
	if (slot.count)
		rest->before = slot.all[slot.count - 1].answer;
	rest->all += slot.count;
	rest->count -= slot.count;
	return slot;
}

/* Put @cuts at place @at, @depth steps from the root. */
static int tree_put(struct tree *tree, uint32_t at, struct cuts cuts, uint32_t depth)
{
	struct lbd_acl_entry *entry = &tree->entries[at];
	unsigned int shift;
	uint64_t first;
	uint32_t slots;
	int rc;

	if (depth >= LBD_ACL_DEPTH)
		return -ENOSPC;
	if (cuts.count < 2) {
		*entry = (struct lbd_acl_entry){ 0, cuts.before, cuts.before };
		if (cuts.count)
			*entry = (struct lbd_acl_entry){ cuts.all->key, cuts.before,
							 cuts.all->answer };
		return 0;
	}
	shift = tree_shift(tree, &cuts);
	slots = (uint32_t)tree_slots(&cuts, shift);
	first = cuts.all->key >> shift;
	entry->key = first << shift;
	entry->second = LBD_ACL_NODE | shift << LBD_ACL_SHIFT | slots;
	rc = tree_take(tree, slots, &entry->first);
	for (uint32_t i = 0; i < slots && !rc; i++) {
		const uint64_t last = ((first + i) << shift) | ((1ULL << shift) - 1);

		rc = tree_put(tree, entry->first + i, tree_split(&cuts, last), depth + 1);
	}
	return rc;
}

/* Ranges that begin within one upper half: a tree over the lower ones. */
static int tree_put_lower(struct tree *tree, const struct range *ranges, uint32_t count,
			  uint32_t before, struct cut *scratch, uint32_t *ret_answer)
{
	uint32_t at;
	int rc;

	for (uint32_t i = 0; i < count; i++)
		scratch[i] = (struct cut){ ranges[i].lower, ranges[i].lists };
	rc = tree_take(tree, 1, &at);
	if (rc)
		return rc;
	*ret_answer = LBD_ACL_LOWER | at;
	/* The way here isn't known yet: half of the depth is for each. */
	return tree_put(tree, at, (struct cuts){ scratch, count, before }, LBD_ACL_DEPTH / 2);
}

static uint32_t tree_same_upper(const struct ranges *ranges, uint32_t from)
{
	uint32_t count = 1;

	while (from + count < ranges->count &&
	       ranges->all[from + count].upper == ranges->all[from].upper)
		count++;
	return count;
}

/* The cuts between upper halves; *ret_count of @cuts, which has room for twice the ranges. */
static int tree_upper(struct tree *tree, const struct ranges *ranges, struct cut *cuts,
		      struct cut *scratch, uint32_t *ret_count)
{
	uint32_t before = 0, made = 0, count;
	int rc = 0;

	for (uint32_t i = 0; i < ranges->count && !rc; i += count) {
		const struct range *range = &ranges->all[i], *next;
		struct cut *cut = &cuts[made++];

		count = tree_same_upper(ranges, i);
		next = i + count < ranges->count ? range + count : NULL;
		*cut = (struct cut){ range->upper, range->lists };
		if (count > 1 || range->lower) {
			rc = tree_put_lower(tree, range, count, before, scratch, &cut->answer);
			before = range[count - 1].lists;
			if (cut->key != ~0ULL && !(next && next->upper == cut->key + 1))
				cuts[made++] = (struct cut){ cut->key + 1, before };
		}
		before = range[count - 1].lists;
	}
	*ret_count = made;
	return rc;
}

static int tree_family(struct tree *tree, uint32_t root, const struct ranges *ranges,
		       struct cut *cuts, struct cut *scratch)
{
	uint32_t count, lower = tree->used;
	int rc;

	rc = tree_upper(tree, ranges, cuts, scratch, &count);
	/* Without trees below it, this one may have all of the depth. */
	if (!rc)
		rc = tree_put(tree, root, (struct cuts){ cuts, count, 0 },
			      tree->used > lower ? LBD_ACL_DEPTH / 2 : 0);
	return rc;
}

int tree_make(const struct ranges *v4, const struct ranges *v6, struct lbd_acl_entry *entries,
	      uint32_t room, uint32_t *ret_count)
{
	const size_t most = (v4->count > v6->count ? v4->count : v6->count) + 1;
	struct cut *cuts = calloc(2 * most, sizeof(*cuts));
	struct cut *scratch = calloc(most, sizeof(*scratch));
	struct tree tree = { .entries = entries, .room = room };
	uint32_t roots;
	int rc = -ENOMEM;

	if (!cuts || !scratch)
		goto out;
	rc = -ENOSPC;
	for (tree.per_slot = 1; rc == -ENOSPC && tree.per_slot <= 4; tree.per_slot *= 2) {
		tree.used = 0;
		rc = tree_take(&tree, LBD_ACL_ROOT6 + 1, &roots);
		if (!rc)
			rc = tree_family(&tree, LBD_ACL_ROOT4, v4, cuts, scratch);
		if (!rc)
			rc = tree_family(&tree, LBD_ACL_ROOT6, v6, cuts, scratch);
	}
	*ret_count = tree.used;
out:
	free(cuts);
	free(scratch);
	return rc;
}

uint32_t tree_find(const struct lbd_acl_entry *entries, const struct lbd_addr *addr)
{
	struct lbd_acl_walk walk = { .at = lbd_addr_is4(addr) ? LBD_ACL_ROOT4 : LBD_ACL_ROOT6 };
	uint64_t upper, lower;

	ranges_key(addr, &upper, &lower);
	walk.key = upper;
	walk.low = lower;
	for (int depth = 0; depth < LBD_ACL_DEPTH; depth++)
		if (lbd_acl_step(&walk, &entries[walk.at]))
			return walk.lists;
	return 0;
}
