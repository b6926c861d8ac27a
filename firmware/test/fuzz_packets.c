// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Fuzzer of the packet paths: frames of any content into every kind of RQ,
 * from a backend or over a cable from a second device that segments and
 * inserts. What the receiving device says of a packet (checksums, lengths,
 * which bytes) is checked against the packet, and counters against each other.
 */
#include "fuzz.h"

#define MAX_OPS		64
#define NRQ		2
#define LOG_RQ		5
#define SENT		128		/* frames remembered to compare with */
#define MAX_TSO		20000
#define MAX_TAKEN	9622

enum op {
	OP_FRAME,
	OP_RAW,
	OP_BURST,
	OP_REFILL,
	OP_POLL,
	OP_TIME,
	OP_TSO,
	OP_FAULTS,
	OP_PATHS,
	OP_RULE,
	OPS,
};

static const char *const plans[] = {
	"", "seed=3;wire_loss:p=0.2", "wire_corrupt:n=2", "wire_reorder:n=3",
	"wire_delay:n=2", "wire_symbol:p=0.5",
	"wire_loss:n=7;wire_corrupt:n=5;wire_reorder:n=3;wire_delay:n=2",
};

struct machine {
	struct fake	env;
	struct net	a;		/* sends, on a cable */
	struct net	b;		/* receives */
	struct net_sq	sq;
	struct net_rq	rq[NRQ];
	struct fuzz_mem	mem;
	bool		cable;
	bool		exact;		/* what is received is what was sent */
	bool		faults;
	u32		mask;		/* steering mask */
	u32		rules;
	u64		mark;		/* memory of a's behind this is reused */
	u32		seq;
	unsigned int	nsent;
	unsigned int	seen[NRQ];
	u16		sent_len[SENT];
	u8		sent[SENT][2100];
	struct net_pkt	pkt;
	u8		frame[MAX_TSO + 400];
};

static struct machine *fuzzed;

static void on_write(struct fake_dev *d, u64 addr, size_t len)
{
	fuzz_assert(d == &fuzzed->b.d);
	fuzz_check_write(&fuzzed->mem, addr, len);
}

/* Offset of the IP header behind up to two tags; 0: no IP. */
static u32 find_ip(const u8 *f, u32 len)
{
	u32 at = 12, tags = 0;

	while (at + 6 <= len && tags < 2 &&
	       (get_be16(f + at) == 0x8100 || get_be16(f + at) == 0x88a8)) {
		at += 4;
		tags++;
	}
	if (at + 2 + 20 > len)
		return 0;
	if (get_be16(f + at) == 0x0800 && f[at + 2] >> 4 == 4)
		return at + 2;
	if (get_be16(f + at) == 0x86dd && f[at + 2] >> 4 == 6)
		return at + 2;
	return 0;
}

static void check_l3(const u8 *f, u32 l3, u16 flags)
{
	bool good = sum_bytes(f + l3, (f[l3] & 15) * 4U, 0) == 0xffff;

	if (flags & TULLE_RX_F_L3_OK)
		fuzz_assert(good);
	if (flags & TULLE_RX_F_L3_BAD)
		fuzz_assert(!good);
}

/* Of plain TCP and UDP only; headers in between are the unit tests' matter. */
static void check_l4(const u8 *f, u32 len, u32 l3, u16 flags)
{
	bool v4 = f[l3] >> 4 == 4;
	u32 l4 = l3 + (v4 ? (f[l3] & 15) * 4U : 40);
	u32 end = v4 ? l3 + get_be16(f + l3 + 2) : l4 + get_be16(f + l3 + 4);
	u8 proto = v4 ? f[l3 + 9] : f[l3 + 6];
	bool good, none;

	if ((proto != 6 && proto != 17) || end > len || end < l4 + 8)
		return;
	if (v4 && get_be16(f + l3 + 6) & 0x3fff)
		return;
	good = l4_sum(f, l3, l4, end) == 0xffff;
	none = proto == 17 && !get_be16(f + l4 + 6);
	if (flags & TULLE_RX_F_L4_OK)
		fuzz_assert(good || none);
	if (flags & TULLE_RX_F_L4_BAD)
		fuzz_assert(!good || none);
}

/* Ones' complement zero has two forms. */
static u32 fold(u32 sum)
{
	return sum == 0xffff ? 0 : sum;
}

