/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RDMA verbs. Force-included into the files of ib/ only, after compat.h.
 *
 * 7.3 name                       what an older kernel gets
 * ------------------------------ -------------------------------------------
 * ib_copy_validate_udata_in()    the checks of 7.3 on ib_copy_from_udata()
 * ib_copy_validate_udata_in_cm() the same, and unknown bits of comp_mask
 * ib_respond_udata() and others  zero-padded ib_copy_to_udata()
 * ib_alloc_device_with_net()     ib_alloc_device(): devices start in init_net
 * ib_dispatch_port_state_event() an event of the first port, whatever came before
 * ib_umem_get_va()               ib_umem_get()
 * ib_umem_get_cq_buf_or_va()     the same: no memory by attribute there
 *
 * Operations whose prototype changed: TULLE_DEFINE_X(fn) after fn at file
 * scope, TULLE_X(fn) in struct ib_device_ops:
 *
 *	CREATE_CQ(kernel_fn, user_fn)	one operation for both
 *	PRE_DESTROY_CQ(pre_fn, post_fn)	nothing: destroy_cq does both (no DEFINE), and
 *					tulle_compat_wake_sync() waits for those who
 *					call handlers of a CQ that has lost its queue
 *					pairs
 *	RESIZE_USER_CQ(fn)		resize_cq with a signed size
 *	REG_USER_MR(fn), REG_USER_MR_DMABUF(fn)	without a DMA handle
 *	COUNTER_BIND_QP(fn), COUNTER_UNBIND_QP(fn)	without a port
 *	COUNTER_INIT(name)		nothing (7.3: an empty initialiser)
 *	QUERY_PORT_SPEED(fn)		nothing: that kernel does not ask (no DEFINE)
 *	ROBUST_UDATA			nothing
 *
 * TULLE_CORE_REPORTS_PORTS: does ib_core turn changes of the net_device into
 * port events? If not, the driver does; for ports of bonds it always does.
 */
#ifndef TULLE_COMPAT_RDMA_H
#define TULLE_COMPAT_RDMA_H

#include <linux/netdevice.h>
#include <linux/rcupdate.h>
#include <linux/uaccess.h>
#include <rdma/ib_umem.h>
#include <rdma/ib_verbs.h>
#include <rdma/iter.h>
#include <rdma/rdma_counter.h>
#include <rdma/uverbs_ioctl.h>

#define TULLE_CORE_REPORTS_PORTS	TULLE_HAVE_PORT_STATE_EVENT

#if !TULLE_HAVE_PORT_STATE_EVENT
static inline void ib_dispatch_port_state_event(struct ib_device *ibdev,
						struct net_device *ndev)
{
	bool up = netif_running(ndev) && netif_carrier_ok(ndev);
	struct ib_event event = {
		.device = ibdev,
		.event = up ? IB_EVENT_PORT_ACTIVE : IB_EVENT_PORT_ERR,
		.element.port_num = rdma_start_port(ibdev),
	};

	ib_dispatch_event(&event);
}
#endif

#if !TULLE_HAVE_UDATA_VALIDATE
static inline int tulle_compat_udata_in(struct ib_udata *udata, void *req,
					size_t size, size_t minimum)
{
	if (udata->inlen < minimum)
		return -EINVAL;
	if (udata->inlen > size &&
	    !ib_is_udata_cleared(udata, size, udata->inlen - size))
		return -EOPNOTSUPP;
	memset(req, 0, size);
	return ib_copy_from_udata(req, udata, min(udata->inlen, size));
}

static inline int tulle_compat_udata_out(struct ib_udata *udata, void *rsp,
					 size_t len)
{
	size_t n = min(udata->outlen, len);

	if (n && ib_copy_to_udata(udata, rsp, n))
		return -EFAULT;
	if (udata->outlen > n &&
	    clear_user((u8 __user *)udata->outbuf + n, udata->outlen - n))
		return -EFAULT;
	return 0;
}

