// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Receive: buffers of every type, checksum reports, tags, queues that
 * stop, move or are given nonsense.
 */
#include "../eth.h"
#include "fx.h"

static int setup_multi(void **state)
{
	struct tulle_rq_ctx ctx = {
		.type = TULLE_RQ_MULTI, .log_stride = 8, .log_strides = 4,
	};

	*state = fx_make(&ctx, 3, 4096);
	return 0;
}

/* Every length, over many laps. */
static void test_lengths(void **state)
{
	struct fx *fx = *state;
	u32 i, len, posted = 0;

	net_rq_post(&fx->rq, 1U << fx->rq.ctx.log_size);
	for (i = 6; i < 1800; i += 7) {
		struct net_spec s = { .payload = i, .seq = i * 13 };

		len = fx_send(fx, &s);
		fx_expect_frame(fx, fx->p->frame, len);
		posted = le16_to_cpu(fx->p->pkt.cqe.count);
		net_rq_post(&fx->rq, posted);
	}
	assert_false(net_rx(&fx->rq, &fx->p->pkt));
}

static void test_too_big(void **state)
{
	struct net_spec s = { .payload = 2048 - 54 + 1 };
	struct tulle_rq_ctx ctx;
	struct fx *fx = *state;

	net_rq_post(&fx->rq, 2);
	fx_send(fx, &s);
	assert_false(net_rx(&fx->rq, &fx->p->pkt));
	s.payload--;
	fx_send(fx, &s);
	fx_expect_frame(fx, fx->p->frame, 2048);
	/* The buffer was not lost. */
	assert_int_equal(le32_to_cpu(fx->p->pkt.cqe.wqe), 0);
	fx_query(fx, &ctx);
	assert_int_equal(le64_to_cpu(ctx.drops_big), 1);
	assert_int_equal(le64_to_cpu(ctx.packets), 1);
	assert_int_equal(le64_to_cpu(ctx.bytes), 2048);
	assert_int_equal(le32_to_cpu(ctx.ci), 1);
}

static void test_split(void **state)
{
	struct net_spec s = { .payload = 500, .opt = 12 };
	struct fx *fx = *state;
	u32 len;

	net_rq_post(&fx->rq, 8);
	len = fx_send(fx, &s);
	fx_expect_frame(fx, fx->p->frame, len);
	assert_int_equal(le16_to_cpu(fx->p->pkt.cqe.hdr_len), 66);
	s.v6 = true;
	s.udp = true;
	len = fx_send(fx, &s);
	fx_expect_frame(fx, fx->p->frame, len);
	assert_int_equal(le16_to_cpu(fx->p->pkt.cqe.hdr_len), 62);
	/* A small one goes whole into the header buffer. */
	s = (struct net_spec){ .payload = 26 };
	len = fx_send(fx, &s);
	fx_expect_frame(fx, fx->p->frame, 80);
	assert_int_equal(le16_to_cpu(fx->p->pkt.cqe.hdr_len), 80);
	s.payload = 27;
	len = fx_send(fx, &s);
	fx_expect_frame(fx, fx->p->frame, 81);
	assert_int_equal(le16_to_cpu(fx->p->pkt.cqe.hdr_len), 54);
	/* Payload over several buffers. */
	s.payload = 4000;
	len = fx_send(fx, &s);
	fx_expect_frame(fx, fx->p->frame, len);
	assert_int_equal(le16_to_cpu(fx->p->pkt.cqe.count), 4);
	/* Headers that do not fit their buffer: not split. */
	s = (struct net_spec){ .payload = 300, .v6 = true, .tags = 2,
			       .opt = 40 };
	fx->rq.hdr_room = 96;
	net_rq_post(&fx->rq, 1);
	len = fx_send(fx, &s);
	fx_expect_frame(fx, fx->p->frame, len);
	assert_int_equal(le16_to_cpu(fx->p->pkt.cqe.hdr_len), 0);
}

