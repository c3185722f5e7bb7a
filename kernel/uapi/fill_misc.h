/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Fillers of openat2, semaphores, fsconfig, io_uring. */
#ifndef LANNER_FILL_MISC_H
#define LANNER_FILL_MISC_H

struct how {
	u64 flags, mode, resolve;
};

/* Writes flags, mode and resolve. */
FILLER void put_how(struct call *c)
{
	struct how how = {};
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

FILLER void filler_openat2_e(struct call *c)
{
	put_s64(c, arg_s32(arg(c, 0)));
	put_string_at(c, arg(c, 1));
	put_how(c);
}

FILLER void filler_openat2_x(struct call *c)
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

struct semaphore_op {
	u16 num, op, flags;
};

FILLER void filler_semop_x(struct call *c)
{
	struct semaphore_op ops[2] = {};
	u64 n = arg(c, 2);
	int i;

	put_s64(c, c->ret);
	put_u32(c, n);
	if (c->ret == 0 && n) {
		if (!read_user(ops, n == 1 ? sizeof(ops[0]) : sizeof(ops), arg(c, 1)))
			__builtin_memset(ops, 0, sizeof(ops));
	}
	UNROLL
	for (i = 0; i < 2; i++) {
		put_u16(c, ops[i].num);
		put_u16(c, ops[i].op);
		put_u16(c, conv_semop_flags(ops[i].flags));
	}
	if (current_profile(c))
		put_u32(c, arg(c, 0));
}

#define SEM_SETVAL 16	/* SETVAL, linux/sem.h */

FILLER void put_semctl(struct call *c)
{
	put_u32(c, arg(c, 0));
	put_u32(c, arg(c, 1));
	put_u16(c, conv_semctl_cmd(arg(c, 2)));
	put_u32(c, (u32)arg(c, 2) == SEM_SETVAL ? arg(c, 3) : 0);
}

FILLER void filler_semctl_e(struct call *c)
{
	put_semctl(c);
}

FILLER void filler_semctl_x(struct call *c)
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

FILLER void filler_fsconfig_x(struct call *c)
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

FILLER void filler_io_uring_setup_x(struct call *c)
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
