/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The maps, by the contract's names and in its order. Those of one entry for each
 * possible CPU are arrays: a per-CPU array has values of 32 KiB at most. Their sizes,
 * and that of perf_map, are set by the loader. There are no tables of events: what is
 * known of an event is compiled into its program, whose place in tail_map is the
 * event's number.
 */
#ifndef LANNER_MAPS_H
#define LANNER_MAPS_H

#include "settings.h"

#define MAP(name, kind, key, value, entries)	\
struct map_def SEC("maps") name = {		\
	.type = kind,				\
	.key_size = key,			\
	.value_size = value,			\
	.max_entries = entries,			\
}

/* Programs that go on with an event, behind those of events in tail_map. */
enum stage {
	STAGE_PATH = EVENT_TYPES,	/* path.h */
	STAGE_CGROUPS,			/* cgroup.h */
	STAGE_STRINGS,			/* strings.h */
	STAGE_EXEC_PROCESS,		/* fill_exec.h */
	STAGE_EXEC_ENV,
	STAGE_EXEC_FILE,
	STAGE_EXEC_END,
	STAGE_CLONE_END,
	STAGE_POLL,			/* fill_poll.h */
	STAGE_POLL_END,
	STAGE_SENDMMSG,			/* fill_message.h */
	STAGE_RECVMMSG,
	STAGE_REAPER,			/* fill_procexit.h */
	STAGE_RECVMSG_END,		/* fill_message.h */
	TAILS,
};

/* What a CPU works with, and counts. */
struct state {
	/* The event under construction; what follows is for who goes on with it. */
	u64 ts;
	s64 ret;
	u32 off;	/* see commit */
	u32 lens;
	u16 type;
	u16 sc;		/* code of the call */
	u16 nr;		/* number of the call in the 64-bit table */
	u8 compat;	/* 32-bit longs and pointers */
	u8 flags;	/* EVENT_STATE_ONLY */
	u8 busy;	/* an event is under way: faults are of our own reading */
	u8 started;	/* execve has worked: the event is of the new program */
	u16 round;	/* of a stage that goes on with itself */
	u64 id;		/* process and thread, as bpf_get_current_pid_tgid gives them */
	u64 args[6];	/* of the call */
	u64 task;	/* as in struct call */
	u64 name;	/* of a program that was started: the kernel's string */
	u32 next;	/* stage after one that several use */
	u32 at;		/* in the record, where append_cgroup and others go on */
	u64 mount, dentry;	/* a path under construction, which is built from its end */
	u64 array;	/* of strings; sum of the lengths of vectors; ancestor of a task */
	u32 start;	/* in work, where the path starts so far */
	u32 first;	/* bytes of the first string */
	u32 n;		/* bytes of strings so far, entries of a poll set, vectors */
	u32 listed;	/* entries of a poll set that are written; bytes of vectors that are not */
	u32 flags32;	/* of a clone */
	u32 unused;

	u64 n_evts;
	u64 n_drops_buffer;
	u64 by_category[15];	/* enum drop_category */
	u64 n_drops_scratch_map;	/* longer than a record can be */
	u64 n_drops_pf;
	u64 n_drops_bug;	/* a stage could not be reached */
};
_Static_assert(offsetof(struct state, n_evts) == 168, "the reader knows the place of the counters");

MAP(perf_map, BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 0);
MAP(tail_map, BPF_MAP_TYPE_PROG_ARRAY, 4, 4, TAILS);
MAP(syscall_table, BPF_MAP_TYPE_ARRAY, 4, sizeof(struct call_row), ROWS);
MAP(frame_scratch_map, BPF_MAP_TYPE_ARRAY, 4, 256 * 1024, 1);
MAP(tmp_scratch_map, BPF_MAP_TYPE_ARRAY, 4, 256 * 1024, 1);
MAP(settings_map, BPF_MAP_TYPE_ARRAY, 4, sizeof(struct settings), 1);
MAP(local_state_map, BPF_MAP_TYPE_ARRAY, 4, sizeof(struct state), 1);
/* By the 64-bit number: whether a call of that number may be wanted at all. */
MAP(interesting_syscalls_table, BPF_MAP_TYPE_ARRAY, 4, 1, CALLS);

/* Parts of a CPU's entry of tmp_scratch_map. */
#define WORK_VECTORS 32768	/* vectors.h */
#define WORK_PATH 65536		/* path.h */

#endif /* LANNER_MAPS_H */
