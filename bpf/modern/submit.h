/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Sending an event to the reader, and counting those that find no room. */
#ifndef LANNER_SUBMIT_H
#define LANNER_SUBMIT_H

#include "call.h"

/*
 * Kinds of lost events that are counted apart, in the order of the loader's names
 * for them (bpf/stats.go). Enter events but the first two are of edition 0.36.
 */
enum drop_category {
	DROP_OPEN_ENTER,
	DROP_CONNECT_ENTER,
	DROP_CLONE_FORK_ENTER,
	DROP_EXECVE_ENTER,
	DROP_DIR_FILE_ENTER,
	DROP_OTHER_INTEREST_ENTER,
	DROP_OPEN_EXIT,
	DROP_CONNECT_EXIT,
	DROP_CLONE_FORK_EXIT,
	DROP_EXECVE_EXIT,
	DROP_DIR_FILE_EXIT,
	DROP_OTHER_INTEREST_EXIT,
	DROP_CLOSE_EXIT,
	DROP_PROC_EXIT,
	DROP_OTHER,	/* counted in the total only */
};

/* The kind of an event. The type is a constant, and so is what comes out. */
static __always_inline enum drop_category drop_category(u16 type)
{
	bool enter = !(type & 1);

	switch (type | 1) {
	case EVENT_OPEN_X:
	case EVENT_CREAT_X:
	case EVENT_OPENAT_X:
	case EVENT_OPENAT2_X:
	case EVENT_OPEN_BY_HANDLE_AT_X:
		return enter ? DROP_OPEN_ENTER : DROP_OPEN_EXIT;
	case EVENT_CONNECT_X:
		return enter ? DROP_CONNECT_ENTER : DROP_CONNECT_EXIT;
	case EVENT_CLONE_X:
	case EVENT_CLONE3_X:
	case EVENT_FORK_X:
	case EVENT_VFORK_X:
		return enter ? DROP_CLONE_FORK_ENTER : DROP_CLONE_FORK_EXIT;
	case EVENT_EXECVE_X:
	case EVENT_EXECVEAT_X:
		return enter ? DROP_EXECVE_ENTER : DROP_EXECVE_EXIT;
	case EVENT_CHMOD_X:
	case EVENT_FCHMOD_X:
	case EVENT_FCHMODAT_X:
	case EVENT_CHOWN_X:
	case EVENT_LCHOWN_X:
	case EVENT_FCHOWN_X:
	case EVENT_FCHOWNAT_X:
	case EVENT_LINK_X:
	case EVENT_LINKAT_X:
	case EVENT_MKDIR_X:
	case EVENT_MKDIRAT_X:
	case EVENT_MOUNT_X:
	case EVENT_UMOUNT_X:
	case EVENT_UMOUNT2_X:
	case EVENT_RENAME_X:
	case EVENT_RENAMEAT_X:
	case EVENT_RENAMEAT2_X:
	case EVENT_RMDIR_X:
	case EVENT_SYMLINK_X:
	case EVENT_SYMLINKAT_X:
	case EVENT_UNLINK_X:
	case EVENT_UNLINKAT_X:
		return enter ? DROP_DIR_FILE_ENTER : DROP_DIR_FILE_EXIT;
	case EVENT_BPF_X:
	case EVENT_SETPGID_X:
	case EVENT_PTRACE_X:
	case EVENT_SECCOMP_X:
	case EVENT_SETNS_X:
	case EVENT_SETRESGID_X:
	case EVENT_SETRESUID_X:
	case EVENT_SETSID_X:
	case EVENT_UNSHARE_X:
	case EVENT_CAPSET_X:
		return enter ? DROP_OTHER_INTEREST_ENTER : DROP_OTHER_INTEREST_EXIT;
	case EVENT_KEYCTL_X:
		return enter ? DROP_OTHER : DROP_OTHER_INTEREST_EXIT;
	case EVENT_CLOSE_X:
		return enter ? DROP_OTHER : DROP_CLOSE_EXIT;
	case EVENT_PROC_EXIT_E | 1:
		return DROP_PROC_EXIT;
	}
	return DROP_OTHER;
}

/* Counts an event that found no room. */
static __always_inline void count_drop(struct scratch *s, u16 type)
{
	s->counters.n_drops_buffer++;
	s->counters.by_category[drop_category(type)]++;
}

/*
 * How to submit n bytes. The reader looks into the buffers every few milliseconds,
 * so that an event costs no interrupt; it is only woken if much came meanwhile.
 */
static __always_inline u64 wakeup(struct scratch *s, u32 n)
{
	s->quiet += n;
	if (s->quiet < wakeup_bytes)
		return BPF_RB_NO_WAKEUP;
	s->quiet = 0;
	return BPF_RB_FORCE_WAKEUP;
}

/* Ends an event and sends it. */
static __always_inline void end(struct call *c, u16 type)
{
	struct scratch *s = c->s;
	u32 cpu = s->cpu;
	void *ring;

	s->busy = 0;
	if (c->sent)
		return;
	s->counters.n_evts++;
	if (c->off > EVENT_MASK) {
		s->counters.n_drops_max_event_size++;
		return;
	}
	*(u32 *)(s->record + RECORD_HEAD + 16) = c->off - RECORD_HEAD;
	ring = bpf_map_lookup_elem(&rings, &cpu);
	if (!ring || bpf_ringbuf_output(ring, s->record, c->off, wakeup(s, c->off)))
		count_drop(s, type);
}

#endif /* LANNER_SUBMIT_H */
