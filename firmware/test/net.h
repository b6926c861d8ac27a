/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The least of a network driver for tests, and packets made by hand. Sums and
 * headers are computed here in the plainest way, on purpose not with the
 * firmware's own functions.
 */
#ifndef TFW_TEST_NET_H
#define TFW_TEST_NET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"

#define NET_COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* A device with what all queues need. */
struct net {
	struct fake_dev		d;
	struct fake_queue	eq;
	u32			pd;
	u32			key;
	u32			tx_root;
	u32			rx_root;
	u32			fdb;
};

struct net_sq {
	struct net		*n;
	struct fake_queue	cq;
	struct tulle_dbr	*dbr;
	u8			*ring;
	u32			handle;
	u32			pi;		/* NOPs not yet posted included */
	u32			posted;
	u32			log;
};

struct net_rq {
	struct net		*n;
	struct fake_queue	cq;
	struct tulle_dbr	*dbr;
	u8			*ring;
	u64			ring_addr;
	struct tulle_rq_ctx	ctx;
	u32			handle;
	u32			pi;
	u32			buf_len;	/* of one WQE's buffer */
	u32			hdr_room;	/* SPLIT: of its header buffer */
	u64			*buf;		/* by WQE index, masked */
	u64			*hdr;
};

/* A packet as the receiving driver sees it. */
struct net_pkt {
	struct tulle_rx_cqe	cqe;
	u32			len;
	u8			data[300000];
};

static inline void net_init(struct net *n, struct fake *env,
			    const struct tfw_fw_config *cfg)
{
	struct tulle_query_vport qv = { 0 };
	struct tulle_vport_info info;
	struct tulle_pd_ctx pd = { 0 };
	struct tulle_mkey_ctx mkey = {
		.type = TULLE_MKEY_DMA,
		.access = TULLE_MKEY_LOCAL_READ | TULLE_MKEY_LOCAL_WRITE,
	};

	assert_true(fake_dev_init(env, &n->d, cfg));
	fake_boot(&n->d);
	assert_int_equal(fake_eq_create(&n->d, &n->eq, 8, 1, 0), 0);
	n->pd = fake_create(&n->d, TULLE_CMD_CREATE_PD, &pd, sizeof(pd), NULL);
	mkey.pd = cpu_to_le32(n->pd);
	n->key = fake_create(&n->d, TULLE_CMD_CREATE_MKEY, &mkey, sizeof(mkey),
			     NULL);
	assert_int_not_equal(n->key, 0);
	assert_int_equal(fake_cmd(&n->d, TULLE_CMD_QUERY_VPORT, &qv, sizeof(qv),
				  &info, sizeof(info)), 0);
	n->tx_root = le32_to_cpu(info.tx_root);
	n->rx_root = le32_to_cpu(info.rx_root);
	n->fdb = le32_to_cpu(info.fdb_root);
}

static inline void net_exit(struct net *n)
{
	fake_dev_exit(&n->d);
}

static inline void net_sq_create(struct net *n, struct net_sq *sq, u32 log)
{
	struct tulle_sq_ctx ctx = { .log_size = (u8)log };
	u64 ring, dbr;

	memset(sq, 0, sizeof(*sq));
	sq->n = n;
	sq->log = log;
	assert_int_equal(fake_cq_create(&n->d, &sq->cq, n->eq.handle, 10, 5,
					0, 0), 0);
	ctx.pages = fake_pages(&n->d, 64UL << log, &ring);
	dbr = fake_mem(&n->d, sizeof(struct tulle_dbr), 128);
	sq->ring = fake_ptr(&n->d, ring);
	sq->dbr = fake_ptr(&n->d, dbr);
	ctx.cq = cpu_to_le32(sq->cq.handle);
	ctx.dbr = cpu_to_le64(dbr);
	sq->handle = fake_create(&n->d, TULLE_CMD_CREATE_SQ, &ctx, sizeof(ctx),
				 NULL);
	assert_int_not_equal(sq->handle, 0);
}

