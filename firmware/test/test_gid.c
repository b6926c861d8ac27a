// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * The GID table, multicast groups, capabilities and statistics of RDMA, and
 * how frames find their way to it.
 */
#include "rd.h"

static const struct tulle_gid v4 = {
	.type = TULLE_GID_IPV4,
	.mac = { 2, 0, 0, 0, 0, 1 },
	.gid = { [10] = 0xff, [11] = 0xff, 10, 0, 0, 1 },
};

static const struct tulle_gid v6 = {
	.type = TULLE_GID_IPV6,
	.mac = { 2, 0, 0, 0, 0, 1 },
	.gid = { 0xfe, 0x80, [15] = 1 },
};

static enum tulle_status set(struct rd *rd, u16 index,
			     const struct tulle_gid *gid)
{
	struct tulle_gid req = *gid;

	req.index = cpu_to_le16(index);
	return fake_cmd(&rd->d, TULLE_CMD_SET_GID, &req, sizeof(req), NULL, 0);
}

static enum tulle_status get(struct rd *rd, u16 index, struct tulle_gid *out)
{
	struct tulle_query_gid req = { .index = cpu_to_le16(index) };

	return fake_cmd(&rd->d, TULLE_CMD_QUERY_GID, &req, sizeof(req), out,
			sizeof(*out));
}

#define REFUSED(base, member, ...) do {					\
	struct tulle_gid gid = base;					\
	__VA_ARGS__;							\
	BAD_AT(rd, set(rd, 3, &gid), struct tulle_gid, member);		\
} while (0)

static void test_set(void **state)
{
	const struct tulle_gid none = { 0 };
	struct tulle_gid out, tagged = v6;
	struct rd *rd = *state;
	u32 epoch;

	OK(get(rd, 0, &out));
	assert_true(tfw_is_zero(&out, sizeof(out)));
	epoch = rd->f->rdma->epoch;
	OK(set(rd, 0, &v4));
	assert_int_not_equal(rd->f->rdma->epoch, epoch);
	tagged.flags = TULLE_GID_F_VLAN;
	tagged.vlan = cpu_to_le16(4094);
	OK(set(rd, 255, &tagged));
	OK(get(rd, 255, &out));
	tagged.index = cpu_to_le16(255);
	assert_memory_equal(&out, &tagged, sizeof(out));
	BAD_AT(rd, set(rd, 256, &v4), struct tulle_gid, index);
	BAD_AT(rd, get(rd, 256, &out), struct tulle_query_gid, index);
	REFUSED(v4, type, gid.type = 3);
	REFUSED(v4, flags, gid.flags = 2);
	REFUSED(v4, vlan, gid.vlan = cpu_to_le16(1));
	REFUSED(tagged, vlan, gid.vlan = cpu_to_le16(4095));
	REFUSED(v4, mac, memset(gid.mac, 0, 6));
	REFUSED(v4, mac, gid.mac[0] = 1);
	REFUSED(v4, gid, gid.gid[12] = 224);
	REFUSED(v4, gid, gid.type = TULLE_GID_IPV6);
	REFUSED(v6, gid, gid.type = TULLE_GID_IPV4);
	REFUSED(v6, gid, gid.gid[0] = 0xff);
	REFUSED(v6, gid, memset(gid.gid, 0, 16));
	REFUSED(v4, rsvd, gid.rsvd[1] = 1);
	REFUSED(none, gid, gid.gid[3] = 1);
	REFUSED(none, mac, gid.mac[3] = 1);
	REFUSED(none, vlan, gid.vlan = cpu_to_le16(1));
	REFUSED(none, flags, gid.flags = 1);
	assert_null(tfw_gid_at(rd->f, 3));
	assert_int_equal(rd->f->rdma->ngids, 256);
	OK(set(rd, 255, &none));
	assert_int_equal(rd->f->rdma->ngids, 1);
	OK(set(rd, 0, &none));
	assert_int_equal(rd->f->rdma->ngids, 0);
	assert_null(tfw_gid_at(rd->f, 0));
}

