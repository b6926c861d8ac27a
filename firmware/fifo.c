// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Frames that must wait are copied into chunks of a fixed pool.
 */
#include "eth.h"

/* In front of a stored frame. */
struct stored {
	u32			npkts;	/* still to come */
	u32			skip;	/* done with */
	u32			nchunks;
	u32			hash;
	u8			hash_type;
	u32			len;
	u16			hdr_len;
	u16			vport;
	u16			flags;
	u16			csum_start;
	u16			csum_at;
	u16			mss;
	u16			l3;
	u16			l4;
	u32			all;	/* packets it was stored with */
	u32			mark;
	u32			meta;
	u64			time;
	struct tfw_parse	p;
	u8			hdr[TFW_HDR_MAX];
};

#define ROOM_FIRST	(TFW_CHUNK - (u32)sizeof(struct stored))

static u8 *chunk_at(const struct tfw_fifo *ff, u16 chunk)
{
	return ff->mem + (size_t)(chunk - 1) * TFW_CHUNK;
}

static struct stored *stored_at(const struct tfw_fifo *ff, u16 first)
{
	return (struct stored *)chunk_at(ff, first);
}

bool tfw_fifo_init(struct tfw_engine *e, struct tfw_fifo *ff, u32 bytes)
{
	u32 n = TFW_MIN(bytes / TFW_CHUNK, 0xfffeU), i;

	ff->mem = tfw_alloc(e, (size_t)n * TFW_CHUNK);
	ff->next = tfw_alloc(e, (n + 1) * sizeof(*ff->next));
	ff->after = tfw_alloc(e, (n + 1) * sizeof(*ff->after));
	if (!ff->mem || !ff->next || !ff->after) {
		tfw_fifo_cleanup(e, ff);
		return false;
	}
	ff->n = n;
	ff->nfree = n;
	ff->free = 1;
	for (i = 1; i < n; i++)
		ff->next[i] = (u16)(i + 1);
	return true;
}

void tfw_fifo_cleanup(struct tfw_engine *e, struct tfw_fifo *ff)
{
	tfw_free(e, ff->mem);
	tfw_free(e, ff->next);
	tfw_free(e, ff->after);
	*ff = (struct tfw_fifo){ 0 };
}

static u16 take_chunk(struct tfw_fifo *ff)
{
	u16 chunk = ff->free;

	ff->free = ff->next[chunk];
	ff->next[chunk] = 0;
	ff->nfree--;
	return chunk;
}

static void save(struct stored *s, const struct tfw_frame *f)
{
	s->npkts = f->npkts;
	s->all = f->npkts;
	s->skip = 0;
	s->len = f->len;
	s->hdr_len = f->hdr_len;
	s->vport = f->vport;
	s->flags = f->flags;
	s->csum_start = f->csum_start;
	s->csum_at = f->csum_at;
	s->mss = f->mss;
	s->l3 = f->l3;
	s->l4 = f->l4;
	s->mark = f->mark;
	s->meta = f->meta;
	s->time = f->time;
	s->p = f->p;
	memcpy(s->hdr, f->hdr, f->hdr_len);
}

u16 tfw_fifo_store(struct tfw_fifo *ff, struct tfw_frame *f, u32 hash,
		   u8 hash_type)
{
	u32 payload = f->len - f->hdr_len, off = f->hdr_len, n, need = 1;
	u16 first, last, chunk;
	struct stored *s;

	if (payload > ROOM_FIRST)
		need += (payload - ROOM_FIRST + TFW_CHUNK - 1) / TFW_CHUNK;
	if (need > ff->nfree)
		return 0;
	if (f->flags & TFW_F_ICRC)
		tfw_frame_finish(f);
	first = take_chunk(ff);
	s = stored_at(ff, first);
	save(s, f);
	s->hash = hash;
	s->hash_type = hash_type;
	s->nchunks = need;
	n = TFW_MIN(payload, ROOM_FIRST);
	tfw_frame_copy(f, off, s + 1, n);
	for (last = first; payload > n; last = chunk) {
		off += n;
		payload -= n;
		n = TFW_MIN(payload, (u32)TFW_CHUNK);
		chunk = take_chunk(ff);
		ff->next[last] = chunk;
		tfw_frame_copy(f, off, chunk_at(ff, chunk), n);
	}
	ff->after[first] = 0;
	return first;
}

void tfw_fifo_load(const struct tfw_fifo *ff, u16 first, struct tfw_frame *f,
		   u32 *hash, u8 *hash_type)
{
	const struct stored *s = stored_at(ff, first);
	u32 payload = s->len - s->hdr_len, n;
	u16 chunk;

	f->npkts = s->all;
	f->len = s->len;
	f->hdr_len = s->hdr_len;
	f->vport = s->vport;
	f->flags = s->flags;
	f->csum_start = s->csum_start;
	f->csum_at = s->csum_at;
	f->mss = s->mss;
	f->l3 = s->l3;
	f->l4 = s->l4;
	f->mark = s->mark;
	f->meta = s->meta;
	f->time = s->time;
	f->p = s->p;
	memcpy(f->hdr, s->hdr, s->hdr_len);
	*hash = s->hash;
	*hash_type = s->hash_type;
	f->niov = 0;
	n = TFW_MIN(payload, ROOM_FIRST);
	if (n)
		f->iov[f->niov++] = (struct tfw_iov){ s + 1, n };
	for (chunk = first; payload > n;) {
		payload -= n;
		n = TFW_MIN(payload, (u32)TFW_CHUNK);
		chunk = ff->next[chunk];
		f->iov[f->niov++] = (struct tfw_iov){ chunk_at(ff, chunk), n };
	}
}

u32 tfw_fifo_npkts(const struct tfw_fifo *ff, u16 first)
{
	return stored_at(ff, first)->npkts;
}

u32 tfw_fifo_skip(const struct tfw_fifo *ff, u16 first)
{
	return stored_at(ff, first)->skip;
}

void tfw_fifo_advance(struct tfw_fifo *ff, u16 first, u32 n)
{
	stored_at(ff, first)->npkts -= n;
	stored_at(ff, first)->skip += n;
}

void tfw_fifo_drop(struct tfw_fifo *ff, u16 first)
{
	u16 chunk = first, next;

	for (; chunk; chunk = next) {
		next = ff->next[chunk];
		ff->next[chunk] = ff->free;
		ff->free = chunk;
		ff->nfree++;
	}
}
