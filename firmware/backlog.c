// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * What must wait on a port: received frames without buffer, senders that are
 * asked to pause, frames that the backend or a fault holds back.
 */
#include "eth.h"

/*
 * So long a queue without buffers may hold up the others. Counted in ticks: a
 * machine that stood still for a while does not make all queues look stuck.
 */
#define STUCK_TICK_NS	25000000ULL
#define STUCK_TICKS	8

/* Chunks that the largest frame takes: kept free while sending is allowed. */
#define RESERVE		(TFW_MAX_TSO / TFW_CHUNK + 4)

#define STORE_BYTES	(1024 * 1024)
#define FIFO_MIN	(2 * RESERVE * TFW_CHUNK)

static struct tfw_engine *engine_of(const struct tfw_port *port)
{
	return port->dev->engine;
}

void tfw_wire_timer_arm(struct tfw_port *port, u64 when)
{
	struct tfw_timer *t = &port->wire->timer;

	if (!tfw_timer_armed(t) || when < t->when)
		tfw_timer_arm(engine_of(port), t, when);
}

void tfw_wire_wake(struct tfw_port *port)
{
	struct tfw_list *head = &port->wire->wait;

	while (!tfw_list_empty(head)) {
		struct tfw_waiter *w = tfw_container(head->next,
						     struct tfw_waiter, node);

		tfw_list_del(&w->node);
		tfw_work_queue(engine_of(port), w->work);
	}
}

/*
 * Received frames without buffer
 */

/* Pause frames are counted on both ends of a cable, though none is built. */
static void count_pause(struct tfw_port *port)
{
	if (!port->pause_tx || !port->peer)
		return;
	port->stats.tx.pause++;
	port->stats.tx.ctrl++;
	port->peer->stats.rx.pause++;
	port->peer->stats.rx.ctrl++;
}

static void set_xoff(struct tfw_port *port, bool on)
{
	struct tfw_wire *wire = port->wire;

	if (wire->xoff == on)
		return;
	wire->xoff = on;
	count_pause(port);
	if (on)
		return;
	if (port->peer)
		tfw_wire_wake(port->peer);
	/* In loopback as well: it was refused before. */
	if (port->backend)
		engine_of(port)->plat->port_rx_ready(port->dev->host);
}

bool tfw_wire_park(struct tfw_rq *rq, struct tfw_frame *f, u32 hash,
		   u8 hash_type)
{
	struct tfw_port *port = rq->wq.vport->port;
	struct tfw_wire *wire = port->wire;
	struct tfw_engine *e = engine_of(port);
	u16 first = 0;

	if (!rq->dead) {
		/* It may not have asked for a kick: this pass looks once more. */
		if (e->polling || rq->patience > e->now)
			tfw_work_queue(e, &rq->wq.work);
		first = tfw_fifo_store(&wire->fifo, f, hash, hash_type);
	}
	if (!first) {
		rq->drops_dry += f->npkts;
		return false;
	}
	if (rq->fifo)
		wire->fifo.after[rq->fifo_last] = first;
	else
		rq->fifo = first;
	rq->fifo_last = first;
	if (tfw_list_empty(&rq->parked)) {
		rq->waited = 0;
		tfw_list_add_tail(&wire->parked, &rq->parked);
	}
	if (!wire->tick) {
		wire->tick = e->now + STUCK_TICK_NS;
		tfw_wire_timer_arm(port, wire->tick);
	}
	if (wire->fifo.nfree < RESERVE)
		set_xoff(port, true);
	return true;
}

void tfw_wire_look(struct tfw_port *port, u64 when)
{
	struct tfw_wire *wire = port->wire;

	if (wire->look && wire->look <= when)
		return;
	wire->look = when;
	tfw_wire_timer_arm(port, when);
}

static void look(struct tfw_port *port)
{
	struct tfw_list *head = &port->wire->parked, *n;

	port->wire->look = 0;
	for (n = head->next; n != head; n = n->next)
		tfw_work_queue(engine_of(port),
			       &tfw_container(n, struct tfw_rq,
					      parked)->wq.work);
}

void tfw_wire_unpark(struct tfw_rq *rq)
{
	struct tfw_port *port = rq->wq.vport->port;
	struct tfw_wire *wire = port->wire;
	u16 first = rq->fifo;

	rq->fifo = wire->fifo.after[first];
	tfw_fifo_drop(&wire->fifo, first);
	rq->waited = 0;
	if (!rq->fifo)
		tfw_list_del(&rq->parked);
	if (wire->fifo.nfree >= RESERVE + RESERVE / 2)
		set_xoff(port, false);
}

