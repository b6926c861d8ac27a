/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/* Tulle device interface: entries of event, completion and work queues, and contexts. A part of tulle_hw.h, which includes it. */
#ifndef TULLE_HW_QUEUE_H
#define TULLE_HW_QUEUE_H

/*
 * 6. Event queue entries
 */
enum tulle_event {
	TULLE_EVENT_COMPLETION	= 0,	/* handle: the CQ; only on completion EQs */
	TULLE_EVENT_COMMAND	= 1,	/* data: le64 mask of slots */
	TULLE_EVENT_PORT	= 2,	/* data: port; link or its outcome changed */
	TULLE_EVENT_VPORT	= 3,	/* handle: vport; its address changed */
	TULLE_EVENT_QUEUE_ERROR	= 4,	/* handle, obj: SQ, RQ or CQ that stopped */
	TULLE_EVENT_HEALTH	= 5,	/* data: le32 syndrome */
	TULLE_EVENT_QP		= 6,	/* handle: the QP; data: enum tulle_qp_event */
	TULLE_EVENT_SRQ		= 7,	/* handle: the SRQ; data: enum tulle_srq_event */
};

/* Equal events of one object that were not delivered yet are one event. */
enum tulle_qp_event {
	TULLE_QP_EVENT_FATAL	= 0,	/* broken by the device: now in ERR */
	TULLE_QP_EVENT_REQ_ERR	= 1,	/* responder: invalid request, now in ERR */
	TULLE_QP_EVENT_ACCESS_ERR = 2,	/* responder: access violation, now in ERR */
	TULLE_QP_EVENT_COMM_EST	= 3,	/* first packet while in RTR */
	TULLE_QP_EVENT_SQ_DRAINED = 4,	/* in SQD, asked for by SQD_EVENT */
	TULLE_QP_EVENT_LAST_WQE	= 5,	/* of an SRQ that an ERR QP will take */
	TULLE_QP_EVENTS		= 6,
};

enum tulle_srq_event {
	TULLE_SRQ_EVENT_LIMIT	= 0,	/* fewer WQEs than the limit; disarmed now */
	TULLE_SRQ_EVENT_ERROR	= 1,	/* its ring holds nonsense: no more receives */
	TULLE_SRQ_EVENTS	= 2,
};

struct tulle_eqe {
	__u8	type;
	__u8	obj;		/* enum tulle_obj_type */
	__le16	func;
	__le32	handle;
	union {
		__le64	slots;
		__le32	syndrome;
		__le32	port;
		__le32	code;
	};
	__u8	rsvd[15];
	__u8	owner;
};
TULLE_SIZE(struct tulle_eqe, 32);
TULLE_OFFSET(struct tulle_eqe, owner, 31);

/*
 * 7. Completion queue entries. 32 bytes, or 64 with an extension in front, so
 * that the common tail is always the last 16 bytes.
 */
enum tulle_cqe_op {
	TULLE_CQE_TX		= 0,	/* struct tulle_tx_cqe */
	TULLE_CQE_RX		= 1,	/* struct tulle_rx_cqe */
	TULLE_CQE_TX_ERR	= 2,	/* the SQ stopped at this WQE */
	TULLE_CQE_RX_ERR	= 3,	/* the RQ stopped at this WQE */
	/* struct tulle_rdma_cqe: what the WQE asked for, or a receive */
	TULLE_CQE_SEND		= 16,
	TULLE_CQE_WRITE		= 17,
	TULLE_CQE_READ		= 18,
	TULLE_CQE_CMP_SWAP	= 19,
	TULLE_CQE_FETCH_ADD	= 20,
	TULLE_CQE_LOCAL_INV	= 21,
	TULLE_CQE_REG_MR	= 22,
	TULLE_CQE_BIND_MW	= 23,
	TULLE_CQE_ATOMIC_WRITE	= 24,
	TULLE_CQE_FLUSH		= 25,
	TULLE_CQE_RECV		= 32,	/* a SEND arrived */
	TULLE_CQE_RECV_WRITE	= 33,	/* a WRITE with immediate arrived */
};

/* Is it a completion of the RQ or SRQ? */
#define TULLE_CQE_IS_RECV(op)	((op) & 32)

enum tulle_cqe_status {
	TULLE_CQE_OK		= 0,
	TULLE_CQE_BAD_WQE	= 1,	/* WQE malformed; syndrome: byte offset */
	TULLE_CQE_BAD_KEY	= 2,	/* an SGE's key does not cover it */
	TULLE_CQE_DMA		= 3,	/* memory not reachable */
	TULLE_CQE_FLUSHED	= 4,	/* for drivers: the device stops without one */
};

