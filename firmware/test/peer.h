/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * A partner by hand: RoCEv2 packets crafted byte by byte and given to a port,
 * and those that the device sent, taken apart. Nothing here uses the
 * firmware's own code.
 */
#ifndef TFW_TEST_PEER_H
#define TFW_TEST_PEER_H

#include "rc.h"

#define PEER_ID		7
#define PEER_QPN	0x123456

/* Mistakes to make. */
#define PEER_BAD_ICRC	0x01
#define PEER_BAD_PKEY	0x02
#define PEER_BAD_TVER	0x04
#define PEER_BAD_SRC	0x08
#define PEER_BAD_SUM	0x10
#define PEER_CE		0x20
#define PEER_SHORT	0x40	/* UDP says more than there is */
#define PEER_CUT	0x80	/* IP says more than there is */
#define PEER_TAG	0x100	/* a VLAN tag */

/* One device with a backend, and a QP towards the partner. */
struct peer {
	struct rc	*rc;
	struct rc_dev	*dev;
	struct rc_qp	q;
	unsigned int	seen;
	u32		split;	/* bytes of a frame that are its header; 0: any */
	bool		v6;
};

/* A packet the device sent. */
struct peer_pkt {
	u8	opcode;
	bool	ack_req;
	bool	solicited;
	u32	qpn;
	u32	psn;
	u16	sport;		/* UDP */
	u32	label;		/* IPv6 */
	const u8 *ext;		/* behind the BTH */
	u32	len;		/* from there to the ICRC, pad left out */
};

