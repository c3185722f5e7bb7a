/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * How many bytes of I/O data an event keeps: snaplen, or with dynamic snaplen more
 * for protocols whose messages are worth it. The first rule whose condition holds
 * decides.
 */
#ifndef LANNER_SNAPLEN_H
#define LANNER_SNAPLEN_H

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

static bool fullcapture(struct call *c, u16 port)
{
	u16 last = c->con->fullcapture_end;

	return last && port >= c->con->fullcapture_start && port <= last;
}

static bool is_mysql(const u8 *b)
{
	return memchr(b, 3, 5) || (b[2] == 0 && b[3] == 0);
}

static bool is_postgres(const u8 *b)
{
	return ((b[0] == 'Q' || b[0] == 'P' || b[0] == 'E') && b[1] == 0) || (b[4] == 0 && b[5] == 3 && b[6] == 0);
}

static bool is_mongodb(const u8 *b, u64 n)
{
	s32 op;

	memcpy(&op, b + 12, sizeof(op));
	return n >= 16 && (op == 1 || (op >= 2001 && op <= 2007));
}

static bool is_http(const u8 *b, u64 n)
{
	static const char words[][5] = { "GET ", "POST", "PUT ", "DELE", "TRAC", "CONN", "OPTI" };
	int i;

	if (n < 5)
		return false;
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (!memcmp(b, words[i], 4))
			return true;
	}
	return !memcmp(b, "HTTP/", 5);
}

/* What the first bytes of a buffer call for. */
static u32 by_content(struct call *c, struct data_hint *h, u16 local, u16 remote)
{
	u8 b[PROTOCOL_HEAD] = {};
	u64 n = min_t(u64, h->len, PROTOCOL_HEAD);
	bool known;

	if (!h->addr || !n || !read_user(b, n, h->addr))
		return 0;
	if ((local == PORT_MYSQL || remote == PORT_MYSQL) && n >= 5)
		known = is_mysql(b);
	else if ((local == PORT_POSTGRES || remote == PORT_POSTGRES) && n >= 7)
		known = is_postgres(b);
	else
		known = local == PORT_MONGODB || remote == PORT_MONGODB || is_mongodb(b, n) || is_http(b, n);
	return known ? PROTOCOL_BYTES : 0;
}

static u32 by_port(struct call *c, struct data_hint *h, u16 local, u16 remote)
{
	if (fullcapture(c, local) || fullcapture(c, remote))
		return FULLCAPTURE_BYTES;
	if (remote == c->con->statsd_port)
		return PROTOCOL_BYTES;
	if (remote == PORT_DNS && current_profile(c))
		return DNS_BYTES;
	return by_content(c, h, local, remote);
}

/* The most bytes of data that an event of a descriptor keeps. */
static u32 snaplen_of(struct call *c, s32 fd, struct data_hint *h)
{
	u32 snaplen = READ_ONCE(c->con->snaplen);
	u16 given = 0, local = 0, remote = 0;
	struct endpoint e;
	struct sock *sk;

	if (!c->con->dynamic_snaplen)
		return snaplen;
	sk = sock_of(c, fd);
	if (!sk)
		return snaplen;
	if (sk->sk_family == AF_INET || sk->sk_family == AF_INET6) {
		local = ntohs(inet_sk(sk)->inet_sport);
		remote = ntohs(inet_sk(sk)->inet_dport);
		if (!remote && read_address(c, h->peer, h->peer_len, &given) && given != AF_UNIX) {
			given_end(c, &e, given);
			remote = e.port;
		}
	}
	return max(by_port(c, h, local, remote), snaplen);
}

#endif /* LANNER_SNAPLEN_H */
