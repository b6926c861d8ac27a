/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * RDMA, shared by its files: memory keys, queue pairs, GIDs, and the RoCEv2
 * transport. Everything runs under the engine lock, in passes.
 *
 *	objects		mkey.c qp.c qp_state.c qp_attr.c srq.c gid.c mcast.c xrcd.c
 *			qp_counter.c rdma_caps.c
 *	memory		mkey_access.c mkey_wr.c sgl.c
 *	queues		qp_queue.c
 *	transport	transport.c wqe.c requester.c ack.c retry.c responder.c
 *			respond.c atomic.c uc.c ud.c raw.c loop.c
 *	wire		roce.c roce_tx.c data.c icrc.c
 */
#ifndef TFW_RDMA_H
#define TFW_RDMA_H

#include "dev.h"
#include "frame.h"

/* Limits, also told by QUERY_RDMA_CAPS. */
#define TFW_MAX_QP_SGES		30
#define TFW_MAX_QP_RQ_SGES	15
#define TFW_MAX_QP_INLINE	512
#define TFW_MAX_RD_ATOMIC	16	/* a power of two: partners round their limit up */
#define TFW_MAX_GIDS		256
#define TFW_MAX_MESSAGE		0x80000000U
#define TFW_PSN_MASK		0xffffff
#define TFW_MIN_PATH_MTU	256
#define TFW_MAX_PATH_MTU	4096
/* Ethernet with two tags, IPv6, UDP, BTH, XRCETH, AtomicETH, ICRC */
#define TFW_ROCE_HEADERS	(14 + 8 + 40 + 8 + 12 + 4 + 28 + 4)
#define TFW_LOG_MIN_QP_SQ	4	/* the longest WQE fits */
#define TFW_LOG_MAX_QP_SQ	16	/* blocks */
#define TFW_LOG_MAX_QP_RQ	15
#define TFW_MAX_MR_PAGES	(1U << 18)	/* as a list of two levels names */
#define TFW_MAX_FRWR_PAGES	2048
#define TFW_MAX_MR_SIZE		(1ULL << 48)
#define TFW_MKEY_PAGES		(1U << 24)	/* of all keys of a function */
#define TFW_MAX_MCAST_GROUPS	256
#define TFW_MAX_MCAST_QPS	256	/* in one group */

/* a - b for 24-bit sequence numbers: negative when a is before b. */
static inline s32 tfw_psn_diff(u32 a, u32 b)
{
	return (s32)((a - b) << 8) >> 8;
}

/*
 * Memory keys (mkey.c, mkey_access.c, mkey_wr.c)
 */

struct tfw_qp;

/**
 * struct tfw_mkey - a memory key
 * @pd: owner of its memory; NULL for the kernel's DMA key
 * @mr: MW: the region it is bound to, referenced; else NULL
 * @qp: MW2: QPN + generation handle of the queue pair that bound it
 * @iova: address of its first byte for users of the key
 * @len: bytes
 * @max_len: FRWR: most bytes of a registration; 0: as many as the pages hold
 * @pages: page addresses, host order; NULL when contiguous (@base)
 * @base: address of the first byte, when contiguous; MW: what users of @mr call
 *	its first byte
 * @npages: in @pages
 * @max_pages: FRWR: room in @pages
 * @offset: of the first byte in its page
 * @log_page: bytes of a page
 * @list: what CREATE or MODIFY was given, for QUERY
 * @bound: windows bound to it
 */
struct tfw_mkey {
	struct tfw_obj		obj;
	struct tfw_obj		*pd;
	struct tfw_mkey		*mr;
	u32			qp;
	u64			iova;
	u64			len;
	u64			max_len;
	u64			*pages;
	u64			base;
	u32			npages;
	u32			max_pages;
	u32			offset;
	u32			bound;
	u8			type;		/* enum tulle_mkey_type */
	u8			access;		/* TULLE_MKEY_ */
	u8			flags;
	u8			state;		/* enum tulle_mkey_state */
	u8			tag;
	u8			log_page;
	struct tulle_page_list	list;
};

/*
 * The valid key that a work request or packet of @qp names, when it permits
 * @access to [addr, addr + len), else NULL. Checks tag, state, PD (MW2: QP),
 * F_KERNEL, rights and bounds. @remote: the key came off the wire.
 */
struct tfw_mkey *tfw_mkey_get(struct tfw_qp *qp, u32 key, u64 addr, u64 len,
			      u8 access, bool remote);

/*
 * Bus address of @addr, which the key covers, and in *@n (in: bytes wanted)
 * how many bytes are contiguous there.
 */