static void check_packet(struct machine *m, unsigned int q)
{
	const struct net_pkt *p = &m->pkt;
	u16 flags = net_flags(p);
	u32 len = p->len, l3;
	unsigned int i;

	if (flags & TULLE_RX_F_FILLER)
		return;
	fuzz_assert(len >= 14);
	if (flags & TULLE_RX_F_FCS)
		len -= 4;
	if (flags & TULLE_RX_F_CSUM)
		fuzz_assert(fold(sum_bytes(p->data + 14, len - 14, 0)) ==
			    fold(get_be16((const void *)&p->cqe.csum)));
	fuzz_assert((flags & TULLE_RX_F_L4_OK) == 0 ||
		    (flags & TULLE_RX_F_L4_BAD) == 0);
	l3 = find_ip(p->data, len);
	if (l3 && !(flags & TULLE_RX_F_GRO)) {
		if (p->data[l3] >> 4 == 4)
			check_l3(p->data, l3, flags);
		check_l4(p->data, len, l3, flags);
	}
	if (!m->exact || flags & TULLE_RX_F_FCS)
		return;
	/* One of those sent behind the last one seen here. */
	for (i = m->seen[q]; i < m->nsent; i++)
		if ((len == m->sent_len[i] ||
		     (len == 60 && m->sent_len[i] < 60)) &&
		    !memcmp(m->sent[i], p->data,
			    len < m->sent_len[i] ? len : m->sent_len[i]))
			break;
	fuzz_assert(i < m->nsent);
	m->seen[q] = i + 1;
}

static void poll(struct machine *m)
{
	unsigned int i;

	for (i = 0; i < NRQ; i++)
		while (net_rx(&m->rq[i], &m->pkt))
			check_packet(m, i);
	while (fake_poll(&m->b.eq))
		;
}

static void refill(struct machine *m, unsigned int q, u32 n)
{
	struct net_rq *rq = &m->rq[q];
	struct tulle_rq_ctx ctx;
	struct tulle_handle_req req = { .handle = cpu_to_le32(rq->handle) };
	u32 used;

	fuzz_assert(!fake_cmd(&m->b.d, TULLE_CMD_QUERY_RQ, &req, sizeof(req),
			      &ctx, sizeof(ctx)));
	/* Buffers that are still looked at are not given again. */
	poll(m);
	used = rq->pi - le32_to_cpu(ctx.ci) + (ctx.stride != 0);
	if (n > (1U << LOG_RQ) - 1 - used)
		n = (1U << LOG_RQ) - 1 - used;
	if (n && used < 1U << LOG_RQ)
		net_rq_post(rq, n);
}

static void transmit(struct machine *m, u32 len)
{
	if (m->nsent < SENT && len <= sizeof(m->sent[0])) {
		memcpy(m->sent[m->nsent], m->frame, len);
		m->sent_len[m->nsent++] = (u16)len;
	} else {
		m->exact = false;
	}
	if (!m->cable) {
		fake_receive(&m->b.d, m->frame, len);
		return;
	}
	while (fake_poll(&m->sq.cq))
		;
	m->a.d.top = m->mark;
	net_send(&m->sq, m->frame, len);
}

static u32 make_spec(struct machine *m, struct fuzz_in *in,
		     struct net_spec *spec, u32 most)
{
	u8 how = fuzz_u8(in);

	*spec = (struct net_spec){
		.v6 = how & 1,
		.udp = how & 2,
		.tags = (how >> 2) % 3,
		.opt = how & 16 ? 12 : 0,
		.sport = how >> 5,
		.seq = m->seq,
		.payload = fuzz_u16(in) % most,
	};
	return net_make(spec, m->frame);
}

static void op_frame(struct machine *m, struct fuzz_in *in)
{
	struct net_spec spec;
	u32 len = make_spec(m, in, &spec, 2000);
	u16 cut;

	fuzz_spoil(in, m->frame, len < 128 ? len : 128);
	cut = fuzz_u16(in);
	if (cut & 0x8000)
		len = 14 + cut % (len - 13);
	m->seq += spec.payload;
	transmit(m, len);
}

static void op_raw(struct machine *m, struct fuzz_in *in)
{
	u8 len = fuzz_u8(in);

	memset(m->frame, 0x02, 12);
	fuzz_bytes(in, m->frame + 12, len);
	transmit(m, 12U + len);
}

