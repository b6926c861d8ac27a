/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Ring arithmetic: how the driver's side of SQ, RQ, CQ and EQ talks to the
 * device through shared memory. Nothing here allocates, sleeps, locks or
 * touches MMIO.
 *
 * Who owns what
 *   producer rings (SQ, RQ): the driver writes entries and dbr->pi; the device
 *	writes dbr->evt and dbr->ci_hint. ci_hint is never used as an index:
 *	what has completed is known from CQEs only.
 *   consumer rings (CQ, EQ): the device writes entries; the driver writes
 *	dbr->ci and dbr->arm. No value of an entry is trusted here but the
 *	owner bit, and that only says "there is something to look at".
 *
 * The kernel includes its own primitives. A user space program (the fence
 * stress test) defines, before it includes this file: bool, READ_ONCE(),
 * WRITE_ONCE(), mb(), dma_wmb(), dma_rmb(), smp_store_release(),
 * cpu_to_le32(), le32_to_cpu().
 */
#ifndef TULLE_RING_H
#define TULLE_RING_H

#include <linux/types.h>
#ifdef __KERNEL__
#include <asm/barrier.h>
#include <asm/byteorder.h>
#include <asm/rwonce.h>
#endif
#include "tulle_hw.h"

/**
 * struct tulle_ring - shape of a ring in memory
 * @buf: first entry; contiguous for the CPU, zeroed before the ring is created
 * @mask: entries - 1
 * @log_size: log2 of the number of entries
 * @log_entry: log2 of the bytes of an entry
 */
struct tulle_ring {
	void *buf;
	__u32 mask;
	__u8 log_size;
	__u8 log_entry;
};

/**
 * tulle_ring_at() - the entry that a free-running counter names
 * @ring: the ring
 * @index: free-running counter, any value
 *
 * Context: any.
 * Return: address of the entry, always inside the ring.
 */
static inline void *tulle_ring_at(const struct tulle_ring *ring, __u32 index)
{
	return (char *)ring->buf +
	       ((unsigned long)(index & ring->mask) << ring->log_entry);
}

/**
 * tulle_ring_size() - number of entries
 * @ring: the ring
 *
 * Return: a power of 2.
 */
static inline __u32 tulle_ring_size(const struct tulle_ring *ring)
{
	return ring->mask + 1;
}

/**
 * tulle_ring_init() - describe a ring
 * @ring: filled
 * @buf: its memory, zeroed
 * @log_size: log2 of the entries, at most 31
 * @log_entry: log2 of the bytes of one
 */
static inline void tulle_ring_init(struct tulle_ring *ring, void *buf,
				   __u8 log_size, __u8 log_entry)
{
	ring->buf = buf;
	ring->mask = (1U << log_size) - 1;
	ring->log_size = log_size;
	ring->log_entry = log_entry;
}

/**
 * struct tulle_prod - a ring that the driver fills (SQ: in blocks, RQ: in WQEs)
 * @ring: the entries
 * @dbr: its doorbell record
 * @pi: next entry to write; moved by the owner of the queue
 * @ci: first entry not known to be completed; moved by the owner of the queue
 * @published: the value of @pi that the device was told last
 */
struct tulle_prod {
	struct tulle_ring ring;
	struct tulle_dbr *dbr;
	__u32 pi;
	__u32 ci;
	__u32 published;
};

/**
 * tulle_prod_init() - start a producer ring over
 * @prod: the ring
 * @dbr: its record, both lines zeroed
 */
static inline void tulle_prod_init(struct tulle_prod *prod,
				   struct tulle_dbr *dbr)
{
	prod->dbr = dbr;
	prod->pi = 0;
	prod->ci = 0;
	prod->published = 0;
}

/**
 * tulle_prod_used() - entries between consumer and producer index
 * @prod: the ring
 *
 * Return: 0..size.
 */
static inline __u32 tulle_prod_used(const struct tulle_prod *prod)
{
	return prod->pi - prod->ci;
}

/**
 * tulle_prod_room() - entries that may be written
 * @prod: the ring
 *
 * Return: 0..size.
 */
static inline __u32 tulle_prod_room(const struct tulle_prod *prod)
{
	return tulle_ring_size(&prod->ring) - tulle_prod_used(prod);
}

/**
 * tulle_prod_is_empty() - is nothing outstanding?
 * @prod: the ring
 *
 * Return: true when all that was produced is known to be completed.
 */
static inline bool tulle_prod_is_empty(const struct tulle_prod *prod)
{
	return prod->pi == prod->ci;
}

/**
 * tulle_prod_to_end() - entries from @pi to where the ring wraps
 * @prod: the ring
 *
 * A WQE does not wrap: when it needs more blocks than this, the rest is filled
 * with NOPs first.
 * Return: 1..size.
 */
static inline __u32 tulle_prod_to_end(const struct tulle_prod *prod)
{
	return tulle_ring_size(&prod->ring) - (prod->pi & prod->ring.mask);
}

/**
 * tulle_prod_at() - the entry that is written next
 * @prod: the ring
 *
 * Return: its address.
 */
static inline void *tulle_prod_at(const struct tulle_prod *prod)
{
	return tulle_ring_at(&prod->ring, prod->pi);
}

/**
 * tulle_prod_has() - is an index that the device named outstanding?
 * @prod: the ring
 * @index: from a CQE: an entry that completed
 *
 * Return: true when @index lies in [ci, pi).
 */
static inline bool tulle_prod_has(const struct tulle_prod *prod, __u32 index)
{
	return index - prod->ci < tulle_prod_used(prod);
}

