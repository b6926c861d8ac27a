/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The calls that a host makes into the firmware. (What the firmware's own
 * files share is in dev.h; a host includes this file only.)
 *
 * Threading: an engine and all devices on it are one lock domain. The host
 * serialises every call with one lock per engine, except the three marked
 * "lock-free". The protocol for a doorbell write is
 *
 *	tfw_kick(dev, func, offset, value);
 *	while (tfw_engine_kicked(engine) && trylock(engine)) {
 *		more = tfw_engine_run(engine, bytes, deadline);
 *		unlock(engine);
 *		deliver what was collected; wake the engine thread if more;
 *	}
 *
 * and everyone who drops the lock looks at tfw_engine_kicked() afterwards, so
 * a kick that found the lock taken is never left behind.
 */
#ifndef TFW_FW_H
#define TFW_FW_H

#include "platform.h"

struct tfw_engine;
struct tfw_dev;

#define TFW_NEVER	UINT64_MAX
#define TFW_FUNC_PF	0

/**
 * struct tfw_fw_config - properties of a device, fixed for its life
 * @queue_pairs: useful Tx/Rx queue pairs of the PF
 * @vectors: MSI-X vectors of the PF
 * @mac: permanent address; all zero: derived from @serial
 * @serial: NUL-terminated
 * @link_modes: bits by enum tulle_link_mode that the port supports; the text
 *	form "10,25,50,100,200" is parsed by tfw_parse_speeds()
 * @log_uar_size: log2 of the bytes of BAR2
 * @boot_ms: time from reset to READY
 * @link_ms: time from both ends on to link up
 * @stall_ms: after this long without progress the device declares itself dead
 * @port_fifo: bytes kept for Rx packets without buffer
 * @rdma: offer the RDMA capabilities
 * @faults: fault plan at start, or NULL
 * @liar: lies at start, or NULL
 */
struct tfw_fw_config {
	uint16_t	queue_pairs;
	uint16_t	vectors;
	uint8_t		mac[6];
	char		serial[32];
	uint64_t	link_modes;
	uint8_t		log_uar_size;
	uint32_t	boot_ms;
	uint32_t	link_ms;
	uint32_t	stall_ms;
	uint32_t	port_fifo;
	bool		rdma;
	const char	*faults;
	const char	*liar;
};

void tfw_fw_config_init(struct tfw_fw_config *cfg);

/* "10,25,100" (Gb/s) to a mask of link modes; 0 when it names none. */
uint64_t tfw_parse_speeds(const char *text);

/* Engines and devices. A device starts as after a reset, DMA enabled. */
struct tfw_engine *tfw_engine_create(const struct tfw_platform *plat,
				     void *host);
void tfw_engine_destroy(struct tfw_engine *e);

/*
 * NULL when memory is short or the configuration makes no sense; @err (may be
 * NULL, else @err_len bytes) then tells why.
 */
struct tfw_dev *tfw_dev_create(struct tfw_engine *e,
			       const struct tfw_fw_config *cfg, void *host,
			       char *err, size_t err_len);
void tfw_dev_destroy(struct tfw_dev *dev);

/*
 * Runs what there is to do, until about @bytes bytes of traffic have been
 * moved or now_ns() passed @deadline. True: there is more to do right away.
 */
bool tfw_engine_run(struct tfw_engine *e, uint64_t bytes, uint64_t deadline);

/* When tfw_engine_run() is next needed without new input; TFW_NEVER: never. */
uint64_t tfw_engine_next_timer(struct tfw_engine *e);

/*
 * While set, idle queues stay hot and keep their event index far away, so
 * that the driver writes no doorbells; run() then always has more to do. The
 * host clears it and runs until nothing is left before it sleeps.
 */
void tfw_engine_set_polling(struct tfw_engine *e, bool on);

/* Lock-free: are there kicks that no pass has taken yet? */
bool tfw_engine_kicked(struct tfw_engine *e);

/* Lock-free: records a 32-bit write at @offset of BAR2. */
void tfw_kick(struct tfw_dev *dev, uint16_t func, uint32_t offset,
	      uint32_t value);

/* Lock-free: resets of the function so far. */
uint32_t tfw_func_generation(struct tfw_dev *dev, uint16_t func);

/*
 * Aligned 32-bit accesses to BAR0, host byte order. A write of the command
 * doorbell or the reset register wants a tfw_engine_run() afterwards.
 */
uint32_t tfw_mmio_read(struct tfw_dev *dev, uint16_t func, uint32_t offset);
void tfw_mmio_write(struct tfw_dev *dev, uint16_t func, uint32_t offset,
		    uint32_t value);

/* FLR: when it returns no memory of the function is touched any more. */
void tfw_func_reset(struct tfw_dev *dev, uint16_t func);

/* Fundamental reset: every function, port and fault counters included. */
void tfw_dev_reset(struct tfw_dev *dev);

/*
 * Bus mastering enabled and power state D0? While not, the function does no
 * DMA and raises no interrupt; its objects stay. Wants a tfw_engine_run().
 */
void tfw_func_set_dma(struct tfw_dev *dev, uint16_t func, bool enabled);

/*
 * The port. A backend and a cable exclude each other. All but capture want a
 * tfw_engine_run() afterwards.
 */
void tfw_port_set_backend(struct tfw_dev *dev, bool present, bool link_up);
bool tfw_port_receive(struct tfw_dev *dev, const struct tfw_iov *iov,
		      unsigned int n);	/* false: wait for port_rx_ready */
void tfw_port_tx_ready(struct tfw_dev *dev);	/* port_tx would take more */
bool tfw_cable_join(struct tfw_dev *a, struct tfw_dev *b); /* same engine */
void tfw_cable_leave(struct tfw_dev *dev);
void tfw_dev_set_capture(struct tfw_dev *dev, bool on);

/*
 * Fault plan: "seed=7;wire_loss:p=0.01;cmd_timeout:n=3,c=1". Lies:
 * "seed=7;cqe_len:p=0.001;eqe_storm:n=100". Empty text or NULL: none.
 * False, and nothing changed, when the text is wrong; @err tells where.
 */
bool tfw_dev_set_faults(struct tfw_dev *dev, const char *text, char *err,
			size_t err_len);
bool tfw_dev_set_liar(struct tfw_dev *dev, const char *text, char *err,
		      size_t err_len);

/* "wire_loss=3/120 ..." (injected/passed) for every planned point. */
void tfw_dev_fault_counters(struct tfw_dev *dev, char *buf, size_t len);
void tfw_dev_liar_counters(struct tfw_dev *dev, char *buf, size_t len);

/* "uar=1 pd=1 ..." live objects of all functions, by type. */
void tfw_dev_objects(struct tfw_dev *dev, char *buf, size_t len);
const char *tfw_dev_state(struct tfw_dev *dev, uint16_t func);

/* For property getters: the names of all points, NULL behind the last. */
const char *tfw_fault_name(unsigned int point);
const char *tfw_lie_name(unsigned int lie);

#endif /* TFW_FW_H */
