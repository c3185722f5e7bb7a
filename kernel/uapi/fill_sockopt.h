/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Fillers of setsockopt and getsockopt. */
#ifndef LANNER_FILL_SOCKOPT_H
#define LANNER_FILL_SOCKOPT_H

/* asm-generic/socket.h */
#define SOL_SOCKET 1
#define SO_ERROR 4
#define SO_LINGER 13
#define SO_PEERCRED 17
#define SO_RCVTIMEO 20
#define SO_SNDTIMEO 21
#define SO_ATTACH_FILTER 26
#define SO_PEERNAME 28
#define SO_ATTACH_BPF 50
#define SO_MEMINFO 55
#define SO_COOKIE 57
#define SO_PEERGROUPS 59
#define SO_RCVTIMEO_NEW 66
#define SO_SNDTIMEO_NEW 67

#define SOCKOPT_RAW_MAX 32768	/* bytes: a filter has at most 4096 instructions */

FILLER u64 timeval_ns(const u64 *t)
{
	return t[0] * 1000000000 + t[1] * 1000;
}

FILLER void put_sockopt_raw(struct call *c, u64 addr, u32 len)
{
	u64 n = at_most(len, SOCKOPT_RAW_MAX);
	u8 *r = room(c);

	r[0] = DYN_SOCKOPT_UNKNOWN;
	commit(c, 1 + (n && read_user(r + 1, n, addr) ? n : 0));
}

/* Writes the option's value in the form that its name calls for. */
FILLER void put_sockopt(struct call *c, u64 addr, u32 len)
{
	u64 t[2] = {}, cookie = 0;

	if ((u32)arg(c, 1) != SOL_SOCKET || !conv_sockopt_optname(arg(c, 2)))
		return put_sockopt_raw(c, addr, len);
	switch ((u32)arg(c, 2)) {
	case SO_ERROR:
		return put_dyn64(c, DYN_SOCKOPT_ERRNO, -(s64)(s32)u32_at(c, addr));
	case SO_RCVTIMEO_NEW:
	case SO_SNDTIMEO_NEW:	/* 64 bits wide everywhere */
		return put_dyn64(c, DYN_SOCKOPT_TIMEVAL, read_user(t, sizeof(t), addr) ? timeval_ns(t) : 0);
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
		return put_dyn64(c, DYN_SOCKOPT_TIMEVAL, read_pair(c, t, addr) ? timeval_ns(t) : 0);
	case SO_COOKIE:
		if (!read_user(&cookie, sizeof(cookie), addr))
			cookie = 0;
		return put_dyn64(c, DYN_SOCKOPT_UINT64, cookie);
	case SO_LINGER:
	case SO_PEERCRED:
	case SO_PEERNAME:
	case SO_ATTACH_FILTER:
	case SO_ATTACH_BPF:
	case SO_PEERGROUPS:
	case SO_MEMINFO:
		return put_sockopt_raw(c, addr, len);
	}
	room(c)[0] = DYN_SOCKOPT_UINT32;
	*(u32 *)(room(c) + 1) = u32_at(c, addr);
	commit(c, 5);
}

FILLER void put_sockopt_event(struct call *c, u32 len)
{
	put_s64(c, c->ret);
	put_s64(c, arg_s32(arg(c, 0)));
	put_u8(c, conv_sockopt_level((u32)arg(c, 1)));
	put_u8(c, (u32)arg(c, 1) == SOL_SOCKET ? conv_sockopt_optname(arg(c, 2)) : 0);
	put_sockopt(c, arg(c, 3), len);
	put_u32(c, len);
}

FILLER void filler_setsockopt_x(struct call *c)
{
	put_sockopt_event(c, arg(c, 4));
}

FILLER void filler_getsockopt_x(struct call *c)
{
	put_sockopt_event(c, u32_at(c, arg(c, 4)));
}

#endif /* LANNER_FILL_SOCKOPT_H */
