// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * MODIFY_QP: every way between states for every type, what each asks for and
 * takes, the bounds of every attribute, and what goes with a change.
 */
#include "rd.h"

#define TYPES	(TULLE_QP_RAW + 1)
#define STATES	(TULLE_QPS_ERR + 1)

/* Attributes by letter, so that the verbs' table can be written as text. */
static const struct {
	char	letter;
	u32	bit;
} letters[] = {
	{ 'k', TULLE_QP_MOD_PKEY_INDEX },
	{ 'a', TULLE_QP_MOD_ACCESS },
	{ 'q', TULLE_QP_MOD_QKEY },
	{ 'v', TULLE_QP_MOD_AV },
	{ 'm', TULLE_QP_MOD_PATH_MTU },
	{ 'd', TULLE_QP_MOD_DEST_QPN },
	{ 'r', TULLE_QP_MOD_RQ_PSN },
	{ 's', TULLE_QP_MOD_SQ_PSN },
	{ 'D', TULLE_QP_MOD_MAX_DEST_RD_ATOMIC },
	{ 'R', TULLE_QP_MOD_MAX_RD_ATOMIC },
	{ 'n', TULLE_QP_MOD_MIN_RNR_TIMER },
	{ 't', TULLE_QP_MOD_TIMEOUT },
	{ 'c', TULLE_QP_MOD_RETRY_CNT },
	{ 'N', TULLE_QP_MOD_RNR_RETRY },
	{ 'e', TULLE_QP_MOD_SQD_EVENT },
};

/* "must/may" by type: RC, UC, UD, GSI, XRC_INI, XRC_TGT, RAW. */
static const struct {
	u8		from;
	u8		to;
	const char	*attrs[TYPES];
} table[] = {
	{ TULLE_QPS_RESET, TULLE_QPS_INIT,
	  { "ka/", "ka/", "kq/", "kq/", "ka/", "ka/", "/" } },
	{ TULLE_QPS_INIT, TULLE_QPS_INIT,
	  { "/ka", "/ka", "/kq", "/kq", "/ka", "/ka", "/" } },
	{ TULLE_QPS_INIT, TULLE_QPS_RTR,
	  { "vmdrDn/ka", "vmdr/ka", "/kq", "/kq", "vmdr/ka", "vmdrDn/ka",
	    "/" } },
	{ TULLE_QPS_RTR, TULLE_QPS_RTS,
	  { "tcNRs/an", "s/a", "s/q", "s/q", "tcNRs/a", "ts/an", "/" } },
	{ TULLE_QPS_RTS, TULLE_QPS_RTS,
	  { "/an", "/a", "/q", "/q", "/a", "/an", "/" } },
	{ TULLE_QPS_RTS, TULLE_QPS_SQD,
	  { "/e", "/e", "/e", "/e", "/e", "/e", "/e" } },
	{ TULLE_QPS_SQD, TULLE_QPS_SQD,
	  { "/vtcNRDnka", "/vka", "/kq", "/kq", "/vtcNRka", "/vtDnka",
	    "/" } },
	{ TULLE_QPS_SQD, TULLE_QPS_RTS,
	  { "/an", "/a", "/q", "/q", "/a", "/an", "/" } },
	{ TULLE_QPS_SQE, TULLE_QPS_RTS,
	  { NULL, "/a", "/q", "/q", NULL, NULL, "/" } },
};

static u32 mask_of(const char *text, bool may)
{
	const char *slash = strchr(text, '/');
	u32 mask = 0;
	size_t i;

	for (i = 0; i < RD_COUNT(letters); i++) {
		const char *at = strchr(text, letters[i].letter);

		if (at && (may ? at > slash : at < slash))
			mask |= letters[i].bit;
	}
	return mask;
}

/* What the table says; NULL: no way. */
static const char *way(u8 type, u8 from, u8 to)
{
	size_t i;

	if (to == TULLE_QPS_RESET || to == TULLE_QPS_ERR)
		return "/";
	for (i = 0; i < RD_COUNT(table); i++)
		if (table[i].from == from && table[i].to == to)
			return table[i].attrs[type];
	/* Nothing asked for is nothing done. */
	return from == to ? "/" : NULL;
}

