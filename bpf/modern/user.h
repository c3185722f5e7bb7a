/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Reading the caller's memory. What is not in memory counts as unreadable. */
#ifndef LANNER_USER_H
#define LANNER_USER_H

#include "call.h"

#define STRING_MAX 4096	/* bytes of a string, its NUL included */

/*
 * A length that the verifier sees the bound of: without the barrier the compiler may
 * compare one copy of it and use another.
 */
static __always_inline u64 at_most(u64 n, u64 most)
{
	if (n > most)
		n = most;
	asm volatile("" : "+r"(n));
	return n;
}

static __always_inline bool read_user(void *dst, u64 size, u64 addr)
{
	return addr && !bpf_probe_read_user(dst, size, (void *)addr);
}

static __always_inline u32 u32_at(struct call *c, u64 addr)
{
	u32 v = 0;

	read_user(&v, sizeof(v), addr);
	return v;
}

static __always_inline u64 u64_at(struct call *c, u64 addr)
{
	u64 v = 0;

	read_user(&v, long_size(c), addr);
	return v;
}

/* Reads two longs of the caller's. */
static __always_inline bool read_pair(struct call *c, u64 *pair, u64 addr)
{
	u32 narrow[2];

	if (!c->s->compat)
		return read_user(pair, 2 * sizeof(*pair), addr);
	if (!read_user(narrow, sizeof(narrow), addr))
		return false;
	pair[0] = narrow[0];
	pair[1] = narrow[1];
	return true;
}

static __always_inline u64 timespec_at(struct call *c, u64 addr)
{
	u64 t[2];

	return read_pair(c, t, addr) ? t[0] * 1000000000 + t[1] : 0;
}

static __always_inline s64 fd_at(struct call *c, u64 addr, u32 i)
{
	s32 fd;

	return addr && read_user(&fd, sizeof(fd), addr + i * sizeof(fd)) ? fd : -1;
}

/*
 * Reads a string into size bytes and returns how many it took, its NUL included, or an
 * error. Of an empty one the kernel says 0 bytes, until mended
 * (mm/maccess.c:strncpy_from_user_nofault).
 */
static __always_inline long read_user_string(void *dst, u64 size, u64 addr)
{
	long n = bpf_probe_read_user_str(dst, size, (void *)addr);

	return n ? n : 1;
}

static __always_inline void put_string_at(struct call *c, u64 addr)
{
	long n = 0;

	if (addr)
		n = read_user_string(room(c), STRING_MAX, addr);
	commit(c, n < 0 ? 0 : n);
}

static __always_inline void put_string_at_ok(struct call *c, u64 addr)
{
	put_string_at(c, c->ret < 0 ? 0 : addr);
}

/*
 * Reads n bytes into the room, and returns how many there are: all or none. A few go by
 * the stack, of which the kernel asks less than of other memory that it copies to
 * (mm/usercopy.c:__check_object_size).
 */
static __always_inline u32 read_room(struct call *c, u64 addr, u64 n)
{
	u64 few = 0;

	if (n <= sizeof(few)) {
		n = at_most(n, sizeof(few));
		if (!n || !read_user(&few, n, addr))
			return 0;
		*(u64 *)room(c) = few;
		return n;
	}
	n = at_most(n, EVENT_MAX_PARAM_LEN);
	return n && read_user(room(c), n, addr) ? n : 0;
}

static __always_inline void put_raw_data(struct call *c, u64 addr, u64 n)
{
	commit(c, read_room(c, addr, n));
}

#endif /* LANNER_USER_H */
