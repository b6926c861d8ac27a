/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The Ethernet data path, shared by its files: send and receive queues, RSS
 * contexts, HW-GRO and the wire.
 *
 *	sq.c -> pkt_tx.c -> flow.c -> wire.c ~~> wire.c -> pkt_rx.c -> flow.c
 *	     -> rss.c -> gro.c, place.c, rq.c
 *
 * A frame passes through all of it within one call, by reference: payload is
 * read where the sender has it and written where the receiver wants it.
 */
#ifndef TFW_ETH_H
#define TFW_ETH_H

#include "dev.h"
#include "frame.h"

/*
 * struct tfw_waiter - who wants to send, while the wire takes no more
 * @node: on the wire's list then
 * @work: queued when it may send
 */
struct tfw_waiter {
	struct tfw_list	node;
	struct tfw_work	*work;
};

static inline void tfw_waiter_init(struct tfw_waiter *w, struct tfw_work *work)
{
	tfw_list_init(&w->node);
	w->work = work;
}

static inline bool tfw_waiter_waits(const struct tfw_waiter *w)
{
	return !tfw_list_empty(&w->node);
}

/*
 * Send queues (sq.c)
 */

/*
 * struct tfw_sq - a send queue
 */
struct tfw_sq {
	struct tfw_wq	wq;
	struct tfw_waiter wait;
	u16		flags;
	u64		packets;
	u64		bytes;
	u64		errors;
	u64		drops;
};

/*
 * struct tfw_wqe_error - why a WQE was refused
 * @status: enum tulle_cqe_status
 * @syndrome: byte offset of the culprit
 */
struct tfw_wqe_error {
	u8	status;
	u8	syndrome;
};

/*
 * pkt_tx.c. @wqe is a private copy of @nblocks blocks. False: @err says why.
 * The frame refers to @wqe and to guest memory.
 */
bool tfw_tx_build(struct tfw_sq *sq, const u8 *wqe, struct tfw_frame *f,
		  struct tfw_wqe_error *err);

/*
 * Steering, step by step (steer.c); each: false, nobody wanted it. What a vport
 * sends enters the switch; what the switch is given (f->vport: from where)
 * goes to the wire or a vport; what reaches a vport goes to queues.
 */
bool tfw_tx_frame(struct tfw_vport *vport, struct tfw_frame *f);
bool tfw_switch_frame(struct tfw_port *port, struct tfw_frame *f);
bool tfw_rx_vport(struct tfw_vport *vport, struct tfw_frame *f);

/*
 * Receive queues (rq.c, place.c)
 */
struct tfw_room {
	u64	addr;
	u32	len;
};

/* Position that a failed attempt goes back to. */
struct tfw_rq_mark {
	u32	ci;
	u32	stride;
	u64	base;
};

/*
 * struct tfw_place - where a packet is being put
 * @mark: where the queue stood before
 * @wqe: first WQE
 * @nwqe: WQEs so far
 * @stride: MULTI: first stride
 * @nstrides: MULTI: strides so far
 * @end: MULTI: stride behind them, in the last WQE
 * @len: bytes so far
 * @hdr_len: of them in the header buffer
 * @room: what the last WQE (MULTI: the strides taken) still offers
 * @ix: room in use
 * @n: rooms
 * @done: MULTI: the last WQE is used up
 */
struct tfw_place {
	struct tfw_rq_mark mark;
	u32		wqe;
	u32		nwqe;
	u32		stride;
	u32		nstrides;
	u32		end;
	u32		len;
	u32		hdr_len;
	u8		ix;
	u8		n;
	bool		done;
	struct tfw_room	room[TFW_MAX_RQ_SGES];
};

/* Bytes of WQEs that are fetched at once. */
#define TFW_RQ_FETCH	2048

struct tfw_gro;