static void op_burst(struct machine *m, struct fuzz_in *in)
{
	u8 n = fuzz_u8(in) & 15, flow = fuzz_u8(in), odd = fuzz_u8(in);
	struct net_spec spec = {
		.v6 = flow & 1,
		.opt = flow & 2 ? 12 : 0,
		.sport = flow >> 2 & 3,
		.payload = 1 + (fuzz_u16(in) & 0x3ff),
	};
	u8 i;

	for (i = 0; i < n; i++) {
		spec.seq = m->seq;
		spec.flags = i == (odd & 15) ? odd : 0x10;
		transmit(m, net_make(&spec, m->frame));
		m->seq += spec.payload;
	}
}

static void op_tso(struct machine *m, struct fuzz_in *in)
{
	struct tulle_eth_wqe *wqe;
	struct net_spec spec;
	u32 len = make_spec(m, in, &spec, MAX_TSO);
	u8 how = fuzz_u8(in);
	u16 flags = how & 0x7f;

	m->exact = false;
	if (!m->cable)
		return;
	while (fake_poll(&m->sq.cq))
		;
	m->a.d.top = m->mark;
	wqe = net_wqe(&m->sq, 2);
	net_fill(&m->sq, wqe, m->frame, len, 0);
	wqe->eth = (struct tulle_eth_seg){
		.csum_start = cpu_to_le16((u16)net_l4(&spec)),
		.csum_offset = cpu_to_le16(spec.udp ? 6 : 16),
		.mss = cpu_to_le16(64 + (fuzz_u16(in) & 0xfff)),
		.hdr_len = cpu_to_le16((u16)net_hdr_len(&spec)),
		.l3 = cpu_to_le16((u16)net_l3(&spec)),
		.l4 = cpu_to_le16((u16)net_l4(&spec)),
		.vlan = { cpu_to_le16(how), cpu_to_le16(7) },
		.flags = cpu_to_le16(flags),
	};
	fuzz_spoil(in, &wqe->eth, 20);
	m->seq += spec.payload;
	net_post(&m->sq, wqe);
}

static void op_rule(struct machine *m, struct fuzz_in *in)
{
	u8 buf[sizeof(struct tulle_add_rules) + sizeof(struct tulle_rule)]
		__attribute__((aligned(8)));
	struct tulle_add_rules *add = (void *)buf;
	struct tulle_rules_rsp rsp;
	u8 how = fuzz_u8(in);

	memset(buf, 0, sizeof(buf));
	add->table = cpu_to_le32(m->b.rx_root);
	add->count = cpu_to_le32(1);
	add->rules[0] = (struct tulle_rule){
		.id = cpu_to_le32(++m->rules),
		.mask = cpu_to_le32(m->mask),
		.priority = cpu_to_le32(how & 3),
		.nactions = 2,
		.key = { .ip_proto = how & 4 ? 6 : 17,
			 .nvlan = how >> 4 & 3 },
		.actions = {
			{ .type = TULLE_ACTION_MARK, .arg = cpu_to_le32(how) },
			{ .type = TULLE_ACTION_QUEUE,
			  .arg = cpu_to_le32(m->rq[how >> 3 & 1].handle) },
		},
	};
	fake_cmd(&m->b.d, TULLE_CMD_ADD_RULES, buf, sizeof(buf), &rsp,
		 sizeof(rsp));
}

static void op_paths(struct machine *m, struct fuzz_in *in)
{
	u8 how = fuzz_u8(in);

	m->b.d.no_map = how & 1;
	if (m->cable)
		m->a.d.no_map = how & 2;
	tfw_dev_set_capture(m->b.d.dev, how & 4);
}

static void op_faults(struct machine *m, struct fuzz_in *in)
{
	struct tfw_dev *dev = m->cable ? m->a.d.dev : m->b.d.dev;
	u8 plan = fuzz_u8(in);

	m->faults = true;
	m->exact = false;
	fuzz_assert(tfw_dev_set_faults(dev, plans[plan % FUZZ_COUNT(plans)],
				       NULL, 0));
}

static void step(struct machine *m, struct fuzz_in *in)
{
	u8 q;

	switch (fuzz_u8(in) % OPS) {
	case OP_FRAME:
		op_frame(m, in);
		break;
	case OP_RAW:
		op_raw(m, in);
		break;
	case OP_BURST:
		op_burst(m, in);
		break;
	case OP_REFILL:
		q = fuzz_u8(in);
		refill(m, q % NRQ, 1 + (fuzz_u8(in) & 15));
		break;
	case OP_POLL:
		poll(m);
		break;
	case OP_TIME:
		fake_advance(&m->env, fuzz_u16(in) * 1000ULL);
		break;
	case OP_TSO:
		op_tso(m, in);
		break;
	case OP_FAULTS:
		op_faults(m, in);
		break;
	case OP_PATHS:
		op_paths(m, in);
		break;
	default:
		op_rule(m, in);
		break;
	}
}

