// SPDX-License-Identifier: GPL-2.0
/*
 * The Ethernet driver: auxiliary device to net_device.
 *
 * Everything on the device is made when the interface opens and destroyed when
 * it closes. When the device goes away for a while (reset, suspend, recovery)
 * core calls detach and attach: an open interface is closed and opened again,
 * without its settings noticing.
 */
#include <linux/auxiliary_bus.h>
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <net/devlink.h>
#include <net/netdev_lock.h>

#include "en.h"

#define TULLE_EN_TCP_HDR_MAX	60

/**
 * tulle_en_open_locked() - make the queues and let traffic flow
 * @priv: the net_device's
 * @extack: says what went wrong
 *
 * Return: 0 or an error, and nothing is left on the device.
 */
int tulle_en_open_locked(struct tulle_en_priv *priv,
			 struct netlink_ext_ack *extack)
{
	unsigned int n = priv->params.channels;
	int err;

	err = tulle_en_channels_open(priv, 0, n, &priv->params);
	if (err) {
		NL_SET_ERR_MSG(extack, "Channels could not be made");
		return err;
	}
	err = netif_set_real_num_queues(priv->netdev, n, n);
	if (err)
		goto err_close_channels;
	err = tulle_en_rss_start(priv);
	if (err) {
		NL_SET_ERR_MSG(extack, "RSS contexts could not be made");
		goto err_close_channels;
	}
	err = tulle_en_filter_start(priv);
	if (err) {
		NL_SET_ERR_MSG(extack, "Receive filters could not be made");
		goto err_stop_rss;
	}

	set_bit(TULLE_EN_OPENED, &priv->flags);
	tulle_en_channels_start(priv, 0, n);
	tulle_en_link_open(priv);
	tulle_en_stats_start(priv);
	tulle_en_service_start(priv);
	return 0;

err_stop_rss:
	tulle_en_rss_stop(priv);
err_close_channels:
	tulle_en_channels_close(priv, 0, n);
	return err;
}

/**
 * tulle_en_close_locked() - stop traffic and leave nothing on the device
 * @priv: the net_device's
 */
void tulle_en_close_locked(struct tulle_en_priv *priv)
{
	unsigned int n = priv->params.channels;

	if (!test_and_clear_bit(TULLE_EN_OPENED, &priv->flags))
		return;
	tulle_en_service_stop(priv);
	tulle_en_stats_stop(priv);
	tulle_en_link_close(priv);
	tulle_en_channels_stop(priv, 0, n);
	tulle_en_filter_stop(priv);
	tulle_en_rss_stop(priv);
	tulle_en_channels_close(priv, 0, n);
}

static int en_open(struct net_device *dev)
{
	return tulle_en_open_locked(netdev_priv(dev), NULL);
}

static int en_stop(struct net_device *dev)
{
	tulle_en_close_locked(netdev_priv(dev));
	return 0;
}

static int en_set_mac_address(struct net_device *dev, void *p)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct sockaddr *addr = p;
	int err;

	if (!is_valid_ether_addr(addr->sa_data))
		return -EADDRNOTAVAIL;
	err = tulle_en_filter_set_mac(priv, addr->sa_data);
	if (err)
		return err;
	eth_hw_addr_set(dev, addr->sa_data);
	return 0;
}

static int en_change_mtu(struct net_device *dev, int mtu)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct tulle_en_params want = priv->params;
	bool grows = mtu > dev->mtu;
	int err = 0;

	/* The port takes what the queues do: first or last accordingly. */
	if (grows && tulle_en_is_open(priv))
		err = tulle_en_link_set_mtu(priv, mtu);
	if (err)
		return err;
	want.mtu = mtu;
	err = tulle_en_reconfigure(priv, &want, NULL);
	if (err) {
		if (grows && tulle_en_is_open(priv))
			tulle_en_link_set_mtu(priv, dev->mtu);
		return err;
	}
	if (!grows && tulle_en_is_open(priv))
		tulle_en_link_set_mtu(priv, mtu);
	WRITE_ONCE(dev->mtu, mtu);
	return 0;
}

