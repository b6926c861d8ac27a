/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The firmware's private header: engine, device, function, queues and the
 * services its files give each other. Everything here runs under the engine
 * lock (fw.h); a pass is tfw_engine_run() or any other call of the host.
 */
#ifndef TFW_DEV_H
#define TFW_DEV_H

#include <stdatomic.h>

#include "cmd.h"
#include "fault.h"
#include "fw.h"
#include "obj.h"
#include "tulle_bits.h"
#include "tulle_hw.h"

#define tfw_container(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#define TFW_MIN(a, b)	((a) < (b) ? (a) : (b))
#define TFW_MAX(a, b)	((a) > (b) ? (a) : (b))
#define TFW_ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/*
 * Timers (timer.c): intrusive, arming never allocates. A function runs in a
 * pass, once per arming; a timer may re-arm itself.
 */
struct tfw_timer {
	u64			when;
	void			(*fn)(struct tfw_timer *t);
	struct tfw_timer	*child;
	struct tfw_timer	*next;
	struct tfw_timer	**link;	/* what points here; NULL: not armed */
};

static inline void tfw_timer_init(struct tfw_timer *t,
				  void (*fn)(struct tfw_timer *t))
{
	*t = (struct tfw_timer){ .fn = fn };
}

static inline bool tfw_timer_armed(const struct tfw_timer *t)
{
	return t->link;
}

void tfw_timer_arm(struct tfw_engine *e, struct tfw_timer *t, u64 when);
void tfw_timer_cancel(struct tfw_engine *e, struct tfw_timer *t);
bool tfw_timer_run(struct tfw_engine *e);	/* true: some function ran */

/*
 * What a work may still do in its turn. It subtracts what it did; each WQE or
 * packet costs its bytes, at least TFW_COST_MIN.
 */
#define TFW_COST_MIN	256
#define TFW_COST_PROBE	32	/* of a mask that steering looks at */
#define TFW_QUANTUM	(256 * 1024)	/* one turn */

struct tfw_budget {
	s64	bytes;		/* <= 0: stop */
};

/**
 * struct tfw_work - something on the engine's hot list
 * @func: while it may not run, the work leaves the list; NULL: nobody's
 * @run: does a bounded piece of work; true: there is more, ask again after the
 *	others had their turn; false: idle, off the list until kicked
 */
struct tfw_work {
	struct tfw_list	node;
	struct tfw_func	*func;
	bool		(*run)(struct tfw_work *w, struct tfw_budget *budget);
};

static inline void tfw_work_init(struct tfw_work *w, struct tfw_func *func,
				 bool (*run)(struct tfw_work *,
					     struct tfw_budget *))
{
	tfw_list_init(&w->node);
	w->func = func;
	w->run = run;
}

static inline bool tfw_work_queued(const struct tfw_work *w)
{
	return !tfw_list_empty(&w->node);
}

void tfw_work_queue(struct tfw_engine *e, struct tfw_work *w);	/* idempotent */
void tfw_work_cancel(struct tfw_work *w);	/* also when never initialised */

/* Kicks that found the engine busy; many producers, one consumer. */
#define TFW_KICKS	512	/* a power of two */

/* Who rang: function, page and doorbell; and with what. */
struct tfw_kick_cell {
	_Atomic u32	seq;
	u32		handle;
	u64		from;
};

struct tfw_kicks {
	_Atomic u32		tail;
	u32			head;
	_Atomic bool		overflow;	/* some function has lost_kicks */
	struct tfw_kick_cell	cell[TFW_KICKS];
};

/**
 * struct tfw_engine - one lock domain
 * @now: clock at the start of the pass, refreshed per work item
 * @hot: struct tfw_work with something to do
 * @dirty_cqs: CQs with CQEs whose arm word was not looked at yet
 * @pass: passes so far
 * @polling: the host calls run() in a loop: idle queues stay hot
 */
struct tfw_engine {
	const struct tfw_platform	*plat;
	void				*host;
	u64				now;
	u64				pass;
	struct tfw_list			devs;
	struct tfw_list			hot;
	struct tfw_list			dirty_cqs;
	struct tfw_timer		*timers;
	bool				polling;
	_Atomic bool			kicked;	/* some device has kicks */
};

