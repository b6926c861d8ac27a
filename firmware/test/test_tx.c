// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Transmit: WQEs of every shape, seen as packets at the other end.
 */
#include "fx.h"

static int setup(void **state)
{
	struct tulle_rq_ctx ctx = {
		.flags = cpu_to_le32(TULLE_RQ_F_CHAIN),
	};
	struct fx *fx = calloc(1, sizeof(*fx));

	fx->p = net_pair_create();
	net_sq_create(&fx->p->a, &fx->sq, 6);
	net_rq_create(&fx->p->b, &fx->rq, &ctx, 8, 2048);
	net_rx_default(&fx->p->b, TULLE_ACTION_QUEUE, fx->rq.handle);
	net_rq_post(&fx->rq, 256);
	*state = fx;
	return 0;
}

/* The oldest completion says that everything posted is done. */
static void expect_done(struct fx *fx)
{
	struct tulle_tx_cqe *cqe = fake_poll(&fx->sq.cq);

	assert_non_null(cqe);
	assert_int_equal(le32_get_bits(cqe->qn_op, TULLE_CQE_OP), TULLE_CQE_TX);
	assert_int_equal(cqe->status, 0);
	assert_int_equal(le32_to_cpu(cqe->ci), fx->sq.pi);
}

static void test_plain(void **state)
{
	struct fx *fx = *state;
	struct net_spec s = { .sport = 1, .dport = 2, .payload = 1000 };
	struct net_pkt *pkt = &fx->p->pkt;
	u32 len = net_make(&s, fx->p->frame);

	net_send(&fx->sq, fx->p->frame, len);
	expect_done(fx);
	assert_true(net_rx(&fx->rq, pkt));
	assert_int_equal(pkt->len, len);
	assert_memory_equal(pkt->data, fx->p->frame, len);
	assert_int_equal(net_flags(pkt), TULLE_RX_F_L3_OK | TULLE_RX_F_L4_OK);
	assert_false(net_rx(&fx->rq, pkt));
}

/* Headers in one SGE, payload in pieces; offload fields filled in. */
static void send_gso(struct fx *fx, const struct net_spec *s, u32 mss, u16 extra,
		     u32 piece)
{
	u32 len = net_make(s, fx->p->frame), hdr = net_hdr_len(s), n;
	u64 addr = fake_mem(&fx->p->a.d, len + 64, 1);
	u32 blocks = (48 + 16 * (2 + (len - hdr) / piece) + 63) / 64;
	struct tulle_eth_wqe *wqe = net_wqe(&fx->sq, blocks);
	u32 off = hdr, i = 1;

	memcpy(fake_ptr(&fx->p->a.d, addr), fx->p->frame, len);
	wqe->eth.flags = cpu_to_le16((s->udp ? TULLE_ETH_F_USO :
						TULLE_ETH_F_TSO) | extra);
	wqe->eth.mss = cpu_to_le16((u16)mss);
	wqe->eth.hdr_len = cpu_to_le16((u16)hdr);
	wqe->eth.l3 = cpu_to_le16((u16)net_l3(s));
	wqe->eth.l4 = cpu_to_le16((u16)net_l4(s));
	wqe->eth.vlan[0] = cpu_to_le16(7);
	wqe->eth.vlan[1] = cpu_to_le16(8);
	wqe->ctrl.total_len = cpu_to_le32(len);
	wqe->sge[0].addr = cpu_to_le64(addr);
	wqe->sge[0].len = cpu_to_le32(hdr);
	wqe->sge[0].key = cpu_to_le32(fx->p->a.key);
	for (; off < len; off += n, i++) {
		n = len - off < piece ? len - off : piece;
		wqe->sge[i].addr = cpu_to_le64(addr + off);
		wqe->sge[i].len = cpu_to_le32(n);
		wqe->sge[i].key = cpu_to_le32(fx->p->a.key);
	}
	wqe->ctrl.nsge = (u8)i;
	net_post(&fx->sq, wqe);
}

/* One segment against an independent computation. */
static void check_segment(const struct net_spec *s, const u8 *f, u32 len,
			  u32 ix, u32 mss, u32 tags)
{
	u32 l3 = net_l3(s) + tags * 4, l4 = net_l4(s) + tags * 4;
	u32 hdr = net_hdr_len(s) + tags * 4, pay = s->payload - ix * mss, i;
	bool last = pay <= mss;
	u8 want;

	if (pay > mss)
		pay = mss;
	assert_int_equal(len, hdr + pay < 60 ? 60 : hdr + pay);
	len = hdr + pay;
	assert_true(net_sums_good(f, l3, l4, len));
	if (s->v6) {
		assert_int_equal(get_be16(f + l3 + 4), len - l3 - 40);
	} else {
		assert_int_equal(get_be16(f + l3 + 2), len - l3);
		assert_int_equal(get_be16(f + l3 + 4), (u16)(s->id + ix));
	}
	for (i = 0; i < pay; i++)
		if (f[hdr + i] != net_byte(s->seq + ix * mss + i))
			fail_msg("segment %u byte %u", ix, i);
	if (s->udp) {
		assert_int_equal(get_be16(f + l4 + 4), len - l4);
		return;
	}
	assert_int_equal(get_be32(f + l4 + 4), s->seq + ix * mss);
	assert_int_equal(get_be32(f + l4 + 8), s->ack);
	want = s->flags;
	if (!last)
		want &= (u8)~0x09;
	if (ix)
		want &= 0x7f;
	assert_int_equal(f[l4 + 13], want);
}

