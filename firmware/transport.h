/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The RoCEv2 transport, shared by its files.
 *
 *	transport.c	life of a QP's state here, and its turn
 *	wqe.c		send WQEs, checked
 *	requester.c	what leaves, in order and within the window
 *	ack.c retry.c	what comes back, and what is sent again
 *	responder.c	requests of others: order, rights, execution
 *	respond.c	answers to them
 *	atomic.c	atomics and FLUSH, both sides
 *	ud.c raw.c	datagrams, raw frames
 *	loop.c		messages between two QPs of one device
 *	roce.c roce_tx.c data.c icrc.c	packets
 *
 * Whatever arrives is dealt with during the call and never sends anything:
 * answers wait until the QP's work has its turn. So no two packets are under
 * way at once, and one answer serves many requests.
 */
#ifndef TFW_TRANSPORT_H
#define TFW_TRANSPORT_H

#include "eth.h"
#include "rdma.h"

/*
 * CRC (icrc.c). States are not inverted: as they are between two pieces.
 */
u32 tfw_icrc_portable(u32 crc, const void *data, size_t len);
u32 tfw_icrc_add(u32 crc, const void *data, size_t len);

/* State behind the masked headers: @len bytes from the IP header on. */
u32 tfw_icrc_headers(const u8 *ip, u32 len);

/* Of a frame whose IP header is at @l3, @len bytes up to the ICRC. */
u32 tfw_icrc_of(const struct tfw_frame *f, u32 l3, u32 len);
void tfw_icrc_put(u8 *to, u32 icrc);

/*
 * Packets
 */
#define ROCE_BTH_LEN	12
#define ROCE_ICRC_LEN	4
#define ROCE_UDP_LEN	8

/* What the opcode says: transport in the upper bits, operation in the lower. */
#define ROCE_CLASS	0xe0
#define ROCE_RC		0x00
#define ROCE_UC		0x20
#define ROCE_UD		0x60
#define ROCE_XRC	0xa0
#define ROCE_CNP	0x81

enum roce_op {
	ROCE_SEND_FIRST		= 0x00,
	ROCE_SEND_MIDDLE	= 0x01,
	ROCE_SEND_LAST		= 0x02,
	ROCE_SEND_LAST_IMM	= 0x03,
	ROCE_SEND_ONLY		= 0x04,
	ROCE_SEND_ONLY_IMM	= 0x05,
	ROCE_WRITE_FIRST	= 0x06,
	ROCE_WRITE_MIDDLE	= 0x07,
	ROCE_WRITE_LAST		= 0x08,
	ROCE_WRITE_LAST_IMM	= 0x09,
	ROCE_WRITE_ONLY		= 0x0a,
	ROCE_WRITE_ONLY_IMM	= 0x0b,
	ROCE_READ		= 0x0c,
	ROCE_READ_RSP_FIRST	= 0x0d,
	ROCE_READ_RSP_MIDDLE	= 0x0e,
	ROCE_READ_RSP_LAST	= 0x0f,
	ROCE_READ_RSP_ONLY	= 0x10,
	ROCE_ACK		= 0x11,
	ROCE_ATOMIC_ACK		= 0x12,
	ROCE_CMP_SWAP		= 0x13,
	ROCE_FETCH_ADD		= 0x14,
	ROCE_SEND_LAST_INV	= 0x16,
	ROCE_SEND_ONLY_INV	= 0x17,
	ROCE_FLUSH		= 0x1c,
	ROCE_ATOMIC_WRITE	= 0x1d,
	ROCE_OPS		= 0x20,
};

/* Headers behind the BTH, in this order, and what an operation is. */
#define ROCE_H_DETH	0x0001
#define ROCE_H_FETH	0x0002
#define ROCE_H_RETH	0x0004
#define ROCE_H_ATOMIC	0x0008
#define ROCE_H_AETH	0x0010
#define ROCE_H_ATOMACK	0x0020
#define ROCE_H_IMM	0x0040
#define ROCE_H_IETH	0x0080
#define ROCE_F_FIRST	0x0100	/* begins a message */
#define ROCE_F_LAST	0x0200	/* ends it */
#define ROCE_F_SEND	0x0400
#define ROCE_F_WRITE	0x0800
#define ROCE_F_REQ	0x1000
#define ROCE_F_RSP	0x2000
#define ROCE_F_VALID	0x4000
#define ROCE_F_UC	0x8000	/* exists for UC as well */

