// SPDX-License-Identifier: GPL-2.0
/*
 * Health of queues: devlink reporters "tx" and "rx" on the port.
 *
 * Whoever sees a queue fail (NAPI, the watchdog, an event of the device) marks
 * it here, in any context; a work item reports it, which takes the devlink
 * lock, and the recovery that devlink starts takes rtnl and the instance lock.
 * Nothing under these locks may wait for the work item.
 */
#include <linux/bitmap.h>
#include <linux/delay.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/devlink.h>
#include <net/netdev_lock.h>

#include "en.h"

/*
 * Queues that fail together are reported together: devlink gives up on a
 * reporter that fails again in its grace period, so there is none, and this
 * delay also bounds the rate of recoveries.
 */
#define HEALTH_PERIOD_MS	0
#define HEALTH_DELAY_MS		20

/* What a queue that only missed an interrupt needs to get going again. */
#define HEALTH_SETTLE_MS	50

/* A recovery that failed, for lack of memory in all likelihood, is repeated. */
#define HEALTH_AGAIN_MS		1000

enum health_kind {
	HEALTH_TX_TIMEOUT,
	HEALTH_TX_ERROR,
	HEALTH_RX_ERROR,
	HEALTH_RX_STARVED,
	HEALTH_KINDS,
};

static const char *const health_names[HEALTH_KINDS] = {
	[HEALTH_TX_TIMEOUT] = "send queues timed out",
	[HEALTH_TX_ERROR] = "send queues stopped with an error",
	[HEALTH_RX_ERROR] = "receive queues stopped with an error",
	[HEALTH_RX_STARVED] = "receive queues have no buffers",
};

struct health_queue {
	u8 status;	/* enum tulle_cqe_status of the last error */
	u8 syndrome;
	u32 ci;		/* before it was poked; under the instance lock */
};

struct tulle_en_health {
	struct tulle_en_priv *priv;
	struct delayed_work work;
	struct delayed_work again_work;
	bool stopping;		/* takes no more reports; written under devl lock */
	/* Of rx and tx: a recovery failed, and none has succeeded; devl lock. */
	bool kept[2];
	/* Both by atomic operations: a queue that is closed leaves them. */
	DECLARE_BITMAP(failed[HEALTH_KINDS], TULLE_EN_CHANNELS_MAX);
	DECLARE_BITMAP(again[HEALTH_KINDS], TULLE_EN_CHANNELS_MAX);
	struct health_queue tx[TULLE_EN_CHANNELS_MAX];
	struct health_queue rx[TULLE_EN_CHANNELS_MAX];
};

/* What a report is about: queues that one thing happened to. */
struct health_ctx {
	enum health_kind kind;
	DECLARE_BITMAP(queues, TULLE_EN_CHANNELS_MAX);
};

/*
 * Reports
 */

static void health_mark(struct tulle_en_priv *priv, enum health_kind kind,
			unsigned int ix)
{
	struct tulle_en_health *health = priv->health;

	if (ix >= TULLE_EN_CHANNELS_MAX || READ_ONCE(health->stopping))
		return;
	set_bit(ix, health->failed[kind]);
	queue_delayed_work(system_dfl_wq, &health->work,
			   msecs_to_jiffies(HEALTH_DELAY_MS));
}

void tulle_en_health_tx_timeout(struct tulle_en_priv *priv, unsigned int ix)
{
	health_mark(priv, HEALTH_TX_TIMEOUT, ix);
}

void tulle_en_health_tx_error(struct tulle_en_priv *priv, unsigned int ix,
			      u8 status, u8 syndrome)
{
	if (ix < TULLE_EN_CHANNELS_MAX)
		priv->health->tx[ix] = (struct health_queue) {
			.status = status,
			.syndrome = syndrome,
		};
	health_mark(priv, HEALTH_TX_ERROR, ix);
}

void tulle_en_health_rx_error(struct tulle_en_priv *priv, unsigned int ix,
			      u8 status, u8 syndrome)
{
	if (ix < TULLE_EN_CHANNELS_MAX)
		priv->health->rx[ix] = (struct health_queue) {
			.status = status,
			.syndrome = syndrome,
		};
	health_mark(priv, HEALTH_RX_ERROR, ix);
}

void tulle_en_health_rx_starved(struct tulle_en_priv *priv, unsigned int ix)
{
	health_mark(priv, HEALTH_RX_STARVED, ix);
}

