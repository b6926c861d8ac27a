// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The parser: headers of all kinds, and bytes that only look like headers.
 */
#include "../frame.h"
#include "net.h"

/* In memory of exactly that size, so that the sanitizer sees every step. */
static struct tfw_parse parse(const u8 *f, u32 hdr_len, u32 len)
{
	u8 *exact = malloc(hdr_len ? hdr_len : 1);
	struct tfw_parse p;

	memcpy(exact, f, hdr_len);
	tfw_parse(exact, hdr_len, len, false, &p);
	free(exact);
	return p;
}

static void test_plain(void **state)
{
	u8 f[400];
	u32 i;

	(void)state;
	for (i = 0; i < 12; i++) {
		struct net_spec s = { .v6 = i & 1, .udp = i & 2,
				      .tags = (u8)(i / 4), .opt = 12,
				      .payload = 100, .flags = 0x18 };
		u32 len = net_make(&s, f);
		struct tfw_parse p = parse(f, 128, len);

		assert_int_equal(p.l3, s.v6 ? TULLE_L3_IPV6 : TULLE_L3_IPV4);
		assert_int_equal(p.l4, s.udp ? TULLE_L4_UDP : TULLE_L4_TCP);
		assert_int_equal(p.nvlan, s.tags);
		assert_int_equal(p.stag, s.tags == 2);
		assert_int_equal(p.l3_off, net_l3(&s));
		assert_int_equal(p.l4_off, net_l4(&s));
		assert_int_equal(p.end, net_hdr_len(&s));
		assert_int_equal(p.l3_end, len);
		assert_int_equal(p.tcp_flags, s.udp ? 0 : 0x18);
		/* Padding behind the packet is not part of it. */
		p = parse(f, 128, len + 10);
		assert_int_equal(p.l3_end, len);
		assert_false(p.cut);
		/* Longer than the frame: known by its headers alone. */
		p = parse(f, 128, len - 1);
		assert_true(p.cut);
		assert_int_equal(p.l3_end, len - 1);
		assert_int_equal(p.l3, s.v6 ? TULLE_L3_IPV6 : TULLE_L3_IPV4);
		assert_int_equal(p.l4, s.udp ? TULLE_L4_UDP : TULLE_L4_TCP);
	}
}

/* IPv6 with a list of extension headers of 8 bytes each, then TCP. */
static u32 make_ext(u8 *f, const u8 *types, u32 n, u16 frag)
{
	u32 at = 54, i;

	memset(f, 0, 200);
	put_be16(f + 12, 0x86dd);
	f[14] = 0x60;
	f[20] = n ? types[0] : 6;
	for (i = 0; i < n; i++, at += 8) {
		f[at] = i + 1 < n ? types[i + 1] : 6;
		if (types[i] == 44)
			put_be16(f + at + 2, frag);
	}
	f[at + 12] = 0x50;
	put_be16(f + 18, at + 20 - 54);
	return at + 20;
}

static void test_extensions(void **state)
{
	static const u8 chain[] = { 0, 60, 43, 44, 60, 60, 60, 60, 60 };
	struct tfw_parse p;
	u32 n, len;
	u8 f[300];

	(void)state;
	for (n = 0; n < 6; n++) {
		len = make_ext(f, chain, n, 0);
		p = parse(f, len, len);
		assert_int_equal(p.l4, TULLE_L4_TCP);
		assert_int_equal(p.l4_off, 54 + n * 8);
		assert_int_equal(p.options, n > 0);
		assert_false(p.frag);
	}
	/* More than are followed: the transport stays unknown. */
	len = make_ext(f, chain, 9, 0);
	p = parse(f, len, len);
	assert_int_equal(p.l4, TULLE_L4_OTHER);
	/* First and later fragments; one that only carries the header. */
	len = make_ext(f, chain, 4, 1);
	assert_true(parse(f, len, len).frag);
	assert_int_equal(parse(f, len, len).l4, TULLE_L4_NONE);
	len = make_ext(f, chain, 4, 8);
	assert_true(parse(f, len, len).frag);
	/* A header that ends outside the packet. */
	len = make_ext(f, chain, 2, 0);
	f[54 + 1] = 200;
	p = parse(f, len, len);
	assert_int_not_equal(p.l4, TULLE_L4_TCP);
}

