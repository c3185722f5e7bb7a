/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The two ends of a socket. */
#ifndef LANNER_TUPLE_H
#define LANNER_TUPLE_H

#include "socket.h"

/* The local end, as getsockname(2) tells it. */
static void local_end(struct sock *sk, struct endpoint *e, u16 family)
{
	struct inet_sock *inet = inet_sk(sk);
	__be32 ip;

	e->port = ntohs(inet->inet_sport);
	if (family == AF_INET) {
		ip = inet->inet_rcv_saddr ?: inet->inet_saddr;
		memcpy(&e->ip, &ip, sizeof(ip));
		return;
	}
#if IS_ENABLED(CONFIG_IPV6)
	e->ip = sk->sk_v6_rcv_saddr;
	if (ipv6_addr_any(&e->ip) && inet6_sk(sk))
		e->ip = inet6_sk(sk)->saddr;
#endif
}

static void remote_end(struct sock *sk, struct endpoint *e, u16 family)
{
	e->port = ntohs(inet_sk(sk)->inet_dport);
	if (family == AF_INET)
		memcpy(&e->ip, &inet_sk(sk)->inet_daddr, 4);
#if IS_ENABLED(CONFIG_IPV6)
	else
		e->ip = sk->sk_v6_daddr;
#endif
}

static void put_inet_tuple(struct call *c, struct sock *sk, u16 family, bool inbound, u64 addr, u64 len)
{
	struct endpoint local = {}, remote = {};
	u16 given = 0;
	u32 n;

	local_end(sk, &local, family);
	remote_end(sk, &remote, family);
	if (!remote.port) {
		memset(&remote, 0, sizeof(remote));
		if (read_address(c, addr, len, &given) && given == family)
			given_end(c, &remote, family);
	}
	*room(c) = family;
	n = write_end(c, 1, inbound ? &remote : &local, family);
	n = write_end(c, n, inbound ? &local : &remote, family);
	commit(c, n);
}

/* The addresses of the two are told as what identifies them. */
static void put_unix_tuple(struct call *c, struct sock *sk, bool inbound, u64 addr, u64 len)
{
	struct sock *peer = unix_peer_get(sk);
	u64 from = (unsigned long)(inbound ? sk : peer), to = (unsigned long)(inbound ? peer : sk);
	u16 given = 0;
	u32 n = 17;

	*room(c) = AF_UNIX;
	memcpy(room(c) + 1, &from, sizeof(from));
	memcpy(room(c) + 9, &to, sizeof(to));
	if (inbound) {
		n = write_bound_name(c, n, sk);
	} else if (peer) {
		n = write_bound_name(c, n, peer);
	} else {
		u32 k = read_address(c, addr, len, &given);

		if (given != AF_UNIX || !k)
			k = sizeof(u16);
		n = write_unix_name(c, n, (char *)c->s->work + sizeof(u16), k - sizeof(u16));
	}
	if (peer)
		sock_put(peer);
	commit(c, n);
}

/*
 * Writes the ends of a socket of the current thread, empty if the descriptor is no
 * such socket. The address of len bytes at addr is that which the call was given.
 */
static void put_tuple(struct call *c, bool inbound, s32 fd, u64 addr, u64 len)
{
	struct sock *sk = NULL;

	if (c->enter || c->ret >= 0)
		sk = sock_of(c, fd);
	switch (sk ? sk->sk_family : AF_UNSPEC) {
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

static void put_tuple_out(struct call *c, u64 fd, u64 addr, u64 len)
{
	put_tuple(c, false, fd, addr, len);
}

/* The length of an address that is received is behind a pointer. */
static void put_tuple_in(struct call *c, u64 fd, u64 addr, u64 len)
{
	put_tuple(c, true, fd, addr, addr ? u32_at(c, len) : 0);
}

#endif /* LANNER_TUPLE_H */
