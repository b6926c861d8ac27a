// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Receive: buffers of every type, checksum and hash reports, tags, queues that
 * run dry, stop, move or are given nonsense, and faults of the wire.
 */
#include "../eth.h"
#include "net.h"

struct fx {
	struct net_pair	*p;
	struct net_sq	sq;
	struct net_rq	rq;
};

static struct fx *make(const struct tulle_rq_ctx *ctx, u32 log, u32 buf_len)
{
	struct fx *fx = calloc(1, sizeof(*fx));

	fx->p = net_pair_create();
	net_sq_create(&fx->p->a, &fx->sq, 8);
	net_rq_create(&fx->p->b, &fx->rq, ctx, log, buf_len);
	net_rx_default(&fx->p->b, TULLE_ACTION_QUEUE, fx->rq.handle);
	return fx;
}

static int setup_flags(void **state, u32 flags, u32 buf_len)
{
	struct tulle_rq_ctx ctx = { .flags = cpu_to_le32(flags) };

	*state = make(&ctx, 6, buf_len);
	return 0;
}

static int setup(void **state)
{
	return setup_flags(state, 0, 2048);
}

static int setup_chain(void **state)
{
	return setup_flags(state, TULLE_RQ_F_CHAIN, 512);
}

static int setup_split(void **state)
{
	struct tulle_rq_ctx ctx = {
		.type = TULLE_RQ_SPLIT,
		.split_thresh = cpu_to_le16(80),
		.flags = cpu_to_le32(TULLE_RQ_F_CHAIN),
	};

	*state = make(&ctx, 6, 1024);
	return 0;
}

static int setup_multi(void **state)
{
	struct tulle_rq_ctx ctx = {
		.type = TULLE_RQ_MULTI, .log_stride = 8, .log_strides = 4,
	};

	*state = make(&ctx, 3, 4096);
	return 0;
}

static int teardown(void **state)
{
	struct fx *fx = *state;

	net_rq_free(&fx->rq);
	net_pair_destroy(fx->p);
	free(fx);
	return 0;
}

static u32 send_spec(struct fx *fx, const struct net_spec *s)
{
	u32 len = net_make(s, fx->p->frame);

	net_send(&fx->sq, fx->p->frame, len);
	while (fake_poll(&fx->sq.cq))
		;
	return len;
}

static void expect_frame(struct fx *fx, const void *frame, u32 len)
{
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	assert_int_equal(fx->p->pkt.len, len);
	assert_memory_equal(fx->p->pkt.data, frame, len);
}

static void query(struct fx *fx, struct tulle_rq_ctx *ctx)
{
	struct tulle_handle_req req = { cpu_to_le32(fx->rq.handle), 0 };

	assert_int_equal(fake_cmd(&fx->p->b.d, TULLE_CMD_QUERY_RQ, &req,
				  sizeof(req), ctx, sizeof(*ctx)), 0);
}

