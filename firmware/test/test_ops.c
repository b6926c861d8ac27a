// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Operations that the function's capabilities do not have: not offered, not
 * taken from a ring, not executed for a partner.
 */
#include "peer.h"

#define CAP(name)	(1ULL << (TULLE_CAP_RDMA_##name - 64))

/* Capabilities that the device lacks (see the Makefile). */
static u64 lacking;

bool __real_tfw_has_cap(const struct tfw_func *f, unsigned int cap);
bool __wrap_tfw_has_cap(const struct tfw_func *f, unsigned int cap);

bool __wrap_tfw_has_cap(const struct tfw_func *f, unsigned int cap)
{
	return !(cap >= 64 && cap < 128 && lacking & 1ULL << (cap - 64)) &&
	       __real_tfw_has_cap(f, cap);
}

/*
 * struct lack - an operation and what it needs
 * @without: capabilities, without all of which it is unknown
 * @opcode: of its packet, when that alone tells what it is
 */
struct lack {
	u64	without;
	u8	op;
	u8	opcode;
};

static const struct lack lacks[] = {
	{ CAP(ATOMIC), TULLE_WQE_CMP_SWAP, 0x13 },
	{ CAP(ATOMIC), TULLE_WQE_FETCH_ADD, 0x14 },
	{ CAP(ATOMIC_WRITE), TULLE_WQE_ATOMIC_WRITE, 0x1d },
	{ CAP(FLUSH), TULLE_WQE_FLUSH, 0x1c },
	{ CAP(FRWR) | CAP(MW), TULLE_WQE_SEND_INV, 0 },
	{ CAP(FRWR) | CAP(MW), TULLE_WQE_LOCAL_INV, 0 },
	{ CAP(FRWR), TULLE_WQE_REG_MR, 0 },
	{ CAP(MW), TULLE_WQE_BIND_MW, 0 },
};

static u32 offered(struct peer *p)
{
	struct tulle_rdma_caps caps;

	OK(fake_cmd(&p->dev->d, TULLE_CMD_QUERY_RDMA_CAPS, NULL, 0, &caps,
		    sizeof(caps)));
	return le32_to_cpu(caps.ops[0]);
}

/* A WQE of that operation, good but for what its key names. */
static struct tulle_rdma_cqe *do_op(struct peer *p, u8 op)
{
	bool data = op == TULLE_WQE_CMP_SWAP || op == TULLE_WQE_FETCH_ADD ||
		    op == TULLE_WQE_ATOMIC_WRITE;
	struct rc_op o = { .op = op, .wr_id = 1, .len = data ? 8 : 0,
			   .inl = op == TULLE_WQE_ATOMIC_WRITE,
			   .flush = op == TULLE_WQE_FLUSH };

	o.addr = rc_mem(p->dev, 8);
	if (op == TULLE_WQE_REG_MR || op == TULLE_WQE_BIND_MW ||
	    op == TULLE_WQE_LOCAL_INV)
		rc_put(&p->q, rc_wqe(&p->q, op, 1, 2));
	else
		rc_post(&p->q, &o);
	rc_ring(&p->q);
	return rc_poll(&p->q.scq);
}

static void test_send(void **state)
{
	struct tulle_rdma_cqe *cqe;
	struct peer *p;
	size_t i;

	(void)state;
	for (i = 0; i < NET_COUNT(lacks); i++) {
		lacking = lacks[i].without;
		p = peer_make(TULLE_QP_RC, NULL);
		assert_false(offered(p) & 1U << lacks[i].op);
		cqe = do_op(p, lacks[i].op);
		assert_non_null(cqe);
		assert_int_equal(cqe->status, TULLE_WC_LOC_QP_OP);
		assert_int_equal(cqe->syndrome, 0);
		assert_int_equal(peer_state(p), TULLE_QPS_ERR);
		peer_expect_none(p);
		peer_free(p);
		/* With it: sent, or refused for its key. */
		lacking = 0;
		p = peer_make(TULLE_QP_RC, NULL);
		assert_true(offered(p) & 1U << lacks[i].op);
		cqe = do_op(p, lacks[i].op);
		assert_true(!cqe || cqe->status == TULLE_WC_MW_BIND);
		peer_free(p);
	}
}

/* The eight bytes at @word, by the partner; what is answered. */
static void ask(struct peer *p, u8 opcode, u64 word)
{
	bool atomic = opcode == 0x13 || opcode == 0x14;
	u32 at = opcode == 0x1c ? 4 : 0;
	u8 ext[28] = { 0 };

	ext[3] = 1;		/* FLUSH: global, the range */
	peer_reth(ext + at, word, p->dev->key, 8);
	if (atomic) {
		memset(ext + 12, 0, 16);
		ext[19] = 1;
	}
	peer_send(p, opcode, 0, true, ext, atomic ? 28 : 16 + at, "12345678",
		  opcode == 0x1d ? 8 : 0, 0);
}

static void test_receive(void **state)
{
	struct peer_pkt pkt;
	struct peer *p;
	u64 word;
	size_t i;

	(void)state;
	for (i = 0; i < NET_COUNT(lacks) && lacks[i].opcode; i++) {
		lacking = lacks[i].without;
		p = peer_make(TULLE_QP_RC, NULL);
		word = rc_mem(p->dev, 8);
		ask(p, lacks[i].opcode, word);
		peer_expect_ack(p, 0, 0x61);
		assert_int_equal(*(u64 *)fake_ptr(&p->dev->d, word), 0);
		peer_free(p);
		lacking = 0;
		p = peer_make(TULLE_QP_RC, NULL);
		ask(p, lacks[i].opcode, rc_mem(p->dev, 8));
		assert_true(peer_next(p, &pkt));
		assert_int_not_equal(pkt.opcode, 0x11);
		peer_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_send),
		cmocka_unit_test(test_receive),
	};

	return cmocka_run_group_tests_name("ops", tests, NULL, NULL);
}
