/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Fillers of the calls on several messages at once. */
#ifndef LANNER_FILL_MESSAGE_H
#define LANNER_FILL_MESSAGE_H

#include "../ops/data.h"
#include "../../kernel/uapi/fill_recvmsg.h"

#define MMSG_CHUNK 32
#define MMSG_MAX 1024	/* messages of a call; no call takes more (linux/uio.h:UIO_MAXIOV) */

/* The event of message i of a call. */
static __always_inline void tell_message(u32 i, u16 type, bool inbound)
{
	struct call call = {}, *c = &call;

	call.s = scratch();
	if (!call.s)
		return;
	lay_out_message(c, i, type, inbound);
	submit(c, type);
}

/*
 * Global functions: the verifier looks at each once, and not for each of 1024 rounds,
 * which are MMSG_CHUNK times as many.
 */
__noinline int tell_sent(u32 i)
{
	tell_message(i, EVENT_SENDMMSG_X, false);
	return 0;
}

__noinline int tell_received(u32 i)
{
	tell_message(i, EVENT_RECVMMSG_X, true);
	return 0;
}

#define TELL_FROM(name, one)			\
__noinline int name(u32 i, u32 count)		\
{						\
	u32 k;					\
						\
	for (k = 0; k < MMSG_CHUNK; k++) {	\
		if (i + k >= count)		\
			return 1;		\
		one(i + k);			\
	}					\
	return 0;				\
}
TELL_FROM(tell_sent_from, tell_sent)
TELL_FROM(tell_received_from, tell_received)

/* A call that moved no message, or failed, is one event; else each message is one. */
static __always_inline void put_mmsg(struct call *c, bool inbound)
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
	c->sent = true;
	for (i = 0; i < MMSG_MAX; i += MMSG_CHUNK) {
		if (inbound ? tell_received_from(i, c->ret) : tell_sent_from(i, c->ret))
			break;
	}
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
