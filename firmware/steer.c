// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The way of a frame through the domains: out of a vport, through the switch,
 * into a vport.
 */
#include "eth.h"
#include "flow.h"
#include "rdma.h"

static void count_vport(struct tfw_vport_dir *d, const struct tfw_frame *f)
{
	d->packets += f->npkts;
	d->bytes += tfw_frame_wire_bytes(f);
	if (!(f->hdr[0] & 1))
		d->unicast += f->npkts;
	else if (tfw_get32(f->hdr) == 0xffffffff &&
		 tfw_get16(f->hdr + 4) == 0xffff)
		d->broadcast += f->npkts;
	else
		d->multicast += f->npkts;
}

static struct tfw_table *root_of(const struct tfw_vport *vport, u8 domain)
{
	struct tfw_obj *obj = vport->root[domain];

	return obj ? tfw_container(obj, struct tfw_table, obj) : NULL;
}

bool tfw_switch_frame(struct tfw_port *port, struct tfw_frame *f)
{
	struct tfw_func *manager = tfw_func_find(port->dev, TFW_FUNC_PF);
	struct tfw_fates fates;
	struct tfw_table *fdb;
	bool taken = false;
	unsigned int i;
	u16 from = f->vport;

	fdb = manager && manager->vport ?
		root_of(manager->vport, TULLE_DOMAIN_FDB) : NULL;
	if (!fdb)
		return false;
	tfw_flow_run(fdb, f, &fates);
	for (i = 0; i < fates.n; i++) {
		struct tfw_vport *to;

		/* Nothing goes back where it came from. */
		if (fates.fate[i].arg == from)
			continue;
		if (fates.fate[i].arg == TULLE_VPORT_WIRE) {
			tfw_wire_send(port, f);
			taken = true;
			continue;
		}
		to = tfw_vport_find(manager, (u16)fates.fate[i].arg);
		if (to)
			taken |= tfw_rx_vport(to, f);
	}
	return taken;
}

bool tfw_tx_frame(struct tfw_vport *vport, struct tfw_frame *f)
{
	struct tfw_fates fates;
	struct tfw_table *root;
	bool taken;

	tfw_frame_pad(f);
	count_vport(&vport->tx, f);
	root = root_of(vport, TULLE_DOMAIN_TX);
	if (root)
		tfw_flow_run(root, f, &fates);
	taken = root && fates.n && tfw_switch_frame(vport->port, f);
	if (!taken)
		vport->tx.drops += f->npkts;
	return taken;
}

/* To the queue where steering ended. */
static void rx_fate(const struct tfw_action *fate, struct tfw_frame *f)
{
	struct tfw_rq *rq;
	u32 hash = 0;
	u8 type = 0;

	if (fate->type == TULLE_ACTION_QP) {
		tfw_raw_rx(tfw_container(fate->obj, struct tfw_qp, obj), f);
		return;
	}
	if (fate->type == TULLE_ACTION_RSS)
		rq = tfw_rss_select(tfw_container(fate->obj, struct tfw_rss,
						  obj), f, &hash, &type);
	else
		rq = tfw_rq_of(fate->obj);
	tfw_rx_queue(rq, f, hash, type);
}

bool tfw_rx_vport(struct tfw_vport *vport, struct tfw_frame *f)
{
	struct tfw_table *root = root_of(vport, TULLE_DOMAIN_RX);
	bool live = tfw_func_live(vport->func);
	struct tfw_fates fates;
	unsigned int i;

	fates.n = 0;
	if (live && vport->func->rdma && tfw_roce_rx(vport, f)) {
		count_vport(&vport->rx, f);
		return true;
	}
	/* Not allowed to do DMA just now: nobody is home. */
	if (root && live)
		tfw_flow_run(root, f, &fates);
	if (!fates.n) {
		vport->rx.drops += f->npkts;
		return false;
	}
	count_vport(&vport->rx, f);
	tfw_frame_parse(f);
	for (i = 0; i < fates.n; i++)
		rx_fate(&fates.fate[i], f);
	return true;
}
