// SPDX-License-Identifier: GPL-2.0
/*
 * The physical port: carrier, link modes, FEC, flow control, loopback.
 *
 * The port belongs to the device; what a user configured is remembered here
 * and said again at every open, because a reset makes the device forget it.
 */
#include <linux/ethtool.h>
#include <linux/if_vlan.h>
#include <linux/linkmode.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/slab.h>

#include "en.h"
#include "ethtool.h"

struct tulle_en_link {
	/* carrier follows the port while open; leaf lock */
	struct mutex lock;
	bool open;
	/* what a user configured, as far as mask says */
	struct tulle_modify_port config;
	u32 configured;
};

static const struct link_mode {
	unsigned int ethtool;
	u32 speed;
	u8 lanes;
} link_modes[] = {
	[TULLE_LINK_10G_CR] = {
		ETHTOOL_LINK_MODE_10000baseCR_Full_BIT, SPEED_10000, 1
	},
	[TULLE_LINK_25G_CR] = {
		ETHTOOL_LINK_MODE_25000baseCR_Full_BIT, SPEED_25000, 1
	},
	[TULLE_LINK_50G_CR] = {
		ETHTOOL_LINK_MODE_50000baseCR_Full_BIT, SPEED_50000, 1
	},
	[TULLE_LINK_100G_CR2] = {
		ETHTOOL_LINK_MODE_100000baseCR2_Full_BIT, SPEED_100000, 2
	},
	[TULLE_LINK_200G_CR4] = {
		ETHTOOL_LINK_MODE_200000baseCR4_Full_BIT, SPEED_200000, 4
	},
};

static const struct {
	u8 tulle;
	u32 ethtool;
	unsigned int mode;	/* AUTO is no link mode */
} link_fecs[] = {
	{ TULLE_FEC_OFF, ETHTOOL_FEC_OFF, ETHTOOL_LINK_MODE_FEC_NONE_BIT },
	{ TULLE_FEC_BASER, ETHTOOL_FEC_BASER, ETHTOOL_LINK_MODE_FEC_BASER_BIT },
	{ TULLE_FEC_RS, ETHTOOL_FEC_RS, ETHTOOL_LINK_MODE_FEC_RS_BIT },
	{ TULLE_FEC_AUTO, ETHTOOL_FEC_AUTO, __ETHTOOL_LINK_MODE_MASK_NBITS },
};

/*
 * Carrier
 */

/* Largest frame of an MTU: two VLAN tags may come on top. */
static u32 link_max_frame(const struct tulle_en_priv *priv, u32 mtu)
{
	return min_t(u32, mtu + ETH_HLEN + 2 * VLAN_HLEN,
		     priv->tdev->limits.max_frame);
}

static void link_set_carrier(struct tulle_en_priv *priv, bool up, u32 speed)
{
	struct net_device *dev = priv->netdev;

	if (up == netif_carrier_ok(dev))
		return;
	if (up) {
		netdev_info(dev, "link is up, %u Mb/s\n", speed);
		netif_carrier_on(dev);
	} else {
		netdev_info(dev, "link is down\n");
		netif_carrier_off(dev);
	}
}

static void link_refresh(struct tulle_en_priv *priv)
{
	struct tulle_port_info info;

	if (priv->link->open && !tulle_port_query(priv->tdev, &info))
		link_set_carrier(priv, info.link_up, le32_to_cpu(info.speed));
}

void tulle_en_link_event(struct tulle_en_priv *priv)
{
	mutex_lock(&priv->link->lock);
	link_refresh(priv);
	mutex_unlock(&priv->link->lock);
}

void tulle_en_link_open(struct tulle_en_priv *priv)
{
	struct tulle_en_link *link = priv->link;
	struct tulle_modify_port in = link->config;

	in.mask = cpu_to_le32(link->configured | TULLE_PORT_MOD_ADMIN |
			      TULLE_PORT_MOD_MAX_FRAME);
	in.admin_up = 1;
	in.max_frame = cpu_to_le32(link_max_frame(priv, priv->params.mtu));

	mutex_lock(&link->lock);
	link->open = true;
	/* Logged by core; the carrier stays off then. */
	if (!tulle_port_modify(priv->tdev, &in))
		link_refresh(priv);
	mutex_unlock(&link->lock);
}