#define TULLE_CQE_QN		TULLE_BITS(23, 0)	/* index of the queue's handle */
#define TULLE_CQE_OP		TULLE_BITS(31, 24)	/* enum tulle_cqe_op */

struct tulle_tx_cqe {
	__le64	timestamp;	/* when the last frame left; device clock */
	__le32	ci;		/* SQ index just behind the last completed WQE */
	__le32	rsvd0;
	__le32	qn_op;
	__le16	rsvd1;
	__u8	status;
	__u8	syndrome;
	__u8	rsvd2[7];
	__u8	owner;
};
TULLE_SIZE(struct tulle_tx_cqe, 32);
TULLE_OFFSET(struct tulle_tx_cqe, owner, 31);

/*
 * struct tulle_rx_cqe: one received packet, or HW-GRO aggregate
 * timestamp: when its (first) frame arrived, device clock
 * flow_tag: of the last MARK action, 0 = none
 * hash: RSS hash
 * hash_type: enum tulle_rss_type + 1, 0 = not hashed
 * vport: where it came from
 * vlan: stripped tags, outer first, valid per @flags
 * csum: ones' complement sum of everything behind the 14-byte Ethernet
 *	header as it lies in the buffers (no FCS), as a 16-bit word of the wire
 * gro_segs: segments in the aggregate, 0 or 1 = not one
 * gro_size: payload bytes of each segment but the last
 * byte_len: bytes written to buffers, header included
 * wqe: RQ index of the (first) WQE
 * stride: first stride in it (multi-packet)
 * count: strides used (multi-packet), or WQEs used (others), all consecutive;
 *	0 = 1. The TCP checksum of an aggregate means nothing
 * hdr_len: bytes in the header buffer, 0 = not split
 * flags: TULLE_RX_F_
 * types: L3 and L4 as the device saw them
 */
struct tulle_rx_cqe {
	__le64	timestamp;
	__le32	flow_tag;
	__le32	hash;
	__u8	hash_type;
	__u8	rsvd0;
	__le16	vport;
	__le16	vlan[2];
	__be16	csum;
	__le16	gro_segs;
	__le16	gro_size;
	__le16	rsvd1;

	__le32	byte_len;
	__le32	wqe;
	__le16	stride;
	__le16	count;
	__le16	hdr_len;
	__le16	flags;
 #define TULLE_RX_F_L3_OK		0x0001	/* IPv4 header checksum good */
 #define TULLE_RX_F_L3_BAD		0x0002
 #define TULLE_RX_F_L4_OK		0x0004	/* TCP or UDP checksum good */
 #define TULLE_RX_F_L4_BAD		0x0008
 #define TULLE_RX_F_CSUM			0x0010	/* csum is valid */
 #define TULLE_RX_F_VLAN0		0x0020	/* vlan[0] was stripped */
 #define TULLE_RX_F_VLAN0_STAG		0x0040	/*   and was 802.1ad */
 #define TULLE_RX_F_VLAN1		0x0080	/* vlan[1] was stripped (802.1Q) */
 #define TULLE_RX_F_DONE			0x0100	/* multi-packet: WQE is used up */
 #define TULLE_RX_F_GRO			0x0200	/* an aggregate */
 #define TULLE_RX_F_FCS			0x0400	/* the last 4 bytes are the FCS */
 #define TULLE_RX_F_FILLER		0x0800	/* no packet: only DONE */
 #define TULLE_RX_F_ECN_CE		0x1000	/* arrived with CE */
	__le32	qn_op;
	__le16	rsvd2;
	__u8	status;
	__u8	syndrome;
	__u8	types;
 #define TULLE_RX_L3			TULLE_BITS(1, 0)	/* enum tulle_l3 */
 #define TULLE_RX_L4			TULLE_BITS(4, 2)	/* enum tulle_l4 */
 #define TULLE_RX_FRAG			TULLE_BIT(5)
	__u8	rsvd3[6];
	__u8	owner;
};
TULLE_SIZE(struct tulle_rx_cqe, 64);
TULLE_OFFSET(struct tulle_rx_cqe, byte_len, 32);
TULLE_OFFSET(struct tulle_rx_cqe, qn_op, 48);
TULLE_OFFSET(struct tulle_rx_cqe, owner, 63);