static void expect_segments(struct fx *fx, const struct net_spec *s, u32 mss,
			    u32 tags)
{
	u32 n = (s->payload + mss - 1) / mss, i;
	struct net_pkt *pkt = &fx->p->pkt;
	u32 posted = 0;

	for (i = 0; i < n; i++) {
		assert_true(net_rx(&fx->rq, pkt));
		posted += le16_to_cpu(pkt->cqe.count);
		assert_int_equal(net_flags(pkt) & (TULLE_RX_F_L4_OK |
						   TULLE_RX_F_L4_BAD),
				 TULLE_RX_F_L4_OK);
		check_segment(s, pkt->data, pkt->len, i, mss, tags);
	}
	assert_false(net_rx(&fx->rq, pkt));
	expect_done(fx);
	net_rq_post(&fx->rq, posted);
}

static void test_tso(void **state)
{
	static const struct net_spec specs[] = {
		{ .payload = 5000, .flags = 0x10, .seq = 0xfffff000 },
		{ .payload = 1, .flags = 0x18 },
		{ .payload = 1448, .flags = 0x99, .opt = 12, .id = 0xffff },
		{ .payload = 1449, .flags = 0x91, .opt = 12, .id = 0xfffe },
		{ .payload = 60000, .flags = 0x18, .opt = 12, .v6 = true },
		{ .payload = 262000, .flags = 0x18, .opt = 12 },
		{ .payload = 262000, .flags = 0x18, .opt = 12, .v6 = true },
		{ .payload = 40000, .flags = 0x18, .opt = 40, .tags = 2 },
		{ .payload = 60000, .udp = true },
		{ .payload = 60000, .udp = true, .v6 = true },
		{ .payload = 1201, .udp = true, .tags = 1 },
	};
	static const u32 mss[] = { 1448, 1200, 1449 };
	struct fx *fx = *state;
	u32 i, j;

	for (i = 0; i < NET_COUNT(specs); i++) {
		for (j = 0; j < 3; j++) {
			struct net_spec s = specs[i];

			if (s.payload / mss[j] > 240)
				continue;
			fx->p->a.d.no_map = j == 1;
			send_gso(fx, &s, mss[j], 0, j ? 7777 : 32768);
			expect_segments(fx, &s, mss[j], 0);
		}
	}
}

/* Odd piece lengths, so that sums cross pieces at odd places. */
static void test_tso_odd_pieces(void **state)
{
	struct net_spec s = { .payload = 700, .flags = 0x10, .seq = 77 };
	struct fx *fx = *state;
	u32 piece;

	for (piece = 13; piece < 60; piece += 2) {
		s.seq += piece;
		send_gso(fx, &s, 101, 0, piece);
		expect_segments(fx, &s, 101, 0);
	}
}

static void test_tags(void **state)
{
	struct net_spec s = { .payload = 3000, .flags = 0x10, .v6 = true };
	struct net_pkt *pkt;
	struct fx *fx = *state;

	pkt = &fx->p->pkt;
	send_gso(fx, &s, 1000, TULLE_ETH_F_VLAN0, 4096);
	expect_segments(fx, &s, 1000, 1);
	send_gso(fx, &s, 1000, TULLE_ETH_F_VLAN0 | TULLE_ETH_F_VLAN0_STAG |
		 TULLE_ETH_F_VLAN1, 4096);
	expect_segments(fx, &s, 1000, 2);
	assert_int_equal(get_be16(pkt->data + 12), 0x88a8);
	assert_int_equal(get_be16(pkt->data + 14), 7);
	assert_int_equal(get_be16(pkt->data + 16), 0x8100);
	assert_int_equal(get_be16(pkt->data + 18), 8);
	assert_int_equal(get_be16(pkt->data + 20), 0x86dd);
}