static void test_find(void **state)
{
	struct rd *rd = *state;
	struct tulle_gid tagged = v4;

	tagged.flags = TULLE_GID_F_VLAN;
	tagged.vlan = cpu_to_le16(7);
	OK(set(rd, 2, &v4));
	OK(set(rd, 9, &tagged));
	OK(set(rd, 5, &v6));
	assert_ptr_equal(tfw_gid_find(rd->f, v4.gid, -1), tfw_gid_at(rd->f, 2));
	assert_ptr_equal(tfw_gid_find(rd->f, v4.gid, 7), tfw_gid_at(rd->f, 9));
	assert_ptr_equal(tfw_gid_find(rd->f, v6.gid, -1), tfw_gid_at(rd->f, 5));
	assert_null(tfw_gid_find(rd->f, v4.gid, 0));
	assert_null(tfw_gid_find(rd->f, v4.gid, 8));
	assert_null(tfw_gid_find(rd->f, v6.gid, 7));
	assert_null(tfw_gid_at(rd->f, 3));
	assert_null(tfw_gid_at(rd->f, 0xffff));
	/* A tag with VLAN id 0 counts as none. */
	tagged = v6;
	tagged.gid[15] = 2;
	tagged.flags = TULLE_GID_F_VLAN;
	OK(set(rd, 9, &tagged));
	assert_ptr_equal(tfw_gid_find(rd->f, tagged.gid, -1),
			 tfw_gid_at(rd->f, 9));
	tfw_func_reset(rd->d.dev, 0);
	assert_null(tfw_gid_find(rd->f, v4.gid, -1));
	assert_null(tfw_gid_at(rd->f, 2));
}

/* Over all devices of the engine, the own one first. */
static void test_owner(void **state)
{
	struct rd *rd = *state;
	struct fake_dev other;
	struct tfw_func *f2;
	u32 epoch;

	assert_true(fake_dev_init(&rd->env, &other, NULL));
	fake_boot(&other);
	f2 = tfw_func_find(other.dev, 0);
	assert_null(tfw_gid_owner(rd->d.dev, v4.gid, -1));
	epoch = f2->rdma->epoch;
	OK(set(rd, 4, &v4));
	assert_int_not_equal(f2->rdma->epoch, epoch);
	assert_ptr_equal(tfw_gid_owner(rd->d.dev, v4.gid, -1), rd->f);
	assert_ptr_equal(tfw_gid_owner(other.dev, v4.gid, -1), rd->f);
	OK(fake_cmd(&other, TULLE_CMD_SET_GID, &v4, sizeof(v4), NULL, 0));
	assert_ptr_equal(tfw_gid_owner(rd->d.dev, v4.gid, -1), rd->f);
	assert_ptr_equal(tfw_gid_owner(other.dev, v4.gid, -1), f2);
	fake_dev_exit(&other);
	assert_ptr_equal(tfw_gid_owner(rd->d.dev, v4.gid, -1), rd->f);
}

static enum tulle_status mcast(struct rd *rd, u16 op, u32 qp, u8 last)
{
	struct tulle_mcast req = {
		.qp = cpu_to_le32(qp),
		.gid = { 0xff, 0x12, [15] = last },
	};

	return fake_cmd(&rd->d, op, &req, sizeof(req), NULL, 0);
}

static void count_member(struct tfw_qp *qp, void *arg)
{
	u32 *counts = arg;

	counts[tfw_qp_num(qp) % 64]++;
}

static u32 members(struct rd *rd, u8 last, u32 *counts)
{
	const u8 gid[16] = { 0xff, 0x12, [15] = last };
	u32 i, n = 0;

	memset(counts, 0, 64 * sizeof(*counts));
	tfw_mcast_each(rd->f, gid, count_member, counts);
	for (i = 0; i < 64; i++)
		n += counts[i];
	return n;
}

#define ATTACH	TULLE_CMD_ATTACH_MCAST
#define DETACH	TULLE_CMD_DETACH_MCAST