/* Status of a struct tulle_rdma_cqe: the numbers of enum ib_wc_status. */
enum tulle_wc_status {
	TULLE_WC_SUCCESS	= 0,
	TULLE_WC_LOC_LEN	= 1,
	TULLE_WC_LOC_QP_OP	= 2,
	TULLE_WC_LOC_PROT	= 4,
	TULLE_WC_WR_FLUSH	= 5,
	TULLE_WC_MW_BIND	= 6,
	TULLE_WC_BAD_RESP	= 7,
	TULLE_WC_LOC_ACCESS	= 8,
	TULLE_WC_REM_INV_REQ	= 9,
	TULLE_WC_REM_ACCESS	= 10,
	TULLE_WC_REM_OP		= 11,
	TULLE_WC_RETRY_EXC	= 12,
	TULLE_WC_RNR_RETRY_EXC	= 13,
	TULLE_WC_REM_ABORT	= 16,
	TULLE_WC_FATAL		= 19,
	TULLE_WC_GENERAL	= 21,
};

/*
 * struct tulle_rdma_cqe: one completed work request of a queue pair
 * wr_id: of the WQE. A driver that cannot trust the device looks it up by
 *	@wqe instead, or checks it
 * byte_len: RECV: bytes received (UD: with the 40-byte GRH area); READ and
 *	atomics: bytes that came back
 * imm: RECV: immediate data as it travelled, or (F_INV) the invalidated
 *	R_Key, little-endian
 * qn_op: QP number, and enum tulle_cqe_op; of an error as well
 * wqe: low bits of the index just behind the WQE (SQ: blocks), so that the
 *	consumer index moves past unsignalled ones; of an SRQ: of the WQE itself
 * status: enum tulle_wc_status; when not SUCCESS only @wr_id, @qn_op, @wqe,
 *	@syndrome and, of XRC_TGT, the SRQ in @src_flags mean something
 * syndrome: detail for logs: byte offset in the WQE, or the AETH syndrome
 * src_flags: UD, GSI: who sent it; XRC_TGT: index of the SRQ's handle; and
 *	TULLE_WC_F_
 * pkey_vlan: UD, GSI with F_VLAN: TCI of the tag; else P_Key index
 */
struct tulle_rdma_cqe {
	__le64	wr_id;
	__le32	byte_len;
	__be32	imm;
	__le32	qn_op;
	__le16	wqe;
	__u8	status;
	__u8	syndrome;
	__le32	src_flags;
 #define TULLE_WC_SRC_QP			TULLE_BITS(23, 0)
 #define TULLE_WC_F_GRH			TULLE_BIT(24)
 #define TULLE_WC_F_IMM			TULLE_BIT(25)
 #define TULLE_WC_F_INV			TULLE_BIT(26)
 #define TULLE_WC_F_IPV4			TULLE_BIT(27)	/* GRH: an IPv4 header in its last 20 bytes */
 #define TULLE_WC_F_VLAN			TULLE_BIT(28)
 #define TULLE_WC_F_CSUM			TULLE_BIT(29)	/* RAW: L3 and L4 checksums are good */
 #define TULLE_WC_F_SOLICITED		TULLE_BIT(30)
	__le16	pkey_vlan;
	__u8	sl;		/* UD, GSI */
	__u8	owner;
};
TULLE_SIZE(struct tulle_rdma_cqe, 32);
TULLE_OFFSET(struct tulle_rdma_cqe, qn_op, 16);
TULLE_OFFSET(struct tulle_rdma_cqe, status, 22);
TULLE_OFFSET(struct tulle_rdma_cqe, owner, 31);

/* What precedes it in a CQ with entries of 64 bytes. */
struct tulle_rdma_cqe_ext {
	__le64	timestamp;	/* device clock */
	__u8	smac[6];	/* UD, GSI, RAW */
	__u8	rsvd[18];
};
TULLE_SIZE(struct tulle_rdma_cqe_ext, 32);

enum tulle_l3 {
	TULLE_L3_NONE		= 0,
	TULLE_L3_IPV4		= 1,
	TULLE_L3_IPV6		= 2,
};

enum tulle_l4 {
	TULLE_L4_NONE		= 0,
	TULLE_L4_TCP		= 1,
	TULLE_L4_UDP		= 2,
	TULLE_L4_ICMP		= 3,
	TULLE_L4_OTHER		= 4,
};

/*
 * 8. Work queue entries
 *
 * A send WQE is 1..16 blocks of 64 bytes and does not wrap: the driver fills
 * the rest of the ring with one NOP WQE. It is a control segment, then for
 * Ethernet a tulle_eth_seg, then in_len bytes of inline data padded to 16,
 * then SGEs. The frame is the inline data followed by what the SGEs name. An
 * SGE of an Ethernet queue is never empty.
 */
