/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Fillers of recvmsg and of the calls on several messages at once. */
#ifndef LANNER_FILL_MESSAGE_H
#define LANNER_FILL_MESSAGE_H

#include "../ops/data.h"
#include "../../kernel/uapi/message.h"

static __always_inline void put_no_message(struct call *c)
{
	put_u32(c, 0);
	put_empty(c);
	put_empty(c);
	if (!current_profile(c))
		return;
	put_empty(c);
	put_s64(c, arg_s32(arg(c, 0)));
}

/* Two programs: in one the verifier would look at the second half anew for each way through the first. */
static __always_inline void filler_recvmsg_x(struct call *c)
{
	struct message m = {};

	put_s64(c, c->ret);
	if (c->ret < 0 || !read_message(c, &m, arg(c, 1)))
		return put_no_message(c);
	put_u32(c, at_most_result(c, iov_size(c, m.iov, m.iov_len)));
	put_message_data(c, &m, c->ret);
	go_on(c, STAGE_RECVMSG_END);
}

STAGE(stage_recvmsg_end)
{
	struct message m = {};

	read_message(c, &m, arg(c, 1));
	put_message_tuple(c, &m, true);
	if (current_profile(c)) {
		put_raw_data(c, m.control, m.control_len);
		put_s64(c, arg_s32(arg(c, 0)));
	}
	end_event(c);
}

#define MMSG_MAX 28	/* messages of a call that are told of: a tail call each */

/* The event of the message of a round. */
static __always_inline void tell_message(struct call *c, u16 type, bool inbound)
{
	lay_out_message(c, c->s->round, type, inbound);
	end_event(c);
}

/* Messages after the last that there is room for are lost, and counted. */
static __always_inline void next_message(struct call *c, s64 messages, u32 stage)
{
	struct state *s = c->s;

	s->busy = 1;
	if (++s->round >= messages) {
		s->busy = 0;
	} else if (s->round < MMSG_MAX) {
		c->ret = messages;
		go_on(c, stage);
	} else {
		s->busy = 0;
		s->n_evts += messages - s->round;
		s->n_drops_bug += messages - s->round;
	}
}

STAGE(stage_sendmmsg)
{
	s64 messages = c->ret;

	tell_message(c, EVENT_SENDMMSG_X, false);
	next_message(c, messages, STAGE_SENDMMSG);
}

STAGE(stage_recvmmsg)
{
	s64 messages = c->ret;

	tell_message(c, EVENT_RECVMMSG_X, true);
	next_message(c, messages, STAGE_RECVMMSG);
}

/* A call that moved no message, or failed, is one event; else each message is one. */
static __always_inline void put_mmsg(struct call *c, bool inbound)
{
	if (!current_profile(c))
		return;	/* edition 0.36 has no parameters */
	if (c->ret <= 0) {
		put_s64(c, c->ret);
		put_s64(c, arg_s32(arg(c, 0)));
		put_u32(c, 0);
		put_empty(c);
		put_empty(c);
		if (inbound)
			put_empty(c);
		return;
	}
	c->s->round = 0;
	go_on(c, inbound ? STAGE_RECVMMSG : STAGE_SENDMMSG);
}

static __always_inline void filler_sendmmsg_x(struct call *c)
{
	put_mmsg(c, false);
}

static __always_inline void filler_recvmmsg_x(struct call *c)
{
	put_mmsg(c, true);
}

#endif /* LANNER_FILL_MESSAGE_H */
