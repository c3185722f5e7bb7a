/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What the module says of itself: CPUs that come up, and sampling.
 *
 * Sampling ("dropping mode"): of calls that are neither always kept nor always left
 * out, only those in the first part of each second are told of. Readers learn of each
 * change.
 */
#ifndef LANNER_SAMPLING_H
#define LANNER_SAMPLING_H

#include <linux/fcntl.h>
#include <linux/math64.h>
#include "call.h"

static void filler_drop_e(struct call *c)
{
	put_u32(c, c->con->sampling_ratio);
}

static void filler_drop_x(struct call *c)
{
	put_u32(c, c->con->sampling_ratio);
}

static void filler_cpu_hotplug_e(struct call *c)
{
	put_u32(c, arg(c, 0));
	put_u32(c, 0);	/* action: always this */
}

/* Calls that mean little in a sample; the contract's choice, of the module alone. */
static bool is_dull(struct call *c)
{
	switch (c->sc) {
	case SC_CLOSE:
	case SC_BIND:
		return !c->enter && c->ret < 0;
	case SC_FCNTL:
		switch (arg(c, 1)) {
		case F_DUPFD:
		case F_DUPFD_CLOEXEC:
			return false;
		case F_SETFD:
			return !current_profile(c);
		}
		return true;
	}
	return false;
}

/* Tells a consumer something besides the event that is under way. */
static void tell_besides(struct call *c, fill_fn fill, u64 arg)
{
	struct call own = { .con = c->con, .ring = c->ring, .s = c->s, .args = { arg } };

	fill(&own);
}

/* The first event since a CPU came up. */
static void tell_hotplug(struct call *c)
{
	u32 cpu = xchg(&c->con->new_cpu, 0);

	if (cpu)
		tell_besides(c, fill_cpu_hotplug_e, cpu - 1);
}

/* Is the call left out? The clock is that of the wall, as with the contract's module. */
static bool sampled_out(struct call *c, u8 drop)
{
	struct consumer *con = c->con;
	bool now;
	u32 ns;

	if (!READ_ONCE(con->dropping_mode) || (drop == NEVER_DROP && !is_dull(c)))
		return false;
	if (drop == ALWAYS_DROP || is_dull(c))
		return true;
	div_u64_rem(ktime_get_real_ns(), NSEC_PER_SEC, &ns);
	now = ns >= NSEC_PER_SEC / READ_ONCE(con->sampling_ratio);
	if (now != con->is_dropping) {
		con->is_dropping = now;
		tell_besides(c, now ? fill_drop_e : fill_drop_x, 0);
	}
	return now;
}

#endif /* LANNER_SAMPLING_H */