enum tulle_wqe_op {
	TULLE_WQE_NOP		= 0,	/* control segment only */
	TULLE_WQE_ETH		= 1,
	/* queue pairs */
	TULLE_WQE_SEND		= 16,
	TULLE_WQE_SEND_IMM	= 17,
	TULLE_WQE_SEND_INV	= 18,	/* imm: R_Key */
	TULLE_WQE_WRITE		= 19,
	TULLE_WQE_WRITE_IMM	= 20,
	TULLE_WQE_READ		= 21,
	TULLE_WQE_CMP_SWAP	= 22,
	TULLE_WQE_FETCH_ADD	= 23,
	TULLE_WQE_LOCAL_INV	= 24,	/* imm: key */
	TULLE_WQE_REG_MR	= 25,
	TULLE_WQE_BIND_MW	= 26,
	TULLE_WQE_ATOMIC_WRITE	= 27,
	TULLE_WQE_FLUSH		= 28,	/* total_len: of the range */
};

struct tulle_wqe_ctrl {
	__u8	op;
	__u8	flags;
 #define TULLE_WQE_F_CQE			0x01	/* report completion */
 #define TULLE_WQE_F_LAUNCH		0x02	/* launch time segment; rsvd */
 #define TULLE_WQE_F_SOLICITED		0x04	/* QP: event at the receiver */
 #define TULLE_WQE_F_FENCE		0x08	/* QP: what counts in max_rd_atomic is done */
 #define TULLE_WQE_F_INLINE		0x10	/* QP: inl_len bytes instead of SGEs */
	__u8	nblocks;	/* 1..16 */
	__u8	nsge;
	__le16	inl_len;
	__le16	index;		/* low bits of the SQ index of the first block */
	__le32	imm;		/* QP: immediate (wire order) or key; 0 */
	__le32	total_len;	/* bytes of the frame or message, inline included */
};
TULLE_SIZE(struct tulle_wqe_ctrl, 16);

/*
 * struct tulle_eth_seg: what to do with a frame on its way out
 * csum_start: CSUM: first byte that is summed, behind the Ethernet header (14)
 * csum_offset: CSUM: where the sum goes, counted from @csum_start; the field
 *	holds the pseudo header's sum
 * mss: TSO, USO: payload bytes of a segment, at least TULLE_MSS_MIN
 * hdr_len: TSO, USO: bytes of headers that every segment carries, at most
 *	TULLE_GSO_HDR_MAX
 * outer_l3, outer_l4: for segmentation in a tunnel; 0
 * l3: TSO, USO: offset of the IP header
 * l4: TSO, USO: offset of the TCP or UDP header
 * vlan: tags to insert behind the MAC addresses, outer first
 * flags: TULLE_ETH_F_
 * crypto: handle of a crypto key; 0
 * meta: value of the metadata register that Tx steering sees
 *
 * All offsets count from the first byte of the frame, without @vlan tags.
 * With TSO the IPv4 total length or IPv6 payload length may be 0 (BIG TCP)
 * and checksums are computed for every segment, whatever their fields hold.
 * A segment, or a frame without TSO and USO, has at most TULLE_FRAME_MAX bytes
 * (tags and FCS excluded), whatever the MTU; one WQE makes at most 65535
 * segments.
 */
#define TULLE_MSS_MIN		8
#define TULLE_GSO_HDR_MAX	256
#define TULLE_FRAME_MAX		16384

struct tulle_eth_seg {
	__le16	csum_start;
	__le16	csum_offset;
	__le16	mss;
	__le16	hdr_len;
	__le16	outer_l3;
	__le16	outer_l4;
	__le16	l3;
	__le16	l4;
	__le16	vlan[2];
	__le16	flags;
 #define TULLE_ETH_F_CSUM		0x0001
 #define TULLE_ETH_F_TSO			0x0002
 #define TULLE_ETH_F_USO			0x0004
 #define TULLE_ETH_F_VLAN0		0x0008
 #define TULLE_ETH_F_VLAN0_STAG		0x0010	/* 802.1ad */
 #define TULLE_ETH_F_VLAN1		0x0020	/* needs VLAN0 */
	__le16	rsvd;
	__le32	crypto;
	__le32	meta;
};
TULLE_SIZE(struct tulle_eth_seg, 32);

/*
 * A memory key as work requests and the wire name it: the L_Key or R_Key. The
 * tag starts as the generation of the key's handle; REG_MR and BIND_MW give a
 * new one. TULLE_KEY(handle) is the key of a handle.
 */
#define TULLE_KEY_TAG		TULLE_BITS(7, 0)
#define TULLE_KEY_INDEX		TULLE_BITS(31, 8)
#define TULLE_KEY(handle)	(((__u32)(handle) << 8) | ((__u32)(handle) >> 24))

struct tulle_sge {
	__le64	addr;
	__le32	len;
	__le32	key;		/* SQ, RQ: handle of a memory key; QP, SRQ: the key */
};
TULLE_SIZE(struct tulle_sge, 16);

