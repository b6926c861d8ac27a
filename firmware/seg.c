// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Super-frames: cut into the packets that a wire carries, one at a time and
 * without touching the payload.
 */
#include "frame.h"

void tfw_cut_init(struct tfw_cut *c, const struct tfw_frame *f)
{
	*c = (struct tfw_cut){ .f = f, .left = tfw_frame_payload(f) };
}

/* Moves @len bytes of payload into @out, by reference. */
static void take_payload(struct tfw_cut *c, struct tfw_frame *out, u32 len)
{
	const struct tfw_iov *iov;
	size_t n;

	out->niov = 0;
	while (len) {
		iov = &c->f->iov[c->iov];
		n = iov->len - c->off < len ? iov->len - c->off : len;
		if (n)
			out->iov[out->niov++] = (struct tfw_iov){
				(const u8 *)iov->base + c->off, n };
		c->off += n;
		len -= (u32)n;
		if (c->off == iov->len) {
			c->iov++;
			c->off = 0;
		}
	}
}

static void take_headers(const struct tfw_cut *c, struct tfw_frame *out)
{
	const struct tfw_frame *f = c->f;

	out->hdr_len = f->hdr_len;
	out->vport = f->vport;
	out->mark = f->mark;
	out->meta = f->meta;
	out->time = f->time;
	out->mss = f->mss;
	out->l3 = f->l3;
	out->l4 = f->l4;
	memcpy(out->hdr, f->hdr, f->hdr_len);
}

static void fix_l3(struct tfw_frame *out, u32 ix)
{
	u8 *ip = out->hdr + out->l3;

	if (ip[0] >> 4 == 4) {
		tfw_put16(ip + 2, out->len - out->l3);
		tfw_put16(ip + 4, tfw_get16(ip + 4) + ix);
		tfw_ipv4_csum(ip);
	} else {
		tfw_put16(ip + 4, out->len - out->l3 - 40);
	}
}

static void fix_tcp(struct tfw_frame *out, u32 ix, bool last)
{
	u8 *tcp = out->hdr + out->l4;

	tfw_put32(tcp + 4, tfw_get32(tcp + 4) + ix * out->mss);
	if (ix)
		tcp[13] &= (u8)~TFW_TCP_CWR;
	if (!last)
		tcp[13] &= (u8)~(TFW_TCP_FIN | TFW_TCP_PSH);
}

/* Leaves the pseudo header's sum in the field, as a sender would. */
static void ask_csum(struct tfw_frame *out, u8 proto)
{
	u8 *ip = out->hdr + out->l3;
	struct tfw_sum s = { 0 };

	tfw_pseudo_sum(&s, ip,
		       ip[0] >> 4 == 4 ? TULLE_L3_IPV4 : TULLE_L3_IPV6, proto,
		       out->len - out->l4);
	out->csum_start = out->l4;
	out->csum_at = (u16)(out->l4 + (proto == TFW_IPPROTO_TCP ? 16 : 6));
	tfw_put16(out->hdr + out->csum_at, tfw_sum_fold(&s));
	out->flags |= TFW_F_CSUM | TFW_F_L4_GOOD;
}

/* What the parser would find in a segment differs only in its length. */
static void take_parse(const struct tfw_frame *f, struct tfw_frame *out)
{
	if (!(f->flags & TFW_F_PARSED))
		return;
	out->p = f->p;
	out->p.l3_end = out->len;
	if (out->p.l4 == TULLE_L4_TCP)
		out->p.tcp_flags = out->hdr[out->p.l4_off + 13];
	out->flags |= TFW_F_PARSED;
}

bool tfw_cut_next(struct tfw_cut *c, struct tfw_frame *out)
{
	const struct tfw_frame *f = c->f;
	u32 len = c->left < f->mss ? c->left : f->mss;

	if (c->ix == f->npkts)
		return false;
	take_headers(c, out);
	take_payload(c, out, len);
	c->left -= len;
	out->len = out->hdr_len + len;
	out->npkts = 1;
	out->flags = 0;
	fix_l3(out, c->ix);
	if (f->flags & TFW_F_TSO) {
		fix_tcp(out, c->ix, !c->left);
		ask_csum(out, TFW_IPPROTO_TCP);
	} else {
		tfw_put16(out->hdr + out->l4 + 4, out->len - out->l4);
		ask_csum(out, TFW_IPPROTO_UDP);
	}
	take_parse(f, out);
	c->ix++;
	return true;
}

void tfw_cut_skip(struct tfw_cut *c, u32 n)
{
	u32 len = n * c->f->mss < c->left ? n * c->f->mss : c->left;
	const struct tfw_iov *iov = &c->f->iov[c->iov];

	c->ix += n;
	c->left -= len;
	while (len && len >= iov->len - c->off) {
		len -= (u32)(iov->len - c->off);
		iov++;
		c->iov++;
		c->off = 0;
	}
	c->off += len;
}

void tfw_cut_rest(const struct tfw_cut *c, struct tfw_frame *out)
{
	const struct tfw_frame *f = c->f;
	struct tfw_cut rest = *c;
	u8 *ip;

	take_headers(c, out);
	take_payload(&rest, out, c->left);
	out->len = out->hdr_len + c->left;
	out->npkts = f->npkts - c->ix;
	out->flags = f->flags;
	out->p = f->p;
	out->p.l3_end = out->len;
	ip = out->hdr + out->l3;
	if (ip[0] >> 4 == 4)
		tfw_put16(ip + 4, tfw_get16(ip + 4) + c->ix);
	if (f->flags & TFW_F_TSO)
		fix_tcp(out, c->ix, true);
}

bool tfw_frame_from_iov(struct tfw_frame *f, const struct tfw_iov *iov,
			unsigned int n)
{
	size_t skip = 0, take, len = 0;
	unsigned int i;

	for (i = 0; i < n; i++)
		len += iov[i].len;
	f->len = (u32)(len < UINT32_MAX ? len : UINT32_MAX);
	if (len < TFW_ETH_HLEN || len > TFW_PLAIN_MAX)
		return false;
	tfw_frame_init(f);
	len = len <= TFW_HDR_WQE ? len : TFW_HDR_PEEK;
	for (i = 0; i < n; i++) {
		take = len - f->hdr_len;
		if (take > iov[i].len)
			take = iov[i].len;
		memcpy(f->hdr + f->hdr_len, iov[i].base, take);
		f->hdr_len = (u16)(f->hdr_len + take);
		skip = take;
		if (skip == iov[i].len)
			continue;
		if (f->niov == TFW_FRAME_IOVS - 4)
			return false;
		f->iov[f->niov++] = (struct tfw_iov){
			(const u8 *)iov[i].base + skip, iov[i].len - skip };
	}
	return true;
}

void tfw_frame_pad(struct tfw_frame *f)
{
	if (f->len >= TFW_FRAME_MIN || (f->flags & TFW_F_GSO))
		return;
	tfw_frame_copy(f, f->hdr_len, f->hdr + f->hdr_len, f->len - f->hdr_len);
	memset(f->hdr + f->len, 0, TFW_FRAME_MIN - f->len);
	f->len = TFW_FRAME_MIN;
	f->hdr_len = TFW_FRAME_MIN;
	f->niov = 0;
}

void tfw_frame_copy(const struct tfw_frame *f, u32 off, void *to, u32 len)
{
	struct tfw_span span = { .f = f, .off = off, .left = len };
	u8 *p = to;

	while (tfw_span_next(&span)) {
		memcpy(p, span.p, span.n);
		p += span.n;
	}
}
