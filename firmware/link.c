// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The link: what the two ends of a cable, or a port and its backend, agree
 * on, and when it comes up.
 */
#include <string.h>

#include "rdma.h"

struct link_mode {
	u32	speed;
	u8	lanes;
	u8	fec;		/* what the mode can run with */
	u8	fec_auto;	/* what it prefers */
};

static const struct link_mode link_modes[] = {
	[TULLE_LINK_10G_CR] = {
		10000, 1, TULLE_FEC_OFF | TULLE_FEC_BASER, TULLE_FEC_OFF,
	},
	[TULLE_LINK_25G_CR] = {
		25000, 1, TULLE_FEC_OFF | TULLE_FEC_BASER | TULLE_FEC_RS,
		TULLE_FEC_RS,
	},
	[TULLE_LINK_50G_CR] = { 50000, 1, TULLE_FEC_RS, TULLE_FEC_RS },
	[TULLE_LINK_100G_CR2] = { 100000, 2, TULLE_FEC_RS, TULLE_FEC_RS },
	[TULLE_LINK_200G_CR4] = { 200000, 4, TULLE_FEC_RS, TULLE_FEC_RS },
};

#define LINK_MODES	((int)TFW_ARRAY_SIZE(link_modes))
#define FEC_ALL		(TULLE_FEC_OFF | TULLE_FEC_BASER | TULLE_FEC_RS)

/* What came out of a negotiation. */
struct link_result {
	u8	reason;		/* enum tulle_link_down */
	u8	mode;
	u8	fec;
	u8	pause;		/* TULLE_PAUSE_RX, TULLE_PAUSE_TX */
	u64	lp_advertised;
};

u32 tfw_port_speed(const struct tfw_port *port)
{
	return port->link_up ? link_modes[port->mode].speed : 0;
}

u8 tfw_link_lanes(const struct tfw_port *port)
{
	return port->link_up ? link_modes[port->mode].lanes : 0;
}

u8 tfw_link_fec_supported(const struct tfw_port *port)
{
	u8 fec = TULLE_FEC_AUTO;
	int i;

	for (i = 0; i < LINK_MODES; i++)
		if (port->supported >> i & 1)
			fec |= link_modes[i].fec;
	return fec;
}

/* Sends the port anything at all? */
static bool port_is_on(const struct tfw_port *port)
{
	return port->admin_up && port->dev->nfuncs &&
	       port->dev->funcs[0].state == TULLE_STATE_READY;
}

static u8 port_fec_set(const struct tfw_port *port)
{
	return port->fec & TULLE_FEC_AUTO ? FEC_ALL : port->fec & FEC_ALL;
}

static u8 fec_choose(const struct link_mode *m, u8 common)
{
	static const u8 order[] = { TULLE_FEC_RS, TULLE_FEC_BASER,
				    TULLE_FEC_OFF };
	size_t i;

	if (common & m->fec_auto)
		return m->fec_auto;
	for (i = 0; i < TFW_ARRAY_SIZE(order); i++)
		if (common & order[i])
			return order[i];
	return 0;
}

/* The fastest common mode that both can run with the same FEC. */
static u8 link_choose(u64 modes, u8 fec_set, struct link_result *res)
{
	u8 fec;
	int i;

	if (!modes)
		return TULLE_LINK_DOWN_SPEED;
	for (i = LINK_MODES - 1; i >= 0; i--) {
		if (!(modes >> i & 1))
			continue;
		fec = fec_choose(&link_modes[i], link_modes[i].fec & fec_set);
		if (!fec)
			continue;
		res->mode = (u8)i;
		res->fec = fec;
		return TULLE_LINK_DOWN_NONE;
	}
	return TULLE_LINK_DOWN_FEC;
}

/* What a configuration looks like in an autonegotiation page (802.3 28B). */
#define ADV_SYM		0x1
#define ADV_ASYM	0x2

