/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Fillers of sockets that are made, connected, and asked. */
#ifndef LANNER_FILL_NET_H
#define LANNER_FILL_NET_H

#include "tuple.h"

static void filler_connect_x(struct call *c)
{
	s64 ret = c->ret;

	put_s64(c, ret);
	if (ret == -EINPROGRESS)
		c->ret = 0;	/* it has ends already */
	put_tuple(c, false, arg(c, 0), arg(c, 1), arg(c, 2));
	c->ret = ret;
	put_s64(c, arg_s32(arg(c, 0)));
	if (current_profile(c))
		put_sock_addr_at(c, arg(c, 1), arg(c, 2));
}

static void filler_accept_x(struct call *c)
{
	u32 len = 0, max = 0;
	struct sock *sk;

	put_s64(c, (s32)c->ret);
	put_tuple(c, true, c->ret, 0, 0);
	sk = c->ret < 0 ? NULL : sock_of(c, arg(c, 0));
	if (sk) {
		len = READ_ONCE(sk->sk_ack_backlog);
		max = READ_ONCE(sk->sk_max_ack_backlog);
	}
	put_u8(c, max ? (u64)len * 100 / max : 0);
	put_u32(c, len);
	put_u32(c, max);
}

static void filler_accept4_x(struct call *c)
{
	filler_accept_x(c);
	if (current_profile(c))
		put_u32(c, conv_fd_flags(arg(c, 3)));
}

static void filler_socketpair_x(struct call *c)
{
	s64 fd1 = -1, fd2 = -1;
	u64 source = 0, peer = 0;

	if (c->ret == 0) {
		fd1 = fd_at(c, arg(c, 3), 0);
		fd2 = fd_at(c, arg(c, 3), 1);
		source = (unsigned long)sock_of(c, fd1);
		peer = (unsigned long)sock_of(c, fd2);
	}
	put_s64(c, c->ret);
	put_s64(c, fd1);
	put_s64(c, fd2);
	put_u64(c, source);
	put_u64(c, peer);
	if (current_profile(c)) {
		put_u32(c, arg(c, 0));
		put_u32(c, arg(c, 1));
		put_u32(c, arg(c, 2));
	}
}

#endif /* LANNER_FILL_NET_H */