static netdev_features_t en_fix_features(struct net_device *dev,
					 netdev_features_t features)
{
	/* An aggregate has no FCS of its own. */
	if (features & NETIF_F_RXFCS)
		features &= ~NETIF_F_GRO_HW;
	return features;
}

static int en_set_features(struct net_device *dev, netdev_features_t features)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	netdev_features_t changed = dev->features ^ features;
	struct tulle_en_params want = priv->params;
	struct tulle_en_params old = priv->params;
	int err;

	want.features = features;
	err = tulle_en_reconfigure(priv, &want, NULL);
	if (err)
		return err;
	err = tulle_en_filter_set_features(priv, features);
	if (err)
		goto err_reconfigure;
	if (changed & NETIF_F_LOOPBACK) {
		err = tulle_en_link_set_loopback(priv, features &
						 NETIF_F_LOOPBACK);
		if (err)
			goto err_filter;
	}
	return 0;

err_filter:
	tulle_en_filter_set_features(priv, dev->features);
err_reconfigure:
	tulle_en_reconfigure(priv, &old, NULL);
	return err;
}

static bool en_can_segment(const struct tulle_en_priv *priv,
			   const struct sk_buff *skb)
{
	int l4 = skb_transport_offset(skb);
	int mss = skb_shinfo(skb)->gso_size;

	return l4 >= ETH_HLEN + (int)sizeof(struct iphdr) &&
	       l4 <= TULLE_GSO_HDR_MAX - TULLE_EN_TCP_HDR_MAX &&
	       mss >= TULLE_MSS_MIN &&
	       l4 + mss <= priv->tdev->limits.max_frame;
}

/*
 * What comes from a virtual machine or a packet socket may ask for things that
 * the device refuses, and a WQE that it refuses stops the queue.
 */
static netdev_features_t en_features_check(struct sk_buff *skb,
					   struct net_device *dev,
					   netdev_features_t features)
{
	if (skb_is_gso(skb)) {
		if (unlikely(!en_can_segment(netdev_priv(dev), skb)))
			features &= ~NETIF_F_GSO_MASK;
	} else if (skb->ip_summed == CHECKSUM_PARTIAL) {
		if (unlikely(skb_checksum_start_offset(skb) < ETH_HLEN))
			features &= ~NETIF_F_CSUM_MASK;
	}
	return vlan_features_check(skb, features);
}

static void en_tx_timeout(struct net_device *dev, unsigned int txqueue)
{
	tulle_en_health_tx_timeout(netdev_priv(dev), txqueue);
}

TULLE_DEFINE_RX_MODE_ASYNC(tulle_en_set_rx_mode, struct tulle_en_priv, rx_mode);

static const struct net_device_ops en_netdev_ops = {
	.ndo_open		= en_open,
	.ndo_stop		= en_stop,
	.ndo_start_xmit		= tulle_en_xmit,
	.ndo_features_check	= en_features_check,
	TULLE_RX_MODE_ASYNC(tulle_en_set_rx_mode)
	.ndo_set_mac_address	= en_set_mac_address,
	.ndo_validate_addr	= eth_validate_addr,
	.ndo_change_mtu		= en_change_mtu,
	.ndo_tx_timeout		= en_tx_timeout,
	.ndo_get_stats64	= tulle_en_get_stats64,
	.ndo_vlan_rx_add_vid	= tulle_en_vlan_rx_add_vid,
	.ndo_vlan_rx_kill_vid	= tulle_en_vlan_rx_kill_vid,
	.ndo_fix_features	= en_fix_features,
	.ndo_set_features	= en_set_features,
};

