/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tulle_core gives to the drivers above it (tulle_en, tulle_ib): the only
 * door. Symbols are exported in namespace TULLE_CORE.
 *
 * Contexts. "Process" means: may sleep, no spinlock held. Everything that
 * talks to the firmware is process context.
 *
 * Lock order, outermost first:
 *   device lock of the PCI device, device lock of the auxiliary device,
 *   devlink instance lock, the event chain, rtnl, netdev lock, locks inside
 *   core (vectors, doorbell records, command slots).
 * Core adds and removes auxiliary devices without the devlink lock, so probe
 * and remove of a client may take it; attach and detach run with it held.
 */
#ifndef TULLE_CORE_H
#define TULLE_CORE_H

#include <linux/auxiliary_bus.h>
#include <linux/bitops.h>
#include <linux/io.h>
#include <linux/notifier.h>
#include <linux/string.h>
#include <linux/xarray.h>
#include "tulle_hw.h"
#include "tulle_ring.h"

struct devlink;
struct devlink_port;
struct pci_dev;

/*
 * Numeric capabilities in CPU order, checked for sanity: the members of the
 * same name in struct tulle_caps, clamped to what the drivers can use; and
 * max_frame, the largest frame without FCS that the MTU range allows.
 */
struct tulle_limits {
	u16 max_msix;
	u16 vport;
	u8 port;
	u8 addr_bits;
	u8 log_max_eq_size;
	u8 log_max_cq_size;
	u8 log_max_sq_size;
	u8 log_max_rq_size;
	u8 log_max_rq_wqe;
	u8 log_max_rss;
	u8 max_tx_sges;
	u8 max_tx_blocks;
	u16 max_tx_inline;
	u32 max_tso_size;
	u32 max_gro_size;
	u16 min_mtu;
	u16 max_mtu;
	u16 max_frame;
	u16 max_rq_sges;
	u16 max_tx_queues;
	u32 rss_fields;
	u32 rss_types;
	u8 log_min_stride;
	u8 log_max_stride;
	u8 log_max_strides;
	u8 max_actions;
	u32 actions[3];
	u32 max_rules_batch;
	u32 max_moderation_usecs;
	u32 max_moderation_frames;
	u8 max_tables_depth;
};

/* Pages that a page list and memory keys can have: 4 KiB to 1 GiB. */
#define TULLE_PAGE_SIZES	GENMASK_ULL(30, 12)

/* The same for RDMA: members of struct tulle_rdma_caps. */
struct tulle_rdma_limits {
	u64 page_sizes;
	u64 max_mr_size;
	u8 node_guid[8];
	u32 max_mr_pages;
	u32 max_frwr_pages;
	u32 log_max_qp_sq;
	u32 log_max_qp_rq;
	u32 log_max_rq_wqe;
	u32 max_sq_sges;
	u32 max_rq_sges;
	u32 max_blocks;
	u32 max_inline;
	u32 max_rd_atomic;
	u32 max_dest_rd_atomic;
	u32 max_mtu;
	u32 max_gids;
	u32 max_mcast_qps;
	u32 max_mcast_groups;
	u32 ops[2];
};

/**
 * struct tulle_dev - one PCI function, as far as core shows it
 * @pdev: the PCI device; &pdev->dev is also the device for DMA mappings
 * @device: &pdev->dev
 * @devlink: its devlink instance
 * @devlink_port: the physical or virtual port, for SET_NETDEV_DEVLINK_PORT; NULL
 *	until the device came up
 * @uar: kernel doorbell page; use tulle_doorbell()
 * @mkey: handle of the key that covers every DMA address, for SGEs; changes
 *	with every attach
 * @numa_node: home of the device
 * @up: false while the device is down, see tulle_dev_is_up()
 * @func: function id
 * @perm_mac: burned-in address of the function's vport; zero: none that is valid
 * @caps: capability bits, use tulle_cap()
 * @limits: numeric capabilities
 * @rdma: numeric capabilities of RDMA
 * @info: identification strings, NUL-terminated
 *
 * Read only for everybody but core. Everything but @up and @mkey stays as it
 * is for as long as the auxiliary device exists: a device that comes back from
 * a reset with other capabilities stays down.
 */
