/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Objects of a function and the handles that name them. Every object embeds
 * struct tfw_obj as its first member.
 */
#ifndef TFW_OBJ_H
#define TFW_OBJ_H

#include <stdbool.h>
#include <stddef.h>

#include "tulle_bits.h"
#include "tulle_hw.h"

struct tfw_func;

/* Circular list; an unlinked node points to itself. */
struct tfw_list {
	struct tfw_list	*next;
	struct tfw_list	*prev;
};

static inline void tfw_list_init(struct tfw_list *n)
{
	n->next = n;
	n->prev = n;
}

static inline bool tfw_list_empty(const struct tfw_list *n)
{
	return n->next == n;
}

static inline void tfw_list_add_tail(struct tfw_list *head, struct tfw_list *n)
{
	n->prev = head->prev;
	n->next = head;
	head->prev->next = n;
	head->prev = n;
}

static inline void tfw_list_del(struct tfw_list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	tfw_list_init(n);
}

/**
 * struct tfw_obj - what all objects have
 * @func: owner
 * @event: on the owner's list of queues whose error was not reported yet
 * @handle: index and generation
 * @refs: other objects that point here; destroy is refused while not 0
 * @type: enum tulle_obj_type
 * @fixed: made by the device, the driver cannot destroy it
 */
struct tfw_obj {
	struct tfw_func	*func;
	struct tfw_list	event;
	u32		handle;
	u32		refs;
	u8		type;
	bool		fixed;
};

struct tfw_obj_slot;

/**
 * struct tfw_obj_table - one function's objects of one type
 * @leafs: arrays of TFW_OBJ_LEAF slots
 * @nleafs: length of @leafs
 * @low: indices below are never handed out, only asked for
 * @high: every slot below was handed out at least once, or restored
 * @first: oldest freed index, TFW_OBJ_NONE = none
 * @last: newest freed index
 * @nfreed: length of that list
 * @top: one above the highest index, if that is not the quota; 0: it is
 * @quota: most objects, and one above the highest index
 * @used: live objects; types without handles (rules) count here as well
 * @base: of them, those that the device made for itself at reset
 */
struct tfw_obj_table {
	struct tfw_obj_slot	**leafs;
	u32			nleafs;
	u32			low;
	u32			top;
	u32			high;
	u32			first;
	u32			last;
	u32			nfreed;
	u32			quota;
	u32			used;
	u32			base;
};

static inline u32 tfw_obj_index(const struct tfw_obj *obj)
{
	return u32_get_bits(obj->handle, TULLE_HANDLE_INDEX);
}

/*
 * Memory for an object of @size bytes (struct tfw_obj first), entered in its
 * table. @handle 0: a new one; else exactly that one (restore). Sets
 * *@status and returns NULL when refused.
 */
void *tfw_obj_alloc(struct tfw_func *func, enum tulle_obj_type type,
		    size_t size, u32 handle, enum tulle_status *status);

/* What to give as @handle to have the object at that index. */
u32 tfw_obj_handle_at(struct tfw_func *func, enum tulle_obj_type type,
		      u32 index);

/* Takes an object out of its table and frees its memory; runs no hook. */
void tfw_obj_free(struct tfw_obj *obj);

/* The live object that a handle names, or NULL. No reference is taken. */
void *tfw_obj_find(struct tfw_func *func, enum tulle_obj_type type, u32 handle);

/* Likewise by index alone; for device-chosen numbers such as UAR pages. */
void *tfw_obj_at(struct tfw_func *func, enum tulle_obj_type type, u32 index);

/* The next live object at or behind *@index; advances it. */
void *tfw_obj_next(struct tfw_func *func, enum tulle_obj_type type, u32 *index);

static inline void tfw_obj_get(struct tfw_obj *obj)
{
	obj->refs++;
}

static inline void tfw_obj_put(struct tfw_obj *obj)
{
	obj->refs--;
}

/* What DESTROY commands do: find, refuse when fixed or in use, free. */
enum tulle_status tfw_obj_destroy(struct tfw_func *func,
				  enum tulle_obj_type type, u32 handle);

/* Quota for things without handle; negative @n gives back. */
enum tulle_status tfw_obj_charge(struct tfw_func *func,
				 enum tulle_obj_type type, s32 n);

/* All objects of the function, users before what they use. */
void tfw_obj_destroy_all(struct tfw_func *func);

bool tfw_obj_init(struct tfw_func *func);
void tfw_obj_cleanup(struct tfw_func *func);

/**
 * struct tfw_obj_ops - what obj.c needs to know of a type
 * @destroy: stop it, drop its references, then tfw_obj_free()
 * @order: in tfw_obj_destroy_all(), low goes first
 *
 * One const table by enum tulle_obj_type, in obj.c.
 */
struct tfw_obj_ops {
	void	(*destroy)(struct tfw_obj *obj);
	u8	order;
};

/* The hooks, each in the type's own file. */
void tfw_uar_destroy(struct tfw_obj *obj);
void tfw_pd_destroy(struct tfw_obj *obj);
void tfw_mkey_destroy(struct tfw_obj *obj);
void tfw_eq_destroy(struct tfw_obj *obj);
void tfw_cq_destroy(struct tfw_obj *obj);
void tfw_sq_destroy(struct tfw_obj *obj);
void tfw_rq_destroy(struct tfw_obj *obj);
void tfw_rss_destroy(struct tfw_obj *obj);
void tfw_table_destroy(struct tfw_obj *obj);	/* with its masks and rules */
void tfw_mask_destroy(struct tfw_obj *obj);	/* with its rules */
void tfw_counter_destroy(struct tfw_obj *obj);
void tfw_qp_destroy(struct tfw_obj *obj);
void tfw_srq_destroy(struct tfw_obj *obj);
void tfw_xrcd_destroy(struct tfw_obj *obj);
void tfw_qp_counter_destroy(struct tfw_obj *obj);

#endif /* TFW_OBJ_H */
