/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Messages, and the fillers of sendmsg. How the fillers of several messages at once go about
 * it is each driver's (fill_message.h).
 */
#ifndef LANNER_MESSAGE_H
#define LANNER_MESSAGE_H

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

FILLER u32 msghdr_size(struct call *c)
{
	return long_size(c) == 4 ? sizeof(struct msghdr32) : sizeof(struct msghdr64);
}

FILLER bool read_message(struct call *c, struct message *m, u64 addr)
{
	struct msghdr64 wide;
	struct msghdr32 narrow;

	if (long_size(c) == 4) {
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
FILLER void put_message_data(struct call *c, struct message *m, u64 n)
{
	struct data_hint h = { .peer = m->name, .peer_len = m->name_len };

	put_vectors(c, m->iov, m->iov_len, n, snaplen_of(c, arg(c, 0), &h));
}

FILLER void put_message_tuple(struct call *c, struct message *m, bool inbound)
{
	put_tuple(c, inbound, arg(c, 0), m->name, m->name_len);
}

FILLER void filler_sendmsg_e(struct call *c)
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

FILLER void filler_sendmsg_x(struct call *c)
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

/* Lays out the event of message i of a call on several. */
FILLER void lay_out_message(struct call *c, u32 i, u16 type, bool inbound)
{
	struct message m = {};
	u64 at, length, size;

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
}

#endif /* LANNER_MESSAGE_H */