struct tulle_dev {
	struct pci_dev *pdev;
	struct device *device;
	struct devlink *devlink;
	struct devlink_port *devlink_port;
	void __iomem *uar;
	u32 mkey;
	int numa_node;
	bool up;
	u16 func;
	u8 perm_mac[6];
	u64 caps[TULLE_CAP_WORDS];
	struct tulle_limits limits;
	struct tulle_rdma_limits rdma;
	struct tulle_device_info info;
};

static inline bool tulle_cap_test(const struct tulle_dev *dev,
				  enum tulle_cap cap)
{
	return dev->caps[cap / 64] & BIT_ULL(cap % 64);
}

/**
 * tulle_cap() - does the device have a capability?
 * @dev: the device
 * @name: TULLE_CAP_ name without the prefix
 */
#define tulle_cap(dev, name)	tulle_cap_test(dev, TULLE_CAP_##name)

/**
 * tulle_dev_is_up() - is the device usable now?
 * @dev: the device
 *
 * While it is not, every command fails at once with -EIO, and the device does
 * no DMA. Context: any.
 * Return: a snapshot.
 */
static inline bool tulle_dev_is_up(const struct tulle_dev *dev)
{
	return READ_ONCE(dev->up);
}

/**
 * tulle_doorbell() - ring a doorbell in the kernel's page
 * @dev: the device
 * @offset: TULLE_UAR_
 * @handle: the queue
 *
 * A producer's only when tulle_prod_publish() asked for it. Context: any.
 */
static inline void tulle_doorbell(const struct tulle_dev *dev,
				  unsigned int offset, u32 handle)
{
	writel(handle, dev->uar + offset);
}

/**
 * tulle_reg_read() - read a register of BAR0
 * @dev: the device
 * @offset: TULLE_REG_
 *
 * Context: any.
 * Return: the value; all ones when the device is gone.
 */
u32 tulle_reg_read(const struct tulle_dev *dev, u32 offset);

/*
 * Auxiliary devices and clients
 */
#define TULLE_ADEV_ETH		"tulle_core.eth"
#define TULLE_ADEV_RDMA		"tulle_core.rdma"

/**
 * struct tulle_adev - an auxiliary device of core
 * @adev: the device; its name is TULLE_ADEV_ETH or TULLE_ADEV_RDMA
 * @dev: the PCI function it belongs to
 * @idx: which of the function's devices this is
 */
struct tulle_adev {
	struct auxiliary_device adev;
	struct tulle_dev *dev;
	unsigned int idx;
};

static inline struct tulle_adev *to_tulle_adev(struct auxiliary_device *adev)
{
	return container_of(adev, struct tulle_adev, adev);
}

/**
 * struct tulle_client - how core tells a driver that the device comes and goes
 * @attach: create every object that the client keeps on the device, as if for
 *	the first time: no handle, no device state, and no @mkey from before is
 *	valid. Return 0, or an error, after which the client counts as detached
 *	(what it created must be destroyed) until the next attach.
 * @detach: stop using the device: stop queues, destroy objects, free or keep
 *	memory, but keep software state (netdev, its addresses and settings).
 *	When the device died its commands fail at once with -EIO, destroys do
 *	nothing, and DMA is already off, so one code path serves both.
 *
 * Both are called in process context, never at the same time, with the devlink
 * lock held: they may take rtnl, and must not wait for work that takes the
 * devlink lock (devlink_health_report() does). Reasons: suspend, FLR, AER,
 * recovery of the firmware, shutdown, removal.
 */
struct tulle_client {
	int (*attach)(struct tulle_adev *adev);
	void (*detach)(struct tulle_adev *adev);
};

/**
 * tulle_client_register() - take part in the device's life
 * @adev: the auxiliary device that is being probed
 * @client: the callbacks, static
 *
 * Calls @client->attach before it returns, unless the device is down just now;
 * then attach follows when it is back. Call it from probe, without rtnl and
 * without the devlink lock.
 *
 * Context: process.
 * Return: 0, or the error of @client->attach (the client is then not
 * registered).
 */
