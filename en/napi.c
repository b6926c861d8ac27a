// SPDX-License-Identifier: GPL-2.0
/*
 * NAPI: one instance per channel polls both of its queues.
 */
#include <linux/netdevice.h>
#include <linux/rcupdate.h>

#include "en.h"

void tulle_en_cq_event_rx(struct tulle_cq *cq)
{
	struct tulle_en_rx_mem *mem;

	mem = container_of(cq, struct tulle_en_rx_mem, cq);
	mem->rxq->channel->rx.events++;
	napi_schedule_irqoff(&mem->rxq->channel->napi);
}

void tulle_en_cq_event_tx(struct tulle_cq *cq)
{
	struct tulle_en_tx_mem *mem;

	mem = container_of(cq, struct tulle_en_tx_mem, cq);
	mem->txq->channel->tx.events++;
	napi_schedule_irqoff(&mem->txq->channel->napi);
}

/**
 * tulle_en_napi_disable() - have a channel not polled, its moderation not adapt
 * @ch: the channel
 *
 * A poll looks after both when it has completed its NAPI already: wait for it.
 */
void tulle_en_napi_disable(struct tulle_en_channel *ch)
{
	napi_disable_locked(&ch->napi);
	synchronize_rcu_expedited();
	tulle_en_moder_stop(ch);
	ch->disarmed = false;
}

/**
 * tulle_en_napi_enable() - have a channel polled again, and at once
 * @ch: the channel
 */
void tulle_en_napi_enable(struct tulle_en_channel *ch)
{
	tulle_en_moder_start(ch);
	napi_enable_locked(&ch->napi);
	tulle_en_napi_kick(ch);
}

/**
 * tulle_en_napi_kick() - have a channel polled, and its CQs armed
 * @ch: the channel
 *
 * Context: process.
 */
void tulle_en_napi_kick(struct tulle_en_channel *ch)
{
	local_bh_disable();
	napi_schedule(&ch->napi);
	local_bh_enable();
}

static void napi_disarm_cq(struct tulle_cq *cq)
{
	struct tulle_cons *cons = &cq->cons;

	WRITE_ONCE(cons->dbr->arm,
		   cpu_to_le32(cons->arm_sn << 2 | TULLE_ARM_NONE));
}

/*
 * While NAPI runs, or the stack has deferred interrupts, completions of either
 * queue need not raise events.
 */
static void napi_disarm(struct tulle_en_channel *ch)
{
	if (ch->rxq.mem)
		napi_disarm_cq(&ch->rxq.mem->cq);
	if (ch->txq.mem)
		napi_disarm_cq(&ch->txq.mem->cq);
	ch->disarmed = true;
}

static bool napi_arm(struct tulle_en_channel *ch)
{
	struct tulle_en_rx_mem *rx = ch->rxq.mem;
	struct tulle_en_tx_mem *tx = ch->txq.mem;
	bool again = false;

	ch->disarmed = false;
	/* A queue in error is not polled: its events would never end. */
	if (likely(rx && !test_bit(TULLE_EN_RXQ_ERROR, &ch->rxq.flags)))
		again = tulle_cq_arm(&rx->cq);
	if (likely(tx && !test_bit(TULLE_EN_TXQ_ERROR, &ch->txq.flags)))
		again |= tulle_cq_arm(&tx->cq);
	return again;
}

/*
 * The NAPI is complete, so another CPU may poll before this one has armed, and
 * an arm word that is written late names a serial number that was used up: no
 * event would ever come. So whoever finds the NAPI scheduled again leaves
 * arming to the next poll, and that waits for who is at it.
 */
static bool napi_arm_if_idle(struct tulle_en_channel *ch)
{
	bool again = false;

	spin_lock(&ch->arming);
	/* Acquire: whoever completed it in between is done with the CQs. */
	if (likely(!test_bit_acquire(NAPI_STATE_SCHED, &ch->napi.state)))
		again = napi_arm(ch);
	spin_unlock(&ch->arming);
	return again;
}

static void napi_wait_arming(struct tulle_en_channel *ch)
{
	spin_lock(&ch->arming);
	spin_unlock(&ch->arming);
}

int tulle_en_poll(struct napi_struct *napi, int budget)
{
	struct tulle_en_channel *ch;
	int done = 0;
	bool busy;

	ch = container_of(napi, struct tulle_en_channel, napi);
	/* netpoll may have interrupted who is at it. */
	if (likely(budget))
		napi_wait_arming(ch);
	busy = tulle_en_tx_poll(&ch->txq, budget);
	/* netpoll: budget 0, the stack may not be entered. */
	if (unlikely(!budget))
		return 0;
	if (!ch->disarmed)
		napi_disarm(ch);

	done = tulle_en_rx_poll(&ch->rxq, budget);
	if (busy || done == budget)
		return budget;
	if (unlikely(!napi_complete_done(napi, done)))
		return done;

	tulle_en_rx_dim(ch);
	tulle_en_tx_dim(ch);
	/* What came between the last look and the arming raises no event. */
	if (napi_arm_if_idle(ch))
		napi_schedule(napi);
	return done;
}