/* Strides, and fillers where a packet does not fit any more. */
static void test_strides(void **state)
{
	struct net_spec s = { .payload = 1000 };
	struct fx *fx = *state;
	u32 i, len, stride = 0, wqe = 0, fillers = 0;

	net_rq_post(&fx->rq, 8);
	for (i = 0; i < 40; i++) {
		u32 need;

		s.payload = 100 + i * 37;
		len = fx_send(fx, &s);
		need = (len + 255) / 256;
		assert_true(net_rx(&fx->rq, &fx->p->pkt));
		if (net_flags(&fx->p->pkt) & TULLE_RX_F_FILLER) {
			assert_int_equal(le16_to_cpu(fx->p->pkt.cqe.stride),
					 stride);
			assert_int_equal(le16_to_cpu(fx->p->pkt.cqe.count),
					 16 - stride);
			assert_true(stride + need > 16);
			assert_true(net_flags(&fx->p->pkt) & TULLE_RX_F_DONE);
			fillers++;
			wqe++;
			stride = 0;
			net_rq_post(&fx->rq, 1);
			assert_true(net_rx(&fx->rq, &fx->p->pkt));
		}
		assert_int_equal(fx->p->pkt.len, len);
		assert_memory_equal(fx->p->pkt.data, fx->p->frame, len);
		assert_int_equal(le32_to_cpu(fx->p->pkt.cqe.wqe), wqe);
		assert_int_equal(le16_to_cpu(fx->p->pkt.cqe.stride), stride);
		assert_int_equal(le16_to_cpu(fx->p->pkt.cqe.count), need);
		stride += need;
		assert_int_equal(!!(net_flags(&fx->p->pkt) & TULLE_RX_F_DONE),
				 stride == 16);
		if (stride == 16) {
			stride = 0;
			wqe++;
			net_rq_post(&fx->rq, 1);
		}
	}
	assert_true(fillers);
	/* Longer than a WQE: from its first stride on, into the next. */
	s.payload = 9000;
	len = fx_send(fx, &s);
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	if (net_flags(&fx->p->pkt) & TULLE_RX_F_FILLER)
		assert_true(net_rx(&fx->rq, &fx->p->pkt));
	assert_int_equal(fx->p->pkt.len, len);
	assert_memory_equal(fx->p->pkt.data, fx->p->frame, len);
	assert_int_equal(le16_to_cpu(fx->p->pkt.cqe.stride), 0);
	assert_int_equal(le16_to_cpu(fx->p->pkt.cqe.count), (len + 255) / 256);
}

static void test_checksums(void **state)
{
	struct fx *fx = *state;
	u32 i, len;

	net_rq_post(&fx->rq, 64);
	for (i = 0; i < 8; i++) {
		struct net_spec s = { .v6 = i & 1, .udp = i & 2, .tags = i >> 2,
				      .payload = 333 };
		u16 l3 = s.v6 ? 0 : TULLE_RX_F_L3_OK;

		len = fx_send(fx, &s);
		fx_expect_frame(fx, fx->p->frame, len);
		assert_int_equal(net_flags(&fx->p->pkt), l3 | TULLE_RX_F_L4_OK);
		fx->p->frame[len - 1] ^= 4;
		net_send(&fx->sq, fx->p->frame, len);
		fx_expect_frame(fx, fx->p->frame, len);
		assert_int_equal(net_flags(&fx->p->pkt),
				 l3 | TULLE_RX_F_L4_BAD);
		if (s.v6)
			continue;
		fx->p->frame[net_l3(&s) + 10] ^= 4;
		fx->p->frame[len - 1] ^= 4;
		net_send(&fx->sq, fx->p->frame, len);
		fx_expect_frame(fx, fx->p->frame, len);
		assert_int_equal(net_flags(&fx->p->pkt), TULLE_RX_F_L3_BAD |
							 TULLE_RX_F_L4_OK);
	}
}

