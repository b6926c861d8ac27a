/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * libtulle: the objects of verbs as a process has them.
 *
 *	provider.c	registration, context, device and port attributes
 *	mem.c		memory of rings and records, locks
 *	pd.c mr.c ah.c	protection and parent domains, thread domains, regions
 *			and windows, address handles, XRC domains
 *	cq.c poll.c	completion queues; what is in them
 *	qp.c srq.c	queue pairs, shared receive queues
 *	wqe.c		send WQEs: room, order, doorbell
 *	post.c wr.c	the two ways to post
 */
#ifndef TULLE_PROVIDER_H
#define TULLE_PROVIDER_H

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "abi.h"
#include "ring.h"
#include "tulledv.h"

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))

#define TULLE_MAX_LOG_SQ	16	/* blocks; see tulle_prod_done() */
#define TULLE_MAX_LOG_RQ	15	/* WQEs; those of an SRQ complete in any order */
#define TULLE_MAX_SEND_SIZE	0x80000000ULL
#define TULLE_QPN_CHUNK_LOG	12
#define TULLE_QPN_CHUNK		(1U << TULLE_QPN_CHUNK_LOG)

/* A lock that an application which promised one thread does not pay for. */
struct tulle_lock {
	pthread_spinlock_t spin;
	bool on;
};

int tulle_lock_init(struct tulle_lock *lock, bool on);
void tulle_lock_cleanup(struct tulle_lock *lock);

static inline void tulle_lock(struct tulle_lock *lock)
{
	if (lock->on)
		pthread_spin_lock(&lock->spin);
}

static inline void tulle_unlock(struct tulle_lock *lock)
{
	if (lock->on)
		pthread_spin_unlock(&lock->spin);
}

struct tulle_dbr_page;
struct tulle_pd;
struct tulle_qp;

/*
 * struct tulle_buf - whole pages, zeroed
 * @type: TULLEDV_RES_TYPE_*
 * @domain: the parent domain it belongs to, which stays meanwhile; NULL: none
 * @custom: from the allocator of @domain, which also says what fork() does to
 *	it. Otherwise it is kept out of children.
 */
struct tulle_buf {
	void *addr;
	size_t len;
	uint64_t type;
	struct tulle_pd *domain;
	bool custom;
};

/* @pd: of the queue that it is for; NULL: none. 0 or an errno. */
int tulle_buf_alloc(struct tulle_buf *buf, struct ibv_pd *pd, uint64_t type,
		    size_t len);
void tulle_buf_free(struct tulle_buf *buf);

/*
 * @uar: doorbell page, written only
 * @info: what the kernel said of the device
 * @qp_lock: for @qps; a command to the kernel never runs under it
 * @qps: by number, in chunks that are never taken back
 * @dbr_lock: for @dbr_pages
 */
struct tulle_context {
	struct verbs_context vctx;
	char *uar;
	struct tulle_ib_uresp_alloc_ucontext info;
	pthread_mutex_t qp_lock;
	struct tulle_qp **qps[TULLE_QPN_CHUNK];
	pthread_mutex_t dbr_lock;
	struct tulle_dbr_page *dbr_pages;
};

struct tulle_dbr *tulle_dbr_alloc(struct tulle_context *ctx);
void tulle_dbr_free(struct tulle_context *ctx, struct tulle_dbr *dbr);

/* Wakes the device. What it shall see was stored before, and fenced. */
void tulle_doorbell(struct tulle_context *ctx, unsigned int reg, u32 handle);

/* struct tulle_td - a promise that its queues are used by one thread */
struct tulle_td {
	struct ibv_td td;
	int refs;
};

/*
 * struct tulle_pd - a protection domain, or a parent domain around one
 * @parent: the one it stands for; NULL: itself
 * @td: of a parent domain, may be NULL
 * @alloc, @free: of a parent domain: the program's own; NULL: it has none
 * @alloc_context: what they get
 * @refs: parent domains that stand for it; of a parent domain: buffers
 */
struct tulle_pd {
	struct ibv_pd pd;
	struct tulle_pd *parent;
	struct tulle_td *td;
	void *(*alloc)(struct ibv_pd *pd, void *context, size_t size,
		       size_t alignment, uint64_t type);
	void (*free)(struct ibv_pd *pd, void *context, void *addr,
		     uint64_t type);
	void *alloc_context;
	u32 pdn;
	int refs;
};