static void en_queue_error(struct tulle_en_priv *priv,
			   const struct tulle_async_event *event)
{
	struct tulle_en_channel *ch;
	unsigned int ix;

	netdev_lock_ops_compat(priv->netdev);
	for (ix = 0; tulle_en_is_open(priv) && ix < priv->params.channels;
	     ix++) {
		ch = priv->channel[ix];
		/* Without a handle: it may have been any. Tx has a watchdog. */
		if ((!event->handle ||
		     tulle_en_rxq_has(&ch->rxq, event->obj, event->handle)) &&
		    tulle_en_rxq_is_broken(&ch->rxq))
			tulle_en_health_rx_error(priv, ix, TULLE_CQE_FLUSHED, 0);
		if (tulle_en_txq_has(&ch->txq, event->obj, event->handle))
			tulle_en_health_tx_error(priv, ix, TULLE_CQE_FLUSHED, 0);
	}
	netdev_unlock_ops_compat(priv->netdev);
}

static int en_device_event(struct notifier_block *nb, unsigned long type,
			   void *data)
{
	struct tulle_en_priv *priv;

	priv = container_of(nb, struct tulle_en_priv, events);
	switch (type) {
	case TULLE_EVENT_PORT:
		tulle_en_link_event(priv);
		break;
	case TULLE_EVENT_QUEUE_ERROR:
		en_queue_error(priv, data);
		break;
	}
	return NOTIFY_DONE;
}

static int en_attach(struct tulle_adev *tadev)
{
	struct tulle_en_priv *priv = auxiliary_get_drvdata(&tadev->adev);
	struct net_device *dev = priv->netdev;
	int err = 0;

	rtnl_lock();
	netdev_lock_ops(dev);
	/* Before that there is nothing to learn, nor a lock of address lists. */
	if (dev->reg_state == NETREG_REGISTERED)
		err = tulle_en_filter_replay(priv);
	if (!err && netif_running(dev))
		err = tulle_en_open_locked(priv, NULL);
	/* Closed meanwhile: the watchdog looks at queues that nobody starts. */
	if (!err && !netif_running(dev))
		netif_tx_start_all_queues(dev);
	if (!err)
		netif_device_attach(dev);
	netdev_unlock_ops(dev);
	rtnl_unlock();
	return err;
}

static void en_detach(struct tulle_adev *tadev)
{
	struct tulle_en_priv *priv = auxiliary_get_drvdata(&tadev->adev);
	struct net_device *dev = priv->netdev;

	rtnl_lock();
	netdev_lock_ops(dev);
	netif_device_detach(dev);
	tulle_en_close_locked(priv);
	netdev_unlock_ops(dev);
	rtnl_unlock();
}

static const struct tulle_client en_client = {
	.attach	= en_attach,
	.detach	= en_detach,
};

static int en_check_device(const struct tulle_dev *tdev)
{
	const struct tulle_limits *limits = &tdev->limits;
	const char *lacks = NULL;

	if (!tulle_cap(tdev, ETH))
		lacks = "Ethernet queues";
	else if (!tulle_cap(tdev, RX_CHAIN))
		lacks = "packets in several receive buffers";
	else if (!tulle_cap(tdev, TX_INLINE) ||
		 limits->max_tx_inline < TULLE_EN_TX_INLINE)
		lacks = "inline data in send queues";
	else if (limits->max_tx_sges < MAX_SKB_FRAGS + 1 ||
		 limits->max_tx_blocks < TULLE_SQ_MAX_BLOCKS)
		lacks = "send queue entries for fragmented packets";
	if (!lacks)
		return 0;
	dev_err(tdev->device, "no net device: the device lacks %s\n", lacks);
	return -EOPNOTSUPP;
}