static bool reachable(u8 type, u8 state)
{
	return state != TULLE_QPS_SQE ||
	       (type != TULLE_QP_RC && type != TULLE_QP_XRC_INI &&
		type != TULLE_QP_XRC_TGT);
}

static struct tulle_modify_qp request(u8 to, u32 mask)
{
	struct tulle_modify_qp req = rd_way(TULLE_QP_RC, to);

	req.mask = cpu_to_le32(mask | TULLE_QP_MOD_STATE);
	return req;
}

/* One attribute too few, and each that has no place here. */
static void try_masks(struct rd *rd, struct rd_qp *q, u8 from, u8 to,
		      u32 must, u32 may)
{
	struct tulle_modify_qp req;
	size_t i;

	for (i = 0; i < RD_COUNT(letters); i++) {
		u32 bit = letters[i].bit, mask;

		if (bit & may)
			continue;
		mask = bit & must ? must & ~bit : must | bit;
		req = request(to, mask);
		BAD_AT(rd, rd_modify(rd, q, &req), struct tulle_modify_qp,
		       mask);
		assert_int_equal(q->qp->state, from);
	}
}

static void try_way(struct rd *rd, struct rd_qp *q, u8 from, u8 to)
{
	const char *attrs = way(q->ctx.type, from, to);
	struct tulle_modify_qp req;
	u32 must, may;

	rd_goto(rd, q, from);
	if (!attrs) {
		req = request(to, 0);
		assert_int_equal(rd_modify(rd, q, &req),
				 TULLE_STATUS_BAD_STATE);
		assert_int_equal(q->qp->state, from);
		return;
	}
	must = mask_of(attrs, false);
	may = mask_of(attrs, true);
	/* A way to where one is needs the attribute to be one. */
	if (from != to || may)
		try_masks(rd, q, from, to, must, may);
	req = request(to, must);
	OK(rd_modify(rd, q, &req));
	assert_int_equal(q->qp->state, to);
	rd_goto(rd, q, from);
	req = request(to, must | may | TULLE_QP_MOD_CUR_STATE);
	req.attr.cur_state = from;
	OK(rd_modify(rd, q, &req));
	assert_int_equal(q->qp->state, to);
	rd_goto(rd, q, from);
	req.attr.cur_state = from ? from - 1 : 1;
	assert_int_equal(rd_modify(rd, q, &req), TULLE_STATUS_BAD_STATE);
}

static void test_transitions(void **state)
{
	struct rd *rd = *state;
	struct rd_qp q;
	u8 type, from, to;

	rd_gid(rd, 0, 1);
	for (type = 0; type < TYPES; type++) {
		rd_qp_create(rd, &q, type, 0);
		for (from = 0; from < STATES; from++) {
			if (!reachable(type, from))
				continue;
			for (to = 0; to < STATES; to++)
				try_way(rd, &q, from, to);
		}
		OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_QP, q.handle));
	}
}

static void test_bad_requests(void **state)
{
	struct rd *rd = *state;
	struct tulle_modify_qp req;
	struct rd_qp q;

	rd_qp_create(rd, &q, TULLE_QP_RC, 0);
	req = request(TULLE_QPS_INIT, 0x20);
	BAD_AT(rd, rd_modify(rd, &q, &req), struct tulle_modify_qp, mask);
	req.mask = 0;
	BAD_AT(rd, rd_modify(rd, &q, &req), struct tulle_modify_qp, mask);
	req = request(TULLE_QPS_ERR + 1, 0);
	BAD_AT(rd, rd_modify(rd, &q, &req), struct tulle_modify_qp,
	       attr.state);
	req = rd_way(TULLE_QP_RC, TULLE_QPS_INIT);
	req.attr.rsvd0 = 1;
	BAD_AT(rd, rd_modify(rd, &q, &req), struct tulle_modify_qp,
	       attr.rsvd0);
	req = rd_way(TULLE_QP_RC, TULLE_QPS_INIT);
	req.attr.rsvd3[23] = 1;
	BAD_AT(rd, rd_modify(rd, &q, &req), struct tulle_modify_qp,
	       attr.rsvd3);
	req = rd_way(TULLE_QP_RC, TULLE_QPS_INIT);
	q.handle += RD_GEN1;
	assert_int_equal(rd_modify(rd, &q, &req), TULLE_STATUS_BAD_HANDLE);
	q.handle -= RD_GEN1;
	rd_double.no_memory = true;
	assert_int_equal(rd_modify(rd, &q, &req), TULLE_STATUS_NOMEM);
	assert_int_equal(q.qp->state, TULLE_QPS_RESET);
}

