/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * A machine for the firmware to run in: flat memory per device, a clock that
 * moves when told, interrupts and frames that are recorded; and the least of
 * a driver: commands, event and completion queues.
 */
#ifndef TFW_TEST_FAKE_H
#define TFW_TEST_FAKE_H

#include <stddef.h>

#include "fw.h"
#include "tulle_bits.h"
#include "tulle_hw.h"

#define FAKE_VECTORS	256
#define FAKE_FRAMES	512
#ifndef FAKE_MEM	/* fuzzers take less: they make it anew for every input */
#define FAKE_MEM	(64UL << 20)
#define FAKE_BOX	513		/* pages of a mailbox, list included */
#endif
#define FAKE_BASE	0x10000UL	/* address of the first byte of memory */
#define FAKE_SLOTS	64

struct fake_frame {
	u8	*data;
	size_t	len;
};

/**
 * struct fake - the machine
 * @now: the clock
 * @allocs: live allocations
 * @alloc_budget: allocations still granted; negative: any number
 * @log_errors: error lines logged
 * @fatals: calls of fatal
 */
struct fake {
	struct tfw_engine	*engine;
	u64			now;
	long			allocs;
	long			alloc_budget;
	unsigned int		log_errors;
	unsigned int		fatals;
};

/**
 * struct fake_dev - a device and its driver's memory
 * @top: next byte that fake_mem() gives away
 * @irqs: interrupts raised, by vector
 * @writes: DMA writes and stores of the device
 * @loads: DMA loads of the device
 * @hole: DMA to [hole, hole + hole_len) fails
 * @no_map: dma_map always fails, so that the copying paths run
 * @on_write: sees every write of the device before it is done; may be NULL
 * @tx_full: port_tx takes nothing
 * @frames: what port_tx took, newest last; reset with fake_frames_drop()
 * @captured: frames that capture saw
 * @rx_ready: calls of port_rx_ready
 */
struct fake_dev {
	struct fake		*env;
	struct tfw_dev		*dev;
	u8			*mem;
	u64			top;
	u64			hole;
	u64			hole_len;
	u64			writes;
	u64			loads;
	bool			no_map;
	void			(*on_write)(struct fake_dev *d, u64 addr,
					    size_t len);
	bool			tx_full;
	u32			irqs[FAKE_VECTORS];
	struct fake_frame	frames[FAKE_FRAMES];
	unsigned int		nframes;
	unsigned int		captured;
	unsigned int		rx_ready;
	unsigned int		resets;

	/* driver */
	u64			slots;
	u64			in_box;		/* pages for one request */
	u64			out_box;
	u32			syndrome;	/* of the last command */
	u32			out_used;
};

void fake_init(struct fake *env);
void fake_exit(struct fake *env);	/* also checks that nothing leaked */
u64 fake_leaks(const struct fake *env);

/* @cfg NULL: defaults with short delays. Not booted yet. */
bool fake_dev_init(struct fake *env, struct fake_dev *d,
		   const struct tfw_fw_config *cfg);
void fake_dev_exit(struct fake_dev *d);

/* Runs passes until nothing is left to do; then moves the clock. */
void fake_run(struct fake *env);
void fake_advance(struct fake *env, u64 ns);

/* To READY, command slots set up. */
void fake_boot(struct fake_dev *d);
void fake_cmd_setup(struct fake_dev *d);

/* Zeroed memory of the driver; fake_ptr() is its host address. */
u64 fake_mem(struct fake_dev *d, size_t size, size_t align);
void *fake_ptr(struct fake_dev *d, u64 addr);

struct tulle_cmd_slot *fake_slot(struct fake_dev *d, u32 slot);
void fake_post(struct fake_dev *d, u32 slot);	/* owner, no doorbell */
void fake_cmd_doorbell(struct fake_dev *d);

/* A command through slot 0, answered at once. */
enum tulle_status fake_cmd(struct fake_dev *d, u16 op, const void *in,
			   u32 in_len, void *out, u32 out_len);
/* Creates something: handle, or 0 and *@st (may be NULL). */
u32 fake_create(struct fake_dev *d, u16 op, const void *in, u32 in_len,
		enum tulle_status *st);
enum tulle_status fake_destroy(struct fake_dev *d, u16 op, u32 handle);

u32 fake_reg(struct fake_dev *d, u32 offset);
void fake_kick(struct fake_dev *d, u32 doorbell, u32 handle);

/* An event or completion queue, driver's side. */
struct fake_queue {
	struct fake_dev	*d;
	u64		ring;
	u64		dbr_addr;
	struct tulle_dbr *dbr;
	u32		handle;
	u32		ci;
	u32		sn;
	u8		log_size;
	u8		log_entry;
};

enum tulle_status fake_eq_create(struct fake_dev *d, struct fake_queue *q,
				 u8 log_size, u16 vector, u8 flags);
enum tulle_status fake_cq_create(struct fake_dev *d, struct fake_queue *q,
				 u32 eq, u8 log_size, u8 log_cqe,
				 u16 mod_frames, u16 mod_usecs);

/* The next entry, consumed; NULL: none. Stays readable until overwritten. */
void *fake_poll(struct fake_queue *q);
void fake_arm(struct fake_queue *q, enum tulle_arm_mode mode);

/* A contiguous page list of @size bytes of fresh memory at *@addr. */
struct tulle_page_list fake_pages(struct fake_dev *d, size_t size, u64 *addr);

void fake_frames_drop(struct fake_dev *d);

/* Hands a backend frame to the port. */
bool fake_receive(struct fake_dev *d, const void *data, size_t len);

/* Both ports up and joined, ready for traffic. */
bool fake_cable(struct fake_dev *a, struct fake_dev *b);
enum tulle_status fake_port_up(struct fake_dev *d);

#endif /* TFW_TEST_FAKE_H */
