/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Frames inside the device: a private copy of the headers, the rest where it
 * lies (in mapped memory of the sender, or in a buffer of the host), and what
 * is still to be done before the bytes may be seen by anyone.
 */
#ifndef TFW_FRAME_H
#define TFW_FRAME_H

#include <stdbool.h>
#include <string.h>

#include "platform.h"
#include "tulle_bits.h"
#include "tulle_hw.h"

#define TFW_ETH_HLEN	14
#define TFW_VLAN_HLEN	4
#define TFW_FCS_LEN	4
#define TFW_FRAME_MIN	60	/* without FCS; shorter ones are padded */

#define TFW_P_8021Q	0x8100
#define TFW_P_8021AD	0x88a8
#define TFW_P_IPV4	0x0800
#define TFW_P_IPV6	0x86dd
#define TFW_P_CONTROL	0x8808

#define TFW_IPPROTO_ICMP	1
#define TFW_IPPROTO_TCP		6
#define TFW_IPPROTO_UDP		17
#define TFW_IPPROTO_ICMPV6	58

#define TFW_TCP_FIN	0x01
#define TFW_TCP_SYN	0x02
#define TFW_TCP_RST	0x04
#define TFW_TCP_PSH	0x08
#define TFW_TCP_ACK	0x10
#define TFW_TCP_URG	0x20
#define TFW_TCP_ECE	0x40
#define TFW_TCP_CWR	0x80

/* Header bytes a WQE may declare, and with the tags that are inserted. */
#define TFW_HDR_WQE	TULLE_GSO_HDR_MAX
#define TFW_HDR_MAX	(TFW_HDR_WQE + 2 * TFW_VLAN_HLEN)

/* As much of a frame as the parser looks at, when it is not all header. */
#define TFW_HDR_PEEK	128

#define TFW_TSO_MAX	(256 * 1024)
#define TFW_PLAIN_MAX	TULLE_FRAME_MAX

/*
 * Pieces: at worst every 4 KiB page of the largest frame and every SGE of the
 * longest WQE starts one, and a checksum field may split another.
 */
#define TFW_FRAME_IOVS	200

/*
 * struct tfw_parse - what the headers say
 * @l3_off: IP header; 0 = none
 * @l4_off: TCP or UDP header, or whatever follows IP; 0 = none
 * @end: first byte behind the last header that was understood
 * @l3_end: where the IP packet ends (padding follows)
 * @cut: the IP packet says that it is longer than the frame
 * @ethertype: behind the tags
 * @vlan: TCIs, outer first
 * @nvlan: tags
 * @stag: the outer one is 802.1ad
 * @l3: enum tulle_l3
 * @l4: enum tulle_l4
 * @proto: IP protocol of the L4 header
 * @frag: part of a fragmented packet
 * @tcp_flags: 0 unless TCP
 * @options: IPv4 options or IPv6 extension headers are there
 */
struct tfw_parse {
	u16	l3_off;
	u16	l4_off;
	u16	end;
	u32	l3_end;
	bool	cut;
	u16	ethertype;
	u16	vlan[2];
	u8	nvlan;
	bool	stag;
	u8	l3;
	u8	l4;
	u8	proto;
	bool	frag;
	u8	tcp_flags;
	bool	options;
};

/*
 * struct tfw_frame - one wire packet, or a super-frame not yet cut
 * @len: bytes without FCS; tags are always in place
 * @hdr_len: the first bytes of the frame, in @hdr
 * @niov: pieces in @iov that follow
 * @vport: where it came from
 * @flags: TFW_F_
 * @csum_start: TFW_F_CSUM: first byte that is summed
 * @csum_at: TFW_F_CSUM: where the sum goes
 * @mss: super-frame: payload bytes of a segment
 * @npkts: wire packets this frame stands for, never 0
 * @l3: super-frame: offset of the IP header
 * @l4: super-frame: offset of the TCP or UDP header
 * @mark: flow tag so far
 * @meta: metadata register
 * @probes: masks that steering looked at, for those who charge for it
 * @time: device clock at arrival, 0 = not yet taken
 * @patch: private copy of a checksum field that lies outside @hdr; RoCE: pad
 *	and ICRC (which is at patch[csum_start])
 */
struct tfw_frame {
	u32			len;
	u16			hdr_len;
	u16			niov;
	u16			vport;
	u16			flags;
#define TFW_F_CSUM	0x01	/* the field at csum_at is still to be computed */
#define TFW_F_TSO	0x02	/* super-frame, TCP */
#define TFW_F_USO	0x04	/* super-frame, UDP */
#define TFW_F_GSO	(TFW_F_TSO | TFW_F_USO)
#define TFW_F_PARSED	0x08	/* p is valid */
#define TFW_F_L4_GOOD	0x10	/* the device computed the L4 checksum itself */
#define TFW_F_ICRC	0x20	/* RoCE: the ICRC at csum_at is still to be computed */
#define TFW_F_ICRC_GOOD	0x40	/* RoCE: made by this engine, not off a wire */
#define TFW_F_DRAWN	0x80	/* the fault plan has spared its first packet */
	u16			csum_start;
	u16			csum_at;
	u16			mss;
	u32			npkts;
	u16			l3;
	u16			l4;
	u32			mark;
	u32			meta;
	u32			probes;
	u64			time;
	u8			patch[8];
	struct tfw_parse	p;
	u8			hdr[TFW_HDR_MAX];
	struct tfw_iov		iov[TFW_FRAME_IOVS];
};

/* A frame of nothing yet. */
static inline void tfw_frame_init(struct tfw_frame *f)
{
	f->hdr_len = 0;
	f->niov = 0;
	f->flags = 0;
	f->mss = 0;
	f->npkts = 1;
	f->mark = 0;
	f->meta = 0;
	f->probes = 0;
	f->time = 0;
}

