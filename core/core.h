/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Private header of tulle_core: the device and the prototypes, by file.
 *
 * Life of a device. All transitions run under the devlink lock.
 *
 *	probe -> tulle_up() <-> tulle_down() -> remove
 *
 * up: reset the function, start commands, check capabilities, create the
 * kernel's objects, attach clients. down: the reverse. Whoever sees the device
 * die calls tulle_dev_fail(), from any context: commands fail from then on, DMA
 * is off, and a work item takes the device down and reports to devlink health,
 * whose recovery brings it up. @held keeps recovery out while PCI (suspend,
 * FLR, AER) holds the device down and will bring it up itself.
 *
 * Lock order: as in tulle_core.h; then, inside core, outermost first:
 *	tulle_irqs.lock, tulle_eq.lock (irq), tulle_core.life_lock (irq),
 *	tulle_cmdq.lock (irq)
 *	tulle_uar.lock is a leaf.
 */
#ifndef TULLE_CORE_PRIVATE_H
#define TULLE_CORE_PRIVATE_H

#include <linux/completion.h>
#include <linux/kfifo.h>
#include <linux/pci.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/devlink.h>
#include "tulle_core.h"

#define TULLE_CMD_SLOTS		64
#define TULLE_ADEVS		2

struct tulle_core;
struct dma_pool;

struct tulle_mbox_page {
	void *buf;
	dma_addr_t dma;
};

/* One side (request or response) of a command that does not fit its slot. */
struct tulle_mbox {
	unsigned int npages;
	struct tulle_mbox_page one;
	struct tulle_mbox_page *page;	/* &one, or an array */
	struct tulle_mbox_page list;
};

enum tulle_slot_state {
	TULLE_SLOT_FREE,
	TULLE_SLOT_BUSY,
	TULLE_SLOT_LOST,	/* the device may still own it: until reset */
};

struct tulle_cmd_ent {
	enum tulle_slot_state state;
	struct completion done;
	struct tulle_mbox in;
	struct tulle_mbox out;
	u16 op;
	u32 token;
};

struct tulle_op_stats {
	u64 count;
	u64 failed;
	u64 nsecs;
	u64 nsecs_max;
};

struct tulle_cmdq {
	spinlock_t lock;	/* everything below but slots' contents */
	wait_queue_head_t wait;	/* for a free slot, or for the end */
	bool open;
	bool events;
	unsigned int nslots;
	unsigned int nfree;
	unsigned int nlost;
	u32 token;
	u32 limit_ms;
	u32 max_mbox;
	struct tulle_cmd_ent ent[TULLE_CMD_SLOTS];
	struct tulle_op_stats *stats;	/* by index in the opcode table */
	u64 timeouts;
	u64 found_by_poll;
	u64 stale_events;

	struct tulle_cmd_slot *slots;
	dma_addr_t slots_dma;
	struct dma_pool *pool;
};

struct tulle_eq {
	/* Serialises whoever consumes: the interrupt and recovery. */
	spinlock_t lock;
	struct tulle_cons cons;
	bool live;
	bool async;
	bool lost;	/* an event made no sense */
	u32 handle;
	struct tulle_core *core;
	struct tulle_mem mem;
	struct tulle_dbr_ref dbr;
	struct xarray cqs;	/* by index of their handle */
	struct timer_list again;	/* after a storm */
	u64 events;
	u64 interrupts;
	u64 recovered;
	u64 bogus;
	u64 storms;
};

struct tulle_vector {
	struct tulle_vec vec;
	unsigned int users;
	struct tulle_eq eq;
	char name[40];
};

struct tulle_irqs {
	struct mutex lock;	/* users of vectors, and their EQs */
	bool running;
	unsigned int nvecs;
	struct tulle_vector *vecs;	/* 0 is the asynchronous one */
	unsigned int first[TULLE_VEC_POOLS];
	unsigned int count[TULLE_VEC_POOLS];
};

struct tulle_uars {
	struct mutex lock;	/* pages and their maps */
	struct list_head pages;
};

struct tulle_health {
	struct devlink_health_reporter *reporter;
	struct delayed_work watch;
	struct work_struct fail;
	const char *reason;
	u32 heartbeat;
	unsigned int missed;
	u64 failures;
	u64 recoveries;
};

struct tulle_events {
	struct blocking_notifier_head chain;
	struct work_struct work;
	DECLARE_KFIFO(fifo, struct tulle_async_event, 512);
	spinlock_t lock;	/* the fifo */
	bool missed;
	bool dead;
	u64 dropped;
};

struct tulle_client_slot {
	const struct tulle_client *client;
	bool attached;
};

enum tulle_flag {
	TULLE_F_FAILED,		/* from tulle_dev_fail() until the next reset */
	TULLE_F_GONE,		/* not on the bus any more */
	TULLE_F_REMOVING,	/* no recovery, no new auxiliary devices */
	TULLE_F_PORT,		/* devlink port registered */
};

struct tulle_core {
	struct tulle_dev dev;
	void __iomem *regs;
	unsigned long flags;
	spinlock_t life_lock;	/* TULLE_F_FAILED, and what goes off with it */
	bool loaded;		/* devlink lock */
	bool held;		/* devlink lock */
	bool caps_known;
	bool rdma_caps_known;
	int up_error;		/* of the last tulle_up() */
	struct tulle_caps caps;
	struct tulle_rdma_caps rdma_caps;
	struct workqueue_struct *wq;

	struct tulle_cmdq cmd;
	struct tulle_irqs irqs;
	struct tulle_uars uars;
	struct tulle_events events;
	struct tulle_health health;
	u32 pd;