static u8 pause_advert(u8 pause)
{
	u8 adv = pause & TULLE_PAUSE_RX ? ADV_SYM | ADV_ASYM : 0;

	return pause & TULLE_PAUSE_TX ? adv ^ ADV_ASYM : adv;
}

static u8 pause_resolve(const struct tfw_port *port,
			const struct tfw_port *other)
{
	u8 ours, theirs;

	if (!(port->pause & TULLE_PAUSE_AUTONEG))
		return port->pause & (TULLE_PAUSE_RX | TULLE_PAUSE_TX);
	if (!other || !(other->pause & TULLE_PAUSE_AUTONEG) ||
	    !port->autoneg || !other->autoneg)
		return 0;
	ours = pause_advert(port->pause);
	theirs = pause_advert(other->pause);
	if (ours & theirs & ADV_SYM)
		return TULLE_PAUSE_RX | TULLE_PAUSE_TX;
	if (!(ours & theirs & ADV_ASYM))
		return 0;
	if (ours & ADV_SYM)
		return TULLE_PAUSE_RX;
	return theirs & ADV_SYM ? TULLE_PAUSE_TX : 0;
}

static void link_resolve(const struct tfw_port *port, struct link_result *res)
{
	const struct tfw_port *other = port->cable;

	*res = (struct link_result){ .reason = TULLE_LINK_DOWN_ADMIN };
	if (!port_is_on(port))
		return;
	/* Without a partner there is nothing but what is forced. */
	res->pause = pause_resolve(port, NULL);
	if (port->loopback) {
		res->lp_advertised = port->autoneg ? port->advertised : 0;
		res->reason = link_choose(port->advertised,
					  port_fec_set(port), res);
		return;
	}
	if (!other) {
		res->reason = TULLE_LINK_DOWN_NO_CABLE;
		if (!port->backend)
			return;
		res->reason = TULLE_LINK_DOWN_NO_SIGNAL;
		if (!port->backend_up)
			return;
		res->reason = link_choose(port->advertised,
					  port_fec_set(port), res);
		return;
	}
	res->reason = TULLE_LINK_DOWN_NO_SIGNAL;
	if (!port_is_on(other) || other->loopback)
		return;
	if (port->autoneg && other->autoneg)
		res->lp_advertised = other->advertised;
	res->reason = link_choose(port->advertised & other->advertised,
				  port_fec_set(port) & port_fec_set(other),
				  res);
	res->pause = pause_resolve(port, other);
}

static void link_set_pause(struct tfw_port *port, u8 pause)
{
	port->pause_rx = pause & TULLE_PAUSE_RX;
	port->pause_tx = pause & TULLE_PAUSE_TX;
}

static void link_down(struct tfw_port *port, u8 reason)
{
	bool was_up = port->link_up;
	bool changed = was_up || port->down_reason != reason;

	tfw_port_fec_account(port);
	port->link_up = false;
	port->peer = NULL;
	port->down_reason = reason;
	port->lp_advertised = 0;
	port->fec_active = 0;
	link_set_pause(port, 0);
	if (was_up) {
		port->flaps++;
		tfw_wire_link(port);
	}
	if (changed) {
		tfw_event_port(port->dev);
		tfw_rdma_changed(port->dev);
	}
}

static struct tfw_port *link_peer(struct tfw_port *port)
{
	return port->loopback ? port : port->cable;
}

void tfw_link_timer(struct tfw_timer *t)
{
	struct tfw_port *port = tfw_container(t, struct tfw_port, link_timer);
	struct link_result res;

	link_resolve(port, &res);
	if (res.reason) {
		link_down(port, res.reason);
		return;
	}
	tfw_port_fec_account(port);
	port->link_up = true;
	port->down_reason = TULLE_LINK_DOWN_NONE;
	port->mode = res.mode;
	port->fec_active = res.fec;
	port->lp_advertised = res.lp_advertised;
	port->peer = link_peer(port);
	link_set_pause(port, res.pause);
	tfw_wire_link(port);
	tfw_event_port(port->dev);
	tfw_rdma_changed(port->dev);
}

