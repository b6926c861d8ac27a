/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Private header of tulle_ib: the verbs objects and prototypes, by file.
 *
 * An ib_device lives from attach to detach: when the PCI function goes away
 * for a while (reset, suspend, recovery) every object of the verbs is gone on
 * the device, so consumers see the RDMA device leave and come back. The netdev
 * notifier lives from probe to remove.
 *
 * Two flavours of queues. Those of user space lie in its memory, are polled
 * and filled by the provider, and the kernel only creates them. Kernel queues
 * are this driver's: wr_ids stay in shadow arrays, and what a CQE names is
 * checked against what was posted. When the device puts something into a CQ
 * that cannot be, all its queue pairs are moved to RESET, and their outstanding
 * work is completed in software, as is everything when the device dies.
 *
 * Lock order, outermost first:
 *	tulle_ib_adev.lock (mutex; inside rtnl)
 *	tulle_ib_qp.mutex, tulle_ib_cq.mutex, tulle_ib_srq.mutex,
 *		tulle_ib_uctx.mutex
 *	tulle_ib_cq.lock (irq) of the send CQ, then of the receive CQ if another
 *	tulle_ib_wq.lock (irq) of the SQ, then of the RQ
 *	tulle_ib_srq.lock (irq)
 * Completion and event handlers of consumers run without any of them, but for
 * tulle_ib_adev.lock around completion handlers when the device has died.
 */
#ifndef TULLE_IB_H
#define TULLE_IB_H

#include <linux/completion.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <rdma/ib_verbs.h>
#include <rdma/uverbs_ioctl.h>
#include "tulle_core.h"
#include "tulle-abi.h"

struct tulle_ib_dev;

#define TULLE_IB_PORT		1
#define TULLE_IB_PKEYS		1

/*
 * struct tulle_ib_adev - one auxiliary device, from probe to remove
 * @lock: @dev and @netdev, and the tie between them
 * @dev: between attach and detach
 * @netdev: the port's net_device, while it is registered
 * @registered: ib_core knows @dev
 * @port_up: the link was up when last seen
 * @net_cookie: the namespace that @dev was in when it was last detached; 0: there
 *	was none
 * @name: what it was called there
 * @wake_wq: calls consumers who may be what memory is freed through
 */
struct tulle_ib_adev {
	struct tulle_adev	*tadev;
	struct tulle_dev	*tdev;
	struct notifier_block	netdev_nb;
	struct mutex		lock;	/* see above */
	struct tulle_ib_dev	*dev __guarded_by(&lock);
	struct net_device	*netdev __guarded_by(&lock);
	bool			registered __guarded_by(&lock);
	bool			port_up __guarded_by(&lock);
	u64			net_cookie;
	char			name[IB_DEVICE_NAME_MAX];
	struct workqueue_struct	*wake_wq;
};

/* What consumers may still be destroying when ib_core has let go of them. */
enum tulle_ib_kind {
	TULLE_IB_PDS,
	TULLE_IB_CQS,
	TULLE_IB_SRQS,
	TULLE_IB_QPS,
	TULLE_IB_KINDS,
};

/*
 * struct tulle_ib_dev - the ib_device
 * @vec: vectors of completions, @nvecs of them
 * @dma_key: handle of the key behind local_dma_lkey
 * @quota: of the function's objects, by enum tulle_obj_type
 * @qps, @srqs, @cqs: by index of their handle, for events
 * @objs: how many there are of each kind
 * @rule_ids: of the flow rules in the Rx root
 * @watch: looks for kernel CQs whose event never came
 * @death_told: consumers were told, under @adev's lock
 */
struct tulle_ib_dev {
	struct ib_device	ibdev;
	struct tulle_dev	*tdev;
	struct tulle_ib_adev	*adev;
	struct notifier_block	events;
	struct tulle_vec	**vec;
	unsigned int		nvecs;
	u32			dma_key;
	u32			rx_root;
	u32			quota[TULLE_OBJ_TYPES];
	struct xarray		qps;
	struct xarray		srqs;
	struct xarray		cqs;
	atomic_t		objs[TULLE_IB_KINDS];
	struct ida		rule_ids;
	struct delayed_work	watch;
	bool			death_told;
};

/* An object that an event may name while it is being destroyed. */
struct tulle_ib_ref {
	refcount_t		users;
	struct completion	unused;
};