/*
 * Guest memory (dma.c). All fail while the function may not do DMA. Values
 * are little-endian in memory, host order in these calls.
 */
bool tfw_dma_read(struct tfw_func *f, u64 addr, void *buf, size_t len);
bool tfw_dma_write(struct tfw_func *f, u64 addr, const void *buf, size_t len);
const void *tfw_dma_map(struct tfw_func *f, u64 addr, size_t len);
bool tfw_dma_load32(struct tfw_func *f, u64 addr, u32 *val);
bool tfw_dma_load64(struct tfw_func *f, u64 addr, u64 *val);
bool tfw_dma_store32(struct tfw_func *f, u64 addr, u32 val);
bool tfw_dma_publish(struct tfw_func *f, u64 addr, const void *buf, size_t len);

/* Compare and swap, or (@compare NULL) fetch and add, of 8 aligned bytes. */
bool tfw_dma_atomic(struct tfw_func *f, u64 addr, const u64 *compare,
		    u64 operand, u64 *old);

/**
 * struct tfw_ring - where the entries of a ring lie
 * @base: address of entry 0 when the memory is contiguous
 * @pages: else the page addresses
 * @list: what the driver gave, for QUERY
 * @offset: byte of entry 0 in the first page
 * @log_size: entries
 * @log_entry: bytes of one
 * @log_page: bytes of a page
 *
 * An entry never straddles a page: the offset is a multiple of its size.
 */
struct tfw_ring {
	u64				base;
	u64				*pages;
	struct tulle_page_list		list;
	u32				offset;
	u8				log_size;
	u8				log_entry;
	u8				log_page;
};

/*
 * The first @n addresses of a list of levels 1 or 2, each checked to be a
 * multiple of the page size.
 */
enum tulle_status tfw_pages_read(struct tfw_func *f,
				 const struct tulle_page_list *list,
				 u32 n, u64 *pages);
bool tfw_pages_contiguous(const u64 *pages, u32 n, u8 log_page);

/* Checks the list, reads its arrays, keeps addresses. Owned until cleanup. */
enum tulle_status tfw_ring_init(struct tfw_func *f, struct tfw_ring *ring,
				const struct tulle_page_list *list,
				u8 log_size, u8 log_entry);
void tfw_ring_cleanup(struct tfw_func *f, struct tfw_ring *ring);

static inline u64 tfw_ring_addr(const struct tfw_ring *ring, u32 ix)
{
	u64 off = (u64)(ix & ((1U << ring->log_size) - 1)) << ring->log_entry;

	if (!ring->pages)
		return ring->base + off;
	off += ring->offset;
	return ring->pages[off >> ring->log_page] +
	       (off & ((1ULL << ring->log_page) - 1));
}

/* Copies @n entries from index @ix; they may cross pages but not wrap. */
bool tfw_ring_read(struct tfw_func *f, const struct tfw_ring *ring, u32 ix,
		   u32 n, void *buf);

/**
 * struct tfw_wq - common head of SQs and RQs
 * @work: run by a kick, and while the queue is busy
 * @dbr: address of its doorbell record
 * @pi: producer index as last read
 * @ci: next WQE (SQ: block) to execute
 * @evt: event index as last written
 *
 * A kick that names the queue and comes from its UAR page puts @work on the
 * hot list. Idle protocol: tfw_wq_sleep().
 */
struct tfw_wq {
	struct tfw_obj	obj;
	struct tfw_work	work;
	struct tfw_ring	ring;
	struct tfw_cq	*cq;
	struct tfw_vport *vport;
	u64		dbr;
	u32		pi;
	u32		ci;
	u32		evt;
	u16		uar;
	u8		state;		/* enum tulle_queue_state */
};

/* Acquire-loads pi; false on a DMA error. pi - ci is not yet trusted. */
bool tfw_wq_load_pi(struct tfw_wq *q);

/* Writes evt far away, when it is not: the queue is being polled. */
bool tfw_wq_awake(struct tfw_wq *q);

/*
 * Stores evt = pi, full fence, reads pi again. True: nothing new came, a kick
 * will (run() returns false). False: stay hot, because there is work (@q->pi
 * moved), the host polls, or memory failed (*@ok is false then).
 */
bool tfw_wq_sleep(struct tfw_wq *q, bool *ok);