static void test_mcast(void **state)
{
	struct tulle_mcast req = { 0 };
	struct rd *rd = *state;
	struct rd_qp q[12], rc;
	u32 counts[64];
	int i;

	rd_qp_create(rd, &rc, TULLE_QP_RC, 0);
	BAD_AT(rd, mcast(rd, ATTACH, rc.handle, 1), struct tulle_mcast, qp);
	assert_int_equal(mcast(rd, ATTACH, rc.handle + RD_GEN1, 1),
			 TULLE_STATUS_BAD_HANDLE);
	for (i = 0; i < 12; i++) {
		rd_qp_create(rd, &q[i], TULLE_QP_UD, 0);
		OK(mcast(rd, ATTACH, q[i].handle, (u8)(1 + i % 2)));
	}
	req.qp = cpu_to_le32(q[0].handle);
	req.gid[0] = 0xfe;
	BAD_AT(rd, fake_cmd(&rd->d, ATTACH, &req, sizeof(req), NULL, 0),
	       struct tulle_mcast, gid);
	/* IPv4 multicast is one, too. */
	memcpy(req.gid, v4.gid, 16);
	req.gid[12] = 239;
	OK(fake_cmd(&rd->d, ATTACH, &req, sizeof(req), NULL, 0));
	assert_int_equal(mcast(rd, ATTACH, q[3].handle, 2),
			 TULLE_STATUS_EXISTS);
	assert_int_equal(members(rd, 1, counts), 6);
	assert_int_equal(counts[tfw_qp_num(q[4].qp)], 1);
	assert_int_equal(members(rd, 2, counts), 6);
	assert_int_equal(members(rd, 3, counts), 0);
	assert_int_equal(fake_destroy(&rd->d, TULLE_CMD_DESTROY_QP,
				      q[2].handle), TULLE_STATUS_IN_USE);
	OK(mcast(rd, DETACH, q[2].handle, 1));
	assert_int_equal(members(rd, 1, counts), 5);
	assert_int_equal(counts[tfw_qp_num(q[2].qp)], 0);
	OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_QP, q[2].handle));
	assert_int_equal(mcast(rd, DETACH, q[4].handle, 2),
			 TULLE_STATUS_NOT_FOUND);
	assert_int_equal(mcast(rd, DETACH, q[4].handle, 9),
			 TULLE_STATUS_NOT_FOUND);
	for (i = 1; i < 12; i += 2)
		OK(mcast(rd, DETACH, q[i].handle, 2));
	assert_int_equal(members(rd, 2, counts), 0);
	assert_int_equal(rd->f->rdma->ngroups, 2);
	assert_int_equal(rd->f->obj[TULLE_OBJ_MCAST].used, 6);
	/* What is attached at a reset is let go. */
	tfw_func_reset(rd->d.dev, 0);
	fake_boot(&rd->d);
	assert_int_equal(rd->f->obj[TULLE_OBJ_MCAST].used, 0);
	assert_int_equal(members(rd, 1, counts), 0);
}

static void test_mcast_limits(void **state)
{
	struct rd *rd = *state;
	struct tulle_qp_ctx ctx;
	struct rd_qp q;
	u32 i, last = 0;

	ctx = rd_qp_ctx(rd, TULLE_QP_UD, &q);
	for (i = 0; i <= TFW_MAX_MCAST_QPS; i++) {
		OK(rd_qp_make(rd, &q, &ctx));
		if (i == TFW_MAX_MCAST_QPS)
			break;
		OK(mcast(rd, ATTACH, q.handle, 0));
		last = q.handle;
	}
	assert_int_equal(mcast(rd, ATTACH, q.handle, 0), TULLE_STATUS_QUOTA);
	for (i = 1; i < TFW_MAX_MCAST_GROUPS; i++)
		OK(mcast(rd, ATTACH, last, (u8)i));
	ctx = q.ctx;
	{
		struct tulle_mcast req = {
			.qp = cpu_to_le32(last), .gid = { 0xff, 0x99 },
		};

		assert_int_equal(fake_cmd(&rd->d, ATTACH, &req, sizeof(req),
					  NULL, 0), TULLE_STATUS_QUOTA);
	}
	/* No memory: nothing is left behind. */
	OK(mcast(rd, DETACH, last, 5));
	rd->env.alloc_budget = 1;
	assert_int_equal(mcast(rd, ATTACH, last, 5), TULLE_STATUS_NOMEM);
	rd->env.alloc_budget = -1;
	assert_int_equal(rd->f->rdma->ngroups, TFW_MAX_MCAST_GROUPS - 1);
	OK(mcast(rd, ATTACH, last, 5));
}

static void test_caps(void **state)
{
	struct rd *rd = *state;
	struct tulle_rdma_caps caps;
	struct tulle_device_info info;
	u8 guid[8];

	OK(fake_cmd(&rd->d, TULLE_CMD_QUERY_RDMA_CAPS, NULL, 0, &caps,
		    sizeof(caps)));
	OK(fake_cmd(&rd->d, TULLE_CMD_QUERY_DEVICE, NULL, 0, &info,
		    sizeof(info)));
	memcpy(guid, &caps.node_guid, 8);
	assert_int_equal(guid[0], info.perm_mac[0] ^ 2);
	assert_int_equal(guid[3], 0xff);
	assert_int_equal(guid[4], 0xfe);
	assert_memory_equal(guid + 5, info.perm_mac + 3, 3);
	assert_int_equal(le64_to_cpu(caps.page_sizes), 0x7ffff000);
	assert_int_equal(le32_to_cpu(caps.ops[0]), 0x1fff0001);
	assert_int_equal(caps.ops[1], 0);
	assert_int_equal(caps.max_mtu, 12);
	assert_true(le32_to_cpu(caps.max_frwr_pages) >= 256);
	/* As many SGEs, and as much inline data, as the longest WQE holds. */
	assert_true(24 + 8 + 40 + 16 * caps.max_sq_sges <=
		    TULLE_SQ_BLOCK * caps.max_blocks);
	assert_true(24 + 8 + 40 + le16_to_cpu(caps.max_inline) <=
		    TULLE_SQ_BLOCK * caps.max_blocks);
	assert_true(tfw_is_zero(caps.rsvd, sizeof(caps.rsvd)));
}

