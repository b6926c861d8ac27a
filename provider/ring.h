/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * What include/tulle_ring.h wants from its user, for a process: byte order,
 * barriers towards the device, accesses that happen once.
 */
#ifndef TULLE_PROVIDER_RING_H
#define TULLE_PROVIDER_RING_H

#include <stdbool.h>
#include <util/udma_barrier.h>

#include "tulle_bits.h"

#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, val)	(*(volatile __typeof__(x) *)&(x) = (val))
#define dma_wmb()		udma_to_device_barrier()
#define dma_rmb()		udma_from_device_barrier()
#define mb()			__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_store_release(p, val) \
	__atomic_store_n(p, val, __ATOMIC_RELEASE)

#include "tulle_ring.h"

/*
 * Consumer indices of SQ, RQ and SRQ are moved by whoever polls the CQ and read
 * by whoever posts; each holds another lock.
 */
static inline u32 tulle_prod_ci(const struct tulle_prod *prod)
{
	return __atomic_load_n(&prod->ci, __ATOMIC_ACQUIRE);
}

/* The largest ring keeps an entry free: see tulle_prod_done(). */
static inline u32 tulle_prod_room_now(const struct tulle_prod *prod)
{
	u32 size = tulle_ring_size(&prod->ring);

	return (size < 0xffff ? size : 0xffff) -
	       (prod->pi - tulle_prod_ci(prod));
}

/*
 * A completion tells the low 16 bits of the index just behind it, which is all
 * of it while fewer than 1 << 16 entries are outstanding. What lies beyond what
 * was posted, or behind what completed already, moves nothing.
 */
static inline void tulle_prod_done(struct tulle_prod *prod, u16 behind)
{
	u32 ci = __atomic_load_n(&prod->ci, __ATOMIC_RELAXED);
	u32 pi = __atomic_load_n(&prod->pi, __ATOMIC_RELAXED);
	u16 n;

	do {
		n = (u16)(behind - ci);
		if (!n || n > pi - ci)
			return;
	} while (!__atomic_compare_exchange_n(&prod->ci, &ci, ci + n, false,
					      __ATOMIC_RELEASE,
					      __ATOMIC_RELAXED));
}

#endif /* TULLE_PROVIDER_RING_H */
