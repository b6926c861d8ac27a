// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The wire: what leaves and reaches a port, its counters, back-pressure. A
 * cable hands whole frames to the other end; a backend gets packets. Counters
 * are those of the packets that a real wire would have carried.
 */
#include "eth.h"

#define PAUSE_OPCODE	1
#define PAUSE_QUANTUM	512	/* bit times */

static struct tfw_engine *engine_of(const struct tfw_port *port)
{
	return port->dev->engine;
}

bool tfw_wire_is_held_up(const struct tfw_port *port)
{
	const struct tfw_port *peer = port->peer;

	return port->wire->xoff &&
	       (!peer || (port->pause_tx && peer->pause_rx));
}

/* Does the other end ask this one to be quiet? */
static bool is_paused(const struct tfw_port *port)
{
	const struct tfw_port *peer = port->peer;

	if (port->wire->pause_until > engine_of(port)->now)
		return true;
	return peer && peer->wire->xoff && peer->pause_tx && port->pause_rx;
}

bool tfw_wire_may_send(struct tfw_port *port, struct tfw_waiter *w)
{
	struct tfw_wire *wire = port->wire;

	if (!wire->tx_full && !is_paused(port)) {
		tfw_list_del(&w->node);
		return true;
	}
	if (!tfw_waiter_waits(w))
		tfw_list_add_tail(&wire->wait, &w->node);
	return false;
}

/*
 * Counters
 */
static const u16 rmon_bound[TULLE_RMON_BUCKETS] = {
	64, 127, 255, 511, 1023, 1518, 2047, 4095, 8191, 9216, 10239,
};

static void count_size(struct tfw_mac_dir *d, u32 octets, u32 n)
{
	unsigned int i;

	for (i = 0; i < TULLE_RMON_BUCKETS - 1 && octets > rmon_bound[i]; i++)
		;
	d->rmon[i] += n;
	d->octets += (u64)octets * n;
}

static bool is_control(const struct tfw_frame *f)
{
	return tfw_get16(f->hdr + 12) == TFW_P_CONTROL;
}

static u32 padded(u32 len)
{
	return TFW_MAX(len, (u32)TFW_FRAME_MIN);
}

static void count_mac(struct tfw_mac_dir *d, const struct tfw_frame *f)
{
	u32 last = f->len;

	if (is_control(f)) {
		d->ctrl += f->npkts;
		if (tfw_get16(f->hdr + 14) == PAUSE_OPCODE) {
			d->pause += f->npkts;
			return;
		}
	}
	if (f->npkts > 1) {
		last = f->len - (f->npkts - 1) * f->mss;
		count_size(d, padded(f->hdr_len + f->mss) + TFW_FCS_LEN,
			   f->npkts - 1);
	}
	count_size(d, padded(last) + TFW_FCS_LEN, 1);
	d->frames += f->npkts;
	if (!(f->hdr[0] & 1))
		return;
	if (tfw_get32(f->hdr) == 0xffffffff &&
	    tfw_get16(f->hdr + 4) == 0xffff)
		d->broadcast += f->npkts;
	else
		d->multicast += f->npkts;
}

/* Longest wire packet of a frame. */
static u32 packet_len(const struct tfw_frame *f)
{
	return f->npkts > 1 ? (u32)f->hdr_len + f->mss : f->len;
}

/*
 * Receive
 */

/* To those who make pause frames, or to this station (802.3 Annex 31B). */
static bool is_for_us(const struct tfw_port *port, const struct tfw_frame *f)
{
	static const u8 group[6] = { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x01 };
	const struct tfw_func *manager = tfw_func_find(port->dev, TFW_FUNC_PF);

	return !memcmp(f->hdr, group, sizeof(group)) ||
	       (manager && manager->vport &&
		!memcmp(f->hdr, manager->vport->mac, 6));
}

static void rx_control(struct tfw_port *port, const struct tfw_frame *f)
{
	struct tfw_engine *e = engine_of(port);
	struct tfw_wire *wire = port->wire;
	u64 quanta, mbps;

	if (tfw_get16(f->hdr + 14) != PAUSE_OPCODE) {
		port->stats.rx.unknown_ctrl += f->npkts;
		return;
	}
	if (!port->pause_rx || !is_for_us(port, f))
		return;
	quanta = tfw_get16(f->hdr + 16);
	mbps = TFW_MAX(tfw_port_speed(port), 1U);
	wire->pause_until = e->now + quanta * PAUSE_QUANTUM * 1000 / mbps;
	if (quanta)
		tfw_wire_timer_arm(port, wire->pause_until);
	else
		tfw_wire_wake(port);
}

void tfw_wire_arrive(struct tfw_port *port, struct tfw_frame *f)
{
	if (!port->link_up)
		return;
	if (packet_len(f) > port->max_frame) {
		port->stats.rx_oversize += f->npkts;
		return;
	}
	count_mac(&port->stats.rx, f);
	if (is_control(f)) {
		rx_control(port, f);
		return;
	}
	f->vport = TULLE_VPORT_WIRE;
	f->mark = 0;
	f->meta = 0;
	if (!f->time)
		f->time = engine_of(port)->now;
	if (!tfw_switch_frame(port, f))
		port->stats.rx_steer_drops += f->npkts;
}

