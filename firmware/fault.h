/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Faults and lies on purpose: seeded, so that a run can be repeated. Each
 * point draws from a stream of random numbers of its own, so what one point
 * decides does not depend on how often another one is passed.
 */
#ifndef TFW_FAULT_H
#define TFW_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#include "tulle_bits.h"

enum tfw_fault_point {
	TFW_FAULT_WIRE_LOSS,
	TFW_FAULT_WIRE_CORRUPT,
	TFW_FAULT_WIRE_REORDER,
	TFW_FAULT_WIRE_DELAY,
	TFW_FAULT_WIRE_SYMBOL,	/* errors that FEC corrects */
	TFW_FAULT_CMD_TIMEOUT,
	TFW_FAULT_CMD_FAIL,
	TFW_FAULT_IRQ_LOST,
	TFW_FAULT_CQE_LOST,
	TFW_FAULT_ENGINE_STALL,
	TFW_FAULT_FW_CRASH,
	TFW_FAULT_POINTS,
};

#define TFW_FAULT_WIRE_MASK	((1U << (TFW_FAULT_WIRE_SYMBOL + 1)) - 1)

enum tfw_lie {
	TFW_LIE_CQE_INDEX,
	TFW_LIE_CQE_LEN,
	TFW_LIE_CQE_OP,
	TFW_LIE_CQE_QN,
	TFW_LIE_CQE_STRIDE,
	TFW_LIE_CQE_STATUS,	/* RDMA: status and syndrome */
	TFW_LIE_CQE_SRC,	/* RDMA: sender, flags, immediate data */
	TFW_LIE_CSUM,
	TFW_LIE_EQE_HANDLE,
	TFW_LIE_EQE_TYPE,
	TFW_LIE_EQE_CODE,	/* or the port */
	TFW_LIE_EQE_STORM,
	TFW_LIE_CMD_STATUS,
	TFW_LIE_CMD_OUT,
	TFW_LIE_CAPS,
	TFW_LIE_RDMA_CAPS,
	TFW_LIE_NO_ETH,		/* the capability is missing */
	TFW_LIE_IF_VERSION,	/* the major is another one */
	TFW_LIE_GONE,		/* all registers read as ones */
	TFW_LIES,
};

/**
 * struct tfw_plan_point - when one point strikes
 * @nth: every n-th passage; 0: by probability
 * @prob: 2^32 scale, UINT64_C(1) << 32 = always
 * @limit: at most so often; 0: no limit
 * @passed: passages so far
 * @hits: strikes so far
 * @rng: state of the point's stream
 */
struct tfw_plan_point {
	u64	prob;
	u64	nth;
	u64	limit;
	u64	passed;
	u64	hits;
	u64	rng;
};

#define TFW_PLAN_POINTS	32

/* @armed: bit per point that can strike: the only thing a hot path reads. */
struct tfw_plan {
	u32			armed;
	u64			seed;
	struct tfw_plan_point	point[TFW_PLAN_POINTS];
};

bool tfw_plan_parse(struct tfw_plan *plan, const char *const *names,
		    const char *text, char *err, size_t err_len);
void tfw_plan_print(const struct tfw_plan *plan, const char *const *names,
		    char *buf, size_t len);
void tfw_plan_reset(struct tfw_plan *plan);	/* counters and streams */
bool tfw_plan_strike(struct tfw_plan *plan, unsigned int point);

/* The point's stream, for what a strike does (which bit, how long ...). */
u64 tfw_plan_random(struct tfw_plan *plan, unsigned int point);

static inline bool tfw_plan_test(struct tfw_plan *plan, unsigned int point)
{
	return (plan->armed >> point & 1) && tfw_plan_strike(plan, point);
}

struct tfw_dev;
struct tfw_cmd;
struct tulle_eqe;

/* What the liar does to a completion, event or answer about to be written. */
void tfw_lie_cqe(struct tfw_dev *dev, void *cqe, size_t len);
bool tfw_lie_eqe(struct tfw_dev *dev, struct tulle_eqe *eqe); /* true: storm */
void tfw_lie_cmd(struct tfw_dev *dev, struct tfw_cmd *cmd, u8 *status);
u32 tfw_lie_reg(struct tfw_dev *dev, u32 offset, u32 val);

#endif /* TFW_FAULT_H */
