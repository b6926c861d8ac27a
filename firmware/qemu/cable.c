// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Groups of devices: those that name the same cable share an engine, so that
 * one of them may write the other's rings. A device without cable is alone.
 * All of this runs under the BQL.
 */
#include "host.h"
#include "qemu/error-report.h"
#include "hw/qdev-core.h"
#include "qapi/error.h"

static QLIST_HEAD(, tqemu_group) cables = QLIST_HEAD_INITIALIZER(cables);

static struct tqemu_group *cable_find(const char *name)
{
	struct tqemu_group *g;

	QLIST_FOREACH(g, &cables, entry)
		if (!strcmp(g->cable, name))
			return g;
	return NULL;
}

static const char *dev_name_of(struct tqemu_dev *dev)
{
	DeviceState *qdev = DEVICE(dev);

	return qdev->id ? qdev->id : object_get_canonical_path_component(OBJECT(dev));
}

static int free_end(struct tqemu_group *g)
{
	int i;

	for (i = 0; i < TQEMU_CABLE_ENDS; i++)
		if (!g->dev[i])
			return i;
	return -1;
}

static bool cable_check(struct tqemu_group *g, enum tqemu_mode mode,
			Error **errp)
{
	if (free_end(g) < 0) {
		error_setg(errp, "cable '%s' already joins two devices, '%s' and '%s'",
			   g->cable, dev_name_of(g->dev[0]),
			   dev_name_of(g->dev[1]));
		return false;
	}
	if (g->mode != mode) {
		error_setg(errp, "both ends of cable '%s' must have the same engine-mode",
			   g->cable);
		return false;
	}
	return true;
}

/* Finds or makes the device's group and takes a place in it. */
bool tqemu_cable_attach(struct tqemu_dev *dev, Error **errp)
{
	bool named = dev->cable && *dev->cable;
	struct tqemu_group *g = named ? cable_find(dev->cable) : NULL;
	enum tqemu_mode mode;

	if (!tqemu_mode_parse(dev->engine_mode, &mode)) {
		error_setg(errp, "engine-mode must be auto, inline or thread, not '%s'",
			   dev->engine_mode);
		return false;
	}
	if (named && dev->net.conf.peers.ncs[0]) {
		error_setg(errp, "a port has either a cable or a netdev, not both");
		return false;
	}
	if (g) {
		if (!cable_check(g, mode, errp))
			return false;
	} else {
		g = tqemu_group_create(named ? dev->cable : NULL, mode, errp);
		if (!g)
			return false;
		if (named)
			QLIST_INSERT_HEAD(&cables, g, entry);
	}
	dev->group = g;
	return true;
}

static bool cable_join(struct tqemu_group *g)
{
	struct tqemu_dev *a = g->dev[0], *b = g->dev[1];

	if (!g->cable || !a || !b || a->cable_pulled || b->cable_pulled)
		return true;
	return tfw_cable_join(a->fw, b->fw);
}

/* set_link off pulls the cable out of this end. */
void tqemu_cable_set_link(struct tqemu_dev *dev, bool up)
{
	struct tqemu_group *g = dev->group;

	if (dev->cable_pulled != up)
		return;
	tqemu_group_lock(g);
	dev->cable_pulled = !up;
	if (!up)
		tfw_cable_leave(dev->fw);
	else if (!cable_join(g))
		warn_report("tulle: the firmware refused cable '%s'", g->cable);
	tqemu_group_run(g, dev);
	tqemu_group_unlock(g);
	tqemu_group_deliver(g);
}

/* With the firmware's device made: plugs the cable in when both ends exist. */
bool tqemu_cable_connect(struct tqemu_dev *dev, Error **errp)
{
	struct tqemu_group *g = dev->group;
	bool ok;

	tqemu_group_lock(g);
	g->dev[free_end(g)] = dev;
	ok = cable_join(g);
	if (g->running)
		qatomic_set(&g->next_timer, 0);
	tqemu_group_unlock(g);
	if (!ok)
		error_setg(errp, "the firmware refused cable '%s'", g->cable);
	return ok;
}

/*
 * Takes the device out of its group and destroys the firmware's part of it.
 * The last one out ends the engine.
 */
void tqemu_cable_detach(struct tqemu_dev *dev)
{
	struct tqemu_group *g = dev->group;
	bool empty = true;
	int i;

	tqemu_group_lock(g);
	if (dev->fw) {
		tfw_cable_leave(dev->fw);
		tfw_dev_destroy(dev->fw);
		dev->fw = NULL;
	}
	for (i = 0; i < TQEMU_CABLE_ENDS; i++) {
		if (g->dev[i] == dev)
			g->dev[i] = NULL;
		if (g->dev[i])
			empty = false;
	}
	/* The other end has lost its link. */
	if (!empty && g->running)
		qatomic_set(&g->next_timer, 0);
	tqemu_group_unlock(g);
	dev->group = NULL;
	if (!empty)
		return;
	if (g->cable)
		QLIST_REMOVE(g, entry);
	tqemu_group_retire(g);
}