static void test_other(void **state)
{
	struct net_spec s = { .payload = 40 };
	struct tfw_parse p;
	u32 len;
	u8 f[300];

	(void)state;
	len = net_make(&s, f);
	f[23] = 1;
	p = parse(f, len, len);
	assert_int_equal(p.l4, TULLE_L4_ICMP);
	f[23] = 132;
	assert_int_equal(parse(f, len, len).l4, TULLE_L4_OTHER);
	/* IPv4 header longer than it may be, TCP header too short. */
	len = net_make(&s, f);
	f[14] = 0x4f;
	assert_int_not_equal(parse(f, len, len).l4_off, 34);
	len = net_make(&s, f);
	f[46] = 0x40;
	assert_int_equal(parse(f, len, len).l4, TULLE_L4_OTHER);
	/* ARP, and less than a header. */
	put_be16(f + 12, 0x0806);
	assert_int_equal(parse(f, 60, 60).l3, TULLE_L3_NONE);
	assert_int_equal(parse(f, 13, 13).end, 0);
}

/* Whatever the bytes, all offsets lie within what was given. */
static void test_random(void **state)
{
	static const struct net_spec seeds[] = {
		{ .payload = 40, .opt = 20 }, { .payload = 40, .v6 = true },
		{ .payload = 40, .tags = 2 }, { .payload = 40, .udp = true },
	};
	u32 i, j, len, hdr_len;
	struct tfw_parse p;
	u8 f[300];

	(void)state;
	srand(3);
	for (i = 0; i < 200000; i++) {
		len = net_make(&seeds[i % 4], f);
		for (j = 0; j < 1 + i % 5; j++)
			f[12 + (u32)rand() % 80] = (u8)rand();
		hdr_len = (u32)rand() % 129;
		if (hdr_len > len)
			hdr_len = len;
		p = parse(f, hdr_len, len);
		assert_true(p.end <= (hdr_len < 14 ? 0 : hdr_len));
		assert_true(p.l3_end <= len);
		if (p.l4 == TULLE_L4_TCP)
			assert_true(p.l4_off + 20U <= p.end);
		if (p.l4 == TULLE_L4_UDP)
			assert_true(p.l4_off + 8U <= p.end);
		if (p.l3)
			assert_true(p.l3_off + 20U <= p.end &&
				    p.l3_end >= p.end);
	}
}

static void test_key(void **state)
{
	struct net_spec s = { .v6 = true, .tags = 1, .sport = 5, .dport = 6,
			      .payload = 10, .flags = 0x12 };
	struct tfw_frame *f = calloc(1, sizeof(*f));
	struct tulle_flow_key key;
	struct tfw_iov iov;
	u8 data[200];

	(void)state;
	iov.base = data;
	iov.len = net_make(&s, data);
	assert_true(tfw_frame_from_iov(f, &iov, 1));
	f->vport = 3;
	f->meta = 4;
	tfw_frame_parse(f);
	tfw_frame_key(f, &key);
	assert_memory_equal(key.dmac, data, 6);
	assert_memory_equal(key.smac, data + 6, 6);
	assert_int_equal(be16_to_cpu(key.ethertype), 0x86dd);
	assert_int_equal(be16_to_cpu(key.vlan[0]), 100);
	assert_int_equal(key.nvlan, 1);
	assert_int_equal(key.ip_proto, 6);
	assert_memory_equal(key.src, data + 18 + 8, 16);
	assert_memory_equal(key.dst, data + 18 + 24, 16);
	assert_int_equal(be16_to_cpu(key.l4_src), 5);
	assert_int_equal(be16_to_cpu(key.l4_dst), 6);
	assert_int_equal(key.ttl, 64);
	assert_int_equal(key.tcp_flags, 0x12);
	assert_int_equal(be32_to_cpu(key.flow_label), 0x12345);
	assert_int_equal(le16_to_cpu(key.vport), 3);
	assert_int_equal(le32_to_cpu(key.meta), 4);
	free(f);
}

/* Sums over pieces of any length agree with the plain computation. */
static void test_sums(void **state)
{
	u8 data[3000];
	u32 i, off, n;

	(void)state;
	srand(5);
	for (i = 0; i < sizeof(data); i++)
		data[i] = (u8)rand();
	for (i = 0; i < 3000; i++) {
		struct tfw_sum s = { 0 };
		u32 len = (u32)rand() % sizeof(data);
		u32 want = sum_bytes(data, len, 0), got;

		if (i & 1)
			memset(data, 0xff, sizeof(data));
		want = sum_bytes(data, len, 0);
		for (off = 0; off < len; off += n) {
			n = 1 + (u32)rand() % 700;
			if (n > len - off)
				n = len - off;
			tfw_sum_add(&s, data + off, n);
		}
		got = tfw_sum_fold(&s);
		/* Both zeros are the same number. */
		assert_int_equal(got % 0xffff, want % 0xffff);
		assert_int_equal(!got, !want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_other),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
