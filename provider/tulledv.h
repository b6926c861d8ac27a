/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * libtulle, for programs: what ibv_alloc_parent_domain(3) leaves to the provider.
 * Includes nothing of the provider, so that it can be copied into a program.
 */
#ifndef TULLEDV_H
#define TULLEDV_H

#include <stdint.h>

/*
 * What the allocator of a parent domain is asked for: always whole pages, aligned
 * to one. Doorbell records share pages, which stay the provider's own.
 */
#define TULLEDV_RES_TYPE(n)	((uint64_t)0x1af410f0 << 32 | (n))
#define TULLEDV_RES_TYPE_SQ	TULLEDV_RES_TYPE(1)	/* send queue */
#define TULLEDV_RES_TYPE_RQ	TULLEDV_RES_TYPE(2)	/* receive queue */
#define TULLEDV_RES_TYPE_SRQ	TULLEDV_RES_TYPE(3)	/* shared receive queue */
#define TULLEDV_RES_TYPE_CQ	TULLEDV_RES_TYPE(4)	/* completion queue */

#endif /* TULLEDV_H */