int tulle_client_register(struct tulle_adev *adev,
			  const struct tulle_client *client);

/**
 * tulle_client_unregister() - undo tulle_client_register()
 * @adev: the auxiliary device that is being removed
 *
 * Calls @client->detach if attached. Context: process, same locks.
 */
void tulle_client_unregister(struct tulle_adev *adev);

/**
 * tulle_dev_fail() - report that the device misbehaves beyond repair by queue
 * @dev: the device
 * @reason: static text for health report and log
 *
 * The device goes down and recovery is started, asynchronously. Further calls
 * until it is over do nothing. Context: any.
 */
void tulle_dev_fail(struct tulle_dev *dev, const char *reason);

/*
 * Commands
 */

/**
 * struct tulle_cmd - a command in full
 * @op: enum tulle_cmd_op
 * @func: on behalf of this function; TULLE_CMD_SELF for the own one
 * @in: request, may be NULL if @in_len is 0
 * @in_len: its bytes
 * @out: room for the response; zeroed where the device wrote nothing
 * @out_len: bytes of room
 * @out_used: (result) bytes that the device wrote, at most @out_len
 * @status: (result) enum tulle_status as the device gave it
 * @syndrome: (result) detail, see enum tulle_status
 */
struct tulle_cmd {
	u16 op;
	u16 func;
	const void *in;
	u32 in_len;
	void *out;
	u32 out_len;
	u32 out_used;
	u8 status;
	u32 syndrome;
};

#define TULLE_CMD_SELF		0xffff

/**
 * tulle_cmd_do() - execute a command whose failure is no surprise
 * @dev: the device
 * @cmd: the command; the (result) members are filled
 *
 * Logs nothing but timeouts. Context: process.
 * Return: 0 when @cmd->status is TULLE_STATUS_OK; the errno of the status:
 * -EOPNOTSUPP (BAD_OP), -EINVAL (BAD_LEN, BAD_PARAM), -ENXIO (BAD_HANDLE),
 * -EBUSY (BAD_STATE, IN_USE), -ENOSPC (QUOTA), -ENOMEM (NOMEM), -EPERM
 * (DENIED), -EEXIST (EXISTS), -ENOENT (NOT_FOUND), -EFAULT (DMA), -EREMOTEIO
 * (INTERNAL and unknown ones); -EIO when the device is down, -ETIMEDOUT,
 * -ENOMEM, -E2BIG.
 */
int tulle_cmd_do(struct tulle_dev *dev, struct tulle_cmd *cmd);

/**
 * tulle_cmd_exec() - execute a command that should work
 * @dev: the device
 * @op: enum tulle_cmd_op
 * @in: request
 * @in_len: its bytes
 * @out: response
 * @out_len: its bytes, exactly
 *
 * Logs failures, rate-limited. Context: process.
 * Return: as tulle_cmd_do(), and -EPROTO when the response has another length.
 */
int tulle_cmd_exec(struct tulle_dev *dev, u16 op, const void *in, u32 in_len,
		   void *out, u32 out_len);

/**
 * tulle_obj_create() - any CREATE command that answers with a handle
 * @dev: the device
 * @op: TULLE_CMD_CREATE_ or _ALLOC_
 * @ctx: its context
 * @len: bytes of it
 * @handle: (result) the handle, never 0 on success
 *
 * Context: process.
 * Return: as tulle_cmd_exec().
 */
int tulle_obj_create(struct tulle_dev *dev, u16 op, const void *ctx, u32 len,
		     u32 *handle);

/**
 * tulle_obj_destroy() - any DESTROY command that takes a handle
 * @dev: the device
 * @op: TULLE_CMD_DESTROY_ or _FREE_
 * @handle: the object; 0 is ignored
 *
 * When it returns the device uses no memory of the object any more, whatever
 * went wrong: a destroy that is not answered takes the device down, DMA off.
 * Context: process.
 */