/* Every length, over many laps. */
static void test_lengths(void **state)
{
	struct fx *fx = *state;
	u32 i, len, posted = 0;

	net_rq_post(&fx->rq, 1U << fx->rq.ctx.log_size);
	for (i = 6; i < 1800; i += 7) {
		struct net_spec s = { .payload = i, .seq = i * 13 };

		len = send_spec(fx, &s);
		expect_frame(fx, fx->p->frame, len);
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
	send_spec(fx, &s);
	assert_false(net_rx(&fx->rq, &fx->p->pkt));
	s.payload--;
	send_spec(fx, &s);
	expect_frame(fx, fx->p->frame, 2048);
	/* The buffer was not lost. */
	assert_int_equal(le32_to_cpu(fx->p->pkt.cqe.wqe), 0);
	query(fx, &ctx);
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

	net_rq_post(&fx->rq, 64);
	len = send_spec(fx, &s);
	expect_frame(fx, fx->p->frame, len);
	assert_int_equal(le16_to_cpu(fx->p->pkt.cqe.hdr_len), 66);
	s.v6 = true;
	s.udp = true;
	len = send_spec(fx, &s);
	expect_frame(fx, fx->p->frame, len);
	assert_int_equal(le16_to_cpu(fx->p->pkt.cqe.hdr_len), 62);
	/* A small one goes whole into the header buffer. */
	s = (struct net_spec){ .payload = 26 };
	len = send_spec(fx, &s);
	expect_frame(fx, fx->p->frame, 80);
	assert_int_equal(le16_to_cpu(fx->p->pkt.cqe.hdr_len), 80);
	s.payload = 27;
	len = send_spec(fx, &s);
	expect_frame(fx, fx->p->frame, 81);
	assert_int_equal(le16_to_cpu(fx->p->pkt.cqe.hdr_len), 54);
	/* Payload over several buffers. */
	s.payload = 4000;
	len = send_spec(fx, &s);
	expect_frame(fx, fx->p->frame, len);
	assert_int_equal(le16_to_cpu(fx->p->pkt.cqe.count), 4);
	/* Headers that do not fit their buffer: not split. */
	s = (struct net_spec){ .payload = 300, .v6 = true, .tags = 2,
			       .opt = 40 };
	fx->rq.hdr_room = 96;
	net_rq_post(&fx->rq, 0);
	len = send_spec(fx, &s);
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	assert_int_equal(le16_to_cpu(fx->p->pkt.cqe.hdr_len), 122);
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
		len = send_spec(fx, &s);
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
	len = send_spec(fx, &s);
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

		len = send_spec(fx, &s);
		expect_frame(fx, fx->p->frame, len);
		assert_int_equal(net_flags(&fx->p->pkt), l3 | TULLE_RX_F_L4_OK);
		fx->p->frame[len - 1] ^= 4;
		net_send(&fx->sq, fx->p->frame, len);
		expect_frame(fx, fx->p->frame, len);
		assert_int_equal(net_flags(&fx->p->pkt),
				 l3 | TULLE_RX_F_L4_BAD);
		if (s.v6)
			continue;
		fx->p->frame[net_l3(&s) + 10] ^= 4;
		fx->p->frame[len - 1] ^= 4;
		net_send(&fx->sq, fx->p->frame, len);
		expect_frame(fx, fx->p->frame, len);
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

static void test_csum_complete(void **state)
{
	struct fx *fx = *state;
	struct net_spec s = { .payload = 501, .v6 = true, .tags = 1 };
	u32 len;

	net_rq_post(&fx->rq, 64);
	len = send_spec(fx, &s);
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	assert_true(net_flags(&fx->p->pkt) & TULLE_RX_F_CSUM);
	assert_true(net_flags(&fx->p->pkt) & TULLE_RX_F_VLAN0);
	assert_int_equal(fx->p->pkt.len, len - 4);
	assert_int_equal(be16_to_cpu(fx->p->pkt.cqe.csum),
			 sum_bytes(fx->p->pkt.data + 14, len - 18, 0));
}

static int setup_complete(void **state)
{
	return setup_flags(state, TULLE_RQ_F_CSUM_COMPLETE |
				  TULLE_RQ_F_VLAN_STRIP, 2048);
}

static int setup_strip(void **state)
{
	return setup_flags(state, TULLE_RQ_F_STAG_STRIP |
				  TULLE_RQ_F_VLAN_STRIP, 2048);
}

static void test_strip(void **state)
{
	struct fx *fx = *state;
	struct net_spec s = { .payload = 100, .tags = 1 };
	u32 len;

	net_rq_post(&fx->rq, 64);
	len = send_spec(fx, &s);
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	assert_int_equal(fx->p->pkt.len, len - 4);
	assert_memory_equal(fx->p->pkt.data, fx->p->frame, 12);
	assert_memory_equal(fx->p->pkt.data + 12, fx->p->frame + 16, len - 16);
	assert_int_equal(net_flags(&fx->p->pkt) &
			 (TULLE_RX_F_VLAN0 | TULLE_RX_F_VLAN0_STAG |
			  TULLE_RX_F_VLAN1), TULLE_RX_F_VLAN0);
	assert_int_equal(le16_to_cpu(fx->p->pkt.cqe.vlan[0]), 100);
	s.tags = 2;
	len = send_spec(fx, &s);
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
	return setup_flags(state, TULLE_RQ_F_FCS, 2048);
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
	len = send_spec(fx, &s);
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	assert_int_equal(fx->p->pkt.len, len + 4);
	assert_true(net_flags(&fx->p->pkt) & TULLE_RX_F_FCS);
	/* A frame with its FCS behind it always leaves the same residue. */
	crc = tfw_crc32(0, fx->p->pkt.data, len + 4);
	assert_int_equal(crc, 0x2144df1c);
}

/* Dry: kept, then delivered in order after the kick. */
static void test_dry(void **state)
{
	struct net_spec s = { .payload = 500 };
	struct tulle_rq_ctx ctx;
	struct fx *fx = *state;
	u32 i, len;

	net_rq_post(&fx->rq, 3);
	for (i = 0; i < 10; i++) {
		s.seq = i;
		send_spec(fx, &s);
	}
	for (i = 0; i < 10; i++) {
		s.seq = i;
		len = net_make(&s, fx->p->frame);
		expect_frame(fx, fx->p->frame, len);
		if (i >= 2)
			net_rq_post(&fx->rq, 1);
	}
	assert_false(net_rx(&fx->rq, &fx->p->pkt));
	query(fx, &ctx);
	assert_int_equal(le64_to_cpu(ctx.drops_dry), 0);
	assert_int_equal(le64_to_cpu(ctx.packets), 10);
	/* Far away again: no kick for a refill that nobody waits for. */
	net_rq_post(&fx->rq, 1);
	i = fx->rq.pi;
	assert_true(i - le32_to_cpu(fx->rq.dbr->evt) - 1 > 0x1000);
}

/* The FIFO fills, the sender pauses; nothing is lost on a cable. */
static void test_pause(void **state)
{
	struct net_spec s = { .payload = 1400 };
	struct tulle_port_stats a, b;
	struct tulle_rq_ctx ctx;
	struct fx *fx = *state;
	u32 i, len, n = 900;

	for (i = 0; i < n; i++) {
		s.seq = i;
		if (fx->sq.pi - 200 < 0x80000000)
			;
		len = net_make(&s, fx->p->frame);
		if (i >= 250)
			break;
		net_send(&fx->sq, fx->p->frame, len);
	}
	net_stats(&fx->p->a, &a);
	net_stats(&fx->p->b, &b);
	assert_true(le64_to_cpu(b.tx.pause) == 1);
	assert_true(le64_to_cpu(a.rx.pause) == 1);
	assert_true(le64_to_cpu(a.tx.frames) < 250);
	for (i = 0; i < 250; i++) {
		s.seq = i;
		len = net_make(&s, fx->p->frame);
		net_rq_post(&fx->rq, 1);
		expect_frame(fx, fx->p->frame, len);
	}
	net_stats(&fx->p->a, &a);
	net_stats(&fx->p->b, &b);
	assert_int_equal(le64_to_cpu(a.tx.frames), 250);
	assert_int_equal(le64_to_cpu(b.tx.pause), 2);
	assert_int_equal(le64_to_cpu(a.rx.ctrl), 2);
	query(fx, &ctx);
	assert_int_equal(le64_to_cpu(ctx.drops_dry), 0);
}

/* A queue that nobody serves does not hold up the others for ever. */
static void test_stuck(void **state)
{
	struct net_spec s = { .payload = 1400 };
	struct tulle_rq_ctx ctx;
	struct fx *fx = *state;
	u32 i, len, total = 240;

	for (i = 0; i < total; i++) {
		len = net_make(&s, fx->p->frame);
		net_send(&fx->sq, fx->p->frame, len);
	}
	fake_advance(&fx->p->env, 300000000);
	query(fx, &ctx);
	assert_int_equal(le64_to_cpu(ctx.drops_dry), total);
	/* And is served again as soon as it comes back. */
	net_rq_post(&fx->rq, 1);
	s.seq = 5;
	len = send_spec(fx, &s);
	expect_frame(fx, fx->p->frame, len);
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
		send_spec(fx, &s);
	}
	for (i = 0; i < 2; i++) {
		s.seq = i;
		len = net_make(&s, fx->p->frame);
		expect_frame(fx, fx->p->frame, len);
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
		expect_frame(fx, fx->p->frame, len);
		assert_int_equal(le32_to_cpu(fx->p->pkt.cqe.wqe), i - 2);
	}
	assert_false(net_rx(&fx->rq, &fx->p->pkt));
}

static void test_stop(void **state)
{
	struct tulle_rq_ctx ctx = { .state = TULLE_QUEUE_STOPPED };
	struct net_spec s = { .payload = 500 };
	struct fx *fx = *state;
	u32 len;

	send_spec(fx, &s);
	modify(fx, TULLE_RQ_MOD_STATE, &ctx, 0);
	send_spec(fx, &s);
	query(fx, &ctx);
	assert_int_equal(ctx.state, TULLE_QUEUE_STOPPED);
	assert_int_equal(le64_to_cpu(ctx.drops_stopped), 2);
	assert_int_equal(le32_to_cpu(ctx.cq), 0);
	ctx.state = TULLE_QUEUE_READY;
	modify(fx, TULLE_RQ_MOD_STATE, &ctx, TULLE_STATUS_BAD_STATE);
	net_rq_memory(&fx->rq, 4, 2048);
	modify(fx, TULLE_RQ_MOD_RING, &fx->rq.ctx, 0);
	net_rq_post(&fx->rq, 4);
	len = send_spec(fx, &s);
	expect_frame(fx, fx->p->frame, len);
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

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct tulle_rx_cqe *cqe;
		struct tulle_rq_ctx ctx;

		net_rq_memory(&fx->rq, 4, 2048);
		modify(fx, TULLE_RQ_MOD_RING, &fx->rq.ctx, 0);
		net_rq_post(&fx->rq, 4);
		fx->rq.ring[bad[i].off] = bad[i].val;
		send_spec(fx, &s);
		cqe = fake_poll(&fx->rq.cq);
		if (!cqe || cqe->status != bad[i].status)
			fail_msg("case %u: status %d", i,
				 cqe ? cqe->status : -1);
		assert_int_equal(le32_get_bits(cqe->qn_op, TULLE_CQE_OP),
				 TULLE_CQE_RX_ERR);
		query(fx, &ctx);
		assert_int_equal(ctx.state, TULLE_QUEUE_ERROR);
		send_spec(fx, &s);
		assert_null(fake_poll(&fx->rq.cq));
	}
}