static void send_csum(struct fx *fx, u8 *frame, u32 len, u32 start, u32 at,
		      u32 inl)
{
	struct tulle_eth_wqe *wqe = net_wqe(&fx->sq, 8);
	u64 addr = fake_mem(&fx->p->a.d, len + 1, 1);
	struct tulle_sge *sge;

	memcpy(fake_ptr(&fx->p->a.d, addr), frame, len);
	memcpy(wqe + 1, frame, inl);
	wqe->ctrl.inl_len = cpu_to_le16((u16)inl);
	wqe->ctrl.total_len = cpu_to_le32(len);
	if (inl < len) {
		sge = (void *)((u8 *)(wqe + 1) + ((inl + 15) & ~15U));
		sge->addr = cpu_to_le64(addr + inl);
		sge->len = cpu_to_le32(len - inl);
		sge->key = cpu_to_le32(fx->p->a.key);
		wqe->ctrl.nsge = 1;
	}
	wqe->eth.flags = cpu_to_le16(TULLE_ETH_F_CSUM);
	wqe->eth.csum_start = cpu_to_le16((u16)start);
	wqe->eth.csum_offset = cpu_to_le16((u16)(at - start));
	net_post(&fx->sq, wqe);
}

static void test_csum_inline(void **state)
{
	struct fx *fx = *state;
	u32 i;

	for (i = 0; i < 16; i++) {
		struct net_spec s = {
			.v6 = i & 1, .udp = i & 2, .partial = true,
			.payload = i & 4 ? 1301 : 11, .sport = (u16)i,
			.seq = i * 1000,
		};
		static const u32 inl[] = { 0, 54, 61, 65 };
		u32 len = net_make(&s, fx->p->frame);
		u32 l4 = net_l4(&s);

		send_csum(fx, fx->p->frame, len, l4, l4 + (s.udp ? 6 : 16),
			  inl[i & 3] < len ? inl[i & 3] : len);
		expect_done(fx);
		assert_true(net_rx(&fx->rq, &fx->p->pkt));
		assert_int_equal(fx->p->pkt.len, len < 60 ? 60 : len);
		assert_true(net_sums_good(fx->p->pkt.data, net_l3(&s), l4,
					  len));
		assert_true(net_flags(&fx->p->pkt) & TULLE_RX_F_L4_OK);
	}
}

/* Any protocol: the sum of what lies behind start goes where it is told. */
static void test_csum_anywhere(void **state)
{
	static const u32 at[] = { 20, 127, 128, 129, 255, 256, 700, 998 };
	struct fx *fx = *state;
	u8 *f = fx->p->frame;
	u32 i, j, start;

	for (i = 0; i < NET_COUNT(at); i++) {
		for (j = 0; j < 1000; j++)
			f[j] = (u8)(j * 7 + i);
		put_be16(f + 12, 0x1234);
		put_be16(f + at[i], 0);
		start = at[i] & ~3U;
		send_csum(fx, f, 1000, start, at[i], i & 1 ? 100 : 0);
		expect_done(fx);
		assert_true(net_rx(&fx->rq, &fx->p->pkt));
		put_be16(f + at[i], ~sum_bytes(f + start, 1000 - start, 0));
		assert_memory_equal(fx->p->pkt.data, f, 1000);
	}
}

/* Wrong pseudo header from the sender: the receiver must not be told "good". */
static void test_csum_wrong_pseudo(void **state)
{
	struct net_spec s = { .partial = true, .payload = 100 };
	struct fx *fx = *state;
	u32 len = net_make(&s, fx->p->frame), l4 = net_l4(&s);

	fx->p->frame[l4 + 16] ^= 0x55;
	send_csum(fx, fx->p->frame, len, l4, l4 + 16, 0);
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	assert_true(net_flags(&fx->p->pkt) & TULLE_RX_F_L4_BAD);
}

/* A sum of zero is sent as it is, but not by UDP, to which it means "none". */
static void test_csum_zero(void **state)
{
	struct fx *fx = *state;
	u32 udp;

	for (udp = 0; udp < 2; udp++) {
		struct net_spec s = { .partial = true, .udp = udp,
				      .payload = 64 };
		u32 len = net_make(&s, fx->p->frame), l4 = net_l4(&s);
		u32 at = l4 + (udp ? 6 : 16), sum;

		/* The last word makes the sum come out as it should. */
		put_be16(fx->p->frame + len - 2, 0);
		sum = sum_bytes(fx->p->frame + l4, len - l4, 0);
		put_be16(fx->p->frame + len - 2, ~sum);
		send_csum(fx, fx->p->frame, len, l4, at, 0);
		assert_true(net_rx(&fx->rq, &fx->p->pkt));
		assert_int_equal(get_be16(fx->p->pkt.data + at),
				 udp ? 0xffff : 0);
		assert_true(net_flags(&fx->p->pkt) & TULLE_RX_F_L4_OK);
	}
}