struct tulle_eth_wqe {
	struct tulle_wqe_ctrl	ctrl;
	struct tulle_eth_seg	eth;
	struct tulle_sge	sge[];
};
TULLE_SIZE(struct tulle_eth_wqe, 48);

/*
 * WQEs of a queue pair: tulle_qp_wqe, then by operation
 *	XRC_INI		tulle_xrc_seg, before SEND*, WRITE*, READ, CMP_SWAP
 *			and FETCH_ADD
 *	SEND*		UD, GSI: tulle_ud_seg; RAW: the SGEs are a whole frame
 *	WRITE*, READ	tulle_rdma_seg
 *	ATOMIC_WRITE	tulle_rdma_seg; 8 bytes, inline
 *	CMP_SWAP, FETCH_ADD	tulle_atomic_seg; one SGE takes the old value
 *	FLUSH		tulle_rdma_seg, no SGE
 *	REG_MR		tulle_reg_mr_seg, no SGE
 *	BIND_MW		tulle_bind_mw_seg, no SGE
 * then inl_len bytes (F_INLINE: SEND, WRITE, ATOMIC_WRITE) or nsge SGEs.
 * total_len is the sum of both but for FLUSH, at most 2^31; a READ has at
 * most max_sq_sges SGEs like all others.
 */
struct tulle_qp_wqe {
	struct tulle_wqe_ctrl	ctrl;
	__le64	wr_id;		/* echoed */
};
TULLE_SIZE(struct tulle_qp_wqe, 24);

struct tulle_xrc_seg {
	__le32	srq;		/* index of the remote XRC SRQ's handle */
	__le32	rsvd;
};
TULLE_SIZE(struct tulle_xrc_seg, 8);

struct tulle_rdma_seg {
	__le64	addr;		/* ATOMIC_WRITE: a multiple of 8 */
	__le32	key;
	__le32	flush;
 #define TULLE_FLUSH_TYPE		TULLE_BITS(3, 0)	/* 1 global, 2 persistent */
 #define TULLE_FLUSH_LEVEL		TULLE_BITS(5, 4)	/* 0 range, 1 whole MR */
};
TULLE_SIZE(struct tulle_rdma_seg, 16);

struct tulle_atomic_seg {
	__le64	addr;		/* a multiple of 8 */
	__le32	key;
	__le32	rsvd;
	__le64	swap_add;
	__le64	compare;
};
TULLE_SIZE(struct tulle_atomic_seg, 32);

/*
 * struct tulle_av: an address vector, of RC and UC QPs (in their attributes)
 * and of every UD datagram
 * vlan: TCI with priority, when F_VLAN is set
 * sgid: index in the function's GID table: source address and its kind
 */
struct tulle_av {
	__u8	dgid[16];	/* IPv4: ::ffff:a.b.c.d */
	__u8	dmac[6];
	__le16	vlan;
	__le32	flow;
 #define TULLE_AV_FLOW_LABEL		TULLE_BITS(19, 0)	/* also the UDP source port's seed */
 #define TULLE_AV_F_VLAN		TULLE_BIT(31)
	__le16	sgid;
	__u8	hop_limit;
	__u8	tclass;
};
TULLE_SIZE(struct tulle_av, 32);

struct tulle_ud_seg {
	__le32	qpn;
	__le32	qkey;		/* highest bit set: the QP's own */
	struct tulle_av av;
};
TULLE_SIZE(struct tulle_ud_seg, 40);

/*
 * Fast registration of a key of type FRWR: it becomes valid for @len bytes at
 * @iova, in pages that a list names. The first byte lies at the same offset in
 * its page as @iova.
 */
struct tulle_reg_mr_seg {
	__le32	key;		/* with the new tag */
	__le32	npages;
	__le64	iova;
	__le64	len;
	__le64	pages;		/* le64 array: page addresses, contiguous, bus address */
	__u8	access;		/* TULLE_MKEY_ */
	__u8	log_page_size;
	__u8	rsvd[6];
};
TULLE_SIZE(struct tulle_reg_mr_seg, 40);

/* len 0 unbinds a window of type 1. */
struct tulle_bind_mw_seg {
	__le32	mw;		/* key of the window, with the new tag */
	__le32	mr;		/* key of the region */
	__le64	iova;
	__le64	len;
	__u8	access;
	__u8	rsvd[7];
};
TULLE_SIZE(struct tulle_bind_mw_seg, 32);

#define TULLE_SQ_BLOCK		64
#define TULLE_SQ_MAX_BLOCKS	16
#define TULLE_GRH_LEN		40	/* UD, GSI: what precedes a datagram in memory */