static void test_bad_index(void **state)
{
	struct fx *fx = *state;
	struct net_spec s = { .payload = 500 };
	struct tulle_rx_cqe *cqe;

	fx->rq.dbr->pi = cpu_to_le32(65);
	send_spec(fx, &s);
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
		case 0: c.log_size = 16; break;
		case 1: c.log_wqe_size = 4; break;
		case 2: c.type = 3; break;
		case 3: c.log_stride = 8; break;
		case 4: c.type = TULLE_RQ_MULTI; c.log_stride = 5; break;
		case 5: c.type = TULLE_RQ_MULTI; c.log_stride = 8;
			c.log_strides = 13; break;
		case 6: c.vport = cpu_to_le16(5); break;
		case 7: c.flags = cpu_to_le32(TULLE_RQ_F_GRO); break;
		case 8: c.ci = cpu_to_le32(1); break;
		}
		assert_int_equal(fake_create(&fx->p->b.d, TULLE_CMD_CREATE_RQ,
					     &c, sizeof(c), &st), 0);
		if (st != TULLE_STATUS_BAD_PARAM)
			fail_msg("case %u: %d", i, st);
	}
	/* Receive completions do not fit a small entry. */
	c = fx->rq.ctx;
	{
		struct fake_queue cq;

		assert_int_equal(fake_cq_create(&fx->p->b.d, &cq,
						fx->p->b.eq.handle, 4, 5, 0, 0),
				 0);
		c.cq = cpu_to_le32(cq.handle);
		assert_int_equal(fake_create(&fx->p->b.d, TULLE_CMD_CREATE_RQ,
					     &c, sizeof(c), &st), 0);
		assert_int_equal(st, TULLE_STATUS_BAD_PARAM);
	}
	c = (struct tulle_rq_ctx){ .state = TULLE_QUEUE_STOPPED };
	i = fake_create(&fx->p->b.d, TULLE_CMD_CREATE_RQ, &c, sizeof(c), &st);
	assert_int_not_equal(i, 0);
	assert_int_equal(fake_destroy(&fx->p->b.d, TULLE_CMD_DESTROY_RQ, i), 0);
}