static inline void tulle_ib_ref_init(struct tulle_ib_ref *ref)
{
	refcount_set(&ref->users, 1);
	init_completion(&ref->unused);
}

static inline void tulle_ib_ref_put(struct tulle_ib_ref *ref)
{
	if (refcount_dec_and_test(&ref->users))
		complete(&ref->unused);
}

/* The object is not to be found any more: wait for those who found it. */
static inline void tulle_ib_ref_kill(struct tulle_ib_ref *ref)
{
	tulle_ib_ref_put(ref);
	wait_for_completion(&ref->unused);
}

/*
 * struct tulle_ib_umem - user memory as a page list
 * @array: level 1 arrays, mapped at @array_dma; the last is level 2 if @pages
 *	says so. Needed until the command that takes @pages is done
 */
struct tulle_ib_umem {
	struct ib_umem		*umem;
	struct tulle_page_list	pages;
	__le64			**array;
	dma_addr_t		*array_dma;
	unsigned int		narrays;
};

/* A page of doorbell records, shared by the queues that have one in it. */
struct tulle_ib_dbr_page {
	struct list_head	list;
	struct ib_umem		*umem;
	unsigned long		addr;
	unsigned int		users;
};

struct tulle_ib_uctx {
	struct ib_ucontext	ibuctx;
	struct tulle_uar	uar;
	struct rdma_user_mmap_entry *mmap;
	struct mutex		mutex;	/* dbr_pages */
	struct list_head	dbr_pages;
};

/* What a queue of user space has from its process. */
struct tulle_ib_user {
	struct tulle_ib_uctx	*uctx;
	struct tulle_ib_dbr_page *dbr;
	u64			dbr_dma;
};

struct tulle_ib_pd {
	struct ib_pd		ibpd;
	u32			handle;
};

struct tulle_ib_xrcd {
	struct ib_xrcd		ibxrcd;
	u32			handle;
};

/*
 * struct tulle_ib_ah - address handle
 * @av: ready for work requests
 * @sl: as it was given; @av has it in a VLAN tag only
 */
struct tulle_ib_ah {
	struct ib_ah		ibah;
	struct tulle_av		av;
	u8			sl;
};

/*
 * struct tulle_ib_mr - memory region
 * @umem: of user space
 * @pages: FRWR: list that REG_MR hands over, at @pages_dma; @npages of
 *	@max_pages are in use
 */
struct tulle_ib_mr {
	struct ib_mr		ibmr;
	u32			handle;
	int			access;
	struct ib_umem		*umem;
	__le64			*pages;
	dma_addr_t		pages_dma;
	u32			npages;
	u32			max_pages;
};

struct tulle_ib_mw {
	struct ib_mw		ibmw;
	u32			handle;
};

/*
 * struct tulle_ib_cq - completion queue
 * @tcq: the queue; its ring and record are used only by kernel queues
 * @lock: ring and consumer index
 * @qps: kernel: those that complete here, by the number CQEs name
 * @armed: kernel: an event was asked for
 * @any: kernel: it was asked for whatever comes next
 * @dead: kernel: entries of the ring that are marked as nobody's
 * @late: kernel: it had not come when it was last checked, with @late_ci
 * @still: kernel: checks in a row that found work posted, but no CQE
 * @flushes: kernel: one of @qps is completed in software
 * @stopped: the device adds no more CQEs
 * @gone: it is being destroyed; under @lock and @mutex
 * @wake_work: kernel: calls the consumer from a context of its own
 * @mutex: resize, moderation
 */
struct tulle_ib_cq {
	struct ib_cq		ibcq;
	struct tulle_cq		tcq;
	spinlock_t		lock;	/* see above */
	struct xarray		qps;
	bool			armed;
	bool			any;
	bool			late;
	bool			flushes;
	bool			stopped;
	bool			gone;
	u32			late_ci;
	u32			dead;
	unsigned int		still;
	struct work_struct	wake_work;
	struct tulle_ib_ref	ref;
	struct mutex		mutex;	/* see above */
	struct tulle_ib_umem	umem;
	struct tulle_ib_user	user;
};

/* What a kernel SQ remembers of the WQE that starts at a block. */
struct tulle_ib_swqe {
	u64			wr_id;
	u32			len;
	u8			op;	/* enum tulle_wqe_op */
	u8			nblocks;
	bool			signalled;
};