/*
 * struct tfw_rq - a receive queue
 * @stride: MULTI: next stride of the open WQE; 0: none is open
 * @base: MULTI: buffer of the open WQE
 * @fetched: index of the first WQE in @cache
 * @ncache: WQEs there
 * @top: index behind the last WQE that was ever fetched
 * @wqe_bytes: capacity of the last WQE seen
 * @patience: found dry until then, it is looked at again and asks for no kick
 * @fifo: frames that wait for buffers, oldest first (chunk + 1)
 * @fifo_last: likewise, newest
 * @parked: on the wire's list while there are some
 * @waited: ticks since it last took something out of the FIFO
 * @dead: waited in vain: drop until the driver shows up again
 * @gro: sessions, when GRO is on
 * @gro_node: on the wire's list while sessions are open
 */
struct tfw_rq {
	struct tfw_wq	wq;
	u8		type;
	u8		log_stride;
	u8		log_strides;
	u16		split_thresh;
	u16		gro_usecs;
	u32		flags;
	u32		gro_max;
	u32		stride;
	u64		base;
	u32		fetched;
	u32		ncache;
	u32		top;
	u32		wqe_bytes;
	u64		patience;
	u16		fifo;
	u16		fifo_last;
	u8		waited;
	bool		dead;
	struct tfw_list	parked;
	struct tfw_gro	*gro;
	struct tfw_list	gro_node;
	u64		packets;
	u64		bytes;
	u64		drops_dry;
	u64		drops_big;
	u64		drops_stopped;
	u8		cache[TFW_RQ_FETCH];
};

static inline struct tfw_rq *tfw_rq_of(struct tfw_obj *obj)
{
	return tfw_container(obj, struct tfw_rq, wq.obj);
}

static inline bool tfw_rq_is_multi(const struct tfw_rq *rq)
{
	return rq->type == TULLE_RQ_MULTI;
}

/* What became of an attempt to put a packet into buffers. */
enum tfw_put {
	TFW_PUT_OK,
	TFW_PUT_DRY,	/* no WQE; nothing changed */
	TFW_PUT_BIG,	/* will never fit; nothing changed */
	TFW_PUT_STUCK,	/* cannot be continued where it is; nothing changed */
	TFW_PUT_ERROR,	/* the queue stopped */
};

/*
 * The next WQE's buffers; taken. @n: how many SGEs. TFW_PUT_OK, _DRY or
 * _ERROR. An RQ found dry asks for a kick, or is looked at again soon.
 */
enum tfw_put tfw_rq_take(struct tfw_rq *rq, struct tulle_sge *sge,
			 unsigned int *n);

/* WQEs that are surely there. */
u32 tfw_rq_avail(struct tfw_rq *rq);

/* A WQE cannot be used: error CQE, event, queue in error. */
void tfw_rq_fail(struct tfw_rq *rq, u32 wqe, u8 status, u8 syndrome);

/*
 * Starts a packet of @len bytes, @hdr_len of them header (SPLIT queues put
 * those into the header buffer).
 */
enum tfw_put tfw_place_open(struct tfw_rq *rq, struct tfw_place *p, u32 len,
			    u32 hdr_len);

/*
 * Sets the headers aside, to be written later; the address where they go, or
 * 0 when they would not lie in one piece.
 */
u64 tfw_place_reserve(struct tfw_place *p, u32 hdr_len);

/* Appends bytes; takes further WQEs or strides as needed and allowed. */
enum tfw_put tfw_place_put(struct tfw_rq *rq, struct tfw_place *p,
			   const void *data, size_t len);

/* Gives back what it took. */
void tfw_place_abort(struct tfw_rq *rq, const struct tfw_place *p);

/* Fills in the placement and posts. */
bool tfw_place_emit(struct tfw_rq *rq, const struct tfw_place *p,
		    struct tulle_rx_cqe *cqe);

/* pkt_rx.c */

/*
 * struct tfw_rx - a packet on its way into one queue
 * @hdr: its first bytes as they will lie in memory, tags stripped
 * @hdr_len: how many
 * @cut: bytes that stripping removed
 * @cqe: what is known so far
 */
struct tfw_rx {
	struct tfw_frame	*f;
	const u8		*hdr;
	u32			hdr_len;
	u32			cut;
	struct tulle_rx_cqe	cqe;
	u8			stripped[TFW_HDR_MAX];
};

/* Fills in hdr, hdr_len, cut and the tags, as the queue wants them. */
void tfw_rx_strip(struct tfw_rq *rq, struct tfw_rx *rx);

