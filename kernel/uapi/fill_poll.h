/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Fillers of poll and ppoll, of the drivers that write all entries at once: put_poll_set is
 * each one's. The classic probe has its own, which go on elsewhere (bpf/classic/fill_poll.h).
 */
#ifndef LANNER_FILL_POLL_H
#define LANNER_FILL_POLL_H

FILLER void filler_poll_e(struct call *c)
{
	put_poll_set(c, arg(c, 0), arg(c, 1));
	put_s64(c, arg_s32(arg(c, 2)));
}

FILLER void filler_poll_x(struct call *c)
{
	put_s64(c, c->ret);
	put_poll_set(c, arg(c, 0), arg(c, 1));
	if (current_profile(c))
		put_s64(c, arg_s32(arg(c, 2)));
}

FILLER void filler_ppoll_e(struct call *c)
{
	put_poll_set(c, arg(c, 0), arg(c, 1));
	put_u64(c, timespec_at(c, arg(c, 2)));
	put_u32(c, u32_at(c, arg(c, 3)));
}

FILLER void filler_ppoll_x(struct call *c)
{
	put_s64(c, c->ret);
	put_poll_set(c, arg(c, 0), arg(c, 1));
	if (current_profile(c)) {
		put_u64(c, timespec_at(c, arg(c, 2)));
		put_u32(c, u32_at(c, arg(c, 3)));
	}
}

#endif /* LANNER_FILL_POLL_H */