/* Nothing is said about what was not checked. */
static void test_no_checksum(void **state)
{
	struct net_spec s = { .udp = true, .payload = 100 };
	struct fx *fx = *state;
	u32 len;
	u8 *f;

	net_rq_post(&fx->rq, 64);
	f = fx->p->frame;
	len = net_make(&s, f);
	put_be16(f + 40, 0);
	net_send(&fx->sq, f, len);
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	assert_int_equal(net_flags(&fx->p->pkt), TULLE_RX_F_L3_OK);
	/* A fragment. */
	net_make(&s, f);
	put_be16(f + 20, 0x2000);
	put_be16(f + 24, 0);
	put_be16(f + 24, ~sum_bytes(f + 14, 20, 0));
	net_send(&fx->sq, f, len);
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	assert_int_equal(net_flags(&fx->p->pkt), TULLE_RX_F_L3_OK);
	assert_true(fx->p->pkt.cqe.types & TULLE_RX_FRAG);
	/* Headers cut off, lengths that lie: never read beyond the frame. */
	for (len = 14; len < 60; len++) {
		net_make(&s, f);
		f[14] = (u8)(0x40 | (len & 15));
		net_send(&fx->sq, f, len);
		assert_true(net_rx(&fx->rq, &fx->p->pkt));
		net_rq_post(&fx->rq, 1);
	}
}

/*
 * A tunnel: the outer UDP header does without a checksum, the device computes
 * the inner one. Nothing is said about the outer, with IPv6 neither.
 */
static void test_tunnel_checksum(void **state)
{
	struct net_spec s = { .udp = true, .payload = 8 + 14 + 20 + 20 + 50 };
	struct net_pkt *pkt;
	struct fx *fx = *state;
	struct tulle_eth_wqe *wqe;
	u8 *f = fx->p->frame;
	u32 len, l4, in, tcp;

	pkt = &fx->p->pkt;
	net_rq_post(&fx->rq, 4);
	for (s.v6 = false;; s.v6 = true) {
		len = net_make(&s, f);
		l4 = net_l4(&s);
		in = net_hdr_len(&s) + 8 + 14;
		tcp = in + 20;
		put_be16(f + l4 + 6, 0);
		put_be16(f + tcp + 16, 0x1234);
		wqe = net_wqe(&fx->sq, 1);
		net_fill(&fx->sq, wqe, f, len, 0);
		wqe->eth.flags = cpu_to_le16(TULLE_ETH_F_CSUM);
		wqe->eth.csum_start = cpu_to_le16((u16)tcp);
		wqe->eth.csum_offset = cpu_to_le16(16);
		net_post(&fx->sq, wqe);
		assert_true(net_rx(&fx->rq, pkt));
		assert_int_equal(net_flags(pkt), s.v6 ? 0 : TULLE_RX_F_L3_OK);
		assert_int_equal(get_be16(pkt->data + l4 + 6), 0);
		assert_int_equal(get_be16(pkt->data + tcp + 16),
				 ~sum_bytes(f + tcp, len - tcp, 0) & 0xffff);
		if (s.v6)
			break;
	}
}

static void test_csum_complete(void **state)
{
	struct fx *fx = *state;
	struct net_spec s = { .payload = 501, .v6 = true, .tags = 1 };
	u32 len;

	net_rq_post(&fx->rq, 64);
	len = fx_send(fx, &s);
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	assert_true(net_flags(&fx->p->pkt) & TULLE_RX_F_CSUM);
	assert_true(net_flags(&fx->p->pkt) & TULLE_RX_F_VLAN0);
	assert_int_equal(fx->p->pkt.len, len - 4);
	assert_int_equal(be16_to_cpu(fx->p->pkt.cqe.csum),
			 sum_bytes(fx->p->pkt.data + 14, len - 18, 0));
}