/*
 * RSS
 */
static const u8 ms_key[TULLE_RSS_KEY_LEN] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2,
	0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0,
	0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4,
	0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c,
	0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

/* Bit by bit. */
static u32 toeplitz(const u8 *key, const u8 *in, u32 len)
{
	u32 hash = 0, i, b, window;

	for (i = 0; i < len * 8; i++) {
		if (!(in[i / 8] & (0x80 >> i % 8)))
			continue;
		for (window = 0, b = 0; b < 32; b++)
			window = window << 1 |
				 (key[(i + b) / 8] >> (7 - (i + b) % 8) & 1);
		hash ^= window;
	}
	return hash;
}

static void test_toeplitz(void **state)
{
	/* The published verification suite's first TCP/IPv4 pair. */
	static const u8 in[12] = { 66, 9, 149, 187, 161, 142, 100, 80,
				   0x0a, 0xea, 0x06, 0xe6 };
	struct tfw_toeplitz *t = malloc(sizeof(*t));
	u8 key[TULLE_RSS_KEY_LEN], data[40];
	u32 i, j;

	(void)state;
	tfw_toeplitz_init(t, ms_key);
	assert_int_equal(tfw_toeplitz_hash(t, in, 12), 0x51ccc178);
	assert_int_equal(tfw_toeplitz_hash(t, in, 8), 0x323e8fc2);
	srand(1);
	for (i = 0; i < 200; i++) {
		for (j = 0; j < sizeof(key); j++)
			key[j] = (u8)rand();
		for (j = 0; j < sizeof(data); j++)
			data[j] = (u8)rand();
		tfw_toeplitz_init(t, key);
		assert_int_equal(tfw_toeplitz_hash(t, data, i % 41),
				 toeplitz(key, data, i % 41));
	}
	free(t);
}