/* Switched off: no capability, no command, no key but the DMA one. */
static void test_off(void **state)
{
	struct rd *rd = *state;
	struct tulle_mkey_ctx key = { .type = TULLE_MKEY_MR, .access = 3 };
	struct tulle_caps caps;
	struct tfw_fw_config cfg;
	struct fake_dev d;
	enum tulle_status st;
	u8 buf[4096] = { 0 };
	u16 op;

	tfw_fw_config_init(&cfg);
	cfg.rdma = false;
	assert_true(fake_dev_init(&rd->env, &d, &cfg));
	fake_boot(&d);
	OK(fake_cmd(&d, TULLE_CMD_QUERY_CAPS, NULL, 0, &caps, sizeof(caps)));
	assert_false(le64_to_cpu(caps.caps[0]) & TULLE_BIT64(TULLE_CAP_RDMA));
	assert_int_equal(caps.caps[1], 0);
	assert_false(le32_to_cpu(caps.actions[TULLE_DOMAIN_RX]) &
		     TULLE_BIT(TULLE_ACTION_QP));
	for (op = 0x90; op <= 0xaa; op++)
		assert_int_equal(fake_cmd(&d, op, buf, sizeof(buf), buf,
					  sizeof(buf)), TULLE_STATUS_BAD_OP);
	fake_create(&d, TULLE_CMD_CREATE_MKEY, &key, sizeof(key), &st);
	assert_int_equal(st, TULLE_STATUS_BAD_PARAM);
	assert_null(tfw_func_find(d.dev, 0)->rdma);
	fake_kick(&d, TULLE_UAR_QP_SQ, RD_GEN1 | 2);
	fake_kick(&d, TULLE_UAR_SRQ, RD_GEN1);
	tfw_wq_kick_all(tfw_func_find(d.dev, 0), TFW_ALL_PAGES);
	fake_dev_exit(&d);
}

static enum tulle_status add_rule(struct rd *rd, u32 table, u32 qp)
{
	struct {
		struct tulle_add_rules head;
		struct tulle_rule rule;
	} req = {
		.head = { .table = cpu_to_le32(table),
			  .count = cpu_to_le32(1) },
		.rule = { .id = cpu_to_le32(1), .nactions = 1,
			  .actions[0] = { .type = TULLE_ACTION_QP,
					  .arg = cpu_to_le32(qp) } },
	};
	struct tulle_mask_ctx mask = { .table = cpu_to_le32(table) };
	struct tulle_rules_rsp rsp;

	req.rule.mask = cpu_to_le32(fake_create(&rd->d, TULLE_CMD_CREATE_MASK,
						&mask, sizeof(mask), NULL));
	return fake_cmd(&rd->d, TULLE_CMD_ADD_RULES, &req, sizeof(req), &rsp,
			sizeof(rsp));
}

