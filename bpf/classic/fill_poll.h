/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Fillers of poll and ppoll, whose entries are written in rounds. */
#ifndef LANNER_FILL_POLL_H
#define LANNER_FILL_POLL_H


#define POLL_MAX 227	/* entries; the kernel module's limit, 8n + 2 + 10n <= 4096 */
#define POLL_STEPS 40	/* entries of a round */

struct poll_entry {
	s32 fd;
	u16 events, revents;
};

/*
 * Writes an array of struct pollfd: with what came back, or at entry with what was
 * asked. Edition 0.36 lists after the call only entries where something came back.
 */
static __always_inline void begin_poll_set(struct call *c, u64 addr, u32 count)
{
	struct state *s = c->s;
	u64 n = at_most(count, POLL_MAX);

	if (!n || !read_user(c->work, n * sizeof(struct poll_entry), addr))
		n = 0;
	s->n = n;
	s->at = c->off + 2;
	s->listed = 0;
	s->round = 0;
	go_on(c, STAGE_POLL);
}

static __always_inline void put_poll_entry(struct call *c, struct poll_entry *e)
{
	u16 bits = c->enter ? e->events : e->revents;
	u8 *to;

	if (!bits && !c->enter && !current_profile(c))
		return;
	to = &c->record[c->s->at & EVENT_MASK];
	*(s64 *)to = e->fd;
	*(u16 *)(to + 8) = conv_poll_events(bits);
	c->s->at += 10;
	c->s->listed++;
}

STAGE(stage_poll)
{
	u32 first = c->s->round * POLL_STEPS, i;
	struct poll_entry *set;

	set = (void *)(c->work + (first * sizeof(*set) & 0xffff));
#pragma unroll
	for (i = 0; i < POLL_STEPS; i++) {
		if (first + i >= c->s->n)
			break;
		put_poll_entry(c, &set[i]);
	}
	c->s->round++;
	go_on(c, first + POLL_STEPS < c->s->n ? STAGE_POLL : STAGE_POLL_END);
}

STAGE(stage_poll_end)
{
	bool more = c->enter || current_profile(c);

	*(u16 *)room(c) = c->s->listed;
	commit(c, c->s->at - c->off);
	if (more && c->s->type <= EVENT_POLL_X && c->s->type >= EVENT_POLL_E) {
		put_s64(c, arg_s32(arg(c, 2)));
	} else if (more) {
		put_u64(c, timespec_at(c, arg(c, 2)));
		put_u32(c, u32_at(c, arg(c, 3)));
	}
	end_event(c);
}

static __always_inline void filler_poll_e(struct call *c)
{
	begin_poll_set(c, arg(c, 0), arg(c, 1));
}

static __always_inline void filler_poll_x(struct call *c)
{
	put_s64(c, c->ret);
	begin_poll_set(c, arg(c, 0), arg(c, 1));
}

static __always_inline void filler_ppoll_e(struct call *c)
{
	begin_poll_set(c, arg(c, 0), arg(c, 1));
}

static __always_inline void filler_ppoll_x(struct call *c)
{
	put_s64(c, c->ret);
	begin_poll_set(c, arg(c, 0), arg(c, 1));
}

#endif /* LANNER_FILL_POLL_H */
