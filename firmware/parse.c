// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Headers of a frame: one pass, no byte looked at twice, nothing believed
 * that does not fit in the frame.
 */
#include "frame.h"

#define MAX_EXT_HEADERS	8

#define NEXTHDR_HOP	0
#define NEXTHDR_ROUTING	43
#define NEXTHDR_FRAG	44
#define NEXTHDR_DEST	60
#define NEXTHDR_NONE	59

static void parse_l4(const u8 *hdr, u32 avail, struct tfw_parse *p, u32 off)
{
	u32 hlen;

	p->l4 = TULLE_L4_OTHER;
	p->l4_off = (u16)off;
	if (p->frag || p->proto == NEXTHDR_NONE) {
		p->l4 = TULLE_L4_NONE;
		return;
	}
	switch (p->proto) {
	case TFW_IPPROTO_TCP:
		if (off + 20 > avail || off + 20 > p->l3_end)
			return;
		hlen = (hdr[off + 12] >> 4) * 4U;
		if (hlen < 20 || off + hlen > avail || off + hlen > p->l3_end)
			return;
		p->l4 = TULLE_L4_TCP;
		p->tcp_flags = hdr[off + 13];
		p->end = (u16)(off + hlen);
		break;
	case TFW_IPPROTO_UDP:
		if (off + 8 > avail || off + 8 > p->l3_end)
			return;
		p->l4 = TULLE_L4_UDP;
		p->end = (u16)(off + 8);
		break;
	case TFW_IPPROTO_ICMP:
	case TFW_IPPROTO_ICMPV6:
		p->l4 = TULLE_L4_ICMP;
		break;
	}
}

/* Addresses and ports are good for steering, however much behind them is missing. */
static void ends_at(struct tfw_parse *p, u32 end, u32 len)
{
	p->cut = end > len;
	p->l3_end = end > len ? len : end;
}

static void parse_ipv4(const u8 *hdr, u32 avail, u32 len, bool super,
		       struct tfw_parse *p)
{
	u32 off = p->end, hlen, tot;

	if (off + 20 > avail || hdr[off] >> 4 != 4)
		return;
	hlen = (hdr[off] & 15) * 4U;
	tot = super ? len - off : tfw_get16(hdr + off + 2);
	if (hlen < 20 || off + hlen > avail || tot < hlen)
		return;
	p->l3 = TULLE_L3_IPV4;
	p->l3_off = (u16)off;
	ends_at(p, off + tot, len);
	p->proto = hdr[off + 9];
	p->frag = tfw_get16(hdr + off + 6) & 0x3fff;
	p->options = hlen > 20;
	p->end = (u16)(off + hlen);
	parse_l4(hdr, avail, p, off + hlen);
}

static void parse_ipv6(const u8 *hdr, u32 avail, u32 len, bool super,
		       struct tfw_parse *p)
{
	u32 off = p->end, at, pay;
	unsigned int i;
	u8 next;

	if (off + 40 > avail || hdr[off] >> 4 != 6)
		return;
	pay = super ? len - off - 40 : tfw_get16(hdr + off + 4);
	next = hdr[off + 6];
	p->l3 = TULLE_L3_IPV6;
	p->l3_off = (u16)off;
	ends_at(p, off + 40 + pay, len);
	at = off + 40;
	for (i = 0; i < MAX_EXT_HEADERS; i++) {
		u32 hlen;

		if (next != NEXTHDR_HOP && next != NEXTHDR_ROUTING &&
		    next != NEXTHDR_DEST && next != NEXTHDR_FRAG)
			break;
		p->options = true;
		if (at + 8 > avail || at + 8 > p->l3_end)
			break;
		hlen = next == NEXTHDR_FRAG ? 8 : (hdr[at + 1] + 1U) * 8;
		/* An atomic fragment is a whole packet. */
		if (next == NEXTHDR_FRAG && tfw_get16(hdr + at + 2) & 0xfff9)
			p->frag = true;
		if (at + hlen > avail || at + hlen > p->l3_end)
			break;
		next = hdr[at];
		at += hlen;
	}
	p->proto = next;
	p->end = (u16)at;
	parse_l4(hdr, avail, p, at);
}

void tfw_parse(const u8 *hdr, u32 hdr_len, u32 len, bool super,
	       struct tfw_parse *p)
{
	u32 off = TFW_ETH_HLEN;
	u16 type;

	memset(p, 0, sizeof(*p));
	if (hdr_len < TFW_ETH_HLEN)
		return;
	type = tfw_get16(hdr + 12);
	p->stag = type == TFW_P_8021AD;
	while (p->nvlan < 2 && off + 4 <= hdr_len &&
	       (type == TFW_P_8021Q || type == TFW_P_8021AD)) {
		p->vlan[p->nvlan++] = tfw_get16(hdr + off);
		type = tfw_get16(hdr + off + 2);
		off += TFW_VLAN_HLEN;
	}
	p->ethertype = type;
	p->end = (u16)off;
	p->l3_end = len;
	if (type == TFW_P_IPV4)
		parse_ipv4(hdr, hdr_len, len, super, p);
	else if (type == TFW_P_IPV6)
		parse_ipv6(hdr, hdr_len, len, super, p);
}

static void key_l3(const struct tfw_frame *f, struct tulle_flow_key *key)
{
	const u8 *ip = f->hdr + f->p.l3_off;

	key->ip_proto = f->p.proto;
	if (f->p.l3 == TULLE_L3_IPV4) {
		memcpy(&key->src[0], ip + 12, 4);
		memcpy(&key->dst[0], ip + 16, 4);
		key->tos = ip[1];
		key->ttl = ip[8];
	} else {
		memcpy(key->src, ip + 8, 16);
		memcpy(key->dst, ip + 24, 16);
		key->tos = (u8)(tfw_get16(ip) >> 4);
		key->ttl = ip[7];
		key->flow_label = cpu_to_be32(tfw_get32(ip) & 0xfffff);
	}
}

void tfw_frame_key(const struct tfw_frame *f, struct tulle_flow_key *key)
{
	const struct tfw_parse *p = &f->p;

	memset(key, 0, sizeof(*key));
	key->vport = cpu_to_le16(f->vport);
	key->meta = cpu_to_le32(f->meta);
	memcpy(key->dmac, f->hdr, 6);
	memcpy(key->smac, f->hdr + 6, 6);
	key->ethertype = cpu_to_be16(p->ethertype);
	key->vlan[0] = cpu_to_be16(p->vlan[0]);
	key->vlan[1] = cpu_to_be16(p->vlan[1]);
	key->nvlan = p->nvlan;
	key->l3 = p->l3;
	key->l4 = p->l4;
	key->frag = p->frag;
	key->tcp_flags = p->tcp_flags;
	if (p->l3)
		key_l3(f, key);
	if (p->l4 == TULLE_L4_TCP || p->l4 == TULLE_L4_UDP) {
		memcpy(&key->l4_src, f->hdr + p->l4_off, 2);
		memcpy(&key->l4_dst, f->hdr + p->l4_off + 2, 2);
	}
}
