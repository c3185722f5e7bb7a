/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What the loader tells the probe, in maps: kernels before 5.2 have no global data.
 * The edition is chosen when the probe is compiled, and is that of its schema.
 */
#ifndef LANNER_SETTINGS_H
#define LANNER_SETTINGS_H

#include "kernel.h"
#include "../../kernel/uapi/syscalls.h"
#include "../ops/defs.h"

#ifndef LANNER_PROFILE
#define LANNER_PROFILE PROFILE_CURRENT
#endif

#define profile LANNER_PROFILE

/* The first 35 bytes are the contract's. */
struct settings {
	u64 boot_time;		/* ns since the epoch */
	u64 socket_file_ops;	/* not used: sockets are known by their file system */
	u32 snaplen;		/* bytes */
	u32 sampling_ratio;	/* events are kept in 1/ratio of each second */
	u8 dynamic_snaplen;
	u8 dropping_mode;	/* sampling is on */
	u8 is_dropping;		/* the last call that was looked at was left out */
	u8 drop_failed;		/* leave out exit events of calls that failed */
	u8 tracers_enabled;	/* not used */
	u16 fullcapture_start;	/* dynamic snaplen: ports whose data is kept to a greater length */
	u16 fullcapture_end;	/* 0: no such range */
	u16 statsd_port;
	u8 scope;		/* enum scope_kind */
	u32 own_tgid;		/* of the tracer, which is never watched */
	/* What is no call: WANT_EXIT, STATE_ONLY. */
	u8 want_exec, want_clone, want_procexit, want_signal, want_switch, want_page_fault;
} __attribute__((packed));

/* An entry of syscall_table. */
struct call_row {
	u8 want;	/* enum call_want */
	u8 drop;	/* enum syscall_drop */
	u16 number;	/* in the 64-bit table */
	u32 enter;	/* enum event_type */
	u32 exit;
	u32 sc;		/* enum syscall_code */
};

/* Where the rows of syscall_table are: by number, and by code of socketcall(2), from 1. */
#define NATIVE_ROWS 0
#define COMPAT_ROWS CALLS
#define SOCKET_ROWS (2 * CALLS)
#define ROWS (2 * CALLS + SOCKETCALLS)

#endif /* LANNER_SETTINGS_H */