static int setup_complete(void **state)
{
	return fx_setup_flags(state, TULLE_RQ_F_CSUM_COMPLETE |
				     TULLE_RQ_F_VLAN_STRIP, 2048);
}

static int setup_strip(void **state)
{
	return fx_setup_flags(state, TULLE_RQ_F_STAG_STRIP |
				     TULLE_RQ_F_VLAN_STRIP, 2048);
}

static void test_strip(void **state)
{
	struct fx *fx = *state;
	struct net_spec s = { .payload = 100, .tags = 1 };
	u32 len;

	net_rq_post(&fx->rq, 64);
	len = fx_send(fx, &s);
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	assert_int_equal(fx->p->pkt.len, len - 4);
	assert_memory_equal(fx->p->pkt.data, fx->p->frame, 12);
	assert_memory_equal(fx->p->pkt.data + 12, fx->p->frame + 16, len - 16);
	assert_int_equal(net_flags(&fx->p->pkt) &
			 (TULLE_RX_F_VLAN0 | TULLE_RX_F_VLAN0_STAG |
			  TULLE_RX_F_VLAN1), TULLE_RX_F_VLAN0);
	assert_int_equal(le16_to_cpu(fx->p->pkt.cqe.vlan[0]), 100);
	s.tags = 2;
	len = fx_send(fx, &s);
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	assert_int_equal(fx->p->pkt.len, len - 8);
	assert_memory_equal(fx->p->pkt.data + 12, fx->p->frame + 20, len - 20);
	assert_int_equal(net_flags(&fx->p->pkt) &
			 (TULLE_RX_F_VLAN0 | TULLE_RX_F_VLAN0_STAG |
			  TULLE_RX_F_VLAN1),
			 TULLE_RX_F_VLAN0 | TULLE_RX_F_VLAN0_STAG |
			 TULLE_RX_F_VLAN1);
	assert_int_equal(le16_to_cpu(fx->p->pkt.cqe.vlan[1]), 101);
	/* Two customer tags: one is stripped. */
	net_make(&s, fx->p->frame);
	put_be16(fx->p->frame + 12, 0x8100);
	net_send(&fx->sq, fx->p->frame, len);
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	assert_int_equal(fx->p->pkt.len, len - 4);
}

static int setup_fcs(void **state)
{
	return fx_setup_flags(state, TULLE_RQ_F_FCS, 2048);
}

static void test_fcs(void **state)
{
	/* The check value of this CRC: 9 digits give cbf43926. */
	static const u8 digits[] = "123456789";
	struct net_spec s = { .payload = 700 };
	struct fx *fx = *state;
	u32 len, crc;

	assert_int_equal(tfw_crc32(0, digits, 9), 0xcbf43926);
	net_rq_post(&fx->rq, 64);
	len = fx_send(fx, &s);
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	assert_int_equal(fx->p->pkt.len, len + 4);
	assert_true(net_flags(&fx->p->pkt) & TULLE_RX_F_FCS);
	/* A frame with its FCS behind it always leaves the same residue. */
	crc = tfw_crc32(0, fx->p->pkt.data, len + 4);
	assert_int_equal(crc, 0x2144df1c);
}

static void modify(struct fx *fx, u32 mask, const struct tulle_rq_ctx *ctx,
		   enum tulle_status want)
{
	struct tulle_modify_rq m = { .mask = cpu_to_le32(mask), .ctx = *ctx };

	m.ctx.handle = cpu_to_le32(fx->rq.handle);
	assert_int_equal(fake_cmd(&fx->p->b.d, TULLE_CMD_MODIFY_RQ, &m,
				  sizeof(m), NULL, 0), want);
}

