/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The two ends of a socket. */
#ifndef LANNER_OPS_TUPLE_H
#define LANNER_OPS_TUPLE_H

#include "socket.h"

static __always_inline bool unset(struct in6_addr *a)
{
	u64 v[2];

	__builtin_memcpy(v, a, sizeof(v));
	return !(v[0] | v[1]);
}

/* The local end, as getsockname(2) tells it. */
static __always_inline void local_end(struct sock *sk, struct endpoint *e, u16 family)
{
	struct inet_sock *inet = (void *)sk;
	u32 ip;

	e->port = bpf_ntohs(READ(inet, inet_sport));
	if (family == AF_INET) {
		ip = READ(sk, __sk_common.skc_rcv_saddr);
		if (!ip)
			ip = READ(inet, inet_saddr);
		*(u32 *)&e->ip = ip;
		return;
	}
	READ_INTO(&e->ip, sk, __sk_common.skc_v6_rcv_saddr);
	if (unset(&e->ip))
		READ_INTO(&e->ip, inet, pinet6, saddr);
}

static __always_inline void remote_end(struct sock *sk, struct endpoint *e, u16 family)
{
	e->port = bpf_ntohs(READ(sk, __sk_common.skc_dport));
	if (family == AF_INET)
		*(u32 *)&e->ip = READ(sk, __sk_common.skc_daddr);
	else
		READ_INTO(&e->ip, sk, __sk_common.skc_v6_daddr);
}

static __always_inline void put_inet_tuple(struct call *c, struct sock *sk, u16 family, bool inbound, u64 addr, u64 len)
{
	struct endpoint local = {}, remote = {};
	u16 given = 0;
	u32 n;

	local_end(sk, &local, family);
	remote_end(sk, &remote, family);
	if (!remote.port) {
		__builtin_memset(&remote, 0, sizeof(remote));
		if (read_address(c, addr, len, &given) && given == family)
			given_end(c, &remote, family);
	}
	*room(c) = family;
	n = write_end(c, 1, inbound ? &remote : &local, family);
	n = write_end(c, n, inbound ? &local : &remote, family);
	commit(c, n);
}

static __always_inline void put_unix_tuple(struct call *c, struct sock *sk, bool inbound, u64 addr, u64 len)
{
	struct unix_sock *self = (void *)sk;
	struct sock *peer = READ(self, peer);
	u16 given = 0;
	u32 n = 17;

	*room(c) = AF_UNIX;
	*(u64 *)(room(c) + 1) = (u64)(inbound ? sk : peer);
	*(u64 *)(room(c) + 9) = (u64)(inbound ? peer : sk);
	if (inbound) {
		n = write_bound_name(c, n, self);
	} else if (peer) {
		n = write_bound_name(c, n, (void *)peer);
	} else {
		u32 k = read_address(c, addr, len, &given);

		if (given != AF_UNIX || !k)
			k = sizeof(u16);
		n = write_unix_name(c, n, (char *)work(c) + sizeof(u16), k - sizeof(u16));
	}
	commit(c, n);
}

/*
 * Writes the ends of a socket of the current thread, empty if the descriptor is no
 * such socket. The address of len bytes at addr is that which the call was given.
 */
static __always_inline void put_tuple(struct call *c, bool inbound, s32 fd, u64 addr, u64 len)
{
	struct sock *sk = NULL;
	u16 family;

	if (c->enter || c->ret >= 0)
		sk = sock_of(fd);
	if (!sk)
		return put_empty(c);
	family = READ(sk, __sk_common.skc_family);
	switch (family) {
	case AF_INET:
		return put_inet_tuple(c, sk, AF_INET, inbound, addr, len);
	case AF_INET6:
		return put_inet_tuple(c, sk, AF_INET6, inbound, addr, len);
	case AF_UNIX:
		return put_unix_tuple(c, sk, inbound, addr, len);
	default:
		return put_empty(c);
	}
}

static __always_inline void put_tuple_out(struct call *c, u64 fd, u64 addr, u64 len)
{
	put_tuple(c, false, fd, addr, len);
}

/* The length of an address that is received is behind a pointer. */
static __always_inline void put_tuple_in(struct call *c, u64 fd, u64 addr, u64 len)
{
	put_tuple(c, true, fd, addr, addr ? u32_at(c, len) : 0);
}

#endif /* LANNER_OPS_TUPLE_H */