/* Moves to @from, then tries @to with one member spoilt. */
#define SPOILT(from, to, member, value) do {				\
	rd_goto(rd, &q, from);						\
	req = (from) == (to) ? request(to, TULLE_QP_MOD_AV |		\
				   TULLE_QP_MOD_ACCESS) :		\
			   rd_way(q.ctx.type, to);			\
	req.attr.member = value;					\
	BAD_AT(rd, rd_modify(rd, &q, &req), struct tulle_modify_qp,	\
	       attr.member);						\
	assert_int_equal(q.qp->state, from);				\
} while (0)

static void test_bounds(void **state)
{
	const u8 reset = TULLE_QPS_RESET, init = TULLE_QPS_INIT,
		 rtr = TULLE_QPS_RTR, rts = TULLE_QPS_RTS,
		 sqd = TULLE_QPS_SQD;
	struct rd *rd = *state;
	struct tulle_modify_qp req;
	struct rd_qp q;

	rd_gid(rd, 0, 1);
	rd_qp_create(rd, &q, TULLE_QP_RC, 0);
	SPOILT(reset, init, pkey_index, cpu_to_le16(1));
	SPOILT(reset, init, access, TULLE_MKEY_MW_BIND);
	SPOILT(reset, init, access, TULLE_MKEY_ZERO_BASED);
	SPOILT(reset, init, flags, TULLE_QP_ATTR_SQD_EVENT);
	SPOILT(reset, init, flags, TULLE_QP_ATTR_DRAINING);
	SPOILT(init, rtr, path_mtu, 7);
	SPOILT(init, rtr, path_mtu, 13);
	SPOILT(init, rtr, rq_psn, cpu_to_le32(1 << 24));
	SPOILT(init, rtr, dest_qpn, cpu_to_le32(1 << 24));
	SPOILT(init, rtr, max_dest_rd_atomic, TFW_MAX_RD_ATOMIC + 1);
	SPOILT(init, rtr, min_rnr_timer, 32);
	SPOILT(init, rtr, av.sgid, cpu_to_le16(1));
	SPOILT(init, rtr, av.sgid, cpu_to_le16(0xffff));
	SPOILT(init, rtr, av.flow, cpu_to_le32(1 << 20));
	SPOILT(init, rtr, av.vlan, cpu_to_le16(5));
	SPOILT(init, rtr, av.dgid[0], 0x20);
	SPOILT(rtr, rts, timeout, 32);
	SPOILT(rtr, rts, retry_cnt, 8);
	SPOILT(rtr, rts, rnr_retry, 8);
	SPOILT(rtr, rts, max_rd_atomic, TFW_MAX_RD_ATOMIC + 1);
	SPOILT(rtr, rts, sq_psn, cpu_to_le32(1 << 24));
	SPOILT(sqd, sqd, access, TULLE_MKEY_MW_BIND);
	SPOILT(sqd, sqd, av.sgid, cpu_to_le16(7));
}

