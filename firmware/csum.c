// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Sums over frames: Internet checksums and the Ethernet FCS.
 */
#include "frame.h"

typedef u64 sum_vec __attribute__((vector_size(16)));

/* 32-bit halves are summed apart, so 2^32 words fit before anything is lost. */
static u64 sum_blocks(const u8 *p, size_t nblocks)
{
	sum_vec a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };
	const sum_vec low = { 0xffffffff, 0xffffffff };
	sum_vec v, w;

	for (; nblocks; nblocks--, p += 32) {
		memcpy(&v, p, sizeof(v));
		memcpy(&w, p + 16, sizeof(w));
		a += v & low;
		b += v >> 32;
		c += w & low;
		d += w >> 32;
	}
	a += b + c + d;
	return a[0] + a[1];
}

static u64 sum_words(const u8 *p, size_t len)
{
	size_t nblocks = len / 32;
	u64 acc = nblocks ? sum_blocks(p, nblocks) : 0;
	u16 half;
	u32 word;

	p += nblocks * 32;
	len -= nblocks * 32;
	for (; len >= 4; len -= 4, p += 4) {
		memcpy(&word, p, sizeof(word));
		acc += word;
	}
	if (len >= 2) {
		memcpy(&half, p, sizeof(half));
		acc += half;
		p += 2;
	}
	if (len & 1) {
		half = 0;
		memcpy(&half, p, 1);
		acc += half;
	}
	return acc;
}

static u16 fold(u64 acc)
{
	acc = (acc >> 32) + (acc & 0xffffffff);
	acc = (acc >> 32) + (acc & 0xffffffff);
	acc = (acc >> 16) + (acc & 0xffff);
	acc = (acc >> 16) + (acc & 0xffff);
	acc = (acc >> 16) + (acc & 0xffff);
	return (u16)acc;
}

void tfw_sum_add(struct tfw_sum *s, const void *data, size_t len)
{
	u64 part = sum_words(data, len);

	/* Bytes of a piece that starts at an odd place are swapped as a sum. */
	if (s->odd)
		part = __builtin_bswap16(fold(part));
	s->acc = fold(s->acc) + (u64)fold(part);
	s->odd ^= len & 1;
}

void tfw_sum_add16(struct tfw_sum *s, u16 v)
{
	s->acc += (u16)TULLE_BE(16, v);
}

u16 tfw_sum_fold(const struct tfw_sum *s)
{
	u16 raw = fold(s->acc);

	return (u16)TULLE_BE(16, raw);
}

#define CRC_POLY	0xedb88320U

u32 tfw_crc32(u32 crc, const void *data, size_t len)
{
	const u8 *p = data;
	unsigned int bit;

	/* Only queues that keep the FCS come here: size before speed. */
	crc = ~crc;
	while (len--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (CRC_POLY & -(crc & 1));
	}
	return ~crc;
}

void tfw_frame_sum(const struct tfw_frame *f, struct tfw_sum *s, u32 off,
		   u32 len)
{
	struct tfw_span span = { .f = f, .off = off, .left = len };

	while (tfw_span_next(&span))
		tfw_sum_add(s, span.p, span.n);
}

void tfw_pseudo_sum(struct tfw_sum *s, const u8 *ip, u8 l3, u8 proto, u32 len)
{
	if (l3 == TULLE_L3_IPV4)
		tfw_sum_add(s, ip + 12, 8);
	else
		tfw_sum_add(s, ip + 8, 32);
	tfw_sum_add16(s, proto);
	tfw_sum_add16(s, (u16)(len >> 16));
	tfw_sum_add16(s, (u16)len);
}

void tfw_ipv4_csum(u8 *ip)
{
	struct tfw_sum s = { 0 };

	tfw_put16(ip + 10, 0);
	tfw_sum_add(&s, ip, (ip[0] & 15) * 4U);
	tfw_put16(ip + 10, (u16)~tfw_sum_fold(&s));
}

/*
 * A checksum field behind the copied headers: the piece that holds it is split
 * around a private copy, because the sender's memory is not ours to write.
 */
static void patch_iov(struct tfw_frame *f, u32 at, const u8 *field)
{
	const u8 *base;
	unsigned int i;
	u32 byte, off;
	size_t len;

	for (byte = 0; byte < 2; byte++, at++) {
		off = at - f->hdr_len;
		for (i = 0; off >= f->iov[i].len; i++)
			off -= (u32)f->iov[i].len;
		base = f->iov[i].base;
		len = f->iov[i].len;
		f->patch[byte] = field[byte];
		memmove(&f->iov[i + 2], &f->iov[i],
			(f->niov - i) * sizeof(f->iov[0]));
		f->iov[i] = (struct tfw_iov){ base, off };
		f->iov[i + 1] = (struct tfw_iov){ &f->patch[byte], 1 };
		f->iov[i + 2] = (struct tfw_iov){ base + off + 1,
						  len - off - 1 };
		f->niov = (u16)(f->niov + 2);
	}
}

#define UDP_CSUM	6	/* offset of the field in the header */

void tfw_frame_finish(struct tfw_frame *f)
{
	struct tfw_sum s = { 0 };
	u8 field[2];
	u16 sum;

	if (f->flags & TFW_F_ICRC)
		tfw_icrc_finish(f);
	if (!(f->flags & TFW_F_CSUM))
		return;
	f->flags &= (u16)~TFW_F_CSUM;
	tfw_frame_sum(f, &s, f->csum_start, f->len - f->csum_start);
	sum = (u16)~tfw_sum_fold(&s);
	/* To UDP, known by the place of its field, 0 would mean "none". */
	if (!sum && f->csum_at - f->csum_start == UDP_CSUM)
		sum = 0xffff;
	tfw_put16(field, sum);
	if (f->csum_at + 2U <= f->hdr_len)
		memcpy(f->hdr + f->csum_at, field, 2);
	else
		patch_iov(f, f->csum_at, field);
}
