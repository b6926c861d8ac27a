// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The hostile device: what it writes is wrong on purpose, so that tests can
 * see that the driver trusts none of it. Owner bytes stay right: an entry that
 * is never seen tests nothing.
 */
#include <string.h>

#include "dev.h"

/* Half of the lies are wild, half just miss the truth. */
static u32 lie_value(struct tfw_dev *dev, enum tfw_lie lie, u32 truth)
{
	u64 r = tfw_plan_random(&dev->liar, lie);

	return r & 1 ? (u32)(r >> 32) : truth + 1 + (u32)(r >> 32) % 16;
}

static void lie_le32(struct tfw_dev *dev, enum tfw_lie lie, __le32 *v)
{
	*v = cpu_to_le32(lie_value(dev, lie, le32_to_cpu(*v)));
}

static void lie_le16(struct tfw_dev *dev, enum tfw_lie lie, __le16 *v)
{
	*v = cpu_to_le16((u16)lie_value(dev, lie, le16_to_cpu(*v)));
}

static void lie_rx(struct tfw_dev *dev, struct tulle_rx_cqe *c)
{
	if (tfw_lie(dev, TFW_LIE_CQE_INDEX))
		lie_le32(dev, TFW_LIE_CQE_INDEX, &c->wqe);
	if (tfw_lie(dev, TFW_LIE_CQE_LEN)) {
		lie_le32(dev, TFW_LIE_CQE_LEN, &c->byte_len);
		lie_le16(dev, TFW_LIE_CQE_LEN, &c->hdr_len);
	}
	if (tfw_lie(dev, TFW_LIE_CQE_STRIDE)) {
		lie_le16(dev, TFW_LIE_CQE_STRIDE, &c->stride);
		lie_le16(dev, TFW_LIE_CQE_STRIDE, &c->count);
	}
	if (tfw_lie(dev, TFW_LIE_CSUM)) {
		u32 v = lie_value(dev, TFW_LIE_CSUM, be16_to_cpu(c->csum));

		c->csum = cpu_to_be16((u16)v);
		c->flags ^= cpu_to_le16((u16)(v >> 16));
	}
}

/* Of an SRQ the low half of @wr_id is what names the WQE. */
static void lie_rdma(struct tfw_dev *dev, struct tulle_rdma_cqe *c)
{
	u64 r;

	if (tfw_lie(dev, TFW_LIE_CQE_INDEX)) {
		u64 id = le64_to_cpu(c->wr_id);

		lie_le16(dev, TFW_LIE_CQE_INDEX, &c->wqe);
		r = lie_value(dev, TFW_LIE_CQE_INDEX, (u32)id);
		c->wr_id = cpu_to_le64((id >> 32 << 32) | r);
	}
	if (tfw_lie(dev, TFW_LIE_CQE_LEN))
		lie_le32(dev, TFW_LIE_CQE_LEN, &c->byte_len);
	if (tfw_lie(dev, TFW_LIE_CQE_STATUS)) {
		c->status = (u8)lie_value(dev, TFW_LIE_CQE_STATUS, c->status);
		c->syndrome ^= 0xff;
	}
	if (tfw_lie(dev, TFW_LIE_CQE_SRC)) {
		r = tfw_plan_random(&dev->liar, TFW_LIE_CQE_SRC);
		lie_le32(dev, TFW_LIE_CQE_SRC, &c->src_flags);
		c->imm = cpu_to_be32((u32)r);
		c->pkey_vlan = cpu_to_le16((u16)(r >> 32));
		c->sl = (u8)(r >> 48);
	}
}

