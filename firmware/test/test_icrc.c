// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The invariant CRC: against a bitwise one over masked copies of packets, both
 * implementations at every length and alignment, and known packets.
 */
#include "rc.h"

/* CRC-32 the plainest way; starts from and ends with an inverted state. */
static u32 slow_crc(u32 crc, const u8 *p, size_t len)
{
	unsigned int bit;

	while (len--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320U : crc >> 1;
	}
	return crc;
}

/*
 * As the RoCEv2 annex says it: 64 bits of ones, then the packet from its IP
 * header on with everything variant replaced by ones.
 */
static u32 slow_icrc(const u8 *ip, size_t len)
{
	u8 *copy = malloc(len);
	size_t l4 = ip[0] >> 4 == 4 ? 20 : 40;
	u8 ones[8];
	u32 crc;

	memcpy(copy, ip, len);
	memset(ones, 0xff, sizeof(ones));
	if (l4 == 20) {
		copy[1] = 0xff;
		copy[8] = 0xff;
		copy[10] = 0xff;
		copy[11] = 0xff;
	} else {
		copy[0] |= 0xf;
		memset(copy + 1, 0xff, 3);
		copy[7] = 0xff;
	}
	copy[l4 + 6] = 0xff;
	copy[l4 + 7] = 0xff;
	copy[l4 + 12] = 0xff;
	crc = slow_crc(~0U, ones, sizeof(ones));
	crc = ~slow_crc(crc, copy, len);
	free(copy);
	return crc;
}

static void test_check_value(void **state)
{
	(void)state;
	/* The published check value of this CRC. */
	assert_int_equal(~tfw_icrc_portable(~0U, "123456789", 9), 0xcbf43926);
	assert_int_equal(~tfw_icrc_add(~0U, "123456789", 9), 0xcbf43926);
}

static void test_all_lengths(void **state)
{
	static u8 buf[1400];
	u32 seed = 1, slow;
	size_t i, len, at;

	(void)state;
	for (i = 0; i < sizeof(buf); i++) {
		seed = seed * 1664525 + 1013904223;
		buf[i] = (u8)(seed >> 24);
	}
	for (len = 0; len < 700; len++) {
		at = len % 17;
		slow = slow_crc(0x12345678, buf + at, len);
		assert_int_equal(tfw_icrc_portable(0x12345678, buf + at, len),
				 slow);
		assert_int_equal(tfw_icrc_add(0x12345678, buf + at, len), slow);
	}
	/* In pieces. */
	slow = slow_crc(~0U, buf, 1300);
	for (i = 0; i <= 1300; i += 13)
		assert_int_equal(tfw_icrc_add(tfw_icrc_add(~0U, buf, i),
					      buf + i, 1300 - i), slow);
}

/* A frame of our own making, in any number of pieces. */
static void check_frame(const u8 *ip, u32 len, u32 hdr_len, u32 piece)
{
	struct tfw_frame *f = calloc(1, sizeof(*f));
	u32 off;

	f->hdr_len = (u16)(14 + hdr_len);
	f->len = 14 + len;
	memcpy(f->hdr + 14, ip, hdr_len);
	for (off = hdr_len; off < len; off += piece) {
		f->iov[f->niov].base = ip + off;
		f->iov[f->niov++].len = len - off < piece ? len - off : piece;
	}
	assert_int_equal(tfw_icrc_of(f, 14, len), slow_icrc(ip, len));
	free(f);
}

static void test_masks(void **state)
{
	static const u8 v4_free[] = { 1, 8, 10, 11, 26, 27, 32 };
	static const u8 v6_free[] = { 1, 2, 3, 7, 46, 47, 52 };
	u8 v4[20 + 8 + 12 + 300], v6[40 + 8 + 12 + 300];
	u32 i, before;

	(void)state;
	for (i = 0; i < sizeof(v4); i++)
		v4[i] = (u8)(i * 7);
	for (i = 0; i < sizeof(v6); i++)
		v6[i] = (u8)(i * 11);
	v4[0] = 0x45;
	v6[0] = 0x60;
	for (i = 1; i < 300; i += 37) {
		check_frame(v4, sizeof(v4), 60, i + 50);
		check_frame(v6, sizeof(v6), 70, i + 50);
		check_frame(v4, 40 + i / 2, 40 + i / 4, 7);
	}
	/* What may change on the way does not matter, everything else does. */
	before = ~tfw_icrc_headers(v4, sizeof(v4));
	for (i = 1; i < sizeof(v4); i++) {
		v4[i] ^= 0x5a;
		if (i < 64 && memchr(v4_free, (int)i, sizeof(v4_free)))
			assert_int_equal(~tfw_icrc_headers(v4, sizeof(v4)),
					 before);
		else
			assert_int_not_equal(~tfw_icrc_headers(v4, sizeof(v4)),
					     before);
		v4[i] ^= 0x5a;
	}
	before = ~tfw_icrc_headers(v6, sizeof(v6));
	for (i = 1; i < sizeof(v6); i++) {
		v6[i] ^= 0x5a;
		if (i < 64 && memchr(v6_free, (int)i, sizeof(v6_free)))
			assert_int_equal(~tfw_icrc_headers(v6, sizeof(v6)),
					 before);
		else
			assert_int_not_equal(~tfw_icrc_headers(v6, sizeof(v6)),
					     before);
		v6[i] ^= 0x5a;
	}
}