/* Into a queue, or its FIFO. @hash_type 0: none. */
void tfw_rx_queue(struct tfw_rq *rq, struct tfw_frame *f, u32 hash,
		  u8 hash_type);

/*
 * What waited for buffers, as far as the budget goes; false: still dry. True
 * with something left in rq->fifo: another turn, please.
 */
bool tfw_rx_drain(struct tfw_rq *rq, struct tfw_budget *budget);

/* RQ or RSS context: whose packets does it take? */
u16 tfw_rx_target_vport(const struct tfw_obj *obj);

/*
 * RSS contexts (rss.c)
 */
#define TFW_TOEPLITZ_BYTES	40	/* two IPv6 addresses, ports, flow label */

/* One table per half byte of input: what it adds to the hash. */
struct tfw_toeplitz {
	u32	nibble[TFW_TOEPLITZ_BYTES * 2][16];
};

struct tfw_rss {
	struct tfw_obj		obj;
	struct tfw_vport	*vport;
	u8			log_size;
	u8			sym;
	u8			fields[TULLE_RSS_TYPES];
	u8			key[TULLE_RSS_KEY_LEN];
	struct tfw_toeplitz	toeplitz;
	struct tfw_rq		**rq;
};

void tfw_toeplitz_init(struct tfw_toeplitz *t, const u8 *key);
u32 tfw_toeplitz_hash(const struct tfw_toeplitz *t, const u8 *in, size_t len);

/* The queue for a parsed frame, its hash and enum tulle_rss_type + 1. */
struct tfw_rq *tfw_rss_select(const struct tfw_rss *rss,
			      const struct tfw_frame *f, u32 *hash, u8 *type);

/*
 * HW-GRO (gro.c)
 */
bool tfw_gro_init(struct tfw_rq *rq);
void tfw_gro_cleanup(struct tfw_rq *rq);

/* Is it TCP that may be merged, headers and flags considered? */
bool tfw_gro_eligible(const struct tfw_frame *f);

/*
 * Takes a packet, or a whole super-frame, that is eligible. STUCK: a
 * super-frame that only fits in pieces.
 */
enum tfw_put tfw_gro_add(struct tfw_rq *rq, struct tfw_rx *rx);

/* Delivers all open aggregates. */
void tfw_gro_flush(struct tfw_rq *rq);

/*
 * The wire (wire.c, backlog.c, fifo.c)
 */
#define TFW_CHUNK	2048

/*
 * struct tfw_fifo - Rx frames without buffer, copied
 * @mem: the chunks
 * @next: by chunk: the next one of the frame, or of the free list (+ 1)
 * @after: by first chunk: the queue's next frame (+ 1)
 * @free: first free chunk (+ 1)
 * @nfree: how many
 */
struct tfw_fifo {
	u8	*mem;
	u16	*next;
	u16	*after;
	u16	free;
	u32	nfree;
	u32	n;
};

/* What was loaded is valid until it is dropped. */
bool tfw_fifo_init(struct tfw_engine *e, struct tfw_fifo *ff, u32 bytes);
void tfw_fifo_cleanup(struct tfw_engine *e, struct tfw_fifo *ff);

/* Copies a frame; its first chunk + 1, or 0: no room. */
u16 tfw_fifo_store(struct tfw_fifo *ff, struct tfw_frame *f, u32 hash,
		   u8 hash_type);
void tfw_fifo_load(const struct tfw_fifo *ff, u16 first, struct tfw_frame *f,
		   u32 *hash, u8 *hash_type);
u32 tfw_fifo_npkts(const struct tfw_fifo *ff, u16 first);
u32 tfw_fifo_skip(const struct tfw_fifo *ff, u16 first);

/* The first @n packets of what is left of a super-frame are done with. */
void tfw_fifo_advance(struct tfw_fifo *ff, u16 first, u32 n);
void tfw_fifo_drop(struct tfw_fifo *ff, u16 first);

/* Frames the delay or reorder fault holds back at most. */
#define TFW_HELD	64