/*
 * A receive WQE: 1 << log_wqe_size bytes (32..256).
 * Plain: SGEs in order are one buffer. Header split: sge[0] takes the header,
 * sge[1] the payload. Multi-packet: sge[0] is strides, filled one packet
 * after the other.
 */
struct tulle_rq_wqe {
	__le64	wr_id;		/* RDMA user queues; 0 */
	__u8	nsge;
	__u8	rsvd[7];
	struct tulle_sge	sge[];
};
TULLE_SIZE(struct tulle_rq_wqe, 16);

/*
 * 9. Contexts: what CREATE takes and QUERY gives. With TULLE_CAP_RESTORE a
 * create whose handle is not 0 makes the object there, with the indices, serial
 * numbers and counters given: CQs in the state given, SQs and SRQs READY, RQs
 * READY or STOPPED, queue pairs in RESET, memory keys as they are made, an MR
 * also REVOKED. What follows from other objects or traffic (bound, limit, rules,
 * masks, miss_packets) is 0 there too. UARs, XRC domains, counters and QP counters
 * cannot be made so. Otherwise handle and the members marked (state) are 0 in a
 * create.
 */

struct tulle_pd_ctx {
	__le32	handle;
	__le32	rsvd;
};
TULLE_SIZE(struct tulle_pd_ctx, 8);

enum tulle_mkey_type {
	TULLE_MKEY_DMA		= 1,	/* every address of the function's bus */
	TULLE_MKEY_MR		= 2,	/* memory region: pages given at create */
	TULLE_MKEY_FRWR		= 3,	/* likewise, pages given by REG_MR */
	TULLE_MKEY_MW1		= 4,	/* memory window, bound by BIND_MW */
	TULLE_MKEY_MW2		= 5,	/* type 2B: belongs to the QP that bound it */
};

enum tulle_mkey_state {
	TULLE_MKEY_VALID	= 0,
	TULLE_MKEY_FREE		= 1,	/* FRWR, MW: not registered or invalidated */
	TULLE_MKEY_REVOKED	= 2,	/* by MODIFY_MKEY; its memory is gone */
};

/*
 * struct tulle_mkey_ctx: memory key
 * pd: 0 for DMA with F_KERNEL
 * access: what it permits; MW: set by BIND_MW
 * state: (state) enum tulle_mkey_state
 * tag: (state) low bits of the key
 * iova: MR: address that work requests use for the first byte; 0 for DMA
 * len: MR: bytes; FRWR: most bytes, 0: what the pages hold (state: of the
 *	registration); 0 for DMA, MW
 * pages: MR: where the memory lies; levels 1 and 2 as for rings, pages of any
 *	log_page_size that QUERY_RDMA_CAPS names. 0 for others
 * max_pages: FRWR: most entries of a list
 * bound: (state) FRWR, MR: windows bound to it
 */
struct tulle_mkey_ctx {
	__le32	handle;
	__le32	pd;
	__u8	type;
	__u8	access;
 #define TULLE_MKEY_LOCAL_READ		0x01
 #define TULLE_MKEY_LOCAL_WRITE		0x02
 #define TULLE_MKEY_REMOTE_READ		0x04
 #define TULLE_MKEY_REMOTE_WRITE	0x08
 #define TULLE_MKEY_REMOTE_ATOMIC	0x10
 #define TULLE_MKEY_MW_BIND		0x20
 #define TULLE_MKEY_ZERO_BASED		0x40	/* addresses count from 0 */
 #define TULLE_MKEY_FLUSH		0x80
	__u8	flags;
 #define TULLE_MKEY_F_KERNEL		0x01	/* DMA: any PD, for QPs with F_KERNEL only */
	__u8	state;
	__u8	tag;
	__u8	rsvd0[3];
	__le64	iova;
	__le64	len;
	struct tulle_page_list pages;
	__le32	max_pages;
	__le32	bound;
};
TULLE_SIZE(struct tulle_mkey_ctx, 64);

/*
 * Changes a key of type MR at once, between two work requests: when the
 * command is done the old memory is not used any more.
 */
struct tulle_modify_mkey {
	__le32	mask;
 #define TULLE_MKEY_MOD_PD		0x01
 #define TULLE_MKEY_MOD_ACCESS		0x02
 #define TULLE_MKEY_MOD_PAGES		0x04	/* iova, len, pages; VALID again */
 #define TULLE_MKEY_MOD_REVOKE		0x08	/* REVOKED until new pages come */
	__le32	rsvd;
	struct tulle_mkey_ctx ctx;
};
TULLE_SIZE(struct tulle_modify_mkey, 72);