#define ib_copy_validate_udata_in(udata, req, end) \
	tulle_compat_udata_in(udata, &(req), sizeof(req), \
			      offsetofend(typeof(req), end))
#define ib_copy_validate_udata_in_cm(udata, req, end, valid) \
	(ib_copy_validate_udata_in(udata, req, end) ?: \
	 (req).comp_mask & ~(typeof((req).comp_mask))(valid) ? \
	 -EOPNOTSUPP : 0)
#define ib_respond_udata(udata, rsp) \
	tulle_compat_udata_out(udata, &(rsp), sizeof(rsp))

static inline int ib_is_udata_in_empty(struct ib_udata *udata)
{
	if (!udata || !udata->inlen)
		return 0;
	return ib_is_udata_cleared(udata, 0, udata->inlen) ? 0 : -EOPNOTSUPP;
}

static inline int ib_respond_empty_udata(struct ib_udata *udata)
{
	if (udata && udata->outlen && clear_user(udata->outbuf, udata->outlen))
		return -EFAULT;
	return 0;
}

static inline int ib_no_udata_io(struct ib_udata *udata)
{
	return ib_is_udata_in_empty(udata) ?: ib_respond_empty_udata(udata);
}
#endif

#if TULLE_HAVE_ROBUST_UDATA
#define TULLE_ROBUST_UDATA	.uverbs_robust_udata = true,
#else
#define TULLE_ROBUST_UDATA
#endif

#if TULLE_HAVE_QUERY_PORT_SPEED
#define TULLE_QUERY_PORT_SPEED(fn)	.query_port_speed = fn,
#else
#define TULLE_QUERY_PORT_SPEED(fn)
#endif

#if !TULLE_HAVE_ALLOC_WITH_NET
#define ib_alloc_device_with_net(drv_struct, member, net) \
	((void)(net), ib_alloc_device(drv_struct, member))
#endif

#if !TULLE_HAVE_UMEM_GET_VA
#define ib_umem_get_va(device, addr, size, access) \
	ib_umem_get(device, addr, size, access)
#endif

#if !TULLE_HAVE_UMEM_GET_CQ_BUF
#define ib_umem_get_cq_buf_or_va(device, attrs, addr, size, access) \
	ib_umem_get_va(device, addr, size, access)
#endif

#if TULLE_HAVE_CREATE_USER_CQ
#define TULLE_DEFINE_CREATE_CQ(kernel_fn, user_fn) \
	static_assert(__same_type(kernel_fn, user_fn))
#define TULLE_CREATE_CQ(kernel_fn, user_fn) \
	.create_cq = kernel_fn, .create_user_cq = user_fn,
#else
#define TULLE_DEFINE_CREATE_CQ(kernel_fn, user_fn) \
static int kernel_fn##_any(struct ib_cq *cq, \
			   const struct ib_cq_init_attr *attr, \
			   struct uverbs_attr_bundle *attrs) \
{ \
	return attrs ? user_fn(cq, attr, attrs) : kernel_fn(cq, attr, attrs); \
} \
static_assert(true)
#define TULLE_CREATE_CQ(kernel_fn, user_fn)	.create_cq = kernel_fn##_any,
#endif

#if TULLE_HAVE_PRE_DESTROY_CQ
#define TULLE_PRE_DESTROY_CQ(pre_fn, post_fn) \
	.pre_destroy_cq = pre_fn, .post_destroy_cq = post_fn,

static inline void tulle_compat_wake_sync(void)
{
}
#else
#define TULLE_PRE_DESTROY_CQ(pre_fn, post_fn)

/*
 * ib_core asks to destroy a CQ only when it has stopped polling it and freed
 * some of what that needs: no handler may start it over.
 */
static inline void tulle_compat_wake_sync(void)
{
	/* Queue pairs go one by one, and there may be many. */
	synchronize_rcu_expedited();
}
#endif

