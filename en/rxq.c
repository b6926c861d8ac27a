// SPDX-License-Identifier: GPL-2.0
/*
 * Memory and life of a receive queue.
 *
 * The RQ, which RSS tables and rules point to, lives from open to close; its
 * ring, CQ and buffers (struct tulle_en_rx_mem) can be exchanged at any time
 * between two packets, and what the old ring holds is still delivered.
 */
#include <linux/netdevice.h>
#include <net/page_pool/helpers.h>

#include "en.h"

static struct tulle_dev *rxq_tdev(const struct tulle_en_rxq *rxq)
{
	return rxq->channel->priv->tdev;
}

/**
 * tulle_en_rx_mem_free() - free a queue's memory
 * @mem: no RQ uses it; NULL is ignored
 */
void tulle_en_rx_mem_free(struct tulle_en_rx_mem *mem)
{
	struct tulle_dev *tdev;

	if (!mem)
		return;
	tdev = rxq_tdev(mem->rxq);
	if (mem->cq.handle)
		tulle_cq_destroy(tdev, &mem->cq);
	tulle_en_rx_pools_destroy(mem);
	tulle_wq_free(tdev, &mem->wq);
	kvfree(mem->netmem);
	kfree(mem);
}

/**
 * tulle_en_rx_mem_alloc() - ring and buffers of a queue, without its CQ
 * @rxq: the queue
 * @geom: shape
 *
 * Return: the memory, its ring full but not published, or an ERR_PTR.
 */
struct tulle_en_rx_mem *
tulle_en_rx_mem_alloc(struct tulle_en_rxq *rxq,
		      const struct tulle_en_rx_geom *geom)
{
	struct tulle_dev *tdev = rxq_tdev(rxq);
	struct tulle_en_rx_mem *mem;
	u32 n = 1U << geom->log_size;
	int err = -ENOMEM;

	mem = kzalloc_node(sizeof(*mem), GFP_KERNEL, tdev->numa_node);
	if (!mem)
		return ERR_PTR(-ENOMEM);
	mem->rxq = rxq;
	mem->geom = *geom;
	mem->netmem = kvcalloc_node(n, sizeof(*mem->netmem), GFP_KERNEL,
				    tdev->numa_node);
	if (!mem->netmem)
		goto err_free;
	err = tulle_wq_alloc(tdev, &mem->wq, geom->log_size, geom->log_wqe);
	if (err)
		goto err_free;
	err = tulle_en_rx_pools_create(mem);
	if (err)
		goto err_free;
	tulle_en_rx_ring_init(mem);
	err = tulle_en_rx_fill(mem, GFP_KERNEL);
	if (err)
		goto err_free;
	return mem;

err_free:
	tulle_en_rx_mem_free(mem);
	return ERR_PTR(err);
}

/**
 * tulle_en_rx_mem_create() - the CQ of a queue's memory
 * @mem: from tulle_en_rx_mem_alloc()
 *
 * Return: 0 or an error.
 */
int tulle_en_rx_mem_create(struct tulle_en_rx_mem *mem)
{
	struct tulle_en_channel *ch = mem->rxq->channel;
	struct tulle_cq_attr attr = {
		.log_size = mem->geom.log_cq,
		.log_cqe_size = 6,
		.mod_flags = ch->rx.cqe_mode ? TULLE_CQ_F_MOD_CQE : 0,
		.mod_frames = ch->rx.frames,
		.mod_usecs = ch->rx.usecs,
	};

	mem->cq.comp = tulle_en_cq_event_rx;
	return tulle_cq_create(ch->priv->tdev, &mem->cq, ch->vec, &attr);
}

static void rxq_fill_ctx(const struct tulle_en_rxq *rxq,
			 const struct tulle_en_rx_mem *mem,
			 struct tulle_rq_ctx *ctx)
{
	const struct tulle_en_rx_geom *geom = &mem->geom;

	*ctx = (struct tulle_rq_ctx) {
		.cq = cpu_to_le32(mem->cq.handle),
		.type = geom->type,
		.vport = cpu_to_le16(rxq_tdev(rxq)->limits.vport),
		.split_thresh = cpu_to_le16(geom->split_thresh),
		.flags = cpu_to_le32(geom->flags),
		.gro_max = cpu_to_le32(geom->gro_max),
	};
}

/*
 * Pages return to a pool without a lock while they are freed in the NAPI that
 * owns it: from here on, until rxq_detach(). NAPI is disabled in both.
 */
static void rxq_attach(struct tulle_en_rxq *rxq, struct tulle_en_rx_mem *mem)
{
	if (mem)
		page_pool_enable_direct_recycling(mem->pool,
						  &rxq->channel->napi);
	rxq->mem = mem;
	rxq->flags = 0;
}

static struct tulle_en_rx_mem *rxq_detach(struct tulle_en_rxq *rxq)
{
	struct tulle_en_rx_mem *mem = rxq->mem;

	timer_delete_sync(&rxq->retry);
	if (mem)
		page_pool_disable_direct_recycling(mem->pool);
	rxq->mem = NULL;
	return mem;
}

/**
 * tulle_en_rxq_create() - create the RQ of a queue that has none
 * @rxq: the queue; NAPI does not run yet
 * @mem: memory with its CQ
 *
 * Return: 0, and @mem belongs to the queue, or an error.
 */
