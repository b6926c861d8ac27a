// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The port: configuration, statistics, commands. The link itself is in
 * link.c, the traffic in wire.c.
 */
#include <string.h>

#include "dev.h"

#define DEFAULT_MAX_FRAME	(1500 + 14 + 8)
#define MIN_MAX_FRAME		64

/* Payload of one RS-FEC code word, and what a frame costs between frames. */
#define FEC_BLOCK_OCTETS	640
#define FRAME_GAP_OCTETS	20

/*
 * Blocks without error are not watched one by one: they follow from the
 * octets received while FEC was on.
 */
void tfw_port_fec_account(struct tfw_port *port)
{
	const struct tfw_mac_dir *rx = &port->stats.rx;
	u64 octets = rx->octets + FRAME_GAP_OCTETS * rx->frames;
	u64 blocks;

	if (!port->fec_active || port->fec_active == TULLE_FEC_OFF) {
		port->fec_octets = octets;
		return;
	}
	blocks = (octets - port->fec_octets) / FEC_BLOCK_OCTETS;
	port->fec_octets += blocks * FEC_BLOCK_OCTETS;
	port->stats.fec_hist[0] += blocks;
}

static bool fec_is_on(const struct tfw_port *port)
{
	return port->fec_active && port->fec_active != TULLE_FEC_OFF;
}

bool tfw_port_fec_corrected(struct tfw_port *port, u32 symbols, u32 bits)
{
	if (!fec_is_on(port))
		return false;
	port->stats.fec_corrected_blocks++;
	port->stats.fec_corrected_bits += bits;
	port->stats.fec_hist[TFW_MIN(symbols, TULLE_FEC_BINS - 1)]++;
	return true;
}

void tfw_port_fec_failed(struct tfw_port *port)
{
	if (fec_is_on(port))
		port->stats.fec_uncorrectable_blocks++;
}

static void port_defaults(struct tfw_port *port)
{
	port->admin_up = false;
	port->autoneg = true;
	port->loopback = false;
	port->advertised = port->supported;
	port->fec = TULLE_FEC_AUTO;
	port->pause = TULLE_PAUSE_RX | TULLE_PAUSE_TX | TULLE_PAUSE_AUTONEG;
	port->max_frame = DEFAULT_MAX_FRAME;
}

void tfw_port_init(struct tfw_dev *dev, struct tfw_port *port)
{
	port->dev = dev;
	port->supported = dev->cfg.link_modes;
	port->down_reason = TULLE_LINK_DOWN_ADMIN;
	tfw_timer_init(&port->link_timer, tfw_link_timer);
	port_defaults(port);
}

/* The counters stay: they belong to the port, not to the function's life. */
void tfw_port_reset(struct tfw_port *port)
{
	port_defaults(port);
	tfw_port_negotiate(port);
	if (port->wire)
		tfw_wire_reset(port);
}

void tfw_dev_set_capture(struct tfw_dev *dev, bool on)
{
	dev->port.capture = on && dev->engine->plat->capture;
}

enum tulle_status tfw_cmd_query_port(struct tfw_cmd *cmd)
{
	const struct tfw_port *port = &cmd->func->dev->port;
	struct tulle_port_info *info = cmd->out;

	*info = (struct tulle_port_info){
		.admin_up = port->admin_up,
		.link_up = port->link_up,
		.down_reason = port->down_reason,
		.speed = cpu_to_le32(tfw_port_speed(port)),
		.supported = cpu_to_le64(port->supported),
		.advertised = cpu_to_le64(port->advertised),
		.lp_advertised = cpu_to_le64(port->lp_advertised),
		.autoneg = port->autoneg,
		.fec_supported = tfw_link_fec_supported(port),
		.fec_configured = port->fec,
		.fec_active = port->fec_active,
		.pause = port->pause,
		.pause_active = (port->pause_rx ? TULLE_PAUSE_RX : 0) |
				(port->pause_tx ? TULLE_PAUSE_TX : 0),
		.loopback = port->loopback,
		.lanes = tfw_link_lanes(port),
		.max_frame = cpu_to_le32(port->max_frame),
		.flaps = cpu_to_le32(port->flaps),
	};
	return TULLE_STATUS_OK;
}