void tulle_obj_destroy(struct tulle_dev *dev, u16 op, u32 handle);

/**
 * tulle_obj_name() - make an object known by what the device calls it
 * @names: where; allocating, without a special lock
 * @index: of the object's handle
 * @obj: the object
 *
 * The device may give an index anew as soon as it has destroyed the object
 * that had it, before the driver has forgotten that: it is waited for.
 *
 * Context: process, without what keeps others from forgetting their objects.
 * Return: 0; -ENOMEM; -EBUSY when the other object does not go away.
 */
int tulle_obj_name(struct xarray *names, u32 index, void *obj);

/**
 * tulle_obj_query() - any QUERY command that takes a handle
 * @dev: the device
 * @op: TULLE_CMD_QUERY_
 * @handle: the object
 * @ctx: (result) its context
 * @len: bytes of it, exactly
 *
 * Context: process.
 * Return: as tulle_cmd_exec().
 */
int tulle_obj_query(struct tulle_dev *dev, u16 op, u32 handle, void *ctx,
		    u32 len);

/*
 * Vectors: an MSI-X vector with an event queue for completions
 */
enum tulle_vec_pool {
	TULLE_VEC_ETH,
	TULLE_VEC_RDMA,
	TULLE_VEC_POOLS,
};

/**
 * struct tulle_vec - a vector in use
 * @index: MSI-X vector number
 * @irq: Linux interrupt number, the same from its first use to remove
 * @eq: handle of its completion EQ; 0 while the device is down
 */
struct tulle_vec {
	unsigned int index;
	int irq;
	u32 eq;
};

/**
 * tulle_vec_count() - vectors in a pool
 * @dev: the device
 * @pool: whose
 *
 * Context: any.
 * Return: the number, constant from probe to remove.
 */
unsigned int tulle_vec_count(const struct tulle_dev *dev,
			     enum tulle_vec_pool pool);

/**
 * tulle_vec_get() - use a vector of a pool
 * @dev: the device
 * @pool: which pool
 * @index: 0 .. tulle_vec_count() - 1
 *
 * The first user's call requests the interrupt, for which there may be no
 * vector left (-ENOSPC), and creates the EQ. A vector may
 * be kept over detach and attach: core re-creates its EQ before attach. It
 * calls no completion handler between detach and attach.
 *
 * Context: process.
 * Return: the vector or an ERR_PTR.
 */
struct tulle_vec *tulle_vec_get(struct tulle_dev *dev, enum tulle_vec_pool pool,
				unsigned int index);

/**
 * tulle_vec_put() - stop using a vector
 * @dev: the device
 * @vec: from tulle_vec_get(); its CQs are destroyed
 *
 * The last user's call frees the interrupt: clear affinity hints and NAPI's
 * IRQ (netif_napi_del()) first. Context: process.
 */
void tulle_vec_put(struct tulle_dev *dev, struct tulle_vec *vec);

/**
 * tulle_async_interrupts() - interrupts of EQ0
 * @dev: the device
 *
 * Context: any.
 * Return: how many the driver has taken since probe.
 */
u64 tulle_async_interrupts(const struct tulle_dev *dev);

/**
 * tulle_vec_recover() - look for events whose interrupt got lost
 * @dev: the device
 * @vec: the vector
 *
 * Calls completion handlers like the interrupt would. Context: process or
 * softirq.
 * Return: number of events found.
 */
unsigned int tulle_vec_recover(struct tulle_dev *dev, struct tulle_vec *vec);

/*
 * Memory that the device reads and writes
 */

/**
 * struct tulle_mem - zeroed DMA memory, contiguous for the CPU
 * @buf: its address
 * @size: bytes, a multiple of 4 KiB
 * @pages: how to tell the device
 *
 * The other members are private to core.
 */
struct tulle_mem {
	void *buf;
	size_t size;
	struct tulle_page_list pages;

	/* private: */
	dma_addr_t dma;
	struct page **page;
	dma_addr_t *page_dma;
	unsigned int npages;
	__le64 *list;
	dma_addr_t list_dma;
	size_t list_size;
};