/* The highest of everything is taken, and told by QUERY. */
static void test_values(void **state)
{
	struct rd *rd = *state;
	struct tulle_handle_req req = { 0 };
	struct tulle_modify_qp way;
	struct tulle_query_qp out;
	struct rd_qp q;

	rd_gid(rd, 255, 1);
	rd_qp_create(rd, &q, TULLE_QP_RC, 0);
	rd_goto(rd, &q, TULLE_QPS_INIT);
	way = rd_way(TULLE_QP_RC, TULLE_QPS_RTR);
	way.attr.path_mtu = 12;
	way.attr.rq_psn = cpu_to_le32(0xffffff);
	way.attr.dest_qpn = cpu_to_le32(0xfffffe);
	way.attr.max_dest_rd_atomic = TFW_MAX_RD_ATOMIC;
	way.attr.min_rnr_timer = 31;
	way.attr.av.sgid = cpu_to_le16(255);
	way.attr.av.flow = cpu_to_le32(TULLE_AV_F_VLAN | 0xfffff);
	way.attr.av.vlan = cpu_to_le16(0xefff);
	way.attr.av.hop_limit = 255;
	way.attr.av.tclass = 0xff;
	OK(rd_modify(rd, &q, &way));
	req.handle = cpu_to_le32(q.handle);
	OK(fake_cmd(&rd->d, TULLE_CMD_QUERY_QP, &req, sizeof(req), &out,
		    sizeof(out)));
	assert_memory_equal(&out.attr.av, &way.attr.av, sizeof(way.attr.av));
	assert_int_equal(out.attr.path_mtu, 12);
	assert_int_equal(le32_to_cpu(out.attr.rq_psn), 0xffffff);
	assert_int_equal(le32_to_cpu(out.attr.dest_qpn), 0xfffffe);
	assert_int_equal(out.attr.max_dest_rd_atomic, TFW_MAX_RD_ATOMIC);
	assert_int_equal(out.attr.min_rnr_timer, 31);
	assert_int_equal(out.attr.state, TULLE_QPS_RTR);
	assert_int_equal(out.attr.access, 0xc);
	way = rd_way(TULLE_QP_RC, TULLE_QPS_RTS);
	way.attr.timeout = 31;
	way.attr.sq_psn = cpu_to_le32(0xffffff);
	OK(rd_modify(rd, &q, &way));
	OK(fake_cmd(&rd->d, TULLE_CMD_QUERY_QP, &req, sizeof(req), &out,
		    sizeof(out)));
	assert_int_equal(out.attr.timeout, 31);
	assert_int_equal(out.attr.retry_cnt, 7);
	assert_int_equal(out.attr.rnr_retry, 7);
	assert_int_equal(out.attr.max_rd_atomic, 4);
	assert_int_equal(le32_to_cpu(out.attr.sq_psn), 0xffffff);
	/* RESET forgets. */
	rd_goto(rd, &q, TULLE_QPS_RESET);
	OK(fake_cmd(&rd->d, TULLE_CMD_QUERY_QP, &req, sizeof(req), &out,
		    sizeof(out)));
	assert_true(tfw_is_zero(&out.attr, sizeof(out.attr)));
}

static void test_transport_told(void **state)
{
	struct rd *rd = *state;
	struct rd_qp q;

	rd_gid(rd, 0, 1);
	rd_qp_create(rd, &q, TULLE_QP_RC, 0);
	assert_int_equal(rd_double.inits, 0);
	rd_goto(rd, &q, TULLE_QPS_RTS);
	assert_int_equal(rd_double.inits, 1);
	assert_int_equal(rd_double.changes, 3);
	assert_int_equal(rd_double.old_state, TULLE_QPS_RTR);
	assert_true(rd_double.runs);
	tfw_qp_fail(q.qp, TULLE_QP_EVENT_ACCESS_ERR);
	tfw_qp_fail(q.qp, TULLE_QP_EVENT_ACCESS_ERR);
	tfw_qp_sq_error(q.qp);
	assert_int_equal(rd_double.changes, 4);
	assert_int_equal(rd_event(rd, TULLE_EVENT_QP, q.handle),
			 TULLE_QP_EVENT_ACCESS_ERR);
	assert_int_equal(rd_event(rd, TULLE_EVENT_QP, q.handle), -1);
	rd_double.cleanups = 0;
	rd_goto(rd, &q, TULLE_QPS_RESET);
	assert_int_equal(rd_double.cleanups, 1);
	rd_goto(rd, &q, TULLE_QPS_INIT);
	OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_QP, q.handle));
	assert_int_equal(rd_double.cleanups, 2);
	/* Failing in RESET is nothing. */
	rd_qp_create(rd, &q, TULLE_QP_RC, 0);
	tfw_qp_fail(q.qp, TULLE_QP_EVENT_FATAL);
	assert_int_equal(q.qp->state, TULLE_QPS_RESET);
	assert_int_equal(rd_event(rd, TULLE_EVENT_QP, q.handle), -1);
}