static inline u32 peer_crc(const u8 *ip, u32 len)
{
	u32 l4 = ip[0] >> 4 == 4 ? 20 : 40, crc = ~0U, i, bit;
	u8 b;

	for (i = 0; i < 8 + len; i++) {
		b = i < 8 ? 0xff : ip[i - 8];
		if (i >= 8) {
			u32 at = i - 8;

			bool v4 = at == 1 || at == 8 || at == 10 || at == 11;
			bool v6 = (at && at < 4) || at == 7;

			if (l4 == 20 ? v4 : v6)
				b = 0xff;
			if (l4 == 40 && !at)
				b |= 0x0f;
			if (at == l4 + 6 || at == l4 + 7 || at == l4 + 12)
				b = 0xff;
		}
		crc ^= b;
		for (bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320U : crc >> 1;
	}
	return ~crc;
}

static inline u32 peer_ip(struct peer *p, u8 *ip, u32 udp, u32 flaws)
{
	u32 sum = 0, i;

	udp += flaws & PEER_CUT ? 64 : 0;
	if (p->v6) {
		memset(ip, 0, 40);
		ip[0] = 0x60;
		tfw_put16(ip + 4, udp);
		ip[6] = 17;
		ip[7] = 64;
		rc_gid_bytes(PEER_ID + !!(flaws & PEER_BAD_SRC), 1, ip + 8);
		rc_gid_bytes(0, 1, ip + 24);
		return 40;
	}
	memset(ip, 0, 20);
	ip[0] = 0x45;
	ip[1] = flaws & PEER_CE ? 3 : 0;
	tfw_put16(ip + 2, 20 + udp);
	ip[8] = 64;
	ip[9] = 17;
	ip[12] = 10;
	ip[15] = PEER_ID + 1 + !!(flaws & PEER_BAD_SRC);
	ip[16] = 10;
	ip[19] = 1;
	for (i = 0; i < 20; i += 2)
		sum += tfw_get16(ip + i);
	sum = (sum >> 16) + (sum & 0xffff);
	tfw_put16(ip + 10, (u16)~(sum + (sum >> 16)) ^
			   (flaws & PEER_BAD_SUM ? 1 : 0));
	return 20;
}

static inline void peer_give(struct peer *p, const u8 *frame, u32 len)
{
	struct tfw_frame *f;

	if (!p->split) {
		fake_receive(&p->dev->d, frame, len);
		return;
	}
	f = calloc(1, sizeof(*f));
	f->len = len;
	f->hdr_len = (u16)p->split;
	f->npkts = 1;
	memcpy(f->hdr, frame, p->split);
	f->iov[0] = (struct tfw_iov){ frame + p->split, len - p->split };
	f->niov = 1;
	assert_true(tfw_roce_rx(p->dev->f->vport, f));
	free(f);
	fake_run(p->dev->d.env);
}

/*
 * One packet to QP @qpn: @ext are the extended headers, then @len bytes of
 * payload. @flags: PEER_.
 */
static inline void peer_send_to(struct peer *p, u32 qpn, u8 opcode, u32 psn,
				bool ack_req, const u8 *ext, u32 ext_len,
				const void *data, u32 len, u32 flaws)
{
	u32 pad = -len & 3, udp = 8 + 12 + ext_len + len + pad + 4, at, icrc;
	static u8 frame[10000];
	u8 *ip = frame + (flaws & PEER_TAG ? 18 : 14), *bth;

	memset(frame, 0, sizeof(frame));
	rc_mac(0, frame);
	rc_mac(PEER_ID, frame + 6);
	if (flaws & PEER_TAG)
		tfw_put32(frame + 12, 0x8100U << 16 | 42);
	tfw_put16(ip - 2, p->v6 ? 0x86dd : 0x0800);
	at = peer_ip(p, ip, udp, flaws);
	tfw_put16(ip + at, 0xc123);
	tfw_put16(ip + at + 2, 4791);
	tfw_put16(ip + at + 4, udp + (flaws & PEER_SHORT ? 64 : 0));
	bth = ip + at + 8;
	bth[0] = opcode;
	bth[1] = (u8)(pad << 4 | (flaws & PEER_BAD_TVER ? 1 : 0));
	tfw_put16(bth + 2, flaws & PEER_BAD_PKEY ? 0x1234 : 0xffff);
	tfw_put32(bth + 4, qpn);
	tfw_put32(bth + 8, psn & 0xffffff);
	bth[8] = ack_req ? 0x80 : 0;
	if (ext_len)
		memcpy(bth + 12, ext, ext_len);
	if (len)
		memcpy(bth + 12 + ext_len, data, len);
	icrc = peer_crc(ip, at + udp - 4);
	if (flaws & PEER_BAD_ICRC)
		icrc ^= 0x10000;
	tfw_icrc_put(ip + at + udp - 4, icrc);
	peer_give(p, frame, (u32)(ip - frame) + at + udp);
}

static inline void peer_send(struct peer *p, u8 opcode, u32 psn, bool ack_req,
			     const u8 *ext, u32 ext_len, const void *data,
			     u32 len, u32 flaws)
{
	peer_send_to(p, p->q.qpn, opcode, psn, ack_req, ext, ext_len, data,
		     len, flaws);
}

static inline void peer_aeth(struct peer *p, u8 opcode, u32 psn, u8 syndrome,
			     const void *data, u32 len)
{
	u8 ext[4];

	tfw_put32(ext, (u32)syndrome << 24);
	peer_send(p, opcode, psn, false, ext, 4, data, len, 0);
}

static inline void peer_ack(struct peer *p, u32 psn)
{
	peer_aeth(p, 0x11, psn, 0x1f, NULL, 0);
}

static inline u32 peer_reth(u8 *ext, u64 va, u32 rkey, u32 len)
{
	tfw_put32(ext, (u32)(va >> 32));
	tfw_put32(ext + 4, (u32)va);
	tfw_put32(ext + 8, rkey);
	tfw_put32(ext + 12, len);
	return 16;
}

/* The next packet that the device sent; false: none. Its ICRC is checked. */
static inline bool peer_next(struct peer *p, struct peer_pkt *pkt)
{
	struct fake_frame *f;
	u32 l4, udp, icrc;
	const u8 *ip, *bth;
	u8 want[4];

	if (p->seen == p->dev->d.nframes)
		return false;
	f = &p->dev->d.frames[p->seen++];
	ip = f->data + 14;
	l4 = ip[0] >> 4 == 4 ? 20 : 40;
	udp = tfw_get16(ip + l4 + 4);
	assert_int_equal(tfw_get16(ip + l4 + 2), 4791);
	assert_true(14 + l4 + udp <= f->len);
	icrc = peer_crc(ip, l4 + udp - 4);
	tfw_icrc_put(want, icrc);
	assert_memory_equal(ip + l4 + udp - 4, want, 4);
	bth = ip + l4 + 8;
	pkt->sport = (u16)tfw_get16(ip + l4);
	pkt->label = l4 == 40 ? tfw_get32(ip) & 0xfffff : 0;
	pkt->opcode = bth[0];
	pkt->solicited = bth[1] & 0x80;
	assert_int_equal(bth[1] & 0x0f, 0);
	assert_int_equal(tfw_get16(bth + 2), 0xffff);
	pkt->qpn = tfw_get32(bth + 4) & 0xffffff;
	pkt->ack_req = bth[8] & 0x80;
	pkt->psn = tfw_get32(bth + 8) & 0xffffff;
	pkt->ext = bth + 12;
	pkt->len = udp - 8 - 12 - 4 - (bth[1] >> 4 & 3);
	return true;
}

static inline void peer_expect(struct peer *p, struct peer_pkt *pkt, u8 opcode,
			       u32 psn)
{
	assert_true(peer_next(p, pkt));
	assert_int_equal(pkt->opcode, opcode);
	assert_int_equal(pkt->psn, psn & 0xffffff);
}

/* @n SENDs of one packet each. */
static inline void peer_expect_sends(struct peer *p, u32 psn, u32 n)
{
	struct peer_pkt pkt;

	for (; n; n--, psn++)
		peer_expect(p, &pkt, 0x04, psn);
}

/* An acknowledgment with that syndrome. */
static inline void peer_expect_ack(struct peer *p, u32 psn, u8 syndrome)
{
	struct peer_pkt pkt;

	peer_expect(p, &pkt, 0x11, psn);
	assert_int_equal(pkt.ext[0], syndrome);
	assert_int_equal(pkt.len, 4);
}

static inline void peer_expect_none(struct peer *p)
{
	struct peer_pkt pkt;

	assert_false(peer_next(p, &pkt));
}

static inline struct peer *peer_make(u8 type, const struct rc_attr *a)
{
	struct rc_attr at = a ? *a : (struct rc_attr){ 0 };
	struct peer *p = calloc(1, sizeof(*p));
	struct rc_dev far = { .id = PEER_ID };

	p->rc = rc_create(1);
	p->dev = &p->rc->dev[0];
	p->v6 = at.sgid;
	at.dest_qpn = PEER_QPN;
	rc_av(&far, at.sgid, &at.av);
	rc_qp_init(p->dev, &p->q, type, 0, 0);
	rc_up(&p->q, &at, TULLE_QPS_RTS);
	return p;
}

static inline void peer_free(struct peer *p)
{
	rc_destroy(p->rc);
	free(p);
}

/* A request of @len bytes, to or from any address there. */
static inline void peer_post(struct peer *p, u8 op, u64 wr_id, u32 len)
{
	struct rc_op o = { .op = op, .wr_id = wr_id, .len = len,
			   .raddr = 0x5000, .rkey = 0x777 };

	o.addr = rc_fill(p->dev, len ? len : 1, (u32)wr_id);
	rc_do(&p->q, &o);
}

static inline struct tfw_rdma_stats *peer_stats(struct peer *p)
{
	return &p->dev->f->rdma->stats;
}

static inline u8 peer_state(struct peer *p)
{
	return p->q.qp->state;
}

#endif /* TFW_TEST_PEER_H */
