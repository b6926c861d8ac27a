// SPDX-License-Identifier: GPL-2.0
/*
 * hold IBDEV GID: holds one of everything that verbs make, in two contexts of one
 * device, with requests in flight between them, until the device goes. Then it has
 * to hear so on both, its verbs return errors, nothing succeeds any more, and all
 * can be closed.
 *
 * Says "ready" when it holds everything, and "fatal MS", the time of day, when it
 * hears of the end. Exit status 0: it was as it has to be.
 */
#include <fcntl.h>
#include <poll.h>

#include "pair.h"

#define BURST 8
#define SIZE  65536
#define PATIENCE 60 /* seconds from the end of the device to that of the program */

static struct end near, far;     /* WRITEs go from near to far, one after the other */
static struct end sender, never; /* SENDs that find no receive request, for ever */
static struct ibv_mr *from, *to;
static struct ibv_mw *mw1, *mw2;
static struct ibv_srq *srq, *xrc_srq;
static struct ibv_xrcd *xrcd;
static struct ibv_qp *tgt, *ini, *group, *raw;
static struct ibv_flow *flow;
static struct ibv_ah *ah;
static struct ibv_comp_channel *channel;
static struct ibv_cq *moderated;
/* ::ffff:239.1.2.3 */
static union ibv_gid mgid = { .raw = { [10] = 0xff, 0xff, 239, 1, 2, 3 } };

static void *made(void *obj, const char *what)
{
	if (!obj)
		die(what);
	return obj;
}

static void done(int err, const char *what)
{
	errno = err;
	if (err)
		die(what);
}

/* Queue pairs on the device that @of has opened, with a CQ of their own. */
static void another(struct end *e, const struct end *of)
{
	*e = *of;
	e->cq = made(ibv_create_cq(e->ctx, 4 * DEPTH, NULL, NULL, 0), "CQ");
	end_qp(e);
}

static void hold_windows(void)
{
	struct ibv_mw_bind first = {
		.bind_info = { from, (uintptr_t)from->addr, 4096, IBV_ACCESS_REMOTE_READ },
		.send_flags = IBV_SEND_SIGNALED,
	};
	struct ibv_send_wr *bad_wr, second = {
		.opcode = IBV_WR_BIND_MW,
		.send_flags = IBV_SEND_SIGNALED,
	};

	mw1 = made(ibv_alloc_mw(near.pd, IBV_MW_TYPE_1), "MW 1");
	mw2 = made(ibv_alloc_mw(near.pd, IBV_MW_TYPE_2), "MW 2");
	second.bind_mw.mw = mw2;
	second.bind_mw.rkey = ibv_inc_rkey(mw2->rkey);
	second.bind_mw.bind_info = first.bind_info;
	done(ibv_bind_mw(near.qp, mw1, &first), "bind 1");
	done(ibv_post_send(near.qp, &second, &bad_wr), "bind 2");
	want(!completion(&near, 20000).status, "bind 1", 0);
	want(!completion(&near, 20000).status, "bind 2", 0);
}

static void hold_srqs(void)
{
	struct ibv_srq_init_attr attr = { .attr = { .max_wr = 16, .max_sge = 1 } };
	struct ibv_xrcd_init_attr domain = {
		.comp_mask = IBV_XRCD_INIT_ATTR_FD | IBV_XRCD_INIT_ATTR_OFLAGS,
		.fd = -1,
		.oflags = O_CREAT,
	};
	struct ibv_srq_init_attr_ex ex = {
		.attr = { .max_wr = 16, .max_sge = 1 },
		.comp_mask = IBV_SRQ_INIT_ATTR_TYPE | IBV_SRQ_INIT_ATTR_XRCD |
			     IBV_SRQ_INIT_ATTR_CQ | IBV_SRQ_INIT_ATTR_PD,
		.srq_type = IBV_SRQT_XRC,
		.pd = near.pd,
		.cq = near.cq,
	};
	struct ibv_qp_init_attr_ex qp = {
		.qp_type = IBV_QPT_XRC_RECV,
		.comp_mask = IBV_QP_INIT_ATTR_XRCD,
	};
	struct ibv_sge sge = { (uintptr_t)from->addr, 64, from->lkey };
	struct ibv_recv_wr *bad_wr, wr = { .sg_list = &sge, .num_sge = 1 };

	srq = made(ibv_create_srq(near.pd, &attr), "SRQ");
	xrcd = made(ibv_open_xrcd(near.ctx, &domain), "XRC domain");
	ex.xrcd = xrcd;
	xrc_srq = made(ibv_create_srq_ex(near.ctx, &ex), "XRC SRQ");
	qp.xrcd = xrcd;
	tgt = made(ibv_create_qp_ex(near.ctx, &qp), "XRC target");
	qp = (struct ibv_qp_init_attr_ex){
		.qp_type = IBV_QPT_XRC_SEND,
		.comp_mask = IBV_QP_INIT_ATTR_PD,
		.pd = near.pd,
		.send_cq = near.cq,
		.cap = { 16, 0, 1, 0, 0 },
	};
	ini = made(ibv_create_qp_ex(near.ctx, &qp), "XRC initiator");
	done(ibv_post_srq_recv(srq, &wr, &bad_wr), "SRQ");
	done(ibv_post_srq_recv(xrc_srq, &wr, &bad_wr), "XRC SRQ");
}

