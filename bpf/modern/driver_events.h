/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What the probe says of itself: CPUs that come up, and sampling.
 *
 * Sampling ("dropping mode"): of calls that are neither always kept nor always left
 * out, only those in the first part of each second are told of. Readers learn of each
 * change.
 */
#ifndef LANNER_DRIVER_EVENTS_H
#define LANNER_DRIVER_EVENTS_H

#include "call.h"

#define SECOND 1000000000ULL	/* ns */

/* Whether the last call that was looked at was left out. */
u32 is_dropping;

static __always_inline void filler_drop_e(struct call *c)
{
	put_u32(c, sampling_ratio);
}

static __always_inline void filler_drop_x(struct call *c)
{
	put_u32(c, sampling_ratio);
}

static __always_inline void tell_dropping(struct scratch *s, bool now)
{
	struct call call = { .s = s }, *c = &call;

	is_dropping = now;
	s->flags = 0;
	if (now) {
		begin(c, EVENT_DROP_E, 1);
		fill_drop_e(c);
		submit(c, EVENT_DROP_E);
	} else {
		begin(c, EVENT_DROP_X, 1);
		fill_drop_x(c);
		submit(c, EVENT_DROP_X);
	}
}

static __always_inline void filler_cpu_hotplug_e(struct call *c)
{
	put_u32(c, c->s->cpu);
	put_u32(c, 0);	/* action: always this */
}

/* The first event of a CPU that was not there when the reader started. */
static __always_inline void tell_hotplug(struct scratch *s)
{
	struct call call = { .s = s }, *c = &call;

	s->known = 1;
	s->flags = 0;
	begin(c, EVENT_CPU_HOTPLUG_E, 2);
	fill_cpu_hotplug_e(c);
	submit(c, EVENT_CPU_HOTPLUG_E);
}

/* Is the call left out? The clock is time since boot, as with the contract's probe. */
static __always_inline bool sampled_out(struct scratch *s, u8 drop)
{
	bool now;

	if (sampling_ratio <= 1 || drop == NEVER_DROP)
		return false;
	if (drop == ALWAYS_DROP)
		return true;
	now = bpf_ktime_get_boot_ns() % SECOND >= SECOND / sampling_ratio;
	if (now != is_dropping)
		tell_dropping(s, now);
	return now;
}

#endif /* LANNER_DRIVER_EVENTS_H */
