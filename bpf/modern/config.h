/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What the loader tells the probe: variables that are written before it is loaded
 * and never change, so that the verifier takes them for constants and removes what
 * they rule out.
 */
#ifndef LANNER_CONFIG_H
#define LANNER_CONFIG_H

#include "types.h"
#include "../../kernel/uapi/event.h"

/* Which processes are watched. */
enum scope_kind {
	SCOPE_HOST = 0,		/* all */
	SCOPE_TREE = 1,		/* those in the map "tree", and what they make */
	SCOPE_CGROUP = 2,	/* those below the one cgroup in the map "cgroup" */
};

const volatile u8 profile = PROFILE_CURRENT;
const volatile u8 scope = SCOPE_HOST;
const volatile u8 drop_failed;		/* leave out exit events of calls that failed */
const volatile u8 dynamic_snaplen;
const volatile u8 page_kib_shift;	/* log2 of a page in KiB */
const volatile u32 own_tgid;		/* of the tracer, which is never watched */
const volatile u32 snaplen;		/* bytes */
const volatile u32 wakeup_bytes;	/* sent by one CPU before the reader is woken */
const volatile u32 sampling_ratio = 1;	/* events are kept in 1/ratio of each second */
const volatile u64 boot_time;		/* ns since the epoch */

/* Dynamic snaplen: ports whose data is kept to a greater length. */
const volatile u16 fullcapture_start;
const volatile u16 fullcapture_end;	/* 0: no such range */
const volatile u16 statsd_port;

/* What is done about a call. */
enum call_want {
	WANT_ENTER = 1,		/* its enter event */
	WANT_EXIT = 2,		/* its exit event */
	STATE_ONLY = 4,		/* its events are for readers' state, see EVENT_STATE_ONLY */
	IS_SOCKETCALL = 8,	/* it stands for the call that its first argument says */
	COMPAT_ENTER = 16,	/* the same of the 32-bit call of the same number */
	COMPAT_EXIT = 32,
};

struct call_row {
	u16 sc;		/* enum syscall_code */
	u16 exit;	/* enum event_type; the enter event is the number before */
	u16 number;	/* in the 64-bit table */
	u8 want;	/* enum call_want */
	u8 drop;	/* enum syscall_drop */
};

#define CALLS 512		/* SYSCALL_TABLE_SIZE */
#define SOCKETCALLS 21		/* codes of socketcall(2) go from 1 to 20 */

const volatile struct call_row native_calls[CALLS];
const volatile struct call_row compat_calls[CALLS];
const volatile struct call_row socket_calls[SOCKETCALLS];

/* What is no call. */
const volatile u8 want_exec;	/* enum call_want: WANT_EXIT, STATE_ONLY */
const volatile u8 want_clone;
const volatile u8 want_procexit;
const volatile u8 want_signal;
const volatile u8 want_switch;
const volatile u8 want_page_fault;

#endif /* LANNER_CONFIG_H */