extern const u16 tfw_roce_ops[ROCE_OPS];

/* AETH syndromes */
#define ROCE_AETH_ACK		0x1f	/* no end-to-end credits */
#define ROCE_AETH_RNR		0x20
#define ROCE_AETH_NAK		0x60
#define ROCE_AETH_TYPE		0x60
#define ROCE_AETH_VALUE		0x1f
#define ROCE_NAK_SEQ		0
#define ROCE_NAK_INV_REQ	1
#define ROCE_NAK_ACCESS		2
#define ROCE_NAK_OP		3

/**
 * struct tfw_data - where the payload of a message lies
 * @f: received frame, from @off on
 * @qp: else memory of this QP, from @off on:
 * @sgl:	of its own list
 * @key:	or (@sgl NULL) of its region, @off an address, for @access
 * @pd:		handle of the PD that @key is judged by; 0: the QP's
 */
struct tfw_data {
	struct tfw_frame	*f;
	struct tfw_qp		*qp;
	const struct tfw_sgl	*sgl;
	u32			key;
	u32			pd;
	u8			access;
	u64			off;
	u32			len;
};

/* Not a WC status: the source of the data cannot be read. */
#define TFW_DATA_GONE	0xff

/*
 * Calls @fn for piece after piece; it returns a WC status, and all but SUCCESS
 * end it. What cannot be mapped is passed on in small pieces that are gone
 * after the call (@copy). A WC status or TFW_DATA_GONE.
 */
u8 tfw_data_each(const struct tfw_data *d,
		 u8 (*fn)(void *arg, const void *p, u32 len, bool copy),
		 void *arg);

/* Into the list of @qp, from @off on. */
u8 tfw_data_to_sgl(const struct tfw_data *d, struct tfw_qp *qp,
		   const struct tfw_sgl *sgl, u32 off);

/* To an address that a packet names; REM_ACCESS: it may not go there. */
u8 tfw_data_to_key(const struct tfw_data *d, struct tfw_qp *qp, u32 key,
		   u64 addr);

/**
 * struct tfw_pkt - a request or answer, decoded
 * @op: what tfw_roce_ops[] says
 * @opcode: lower bits only
 * @npsn: packets it stands for: 1, but in the loopback path
 * @imm, @atomic: in wire order
 * @data: payload
 * @ip: its IP header; NULL in the loopback path
 * @from: who sent it, when that is on the same function; else NULL
 */
struct tfw_pkt {
	struct tfw_data	data;
	const struct tfw_qp *from;
	const u8	*ip;
	const u8	*eth;
	u16		op;
	u8		opcode;
	u8		class;
	bool		solicited;
	bool		ack_req;
	bool		tagged;
	u16		vlan;
	u16		pkey;
	u32		qpn;
	u32		psn;
	u32		npsn;
	u32		qkey;
	u32		src_qpn;
	u32		srqn;
	u32		flush;
	u64		va;
	u32		rkey;
	u32		dma_len;
	u64		swap_add;
	u64		compare;
	u64		old;		/* of an atomic's answer */
	u32		aeth;
	__be32		imm;
	u32		inv_key;
	u8		sgid[16];
	u8		dgid[16];
};

/* An answer's or request's headers, to be sent (roce_tx.c). */
struct tfw_roce_tx {
	u8		opcode;
	bool		solicited;
	bool		ack_req;
	u32		qpn;
	u32		psn;
	u8		next;		/* bytes in @ext */
	u8		ext[48];
	struct tfw_data	data;
};

/*
 * Sends a packet, or loses it when the GID is gone. A WC status or
 * TFW_DATA_GONE.
 */
u8 tfw_roce_send(struct tfw_qp *qp, const struct tulle_av *av,
		 const struct tfw_roce_tx *tx);

/*
 * What @qp sends to its own function, or to members of a group there, so many of
 * them as tfw_requester.copies then says (roce.c).
 */
void tfw_roce_rx_own(struct tfw_qp *qp, struct tfw_frame *f);
void tfw_roce_rx_group(struct tfw_qp *qp, struct tfw_frame *f);

void tfw_roce_ext32(struct tfw_roce_tx *tx, u32 v);
void tfw_roce_ext64(struct tfw_roce_tx *tx, u64 v);

