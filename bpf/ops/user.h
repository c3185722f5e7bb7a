/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Reading the caller's memory. What is not in memory counts as unreadable. */
#ifndef LANNER_OPS_USER_H
#define LANNER_OPS_USER_H

#define STRING_MAX 4096	/* bytes of a string, its NUL included */

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

static __always_inline void put_raw_data(struct call *c, u64 addr, u64 n)
{
	commit(c, read_room(c, addr, n));
}

#endif /* LANNER_OPS_USER_H */
