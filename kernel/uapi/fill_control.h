/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Fillers of prctl, ptrace and limits, and how a thread ended. */
#ifndef LANNER_FILL_CONTROL_H
#define LANNER_FILL_CONTROL_H

/* Writes a status as wait(2) has it, and what is in it: exit code, signal, core dump. */
FILLER void put_exit_status(struct call *c, u32 status)
{
	u8 sig = status & 0x7f;

	put_s64(c, status);
	put_s64(c, (status & 0xff00) >> 8);
	put_u8(c, sig == 0x7f ? 0 : sig);
	put_u8(c, status >> 7 & 1);
}

FILLER void filler_prctl_x(struct call *c)
{
	put_s64(c, c->ret);
	put_u32(c, arg(c, 0));
	switch ((u32)arg(c, 0)) {
	case PR_SET_NAME:
	case PR_GET_NAME:
		put_string_at(c, arg(c, 1));
		put_s64(c, 0);
		break;
	case PR_GET_CHILD_SUBREAPER:
		put_empty(c);
		put_s64(c, (s32)u32_at(c, arg(c, 1)));
		break;
	default:
		put_empty(c);
		put_s64(c, arg(c, 1));
	}
}

FILLER void filler_ptrace_x(struct call *c)
{
	u64 data = arg(c, 3);

	put_s64(c, c->ret);
	put_dyn64(c, DYN_PTRACE_UINT64, c->ret < 0 ? 0 : arg(c, 2));
	switch (c->ret < 0 ? ~0ULL : arg(c, 0)) {
	case ~0ULL:
		put_dyn64(c, DYN_PTRACE_UINT64, 0);
		break;
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
	case PTRACE_PEEKUSR:
		put_dyn64(c, DYN_PTRACE_UINT64, u64_at(c, data));
		break;
	case PTRACE_CONT:
	case PTRACE_SINGLESTEP:
	case PTRACE_DETACH:
	case PTRACE_SYSCALL:
		room(c)[0] = DYN_PTRACE_SIGTYPE;
		room(c)[1] = data;
		commit(c, 2);
		break;
	default:
		put_dyn64(c, DYN_PTRACE_UINT64, data);
	}
	if (current_profile(c)) {
		put_u16(c, conv_ptrace_request(arg(c, 0)));
		put_s64(c, arg_s32(arg(c, 1)));
	}
}

/* Limits of 32-bit calls: all ones are no limit. */
FILLER s64 wide_limit(struct call *c, u64 v)
{
	return long_size(c) == 4 && v == 0xffffffff ? -1 : (s64)v;
}

/* Writes the struct rlimit at addr, zeros if it can't be read. */
FILLER void put_limit(struct call *c, u64 addr)
{
	u64 lim[2] = {};

	if (!read_pair(c, lim, addr))
		lim[0] = lim[1] = 0;
	put_s64(c, wide_limit(c, lim[0]));
	put_s64(c, wide_limit(c, lim[1]));
}

/* The same for prlimit, whose limits have 64 bits everywhere. */
FILLER void put_limit64(struct call *c, u64 addr)
{
	u64 lim[2] = {};

	if (!read_user(lim, sizeof(lim), addr))
		lim[0] = lim[1] = 0;
	put_s64(c, lim[0]);
	put_s64(c, lim[1]);
}

FILLER void put_no_limit(struct call *c)
{
	put_s64(c, -1);
	put_s64(c, -1);
}

FILLER void filler_setrlimit_x(struct call *c)
{
	put_s64(c, c->ret);
	put_limit(c, arg(c, 1));
	if (current_profile(c))
		put_u8(c, conv_rlimit_resource(arg(c, 0)));
}

FILLER void filler_getrlimit_x(struct call *c)
{
	put_s64(c, c->ret);
	if (c->ret < 0)
		put_no_limit(c);
	else
		put_limit(c, arg(c, 1));
	if (current_profile(c))
		put_u8(c, conv_rlimit_resource(arg(c, 0)));
}

FILLER void filler_prlimit_x(struct call *c)
{
	put_s64(c, c->ret);
	if (c->ret < 0 && !current_profile(c))
		put_no_limit(c);
	else
		put_limit64(c, arg(c, 2));
	if (c->ret < 0)
		put_no_limit(c);
	else
		put_limit64(c, arg(c, 3));
	if (current_profile(c)) {
		put_s64(c, arg_s32(arg(c, 0)));
		put_u8(c, conv_rlimit_resource(arg(c, 1)));
	}
}

#endif /* LANNER_FILL_CONTROL_H */
