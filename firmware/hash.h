/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Chained hash table that grows a few buckets per change, so that no single
 * insertion pays for a million others.
 */
#ifndef TFW_HASH_H
#define TFW_HASH_H

#include "tulle_bits.h"

struct tfw_engine;

/* Embedded in what is kept; @aux is the owner's. */
struct tfw_hnode {
	struct tfw_hnode	*next;
	u32			hash;
	u32			aux;
};

/*
 * struct tfw_hash - the table
 * @bucket: current array; NULL while empty
 * @old: array being emptied, half the size; buckets below @moved are done
 */
struct tfw_hash {
	struct tfw_hnode	**bucket;
	struct tfw_hnode	**old;
	u32			moved;
	u32			count;
	u8			log_size;
};

static inline struct tfw_hnode **tfw_hash_head(const struct tfw_hash *h,
					       u32 hash)
{
	u32 ix;

	if (h->old) {
		ix = hash & ((1U << (h->log_size - 1)) - 1);
		if (ix >= h->moved)
			return &h->old[ix];
	}
	return &h->bucket[hash & ((1U << h->log_size) - 1)];
}

static inline struct tfw_hnode *tfw_hash_first(const struct tfw_hash *h,
					       u32 hash)
{
	return h->count ? *tfw_hash_head(h, hash) : NULL;
}

/* Readies the table for one more node; false: no memory at all. */
bool tfw_hash_reserve(struct tfw_engine *e, struct tfw_hash *h);

/* Behind @pos (NULL: at the head of its chain). Reserve first. */
void tfw_hash_add(struct tfw_hash *h, struct tfw_hnode *n,
		  struct tfw_hnode *pos);
void tfw_hash_del(struct tfw_engine *e, struct tfw_hash *h,
		  struct tfw_hnode *n);

/* Some node, NULL when there is none; for emptying a table from @from on. */
struct tfw_hnode *tfw_hash_any(const struct tfw_hash *h, u32 *from);

#endif /* TFW_HASH_H */
