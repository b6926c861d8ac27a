// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The PCIe function: configuration space, BARs, resets, power, removal.
 */
#include "host.h"
#include "qemu/cutils.h"
#include "qemu/module.h"
#include "qemu/rcu.h"
#include "qemu/units.h"
#include "hw/pci/msix.h"
#include "hw/pci/pcie.h"
#include "hw/pci/pcie_aer.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "qapi/error.h"

#define CAP_PM			0x40
#define CAP_EXP			0x60
#define CAP_MSIX		0xa0
#define EXT_CAP_AER		0x100
#define EXT_CAP_ARI		0x150
#define EXT_CAP_DSN		0x160
#define PBA_PAGE		4096

/*
 * BAR0. QEMU finds out whose an access is before it takes the BQL, and the device
 * may be unplugged meanwhile.
 */

static uint64_t regs_read(void *opaque, hwaddr addr, unsigned int size)
{
	struct tqemu_dev *dev = opaque;
	uint32_t val;

	if (!dev->group)
		return ~0ULL;
	tqemu_group_lock(dev->group);
	val = tfw_mmio_read(dev->fw, TFW_FUNC_PF, addr);
	tqemu_group_unlock(dev->group);
	return val;
}

static void regs_write(void *opaque, hwaddr addr, uint64_t val,
		       unsigned int size)
{
	struct tqemu_dev *dev = opaque;
	struct tqemu_group *g = dev->group;

	if (!g)
		return;
	tqemu_group_lock(g);
	tfw_mmio_write(dev->fw, TFW_FUNC_PF, addr, val);
	tqemu_group_run(g, dev);
	tqemu_group_unlock(g);
	tqemu_group_deliver(g);
}

static const MemoryRegionOps regs_ops = {
	.read = regs_read,
	.write = regs_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 4, .max_access_size = 8 },
	.impl = { .min_access_size = 4, .max_access_size = 4 },
};

/* BAR2 */

static uint64_t uar_read(void *opaque, hwaddr addr, unsigned int size)
{
	return 0;
}

/*
 * A vCPU's own access, not that of a device which a vCPU happens to run: those
 * do not say who they are, or are one address space access within another. (A
 * requester ID proves nothing: behind a bridge the guest chooses it, even 0.)
 */
static bool is_cpu_access(MemTxAttrs attrs)
{
	return current_cpu && !attrs.unspecified && !attrs.requester_id &&
	       get_ptr_rcu_reader()->depth == 1;
}

static MemTxResult uar_write(void *opaque, hwaddr addr, uint64_t val,
			     unsigned int size, MemTxAttrs attrs)
{
	struct tqemu_dev *dev = opaque;

	/* As for BAR0. */
	if (dev->group)
		tqemu_doorbell(dev, TFW_FUNC_PF, addr, val,
			       is_cpu_access(attrs));
	return MEMTX_OK;
}

static const MemoryRegionOps uar_ops = {
	.read = uar_read,
	.write_with_attrs = uar_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 4, .max_access_size = 8 },
	.impl = { .min_access_size = 4, .max_access_size = 4 },
};

/* What is left of the BARs of a device that was pulled out. */

static uint64_t gone_read(void *opaque, hwaddr addr, unsigned int size)
{
	return ~0ULL;
}

static void gone_write(void *opaque, hwaddr addr, uint64_t val,
		       unsigned int size)
{
}

static const MemoryRegionOps gone_ops = {
	.read = gone_read,
	.write = gone_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 1, .max_access_size = 8 },
};

static const int bar_number[] = {
	TULLE_BAR_REGS, TULLE_BAR_UAR, TULLE_BAR_MSIX,
};

/* QEMU reads unmapped addresses as 0, a bus without a device as ones. */
static void gone_map(struct tqemu_dev *dev)
{
	PCIIORegion *r;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bar_number); i++) {
		r = &dev->pci.io_regions[bar_number[i]];
		if (r->addr == PCI_BAR_UNMAPPED)
			continue;
		memory_region_add_subregion_overlap(r->address_space, r->addr,
						    &dev->gone[i], 0);
		dev->gone_mapped[i] = true;
	}
}