bool tfw_wq_store_hint(struct tfw_wq *q);	/* ci_hint = ci */

/* Checks uar, dbr alignment; takes the UAR reference. */
enum tulle_status tfw_wq_init(struct tfw_wq *q, struct tfw_cmd *cmd, u16 uar,
			      size_t uar_offset, u64 dbr, size_t dbr_offset);
void tfw_wq_cleanup(struct tfw_wq *q);	/* work, ring, UAR, not the CQ */

/* The queue stops: state, work cancelled, asynchronous event. */
void tfw_wq_error(struct tfw_wq *q);

/*
 * Every queue of the function whose doorbell page is in @pages is worth a look:
 * kicks were lost or ignored.
 */
void tfw_wq_kick_all(struct tfw_func *f, u64 pages);

/* A set of doorbell pages, some of which share a bit. */
#define TFW_ALL_PAGES	(~0ULL)

static inline u64 tfw_page_bit(u32 page)
{
	return 1ULL << (page & 63);
}

/* kick.c */
void tfw_kicks_init(struct tfw_kicks *k);
void tfw_kicks_drain(struct tfw_engine *e);

/*
 * Event queues (eq.c)
 */
struct tfw_eq {
	struct tfw_obj	obj;
	struct tfw_ring	ring;
	struct tfw_list	starved;	/* CQs whose event found it full */
	struct tfw_timer retry;		/*   and when to look again */
	u64		dbr;
	u32		pi;
	u32		ci;		/* as last read */
	u32		fired_sn;
	u16		vector;
	u16		uar;
	u8		flags;
};

/* Writes an entry and raises the interrupt when armed; false: full. */
bool tfw_eq_push(struct tfw_eq *eq, struct tulle_eqe *eqe);
void tfw_eq_poke(struct tfw_eq *eq);	/* evaluate the arm word */
void tfw_eq_starve(struct tfw_eq *eq, struct tfw_cq *cq); /* retry later */

/* How long to wait for a driver that let an event queue fill up. */
#define TFW_EQ_RETRY_NS		1000000

/*
 * Asynchronous events: kept as pending bits until EQ0 has room, so that none
 * is lost; equal ones coalesce.
 */
void tfw_event_cmd(struct tfw_func *f, u32 slot);
void tfw_event_port(struct tfw_dev *dev);		/* to every function */
void tfw_event_vport(struct tfw_vport *vport);
void tfw_event_queue_error(struct tfw_obj *obj);
void tfw_event_health(struct tfw_func *f, u32 syndrome);
/* Those of QPs and SRQs are in rdma.h. */
void tfw_event_init(struct tfw_func *f);
void tfw_event_flush(struct tfw_func *f);	/* EQ0 may have room */
void tfw_event_reset(struct tfw_func *f);

/*
 * Completion queues (cq.c)
 */
struct tfw_cq {
	struct tfw_obj	obj;
	struct tfw_ring	ring;
	struct tfw_list	dirty;		/* on engine.dirty_cqs */
	struct tfw_list	starved;	/* on eq.starved */
	struct tfw_timer mod;
	struct tfw_eq	*eq;
	u64		dbr;
	u32		pi;
	u32		ci;		/* as last read */
	u32		fired_sn;
	u64		fired_at;	/* when the last event was raised */
	u16		mod_frames;
	u16		mod_usecs;
	u16		uar;
	u8		flags;
	u8		state;
	bool		solicited;	/* one of them asked for an event */
	bool		used;		/* it has had a CQE */
	bool		at_once;	/* the next event is not moderated */
};

#define TFW_CQE_F_SOLICITED	0x1

/*
 * Appends one CQE of the CQ's size; the owner byte is filled in here. 32-byte
 * CQEs in a 64-byte CQ go to the second half. False: the CQ overran or
 * is not reachable; it is then in error and its users get no more entries.
 * The arm word is evaluated at the end of the pass.
 */
bool tfw_cq_push(struct tfw_cq *cq, void *cqe, size_t len, unsigned int flags);
void tfw_cq_flush(struct tfw_engine *e);	/* evaluate all dirty ones */
void tfw_cq_dirty(struct tfw_cq *cq);
void tfw_cq_poke(struct tfw_cq *cq);		/* no moderation of the next event */

