/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Fillers of sendmsg, recvmsg, and the calls on several messages at once. */
#ifndef LANNER_FILL_MESSAGE_H
#define LANNER_FILL_MESSAGE_H

#include "data.h"

/* A struct msghdr of the caller's. */
struct message {
	u64 name, name_len, iov, iov_len, control, control_len;
};

struct msghdr64 {
	u64 name;
	u32 name_len, pad;
	u64 iov, iov_len, control, control_len;
	u32 flags, pad2;
};

struct msghdr32 {
	u32 name, name_len, iov, iov_len, control, control_len, flags;
};

static __always_inline u32 msghdr_size(struct call *c)
{
	return c->s->compat ? sizeof(struct msghdr32) : sizeof(struct msghdr64);
}

static __always_inline bool read_message(struct call *c, struct message *m, u64 addr)
{
	struct msghdr64 wide;
	struct msghdr32 narrow;

	if (c->s->compat) {
		if (!read_user(&narrow, sizeof(narrow), addr))
			return false;
		*m = (struct message){ narrow.name, narrow.name_len, narrow.iov, narrow.iov_len,
				       narrow.control, narrow.control_len };
		return true;
	}
	if (!read_user(&wide, sizeof(wide), addr))
		return false;
	*m = (struct message){ wide.name, wide.name_len, wide.iov, wide.iov_len, wide.control, wide.control_len };
	return true;
}

/* Writes up to n bytes of a message's buffers. */
static __always_inline void put_message_data(struct call *c, struct message *m, u64 n)
{
	struct data_hint h = { .peer = m->name, .peer_len = m->name_len };

	put_vectors(c, m->iov, m->iov_len, n, snaplen_of(c, arg(c, 0), &h));
}

static __always_inline void put_message_tuple(struct call *c, struct message *m, bool inbound)
{
	put_tuple(c, inbound, arg(c, 0), m->name, m->name_len);
}

static __always_inline void filler_sendmsg_e(struct call *c)
{
	struct message m;

	put_u64(c, arg(c, 0));
	if (!read_message(c, &m, arg(c, 1))) {
		put_u32(c, 0);
		put_empty(c);
		return;
	}
	put_u32(c, iov_size(c, m.iov, m.iov_len));
	put_message_tuple(c, &m, false);
}

static __always_inline void filler_sendmsg_x(struct call *c)
{
	struct message m = {};
	bool readable = read_message(c, &m, arg(c, 1));

	put_s64(c, c->ret);
	if (readable)
		put_message_data(c, &m, c->ret > 0 ? c->ret : ~0ULL);
	else
		put_empty(c);
	if (!current_profile(c))
		return;
	put_s64(c, arg_s32(arg(c, 0)));
	if (!readable) {
		put_empty(c);
		put_empty(c);
		return;
	}
	put_u32(c, iov_size(c, m.iov, m.iov_len));
	put_message_tuple(c, &m, false);
}

static __always_inline void filler_recvmsg_x(struct call *c)
{
	struct message m = {};
	bool readable = c->ret >= 0 && read_message(c, &m, arg(c, 1));

	put_s64(c, c->ret);
	if (readable) {
		put_u32(c, at_most_result(c, iov_size(c, m.iov, m.iov_len)));
		put_message_data(c, &m, c->ret);
		put_message_tuple(c, &m, true);
	} else {
		put_u32(c, 0);
		put_empty(c);
		put_empty(c);
	}
	if (!current_profile(c))
		return;
	put_raw_data(c, m.control, readable ? m.control_len : 0);
	put_s64(c, arg_s32(arg(c, 0)));
}

#define MMSG_CHUNK 32
#define MMSG_MAX 1024	/* messages of a call; no call takes more (linux/uio.h:UIO_MAXIOV) */

/* The event of message i of a call. */
static __always_inline void tell_message(u32 i, u16 type, bool inbound)
{
	struct call call = {}, *c = &call;
	struct message m = {};
	u64 at, length = 0, size;

	call.s = scratch();
	if (!call.s)
		return;
	/* A struct mmsghdr is a msghdr and the message's length, padded to a long. */
	at = arg(c, 1) + i * (msghdr_size(c) + long_size(c));
	length = u32_at(c, at + msghdr_size(c));
	begin(c, type, inbound ? 6 : 5);
	put_s64(c, (s32)length);
	put_s64(c, arg_s32(arg(c, 0)));
	if (read_message(c, &m, at)) {
		size = iov_size(c, m.iov, m.iov_len);
		if (inbound && size > length)
			size = length;
		put_u32(c, size);
		put_message_data(c, &m, length);
		put_message_tuple(c, &m, inbound);
	} else {
		put_u32(c, 0);
		put_empty(c);
		put_empty(c);
	}
	if (inbound)
		put_raw_data(c, m.control, m.control_len);
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
