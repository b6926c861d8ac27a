// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Datagrams: UD and GSI queue pairs. What cannot be delivered is dropped and
 * counted; nobody is told.
 */
#include "transport.h"

#define QKEY_OWN	0x80000000U	/* the sender's QP has it */
#define QKEY_GSI	0x80010000U

static u32 own_qkey(const struct tfw_qp *qp)
{
	return qp->type == TULLE_QP_GSI ? QKEY_GSI : qp->attr.qkey;
}

/*
 * A datagram is one packet: of the port's active MTU, the largest power of two
 * that leaves room for every header in a frame, as drivers report it, too.
 */
static u32 max_len(const struct tfw_qp *qp)
{
	u32 frame = qp->obj.func->vport->port->max_frame;
	u32 len = TFW_MAX_PATH_MTU;

	while (len > TFW_MIN_PATH_MTU && len + TFW_ROCE_HEADERS > frame)
		len >>= 1;
	return len;
}

void tfw_ud_send(struct tfw_qp *qp, struct tfw_swqe *e)
{
	u32 qkey = le32_to_cpu(e->ud.qkey), qpn = le32_to_cpu(e->ud.qpn);
	struct tfw_roce_tx tx = {
		.opcode = ROCE_UD | ROCE_SEND_ONLY,
		.qpn = qpn,
		.psn = qp->req->new_psn,
		.solicited = e->flags & TULLE_WQE_F_SOLICITED,
	};
	struct tfw_sgl sgl;

	if (e->len > max_len(qp)) {
		e->status = TULLE_WC_LOC_LEN;
		return;
	}
	if (qpn > TULLE_HANDLE_INDEX ||
	    !tfw_gid_at(qp->obj.func, le16_to_cpu(e->ud.av.sgid))) {
		e->status = TULLE_WC_LOC_QP_OP;
		return;
	}
	tfw_roce_ext32(&tx, qkey & QKEY_OWN ? own_qkey(qp) : qkey);
	tfw_roce_ext32(&tx, tfw_roce_qpn(qp));
	if (e->op == TULLE_WQE_SEND_IMM) {
		tx.opcode = ROCE_UD | ROCE_SEND_ONLY_IMM;
		memcpy(tx.ext + tx.next, &e->imm, sizeof(e->imm));
		tx.next += sizeof(e->imm);
	}
	tfw_swqe_sgl(e, &sgl);
	tx.data = (struct tfw_data){ .qp = qp, .sgl = &sgl, .len = e->len,
		.access = TULLE_MKEY_LOCAL_READ };
	qp->req->new_psn = (qp->req->new_psn + 1) & TFW_PSN_MASK;
	if (tfw_roce_send(qp, &e->ud.av, &tx))
		e->status = TULLE_WC_LOC_PROT;
}

/* The area in front: an IPv6 header, or an IPv4 one at its end. */
static void make_grh(const struct tfw_pkt *pkt, u8 *grh)
{
	memset(grh, 0, TULLE_GRH_LEN);
	if (pkt->ip[0] >> 4 == 6)
		memcpy(grh, pkt->ip, TULLE_GRH_LEN);
	else
		memcpy(grh + 20, pkt->ip, 20);
}

static void complete(struct tfw_qp *qp, const struct tfw_pkt *pkt, u8 status)
{
	struct tulle_rdma_cqe cqe = {
		.status = status,
		.byte_len = cpu_to_le32(TULLE_GRH_LEN + pkt->data.len),
	};
	u32 flags = TULLE_WC_F_GRH | pkt->src_qpn;

	if (pkt->ip[0] >> 4 == 4)
		flags |= TULLE_WC_F_IPV4;
	if (pkt->op & ROCE_H_IMM) {
		flags |= TULLE_WC_F_IMM;
		cqe.imm = pkt->imm;
	}
	if (pkt->solicited)
		flags |= TULLE_WC_F_SOLICITED;
	if (pkt->tagged) {
		flags |= TULLE_WC_F_VLAN;
		cqe.pkey_vlan = cpu_to_le16(pkt->vlan);
	}
	cqe.sl = (u8)(pkt->vlan >> 13);
	cqe.src_flags = cpu_to_le32(flags);
	qp->recv.valid = false;
	tfw_qp_complete_recv(qp, &qp->recv, &cqe, TULLE_CQE_RECV, pkt->eth + 6,
			     pkt->solicited);
}

void tfw_ud_rx(struct tfw_qp *qp, const struct tfw_pkt *pkt)
{
	u8 grh[TULLE_GRH_LEN], st;

	if (pkt->qkey != own_qkey(qp)) {
		TFW_QP_COUNT(qp, bad_key, 1);
		return;
	}
	if (!qp->recv.valid &&
	    tfw_recv_take(qp, NULL, &qp->recv) != TFW_RECV_OK) {
		TFW_QP_COUNT(qp, ud_drops, 1);
		return;
	}
	/* Too long: the receive WQE waits for one that fits. */
	if (pkt->data.len > TFW_MAX_PATH_MTU ||
	    qp->recv.sgl.len < TULLE_GRH_LEN + pkt->data.len) {
		TFW_QP_COUNT(qp, ud_drops, 1);
		return;
	}
	make_grh(pkt, grh);
	st = tfw_sgl_write(qp, &qp->recv.sgl, 0, grh, sizeof(grh));
	if (!st)
		st = tfw_data_to_sgl(&pkt->data, qp, &qp->recv.sgl,
				     TULLE_GRH_LEN);
	TFW_QP_COUNT(qp, rx_messages, 1);
	complete(qp, pkt, st);
	if (st)
		tfw_qp_fail(qp, -1);
}
