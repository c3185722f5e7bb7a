/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Sampling ("dropping mode"): of calls that are neither always kept nor always left
 * out, only those in the first part of each second are told of. Readers learn of each
 * change.
 */
#ifndef LANNER_DRIVER_EVENTS_H
#define LANNER_DRIVER_EVENTS_H

#include "call.h"

#define SECOND 1000000000ULL	/* ns */

static __always_inline void filler_drop_e(struct call *c)
{
	put_u32(c, c->set->sampling_ratio);
}

static __always_inline void filler_drop_x(struct call *c)
{
	put_u32(c, c->set->sampling_ratio);
}

static __always_inline void tell_dropping(struct call *c, bool now)
{
	c->set->is_dropping = now;
	c->s->flags = 0;
	if (now) {
		begin(c, EVENT_DROP_E, 1);
		filler_drop_e(c);
	} else {
		begin(c, EVENT_DROP_X, 1);
		filler_drop_x(c);
	}
	end_event(c);
	c->s->busy = 1;
}

/* Never sent: a CPU that comes up has no buffer to send to. */
static __always_inline void filler_cpu_hotplug_e(struct call *c)
{
	put_u32(c, bpf_get_smp_processor_id());
	put_u32(c, 0);
}

/* Is the call left out? */
static __always_inline bool sampled_out(struct call *c, u8 drop)
{
	bool now;

	if (!c->set->dropping_mode || drop == NEVER_DROP)
		return false;
	if (drop == ALWAYS_DROP)
		return true;
	/* A constant to divide by, and shifts: the ratio is a power of two. */
	now = (bpf_ktime_get_ns() % SECOND) * c->set->sampling_ratio >= SECOND;
	if (now != c->set->is_dropping)
		tell_dropping(c, now);
	return now;
}

#endif /* LANNER_DRIVER_EVENTS_H */