/* A live queue moves to another ring, of another type, and loses nothing. */
static void test_swap(void **state)
{
	struct net_spec s = { .payload = 500 };
	struct fx *fx = *state;
	struct tulle_rq_ctx bad;
	u32 i, len;

	net_rq_post(&fx->rq, 2);
	for (i = 0; i < 5; i++) {
		s.seq = i;
		fx_send(fx, &s);
	}
	for (i = 0; i < 2; i++) {
		s.seq = i;
		len = net_make(&s, fx->p->frame);
		fx_expect_frame(fx, fx->p->frame, len);
	}
	/* Refused: nothing changed. */
	bad = fx->rq.ctx;
	bad.log_wqe_size = 9;
	modify(fx, TULLE_RQ_MOD_RING, &bad, TULLE_STATUS_BAD_PARAM);
	bad = fx->rq.ctx;
	bad.cq = cpu_to_le32(fx->sq.cq.handle + 7);
	modify(fx, TULLE_RQ_MOD_RING, &bad, TULLE_STATUS_BAD_HANDLE);
	bad = fx->rq.ctx;
	bad.dbr = cpu_to_le64(le64_to_cpu(bad.dbr) + 64);
	modify(fx, TULLE_RQ_MOD_RING, &bad, TULLE_STATUS_BAD_PARAM);
	bad = fx->rq.ctx;
	bad.flags = cpu_to_le32(0x80000000);
	modify(fx, TULLE_RQ_MOD_FLAGS, &bad, TULLE_STATUS_BAD_PARAM);
	modify(fx, 0x80, &fx->rq.ctx, TULLE_STATUS_BAD_PARAM);

	fx->rq.ctx.type = TULLE_RQ_SPLIT;
	fx->rq.ctx.flags = cpu_to_le32(TULLE_RQ_F_CHAIN);
	net_rq_memory(&fx->rq, 4, 2048);
	modify(fx, TULLE_RQ_MOD_RING | TULLE_RQ_MOD_FLAGS, &fx->rq.ctx, 0);
	assert_false(net_rx(&fx->rq, &fx->p->pkt));
	net_rq_post(&fx->rq, 16);
	for (i = 2; i < 5; i++) {
		s.seq = i;
		len = net_make(&s, fx->p->frame);
		fx_expect_frame(fx, fx->p->frame, len);
		assert_int_equal(le32_to_cpu(fx->p->pkt.cqe.wqe), i - 2);
	}
	assert_false(net_rx(&fx->rq, &fx->p->pkt));
}

/* A swap that memory is short for changed nothing: the old ring goes on. */
static void test_swap_no_memory(void **state)
{
	const u32 ring = TULLE_RQ_MOD_RING | TULLE_RQ_MOD_FLAGS;
	const u32 stop = TULLE_RQ_MOD_STATE | TULLE_RQ_MOD_FLAGS;
	struct net_spec s = { .payload = 500 };
	struct tulle_rq_ctx ctx, stopped;
	struct fx *fx = *state;
	struct net_rq next = { .n = fx->rq.n, .ctx = fx->rq.ctx };
	u32 len;

	next.ctx.handle = cpu_to_le32(fx->rq.handle);
	next.ctx.flags = cpu_to_le32(TULLE_RQ_F_GRO);
	next.ctx.gro_max = cpu_to_le32(65536);
	net_rq_memory(&next, 4, 2048);
	stopped = next.ctx;
	stopped.state = TULLE_QUEUE_STOPPED;

	fx->p->env.alloc_budget = 0;
	modify(fx, ring, &next.ctx, TULLE_STATUS_NOMEM);
	modify(fx, stop, &stopped, TULLE_STATUS_NOMEM);
	fx->p->env.alloc_budget = -1;
	net_rq_post(&fx->rq, 1);
	s.seq = 1;
	len = fx_send(fx, &s);
	fx_expect_frame(fx, fx->p->frame, len);
	fx_query(fx, &ctx);
	assert_memory_equal(&ctx.pages, &fx->rq.ctx.pages, sizeof(ctx.pages));
	assert_int_equal(ctx.state, TULLE_QUEUE_READY);
	assert_int_equal(le32_to_cpu(ctx.flags), 0);

	/* Refused with memory at hand: it is given back. */
	len = (u32)fx->p->env.allocs;
	stopped.state = TULLE_QUEUE_ERROR;
	modify(fx, stop, &stopped, TULLE_STATUS_BAD_PARAM);
	assert_int_equal(fx->p->env.allocs, len);

	modify(fx, ring, &next.ctx, 0);
	fx_query(fx, &ctx);
	assert_memory_equal(&ctx.pages, &next.ctx.pages, sizeof(ctx.pages));
	assert_int_equal(le32_to_cpu(ctx.flags), TULLE_RQ_F_GRO);
	net_rq_free(&next);
}

