/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * What the fuzzers share. An input is a program of small operations, so that
 * cutting and joining inputs makes other programs; a byte that is not there
 * reads as 0, and every input means something.
 *
 * Each fuzzer ends the same way: a function reset must leave no object and
 * write nothing more, and destroying the device must free all memory.
 *
 * Built with FUZZ_SEEDS a fuzzer is a program that writes the inputs to start
 * from into the directory it is given: fuzz_seed() makes number 0, 1 ... and
 * returns 0 behind the last.
 */
#ifndef TFW_TEST_FUZZ_H
#define TFW_TEST_FUZZ_H

#include <stdio.h>

#include "net.h"

#define FUZZ_GRANTS	1024
#define FUZZ_COUNT(a)	(sizeof(a) / sizeof((a)[0]))

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
size_t fuzz_seed(unsigned int number, u8 *buf);

struct fuzz_in {
	const u8	*p;
	size_t		left;
};

/*
 * struct fuzz_mem - memory that the driver gave the device to write
 * @quiet: it may not write anything now
 * @any: everything may be written
 */
struct fuzz_mem {
	struct {
		u64	addr;
		u64	len;
	} grant[FUZZ_GRANTS];
	unsigned int	n;
	bool		quiet;
	bool		any;
};

#define FUZZ_AREA	(1U << 18)

/* Memory of rings, records, lists and data; used again from its start when full. */
struct fuzz_area {
	u64	addr;
	u32	used;
};

static inline void fuzz_area_init(struct fuzz_area *a, struct fake_dev *d)
{
	a->addr = fake_mem(d, FUZZ_AREA, 4096);
	a->used = 0;
}

static inline u64 fuzz_take(struct fuzz_area *a, u32 len)
{
	u64 addr;

	if (a->used + len > FUZZ_AREA)
		a->used = 0;
	addr = a->addr + a->used;
	a->used += (len + 4095) & ~4095U;
	return addr;
}

static inline u8 fuzz_u8(struct fuzz_in *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->p++;
}

static inline u16 fuzz_u16(struct fuzz_in *in)
{
	u8 low = fuzz_u8(in);

	return (u16)(low | fuzz_u8(in) << 8);
}

static inline u32 fuzz_u32(struct fuzz_in *in)
{
	u16 low = fuzz_u16(in);

	return low | (u32)fuzz_u16(in) << 16;
}

static inline void fuzz_bytes(struct fuzz_in *in, void *buf, size_t len)
{
	u8 *p = buf;

	while (len--)
		*p++ = fuzz_u8(in);
}

/* What is valid, with a few bytes of it changed. */
static inline void fuzz_spoil(struct fuzz_in *in, void *buf, size_t len)
{
	u8 n = fuzz_u8(in) & 7;

	while (n-- && len) {
		u16 at = fuzz_u16(in);

		((u8 *)buf)[at % len] ^= fuzz_u8(in);
	}
}

#define fuzz_assert(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "%s:%d: violated: %s\n", __FILE__, \
				__LINE__, #cond); \
			abort(); \
		} \
	} while (0)

static inline void fuzz_grant(struct fuzz_mem *m, u64 addr, u64 len)
{
	if (m->n == FUZZ_GRANTS) {
		m->any = true;
		return;
	}
	m->grant[m->n].addr = addr;
	m->grant[m->n++].len = len;
}

static inline void fuzz_check_write(const struct fuzz_mem *m, u64 addr,
				    size_t len)
{
	unsigned int i;

	fuzz_assert(!m->quiet);
	if (m->any || !len)
		return;
	for (i = 0; i < m->n; i++)
		if (addr >= m->grant[i].addr &&
		    addr - m->grant[i].addr <= m->grant[i].len &&
		    len <= m->grant[i].len - (addr - m->grant[i].addr))
			return;
	fprintf(stderr, "device wrote %zu bytes at %#llx, which it was not given\n",
		len, (unsigned long long)addr);
	abort();
}

