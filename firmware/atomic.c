// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Requests on eight bytes, and FLUSH: what a responder executes once and
 * answers as often as it is asked.
 */
#include "transport.h"

/*
 * struct kind - what a request must be permitted by
 * @wqe: capability for this operation
 * @right: of the QP, and of the key
 */
struct kind {
	u8	wqe;
	u8	right;
};

static const struct kind kinds[ROCE_OPS] = {
	[ROCE_CMP_SWAP] = { TULLE_WQE_CMP_SWAP, TULLE_MKEY_REMOTE_ATOMIC },
	[ROCE_FETCH_ADD] = { TULLE_WQE_FETCH_ADD, TULLE_MKEY_REMOTE_ATOMIC },
	[ROCE_ATOMIC_WRITE] = { TULLE_WQE_ATOMIC_WRITE,
		TULLE_MKEY_REMOTE_WRITE },
	[ROCE_FLUSH] = { TULLE_WQE_FLUSH, TULLE_MKEY_FLUSH },
};

static u8 right_of(const struct tfw_pkt *pkt)
{
	return kinds[pkt->opcode].right;
}

/* The eight bytes that the packet names, or NULL; *@bus: where they are. */
static const struct tfw_mkey *find_word(struct tfw_qp *qp,
					const struct tfw_pkt *pkt, u64 *bus)
{
	const struct tfw_mkey *k;
	u32 n = sizeof(u64);

	k = tfw_mkey_get(qp, pkt->rkey, pkt->va, n, right_of(pkt), true);
	if (!k)
		return NULL;
	*bus = tfw_mkey_piece(k, pkt->va, &n);
	return n == sizeof(u64) && !(*bus & 7) ? k : NULL;
}

static u8 do_atomic(struct tfw_qp *qp, const struct tfw_pkt *pkt, u64 *old)
{
	bool swap = pkt->opcode == ROCE_CMP_SWAP;
	const struct tfw_mkey *k;
	u64 bus;

	k = find_word(qp, pkt, &bus);
	if (!k)
		return ROCE_NAK_ACCESS;
	if (!tfw_dma_atomic(k->obj.func, bus, swap ? &pkt->compare : NULL,
			    pkt->swap_add, old))
		return ROCE_NAK_OP;
	return 0;
}

static u8 take_bytes(void *arg, const void *p, u32 len, bool copy)
{
	u8 **to = arg;

	(void)copy;
	memcpy(*to, p, len);
	*to += len;
	return TULLE_WC_SUCCESS;
}

static u8 do_write(struct tfw_qp *qp, const struct tfw_pkt *pkt)
{
	const struct tfw_mkey *k;
	u8 buf[8], *to = buf;
	u64 bus;

	k = find_word(qp, pkt, &bus);
	if (!k)
		return ROCE_NAK_ACCESS;
	if (pkt->data.len != sizeof(buf) ||
	    tfw_data_each(&pkt->data, take_bytes, &to) ||
	    !tfw_dma_publish(k->obj.func, bus, buf, sizeof(buf)))
		return ROCE_NAK_OP;
	return 0;
}

/*
 * What was written is in the memory that everybody sees already. That it
 * outlives the machine cannot be promised.
 */
static u8 do_flush(struct tfw_qp *qp, const struct tfw_pkt *pkt)
{
	u32 type = u32_get_bits(pkt->flush, TULLE_FLUSH_TYPE);
	u32 level = u32_get_bits(pkt->flush, TULLE_FLUSH_LEVEL);

	if (level > 1 || !type || type > 3)
		return ROCE_NAK_INV_REQ;
	if (type != 1 ||
	    !tfw_mkey_get(qp, pkt->rkey, pkt->va, level ? 0 : pkt->dma_len,
			  right_of(pkt), true))
		return ROCE_NAK_ACCESS;
	return 0;
}

enum tfw_resp_result tfw_resp_atomic(struct tfw_qp *qp,
				     const struct tfw_pkt *pkt, u8 *nak)
{
	struct tfw_responder *s = qp->resp;
	struct tfw_resource *r;
	u64 old = 0;
	u8 code;

	if (!tfw_rdma_knows(qp->obj.func, kinds[pkt->opcode].wqe) ||
	    !(qp->attr.access & right_of(pkt)) ||
	    !qp->attr.max_dest_rd_atomic ||
	    !tfw_resp_has_room(s) ||
	    (pkt->opcode != ROCE_FLUSH && (pkt->va & 7)))
		return tfw_resp_refuse(qp, nak, ROCE_NAK_INV_REQ);
	if (pkt->opcode == ROCE_FLUSH)
		code = do_flush(qp, pkt);
	else if (pkt->opcode == ROCE_ATOMIC_WRITE)
		code = do_write(qp, pkt);
	else
		code = do_atomic(qp, pkt, &old);
	if (code)
		return tfw_resp_refuse(qp, nak, code);
	r = tfw_resp_resource(qp, pkt, 1);
	r->old = old;
	return TFW_RESP_OK;
}