/* Is there room for @n more? (Reads the consumer index when it must.) */
bool tfw_cq_room(struct tfw_cq *cq, u32 n);

/* A live CQ by handle, for create and modify of its users; no reference. */
struct tfw_cq *tfw_cq_find(struct tfw_func *f, u32 handle);

/*
 * Keys (key.c, mkey_access.c)
 */
#define TFW_LOG_UAR_STRIDE	12	/* after reset */
void tfw_uar_set_stride(struct tfw_func *f, u8 log_stride);
bool tfw_uar_make_kernel(struct tfw_func *f);	/* page 0 */
bool tfw_uar_get(struct tfw_func *f, u16 page);	/* false: no such page */
void tfw_uar_put(struct tfw_func *f, u16 page);

/*
 * May an Ethernet queue use @key, a handle, for @len bytes at bus address
 * @addr? @access: TULLE_MKEY_.
 */
bool tfw_mkey_check(struct tfw_func *f, u32 key, u64 addr, u64 len, u8 access);

struct tfw_rdma;	/* rdma.h */

/*
 * Functions, vports, ports
 */
#define TFW_CMD_SLOTS	64

struct tfw_async {
	u64		cmds;		/* completed slots */
	u32		syndrome;
	bool		port;
	bool		vport;
	bool		health;
	struct tfw_list	errors;		/* objects, by tfw_obj.event */
	struct tfw_timer retry;		/* EQ0 was full */
};

struct tfw_cmdq {
	struct tfw_work	work;
	u64		base;
	u64		swallowed;	/* slots that are never answered */
	u32		last_op[8];
	u32		last_status[8];
	u64		done;
	u8		log_slots;
	bool		enabled;
	bool		scan;		/* doorbell since the last look */
	u8		next;		/* slot to look at next */
	u8		left;		/* slots of this scan still to look at */
	void		*in;		/* grown to the largest request */
	void		*out;
	u32		in_size;
	u32		out_size;
};

/**
 * struct tfw_func - a PCI function (or subfunction)
 * @dma: bus mastering on and powered; @state: READY is needed as well
 * @gen: resets so far
 * @lost_kicks: doorbell pages whose kicks found no room, by tfw_page_bit()
 * @rdma: of the RDMA half; NULL without its capability, and until READY
 */
struct tfw_func {
	struct tfw_dev		*dev;
	u16			id;
	u8			type;		/* enum tulle_func_type */
	u8			state;		/* enum tulle_state */
	bool			dma;
	bool			stalled;
	_Atomic u32		gen;
	_Atomic u8		log_stride;	/* of UAR pages */
	_Atomic u64		lost_kicks;
	u32			syndrome;
	u32			test_syndrome;	/* comes with the next beat */
	u32			heartbeat;
	u32			scratch;
	u32			clock_hi;
	u32			cmd_base[2];
	u16			nvectors;
	u64			events;
	struct tfw_timer	boot;
	struct tfw_timer	beat;
	struct tfw_timer	watchdog;
	struct tfw_cmdq		cmdq;
	struct tfw_eq		*async_eq;
	struct tfw_async	async;
	struct tfw_obj_table	obj[TULLE_OBJ_TYPES];
	struct tfw_vport	*vport;
	struct tfw_rdma		*rdma;
	struct tulle_crash	crash;
};

static inline bool tfw_func_live(const struct tfw_func *f)
{
	return f->state == TULLE_STATE_READY && f->dma && !f->stalled;
}

/* Same members as the wire structs, host byte order. */
struct tfw_vport_dir {
	u64	packets;
	u64	bytes;
	u64	unicast;
	u64	multicast;
	u64	broadcast;
	u64	drops;
	u64	rsvd[2];
};

/**
 * struct tfw_vport - a place of the switch where a function is plugged in
 * @root: flow tables of its Tx and Rx domain, and the FDB if it manages the
 *	switch (by enum tulle_domain); made by tfw_flow_vport_init()
 */
struct tfw_vport {
	struct tfw_func		*func;
	struct tfw_port		*port;
	u16			id;
	u8			perm_mac[6];
	u8			mac[6];
	struct tfw_obj		*root[3];
	struct tfw_vport_dir	tx;
	struct tfw_vport_dir	rx;
};

