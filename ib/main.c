// SPDX-License-Identifier: GPL-2.0
/*
 * The RDMA driver: auxiliary device to ib_device.
 *
 * The ib_device is registered when the PCI function comes up (attach) and
 * unregistered when it goes down, for whatever reason: verbs know no device
 * that lost its memory. Consumers in the kernel close their connections then,
 * and processes keep contexts of which nothing works any more.
 */

#include <linux/auxiliary_bus.h>
#include <linux/bits.h>
#include <linux/bottom_half.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <net/net_namespace.h>

#include "ib.h"

#define MAIN_WATCH_PERIOD	HZ
#define MAIN_LEFT_WAIT		(10 * HZ)
#define MAIN_LEFT_REST_MS	20

static const struct ib_device_ops main_ops = {
	.owner			= THIS_MODULE,
	.driver_id		= TULLE_RDMA_DRIVER_ID,
	.uverbs_abi_ver		= TULLE_UVERBS_ABI_VERSION,
	TULLE_ROBUST_UDATA

	.add_gid		= tulle_ib_add_gid,
	.alloc_pd		= tulle_ib_alloc_pd,
	.create_ah		= tulle_ib_create_ah,
	.create_user_ah		= tulle_ib_create_ah,
	.dealloc_pd		= tulle_ib_dealloc_pd,
	.del_gid		= tulle_ib_del_gid,
	.destroy_ah		= tulle_ib_destroy_ah,
	.query_ah		= tulle_ib_query_ah,

	INIT_RDMA_OBJ_SIZE(ib_ah, tulle_ib_ah, ibah),
	INIT_RDMA_OBJ_SIZE(ib_pd, tulle_ib_pd, ibpd),
};

