// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Handle tables: two levels, growing by a leaf at a time. Freed indices come
 * back oldest first and not before some others were freed, so that a number
 * that a peer or a stale completion may still know rests as long as possible;
 * the generation tells the new object from the old one.
 */
#include <string.h>

#include "dev.h"

#define OBJ_LEAF	256
#define OBJ_NONE	(~0U)
#define OBJ_REST	64	/* freed indices that stay at rest */

/**
 * struct tfw_obj_slot - one index
 * @obj: live object, or NULL
 * @next: next in the list of freed indices
 * @gen: generation of the live object, or of the last one
 * @freed: is in that list; a restore may take the index out of turn, the
 *	list then drops it when its turn comes
 */
struct tfw_obj_slot {
	struct tfw_obj	*obj;
	u32		next;
	u8		gen;
	bool		freed;
};

static const struct tfw_obj_ops obj_ops[TULLE_OBJ_TYPES] = {
	[TULLE_OBJ_SQ]		= { tfw_sq_destroy,		0 },
	[TULLE_OBJ_TABLE]	= { tfw_table_destroy,		2 },
	[TULLE_OBJ_MASK]	= { tfw_mask_destroy,		1 },
	[TULLE_OBJ_RSS]		= { tfw_rss_destroy,		3 },
	[TULLE_OBJ_RQ]		= { tfw_rq_destroy,		4 },
	[TULLE_OBJ_QP]		= { tfw_qp_destroy,		4 },
	[TULLE_OBJ_SRQ]		= { tfw_srq_destroy,		5 },
	[TULLE_OBJ_QP_COUNTER]	= { tfw_qp_counter_destroy,	5 },
	[TULLE_OBJ_COUNTER]	= { tfw_counter_destroy,	5 },
	[TULLE_OBJ_XRCD]	= { tfw_xrcd_destroy,		6 },
	[TULLE_OBJ_CQ]		= { tfw_cq_destroy,		6 },
	[TULLE_OBJ_EQ]		= { tfw_eq_destroy,		7 },
	[TULLE_OBJ_MKEY]	= { tfw_mkey_destroy,		8 },
	[TULLE_OBJ_PD]		= { tfw_pd_destroy,		9 },
	[TULLE_OBJ_UAR]		= { tfw_uar_destroy,		10 },
};

#define OBJ_ORDERS	11

/* Indices below are not given out; see tulle_hw.h for those of QPs. */
static const u8 obj_low[TULLE_OBJ_TYPES] = {
	[TULLE_OBJ_MKEY]	= 1,	/* so no key is 0 */
	[TULLE_OBJ_QP]		= 2,
};

/* Nor those from here on, whatever the quota; 0: any. */
static const u32 obj_top[TULLE_OBJ_TYPES] = {
	[TULLE_OBJ_COUNTER]	= 1U << 16,	/* COUNTER_BLOCK */
};

/* One above the highest index. */
static u32 obj_end(const struct tfw_obj_table *t)
{
	return t->top && t->top < t->quota ? t->top : t->quota;
}

static struct tfw_obj_slot *obj_slot(const struct tfw_obj_table *t, u32 index)
{
	u32 leaf = index / OBJ_LEAF;

	if (leaf >= t->nleafs || !t->leafs[leaf])
		return NULL;
	return &t->leafs[leaf][index % OBJ_LEAF];
}

/* The slot of any index below the quota; makes its leaf. */
static struct tfw_obj_slot *obj_slot_make(struct tfw_engine *e,
					  struct tfw_obj_table *t, u32 index)
{
	u32 leaf = index / OBJ_LEAF;

	if (!t->leafs[leaf])
		t->leafs[leaf] = tfw_alloc(e, OBJ_LEAF *
					   sizeof(struct tfw_obj_slot));
	return t->leafs[leaf] ? obj_slot(t, index) : NULL;
}

static void obj_list_add(struct tfw_obj_table *t, struct tfw_obj_slot *slot,
			 u32 index)
{
	if (slot->freed)
		return;
	slot->freed = true;
	slot->next = OBJ_NONE;
	if (t->nfreed++)
		obj_slot(t, t->last)->next = index;
	else
		t->first = index;
	t->last = index;
}

