/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Which call it is: rows by native number, 32-bit calls, socketcall. */
#ifndef LANNER_CALLS_H
#define LANNER_CALLS_H

#include <linux/compat.h>
#include <asm/syscall.h>
#include "user.h"

#if defined(CONFIG_X86_64) && defined(LANNER_036)
#define native_calls syscalls_x86_64_036
#elif defined(CONFIG_X86_64)
#define native_calls syscalls_x86_64
#elif defined(CONFIG_ARM64) && defined(LANNER_036)
#define native_calls syscalls_aarch64_036
#elif defined(CONFIG_ARM64)
#define native_calls syscalls_aarch64
#else
#error "the contract covers x86_64 and aarch64"
#endif

/* Is an event one of this edition? */
static bool emitted(u16 type)
{
	return event_nparams[LANNER_PROFILE][type] != EVENT_NOT_EMITTED;
}

/* A call without a 64-bit number: no reader can turn it off. */
#define NO_NUMBER SYSCALL_TABLE_SIZE

#ifdef CONFIG_X86_64
#define SOCKETCALL 102		/* asm/unistd_32.h:__NR_socketcall */
#define SOCKETCALLS 21		/* codes go from 1 to 20 (linux/net.h:SYS_SOCKET...) */

static const u16 socketcall_codes[SOCKETCALLS] = {
	0, SC_SOCKET, SC_BIND, SC_CONNECT, SC_LISTEN, SC_ACCEPT, SC_GETSOCKNAME, SC_GETPEERNAME,
	SC_SOCKETPAIR, SC_SEND, SC_RECV, SC_SENDTO, SC_RECVFROM, SC_SHUTDOWN, SC_SETSOCKOPT,
	SC_GETSOCKOPT, SC_SENDMSG, SC_RECVMSG, SC_ACCEPT4, SC_RECVMMSG, SC_SENDMMSG,
};

/* Calls without a 64-bit number and hence without a row in the table; as the other drivers have them. */
static const struct syscall_row send_row = { SC_SEND, EVENT_GENERIC_X, MAY_DROP };
static const struct syscall_row recv_row = { SC_RECV, EVENT_GENERIC_X, MAY_DROP };

/* The 64-bit number of each code, NO_NUMBER if there is none; see numbers_init. */
static u16 number_of[SYSCALL_CODES];

void numbers_init(void)
{
	int i;

	for (i = 0; i < SYSCALL_CODES; i++)
		number_of[i] = NO_NUMBER;
	for (i = SYSCALL_TABLE_SIZE - 1; i >= 0; i--) {
		if (native_calls[i].exit)
			number_of[native_calls[i].sc] = i;
	}
}

/* Replaces a socketcall by the call that it stands for; NULL: by none. */
static const struct syscall_row *decode_socketcall(struct call *c, u32 *number)
{
	u32 args[6], i;
	u64 code = arg(c, 0);
	u16 sc;

	if (code < 1 || code >= SOCKETCALLS)
		return NULL;
	if (!read_user(args, sizeof(args), arg(c, 1)))
		memset(args, 0, sizeof(args));
	for (i = 0; i < 6; i++)
		c->args[i] = args[i];
	sc = socketcall_codes[code];
	*number = number_of[sc];
	if (*number != NO_NUMBER)
		return &native_calls[*number];
	return sc == SC_SEND ? &send_row : &recv_row;
}

/*
 * The row of a 32-bit call; *number gets its number in the 64-bit table, by which
 * readers choose it.
 */
static const struct syscall_row *compat_row(struct call *c, u32 nr, u32 *number)
{
	const struct syscall_row *row = NULL;

	if (nr == SOCKETCALL) {
		row = decode_socketcall(c, number);
		if (row)
			c->nr = *number == NO_NUMBER ? SOCKETCALL : *number;
		if (row || LANNER_PROFILE == PROFILE_CURRENT)
			return row;
	}
#ifdef LANNER_036
	row = &syscalls_i386_036[nr];
	*number = number_of[row->sc];
	c->nr = *number == NO_NUMBER ? nr : *number;
	return row;
#else
	if (i386_to_x86_64[nr] == NO_SYSCALL)
		return NULL;
	*number = c->nr = i386_to_x86_64[nr];
	return &native_calls[*number];
#endif
}

static bool is_compat(void)
{
	return in_ia32_syscall();
}
#else
void numbers_init(void)
{
}

/* The contract has no 32-bit calls here. */
static const struct syscall_row *compat_row(struct call *c, u32 nr, u32 *number)
{
	return NULL;
}

static bool is_compat(void)
{
	return is_compat_task();
}
#endif

static void save_args(struct call *c, struct pt_regs *regs)
{
	unsigned long args[6];
	int i;

	syscall_get_arguments(current, regs, args);
	for (i = 0; i < 6; i++)
		c->args[i] = c->compat ? (u32)args[i] : args[i];
}

/*
 * Finds out what call is under way and fills in what is known of it. Returns its row,
 * NULL if it has no event here; *number is by which readers choose it.
 */
static const struct syscall_row *find_call(struct call *c, struct pt_regs *regs, u32 *number)
{
	int nr = syscall_get_nr(current, regs);
	const struct syscall_row *row;

	if (nr < 0 || nr >= SYSCALL_TABLE_SIZE)
		return NULL;
	c->compat = is_compat();
	if (c->compat) {
		save_args(c, regs);
		row = compat_row(c, nr, number);
	} else {
		row = &native_calls[nr];
		*number = c->nr = nr;
	}
	if (!row || !row->exit || !emitted(c->enter ? row->exit - 1 : row->exit))
		return NULL;
	if (!c->compat)
		save_args(c, regs);
	c->sc = row->sc;
	return row;
}

#endif /* LANNER_CALLS_H */
