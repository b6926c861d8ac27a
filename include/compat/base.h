/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Generic kernel interfaces: namespaces, allocation, timers, work queues, DIM.
 *
 * 7.3 name                       what an older kernel gets
 * ------------------------------ -------------------------------------------
 * EXPORT_SYMBOL_NS_GPL(s, "NS")  the string form (6.12 wants a bare token)
 * MODULE_IMPORT_NS("NS")         the same
 * k[v]{m,z}alloc_obj(s), _flex   the allocators, default GFP_KERNEL
 * WQ_PERCPU                      0: per-CPU is what no flag means there
 * timer_container_of()           container_of() with the type of the variable
 * hrtimer_setup()                hrtimer_init() and the function assigned
 * secs_to_jiffies()              a multiplication
 * __guarded_by()                 nothing (a note for the reader)
 * net_dim(dim, &sample)          the sample passed by value
 */
#ifndef TULLE_COMPAT_BASE_H
#define TULLE_COMPAT_BASE_H

#include <linux/container_of.h>
#include <linux/dim.h>
#include <linux/export.h>
#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

#if !TULLE_HAVE_NS_STRING
#undef EXPORT_SYMBOL_NS_GPL
#define EXPORT_SYMBOL_NS_GPL(sym, ns)	__EXPORT_SYMBOL(sym, "GPL", ns)
#undef MODULE_IMPORT_NS
#define MODULE_IMPORT_NS(ns)		MODULE_INFO(import_ns, ns)
#endif

#if !TULLE_HAVE_KZALLOC_OBJ
#define tulle_compat_gfp_pick(a, b, ...)	b
#define tulle_compat_gfp(...) \
	tulle_compat_gfp_pick(, ##__VA_ARGS__, GFP_KERNEL)
#define tulle_compat_objs(fn, type, count, ...) \
	((type *)fn(size_mul(sizeof(type), (count)), \
		    tulle_compat_gfp(__VA_ARGS__)))
#define tulle_compat_flex(fn, type, fam, count, ...) \
	((type *)fn(struct_size_t(type, fam, (count)), \
		    tulle_compat_gfp(__VA_ARGS__)))

#define kmalloc_obj(p, ...) \
	tulle_compat_objs(kmalloc, typeof(p), 1, ##__VA_ARGS__)
#define kmalloc_objs(p, count, ...) \
	tulle_compat_objs(kmalloc, typeof(p), count, ##__VA_ARGS__)
#define kmalloc_flex(p, fam, count, ...) \
	tulle_compat_flex(kmalloc, typeof(p), fam, count, ##__VA_ARGS__)
#define kzalloc_obj(p, ...) \
	tulle_compat_objs(kzalloc, typeof(p), 1, ##__VA_ARGS__)
#define kzalloc_objs(p, count, ...) \
	tulle_compat_objs(kzalloc, typeof(p), count, ##__VA_ARGS__)
#define kzalloc_flex(p, fam, count, ...) \
	tulle_compat_flex(kzalloc, typeof(p), fam, count, ##__VA_ARGS__)
#define kvmalloc_objs(p, count, ...) \
	tulle_compat_objs(kvmalloc, typeof(p), count, ##__VA_ARGS__)
#define kvzalloc_obj(p, ...) \
	tulle_compat_objs(kvzalloc, typeof(p), 1, ##__VA_ARGS__)
#define kvzalloc_objs(p, count, ...) \
	tulle_compat_objs(kvzalloc, typeof(p), count, ##__VA_ARGS__)
#define kvzalloc_flex(p, fam, count, ...) \
	tulle_compat_flex(kvzalloc, typeof(p), fam, count, ##__VA_ARGS__)
#endif

#if !TULLE_HAVE_WQ_PERCPU
#define WQ_PERCPU	0
#endif

#if !TULLE_HAVE_TIMER_CONTAINER_OF
#define timer_container_of(var, timer, field) \
	container_of(timer, typeof(*(var)), field)
#endif

#if !TULLE_HAVE_HRTIMER_SETUP
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*fn)(struct hrtimer *),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
}
#endif

#if !TULLE_HAVE_SECS_TO_JIFFIES
#define secs_to_jiffies(secs)	((unsigned long)((secs) * HZ))
#endif

#if !TULLE_HAVE_GUARDED_BY
#define __guarded_by(...)
#endif

#if !TULLE_HAVE_NET_DIM_POINTER
static inline void tulle_compat_net_dim(struct dim *dim,
					const struct dim_sample *sample)
{
	net_dim(dim, *sample);
}

#define net_dim(dim, sample)	tulle_compat_net_dim(dim, sample)
#endif

#endif /* TULLE_COMPAT_BASE_H */