void tulle_en_link_close(struct tulle_en_priv *priv)
{
	struct tulle_modify_port in = {
		.mask = cpu_to_le32(TULLE_PORT_MOD_ADMIN),
	};
	struct tulle_en_link *link = priv->link;

	mutex_lock(&link->lock);
	link->open = false;
	netif_carrier_off(priv->netdev);
	mutex_unlock(&link->lock);
	tulle_port_modify(priv->tdev, &in);
}

int tulle_en_link_set_mtu(struct tulle_en_priv *priv, u32 mtu)
{
	struct tulle_modify_port in = {
		.mask = cpu_to_le32(TULLE_PORT_MOD_MAX_FRAME),
		.max_frame = cpu_to_le32(link_max_frame(priv, mtu)),
	};

	return tulle_port_modify(priv->tdev, &in);
}

/*
 * Tell the device, and remember for the next open. While the interface is
 * closed the port is configured all the same: others may show its state.
 */
static int link_configure(struct tulle_en_priv *priv,
			  const struct tulle_modify_port *in)
{
	struct tulle_en_link *link = priv->link;
	u32 mask = le32_to_cpu(in->mask);
	int err;

	err = tulle_port_modify(priv->tdev, in);
	if (err)
		return err;

	if (mask & TULLE_PORT_MOD_LINK) {
		link->config.autoneg = in->autoneg;
		link->config.advertised = in->advertised;
	}
	if (mask & TULLE_PORT_MOD_FEC)
		link->config.fec = in->fec;
	if (mask & TULLE_PORT_MOD_PAUSE)
		link->config.pause = in->pause;
	if (mask & TULLE_PORT_MOD_LOOPBACK)
		link->config.loopback = in->loopback;
	link->configured |= mask;
	tulle_en_link_event(priv);
	return 0;
}

int tulle_en_link_set_loopback(struct tulle_en_priv *priv, bool on)
{
	struct tulle_modify_port in = {
		.mask = cpu_to_le32(TULLE_PORT_MOD_LOOPBACK),
		.loopback = on,
	};

	if (!tulle_cap(priv->tdev, LOOPBACK))
		return -EOPNOTSUPP;
	return link_configure(priv, &in);
}

int tulle_en_link_init(struct tulle_en_priv *priv)
{
	struct tulle_en_link *link;

	link = kzalloc_obj(*link);
	if (!link)
		return -ENOMEM;

	mutex_init(&link->lock);
	priv->link = link;
	netif_carrier_off(priv->netdev);
	return 0;
}

void tulle_en_link_cleanup(struct tulle_en_priv *priv)
{
	if (!priv->link)
		return;
	mutex_destroy(&priv->link->lock);
	kfree(priv->link);
	priv->link = NULL;
}

/*
 * Link modes
 */

static void link_modes_set(unsigned long *dst, u64 modes)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(link_modes); i++)
		if (modes & BIT_ULL(i))
			linkmode_set_bit(link_modes[i].ethtool, dst);
}

static u64 link_modes_get(const unsigned long *src)
{
	u64 modes = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(link_modes); i++)
		if (linkmode_test_bit(link_modes[i].ethtool, src))
			modes |= BIT_ULL(i);
	return modes;
}

static void link_fecs_set(unsigned long *dst, u8 fecs)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(link_fecs); i++)
		if (fecs & link_fecs[i].tulle &&
		    link_fecs[i].mode != __ETHTOOL_LINK_MODE_MASK_NBITS)
			linkmode_set_bit(link_fecs[i].mode, dst);
}

static void link_pause_advertise(unsigned long *dst, u8 pause)
{
	bool rx = pause & TULLE_PAUSE_RX;
	bool tx = pause & TULLE_PAUSE_TX;

	linkmode_mod_bit(ETHTOOL_LINK_MODE_Pause_BIT, dst, rx);
	linkmode_mod_bit(ETHTOOL_LINK_MODE_Asym_Pause_BIT, dst, rx != tx);
}

/* The device tells what came out of it, and so what the partner offered. */
static void link_pause_partner(unsigned long *dst, u8 active)
{
	bool rx = active & TULLE_PAUSE_RX;
	bool tx = active & TULLE_PAUSE_TX;

	linkmode_mod_bit(ETHTOOL_LINK_MODE_Pause_BIT, dst, tx);
	linkmode_mod_bit(ETHTOOL_LINK_MODE_Asym_Pause_BIT, dst, rx != tx);
}

