/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What both probes, and the loader of each, mean by a number. */
#ifndef LANNER_OPS_DEFS_H
#define LANNER_OPS_DEFS_H

/* Bytes of an event, header included. A power of two: offsets mask to it. */
#define EVENT_MAX (1U << 16)
#define EVENT_MASK (EVENT_MAX - 1)

#define EVENT_STATE_ONLY 1	/* event.StateOnly of the reader */

/* Which processes are watched. */
enum scope_kind {
	SCOPE_HOST = 0,		/* all */
	SCOPE_TREE = 1,		/* those in the map "tree", and what they make */
	SCOPE_CGROUP = 2,	/* those below the one cgroup in the map "cgroup" */
};

/* What is done about a call. */
enum call_want {
	WANT_ENTER = 1,		/* its enter event */
	WANT_EXIT = 2,		/* its exit event */
	STATE_ONLY = 4,		/* its events are for readers' state, see EVENT_STATE_ONLY */
	IS_SOCKETCALL = 8,	/* it stands for the call that its first argument says */
	COMPAT_ENTER = 16,	/* the same of the 32-bit call of the same number */
	COMPAT_EXIT = 32,
};

#define CALLS 512		/* SYSCALL_TABLE_SIZE */
#define SOCKETCALLS 21		/* codes of socketcall(2) go from 1 to 20 */

/* Where on an overlay a file is. */
enum layer {
	NO_OVERLAY = 0,
	UPPER = FLAG_CREAT_FLAGS_FD_UPPER_LAYER_CREAT,
	LOWER = FLAG_CREAT_FLAGS_FD_LOWER_LAYER_CREAT,
};

#endif /* LANNER_OPS_DEFS_H */