/**
 * tulle_mem_alloc() - allocate ring memory
 * @dev: the device
 * @mem: filled
 * @size: bytes, rounded up to 4 KiB
 *
 * On the device's node; one block where it is easily had, single pages and a
 * page list otherwise. Context: process.
 * Return: 0 or -ENOMEM, in silence.
 */
int tulle_mem_alloc(struct tulle_dev *dev, struct tulle_mem *mem, size_t size);

/**
 * tulle_mem_free() - free ring memory
 * @dev: the device
 * @mem: memory that no object uses; zeroed memory is ignored
 *
 * Context: process.
 */
void tulle_mem_free(struct tulle_dev *dev, struct tulle_mem *mem);

/**
 * struct tulle_dbr_ref - a doorbell record
 * @dbr: the record, zeroed at allocation
 * @dma: its address for contexts
 * @page: private to core
 */
struct tulle_dbr_ref {
	struct tulle_dbr *dbr;
	dma_addr_t dma;
	void *page;
};

/**
 * tulle_dbr_alloc() - allocate a doorbell record
 * @dev: the device
 * @ref: filled
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int tulle_dbr_alloc(struct tulle_dev *dev, struct tulle_dbr_ref *ref);

/**
 * tulle_dbr_free() - free a doorbell record
 * @dev: the device
 * @ref: a record that no object uses; a zeroed one is ignored
 *
 * Context: process.
 */
void tulle_dbr_free(struct tulle_dev *dev, struct tulle_dbr_ref *ref);

/**
 * struct tulle_uar - a doorbell page (PAGE_SIZE, mapped uncached) of a process
 * @handle: of the page
 * @index: for contexts that take a UAR
 * @phys: its address
 */
struct tulle_uar {
	u32 handle;
	u16 index;
	phys_addr_t phys;
};

/**
 * tulle_uar_alloc() - get a doorbell page
 * @dev: the device
 * @uar: filled
 *
 * Context: process.
 * Return: as tulle_obj_create().
 */
int tulle_uar_alloc(struct tulle_dev *dev, struct tulle_uar *uar);

/**
 * tulle_uar_free() - give a doorbell page back
 * @dev: the device
 * @uar: unused and unmapped, or all zero. Context: process.
 */
void tulle_uar_free(struct tulle_dev *dev, struct tulle_uar *uar);

/*
 * Completion queues
 */

/**
 * struct tulle_cq - a completion queue
 * @cons: ring and indices; poll with tulle_cons_peek(), _pop(), _update()
 * @handle: of the CQ
 * @comp: set by the user before create. Called when the CQ's event arrives: in
 *	hard interrupt context, at most once per arming; a hostile device may
 *	call it at any time between create and destroy.
 * @vec: the vector it reports to
 *
 * A CQ is not armed after create. The other members are private to core.
 */
struct tulle_cq {
	struct tulle_cons cons;
	u32 handle;
	void (*comp)(struct tulle_cq *cq);

	struct tulle_vec *vec;

	/* private: */
	struct tulle_mem mem;
	struct tulle_dbr_ref dbr;
	bool retired;
};

/**
 * struct tulle_cq_attr - what a new completion queue is like
 * @log_size: log2 of its entries
 * @log_cqe_size: 5 or 6
 * @mod_flags: TULLE_CQ_F_
 * @mod_frames: CQEs that bring the event at once, 0: as many as half the ring
 * @mod_usecs: time between events, 0: no moderation
 */
struct tulle_cq_attr {
	u8 log_size;
	u8 log_cqe_size;
	u8 mod_flags;
	u16 mod_frames;
	u16 mod_usecs;
};

/**
 * tulle_cq_create() - allocate and create a completion queue
 * @dev: the device
 * @cq: @cq->comp is set; the rest is filled
 * @vec: vector to report to
 * @attr: what it is like
 *
 * Context: process.
 * Return: 0 or an error of tulle_mem_alloc() or tulle_obj_create().
 */
