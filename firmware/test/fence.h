/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The driver's ring code (include/tulle_ring.h) in user space: the primitives
 * it takes from a kernel, as C11 atomics.
 *
 * BREAK_FENCE=1 turns its full fences into nothing, to see that the stress
 * test notices. (BREAK_FENCE=2, the same for the device, is done to the
 * firmware's sources by the Makefile.)
 *
 * The thread sanitizer knows no fences. For it a full fence is a sequentially
 * consistent read-modify-write of a word that nobody else touches, which is one
 * on every CPU, and what an acquire or release fence orders is done by ordered
 * accesses instead. It also pairs accesses by address, so an owner byte is read
 * as a part of the 8 bytes that the device publishes at once.
 */
#ifndef TFW_TEST_FENCE_H
#define TFW_TEST_FENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "tulle_bits.h"

#ifndef BREAK_FENCE
#define BREAK_FENCE	0
#endif

#if defined(__SANITIZE_THREAD__)
#define FENCE_TSAN	1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FENCE_TSAN	1
#endif
#endif
#ifndef FENCE_TSAN
#define FENCE_TSAN	0
#endif

static inline void fence_full(void)
{
#if FENCE_TSAN
	static _Thread_local u32 word;

	__atomic_fetch_add(&word, 1, __ATOMIC_SEQ_CST);
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

#if BREAK_FENCE == 1
#define mb()		__atomic_signal_fence(__ATOMIC_SEQ_CST)
#else
#define mb()		fence_full()
#endif

#if FENCE_TSAN
static inline u8 fence_load_byte(const void *p)
{
	uintptr_t at = (uintptr_t)p;
	u64 word = __atomic_load_n((const u64 *)(at & ~(uintptr_t)7),
				   __ATOMIC_ACQUIRE);

	return ((const u8 *)&word)[at & 7];
}

#define READ_ONCE(x) \
	__builtin_choose_expr(sizeof(x) == 1, fence_load_byte(&(x)), \
			      __atomic_load_n(&(x), __ATOMIC_ACQUIRE))
#define WRITE_ONCE(x, val)	__atomic_store_n(&(x), val, __ATOMIC_RELEASE)
#define dma_rmb()		__atomic_signal_fence(__ATOMIC_ACQUIRE)
#define dma_wmb()		__atomic_signal_fence(__ATOMIC_RELEASE)
#else
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, val)	__atomic_store_n(&(x), val, __ATOMIC_RELAXED)
#define dma_rmb()		__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define dma_wmb()		__atomic_thread_fence(__ATOMIC_RELEASE)
#endif
#define smp_store_release(p, val)	__atomic_store_n(p, val, __ATOMIC_RELEASE)

#include "tulle_ring.h"

#endif /* TFW_TEST_FENCE_H */