static void gone_unmap(struct tqemu_dev *dev)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bar_number); i++) {
		if (!dev->gone_mapped[i])
			continue;
		memory_region_del_subregion(dev->gone[i].container,
					    &dev->gone[i]);
		dev->gone_mapped[i] = false;
	}
}

/* May the function do DMA and raise interrupts? */

bool tqemu_pci_dma_allowed(struct tqemu_dev *dev)
{
	PCIDevice *pci = &dev->pci;
	uint16_t cmd = pci_get_word(pci->config + PCI_COMMAND);
	uint16_t pm = pci_get_word(pci->config + pci->pm_cap + PCI_PM_CTRL);

	return pci->enabled && (cmd & PCI_COMMAND_MASTER) &&
	       !(pm & PCI_PM_CTRL_STATE_MASK);
}

static void dma_set(struct tqemu_dev *dev, bool on)
{
	if (on == dev->dma.on)
		return;
	tqemu_group_lock(dev->group);
	if (on) {
		dev->dma.on = true;
		tfw_func_set_dma(dev->fw, TFW_FUNC_PF, true);
		/* Messages that could not be sent meanwhile. */
		qatomic_store_release(&dev->irq_any, true);
	} else {
		tqemu_dma_off(dev);
	}
	tqemu_group_run(dev->group, dev);
	tqemu_group_unlock(dev->group);
	tqemu_group_deliver(dev->group);
}

/* The slot may be switched on again, but nothing is in it. */
static uint32_t tulle_read_config(PCIDevice *pci, uint32_t addr, int len)
{
	if (TULLE(pci)->removed)
		return ~0U;
	return pci_default_read_config(pci, addr, len);
}

static void tulle_write_config(PCIDevice *pci, uint32_t addr, uint32_t val,
			       int len)
{
	struct tqemu_dev *dev = TULLE(pci);

	if (dev->removed)
		return;
	pci_default_write_config(pci, addr, val, len);
	pcie_cap_flr_write_config(pci, addr, val, len);
	pcie_aer_write_config(pci, addr, val, len);
	dma_set(dev, tqemu_pci_dma_allowed(dev));
}

static bool reset_is_flr(PCIDevice *pci)
{
	uint8_t *devctl = pci->config + pci->exp.exp_cap + PCI_EXP_DEVCTL;

	return pci_get_word(devctl) & PCI_EXP_DEVCTL_BCR_FLR;
}

/* Under the BQL; waits for at most one pass. */
static void tulle_reset_hold(Object *obj, ResetType type)
{
	struct tqemu_dev *dev = TULLE(obj);

	if (!dev->fw)
		return;
	tqemu_group_lock(dev->group);
	if (reset_is_flr(&dev->pci))
		tfw_func_reset(dev->fw, TFW_FUNC_PF);
	else
		tfw_dev_reset(dev->fw);
	/* The command register is cleared by what follows this phase. */
	dev->dma.on = false;
	tfw_func_set_dma(dev->fw, TFW_FUNC_PF, false);
	tqemu_irq_purge(dev);
	tqemu_net_purge(dev);
	tqemu_group_run(dev->group, dev);
	tqemu_group_unlock(dev->group);
	tqemu_group_deliver(dev->group);
}

/*
 * Surprise removal and return. The device is reset on both ways (QEMU does
 * it), and comes back as one just plugged in.
 */
void tqemu_pci_set_removed(struct tqemu_dev *dev, bool removed)
{
	if (removed == dev->removed)
		return;
	dev->removed = removed;
	if (removed)
		gone_map(dev);
	else
		gone_unmap(dev);
	pci_set_enabled(&dev->pci, !removed);
}

/* Coming and going. */