static void test_runt(void **state)
{
	struct fx *fx = *state;
	u8 frame[20] = { 2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4, 0x12, 0x34, 1, 2 };
	u8 zero[60] = { 0 };

	net_send(&fx->sq, frame, sizeof(frame));
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	assert_int_equal(fx->p->pkt.len, 60);
	assert_memory_equal(fx->p->pkt.data, frame, sizeof(frame));
	assert_memory_equal(fx->p->pkt.data + 20, zero, 40);
}

/* Many laps of the ring, WQEs of all sizes, NOPs at its end. */
static void test_laps(void **state)
{
	struct net_spec s = { .payload = 200 };
	struct fx *fx = *state;
	u32 i, len, blocks;

	for (i = 0; i < 500; i++) {
		struct tulle_eth_wqe *wqe;

		s.seq = i * 31;
		len = net_make(&s, fx->p->frame);
		blocks = 1 + i % 16;
		wqe = net_wqe(&fx->sq, blocks);
		net_fill(&fx->sq, wqe, fx->p->frame, len,
			 blocks > 4 ? 20 : 0);
		net_post(&fx->sq, wqe);
		expect_done(fx);
		assert_true(net_rx(&fx->rq, &fx->p->pkt));
		assert_memory_equal(fx->p->pkt.data, fx->p->frame, len);
		net_rq_post(&fx->rq, 1);
	}
}

struct bad {
	u32	off;
	u32	len;
	u64	val;
	u8	status;
	u8	syndrome;
};

#define BAD_AT(member, val, status, where) {			\
	offsetof(struct tulle_eth_wqe, member),			\
	sizeof(((struct tulle_eth_wqe *)0)->member), val, status, \
	offsetof(struct tulle_eth_wqe, where) }
#define BAD(name, val, status)	BAD_AT(name, val, status, name)

static const struct bad bad_wqes[] = {
	BAD(ctrl.op, 9, TULLE_CQE_BAD_WQE),
	BAD(ctrl.flags, TULLE_WQE_F_LAUNCH, TULLE_CQE_BAD_WQE),
	BAD(ctrl.nblocks, 0, TULLE_CQE_BAD_WQE),
	BAD(ctrl.nblocks, 17, TULLE_CQE_BAD_WQE),
	BAD(ctrl.nblocks, 3, TULLE_CQE_BAD_WQE),
	BAD_AT(ctrl.nsge, 0, TULLE_CQE_BAD_WQE, ctrl.total_len),
	BAD(ctrl.nsge, 200, TULLE_CQE_BAD_WQE),
	BAD(ctrl.inl_len, 257, TULLE_CQE_BAD_WQE),
	BAD(ctrl.index, 0x1111, TULLE_CQE_BAD_WQE),
	BAD(ctrl.imm, 1, TULLE_CQE_BAD_WQE),
	BAD(ctrl.total_len, 13, TULLE_CQE_BAD_WQE),
	BAD(ctrl.total_len, 101, TULLE_CQE_BAD_WQE),
	BAD(ctrl.total_len, 0x80000000, TULLE_CQE_BAD_WQE),
	BAD(eth.flags, 0x8000, TULLE_CQE_BAD_WQE),
	BAD(eth.flags, TULLE_ETH_F_TSO | TULLE_ETH_F_USO,
	    TULLE_CQE_BAD_WQE),
	BAD(eth.flags, TULLE_ETH_F_VLAN1, TULLE_CQE_BAD_WQE),
	BAD(eth.flags, TULLE_ETH_F_VLAN0_STAG, TULLE_CQE_BAD_WQE),
	BAD(eth.outer_l3, 14, TULLE_CQE_BAD_WQE),
	BAD(eth.rsvd, 1, TULLE_CQE_BAD_WQE),
	BAD_AT(sge[0].len, 0, TULLE_CQE_BAD_WQE, sge[0]),
	BAD_AT(sge[0].len, 0xffffffff, TULLE_CQE_BAD_WQE, sge[0]),
	BAD_AT(sge[0].key, 0x12345, TULLE_CQE_BAD_KEY, sge[0]),
	BAD(sge[0].addr, 0xffffffffff000000, TULLE_CQE_DMA),
};