int tulle_cq_create(struct tulle_dev *dev, struct tulle_cq *cq,
		    struct tulle_vec *vec, const struct tulle_cq_attr *attr);

/**
 * tulle_cq_create_on() - create a completion queue on memory of the caller
 * @dev: the device
 * @cq: @cq->comp is set and the rest zero; @cq->handle and @cq->vec are set
 * @vec: vector to report to
 * @ctx: everything but handle and eq is given
 *
 * tulle_cq_destroy() destroys it. Context: process.
 * Return: as tulle_obj_create().
 */
int tulle_cq_create_on(struct tulle_dev *dev, struct tulle_cq *cq,
		       struct tulle_vec *vec, struct tulle_cq_ctx *ctx);

/**
 * tulle_cq_retire() - destroy a completion queue, but keep its memory
 * @dev: the device
 * @cq: the queue; one that was retired is ignored
 *
 * For who polls it until tulle_cq_destroy(). When it returns @cq->comp is not
 * running and will not run. Context: process.
 */
void tulle_cq_retire(struct tulle_dev *dev, struct tulle_cq *cq);

/**
 * tulle_cq_destroy() - destroy a completion queue and free its memory
 * @dev: the device
 * @cq: the queue, retired or not; one that was never created (all zero) is
 *	ignored
 *
 * When it returns @cq->comp is not running and will not run. Context: process.
 */
void tulle_cq_destroy(struct tulle_dev *dev, struct tulle_cq *cq);

/**
 * tulle_cq_moderate() - change the moderation of a completion queue
 * @dev: the device
 * @cq: the queue
 * @frames: CQEs before an event
 * @usecs: microseconds before an event
 * @flags: TULLE_CQ_F_MOD_CQE or 0
 *
 * Context: process.
 * Return: as tulle_cmd_exec(), -ERANGE beyond the limits.
 */
int tulle_cq_moderate(struct tulle_dev *dev, struct tulle_cq *cq, u32 frames,
		      u32 usecs, u8 flags);

/**
 * tulle_cq_arm() - ask for a call of @cq->comp
 * @cq: the queue
 *
 * Context: any; the caller serialises with its polling.
 * Return: true when CQEs are there already: poll again, the call may not come
 * for them.
 */
static inline bool tulle_cq_arm(struct tulle_cq *cq)
{
	tulle_cons_arm(&cq->cons, TULLE_ARM_ANY);
	return tulle_cons_peek(&cq->cons);
}

/**
 * tulle_cq_hurry() - have the next call of @cq->comp not wait for moderation
 * @dev: the device
 * @cq: the queue
 *
 * Context: any.
 */
static inline void tulle_cq_hurry(const struct tulle_dev *dev,
				  const struct tulle_cq *cq)
{
	tulle_doorbell(dev, TULLE_UAR_CQ, cq->handle);
}

/*
 * Send and receive queues
 */

/**
 * struct tulle_wq - memory of a send or receive queue
 * @prod: ring and indices
 * @handle: of the SQ or RQ; set by create, or by the user of tulle_rq_swap()
 * @mem: entries
 * @dbr: doorbell record
 */
struct tulle_wq {
	struct tulle_prod prod;
	u32 handle;
	struct tulle_mem mem;
	struct tulle_dbr_ref dbr;
};

/**
 * tulle_wq_alloc() - memory for a send or receive queue
 * @dev: the device
 * @wq: filled, indices 0
 * @log_size: log2 of the entries (SQ: blocks of TULLE_SQ_BLOCK; RQ: WQEs)
 * @log_entry: log2 of the bytes of one
 *
 * Context: process.
 * Return: 0, -EINVAL or -ENOMEM.
 */
int tulle_wq_alloc(struct tulle_dev *dev, struct tulle_wq *wq, u8 log_size,
		   u8 log_entry);

/**
 * tulle_wq_free() - free a queue's memory
 * @dev: the device
 * @wq: no object uses it; zeroed memory is ignored
 *
 * Context: process.
 */
void tulle_wq_free(struct tulle_dev *dev, struct tulle_wq *wq);