/* What the QP is called on the wire. */
static inline u32 tfw_roce_qpn(const struct tfw_qp *qp)
{
	return qp->type == TULLE_QP_GSI ? TULLE_QPN_GSI : tfw_qp_num(qp);
}

static inline struct tfw_engine *tfw_qp_engine(const struct tfw_qp *qp)
{
	return tfw_func_engine(qp->obj.func);
}

static inline void tfw_qp_wake(struct tfw_qp *qp)
{
	tfw_work_queue(tfw_qp_engine(qp), &qp->work);
}

static inline u32 tfw_qp_mtu(const struct tfw_qp *qp)
{
	return 1U << qp->attr.path_mtu;
}

/* Packets of a message. */
static inline u32 tfw_qp_npsn(const struct tfw_qp *qp, u32 len)
{
	u64 n = ((u64)len + tfw_qp_mtu(qp) - 1) >> qp->attr.path_mtu;

	return n ? (u32)n : 1;
}

static inline bool tfw_qp_is_rc(const struct tfw_qp *qp)
{
	return qp->type == TULLE_QP_RC || qp->type == TULLE_QP_XRC_INI;
}

/*
 * Send work requests (wqe.c)
 */
#define TFW_SWQE_SMALL	64

/**
 * struct tfw_swqe - a send WQE, copied and checked
 * @ix: SQ index behind it
 * @psn: of its first packet
 * @npsn: sequence numbers it takes
 * @got: READ: of them, answered
 * @more: instead of @small when that is too short
 * @started: counts against max_rd_atomic
 * @sent: a part of it was, perhaps in vain
 * @done: nothing more to come: may be completed
 * @malformed: nothing behind it makes sense: its error is that of the QP
 * @status: WC status it ends with
 */
struct tfw_swqe {
	u64			wr_id;
	u32			len;
	u32			psn;
	u32			npsn;
	u32			got;
	u32			srqn;
	__le32			imm;
	u16			ix;
	u16			inl_len;
	u8			op;
	u8			flags;
	u8			nsge;
	u8			status;
	u8			syndrome;
	bool			started;
	bool			sent;
	bool			done;
	bool			malformed;
	union {
		u8			seg[40];
		struct tulle_rdma_seg	rdma;
		struct tulle_atomic_seg	atomic;
		struct tulle_reg_mr_seg	reg;
		struct tulle_bind_mw_seg bind;
		struct tulle_ud_seg	ud;
	};
	u8			*more;
	u8			small[TFW_SWQE_SMALL];
};

/* false: out of memory. What is wrong with the WQE is in @e->status. */
bool tfw_swqe_parse(struct tfw_qp *qp, const u8 *wqe, u32 nblocks,
		    struct tfw_swqe *e);
void tfw_swqe_sgl(const struct tfw_swqe *e, struct tfw_sgl *sgl);
void tfw_swqe_free(struct tfw_qp *qp, struct tfw_swqe *e);
u8 tfw_swqe_cqe_op(u8 op);

/* Reports it, unless it went well and nobody asked. */
void tfw_swqe_complete(struct tfw_qp *qp, const struct tfw_swqe *e, u8 status);

/* READ, atomics, FLUSH: complete when an answer of their own came. */
bool tfw_swqe_answered(const struct tfw_swqe *e);

/*
 * Requester
 */
#define TFW_WINDOW	128	/* packets without acknowledgment */

/**
 * struct tfw_requester - state of a QP's sending side
 * @ring: WQEs in progress; room for 1 << @log_room
 * @head, @tail: free-running: oldest, behind the newest
 * @cur: next to send from; between both
 * @next_psn: of the next packet from there
 * @new_psn: of the next WQE
 * @max_psn: behind the highest one sent
 * @una: oldest without acknowledgment
 * @rd_out: READs and atomics on their way
 * @since_req: packets sent since one asked for an acknowledgment
 * @copies: made of a datagram for members of its group
 * @rnr_wait: silent until the timer fires
 * @flushing: what the SQ holds up to @flush_to is flushed first: it was there
 *	when the SQ was in error
 * @implied: an answer that skipped @implied_psn had it sent again @implied_at
 * @implied_half: the answer that did, or half way from @implied_psn to the
 *	farthest one since, if that is farther
 * @implied_max: @max_psn at that time
 * @implied_lost: it is known that it got lost again
 * @timer: acknowledgment or RNR
 * @due: when the acknowledgment is; the timer may fire earlier
 * @due_last: latest @due, however busy the partner is
 * @peer: loopback: the other end, @looked up when the epoch was @epoch
 */