u64 tfw_mkey_piece(const struct tfw_mkey *k, u64 addr, u32 *n);

/* Copies through a key that tfw_mkey_get() returned; false: DMA error. */
bool tfw_mkey_read(const struct tfw_mkey *k, u64 addr, void *buf, u32 len);
bool tfw_mkey_write(const struct tfw_mkey *k, u64 addr, const void *buf,
		    u32 len);

/*
 * Guest memory to guest memory, without a copy in between where both sides
 * can be mapped; false: DMA error.
 */
bool tfw_mkey_copy(const struct tfw_mkey *to, u64 to_addr,
		   const struct tfw_mkey *from, u64 from_addr, u32 len);

/* What REG_MR, LOCAL_INV, BIND_MW and remote invalidates do; a WC status. */
u8 tfw_mkey_register(struct tfw_qp *qp, const struct tulle_reg_mr_seg *seg);
u8 tfw_mkey_bind(struct tfw_qp *qp, const struct tulle_bind_mw_seg *seg);
u8 tfw_mkey_invalidate(struct tfw_qp *qp, u32 key, bool remote);

/* The windows of type 2B of a QP that goes away become free. */
void tfw_mkey_qp_gone(struct tfw_qp *qp);

/* A window is free again; nothing else. */
void tfw_mkey_unbind(struct tfw_mkey *mw);

/* Are these rights that a region may have? */
bool tfw_mkey_access_ok(u8 access);

/*
 * Handle of the PD by which keys are judged now; XRC targets: that of the SRQ
 * that the latest message names.
 */
u32 tfw_qp_pd(struct tfw_qp *qp);

/* As tfw_mkey_get(), for a key of the PD with handle @pd; 0: tfw_qp_pd(). */
struct tfw_mkey *tfw_mkey_get_of(struct tfw_qp *qp, u32 pd, u32 key, u64 addr,
				 u64 len, u8 access, bool remote);

/*
 * Scatter/gather lists (sgl.c)
 */

/**
 * struct tfw_sgl - where the bytes of a message lie in local memory
 * @n: entries
 * @len: bytes of all
 * @inl: they are here instead; NULL: not inline
 * @pd: handle of the PD that the keys belong to; 0: the QP's. That of an SRQ's
 *	WQE is the SRQ's, tfw_recv_take() sets it; all others leave 0 here
 */
struct tfw_sgl {
	u32			n;
	u32			len;
	const u8		*inl;
	u32			pd;
	struct tulle_sge	sge[TFW_MAX_QP_SGES];
};

/*
 * [off, off + len) of the list. Keys are looked up anew, because they may be
 * gone by now. A WC status: SUCCESS, LOC_PROT, or LOC_LEN when the list is too
 * short.
 */
u8 tfw_sgl_read(struct tfw_qp *qp, const struct tfw_sgl *sgl, u32 off,
		void *buf, u32 len);
u8 tfw_sgl_write(struct tfw_qp *qp, const struct tfw_sgl *sgl, u32 off,
		 const void *buf, u32 len);

/* Is every entry good for @access now? A WC status. */
u8 tfw_sgl_check(struct tfw_qp *qp, const struct tfw_sgl *sgl, u8 access);

/*
 * GIDs (gid.c)
 */

/* struct tfw_gid - an entry of a function's table */
struct tfw_gid {
	u8	gid[16];
	u8	mac[6];
	u16	vlan;
	u8	type;		/* enum tulle_gid_type */
	bool	tagged;		/* @vlan counts */
};

/* ::ffff:a.b.c.d? A group, of IPv6 (ff00::/8) or IPv4 (224.0.0.0/4)? */
bool tfw_gid_is_v4(const u8 *gid);
bool tfw_gid_is_multicast(const u8 *gid);

/* Entry @index of the function, or NULL when it is not in use. */
const struct tfw_gid *tfw_gid_at(struct tfw_func *f, u16 index);

/* Is that its tag (vlan < 0: none)? */
static inline bool tfw_gid_on_vlan(const struct tfw_gid *g, int vlan)
{
	return g->tagged ? g->vlan == vlan : vlan < 0;
}

/*
 * The entry with that address and tag (vlan < 0: untagged), or NULL. An
 * IPv4 address is given as ::ffff:a.b.c.d.
 */
const struct tfw_gid *tfw_gid_find(struct tfw_func *f, const u8 *gid, int vlan);

/* Which function of any device of the engine has it? For loopback. */
struct tfw_func *tfw_gid_owner(struct tfw_dev *dev, const u8 *gid, int vlan);