static void test_stop(void **state)
{
	struct tulle_rq_ctx ctx = { .state = TULLE_QUEUE_STOPPED };
	struct net_spec s = { .payload = 500 };
	struct fx *fx = *state;
	u32 len;

	fx_send(fx, &s);
	modify(fx, TULLE_RQ_MOD_STATE, &ctx, 0);
	fx_send(fx, &s);
	fx_query(fx, &ctx);
	assert_int_equal(ctx.state, TULLE_QUEUE_STOPPED);
	assert_int_equal(le64_to_cpu(ctx.drops_stopped), 2);
	assert_int_equal(le32_to_cpu(ctx.cq), 0);
	ctx.state = TULLE_QUEUE_READY;
	modify(fx, TULLE_RQ_MOD_STATE, &ctx, TULLE_STATUS_BAD_STATE);
	net_rq_memory(&fx->rq, 4, 2048);
	modify(fx, TULLE_RQ_MOD_RING, &fx->rq.ctx, 0);
	net_rq_post(&fx->rq, 4);
	len = fx_send(fx, &s);
	fx_expect_frame(fx, fx->p->frame, len);
}

/* Each defect stops the queue with an error entry and an event. */
static void test_bad_wqes(void **state)
{
	static const struct {
		u32	off;
		u8	val;
		u8	status;
	} bad[] = {
		{ offsetof(struct tulle_rq_wqe, nsge), 0, TULLE_CQE_BAD_WQE },
		{ offsetof(struct tulle_rq_wqe, nsge), 2, TULLE_CQE_BAD_WQE },
		{ offsetof(struct tulle_rq_wqe, nsge), 255, TULLE_CQE_BAD_WQE },
		{ offsetof(struct tulle_rq_wqe, rsvd), 1, TULLE_CQE_BAD_WQE },
		{ offsetof(struct tulle_rq_wqe, wr_id), 1, TULLE_CQE_BAD_WQE },
		{ 16 + offsetof(struct tulle_sge, key), 0x77,
		  TULLE_CQE_BAD_KEY },
		{ 16 + offsetof(struct tulle_sge, addr) + 7, 0xff,
		  TULLE_CQE_DMA },
	};
	struct net_spec s = { .payload = 500 };
	struct fx *fx = *state;
	u32 i;

	for (i = 0; i < NET_COUNT(bad); i++) {
		struct tulle_rx_cqe *cqe;
		struct tulle_rq_ctx ctx;

		net_rq_memory(&fx->rq, 4, 2048);
		modify(fx, TULLE_RQ_MOD_RING, &fx->rq.ctx, 0);
		net_rq_fill(&fx->rq, 1);
		fx->rq.ring[bad[i].off] = bad[i].val;
		net_ring(&fx->p->b, fx->rq.dbr, &fx->rq.pi, 1, TULLE_UAR_RQ,
			 fx->rq.handle);
		fx_send(fx, &s);
		cqe = fake_poll(&fx->rq.cq);
		if (!cqe || cqe->status != bad[i].status)
			fail_msg("case %u: status %d", i,
				 cqe ? cqe->status : -1);
		assert_int_equal(le32_get_bits(cqe->qn_op, TULLE_CQE_OP),
				 TULLE_CQE_RX_ERR);
		fx_query(fx, &ctx);
		assert_int_equal(ctx.state, TULLE_QUEUE_ERROR);
		fx_send(fx, &s);
		assert_null(fake_poll(&fx->rq.cq));
	}
}