/* The index that rested longest, or OBJ_NONE. */
static u32 obj_list_take(struct tfw_obj_table *t)
{
	struct tfw_obj_slot *slot;
	u32 index;

	while (t->nfreed) {
		index = t->first;
		slot = obj_slot(t, index);
		t->first = slot->next;
		t->nfreed--;
		slot->freed = false;
		/* The quota may have shrunk meanwhile. */
		if (!slot->obj && index < obj_end(t) && index >= t->low)
			return index;
	}
	return OBJ_NONE;
}

/* The next index that nobody had yet, or OBJ_NONE. */
static u32 obj_take_fresh(struct tfw_obj_table *t)
{
	struct tfw_obj_slot *slot;
	u32 index;

	while (t->high < obj_end(t)) {
		index = t->high++;
		slot = obj_slot(t, index);
		if (!slot || (!slot->obj && !slot->freed))
			return index;
	}
	return OBJ_NONE;
}

static u32 obj_take_index(struct tfw_obj_table *t)
{
	u32 index = OBJ_NONE;

	if (t->nfreed > OBJ_REST)
		index = obj_list_take(t);
	if (index == OBJ_NONE)
		index = obj_take_fresh(t);
	if (index == OBJ_NONE)
		index = obj_list_take(t);
	return index;
}

/* Where a new object goes, by number when @handle is not 0. */
static struct tfw_obj_slot *obj_place(struct tfw_func *func,
				      struct tfw_obj_table *t, u32 handle,
				      u32 *index, enum tulle_status *status)
{
	struct tfw_obj_slot *slot;

	*status = TULLE_STATUS_QUOTA;
	if (t->used >= t->quota)
		return NULL;
	*index = handle ? u32_get_bits(handle, TULLE_HANDLE_INDEX) :
			  obj_take_index(t);
	if (*index >= obj_end(t))
		return NULL;
	slot = obj_slot_make(tfw_func_engine(func), t, *index);
	if (!slot) {
		/* Only a fresh one may have no slot yet. */
		if (!handle)
			t->high = *index;
		*status = TULLE_STATUS_NOMEM;
		return NULL;
	}
	if (handle) {
		*status = TULLE_STATUS_EXISTS;
		if (slot->obj)
			return NULL;
		slot->gen = (u8)u32_get_bits(handle, TULLE_HANDLE_GEN);
	} else {
		slot->gen++;
		if (!slot->gen)
			slot->gen = 1;
	}
	*status = TULLE_STATUS_OK;
	return slot;
}

u32 tfw_obj_handle_at(struct tfw_func *func, enum tulle_obj_type type,
		      u32 index)
{
	struct tfw_obj_slot *slot = obj_slot(&func->obj[type], index);
	u8 gen = slot ? (u8)(slot->gen + 1) : 1;

	return u32_encode_bits(gen ? gen : 1, TULLE_HANDLE_GEN) | index;
}

void *tfw_obj_alloc(struct tfw_func *func, enum tulle_obj_type type,
		    size_t size, u32 handle, enum tulle_status *status)
{
	struct tfw_obj_table *t = &func->obj[type];
	struct tfw_obj_slot *slot;
	struct tfw_obj *obj;
	u32 index;

	*status = TULLE_STATUS_BAD_HANDLE;
	if (handle && (!u32_get_bits(handle, TULLE_HANDLE_GEN) ||
		       !tfw_has_cap(func, TULLE_CAP_RESTORE)))
		return NULL;
	*status = TULLE_STATUS_NOMEM;
	obj = tfw_alloc(tfw_func_engine(func), size);
	if (!obj)
		return NULL;
	slot = obj_place(func, t, handle, &index, status);
	if (!slot) {
		tfw_free(tfw_func_engine(func), obj);
		return NULL;
	}
	slot->obj = obj;
	t->used++;
	obj->func = func;
	obj->type = (u8)type;
	obj->handle = u32_encode_bits(slot->gen, TULLE_HANDLE_GEN) | index;
	tfw_list_init(&obj->event);
	return obj;
}