static bool check_props(struct tqemu_dev *dev, Error **errp)
{
	if (dev->vectors < 1 || dev->vectors > TQEMU_MAX_VECTORS) {
		error_setg(errp, "vectors must be 1..%u, not %u",
			   TQEMU_MAX_VECTORS, dev->vectors);
		return false;
	}
	if (dev->uar_size < 64 * KiB || dev->uar_size > 64 * MiB ||
	    !is_power_of_2(dev->uar_size)) {
		error_setg(errp, "uar-size must be a power of two, 64K..64M");
		return false;
	}
	if (dev->net.conf.macaddr.a[0] & 1) {
		error_setg(errp, "mac is a multicast address");
		return false;
	}
	if (dev->port_fifo > 1 * GiB) {
		error_setg(errp, "port-fifo must be 1G at most");
		return false;
	}
	return true;
}

/* A comma ends a property on QEMU's command line, so + does as well. */
static bool parse_speeds(const char *text, uint64_t *modes)
{
	g_autofree char *list = g_strdelimit(g_strdup(text), "+", ',');

	*modes = tfw_parse_speeds(list);
	return *modes;
}

static bool fw_config(struct tqemu_dev *dev, struct tfw_fw_config *cfg,
		      Error **errp)
{
	const uint8_t *mac = dev->net.conf.macaddr.a;

	tfw_fw_config_init(cfg);
	if (dev->speeds && !parse_speeds(dev->speeds, &cfg->link_modes)) {
		error_setg(errp, "speeds must be a list of 10, 25, 50, 100, 200 (Gb/s), not '%s'",
			   dev->speeds);
		return false;
	}
	if (!dev->serial)
		dev->serial = g_strdup_printf("TUL%02X%02X%02X%02X%02X%02X",
					      mac[0], mac[1], mac[2], mac[3],
					      mac[4], mac[5]);
	if (strlen(dev->serial) >= sizeof(cfg->serial)) {
		error_setg(errp, "serial must be shorter than %zu characters",
			   sizeof(cfg->serial));
		return false;
	}
	pstrcpy(cfg->serial, sizeof(cfg->serial), dev->serial);
	memcpy(cfg->mac, mac, sizeof(cfg->mac));
	cfg->queue_pairs = dev->queue_pairs;
	cfg->vectors = dev->vectors;
	cfg->log_uar_size = ctz64(dev->uar_size);
	cfg->rdma = dev->rdma;
	cfg->boot_ms = dev->boot_ms;
	cfg->link_ms = dev->link_ms;
	cfg->stall_ms = dev->stall_ms;
	cfg->port_fifo = dev->port_fifo;
	cfg->faults = dev->faults;
	cfg->liar = dev->liar;
	return true;
}

static bool fw_create(struct tqemu_dev *dev, Error **errp)
{
	char text[TQEMU_TEXT] = "";
	struct tfw_fw_config cfg;

	if (!fw_config(dev, &cfg, errp) || !tqemu_cable_attach(dev, errp))
		return false;
	tqemu_group_lock(dev->group);
	dev->fw = tfw_dev_create(dev->group->fw, &cfg, dev, text, sizeof(text));
	if (dev->fw)
		tfw_func_set_dma(dev->fw, TFW_FUNC_PF, false);
	tqemu_group_unlock(dev->group);
	if (!dev->fw)
		error_setg(errp, "the firmware refused the device: %s", text);
	return dev->fw;
}

static void set_ids(struct tqemu_dev *dev)
{
	uint8_t *config = dev->pci.config;

	pci_config_set_vendor_id(config, dev->vendor_id);
	pci_config_set_device_id(config, dev->device_id);
	pci_set_word(config + PCI_SUBSYSTEM_VENDOR_ID, dev->subsystem_vendor_id);
	pci_set_word(config + PCI_SUBSYSTEM_ID, dev->subsystem_id);
}

