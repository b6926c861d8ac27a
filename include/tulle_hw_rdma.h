/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/* Tulle device interface: RDMA. A part of tulle_hw.h, which includes it. */
#ifndef TULLE_HW_RDMA_H
#define TULLE_HW_RDMA_H

/*
 * 12. RDMA
 *
 * RoCEv2. A packet that reaches a vport is RDMA's when it is UDP to port
 * TULLE_ROCE_PORT and either its destination address is in the function's GID
 * table and its destination MAC address is that entry's, or a multicast one; or
 * its destination address is a group that a QP of the function is attached to
 * and its destination MAC address is a multicast one. All others go on to the Rx
 * root table. QPs are named on the wire by the index of their handle; indices 0
 * and 1 are not given out, the GSI QP is 1 there.
 */
#define TULLE_ROCE_PORT		4791
#define TULLE_QPN_GSI		1
#define TULLE_QPN_MCAST		0xffffff
#define TULLE_PKEY_DEFAULT	0xffff	/* the only one; 0x7fff is taken as well */

/* Every limit is of one object, except where it says otherwise. */
struct tulle_rdma_caps {
	__le64	node_guid;	/* made from the permanent address; big-endian bytes */
	__le64	page_sizes;	/* of keys: bit n = pages of 1 << n bytes */
	__le64	max_mr_size;
	__le32	max_mr_pages;
	__le32	max_frwr_pages;
	__u8	log_max_qp_sq;	/* blocks */
	__u8	log_max_qp_rq;	/* WQEs; SRQs as well */
	__u8	log_max_rq_wqe;	/* bytes */
	__u8	max_sq_sges;
	__u8	max_rq_sges;
	__u8	max_blocks;	/* of a send WQE */
	__le16	max_inline;
	__u8	max_rd_atomic;	/* outstanding as requester */
	__u8	max_dest_rd_atomic;	/* as responder */
	__u8	min_mtu;	/* log2: 8..12 */
	__u8	max_mtu;
	__le16	max_gids;
	__le16	max_mcast_qps;	/* QPs in one group */
	__le32	max_mcast_groups;	/* of the function */
	__le32	ops[2];		/* bit per enum tulle_wqe_op */
	__u8	rsvd[196];
};
TULLE_SIZE(struct tulle_rdma_caps, 256);

/* Of QPs bound to a counter; or of the function since its reset, without those. */
struct tulle_rdma_stats {
	__le64	tx_packets;
	__le64	tx_bytes;	/* IP packets, whole */
	__le64	rx_packets;
	__le64	rx_bytes;
	__le64	tx_messages;	/* requests begun */
	__le64	rx_messages;	/* requests executed for others */
	__le64	loopback_messages;	/* of tx_messages, without packets */
	__le64	tx_acks;
	__le64	rx_acks;
	__le64	tx_naks_seq;
	__le64	rx_naks_seq;
	__le64	tx_naks_rnr;
	__le64	rx_naks_rnr;
	__le64	tx_naks_error;	/* invalid request, access, operational */
	__le64	rx_naks_error;
	__le64	retransmits;	/* packets sent again */
	__le64	timeouts;
	__le64	retry_exceeded;
	__le64	rnr_retry_exceeded;
	__le64	duplicates;	/* requests seen again */
	__le64	out_of_sequence;
	__le64	implied_naks;
	__le64	icrc_errors;
	__le64	malformed;	/* headers or lengths that cannot be */
	__le64	no_qp;		/* QP absent, of another type or state */
	__le64	bad_key;	/* P_Key or Q_Key */
	__le64	bad_source;	/* not the QP's partner */
	__le64	ud_drops;	/* datagrams: no receive WQE, or too small */
	__le64	uc_drops;	/* messages */
	__le64	ecn_marked;	/* packets received with CE */
	__le64	cnps;		/* congestion notifications received */
	__le64	fifo_drops;	/* packets the engine had no room for: 0 in this one */
	__le64	local_errors;	/* completions with a local error */
	__le64	remote_errors;
	__le64	flushed;
	__le64	doorbells;	/* of QPs and SRQs */
	__le64	rsvd[28];
};
TULLE_SIZE(struct tulle_rdma_stats, 512);

