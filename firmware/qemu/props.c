// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The device's properties, every one with a description that
 * "-device tulle,help" shows.
 */
#include "host.h"
#include "qemu/units.h"
#include "hw/qdev-properties.h"
#include "qapi/error.h"
#include "qapi/visitor.h"

static const Property props[] = {
	DEFINE_NIC_PROPERTIES(struct tqemu_dev, net.conf),
	DEFINE_PROP_STRING("serial", struct tqemu_dev, serial),
	DEFINE_PROP_STRING("cable", struct tqemu_dev, cable),
	DEFINE_PROP_STRING("pcap", struct tqemu_dev, pcap_file),
	DEFINE_PROP_STRING("speeds", struct tqemu_dev, speeds),
	DEFINE_PROP_STRING("engine-mode", struct tqemu_dev, engine_mode),
	DEFINE_PROP_UINT16("queue-pairs", struct tqemu_dev, queue_pairs, 128),
	DEFINE_PROP_UINT16("vectors", struct tqemu_dev, vectors, 256),
	DEFINE_PROP_SIZE("uar-size", struct tqemu_dev, uar_size, 16 * MiB),
	DEFINE_PROP_SIZE("port-fifo", struct tqemu_dev, port_fifo, 512 * KiB),
	DEFINE_PROP_BOOL("rdma", struct tqemu_dev, rdma, true),
	DEFINE_PROP_UINT32("boot-ms", struct tqemu_dev, boot_ms, 20),
	DEFINE_PROP_UINT32("link-ms", struct tqemu_dev, link_ms, 20),
	DEFINE_PROP_UINT32("stall-ms", struct tqemu_dev, stall_ms, 2000),
	DEFINE_PROP_UINT16("pci-vendor-id", struct tqemu_dev, vendor_id,
			   TULLE_PCI_VENDOR),
	DEFINE_PROP_UINT16("pci-device-id", struct tqemu_dev, device_id,
			   TULLE_PCI_DEVICE_PF),
	DEFINE_PROP_UINT16("pci-subsystem-vendor-id", struct tqemu_dev,
			   subsystem_vendor_id, TULLE_PCI_VENDOR),
	DEFINE_PROP_UINT16("pci-subsystem-id", struct tqemu_dev, subsystem_id,
			   TULLE_PCI_DEVICE_PF),
};

static const struct {
	const char	*name;
	const char	*text;
} descriptions[] = {
	{ "mac", "Permanent MAC address (default: the next of QEMU's)" },
	{ "netdev", "ID of the network backend the port is on; not with cable" },
	{ "serial", "Serial number, up to 31 characters (default: from mac)" },
	{ "cable",
	  "Name of a direct cable: two devices that give the same name are joined (no netdev)" },
	{ "pcap",
	  "File that records the wire of this port, both directions (pcap, nanoseconds)" },
	{ "speeds",
	  "Speeds of the port in Gb/s, out of 10,25,50,100,200 joined by + (default: all)" },
	{ "engine-mode",
	  "Who runs the engine: auto, inline (the vCPU that rings) or thread (default: auto)" },
	{ "queue-pairs", "Useful Tx/Rx queue pairs" },
	{ "vectors", "MSI-X vectors, 1..2048" },
	{ "uar-size", "Size of the doorbell BAR, a power of two" },
	{ "port-fifo", "Bytes that the port keeps of received frames while no buffer is posted" },
	{ "rdma", "Offer RDMA (RoCEv2)" },
	{ "boot-ms", "Milliseconds from reset to ready" },
	{ "link-ms", "Milliseconds from both ends on to link up" },
	{ "stall-ms",
	  "Milliseconds without progress after which the device declares itself dead" },
	{ "pci-vendor-id", "PCI vendor id" },
	{ "pci-device-id", "PCI device id" },
	{ "pci-subsystem-vendor-id", "PCI subsystem vendor id" },
	{ "pci-subsystem-id", "PCI subsystem id" },
	{ "faults",
	  "Fault plan as \"seed=7;wire_loss:p=0.01;cmd_fail:n=3,c=1\"; settable at any time" },
	{ "liar", "Lies told to the driver, in the form of faults; settable at any time" },
	{ "removed",
	  "Surprise removal: true pulls the device out, false puts it back; settable at any time" },
	{ "fault-counters", "Faults injected out of chances, by point (read only)" },
	{ "liar-counters", "Lies told out of chances (read only)" },
	{ "objects", "Live objects of all functions, by type (read only)" },
	{ "state", "Device state: booting, ready or dead (read only)" },
	{ "counters", "What the host side counts (read only)" },
};

