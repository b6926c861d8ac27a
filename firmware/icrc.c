// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The invariant CRC of RoCEv2: CRC-32 of the Ethernet polynomial over what no
 * router changes. Eight bytes at a time by tables, or 64 by carry-less
 * multiplication where the processor has it.
 */
#include "transport.h"

/* Column @s: what byte @i does to the CRC when @s bytes follow it. */
#define COL(i, b0, b1, b2, b3, b4, b5, b6, b7) \
	(((i) & 1 ? b0 : 0) ^ ((i) & 2 ? b1 : 0) ^ ((i) & 4 ? b2 : 0) ^ \
	 ((i) & 8 ? b3 : 0) ^ ((i) & 16 ? b4 : 0) ^ ((i) & 32 ? b5 : 0) ^ \
	 ((i) & 64 ? b6 : 0) ^ ((i) & 128 ? b7 : 0))
#define COL0(i) COL(i, 0x77073096, 0xee0e612c, 0x076dc419, 0x0edb8832, \
		    0x1db71064, 0x3b6e20c8, 0x76dc4190, 0xedb88320)
#define COL1(i) COL(i, 0x191b3141, 0x32366282, 0x646cc504, 0xc8d98a08, \
		    0x4ac21251, 0x958424a2, 0xf0794f05, 0x3b83984b)
#define COL2(i) COL(i, 0x01c26a37, 0x0384d46e, 0x0709a8dc, 0x0e1351b8, \
		    0x1c26a370, 0x384d46e0, 0x709a8dc0, 0xe1351b80)
#define COL3(i) COL(i, 0xb8bc6765, 0xaa09c88b, 0x8f629757, 0xc5b428ef, \
		    0x5019579f, 0xa032af3e, 0x9b14583d, 0xed59b63b)
#define COL4(i) COL(i, 0x3d6029b0, 0x7ac05360, 0xf580a6c0, 0x30704bc1, \
		    0x60e09782, 0xc1c12f04, 0x58f35849, 0xb1e6b092)
#define COL5(i) COL(i, 0xcb5cd3a5, 0x4dc8a10b, 0x9b914216, 0xec53826d, \
		    0x03d6029b, 0x07ac0536, 0x0f580a6c, 0x1eb014d8)
#define COL6(i) COL(i, 0xa6770bb4, 0x979f1129, 0xf44f2413, 0x33ef4e67, \
		    0x67de9cce, 0xcfbd399c, 0x440b7579, 0x8816eaf2)
#define COL7(i) COL(i, 0xccaa009e, 0x4225077d, 0x844a0efa, 0xd3e51bb5, \
		    0x7cbb312b, 0xf9766256, 0x299dc2ed, 0x533b85da)

#define ROW4(c, i)	c(i), c((i) + 1), c((i) + 2), c((i) + 3)
#define ROW16(c, i)	ROW4(c, i), ROW4(c, (i) + 4), ROW4(c, (i) + 8), \
			ROW4(c, (i) + 12)
#define ROW64(c, i)	ROW16(c, i), ROW16(c, (i) + 16), ROW16(c, (i) + 32), \
			ROW16(c, (i) + 48)
#define ROW256(c)	{ ROW64(c, 0), ROW64(c, 64), ROW64(c, 128), \
			  ROW64(c, 192) }

static const u32 table[8][256] = {
	ROW256(COL0), ROW256(COL1), ROW256(COL2), ROW256(COL3),
	ROW256(COL4), ROW256(COL5), ROW256(COL6), ROW256(COL7),
};

static u32 load_le32(const u8 *p)
{
	return (u32)p[3] << 24 | (u32)p[2] << 16 | (u32)p[1] << 8 | p[0];
}

u32 tfw_icrc_portable(u32 crc, const void *data, size_t len)
{
	const u8 *p = data;
	u32 a, b;

	for (; len >= 8; len -= 8, p += 8) {
		a = crc ^ load_le32(p);
		b = load_le32(p + 4);
		crc = table[7][a & 255] ^ table[6][a >> 8 & 255] ^
		      table[5][a >> 16 & 255] ^ table[4][a >> 24] ^
		      table[3][b & 255] ^ table[2][b >> 8 & 255] ^
		      table[1][b >> 16 & 255] ^ table[0][b >> 24];
	}
	while (len--)
		crc = crc >> 8 ^ table[0][(crc ^ *p++) & 255];
	return crc;
}

#if defined(__x86_64__)
#include <immintrin.h>

#define CLMUL	__attribute__((target("pclmul,sse4.1")))

/* x^n mod P, bit-reflected, for the distances that are folded over. */
#define FOLD64	_mm_set_epi64x(0x1c6e41596, 0x154442bd4)	/* 512 -+ 32 */
#define FOLD16	_mm_set_epi64x(0x0ccaa009e, 0x1751997d0)	/* 128 -+ 32 */
#define FOLD8	_mm_set_epi64x(0, 0x163cd6124)			/* 64 */
#define BARRETT	_mm_set_epi64x(0x1f7011641, 0x1db710641)	/* mu, P */

CLMUL static inline __m128i fold(__m128i acc, __m128i k, __m128i next)
{
	__m128i lo = _mm_clmulepi64_si128(acc, k, 0x00);
	__m128i hi = _mm_clmulepi64_si128(acc, k, 0x11);

	return _mm_xor_si128(_mm_xor_si128(lo, hi), next);
}