int tulle_en_get_link_ksettings(struct net_device *dev,
				struct ethtool_link_ksettings *ks)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct tulle_port_info info;
	int err;

	err = tulle_port_query(priv->tdev, &info);
	if (err)
		return err;

	ethtool_link_ksettings_zero_link_mode(ks, supported);
	ethtool_link_ksettings_zero_link_mode(ks, advertising);
	ethtool_link_ksettings_zero_link_mode(ks, lp_advertising);
	ethtool_link_ksettings_add_link_mode(ks, supported, FIBRE);
	ethtool_link_ksettings_add_link_mode(ks, supported, Autoneg);
	ethtool_link_ksettings_add_link_mode(ks, supported, Pause);
	ethtool_link_ksettings_add_link_mode(ks, supported, Asym_Pause);
	link_modes_set(ks->link_modes.supported, le64_to_cpu(info.supported));
	link_fecs_set(ks->link_modes.supported, info.fec_supported);

	link_modes_set(ks->link_modes.advertising,
		       le64_to_cpu(info.advertised));
	if (info.autoneg) {
		ethtool_link_ksettings_add_link_mode(ks, advertising, Autoneg);
		link_pause_advertise(ks->link_modes.advertising, info.pause);
		link_fecs_set(ks->link_modes.advertising,
			      info.fec_configured & TULLE_FEC_AUTO ?
			      info.fec_supported : info.fec_configured);
	}
	link_modes_set(ks->link_modes.lp_advertising,
		       le64_to_cpu(info.lp_advertised));
	if (info.lp_advertised) {
		ethtool_link_ksettings_add_link_mode(ks, lp_advertising,
						     Autoneg);
		if (info.pause & TULLE_PAUSE_AUTONEG)
			link_pause_partner(ks->link_modes.lp_advertising,
					   info.pause_active);
	}

	ks->base.autoneg = info.autoneg ? AUTONEG_ENABLE : AUTONEG_DISABLE;
	ks->base.port = PORT_DA;
	ks->base.speed = SPEED_UNKNOWN;
	ks->base.duplex = DUPLEX_UNKNOWN;
	if (info.link_up) {
		ks->base.speed = le32_to_cpu(info.speed);
		ks->base.duplex = DUPLEX_FULL;
		ks->lanes = info.lanes;
	}
	return 0;
}

/* The mode that a user forces, 0 if there is none. */
static u64 link_mode_forced(const struct ethtool_link_ksettings *ks)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(link_modes); i++)
		if (link_modes[i].speed == ks->base.speed &&
		    (!ks->lanes || link_modes[i].lanes == ks->lanes))
			return BIT_ULL(i);
	return 0;
}

int tulle_en_set_link_ksettings(struct net_device *dev,
				const struct ethtool_link_ksettings *ks)
{
	bool autoneg = ks->base.autoneg == AUTONEG_ENABLE;
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct tulle_modify_port in = {
		.mask = cpu_to_le32(TULLE_PORT_MOD_LINK),
		.autoneg = autoneg,
	};
	struct tulle_port_info info;
	u64 modes;
	int err;

	err = tulle_port_query(priv->tdev, &info);
	if (err)
		return err;

	if (ks->base.duplex == DUPLEX_HALF) {
		netdev_err(dev, "half duplex is not supported\n");
		return -EINVAL;
	}
	modes = autoneg ? link_modes_get(ks->link_modes.advertising) :
			  link_mode_forced(ks);
	modes &= le64_to_cpu(info.supported);
	if (!modes) {
		netdev_err(dev, "no supported link mode in the request\n");
		return -EINVAL;
	}
	in.advertised = cpu_to_le64(modes);
	return link_configure(priv, &in);
}

/* Say the same again: the device negotiates anew. */
int tulle_en_nway_reset(struct net_device *dev)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct tulle_modify_port in = {
		.mask = cpu_to_le32(TULLE_PORT_MOD_LINK),
		.autoneg = 1,
	};
	struct tulle_port_info info;
	int err;

	err = tulle_port_query(priv->tdev, &info);
	if (err)
		return err;
	if (!info.autoneg)
		return -EINVAL;
	in.advertised = info.advertised;
	return link_configure(priv, &in);
}

/*
 * FEC and flow control
 */

static u32 link_fecs_to_ethtool(u8 fecs)
{
	unsigned int i;
	u32 ret = 0;

	for (i = 0; i < ARRAY_SIZE(link_fecs); i++)
		if (fecs & link_fecs[i].tulle)
			ret |= link_fecs[i].ethtool;
	return ret;
}

