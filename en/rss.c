// SPDX-License-Identifier: GPL-2.0
/*
 * Receive side scaling: the default context and those of users.
 *
 * A context is remembered here whole and lives on the device only between
 * start and stop, so that settings survive a closed interface and a reset.
 * Everything runs under the instance lock of the net_device.
 */
#include <linux/ethtool.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <net/netdev_lock.h>

#include "en.h"
#include "rss.h"

/* What a user can set in a context. */
struct rss_config {
	u8 xfrm;			/* RXH_XFRM_ */
	u8 fields[TULLE_RSS_TYPES];	/* TULLE_RSS_F_ */
	u8 key[TULLE_RSS_KEY_LEN];
	u16 indir[TULLE_EN_RSS_SIZE_MAX];
};

struct rss_ctx {
	struct list_head list;
	u32 id;				/* 0: the default context */
	u32 handle;			/* 0: not on the device */
	struct rss_config config;
};

struct tulle_en_rss {
	struct rss_ctx dflt;
	struct list_head contexts;	/* the default one first */
	u32 size;
	u8 log_size;
	bool running;
};

/* Hash types of the device by ethtool's flow type. */
static const struct rss_flow {
	u32 flow;
	u8 type;
	u8 allowed;
} rss_flows[] = {
	{ TCP_V4_FLOW, TULLE_RSS_TCP4, TULLE_RSS_F_L3_SRC | TULLE_RSS_F_L3_DST |
	  TULLE_RSS_F_L4_SRC | TULLE_RSS_F_L4_DST },
	{ UDP_V4_FLOW, TULLE_RSS_UDP4, TULLE_RSS_F_L3_SRC | TULLE_RSS_F_L3_DST |
	  TULLE_RSS_F_L4_SRC | TULLE_RSS_F_L4_DST },
	{ IPV4_FLOW, TULLE_RSS_IP4, TULLE_RSS_F_L3_SRC | TULLE_RSS_F_L3_DST },
	{ TCP_V6_FLOW, TULLE_RSS_TCP6, TULLE_RSS_F_L3_SRC | TULLE_RSS_F_L3_DST |
	  TULLE_RSS_F_L4_SRC | TULLE_RSS_F_L4_DST | TULLE_RSS_F_IP6_FL },
	{ UDP_V6_FLOW, TULLE_RSS_UDP6, TULLE_RSS_F_L3_SRC | TULLE_RSS_F_L3_DST |
	  TULLE_RSS_F_L4_SRC | TULLE_RSS_F_L4_DST | TULLE_RSS_F_IP6_FL },
	{ IPV6_FLOW, TULLE_RSS_IP6, TULLE_RSS_F_L3_SRC | TULLE_RSS_F_L3_DST |
	  TULLE_RSS_F_IP6_FL },
};

static const struct {
	u32 rxh;
	u8 field;
} rss_fields[] = {
	{ RXH_IP_SRC, TULLE_RSS_F_L3_SRC },
	{ RXH_IP_DST, TULLE_RSS_F_L3_DST },
	{ RXH_L4_B_0_1, TULLE_RSS_F_L4_SRC },
	{ RXH_L4_B_2_3, TULLE_RSS_F_L4_DST },
	{ RXH_IP6_FL, TULLE_RSS_F_IP6_FL },
};

static u8 rss_default_fields(const struct tulle_limits *limits, u8 type,
			     u8 allowed)
{
	if (!(limits->rss_types & BIT(type)))
		return 0;
	return allowed & limits->rss_fields & ~TULLE_RSS_F_IP6_FL;
}

static void rss_spread(struct tulle_en_rss *rss, struct rss_config *config,
		       unsigned int channels)
{
	u32 i;

	for (i = 0; i < rss->size; i++)
		config->indir[i] = ethtool_rxfh_indir_default(i, channels);
}

static void rss_config_init(struct tulle_en_priv *priv,
			    struct rss_config *config)
{
	const struct rss_flow *flow;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rss_flows); i++) {
		flow = &rss_flows[i];
		config->fields[flow->type] =
			rss_default_fields(&priv->tdev->limits, flow->type,
					   flow->allowed);
	}
	netdev_rss_key_fill(config->key, sizeof(config->key));
	rss_spread(priv->rss, config, priv->params.channels);
}

/*
 * The device
 */

static u8 rss_sym(u8 xfrm)
{
	switch (xfrm) {
	case RXH_XFRM_SYM_XOR:
		return TULLE_RSS_SYM_XOR;
	case RXH_XFRM_SYM_OR_XOR:
		return TULLE_RSS_SYM_OR_XOR;
	default:
		return TULLE_RSS_SYM_NONE;
	}
}