struct tfw_mac_dir {
	u64	frames;
	u64	octets;
	u64	multicast;
	u64	broadcast;
	u64	pause;
	u64	ctrl;
	u64	unknown_ctrl;
	u64	errors;
	u64	rmon[TULLE_RMON_BUCKETS];
	u64	rsvd[5];
};

struct tfw_port_stats {
	struct tfw_mac_dir	tx;
	struct tfw_mac_dir	rx;
	u64	rx_fcs_errors;
	u64	rx_align_errors;
	u64	rx_length_errors;
	u64	rx_undersize;
	u64	rx_oversize;
	u64	rx_fragments;
	u64	rx_jabbers;
	u64	rx_symbol_errors;
	u64	rsvd0;
	u64	rx_steer_drops;
	u64	tx_backend_drops;
	u64	fec_corrected_blocks;
	u64	fec_uncorrectable_blocks;
	u64	fec_corrected_bits;
	u64	fec_hist[TULLE_FEC_BINS];
	u64	rsvd1[18];
};
TULLE_SIZE(struct tfw_port_stats, sizeof(struct tulle_port_stats));
TULLE_SIZE(struct tfw_vport_dir, sizeof(struct tulle_vport_dir));

struct tfw_wire;	/* FIFO, paused SQs, reorder buffer ...: wire.c's own */

/**
 * struct tfw_port - the physical port (port.c; traffic in wire.c)
 * @peer: other end of the cable; the port itself in loopback; NULL: backend
 *	or nothing
 * @pause_rx: negotiated: obey pause frames of the other end
 * @pause_tx: negotiated: send them when the FIFO fills
 */
struct tfw_port {
	struct tfw_dev		*dev;
	struct tfw_port		*cable;
	struct tfw_port		*peer;
	struct tfw_wire		*wire;
	struct tfw_timer	link_timer;
	bool			backend;
	bool			backend_up;
	bool			admin_up;
	bool			link_up;
	bool			autoneg;
	bool			loopback;
	bool			pause_rx;
	bool			pause_tx;
	bool			capture;
	u8			down_reason;
	u8			fec;		/* configured, TULLE_FEC_ */
	u8			fec_active;
	u8			pause;		/* configured, TULLE_PAUSE_ */
	u8			mode;		/* enum tulle_link_mode, when up */
	u32			max_frame;
	u32			flaps;
	u64			supported;
	u64			advertised;
	u64			lp_advertised;
	u64			fec_octets;	/* seen by the FEC bookkeeping */
	struct tfw_port_stats	stats;
};

u32 tfw_port_speed(const struct tfw_port *port);	/* Mb/s, 0: down */
void tfw_port_init(struct tfw_dev *dev, struct tfw_port *port);
void tfw_port_reset(struct tfw_port *port);
void tfw_port_negotiate(struct tfw_port *port);	/* both ends */
void tfw_port_renegotiate(struct tfw_port *port);
void tfw_link_timer(struct tfw_timer *t);

u8 tfw_link_lanes(const struct tfw_port *port);
u8 tfw_link_fec_supported(const struct tfw_port *port);

/*
 * Rx side: what FEC had to do with a frame; the rest were clean blocks.
 * False: FEC is off, the error reaches the MAC.
 */
bool tfw_port_fec_corrected(struct tfw_port *port, u32 symbols, u32 bits);
void tfw_port_fec_failed(struct tfw_port *port);
void tfw_port_fec_account(struct tfw_port *port);

bool tfw_vport_init(struct tfw_func *f);
void tfw_vport_reset(struct tfw_func *f);

/* The vport of that number if @f may name it, else NULL. */
struct tfw_vport *tfw_vport_find(struct tfw_func *f, u16 id);

/**
 * struct tfw_dev - one device: its functions and its port
 */
struct tfw_dev {
	struct tfw_engine	*engine;
	void			*host;
	struct tfw_list		node;
	struct tfw_fw_config	cfg;
	struct tfw_kicks	kicks;
	struct tfw_port		port;
	struct tfw_plan		faults;
	struct tfw_plan		liar;
	u32			nfuncs;
	struct tfw_func		*funcs;
};

struct tfw_func *tfw_func_find(struct tfw_dev *dev, u16 id);

static inline bool tfw_fault(struct tfw_dev *dev, enum tfw_fault_point p)
{
	return tfw_plan_test(&dev->faults, p);
}

