/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The fixture of data path tests: two ports on a cable, a send queue on one
 * and a receive queue, where everything goes, on the other.
 */
#ifndef TFW_TEST_FX_H
#define TFW_TEST_FX_H

#include "net.h"

struct fx {
	struct net_pair	*p;
	struct net_sq	sq;
	struct net_rq	rq;
};

/* A receive queue of 1 << @log WQEs of @buf_len bytes; none posted yet. */
static inline struct fx *fx_make(const struct tulle_rq_ctx *ctx, u32 log,
				 u32 buf_len)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	fx->p = net_pair_create();
	net_sq_create(&fx->p->a, &fx->sq, 8);
	net_rq_create(&fx->p->b, &fx->rq, ctx, log, buf_len);
	net_rx_default(&fx->p->b, TULLE_ACTION_QUEUE, fx->rq.handle);
	return fx;
}

/* With a plain queue. */
static inline int fx_setup(void **state)
{
	struct tulle_rq_ctx ctx = { 0 };

	*state = fx_make(&ctx, 6, 2048);
	return 0;
}

static inline int fx_teardown(void **state)
{
	struct fx *fx = *state;

	net_rq_free(&fx->rq);
	net_pair_destroy(fx->p);
	free(fx);
	return 0;
}

/* Sends what @s describes; its length. */
static inline u32 fx_send(struct fx *fx, const struct net_spec *s)
{
	u32 len = net_make(s, fx->p->frame);

	net_send(&fx->sq, fx->p->frame, len);
	while (fake_poll(&fx->sq.cq))
		;
	return len;
}

/* What the receive queue counted, and how it is. */
static inline void fx_query(struct fx *fx, struct tulle_rq_ctx *ctx)
{
	struct tulle_handle_req req = { cpu_to_le32(fx->rq.handle), 0 };

	assert_int_equal(fake_cmd(&fx->p->b.d, TULLE_CMD_QUERY_RQ, &req,
				  sizeof(req), ctx, sizeof(*ctx)), 0);
}

/* With flags, and buffers of that size. */
static inline int fx_setup_flags(void **state, u32 flags, u32 buf_len)
{
	struct tulle_rq_ctx ctx = { .flags = cpu_to_le32(flags) };

	*state = fx_make(&ctx, 6, buf_len);
	return 0;
}

/* Packets over several small buffers. */
static inline int fx_setup_chain(void **state)
{
	return fx_setup_flags(state, TULLE_RQ_F_CHAIN, 512);
}

/* Headers apart. */
static inline int fx_setup_split(void **state)
{
	struct tulle_rq_ctx ctx = {
		.type = TULLE_RQ_SPLIT,
		.split_thresh = cpu_to_le16(80),
		.flags = cpu_to_le32(TULLE_RQ_F_CHAIN),
	};

	*state = fx_make(&ctx, 6, 1024);
	return 0;
}

/* The next packet that was received is that. */
static inline void fx_expect_frame(struct fx *fx, const void *frame, u32 len)
{
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	assert_int_equal(fx->p->pkt.len, len);
	assert_memory_equal(fx->p->pkt.data, frame, len);
}

#endif /* TFW_TEST_FX_H */