static void make_rss(struct machine *m, struct fuzz_in *in)
{
	u8 buf[sizeof(struct tulle_rss) + 4 * NRQ] __attribute__((aligned(8)));
	struct tulle_rss *rss = (void *)buf;
	u8 fields = fuzz_u8(in);
	u32 i, handle;

	memset(buf, 0, sizeof(buf));
	rss->ctx.log_size = 1;
	rss->ctx.sym = fuzz_u8(in) % 3;
	for (i = 0; i < 6; i++) {
		u8 ports = i % 3 == 2 ? 0 : fields & 0x0c;

		rss->ctx.fields[i] = (fields & 3) | ports;
	}
	for (i = 0; i < TULLE_RSS_KEY_LEN; i++)
		rss->ctx.key[i] = (u8)(i * 37 + 1);
	for (i = 0; i < NRQ; i++)
		rss->rq[i] = cpu_to_le32(m->rq[i].handle);
	handle = fake_create(&m->b.d, TULLE_CMD_CREATE_RSS, buf, sizeof(buf),
			     NULL);
	net_rx_default(&m->b, handle ? TULLE_ACTION_RSS : TULLE_ACTION_QUEUE,
		       handle ? handle : m->rq[0].handle);
}

static void make_mask(struct machine *m)
{
	const struct tulle_mask_ctx ctx = {
		.table = cpu_to_le32(m->b.rx_root),
		.key = { .ip_proto = 0xff, .nvlan = 3 },
	};

	m->mask = fake_create(&m->b.d, TULLE_CMD_CREATE_MASK, &ctx,
			      sizeof(ctx), NULL);
}

static void make_queues(struct machine *m, struct fuzz_in *in)
{
	u32 flags = fuzz_u8(in) & 0x7f, i, k, buf = 2048;
	struct tulle_rq_ctx ctx = {
		.type = fuzz_u8(in) % 3,
		.flags = cpu_to_le32(flags),
		.gro_max = cpu_to_le32(flags & TULLE_RQ_F_GRO ? 65536 : 0),
		.gro_usecs = cpu_to_le16(fuzz_u8(in)),
		.split_thresh = cpu_to_le16(fuzz_u8(in)),
	};

	if (ctx.type == TULLE_RQ_MULTI) {
		ctx.log_stride = 6 + (fuzz_u8(in) & 3);
		ctx.log_strides = 2;
		buf = 4U << ctx.log_stride;
	} else if (fuzz_u8(in) & 1) {
		buf = 512;
	}
	m->exact = !(flags & (TULLE_RQ_F_VLAN_STRIP | TULLE_RQ_F_STAG_STRIP |
			      TULLE_RQ_F_GRO));
	for (i = 0; i < NRQ; i++) {
		net_rq_create(&m->b, &m->rq[i], &ctx, LOG_RQ, buf);
		fuzz_grant_queue(&m->mem, &m->rq[i].cq);
		fuzz_grant_dbr(&m->mem, &m->b.d, m->rq[i].dbr);
		for (k = 0; k < 1U << LOG_RQ; k++) {
			fuzz_grant(&m->mem, m->rq[i].buf[k], buf);
			if (ctx.type == TULLE_RQ_SPLIT)
				fuzz_grant(&m->mem, m->rq[i].hdr[k],
					   m->rq[i].hdr_room);
		}
	}
	fuzz_grant_queue(&m->mem, &m->b.eq);
	fuzz_grant_commands(&m->mem, &m->b.d);
	make_rss(m, in);
	make_mask(m);
}

static void connect(struct machine *m, const struct tfw_fw_config *cfg)
{
	if (m->cable) {
		net_init(&m->a, &m->env, cfg);
		net_sq_create(&m->a, &m->sq, 6);
		m->mark = fake_mem(&m->a.d, 64, 64);
		fuzz_assert(fake_cable(&m->a.d, &m->b.d));
		net_max_frame(&m->a, MAX_TAKEN);
	} else {
		tfw_port_set_backend(m->b.d.dev, true, true);
		fuzz_assert(!fake_port_up(&m->b.d));
		fake_advance(&m->env, 100000000);
	}
	net_max_frame(&m->b, MAX_TAKEN);
}

