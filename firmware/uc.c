// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Unreliable connections: SENDs and WRITEs without answers. A message that
 * is not whole is dropped, and the next one may begin.
 */
#include "transport.h"

static void drop(struct tfw_qp *qp)
{
	struct tfw_responder *s = qp->resp;

	/* Once per message; a receive WQE that it took serves the next one. */
	if (!s->uc_drop)
		TFW_QP_COUNT(qp, uc_drops, 1);
	s->uc_drop = true;
	s->op = 0;
}

static bool usable(struct tfw_qp *qp, const struct tfw_pkt *pkt)
{
	const struct tfw_responder *s = qp->resp;
	u32 mtu = tfw_qp_mtu(qp), len = pkt->data.len;

	if (pkt->op & ROCE_F_FIRST ? s->op : !(pkt->op & s->op))
		return false;
	return pkt->op & ROCE_F_LAST ? len <= mtu : len == mtu;
}

void tfw_uc_rx(struct tfw_qp *qp, const struct tfw_pkt *pkt)
{
	struct tfw_responder *s = qp->resp;
	bool gap = pkt->psn != s->epsn;
	u8 nak = 0;

	if (s->dead)
		return;
	s->epsn = (pkt->psn + 1) & TFW_PSN_MASK;
	if (gap && s->op)
		drop(qp);
	/* The first packet of a message always begins anew. */
	if (pkt->op & ROCE_F_FIRST) {
		if (s->op)
			drop(qp);
		s->uc_drop = false;
	}
	if (!usable(qp, pkt)) {
		drop(qp);
		return;
	}
	switch (tfw_resp_message(qp, pkt, &nak)) {
	case TFW_RESP_OK:
		if (pkt->op & ROCE_F_LAST)
			TFW_QP_COUNT(qp, rx_messages, 1);
		break;
	case TFW_RESP_RNR:
		drop(qp);
		break;
	case TFW_RESP_NAK:
		/* Not told to the partner; a local error ends the QP. */
		if (nak == ROCE_NAK_OP) {
			tfw_qp_wake(qp);
			break;
		}
		s->dead = false;
		s->event = -1;
		drop(qp);
		break;
	}
}