static u32 rss_create(struct fx *fx, const u8 *fields, u8 sym, u32 log,
		      const u32 *rq, enum tulle_status *st)
{
	size_t len = sizeof(struct tulle_rss) + (4UL << log);
	struct tulle_rss *r = calloc(1, len);
	u32 i, handle;

	r->ctx.log_size = (u8)log;
	r->ctx.sym = sym;
	memcpy(r->ctx.fields, fields, sizeof(r->ctx.fields));
	memcpy(r->ctx.key, ms_key, sizeof(ms_key));
	for (i = 0; i < 1U << log; i++)
		r->rq[i] = cpu_to_le32(rq[i]);
	handle = fake_create(&fx->p->b.d, TULLE_CMD_CREATE_RSS, r, (u32)len,
			     st);
	free(r);
	return handle;
}

static void xor_fields(u8 *in, u32 len, u8 sym)
{
	u32 i;

	for (i = 0; i < len; i++) {
		u8 a = in[i], b = in[len + i];

		in[i] = sym == TULLE_RSS_SYM_XOR ? a ^ b : a | b;
		in[len + i] = a ^ b;
	}
}

static u32 expected_hash(const struct net_spec *s, const u8 *f, u8 fields,
			 u8 sym)
{
	u32 l3 = net_l3(s), l4 = net_l4(s), alen = s->v6 ? 16 : 4, n;
	u8 in[64];

	memcpy(in, f + l3 + (s->v6 ? 8 : 12), alen * 2);
	if (sym)
		xor_fields(in, alen, sym);
	n = alen * 2;
	if (fields & TULLE_RSS_F_L4_SRC) {
		memcpy(in + n, f + l4, 4);
		if (sym)
			xor_fields(in + n, 2, sym);
		n += 4;
	}
	if (fields & TULLE_RSS_F_IP6_FL) {
		put_be32(in + n, get_be32(f + l3) & 0xfffff);
		n += 4;
	}
	return toeplitz(ms_key, in, n);
}

static void test_rss(void **state)
{
	static const u8 all = TULLE_RSS_F_L3_SRC | TULLE_RSS_F_L3_DST |
			      TULLE_RSS_F_L4_SRC | TULLE_RSS_F_L4_DST;
	static const u8 fields[TULLE_RSS_TYPES] = {
		all, all, 3, all | TULLE_RSS_F_IP6_FL, all, 3,
	};
	struct tulle_rq_ctx ctx = { 0 };
	struct net_rq rq[4];
	struct fx *fx = *state;
	u32 table[8], i, sym, handle, hits[4] = { 0 };
	enum tulle_status st;

	for (i = 0; i < 4; i++) {
		net_rq_create(&fx->p->b, &rq[i], &ctx, 8, 2048);
		net_rq_post(&rq[i], 256);
	}
	for (i = 0; i < 8; i++)
		table[i] = rq[i % 4].handle;
	for (sym = 0; sym < 3; sym++) {
		handle = rss_create(fx, fields, (u8)sym, 3, table, &st);
		assert_int_equal(st, 0);
		net_rx_default(&fx->p->b, TULLE_ACTION_RSS, handle);
		for (i = 0; i < 64; i++) {
			struct net_spec s = { .v6 = i & 1, .udp = i & 2,
					      .sport = (u16)(i * 77),
					      .dport = (u16)(i * 3),
					      .payload = 50 };
			u32 type, want;

			type = s.v6 ? (s.udp ? TULLE_RSS_UDP6 : TULLE_RSS_TCP6) :
				      (s.udp ? TULLE_RSS_UDP4 : TULLE_RSS_TCP4);
			send_spec(fx, &s);
			want = expected_hash(&s, fx->p->frame, fields[type],
					     (u8)sym);
			assert_true(net_rx(&rq[want & 3], &fx->p->pkt));
			assert_int_equal(le32_to_cpu(fx->p->pkt.cqe.hash),
					 want);
			assert_int_equal(fx->p->pkt.cqe.hash_type, type + 1);
			hits[want & 3]++;
		}
	}
	for (i = 0; i < 4; i++)
		assert_true(hits[i] > 10);
	assert_int_equal(fake_destroy(&fx->p->b.d, TULLE_CMD_DESTROY_RQ,
				      rq[0].handle), TULLE_STATUS_IN_USE);
	for (i = 0; i < 4; i++)
		net_rq_free(&rq[i]);
}