/* Stores pi and kicks when the device asks for it. */
static inline void net_ring(struct net *n, struct tulle_dbr *dbr, u32 *pi, u32 add,
			    u32 doorbell, u32 handle)
{
	u32 old = *pi, evt;

	*pi += add;
	__atomic_store_n(&dbr->pi, cpu_to_le32(*pi), __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	evt = le32_to_cpu(__atomic_load_n(&dbr->evt, __ATOMIC_ACQUIRE));
	if ((u32)(*pi - evt - 1) < (u32)(*pi - old))
		fake_kick(&n->d, doorbell, handle);
}

/* Room for a WQE of @blocks; pads with a NOP at the end of the ring. */
static inline struct tulle_eth_wqe *net_wqe(struct net_sq *sq, u32 blocks)
{
	u32 size = 1U << sq->log, left = size - (sq->pi & (size - 1));
	struct tulle_eth_wqe *wqe;

	if (left < blocks) {
		wqe = (void *)(sq->ring + (sq->pi & (size - 1)) * 64UL);
		memset(wqe, 0, 64);
		wqe->ctrl.op = TULLE_WQE_NOP;
		wqe->ctrl.nblocks = (u8)left;
		wqe->ctrl.index = cpu_to_le16((u16)sq->pi);
		sq->pi += left;
	}
	wqe = (void *)(sq->ring + (sq->pi & (size - 1)) * 64UL);
	memset(wqe, 0, blocks * 64);
	wqe->ctrl.op = TULLE_WQE_ETH;
	wqe->ctrl.flags = TULLE_WQE_F_CQE;
	wqe->ctrl.nblocks = (u8)blocks;
	wqe->ctrl.index = cpu_to_le16((u16)sq->pi);
	return wqe;
}

static inline void net_post(struct net_sq *sq, struct tulle_eth_wqe *wqe)
{
	sq->pi += wqe->ctrl.nblocks;
	net_ring(sq->n, sq->dbr, &sq->posted, sq->pi - sq->posted,
		 TULLE_UAR_SQ, sq->handle);
}

/* Copies a frame into memory, cut in pieces of @piece bytes (0: one). */
static inline u32 net_fill(struct net_sq *sq, struct tulle_eth_wqe *wqe,
			   const void *frame, u32 len, u32 piece)
{
	u64 addr = fake_mem(&sq->n->d, len, 1);
	u32 off, i = 0;

	memcpy(fake_ptr(&sq->n->d, addr), frame, len);
	if (!piece)
		piece = len;
	for (off = 0; off < len; off += piece, i++) {
		wqe->sge[i].addr = cpu_to_le64(addr + off);
		wqe->sge[i].len = cpu_to_le32(len - off < piece ? len - off :
							       piece);
		wqe->sge[i].key = cpu_to_le32(sq->n->key);
	}
	wqe->ctrl.nsge = (u8)i;
	wqe->ctrl.total_len = cpu_to_le32(len);
	return i;
}

/* Sends a frame as it is. */
static inline void net_send(struct net_sq *sq, const void *frame, u32 len)
{
	struct tulle_eth_wqe *wqe = net_wqe(sq, 1);

	net_fill(sq, wqe, frame, len, 0);
	net_post(sq, wqe);
}

/* Writes WQEs without telling. */
static inline void net_rq_fill(struct net_rq *rq, u32 n)
{
	u32 mask = (1U << rq->ctx.log_size) - 1, i;

	for (i = 0; i < n; i++) {
		u32 ix = (rq->pi + i) & mask;
		struct tulle_rq_wqe *wqe;

		wqe = (void *)(rq->ring + ((size_t)ix << rq->ctx.log_wqe_size));
		memset(wqe, 0, 1UL << rq->ctx.log_wqe_size);
		if (rq->ctx.type == TULLE_RQ_SPLIT) {
			wqe->sge[0].addr = cpu_to_le64(rq->hdr[ix]);
			wqe->sge[0].len = cpu_to_le32(rq->hdr_room);
			wqe->sge[0].key = cpu_to_le32(rq->n->key);
			wqe->nsge = 1;
		}
		wqe->sge[wqe->nsge].addr = cpu_to_le64(rq->buf[ix]);
		wqe->sge[wqe->nsge].len = cpu_to_le32(rq->buf_len);
		wqe->sge[wqe->nsge].key = cpu_to_le32(rq->n->key);
		wqe->nsge++;
	}
}

static inline void net_rq_post(struct net_rq *rq, u32 n)
{
	net_rq_fill(rq, n);
	net_ring(rq->n, rq->dbr, &rq->pi, n, TULLE_UAR_RQ, rq->handle);
}

/* For a queue that ran dry: without a kick it is looked at after a while. */
static inline void net_rq_refill(struct net_rq *rq, u32 n)
{
	net_rq_post(rq, n);
	fake_advance(rq->n->d.env, 1000000);
}

/* @ctx: type, flags and such; ring and buffers are made here. */
static inline void net_rq_memory(struct net_rq *rq, u32 log, u32 buf_len)
{
	struct fake_dev *d = &rq->n->d;
	u64 dbr;
	u32 i;

	rq->ctx.log_size = (u8)log;
	rq->ctx.log_wqe_size = rq->ctx.type == TULLE_RQ_SPLIT ? 6 : 5;
	rq->ctx.pages = fake_pages(d, 1UL << (log + rq->ctx.log_wqe_size),
				   &rq->ring_addr);
	dbr = fake_mem(d, sizeof(struct tulle_dbr), 128);
	rq->ring = fake_ptr(d, rq->ring_addr);
	rq->dbr = fake_ptr(d, dbr);
	rq->ctx.dbr = cpu_to_le64(dbr);
	rq->buf_len = buf_len;
	rq->hdr_room = 128;
	rq->pi = 0;
	rq->buf = realloc(rq->buf, sizeof(u64) << log);
	rq->hdr = realloc(rq->hdr, sizeof(u64) << log);
	for (i = 0; i < 1U << log; i++) {
		rq->buf[i] = fake_mem(d, buf_len, 64);
		rq->hdr[i] = fake_mem(d, rq->hdr_room, 64);
	}
}

static inline void net_rq_create(struct net *n, struct net_rq *rq,
				 const struct tulle_rq_ctx *ctx, u32 log, u32 buf_len)
{
	memset(rq, 0, sizeof(*rq));
	rq->n = n;
	rq->ctx = *ctx;
	assert_int_equal(fake_cq_create(&n->d, &rq->cq, n->eq.handle, 12, 6,
					0, 0), 0);
	rq->ctx.cq = cpu_to_le32(rq->cq.handle);
	net_rq_memory(rq, log, buf_len);
	rq->handle = fake_create(&n->d, TULLE_CMD_CREATE_RQ, &rq->ctx,
				 sizeof(rq->ctx), NULL);
	assert_int_not_equal(rq->handle, 0);
}

static inline void net_rq_free(struct net_rq *rq)
{
	free(rq->buf);
	free(rq->hdr);
}

/* Everything that reaches the vport goes there. */
static inline void net_rx_default(struct net *n, u8 action, u32 handle)
{
	struct tulle_table_ctx ctx = {
		.handle = cpu_to_le32(n->rx_root),
		.domain = TULLE_DOMAIN_RX,
		.miss = { .type = action, .arg = cpu_to_le32(handle) },
	};

	assert_int_equal(fake_cmd(&n->d, TULLE_CMD_MODIFY_TABLE, &ctx,
				  sizeof(ctx), NULL, 0), 0);
}

/* Puts together what a CQE describes; false: no CQE. Nothing is refilled. */
static inline bool net_rx(struct net_rq *rq, struct net_pkt *p)
{
	struct tulle_rx_cqe *cqe = fake_poll(&rq->cq);
	u32 mask = (1U << rq->ctx.log_size) - 1, wqe, left, hdr, off = 0;

	if (!cqe)
		return false;
	p->cqe = *cqe;
	p->len = le32_to_cpu(cqe->byte_len);
	assert_true(p->len <= sizeof(p->data));
	assert_int_equal(le32_get_bits(cqe->qn_op, TULLE_CQE_OP),
			 TULLE_CQE_RX);
	assert_int_equal(le32_get_bits(cqe->qn_op, TULLE_CQE_QN),
			 rq->handle & TULLE_HANDLE_INDEX);
	assert_int_equal(cqe->status, 0);
	wqe = le32_to_cpu(cqe->wqe);
	left = p->len;
	hdr = le16_to_cpu(cqe->hdr_len);
	if (hdr) {
		assert_true(hdr <= rq->hdr_room && hdr <= left);
		memcpy(p->data, fake_ptr(&rq->n->d, rq->hdr[wqe & mask]), hdr);
		off = hdr;
		left -= hdr;
	}
	while (left) {
		u32 start = 0, n;

		if (rq->ctx.type == TULLE_RQ_MULTI &&
		    wqe == le32_to_cpu(cqe->wqe))
			start = (u32)le16_to_cpu(cqe->stride) <<
				rq->ctx.log_stride;
		n = rq->buf_len - start < left ? rq->buf_len - start : left;
		memcpy(p->data + off,
		       (u8 *)fake_ptr(&rq->n->d, rq->buf[wqe & mask]) + start,
		       n);
		off += n;
		left -= n;
		wqe++;
	}
	if (rq->ctx.type != TULLE_RQ_MULTI && p->len > hdr)
		assert_int_equal(wqe - le32_to_cpu(cqe->wqe),
				 le16_to_cpu(cqe->count));
	return true;
}

static inline u16 net_flags(const struct net_pkt *p)
{
	return le16_to_cpu(p->cqe.flags);
}

/*
 * Packets
 */
static inline void put_be16(u8 *p, u32 v)
{
	p[0] = (u8)(v >> 8);
	p[1] = (u8)v;
}

static inline void put_be32(u8 *p, u32 v)
{
	put_be16(p, v >> 16);
	put_be16(p + 2, v);
}

static inline u32 get_be16(const u8 *p)
{
	return (u32)p[0] << 8 | p[1];
}

static inline u32 get_be32(const u8 *p)
{
	return get_be16(p) << 16 | get_be16(p + 2);
}

/* Byte by byte, as the RFC says it. */
static inline u32 sum_bytes(const u8 *p, u32 len, u32 sum)
{
	u32 i;

	for (i = 0; i < len; i++) {
		sum += i & 1 ? p[i] : (u32)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static inline u32 l4_sum(const u8 *frame, u32 l3, u32 l4, u32 end)
{
	const u8 *ip = frame + l3;
	bool v4 = ip[0] >> 4 == 4;
	u8 tail[8] = { 0 };
	u32 sum;

	sum = v4 ? sum_bytes(ip + 12, 8, 0) : sum_bytes(ip + 8, 32, 0);
	put_be32(tail, end - l4);
	tail[7] = v4 ? ip[9] : ip[6];
	sum = sum_bytes(tail, 8, sum);
	return sum_bytes(frame + l4, end - l4, sum);
}

/*
 * struct net_spec - a packet to be made
 * @tags: VLAN tags in the packet
 * @udp: else TCP
 * @opt: bytes of TCP options (timestamps like), a multiple of 4
 * @partial: leave the pseudo header's sum in the checksum field
 */
struct net_spec {
	bool	v6;
	bool	udp;
	u8	tags;
	u8	opt;
	u8	flags;
	bool	partial;
	u16	sport;
	u16	dport;
	u16	id;
	u16	window;
	u32	seq;
	u32	ack;
	u32	payload;
	u32	tsval;
};

static inline u32 net_hdr_len(const struct net_spec *s)
{
	return 14U + s->tags * 4U + (s->v6 ? 40 : 20) +
	       (s->udp ? 8 : 20U + s->opt);
}

static inline u32 net_l3(const struct net_spec *s)
{
	return 14U + s->tags * 4U;
}

static inline u32 net_l4(const struct net_spec *s)
{
	return net_l3(s) + (s->v6 ? 40 : 20);
}

/* Payload byte @i of a flow, a function of its place in the stream. */
static inline u8 net_byte(u32 seq)
{
	return (u8)(seq * 2654435761U >> 13);
}

static inline void net_make_ip(const struct net_spec *s, u8 *ip, u32 l4_len)
{
	u32 sum;

	if (s->v6) {
		put_be32(ip, 0x60012345);
		put_be16(ip + 4, l4_len > 0xffff ? 0 : l4_len);
		ip[6] = s->udp ? 17 : 6;
		ip[7] = 64;
		memset(ip + 8, 0x20, 16);
		memset(ip + 24, 0x30, 16);
		return;
	}
	ip[0] = 0x45;
	put_be16(ip + 2, l4_len + 20 > 0xffff ? 0 : l4_len + 20);
	put_be16(ip + 4, s->id);
	put_be16(ip + 6, 0x4000);
	ip[8] = 64;
	ip[9] = s->udp ? 17 : 6;
	put_be32(ip + 12, 0x0a000001);
	put_be32(ip + 16, 0x0a000002);
	sum = sum_bytes(ip, 20, 0);
	put_be16(ip + 10, ~sum);
}

/* Builds it at @f; its length. */
static inline u32 net_make(const struct net_spec *s, u8 *f)
{
	u32 l3 = net_l3(s), l4 = net_l4(s), hdr = net_hdr_len(s), i;
	u32 at = l4 + (s->udp ? 6 : 16), len = hdr + s->payload, sum;

	memset(f, 0, hdr);
	memset(f, 0x02, 6);
	memset(f + 6, 0x04, 6);
	for (i = 0; i < s->tags; i++) {
		put_be16(f + 12 + i * 4, s->tags == 2 && !i ? 0x88a8 : 0x8100);
		put_be16(f + 14 + i * 4, 100 + i);
	}
	put_be16(f + l3 - 2, s->v6 ? 0x86dd : 0x0800);
	net_make_ip(s, f + l3, len - l4);
	put_be16(f + l4, s->sport);
	put_be16(f + l4 + 2, s->dport);
	if (s->udp) {
		put_be16(f + l4 + 4, len - l4);
	} else {
		put_be32(f + l4 + 4, s->seq);
		put_be32(f + l4 + 8, s->ack);
		f[l4 + 12] = (u8)((20 + s->opt) / 4 << 4);
		f[l4 + 13] = s->flags ? s->flags : 0x10;
		put_be16(f + l4 + 14, s->window ? s->window : 500);
		if (s->opt >= 12) {
			put_be32(f + l4 + 20, 0x0101080a);
			put_be32(f + l4 + 24, s->tsval);
		}
	}
	for (i = 0; i < s->payload; i++)
		f[hdr + i] = net_byte(s->seq + i);
	sum = l4_sum(f, l3, l4, len);
	if (s->partial)
		/* Without the L4 bytes: the pseudo header alone. */
		sum = ~l4_sum(f, l3, l4, len) & 0xffff;
	put_be16(f + at, s->partial ? 0 : ~sum);
	if (s->partial) {
		u8 tail[8] = { 0 };

		sum = s->v6 ? sum_bytes(f + l3 + 8, 32, 0) :
			      sum_bytes(f + l3 + 12, 8, 0);
		put_be32(tail, len - l4);
		tail[7] = s->udp ? 17 : 6;
		put_be16(f + at, sum_bytes(tail, 8, sum));
	}
	return len;
}

/* Are all sums of a packet right? */
static inline bool net_sums_good(const u8 *f, u32 l3, u32 l4, u32 len)
{
	if (f[l3] >> 4 == 4 && sum_bytes(f + l3, (f[l3] & 15) * 4U, 0) != 0xffff)
		return false;
	return l4_sum(f, l3, l4, len) == 0xffff;
}

static inline void net_max_frame(struct net *n, u32 max)
{
	struct tulle_modify_port mp = {
		.mask = cpu_to_le32(TULLE_PORT_MOD_MAX_FRAME),
		.max_frame = cpu_to_le32(max),
	};

	assert_int_equal(fake_cmd(&n->d, TULLE_CMD_MODIFY_PORT, &mp,
				  sizeof(mp), NULL, 0), 0);
}

/* Two devices on a cable, jumbo frames on. */
struct net_pair {
	struct fake	env;
	struct net	a;
	struct net	b;
	struct net_pkt	pkt;
	u8		frame[300000];
};

static inline struct net_pair *net_pair_create(void)
{
	struct net_pair *p = calloc(1, sizeof(*p));

	fake_init(&p->env);
	net_init(&p->a, &p->env, NULL);
	net_init(&p->b, &p->env, NULL);
	assert_true(fake_cable(&p->a.d, &p->b.d));
	net_max_frame(&p->a, 9622);
	net_max_frame(&p->b, 9622);
	return p;
}

static inline void net_pair_destroy(struct net_pair *p)
{
	tfw_cable_leave(p->a.d.dev);
	net_exit(&p->a);
	net_exit(&p->b);
	fake_exit(&p->env);
	free(p);
}

static inline void net_stats(struct net *n, struct tulle_port_stats *st)
{
	assert_int_equal(fake_cmd(&n->d, TULLE_CMD_QUERY_PORT_STATS, NULL, 0,
				  st, sizeof(*st)), 0);
}

/* The link is not up again when it returns. */
static inline void net_set_loopback(struct net *n, u8 on)
{
	struct tulle_modify_port mp = {
		.mask = cpu_to_le32(TULLE_PORT_MOD_LOOPBACK),
		.loopback = on,
	};

	assert_int_equal(fake_cmd(&n->d, TULLE_CMD_MODIFY_PORT, &mp,
				  sizeof(mp), NULL, 0), 0);
}

#endif /* TFW_TEST_NET_H */