#if TULLE_HAVE_RESIZE_USER_CQ
#define TULLE_DEFINE_RESIZE_USER_CQ(fn)	static_assert(true)
#define TULLE_RESIZE_USER_CQ(fn)	.resize_user_cq = fn,
#else
#define TULLE_DEFINE_RESIZE_USER_CQ(fn) \
static int fn##_int(struct ib_cq *cq, int cqe, struct ib_udata *udata) \
{ \
	return udata && cqe > 0 ? fn(cq, cqe, udata) : -EOPNOTSUPP; \
} \
static_assert(true)
#define TULLE_RESIZE_USER_CQ(fn)	.resize_cq = fn##_int,
#endif

#if TULLE_HAVE_REG_MR_DMAH
#define TULLE_DEFINE_REG_USER_MR(fn)	static_assert(true)
#define TULLE_REG_USER_MR(fn)		.reg_user_mr = fn,
#define TULLE_DEFINE_REG_USER_MR_DMABUF(fn)	static_assert(true)
#define TULLE_REG_USER_MR_DMABUF(fn)	.reg_user_mr_dmabuf = fn,
#else
struct ib_dmah;

#define TULLE_DEFINE_REG_USER_MR(fn) \
static struct ib_mr *fn##_nodmah(struct ib_pd *pd, u64 start, u64 length, \
				 u64 virt, int access, \
				 struct ib_udata *udata) \
{ \
	return fn(pd, start, length, virt, access, NULL, udata); \
} \
static_assert(true)
#define TULLE_REG_USER_MR(fn)		.reg_user_mr = fn##_nodmah,
#define TULLE_DEFINE_REG_USER_MR_DMABUF(fn) \
static struct ib_mr *fn##_nodmah(struct ib_pd *pd, u64 offset, u64 length, \
				 u64 virt, int fd, int access, \
				 struct uverbs_attr_bundle *attrs) \
{ \
	return fn(pd, offset, length, virt, fd, access, NULL, attrs); \
} \
static_assert(true)
#define TULLE_REG_USER_MR_DMABUF(fn)	.reg_user_mr_dmabuf = fn##_nodmah,
#endif

#if TULLE_HAVE_COUNTER_PORT
#define TULLE_DEFINE_COUNTER_BIND_QP(fn)	static_assert(true)
#define TULLE_COUNTER_BIND_QP(fn)		.counter_bind_qp = fn,
#define TULLE_DEFINE_COUNTER_UNBIND_QP(fn)	static_assert(true)
#define TULLE_COUNTER_UNBIND_QP(fn)		.counter_unbind_qp = fn,
#else
#define TULLE_DEFINE_COUNTER_BIND_QP(fn) \
static int fn##_noport(struct rdma_counter *counter, struct ib_qp *qp) \
{ \
	return fn(counter, qp, 1); \
} \
static_assert(true)
#define TULLE_COUNTER_BIND_QP(fn)		.counter_bind_qp = fn##_noport,
#define TULLE_DEFINE_COUNTER_UNBIND_QP(fn) \
static int fn##_noport(struct ib_qp *qp) \
{ \
	return fn(qp, 1); \
} \
static_assert(true)
#define TULLE_COUNTER_UNBIND_QP(fn)		.counter_unbind_qp = fn##_noport,
#endif

#if TULLE_HAVE_COUNTER_INIT
/* Nothing of the driver's own in a counter, but 7.3 asks all the same. */
#define TULLE_DEFINE_COUNTER_INIT(name) \
struct name##_counter { \
	struct rdma_counter counter; \
}; \
static void name(struct rdma_counter *counter) \
{ \
}
#define TULLE_COUNTER_INIT(name) \
	.counter_init = name, \
	INIT_RDMA_OBJ_SIZE(rdma_counter, name##_counter, counter),
#else
#define TULLE_DEFINE_COUNTER_INIT(name)
#define TULLE_COUNTER_INIT(name)
#endif

#endif /* TULLE_COMPAT_RDMA_H */
