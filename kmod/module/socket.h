/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Addresses and the two ends of sockets, as docs/wire.md lays them out. */
#ifndef LANNER_SOCKET_H
#define LANNER_SOCKET_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ipv6.h>
#include <linux/un.h>
#include <net/af_unix.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include "file.h"

#define ADDRESS_MAX 128		/* bytes of any address: struct sockaddr_storage */

/* Least lengths of addresses that make sense. */
#define MIN_INET 8		/* family, port, address */
#define MIN_INET6 24		/* family, port, flow, address */
#define MIN_UNIX 3		/* family and one byte of path */

/* An end of an internet socket. */
struct endpoint {
	struct in6_addr ip;	/* the first 4 bytes for AF_INET */
	u16 port;
};

/* The socket behind a descriptor of the current thread, NULL if it is none. */
static struct sock *sock_of(struct call *c, s32 fd)
{
	struct file *f = file_of(c, fd);

	if (!f || file_inode(f)->i_sb->s_magic != SOCKFS_MAGIC)
		return NULL;
	return READ_ONCE(((struct socket *)f->private_data)->sk);
}

/*
 * Reads the address that a call was given into scratch memory and returns its
 * length in bytes: 0 if it is none that can be shown.
 */
static u32 read_address(struct call *c, u64 addr, u64 len, u16 *family)
{
	u32 n = min_t(u32, len, ADDRESS_MAX), least;

	if ((s32)len <= 0 || n < sizeof(*family) || !read_user(c->s->work, n, addr))
		return 0;
	memcpy(family, c->s->work, sizeof(*family));
	switch (*family) {
	case AF_INET:
		least = MIN_INET;
		break;
	case AF_INET6:
		least = MIN_INET6;
		break;
	case AF_UNIX:
		least = MIN_UNIX;
		break;
	default:
		return 0;
	}
	return n < least ? 0 : n;
}

/* Takes an end from the address in scratch memory. */
static void given_end(struct call *c, struct endpoint *e, u16 family)
{
	const u8 *a = c->s->work;
	__be16 port;

	memcpy(&port, a + 2, sizeof(port));
	e->port = ntohs(port);
	if (family == AF_INET)
		memcpy(&e->ip, a + 4, 4);
	else
		memcpy(&e->ip, a + 8, sizeof(e->ip));
}

/* Writes an end at offset n of the room and returns the offset behind it. */
static u32 write_end(struct call *c, u32 n, struct endpoint *e, u16 family)
{
	u32 size = family == AF_INET ? 4 : sizeof(e->ip);

	memcpy(room(c) + n, &e->ip, size);
	memcpy(room(c) + n + size, &e->port, sizeof(e->port));
	return n + size + sizeof(e->port);
}

/*
 * Writes the name of a Unix socket, of n bytes, and its NUL at offset at of the room;
 * returns the offset behind it. Of the NUL in front of an abstract name edition 0.36
 * makes '@', and the current one nothing.
 */
static u32 write_unix_name(struct call *c, u32 at, const char *name, u32 n)
{
	u8 *r = room(c);

	n = min_t(u32, n, UNIX_PATH_MAX);
	if (n && !name[0]) {
		name++;
		n--;
		if (!current_profile(c))
			r[at++] = '@';
	}
	n = n ? strnlen(name, n) : 0;
	memcpy(r + at, name, n);
	r[at + n] = 0;
	return at + n + 1;
}

/* The same for the name that a socket is bound to. */
static u32 write_bound_name(struct call *c, u32 at, struct sock *sk)
{
	/* Once there, it stays until the socket goes (net/unix/af_unix.c:unix_bind). */
	struct unix_address *a = sk ? smp_load_acquire(&unix_sk(sk)->addr) : NULL;

	if (!a || a->len <= (int)sizeof(sa_family_t))
		return write_unix_name(c, at, "", 0);
	return write_unix_name(c, at, a->name->sun_path, a->len - sizeof(sa_family_t));
}

static void put_sock_addr_at(struct call *c, u64 addr, u64 len)
{
	struct endpoint e;
	u16 family = 0;
	u32 n = read_address(c, addr, len, &family);

	if (!n)
		return put_empty(c);
	*room(c) = family;
	if (family == AF_UNIX) {
		n = write_unix_name(c, 1, (char *)c->s->work + sizeof(u16), n - sizeof(u16));
	} else {
		given_end(c, &e, family);
		n = write_end(c, 1, &e, family);
	}
	commit(c, n);
}

#endif /* LANNER_SOCKET_H */