/* struct tulle_ah - an address vector, ready to be copied into a WQE */
struct tulle_ah {
	struct ibv_ah ah;
	struct tulle_av av;
};

/*
 * struct tulle_cq - a completion queue
 * @cur: CQE that start_poll or next_poll stopped at
 * @poller: thread between start_poll and end_poll, which holds @lock; or 0
 * @any: an event for any CQE was asked for
 * @any_end: ... and is sure for a CQE at this index or behind it
 * @domain: parent domain that it was created in, or NULL
 */
struct tulle_cq {
	struct verbs_cq vcq;
	struct tulle_context *ctx;
	struct tulle_cons cons;
	const struct tulle_rdma_cqe *cur;
	struct tulle_lock lock;
	pthread_t poller;
	bool any;
	u32 any_end;
	struct tulle_buf buf;
	struct tulle_pd *domain;
	u32 handle;
};

struct tulle_srq {
	struct verbs_srq vsrq;
	struct tulle_context *ctx;
	struct tulle_prod rq;
	struct tulle_lock lock;
	struct tulle_buf buf;
	u32 handle;
	u32 max_sges;
};

/*
 * struct tulle_wqe - a send WQE that is being written
 * @hdr: its first block
 * @seg: where the operation's own segment is, behind the header
 * @data: where inline data or the next SGE goes
 */
struct tulle_wqe {
	struct tulle_qp_wqe *hdr;
	char *seg;
	char *data;
};

/*
 * struct tulle_qp - a queue pair
 * @max_blocks: of any send WQE that its limits allow
 * @ops: bit per enum tulle_wqe_op that device and type of QP know
 * @sig_all: every send WQE is reported
 * @wqe: of ibv_wr_*: the one that is open; @hdr NULL: none
 * @wr_err: of ibv_wr_*: first error since ibv_wr_start()
 * @wr_pi: of ibv_wr_*: index at ibv_wr_start()
 */
struct tulle_qp {
	struct verbs_qp vqp;
	struct tulle_context *ctx;
	struct tulle_prod sq;
	struct tulle_lock sq_lock;
	u32 handle;
	u32 max_inline;
	u32 max_sq_sges;
	u32 max_blocks;
	u64 ops;
	bool sig_all;
	struct tulle_wqe wqe;
	struct ibv_qp_cap cap;
	int wr_err;
	u32 wr_pi;

	struct tulle_prod rq;
	struct tulle_lock rq_lock;
	u32 max_rq_sges;
	struct tulle_srq *srq;
	struct tulle_cq *send_cq;
	struct tulle_cq *recv_cq;
	struct tulle_dbr *dbr;
	struct tulle_buf sq_buf;
	struct tulle_buf rq_buf;
};

#define TULLE_TO(name, type, member)					\
	static inline struct name *to_##name(struct type *p)		\
	{								\
		return container_of(p, struct name, member);		\
	}
TULLE_TO(tulle_context, ibv_context, vctx.context)
TULLE_TO(tulle_td, ibv_td, td)
TULLE_TO(tulle_pd, ibv_pd, pd)
TULLE_TO(tulle_ah, ibv_ah, ah)
TULLE_TO(tulle_cq, ibv_cq, vcq.cq)
TULLE_TO(tulle_srq, ibv_srq, vsrq.srq)
TULLE_TO(tulle_qp, ibv_qp, vqp.qp)
#undef TULLE_TO

/* The QP of that number in this process, or NULL. */
static inline struct tulle_qp *tulle_qp_find(struct tulle_context *ctx, u32 qpn)
{
	struct tulle_qp **chunk;

	chunk = __atomic_load_n(&ctx->qps[qpn >> TULLE_QPN_CHUNK_LOG],
				__ATOMIC_ACQUIRE);
	return chunk ? __atomic_load_n(&chunk[qpn & (TULLE_QPN_CHUNK - 1)],
				       __ATOMIC_RELAXED) : NULL;
}

int tulle_log2_ceil(u64 n);
bool tulle_single_threaded(struct ibv_pd *pd);
u8 tulle_access(unsigned int access);