int tulle_en_rxq_create(struct tulle_en_rxq *rxq, struct tulle_en_rx_mem *mem)
{
	struct tulle_rq_ctx ctx;
	int err;

	rxq_fill_ctx(rxq, mem, &ctx);
	/* Nobody to be woken yet: the device starts with what it finds. */
	tulle_prod_publish(&mem->wq.prod);
	err = tulle_rq_create(rxq_tdev(rxq), &mem->wq, &ctx);
	if (err)
		return err;
	rxq->handle = mem->wq.handle;
	rxq_attach(rxq, mem);
	return 0;
}

/**
 * tulle_en_rxq_destroy() - destroy the RQ and free its memory
 * @rxq: the queue; NAPI does not run any more
 */
void tulle_en_rxq_destroy(struct tulle_en_rxq *rxq)
{
	tulle_rq_destroy(rxq_tdev(rxq), rxq->handle);
	rxq->handle = 0;
	tulle_en_rx_mem_free(rxq_detach(rxq));
}

/* Deliver what is left in memory that the device has left. */
static void rxq_drain(struct tulle_en_rxq *rxq)
{
	rxq->mem->draining = true;
	local_bh_disable();
	while (tulle_en_rx_poll(rxq, NAPI_POLL_WEIGHT))
		;
	local_bh_enable();
}

/* Put other memory under NAPI; the device uses @mem already, if any. */
static struct tulle_en_rx_mem *rxq_exchange(struct tulle_en_rxq *rxq,
					    struct tulle_en_rx_mem *mem)
{
	struct tulle_en_channel *ch = rxq->channel;
	struct tulle_en_rx_mem *old;

	tulle_en_napi_disable(ch);
	if (rxq->mem)
		rxq_drain(rxq);
	old = rxq_detach(rxq);
	rxq_attach(rxq, mem);
	tulle_en_napi_enable(ch);
	return old;
}

/**
 * tulle_en_rxq_swap() - move a running queue to other memory
 * @rxq: the queue, running or stopped
 * @mem: memory with its CQ
 * @old: (result) the memory it had, drained; NULL if it was stopped
 *
 * No packet is lost.
 *
 * Return: 0, or an error, and nothing has changed.
 */
int tulle_en_rxq_swap(struct tulle_en_rxq *rxq, struct tulle_en_rx_mem *mem,
		      struct tulle_en_rx_mem **old)
{
	struct tulle_rq_ctx ctx;
	int err;

	rxq_fill_ctx(rxq, mem, &ctx);
	mem->wq.handle = rxq->handle;
	tulle_prod_publish(&mem->wq.prod);
	err = tulle_rq_swap(rxq_tdev(rxq), rxq->handle, &mem->wq, &ctx);
	if (err)
		return err;
	*old = rxq_exchange(rxq, mem);
	return 0;
}

/**
 * tulle_en_rxq_stop() - stop a queue and take its memory
 * @rxq: the queue, running
 * @old: (result) its memory, drained
 *
 * Return: 0, or an error; the queue is stopped in any case.
 */
int tulle_en_rxq_stop(struct tulle_en_rxq *rxq, struct tulle_en_rx_mem **old)
{
	struct tulle_rq_ctx ctx = { .state = TULLE_QUEUE_STOPPED };
	int err;

	err = tulle_rq_modify(rxq_tdev(rxq), rxq->handle, TULLE_RQ_MOD_STATE,
			      &ctx);
	*old = rxq_exchange(rxq, NULL);
	return err;
}

/**
 * tulle_en_rx_mem_renew() - make drained memory fit for another start
 * @mem: memory from tulle_en_rxq_stop() or tulle_en_rxq_swap()
 *
 * Return: 0 or -ENOMEM, when some slots got no buffer.
 */
int tulle_en_rx_mem_renew(struct tulle_en_rx_mem *mem)
{
	tulle_wq_reset(&mem->wq);
	mem->draining = false;
	tulle_en_rx_ring_init(mem);
	return tulle_en_rx_fill(mem, GFP_KERNEL);
}

/**
 * tulle_en_rxq_update() - change flags and limits of a running queue
 * @rxq: the queue
 * @geom: with the new flags, gro_max and split_thresh
 *
 * Return: 0 or an error.
 */
int tulle_en_rxq_update(struct tulle_en_rxq *rxq,
			const struct tulle_en_rx_geom *geom)
{
	struct tulle_rq_ctx ctx = {
		.split_thresh = cpu_to_le16(geom->split_thresh),
		.flags = cpu_to_le32(geom->flags),
		.gro_max = cpu_to_le32(geom->gro_max),
	};
	int err;

	err = tulle_rq_modify(rxq_tdev(rxq), rxq->handle, TULLE_RQ_MOD_FLAGS,
			      &ctx);
	if (err)
		return err;
	rxq->mem->geom.split_thresh = geom->split_thresh;
	rxq->mem->geom.flags = geom->flags;
	rxq->mem->geom.gro_max = geom->gro_max;
	return 0;
}

/**
 * tulle_en_rxq_is_broken() - does the device say that the queue stopped?
 * @rxq: the queue, open
 *
 * An event about it may be older than its recovery.
 *
 * Return: true if it does, or does not answer.
 */
bool tulle_en_rxq_is_broken(struct tulle_en_rxq *rxq)
{
	struct tulle_rq_ctx ctx;
	int err;

	/* -EIO: all of it is down. Else no second event comes: be careful. */
	err = tulle_rq_query(rxq_tdev(rxq), rxq->handle, &ctx);
	return err ? err != -EIO : ctx.state == TULLE_QUEUE_ERROR;
}