/**
 * tulle_wq_reset() - empty a queue's memory for another create or swap
 * @wq: no object uses it
 *
 * Context: any.
 */
static inline void tulle_wq_reset(struct tulle_wq *wq)
{
	memset(wq->mem.buf, 0, wq->mem.size);
	memset(wq->dbr.dbr, 0, sizeof(*wq->dbr.dbr));
	tulle_prod_init(&wq->prod, wq->dbr.dbr);
}

/**
 * tulle_wq_kick() - publish what was written and wake the device if it sleeps
 * @dev: the device
 * @wq: the queue
 * @doorbell: TULLE_UAR_SQ or TULLE_UAR_RQ
 *
 * Once per batch. Context: any; the caller serialises producers.
 */
static inline void tulle_wq_kick(const struct tulle_dev *dev,
				 struct tulle_wq *wq, unsigned int doorbell)
{
	if (tulle_prod_publish(&wq->prod))
		tulle_doorbell(dev, doorbell, wq->handle);
}

/**
 * tulle_sq_create() - create a send queue on allocated memory
 * @dev: the device
 * @wq: its memory; @wq->handle is set
 * @ctx: cq, vport and flags are given; core fills the rest
 *
 * Context: process.
 * Return: as tulle_obj_create().
 */
int tulle_sq_create(struct tulle_dev *dev, struct tulle_wq *wq,
		    struct tulle_sq_ctx *ctx);

/**
 * tulle_rq_create() - create a receive queue on allocated memory
 * @dev: the device
 * @wq: its memory; @wq->handle is set
 * @ctx: everything but handle, ring, record and UAR is given
 *
 * Context: process.
 * Return: as tulle_obj_create().
 */
int tulle_rq_create(struct tulle_dev *dev, struct tulle_wq *wq,
		    struct tulle_rq_ctx *ctx);

/**
 * tulle_rq_swap() - move a receive queue to another ring and CQ
 * @dev: the device
 * @handle: the queue
 * @wq: new memory, indices as after tulle_wq_alloc() or tulle_wq_reset();
 *	WQEs may be in it and published already; @wq->handle is set
 * @ctx: as for tulle_rq_create(): type, cq, flags and so on of the new life
 *
 * On success the old memory is free and the queue READY; on failure nothing
 * changed (or the device is down). Context: process.
 * Return: as tulle_cmd_exec().
 */
int tulle_rq_swap(struct tulle_dev *dev, u32 handle, struct tulle_wq *wq,
		  struct tulle_rq_ctx *ctx);

/**
 * tulle_rq_modify() - change state or flags of a receive queue
 * @dev: the device
 * @handle: the queue
 * @mask: TULLE_RQ_MOD_STATE, TULLE_RQ_MOD_FLAGS
 * @ctx: the members that @mask names
 *
 * To STOPPED: when it returns, the device uses the ring no more, whatever went
 * wrong. Context: process.
 * Return: as tulle_cmd_exec().
 */
int tulle_rq_modify(struct tulle_dev *dev, u32 handle, u32 mask,
		    const struct tulle_rq_ctx *ctx);

static inline void tulle_sq_destroy(struct tulle_dev *dev, struct tulle_wq *wq)
{
	tulle_obj_destroy(dev, TULLE_CMD_DESTROY_SQ, wq->handle);
	wq->handle = 0;
}

static inline void tulle_rq_destroy(struct tulle_dev *dev, u32 handle)
{
	tulle_obj_destroy(dev, TULLE_CMD_DESTROY_RQ, handle);
}

static inline int tulle_sq_query(struct tulle_dev *dev, u32 handle,
				 struct tulle_sq_ctx *ctx)
{
	return tulle_obj_query(dev, TULLE_CMD_QUERY_SQ, handle, ctx,
			       sizeof(*ctx));
}

static inline int tulle_rq_query(struct tulle_dev *dev, u32 handle,
				 struct tulle_rq_ctx *ctx)
{
	return tulle_obj_query(dev, TULLE_CMD_QUERY_RQ, handle, ctx,
			       sizeof(*ctx));
}