/**
 * tulle_en_health_closed() - forget what was wrong with a channel's queues
 * @priv: the net_device's
 * @ix: the channel
 *
 * Those that it is opened with next are new. Context: any.
 */
void tulle_en_health_closed(struct tulle_en_priv *priv, unsigned int ix)
{
	enum health_kind kind;

	for (kind = 0; kind < HEALTH_KINDS; kind++) {
		clear_bit(ix, priv->health->failed[kind]);
		clear_bit(ix, priv->health->again[kind]);
	}
}

static bool health_is_tx(enum health_kind kind)
{
	return kind == HEALTH_TX_TIMEOUT || kind == HEALTH_TX_ERROR;
}

static struct devlink_health_reporter *
health_reporter(const struct tulle_en_priv *priv, bool tx)
{
	return tx ? priv->tx_reporter : priv->rx_reporter;
}

/*
 * Until a recovery succeeds, devlink gives up on whatever is reported next.
 * So these queues are tried again, whoever else fails meanwhile with them, also
 * when the others have been recovered since (@was_kept). That devlink does not
 * try because the user wants it so is no failure.
 */
static void health_keep(struct tulle_en_priv *priv,
			const struct health_ctx *ctx, int err, bool was_kept)
{
	struct tulle_en_health *health = priv->health;
	bool *kept = &health->kept[health_is_tx(ctx->kind)];
	unsigned int ix;

	devl_lock(priv->tdev->devlink);
	if (err != -ECANCELED || was_kept || *kept) {
		WRITE_ONCE(*kept, true);
		for_each_set_bit(ix, ctx->queues, TULLE_EN_CHANNELS_MAX)
			set_bit(ix, health->again[ctx->kind]);
		queue_delayed_work(system_dfl_wq, &health->again_work,
				   msecs_to_jiffies(HEALTH_AGAIN_MS));
	}
	devl_unlock(priv->tdev->devlink);
}

static void health_report(struct tulle_en_priv *priv,
			  struct health_ctx *ctx)
{
	bool tx = health_is_tx(ctx->kind);
	const struct health_queue *q;
	unsigned int first;
	char msg[192];
	bool kept;
	int err;

	first = find_first_bit(ctx->queues, TULLE_EN_CHANNELS_MAX);
	q = tx ? &priv->health->tx[first] : &priv->health->rx[first];
	snprintf(msg, sizeof(msg), "%s: %*pbl (status %u, syndrome %u)",
		 health_names[ctx->kind], TULLE_EN_CHANNELS_MAX, ctx->queues,
		 q->status, q->syndrome);
	netdev_warn(priv->netdev, "%s\n", msg);
	kept = READ_ONCE(priv->health->kept[tx]);
	err = devlink_health_report(health_reporter(priv, tx), msg, ctx);
	if (err)
		health_keep(priv, ctx, err, kept);
}

static void health_work(struct work_struct *work)
{
	struct tulle_en_health *health =
		container_of(work, struct tulle_en_health, work.work);
	struct health_ctx ctx;
	unsigned int ix;

	for (ctx.kind = 0; ctx.kind < HEALTH_KINDS; ctx.kind++) {
		bitmap_zero(ctx.queues, TULLE_EN_CHANNELS_MAX);
		for_each_set_bit(ix, health->failed[ctx.kind],
				 TULLE_EN_CHANNELS_MAX)
			if (test_and_clear_bit(ix, health->failed[ctx.kind]))
				__set_bit(ix, ctx.queues);
		if (!bitmap_empty(ctx.queues, TULLE_EN_CHANNELS_MAX))
			health_report(health->priv, &ctx);
	}
}

/*
 * Recovery, under the instance lock
 */

static struct tulle_en_channel *health_channel(struct tulle_en_priv *priv,
					       unsigned int ix)
{
	struct tulle_en_channel *ch;

	if (!tulle_en_is_open(priv) || ix >= priv->params.channels)
		return NULL;
	ch = priv->channel[ix];
	return ch && ch->active ? ch : NULL;
}

static u32 health_tx_ci(const struct tulle_en_channel *ch)
{
	return READ_ONCE(ch->txq.mem->wq.prod.ci);
}