static void rss_fill_table(struct tulle_en_priv *priv, __le32 *rq,
			   const struct rss_config *config)
{
	u32 i;

	for (i = 0; i < priv->rss->size; i++)
		rq[i] = cpu_to_le32(tulle_en_rxq_handle(priv,
							config->indir[i]));
}

static int rss_ctx_start(struct tulle_en_priv *priv, struct rss_ctx *ctx)
{
	const struct rss_config *config = &ctx->config;
	struct tulle_en_rss *rss = priv->rss;
	struct tulle_rss *in;
	int err;

	in = kzalloc_flex(*in, rq, rss->size);
	if (!in)
		return -ENOMEM;

	in->ctx.vport = cpu_to_le16(priv->tdev->limits.vport);
	in->ctx.log_size = rss->log_size;
	in->ctx.sym = rss_sym(config->xfrm);
	memcpy(in->ctx.fields, config->fields, sizeof(in->ctx.fields));
	memcpy(in->ctx.key, config->key, sizeof(in->ctx.key));
	rss_fill_table(priv, in->rq, config);
	err = tulle_rss_create(priv->tdev, in, &ctx->handle);
	kfree(in);
	return err;
}

static void rss_ctx_stop(struct tulle_en_priv *priv, struct rss_ctx *ctx)
{
	tulle_rss_destroy(priv->tdev, ctx->handle);
	ctx->handle = 0;
}

/* Tell the device about those parts of a configuration that @mask names. */
static int rss_ctx_push(struct tulle_en_priv *priv, u32 handle,
			const struct rss_config *config, u32 mask)
{
	struct tulle_en_rss *rss = priv->rss;
	struct tulle_modify_rss *in;
	int err;

	if (!rss->running || !mask)
		return 0;

	in = kzalloc_flex(*in, rq, rss->size);
	if (!in)
		return -ENOMEM;

	in->mask = cpu_to_le32(mask);
	in->ctx.handle = cpu_to_le32(handle);
	if (mask & TULLE_RSS_MOD_KEY) {
		in->ctx.sym = rss_sym(config->xfrm);
		memcpy(in->ctx.key, config->key, sizeof(in->ctx.key));
	}
	if (mask & TULLE_RSS_MOD_FIELDS)
		memcpy(in->ctx.fields, config->fields, sizeof(in->ctx.fields));
	if (mask & TULLE_RSS_MOD_TABLE) {
		in->ctx.log_size = rss->log_size;
		rss_fill_table(priv, in->rq, config);
	}
	err = tulle_rss_modify(priv->tdev, in);
	kfree(in);
	return err;
}

/*
 * Life with the net_device
 */

int tulle_en_rss_init(struct tulle_en_priv *priv)
{
	unsigned int wanted = order_base_2(4 * priv->max_channels);
	struct tulle_en_rss *rss;

	rss = kzalloc_obj(*rss);
	if (!rss)
		return -ENOMEM;

	rss->log_size = min3(wanted, (unsigned int)TULLE_EN_RSS_LOG_SIZE_MAX,
			     (unsigned int)priv->tdev->limits.log_max_rss);
	rss->size = 1U << rss->log_size;
	INIT_LIST_HEAD(&rss->contexts);
	list_add(&rss->dflt.list, &rss->contexts);
	priv->rss = rss;
	rss_config_init(priv, &rss->dflt.config);
	return 0;
}

void tulle_en_rss_cleanup(struct tulle_en_priv *priv)
{
	struct tulle_en_rss *rss = priv->rss;
	struct rss_ctx *ctx, *next;

	if (!rss)
		return;

	list_del(&rss->dflt.list);
	list_for_each_entry_safe(ctx, next, &rss->contexts, list)
		kfree(ctx);
	kfree(rss);
	priv->rss = NULL;
}

int tulle_en_rss_start(struct tulle_en_priv *priv)
{
	struct tulle_en_rss *rss = priv->rss;
	struct rss_ctx *ctx;
	int err;

	if (!netif_is_rxfh_configured(priv->netdev))
		rss_spread(rss, &rss->dflt.config, priv->params.channels);

	list_for_each_entry(ctx, &rss->contexts, list) {
		err = rss_ctx_start(priv, ctx);
		if (err)
			goto err_stop;
	}
	rss->running = true;
	return 0;

err_stop:
	list_for_each_entry_continue_reverse(ctx, &rss->contexts, list)
		rss_ctx_stop(priv, ctx);
	return err;
}