static uint64_t device_serial_number(const uint8_t *mac)
{
	/* EUI-64 of the MAC address, in the byte order of the capability. */
	return (uint64_t)mac[0] << 56 | (uint64_t)mac[1] << 48 |
	       (uint64_t)mac[2] << 40 | 0xfffeULL << 24 |
	       (uint64_t)mac[3] << 16 | (uint64_t)mac[4] << 8 | mac[5];
}

/* The context of a function survives D3hot: hence no soft reset. */
static bool add_pm(PCIDevice *pci, Error **errp)
{
	if (pci_pm_init(pci, CAP_PM, errp) < 0)
		return false;
	pci_set_word(pci->config + CAP_PM + PCI_PM_PMC, PCI_PM_CAP_VER_1_2);
	pci_set_word(pci->config + CAP_PM + PCI_PM_CTRL,
		     PCI_PM_CTRL_NO_SOFT_RESET);
	pci_set_word(pci->wmask + CAP_PM + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK);
	return true;
}

static bool add_msix(struct tqemu_dev *dev, Error **errp)
{
	uint32_t pba = ROUND_UP(dev->vectors * PCI_MSIX_ENTRY_SIZE, PBA_PAGE);
	unsigned int i;

	memory_region_init(&dev->msix, OBJECT(dev), "tulle-msix",
			   pow2ceil(pba + PBA_PAGE));
	if (msix_init(&dev->pci, dev->vectors, &dev->msix, TULLE_BAR_MSIX, 0,
		      &dev->msix, TULLE_BAR_MSIX, pba, CAP_MSIX, errp))
		return false;
	for (i = 0; i < dev->vectors; i++)
		msix_vector_use(&dev->pci, i);
	return true;
}

static bool add_caps(struct tqemu_dev *dev, Error **errp)
{
	PCIDevice *pci = &dev->pci;

	if (!add_pm(pci, errp))
		return false;
	if (pcie_endpoint_cap_init(pci, CAP_EXP) < 0) {
		error_setg(errp, "no room for the PCI Express capability");
		return false;
	}
	pcie_cap_flr_init(pci);
	pcie_cap_deverr_init(pci);
	pcie_cap_fill_link_ep_usp(pci, QEMU_PCI_EXP_LNK_X16,
				  QEMU_PCI_EXP_LNK_16GT);
	if (pcie_aer_init(pci, PCI_ERR_VER, EXT_CAP_AER, PCI_ERR_SIZEOF, errp))
		return false;
	pcie_ari_init(pci, EXT_CAP_ARI);
	pcie_dev_ser_num_init(pci, EXT_CAP_DSN,
			      device_serial_number(dev->net.conf.macaddr.a));
	return add_msix(dev, errp);
}

static void add_bars(struct tqemu_dev *dev)
{
	const uint8_t mem64 = PCI_BASE_ADDRESS_SPACE_MEMORY |
			      PCI_BASE_ADDRESS_MEM_TYPE_64;
	MemoryRegion * const bar[] = { &dev->regs, &dev->uar, &dev->msix };
	unsigned int i;

	memory_region_init_io(&dev->regs, OBJECT(dev), &regs_ops, dev,
			      "tulle-regs", TULLE_BAR_REGS_SIZE);
	memory_region_init_io(&dev->uar, OBJECT(dev), &uar_ops, dev,
			      "tulle-uar", dev->uar_size);
	/*
	 * A doorbell runs without the BQL, and others use the device meanwhile.
	 * DMA never gets here; a message can, while others are delivered.
	 */
	dev->uar.disable_reentrancy_guard = true;
	pci_register_bar(&dev->pci, TULLE_BAR_REGS, mem64, &dev->regs);
	pci_register_bar(&dev->pci, TULLE_BAR_UAR,
			 mem64 | PCI_BASE_ADDRESS_MEM_PREFETCH, &dev->uar);
	pci_register_bar(&dev->pci, TULLE_BAR_MSIX, mem64, &dev->msix);
	for (i = 0; i < ARRAY_SIZE(bar); i++)
		memory_region_init_io(&dev->gone[i], OBJECT(dev), &gone_ops,
				      dev, "tulle-gone",
				      memory_region_size(bar[i]));
}