static void drop_parked(struct tfw_rq *rq, u64 *counter)
{
	const struct tfw_fifo *ff = &rq->wq.vport->port->wire->fifo;

	while (rq->fifo) {
		*counter += tfw_fifo_npkts(ff, rq->fifo);
		tfw_wire_unpark(rq);
	}
}

void tfw_wire_forget(struct tfw_rq *rq)
{
	drop_parked(rq, &rq->drops_stopped);
}

/* A queue that took nothing for too long is on its own from now on. */
static void tick(struct tfw_port *port)
{
	struct tfw_list *head = &port->wire->parked, *n, *next;

	for (n = head->next; n != head; n = next) {
		struct tfw_rq *rq = tfw_container(n, struct tfw_rq, parked);

		next = n->next;
		if (++rq->waited < STUCK_TICKS)
			continue;
		rq->dead = true;
		drop_parked(rq, &rq->drops_dry);
	}
	port->wire->tick = tfw_list_empty(head) ? 0 :
			   engine_of(port)->now + STUCK_TICK_NS;
}

/*
 * Frames held back on their way out
 */
static void load_held(struct tfw_port *port, u16 chunk, struct tfw_frame *f)
{
	u8 hash_type;
	u32 hash;

	tfw_fifo_load(&port->wire->store, chunk, f, &hash, &hash_type);
}

/* Counted as sent when it was held; what fails now is lost. */
static void pass_held(struct tfw_port *port, u16 chunk)
{
	struct tfw_wire *wire = port->wire;

	load_held(port, chunk, &wire->late_frame);
	if (port->link_up && !tfw_wire_pass(port, &wire->late_frame))
		port->stats.tx_backend_drops++;
	tfw_fifo_drop(&wire->store, chunk);
}

void tfw_wire_release_late(struct tfw_port *port)
{
	u16 chunk = port->wire->late;

	port->wire->late = 0;
	if (chunk)
		pass_held(port, chunk);
}

void tfw_wire_arrive_late(struct tfw_port *port)
{
	struct tfw_wire *wire = port->wire;
	u16 chunk = wire->late_rx;

	if (!chunk)
		return;
	wire->late_rx = 0;
	load_held(port, chunk, &wire->rx_frame);
	tfw_wire_arrive(port, &wire->rx_frame);
	tfw_fifo_drop(&wire->store, chunk);
}

bool tfw_wire_hold(struct tfw_port *port, struct tfw_frame *f, u64 when)
{
	struct tfw_wire *wire = port->wire;
	u32 i = wire->nheld;
	u16 chunk;

	chunk = tfw_fifo_store(&wire->store, f, 0, 0);
	if (!chunk)
		return false;
	for (; i && wire->held[i - 1].when > when; i--)
		wire->held[i] = wire->held[i - 1];
	wire->held[i].when = when;
	wire->held[i].chunk = chunk;
	wire->nheld++;
	tfw_wire_timer_arm(port, wire->held[0].when);
	return true;
}

static void release_due(struct tfw_port *port)
{
	struct tfw_wire *wire = port->wire;
	u16 chunk;

	while (wire->nheld && wire->held[0].when <= engine_of(port)->now) {
		chunk = wire->held[0].chunk;
		wire->nheld--;
		memmove(&wire->held[0], &wire->held[1],
			wire->nheld * sizeof(wire->held[0]));
		pass_held(port, chunk);
	}
}

static void drop_held(struct tfw_port *port)
{
	struct tfw_wire *wire = port->wire;

	if (wire->hold) {
		load_held(port, wire->hold, &wire->held_frame);
		port->stats.tx_backend_drops += wire->held_frame.npkts;
		tfw_fifo_drop(&wire->store, wire->hold);
		wire->hold = 0;
	}
	if (wire->late)
		tfw_fifo_drop(&wire->store, wire->late);
	if (wire->late_rx)
		tfw_fifo_drop(&wire->store, wire->late_rx);
	wire->late = 0;
	wire->late_rx = 0;
	while (wire->nheld)
		tfw_fifo_drop(&wire->store, wire->held[--wire->nheld].chunk);
}

void tfw_port_tx_ready(struct tfw_dev *dev)
{
	struct tfw_port *port = &dev->port;
	struct tfw_wire *wire = port->wire;
	u16 chunk = wire->hold;

	wire->tx_full = false;
	if (chunk) {
		wire->hold = 0;
		load_held(port, chunk, &wire->held_frame);
		tfw_wire_send(port, &wire->held_frame);
		tfw_fifo_drop(&wire->store, chunk);
	}
	if (!wire->tx_full)
		tfw_wire_wake(port);
}

