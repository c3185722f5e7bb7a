/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Fillers of openat2, poll, semaphores, fsconfig, io_uring, keys. */
#ifndef LANNER_FILL_MISC_H
#define LANNER_FILL_MISC_H

#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/poll.h>
#include <linux/sem.h>
#include <uapi/linux/mount.h>
#include "data.h"

/* Writes flags, mode and resolve. */
static void put_how(struct call *c)
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

static void filler_openat2_e(struct call *c)
{
	put_s64(c, arg_s32(arg(c, 0)));
	put_string_at(c, arg(c, 1));
	put_how(c);
}

static void filler_openat2_x(struct call *c)
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

/*
 * Writes an array of struct pollfd: with what came back, or at entry with what was
 * asked. Edition 0.36 lists after the call only entries where something came back.
 */
static void put_poll_set(struct call *c, u64 addr, u32 count)
{
	struct pollfd *set = (void *)c->s->work;
	u32 n = min_t(u32, count, POLL_MAX), at = 2, i;
	u16 bits, listed = 0;
	s64 fd;

	BUILD_BUG_ON(POLL_MAX * sizeof(*set) > WORK_SIZE);
	if (!n || !read_user(set, n * sizeof(*set), addr))
		n = 0;
	for (i = 0; i < n; i++) {
		bits = c->enter ? set[i].events : set[i].revents;
		if (!bits && !c->enter && !current_profile(c))
			continue;
		fd = set[i].fd;
		bits = conv_poll_events(bits);
		memcpy(room(c) + at, &fd, sizeof(fd));
		memcpy(room(c) + at + 8, &bits, sizeof(bits));
		at += 10;
		listed++;
	}
	memcpy(room(c), &listed, sizeof(listed));
	commit(c, at);
}

static void filler_poll_e(struct call *c)
{
	put_poll_set(c, arg(c, 0), arg(c, 1));
	put_s64(c, arg_s32(arg(c, 2)));
}

static void filler_poll_x(struct call *c)
{
	put_s64(c, c->ret);
	put_poll_set(c, arg(c, 0), arg(c, 1));
	if (current_profile(c))
		put_s64(c, arg_s32(arg(c, 2)));
}

static void filler_ppoll_e(struct call *c)
{
	put_poll_set(c, arg(c, 0), arg(c, 1));
	put_u64(c, timespec_at(c, arg(c, 2)));
	put_u32(c, u32_at(c, arg(c, 3)));
}

static void filler_ppoll_x(struct call *c)
{
	put_s64(c, c->ret);
	put_poll_set(c, arg(c, 0), arg(c, 1));
	if (current_profile(c)) {
		put_u64(c, timespec_at(c, arg(c, 2)));
		put_u32(c, u32_at(c, arg(c, 3)));
	}
}

static void filler_semop_x(struct call *c)
{
	struct sembuf ops[2] = {};
	u64 n = arg(c, 2);
	int i;

	put_s64(c, c->ret);
	put_u32(c, n);
	if (c->ret == 0 && n) {
		if (!read_user(ops, n == 1 ? sizeof(ops[0]) : sizeof(ops), arg(c, 1)))
			memset(ops, 0, sizeof(ops));
	}
	for (i = 0; i < 2; i++) {
		put_u16(c, ops[i].sem_num);
		put_u16(c, ops[i].sem_op);
		put_u16(c, conv_semop_flags(ops[i].sem_flg));
	}
	if (current_profile(c))
		put_u32(c, arg(c, 0));
}

static void put_semctl(struct call *c)
{
	put_u32(c, arg(c, 0));
	put_u32(c, arg(c, 1));
	put_u16(c, conv_semctl_cmd(arg(c, 2)));
	put_u32(c, (u32)arg(c, 2) == SETVAL ? arg(c, 3) : 0);
}

static void filler_semctl_e(struct call *c)
{
	put_semctl(c);
}

static void filler_semctl_x(struct call *c)
{
	put_s64(c, c->ret);
	if (current_profile(c))
		put_semctl(c);
}

static void filler_fsconfig_x(struct call *c)
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

static void filler_io_uring_setup_x(struct call *c)
{
	struct ring_params p = {};

	if (!read_user(&p, sizeof(p), arg(c, 1)))
		memset(&p, 0, sizeof(p));
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