static struct ibv_qp *plain_qp(enum ibv_qp_type type)
{
	struct ibv_qp_init_attr init = {
		.send_cq = moderated,
		.recv_cq = moderated,
		.cap = { 16, 16, 1, 1, 0 },
		.qp_type = type,
	};
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_INIT, .port_num = 1, .qkey = 1 };
	int mask = IBV_QP_STATE | IBV_QP_PORT;
	struct ibv_qp *qp = made(ibv_create_qp(near.pd, &init), "QP");

	if (type == IBV_QPT_UD)
		mask |= IBV_QP_PKEY_INDEX | IBV_QP_QKEY;
	done(ibv_modify_qp(qp, &attr, mask), "INIT");
	attr.qp_state = IBV_QPS_RTR;
	done(ibv_modify_qp(qp, &attr, IBV_QP_STATE), "RTR");
	return qp;
}

static void hold_others(void)
{
	struct ibv_modify_cq_attr moderation = { IBV_CQ_ATTR_MODERATE, { 16, 1000 } };
	struct ibv_ah_attr partner = { .is_global = 1, .port_num = 1 };
	struct {
		struct ibv_flow_attr attr;
		struct ibv_flow_spec_eth eth;
	} rule = {
		.attr = {
			.type = IBV_FLOW_ATTR_NORMAL,
			.size = sizeof(rule),
			.num_of_specs = 1,
			.port = 1,
		},
		.eth = {
			.type = IBV_FLOW_SPEC_ETH,
			.size = sizeof(rule.eth),
			.val.dst_mac = { 2, 0, 0, 0, 0, 9 },
			.mask.dst_mac = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
		},
	};

	channel = made(ibv_create_comp_channel(near.ctx), "channel");
	moderated = made(ibv_create_cq(near.ctx, 64, NULL, channel, 0), "CQ");
	done(ibv_modify_cq(moderated, &moderation), "moderation");
	done(ibv_req_notify_cq(moderated, 0), "arming");
	group = plain_qp(IBV_QPT_UD);
	done(ibv_attach_mcast(group, &mgid, 0), "group");
	raw = plain_qp(IBV_QPT_RAW_PACKET);
	flow = made(ibv_create_flow(raw, &rule.attr), "flow rule");
	partner.grh.dgid = near.gid;
	partner.grh.sgid_index = near.gid_index;
	partner.grh.hop_limit = 64;
	ah = made(ibv_create_ah(near.pd, &partner), "AH");
}

static void hold(const char *name, const char *gid)
{
	unsigned int i;

	end_open(&near, name, gid);
	end_open(&far, name, gid);
	end_qp(&near);
	end_qp(&far);
	another(&sender, &near);
	another(&never, &far);
	from = made(ibv_reg_mr(near.pd, memory(SIZE), SIZE, ACCESS_ALL | IBV_ACCESS_MW_BIND), "MR");
	to = made(ibv_reg_mr(far.pd, memory(SIZE), SIZE, ACCESS_ALL), "MR");
	join(&near, &far);
	join(&sender, &never);
	hold_windows();
	hold_srqs();
	hold_others();
	for (i = 0; i < BURST; i++)
		post_send(&sender, IBV_WR_SEND, (uintptr_t)from->addr, from->lkey, 64, 0, 0);
}

/* Takes what has come on @ctx; tells whether it is the end. */
static bool is_fatal(struct ibv_context *ctx, int ms)
{
	struct pollfd fd = { .fd = ctx->async_fd, .events = POLLIN };
	struct ibv_async_event event;
	bool fatal;

	if (poll(&fd, 1, ms) != 1)
		return false;
	if (ibv_get_async_event(ctx, &event))
		die("event");
	fatal = event.event_type == IBV_EVENT_DEVICE_FATAL;
	printf("event %s\n", ibv_event_type_str(event.event_type));
	ibv_ack_async_event(&event);
	return fatal;
}