typedef bool (*text_set_fn)(struct tfw_dev *dev, const char *text, char *err,
			    size_t err_len);
typedef void (*text_get_fn)(struct tfw_dev *dev, char *buf, size_t len);

/* A plan is text until there is a firmware that can judge it. */
static void plan_set(struct tqemu_dev *dev, char **plan, text_set_fn set,
		     const char *text, Error **errp)
{
	char err[TQEMU_TEXT] = "";
	bool ok = true;

	if (dev->fw) {
		tqemu_group_lock(dev->group);
		ok = set(dev->fw, text, err, sizeof(err));
		tqemu_group_unlock(dev->group);
	}
	if (!ok) {
		error_setg(errp, "%s", err);
		return;
	}
	g_free(*plan);
	*plan = g_strdup(text);
}

static char *faults_get(Object *obj, Error **errp)
{
	struct tqemu_dev *dev = TULLE(obj);

	return g_strdup(dev->faults ? dev->faults : "");
}

static void faults_set(Object *obj, const char *text, Error **errp)
{
	struct tqemu_dev *dev = TULLE(obj);

	plan_set(dev, &dev->faults, tfw_dev_set_faults, text, errp);
}

static char *liar_get(Object *obj, Error **errp)
{
	struct tqemu_dev *dev = TULLE(obj);

	return g_strdup(dev->liar ? dev->liar : "");
}

static void liar_set(Object *obj, const char *text, Error **errp)
{
	struct tqemu_dev *dev = TULLE(obj);

	plan_set(dev, &dev->liar, tfw_dev_set_liar, text, errp);
}

static bool removed_get(Object *obj, Error **errp)
{
	return TULLE(obj)->removed;
}

static void removed_set(Object *obj, bool removed, Error **errp)
{
	if (!qdev_is_realized(DEVICE(obj))) {
		error_setg(errp, "only a device that is there can be removed");
		return;
	}
	tqemu_pci_set_removed(TULLE(obj), removed);
}

static char *fw_text(Object *obj, text_get_fn get)
{
	struct tqemu_dev *dev = TULLE(obj);
	char buf[TQEMU_TEXT] = "";

	if (dev->fw) {
		tqemu_group_lock(dev->group);
		get(dev->fw, buf, sizeof(buf));
		tqemu_group_unlock(dev->group);
	}
	return g_strdup(buf);
}

static char *fault_counters_get(Object *obj, Error **errp)
{
	return fw_text(obj, tfw_dev_fault_counters);
}

static char *liar_counters_get(Object *obj, Error **errp)
{
	return fw_text(obj, tfw_dev_liar_counters);
}

static char *objects_get(Object *obj, Error **errp)
{
	return fw_text(obj, tfw_dev_objects);
}

static char *state_get(Object *obj, Error **errp)
{
	struct tqemu_dev *dev = TULLE(obj);
	const char *name = "absent";

	if (dev->fw) {
		tqemu_group_lock(dev->group);
		name = tfw_dev_state(dev->fw, TFW_FUNC_PF);
		tqemu_group_unlock(dev->group);
	}
	return g_strdup(name);
}

static char *counters_get(Object *obj, Error **errp)
{
	struct tqemu_dev *dev = TULLE(obj);
	const struct tqemu_counters *c = &dev->count;

	return g_strdup_printf("doorbells=%" PRIu64 " passes_inline=%" PRIu64
			       " passes_thread=%" PRIu64 " irqs=%" PRIu64
			       " irqs_dropped=%" PRIu64 " dma_errors=%" PRIu64
			       " tx_drops=%" PRIu64,
			       c->doorbells, c->passes_inline, c->passes_thread,
			       c->irqs, c->irqs_dropped, dev->dma.errors,
			       dev->net.drops);
}

void tqemu_props_init(ObjectClass *oc)
{
	unsigned int i;

	device_class_set_props(DEVICE_CLASS(oc), props);
	object_class_property_add_str(oc, "faults", faults_get, faults_set);
	object_class_property_add_str(oc, "liar", liar_get, liar_set);
	object_class_property_add_bool(oc, "removed", removed_get, removed_set);
	object_class_property_add_str(oc, "fault-counters", fault_counters_get,
				      NULL);
	object_class_property_add_str(oc, "liar-counters", liar_counters_get,
				      NULL);
	object_class_property_add_str(oc, "objects", objects_get, NULL);
	object_class_property_add_str(oc, "state", state_get, NULL);
	object_class_property_add_str(oc, "counters", counters_get, NULL);
	for (i = 0; i < ARRAY_SIZE(descriptions); i++)
		object_class_property_set_description(oc, descriptions[i].name,
						      descriptions[i].text);
}
