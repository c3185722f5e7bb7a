/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Addresses and the two ends of sockets, as docs/wire.md lays them out. */
#ifndef LANNER_OPS_SOCKET_H
#define LANNER_OPS_SOCKET_H


#define ADDRESS_MAX 128		/* bytes of any address: struct sockaddr_storage */
#define UNIX_PATH_MAX 108	/* bytes of a Unix socket's name: sizeof sun_path */

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
static __always_inline struct sock *sock_of(s32 fd)
{
	struct file *f = file_of(fd);
	struct socket *s;

	if (!f || READ(f, f_inode, i_sb, s_magic) != SOCKFS_MAGIC)
		return NULL;
	s = READ(f, private_data);
	return READ(s, sk);
}

/*
 * Reads the address that a call was given into scratch memory and returns its
 * length in bytes: 0 if it is none that can be shown.
 */
static __always_inline u32 read_address(struct call *c, u64 addr, u64 len, u16 *family)
{
	u64 n = at_most((u32)len, ADDRESS_MAX), min;

	if ((s32)len <= 0 || !read_user(work(c), n, addr))
		return 0;
	*family = *(u16 *)work(c);
	switch (*family) {
	case AF_INET:
		min = MIN_INET;
		break;
	case AF_INET6:
		min = MIN_INET6;
		break;
	case AF_UNIX:
		min = MIN_UNIX;
		break;
	default:
		return 0;
	}
	return n < min ? 0 : n;
}

/* Takes an end from the address in scratch memory. */
static __always_inline void given_end(struct call *c, struct endpoint *e, u16 family)
{
	u8 *a = work(c);

	e->port = bpf_ntohs(*(u16 *)(a + 2));
	if (family == AF_INET)
		*(u32 *)&e->ip = *(u32 *)(a + 4);
	else
		__builtin_memcpy(&e->ip, a + 8, sizeof(e->ip));
}

/* Writes an end at offset n of the room and returns the offset behind it. */
static __always_inline u32 write_end(struct call *c, u32 n, struct endpoint *e, u16 family)
{
	u8 *r = room(c);

	if (family == AF_INET) {
		*(u32 *)(r + n) = *(u32 *)&e->ip;
		n += 4;
	} else {
		__builtin_memcpy(r + n, &e->ip, sizeof(e->ip));
		n += sizeof(e->ip);
	}
	*(u16 *)(r + n) = e->port;
	return n + 2;
}

/*
 * Writes the name of a Unix socket, n bytes in the kernel's memory, and its NUL at
 * offset at of the room; returns the offset behind it. Of the NUL in front of an
 * abstract name edition 0.36 makes '@', and the current one nothing.
 */
static __always_inline u32 write_unix_name(struct call *c, u32 at, const char *name, u32 n)
{
	u8 *r = room(c);
	char first = 0;
	long k;

	if (n > UNIX_PATH_MAX)
		n = UNIX_PATH_MAX;
	if (n) {
		read_kernel(&first, 1, name);
		if (!first) {
			name++;
			n--;
			if (!current_profile(c))
				r[at++] = '@';
		}
	}
	k = read_kernel_string(r + at, at_most(n + 1, UNIX_PATH_MAX + 1), name);
	if (k < 1) {
		r[at] = 0;
		k = 1;
	}
	return at + k;
}

/* The same for the name that a socket is bound to. */
static __always_inline u32 write_bound_name(struct call *c, u32 at, struct unix_sock *u)
{
	struct unix_address *a = NULL;
	const char *name = NULL;
	int n = 0;

	if (u)
		a = READ(u, addr);
	if (a) {
		n = READ(a, len) - (int)sizeof(u16);
		name = (void *)a + OFFSET(struct unix_address, name) + sizeof(u16);
	}
	return write_unix_name(c, at, name, n > 0 ? n : 0);
}

static __always_inline void put_sock_addr_at(struct call *c, u64 addr, u64 len)
{
	struct endpoint e;
	u16 family = 0;
	u32 n = read_address(c, addr, len, &family);

	if (!n)
		return put_empty(c);
	*room(c) = family;
	if (family == AF_UNIX) {
		n = write_unix_name(c, 1, (char *)work(c) + sizeof(u16), n - sizeof(u16));
	} else {
		given_end(c, &e, family);
		n = write_end(c, 1, &e, family);
	}
	commit(c, n);
}

#endif /* LANNER_OPS_SOCKET_H */
