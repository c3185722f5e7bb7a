/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Fillers of the calls on several messages at once. */
#ifndef LANNER_FILL_MESSAGE_H
#define LANNER_FILL_MESSAGE_H

#include "data.h"
#include "../../kernel/uapi/fill_recvmsg.h"

/* The event of message i of a call. */
static void tell_message(struct call *c, u32 i, u16 type, bool inbound)
{
	lay_out_message(c, i, type, inbound);
	end(c, type);
}

/* A call that moved no message, or failed, is one event; else each message is one. */
static void put_mmsg(struct call *c, bool inbound)
{
	u32 i;

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
	for (i = 0; i < min_t(u64, c->ret, UIO_MAXIOV); i++)
		tell_message(c, i, inbound ? EVENT_RECVMMSG_X : EVENT_SENDMMSG_X, inbound);
	c->sent = true;
}

static void filler_sendmmsg_x(struct call *c)
{
	put_mmsg(c, false);
}

static void filler_recvmmsg_x(struct call *c)
{
	put_mmsg(c, true);
}

#endif /* LANNER_FILL_MESSAGE_H */