static bool link_is_same(const struct tfw_port *port,
			 const struct link_result *res)
{
	return port->link_up && port->mode == res->mode &&
	       port->fec_active == res->fec &&
	       port->peer == link_peer((struct tfw_port *)port);
}

/* Still up, but the partner may have changed what it offers. */
static void link_refresh(struct tfw_port *port, const struct link_result *res)
{
	u8 pause = (port->pause_rx ? TULLE_PAUSE_RX : 0) |
		   (port->pause_tx ? TULLE_PAUSE_TX : 0);

	if (pause == res->pause && port->lp_advertised == res->lp_advertised)
		return;
	link_set_pause(port, res->pause);
	port->lp_advertised = res->lp_advertised;
	tfw_wire_link(port);
	tfw_event_port(port->dev);
}

static void link_restart(struct tfw_port *port)
{
	struct tfw_engine *e = port->dev->engine;
	u64 delay = port->dev->cfg.link_ms;
	struct link_result res;

	link_resolve(port, &res);
	if (!res.reason && link_is_same(port, &res)) {
		link_refresh(port, &res);
		return;
	}
	if (res.reason) {
		tfw_timer_cancel(e, &port->link_timer);
		link_down(port, res.reason);
		return;
	}
	link_down(port, TULLE_LINK_DOWN_NO_SIGNAL);
	/* Both ends of a cable train equally long. */
	if (port->cable)
		delay = TFW_MAX(delay, port->cable->dev->cfg.link_ms);
	if (!tfw_timer_armed(&port->link_timer))
		tfw_timer_arm(e, &port->link_timer,
			      e->plat->now_ns(e->host) + delay * 1000000);
}

void tfw_port_negotiate(struct tfw_port *port)
{
	struct tfw_port *other = port->cable;

	link_restart(port);
	if (other)
		link_restart(other);
}

/* From the start, also when nothing has changed; a partner starts over, too. */
void tfw_port_renegotiate(struct tfw_port *port)
{
	struct tfw_port *other = port->peer;

	if (other && other != port)
		link_down(other, TULLE_LINK_DOWN_NO_SIGNAL);
	if (port->link_up)
		link_down(port, TULLE_LINK_DOWN_NO_SIGNAL);
	tfw_port_negotiate(port);
}

void tfw_port_set_backend(struct tfw_dev *dev, bool present, bool link_up)
{
	if (dev->port.cable)
		return;
	dev->port.backend = present;
	dev->port.backend_up = present && link_up;
	tfw_port_negotiate(&dev->port);
}

bool tfw_cable_join(struct tfw_dev *a, struct tfw_dev *b)
{
	if (a == b || a->engine != b->engine || a->port.cable ||
	    b->port.cable || a->port.backend || b->port.backend)
		return false;
	a->port.cable = &b->port;
	b->port.cable = &a->port;
	tfw_port_negotiate(&a->port);
	return true;
}

void tfw_cable_leave(struct tfw_dev *dev)
{
	struct tfw_port *other = dev->port.cable;

	if (!other)
		return;
	dev->port.cable = NULL;
	other->cable = NULL;
	tfw_port_negotiate(&dev->port);
	tfw_port_negotiate(other);
}

uint64_t tfw_parse_speeds(const char *text)
{
	const char *p = text;
	u64 modes = 0;
	u32 speed;
	int i;

	while (*p) {
		for (speed = 0; *p >= '0' && *p <= '9' && speed < 1000000; p++)
			speed = speed * 10 + (u32)(*p - '0');
		for (i = 0; i < LINK_MODES; i++)
			if (link_modes[i].speed == speed * 1000)
				break;
		if (i == LINK_MODES || (*p && *p != ','))
			return 0;
		modes |= 1ULL << i;
		if (*p)
			p++;
	}
	return modes;
}