static void test_rss_commands(void **state)
{
	struct fx *fx = *state;
	u8 fields[TULLE_RSS_TYPES] = { 3 };
	u32 table[4] = { fx->rq.handle, fx->rq.handle, fx->rq.handle,
			 fx->rq.handle }, handle;
	struct {
		struct tulle_modify_rss m;
		__le32 rq[2];
	} mod = { 0 };
	struct {
		struct tulle_rss r;
		__le32 rq[2048];
	} back;
	struct tulle_handle_req req = { 0 };
	enum tulle_status st;

	handle = rss_create(fx, fields, 0, 2, table, &st);
	assert_int_not_equal(handle, 0);
	table[3]++;
	assert_int_equal(rss_create(fx, fields, 0, 2, table, &st), 0);
	assert_int_equal(st, TULLE_STATUS_BAD_HANDLE);
	assert_int_equal(rss_create(fx, fields, 3, 1, table, &st), 0);
	fields[2] = TULLE_RSS_F_L4_SRC;
	assert_int_equal(rss_create(fx, fields, 0, 1, table, &st), 0);
	assert_int_equal(st, TULLE_STATUS_BAD_PARAM);
	mod.m.mask = cpu_to_le32(TULLE_RSS_MOD_TABLE | TULLE_RSS_MOD_KEY);
	mod.m.ctx.handle = cpu_to_le32(handle);
	mod.m.ctx.log_size = 1;
	mod.m.ctx.sym = TULLE_RSS_SYM_XOR;
	mod.rq[0] = cpu_to_le32(fx->rq.handle);
	assert_int_equal(fake_cmd(&fx->p->b.d, TULLE_CMD_MODIFY_RSS, &mod,
				  sizeof(mod), NULL, 0),
			 TULLE_STATUS_BAD_HANDLE);
	mod.rq[1] = cpu_to_le32(fx->rq.handle);
	assert_int_equal(fake_cmd(&fx->p->b.d, TULLE_CMD_MODIFY_RSS, &mod,
				  sizeof(mod), NULL, 0), 0);
	req.handle = cpu_to_le32(handle);
	assert_int_equal(fake_cmd(&fx->p->b.d, TULLE_CMD_QUERY_RSS, &req,
				  sizeof(req), &back, sizeof(back)), 0);
	assert_int_equal(back.r.ctx.log_size, 1);
	assert_int_equal(back.r.ctx.sym, TULLE_RSS_SYM_XOR);
	assert_int_equal(back.r.ctx.fields[0], 3);
	assert_int_equal(le32_to_cpu(back.rq[1]), fx->rq.handle);
	assert_int_equal(fake_destroy(&fx->p->b.d, TULLE_CMD_DESTROY_RSS,
				      handle), 0);
}

/*
 * Backend and faults
 */
