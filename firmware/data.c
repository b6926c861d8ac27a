// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Payload on its way: from a frame, a scatter/gather list or a memory region,
 * piece by piece, to wherever it goes. Keys are looked up anew each time.
 */
#include "transport.h"

#define PIECE	4096		/* of what cannot be mapped whole */

typedef u8 (*data_fn)(void *arg, const void *p, u32 len, bool copy);

static u8 each_frame(const struct tfw_frame *f, u32 off, u32 len, data_fn fn,
		     void *arg)
{
	u8 st = TULLE_WC_SUCCESS;
	unsigned int i;
	u32 n;

	if (off < f->hdr_len) {
		n = TFW_MIN(f->hdr_len - off, len);
		st = fn(arg, f->hdr + off, n, true);
		len -= n;
		off = 0;
	} else {
		off -= f->hdr_len;
	}
	for (i = 0; i < f->niov && len && !st; i++) {
		if (off >= f->iov[i].len) {
			off -= (u32)f->iov[i].len;
			continue;
		}
		n = TFW_MIN((u32)f->iov[i].len - off, len);
		st = fn(arg, (const u8 *)f->iov[i].base + off, n, true);
		len -= n;
		off = 0;
	}
	return st;
}

/* One piece that is contiguous on the bus. */
static u8 each_bus(struct tfw_func *func, u64 addr, u32 len, data_fn fn,
		   void *arg)
{
	const void *p = tfw_dma_map(func, addr, len);
	u8 st = TULLE_WC_SUCCESS;
	u8 buf[PIECE];
	u32 n;

	if (p)
		return fn(arg, p, len, false);
	for (; len && !st; addr += n, len -= n) {
		n = PIECE - (u32)(addr & (PIECE - 1));
		n = TFW_MIN(n, len);
		p = tfw_dma_map(func, addr, n);
		if (p)
			st = fn(arg, p, n, false);
		else if (tfw_dma_read(func, addr, buf, n))
			st = fn(arg, buf, n, true);
		else
			st = TFW_DATA_GONE;
	}
	return st;
}

static u8 each_key(const struct tfw_mkey *k, u64 addr, u32 len, data_fn fn,
		   void *arg)
{
	u8 st = TULLE_WC_SUCCESS;
	u64 bus;
	u32 n;

	for (; len && !st; addr += n, len -= n) {
		n = len;
		bus = tfw_mkey_piece(k, addr, &n);
		if (!n || n > len)
			return TFW_DATA_GONE;
		st = each_bus(k->obj.func, bus, n, fn, arg);
	}
	return st;
}

static u8 each_sge(const struct tfw_data *d, data_fn fn, void *arg)
{
	const struct tfw_sgl *sgl = d->sgl;
	u8 st = TULLE_WC_SUCCESS;
	const struct tfw_mkey *k;
	u32 left = d->len, n, i;
	u64 off = d->off, addr;

	for (i = 0; i < sgl->n && left && !st; i++) {
		n = le32_to_cpu(sgl->sge[i].len);
		if (off >= n) {
			off -= n;
			continue;
		}
		addr = le64_to_cpu(sgl->sge[i].addr) + off;
		n = TFW_MIN(n - (u32)off, left);
		k = tfw_mkey_get(d->qp, le32_to_cpu(sgl->sge[i].key), addr, n,
				 d->access, false);
		if (!k)
			return TFW_DATA_GONE;
		st = each_key(k, addr, n, fn, arg);
		left -= n;
		off = 0;
	}
	return left && !st ? TFW_DATA_GONE : st;
}

u8 tfw_data_each(const struct tfw_data *d, data_fn fn, void *arg)
{
	const struct tfw_mkey *k;

	if (!d->len)
		return TULLE_WC_SUCCESS;
	if (d->f)
		return each_frame(d->f, (u32)d->off, d->len, fn, arg);
	if (d->sgl && d->sgl->inl) {
		if (d->off + d->len > d->sgl->len)
			return TFW_DATA_GONE;
		return fn(arg, d->sgl->inl + d->off, d->len, true);
	}
	if (d->sgl)
		return each_sge(d, fn, arg);
	k = tfw_mkey_get_of(d->qp, d->pd, d->key, d->off, d->len, d->access,
			    true);
	return k ? each_key(k, d->off, d->len, fn, arg) : TFW_DATA_GONE;
}

struct sink {
	struct tfw_qp		*qp;
	const struct tfw_sgl	*sgl;
	const struct tfw_mkey	*key;
	u64			at;
};

static u8 put_sgl(void *arg, const void *p, u32 len, bool copy)
{
	struct sink *s = arg;
	u8 st = tfw_sgl_write(s->qp, s->sgl, (u32)s->at, p, len);

	(void)copy;
	s->at += len;
	return st;
}

u8 tfw_data_to_sgl(const struct tfw_data *d, struct tfw_qp *qp,
		   const struct tfw_sgl *sgl, u32 off)
{
	struct sink s = { .qp = qp, .sgl = sgl, .at = off };

	return tfw_data_each(d, put_sgl, &s);
}

static u8 put_key(void *arg, const void *p, u32 len, bool copy)
{
	struct sink *s = arg;

	(void)copy;
	if (!tfw_mkey_write(s->key, s->at, p, len))
		return TULLE_WC_REM_OP;
	s->at += len;
	return TULLE_WC_SUCCESS;
}

u8 tfw_data_to_key(const struct tfw_data *d, struct tfw_qp *qp, u32 key,
		   u64 addr)
{
	struct sink s = { .at = addr };

	if (!d->len)
		return TULLE_WC_SUCCESS;
	s.key = tfw_mkey_get(qp, key, addr, d->len, TULLE_MKEY_REMOTE_WRITE,
			     true);
	return s.key ? tfw_data_each(d, put_key, &s) : TULLE_WC_REM_ACCESS;
}
