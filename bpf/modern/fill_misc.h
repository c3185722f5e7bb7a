/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Fillers of openat2, poll, semaphores, fsconfig, io_uring, keys. */
#ifndef LANNER_FILL_MISC_H
#define LANNER_FILL_MISC_H

#include "data.h"

struct open_how {
	u64 flags, mode, resolve;
};

/* Writes flags, mode and resolve. */
static __always_inline void put_how(struct call *c)
{
	struct open_how how = {};
	bool readable = read_user(&how, sizeof(how), arg(c, 2));

	if (!readable) {
		put_u32(c, 0);
		put_u32(c, 0);
		put_u32(c, 0);
		return;
	}
	put_u32(c, c->enter ? conv_open_flags(how.flags) : opened_flags(c, how.flags));
	put_u32(c, open_mode(how.flags, how.mode));
	put_u32(c, conv_openat2_resolve(how.resolve));
}

static __always_inline void filler_openat2_e(struct call *c)
{
	put_s64(c, arg_s32(arg(c, 0)));
	put_string_at(c, arg(c, 1));
	put_how(c);
}

static __always_inline void filler_openat2_x(struct call *c)
{
	put_s64(c, c->ret);
	put_s64(c, arg_s32(arg(c, 0)));
	put_string_at(c, arg(c, 1));
	put_how(c);
	if (current_profile(c)) {
		put_u32(c, dev(c));
		put_u64(c, ino(c));
	}
}

#define POLL_MAX 227	/* entries; the kernel module's limit, 8n + 2 + 10n <= 4096 */

struct pollfd {
	s32 fd;
	u16 events, revents;
};

/* Writes entry i. A global function, which the verifier looks at once. */
__noinline int put_poll_entry(u32 i)
{
	struct call call = { .s = scratch() }, *c = &call;
	struct pollfd *set;
	u16 bits;

	if (!c->s || i >= POLL_MAX)
		return 0;
	set = (void *)c->s->work;
	bits = c->s->poll.enter ? set[i].events : set[i].revents;
	if (!bits && !c->s->poll.enter && !current_profile(c))
		return 0;
	c->off = c->s->poll.at;
	*(s64 *)room(c) = set[i].fd;
	*(u16 *)(room(c) + 8) = conv_poll_events(bits);
	c->s->poll.at += 10;
	c->s->poll.listed++;
	return 0;
}

/*
 * Writes an array of struct pollfd: with what came back, or at entry with what was
 * asked. Edition 0.36 lists after the call only entries where something came back.
 */
static __always_inline void put_poll_set(struct call *c, u64 addr, u32 count)
{
	struct poll_walk *p = &c->s->poll;
	u64 n = at_most(count, POLL_MAX);
	u32 i;

	if (!n || !read_user(c->s->work, n * sizeof(struct pollfd), addr))
		n = 0;
	p->at = c->off + 2;
	p->listed = 0;
	p->enter = c->enter;
	for (i = 0; i < POLL_MAX; i++) {
		if (i >= n)
			break;
		put_poll_entry(i);
	}
	*(u16 *)room(c) = p->listed;
	commit(c, p->at - c->off);
}

static __always_inline void filler_poll_e(struct call *c)
{
	put_poll_set(c, arg(c, 0), arg(c, 1));
	put_s64(c, arg_s32(arg(c, 2)));
}

static __always_inline void filler_poll_x(struct call *c)
{
	put_s64(c, c->ret);
	put_poll_set(c, arg(c, 0), arg(c, 1));
	if (current_profile(c))
		put_s64(c, arg_s32(arg(c, 2)));
}

static __always_inline void filler_ppoll_e(struct call *c)
{
	put_poll_set(c, arg(c, 0), arg(c, 1));
	put_u64(c, timespec_at(c, arg(c, 2)));
	put_u32(c, u32_at(c, arg(c, 3)));
}

static __always_inline void filler_ppoll_x(struct call *c)
{
	put_s64(c, c->ret);
	put_poll_set(c, arg(c, 0), arg(c, 1));
	if (current_profile(c)) {
		put_u64(c, timespec_at(c, arg(c, 2)));
		put_u32(c, u32_at(c, arg(c, 3)));
	}
}

struct sembuf {
	u16 num, op, flags;
};

static __always_inline void filler_semop_x(struct call *c)
{
	struct sembuf ops[2] = {};
	u64 n = arg(c, 2);
	int i;

	put_s64(c, c->ret);
	put_u32(c, n);
	if (c->ret == 0 && n) {
		if (!read_user(ops, n == 1 ? sizeof(ops[0]) : sizeof(ops), arg(c, 1)))
			__builtin_memset(ops, 0, sizeof(ops));
	}
	for (i = 0; i < 2; i++) {
		put_u16(c, ops[i].num);
		put_u16(c, ops[i].op);
		put_u16(c, conv_semop_flags(ops[i].flags));
	}
	if (current_profile(c))
		put_u32(c, arg(c, 0));
}

#define SETVAL 16	/* linux/sem.h */

static __always_inline void put_semctl(struct call *c)
{
	put_u32(c, arg(c, 0));
	put_u32(c, arg(c, 1));
	put_u16(c, conv_semctl_cmd(arg(c, 2)));
	put_u32(c, (u32)arg(c, 2) == SETVAL ? arg(c, 3) : 0);
}

static __always_inline void filler_semctl_e(struct call *c)
{
	put_semctl(c);
}

static __always_inline void filler_semctl_x(struct call *c)
{
	put_s64(c, c->ret);
	if (current_profile(c))
		put_semctl(c);
}

/* linux/mount.h */
#define FSCONFIG_SET_STRING 1
#define FSCONFIG_SET_BINARY 2
#define FSCONFIG_SET_PATH 3
#define FSCONFIG_SET_PATH_EMPTY 4

static __always_inline void filler_fsconfig_x(struct call *c)
{
	u32 cmd = arg(c, 1);
	bool text = cmd == FSCONFIG_SET_STRING || cmd == FSCONFIG_SET_PATH || cmd == FSCONFIG_SET_PATH_EMPTY;

	put_s64(c, c->ret);
	put_s64(c, arg_s32(arg(c, 0)));
	put_u32(c, cmd);
	put_string_at(c, arg(c, 2));
	put_raw_data(c, arg(c, 3), c->ret == 0 && cmd == FSCONFIG_SET_BINARY ? (u32)arg(c, 4) : 0);
	put_string_at(c, c->ret == 0 && text ? arg(c, 3) : 0);
	put_u32(c, arg(c, 4));
}

/* The first words of struct io_uring_params, as the kernel left them. */
struct ring_params {
	u32 sq_entries, cq_entries, flags, sq_thread_cpu, sq_thread_idle, features;
};

static __always_inline void filler_io_uring_setup_x(struct call *c)
{
	struct ring_params p = {};

	if (!read_user(&p, sizeof(p), arg(c, 1)))
		__builtin_memset(&p, 0, sizeof(p));
	put_s64(c, c->ret);
	put_u32(c, arg(c, 0));
	put_u32(c, p.sq_entries);
	put_u32(c, p.cq_entries);
	put_u32(c, conv_io_uring_setup_flags(p.flags));
	put_u32(c, p.sq_thread_cpu);
	put_u32(c, p.sq_thread_idle);
	put_u32(c, conv_io_uring_features(p.features));
}

#endif /* LANNER_FILL_MISC_H */