static void test_backend(void **state)
{
	struct net_spec s = { .payload = 1 };
	struct tulle_port_stats st;
	struct fx *fx = *state;
	struct fake_dev *d = &fx->p->b.d;
	u32 len, i;
	u8 huge[17000] = { 0 };

	tfw_cable_leave(d->dev);
	tfw_port_set_backend(d->dev, true, true);
	fake_advance(&fx->p->env, 100000000);
	len = net_make(&s, fx->p->frame);
	net_rq_post(&fx->rq, 64);
	assert_true(fake_receive(d, fx->p->frame, len));
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	assert_int_equal(fx->p->pkt.len, 60);
	assert_true(net_flags(&fx->p->pkt) & TULLE_RX_F_L4_OK);
	assert_true(fake_receive(d, huge, 13));
	assert_true(fake_receive(d, huge, sizeof(huge)));
	assert_true(fake_receive(d, huge, 9700));
	net_stats(&fx->p->b, &st);
	assert_int_equal(le64_to_cpu(st.rx_undersize), 1);
	assert_int_equal(le64_to_cpu(st.rx_oversize), 2);
	assert_int_equal(le64_to_cpu(st.rx.frames), 1);
	/* Without buffers it says no at some time, and when to come back. */
	s.payload = 1400;
	len = net_make(&s, fx->p->frame);
	for (i = 0; i < 1000; i++)
		if (!fake_receive(d, fx->p->frame, len))
			break;
	assert_in_range(i, 100, 999);
	assert_int_equal(d->rx_ready, 0);
	for (; i; i--) {
		if (!net_rx(&fx->rq, &fx->p->pkt)) {
			net_rq_post(&fx->rq, 32);
			assert_true(net_rx(&fx->rq, &fx->p->pkt));
		}
	}
	assert_true(d->rx_ready >= 1);
}

static void set_faults(struct fx *fx, const char *text)
{
	char err[100];

	assert_true(tfw_dev_set_faults(fx->p->a.d.dev, text, err, sizeof(err)));
}

static u32 send_many(struct fx *fx, u32 n, u32 *order)
{
	struct net_spec s = { .payload = 100 };
	u32 i, got = 0;

	for (i = 0; i < n; i++) {
		s.seq = i;
		send_spec(fx, &s);
		while (net_rx(&fx->rq, &fx->p->pkt)) {
			order[got++] = get_be32(fx->p->pkt.data + 38);
			net_rq_post(&fx->rq, 1);
		}
	}
	fake_advance(&fx->p->env, 10000000);
	while (net_rx(&fx->rq, &fx->p->pkt)) {
		order[got++] = get_be32(fx->p->pkt.data + 38);
		net_rq_post(&fx->rq, 1);
	}
	return got;
}

static void test_faults(void **state)
{
	struct tulle_port_stats a, b;
	struct fx *fx = *state;
	u32 order[200], i, n;

	net_rq_post(&fx->rq, 64);
	set_faults(fx, "seed=7;wire_loss:n=10");
	assert_int_equal(send_many(fx, 100, order), 90);
	net_stats(&fx->p->a, &a);
	net_stats(&fx->p->b, &b);
	assert_int_equal(le64_to_cpu(a.tx.frames), 100);
	assert_int_equal(le64_to_cpu(b.rx.frames), 90);

	set_faults(fx, "seed=7;wire_corrupt:n=10");
	assert_int_equal(send_many(fx, 100, order), 90);
	net_stats(&fx->p->b, &b);
	assert_int_equal(le64_to_cpu(b.rx_fcs_errors), 10);
	assert_int_equal(le64_to_cpu(b.rx.frames), 180);

	set_faults(fx, "seed=7;wire_reorder:n=10");
	assert_int_equal(send_many(fx, 100, order), 100);
	assert_int_equal(order[9], 10);
	assert_int_equal(order[10], 9);
	assert_int_equal(order[11], 11);

	set_faults(fx, "seed=7;wire_delay:n=10,c=2");
	n = send_many(fx, 100, order);
	assert_int_equal(n, 100);
	for (i = 0; i < 98; i++)
		assert_int_not_equal(order[i], 9);

	set_faults(fx, "seed=7;wire_symbol:n=5");
	n = send_many(fx, 100, order);
	net_stats(&fx->p->b, &b);
	assert_true(n == 100 ? le64_to_cpu(b.fec_corrected_blocks) == 20 :
			       le64_to_cpu(b.rx_symbol_errors) >= 20);
}

/* The same seed loses the same packets. */
static void test_seed(void **state)
{
	struct fx *fx = *state;
	u32 one[300], two[300], n;

	net_rq_post(&fx->rq, 64);
	set_faults(fx, "seed=3;wire_loss:p=0.2");
	n = send_many(fx, 200, one);
	assert_in_range(n, 100, 199);
	set_faults(fx, "seed=3;wire_loss:p=0.2");
	assert_int_equal(send_many(fx, 200, two), n);
	assert_memory_equal(one, two, n * sizeof(one[0]));
}