static void remove_caps(struct tqemu_dev *dev)
{
	if (dev->pci.exp.aer_cap)
		pcie_aer_exit(&dev->pci);
	msix_uninit(&dev->pci, &dev->msix, &dev->msix);
}

static void tulle_realize(PCIDevice *pci, Error **errp)
{
	struct tqemu_dev *dev = TULLE(pci);

	if (!check_props(dev, errp))
		return;
	if (dev->pcap_file && *dev->pcap_file) {
		dev->pcap = tqemu_pcap_open(dev->pcap_file, errp);
		if (!dev->pcap)
			return;
	}
	qemu_macaddr_default_if_unset(&dev->net.conf.macaddr);
	if (!fw_create(dev, errp))
		goto err_detach;
	set_ids(dev);
	if (!add_caps(dev, errp))
		goto err_caps;
	add_bars(dev);
	tqemu_dma_init(dev);
	tfw_dev_set_capture(dev->fw, dev->pcap);
	if (!tqemu_cable_connect(dev, errp))
		goto err_dma;
	tqemu_net_init(dev);
	return;

err_dma:
	tqemu_dma_cleanup(dev);
err_caps:
	remove_caps(dev);
err_detach:
	if (dev->group)
		tqemu_cable_detach(dev);
	tqemu_pcap_close(dev->pcap);
	dev->pcap = NULL;
}

static void tulle_exit(PCIDevice *pci)
{
	struct tqemu_dev *dev = TULLE(pci);

	dma_set(dev, false);
	gone_unmap(dev);
	tqemu_net_cleanup(dev);
	tqemu_dma_cleanup(dev);
	tqemu_cable_detach(dev);
	tqemu_pcap_close(dev->pcap);
	dev->pcap = NULL;
	remove_caps(dev);
}

static void tulle_instance_init(Object *obj)
{
	struct tqemu_dev *dev = TULLE(obj);

	dev->engine_mode = g_strdup("auto");
}

static void tulle_instance_finalize(Object *obj)
{
	struct tqemu_dev *dev = TULLE(obj);

	g_free(dev->faults);
	g_free(dev->liar);
}

/* Migration needs objects to be read out and made again; not built. */
static const VMStateDescription tulle_vmstate = {
	.name = TYPE_TULLE,
	.unmigratable = 1,
};

static void tulle_class_init(ObjectClass *oc, void *data)
{
	ResettableClass *rc = RESETTABLE_CLASS(oc);
	PCIDeviceClass *pc = PCI_DEVICE_CLASS(oc);
	DeviceClass *dc = DEVICE_CLASS(oc);

	pc->realize = tulle_realize;
	pc->exit = tulle_exit;
	pc->config_read = tulle_read_config;
	pc->config_write = tulle_write_config;
	pc->vendor_id = TULLE_PCI_VENDOR;
	pc->device_id = TULLE_PCI_DEVICE_PF;
	pc->class_id = PCI_CLASS_NETWORK_ETHERNET;
	rc->phases.hold = tulle_reset_hold;
	dc->desc = "Tulle Ethernet and RDMA NIC";
	dc->vmsd = &tulle_vmstate;
	set_bit(DEVICE_CATEGORY_NETWORK, dc->categories);
	tqemu_props_init(oc);
}

static const TypeInfo tulle_info = {
	.name = TYPE_TULLE,
	.parent = TYPE_PCI_DEVICE,
	.instance_size = sizeof(struct tqemu_dev),
	.instance_init = tulle_instance_init,
	.instance_finalize = tulle_instance_finalize,
	.class_init = tulle_class_init,
	.interfaces = (InterfaceInfo[]) {
		{ INTERFACE_PCIE_DEVICE },
		{ }
	},
};

static void tulle_register_types(void)
{
	type_register_static(&tulle_info);
}

type_init(tulle_register_types)
