/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The filler of recvmsg, of the drivers that do it in one program. The classic probe's goes
 * on elsewhere in between (bpf/classic/fill_message.h).
 */
#ifndef LANNER_FILL_RECVMSG_H
#define LANNER_FILL_RECVMSG_H

#include "message.h"

FILLER void filler_recvmsg_x(struct call *c)
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

#endif /* LANNER_FILL_RECVMSG_H */