/* A real pause frame stops the port for the time it says. */
static void test_pause_frame(void **state)
{
	u8 pause[60] = { 0x01, 0x80, 0xc2, 0, 0, 1, 2, 2, 2, 2, 2, 2,
			 0x88, 0x08, 0, 1, 0xff, 0xff };
	struct net_spec s = { .payload = 100 };
	struct tulle_port_stats st;
	struct fx *fx = *state;
	struct net_sq back;

	net_rq_post(&fx->rq, 64);
	net_sq_create(&fx->p->b, &back, 6);
	net_send(&back, pause, 60);
	send_spec(fx, &s);
	assert_false(net_rx(&fx->rq, &fx->p->pkt));
	net_stats(&fx->p->a, &st);
	assert_int_equal(le64_to_cpu(st.rx.pause), 1);
	assert_int_equal(le64_to_cpu(st.rx.frames), 0);
	fake_advance(&fx->p->env, 10000000);
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	pause[15] = 2;
	net_send(&back, pause, 60);
	net_stats(&fx->p->a, &st);
	assert_int_equal(le64_to_cpu(st.rx.unknown_ctrl), 1);
}

static void test_capture(void **state)
{
	struct net_spec s = { .payload = 5000, .flags = 0x18 };
	struct fx *fx = *state;
	struct tulle_eth_wqe *wqe;
	u32 len = net_make(&s, fx->p->frame), i;

	net_rq_post(&fx->rq, 64);
	tfw_dev_set_capture(fx->p->a.d.dev, true);
	tfw_dev_set_capture(fx->p->b.d.dev, true);
	wqe = net_wqe(&fx->sq, 1);
	net_fill(&fx->sq, wqe, fx->p->frame, len, 0);
	wqe->eth.flags = cpu_to_le16(TULLE_ETH_F_TSO);
	wqe->eth.mss = cpu_to_le16(1000);
	wqe->eth.hdr_len = cpu_to_le16(54);
	wqe->eth.l3 = cpu_to_le16(14);
	wqe->eth.l4 = cpu_to_le16(34);
	net_post(&fx->sq, wqe);
	assert_int_equal(fx->p->a.d.captured, 5);
	assert_int_equal(fx->p->b.d.captured, 5);
	for (i = 0; i < 5; i++)
		assert_true(net_rx(&fx->rq, &fx->p->pkt));
}

/* Whatever the moment, destroying and resetting leave nothing behind. */
static void test_reset_under_load(void **state)
{
	struct net_spec s = { .payload = 1400 };
	struct fx *fx = *state;
	u32 i, len;

	set_faults(fx, "wire_delay:n=3;wire_reorder:n=7");
	net_rq_post(&fx->rq, 5);
	for (i = 0; i < 200; i++) {
		len = net_make(&s, fx->p->frame);
		net_send(&fx->sq, fx->p->frame, len);
	}
	tfw_func_reset(fx->p->b.d.dev, 0);
	fake_run(&fx->p->env);
	tfw_func_reset(fx->p->a.d.dev, 0);
	fake_advance(&fx->p->env, 1000000000);
}

#define T(name, s) cmocka_unit_test_setup_teardown(name, s, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_lengths, setup),
		T(test_lengths, setup_chain),
		T(test_lengths, setup_split),
		T(test_too_big, setup),
		T(test_split, setup_split),
		T(test_strides, setup_multi),
		T(test_checksums, setup),
		T(test_checksums, setup_split),
		T(test_no_checksum, setup),
		T(test_csum_complete, setup_complete),
		T(test_strip, setup_strip),
		T(test_fcs, setup_fcs),
		T(test_dry, setup),
		T(test_dry, setup_split),
		T(test_pause, setup),
		T(test_stuck, setup),
		T(test_swap, setup),
		T(test_stop, setup),
		T(test_bad_wqes, setup),
		T(test_bad_index, setup),
		T(test_creation, setup),
		T(test_toeplitz, setup),
		T(test_rss, setup),
		T(test_rss_commands, setup),
		T(test_backend, setup),
		T(test_faults, setup),
		T(test_seed, setup),
		T(test_pause_frame, setup),
		T(test_capture, setup),
		T(test_reset_under_load, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