/* Who may send and receive in which state. */
static void test_can(void **state)
{
	static const bool receive[STATES] = { [2] = 1, [3] = 1, [4] = 1,
					      [5] = 1 };
	struct rd *rd = *state;
	struct rd_qp q;
	u8 s;

	rd_qp_create(rd, &q, TULLE_QP_UD, 0);
	for (s = 0; s < STATES; s++) {
		rd_goto(rd, &q, s);
		assert_int_equal(tfw_qp_can_receive(q.qp), receive[s]);
		assert_int_equal(tfw_qp_can_send(q.qp), s == TULLE_QPS_RTS);
	}
}

static void test_drain(void **state)
{
	struct tulle_modify_qp req = request(TULLE_QPS_SQD,
					     TULLE_QP_MOD_SQD_EVENT);
	struct rd *rd = *state;
	struct rd_qp q;

	rd_gid(rd, 0, 1);
	rd_qp_create(rd, &q, TULLE_QP_RC, 0);
	rd_goto(rd, &q, TULLE_QPS_RTS);
	tfw_qp_drained(q.qp);
	req.attr.flags = TULLE_QP_ATTR_SQD_EVENT;
	OK(rd_modify(rd, &q, &req));
	assert_true(q.qp->draining);
	assert_int_equal(rd_event(rd, TULLE_EVENT_QP, q.handle), -1);
	tfw_qp_drained(q.qp);
	tfw_qp_drained(q.qp);
	assert_false(q.qp->draining);
	assert_int_equal(rd_event(rd, TULLE_EVENT_QP, q.handle),
			 TULLE_QP_EVENT_SQ_DRAINED);
	assert_int_equal(rd_event(rd, TULLE_EVENT_QP, q.handle), -1);
	/* Not asked for: not told. */
	rd_goto(rd, &q, TULLE_QPS_SQD);
	assert_true(q.qp->draining);
	tfw_qp_drained(q.qp);
	assert_int_equal(rd_event(rd, TULLE_EVENT_QP, q.handle), -1);
	/* Asked for once is not asked for ever. */
	req = request(TULLE_QPS_RTS, 0);
	OK(rd_modify(rd, &q, &req));
	req = request(TULLE_QPS_SQD, TULLE_QP_MOD_SQD_EVENT);
	req.attr.flags = TULLE_QP_ATTR_SQD_EVENT;
	OK(rd_modify(rd, &q, &req));
	tfw_qp_drained(q.qp);
	assert_int_equal(rd_event(rd, TULLE_EVENT_QP, q.handle),
			 TULLE_QP_EVENT_SQ_DRAINED);
	req = request(TULLE_QPS_RTS, 0);
	OK(rd_modify(rd, &q, &req));
	req = request(TULLE_QPS_SQD, 0);
	OK(rd_modify(rd, &q, &req));
	tfw_qp_drained(q.qp);
	assert_int_equal(rd_event(rd, TULLE_EVENT_QP, q.handle), -1);
	/* Left before it was drained */
	rd_goto(rd, &q, TULLE_QPS_SQD);
	req = request(TULLE_QPS_RTS, 0);
	OK(rd_modify(rd, &q, &req));
	assert_false(q.qp->draining);
	/* A target has nothing to drain. */
	rd_qp_create(rd, &q, TULLE_QP_XRC_TGT, 0);
	rd_goto(rd, &q, TULLE_QPS_RTS);
	req = request(TULLE_QPS_SQD, TULLE_QP_MOD_SQD_EVENT);
	req.attr.flags = TULLE_QP_ATTR_SQD_EVENT;
	OK(rd_modify(rd, &q, &req));
	assert_int_equal(rd_event(rd, TULLE_EVENT_QP, q.handle),
			 TULLE_QP_EVENT_SQ_DRAINED);
}