static void on_timer(struct tfw_timer *t)
{
	struct tfw_wire *wire = tfw_container(t, struct tfw_wire, timer);
	struct tfw_port *port = wire->port;
	u64 now = engine_of(port)->now;

	release_due(port);
	tfw_wire_release_late(port);
	tfw_wire_arrive_late(port);
	if (wire->tick && wire->tick <= now)
		tick(port);
	if (wire->look && wire->look <= now)
		look(port);
	if (wire->pause_until && wire->pause_until <= now) {
		wire->pause_until = 0;
		tfw_wire_wake(port);
	}
	if (wire->nheld)
		tfw_wire_timer_arm(port, wire->held[0].when);
	if (wire->tick)
		tfw_wire_timer_arm(port, wire->tick);
	if (wire->look)
		tfw_wire_timer_arm(port, wire->look);
	if (wire->pause_until)
		tfw_wire_timer_arm(port, wire->pause_until);
}

/*
 * Aggregates
 */
static void flush_gro(struct tfw_wire *wire)
{
	while (!tfw_list_empty(&wire->gro))
		tfw_gro_flush(tfw_container(wire->gro.next, struct tfw_rq,
					    gro_node));
}

void tfw_wire_gro_flush(struct tfw_port *port)
{
	flush_gro(port->wire);
}

static void on_gro_timer(struct tfw_timer *t)
{
	flush_gro(tfw_container(t, struct tfw_wire, gro_timer));
}

void tfw_wire_gro_open(struct tfw_rq *rq)
{
	struct tfw_port *port = rq->wq.vport->port;
	struct tfw_wire *wire = port->wire;
	struct tfw_engine *e = engine_of(port);
	u64 when = e->now + rq->gro_usecs * 1000ULL;

	if (tfw_list_empty(&rq->gro_node))
		tfw_list_add_tail(&wire->gro, &rq->gro_node);
	if (!tfw_timer_armed(&wire->gro_timer) || when < wire->gro_timer.when)
		tfw_timer_arm(e, &wire->gro_timer, when);
}

void tfw_wire_idle(struct tfw_engine *e)
{
	struct tfw_list *n;

	for (n = e->devs.next; n != &e->devs; n = n->next) {
		struct tfw_dev *dev = tfw_container(n, struct tfw_dev, node);
		struct tfw_wire *wire = dev->port.wire;

		flush_gro(wire);
		if (tfw_timer_armed(&wire->gro_timer))
			tfw_timer_cancel(e, &wire->gro_timer);
	}
}

/*
 * Life
 */
bool tfw_wire_init(struct tfw_port *port)
{
	struct tfw_engine *e = engine_of(port);
	struct tfw_wire *wire = tfw_alloc(e, sizeof(*wire));

	if (!wire)
		return false;
	port->wire = wire;
	wire->port = port;
	tfw_list_init(&wire->wait);
	tfw_list_init(&wire->parked);
	tfw_list_init(&wire->gro);
	tfw_timer_init(&wire->timer, on_timer);
	tfw_timer_init(&wire->gro_timer, on_gro_timer);
	wire->bounce = tfw_alloc(e, TFW_BOUNCE);
	if (wire->bounce &&
	    tfw_fifo_init(e, &wire->fifo,
			  TFW_MAX(port->dev->cfg.port_fifo,
				  (u32)FIFO_MIN)) &&
	    tfw_fifo_init(e, &wire->store, STORE_BYTES))
		return true;
	tfw_wire_cleanup(port);
	return false;
}

void tfw_wire_cleanup(struct tfw_port *port)
{
	struct tfw_engine *e = engine_of(port);
	struct tfw_wire *wire = port->wire;

	if (!wire)
		return;
	tfw_timer_cancel(e, &wire->timer);
	tfw_timer_cancel(e, &wire->gro_timer);
	tfw_fifo_cleanup(e, &wire->fifo);
	tfw_fifo_cleanup(e, &wire->store);
	tfw_free(e, wire->bounce);
	tfw_free(e, wire);
	port->wire = NULL;
}

void tfw_wire_reset(struct tfw_port *port)
{
	struct tfw_wire *wire = port->wire;

	flush_gro(wire);
	while (!tfw_list_empty(&wire->parked))
		tfw_wire_forget(tfw_container(wire->parked.next,
					      struct tfw_rq, parked));
	drop_held(port);
	wire->tx_full = false;
	wire->pause_until = 0;
	wire->tick = 0;
	wire->look = 0;
	set_xoff(port, false);
	tfw_timer_cancel(engine_of(port), &wire->timer);
	tfw_wire_wake(port);
}

void tfw_wire_link(struct tfw_port *port)
{
	struct tfw_wire *wire = port->wire;

	if (!port->link_up) {
		drop_held(port);
		wire->tx_full = false;
		wire->pause_until = 0;
	}
	/* Whoever waited for the other end may wait for nothing now. */
	tfw_wire_wake(port);
}