struct tulle_eq_ctx {
	__le32	handle;
	__le16	vector;
	__le16	uar;
	struct tulle_page_list pages;
	__le64	dbr;		/* address of a struct tulle_dbr, 128-byte aligned */
	__u8	log_size;
	__u8	flags;
 #define TULLE_EQ_F_ASYNC		0x01	/* EQ0: commands and asynchronous events */
	__u8	rsvd0[2];
	__le32	pi;		/* (state) */
	__le32	fired_sn;	/* (state) */
	__u8	rsvd1[12];
};
TULLE_SIZE(struct tulle_eq_ctx, 64);

struct tulle_cq_ctx {
	__le32	handle;
	__le32	eq;
	struct tulle_page_list pages;
	__le64	dbr;
	__u8	log_size;
	__u8	log_cqe_size;	/* 5 or 6 */
	__le16	uar;
	__le16	mod_frames;	/* raise an event when so many CQEs wait, */
	__le16	mod_usecs;	/*   or when the last event is so long ago */
	__u8	flags;
 #define TULLE_CQ_F_MOD_CQE		0x01	/* mod_usecs count from the latest CQE */
	__u8	state;		/* (state) enum tulle_queue_state */
	__u8	rsvd0[2];
	__le32	pi;		/* (state) */
	__le32	fired_sn;	/* (state) */
	__u8	rsvd1[4];
};
TULLE_SIZE(struct tulle_cq_ctx, 64);

struct tulle_modify_cq {
	__le32	handle;
	__le16	mod_frames;
	__le16	mod_usecs;
	__u8	flags;
	__u8	rsvd[7];
};
TULLE_SIZE(struct tulle_modify_cq, 16);

/*
 * Another ring for a CQ. CQEs that were not consumed (those from the record's
 * ci on) are copied to where their indices lie in the new one, which must
 * have room for them. The driver does not consume meanwhile. The new ring is
 * zeroed; of the places that stay free those on an odd lap get owner 1.
 */
struct tulle_resize_cq {
	__le32	handle;
	__u8	log_size;
	__u8	rsvd[3];
	struct tulle_page_list pages;
};
TULLE_SIZE(struct tulle_resize_cq, 32);

enum tulle_queue_state {
	TULLE_QUEUE_READY	= 0,
	TULLE_QUEUE_STOPPED	= 1,	/* holds no ring */
	TULLE_QUEUE_ERROR	= 2,	/* stopped by the device */
};

struct tulle_sq_ctx {
	__le32	handle;
	__le32	cq;
	struct tulle_page_list pages;
	__le64	dbr;
	__u8	log_size;	/* in blocks; at least 4 */
	__u8	state;		/* (state) */
	__le16	uar;
	__le16	vport;
	__le16	flags;
 #define TULLE_SQ_F_TIMESTAMP		0x0001
	__le32	ci;		/* (state) */
	__le32	rsvd0;
	__le64	packets;	/* (state) frames sent, segments counted */
	__le64	bytes;		/* (state) without FCS */
	__le64	errors;		/* (state) WQEs refused */
	__le64	drops;		/* (state) frames the steering dropped */
	__u8	rsvd1[40];
};
TULLE_SIZE(struct tulle_sq_ctx, 128);

enum tulle_rq_type {
	TULLE_RQ_PLAIN		= 0,
	TULLE_RQ_MULTI		= 1,
	TULLE_RQ_SPLIT		= 2,
};

/*
 * struct tulle_rq_ctx: receive queue
 * type: enum tulle_rq_type
 * log_stride: MULTI: log2 of a stride's bytes
 * log_strides: MULTI: log2 of the strides in a WQE's buffer
 * split_thresh: SPLIT: packets of at most so many bytes go whole to the
 *	header buffer when they fit
 * flags: TULLE_RQ_F_
 * gro_max: GRO: largest aggregate, headers included; at least 128
 * gro_usecs: GRO: an aggregate is delivered at the latest after this time,
 *	and earlier when the device has no more packets at hand
 *
 * A packet longer than a PLAIN or SPLIT WQE's buffer continues in the next
 * WQE (SPLIT: in its payload buffer) when TULLE_RQ_F_CHAIN is set, and is
 * dropped and counted otherwise. In a MULTI queue a packet that does not fit
 * in the remaining strides starts in the next WQE, and continues in further
 * ones, at their first stride, when it is longer than a whole one.
 * A queue may be created STOPPED, with no ring and no CQ (those members 0);
 * MODIFY_RQ gives it one.
 */