static void main_set_ops(struct tulle_ib_dev *dev)
{
	static const struct {
		enum tulle_cap cap;
		const struct ib_device_ops *ops;
	} table[] = {
		{ TULLE_CAP_RDMA, &main_ops },
		{ TULLE_CAP_RDMA, &tulle_ib_cq_ops },
		{ TULLE_CAP_RDMA, &tulle_ib_mr_ops },
		{ TULLE_CAP_RDMA, &tulle_ib_port_ops },
		{ TULLE_CAP_RDMA, &tulle_ib_qp_ops },
		{ TULLE_CAP_RDMA, &tulle_ib_restrack_ops },
		{ TULLE_CAP_RDMA, &tulle_ib_srq_ops },
		{ TULLE_CAP_RDMA, &tulle_ib_stats_ops },
		{ TULLE_CAP_RDMA, &tulle_ib_uctx_ops },
		{ TULLE_CAP_RDMA_COUNTERS, &tulle_ib_counter_ops },
		{ TULLE_CAP_RDMA_FRWR, &tulle_ib_frwr_ops },
		{ TULLE_CAP_RDMA_MCAST, &tulle_ib_mcast_ops },
		{ TULLE_CAP_RDMA_MW, &tulle_ib_mw_ops },
		{ TULLE_CAP_RDMA_RAW, &tulle_ib_flow_ops },
		{ TULLE_CAP_RDMA_XRC, &tulle_ib_xrcd_ops },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (tulle_cap_test(dev->tdev, table[i].cap))
			ib_set_device_ops(&dev->ibdev, table[i].ops);
}

static int main_query(struct tulle_ib_dev *dev)
{
	struct tulle_dev *tdev = dev->tdev;
	struct tulle_vport_info vport;
	struct tulle_func_info func;
	unsigned int i;
	int err;

	err = tulle_cmd_exec(tdev, TULLE_CMD_QUERY_FUNC, NULL, 0, &func,
			     sizeof(func));
	if (err)
		return err;
	for (i = 0; i < TULLE_OBJ_TYPES; i++)
		dev->quota[i] = le32_to_cpu(func.obj[i].quota);
	/* Without it raw packet queue pairs only send. */
	if (!tulle_cap(tdev, RDMA_RAW) ||
	    !(tdev->limits.actions[TULLE_DOMAIN_RX] & BIT(TULLE_ACTION_QP)))
		return 0;
	err = tulle_vport_query(tdev, tdev->limits.vport, &vport);
	if (err)
		return err;
	dev->rx_root = le32_to_cpu(vport.rx_root);
	return 0;
}

static void main_put_vectors(struct tulle_ib_dev *dev)
{
	while (dev->nvecs)
		tulle_vec_put(dev->tdev, dev->vec[--dev->nvecs]);
	kfree(dev->vec);
}

/* The machine may have fewer to give than wished; one will do. */
static int main_get_vectors(struct tulle_ib_dev *dev)
{
	unsigned int n = tulle_vec_count(dev->tdev, TULLE_VEC_RDMA);
	struct tulle_vec *vec;

	dev->vec = kzalloc_objs(*dev->vec, n);
	if (!dev->vec)
		return -ENOMEM;
	while (dev->nvecs < n) {
		vec = tulle_vec_get(dev->tdev, TULLE_VEC_RDMA, dev->nvecs);
		if (IS_ERR(vec))
			break;
		dev->vec[dev->nvecs++] = vec;
	}
	if (dev->nvecs == n)
		return 0;
	dev_warn(dev->tdev->device, "RDMA has %u of %u completion vectors: %pe\n",
		 dev->nvecs, n, vec);
	if (dev->nvecs)
		return 0;
	main_put_vectors(dev);
	return PTR_ERR(vec);
}

static void main_init_ibdev(struct tulle_ib_dev *dev)
{
	struct ib_device *ibdev = &dev->ibdev;

	ibdev->node_type = RDMA_NODE_IB_CA;
	ibdev->phys_port_cnt = TULLE_IB_PORT;
	ibdev->num_comp_vectors = dev->nvecs;
	ibdev->local_dma_lkey = TULLE_KEY(dev->dma_key);
	ibdev->use_cq_dim = tulle_cap(dev->tdev, CQ_MODERATION);
	/* Providers find the PCI device by it. */
	ibdev->dev.parent = dev->tdev->device;
	memcpy(&ibdev->node_guid, dev->tdev->rdma.node_guid,
	       sizeof(ibdev->node_guid));
	strscpy(ibdev->node_desc, "Tulle", sizeof(ibdev->node_desc));
	/* Pinned memory is joined up to this: as large as pages come. */
	dma_set_max_seg_size(dev->tdev->device, SZ_2G);
	main_set_ops(dev);
}

static bool main_is_left(struct tulle_ib_dev *dev)
{
	unsigned int kind;

	for (kind = 0; kind < TULLE_IB_KINDS; kind++)
		if (atomic_read(&dev->objs[kind]))
			return true;
	return false;
}

static void main_tell_left(struct tulle_ib_dev *dev)
{
	struct tulle_ib_qp *qp;
	unsigned long index = 0;
	char first[64] = "";

	xa_lock(&dev->qps);
	qp = xa_find(&dev->qps, &index, ULONG_MAX, XA_PRESENT);
	if (qp)
		snprintf(first, sizeof(first), " (the first a %s, %#lx of type %u)",
			 qp->is_user ? "process's" : "kernel's", index,
			 qp->type);
	xa_unlock(&dev->qps);
	WARN(1, "%s: consumers have not destroyed %d PDs, %d CQs, %d SRQs and %d queue pairs%s\n",
	     dev_name(dev->tdev->device),
	     atomic_read(&dev->objs[TULLE_IB_PDS]),
	     atomic_read(&dev->objs[TULLE_IB_CQS]),
	     atomic_read(&dev->objs[TULLE_IB_SRQS]),
	     atomic_read(&dev->objs[TULLE_IB_QPS]), first);
}

/*
 * Whoever had the last object destroyed is not done with the device: ib_core goes
 * on to forget the object, for which it does not sleep. Only where it can be
 * preempted meanwhile, and nobody tells when it runs again, is time all there is.
 */
static void main_wait_core(void)
{
	if (IS_ENABLED(CONFIG_TASKS_RCU) || !IS_ENABLED(CONFIG_PREEMPTION))
		synchronize_rcu_tasks();
	else
		msleep(MAIN_LEFT_REST_MS);
}

/*
 * Some consumers destroy their objects in work items for which they do not wait
 * when they are told to let go. Who has forgotten to, or comes later still, uses
 * memory that is gone.
 */
static void main_wait_left(struct tulle_ib_dev *dev)
{
	if (!wait_var_event_timeout(&dev->objs, !main_is_left(dev),
				    MAIN_LEFT_WAIT)) {
		main_tell_left(dev);
		return;
	}
	main_wait_core();
}

static void main_destroy(struct tulle_ib_dev *dev)
{
	ida_destroy(&dev->rule_ids);
	tulle_ib_key_destroy(dev, dev->dma_key, false);
	main_put_vectors(dev);
	ib_dealloc_device(&dev->ibdev);
}

/* Those of the kernel. */
static void main_for_cqs(struct tulle_ib_dev *dev,
			 void (*fn)(struct tulle_ib_cq *cq))
{
	struct tulle_ib_cq *cq;
	unsigned long index = 0;

	xa_lock(&dev->cqs);
	xa_for_each(&dev->cqs, index, cq) {
		if (cq->ibcq.uobject ||
		    !refcount_inc_not_zero(&cq->ref.users))
			continue;
		xa_unlock(&dev->cqs);
		fn(cq);
		tulle_ib_ref_put(&cq->ref);
		xa_lock(&dev->cqs);
	}
	xa_unlock(&dev->cqs);
}

/*
 * What will not complete any more is found when the CQs are polled. Who polls
 * in softirqs has done so on return, unless it was at it already.
 */
static void main_wake_cq(struct tulle_ib_cq *cq)
{
	local_bh_disable();
	tulle_ib_cq_wake(cq);
	local_bh_enable();
}

static void main_check_cq(struct tulle_ib_cq *cq)
{
	bool stuck;

	local_bh_disable();
	stuck = tulle_ib_cq_check(cq);
	local_bh_enable();
	if (stuck)
		tulle_ib_cq_ask(cq);
}

/*
 * Consumers in the kernel wait for completions without a limit, also when they
 * are to go: an event that never came must not keep them for ever.
 */
static void main_watch(struct work_struct *work)
{
	struct tulle_ib_dev *dev = container_of(to_delayed_work(work),
						struct tulle_ib_dev, watch);

	main_for_cqs(dev, main_check_cq);
	queue_delayed_work(system_long_wq, &dev->watch, MAIN_WATCH_PERIOD);
}

/*
 * A device that was moved comes back where it was, if that still is. Until then
 * it keeps no namespace from ending.
 */
static struct net *main_get_net(const struct tulle_ib_adev *adev)
{
	struct net *net, *found = NULL;

	rcu_read_lock();
	for_each_net_rcu(net) {
		if (net->net_cookie == adev->net_cookie) {
			found = maybe_get_net(net);
			break;
		}
	}
	rcu_read_unlock();
	return found ?: get_net(&init_net);
}

static void main_note_net(struct tulle_ib_adev *adev,
			  const struct tulle_ib_dev *dev)
{
	rcu_read_lock();
	adev->net_cookie =
		read_pnet_rcu(&dev->ibdev.coredev.rdma_net)->net_cookie;
	rcu_read_unlock();
}

/* udev gives names in the first namespace only; in others a device keeps its own. */
static int main_register(struct tulle_ib_adev *adev, struct tulle_ib_dev *dev)
{
	bool is_first = net_eq(read_pnet(&dev->ibdev.coredev.rdma_net),
			       &init_net);
	struct device *parent = dev->tdev->device;
	int err = -ENFILE;

	/* One with a '%' would be taken for a pattern. */
	if (!is_first && adev->name[0] && !strchr(adev->name, '%'))
		err = ib_register_device(&dev->ibdev, adev->name, parent);
	/* Another device has it now, and nothing was done yet. */
	if (err == -ENFILE)
		err = ib_register_device(&dev->ibdev, "tulle_%d", parent);
	return err;
}

static struct tulle_ib_dev *main_create(struct tulle_ib_adev *adev,
					struct net *net)
{
	struct tulle_ib_dev *dev;
	int err;

	dev = ib_alloc_device_with_net(tulle_ib_dev, ibdev, net);
	if (!dev)
		return ERR_PTR(-ENOMEM);
	dev->tdev = adev->tdev;
	dev->adev = adev;
	dev->events.notifier_call = tulle_ib_event;
	xa_init(&dev->qps);
	xa_init(&dev->srqs);
	xa_init(&dev->cqs);
	ida_init(&dev->rule_ids);
	INIT_DELAYED_WORK(&dev->watch, main_watch);
	err = main_query(dev);
	if (err)
		goto err_dealloc;
	err = main_get_vectors(dev);
	if (err)
		goto err_dealloc;
	err = tulle_ib_dma_key_create(dev, 0, TULLE_MKEY_LOCAL_READ |
				      TULLE_MKEY_LOCAL_WRITE, &dev->dma_key);
	if (err)
		goto err_put_vectors;
	main_init_ibdev(dev);
	return dev;

err_put_vectors:
	main_put_vectors(dev);
err_dealloc:
	ib_dealloc_device(&dev->ibdev);
	return ERR_PTR(err);
}

/* Changes of the net_device find the ib_device from now on. */
static int main_tie(struct tulle_ib_adev *adev, struct tulle_ib_dev *dev)
{
	int err;

	mutex_lock(&adev->lock);
	err = ib_device_set_netdev(&dev->ibdev, adev->netdev, TULLE_IB_PORT);
	if (!err)
		adev->dev = dev;
	adev->port_up = adev->netdev && netif_running(adev->netdev) &&
			netif_carrier_ok(adev->netdev);
	mutex_unlock(&adev->lock);
	return err;
}

static void main_untie(struct tulle_ib_adev *adev)
{
	mutex_lock(&adev->lock);
	adev->dev = NULL;
	mutex_unlock(&adev->lock);
}

static void main_set_registered(struct tulle_ib_adev *adev, bool registered)
{
	mutex_lock(&adev->lock);
	adev->registered = registered;
	mutex_unlock(&adev->lock);
}

static int main_start(struct tulle_ib_adev *adev, struct net *net)
{
	struct tulle_ib_dev *dev;
	int err;

	dev = main_create(adev, net);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	err = main_tie(adev, dev);
	if (err)
		goto err_destroy;
	err = tulle_event_register(dev->tdev, &dev->events);
	if (err)
		goto err_untie;
	err = main_register(adev, dev);
	if (err)
		goto err_unregister_events;
	main_set_registered(adev, true);
	queue_delayed_work(system_long_wq, &dev->watch, MAIN_WATCH_PERIOD);
	return 0;

err_unregister_events:
	tulle_event_unregister(dev->tdev, &dev->events);
err_untie:
	main_untie(adev);
err_destroy:
	main_destroy(dev);
	return err;
}

static int main_attach(struct tulle_adev *tadev)
{
	struct tulle_ib_adev *adev = auxiliary_get_drvdata(&tadev->adev);
	struct net *net = main_get_net(adev);
	int err;

	err = main_start(adev, net);
	put_net(net);
	return err;
}

/**
 * tulle_ib_name() - make an object known by what the device calls it
 * @dev: the device
 * @xa: where
 * @index: of the handle that the device gave it
 * @obj: the object
 *
 * Return: 0; -ENOMEM; -EPROTO when another object has that name. Then nobody
 * can name, or destroy, the one of the two that is meant, and the device is
 * down.
 */
int tulle_ib_name(struct tulle_ib_dev *dev, struct xarray *xa, u32 index,
		  void *obj)
{
	int err = tulle_obj_name(xa, index, obj);

	if (err != -EBUSY)
		return err;
	tulle_dev_fail(dev->tdev, "firmware gave a handle twice");
	return -EPROTO;
}

/*
 * The device failed: at any time, also while ib_core waits for work to drain.
 * ib_core takes events only of devices that stay registered meanwhile.
 */
void tulle_ib_report_death(struct tulle_ib_dev *dev)
{
	struct tulle_ib_adev *adev = dev->adev;
	struct ib_event event = {
		.device = &dev->ibdev,
		.event = IB_EVENT_DEVICE_FATAL,
		.element.port_num = TULLE_IB_PORT,
	};

	mutex_lock(&adev->lock);
	if (adev->registered && !dev->death_told) {
		dev->death_told = true;
		ib_dispatch_event(&event);
	}
	main_for_cqs(dev, main_wake_cq);
	mutex_unlock(&adev->lock);
	/* Who drains a queue pair waits for its last event, registered or not. */
	tulle_ib_qps_lost(dev);
}

static void main_detach(struct tulle_adev *tadev)
{
	struct tulle_ib_adev *adev = auxiliary_get_drvdata(&tadev->adev);
	struct tulle_ib_dev *dev = adev->dev;

	if (tulle_ib_is_dead(dev)) {
		tulle_ib_report_death(dev);
		/*
		 * Consumers first learn that their work failed, then that the
		 * device goes: the other way round NVMe hosts wait for work in
		 * flight until it times out.
		 */
		synchronize_rcu();
	}
	main_note_net(adev, dev);
	main_set_registered(adev, false);
	ib_unregister_device(&dev->ibdev);
	strscpy(adev->name, dev_name(&dev->ibdev.dev));
	/* What they wait for may have to be found. */
	main_wait_left(dev);
	cancel_delayed_work_sync(&dev->watch);
	tulle_event_unregister(dev->tdev, &dev->events);
	main_untie(adev);
	main_destroy(dev);
}

static const struct tulle_client main_client = {
	.attach	= main_attach,
	.detach	= main_detach,
};

static int main_probe(struct auxiliary_device *auxdev,
		      const struct auxiliary_device_id *id)
{
	struct tulle_adev *tadev = to_tulle_adev(auxdev);
	struct tulle_ib_adev *adev;
	int err;

	adev = kzalloc_obj(*adev);
	if (!adev)
		return -ENOMEM;
	adev->tadev = tadev;
	adev->tdev = tadev->dev;
	adev->wake_wq = alloc_workqueue("tulle_ib:%s",
					WQ_UNBOUND | WQ_MEM_RECLAIM, 0,
					dev_name(&auxdev->dev));
	if (!adev->wake_wq) {
		err = -ENOMEM;
		goto err_free;
	}
	mutex_init(&adev->lock);
	auxiliary_set_drvdata(auxdev, adev);
	/* Tells of net_devices that exist already, too. */
	adev->netdev_nb.notifier_call = tulle_ib_netdev_event;
	err = register_netdevice_notifier(&adev->netdev_nb);
	if (err)
		goto err_destroy;
	err = tulle_client_register(tadev, &main_client);
	if (err)
		goto err_unregister_notifier;
	return 0;

err_unregister_notifier:
	unregister_netdevice_notifier(&adev->netdev_nb);
err_destroy:
	mutex_destroy(&adev->lock);
	destroy_workqueue(adev->wake_wq);
err_free:
	kfree(adev);
	return err;
}

static void main_remove(struct auxiliary_device *auxdev)
{
	struct tulle_ib_adev *adev = auxiliary_get_drvdata(auxdev);

	tulle_client_unregister(adev->tadev);
	unregister_netdevice_notifier(&adev->netdev_nb);
	mutex_destroy(&adev->lock);
	destroy_workqueue(adev->wake_wq);
	kfree(adev);
}

static const struct auxiliary_device_id main_id_table[] = {
	{ .name = TULLE_ADEV_RDMA },
	{ }
};
MODULE_DEVICE_TABLE(auxiliary, main_id_table);

static struct auxiliary_driver main_driver = {
	.name		= "rdma",
	.probe		= main_probe,
	.remove		= main_remove,
	.id_table	= main_id_table,
};
module_auxiliary_driver(main_driver);

MODULE_DESCRIPTION("Tulle RDMA driver");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("TULLE_CORE");