static netdev_features_t en_hw_features(const struct tulle_dev *tdev)
{
	static const struct {
		enum tulle_cap cap;
		netdev_features_t features;
	} table[] = {
		{ TULLE_CAP_TX_CSUM, NETIF_F_HW_CSUM },
		{ TULLE_CAP_TX_TSO4, NETIF_F_TSO | NETIF_F_TSO_ECN },
		{ TULLE_CAP_TX_TSO6, NETIF_F_TSO6 },
		{ TULLE_CAP_TX_USO, NETIF_F_GSO_UDP_L4 },
		{ TULLE_CAP_TX_VLAN, NETIF_F_HW_VLAN_CTAG_TX |
				     NETIF_F_HW_VLAN_STAG_TX },
		{ TULLE_CAP_RX_CSUM, NETIF_F_RXCSUM },
		{ TULLE_CAP_RX_HASH, NETIF_F_RXHASH },
		{ TULLE_CAP_RX_VLAN, NETIF_F_HW_VLAN_CTAG_RX },
		{ TULLE_CAP_RX_VLAN2, NETIF_F_HW_VLAN_STAG_RX },
		{ TULLE_CAP_RX_GRO, NETIF_F_GRO_HW },
		{ TULLE_CAP_RX_FCS, NETIF_F_RXFCS },
		{ TULLE_CAP_LOOPBACK, NETIF_F_LOOPBACK },
	};
	netdev_features_t features = NETIF_F_SG | NETIF_F_HW_VLAN_CTAG_FILTER |
				     NETIF_F_HW_VLAN_STAG_FILTER;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (tulle_cap_test(tdev, table[i].cap))
			features |= table[i].features;
	return features;
}

static void en_init_features(struct net_device *dev,
			     const struct tulle_dev *tdev)
{
	/* Off unless asked for. */
	netdev_features_t off = NETIF_F_RXFCS | NETIF_F_LOOPBACK |
				NETIF_F_HW_VLAN_STAG_RX;
	netdev_features_t hw = en_hw_features(tdev);

	dev->hw_features = hw;
	dev->features = (hw & ~off) | NETIF_F_HIGHDMA;
	dev->vlan_features = (hw & (NETIF_F_SG | NETIF_F_HW_CSUM |
				    NETIF_F_ALL_TSO | NETIF_F_GSO_UDP_L4)) |
			     NETIF_F_HIGHDMA;
	dev->hw_enc_features = (hw & (NETIF_F_SG | NETIF_F_HW_CSUM)) |
			       NETIF_F_HIGHDMA;
	dev->priv_flags |= IFF_UNICAST_FLT | IFF_LIVE_ADDR_CHANGE;
	if (tdev->limits.max_tso_size)
		netif_set_tso_max_size(dev, tdev->limits.max_tso_size);
}

static void en_init_netdev(struct net_device *dev, struct tulle_dev *tdev)
{
	SET_NETDEV_DEV(dev, tdev->device);
	if (tdev->devlink_port)
		SET_NETDEV_DEVLINK_PORT(dev, tdev->devlink_port);
	dev->dev_port = tdev->limits.port;
	dev->netdev_ops = &en_netdev_ops;
	dev->ethtool_ops = &tulle_en_ethtool_ops;
	dev->stat_ops = &tulle_en_stat_ops;
	tulle_en_set_queue_mgmt_ops(dev);
	tulle_netdev_request_ops_lock(dev);
	dev->min_mtu = tdev->limits.min_mtu;
	dev->max_mtu = tdev->limits.max_mtu;
	en_init_features(dev, tdev);
	if (is_valid_ether_addr(tdev->perm_mac)) {
		eth_hw_addr_set(dev, tdev->perm_mac);
	} else {
		eth_hw_addr_random(dev);
		dev_warn(tdev->device, "no valid address, using %pM\n",
			 dev->dev_addr);
	}
	netif_set_affinity_auto(dev);
	netif_carrier_off(dev);
}

/* The parts of the driver, in the order of their needs. */
static const struct {
	int (*init)(struct tulle_en_priv *priv);
	void (*cleanup)(struct tulle_en_priv *priv);
} en_parts[] = {
	{ tulle_en_coalesce_init, tulle_en_coalesce_cleanup },
	{ tulle_en_rss_init, tulle_en_rss_cleanup },
	{ tulle_en_filter_init, tulle_en_filter_cleanup },
	{ tulle_en_link_init, tulle_en_link_cleanup },
	{ tulle_en_stats_init, tulle_en_stats_cleanup },
	{ tulle_en_health_init, tulle_en_health_cleanup },
	{ tulle_en_service_init, tulle_en_service_cleanup },
};

static void en_parts_cleanup(struct tulle_en_priv *priv, unsigned int n)
{
	while (n--)
		en_parts[n].cleanup(priv);
}