void tulle_en_rss_stop(struct tulle_en_priv *priv)
{
	struct tulle_en_rss *rss = priv->rss;
	struct rss_ctx *ctx;

	rss->running = false;
	list_for_each_entry_reverse(ctx, &rss->contexts, list)
		rss_ctx_stop(priv, ctx);
}

u32 tulle_en_rss_handle(struct tulle_en_priv *priv)
{
	return priv->rss->dflt.handle;
}

int tulle_en_rss_check_channels(struct tulle_en_priv *priv,
				unsigned int channels,
				struct netlink_ext_ack *extack)
{
	struct tulle_en_rss *rss = priv->rss;
	struct rss_ctx *ctx;
	u32 i;

	list_for_each_entry(ctx, &rss->contexts, list) {
		if (!ctx->id && !netif_is_rxfh_configured(priv->netdev))
			continue;
		for (i = 0; i < rss->size; i++) {
			if (ctx->config.indir[i] < channels)
				continue;
			NL_SET_ERR_MSG_FMT_MOD(extack,
					       "queue %u is used by the indirection table of RSS context %u",
					       ctx->config.indir[i], ctx->id);
			return -EINVAL;
		}
	}
	return 0;
}

int tulle_en_rss_set_channels(struct tulle_en_priv *priv, unsigned int channels)
{
	struct tulle_en_rss *rss = priv->rss;
	struct rss_config *config;
	int err;

	/* A table that a user wrote stays as it is. */
	if (netif_is_rxfh_configured(priv->netdev))
		return 0;

	config = kmemdup(&rss->dflt.config, sizeof(*config), GFP_KERNEL);
	if (!config)
		return -ENOMEM;

	rss_spread(rss, config, channels);
	err = rss_ctx_push(priv, rss->dflt.handle, config, TULLE_RSS_MOD_TABLE);
	if (!err)
		rss->dflt.config = *config;
	kfree(config);
	return err;
}

/*
 * ethtool
 */

u32 tulle_en_rss_indir_size(struct net_device *dev)
{
	struct tulle_en_priv *priv = netdev_priv(dev);

	return priv->rss->size;
}

u32 tulle_en_rss_key_size(struct net_device *dev)
{
	return TULLE_RSS_KEY_LEN;
}

static struct rss_ctx *rss_ctx_find(struct tulle_en_rss *rss, u32 id)
{
	struct rss_ctx *ctx;

	list_for_each_entry(ctx, &rss->contexts, list)
		if (ctx->id == id)
			return ctx;
	return NULL;
}

int tulle_en_rss_get(struct net_device *dev, struct ethtool_rxfh_param *rxfh)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct tulle_en_rss *rss = priv->rss;
	struct rss_ctx *ctx;
	u32 i;

	ctx = rss_ctx_find(rss, rxfh->rss_context);
	if (!ctx)
		return -ENOENT;

	rxfh->hfunc = ETH_RSS_HASH_TOP;
	rxfh->input_xfrm = ctx->config.xfrm;
	if (rxfh->key)
		memcpy(rxfh->key, ctx->config.key, sizeof(ctx->config.key));
	if (rxfh->indir)
		for (i = 0; i < rss->size; i++)
			rxfh->indir[i] = ctx->config.indir[i];
	return 0;
}

static bool rss_fields_are_sym(u8 fields)
{
	return !!(fields & TULLE_RSS_F_L3_SRC) ==
	       !!(fields & TULLE_RSS_F_L3_DST) &&
	       !!(fields & TULLE_RSS_F_L4_SRC) ==
	       !!(fields & TULLE_RSS_F_L4_DST) &&
	       !(fields & TULLE_RSS_F_IP6_FL);
}

static int rss_check_xfrm(struct tulle_en_priv *priv,
			  const struct rss_config *config, u8 xfrm,
			  struct netlink_ext_ack *extack)
{
	unsigned int i;

	if (!xfrm)
		return 0;
	if (xfrm != RXH_XFRM_SYM_XOR && xfrm != RXH_XFRM_SYM_OR_XOR) {
		NL_SET_ERR_MSG_MOD(extack, "input transformation not supported");
		return -EOPNOTSUPP;
	}
	if ((xfrm == RXH_XFRM_SYM_XOR && !tulle_cap(priv->tdev, RSS_SYM_XOR)) ||
	    (xfrm == RXH_XFRM_SYM_OR_XOR &&
	     !tulle_cap(priv->tdev, RSS_SYM_OR_XOR))) {
		NL_SET_ERR_MSG_MOD(extack,
				   "device lacks this symmetric hash");
		return -EOPNOTSUPP;
	}
	for (i = 0; i < ARRAY_SIZE(config->fields); i++) {
		if (rss_fields_are_sym(config->fields[i]))
			continue;
		NL_SET_ERR_MSG_MOD(extack,
				   "hash fields of some flow type are not symmetric");
		return -EINVAL;
	}
	return 0;
}