struct tulle_rq_ctx {
	__le32	handle;
	__le32	cq;
	struct tulle_page_list pages;
	__le64	dbr;
	__u8	log_size;	/* in WQEs */
	__u8	log_wqe_size;	/* SPLIT: at least 6 */
	__u8	type;
	__u8	state;		/* (state) */
	__le16	uar;
	__le16	vport;
	__u8	log_stride;
	__u8	log_strides;
	__le16	split_thresh;
	__le32	flags;
 #define TULLE_RQ_F_VLAN_STRIP		0x0001	/* the outer 802.1Q tag */
 #define TULLE_RQ_F_STAG_STRIP		0x0002	/* the outer 802.1ad tag, and an 802.1Q tag in it */
 #define TULLE_RQ_F_FCS			0x0004	/* keep the FCS */
 #define TULLE_RQ_F_CHAIN		0x0008
 #define TULLE_RQ_F_GRO			0x0010
 #define TULLE_RQ_F_TIMESTAMP		0x0020
 #define TULLE_RQ_F_CSUM_COMPLETE	0x0040
	__le32	gro_max;
	__le16	gro_usecs;
	__le16	rsvd0;
	__le32	ci;		/* (state) next WQE */
	__le32	stride;		/* (state) next stride */
	__le64	packets;	/* (state) frames, before aggregation */
	__le64	bytes;		/* (state) without FCS */
	__le64	drops_dry;	/* (state) no buffer */
	__le64	drops_big;	/* (state) buffer too small */
	__le64	drops_stopped;	/* (state) not READY */
	__u8	rsvd1[16];
};
TULLE_SIZE(struct tulle_rq_ctx, 128);

/* Swaps ring, CQ, type and flags of a queue at once, between two packets. */
struct tulle_modify_rq {
	__le32	mask;
 #define TULLE_RQ_MOD_STATE		0x01	/* ctx.state: READY or STOPPED */
 #define TULLE_RQ_MOD_RING		0x02	/* ring, CQ, record, UAR, type, strides; makes it READY */
 #define TULLE_RQ_MOD_FLAGS		0x04	/* flags, gro_max, gro_usecs, split_thresh */
	__le32	rsvd;
	struct tulle_rq_ctx ctx;
};
TULLE_SIZE(struct tulle_modify_rq, 136);

enum tulle_rss_type {
	TULLE_RSS_TCP4		= 0,
	TULLE_RSS_UDP4		= 1,
	TULLE_RSS_IP4		= 2,	/* anything else in IPv4 */
	TULLE_RSS_TCP6		= 3,
	TULLE_RSS_UDP6		= 4,
	TULLE_RSS_IP6		= 5,
	TULLE_RSS_TYPES		= 8,	/* room */
};

#define TULLE_RSS_F_L3_SRC	0x01
#define TULLE_RSS_F_L3_DST	0x02
#define TULLE_RSS_F_L4_SRC	0x04	/* TCP and UDP types only */
#define TULLE_RSS_F_L4_DST	0x08
#define TULLE_RSS_F_IP6_FL	0x10	/* IPv6 types only; hashed behind the ports */

enum tulle_rss_sym {
	TULLE_RSS_SYM_NONE	= 0,
	TULLE_RSS_SYM_XOR	= 1,	/* src ^ dst replaces both */
	TULLE_RSS_SYM_OR_XOR	= 2,	/* (src | dst, src ^ dst) replace (src, dst) */
};

#define TULLE_RSS_KEY_LEN	52

/*
 * Toeplitz over {L3 src, L3 dst, L4 src, L4 dst, flow label}, as far as the
 * type's fields say, in wire order. A packet whose type has no fields goes
 * to the table's first queue and carries no hash.
 */
struct tulle_rss_ctx {
	__le32	handle;
	__le16	vport;
	__u8	log_size;	/* entries of the table */
	__u8	sym;
	__u8	fields[TULLE_RSS_TYPES];	/* TULLE_RSS_F_, by enum tulle_rss_type */
	__u8	key[TULLE_RSS_KEY_LEN];
	__u8	rsvd[60];
};
TULLE_SIZE(struct tulle_rss_ctx, 128);

/* What CREATE takes and QUERY gives. */
struct tulle_rss {
	struct tulle_rss_ctx ctx;
	__le32	rq[];		/* 1 << ctx.log_size handles */
};
TULLE_SIZE(struct tulle_rss, 128);

struct tulle_modify_rss {
	__le32	mask;
 #define TULLE_RSS_MOD_KEY		0x01	/* key and sym */
 #define TULLE_RSS_MOD_FIELDS		0x02
 #define TULLE_RSS_MOD_TABLE		0x04	/* log_size and rq[] */
	__le32	rsvd;
	struct tulle_rss_ctx ctx;
	__le32	rq[];
};
TULLE_SIZE(struct tulle_modify_rss, 136);

#endif /* TULLE_HW_QUEUE_H */