/* An SQ error stops what acknowledges, and only the SQ of the rest. */
static void test_sq_error(void **state)
{
	struct rd *rd = *state;
	struct rd_qp q;
	u8 type;

	rd_gid(rd, 0, 1);
	for (type = 0; type < TYPES; type++) {
		rd_qp_create(rd, &q, type, 0);
		rd_goto(rd, &q, TULLE_QPS_RTS);
		tfw_qp_sq_error(q.qp);
		assert_int_equal(q.qp->state, reachable(type, TULLE_QPS_SQE) ?
				 TULLE_QPS_SQE : TULLE_QPS_ERR);
		tfw_qp_sq_error(q.qp);
		OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_QP, q.handle));
	}
}

/* A counter comes and goes in any state, and is held meanwhile. */
static void test_counter(void **state)
{
	struct tulle_modify_qp req = { 0 };
	struct rd *rd = *state;
	struct tulle_rdma_stats stats;
	struct tulle_handle_req hreq = { 0 };
	struct rd_qp q;
	u32 c;
	u8 s;

	rd_gid(rd, 0, 1);
	rd_qp_create(rd, &q, TULLE_QP_UC, 0);
	c = fake_create(&rd->d, TULLE_CMD_CREATE_QP_COUNTER, NULL, 0, NULL);
	req.mask = cpu_to_le32(TULLE_QP_MOD_COUNTER);
	req.attr.counter = cpu_to_le32(c + 1);
	assert_int_equal(rd_modify(rd, &q, &req), TULLE_STATUS_BAD_HANDLE);
	for (s = 0; s < STATES; s++) {
		rd_goto(rd, &q, s);
		req.attr.counter = cpu_to_le32(c);
		OK(rd_modify(rd, &q, &req));
		OK(rd_modify(rd, &q, &req));
		assert_int_equal(q.qp->state, s);
		assert_int_equal(fake_destroy(&rd->d,
					      TULLE_CMD_DESTROY_QP_COUNTER, c),
				 TULLE_STATUS_IN_USE);
		TFW_QP_COUNT(q.qp, tx_packets, 5);
		req.attr.counter = 0;
		OK(rd_modify(rd, &q, &req));
		TFW_QP_COUNT(q.qp, tx_packets, 1);
	}
	hreq.handle = cpu_to_le32(c);
	OK(fake_cmd(&rd->d, TULLE_CMD_QUERY_QP_COUNTER, &hreq, sizeof(hreq),
		    &stats, sizeof(stats)));
	assert_int_equal(le64_to_cpu(stats.tx_packets), 5 * STATES);
	OK(fake_cmd(&rd->d, TULLE_CMD_QUERY_RDMA_STATS, NULL, 0, &stats,
		    sizeof(stats)));
	/* What the counter has is not counted twice. */
	assert_int_equal(le64_to_cpu(stats.tx_packets), STATES);
	OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_QP_COUNTER, c));
	assert_int_equal(fake_cmd(&rd->d, TULLE_CMD_QUERY_QP_COUNTER, &hreq,
				  sizeof(hreq), &stats, sizeof(stats)),
			 TULLE_STATUS_BAD_HANDLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RD_TEST(test_transitions),
		RD_TEST(test_bad_requests),
		RD_TEST(test_bounds),
		RD_TEST(test_values),
		RD_TEST(test_transport_told),
		RD_TEST(test_can),
		RD_TEST(test_drain),
		RD_TEST(test_sq_error),
		RD_TEST(test_counter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