static u64 rq_counts(struct machine *m, struct net_rq *rq)
{
	struct tulle_handle_req req = { .handle = cpu_to_le32(rq->handle) };
	struct tulle_rq_ctx ctx;

	fuzz_assert(!fake_cmd(&m->b.d, TULLE_CMD_QUERY_RQ, &req, sizeof(req),
			      &ctx, sizeof(ctx)));
	fuzz_assert(ctx.state == TULLE_QUEUE_READY);
	return le64_to_cpu(ctx.packets) + le64_to_cpu(ctx.drops_dry) +
	       le64_to_cpu(ctx.drops_big) + le64_to_cpu(ctx.drops_stopped);
}

/* Every frame is somewhere. */
static void check_counters(struct machine *m)
{
	struct tulle_port_stats a, b;
	u64 sum;
	u32 i;

	net_stats(&m->b, &b);
	fuzz_check_port(&b);
	sum = le64_to_cpu(b.rx_steer_drops);
	for (i = 0; i < NRQ; i++)
		sum += rq_counts(m, &m->rq[i]);
	fuzz_assert(le64_to_cpu(b.rx.frames) == sum);
	if (!m->cable)
		return;
	net_stats(&m->a, &a);
	fuzz_check_port(&a);
	if (m->faults)
		return;
	fuzz_assert(a.tx.frames == b.rx.frames);
	fuzz_assert(a.tx.octets == b.rx.octets);
	fuzz_assert(!memcmp(a.tx.rmon, b.rx.rmon, sizeof(a.tx.rmon)));
}

/* Buffers for what waits, time for what is held back. */
static void drain(struct machine *m)
{
	u32 i, q;

	for (i = 0; i < 8; i++) {
		for (q = 0; q < NRQ; q++)
			refill(m, q, 1U << LOG_RQ);
		fake_advance(&m->env, 300000000);
		poll(m);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct machine *m = calloc(1, sizeof(*m));
	struct tfw_fw_config cfg;
	unsigned int n;

	fuzzed = m;
	fuzz_small_config(&cfg);
	fake_init(&m->env);
	m->cable = fuzz_u8(&in) & 1;
	net_init(&m->b, &m->env, &cfg);
	make_queues(m, &in);
	connect(m, &cfg);
	m->b.d.on_write = on_write;
	for (n = 0; in.left && n < MAX_OPS; n++)
		step(m, &in);
	drain(m);
	check_counters(m);
	for (n = 0; n < NRQ; n++)
		net_rq_free(&m->rq[n]);
	if (m->cable) {
		tfw_cable_leave(m->a.d.dev);
		net_exit(&m->a);
	}
	fuzz_end_dev(&m->b.d, &m->mem);
	fake_exit(&m->env);
	free(m);
	return 0;
}

/* Every RQ type and every flag, from backend and cable. */
size_t fuzz_seed(unsigned int number, u8 *buf)
{
	static const u8 flags[] = { 0, 1, 2, 3, 4, 8, 0x10, 0x18, 0x20, 0x40,
				    0x58 };
	u8 cable = number & 1, type = number / 2 % 3;
	unsigned int f = number / 6;
	size_t n = 0;

	if (f >= FUZZ_COUNT(flags))
		return 0;
	{
		const u8 program[] = {
			cable, flags[f], type, 0, 100, 1, 0x0f, (u8)(f % 3),
			OP_REFILL, 0, 15, OP_REFILL, 1, 15,
			OP_FRAME, (u8)(number * 7), 0x80, 1, 0, 0, 0,
			OP_FRAME, (u8)(number * 5 + 2), 20, 0, 1, 20, 0, 1, 0, 0,
			OP_BURST, 9, (u8)number, 0x18, 0, 2,
			OP_TSO, (u8)(number & 0x1d), 0xff, 0x0f, 2, 0, 2, 0,
			OP_TSO, (u8)(number | 2), 0x40, 0, 1 | 8, 0, 0, 0,
			OP_TIME, 100, 0, OP_RULE, (u8)number, OP_POLL,
			OP_FRAME, 2, 0x40, 3, 0, 0, 0,
			OP_RAW, 8, 8, 6, 0, 1, 8, 0, 6, 4,
			OP_PATHS, 7, OP_BURST, 15, 3, 0x19, 0, 1,
			OP_FAULTS, (u8)f, OP_BURST, 12, 1, 0, 9, 1,
		};

		memcpy(buf + n, program, sizeof(program));
		n += sizeof(program);
	}
	return n;
}