/* Merge what a user asks for into @config. Return: TULLE_RSS_MOD_ or an error. */
static int rss_config_merge(struct tulle_en_priv *priv,
			    struct rss_config *config,
			    const struct ethtool_rxfh_param *rxfh,
			    struct netlink_ext_ack *extack)
{
	int mask = 0;
	int err;
	u32 i;

	if (rxfh->hfunc != ETH_RSS_HASH_NO_CHANGE &&
	    rxfh->hfunc != ETH_RSS_HASH_TOP) {
		NL_SET_ERR_MSG_MOD(extack, "only the Toeplitz hash is supported");
		return -EOPNOTSUPP;
	}
	if (rxfh->input_xfrm != RXH_XFRM_NO_CHANGE) {
		err = rss_check_xfrm(priv, config, rxfh->input_xfrm, extack);
		if (err)
			return err;
		config->xfrm = rxfh->input_xfrm;
		mask |= TULLE_RSS_MOD_KEY;
	}
	if (rxfh->key) {
		memcpy(config->key, rxfh->key, sizeof(config->key));
		mask |= TULLE_RSS_MOD_KEY;
	}
	if (rxfh->indir) {
		for (i = 0; i < priv->rss->size; i++) {
			if (rxfh->indir[i] >= priv->params.channels) {
				NL_SET_ERR_MSG_FMT_MOD(extack,
						       "entry %u: no queue %u",
						       i, rxfh->indir[i]);
				return -EINVAL;
			}
			config->indir[i] = rxfh->indir[i];
		}
		mask |= TULLE_RSS_MOD_TABLE;
	}
	return mask;
}

static int rss_ctx_change(struct tulle_en_priv *priv, struct rss_ctx *ctx,
			  const struct ethtool_rxfh_param *rxfh,
			  struct netlink_ext_ack *extack)
{
	struct rss_config *config;
	int mask;
	int err;

	config = kmemdup(&ctx->config, sizeof(*config), GFP_KERNEL);
	if (!config)
		return -ENOMEM;

	mask = rss_config_merge(priv, config, rxfh, extack);
	if (mask < 0) {
		err = mask;
		goto out_free;
	}
	err = rss_ctx_push(priv, ctx->handle, config, mask);
	if (err)
		NL_SET_ERR_MSG_MOD(extack, "device refused the RSS settings");
	else
		ctx->config = *config;
out_free:
	kfree(config);
	return err;
}

int tulle_en_rss_set(struct net_device *dev, struct ethtool_rxfh_param *rxfh,
		     struct netlink_ext_ack *extack)
{
	struct tulle_en_priv *priv = netdev_priv(dev);

	netdev_assert_locked_ops_compat(dev);
	return rss_ctx_change(priv, &priv->rss->dflt, rxfh, extack);
}

static struct rss_ctx **rss_ctx_of(struct ethtool_rxfh_context *core)
{
	return ethtool_rxfh_context_priv(core);
}

/* The core keeps what the user gave; the rest it wants to hear from us. */
static void rss_ctx_tell_core(struct tulle_en_priv *priv,
			      const struct rss_ctx *ctx,
			      struct ethtool_rxfh_context *core)
{
	u32 *indir = ethtool_rxfh_context_indir(core);
	u32 i;

	core->hfunc = ETH_RSS_HASH_TOP;
	core->input_xfrm = ctx->config.xfrm;
	memcpy(ethtool_rxfh_context_key(core), ctx->config.key,
	       sizeof(ctx->config.key));
	for (i = 0; i < priv->rss->size; i++)
		indir[i] = ctx->config.indir[i];
}

int tulle_en_rss_ctx_create(struct net_device *dev,
			    struct ethtool_rxfh_context *core,
			    const struct ethtool_rxfh_param *rxfh,
			    struct netlink_ext_ack *extack)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct tulle_en_rss *rss = priv->rss;
	struct rss_ctx *ctx;
	int err;

	netdev_assert_locked_ops_compat(dev);
	ctx = kzalloc_obj(*ctx);
	if (!ctx)
		return -ENOMEM;

	ctx->id = rxfh->rss_context;
	rss_config_init(priv, &ctx->config);
	err = rss_config_merge(priv, &ctx->config, rxfh, extack);
	if (err < 0)
		goto err_free;

	if (rss->running) {
		err = rss_ctx_start(priv, ctx);
		if (err) {
			NL_SET_ERR_MSG_MOD(extack,
					   "device cannot take another RSS context");
			goto err_free;
		}
	}
	rss_ctx_tell_core(priv, ctx, core);
	*rss_ctx_of(core) = ctx;
	list_add_tail(&ctx->list, &rss->contexts);
	return 0;