static int en_parts_init(struct tulle_en_priv *priv)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(en_parts); i++) {
		err = en_parts[i].init(priv);
		if (err) {
			en_parts_cleanup(priv, i);
			return err;
		}
	}
	return 0;
}

static struct tulle_en_priv *en_alloc(struct tulle_dev *tdev)
{
	struct tulle_en_priv *priv;
	struct net_device *dev;
	unsigned int max;

	max = min3(tulle_vec_count(tdev, TULLE_VEC_ETH),
		   (unsigned int)tdev->limits.max_tx_queues,
		   (unsigned int)TULLE_EN_CHANNELS_MAX);
	if (!max) {
		dev_err(tdev->device, "no net device: no interrupt vector\n");
		return ERR_PTR(-ENOSPC);
	}
	dev = alloc_etherdev_mqs(sizeof(*priv), max, max);
	if (!dev)
		return ERR_PTR(-ENOMEM);
	priv = netdev_priv(dev);
	priv->netdev = dev;
	priv->tdev = tdev;
	priv->max_channels = max;
	priv->channel = kcalloc(max, sizeof(*priv->channel), GFP_KERNEL);
	if (!priv->channel) {
		free_netdev(dev);
		return ERR_PTR(-ENOMEM);
	}
	en_init_netdev(dev, tdev);
	tulle_en_params_init(priv);
	tulle_rx_mode_init(&priv->rx_mode, dev, tulle_en_set_rx_mode);
	return priv;
}

static void en_free(struct tulle_en_priv *priv)
{
	tulle_en_channels_free(priv);
	kfree(priv->channel);
	free_netdev(priv->netdev);
}

static int en_register(struct tulle_en_priv *priv)
{
	int err;

	err = register_netdev(priv->netdev);
	if (err)
		return err;
	priv->events.notifier_call = en_device_event;
	err = tulle_event_register(priv->tdev, &priv->events);
	if (err) {
		unregister_netdev(priv->netdev);
		return err;
	}
	/* The link may have changed while nobody listened. */
	tulle_en_link_event(priv);
	return 0;
}

static int en_probe(struct auxiliary_device *adev,
		    const struct auxiliary_device_id *id)
{
	struct tulle_adev *tadev = to_tulle_adev(adev);
	struct tulle_en_priv *priv;
	int err;

	err = en_check_device(tadev->dev);
	if (err)
		return err;
	priv = en_alloc(tadev->dev);
	if (IS_ERR(priv))
		return PTR_ERR(priv);
	auxiliary_set_drvdata(adev, priv);

	err = en_parts_init(priv);
	if (err)
		goto err_free;
	err = tulle_client_register(tadev, &en_client);
	if (err)
		goto err_cleanup;
	err = en_register(priv);
	if (err)
		goto err_unregister_client;
	return 0;

err_unregister_client:
	tulle_client_unregister(tadev);
err_cleanup:
	en_parts_cleanup(priv, ARRAY_SIZE(en_parts));
err_free:
	en_free(priv);
	return err;
}

static void en_remove(struct auxiliary_device *adev)
{
	struct tulle_en_priv *priv = auxiliary_get_drvdata(adev);

	tulle_event_unregister(priv->tdev, &priv->events);
	unregister_netdev(priv->netdev);
	tulle_rx_mode_cancel(&priv->rx_mode);
	tulle_client_unregister(to_tulle_adev(adev));
	en_parts_cleanup(priv, ARRAY_SIZE(en_parts));
	en_free(priv);
}

static const struct auxiliary_device_id en_id_table[] = {
	{ .name = TULLE_ADEV_ETH },
	{ }
};
MODULE_DEVICE_TABLE(auxiliary, en_id_table);

static struct auxiliary_driver en_driver = {
	.name		= "eth",
	.probe		= en_probe,
	.remove		= en_remove,
	.id_table	= en_id_table,
};
module_auxiliary_driver(en_driver);

MODULE_DESCRIPTION("Tulle Ethernet driver");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("TULLE_CORE");
