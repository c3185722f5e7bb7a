/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Reading the caller's memory with page faults off: what is not in memory counts as
 * unreadable.
 */
#ifndef LANNER_USER_H
#define LANNER_USER_H

#include <linux/uaccess.h>
#include "call.h"

#define STRING_MAX 4096	/* bytes of a string, its NUL included */

static u64 at_most(u64 n, u64 most)
{
	return min(n, most);
}

static bool read_user(void *dst, u64 size, u64 addr)
{
	return addr && !copy_from_user_nofault(dst, (void __user *)(unsigned long)addr, size);
}

/*
 * Reads a string of at most size bytes, its NUL included, and returns how many there
 * are; 0: it can't be read. What is too long is cut.
 */
static u32 read_user_string(u8 *dst, u64 addr, u32 size)
{
	long n = -EFAULT;

	if (!addr || !size)
		return 0;
	if (access_ok((void __user *)(unsigned long)addr, 1)) {
		pagefault_disable();
		n = strncpy_from_user(dst, (char __user *)(unsigned long)addr, size);
		pagefault_enable();
	}
	if (n < 0)
		return 0;
	if (n < size)
		return n + 1;
	dst[size - 1] = 0;
	return size;
}

static u32 u32_at(struct call *c, u64 addr)
{
	u32 v = 0;

	if (!read_user(&v, sizeof(v), addr))
		return 0;
	return v;
}

static u64 u64_at(struct call *c, u64 addr)
{
	u64 v = 0;	/* little endian: 4 bytes are the low ones */

	if (!read_user(&v, long_size(c), addr))
		return 0;
	return v;
}

/* Reads two longs of the caller's. */
static bool read_pair(struct call *c, u64 *pair, u64 addr)
{
	u32 narrow[2];

	if (!c->compat)
		return read_user(pair, 2 * sizeof(*pair), addr);
	if (!read_user(narrow, sizeof(narrow), addr))
		return false;
	pair[0] = narrow[0];
	pair[1] = narrow[1];
	return true;
}

static u64 timespec_at(struct call *c, u64 addr)
{
	u64 t[2];

	return read_pair(c, t, addr) ? t[0] * NSEC_PER_SEC + t[1] : 0;
}

static s64 fd_at(struct call *c, u64 addr, u32 i)
{
	s32 fd;

	return addr && read_user(&fd, sizeof(fd), addr + i * sizeof(fd)) ? fd : -1;
}

static void put_string_at(struct call *c, u64 addr)
{
	commit(c, read_user_string(room(c), addr, STRING_MAX));
}

static void put_string_at_ok(struct call *c, u64 addr)
{
	put_string_at(c, c->ret < 0 ? 0 : addr);
}

/* Reads n bytes into the room, and returns how many there are: all or none. */
static u32 read_room(struct call *c, u64 addr, u64 n)
{
	n = min_t(u64, n, EVENT_MAX_PARAM_LEN);
	return n && read_user(room(c), n, addr) ? n : 0;
}

static void put_raw_data(struct call *c, u64 addr, u64 n)
{
	commit(c, read_room(c, addr, n));
}

#endif /* LANNER_USER_H */
