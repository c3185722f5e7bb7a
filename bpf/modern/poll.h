/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The entries of poll and ppoll. */
#ifndef LANNER_POLL_SET_H
#define LANNER_POLL_SET_H

#include "call.h"

#define POLL_MAX 227	/* entries; the kernel module's limit, 8n + 2 + 10n <= 4096 */

struct pollfd {
	s32 fd;
	u16 events, revents;
};

/* Writes entry i. A global function, which the verifier looks at once. */
__noinline int put_poll_entry(u32 i)
{
	struct call call = { .s = scratch() }, *c = &call;
	struct pollfd *set;
	u16 bits;

	if (!c->s || i >= POLL_MAX)
		return 0;
	set = (void *)c->s->work;
	bits = c->s->poll.enter ? set[i].events : set[i].revents;
	if (!bits && !c->s->poll.enter && !current_profile(c))
		return 0;
	c->off = c->s->poll.at;
	*(s64 *)room(c) = set[i].fd;
	*(u16 *)(room(c) + 8) = conv_poll_events(bits);
	c->s->poll.at += 10;
	c->s->poll.listed++;
	return 0;
}

/*
 * Writes an array of struct pollfd: with what came back, or at entry with what was
 * asked. Edition 0.36 lists after the call only entries where something came back.
 */
static __always_inline void put_poll_set(struct call *c, u64 addr, u32 count)
{
	struct poll_walk *p = &c->s->poll;
	u64 n = at_most(count, POLL_MAX);
	u32 i;

	if (!n || !read_user(c->s->work, n * sizeof(struct pollfd), addr))
		n = 0;
	p->at = c->off + 2;
	p->listed = 0;
	p->enter = c->enter;
	for (i = 0; i < POLL_MAX; i++) {
		if (i >= n)
			break;
		put_poll_entry(i);
	}
	*(u16 *)room(c) = p->listed;
	commit(c, p->at - c->off);
}

#endif /* LANNER_POLL_SET_H */
