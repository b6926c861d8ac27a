// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Hash table of the steering engine.
 */
#include "dev.h"
#include "hash.h"

#define LOG_FIRST	4
#define LOG_LAST	26
#define MOVE_STEP	16	/* buckets per change; 2 would keep up */

static void move_bucket(struct tfw_hash *h)
{
	struct tfw_hnode *n = h->old[h->moved], *next, **tail[2];
	u32 half = 1U << (h->log_size - 1);

	/* Tails, not heads: the order within a chain means something. */
	tail[0] = &h->bucket[h->moved];
	tail[1] = &h->bucket[h->moved + half];
	h->old[h->moved] = NULL;
	h->moved++;
	for (; n; n = next) {
		u32 upper = !!(n->hash & half);

		next = n->next;
		n->next = NULL;
		*tail[upper] = n;
		tail[upper] = &n->next;
	}
}

static void move_some(struct tfw_engine *e, struct tfw_hash *h, u32 n)
{
	u32 size;

	if (!h->old)
		return;
	size = 1U << (h->log_size - 1);
	while (n-- && h->moved < size)
		move_bucket(h);
	if (h->moved < size)
		return;
	tfw_free(e, h->old);
	h->old = NULL;
	h->moved = 0;
}

bool tfw_hash_reserve(struct tfw_engine *e, struct tfw_hash *h)
{
	struct tfw_hnode **bucket;

	if (!h->bucket) {
		h->bucket = tfw_alloc(e, sizeof(*bucket) << LOG_FIRST);
		h->log_size = LOG_FIRST;
		return h->bucket;
	}
	move_some(e, h, MOVE_STEP);
	if (h->count < 1U << h->log_size || h->old || h->log_size == LOG_LAST)
		return true;
	bucket = tfw_alloc(e, sizeof(*bucket) << (h->log_size + 1));
	/* Longer chains are better than no rule. */
	if (!bucket)
		return true;
	h->old = h->bucket;
	h->bucket = bucket;
	h->log_size++;
	h->moved = 0;
	return true;
}

void tfw_hash_add(struct tfw_hash *h, struct tfw_hnode *n,
		  struct tfw_hnode *pos)
{
	struct tfw_hnode **link = pos ? &pos->next : tfw_hash_head(h, n->hash);

	n->next = *link;
	*link = n;
	h->count++;
}

void tfw_hash_del(struct tfw_engine *e, struct tfw_hash *h,
		  struct tfw_hnode *n)
{
	struct tfw_hnode **link = tfw_hash_head(h, n->hash);

	while (*link != n)
		link = &(*link)->next;
	*link = n->next;
	h->count--;
	move_some(e, h, MOVE_STEP);
	if (h->count)
		return;
	tfw_free(e, h->bucket);
	tfw_free(e, h->old);
	*h = (struct tfw_hash){ 0 };
}

struct tfw_hnode *tfw_hash_any(const struct tfw_hash *h, u32 *from)
{
	u32 size = 1U << h->log_size;

	if (!h->count)
		return NULL;
	for (; *from < size; (*from)++) {
		if (h->bucket[*from])
			return h->bucket[*from];
		if (h->old && *from < size / 2 && h->old[*from])
			return h->old[*from];
	}
	return NULL;
}