/* Look again for what interrupts should have told, and wait once for all. */
static void health_poke(struct tulle_en_priv *priv,
			const unsigned long *queues)
{
	struct tulle_en_channel *ch;
	unsigned int ix, n = 0;

	for_each_set_bit(ix, queues, TULLE_EN_CHANNELS_MAX) {
		ch = health_channel(priv, ix);
		if (!ch)
			continue;
		if (ch->txq.mem)
			priv->health->tx[ix].ci = health_tx_ci(ch);
		if (tulle_vec_recover(priv->tdev, ch->vec))
			netdev_warn(priv->netdev,
				    "queue %u missed an interrupt\n", ix);
		tulle_en_napi_kick(ch);
		n++;
	}
	if (n)
		msleep(HEALTH_SETTLE_MS);
}

static int health_recover_tx(struct tulle_en_priv *priv, unsigned int ix,
			     bool restart)
{
	struct tulle_en_channel *ch = health_channel(priv, ix);

	if (!ch || !ch->txq.mem)
		return 0;
	if (!restart && health_tx_ci(ch) != priv->health->tx[ix].ci)
		return 0;
	return tulle_en_txq_recover(priv, ix);
}

static int health_recover_rx(struct tulle_en_priv *priv, unsigned int ix,
			     bool restart)
{
	struct tulle_en_channel *ch = health_channel(priv, ix);

	/* One without memory could not be restarted by those who stopped it. */
	if (!ch)
		return 0;
	if (!restart && !test_bit(TULLE_EN_RXQ_STARVED, &ch->rxq.flags))
		return 0;
	return tulle_en_rxq_recover(priv, ix);
}

/* All that a report names; the first error, but no queue is left out. */
static int health_recover_reported(struct tulle_en_priv *priv,
				   const struct health_ctx *ctx)
{
	bool restart = ctx->kind == HEALTH_TX_ERROR ||
		       ctx->kind == HEALTH_RX_ERROR;
	unsigned int ix;
	int ret = 0;
	int err;

	if (!restart)
		health_poke(priv, ctx->queues);
	for_each_set_bit(ix, ctx->queues, TULLE_EN_CHANNELS_MAX) {
		err = health_is_tx(ctx->kind) ?
		      health_recover_tx(priv, ix, restart) :
		      health_recover_rx(priv, ix, restart);
		ret = ret ?: err;
	}
	return ret;
}

/* Asked for by a user, who names no queue: restart all of them. */
static int health_recover_all(struct tulle_en_priv *priv, bool tx)
{
	unsigned int ix;
	int ret = 0;
	int err;

	for (ix = 0; ix < priv->params.channels; ix++) {
		err = tx ? health_recover_tx(priv, ix, true) :
			   health_recover_rx(priv, ix, true);
		ret = ret ?: err;
	}
	return ret;
}

static void health_recovered(struct tulle_en_priv *priv, enum health_kind kind,
			     const unsigned long *queues)
{
	unsigned int ix;

	for_each_set_bit(ix, queues, TULLE_EN_CHANNELS_MAX)
		clear_bit(ix, priv->health->again[kind]);
}

/* Nobody has to try again what a user has restarted. */
static void health_forget(struct tulle_en_priv *priv, bool tx)
{
	enum health_kind kind;

	for (kind = 0; kind < HEALTH_KINDS; kind++)
		if (health_is_tx(kind) == tx)
			health_recovered(priv, kind,
					 priv->health->again[kind]);
	WRITE_ONCE(priv->health->kept[tx], false);
}

static int health_recover(struct devlink_health_reporter *reporter,
			  void *priv_ctx, struct netlink_ext_ack *extack,
			  bool tx)
{
	struct tulle_en_priv *priv = devlink_health_reporter_priv(reporter);
	int err;

	if (!tulle_dev_is_up(priv->tdev)) {
		/* It comes back with new queues. */
		if (priv_ctx)
			return 0;
		NL_SET_ERR_MSG_MOD(extack, "the device is down");
		return -ENETDOWN;
	}
	netdev_lock_ops_compat(priv->netdev);
	err = priv_ctx ? health_recover_reported(priv, priv_ctx) :
			 health_recover_all(priv, tx);
	netdev_unlock_ops_compat(priv->netdev);
	if (err)
		NL_SET_ERR_MSG_MOD(extack, "queue could not be restarted");
	else if (!priv_ctx)
		health_forget(priv, tx);
	return err;
}