/* RoCE sees every frame first; a rule leads the others to a raw QP. */
static void test_steering(void **state)
{
	struct tulle_query_vport req = { 0 };
	struct tulle_vport_info info;
	struct rd *rd = *state;
	struct rd_qp raw, rc;
	u8 frame[64] = { 0 };
	u32 root;

	rd_qp_create(rd, &raw, TULLE_QP_RAW, 0);
	rd_qp_create(rd, &rc, TULLE_QP_RC, 0);
	tfw_port_set_backend(rd->d.dev, true, true);
	OK(fake_port_up(&rd->d));
	fake_advance(&rd->env, 100000000);
	OK(fake_cmd(&rd->d, TULLE_CMD_QUERY_VPORT, &req, sizeof(req), &info,
		    sizeof(info)));
	root = le32_to_cpu(info.rx_root);
	assert_int_equal(add_rule(rd, root, rc.handle),
			 TULLE_STATUS_BAD_PARAM);
	assert_int_equal(add_rule(rd, root, raw.handle + RD_GEN1),
			 TULLE_STATUS_BAD_HANDLE);
	assert_int_equal(add_rule(rd, le32_to_cpu(info.tx_root), raw.handle),
			 TULLE_STATUS_BAD_PARAM);
	OK(add_rule(rd, root, raw.handle));
	assert_int_equal(fake_destroy(&rd->d, TULLE_CMD_DESTROY_QP,
				      raw.handle), TULLE_STATUS_IN_USE);
	fake_receive(&rd->d, frame, sizeof(frame));
	assert_int_equal(rd_double.roce, 1);
	assert_int_equal(rd_double.raw, 1);
	rd_double.take_roce = true;
	fake_receive(&rd->d, frame, sizeof(frame));
	assert_int_equal(rd_double.roce, 2);
	assert_int_equal(rd_double.raw, 1);
	/* No DMA: nobody is home. */
	tfw_func_set_dma(rd->d.dev, 0, false);
	fake_receive(&rd->d, frame, sizeof(frame));
	assert_int_equal(rd_double.roce, 2);
	assert_int_equal(rd_double.raw, 1);
	tfw_func_set_dma(rd->d.dev, 0, true);
	tfw_func_reset(rd->d.dev, 0);
}

/* Whatever changes the way between vports moves the epoch on. */
static void test_epoch(void **state)
{
	struct tulle_query_vport req = { 0 };
	struct tulle_vport_info info;
	struct rd *rd = *state;
	struct tulle_table_ctx ctx = { 0 };
	struct rd_qp q;
	u32 epoch = rd->f->rdma->epoch;

#define MOVED() do {							\
	assert_int_not_equal(rd->f->rdma->epoch, epoch);		\
	epoch = rd->f->rdma->epoch;					\
} while (0)
	rd_qp_create(rd, &q, TULLE_QP_UD, 0);
	MOVED();
	rd_goto(rd, &q, TULLE_QPS_INIT);
	epoch = rd->f->rdma->epoch;
	rd_goto(rd, &q, TULLE_QPS_RESET);
	MOVED();
	OK(fake_destroy(&rd->d, TULLE_CMD_DESTROY_QP, q.handle));
	MOVED();
	tfw_port_set_backend(rd->d.dev, true, true);
	OK(fake_port_up(&rd->d));
	fake_advance(&rd->env, 100000000);
	MOVED();
	tfw_port_set_backend(rd->d.dev, true, false);
	fake_run(&rd->env);
	MOVED();
	OK(fake_cmd(&rd->d, TULLE_CMD_QUERY_VPORT, &req, sizeof(req), &info,
		    sizeof(info)));
	ctx.handle = info.tx_root;
	ctx.miss.type = TULLE_ACTION_DROP;
	OK(fake_cmd(&rd->d, TULLE_CMD_MODIFY_TABLE, &ctx, sizeof(ctx), NULL,
		    0));
	MOVED();
	ctx.handle = info.rx_root;
	OK(fake_cmd(&rd->d, TULLE_CMD_MODIFY_TABLE, &ctx, sizeof(ctx), NULL,
		    0));
	assert_int_equal(rd->f->rdma->epoch, epoch);
}

static void test_objects(void **state)
{
	struct rd *rd = *state;
	struct tulle_func_info info;
	char text[512];
	struct rd_qp q;

	rd_qp_create(rd, &q, TULLE_QP_UD, 0);
	fake_create(&rd->d, TULLE_CMD_CREATE_XRCD, NULL, 0, NULL);
	OK(mcast(rd, ATTACH, q.handle, 1));
	tfw_dev_objects(rd->d.dev, text, sizeof(text));
	assert_non_null(strstr(text, " qp=1"));
	assert_non_null(strstr(text, " xrcd=1"));
	assert_non_null(strstr(text, " mcast=1"));
	OK(fake_cmd(&rd->d, TULLE_CMD_QUERY_FUNC, NULL, 0, &info,
		    sizeof(info)));
	assert_true(le32_to_cpu(info.obj[TULLE_OBJ_QP].quota) >= 100000);
	assert_int_equal(le32_to_cpu(info.obj[TULLE_OBJ_QP].used), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RD_TEST(test_set),
		RD_TEST(test_find),
		RD_TEST(test_owner),
		RD_TEST(test_mcast),
		RD_TEST(test_mcast_limits),
		RD_TEST(test_caps),
		RD_TEST(test_off),
		RD_TEST(test_steering),
		RD_TEST(test_epoch),
		RD_TEST(test_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