/* Commands work: slots and mailboxes are given. */
static inline void fuzz_grant_commands(struct fuzz_mem *m,
				       const struct fake_dev *d)
{
	fuzz_grant(m, d->slots, FAKE_SLOTS * sizeof(struct tulle_cmd_slot));
	fuzz_grant(m, d->out_box, FAKE_BOX * 4096);
}

/* A queue's ring and the device's line of its record. */
static inline void fuzz_grant_queue(struct fuzz_mem *m,
				    const struct fake_queue *q)
{
	fuzz_grant(m, q->ring, 1UL << (q->log_size + q->log_entry));
}

static inline void fuzz_grant_dbr(struct fuzz_mem *m, struct fake_dev *d,
				  const struct tulle_dbr *dbr)
{
	fuzz_grant(m, (u64)((const u8 *)dbr - d->mem) + FAKE_BASE +
		   offsetof(struct tulle_dbr, evt), 64);
}

static inline void fuzz_check_objects(struct fake_dev *d)
{
	char text[512];
	const char *c;

	tfw_dev_objects(d->dev, text, sizeof(text));
	for (c = text; *c; c++)
		if (*c == '=' && (c[1] != '0' || (c[2] && c[2] != ' '))) {
			fprintf(stderr, "left after reset: %s\n", text);
			abort();
		}
}

static inline u64 fuzz_rmon(const struct tulle_mac_dir *dir)
{
	u64 sum = 0;
	int i;

	for (i = 0; i < TULLE_RMON_BUCKETS; i++)
		sum += le64_to_cpu(dir->rmon[i]);
	return sum;
}

/* What must hold of a port's counters whatever happened. */
static inline void fuzz_check_port(const struct tulle_port_stats *st)
{
	u64 tx = le64_to_cpu(st->tx.frames), rx = le64_to_cpu(st->rx.frames);

	fuzz_assert(fuzz_rmon(&st->tx) == tx);
	fuzz_assert(fuzz_rmon(&st->rx) == rx);
	fuzz_assert(le64_to_cpu(st->tx.octets) >= 64 * tx);
	fuzz_assert(le64_to_cpu(st->rx.octets) >= 64 * rx);
	fuzz_assert(le64_to_cpu(st->tx.multicast) +
		    le64_to_cpu(st->tx.broadcast) <= tx);
	fuzz_assert(le64_to_cpu(st->rx.multicast) +
		    le64_to_cpu(st->rx.broadcast) <= rx);
	fuzz_assert(le64_to_cpu(st->tx.pause) <= le64_to_cpu(st->tx.ctrl));
	fuzz_assert(le64_to_cpu(st->rx.pause) <= le64_to_cpu(st->rx.ctrl));
}

/* Nothing is left behind, and nothing is written any more. */
static inline void fuzz_end_dev(struct fake_dev *d, struct fuzz_mem *m)
{
	tfw_func_reset(d->dev, TFW_FUNC_PF);
	m->quiet = true;
	fuzz_check_objects(d);
	fake_advance(d->env, 100000000);
	fuzz_check_objects(d);
	fake_dev_exit(d);
}

static inline void fuzz_small_config(struct tfw_fw_config *cfg)
{
	tfw_fw_config_init(cfg);
	cfg->queue_pairs = 8;
	cfg->vectors = 16;
	cfg->boot_ms = 1;
	cfg->link_ms = 1;
	cfg->port_fifo = 64 * 1024;
}

#ifdef FUZZ_SEEDS
int main(int argc, char **argv)
{
	static u8 buf[1 << 16];
	unsigned int i;
	char name[4096];
	size_t len;
	FILE *f;

	if (argc != 2)
		return 2;
	for (i = 0; (len = fuzz_seed(i, buf)); i++) {
		snprintf(name, sizeof(name), "%s/seed-%u", argv[1], i);
		f = fopen(name, "wb");
		if (!f || fwrite(buf, 1, len, f) != len || fclose(f))
			return 1;
	}
	return 0;
}
#endif

#endif /* TFW_TEST_FUZZ_H */
