/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * How many bytes of I/O data an event keeps: snaplen, or with dynamic snaplen more
 * for protocols whose messages are worth it. The first rule whose condition holds
 * decides.
 */
#ifndef LANNER_OPS_SNAPLEN_H
#define LANNER_OPS_SNAPLEN_H

#include "tuple.h"

#define FULLCAPTURE_BYTES 16000
#define PROTOCOL_BYTES 2000
#define DNS_BYTES 512
#define PROTOCOL_HEAD 16	/* bytes that are looked at */

#define PORT_DNS 53
#define PORT_MYSQL 3306
#define PORT_POSTGRES 5432
#define PORT_MONGODB 27017

/* What is known of data for the choice. */
struct data_hint {
	u64 addr, len;		/* of one buffer; 0: scattered, or not to be looked at */
	u64 peer, peer_len;	/* the address that the call was given, 0 if none */
};

static __always_inline bool fullcapture(struct call *c, u16 port)
{
	return setting(c, fullcapture_end) && port >= setting(c, fullcapture_start) && port <= setting(c, fullcapture_end);
}

static __always_inline bool is_mysql(const u8 *b, u64 n)
{
	if (n < 5)
		return false;
	return b[0] == 3 || b[1] == 3 || b[2] == 3 || b[3] == 3 || b[4] == 3 || (b[2] == 0 && b[3] == 0);
}

static __always_inline bool is_postgres(const u8 *b, u64 n)
{
	if (n < 7)
		return false;
	return ((b[0] == 'Q' || b[0] == 'P' || b[0] == 'E') && b[1] == 0) || (b[4] == 0 && b[5] == 3 && b[6] == 0);
}

static __always_inline bool is_mongodb(const u8 *b, u64 n)
{
	s32 op = *(s32 *)(b + 12);

	return n >= 16 && (op == 1 || (op >= 2001 && op <= 2007));
}

#define WORD(a, b, c, d) ((u32)(a) | (u32)(b) << 8 | (u32)(c) << 16 | (u32)(d) << 24)

static __always_inline bool is_http(const u8 *b, u64 n)
{
	if (n < 5)
		return false;
	switch (*(u32 *)b) {
	case WORD('G', 'E', 'T', ' '):
	case WORD('P', 'O', 'S', 'T'):
	case WORD('P', 'U', 'T', ' '):
	case WORD('D', 'E', 'L', 'E'):
	case WORD('T', 'R', 'A', 'C'):
	case WORD('C', 'O', 'N', 'N'):
	case WORD('O', 'P', 'T', 'I'):
	case WORD('H', 'T', 'T', 'P'):
		return *(u32 *)b != WORD('H', 'T', 'T', 'P') || b[4] == '/';
	}
	return false;
}

/* What the first bytes of a buffer call for. */
static __always_inline u32 by_content(struct call *c, struct data_hint *h, u16 local, u16 remote)
{
	u64 head[2] = {};
	u64 n = at_most(h->len, PROTOCOL_HEAD);
	u8 *b = (u8 *)head;
	bool known;

	if (!h->addr)
		return 0;
	if (!n || !read_user(head, n, h->addr))
		return 0;
	if ((local == PORT_MYSQL || remote == PORT_MYSQL) && n >= 5)
		known = is_mysql(b, n);
	else if ((local == PORT_POSTGRES || remote == PORT_POSTGRES) && n >= 7)
		known = is_postgres(b, n);
	else
		known = local == PORT_MONGODB || remote == PORT_MONGODB || is_mongodb(b, n) || is_http(b, n);
	return known ? PROTOCOL_BYTES : 0;
}

static __always_inline u32 by_port(struct call *c, struct data_hint *h, u16 local, u16 remote)
{
	if (fullcapture(c, local) || fullcapture(c, remote))
		return FULLCAPTURE_BYTES;
	if (remote == setting(c, statsd_port))
		return PROTOCOL_BYTES;
	if (remote == PORT_DNS && current_profile(c))
		return DNS_BYTES;
	return by_content(c, h, local, remote);
}

/* The most bytes of data that an event of a descriptor keeps. */
static __always_inline u32 snaplen_of(struct call *c, s32 fd, struct data_hint *h)
{
	u16 family, given = 0, local = 0, remote = 0;
	struct endpoint e;
	struct sock *sk;
	u32 n;

	if (!setting(c, dynamic_snaplen))
		return setting(c, snaplen);
	sk = sock_of(fd);
	if (!sk)
		return setting(c, snaplen);
	family = READ(sk, __sk_common.skc_family);
	if (family == AF_INET || family == AF_INET6) {
		struct inet_sock *inet = (void *)sk;

		local = bpf_ntohs(READ(inet, inet_sport));
		remote = bpf_ntohs(READ(sk, __sk_common.skc_dport));
		if (!remote && read_address(c, h->peer, h->peer_len, &given) && given != AF_UNIX) {
			given_end(c, &e, given);
			remote = e.port;
		}
	}
	n = by_port(c, h, local, remote);
	return n > setting(c, snaplen) ? n : setting(c, snaplen);
}

#endif /* LANNER_OPS_SNAPLEN_H */