/* Whole packets; what follows them was computed elsewhere, with zlib. */
static void test_known(void **state)
{
	static const u8 v4[] = {
		0x45, 0x02, 0x00, 0x3c, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
		0xab, 0xcd, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0x02,
		0xc0, 0xde, 0x12, 0xb7, 0x00, 0x28, 0x00, 0x00, 0x04, 0x40,
		0xff, 0xff, 0x00, 0x00, 0x00, 0x11, 0x80, 0x00, 0x12, 0x34,
		0x74, 0x75, 0x6c, 0x6c, 0x65, 0x20, 0x69, 0x63, 0x72, 0x63,
		0x20, 0x74, 0x65, 0x73, 0x74, 0x2e,
	};
	static const u8 v6[] = {
		0x60, 0x21, 0x23, 0x45, 0x00, 0x28, 0x11, 0x3f, 0xfd, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x01, 0xfd, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02,
		0xc0, 0xde, 0x12, 0xb7, 0x00, 0x28, 0x00, 0x00, 0x04, 0x40,
		0xff, 0xff, 0x00, 0x00, 0x00, 0x11, 0x80, 0x00, 0x12, 0x34,
		0x74, 0x75, 0x6c, 0x6c, 0x65, 0x20, 0x69, 0x63, 0x72, 0x63,
		0x20, 0x74, 0x65, 0x73, 0x74, 0x2e,
	};

	(void)state;
	assert_int_equal(~tfw_icrc_headers(v4, sizeof(v4)), 0x74ef379b);
	assert_int_equal(~tfw_icrc_headers(v6, sizeof(v6)), 0x23639e5d);
}

/* What the device sends, as it leaves through a backend. */
static void check_sent(struct rc *rc, bool v4)
{
	struct fake_frame *f = &rc->dev[0].d.frames[0];
	u32 off = 14, len, icrc;
	u8 want[4];

	assert_int_equal(rc->dev[0].d.nframes, 1);
	len = v4 ? (u32)(f->data[16] << 8 | f->data[17]) :
		   40U + (u32)(f->data[18] << 8 | f->data[19]);
	assert_true(off + len <= f->len);
	icrc = slow_icrc(f->data + off, len - 4);
	tfw_icrc_put(want, icrc);
	assert_memory_equal(f->data + off + len - 4, want, 4);
	fake_frames_drop(&rc->dev[0].d);
}

static void test_sent(void **state)
{
	static const u32 lens[] = { 0, 1, 2, 3, 4, 100, 1000, 1024 };
	struct rc *rc;
	u32 i, v4;

	(void)state;
	for (v4 = 0; v4 < 2; v4++) {
		struct rc_attr at = { .dest_qpn = 5, .sgid = !v4 };
		struct rc_dev far = { .id = 7 };
		struct rc_qp q;

		rc = rc_create(1);
		rc_av(&far, at.sgid, &at.av);
		rc_qp_init(&rc->dev[0], &q, TULLE_QP_RC, 0, 0);
		rc_up(&q, &at, TULLE_QPS_RTS);
		for (i = 0; i < NET_COUNT(lens); i++) {
			struct rc_op o = { .op = TULLE_WQE_SEND,
				.len = lens[i],
				.addr = rc_fill(&rc->dev[0], 1100, i) };

			rc_do(&q, &o);
			check_sent(rc, v4);
		}
		rc_destroy(rc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check_value),
		cmocka_unit_test(test_all_lengths),
		cmocka_unit_test(test_masks),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_sent),
	};

	return cmocka_run_group_tests_name("icrc", tests, NULL, NULL);
}