/* Each defect stops the queue, with the offset that tells why. */
static void test_bad_wqes(void **state)
{
	struct fx *fx = *state;
	struct net_spec s = { .payload = 46 };
	u32 i, len = net_make(&s, fx->p->frame);

	assert_int_equal(len, 100);
	for (i = 0; i < NET_COUNT(bad_wqes); i++) {
		struct tulle_eth_wqe *wqe;
		struct tulle_tx_cqe *cqe;
		struct tulle_sq_ctx ctx;
		struct tulle_handle_req req;
		struct net_sq sq;

		net_sq_create(&fx->p->a, &sq, 4);
		wqe = net_wqe(&sq, 2);
		net_fill(&sq, wqe, fx->p->frame, len, 0);
		memcpy((u8 *)wqe + bad_wqes[i].off, &bad_wqes[i].val, bad_wqes[i].len);
		net_ring(&fx->p->a, sq.dbr, &sq.pi, 2, TULLE_UAR_SQ, sq.handle);
		cqe = fake_poll(&sq.cq);
		if (!cqe)
			fail_msg("case %u: no CQE", i);
		assert_int_equal(le32_get_bits(cqe->qn_op, TULLE_CQE_OP),
				 TULLE_CQE_TX_ERR);
		if (cqe->status != bad_wqes[i].status ||
		    cqe->syndrome != bad_wqes[i].syndrome)
			fail_msg("case %u: status %u at %u", i, cqe->status,
				 cqe->syndrome);
		assert_int_equal(le32_to_cpu(cqe->ci), 0);
		assert_null(fake_poll(&sq.cq));
		req = (struct tulle_handle_req){ cpu_to_le32(sq.handle), 0 };
		assert_int_equal(fake_cmd(&fx->p->a.d, TULLE_CMD_QUERY_SQ, &req,
					  sizeof(req), &ctx, sizeof(ctx)), 0);
		assert_int_equal(ctx.state, TULLE_QUEUE_ERROR);
		assert_int_equal(le64_to_cpu(ctx.errors), 1);
		assert_int_equal(fake_destroy(&fx->p->a.d,
					      TULLE_CMD_DESTROY_SQ, sq.handle),
				 0);
	}
	assert_false(net_rx(&fx->rq, &fx->p->pkt));
}

/*
 * Inline data that is longer than the frame, and entries of many pages that
 * cannot be mapped as one: no frame has room for them.
 */
static void test_inline_too_long(void **state)
{
	struct fx *fx = *state;
	struct fake_dev *d = &fx->p->a.d;
	struct tulle_eth_wqe *wqe = net_wqe(&fx->sq, 6);
	u64 addr = fake_mem(d, 400 * 4096, 4096);
	struct tulle_sge *sge = (void *)((u8 *)(wqe + 1) + 256);
	struct tulle_tx_cqe *cqe;

	d->hole = addr + 300 * 4096;
	d->hole_len = 4096;
	wqe->ctrl.inl_len = cpu_to_le16(256);
	wqe->ctrl.total_len = cpu_to_le32(14);
	wqe->ctrl.nsge = 1;
	sge->addr = cpu_to_le64(addr);
	sge->len = cpu_to_le32(400 * 4096);
	sge->key = cpu_to_le32(fx->p->a.key);
	net_post(&fx->sq, wqe);
	cqe = fake_poll(&fx->sq.cq);
	assert_non_null(cqe);
	assert_int_equal(cqe->status, TULLE_CQE_BAD_WQE);
	assert_int_equal(cqe->syndrome,
			 offsetof(struct tulle_eth_wqe, ctrl.inl_len));
	assert_false(net_rx(&fx->rq, &fx->p->pkt));
}

/* Likewise for what segmentation needs. */
static void test_bad_gso(void **state)
{
	static const struct bad bad[] = {
		BAD(eth.mss, 7, TULLE_CQE_BAD_WQE),
		BAD(eth.mss, 0xffff, TULLE_CQE_BAD_WQE),
		BAD(eth.hdr_len, 53, TULLE_CQE_BAD_WQE),
		BAD(eth.hdr_len, 55, TULLE_CQE_BAD_WQE),
		BAD(eth.hdr_len, 257, TULLE_CQE_BAD_WQE),
		BAD(eth.hdr_len, 0xffff, TULLE_CQE_BAD_WQE),
		BAD(eth.l3, 13, TULLE_CQE_BAD_WQE),
		BAD(eth.l3, 15, TULLE_CQE_BAD_WQE),
		BAD(eth.l3, 40, TULLE_CQE_BAD_WQE),
		BAD(eth.l4, 33, TULLE_CQE_BAD_WQE),
		BAD(eth.l4, 35, TULLE_CQE_BAD_WQE),
		BAD(eth.l4, 0xffff, TULLE_CQE_BAD_WQE),
		BAD(eth.flags, TULLE_ETH_F_USO, TULLE_CQE_BAD_WQE),
	};
	struct net_spec s = { .payload = 3000 };
	struct fx *fx = *state;
	u32 i, len = net_make(&s, fx->p->frame);

	for (i = 0; i < NET_COUNT(bad); i++) {
		struct tulle_eth_wqe *wqe;
		struct tulle_tx_cqe *cqe;
		struct net_sq sq;

		net_sq_create(&fx->p->a, &sq, 4);
		wqe = net_wqe(&sq, 2);
		net_fill(&sq, wqe, fx->p->frame, len, 0);
		wqe->eth.flags = cpu_to_le16(TULLE_ETH_F_TSO);
		wqe->eth.mss = cpu_to_le16(1000);
		wqe->eth.hdr_len = cpu_to_le16(54);
		wqe->eth.l3 = cpu_to_le16(14);
		wqe->eth.l4 = cpu_to_le16(34);
		memcpy((u8 *)wqe + bad[i].off, &bad[i].val, bad[i].len);
		net_post(&sq, wqe);
		cqe = fake_poll(&sq.cq);
		if (!cqe || cqe->status != bad[i].status)
			fail_msg("case %u", i);
		assert_int_equal(fake_destroy(&fx->p->a.d,
					      TULLE_CMD_DESTROY_SQ, sq.handle),
				 0);
	}
	assert_false(net_rx(&fx->rq, &fx->p->pkt));
}