void tfw_lie_cqe(struct tfw_dev *dev, void *cqe, size_t len)
{
	struct tulle_tx_cqe *tail;
	u32 op, qn;

	if (!dev->liar.armed)
		return;
	/* What both sizes and all opcodes share lies in the last 32 bytes. */
	tail = (struct tulle_tx_cqe *)((char *)cqe + len - sizeof(*tail));
	op = le32_get_bits(tail->qn_op, TULLE_CQE_OP);
	if (op == TULLE_CQE_RX && len == sizeof(struct tulle_rx_cqe))
		lie_rx(dev, cqe);
	else if (op >= TULLE_CQE_SEND)
		lie_rdma(dev, (struct tulle_rdma_cqe *)tail);
	else if (tfw_lie(dev, TFW_LIE_CQE_INDEX))
		lie_le32(dev, TFW_LIE_CQE_INDEX, &tail->ci);
	if (tfw_lie(dev, TFW_LIE_CQE_OP)) {
		op = lie_value(dev, TFW_LIE_CQE_OP, op) & 0xff;
		tail->qn_op = le32_replace_bits(tail->qn_op, op, TULLE_CQE_OP);
	}
	if (tfw_lie(dev, TFW_LIE_CQE_QN)) {
		qn = le32_get_bits(tail->qn_op, TULLE_CQE_QN);
		qn = lie_value(dev, TFW_LIE_CQE_QN, qn) & 0xffffff;
		tail->qn_op = le32_replace_bits(tail->qn_op, qn, TULLE_CQE_QN);
	}
}

bool tfw_lie_eqe(struct tfw_dev *dev, struct tulle_eqe *eqe)
{
	if (!dev->liar.armed)
		return false;
	if (tfw_lie(dev, TFW_LIE_EQE_HANDLE))
		lie_le32(dev, TFW_LIE_EQE_HANDLE, &eqe->handle);
	if (tfw_lie(dev, TFW_LIE_EQE_TYPE))
		eqe->type = (u8)lie_value(dev, TFW_LIE_EQE_TYPE, eqe->type);
	if (tfw_lie(dev, TFW_LIE_EQE_CODE))
		lie_le32(dev, TFW_LIE_EQE_CODE, &eqe->code);
	return tfw_lie(dev, TFW_LIE_EQE_STORM);
}

static void lie_bytes(struct tfw_dev *dev, enum tfw_lie lie, u8 *buf, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++) {
		u64 r = tfw_plan_random(&dev->liar, lie);

		if (!(r & 7))
			buf[i] = (u8)(r >> 32);
	}
}

static void lie_caps(struct tfw_dev *dev, struct tulle_caps *caps)
{
	if (tfw_lie(dev, TFW_LIE_CAPS))
		lie_bytes(dev, TFW_LIE_CAPS, (u8 *)caps, sizeof(*caps));
	if (tfw_lie(dev, TFW_LIE_NO_ETH))
		caps->caps[TULLE_CAP_ETH / 64] &=
			~cpu_to_le64(1ULL << (TULLE_CAP_ETH % 64));
}

u32 tfw_lie_reg(struct tfw_dev *dev, u32 offset, u32 val)
{
	if (tfw_lie(dev, TFW_LIE_GONE))
		return ~0U;
	if (offset == TULLE_REG_IF_VERSION && tfw_lie(dev, TFW_LIE_IF_VERSION))
		return val ^ TULLE_IF_VERSION_MAJOR;
	return val;
}

void tfw_lie_cmd(struct tfw_dev *dev, struct tfw_cmd *cmd, u8 *status)
{
	if (!dev->liar.armed)
		return;
	if (cmd->op == TULLE_CMD_QUERY_CAPS && cmd->out_used)
		lie_caps(dev, cmd->out);
	if (cmd->op == TULLE_CMD_QUERY_RDMA_CAPS && cmd->out_used &&
	    tfw_lie(dev, TFW_LIE_RDMA_CAPS))
		lie_bytes(dev, TFW_LIE_RDMA_CAPS, cmd->out, cmd->out_used);
	if (cmd->out_used && tfw_lie(dev, TFW_LIE_CMD_OUT))
		lie_bytes(dev, TFW_LIE_CMD_OUT, cmd->out, cmd->out_used);
	if (tfw_lie(dev, TFW_LIE_CMD_STATUS))
		*status = (u8)lie_value(dev, TFW_LIE_CMD_STATUS, *status);
}