void tfw_obj_free(struct tfw_obj *obj)
{
	struct tfw_obj_table *t = &obj->func->obj[obj->type];
	u32 index = tfw_obj_index(obj);
	struct tfw_obj_slot *slot = obj_slot(t, index);

	tfw_list_del(&obj->event);
	slot->obj = NULL;
	t->used--;
	obj_list_add(t, slot, index);
	tfw_free(tfw_func_engine(obj->func), obj);
}

void *tfw_obj_at(struct tfw_func *func, enum tulle_obj_type type, u32 index)
{
	struct tfw_obj_slot *slot = obj_slot(&func->obj[type], index);

	return slot ? slot->obj : NULL;
}

void *tfw_obj_find(struct tfw_func *func, enum tulle_obj_type type, u32 handle)
{
	struct tfw_obj *obj = tfw_obj_at(func, type, handle &
					 TULLE_HANDLE_INDEX);

	return obj && obj->handle == handle ? obj : NULL;
}

void *tfw_obj_next(struct tfw_func *func, enum tulle_obj_type type, u32 *index)
{
	struct tfw_obj_table *t = &func->obj[type];
	struct tfw_obj_slot *slot;
	u32 i = *index;

	while (i / OBJ_LEAF < t->nleafs) {
		slot = obj_slot(t, i);
		if (!slot) {
			i = (i / OBJ_LEAF + 1) * OBJ_LEAF;
			continue;
		}
		i++;
		if (slot->obj) {
			*index = i;
			return slot->obj;
		}
	}
	*index = i;
	return NULL;
}

enum tulle_status tfw_obj_destroy(struct tfw_func *func,
				  enum tulle_obj_type type, u32 handle)
{
	struct tfw_obj *obj = tfw_obj_find(func, type, handle);

	if (!obj)
		return TULLE_STATUS_BAD_HANDLE;
	if (obj->fixed)
		return TULLE_STATUS_DENIED;
	if (obj->refs)
		return TULLE_STATUS_IN_USE;
	obj_ops[type].destroy(obj);
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_obj_charge(struct tfw_func *func,
				 enum tulle_obj_type type, s32 n)
{
	struct tfw_obj_table *t = &func->obj[type];

	if (n > 0 && (u32)n > t->quota - t->used)
		return TULLE_STATUS_QUOTA;
	t->used += (u32)n;
	return TULLE_STATUS_OK;
}

static void obj_destroy_type(struct tfw_func *func, enum tulle_obj_type type)
{
	struct tfw_obj_table *t = &func->obj[type];
	struct tfw_obj *obj;
	u32 i, index = 0;

	while ((obj = tfw_obj_next(func, type, &index)))
		obj_ops[type].destroy(obj);
	for (i = 0; i < t->nleafs; i++) {
		tfw_free(tfw_func_engine(func), t->leafs[i]);
		t->leafs[i] = NULL;
	}
	t->high = t->low;
	t->nfreed = 0;
}

void tfw_obj_destroy_all(struct tfw_func *func)
{
	int order, type;

	for (order = 0; order < OBJ_ORDERS; order++)
		for (type = 0; type < TULLE_OBJ_TYPES; type++)
			if (obj_ops[type].destroy &&
			    obj_ops[type].order == order)
				obj_destroy_type(func, type);
}

bool tfw_obj_init(struct tfw_func *func)
{
	struct tfw_engine *e = tfw_func_engine(func);
	struct tfw_obj_table *t;
	int type;

	for (type = 0; type < TULLE_OBJ_TYPES; type++) {
		t = &func->obj[type];
		if (!obj_ops[type].destroy || !t->quota)
			continue;
		t->low = obj_low[type];
		t->top = obj_top[type];
		t->high = t->low;
		t->nleafs = (t->quota + OBJ_LEAF - 1) / OBJ_LEAF;
		t->leafs = tfw_alloc(e, t->nleafs * sizeof(*t->leafs));
		if (!t->leafs) {
			t->nleafs = 0;
			return false;
		}
	}
	return true;
}

void tfw_obj_cleanup(struct tfw_func *func)
{
	int type;

	for (type = 0; type < TULLE_OBJ_TYPES; type++)
		tfw_free(tfw_func_engine(func), func->obj[type].leafs);
}