static void test_bad_index(void **state)
{
	struct fx *fx = *state;
	struct tulle_tx_cqe *cqe;

	/* More than the ring holds. */
	net_ring(&fx->p->a, fx->sq.dbr, &fx->sq.pi, 65, TULLE_UAR_SQ,
		 fx->sq.handle);
	cqe = fake_poll(&fx->sq.cq);
	assert_non_null(cqe);
	assert_int_equal(cqe->status, TULLE_CQE_BAD_WQE);
}

/* Both ends agree with each other and with what was sent. */
static void test_counters(void **state)
{
	static const u32 sizes[] = { 1, 6, 70, 200, 460, 900, 1400, 1960, 4000,
				     8000, 9000, 9500 };
	struct tulle_port_stats tx, rx;
	struct fx *fx = *state;
	u64 octets = 0, frames = 0, sum = 0;
	struct net_spec s = { 0 };
	u32 i, len;

	for (i = 0; i < NET_COUNT(sizes); i++) {
		s.payload = sizes[i];
		len = net_make(&s, fx->p->frame);
		if (i == 3)
			fx->p->frame[0] |= 1;
		if (i == 4)
			memset(fx->p->frame, 0xff, 6);
		net_send(&fx->sq, fx->p->frame, len);
		octets += (len < 60 ? 60 : len) + 4;
		frames++;
	}
	s = (struct net_spec){ .payload = 10001, .flags = 0x18 };
	send_gso(fx, &s, 1000, 0, 5000);
	octets += 10 * (1000 + 54 + 4) + (60 + 4);
	frames += 11;
	net_stats(&fx->p->a, &tx);
	net_stats(&fx->p->b, &rx);
	assert_memory_equal(&tx.tx, &rx.rx, sizeof(tx.tx));
	assert_int_equal(le64_to_cpu(tx.tx.frames), frames);
	assert_int_equal(le64_to_cpu(tx.tx.octets), octets);
	assert_int_equal(le64_to_cpu(tx.tx.multicast), 1);
	assert_int_equal(le64_to_cpu(tx.tx.broadcast), 1);
	for (i = 0; i < TULLE_RMON_BUCKETS; i++)
		sum += le64_to_cpu(tx.tx.rmon[i]);
	assert_int_equal(sum, frames);
	assert_int_equal(le64_to_cpu(tx.tx.rmon[10]), 1);
	assert_int_equal(le64_to_cpu(tx.tx.rmon[0]), 3);
}

static void test_oversize(void **state)
{
	struct net_spec s = { .payload = 1461 };
	struct tulle_port_stats st;
	struct fx *fx = *state;
	u32 len = net_make(&s, fx->p->frame);

	net_max_frame(&fx->p->b, 1514);
	net_send(&fx->sq, fx->p->frame, len);
	net_stats(&fx->p->b, &st);
	assert_int_equal(le64_to_cpu(st.rx_oversize), 1);
	assert_int_equal(le64_to_cpu(st.rx.frames), 0);
	s.payload--;
	len = net_make(&s, fx->p->frame);
	net_send(&fx->sq, fx->p->frame, len);
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	/* On the way out as well. */
	net_max_frame(&fx->p->a, 1514);
	s.payload++;
	len = net_make(&s, fx->p->frame);
	net_send(&fx->sq, fx->p->frame, len);
	net_stats(&fx->p->a, &st);
	assert_int_equal(le64_to_cpu(st.tx.errors), 1);
}

/*
 * A backend that is full in the middle of a super-frame: nothing is lost,
 * nothing comes twice, and the queue waits.
 */