static inline bool tfw_lie(struct tfw_dev *dev, enum tfw_lie lie)
{
	return tfw_plan_test(&dev->liar, lie);
}

/* Is the capability built in and on for this function? (caps.c) */
bool tfw_has_cap(const struct tfw_func *f, unsigned int cap);
void tfw_caps_fill(const struct tfw_func *f, struct tulle_caps *caps);

/* Limits that both caps.c and the create commands use. */
#define TFW_LOG_MAX_EQ		14
#define TFW_LOG_MAX_CQ		18
#define TFW_LOG_MAX_SQ		16	/* blocks: 4 MiB */
#define TFW_LOG_MAX_RQ		15
#define TFW_LOG_MIN_RQ_WQE	5
#define TFW_LOG_MAX_RQ_WQE	8
#define TFW_MAX_RQ_SGES		15
#define TFW_LOG_MAX_RSS		11
#define TFW_MAX_TX_SGES		61	/* as fit in 16 blocks */
#define TFW_MAX_TX_INLINE	256
#define TFW_MAX_TSO		(256 * 1024 + 256)
#define TFW_MAX_GRO		(256 * 1024)
#define TFW_MIN_MTU		68
#define TFW_MAX_MTU		9600
#define TFW_MAX_FRAME		(TFW_MAX_MTU + 14 + 8)
#define TFW_LOG_MIN_STRIDE	6
#define TFW_LOG_MAX_STRIDE	13
#define TFW_LOG_MAX_STRIDES	12
#define TFW_MAX_RULES_BATCH	4096
#define TFW_MAX_MODERATION	8191
#define TFW_MAX_TABLE_DEPTH	8

#define TFW_VERSION_MAJOR	0
#define TFW_VERSION_MINOR	1
#define TFW_VERSION_PATCH	0

/* Command interface (cmd.c) */
void tfw_cmdq_init(struct tfw_func *f);
void tfw_cmdq_doorbell(struct tfw_func *f);
void tfw_cmdq_reset(struct tfw_func *f);
void tfw_cmdq_cleanup(struct tfw_func *f);

/* Health (health.c) */
void tfw_health_init(struct tfw_func *f);
void tfw_health_ready(struct tfw_func *f);	/* heartbeat starts */
void tfw_health_reset(struct tfw_func *f);
void tfw_health_stall(struct tfw_func *f);
void tfw_health_command(struct tfw_func *f, u16 op, u8 status);	/* for the record */
void tfw_health_die(struct tfw_func *f, u32 syndrome, const char *file,
		    int line);
void tfw_assert_failed(struct tfw_dev *dev, const char *file, int line);

/* The firmware's own state is wrong: the device dies, the host lives. */
#define tfw_assert(dev, cond) \
	((cond) ? true : (tfw_assert_failed(dev, __FILE__, __LINE__), false))

void tfw_log(struct tfw_engine *e, enum tfw_log_level level,
	     const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static inline void *tfw_alloc(struct tfw_engine *e, size_t size)
{
	return e->plat->alloc(e->host, size);
}

static inline void tfw_free(struct tfw_engine *e, void *ptr)
{
	e->plat->free(e->host, ptr);
}

static inline struct tfw_engine *tfw_func_engine(const struct tfw_func *f)
{
	return f->dev->engine;
}

bool tfw_is_zero(const void *p, size_t len);

/*
 * What the data path supplies: sq.c, rq.c, flow.c, wire.c. Run functions of
 * SQ and RQ come in through tfw_wq.work; commands through cmd.h; destroy
 * hooks through obj.h.
 */
bool tfw_wire_init(struct tfw_port *port);
void tfw_wire_cleanup(struct tfw_port *port);	/* device goes away */
void tfw_wire_gro_flush(struct tfw_port *port);
void tfw_wire_reset(struct tfw_port *port);	/* drop all that is in flight */
void tfw_wire_link(struct tfw_port *port);	/* link, peer or pause changed */
void tfw_wire_idle(struct tfw_engine *e);	/* nothing hot: flush GRO */

/* Root tables of a vport; objects with .fixed set. After a function reset. */
bool tfw_flow_vport_init(struct tfw_vport *vport);

#endif /* TFW_DEV_H */
