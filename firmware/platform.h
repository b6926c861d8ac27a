/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * What the firmware needs from the machine it runs in. The firmware knows no
 * operating system: a host (QEMU glue, a test, a fuzzer) fills one struct.
 *
 * Every operation is called with the engine lock held and must neither take
 * a lock that orders before it nor call back into the firmware. Interrupts
 * and frames are therefore collected by the host and delivered after its call
 * into the firmware returned, each stamped with tfw_func_generation() so that
 * what a reset overtook is dropped.
 */
#ifndef TFW_PLATFORM_H
#define TFW_PLATFORM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of a frame. */
struct tfw_iov {
	const void	*base;
	size_t		len;
};

enum tfw_log_level {
	TFW_LOG_ERROR,
	TFW_LOG_WARN,
	TFW_LOG_INFO,
	TFW_LOG_DEBUG,
};

/**
 * struct tfw_platform - operations of the host
 *
 * Operations with a @dev get the pointer given to tfw_dev_create(), those
 * with an @engine the one given to tfw_engine_create().
 *
 * DMA operations return false when the memory cannot be reached (no RAM
 * there, translation refused, bus mastering off); nothing about the range
 * is then known to be written. A host that needs a lock of its own to
 * translate addresses takes it before it calls into the firmware. Values are
 * as they lie in memory, no byte order is applied. Nothing but these writes
 * guest memory.
 *
 * @dma_read: copy from memory
 * @dma_write: copy to memory; the source may be memory that dma_map gave, and
 *	may overlap
 * @dma_map: read-only host address of the @len bytes, valid until the call
 *	into the firmware returns; NULL when they are not contiguous in plain
 *	RAM (dma_read then still may work)
 * @dma_load32: acquire load, naturally aligned
 * @dma_load64: likewise
 * @dma_store32: release store, naturally aligned
 * @dma_publish: dma_write, the last 8 bytes as one release store behind all
 *	others; @len a multiple of 8 up to 64, @addr 8-byte aligned, within a
 *	4 KiB page
 * @dma_atomic: one indivisible operation on 8 naturally aligned bytes, also
 *	towards the guest's processors: a value that equals *@compare is replaced
 *	by @operand; with @compare NULL, @operand is added. *@old: what was there.
 *	The operands are in the byte order of the host
 * @irq: raise an MSI-X vector
 * @port_tx: take one wire frame (no FCS) for the backend; false when there is
 *	no room: the port then waits for tfw_port_tx_ready()
 * @port_rx_ready: tfw_port_receive() refused a frame and would now take one
 * @capture: see one wire frame (no FCS) of a cable, when tfw_dev_set_capture()
 *	asked for it; @tx: this port sent it. May be NULL
 * @reset_done: a function was reset through its register, not by the host
 * @now_ns: monotonic clock
 * @alloc: zeroed memory, NULL when there is none
 * @free: @ptr may be NULL
 * @log: one line without line feed
 * @fatal: the firmware found its own state wrong; may return, the device is
 *	then dead until reset
 */
struct tfw_platform {
	bool (*dma_read)(void *dev, uint16_t func, uint64_t addr, void *buf,
			 size_t len);
	bool (*dma_write)(void *dev, uint16_t func, uint64_t addr,
			  const void *buf, size_t len);
	const void *(*dma_map)(void *dev, uint16_t func, uint64_t addr,
			       size_t len);
	bool (*dma_load32)(void *dev, uint16_t func, uint64_t addr,
			   uint32_t *val);
	bool (*dma_load64)(void *dev, uint16_t func, uint64_t addr,
			   uint64_t *val);
	bool (*dma_store32)(void *dev, uint16_t func, uint64_t addr,
			    uint32_t val);
	bool (*dma_publish)(void *dev, uint16_t func, uint64_t addr,
			    const void *buf, size_t len);
	bool (*dma_atomic)(void *dev, uint16_t func, uint64_t addr,
			   const uint64_t *compare, uint64_t operand,
			   uint64_t *old);
	void (*irq)(void *dev, uint16_t func, uint16_t vector);

	bool (*port_tx)(void *dev, const struct tfw_iov *iov, unsigned int n);
	void (*port_rx_ready)(void *dev);
	void (*capture)(void *dev, bool tx, const struct tfw_iov *iov,
			unsigned int n);
	void (*reset_done)(void *dev, uint16_t func);

	uint64_t (*now_ns)(void *engine);
	void *(*alloc)(void *engine, size_t size);
	void (*free)(void *engine, void *ptr);
	void (*log)(void *engine, enum tfw_log_level level, const char *fmt,
		    va_list ap) __attribute__((format(printf, 3, 0)));
	void (*fatal)(void *engine, const char *file, int line);
};

#endif /* TFW_PLATFORM_H */