/* pd.c, ah.c */
struct ibv_pd *tulle_pd_alloc(struct ibv_context *context);
int tulle_pd_dealloc(struct ibv_pd *pd);
struct ibv_td *tulle_td_alloc(struct ibv_context *context,
			      struct ibv_td_init_attr *attr);
int tulle_td_dealloc(struct ibv_td *td);
struct ibv_pd *tulle_parent_alloc(struct ibv_context *context,
				  struct ibv_parent_domain_init_attr *attr);

/* @pd when it is a parent domain, which stays until put; or NULL. */
struct tulle_pd *tulle_domain_get(struct ibv_pd *pd);
void tulle_domain_put(struct tulle_pd *domain);

struct ibv_ah *tulle_ah_create(struct ibv_pd *pd, struct ibv_ah_attr *attr);
int tulle_ah_destroy(struct ibv_ah *ah);
struct ibv_xrcd *tulle_xrcd_open(struct ibv_context *context,
				 struct ibv_xrcd_init_attr *attr);
int tulle_xrcd_close(struct ibv_xrcd *xrcd);

/* mr.c */
struct ibv_mr *tulle_mr_reg(struct ibv_pd *pd, void *addr, size_t len,
			    uint64_t iova, int access);
struct ibv_mr *tulle_mr_reg_dmabuf(struct ibv_pd *pd, uint64_t offset,
				   size_t len, uint64_t iova, int fd,
				   int access);
int tulle_mr_rereg(struct verbs_mr *vmr, int flags, struct ibv_pd *pd,
		   void *addr, size_t len, int access);
int tulle_mr_dereg(struct verbs_mr *vmr);
struct ibv_mw *tulle_mw_alloc(struct ibv_pd *pd, enum ibv_mw_type type);
int tulle_mw_dealloc(struct ibv_mw *mw);
int tulle_mw_bind(struct ibv_qp *ibqp, struct ibv_mw *mw,
		  struct ibv_mw_bind *bind);

/* cq.c */
struct ibv_cq *tulle_cq_create(struct ibv_context *context, int cqe,
			       struct ibv_comp_channel *channel, int vector);
struct ibv_cq_ex *tulle_cq_create_ex(struct ibv_context *context,
				     struct ibv_cq_init_attr_ex *attr);
int tulle_cq_resize(struct ibv_cq *ibcq, int cqe);
int tulle_cq_modify(struct ibv_cq *ibcq, struct ibv_modify_cq_attr *attr);
int tulle_cq_destroy(struct ibv_cq *ibcq);
int tulle_cq_arm(struct ibv_cq *ibcq, int solicited_only);

/*
 * A new ring is empty at @ci, whatever lap that is: entries get the owner bit
 * that the device has not written yet.
 */
void tulle_cq_ring_clear(struct tulle_ring *ring, u32 ci);

/* The CQEs of a QP that starts over or goes away; with cq->lock held. */
void tulle_cq_clean(struct tulle_cq *cq, u32 qpn);

/* poll.c */
int tulle_cq_poll(struct ibv_cq *ibcq, int n, struct ibv_wc *wc);
void tulle_cq_set_poll_ops(struct tulle_cq *cq);

/* srq.c */
struct ibv_srq *tulle_srq_create(struct ibv_pd *pd,
				 struct ibv_srq_init_attr *attr);
struct ibv_srq *tulle_srq_create_ex(struct ibv_context *context,
				    struct ibv_srq_init_attr_ex *attr);
int tulle_srq_modify(struct ibv_srq *ibsrq, struct ibv_srq_attr *attr,
		     int mask);
int tulle_srq_query(struct ibv_srq *ibsrq, struct ibv_srq_attr *attr);
int tulle_srq_destroy(struct ibv_srq *ibsrq);
int tulle_srq_num(struct ibv_srq *ibsrq, uint32_t *num);
int tulle_srq_post(struct ibv_srq *ibsrq, struct ibv_recv_wr *wr,
		   struct ibv_recv_wr **bad);

/* qp.c */
struct ibv_qp *tulle_qp_create(struct ibv_pd *pd,
			       struct ibv_qp_init_attr *attr);
struct ibv_qp *tulle_qp_create_ex(struct ibv_context *context,
				  struct ibv_qp_init_attr_ex *attr);
struct ibv_qp *tulle_qp_open(struct ibv_context *context,
			     struct ibv_qp_open_attr *attr);
