// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The port on a QEMU network backend.
 *
 * Frames a pass sends are copied into a byte ring and leave with the BQL
 * held. A backend that does not take one stops the ring until it is done with
 * it; a full ring stops the port. In the other direction a frame for which
 * the firmware has no room stays with the backend.
 */
#include "host.h"
#include "qemu/main-loop.h"
#include "hw/qdev-properties.h"
#include "system/cpus.h"
#include "system/system.h"

#define TXQ_SIZE	(1024 * 1024)
#define TXQ_ALIGN	8
/* In place of a length: the rest of the buffer is unused. */
#define TXQ_SKIP	UINT32_MAX

struct txq_record {
	uint32_t	len;
	uint32_t	gen;
	uint8_t		data[];
};

static struct txq_record *txq_at(struct tqemu_txq *q, uint32_t pos)
{
	return (struct txq_record *)(q->buf + (pos & (TXQ_SIZE - 1)));
}

static size_t txq_need(size_t len)
{
	return ROUND_UP(sizeof(struct txq_record) + len, TXQ_ALIGN);
}

/*
 * Finds room for @len bytes in one piece, from *@pos on. The head stays where
 * it is: whoever empties the ring looks at it meanwhile, and sees a skipped
 * end together with the record behind it.
 */
static bool txq_reserve(struct tqemu_txq *q, size_t len, uint32_t *pos)
{
	/* Pairs with the release in txq_pop(). */
	uint32_t tail = qatomic_load_acquire(&q->tail);
	uint32_t room = TXQ_SIZE - (q->head - tail);
	uint32_t to_end = TXQ_SIZE - (q->head & (TXQ_SIZE - 1));
	size_t need = txq_need(len);

	*pos = q->head;
	if (need <= to_end)
		return need <= room;
	if (to_end + need > room)
		return false;
	txq_at(q, q->head)->len = TXQ_SKIP;
	*pos += to_end;
	return true;
}

static struct txq_record *txq_peek(struct tqemu_txq *q)
{
	/* Pairs with the release in tqemu_port_tx(). */
	uint32_t head = qatomic_load_acquire(&q->head);
	struct txq_record *r;

	if (!q->buf || head == q->tail)
		return NULL;
	r = txq_at(q, q->tail);
	if (r->len == TXQ_SKIP) {
		qatomic_store_release(&q->tail, ROUND_UP(q->tail + 1, TXQ_SIZE));
		r = txq_at(q, q->tail);
	}
	return r;
}

static void txq_pop(struct tqemu_txq *q, struct txq_record *r)
{
	/* Pairs with the acquire in txq_reserve(). */
	qatomic_store_release(&q->tail, q->tail + (uint32_t)txq_need(r->len));
}

bool tqemu_port_tx(void *opaque, const struct tfw_iov *iov, unsigned int n)
{
	struct tqemu_dev *dev = opaque;
	struct tqemu_txq *q = &dev->net.txq;
	struct txq_record *r;
	unsigned int i;
	uint32_t pos;
	size_t len = 0;

	for (i = 0; i < n; i++)
		len += iov[i].len;
	/* QEMU would drop it without a word. */
	if (!q->buf || len > NET_BUFSIZE) {
		dev->net.drops++;
		return true;
	}
	if (!txq_reserve(q, len, &pos)) {
		qatomic_set(&q->starved, true);
		return false;
	}
	r = txq_at(q, pos);
	r->len = len;
	r->gen = tfw_func_generation(dev->fw, TFW_FUNC_PF);
	for (i = 0, len = 0; i < n; i++) {
		memcpy(r->data + len, iov[i].base, iov[i].len);
		len += iov[i].len;
	}
	/* Pairs with the acquire in txq_peek(). */
	qatomic_store_release(&q->head, pos + (uint32_t)txq_need(len));
	return true;
}

static void net_sent(NetClientState *nc, ssize_t len)
{
	struct tqemu_dev *dev = qemu_get_nic_opaque(nc);

	dev->net.txq.stalled = false;
	/* Not from here: the backend is in the middle of its queue. */
	qemu_bh_schedule(dev->net.bh);
}

static bool txq_send(struct tqemu_dev *dev, struct txq_record *r)
{
	struct tfw_iov iov = { .base = r->data, .len = r->len };
	NetClientState *nc = qemu_get_queue(dev->net.nic);

	if (r->gen != tfw_func_generation(dev->fw, TFW_FUNC_PF))
		return true;
	tqemu_pcap_frame(dev->pcap, &iov, 1);
	/* 0: queued, and net_sent() follows; it has its own copy. */
	return qemu_send_packet_async(nc, r->data, r->len, net_sent) != 0;
}

static bool txq_drain(struct tqemu_dev *dev)
{
	struct tqemu_txq *q = &dev->net.txq;
	struct txq_record *r;
	bool any = false;

	while (!q->stalled && (r = txq_peek(q))) {
		/* Before sending: net_sent() may come before it returns. */
		q->stalled = true;
		if (txq_send(dev, r))
			q->stalled = false;
		txq_pop(q, r);
		any = true;
	}
	return any;
}

/* BQL held. True: something was done, the caller looks again. */
bool tqemu_net_deliver(struct tqemu_dev *dev)
{
	struct tqemu_net *net = &dev->net;
	bool any;

	if (!net->txq.buf)
		return false;
	any = txq_drain(dev);
	if (!net->txq.stalled && qatomic_xchg(&net->txq.starved, false)) {
		tqemu_group_lock(dev->group);
		tfw_port_tx_ready(dev->fw);
		tqemu_group_run(dev->group, dev);
		tqemu_group_unlock(dev->group);
		any = true;
	}
	if (qatomic_read(&net->rx_ready))
		qemu_bh_schedule(net->bh);
	return any;
}

