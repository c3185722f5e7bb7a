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
#include "../ops/defs.h"

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

struct call_row {
	u16 sc;		/* enum syscall_code */
	u16 exit;	/* enum event_type; the enter event is the number before */
	u16 number;	/* in the 64-bit table */
	u8 want;	/* enum call_want */
	u8 drop;	/* enum syscall_drop */
};

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