struct tfw_requester {
	struct tfw_qp		*qp;
	struct tfw_swqe		*ring;
	u8			log_room;
	u32			head;
	u32			tail;
	u32			cur;
	u32			next_psn;
	u32			new_psn;
	u32			max_psn;
	u32			una;
	u32			rd_out;
	u32			since_req;
	u32			copies;
	u32			flush_to;
	u8			retry_left;
	u8			rnr_left;
	bool			rnr_wait;
	bool			implied;
	bool			implied_lost;
	bool			looked;
	bool			flushing;
	u32			implied_psn;
	u32			implied_half;
	u32			implied_max;
	u64			implied_at;
	u64			due;
	u64			due_last;
	struct tfw_timer	timer;
	struct tfw_waiter	wait;
	struct tfw_qp		*peer;
	u32			epoch;
};

static inline struct tfw_swqe *tfw_req_at(const struct tfw_requester *r, u32 ix)
{
	return &r->ring[ix & ((1U << r->log_room) - 1)];
}

/* Counts the message, once, however often it is sent. */
static inline void tfw_req_sent(struct tfw_qp *qp, struct tfw_swqe *e)
{
	if (!e->sent)
		TFW_QP_COUNT(qp, tx_messages, 1);
	e->sent = true;
}

/* What the QP's state and place on the wire wait for. */
bool tfw_req_run(struct tfw_qp *qp, s64 *left);

/* Oldest ones that are done leave; false: the QP failed meanwhile. */
bool tfw_req_retire(struct tfw_qp *qp);

/* Everything in it, and in the SQ, is flushed; true: more to do. */
bool tfw_req_flush(struct tfw_qp *qp, s64 *left);

/* The SQ goes on after an error, with what comes from now on. */
void tfw_req_restart(struct tfw_qp *qp);

/* Sending goes on from this packet (retry.c). */
void tfw_req_seek(struct tfw_requester *r, u32 psn);

/* Something was lost; counts as a retry. False: one too many. */
bool tfw_req_again(struct tfw_qp *qp, u32 psn);

/* An answer, @got, skipped the one for @psn: an implied NAK. */
void tfw_req_skipped(struct tfw_qp *qp, u32 psn, u32 got);

/* The partner sends, though not what is missing: it gets more time. */
void tfw_req_alive(struct tfw_qp *qp);
void tfw_req_rnr(struct tfw_qp *qp, u8 code);
void tfw_req_timer_start(struct tfw_qp *qp);

/* It lapsed while the function could not do DMA: time begins anew. */
void tfw_req_timer_renew(struct tfw_qp *qp);
void tfw_req_progress(struct tfw_qp *qp);
void tfw_req_timer(struct tfw_timer *t);
u64 tfw_rnr_ns(u8 code);

/* A WQE cannot be done: the oldest becomes an error, others are flushed. */
void tfw_req_error(struct tfw_qp *qp, u8 status, u8 syndrome);

/* Opcode of its packet at the beginning, middle or end (RC's). */
u8 tfw_req_opcode(const struct tfw_swqe *e, bool first, bool last);

/* ack.c */
void tfw_ack_rx(struct tfw_qp *qp, const struct tfw_pkt *pkt);

/*
 * All up to @psn arrived, says the answer @got; false: the QP failed, or something
 * is sent again.
 */
bool tfw_ack_upto(struct tfw_qp *qp, u32 psn, u32 got);

/* loop.c: true: the oldest WQE is dealt with there, for now */
struct tfw_qp *tfw_loop_peer(struct tfw_qp *qp);
bool tfw_loop_run(struct tfw_qp *qp, struct tfw_qp *peer, struct tfw_swqe *e,
		  s64 *left);

/*
 * Responder
 */

/**
 * struct tfw_resource - a READ or atomic that was accepted: answered now, and
 *	perhaps again
 * @psn: of the request; @npsn of them are its answer
 * @from: next one to send
 * @end: behind the last to send
 * @pd: handle of the PD that @rkey is judged by: of an XRC target, later messages
 *	may name other ones
 * @begun: part of it was sent, another answer may have come between
 * @again: it was given in full before
 */