static void test_backend_full(void **state)
{
	struct net_spec s = { .payload = 20000, .flags = 0x18, .opt = 12 };
	struct fx *fx = *state;
	struct fake_dev *d = &fx->p->a.d;
	struct tulle_port_stats st;
	u32 i, n = 0;

	tfw_cable_leave(d->dev);
	tfw_port_set_backend(d->dev, true, true);
	fake_advance(&fx->p->env, 100000000);
	fake_frames_drop(d);
	d->tx_full = true;
	send_gso(fx, &s, 1000, 0, 8192);
	assert_int_equal(d->nframes, 0);
	s.seq += s.payload;
	send_gso(fx, &s, 1000, 0, 8192);
	d->tx_full = false;
	tfw_port_tx_ready(d->dev);
	fake_run(&fx->p->env);
	assert_int_equal(d->nframes, 40);
	s.seq -= s.payload;
	for (i = 0; i < 40; i++, n++) {
		if (i == 20) {
			n = 0;
			s.seq += s.payload;
		}
		check_segment(&s, d->frames[i].data, (u32)d->frames[i].len, n,
			      1000, 0);
	}
	net_stats(&fx->p->a, &st);
	assert_int_equal(le64_to_cpu(st.tx.frames), 40);
	assert_int_equal(le64_to_cpu(st.tx_backend_drops), 0);
}

/* However often a packet is tried, its fate is drawn once. */
static void test_backend_drawn_once(void **state)
{
	struct net_spec s = { .payload = 20000, .flags = 0x18, .opt = 12 };
	struct fx *fx = *state;
	struct fake_dev *d = &fx->p->a.d;
	char text[100];
	u32 i;

	tfw_cable_leave(d->dev);
	tfw_port_set_backend(d->dev, true, true);
	fake_advance(&fx->p->env, 100000000);
	fake_frames_drop(d);
	assert_true(tfw_dev_set_faults(d->dev, "wire_loss:n=1000", NULL, 0));
	d->tx_full = true;
	send_gso(fx, &s, 1000, 0, 8192);
	for (i = 0; i < 3; i++)
		tfw_port_tx_ready(d->dev);
	d->tx_full = false;
	tfw_port_tx_ready(d->dev);
	d->tx_full = true;
	s = (struct net_spec){ .payload = 100 };
	net_send(&fx->sq, fx->p->frame, net_make(&s, fx->p->frame));
	tfw_port_tx_ready(d->dev);
	d->tx_full = false;
	tfw_port_tx_ready(d->dev);
	fake_run(&fx->p->env);
	assert_int_equal(d->nframes, 21);
	tfw_dev_fault_counters(d->dev, text, sizeof(text));
	assert_string_equal(text, "wire_loss=0/21");
}

/* What was kept for a full backend meets packets that a fault turns round. */
static void test_backend_reorder(void **state)
{
	struct net_spec s = { .payload = 20000, .flags = 0x18, .opt = 12 };
	struct fx *fx = *state;
	struct fake_dev *d = &fx->p->a.d;
	u32 i, ix, swapped = 0, seen = 0;

	tfw_cable_leave(d->dev);
	tfw_port_set_backend(d->dev, true, true);
	fake_advance(&fx->p->env, 100000000);
	fake_frames_drop(d);
	assert_true(tfw_dev_set_faults(d->dev, "wire_reorder:n=3", NULL, 0));
	d->tx_full = true;
	send_gso(fx, &s, 1000, 0, 8192);
	d->tx_full = false;
	tfw_port_tx_ready(d->dev);
	fake_advance(&fx->p->env, 10000000);
	assert_int_equal(d->nframes, 20);
	for (i = 0; i < 20; i++) {
		ix = get_be16(d->frames[i].data + net_l3(&s) + 4) - s.id;
		check_segment(&s, d->frames[i].data, (u32)d->frames[i].len, ix,
			      1000, 0);
		seen |= 1U << ix;
		swapped += ix != i;
	}
	assert_int_equal(seen, (1U << 20) - 1);
	assert_true(swapped);
}

/* WQEs executed when the engine is given one turn. */
static u32 done_in_a_turn(struct fx *fx, u32 n)
{
	u32 pi = fx->sq.pi, done = 0;
	struct tulle_tx_cqe *cqe;

	fx->sq.posted = pi;
	__atomic_store_n(&fx->sq.dbr->pi, cpu_to_le32(pi), __ATOMIC_RELEASE);
	tfw_kick(fx->p->a.d.dev, TFW_FUNC_PF, TULLE_UAR_SQ, fx->sq.handle);
	tfw_engine_run(fx->p->env.engine, 256 * 1024, TFW_NEVER);
	while ((cqe = fake_poll(&fx->sq.cq)))
		done++;
	fake_run(&fx->p->env);
	while ((cqe = fake_poll(&fx->sq.cq)))
		n--;
	assert_int_equal(n, done);
	return done;
}

