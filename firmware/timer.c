// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Timers: an intrusive pairing heap, earliest first. Arming and cancelling
 * never allocate, so they cannot fail on a data path.
 */
#include "dev.h"

#define TIMERS_PER_PASS	256

static struct tfw_timer *heap_merge(struct tfw_timer *a, struct tfw_timer *b)
{
	struct tfw_timer *tmp;

	if (!a)
		return b;
	if (!b)
		return a;
	if (b->when < a->when) {
		tmp = a;
		a = b;
		b = tmp;
	}
	b->next = a->child;
	if (b->next)
		b->next->link = &b->next;
	a->child = b;
	b->link = &a->child;
	a->next = NULL;
	return a;
}

/* Merges siblings pairwise, then the results: what keeps the heap shallow. */
static struct tfw_timer *heap_merge_list(struct tfw_timer *list)
{
	struct tfw_timer *a, *b, *pairs = NULL, *root = NULL;

	while (list) {
		a = list;
		b = a->next;
		list = b ? b->next : NULL;
		a->next = NULL;
		if (b)
			b->next = NULL;
		a = heap_merge(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		a = pairs;
		pairs = a->next;
		a->next = NULL;
		root = heap_merge(root, a);
	}
	return root;
}

static void heap_set_root(struct tfw_engine *e, struct tfw_timer *root)
{
	e->timers = root;
	if (root)
		root->link = &e->timers;
}

void tfw_timer_cancel(struct tfw_engine *e, struct tfw_timer *t)
{
	struct tfw_timer *rest;
	bool was_root;

	if (!t->link)
		return;
	was_root = e->timers == t;
	*t->link = t->next;
	if (t->next)
		t->next->link = t->link;
	rest = heap_merge_list(t->child);
	t->child = NULL;
	t->next = NULL;
	t->link = NULL;
	heap_set_root(e, was_root ? rest : heap_merge(e->timers, rest));
}

void tfw_timer_arm(struct tfw_engine *e, struct tfw_timer *t, u64 when)
{
	tfw_timer_cancel(e, t);
	t->when = when;
	heap_set_root(e, heap_merge(e->timers, t));
}

/* Bounded: what is armed for now or earlier while it runs waits a pass. */
bool tfw_timer_run(struct tfw_engine *e)
{
	unsigned int left = TIMERS_PER_PASS;
	struct tfw_timer *t;
	bool ran = false;

	while (left-- && e->timers && e->timers->when <= e->now) {
		t = e->timers;
		tfw_timer_cancel(e, t);
		t->fn(t);
		ran = true;
	}
	return ran;
}

uint64_t tfw_engine_next_timer(struct tfw_engine *e)
{
	return e->timers ? e->timers->when : TFW_NEVER;
}