static int health_tx_recover(struct devlink_health_reporter *reporter,
			     void *priv_ctx, struct netlink_ext_ack *extack)
{
	return health_recover(reporter, priv_ctx, extack, true);
}

static int health_rx_recover(struct devlink_health_reporter *reporter,
			     void *priv_ctx, struct netlink_ext_ack *extack)
{
	return health_recover(reporter, priv_ctx, extack, false);
}

/* Once more what failed; true when nothing of the reporter is left. */
static bool health_recover_again(struct tulle_en_priv *priv, bool tx)
{
	struct devlink_health_reporter *reporter = health_reporter(priv, tx);
	struct health_ctx ctx;

	if (!priv->health->kept[tx])
		return true;
	for (ctx.kind = 0; ctx.kind < HEALTH_KINDS; ctx.kind++) {
		bitmap_copy(ctx.queues, priv->health->again[ctx.kind],
			    TULLE_EN_CHANNELS_MAX);
		if (health_is_tx(ctx.kind) != tx ||
		    bitmap_empty(ctx.queues, TULLE_EN_CHANNELS_MAX))
			continue;
		if (health_recover(reporter, &ctx, NULL, tx))
			return false;
		health_recovered(priv, ctx.kind, ctx.queues);
	}
	health_forget(priv, tx);
	devlink_health_reporter_recovery_done(reporter);
	devlink_health_reporter_state_update(reporter,
					     DEVLINK_HEALTH_REPORTER_STATE_HEALTHY);
	return true;
}

static void health_again_work(struct work_struct *work)
{
	struct tulle_en_health *health =
		container_of(work, struct tulle_en_health, again_work.work);
	struct devlink *devlink = health->priv->tdev->devlink;
	bool done;

	devl_lock(devlink);
	done = health_recover_again(health->priv, true);
	done &= health_recover_again(health->priv, false);
	devl_unlock(devlink);
	if (!done)
		queue_delayed_work(system_dfl_wq, &health->again_work,
				   msecs_to_jiffies(HEALTH_AGAIN_MS));
}

/*
 * Diagnose and dump
 */

static void health_put_cq(struct devlink_fmsg *fmsg, const struct tulle_cq *cq)
{
	devlink_fmsg_pair_nest_start(fmsg, "cq");
	devlink_fmsg_obj_nest_start(fmsg);
	devlink_fmsg_u32_pair_put(fmsg, "handle", cq->handle);
	devlink_fmsg_u32_pair_put(fmsg, "size",
				  tulle_ring_size(&cq->cons.ring));
	devlink_fmsg_u32_pair_put(fmsg, "ci", READ_ONCE(cq->cons.ci));
	devlink_fmsg_u32_pair_put(fmsg, "arm_sn", READ_ONCE(cq->cons.arm_sn));
	devlink_fmsg_obj_nest_end(fmsg);
	devlink_fmsg_pair_nest_end(fmsg);
}

static void health_put_wq(struct devlink_fmsg *fmsg, const struct tulle_wq *wq)
{
	const struct tulle_dbr *dbr = wq->dbr.dbr;

	devlink_fmsg_u32_pair_put(fmsg, "size",
				  tulle_ring_size(&wq->prod.ring));
	devlink_fmsg_u32_pair_put(fmsg, "pi", READ_ONCE(wq->prod.pi));
	devlink_fmsg_u32_pair_put(fmsg, "ci", READ_ONCE(wq->prod.ci));
	devlink_fmsg_u32_pair_put(fmsg, "published",
				  READ_ONCE(wq->prod.published));
	devlink_fmsg_u32_pair_put(fmsg, "device_ci_hint",
				  le32_to_cpu(READ_ONCE(dbr->ci_hint)));
	devlink_fmsg_u32_pair_put(fmsg, "device_evt",
				  le32_to_cpu(READ_ONCE(dbr->evt)));
}

static void health_put_last(struct devlink_fmsg *fmsg,
			    const struct health_queue *q)
{
	devlink_fmsg_u32_pair_put(fmsg, "last_status", q->status);
	devlink_fmsg_u32_pair_put(fmsg, "last_syndrome", q->syndrome);
}

static void health_put_tx(struct devlink_fmsg *fmsg,
			  struct tulle_en_channel *ch, bool dump)
{
	struct tulle_en_txq *txq = &ch->txq;
	struct tulle_sq_ctx ctx = {};