/*
 * Queue pairs (qp.c, qp_state.c)
 */

struct tfw_requester;	/* transport.h */
struct tfw_responder;	/* transport.h */

/**
 * struct tfw_rdma_stats - same members as struct tulle_rdma_stats, host order
 */
struct tfw_rdma_stats {
	u64	tx_packets;
	u64	tx_bytes;
	u64	rx_packets;
	u64	rx_bytes;
	u64	tx_messages;
	u64	rx_messages;
	u64	loopback_messages;
	u64	tx_acks;
	u64	rx_acks;
	u64	tx_naks_seq;
	u64	rx_naks_seq;
	u64	tx_naks_rnr;
	u64	rx_naks_rnr;
	u64	tx_naks_error;
	u64	rx_naks_error;
	u64	retransmits;
	u64	timeouts;
	u64	retry_exceeded;
	u64	rnr_retry_exceeded;
	u64	duplicates;
	u64	out_of_sequence;
	u64	implied_naks;
	u64	icrc_errors;
	u64	malformed;
	u64	no_qp;
	u64	bad_key;
	u64	bad_source;
	u64	ud_drops;
	u64	uc_drops;
	u64	ecn_marked;
	u64	cnps;
	u64	fifo_drops;
	u64	local_errors;
	u64	remote_errors;
	u64	flushed;
	u64	doorbells;
	u64	rsvd[28];
};
TULLE_SIZE(struct tfw_rdma_stats, sizeof(struct tulle_rdma_stats));

struct tfw_qp_counter {
	struct tfw_obj		obj;
	struct tfw_rdma_stats	stats;
};

/*
 * Counts for the QP's counter, or, of a QP without one, for the function: once,
 * because drivers' cores add up both.
 */
#define TFW_QP_COUNT(qp, member, n)					\
	(*((qp)->counter ? &(qp)->counter->stats.member :		\
			   &(qp)->obj.func->rdma->stats.member) += (n))

/**
 * struct tfw_rq_side - ring of receive WQEs: an SRQ, or a QP's own
 * @pi: as last read from the record; @dbr_pi: address of it there
 * @evt: event index as last written; @dbr_evt: its address
 * @ci: next to fetch
 */
struct tfw_rq_side {
	struct tfw_ring	ring;
	u64		dbr_pi;
	u64		dbr_evt;
	u32		pi;
	u32		evt;
	u32		ci;
};

/**
 * struct tfw_recv - a receive WQE, copied and checked
 * @wqe: its index (what the CQE tells: see struct tulle_rdma_cqe)
 * @valid: one was taken and not completed yet; tfw_recv_take() sets it, who
 *	completes it clears it
 */
struct tfw_recv {
	u64		wr_id;
	u32		wqe;
	bool		valid;
	struct tfw_sgl	sgl;
};

struct tfw_srq {
	struct tfw_obj		obj;
	struct tfw_rq_side	rq;
	struct tfw_obj		*pd;
	struct tfw_cq		*cq;		/* XRC */
	struct tfw_obj		*xrcd;
	u64			dbr;
	u32			events;		/* pending, bit per code */
	u16			limit;
	u16			uar;
	u8			state;		/* enum tulle_queue_state */
	u8			flags;		/* TULLE_SRQ_F_ */
};

/**
 * struct tfw_qp - a queue pair
 * @work: run while the SQ has something to do: WQEs, retransmission, flush,
 *	responses that did not fit in a pass
 * @sq_work_run is requester.c's tfw_requester_run()
 * @attr: as MODIFY_QP left them, host order
 * @req, @resp: of the transport; NULL in RESET, @resp of datagrams as well
 * @recv: receive WQE of the message that is arriving
 * @events: pending, bit per enum tulle_qp_event
 * @windows: of type 2B that it bound
 * @xrc_srq: XRC_TGT: handle of the SRQ that the message under way names. The
 *	responder sets it for every message, SENDs or not: keys are judged by
 *	that SRQ's PD, and receives complete on its CQ
 */
