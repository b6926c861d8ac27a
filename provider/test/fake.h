/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The tests' libibverbs, kernel and device: commands succeed (or fail when told
 * to) and leave behind what the provider asked for; the doorbell page is memory.
 */
#ifndef TULLE_PROVIDER_FAKE_H
#define TULLE_PROVIDER_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../provider.h"

#define FAKE_QPN	0x1234
#define FAKE_HANDLE	(0x7f000000 | FAKE_QPN)

/*
 * struct fake - what there is
 * @fail: errno of the next command, once
 * @forks: bytes kept out of children at present
 * @qps: QPs made so far; each gets the next number
 * @destroyed_qp: the kernel has destroyed a QP, and the library waits for the
 *	program to acknowledge its events; called once, may be NULL
 * @cap: what the last QP was asked for with
 * @log: names of the destroy commands, in order
 */
struct fake {
	struct tulle_context ctx;
	uint32_t uar[1024];
	int fail;
	size_t forks;
	unsigned int qps;
	void (*destroyed_qp)(struct ibv_qp *qp);
	struct ibv_qp_cap cap;
	struct tulle_ib_ureq_create_cq cq;
	struct tulle_ib_ureq_create_qp qp;
	struct tulle_ib_ureq_create_srq srq;
	struct tulle_ib_ureq_resize_cq resize;
	struct tulle_ib_uresp_create_ah ah;
	bool qp_ex;
};

extern struct fake fake;

int fake_setup(void **state);
int fake_teardown(void **state);

/* What was written to a doorbell since the last look; 0: nothing. */
uint32_t fake_doorbell(unsigned int reg);

/* No doorbell rang at all. */
void fake_no_doorbell(void);

struct ibv_pd *fake_pd(void);
struct tulle_cq *fake_cq(int cqe, uint64_t wc_flags);

/* A QP with 4 SGEs and room for 64 bytes inline; @ops: send_ops_flags or 0. */
struct tulle_qp *fake_qp(enum ibv_qp_type type, struct tulle_cq *cq,
			 struct ibv_srq *srq, uint64_t ops);

/* The device writes the CQE of a lap that is right for @index. */
void fake_cqe(struct tulle_cq *cq, uint32_t index,
	      const struct tulle_rdma_cqe *cqe);

/* Bytes at an offset, least significant first. */
void put(uint8_t *at, unsigned int off, unsigned int bytes, uint64_t value);

#endif /* TULLE_PROVIDER_FAKE_H */