/* An error on the wire that the far end noticed; NULL: not ours to count. */
static void arrive_corrupt(struct tfw_port *port, const struct tfw_frame *f)
{
	if (!port || !port->link_up)
		return;
	if (f->len > port->max_frame)
		port->stats.rx_jabbers++;
	else
		port->stats.rx_fcs_errors++;
	tfw_port_fec_failed(port);
}

/* Symbol errors: FEC repairs them, without it the frame is lost. */
static bool arrive_symbols(struct tfw_port *port, const struct tfw_frame *f,
			   u64 random)
{
	u32 symbols = 1 + (u32)(random & 3);

	if (tfw_port_fec_corrected(port, symbols,
				   symbols + (u32)(random >> 8 & 7)))
		return true;
	port->stats.rx_symbol_errors += symbols;
	arrive_corrupt(port, f);
	return false;
}

/* A backend counts nothing, but both ends have the same FEC. */
static bool send_symbols(struct tfw_port *port, const struct tfw_frame *f,
			 u64 random)
{
	if (port->peer)
		return arrive_symbols(port->peer, f, random);
	return port->fec_active && port->fec_active != TULLE_FEC_OFF;
}

/*
 * Faults: what becomes of one packet between two ports
 */
#define DELAY_NS	1000000ULL

/*
 * The next packet overtakes this one; by nobody overtaken it comes soon. What
 * the plan draws must not depend on time: who is late already is no condition.
 */
static bool reorders(struct tfw_port *port, struct tfw_frame *f, u16 *late)
{
	if (!tfw_fault(port->dev, TFW_FAULT_WIRE_REORDER) || *late)
		return false;
	*late = tfw_fifo_store(&port->wire->store, f, 0, 0);
	if (*late)
		tfw_wire_timer_arm(port, engine_of(port)->now + DELAY_NS);
	return *late;
}

/* Sent, but not delivered; true: it is gone or comes later. */
static bool strike(struct tfw_port *port, struct tfw_frame *f)
{
	struct tfw_plan *plan = &port->dev->faults;
	struct tfw_wire *wire = port->wire;
	u64 when;

	if (tfw_fault(port->dev, TFW_FAULT_WIRE_LOSS))
		return true;
	if (tfw_fault(port->dev, TFW_FAULT_WIRE_CORRUPT)) {
		arrive_corrupt(port->peer, f);
		return true;
	}
	if (tfw_fault(port->dev, TFW_FAULT_WIRE_SYMBOL) &&
	    !send_symbols(port, f,
			  tfw_plan_random(plan, TFW_FAULT_WIRE_SYMBOL)))
		return true;
	if (tfw_fault(port->dev, TFW_FAULT_WIRE_DELAY)) {
		when = engine_of(port)->now + DELAY_NS +
		       tfw_plan_random(plan, TFW_FAULT_WIRE_DELAY) % DELAY_NS;
		return wire->nheld < TFW_HELD && tfw_wire_hold(port, f, when);
	}
	return reorders(port, f, &wire->late);
}

static bool any_fault(const struct tfw_port *port)
{
	return port->dev->faults.armed & TFW_FAULT_WIRE_MASK;
}

/*
 * Transmit
 */
static unsigned int to_iov(const struct tfw_frame *f, struct tfw_iov *iov)
{
	iov[0] = (struct tfw_iov){ f->hdr, f->hdr_len };
	memcpy(&iov[1], f->iov, f->niov * sizeof(iov[0]));
	return f->niov + 1U;
}

/* One packet to the host's backend; false: it takes no more. */
static bool to_backend(struct tfw_port *port, struct tfw_frame *f)
{
	struct tfw_iov iov[TFW_FRAME_IOVS + 1];

	tfw_frame_finish(f);
	return engine_of(port)->plat->port_tx(port->dev->host, iov,
					      to_iov(f, iov));
}

static void capture_one(struct tfw_port *port, struct tfw_frame *f)
{
	const struct tfw_platform *plat = engine_of(port)->plat;
	struct tfw_iov iov[TFW_FRAME_IOVS + 1];
	unsigned int n;

	tfw_frame_finish(f);
	n = to_iov(f, iov);
	if (port->capture && plat->capture)
		plat->capture(port->dev->host, true, iov, n);
	if (port->peer->capture && plat->capture)
		plat->capture(port->peer->dev->host, false, iov, n);
}

/* Shows a cable's packets as they would look on the wire. */
static void capture(struct tfw_port *port, struct tfw_frame *f)
{
	struct tfw_cut cut;

	if (!(f->flags & TFW_F_GSO)) {
		capture_one(port, f);
		return;
	}
	tfw_cut_init(&cut, f);
	while (tfw_cut_next(&cut, &port->wire->pkt)) {
		tfw_frame_pad(&port->wire->pkt);
		capture_one(port, &port->wire->pkt);
	}
}