static void say_fatal(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	printf("fatal %llu\n", ts.tv_sec * 1000ULL + (unsigned long long)ts.tv_nsec / 1000000);
}

static bool write_posted(void)
{
	struct ibv_sge sge = { (uintptr_t)from->addr, SIZE, from->lkey };
	struct ibv_send_wr *first, wr = {
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_RDMA_WRITE,
		.wr.rdma = { (uintptr_t)to->addr, to->rkey },
	};

	return !ibv_post_send(near.qp, &wr, &first);
}

/* WRITEs until one of both contexts hears of the end. Some may not come back then. */
static struct ibv_context *until_fatal(void)
{
	unsigned int out = 0;
	struct ibv_wc wc[BURST];
	bool said = false;
	int n;

	for (;;) {
		while (out < BURST && write_posted())
			out++;
		if (is_fatal(near.ctx, 1))
			return near.ctx;
		if (is_fatal(far.ctx, 0))
			return far.ctx;
		n = ibv_poll_cq(near.cq, BURST, wc);
		if (n < 0)
			return NULL;
		out -= (unsigned int)n;
		if (n && !said)
			puts("ready");
		said |= !!n;
	}
}

/* Nothing succeeds that is not over, and no verb waits for an answer. */
static void afterwards(void)
{
	struct ibv_qp_init_attr init;
	struct ibv_port_attr port;
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_ERR };
	struct ibv_wc wc;
	unsigned int i;

	for (i = 0; i < 100; i++) {
		wc = completion(&sender, 1);
		want(wc.status != IBV_WC_SUCCESS, "a SEND that nobody takes", 0);
	}
	while (ibv_poll_cq(near.cq, 1, &wc) > 0)
		;
	for (i = 0; i < BURST && write_posted(); i++)
		;
	wc = completion(&near, 50);
	want(wc.status != IBV_WC_SUCCESS, "a WRITE to what is gone", 0);
	want(ibv_query_qp(near.qp, &attr, IBV_QP_STATE, &init), "query_qp", 0);
	attr.qp_state = IBV_QPS_ERR;
	want(ibv_modify_qp(sender.qp, &attr, IBV_QP_STATE), "modify_qp", 0);
	want(ibv_query_port(near.ctx, 1, &port), "query_port", 0);
	want(!ibv_reg_mr(near.pd, from->addr, 4096, 0), "reg_mr", 0);
	want(!ibv_create_cq(far.ctx, 16, NULL, NULL, 0), "create_cq", 0);
	want(!ibv_alloc_pd(far.ctx), "alloc_pd", 0);
}

#define CLOSED(verb) closed(verb, #verb)

static void closed(int err, const char *what)
{
	want(!err, what, err);
}

static void let_go(void)
{
	CLOSED(ibv_destroy_flow(flow));
	/* There is nothing to detach from any more, and that may be told. */
	ibv_detach_mcast(group, &mgid, 0);
	CLOSED(ibv_destroy_qp(raw));
	CLOSED(ibv_destroy_qp(group));
	CLOSED(ibv_destroy_ah(ah));
	CLOSED(ibv_destroy_qp(ini));
	CLOSED(ibv_destroy_qp(tgt));
	CLOSED(ibv_destroy_srq(xrc_srq));
	CLOSED(ibv_close_xrcd(xrcd));
	CLOSED(ibv_destroy_srq(srq));
	CLOSED(ibv_dealloc_mw(mw2));
	CLOSED(ibv_dealloc_mw(mw1));
	CLOSED(ibv_destroy_cq(moderated));
	CLOSED(ibv_destroy_comp_channel(channel));
	CLOSED(ibv_dereg_mr(from));
	CLOSED(ibv_dereg_mr(to));
	CLOSED(ibv_destroy_qp(sender.qp));
	CLOSED(ibv_destroy_qp(never.qp));
	CLOSED(ibv_destroy_cq(sender.cq));
	CLOSED(ibv_destroy_cq(never.cq));
	end_close(&near);
	end_close(&far);
}

int main(int argc, char **argv)
{
	struct ibv_context *told;

	if (argc != 3)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	hold(argv[1], argv[2]);
	told = until_fatal();
	say_fatal();
	alarm(PATIENCE);
	if (!told)
		return 1;
	told = told == near.ctx ? far.ctx : near.ctx;
	while (!is_fatal(told, 10000))
		;
	say_fatal();
	afterwards();
	let_go();
	return !!bad;
}
