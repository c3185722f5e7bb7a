/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The contract of the devices: what readers see of them. docs/module.md has it in words. */
#ifndef LANNER_DEVICE_H
#define LANNER_DEVICE_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include "../../kernel/uapi/event.h"

/*
 * What the module is built for: LANNER_036, the edition 0.36 (libs 0.13), and
 * LANNER_LEGACY, the same events behind the devices of March 2022 (libs 0.1.1, which
 * Debian's sysdig 0.29.3 has).
 */
#ifdef LANNER_LEGACY
#define LANNER_036
#endif

#ifdef LANNER_036
#define LANNER_PROFILE PROFILE_036
#else
#define LANNER_PROFILE PROFILE_CURRENT
#endif

#if defined(LANNER_LEGACY)
#define API 1, 0, 0
#define SCHEMA 1, 0, 0
#elif defined(LANNER_036)
#define API 5, 0, 0
#define SCHEMA 2, 10, 0
#else
#define API 10, 1, 0
#define SCHEMA 4, 5, 1
#endif

#define VERSION_OF_(major, minor, patch) ((u64)(major) << 44 | (u64)(minor) << 24 | (patch))
#define VERSION_OF(...) VERSION_OF_(__VA_ARGS__)
#define TEXT_OF_(major, minor, patch) #major "." #minor "." #patch
#define TEXT_OF(...) TEXT_OF_(__VA_ARGS__)

/*
 * The first page that is mapped: where the ring stands, and what was lost. Positions
 * are bytes in the buffer; the module owns head, the reader tail.
 */
struct ring_info {
	u32 head, tail;
	u64 n_evts;
	u64 n_drops_buffer;
#if defined(LANNER_LEGACY)
#elif defined(LANNER_036)
	u64 clone_fork_enter, clone_fork_exit;
	u64 execve_enter, execve_exit;
	u64 connect_enter, connect_exit;
	u64 open_enter, open_exit;
	u64 dir_file_enter, dir_file_exit;
	u64 other_interest_enter, other_interest_exit;
	u64 close_exit;
	u64 proc_exit;
#else
	u64 clone_fork_exit;
	u64 execve_exit;
	u64 connect_enter, connect_exit;
	u64 open_enter, open_exit;
	u64 dir_file_exit;
	u64 other_interest_exit;
	u64 close_exit;
	u64 proc_exit;
#endif
	u64 n_drops_pf;
	u64 n_preemptions;
	u64 n_context_switches;
};

/* Tracepoints by the codes that readers name them by. */
enum point {
	POINT_SYS_ENTER,
	POINT_SYS_EXIT,
	POINT_PROC_EXIT,
	POINT_SWITCH,
	POINT_FAULT_USER,
	POINT_FAULT_KERNEL,
	POINT_SIGNAL,
	POINT_FORK,
	POINT_EXEC,
	POINTS_PUBLIC,

	/* Not for readers: */
	POINT_FREE = POINTS_PUBLIC,
	POINTS,
};

#define IOCTL(nr) _IO('s', nr)

#define DISABLE_CAPTURE IOCTL(0)		/* legacy */
#define ENABLE_CAPTURE IOCTL(1)			/* legacy */
#define DISABLE_DROPPING_MODE IOCTL(2)
#define ENABLE_DROPPING_MODE IOCTL(3)
#define SET_SNAPLEN IOCTL(4)
#define MASK_ZERO_EVENTS IOCTL(5)		/* legacy */
#define MASK_SET_EVENT IOCTL(6)			/* legacy */
#define MASK_UNSET_EVENT IOCTL(7)		/* legacy */
#define DISABLE_DYNAMIC_SNAPLEN IOCTL(8)
#define ENABLE_DYNAMIC_SNAPLEN IOCTL(9)
#define GET_VTID IOCTL(10)
#define GET_VPID IOCTL(11)
#define GET_CURRENT_TID IOCTL(12)
#define GET_CURRENT_PID IOCTL(13)
#define DISABLE_SIGNAL_DELIVER IOCTL(14)	/* legacy */
#define ENABLE_SIGNAL_DELIVER IOCTL(15)		/* legacy */
#define GET_PROCLIST IOCTL(16)
#define SET_TRACERS_CAPTURE IOCTL(17)		/* up to 0.36 */
#define SET_SIMPLE_MODE IOCTL(18)		/* legacy */
#define ENABLE_PAGE_FAULTS IOCTL(19)		/* legacy */
#define GET_N_TRACEPOINT_HIT IOCTL(20)
#define GET_DRIVER_VERSION IOCTL(21)
#define SET_FULLCAPTURE_PORT_RANGE IOCTL(22)
#define SET_STATSD_PORT IOCTL(23)
#define GET_API_VERSION IOCTL(24)
#define GET_SCHEMA_VERSION IOCTL(25)
#define ENABLE_SYSCALL IOCTL(29)
#define DISABLE_SYSCALL IOCTL(30)
#define ENABLE_TP IOCTL(31)
#define DISABLE_TP IOCTL(32)
#define ENABLE_DROPFAILED IOCTL(33)
#define DISABLE_DROPFAILED IOCTL(34)

/*
 * Our own: which processes are watched. A reader that uses them is not watched itself.
 * Processes are named by their ids in the reader's PID namespace.
 */
#define SCOPE_HOST IOCTL(128)		/* all */
#define SCOPE_TREE IOCTL(129)		/* those that are added, and what they make */
#define SCOPE_CGROUP IOCTL(130)		/* descriptor of a cgroup's directory (version 2) */
#define TREE_ADD IOCTL(131)		/* process id */
#define TREE_ADD_ARMED IOCTL(132)	/* the same; no events before its next execve */
#define GET_TREE IOCTL(133)		/* pointer to struct tree_state */

struct tree_state {
	s64 size;	/* processes in the tree */
	u64 lost;	/* children that found no room in it */
};

/* A list of threads with their times in clock ticks, see GET_PROCLIST. */
struct proc_entry {
	u64 pid, utime, stime;
};

struct proc_list {
	s64 n_entries;
	s64 max_entries;
	struct proc_entry entries[];
};

#endif /* LANNER_DEVICE_H */