CLMUL static inline __m128i load(const u8 *p, unsigned int i)
{
	return _mm_loadu_si128((const void *)(p + 16 * i));
}

/* 128 bits to 32: by 64, by 32, then the remainder by Barrett's method. */
CLMUL static u32 reduce(__m128i x)
{
	const __m128i low = _mm_set_epi32(0, -1, 0, -1);
	__m128i t;

	t = _mm_clmulepi64_si128(x, FOLD16, 0x10);
	x = _mm_xor_si128(_mm_srli_si128(x, 8), t);
	t = _mm_srli_si128(x, 4);
	x = _mm_clmulepi64_si128(_mm_and_si128(x, low), FOLD8, 0x00);
	x = _mm_xor_si128(x, t);
	t = _mm_clmulepi64_si128(_mm_and_si128(x, low), BARRETT, 0x10);
	t = _mm_clmulepi64_si128(_mm_and_si128(t, low), BARRETT, 0x00);
	return (u32)_mm_extract_epi32(_mm_xor_si128(x, t), 1);
}

/* @len: at least 64. */
CLMUL static u32 crc_clmul(u32 crc, const u8 *p, size_t len)
{
	__m128i a = _mm_xor_si128(load(p, 0), _mm_cvtsi32_si128((int)crc));
	__m128i b = load(p, 1), c = load(p, 2), d = load(p, 3);

	for (p += 64, len -= 64; len >= 64; p += 64, len -= 64) {
		a = fold(a, FOLD64, load(p, 0));
		b = fold(b, FOLD64, load(p, 1));
		c = fold(c, FOLD64, load(p, 2));
		d = fold(d, FOLD64, load(p, 3));
	}
	a = fold(a, FOLD16, b);
	a = fold(a, FOLD16, c);
	a = fold(a, FOLD16, d);
	for (; len >= 16; p += 16, len -= 16)
		a = fold(a, FOLD16, load(p, 0));
	return tfw_icrc_portable(reduce(a), p, len);
}

u32 tfw_icrc_add(u32 crc, const void *data, size_t len)
{
	if (len >= 64 && __builtin_cpu_supports("pclmul") &&
	    __builtin_cpu_supports("sse4.1"))
		return crc_clmul(crc, data, len);
	return tfw_icrc_portable(crc, data, len);
}

#else

u32 tfw_icrc_add(u32 crc, const void *data, size_t len)
{
	return tfw_icrc_portable(crc, data, len);
}

#endif

/* State behind eight bytes of ones, which stand for the local header. */
#define ICRC_START	0xdebb20e3U

u32 tfw_icrc_headers(const u8 *ip, u32 len)
{
	u8 h[40 + 8 + 5];
	u32 l4 = ip[0] >> 4 == 4 ? 20 : 40;

	memcpy(h, ip, l4 + 8 + 5);
	if (l4 == 20) {
		h[1] = 0xff;				/* TOS */
		h[8] = 0xff;				/* TTL */
		h[10] = 0xff;				/* checksum */
		h[11] = 0xff;
	} else {
		h[0] |= 0x0f;				/* class, label */
		h[1] = 0xff;
		h[2] = 0xff;
		h[3] = 0xff;
		h[7] = 0xff;				/* hop limit */
	}
	h[l4 + 6] = 0xff;				/* UDP checksum */
	h[l4 + 7] = 0xff;
	h[l4 + 8 + 4] = 0xff;				/* BTH resv8a */
	return tfw_icrc_add(tfw_icrc_add(ICRC_START, h, l4 + 8 + 5),
			    ip + l4 + 8 + 5, len - (l4 + 8 + 5));
}

/* Bytes [off, off + len) of the frame. */
static u32 icrc_frame(u32 crc, const struct tfw_frame *f, u32 off, u32 len)
{
	struct tfw_span span = { .f = f, .off = off, .left = len };

	while (tfw_span_next(&span))
		crc = tfw_icrc_add(crc, span.p, span.n);
	return crc;
}

u32 tfw_icrc_of(const struct tfw_frame *f, u32 l3, u32 len)
{
	u32 n = (f->hdr[l3] >> 4 == 4 ? 20U : 40U) + 8 + 5;
	u8 h[40 + 8 + 5];

	/* The BTH need not lie with the headers in front of it. */
	tfw_frame_copy(f, l3, h, n);
	return ~icrc_frame(tfw_icrc_headers(h, n), f, l3 + n, len - n);
}

void tfw_icrc_put(u8 *to, u32 icrc)
{
	to[0] = (u8)icrc;
	to[1] = (u8)(icrc >> 8);
	to[2] = (u8)(icrc >> 16);
	to[3] = (u8)(icrc >> 24);
}

void tfw_icrc_finish(struct tfw_frame *f)
{
	u32 icrc = tfw_icrc_of(f, f->l3, f->csum_at - (u32)f->l3);

	f->flags &= (u16)~TFW_F_ICRC;
	if (f->csum_at < f->hdr_len)
		tfw_icrc_put(f->hdr + f->csum_at, icrc);
	else
		tfw_icrc_put(f->patch + f->csum_start, icrc);
}