/*
 * struct tfw_span - a walk over the pieces of @left bytes of a frame from @off on
 * @next: piece to look at: 0 is hdr, then iov
 * @p, @n: the bytes found
 */
struct tfw_span {
	const struct tfw_frame	*f;
	u32			off;
	u32			left;
	u32			next;
	const u8		*p;
	u32			n;
};

/* False: no more, or the frame ends before. */
static inline bool tfw_span_next(struct tfw_span *s)
{
	const struct tfw_iov *iov;
	u32 room;

	while (s->left && s->next <= s->f->niov) {
		iov = s->next ? &s->f->iov[s->next - 1] : NULL;
		s->p = iov ? iov->base : s->f->hdr;
		room = iov ? (u32)iov->len : s->f->hdr_len;
		s->next++;
		if (s->off >= room) {
			s->off -= room;
			continue;
		}
		s->p += s->off;
		s->n = room - s->off < s->left ? room - s->off : s->left;
		s->off = 0;
		s->left -= s->n;
		return true;
	}
	return false;
}

static inline u16 tfw_get16(const u8 *p)
{
	return (u16)(p[0] << 8 | p[1]);
}

static inline u32 tfw_get32(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

static inline void tfw_put16(u8 *p, u32 v)
{
	p[0] = (u8)(v >> 8);
	p[1] = (u8)v;
}

static inline void tfw_put32(u8 *p, u32 v)
{
	tfw_put16(p, v >> 16);
	tfw_put16(p + 2, v);
}

/* csum.c: ones' complement sums over pieces of any length and alignment */

/*
 * struct tfw_sum - a running sum
 * @acc: 16-bit words as they lie in memory, not folded
 * @odd: an odd number of bytes so far
 */
struct tfw_sum {
	u64	acc;
	bool	odd;
};

void tfw_sum_add(struct tfw_sum *s, const void *data, size_t len);

/* A 16-bit number in host order, at an even place. */
void tfw_sum_add16(struct tfw_sum *s, u16 v);

/* Folded, as a number in host order whose wire form is big-endian. */
u16 tfw_sum_fold(const struct tfw_sum *s);

/* Ethernet FCS over pieces; start with 0. */
u32 tfw_crc32(u32 crc, const void *data, size_t len);

/* Adds bytes [off, off + len) of a frame. */
void tfw_frame_sum(const struct tfw_frame *f, struct tfw_sum *s, u32 off,
		   u32 len);

/* The sum over addresses, protocol and length that L4 checksums include. */
void tfw_pseudo_sum(struct tfw_sum *s, const u8 *ip, u8 l3, u8 proto, u32 len);

/* Writes the IPv4 header checksum. */
void tfw_ipv4_csum(u8 *ip);

/* Does what TFW_F_CSUM or TFW_F_ICRC ask for. */
void tfw_frame_finish(struct tfw_frame *f);

void tfw_icrc_finish(struct tfw_frame *f);	/* icrc.c */

/*
 * parse.c. @hdr: the first @hdr_len of @len bytes. @super: a super-frame, whose
 * length fields need not fit what it carries.
 */
void tfw_parse(const u8 *hdr, u32 hdr_len, u32 len, bool super,
	       struct tfw_parse *p);

static inline void tfw_frame_parse(struct tfw_frame *f)
{
	if (f->flags & TFW_F_PARSED)
		return;
	tfw_parse(f->hdr, f->hdr_len, f->len, f->flags & TFW_F_GSO, &f->p);
	f->flags |= TFW_F_PARSED;
}

/* Of a frame that was parsed. */
void tfw_frame_key(const struct tfw_frame *f, struct tulle_flow_key *key);

/* seg.c: from super-frames to wire packets */

/*
 * struct tfw_cut - position in a super-frame
 * @f: the frame
 * @ix: next segment
 * @left: payload bytes from there on
 * @iov: piece they start in
 * @off: bytes of it that are used up
 */
struct tfw_cut {
	const struct tfw_frame	*f;
	u32			ix;
	u32			left;
	u16			iov;
	size_t			off;
};

void tfw_cut_init(struct tfw_cut *c, const struct tfw_frame *f);

/*
 * The next wire packet; its checksum is left to tfw_frame_finish(). False
 * behind the last. @f must not be a plain frame.
 */
bool tfw_cut_next(struct tfw_cut *c, struct tfw_frame *out);

/* Leaves out @n packets. */
void tfw_cut_skip(struct tfw_cut *c, u32 n);

/* What tfw_cut_next() has not given yet, as a frame of its own. */
void tfw_cut_rest(const struct tfw_cut *c, struct tfw_frame *out);

/* Payload bytes of a super-frame. */
static inline u32 tfw_frame_payload(const struct tfw_frame *f)
{
	return f->len - f->hdr_len;
}

/* Bytes on the wire, FCS excluded, of all packets a frame stands for. */
static inline u64 tfw_frame_wire_bytes(const struct tfw_frame *f)
{
	return f->len + (u64)(f->npkts - 1) * f->hdr_len;
}

/* Fills in hdr_len, len, iov of a frame that consists of these pieces. */
bool tfw_frame_from_iov(struct tfw_frame *f, const struct tfw_iov *iov,
			unsigned int n);

/* Appends zeros up to the shortest frame the wire takes. */
void tfw_frame_pad(struct tfw_frame *f);

/* Copies bytes [off, off + len) out. */
void tfw_frame_copy(const struct tfw_frame *f, u32 off, void *to, u32 len);

#endif /* TFW_FRAME_H */
