// SPDX-License-Identifier: GPL-2.0
/* Memory, time, work, namespaces. Compiled, never loaded. */

#include <linux/module.h>
#include <linux/slab.h>

#include "shims.h"

static void shims_timer(struct timer_list *timer)
{
	struct shims_priv *priv = timer_container_of(priv, timer, timer);

	napi_schedule(&priv->napi);
}

static enum hrtimer_restart shims_hrtimer(struct hrtimer *timer)
{
	return HRTIMER_NORESTART;
}

static void shims_memory(void)
{
	struct shims_flex *flex = kzalloc_flex(*flex, tail, 5);
	struct shims_flex *flex2 = kmalloc_flex(*flex2, tail, 5, GFP_ATOMIC);
	struct shims_priv *one = kzalloc_obj(*one);
	struct shims_priv *two = kmalloc_obj(*two, GFP_ATOMIC);
	struct shims_priv *many = kvzalloc_objs(*many, 7);
	struct shims_priv *few = kzalloc_objs(*few, 2, GFP_NOWAIT);

	kfree(flex);
	kfree(flex2);
	kfree(one);
	kfree(two);
	kfree(few);
	kvfree(many);
}

int shims_base(struct shims_priv *priv)
{
	struct workqueue_struct *wq = alloc_workqueue("shims", WQ_PERCPU, 0);
	struct dim_sample sample = {};

	if (!wq)
		return -ENOMEM;
	shims_memory();
	timer_setup(&priv->timer, shims_timer, 0);
	hrtimer_setup(&priv->hrtimer, shims_hrtimer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL);
	mod_timer(&priv->timer, jiffies + secs_to_jiffies(3));
	net_dim(&priv->dim, &sample);
	timer_delete_sync(&priv->timer);
	destroy_workqueue(wq);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(shims_base, "TULLE_SHIMS");

static int __init shims_init(void)
{
	pr_info("compiled, not meant to run\n");
	return -ENODEV;
}
module_init(shims_init);

MODULE_IMPORT_NS("TULLE_SHIMS");
MODULE_DESCRIPTION("Compile test of include/compat");
MODULE_LICENSE("GPL");
