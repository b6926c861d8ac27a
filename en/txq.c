// SPDX-License-Identifier: GPL-2.0
/*
 * Memory and life of a send queue. Nothing refers to an SQ but its netdev
 * queue, so other memory means another SQ.
 */
#include <linux/delay.h>
#include <linux/netdevice.h>

#include "en.h"

/* The longest that a queue may take to send what it holds. */
#define TULLE_EN_TX_DRAIN_MS	500

static struct tulle_dev *txq_tdev(const struct tulle_en_txq *txq)
{
	return txq->channel->priv->tdev;
}

/**
 * tulle_en_tx_mem_free() - destroy an SQ and its CQ and free the memory
 * @mem: neither NAPI nor xmit uses it; NULL is ignored
 */
void tulle_en_tx_mem_free(struct tulle_en_tx_mem *mem)
{
	struct tulle_dev *tdev;

	if (!mem)
		return;
	tdev = txq_tdev(mem->txq);
	tulle_sq_destroy(tdev, &mem->wq);
	if (mem->cq.handle)
		tulle_cq_destroy(tdev, &mem->cq);
	if (mem->info)
		tulle_en_tx_drop_all(mem);
	tulle_wq_free(tdev, &mem->wq);
	kvfree(mem->info);
	kvfree(mem->dma);
	kfree(mem);
}

static int tx_mem_alloc(struct tulle_en_tx_mem *mem, u32 size)
{
	struct tulle_dev *tdev = txq_tdev(mem->txq);
	int node = tdev->numa_node;

	mem->info = kvcalloc_node(size, sizeof(*mem->info), GFP_KERNEL, node);
	mem->dma = kvcalloc_node(size * TULLE_EN_SGES_PER_BLOCK,
				 sizeof(*mem->dma), GFP_KERNEL, node);
	if (!mem->info || !mem->dma)
		return -ENOMEM;
	return tulle_wq_alloc(tdev, &mem->wq, ilog2(size),
			      ilog2(TULLE_SQ_BLOCK));
}

static int tx_mem_create(struct tulle_en_tx_mem *mem, u32 size)
{
	struct tulle_en_channel *ch = mem->txq->channel;
	struct tulle_dev *tdev = ch->priv->tdev;
	struct tulle_cq_attr attr = {
		/* At worst every block is a WQE that reports, see tx_poll. */
		.log_size = ilog2(size) + 1,
		.log_cqe_size = 5,
		.mod_flags = ch->tx.cqe_mode ? TULLE_CQ_F_MOD_CQE : 0,
		.mod_frames = ch->tx.frames,
		.mod_usecs = ch->tx.usecs,
	};
	struct tulle_sq_ctx ctx = {
		.vport = cpu_to_le16(tdev->limits.vport),
	};
	int err;

	mem->cq.comp = tulle_en_cq_event_tx;
	err = tulle_cq_create(tdev, &mem->cq, ch->vec, &attr);
	if (err)
		return err;
	ctx.cq = cpu_to_le32(mem->cq.handle);
	return tulle_sq_create(tdev, &mem->wq, &ctx);
}

/**
 * tulle_en_tx_mem_create() - a new SQ with ring and CQ
 * @txq: the queue it is meant for; its channel has a vector
 * @size: blocks
 *
 * Return: the memory or an ERR_PTR.
 */
struct tulle_en_tx_mem *tulle_en_tx_mem_create(struct tulle_en_txq *txq,
					       u32 size)
{
	struct tulle_dev *tdev = txq_tdev(txq);
	struct tulle_en_tx_mem *mem;
	int err;

	mem = kzalloc_node(sizeof(*mem), GFP_KERNEL, tdev->numa_node);
	if (!mem)
		return ERR_PTR(-ENOMEM);
	mem->txq = txq;
	mem->mkey = cpu_to_le32(tdev->mkey);
	err = tx_mem_alloc(mem, size);
	if (!err)
		err = tx_mem_create(mem, size);
	if (err) {
		tulle_en_tx_mem_free(mem);
		return ERR_PTR(err);
	}
	return mem;
}

