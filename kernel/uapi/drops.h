/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Kinds of lost events. Not generated: which events count as what is the contract's. */
#ifndef LANNER_DROPS_H
#define LANNER_DROPS_H

#include "event.h"

/*
 * Kinds of lost events that are counted apart, in the order of the readers' names
 * for them (kernel/driver/stats.go). Enter events but the first two are of edition 0.36.
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

/* The kind of an event. Where the type is a constant, so is what comes out. */
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

#endif /* LANNER_DROPS_H */