/*
 * struct tfw_wire - traffic side of a port
 * @frame: the frame being sent by this port's queues
 * @pkt: wire packet cut from a frame that this port sends
 * @rest: what the backend did not take of a frame
 * @held_frame: what the backend did not take, out of @store
 * @late_frame: frame that a fault held back, out of @store; may pass while
 *	another one is being sent
 * @rx_frame: frame out of the FIFO, or from the backend
 * @rx_rest: what is left of one from the FIFO
 * @rx_pkt: wire packet cut from a frame that this port receives
 * @rx: its way into a queue
 * @fifo: Rx frames without buffer
 * @tick: when to look for queues that are stuck; 0: nothing waits
 * @look: when those of @parked that did not ask for a kick are looked at; 0: never
 * @xoff: the other end is asked not to send
 * @wait: struct tfw_waiter: SQs and QPs that wait until they may send
 * @parked: RQs with something in the FIFO
 * @gro: RQs with open aggregates
 * @pause_until: a pause frame came: no sending before
 * @tx_full: the backend took no more
 * @hold: copy of what it did not take (chunk of @store + 1)
 * @store: held frames: @hold, and what faults delay
 * @held: frames delayed by faults: chunk + 1 and time, oldest first
 * @late: one packet on its way out that the next one overtakes
 * @late_rx: the same for one from the backend
 * @bounce: guest memory that cannot be mapped is copied here
 */
struct tfw_wire {
	struct tfw_port		*port;
	struct tfw_fifo		fifo;
	struct tfw_fifo		store;
	struct tfw_timer	timer;
	struct tfw_timer	gro_timer;
	struct tfw_list		wait;
	struct tfw_list		parked;
	struct tfw_list		gro;
	u64			tick;
	u64			look;
	u64			pause_until;
	bool			xoff;
	bool			tx_full;
	u16			hold;
	u16			late;
	u16			late_rx;
	u32			nheld;
	struct {
		u64	when;
		u16	chunk;
	} held[TFW_HELD];
	u8			*bounce;
	u32			bounced;
	struct tfw_frame	frame;
	struct tfw_frame	pkt;
	struct tfw_frame	rest;
	struct tfw_frame	held_frame;
	struct tfw_frame	late_frame;
	struct tfw_frame	rx_frame;
	struct tfw_frame	rx_rest;
	struct tfw_frame	rx_pkt;
	struct tfw_rx		rx;
};

#define TFW_BOUNCE	(TFW_MAX_TSO + TFW_CHUNK)

/* May a queue send now? False: its work is queued later. */
bool tfw_wire_may_send(struct tfw_port *port, struct tfw_waiter *w);

/* Out of the port; @f is used up. */
void tfw_wire_send(struct tfw_port *port, struct tfw_frame *f);

/* A packet waits for buffers; false: dropped. */
bool tfw_wire_park(struct tfw_rq *rq, struct tfw_frame *f, u32 hash,
		   u8 hash_type);

/* Its oldest one is done with. */
void tfw_wire_unpark(struct tfw_rq *rq);

/* Is nothing sent to this port before its FIFO has room again? Link up. */
bool tfw_wire_is_held_up(const struct tfw_port *port);

/* The RQs in @parked are looked at then, at the latest. */
void tfw_wire_look(struct tfw_port *port, u64 when);

/* An RQ stops: what waited for it is lost. */
void tfw_wire_forget(struct tfw_rq *rq);

/* gro.c has sessions open that must not wait for ever. */
void tfw_wire_gro_open(struct tfw_rq *rq);

/* One frame to the other end, past the faults; false: try again later. */
bool tfw_wire_pass(struct tfw_port *port, struct tfw_frame *f);

/* Queues that waited until they may send look again (backlog.c). */
void tfw_wire_wake(struct tfw_port *port);
void tfw_wire_timer_arm(struct tfw_port *port, u64 when);

/* Fault delays: passes @f on at @when; false: no room to keep it. */
bool tfw_wire_hold(struct tfw_port *port, struct tfw_frame *f, u64 when);

/* The packet that was to be overtaken has been. */
void tfw_wire_release_late(struct tfw_port *port);
void tfw_wire_arrive_late(struct tfw_port *port);

/* A whole frame arrived on the port. */
void tfw_wire_arrive(struct tfw_port *port, struct tfw_frame *f);

#endif /* TFW_ETH_H */
