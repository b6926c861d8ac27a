/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the QEMU host share. Only files in this directory know
 * QEMU, and of the firmware they know fw.h and platform.h.
 *
 * Locks, in the order they are taken:
 *
 *	BQL		QEMU's big lock
 *	group->lock	the engine lock: serialises calls into the firmware
 *
 * Nothing takes the BQL while it holds an engine lock. Where addresses are
 * translated by a vIOMMU the BQL is taken first (group->needs_bql).
 */
#ifndef TQEMU_HOST_H
#define TQEMU_HOST_H

#include "qemu/osdep.h"
#include "qemu/bitmap.h"
#include "qemu/event_notifier.h"
#include "qemu/notify.h"
#include "qemu/queue.h"
#include "qemu/thread.h"
#include "exec/memory.h"
#include "hw/pci/pci_device.h"
#include "net/net.h"
#include "system/runstate.h"

/*
 * Relative, as they lie in QEMU's tree: a search path would be one for every
 * file of QEMU.
 */
#include "../fw.h"
#include "../include/tulle_hw.h"

#define TYPE_TULLE		"tulle"
OBJECT_DECLARE_SIMPLE_TYPE(tqemu_dev, TULLE)

#define TQEMU_MAX_VECTORS	2048
#define TQEMU_CABLE_ENDS	2
#define TQEMU_IOTLB_SIZE	4096
#define TQEMU_TEXT		1024

struct tqemu_pcap;

/* A stretch of an address space that leads to RAM or to a vIOMMU. */
struct tqemu_section {
	hwaddr			base;
	hwaddr			last;
	uint8_t			*host;		/* NULL: a vIOMMU */
	bool			readonly;
	MemoryRegion		*mr;
	hwaddr			offset;		/* of @base in @mr */
	MemoryRegionCache	dirty;		/* names the RAM to QEMU's dirty tracking */
};

/*
 * The sections of one address space, sorted. @next follows QEMU's updates and
 * becomes @section with the engine quiet.
 */
struct tqemu_map {
	MemoryListener		listener;
	struct tqemu_dev	*dev;
	struct tqemu_section	*section;
	unsigned int		n;
	unsigned int		hint;
	bool			has_iommu;
	bool			changed;
	GArray			*next;		/* of struct tqemu_section */
};

struct tqemu_notifier {
	IOMMUNotifier			n;
	struct tqemu_dev		*dev;
	MemoryRegion			*mr;
	hwaddr				delta;	/* from mr offset to bus address */
	QLIST_ENTRY(tqemu_notifier)	entry;
};

struct tqemu_iotlb_entry {
	uint64_t		page;		/* bus address >> 12 */
	IOMMUAccessFlags	perm;		/* IOMMU_NONE: empty */
	uint8_t			*host;
	struct tqemu_section	*section;
};

/* How a device reaches guest memory. */
struct tqemu_dma {
	struct tqemu_map	bus;		/* the function's bus-master view */
	struct tqemu_map	sys;		/* what a vIOMMU translates to */
	QLIST_HEAD(, tqemu_notifier) notifiers;
	struct tqemu_iotlb_entry *iotlb;
	bool			on;		/* bus master, D0 and there */
	uint64_t		errors;
};

/* Frames on their way to the backend: filled by a pass, emptied by the BQL. */
struct tqemu_txq {
	uint8_t			*buf;
	uint32_t		head;		/* producer, free-running bytes */
	uint32_t		tail;		/* consumer */
	bool			starved;	/* port_tx said no */
	bool			stalled;	/* the backend said no */
};

struct tqemu_net {
	NICState		*nic;
	NICConf			conf;
	Notifier		machine_done;
	struct tqemu_txq	txq;
	bool			rx_ready;	/* atomic */
	QEMUBH			*bh;
	uint64_t		drops;
};

enum tqemu_mode {
	TQEMU_MODE_AUTO,
	TQEMU_MODE_INLINE,
	TQEMU_MODE_THREAD,
};

/*
 * An engine with its devices: a device alone, or two on a cable. Freed by
 * whoever drops the last reference, which may be the engine thread.
 */
struct tqemu_group {
	QemuMutex		lock;
	unsigned int		refs;		/* atomic */
	unsigned int		waiters;	/* of @lock, under the BQL; atomic */
	struct tfw_engine	*fw;
	char			*cable;
	struct tqemu_dev	*dev[TQEMU_CABLE_ENDS];	/* BQL and @lock */
	enum tqemu_mode		mode;
	VMChangeStateEntry	*vmstate;
	QLIST_ENTRY(tqemu_group) entry;

	/* written under the BQL and @lock, so either is enough to read */
	bool			running;
	bool			needs_bql;
	bool			quit;

	bool			delivering;	/* BQL */

	/* the engine thread */
	QemuThread		thread;
	EventNotifier		wakeup;
	bool			wake;		/* atomic */
	bool			sleeping;	/* atomic */
	bool			polling;	/* atomic */
	uint64_t		next_timer;	/* 0: now; written under @lock; atomic */
	uint64_t		alarm_at;	/* the timer it is set for; @lock */
	uint64_t		slack_ns;	/* it rings so much later; @lock */
	int			alarm;		/* a timerfd */
	int64_t			poll_max_ns;
	int64_t			poll_ns;	/* the thread's own */