/* Many short segments are many packets. */
static void test_cost_of_segments(void **state)
{
	struct net_spec s = { .payload = 8000, .flags = 0x10 };
	struct fx *fx = *state;
	u32 len = net_make(&s, fx->p->frame), i;

	for (i = 0; i < 8; i++) {
		struct tulle_eth_wqe *wqe = net_wqe(&fx->sq, 1);

		net_fill(&fx->sq, wqe, fx->p->frame, len, 0);
		wqe->eth.flags = cpu_to_le16(TULLE_ETH_F_TSO);
		wqe->eth.mss = cpu_to_le16(8);
		wqe->eth.hdr_len = cpu_to_le16(54);
		wqe->eth.l3 = cpu_to_le16(14);
		wqe->eth.l4 = cpu_to_le16(34);
		fx->sq.pi++;
	}
	assert_int_equal(done_in_a_turn(fx, 8), 2);
}

/* So is a look at many masks. */
static void test_cost_of_masks(void **state)
{
	struct tulle_mask_ctx ctx = { .key.ethertype = 0xffff };
	struct net_spec s = { .payload = 100 };
	struct fx *fx = *state;
	u32 len = net_make(&s, fx->p->frame), i;

	ctx.table = cpu_to_le32(fx->p->a.tx_root);
	for (i = 0; i < 1024; i++)
		assert_int_not_equal(fake_create(&fx->p->a.d,
						 TULLE_CMD_CREATE_MASK, &ctx,
						 sizeof(ctx), NULL), 0);
	for (i = 0; i < 40; i++) {
		net_fill(&fx->sq, net_wqe(&fx->sq, 1), fx->p->frame, len, 0);
		fx->sq.pi++;
	}
	assert_int_equal(done_in_a_turn(fx, 40), 8);
}

/* UDP segmentation of what a parser takes for TCP: no byte behind the headers. */
static void test_uso_of_tcp(void **state)
{
	struct net_spec s = { .payload = 2000, .v6 = true, .flags = 0x10 };
	struct fx *fx = *state;
	struct tulle_eth_wqe *wqe = net_wqe(&fx->sq, 1);

	net_fill(&fx->sq, wqe, fx->p->frame, net_make(&s, fx->p->frame), 0);
	wqe->eth.flags = cpu_to_le16(TULLE_ETH_F_USO | TULLE_ETH_F_VLAN0 |
				     TULLE_ETH_F_VLAN1);
	wqe->eth.mss = cpu_to_le16(1000);
	wqe->eth.hdr_len = cpu_to_le16(256);
	wqe->eth.l3 = cpu_to_le16(14);
	wqe->eth.l4 = cpu_to_le16(248);
	net_post(&fx->sq, wqe);
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
	assert_int_equal(u32_get_bits(fx->p->pkt.cqe.types, TULLE_RX_L4),
			 TULLE_L4_TCP);
	assert_true(net_rx(&fx->rq, &fx->p->pkt));
}

static void test_timestamp(void **state)
{
	struct tulle_sq_ctx ctx = { .log_size = 4,
		.flags = cpu_to_le16(TULLE_SQ_F_TIMESTAMP) };
	struct net_spec s = { .payload = 100 };
	struct fx *fx = *state;
	struct tulle_tx_cqe *cqe;
	u64 ring, dbr;
	u32 len = net_make(&s, fx->p->frame);

	ctx.pages = fake_pages(&fx->p->a.d, 1024, &ring);
	dbr = fake_mem(&fx->p->a.d, 128, 128);
	ctx.cq = cpu_to_le32(fx->sq.cq.handle);
	ctx.dbr = cpu_to_le64(dbr);
	fx->sq.handle = fake_create(&fx->p->a.d, TULLE_CMD_CREATE_SQ, &ctx,
				    sizeof(ctx), NULL);
	fx->sq.ring = fake_ptr(&fx->p->a.d, ring);
	fx->sq.dbr = fake_ptr(&fx->p->a.d, dbr);
	fx->sq.log = 4;
	fx->p->env.now = 123456789000ULL;
	net_send(&fx->sq, fx->p->frame, len);
	cqe = fake_poll(&fx->sq.cq);
	assert_non_null(cqe);
	assert_int_equal(le64_to_cpu(cqe->timestamp), 123456789000ULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_plain),
		T(test_tso),
		T(test_tso_odd_pieces),
		T(test_tags),
		T(test_csum_inline),
		T(test_csum_anywhere),
		T(test_csum_wrong_pseudo),
		T(test_csum_zero),
		T(test_runt),
		T(test_laps),
		T(test_bad_wqes),
		T(test_inline_too_long),
		T(test_bad_gso),
		T(test_bad_index),
		T(test_counters),
		T(test_oversize),
		T(test_backend_full),
		T(test_backend_reorder),
		T(test_backend_drawn_once),
		T(test_cost_of_segments),
		T(test_cost_of_masks),
		T(test_uso_of_tcp),
		T(test_timestamp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