	devlink_fmsg_u32_pair_put(fmsg, "queue", ch->ix);
	devlink_fmsg_u32_pair_put(fmsg, "handle", txq->mem->wq.handle);
	devlink_fmsg_bool_pair_put(fmsg, "stopped",
				   netif_tx_queue_stopped(txq->nq));
	devlink_fmsg_bool_pair_put(fmsg, "error",
				   test_bit(TULLE_EN_TXQ_ERROR, &txq->flags));
	health_put_last(fmsg, &ch->priv->health->tx[ch->ix]);
	health_put_wq(fmsg, &txq->mem->wq);
	health_put_cq(fmsg, &txq->mem->cq);
	if (tulle_sq_query(ch->priv->tdev, txq->mem->wq.handle, &ctx))
		return;
	devlink_fmsg_u32_pair_put(fmsg, "device_state", ctx.state);
	devlink_fmsg_u32_pair_put(fmsg, "device_ci", le32_to_cpu(ctx.ci));
	devlink_fmsg_u64_pair_put(fmsg, "device_errors",
				  le64_to_cpu(ctx.errors));
	if (dump)
		devlink_fmsg_binary_pair_put(fmsg, "sq_ctx", &ctx, sizeof(ctx));
}

static void health_put_rx(struct devlink_fmsg *fmsg,
			  struct tulle_en_channel *ch, bool dump)
{
	struct tulle_en_rxq *rxq = &ch->rxq;
	struct tulle_rq_ctx ctx = {};

	devlink_fmsg_u32_pair_put(fmsg, "queue", ch->ix);
	devlink_fmsg_u32_pair_put(fmsg, "handle", rxq->handle);
	devlink_fmsg_bool_pair_put(fmsg, "starved",
				   test_bit(TULLE_EN_RXQ_STARVED, &rxq->flags));
	devlink_fmsg_bool_pair_put(fmsg, "error",
				   test_bit(TULLE_EN_RXQ_ERROR, &rxq->flags));
	health_put_last(fmsg, &ch->priv->health->rx[ch->ix]);
	health_put_wq(fmsg, &rxq->mem->wq);
	health_put_cq(fmsg, &rxq->mem->cq);
	if (tulle_rq_query(ch->priv->tdev, rxq->handle, &ctx))
		return;
	devlink_fmsg_u32_pair_put(fmsg, "device_state", ctx.state);
	devlink_fmsg_u32_pair_put(fmsg, "device_ci", le32_to_cpu(ctx.ci));
	devlink_fmsg_u64_pair_put(fmsg, "device_drops_dry",
				  le64_to_cpu(ctx.drops_dry));
	if (dump)
		devlink_fmsg_binary_pair_put(fmsg, "rq_ctx", &ctx, sizeof(ctx));
}

static void health_put_queues(struct tulle_en_priv *priv,
			      struct devlink_fmsg *fmsg,
			      const struct health_ctx *only, bool tx, bool dump)
{
	struct tulle_en_channel *ch;
	unsigned int ix;

	netdev_lock_ops_compat(priv->netdev);
	devlink_fmsg_arr_pair_nest_start(fmsg, "queues");
	for (ix = 0; ix < priv->params.channels; ix++) {
		ch = health_channel(priv, ix);
		if (!ch || !ch->txq.mem || !ch->rxq.mem ||
		    (only && !test_bit(ix, only->queues)))
			continue;
		devlink_fmsg_obj_nest_start(fmsg);
		if (tx)
			health_put_tx(fmsg, ch, dump);
		else
			health_put_rx(fmsg, ch, dump);
		devlink_fmsg_obj_nest_end(fmsg);
	}
	devlink_fmsg_arr_pair_nest_end(fmsg);
	netdev_unlock_ops_compat(priv->netdev);
}

static int health_tx_diagnose(struct devlink_health_reporter *reporter,
			      struct devlink_fmsg *fmsg,
			      struct netlink_ext_ack *extack)
{
	health_put_queues(devlink_health_reporter_priv(reporter), fmsg, NULL,
			  true, false);
	return 0;
}

static int health_rx_diagnose(struct devlink_health_reporter *reporter,
			      struct devlink_fmsg *fmsg,
			      struct netlink_ext_ack *extack)
{
	health_put_queues(devlink_health_reporter_priv(reporter), fmsg, NULL,
			  false, false);
	return 0;
}