static bool modify_link_ok(const struct tfw_port *port, u8 autoneg, u64 modes)
{
	if (autoneg > 1 || !modes || modes & ~port->supported)
		return false;
	return autoneg || !(modes & (modes - 1));
}

static bool modify_fec_ok(const struct tfw_port *port, u8 fec)
{
	return fec && !(fec & ~tfw_link_fec_supported(port));
}

static enum tulle_status port_check(const struct tfw_port *port,
				    struct tfw_cmd *cmd, u32 mask)
{
	const u8 pause = TULLE_PAUSE_RX | TULLE_PAUSE_TX | TULLE_PAUSE_AUTONEG;
	const u32 known = TULLE_PORT_MOD_ADMIN | TULLE_PORT_MOD_LINK |
			  TULLE_PORT_MOD_FEC | TULLE_PORT_MOD_PAUSE |
			  TULLE_PORT_MOD_LOOPBACK | TULLE_PORT_MOD_MAX_FRAME;
	const struct tulle_modify_port *req = cmd->in;
	u32 max_frame = le32_to_cpu(req->max_frame);

	if (mask & ~known)
		return TFW_CMD_BAD(cmd, struct tulle_modify_port, mask);
	if (mask & TULLE_PORT_MOD_ADMIN && req->admin_up > 1)
		return TFW_CMD_BAD(cmd, struct tulle_modify_port, admin_up);
	if (mask & TULLE_PORT_MOD_LINK &&
	    !modify_link_ok(port, req->autoneg, le64_to_cpu(req->advertised)))
		return TFW_CMD_BAD(cmd, struct tulle_modify_port, advertised);
	if (mask & TULLE_PORT_MOD_FEC && !modify_fec_ok(port, req->fec))
		return TFW_CMD_BAD(cmd, struct tulle_modify_port, fec);
	if (mask & TULLE_PORT_MOD_PAUSE && req->pause & ~pause)
		return TFW_CMD_BAD(cmd, struct tulle_modify_port, pause);
	if (mask & TULLE_PORT_MOD_LOOPBACK && req->loopback > 1)
		return TFW_CMD_BAD(cmd, struct tulle_modify_port, loopback);
	if (mask & TULLE_PORT_MOD_MAX_FRAME &&
	    (max_frame < MIN_MAX_FRAME || max_frame > TFW_MAX_FRAME))
		return TFW_CMD_BAD(cmd, struct tulle_modify_port, max_frame);
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_modify_port(struct tfw_cmd *cmd)
{
	struct tfw_port *port = &cmd->func->dev->port;
	const struct tulle_modify_port *req = cmd->in;
	u32 mask = le32_to_cpu(req->mask);
	enum tulle_status st;

	st = port_check(port, cmd, mask);
	if (st)
		return st;
	if (mask & TULLE_PORT_MOD_ADMIN)
		port->admin_up = req->admin_up;
	if (mask & TULLE_PORT_MOD_LINK) {
		port->autoneg = req->autoneg;
		port->advertised = le64_to_cpu(req->advertised);
	}
	if (mask & TULLE_PORT_MOD_FEC)
		port->fec = req->fec;
	if (mask & TULLE_PORT_MOD_PAUSE)
		port->pause = req->pause;
	if (mask & TULLE_PORT_MOD_LOOPBACK)
		port->loopback = req->loopback;
	if (mask & TULLE_PORT_MOD_MAX_FRAME)
		port->max_frame = le32_to_cpu(req->max_frame);
	if (mask & TULLE_PORT_MOD_LINK && req->autoneg)
		tfw_port_renegotiate(port);
	else
		tfw_port_negotiate(port);
	return TULLE_STATUS_OK;
}

enum tulle_status tfw_cmd_query_port_stats(struct tfw_cmd *cmd)
{
	struct tfw_port *port = &cmd->func->dev->port;
	const u64 *from = (const u64 *)&port->stats;
	__le64 *to = cmd->out;
	size_t i;

	tfw_port_fec_account(port);
	for (i = 0; i < sizeof(port->stats) / sizeof(*from); i++)
		to[i] = cpu_to_le64(from[i]);
	return TULLE_STATUS_OK;
}
