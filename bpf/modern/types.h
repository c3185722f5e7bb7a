/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Integers, and the few constants of the kernel's user interface that the probe
 * needs. Kernel headers are left out: what they define depends on the machine that
 * compiles, and objects must not.
 */
#ifndef LANNER_TYPES_H
#define LANNER_TYPES_H

#include <stdbool.h>
#include <stddef.h>

typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;

/* linux/bpf.h */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PROG_ARRAY = 3,
	BPF_MAP_TYPE_CGROUP_ARRAY = 8,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_RINGBUF = 27,
};

#define BPF_ANY 0
#define BPF_NOEXIST 1
#define BPF_F_MMAPABLE (1U << 10)
#define BPF_RB_NO_WAKEUP 1
#define BPF_RB_FORCE_WAKEUP 2

/* What every 64-bit Linux agrees on; file and header where it is defined. */
#define EINPROGRESS 115		/* errno.h */
#define AF_UNIX 1		/* linux/socket.h */
#define AF_INET 2
#define AF_INET6 10
#define S_IFMT 0170000		/* linux/stat.h */
#define S_IFSOCK 0140000
#define S_IWGRP 0020
#define S_IWOTH 0002
#define SOCKFS_MAGIC 0x534f434b	/* linux/magic.h */
#define OVERLAYFS_SUPER_MAGIC 0x794c7630
#define SB_RDONLY 1		/* linux/fs.h */
#define CAP_DAC_OVERRIDE 1	/* linux/capability.h */
#define CAP_FOWNER 3
#define PR_SET_NAME 15		/* linux/prctl.h */
#define PR_GET_NAME 16
#define PR_GET_CHILD_SUBREAPER 37
#define PTRACE_PEEKTEXT 1	/* linux/ptrace.h */
#define PTRACE_PEEKDATA 2
#define PTRACE_PEEKUSR 3
#define PTRACE_CONT 7
#define PTRACE_SINGLESTEP 9
#define PTRACE_DETACH 17
#define PTRACE_SYSCALL 24
#define RLIMIT_NOFILE 7		/* asm-generic/resource.h */
#define SIGHUP 1		/* asm-generic/signal.h */
#define SIGINT 2
#define SIGQUIT 3
#define SIGKILL 9
#define SIGTERM 15
#define SIGCHLD 17
#define SIGTSTP 20
#define SIGRTMIN 32

/* linux/quota.h */
#define Q_QUOTAON 0x800002
#define Q_GETFMT 0x800004
#define Q_GETINFO 0x800005
#define Q_SETINFO 0x800006
#define Q_GETQUOTA 0x800007
#define Q_SETQUOTA 0x800008

struct if_dqblk {
	u64 dqb_bhardlimit, dqb_bsoftlimit, dqb_curspace, dqb_ihardlimit, dqb_isoftlimit, dqb_curinodes, dqb_btime, dqb_itime;
	u32 dqb_valid;
};

enum {
	QIF_BLIMITS = 1,
	QIF_SPACE = 2,
	QIF_ILIMITS = 4,
	QIF_BTIME = 16,
	QIF_ITIME = 32,
};

struct if_dqinfo {
	u64 dqi_bgrace, dqi_igrace;
	u32 dqi_flags, dqi_valid;
};

enum {
	IIF_BGRACE = 1,
	IIF_IGRACE = 2,
	IIF_FLAGS = 4,
};

/* What only the kernel's own headers have. */
#define FMODE_CREATED (1U << 20)	/* linux/fs.h, from 4.19 on */
#define PF_EXITING 0x00000004		/* linux/sched.h */
#define PF_KTHREAD 0x00200000

#endif /* LANNER_TYPES_H */