struct tfw_resource {
	u32	psn;
	u32	npsn;
	u32	from;
	u32	end;
	u64	va;
	u32	rkey;
	u32	pd;
	u32	len;
	u64	old;
	u8	opcode;
	bool	valid;
	bool	pending;
	bool	begun;
	bool	again;
};

/**
 * struct tfw_responder - state of a QP's receiving side
 * @epsn: expected
 * @msn: messages executed
 * @op: ROCE_F_SEND or _WRITE: within such a message
 * @off: bytes of it so far
 * @va, @rkey, @left: WRITE: where the rest goes
 * @ack: an acknowledgment waits to be sent, for @ack_psn with @syndrome
 * @nak_sent: for @epsn: be quiet until it comes
 * @dead: fails, as soon as the answers are out: @event, as tfw_qp_fail()
 * @next_res: free-running: behind the newest of @res
 * @nres: so many a partner may have outstanding; that far back it may ask again
 * @res: ring
 */
struct tfw_responder {
	u32			epsn;
	u32			msn;
	u16			op;
	u32			off;
	u64			va;
	u32			rkey;
	u32			left;
	bool			ack;
	u8			syndrome;
	u32			ack_psn;
	bool			nak_sent;
	bool			dead;
	bool			uc_drop;
	int			event;
	u32			next_res;
	u32			nres;
	struct tfw_resource	res[TFW_MAX_RD_ATOMIC];
};

/* What became of a request that was in order. */
enum tfw_resp_result {
	TFW_RESP_OK,
	TFW_RESP_RNR,
	TFW_RESP_NAK,		/* and a syndrome */
};

/* A request off the wire (RC, XRC). */
void tfw_resp_rx(struct tfw_qp *qp, const struct tfw_pkt *pkt);

/*
 * Executes a request that is in order: PSN and MSN move. NAK: the QP is
 * about to fail, *@nak says what to tell.
 */
enum tfw_resp_result tfw_resp_execute(struct tfw_qp *qp,
				      const struct tfw_pkt *pkt, u8 *nak);

/* A request came: in RTR the driver may want to know. */
void tfw_resp_established(struct tfw_qp *qp);

/* UC: data of SENDs and WRITEs without answers. */
void tfw_uc_rx(struct tfw_qp *qp, const struct tfw_pkt *pkt);

/* Data and completions of SENDs and WRITEs, for both. */
enum tfw_resp_result tfw_resp_message(struct tfw_qp *qp,
				      const struct tfw_pkt *pkt, u8 *nak);

/* READ and atomics; answers are queued (atomic.c for all but READ). */
enum tfw_resp_result tfw_resp_read(struct tfw_qp *qp, const struct tfw_pkt *pkt,
				   u8 *nak);
enum tfw_resp_result tfw_resp_atomic(struct tfw_qp *qp,
				     const struct tfw_pkt *pkt, u8 *nak);
bool tfw_resp_has_room(struct tfw_responder *s);
struct tfw_resource *tfw_resp_resource(struct tfw_qp *qp,
				       const struct tfw_pkt *pkt, u32 npsn);

/* The QP is to fail, the partner to be told @code. */
enum tfw_resp_result tfw_resp_refuse(struct tfw_qp *qp, u8 *nak, u8 code);

/* The one that is @back before the next; 1: the newest. */
static inline struct tfw_resource *tfw_resp_back(struct tfw_responder *s,
						 u32 back)
{
	return &s->res[(s->next_res - back) & (TFW_MAX_RD_ATOMIC - 1)];
}

/* Notes what to answer; respond.c sends it when the QP has its turn. */
void tfw_resp_ack(struct tfw_qp *qp, u32 psn, u8 syndrome);
bool tfw_resp_run(struct tfw_qp *qp, s64 *left);	/* true: more to do */

/* ERR: receive WQEs are flushed. */
bool tfw_resp_flush(struct tfw_qp *qp, s64 *left);

/*
 * Datagrams, raw frames
 */
void tfw_ud_rx(struct tfw_qp *qp, const struct tfw_pkt *pkt);
void tfw_ud_send(struct tfw_qp *qp, struct tfw_swqe *e);
void tfw_raw_send(struct tfw_qp *qp, struct tfw_swqe *e);

/* Does the wire take packets? False: the QP has its turn when it does. */
static inline bool tfw_qp_may_send(struct tfw_qp *qp)
{
	return tfw_wire_may_send(qp->obj.func->vport->port, &qp->req->wait);
}

#endif /* TFW_TRANSPORT_H */
