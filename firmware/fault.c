// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Plans: text to points, and the decision when a point strikes. Faults and
 * lies share the grammar:
 *
 *	plan:	item { ";" item }
 *	item:	"seed=" number | name [ ":" key { "," key } ]
 *	key:	"n=" number	every n-th passage
 *		"p=" decimal	with this probability, 0..1
 *		"c=" number	at most so often
 *
 * A name without n and p strikes always.
 */
#include <stdio.h>
#include <string.h>

#include "dev.h"

#define PROB_ONE	(1ULL << 32)
#define DEFAULT_SEED	1

static const char *const fault_names[] = {
	[TFW_FAULT_WIRE_LOSS]		= "wire_loss",
	[TFW_FAULT_WIRE_CORRUPT]	= "wire_corrupt",
	[TFW_FAULT_WIRE_REORDER]	= "wire_reorder",
	[TFW_FAULT_WIRE_DELAY]		= "wire_delay",
	[TFW_FAULT_WIRE_SYMBOL]		= "wire_symbol",
	[TFW_FAULT_CMD_TIMEOUT]		= "cmd_timeout",
	[TFW_FAULT_CMD_FAIL]		= "cmd_fail",
	[TFW_FAULT_IRQ_LOST]		= "irq_lost",
	[TFW_FAULT_CQE_LOST]		= "cqe_lost",
	[TFW_FAULT_ENGINE_STALL]	= "engine_stall",
	[TFW_FAULT_FW_CRASH]		= "fw_crash",
	[TFW_FAULT_POINTS]		= NULL,
};

static const char *const lie_names[] = {
	[TFW_LIE_CQE_INDEX]		= "cqe_index",
	[TFW_LIE_CQE_LEN]		= "cqe_len",
	[TFW_LIE_CQE_OP]		= "cqe_op",
	[TFW_LIE_CQE_QN]		= "cqe_qn",
	[TFW_LIE_CQE_STRIDE]		= "stride",
	[TFW_LIE_CQE_STATUS]		= "cqe_status",
	[TFW_LIE_CQE_SRC]		= "cqe_src",
	[TFW_LIE_CSUM]			= "csum",
	[TFW_LIE_EQE_HANDLE]		= "eqe_handle",
	[TFW_LIE_EQE_TYPE]		= "eqe_type",
	[TFW_LIE_EQE_CODE]		= "eqe_code",
	[TFW_LIE_EQE_STORM]		= "eqe_storm",
	[TFW_LIE_CMD_STATUS]		= "cmd_status",
	[TFW_LIE_CMD_OUT]		= "cmd_out",
	[TFW_LIE_CAPS]			= "caps",
	[TFW_LIE_RDMA_CAPS]		= "rdma_caps",
	[TFW_LIE_NO_ETH]		= "no_eth",
	[TFW_LIE_IF_VERSION]		= "if_version",
	[TFW_LIE_GONE]			= "gone",
	[TFW_LIES]			= NULL,
};

_Static_assert(TFW_FAULT_POINTS <= TFW_PLAN_POINTS, "room for all faults");
_Static_assert(TFW_LIES <= TFW_PLAN_POINTS, "room for all lies");

/* One step of splitmix64. */
static u64 rng_next(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static bool parse_number(const char **p, u64 *val)
{
	const char *start = *p;

	*val = 0;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		if (*val > (UINT64_MAX - 9) / 10)
			return false;
		*val = *val * 10 + (u64)(**p - '0');
	}
	return *p != start;
}

/* 0, 1 or 0.digits, to 2^32 scale. */
static bool parse_prob(const char **p, u64 *val)
{
	u64 whole, frac = 0, scale = 1;

	if (!parse_number(p, &whole) || whole > 1)
		return false;
	if (**p == '.') {
		for ((*p)++; **p >= '0' && **p <= '9'; (*p)++) {
			if (scale == 1000000000)
				continue;
			frac = frac * 10 + (u64)(**p - '0');
			scale *= 10;
		}
	}
	*val = whole * PROB_ONE + frac * PROB_ONE / scale;
	return *val <= PROB_ONE;
}

static bool parse_key(const char **p, struct tfw_plan_point *point,
		      bool *has_prob)
{
	char key = **p;

	if (!key || (*p)[1] != '=')
		return false;
	*p += 2;
	switch (key) {
	case 'n':
		return parse_number(p, &point->nth) && point->nth;
	case 'p':
		*has_prob = true;
		return parse_prob(p, &point->prob);
	case 'c':
		return parse_number(p, &point->limit) && point->limit;
	default:
		return false;
	}
}