	struct devlink_port port;
	struct tulle_adev *adevs[TULLE_ADEVS];
	struct tulle_client_slot clients[TULLE_ADEVS];
	struct delayed_work attach_work;
	unsigned int attach_tries;	/* devlink lock */
	struct work_struct adev_work;
	struct mutex adev_lock;	/* probe and the work item add to adevs[] */
	struct pci_saved_state *config;	/* of the last time it was up */
	struct dentry *debugfs;
};

static inline struct tulle_core *to_tulle_core(const struct tulle_dev *dev)
{
	return container_of(dev, struct tulle_core, dev);
}

/* aux.c */
int tulle_adevs_add(struct tulle_core *core);
void tulle_adevs_del(struct tulle_core *core);
void tulle_adev_work(struct work_struct *work);
void tulle_announce(struct tulle_core *core);
void tulle_clients_attach(struct tulle_core *core);
void tulle_attach_work(struct work_struct *work);
void tulle_clients_detach(struct tulle_core *core);

/* bar.c */
int tulle_bar_map(struct tulle_core *core);
void tulle_bar_unmap(struct tulle_core *core);
int tulle_bar_check(struct tulle_core *core);
bool tulle_answers(struct tulle_core *core);
void tulle_config_save(struct tulle_core *core);
void tulle_config_restore(struct tulle_core *core);
u32 tulle_rd32(struct tulle_core *core, u32 offset);
void tulle_wr32(struct tulle_core *core, u32 offset, u32 value);
int tulle_reset(struct tulle_core *core);
int tulle_wait_ready(struct tulle_core *core);

/* caps.c */
int tulle_caps_load(struct tulle_core *core);

/* cmd.c */
int tulle_cmd_init(struct tulle_core *core);
void tulle_cmd_cleanup(struct tulle_core *core);
int tulle_cmd_start(struct tulle_core *core);
void tulle_cmd_stop(struct tulle_core *core);
void tulle_cmd_use_events(struct tulle_core *core, bool on);
void tulle_cmd_abort(struct tulle_core *core);
void tulle_cmd_event(struct tulle_core *core, u64 slots);

/* cmd_mbox.c */
int tulle_mbox_alloc(struct tulle_cmdq *cmd, struct tulle_mbox *mbox, u32 len);
void tulle_mbox_free(struct tulle_cmdq *cmd, struct tulle_mbox *mbox);
void tulle_mbox_write(struct tulle_mbox *mbox, const void *from, u32 len);
void tulle_mbox_read(const struct tulle_mbox *mbox, void *to, u32 len);
dma_addr_t tulle_mbox_addr(const struct tulle_mbox *mbox);

/* cmd_status.c */
#define TULLE_OP_MEMORY	0x1	/* hands memory over or takes it back */
struct tulle_op_info {
	u16 op;
	u8 flags;
	const char *name;
};

const struct tulle_op_info *tulle_op_info(u16 op);
const struct tulle_op_info *tulle_op_at(unsigned int index);
unsigned int tulle_op_index(const struct tulle_op_info *info);
unsigned int tulle_op_count(void);
int tulle_status_to_errno(u8 status);
const char *tulle_status_name(u8 status);

/* debugfs.c */
void tulle_debugfs_init(void);
void tulle_debugfs_cleanup(void);
void tulle_debugfs_add(struct tulle_core *core);
void tulle_debugfs_del(struct tulle_core *core);

/* devlink.c */
extern const struct devlink_ops tulle_devlink_ops;
int tulle_port_register(struct tulle_core *core);
void tulle_port_unregister(struct tulle_core *core);

/* eq.c */
void tulle_eq_init(struct tulle_core *core, struct tulle_eq *eq);
int tulle_eq_create(struct tulle_core *core, struct tulle_eq *eq,
		    unsigned int vector, u8 log_size, bool async);
void tulle_eq_destroy(struct tulle_core *core, struct tulle_eq *eq);
unsigned int tulle_eq_poll(struct tulle_eq *eq);
unsigned int tulle_eq_look(struct tulle_eq *eq);
int tulle_eq_add_cq(struct tulle_eq *eq, struct tulle_cq *cq);
void tulle_eq_del_cq(struct tulle_eq *eq, struct tulle_cq *cq);

/* events.c */
void tulle_events_init(struct tulle_core *core);
void tulle_events_flush(struct tulle_core *core);
void tulle_event_post(struct tulle_core *core, const struct tulle_eqe *eqe);
void tulle_event_lost(struct tulle_core *core);
void tulle_event_post_dead(struct tulle_core *core);

/* health.c */
int tulle_health_create(struct tulle_core *core);
void tulle_health_destroy(struct tulle_core *core);
void tulle_health_start(struct tulle_core *core);
void tulle_health_stop(struct tulle_core *core);
void tulle_health_init(struct tulle_core *core);
void tulle_health_drain(struct tulle_core *core);
void tulle_health_note(struct tulle_core *core, const char *reason);

/* irq.c */
int tulle_irqs_init(struct tulle_core *core);
void tulle_irqs_cleanup(struct tulle_core *core);
int tulle_irqs_start(struct tulle_core *core);
void tulle_irqs_stop(struct tulle_core *core);

/* load.c */
int tulle_up(struct tulle_core *core);
void tulle_down(struct tulle_core *core);

/* mkey.c */
int tulle_mkey_init(struct tulle_core *core);
void tulle_mkey_cleanup(struct tulle_core *core);

/* rdma.c */
int tulle_rdma_load(struct tulle_core *core);

/* uar.c */
void tulle_uars_init(struct tulle_core *core);
void tulle_uars_cleanup(struct tulle_core *core);

#endif /* TULLE_CORE_PRIVATE_H */