/**
 * tulle_en_txq_open() - give a queue its first memory
 * @txq: the queue
 * @mem: the memory; the stack may not send yet
 */
void tulle_en_txq_open(struct tulle_en_txq *txq, struct tulle_en_tx_mem *mem)
{
	txq->flags = BIT(TULLE_EN_TXQ_DOWN);
	__netif_tx_lock_bh(txq->nq);
	netif_tx_stop_queue(txq->nq);
	txq->mem = mem;
	__netif_tx_unlock_bh(txq->nq);
	netdev_tx_reset_queue(txq->nq);
}

/**
 * tulle_en_txq_close() - take a queue's memory for good
 * @txq: the queue; its NAPI is disabled
 */
void tulle_en_txq_close(struct tulle_en_txq *txq)
{
	struct tulle_en_tx_mem *mem = txq->mem;

	__netif_tx_lock_bh(txq->nq);
	txq->mem = NULL;
	__netif_tx_unlock_bh(txq->nq);
	tulle_en_tx_mem_free(mem);
	netdev_tx_reset_queue(txq->nq);
	/* The watchdog looks at all queues, also those that are not in use. */
	if (netif_device_present(txq->channel->priv->netdev))
		netif_tx_start_queue(txq->nq);
}

/**
 * tulle_en_txq_start() - let the stack send
 * @txq: the queue, its memory set and its NAPI enabled
 */
void tulle_en_txq_start(struct tulle_en_txq *txq)
{
	txq_trans_cond_update(txq->nq);
	clear_bit(TULLE_EN_TXQ_DOWN, &txq->flags);
	/* The queue may have packets that came while it was stopped. */
	netif_tx_wake_queue(txq->nq);
}

static bool txq_is_busy(struct tulle_en_txq *txq)
{
	const struct tulle_prod *prod = &txq->mem->wq.prod;

	return READ_ONCE(prod->pi) != READ_ONCE(prod->ci) &&
	       !test_bit(TULLE_EN_TXQ_ERROR, &txq->flags) &&
	       tulle_dev_is_up(txq_tdev(txq));
}

/**
 * tulle_en_txq_stop() - keep the stack from sending
 * @txq: the queue, NAPI enabled
 * @drain: wait, for a while, until what was given is sent
 */
void tulle_en_txq_stop(struct tulle_en_txq *txq, bool drain)
{
	unsigned int i;

	set_bit(TULLE_EN_TXQ_DOWN, &txq->flags);
	__netif_tx_lock_bh(txq->nq);
	netif_tx_stop_queue(txq->nq);
	if (txq->mem)
		tulle_en_tx_flush(txq, txq->mem);
	__netif_tx_unlock_bh(txq->nq);

	if (!drain || !txq->mem)
		return;
	for (i = 0; i < TULLE_EN_TX_DRAIN_MS && txq_is_busy(txq); i++) {
		/* Completions may be moderated away: do not wait for events. */
		tulle_en_napi_kick(txq->channel);
		usleep_range(500, 1000);
	}
}

/**
 * tulle_en_txq_swap() - move a queue to another SQ
 * @txq: the queue, running
 * @mem: the new one
 *
 * The old one sends what it holds first, so nothing is reordered; what it
 * cannot send is dropped.
 */
void tulle_en_txq_swap(struct tulle_en_txq *txq, struct tulle_en_tx_mem *mem)
{
	struct tulle_en_tx_mem *old = txq->mem;

	tulle_en_txq_stop(txq, true);
	tulle_en_napi_disable(txq->channel);
	/* A poll that looked before the stop may have woken the queue after it. */
	__netif_tx_lock_bh(txq->nq);
	netif_tx_stop_queue(txq->nq);
	txq->mem = mem;
	__netif_tx_unlock_bh(txq->nq);
	clear_bit(TULLE_EN_TXQ_ERROR, &txq->flags);
	tulle_en_tx_mem_free(old);
	netdev_tx_reset_queue(txq->nq);
	tulle_en_napi_enable(txq->channel);
	tulle_en_txq_start(txq);
}