int tulle_qp_query(struct ibv_qp *ibqp, struct ibv_qp_attr *attr, int mask,
		   struct ibv_qp_init_attr *init);
int tulle_qp_modify(struct ibv_qp *ibqp, struct ibv_qp_attr *attr, int mask);
int tulle_qp_destroy(struct ibv_qp *ibqp);
struct ibv_flow *tulle_flow_create(struct ibv_qp *qp,
				   struct ibv_flow_attr *attr);
int tulle_flow_destroy(struct ibv_flow *flow);

/* Sizes of a QP's queues, from what an application asks for. */
struct tulle_qp_size {
	u32 sq_blocks;		/* of the largest WQE */
	u8 log_sq;
	u8 log_rq;
	u8 log_rq_wqe;
	bool has_sq;
	bool has_rq;
};

/* 0 or an errno; @cap becomes what there really is. */
int tulle_qp_size(const struct tulle_ib_uresp_alloc_ucontext *info,
		  enum ibv_qp_type type, bool has_srq, struct ibv_qp_cap *cap,
		  struct tulle_qp_size *size);

/* Bit per enum tulle_wqe_op that a type of QP can post. */
u64 tulle_qp_type_ops(enum ibv_qp_type type);

/* Does it send a packet, and so name an SRQ when the QP is of XRC? */
/* libibverbs keeps the state that was asked for last. */
static inline bool tulle_qp_can_send(const struct tulle_qp *qp)
{
	return qp->vqp.qp.state >= IBV_QPS_RTS;
}

static inline bool tulle_op_is_remote(u8 op)
{
	return op != TULLE_WQE_LOCAL_INV && op != TULLE_WQE_BIND_MW;
}

/* Bytes of a WQE before the operation's own segment. */
static inline u32 tulle_qp_hdr_len(enum ibv_qp_type type, u8 op)
{
	return sizeof(struct tulle_qp_wqe) +
	       (type == IBV_QPT_XRC_SEND && tulle_op_is_remote(op) ?
		sizeof(struct tulle_xrc_seg) : 0);
}

/* wqe.c */

/*
 * Room for a WQE of so many blocks, NOPs up to the ring's end when it does not
 * fit there; 0 or ENOMEM. tulle_wqe_end() moves on by what was really used.
 */
int tulle_wqe_begin(struct tulle_qp *qp, struct tulle_wqe *wqe, u32 blocks);
void tulle_wqe_end(struct tulle_qp *qp, struct tulle_wqe *wqe);

/* A header with op and flags, and @seg_len bytes of segment to come. */
void tulle_wqe_header(struct tulle_qp *qp, struct tulle_wqe *wqe, u8 op,
		      u64 wr_id, unsigned int send_flags, u32 seg_len);

/* SGEs or inline bytes, and the lengths of the header; 0 or an errno. */
int tulle_wqe_sges(struct tulle_qp *qp, struct tulle_wqe *wqe, u32 n,
		   const struct ibv_sge *sge);
int tulle_wqe_inline(struct tulle_qp *qp, struct tulle_wqe *wqe,
		     const void *data, size_t len);
void tulle_wqe_xrc(struct tulle_wqe *wqe, u32 srqn);
void tulle_wqe_ud(struct tulle_wqe *wqe, struct ibv_ah *ah, u32 qpn, u32 qkey);
void tulle_wqe_bind(struct tulle_wqe *wqe, u32 rkey,
		    const struct ibv_mw_bind_info *info);

/* Everything up to sq.pi is the device's. */
void tulle_sq_publish(struct tulle_qp *qp);

/* post.c */
int tulle_post_send(struct ibv_qp *ibqp, struct ibv_send_wr *wr,
		    struct ibv_send_wr **bad);
int tulle_post_recv(struct ibv_qp *ibqp, struct ibv_recv_wr *wr,
		    struct ibv_recv_wr **bad);

/* A receive WQE at the producer index; 0 or an errno. */
int tulle_rq_write(struct tulle_prod *rq, u32 max_sges,
		   const struct ibv_recv_wr *wr);

/* wr.c: 0, or EOPNOTSUPP when @ops has something that this QP cannot do. */
int tulle_wr_set_ops(struct tulle_qp *qp, u64 ops);

#endif /* TULLE_PROVIDER_H */