/* What a kernel RQ or SRQ remembers of a WQE. */
struct tulle_ib_rwqe {
	u64			wr_id;
	u32			len;
	bool			busy;	/* SRQ */
};

/*
 * struct tulle_ib_wq - a kernel ring
 * @lock: producers; prod.ci is moved under the CQ's lock instead
 * @swqe, @rwqe: shadow, by slot
 */
struct tulle_ib_wq {
	spinlock_t		lock;	/* see above */
	struct tulle_prod	prod;
	struct tulle_mem	mem;
	u32			max_wr;
	u32			max_sge;
	union {
		struct tulle_ib_swqe *swqe;
		struct tulle_ib_rwqe *rwqe;
	};
};

/*
 * struct tulle_ib_qp - queue pair
 * @qpn: index of @handle: what CQEs and the wire call it, but for GSI
 * @mutex: @state and @counter
 * @state: last one that was set
 * @broken: the device contradicted itself: @broken_work resets the QP
 * @flush: its work is completed in software
 * @gone: it is being destroyed
 * @tell_drained: an event was asked for when the SQ is drained
 * @sl: of the address, as it was given
 */
struct tulle_ib_qp {
	struct ib_qp		ibqp;
	struct tulle_ib_dev	*dev;
	u32			handle;
	u32			qpn;
	u8			type;	/* enum tulle_qp_type */
	bool			is_user;
	bool			sig_all;
	bool			broken;
	bool			flush;
	bool			gone;
	bool			tell_drained;
	u8			sl;
	enum ib_qp_state	state;
	u32			max_inline;
	u32			counter;
	struct mutex		mutex;	/* see above */
	struct tulle_ib_wq	sq;
	struct tulle_ib_wq	rq;
	struct tulle_dbr_ref	dbr;
	struct work_struct	broken_work;
	struct tulle_ib_ref	ref;
	struct tulle_ib_umem	sq_umem;
	struct tulle_ib_umem	rq_umem;
	struct tulle_ib_user	user;
};

/*
 * struct tulle_ib_srq - shared receive queue
 * @wq: kernel: ring and shadow; the shadow is indexed by a cookie that the WQE
 *	carries, because WQEs complete in any order
 * @free: kernel: stack of cookies that are not in use, @nfree of them
 * @mutex: arming
 * @armed: a limit is set, and its event has not come
 * @failed: the device uses it no more, and the consumer was told
 */
struct tulle_ib_srq {
	struct ib_srq		ibsrq;
	u32			handle;
	struct tulle_ib_wq	wq;
	u32			*free;
	u32			nfree;
	struct mutex		mutex;	/* see above */
	bool			armed;
	bool			failed;
	struct tulle_dbr_ref	dbr;
	struct tulle_ib_ref	ref;
	struct tulle_ib_umem	umem;
	struct tulle_ib_user	user;
};