static void test_bad_index(void **state)
{
	struct fx *fx = *state;
	struct net_spec s = { .payload = 500 };
	struct tulle_rx_cqe *cqe;

	fx->rq.dbr->pi = cpu_to_le32(65);
	fx_send(fx, &s);
	cqe = fake_poll(&fx->rq.cq);
	assert_non_null(cqe);
	assert_int_equal(cqe->status, TULLE_CQE_BAD_WQE);
}

static void test_creation(void **state)
{
	struct fx *fx = *state;
	struct tulle_rq_ctx c;
	enum tulle_status st;
	u32 i;

	for (i = 0; i < 9; i++) {
		c = fx->rq.ctx;
		switch (i) {
		case 0:
			c.log_size = 16;
			break;
		case 1:
			c.log_wqe_size = 4;
			break;
		case 2:
			c.type = 3;
			break;
		case 3:
			c.log_stride = 8;
			break;
		case 4:
			c.type = TULLE_RQ_MULTI;
			c.log_stride = 5;
			break;
		case 5:
			c.type = TULLE_RQ_MULTI;
			c.log_stride = 8;
			c.log_strides = 13;
			break;
		case 6:
			c.vport = cpu_to_le16(5);
			break;
		case 7:
			c.flags = cpu_to_le32(TULLE_RQ_F_GRO);
			break;
		case 8:
			c.ci = cpu_to_le32(1);
			break;
		}
		assert_int_equal(fake_create(&fx->p->b.d, TULLE_CMD_CREATE_RQ,
					     &c, sizeof(c), &st), 0);
		if (st != TULLE_STATUS_BAD_PARAM)
			fail_msg("case %u: %d", i, st);
	}
}

/* Receive completions do not fit a small entry. */
static void test_small_cq(void **state)
{
	struct fx *fx = *state;
	struct tulle_rq_ctx c = fx->rq.ctx;
	enum tulle_status st;
	struct fake_queue cq;
	u32 i;

	assert_int_equal(fake_cq_create(&fx->p->b.d, &cq, fx->p->b.eq.handle,
					4, 5, 0, 0), 0);
	c.cq = cpu_to_le32(cq.handle);
	assert_int_equal(fake_create(&fx->p->b.d, TULLE_CMD_CREATE_RQ, &c,
				     sizeof(c), &st), 0);
	assert_int_equal(st, TULLE_STATUS_BAD_PARAM);
	/* Without a ring it needs none. */
	c = (struct tulle_rq_ctx){ .state = TULLE_QUEUE_STOPPED };
	i = fake_create(&fx->p->b.d, TULLE_CMD_CREATE_RQ, &c, sizeof(c), &st);
	assert_int_not_equal(i, 0);
	assert_int_equal(fake_destroy(&fx->p->b.d, TULLE_CMD_DESTROY_RQ, i), 0);
}

#define T(name, s) cmocka_unit_test_setup_teardown(name, s, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_lengths, fx_setup),
		T(test_lengths, fx_setup_chain),
		T(test_lengths, fx_setup_split),
		T(test_too_big, fx_setup),
		T(test_split, fx_setup_split),
		T(test_strides, setup_multi),
		T(test_checksums, fx_setup),
		T(test_checksums, fx_setup_split),
		T(test_no_checksum, fx_setup),
		T(test_tunnel_checksum, fx_setup),
		T(test_csum_complete, setup_complete),
		T(test_strip, setup_strip),
		T(test_fcs, setup_fcs),
		T(test_swap, fx_setup),
		T(test_swap_no_memory, fx_setup),
		T(test_stop, fx_setup),
		T(test_bad_wqes, fx_setup),
		T(test_bad_index, fx_setup),
		T(test_creation, fx_setup),
		T(test_small_cq, fx_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