/**
 * tulle_kick_needed() - the kick rule
 * @new_pi: producer index just published
 * @old_pi: the one published before
 * @evt: event index of the device
 *
 * Return: true when @evt is one of [old_pi, new_pi), that is when the
 * device said it would stop looking at an index that has now been passed.
 */
static inline bool tulle_kick_needed(__u32 new_pi, __u32 old_pi, __u32 evt)
{
	return (__u32)(new_pi - evt - 1) < (__u32)(new_pi - old_pi);
}

/**
 * tulle_prod_publish_at() - hand all entries up to @pi to the device
 * @prod: the ring; its entries up to @prod->pi are written
 * @pi: where the device reads the producer index of this ring
 * @evt: where it writes the event index
 *
 * For rings that share a record with another. Once per batch. Context: any;
 * the caller serialises producers.
 * Return: true when the doorbell must be rung.
 */
static inline bool tulle_prod_publish_at(struct tulle_prod *prod, __le32 *pi,
					 const __le32 *evt)
{
	__u32 old_pi = prod->published;

	/* Entries before the index: pairs with the device's acquire of pi. */
	dma_wmb();
	WRITE_ONCE(*pi, cpu_to_le32(prod->pi));
	prod->published = prod->pi;
	/*
	 * pi before evt: pairs with the fence between the device's store of
	 * evt and its second look at pi. One of the two sees the other.
	 */
	mb();
	return tulle_kick_needed(prod->pi, old_pi,
				 le32_to_cpu(READ_ONCE(*evt)));
}

/**
 * tulle_prod_publish() - hand all entries of an SQ, RQ or SRQ to the device
 * @prod: the ring; its entries up to @prod->pi are written
 *
 * As tulle_prod_publish_at(), with the members that a ring has which does not
 * share its record.
 * Return: true when the doorbell must be rung.
 */
static inline bool tulle_prod_publish(struct tulle_prod *prod)
{
	return tulle_prod_publish_at(prod, &prod->dbr->pi, &prod->dbr->evt);
}

/**
 * struct tulle_cons - a ring that the device fills (CQ, EQ)
 * @ring: the entries; the owner byte is the last of each
 * @dbr: its doorbell record
 * @ci: next entry to look at
 * @arm_sn: serial number of the last arming
 */
struct tulle_cons {
	struct tulle_ring ring;
	struct tulle_dbr *dbr;
	__u32 ci;
	__u32 arm_sn;
};

/**
 * tulle_cons_init() - start a consumer ring over
 * @cons: the ring, its memory zeroed
 * @dbr: its record, both lines zeroed
 */
static inline void tulle_cons_init(struct tulle_cons *cons,
				   struct tulle_dbr *dbr)
{
	cons->dbr = dbr;
	cons->ci = 0;
	cons->arm_sn = 0;
}

/**
 * tulle_owner_is_valid() - the owner test
 * @owner: owner byte of the entry
 * @ci: free-running index of the entry
 * @log_size: log2 of the ring's entries
 *
 * Owner is 1 on the first lap and flips each lap, so a zeroed ring is empty.
 *
 * Return: true when the device has written the entry in this lap.
 */
static inline bool tulle_owner_is_valid(__u8 owner, __u32 ci, __u8 log_size)
{
	return (owner & 1) != ((ci >> log_size) & 1);
}

/**
 * tulle_cons_peek() - the next entry, if the device has written it
 * @cons: the ring
 *
 * Context: any; the caller serialises consumers.
 * Return: the entry, to be read before tulle_cons_update() says that it was
 * consumed, or NULL.
 */
static inline void *tulle_cons_peek(const struct tulle_cons *cons)
{
	char *entry = tulle_ring_at(&cons->ring, cons->ci);
	__u8 *owner = (__u8 *)entry + (1U << cons->ring.log_entry) - 1;

	if (!tulle_owner_is_valid(READ_ONCE(*owner), cons->ci,
				  cons->ring.log_size))
		return NULL;
	/* Owner before the rest: pairs with the device's release of owner. */
	dma_rmb();
	return entry;
}

/**
 * tulle_cons_pop() - step to the next entry
 * @cons: the ring
 *
 * The device learns of it with tulle_cons_update() or tulle_cons_arm().
 */
static inline void tulle_cons_pop(struct tulle_cons *cons)
{
	cons->ci++;
}

/**
 * tulle_cons_update() - give all entries before @ci back to the device
 * @cons: the ring
 *
 * Once per batch. The device uses it to see an overrun coming.
 */
static inline void tulle_cons_update(struct tulle_cons *cons)
{
	/* Reads of entries before ci: pairs with the device's acquire of ci. */
	smp_store_release(&cons->dbr->ci, cpu_to_le32(cons->ci));
}

/**
 * tulle_cons_arm() - ask for an event (CQ) or interrupt (EQ) for what follows
 * @cons: the ring
 * @mode: TULLE_ARM_ANY or TULLE_ARM_SOLICITED
 *
 * Also publishes @ci. The caller MUST tulle_cons_peek() afterwards and, if
 * there is an entry, poll on: the event may never come for it.
 */
static inline void tulle_cons_arm(struct tulle_cons *cons,
				  enum tulle_arm_mode mode)
{
	cons->arm_sn++;
	tulle_cons_update(cons);
	WRITE_ONCE(cons->dbr->arm, cpu_to_le32(cons->arm_sn << 2 | mode));
	/*
	 * arm before the next owner test: pairs with the fence between the
	 * device's release of owner and its load of arm.
	 */
	mb();
}

#endif /* TULLE_RING_H */