#define TULLE_IB_CAST(name, type, member) \
static inline struct tulle_ib_##name *to_tulle_ib_##name(struct type *p) \
{ \
	return container_of(p, struct tulle_ib_##name, member); \
}

TULLE_IB_CAST(dev, ib_device, ibdev)
TULLE_IB_CAST(uctx, ib_ucontext, ibuctx)
TULLE_IB_CAST(pd, ib_pd, ibpd)
TULLE_IB_CAST(xrcd, ib_xrcd, ibxrcd)
TULLE_IB_CAST(ah, ib_ah, ibah)
TULLE_IB_CAST(mr, ib_mr, ibmr)
TULLE_IB_CAST(mw, ib_mw, ibmw)
TULLE_IB_CAST(cq, ib_cq, ibcq)
TULLE_IB_CAST(qp, ib_qp, ibqp)
TULLE_IB_CAST(srq, ib_srq, ibsrq)

#undef TULLE_IB_CAST

/* The last thing of a create that succeeds. */
static inline void tulle_ib_obj_count(struct tulle_ib_dev *dev,
				      enum tulle_ib_kind kind)
{
	atomic_inc(&dev->objs[kind]);
}

/* The last thing of a destroy: @dev may be gone on return. */
static inline void tulle_ib_obj_gone(struct tulle_ib_dev *dev,
				     enum tulle_ib_kind kind)
{
	if (atomic_dec_and_test(&dev->objs[kind]))
		wake_up_var(&dev->objs);
}

static inline u32 tulle_ib_index(u32 handle)
{
	return handle & TULLE_HANDLE_INDEX;
}

/* DMA is off and commands fail: what is outstanding never completes. */
static inline bool tulle_ib_is_dead(const struct tulle_ib_dev *dev)
{
	return unlikely(!tulle_dev_is_up(dev->tdev));
}

static inline bool tulle_ib_can(const struct tulle_ib_dev *dev,
				enum tulle_wqe_op op)
{
	return dev->tdev->rdma.ops[op / 32] & BIT(op % 32);
}

static inline struct tulle_ib_uctx *tulle_ib_udata_uctx(struct ib_udata *udata)
{
	return rdma_udata_to_drv_context(udata, struct tulle_ib_uctx, ibuctx);
}

/* ah.c */
void tulle_ib_av_fill(struct tulle_av *av, const struct rdma_ah_attr *attr);
void tulle_ib_av_read(const struct tulle_av *av, u8 sl,
		      struct rdma_ah_attr *attr);
int tulle_ib_create_ah(struct ib_ah *ibah, struct rdma_ah_init_attr *init,
		       struct ib_udata *udata);
int tulle_ib_query_ah(struct ib_ah *ibah, struct rdma_ah_attr *attr);
int tulle_ib_destroy_ah(struct ib_ah *ibah, u32 flags);

/* counters.c */
extern const struct ib_device_ops tulle_ib_stats_ops;
extern const struct ib_device_ops tulle_ib_counter_ops;

/* cq.c */
extern const struct ib_device_ops tulle_ib_cq_ops;
void tulle_ib_cq_wake(struct tulle_ib_cq *cq);
void tulle_ib_cq_wake_later(struct tulle_ib_cq *cq);
void tulle_ib_cqs_lock(struct ib_cq *send, struct ib_cq *recv,
		       unsigned long *flags);
void tulle_ib_cqs_unlock(struct ib_cq *send, struct ib_cq *recv,
			 unsigned long flags);

/* events.c */
int tulle_ib_event(struct notifier_block *nb, unsigned long type, void *data);
int tulle_ib_cq_ask(struct tulle_ib_cq *cq);
void tulle_ib_qp_event(struct tulle_ib_qp *qp, enum ib_event_type type);
void tulle_ib_qps_lost(struct tulle_ib_dev *dev);

/* flow.c */
extern const struct ib_device_ops tulle_ib_flow_ops;

/* gid.c */
int tulle_ib_add_gid(const struct ib_gid_attr *attr, void **context);
int tulle_ib_del_gid(const struct ib_gid_attr *attr, void **context);

/* gsi.c */
int tulle_ib_gsi_restart(struct tulle_ib_qp *qp);

/* main.c */
void tulle_ib_report_death(struct tulle_ib_dev *dev);
int tulle_ib_name(struct tulle_ib_dev *dev, struct xarray *xa, u32 index,
		  void *obj);

/* mcast.c */
extern const struct ib_device_ops tulle_ib_mcast_ops;

/* mr.c */
extern const struct ib_device_ops tulle_ib_mr_ops;
extern const struct ib_device_ops tulle_ib_frwr_ops;
u8 tulle_ib_access(int access);
int tulle_ib_key_destroy(struct tulle_ib_dev *dev, u32 handle, bool windows);
int tulle_ib_dma_key_create(struct tulle_ib_dev *dev, u32 pd, u8 access,
			    u32 *handle);

/* mw.c */
extern const struct ib_device_ops tulle_ib_mw_ops;

/* pd.c */
int tulle_ib_alloc_pd(struct ib_pd *ibpd, struct ib_udata *udata);
int tulle_ib_dealloc_pd(struct ib_pd *ibpd, struct ib_udata *udata);

/* poll.c */
int tulle_ib_poll_cq(struct ib_cq *ibcq, int n, struct ib_wc *wc);
int tulle_ib_req_notify_cq(struct ib_cq *ibcq, enum ib_cq_notify_flags flags);
bool tulle_ib_cq_check(struct tulle_ib_cq *cq);
void tulle_ib_cq_clean(struct tulle_ib_cq *cq, struct tulle_ib_qp *qp);

/* port.c */
extern const struct ib_device_ops tulle_ib_port_ops;
int tulle_ib_netdev_event(struct notifier_block *nb, unsigned long event,
			  void *ptr);

/* post.c */
int tulle_ib_post_send(struct ib_qp *ibqp, const struct ib_send_wr *wr,
		       const struct ib_send_wr **bad);
int tulle_ib_post_recv(struct ib_qp *ibqp, const struct ib_recv_wr *wr,
		       const struct ib_recv_wr **bad);
u32 tulle_ib_rwqe_write(struct tulle_rq_wqe *wqe, const struct ib_recv_wr *wr);

/* qp.c */
extern const struct ib_device_ops tulle_ib_qp_ops;

/* qp_kernel.c */
int tulle_ib_qp_alloc_kernel(struct tulle_ib_dev *dev, struct tulle_ib_qp *qp,
			     struct ib_qp_init_attr *init,
			     struct tulle_qp_ctx *ctx);
void tulle_ib_qp_free_kernel(struct tulle_ib_dev *dev, struct tulle_ib_qp *qp);
int tulle_ib_qp_enlist(struct tulle_ib_qp *qp);
void tulle_ib_qp_delist(struct tulle_ib_qp *qp);
void tulle_ib_qp_check_cqs(struct tulle_ib_qp *qp);
void tulle_ib_qp_lock_rings(struct tulle_ib_qp *qp, unsigned long *flags);
void tulle_ib_qp_unlock_rings(struct tulle_ib_qp *qp, unsigned long flags);
void tulle_ib_qp_reset_rings(struct tulle_ib_qp *qp);
void tulle_ib_qp_reset_rings_locked(struct tulle_ib_qp *qp);
void tulle_ib_cq_break(struct tulle_ib_cq *cq, const char *what, u32 value);
void tulle_ib_qp_broken_work(struct work_struct *work);
void tulle_ib_qp_wake(struct tulle_ib_qp *qp);

static inline bool tulle_ib_qp_is_flushed(const struct tulle_ib_qp *qp)
{
	return READ_ONCE(qp->flush) || tulle_ib_is_dead(qp->dev);
}

/* qp_state.c */
int tulle_ib_modify_qp(struct ib_qp *ibqp, struct ib_qp_attr *attr, int mask,
		       struct ib_udata *udata);
int tulle_ib_query_qp(struct ib_qp *ibqp, struct ib_qp_attr *attr, int mask,
		      struct ib_qp_init_attr *init);
int tulle_ib_qp_set_attr(struct tulle_ib_qp *qp, const struct ib_qp_attr *attr,
			 int mask);
int tulle_ib_qp_set_state(struct tulle_ib_qp *qp, u8 state);

/* qp_user.c */
int tulle_ib_qp_get_user(struct tulle_ib_dev *dev, struct tulle_ib_qp *qp,
			 struct ib_qp_init_attr *init,
			 struct tulle_qp_ctx *ctx, struct ib_udata *udata);
void tulle_ib_qp_put_user(struct tulle_ib_dev *dev, struct tulle_ib_qp *qp);

/* restrack.c */
extern const struct ib_device_ops tulle_ib_restrack_ops;

/* srq.c */
extern const struct ib_device_ops tulle_ib_srq_ops;

/* srq_post.c */
int tulle_ib_post_srq_recv(struct ib_srq *ibsrq, const struct ib_recv_wr *wr,
			   const struct ib_recv_wr **bad);
bool tulle_ib_srq_take(struct tulle_ib_srq *srq, u64 cookie,
		       struct tulle_ib_rwqe *rwqe);

/* uctx.c */
extern const struct ib_device_ops tulle_ib_uctx_ops;
int tulle_ib_dbr_get(struct tulle_ib_dev *dev, struct tulle_ib_user *user,
		     struct tulle_ib_uctx *uctx, u64 addr);
void tulle_ib_dbr_put(struct tulle_ib_user *user);

/* umem.c */
int tulle_ib_pages_map(struct tulle_ib_dev *dev, struct tulle_ib_umem *um,
		       u64 virt);
void tulle_ib_pages_unmap(struct tulle_ib_dev *dev, struct tulle_ib_umem *um);
int tulle_ib_ring_get(struct tulle_ib_dev *dev, struct tulle_ib_umem *um,
		      u64 addr, size_t size, int access);
int tulle_ib_ring_map(struct tulle_ib_dev *dev, struct tulle_ib_umem *um,
		      u64 addr);
void tulle_ib_ring_put(struct tulle_ib_dev *dev, struct tulle_ib_umem *um);

/* xrcd.c */
extern const struct ib_device_ops tulle_ib_xrcd_ops;

#endif /* TULLE_IB_H */
