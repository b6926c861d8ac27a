// SPDX-License-Identifier: GPL-2.0
/*
 * What an open interface looks after once a second: interrupts that got lost,
 * and the stack's limit on aggregates, of whose change nobody is told.
 */
#include <linux/netdevice.h>
#include <linux/workqueue.h>
#include <net/netdev_lock.h>

#include "en.h"

#define TULLE_EN_SERVICE_PERIOD	HZ

static void gro_work(struct work_struct *work)
{
	struct tulle_en_priv *priv;
	struct tulle_en_params want;

	priv = container_of(work, struct tulle_en_priv, gro_work);
	netdev_lock_ops_compat(priv->netdev);
	want = priv->params;
	want.gro_max = tulle_en_gro_max(priv->netdev);
	/* Refused: the device's aggregates stay smaller or larger than wished. */
	tulle_en_reconfigure(priv, &want, NULL);
	netdev_unlock_ops_compat(priv->netdev);
}

static void service_work(struct work_struct *work)
{
	struct tulle_en_priv *priv;
	struct tulle_en_channel *ch;
	unsigned int ix;

	priv = container_of(to_delayed_work(work), struct tulle_en_priv,
			    service);
	if (tulle_en_gro_max(priv->netdev) != READ_ONCE(priv->params.gro_max))
		schedule_work(&priv->gro_work);
	for (ix = 0; ix < priv->params.channels; ix++) {
		ch = priv->channel[ix];
		if (tulle_vec_recover(priv->tdev, ch->vec))
			ch->recovered++;
	}
	schedule_delayed_work(&priv->service, TULLE_EN_SERVICE_PERIOD);
}

/* It takes no lock, so it may be stopped under every one. */
void tulle_en_service_start(struct tulle_en_priv *priv)
{
	schedule_delayed_work(&priv->service, TULLE_EN_SERVICE_PERIOD);
}

/* While stopped, vectors may come and go. */
void tulle_en_service_stop(struct tulle_en_priv *priv)
{
	cancel_delayed_work_sync(&priv->service);
}

int tulle_en_service_init(struct tulle_en_priv *priv)
{
	INIT_DELAYED_WORK(&priv->service, service_work);
	INIT_WORK(&priv->gro_work, gro_work);
	return 0;
}

void tulle_en_service_cleanup(struct tulle_en_priv *priv)
{
	cancel_work_sync(&priv->gro_work);
}