/*
 * Ports and vports. Process context; errors as tulle_cmd_exec(). What comes
 * back is the device's word: reserved enum values are possible.
 */
static inline int tulle_port_query(struct tulle_dev *dev,
				   struct tulle_port_info *info)
{
	return tulle_cmd_exec(dev, TULLE_CMD_QUERY_PORT, NULL, 0, info,
			      sizeof(*info));
}

static inline int tulle_port_modify(struct tulle_dev *dev,
				    const struct tulle_modify_port *in)
{
	return tulle_cmd_exec(dev, TULLE_CMD_MODIFY_PORT, in, sizeof(*in),
			      NULL, 0);
}

static inline int tulle_port_query_stats(struct tulle_dev *dev,
					 struct tulle_port_stats *stats)
{
	return tulle_cmd_exec(dev, TULLE_CMD_QUERY_PORT_STATS, NULL, 0, stats,
			      sizeof(*stats));
}

static inline int tulle_vport_query(struct tulle_dev *dev, u16 vport,
				    struct tulle_vport_info *info)
{
	struct tulle_query_vport in = { .vport = cpu_to_le16(vport) };

	return tulle_cmd_exec(dev, TULLE_CMD_QUERY_VPORT, &in, sizeof(in),
			      info, sizeof(*info));
}

static inline int tulle_vport_set_mac(struct tulle_dev *dev, u16 vport,
				      const u8 *mac)
{
	struct tulle_modify_vport in = {
		.vport = cpu_to_le16(vport),
		.mask = cpu_to_le16(TULLE_VPORT_MOD_MAC),
	};

	memcpy(in.mac, mac, sizeof(in.mac));
	return tulle_cmd_exec(dev, TULLE_CMD_MODIFY_VPORT, &in, sizeof(in),
			      NULL, 0);
}

static inline int tulle_vport_query_stats(struct tulle_dev *dev, u16 vport,
					  struct tulle_vport_stats *stats)
{
	struct tulle_query_vport in = { .vport = cpu_to_le16(vport) };

	return tulle_cmd_exec(dev, TULLE_CMD_QUERY_VPORT_STATS, &in,
			      sizeof(in), stats, sizeof(*stats));
}

/*
 * Asynchronous events
 */

/*
 * Besides those of the device, of which nothing but the type is given: the
 * device failed, and whoever waits for it waits in vain. Comes for each failure
 * after registering, also while the device is taken down.
 */
#define TULLE_EVENT_DEAD	0x100

/**
 * struct tulle_async_event - an event as clients see it
 * @type: TULLE_EVENT_PORT, _VPORT, _QUEUE_ERROR, _QP, _SRQ or _DEAD
 * @obj: QUEUE_ERROR: enum tulle_obj_type of the queue
 * @handle: QUEUE_ERROR, QP, SRQ: its handle; QUEUE_ERROR or QP, and 0: any of
 *	them may be lost; VPORT: the vport
 * @port: PORT: the port
 * @code: QP, SRQ: enum tulle_qp_event or tulle_srq_event
 *
 * From the device: match @handle against the own objects before use.
 */
struct tulle_async_event {
	u16 type;
	u8 obj;
	u32 handle;
	union {
		u32 port;
		u32 code;
	};
};

/**
 * tulle_event_register() - hear of asynchronous events
 * @dev: the device
 * @nb: called with action = type and data = struct tulle_async_event *, in
 *	process context without locks of core but the chain's; may sleep, take
 *	rtnl and execute commands
 *
 * Events may be missed while the device is down or when very many come at
 * once: read the state after registering and in attach. Context: process.
 * Return: 0 or an error of the notifier chain.
 */
int tulle_event_register(struct tulle_dev *dev, struct notifier_block *nb);

/**
 * tulle_event_unregister() - stop hearing of events
 * @dev: the device
 * @nb: when it returns it is not running; so not under a lock that it takes
 *
 * Context: process.
 */
void tulle_event_unregister(struct tulle_dev *dev, struct notifier_block *nb);

#include "tulle_steering.h"

#endif /* TULLE_CORE_H */