enum tulle_gid_type {
	TULLE_GID_NONE		= 0,	/* entry not in use */
	TULLE_GID_IPV4		= 1,	/* RoCEv2 over IPv4, ::ffff:a.b.c.d */
	TULLE_GID_IPV6		= 2,
};

struct tulle_gid {
	__le16	index;
	__u8	type;
	__u8	flags;
 #define TULLE_GID_F_VLAN		0x01
	__le16	vlan;		/* id, 0..4094; packets with another tag, or none, are not for it */
	__u8	mac[6];		/* unicast; source of what is sent, destination of what is taken */
	__u8	rsvd[4];
	__u8	gid[16];
};
TULLE_SIZE(struct tulle_gid, 32);

struct tulle_query_gid {
	__le16	index;
	__u8	rsvd[6];
};
TULLE_SIZE(struct tulle_query_gid, 8);

enum tulle_qp_type {
	TULLE_QP_RC		= 0,
	TULLE_QP_UC		= 1,
	TULLE_QP_UD		= 2,
	TULLE_QP_GSI		= 3,	/* one of a function; QP 1 */
	TULLE_QP_XRC_INI	= 4,	/* has no RQ */
	TULLE_QP_XRC_TGT	= 5,	/* has no queues */
	TULLE_QP_RAW		= 6,
};

enum tulle_qp_state {
	TULLE_QPS_RESET		= 0,
	TULLE_QPS_INIT		= 1,
	TULLE_QPS_RTR		= 2,
	TULLE_QPS_RTS		= 3,
	TULLE_QPS_SQD		= 4,
	TULLE_QPS_SQE		= 5,
	TULLE_QPS_ERR		= 6,
};

/*
 * struct tulle_qp_ctx: queue pair
 * send_cq, recv_cq: of the same function; XRC_TGT: 0; XRC_INI: no recv_cq
 * pd: XRC_TGT: may be 0
 * srq: takes the place of the RQ, of RC, UC and UD; 0: none. None with F_XRC:
 *	requests name those
 * xrcd: XRC_TGT; others 0
 * sq: page list of the SQ, blocks of 64 bytes
 * rq: of the RQ, struct tulle_rq_wqe; 0 with an SRQ
 * dbr: doorbell record of both; 0 for XRC_TGT
 * sq_ci, rq_ci: (state) what was fetched
 */
struct tulle_qp_ctx {
	__le32	handle;
	__le32	pd;
	__le32	send_cq;
	__le32	recv_cq;
	__le32	srq;
	__le32	xrcd;
	struct tulle_page_list sq;
	struct tulle_page_list rq;
	__le64	dbr;
	__u8	type;
	__u8	state;		/* (state) enum tulle_qp_state */
	__u8	log_sq_size;	/* blocks; at least 4 */
	__u8	log_rq_size;	/* WQEs */
	__u8	log_rq_wqe;	/* bytes */
	__u8	flags;
 #define TULLE_QP_F_KERNEL		0x01	/* may use keys with F_KERNEL */
 #define TULLE_QP_F_SIG_ALL		0x02	/* every send WQE is reported */
 #define TULLE_QP_F_NO_LOOPBACK		0x04	/* UD: not the multicast it sends itself */
	__le16	uar;
	__le32	sq_ci;
	__le32	rq_ci;
	__u8	rsvd[32];
};
TULLE_SIZE(struct tulle_qp_ctx, 128);

/*
 * struct tulle_qp_attr: what MODIFY_QP changes, names and units as in the
 * verbs
 * state: new state; QUERY: the present one
 * cur_state: with MOD_CUR_STATE: what the driver takes the state to be
 * path_mtu: log2 of bytes
 * access: TULLE_MKEY_REMOTE_* and FLUSH that peers may do
 * min_rnr_timer: 0..31, IBTA table 45
 * timeout: local ACK timeout, 4.096 us << n; 0: never
 * rnr_retry: 7: for ever
 * flags: TULLE_QP_ATTR_
 * counter: QP counter, 0: none
 */