	uint64_t		log_second;	/* @lock */
	unsigned int		log_lines;
};

struct tqemu_counters {
	uint64_t		doorbells;
	uint64_t		passes_inline;
	uint64_t		passes_thread;
	uint64_t		irqs;
	uint64_t		irqs_dropped;
};

struct tqemu_dev {
	PCIDevice		pci;
	MemoryRegion		regs;
	MemoryRegion		uar;
	MemoryRegion		msix;
	MemoryRegion		gone[3];	/* reads as ones where a BAR was */
	bool			gone_mapped[3];
	bool			removed;

	struct tqemu_group	*group;
	struct tfw_dev		*fw;
	bool			cable_pulled;
	struct tqemu_dma	dma;
	struct tqemu_net	net;
	struct tqemu_pcap	*pcap;

	/* raised by a pass, taken under the BQL; atomic */
	unsigned long		irq[BITS_TO_LONGS(TQEMU_MAX_VECTORS)];
	uint32_t		irq_gen;
	bool			irq_any;

	struct tqemu_counters	count;

	/* properties */
	char			*serial;
	char			*speeds;
	char			*cable;
	char			*pcap_file;
	char			*faults;
	char			*liar;
	char			*engine_mode;
	uint16_t		vendor_id;
	uint16_t		device_id;
	uint16_t		subsystem_vendor_id;
	uint16_t		subsystem_id;
	bool			rdma;
	uint16_t		queue_pairs;
	uint16_t		vectors;
	uint64_t		uar_size;
	uint32_t		boot_ms;
	uint32_t		link_ms;
	uint32_t		stall_ms;
	uint64_t		port_fifo;
};

/* engine.c */
extern const struct tfw_platform tqemu_platform;

bool tqemu_mode_parse(const char *text, enum tqemu_mode *mode);
struct tqemu_group *tqemu_group_create(const char *cable, enum tqemu_mode mode,
				       Error **errp);
void tqemu_group_put(struct tqemu_group *g);
void tqemu_group_lock(struct tqemu_group *g);
void tqemu_group_unlock(struct tqemu_group *g);
void tqemu_group_run(struct tqemu_group *g, struct tqemu_dev *dev);
void tqemu_group_deliver(struct tqemu_group *g);
void tqemu_group_retire(struct tqemu_group *g);
void tqemu_doorbell(struct tqemu_dev *dev, uint16_t func, uint32_t offset,
		    uint32_t value, bool cpu);
void tqemu_irq_purge(struct tqemu_dev *dev);

/* cable.c */
bool tqemu_cable_attach(struct tqemu_dev *dev, Error **errp);
bool tqemu_cable_connect(struct tqemu_dev *dev, Error **errp);
void tqemu_cable_set_link(struct tqemu_dev *dev, bool up);
void tqemu_cable_detach(struct tqemu_dev *dev);

/* dma.c */
void tqemu_dma_init(struct tqemu_dev *dev);
void tqemu_dma_cleanup(struct tqemu_dev *dev);
void tqemu_dma_off(struct tqemu_dev *dev);
bool tqemu_dma_read(void *dev, uint16_t func, uint64_t addr, void *buf,
		    size_t len);
bool tqemu_dma_write(void *dev, uint16_t func, uint64_t addr, const void *buf,
		     size_t len);
const void *tqemu_dma_map(void *dev, uint16_t func, uint64_t addr, size_t len);
bool tqemu_dma_load32(void *dev, uint16_t func, uint64_t addr, uint32_t *val);
bool tqemu_dma_load64(void *dev, uint16_t func, uint64_t addr, uint64_t *val);
bool tqemu_dma_store32(void *dev, uint16_t func, uint64_t addr, uint32_t val);
bool tqemu_dma_publish(void *dev, uint16_t func, uint64_t addr,
		       const void *buf, size_t len);
bool tqemu_dma_atomic(void *dev, uint16_t func, uint64_t addr,
		      const uint64_t *compare, uint64_t operand,
		      uint64_t *old);

/* net.c */
void tqemu_net_init(struct tqemu_dev *dev);
void tqemu_net_cleanup(struct tqemu_dev *dev);
bool tqemu_net_deliver(struct tqemu_dev *dev);
bool tqemu_net_pending(struct tqemu_dev *dev);
void tqemu_net_purge(struct tqemu_dev *dev);
bool tqemu_port_tx(void *dev, const struct tfw_iov *iov, unsigned int n);
void tqemu_port_rx_ready(void *dev);

/* pcap.c */
struct tqemu_pcap *tqemu_pcap_open(const char *file, Error **errp);
void tqemu_pcap_close(struct tqemu_pcap *p);
void tqemu_pcap_frame(struct tqemu_pcap *p, const struct tfw_iov *iov,
		      unsigned int n);
void tqemu_pcap_flush(struct tqemu_pcap *p);
void tqemu_capture(void *dev, bool tx, const struct tfw_iov *iov,
		   unsigned int n);

/* pci.c */
bool tqemu_pci_dma_allowed(struct tqemu_dev *dev);
void tqemu_pci_set_removed(struct tqemu_dev *dev, bool removed);

/* props.c */
void tqemu_props_init(ObjectClass *oc);

#endif /* TQEMU_HOST_H */