static int parse_name(const char **p, const char *const *names)
{
	size_t len = strcspn(*p, ":;");
	int i;

	for (i = 0; names[i]; i++) {
		if (strlen(names[i]) != len || memcmp(names[i], *p, len))
			continue;
		*p += len;
		return i;
	}
	return -1;
}

static bool parse_point(const char **p, const char *const *names,
			struct tfw_plan *plan)
{
	struct tfw_plan_point *point;
	int i = parse_name(p, names);
	bool has_prob = false;

	if (i < 0)
		return false;
	point = &plan->point[i];
	*point = (struct tfw_plan_point){ 0 };
	if (**p == ':') {
		do {
			(*p)++;
			if (!parse_key(p, point, &has_prob))
				return false;
		} while (**p == ',');
	}
	if (!point->nth && !has_prob)
		point->nth = 1;
	plan->armed |= 1U << i;
	return true;
}

bool tfw_plan_parse(struct tfw_plan *plan, const char *const *names,
		    const char *text, char *err, size_t err_len)
{
	struct tfw_plan new = { .seed = DEFAULT_SEED };
	const char *p = text ? text : "";
	bool ok = true;

	while (ok && *p) {
		if (!strncmp(p, "seed=", 5)) {
			p += 5;
			ok = parse_number(&p, &new.seed);
		} else {
			ok = parse_point(&p, names, &new);
		}
		if (ok && *p == ';')
			p++;
		else
			ok = ok && !*p;
	}
	if (!ok) {
		snprintf(err, err_len, "plan wrong at \"%.40s\"", p);
		return false;
	}
	tfw_plan_reset(&new);
	*plan = new;
	return true;
}

void tfw_plan_reset(struct tfw_plan *plan)
{
	u32 i;

	for (i = 0; i < TFW_PLAN_POINTS; i++) {
		u64 state = plan->seed * 0xd1342543de82ef95ULL + i;

		plan->point[i].rng = rng_next(&state);
		plan->point[i].passed = 0;
		plan->point[i].hits = 0;
	}
}

void tfw_plan_print(const struct tfw_plan *plan, const char *const *names,
		    char *buf, size_t len)
{
	const struct tfw_plan_point *point;
	size_t pos = 0;
	int i;

	if (len)
		buf[0] = 0;
	for (i = 0; names[i]; i++) {
		point = &plan->point[i];
		if (!(plan->armed >> i & 1) || pos >= len)
			continue;
		pos += (size_t)snprintf(buf + pos, len - pos,
					"%s%s=%llu/%llu", pos ? " " : "",
					names[i],
					(unsigned long long)point->hits,
					(unsigned long long)point->passed);
	}
}

bool tfw_plan_strike(struct tfw_plan *plan, unsigned int i)
{
	struct tfw_plan_point *point = &plan->point[i];
	bool hit;

	point->passed++;
	if (point->limit && point->hits >= point->limit)
		return false;
	if (point->nth)
		hit = point->passed % point->nth == 0;
	else
		hit = rng_next(&point->rng) >> 32 < point->prob;
	point->hits += hit;
	return hit;
}

u64 tfw_plan_random(struct tfw_plan *plan, unsigned int i)
{
	return rng_next(&plan->point[i].rng);
}

bool tfw_dev_set_faults(struct tfw_dev *dev, const char *text, char *err,
			size_t err_len)
{
	return tfw_plan_parse(&dev->faults, fault_names, text, err, err_len);
}

bool tfw_dev_set_liar(struct tfw_dev *dev, const char *text, char *err,
		      size_t err_len)
{
	return tfw_plan_parse(&dev->liar, lie_names, text, err, err_len);
}

void tfw_dev_fault_counters(struct tfw_dev *dev, char *buf, size_t len)
{
	tfw_plan_print(&dev->faults, fault_names, buf, len);
}

void tfw_dev_liar_counters(struct tfw_dev *dev, char *buf, size_t len)
{
	tfw_plan_print(&dev->liar, lie_names, buf, len);
}

const char *tfw_fault_name(unsigned int point)
{
	return point < TFW_FAULT_POINTS ? fault_names[point] : NULL;
}

const char *tfw_lie_name(unsigned int lie)
{
	return lie < TFW_LIES ? lie_names[lie] : NULL;
}