int tulle_en_get_fecparam(struct net_device *dev, struct ethtool_fecparam *fec)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct tulle_port_info info;
	int err;

	err = tulle_port_query(priv->tdev, &info);
	if (err)
		return err;
	fec->fec = link_fecs_to_ethtool(info.fec_configured);
	fec->active_fec = link_fecs_to_ethtool(info.fec_active);
	return 0;
}

int tulle_en_set_fecparam(struct net_device *dev, struct ethtool_fecparam *fec)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct tulle_modify_port in = {
		.mask = cpu_to_le32(TULLE_PORT_MOD_FEC),
	};
	struct tulle_port_info info;
	u32 rest = fec->fec;
	unsigned int i;
	int err;

	err = tulle_port_query(priv->tdev, &info);
	if (err)
		return err;

	for (i = 0; i < ARRAY_SIZE(link_fecs); i++) {
		if (!(rest & link_fecs[i].ethtool))
			continue;
		in.fec |= link_fecs[i].tulle;
		rest &= ~link_fecs[i].ethtool;
	}
	if (rest || !in.fec ||
	    in.fec & ~(info.fec_supported | TULLE_FEC_AUTO)) {
		netdev_err(dev, "FEC encoding is not supported\n");
		return -EINVAL;
	}
	return link_configure(priv, &in);
}

void tulle_en_get_pauseparam(struct net_device *dev,
			     struct ethtool_pauseparam *pause)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct tulle_port_info info;

	if (tulle_port_query(priv->tdev, &info))
		return;
	pause->autoneg = !!(info.pause & TULLE_PAUSE_AUTONEG);
	pause->rx_pause = !!(info.pause & TULLE_PAUSE_RX);
	pause->tx_pause = !!(info.pause & TULLE_PAUSE_TX);
}

int tulle_en_set_pauseparam(struct net_device *dev,
			    struct ethtool_pauseparam *pause)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct tulle_modify_port in = {
		.mask = cpu_to_le32(TULLE_PORT_MOD_PAUSE),
	};

	if (pause->autoneg)
		in.pause |= TULLE_PAUSE_AUTONEG;
	if (pause->rx_pause)
		in.pause |= TULLE_PAUSE_RX;
	if (pause->tx_pause)
		in.pause |= TULLE_PAUSE_TX;
	return link_configure(priv, &in);
}

/*
 * Why the link is down
 */

static void link_ext_autoneg(struct ethtool_link_ext_state_info *info,
			     enum ethtool_link_ext_substate_autoneg substate)
{
	info->link_ext_state = ETHTOOL_LINK_EXT_STATE_AUTONEG;
	info->autoneg = substate;
}

int tulle_en_get_link_ext_state(struct net_device *dev,
				struct ethtool_link_ext_state_info *info)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct tulle_port_info port;
	int err;

	err = tulle_port_query(priv->tdev, &port);
	if (err)
		return err;

	switch (port.down_reason) {
	case TULLE_LINK_DOWN_NO_CABLE:
		info->link_ext_state = ETHTOOL_LINK_EXT_STATE_NO_CABLE;
		return 0;
	case TULLE_LINK_DOWN_NO_SIGNAL:
		link_ext_autoneg(info, port.autoneg ?
			ETHTOOL_LINK_EXT_SUBSTATE_AN_NO_PARTNER_DETECTED :
			ETHTOOL_LINK_EXT_SUBSTATE_AN_NO_PARTNER_DETECTED_FORCE_MODE);
		return 0;
	case TULLE_LINK_DOWN_SPEED:
		link_ext_autoneg(info, port.autoneg ?
			ETHTOOL_LINK_EXT_SUBSTATE_AN_NO_HCD :
			ETHTOOL_LINK_EXT_SUBSTATE_AN_NO_PARTNER_DETECTED_FORCE_MODE);
		return 0;
	case TULLE_LINK_DOWN_FEC:
		link_ext_autoneg(info,
				 ETHTOOL_LINK_EXT_SUBSTATE_AN_FEC_MISMATCH_DURING_OVERRIDE);
		return 0;
	default:
		return -ENODATA;
	}
}

void tulle_en_get_link_ext_stats(struct net_device *dev,
				 struct ethtool_link_ext_stats *stats)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct tulle_port_info info;

	if (!tulle_port_query(priv->tdev, &info))
		stats->link_down_events = le32_to_cpu(info.flaps);
}