bool tqemu_net_pending(struct tqemu_dev *dev)
{
	struct tqemu_txq *q = &dev->net.txq;

	if (!q->buf)
		return false;
	return qatomic_read(&dev->net.rx_ready) ||
	       (!qatomic_read(&q->stalled) &&
		(qatomic_read(&q->starved) ||
		 qatomic_read(&q->head) != qatomic_read(&q->tail)));
}

/* Drops what a reset overtook. BQL held, engine quiet. */
void tqemu_net_purge(struct tqemu_dev *dev)
{
	struct tqemu_txq *q = &dev->net.txq;

	/* A starved port is told by the next delivery that there is room. */
	qatomic_set(&q->tail, q->head);
}

static ssize_t net_receive(NetClientState *nc, const uint8_t *buf, size_t len)
{
	struct tqemu_dev *dev = qemu_get_nic_opaque(nc);
	struct tfw_iov iov = { .base = buf, .len = len };
	struct tqemu_group *g = dev->group;
	/*
	 * A backend hands over a burst from one round of the main loop, which
	 * is left together: that is what the firmware can aggregate.
	 */
	bool burst = !qemu_in_vcpu_thread();
	bool taken;

	tqemu_group_lock(g);
	qatomic_set(&dev->net.rx_ready, false);
	taken = tfw_port_receive(dev->fw, &iov, 1);
	if (taken)
		tqemu_pcap_frame(dev->pcap, &iov, 1);
	if (!burst)
		tqemu_group_run(g, dev);
	tqemu_group_unlock(g);
	if (burst)
		qemu_bh_schedule(dev->net.bh);
	else
		tqemu_group_deliver(g);
	return taken ? len : 0;
}

void tqemu_port_rx_ready(void *opaque)
{
	struct tqemu_dev *dev = opaque;

	qatomic_set(&dev->net.rx_ready, true);
}

static void net_bh(void *opaque)
{
	struct tqemu_dev *dev = opaque;
	struct tqemu_group *g = dev->group;

	tqemu_group_lock(g);
	tqemu_group_run(g, dev);
	tqemu_group_unlock(g);
	tqemu_group_deliver(g);
	/* A message may have unplugged it. */
	if (dev->group && qatomic_xchg(&dev->net.rx_ready, false))
		qemu_flush_queued_packets(qemu_get_queue(dev->net.nic));
}

static void net_set_backend(struct tqemu_dev *dev)
{
	NetClientState *nc = qemu_get_queue(dev->net.nic);

	tqemu_group_lock(dev->group);
	tfw_port_set_backend(dev->fw, nc->peer, nc->peer && !nc->link_down);
	tqemu_group_run(dev->group, dev);
	tqemu_group_unlock(dev->group);
	tqemu_group_deliver(dev->group);
}

static void net_link_status_changed(NetClientState *nc)
{
	struct tqemu_dev *dev = qemu_get_nic_opaque(nc);

	if (dev->group->cable)
		tqemu_cable_set_link(dev, !nc->link_down);
	else
		net_set_backend(dev);
}

static NetClientInfo net_info = {
	.type = NET_CLIENT_DRIVER_NIC,
	.size = sizeof(NICState),
	.receive = net_receive,
	.link_status_changed = net_link_status_changed,
};

static void net_create(struct tqemu_dev *dev)
{
	struct tqemu_net *net = &dev->net;
	DeviceState *qdev = DEVICE(dev);

	net->nic = qemu_new_nic(&net_info, &net->conf, TYPE_TULLE, qdev->id,
				&qdev->mem_reentrancy_guard, dev);
	qemu_format_nic_info_str(qemu_get_queue(net->nic),
				 net->conf.macaddr.a);
}

static void net_machine_done(Notifier *n, void *data)
{
	net_create(container_of(n, struct tqemu_dev, net.machine_done));
}

/*
 * A port on a cable has a NIC without peer, for "info network" and set_link.
 * It appears after QEMU has warned about all those that lack one by mistake.
 */
void tqemu_net_init(struct tqemu_dev *dev)
{
	struct tqemu_net *net = &dev->net;
	DeviceState *qdev = DEVICE(dev);

	net->bh = qemu_bh_new_guarded(net_bh, dev, &qdev->mem_reentrancy_guard);
	if (net->conf.peers.ncs[0])
		net->txq.buf = g_malloc(TXQ_SIZE);
	if (dev->group->cable) {
		net->machine_done.notify = net_machine_done;
		qemu_add_machine_init_done_notifier(&net->machine_done);
		return;
	}
	net_create(dev);
	if (net->txq.buf)
		net_set_backend(dev);
}

void tqemu_net_cleanup(struct tqemu_dev *dev)
{
	struct tqemu_net *net = &dev->net;

	if (net->machine_done.notify)
		qemu_remove_machine_init_done_notifier(&net->machine_done);
	if (net->nic)
		qemu_del_nic(net->nic);
	net->nic = NULL;
	qemu_bh_delete(net->bh);
	net->bh = NULL;
	/* A timer of the firmware's may still send: not into freed memory. */
	tqemu_group_lock(dev->group);
	g_free(net->txq.buf);
	net->txq.buf = NULL;
	tqemu_group_unlock(dev->group);
}