struct tulle_qp_attr {
	__u8	state;
	__u8	cur_state;
	__u8	path_mtu;
	__u8	access;
	__u8	max_rd_atomic;
	__u8	max_dest_rd_atomic;
	__u8	min_rnr_timer;
	__u8	timeout;
	__u8	retry_cnt;
	__u8	rnr_retry;
	__u8	flags;
 #define TULLE_QP_ATTR_SQD_EVENT		0x01	/* raise SQ_DRAINED when drained */
 #define TULLE_QP_ATTR_DRAINING		0x02	/* (state) in SQD, not drained yet */
	__u8	rsvd0;
	__le16	pkey_index;
	__le16	rsvd1;
	__le32	qkey;
	__le32	dest_qpn;
	__le32	sq_psn;
	__le32	rq_psn;
	__le32	counter;
	__u8	rsvd2[4];
	struct tulle_av av;
	__u8	rsvd3[24];
};
TULLE_SIZE(struct tulle_qp_attr, 96);

/*
 * The device has its own table of the transitions and of what each requires
 * and permits, that of the verbs. To RESET: the queues are empty, no completion
 * of them comes after the command; record and rings belong to the driver
 * again, which starts from index 0.
 */
struct tulle_modify_qp {
	__le32	handle;
	__le32	mask;
 #define TULLE_QP_MOD_STATE		0x000001
 #define TULLE_QP_MOD_CUR_STATE		0x000002
 #define TULLE_QP_MOD_SQD_EVENT		0x000004
 #define TULLE_QP_MOD_ACCESS		0x000008
 #define TULLE_QP_MOD_PKEY_INDEX	0x000010
 #define TULLE_QP_MOD_QKEY		0x000040
 #define TULLE_QP_MOD_AV		0x000080
 #define TULLE_QP_MOD_PATH_MTU		0x000100
 #define TULLE_QP_MOD_TIMEOUT		0x000200
 #define TULLE_QP_MOD_RETRY_CNT		0x000400
 #define TULLE_QP_MOD_RNR_RETRY		0x000800
 #define TULLE_QP_MOD_RQ_PSN		0x001000
 #define TULLE_QP_MOD_MAX_RD_ATOMIC	0x002000
 #define TULLE_QP_MOD_MIN_RNR_TIMER	0x008000
 #define TULLE_QP_MOD_SQ_PSN		0x010000
 #define TULLE_QP_MOD_MAX_DEST_RD_ATOMIC 0x020000
 #define TULLE_QP_MOD_DEST_QPN		0x100000
 #define TULLE_QP_MOD_COUNTER		0x800000
	struct tulle_qp_attr attr;
};
TULLE_SIZE(struct tulle_modify_qp, 104);

struct tulle_query_qp {
	struct tulle_qp_ctx ctx;
	struct tulle_qp_attr attr;
};
TULLE_SIZE(struct tulle_query_qp, 224);

/*
 * struct tulle_srq_ctx: shared receive queue; struct tulle_rq_wqe in ring
 * order. A slot is free again when its WQE was fetched: ci_hint says so, but
 * a driver that cannot trust the device counts completions.
 * cq, xrcd: of an XRC SRQ; 0 of others
 */
struct tulle_srq_ctx {
	__le32	handle;
	__le32	pd;
	__le32	cq;
	__le32	xrcd;
	struct tulle_page_list pages;
	__le64	dbr;
	__u8	log_size;
	__u8	log_wqe_size;
	__u8	state;		/* (state) enum tulle_queue_state */
	__u8	flags;
 #define TULLE_SRQ_F_KERNEL		0x01	/* no effect: the QP's flag counts */
 #define TULLE_SRQ_F_XRC		0x02
	__le16	uar;
	__le16	limit;		/* (state) 0: not armed */
	__le32	ci;		/* (state) */
	__u8	rsvd[4];
};
TULLE_SIZE(struct tulle_srq_ctx, 64);

/* SRQ_LIMIT is raised once when fewer than so many WQEs are there; 0 disarms. */
struct tulle_arm_srq {
	__le32	handle;
	__le16	limit;
	__le16	rsvd;
};
TULLE_SIZE(struct tulle_arm_srq, 8);

struct tulle_mcast {
	__le32	qp;
	__le32	rsvd;
	__u8	gid[16];
};
TULLE_SIZE(struct tulle_mcast, 24);

#endif /* TULLE_HW_RDMA_H */
