/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * What the rules of the fence test share (fence.c, fence_rdma.c): the machine
 * with its two threads, and the driver's side of queues.
 */
#ifndef TFW_TEST_FENCE_WORLD_H
#define TFW_TEST_FENCE_WORLD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "fence.h"
#include "net.h"
#include "rc.h"

#define LANES	8

struct world;

/*
 * struct lane - a producer and the CQ of its completions
 * @pi: where the index goes
 */
struct lane {
	struct net_sq		sq;
	struct net_rq		rq;
	struct rc_qp		qp;
	struct tulle_prod	prod;
	__le32			*pi;
	const __le32		*evt;
	struct tulle_cons	cq;
	u32			handle;
	u32			doorbell;
};

/* One thread's randomness and its stores that take long. */
struct jitter {
	u64	seed;
	u8	*cold;
};

/* Whose fence is missing (BREAK_FENCE), as a set. */
#define FENCE_DRIVER	0x2U
#define FENCE_DEVICE	0x4U
#define FENCE_BOTH	(FENCE_DRIVER | FENCE_DEVICE)

/*
 * struct rule - one of the rules
 * @rdma: on a device with GIDs and a region (rc.h) instead of the plain one
 * @breaks: whose fences it depends on
 */
struct rule {
	const char	*name;
	const char	*what;
	bool		(*round)(struct world *w);
	void		(*setup)(struct world *w);
	bool		rdma;
	u8		breaks;
};

struct fence_srq;	/* fence_rdma.c */

/*
 * struct world - engine, its thread, and what both threads share
 * @n, @rc: the device is of one of them; @d, @env: it and its machine
 * @lock: the engine's
 * @tick: when it has nothing to do the engine lets so much time pass; 0: none
 * @asks: but none once the queue of this record asks for a kick; may be NULL
 * @rest: how often the engine thread found nothing to do
 * @irqs: interrupts delivered
 * @packets: frames that the engine thread is to receive
 * @slow: what the device writes slowly: the line or ring of the rule, no more,
 *	or its own fences elsewhere would hide the one that is looked at
 */
struct world {
	struct fake		own_env;
	struct net		n;
	struct rc		*rc;
	struct fake		*env;
	struct fake_dev		*d;
	struct tulle_cons	eq;
	struct lane		lane[LANES];
	struct fence_srq	*srq;
	pthread_mutex_t		lock;
	pthread_t		thread;
	u64			tick;
	const struct tulle_dbr	*asks;
	_Atomic bool		stop;
	_Atomic u64		rest;
	_Atomic u32		irqs;
	_Atomic u32		packets;
	struct jitter		driver;
	struct jitter		device;		/* under the lock */
	struct jitter		engine;		/* its thread, not under it */
	u64			slow;
	u64			slow_len;
	u8			frame[64];
	u32			frame_len;
	u32			left;		/* packets not yet consumed */
	u64			kicks;
	u64			kicks_saved;
	u64			events;
};

u32 jitter_next(struct jitter *j);
void jitter_delay(struct jitter *j);	/* mostly none */

/* Has the engine nothing to do, and had it since @since? */
bool at_rest(struct world *w, u64 since, u32 *spins);

/* False: the engine is at rest, and nothing came. */
bool wait_entry(struct world *w, const struct tulle_cons *c);

/* Hands over what was produced; rings only when told to, or @always. */
void publish(struct world *w, struct lane *l, bool always);

void cons_from(struct tulle_cons *c, const struct fake_queue *q);
void prod_init(struct lane *l, void *ring, u8 log_size, u8 log_entry,
	       struct tulle_dbr *dbr);
void slow_at(struct world *w, const void *start, u64 len);

/* RDMA: a queue pair in ERR, one in RTS, an SRQ; ends with a NULL name. */
extern const struct rule fence_rdma_rules[];

#endif /* TFW_TEST_FENCE_WORLD_H */