bool tfw_wire_pass(struct tfw_port *port, struct tfw_frame *f)
{
	if (port->peer) {
		if (port->capture || port->peer->capture)
			capture(port, f);
		tfw_wire_arrive(port->peer, f);
		return true;
	}
	return to_backend(port, f);
}

/* A packet is drawn once, also when the backend takes it later. */
static bool is_struck(struct tfw_port *port, struct tfw_frame *f)
{
	if (f->flags & TFW_F_DRAWN)
		return false;
	if (strike(port, f))
		return true;
	f->flags |= TFW_F_DRAWN;
	return false;
}

static bool send_packet(struct tfw_port *port, struct tfw_frame *f)
{
	tfw_frame_pad(f);
	if (any_fault(port) && is_struck(port, f)) {
		count_mac(&port->stats.tx, f);
		return true;
	}
	if (!tfw_wire_pass(port, f))
		return false;
	count_mac(&port->stats.tx, f);
	tfw_wire_release_late(port);
	return true;
}

/* What the backend did not take is kept, and nothing more accepted. */
static void keep(struct tfw_port *port, struct tfw_frame *f)
{
	struct tfw_wire *wire = port->wire;

	wire->tx_full = true;
	wire->hold = tfw_fifo_store(&wire->store, f, 0, 0);
	if (!wire->hold)
		port->stats.tx_backend_drops += f->npkts;
}

static void send_cut(struct tfw_port *port, struct tfw_frame *f)
{
	struct tfw_wire *wire = port->wire;
	u16 drawn = f->flags & TFW_F_DRAWN;
	struct tfw_cut cut, before;

	tfw_cut_init(&cut, f);
	for (before = cut; tfw_cut_next(&cut, &wire->pkt); before = cut) {
		wire->pkt.flags |= drawn;
		drawn = 0;
		if (send_packet(port, &wire->pkt))
			continue;
		tfw_cut_rest(&before, &wire->rest);
		wire->rest.flags &= (u16)~TFW_F_DRAWN;
		wire->rest.flags |= wire->pkt.flags & TFW_F_DRAWN;
		keep(port, &wire->rest);
		return;
	}
}

void tfw_wire_send(struct tfw_port *port, struct tfw_frame *f)
{
	struct tfw_wire *wire = port->wire;
	u16 vport = f->vport;
	u32 mark = f->mark, meta = f->meta;

	if (!port->link_up || wire->tx_full || (!port->peer && !port->backend)) {
		port->stats.tx_backend_drops += f->npkts;
		return;
	}
	if (packet_len(f) > port->max_frame) {
		port->stats.tx.errors += f->npkts;
		return;
	}
	if (!(f->flags & TFW_F_GSO)) {
		if (!send_packet(port, f))
			keep(port, f);
	} else if (port->peer && !any_fault(port) && f->npkts > 1) {
		count_mac(&port->stats.tx, f);
		tfw_wire_pass(port, f);
	} else {
		send_cut(port, f);
	}
	/* The switch may have more destinations for it. */
	f->vport = vport;
	f->mark = mark;
	f->meta = meta;
	f->flags &= (u16)~TFW_F_DRAWN;
}

/*
 * From the backend
 */
/* True: it is gone, or comes later. */
static bool loses(struct tfw_port *port, struct tfw_frame *f)
{
	struct tfw_plan *plan = &port->dev->faults;

	if (tfw_fault(port->dev, TFW_FAULT_WIRE_LOSS))
		return true;
	if (tfw_fault(port->dev, TFW_FAULT_WIRE_CORRUPT)) {
		arrive_corrupt(port, f);
		return true;
	}
	if (tfw_fault(port->dev, TFW_FAULT_WIRE_SYMBOL) &&
	    !arrive_symbols(port, f,
			    tfw_plan_random(plan, TFW_FAULT_WIRE_SYMBOL)))
		return true;
	return reorders(port, f, &port->wire->late_rx);
}

bool tfw_port_receive(struct tfw_dev *dev, const struct tfw_iov *iov,
		      unsigned int n)
{
	struct tfw_engine *e = dev->engine;
	struct tfw_port *port = &dev->port;
	struct tfw_frame *f = &port->wire->rx_frame;

	/* In loopback the line is not listened to. */
	if (!port->link_up || port->peer)
		return true;
	if (port->wire->xoff)
		return false;
	e->now = e->plat->now_ns(e->host);
	if (!tfw_frame_from_iov(f, iov, n)) {
		if (f->len < TFW_ETH_HLEN)
			port->stats.rx_undersize++;
		else
			port->stats.rx_oversize++;
		return true;
	}
	/*
	 * Hosts hand over frames that no wire has padded yet; a NIC in front
	 * of a wire never sees one shorter than this.
	 */
	tfw_frame_pad(f);
	if (any_fault(port) && loses(port, f))
		return true;
	tfw_wire_arrive(port, f);
	tfw_wire_arrive_late(port);
	return true;
}