struct tfw_qp {
	struct tfw_obj		obj;
	struct tfw_work		work;
	struct tfw_ring		sq;
	struct tfw_rq_side	rq;
	struct tfw_cq		*send_cq;
	struct tfw_cq		*recv_cq;
	struct tfw_obj		*pd;
	struct tfw_obj		*xrcd;
	struct tfw_srq		*srq;
	struct tfw_qp_counter	*counter;
	struct tfw_requester	*req;
	struct tfw_responder	*resp;
	struct tfw_recv		recv;
	u64			dbr;
	u32			sq_pi;		/* as last read */
	u32			sq_ci;		/* next block to fetch */
	u32			sq_evt;		/* as last written */
	u32			events;
	u32			windows;
	u32			xrc_srq;
	u16			uar;
	u8			type;		/* enum tulle_qp_type */
	u8			state;		/* enum tulle_qp_state */
	u8			flags;		/* TULLE_QP_F_ */
	bool			draining;	/* SQD, not drained yet */
	bool			comm_est;	/* the event was raised */
	struct {
		u8		path_mtu;	/* log2 */
		u8		access;
		u8		max_rd_atomic;
		u8		max_dest_rd_atomic;
		u8		min_rnr_timer;
		u8		timeout;
		u8		retry_cnt;
		u8		rnr_retry;
		bool		sqd_event;
		u16		pkey_index;
		u32		qkey;
		u32		dest_qpn;
		u32		sq_psn;
		u32		rq_psn;
		struct tulle_av	av;
	} attr;
};

/* QPN on the wire and in CQEs. */
static inline u32 tfw_qp_num(const struct tfw_qp *qp)
{
	return tfw_obj_index(&qp->obj);
}

/* Of a function, by number off the wire; NULL: none. */
struct tfw_qp *tfw_qp_by_number(struct tfw_func *f, u32 qpn);
struct tfw_srq *tfw_srq_by_number(struct tfw_func *f, u32 srqn);

/* May it take requests (RTR..SQE)? May its SQ run (RTS, SQE for UD not)? */
bool tfw_qp_can_receive(const struct tfw_qp *qp);
bool tfw_qp_can_send(const struct tfw_qp *qp);

/*
 * The QP stops for good: to ERR (UC, UD, GSI, RAW after an SQ error: to SQE), by
 * which both queues flush. @event: enum tulle_qp_event, or -1. The transport
 * hears of it by tfw_transport_changed(), once: in ERR (SQE) already, nothing
 * happens. With an SRQ the receive under way is flushed and LAST_WQE raised
 * here, behind that call.
 */
void tfw_qp_fail(struct tfw_qp *qp, int event);
void tfw_qp_sq_error(struct tfw_qp *qp);

/*
 * In SQD the transport finds that what the SQ had begun is done: the QP is
 * drained, and the event goes out when it was asked for. Any number of times.
 */
void tfw_qp_drained(struct tfw_qp *qp);

/*
 * Next WQE of the SQ as a private copy in @buf (TULLE_SQ_MAX_BLOCKS blocks),
 * its blocks taken; a size in blocks, 0: none there, < 0: all that was there is
 * skipped. *@wrong then tells why: 0: not reachable, and the QP was failed; else
 * a member of the first block that cannot be, for which the caller has the QP
 * fail: the wr_id is all that can be told of it.
 */
int tfw_qp_fetch(struct tfw_qp *qp, u8 *buf, u8 *wrong);

/* How far has the SQ been filled? Into @sq_pi; false: not reachable. */
bool tfw_qp_sq_load(struct tfw_qp *qp);

/*
 * Idle protocol of the SQ, as tfw_wq_sleep(): true: off the hot list, a kick
 * will come.
 */
bool tfw_qp_sleep(struct tfw_qp *qp);

/* Next receive WQE of the RQ or SRQ, into @r. */
enum tfw_recv_result {
	TFW_RECV_OK,
	TFW_RECV_DRY,		/* its owner was asked to ring */
	TFW_RECV_BAD,		/* malformed: completed with an error, QP failed */
};

enum tfw_recv_result tfw_recv_take(struct tfw_qp *qp, struct tfw_srq *xrc_srq,
				   struct tfw_recv *r);

/*
 * Completions. CQE members that are the same for all are filled in here
 * (qn_op, owner; of receives wr_id and wqe as well); the caller gives wr_id,
 * wqe, status, and what it knows. A CQ that is in error fails the QP. What is
 * not SUCCESS wakes a CQ armed for solicited events, and is counted here:
 * local_errors, remote_errors or flushed.
 */
void tfw_qp_complete_send(struct tfw_qp *qp, struct tulle_rdma_cqe *cqe, u8 op,
			  bool solicited);
void tfw_qp_complete_recv(struct tfw_qp *qp, const struct tfw_recv *r,
			  struct tulle_rdma_cqe *cqe, u8 op, const u8 *smac,
			  bool solicited);

/* The receive WQE that was taken for a message, if any, is flushed. */
void tfw_qp_flush_recv(struct tfw_qp *qp);