static int health_tx_dump(struct devlink_health_reporter *reporter,
			  struct devlink_fmsg *fmsg, void *priv_ctx,
			  struct netlink_ext_ack *extack)
{
	health_put_queues(devlink_health_reporter_priv(reporter), fmsg,
			  priv_ctx, true, true);
	return 0;
}

static int health_rx_dump(struct devlink_health_reporter *reporter,
			  struct devlink_fmsg *fmsg, void *priv_ctx,
			  struct netlink_ext_ack *extack)
{
	health_put_queues(devlink_health_reporter_priv(reporter), fmsg,
			  priv_ctx, false, true);
	return 0;
}

/* A report as from NAPI: the same way from there on. */
static int health_tx_test(struct devlink_health_reporter *reporter,
			  struct netlink_ext_ack *extack)
{
	tulle_en_health_tx_error(devlink_health_reporter_priv(reporter), 0,
				 TULLE_CQE_FLUSHED, 0);
	return 0;
}

static int health_rx_test(struct devlink_health_reporter *reporter,
			  struct netlink_ext_ack *extack)
{
	tulle_en_health_rx_error(devlink_health_reporter_priv(reporter), 0,
				 TULLE_CQE_FLUSHED, 0);
	return 0;
}

static const struct devlink_health_reporter_ops health_tx_ops = {
	.name = "tx",
	.recover = health_tx_recover,
	.diagnose = health_tx_diagnose,
	.dump = health_tx_dump,
	.test = health_tx_test,
	TULLE_HEALTH_GRACEFUL_PERIOD(HEALTH_PERIOD_MS)
};

static const struct devlink_health_reporter_ops health_rx_ops = {
	.name = "rx",
	.recover = health_rx_recover,
	.diagnose = health_rx_diagnose,
	.dump = health_rx_dump,
	.test = health_rx_test,
	TULLE_HEALTH_GRACEFUL_PERIOD(HEALTH_PERIOD_MS)
};

/*
 * Life
 */

static struct devlink_health_reporter *
health_reporter_create(struct tulle_en_priv *priv,
		       const struct devlink_health_reporter_ops *ops)
{
	struct tulle_dev *tdev = priv->tdev;

	if (tdev->devlink_port)
		return tulle_port_health_reporter_create(tdev->devlink_port,
							 ops, HEALTH_PERIOD_MS,
							 priv);
	return tulle_health_reporter_create(tdev->devlink, ops,
					    HEALTH_PERIOD_MS, priv);
}

int tulle_en_health_init(struct tulle_en_priv *priv)
{
	struct devlink *devlink = priv->tdev->devlink;
	struct devlink_health_reporter *rx, *tx;
	struct tulle_en_health *health;
	int err;

	health = kzalloc_obj(*health);
	if (!health)
		return -ENOMEM;
	health->priv = priv;
	INIT_DELAYED_WORK(&health->work, health_work);
	INIT_DELAYED_WORK(&health->again_work, health_again_work);
	priv->health = health;

	devl_lock(devlink);
	tx = health_reporter_create(priv, &health_tx_ops);
	if (IS_ERR(tx)) {
		err = PTR_ERR(tx);
		goto err_unlock;
	}
	rx = health_reporter_create(priv, &health_rx_ops);
	if (IS_ERR(rx)) {
		err = PTR_ERR(rx);
		goto err_tx_destroy;
	}
	devl_unlock(devlink);
	priv->tx_reporter = tx;
	priv->rx_reporter = rx;
	return 0;

err_tx_destroy:
	devl_health_reporter_destroy(tx);
err_unlock:
	devl_unlock(devlink);
	priv->health = NULL;
	kfree(health);
	return err;
}

void tulle_en_health_cleanup(struct tulle_en_priv *priv)
{
	struct devlink *devlink = priv->tdev->devlink;

	if (!priv->health)
		return;
	/* Queues are gone by now; a test that devlink starts may still come. */
	devl_lock(devlink);
	WRITE_ONCE(priv->health->stopping, true);
	devl_unlock(devlink);
	cancel_delayed_work_sync(&priv->health->work);
	cancel_delayed_work_sync(&priv->health->again_work);

	devl_lock(devlink);
	devl_health_reporter_destroy(priv->rx_reporter);
	devl_health_reporter_destroy(priv->tx_reporter);
	devl_unlock(devlink);
	kfree(priv->health);
	priv->health = NULL;
}