err_free:
	kfree(ctx);
	return err;
}

int tulle_en_rss_ctx_modify(struct net_device *dev,
			    struct ethtool_rxfh_context *core,
			    const struct ethtool_rxfh_param *rxfh,
			    struct netlink_ext_ack *extack)
{
	netdev_assert_locked_ops_compat(dev);
	return rss_ctx_change(netdev_priv(dev), *rss_ctx_of(core), rxfh,
			      extack);
}

int tulle_en_rss_ctx_remove(struct net_device *dev,
			    struct ethtool_rxfh_context *core, u32 id,
			    struct netlink_ext_ack *extack)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	struct rss_ctx *ctx = *rss_ctx_of(core);

	netdev_assert_locked_ops_compat(dev);
	rss_ctx_stop(priv, ctx);
	list_del(&ctx->list);
	kfree(ctx);
	return 0;
}

static const struct rss_flow *rss_flow_find(struct tulle_en_priv *priv,
					    u32 flow)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rss_flows); i++)
		if (rss_flows[i].flow == flow &&
		    priv->tdev->limits.rss_types & BIT(rss_flows[i].type))
			return &rss_flows[i];
	return NULL;
}

int tulle_en_rss_get_fields(struct net_device *dev,
			    struct ethtool_rxfh_fields *fields)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	const struct rss_flow *flow;
	struct rss_ctx *ctx;
	unsigned int i;

	flow = rss_flow_find(priv, fields->flow_type);
	if (!flow)
		return -EOPNOTSUPP;
	ctx = rss_ctx_find(priv->rss, fields->rss_context);
	if (!ctx)
		return -ENOENT;

	fields->data = 0;
	for (i = 0; i < ARRAY_SIZE(rss_fields); i++)
		if (ctx->config.fields[flow->type] & rss_fields[i].field)
			fields->data |= rss_fields[i].rxh;
	return 0;
}

/* Return: TULLE_RSS_F_ bits, or an error when the flow type has not all of them. */
static int rss_fields_from_rxh(struct tulle_en_priv *priv,
			       const struct rss_flow *flow, u32 rxh,
			       struct netlink_ext_ack *extack)
{
	u8 fields = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rss_fields); i++) {
		if (!(rxh & rss_fields[i].rxh))
			continue;
		fields |= rss_fields[i].field;
		rxh &= ~rss_fields[i].rxh;
	}
	if (rxh || fields & ~flow->allowed ||
	    fields & ~priv->tdev->limits.rss_fields) {
		NL_SET_ERR_MSG_MOD(extack,
				   "flow type cannot be hashed over these fields");
		return -EINVAL;
	}
	return fields;
}

int tulle_en_rss_set_fields(struct net_device *dev,
			    const struct ethtool_rxfh_fields *fields,
			    struct netlink_ext_ack *extack)
{
	struct tulle_en_priv *priv = netdev_priv(dev);
	const struct rss_flow *flow;
	struct rss_ctx *ctx;
	u8 old;
	int err;

	netdev_assert_locked_ops_compat(dev);
	flow = rss_flow_find(priv, fields->flow_type);
	if (!flow) {
		NL_SET_ERR_MSG_MOD(extack,
				   "flow type has no hash settings of its own");
		return -EOPNOTSUPP;
	}
	ctx = rss_ctx_find(priv->rss, fields->rss_context);
	if (!ctx) {
		NL_SET_ERR_MSG_MOD(extack, "no such RSS context");
		return -ENOENT;
	}
	err = rss_fields_from_rxh(priv, flow, fields->data, extack);
	if (err < 0)
		return err;
	if (ctx->config.xfrm && !rss_fields_are_sym(err)) {
		NL_SET_ERR_MSG_MOD(extack,
				   "a symmetric hash needs source and destination of each field");
		return -EINVAL;
	}

	old = ctx->config.fields[flow->type];
	ctx->config.fields[flow->type] = err;
	err = rss_ctx_push(priv, ctx->handle, &ctx->config,
			   TULLE_RSS_MOD_FIELDS);
	if (err) {
		ctx->config.fields[flow->type] = old;
		NL_SET_ERR_MSG_MOD(extack, "device refused the hash fields");
	}
	return err;
}