void tfw_event_qp(struct tfw_qp *qp, enum tulle_qp_event code);
void tfw_event_srq(struct tfw_srq *srq, enum tulle_srq_event code);

/*
 * Multicast (mcast.c): calls @fn for every QP of the function in that group.
 */
void tfw_mcast_each(struct tfw_func *f, const u8 *gid,
		    void (*fn)(struct tfw_qp *qp, void *arg), void *arg);

/*
 * Per function: struct tfw_func.rdma, made at function reset when the
 * capability is there.
 */
struct tfw_rdma {
	struct tfw_rdma_stats	stats;
	u32			ops;	/* bits by enum tulle_wqe_op: those it knows */
	struct tfw_gid		gid[TFW_MAX_GIDS];
	u32			ngids;	/* none is in use from here on */
	u32			epoch;	/* grows when GIDs, QPs or the way between vports change */
	struct tfw_list		mcast;	/* groups: mcast.c */
	u32			ngroups;
	u32			mkey_pages;	/* addresses that keys hold */
	struct tfw_work		cq_work;	/* fails the QPs of CQs in error */
	u32			cq_next;	/*   how far it is */
};

/* Do the function's capabilities have that operation (TULLE_WQE_)? */
static inline bool tfw_rdma_knows(const struct tfw_func *f, u8 op)
{
	return op < 32 && f->rdma->ops & TULLE_BIT(op);
}

bool tfw_rdma_init(struct tfw_func *f);
void tfw_rdma_reset(struct tfw_func *f);
void tfw_rdma_cleanup(struct tfw_func *f);
void tfw_rdma_changed(struct tfw_dev *dev);	/* the epoch moves on */

/*
 * Among the objects' files
 */

/* A CQ in error: so are the QPs that use it, soon. */
void tfw_qp_cq_error(struct tfw_func *f);

/* Kicks: of a QP's SQ and RQ; all that may have been lost. */
void tfw_qp_kick_sq(struct tfw_qp *qp);
void tfw_qp_kick_rq(struct tfw_qp *qp);
void tfw_rdma_kick_all(struct tfw_func *f, u64 pages);

/* To RESET: indices and what is under way are forgotten. */
void tfw_qp_queues_reset(struct tfw_qp *qp);

/* The ring side of an RQ or SRQ. */
bool tfw_rq_side_load(struct tfw_func *f, struct tfw_rq_side *rq);
bool tfw_rq_side_is_dry(struct tfw_func *f, struct tfw_rq_side *rq, bool *ok);

/* Takes WQE @ci, which is there; a WC status (of the WQE), < 0: not reachable. */
int tfw_rq_side_take(struct tfw_func *f, struct tfw_rq_side *rq, bool judge,
		     struct tfw_recv *r);

/* The SRQ: one was taken: is the limit passed? Its ring is nonsense. */
void tfw_srq_check_limit(struct tfw_srq *srq);
void tfw_srq_error(struct tfw_srq *srq);

/* Checks the attributes that @mask names; on OK tfw_qp_attr_set() takes them. */
enum tulle_status tfw_qp_attr_check(struct tfw_cmd *cmd, struct tfw_qp *qp,
				    const struct tulle_modify_qp *req);
void tfw_qp_attr_set(struct tfw_qp *qp, const struct tulle_modify_qp *req);
void tfw_qp_attr_get(const struct tfw_qp *qp, struct tulle_qp_attr *attr);

/* Attachments of all groups go. */
void tfw_mcast_reset(struct tfw_func *f);

/*
 * What the transport supplies (requester.c, responder.c, roce.c ...)
 */

/* Memory for @qp's transport, on the way out of RESET. */
bool tfw_transport_init(struct tfw_qp *qp);

/* Timers, windows, copies: all of it goes; QP to RESET or destroyed. */
void tfw_transport_cleanup(struct tfw_qp *qp);

/* The state or attributes were changed by a command or an error. */
void tfw_transport_changed(struct tfw_qp *qp, u8 old_state);

/* tfw_qp.work */
bool tfw_requester_run(struct tfw_work *w, struct tfw_budget *budget);

/* Receive WQEs came to a QP whose RQ was dry: in ERR they are flushed. */
void tfw_transport_recv_kick(struct tfw_qp *qp);

/*
 * A frame reached the vport; true: it was RDMA's, and is dealt with. It is in
 * @f only during the call.
 */
bool tfw_roce_rx(struct tfw_vport *vport, struct tfw_frame *f);

/* RAW: a steering rule gave the frame to @qp. */
void tfw_raw_rx(struct tfw_qp *qp, struct tfw_frame *f);

#endif /* TFW_RDMA_H */
