/* SPDX-License-Identifier: GPL-2.0 */
/*
 * devlink: health reporters and parameters.
 *
 * Health: the pause between two recoveries is a member of the operations in 7.3
 * and an argument of the creation before. The driver gives it to both:
 *
 *	static const struct devlink_health_reporter_ops ops = {
 *		TULLE_HEALTH_GRACEFUL_PERIOD(PERIOD_MS)
 *	};
 *	tulle_health_reporter_create(devlink, &ops, PERIOD_MS, priv);
 *	tulle_port_health_reporter_create(port, &ops, PERIOD_MS, priv);
 *
 * Parameters: get(devlink, id, ctx, extack) has the prototype of 7.3, followed by
 * TULLE_DEFINE_PARAM_GET(get) and named as TULLE_PARAM_GET(get) in the table;
 * devl_param_driverinit_value_set() takes a pointer to the value, as in 7.3.
 */
#ifndef TULLE_COMPAT_DEVLINK_H
#define TULLE_COMPAT_DEVLINK_H

#include <net/devlink.h>

#if TULLE_HAVE_HEALTH_OPS_PERIOD
#define TULLE_HEALTH_GRACEFUL_PERIOD(ms)	.default_graceful_period = (ms),

#define tulle_health_reporter_create(devlink, ops, ms, priv) \
	devl_health_reporter_create(devlink, ops, priv)
#define tulle_port_health_reporter_create(port, ops, ms, priv) \
	devl_port_health_reporter_create(port, ops, priv)
#else
#define TULLE_HEALTH_GRACEFUL_PERIOD(ms)

#define tulle_health_reporter_create(devlink, ops, ms, priv) \
	devl_health_reporter_create(devlink, ops, ms, priv)
#define tulle_port_health_reporter_create(port, ops, ms, priv) \
	devl_port_health_reporter_create(port, ops, ms, priv)
#endif

#if TULLE_HAVE_PARAM_GET_EXTACK
#define TULLE_DEFINE_PARAM_GET(fn) \
	static_assert(__same_type(&fn, ((struct devlink_param *)NULL)->get))
#define TULLE_PARAM_GET(fn)	fn
#else
#define TULLE_DEFINE_PARAM_GET(fn) \
static int fn##_noack(struct devlink *devlink, u32 id, \
		      struct devlink_param_gset_ctx *ctx) \
{ \
	return fn(devlink, id, ctx, NULL); \
} \
static_assert(true)
#define TULLE_PARAM_GET(fn)	fn##_noack
#endif

#if !TULLE_HAVE_PARAM_VALUE_POINTER
static inline void
tulle_compat_driverinit_set(struct devlink *devlink, u32 id,
			    const union devlink_param_value *value)
{
	devl_param_driverinit_value_set(devlink, id, *value);
}

#define devl_param_driverinit_value_set(devlink, id, value) \
	tulle_compat_driverinit_set(devlink, id, value)
#endif

#endif /* TULLE_COMPAT_DEVLINK_H */
