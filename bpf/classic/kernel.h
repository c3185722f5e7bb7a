/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The kernel's own headers, and what changed in them: the probe is compiled against
 * those of the kernel that it is for.
 */
#ifndef LANNER_KERNEL_H
#define LANNER_KERNEL_H

#include <linux/kconfig.h>
#include <linux/version.h>
#include <generated/utsrelease.h>

/* What of the headers can't be compiled, and none of the probe's code uses. */
#ifdef asm_volatile_goto
#undef asm_volatile_goto
#endif
#define asm_volatile_goto(x...) asm volatile("")
#ifdef asm_inline
#undef asm_inline
#define asm_inline asm
#endif

#include <linux/types.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/mm_types.h>
#include <linux/mm.h>
#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/nsproxy.h>
#include <linux/fs.h>
#include <linux/dcache.h>
#include <linux/mount.h>
#include <linux/fdtable.h>
#include <linux/cgroup.h>
#include <linux/kernfs.h>
#include <linux/binfmts.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>
#include <linux/net.h>
#include <linux/magic.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/ptrace.h>
#include <linux/quota.h>
#include <net/sock.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/af_unix.h>
#include <uapi/linux/bpf.h>

#include "helpers.h"
#include "entry.h"

#if LINUX_VERSION_CODE < KERNEL_VERSION(4, 14, 0)
#error "the probe is for Linux 4.14 and later"
#endif

/* Before 4.19 the kernel does not tell whether open made a file. */
#ifndef FMODE_CREATED
#define FMODE_CREATED 0
#endif

#define bpf_ntohs(v) __builtin_bswap16(v)

/* fs/mount.h; the beginning is all that is looked at. */
struct mount {
	struct hlist_node mnt_hash;
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

/* The thread's id: a struct pid since 4.19, before that inside of a struct pid_link. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(4, 19, 0)
#define thread_pid_of(t) READ(t, thread_pid)
#define group_pid_of(t) READ(t, signal, pids[PIDTYPE_PGID])
#else
#define thread_pid_of(t) READ(t, pids[PIDTYPE_PID].pid)
#define group_pid_of(t) READ(t, group_leader, pids[PIDTYPE_PGID].pid)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(4, 20, 0)
typedef siginfo_t signal_info;
#else
typedef struct kernel_siginfo signal_info;
#endif

/* The directory above a cgroup's. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
#define kernfs_parent_of(kn) READ(kn, __parent)
#else
#define kernfs_parent_of(kn) READ(kn, parent)
#endif

/* Times of an inode. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
#define ctime_sec(i) READ(i, i_ctime_sec)
#define ctime_nsec(i) READ(i, i_ctime_nsec)
#define mtime_sec(i) READ(i, i_mtime_sec)
#define mtime_nsec(i) READ(i, i_mtime_nsec)
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
#define ctime_sec(i) READ(i, __i_ctime.tv_sec)
#define ctime_nsec(i) READ(i, __i_ctime.tv_nsec)
#define mtime_sec(i) READ(i, __i_mtime.tv_sec)
#define mtime_nsec(i) READ(i, __i_mtime.tv_nsec)
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define ctime_sec(i) READ(i, __i_ctime.tv_sec)
#define ctime_nsec(i) READ(i, __i_ctime.tv_nsec)
#define mtime_sec(i) READ(i, i_mtime.tv_sec)
#define mtime_nsec(i) READ(i, i_mtime.tv_nsec)
#else
#define ctime_sec(i) READ(i, i_ctime.tv_sec)
#define ctime_nsec(i) READ(i, i_ctime.tv_nsec)
#define mtime_sec(i) READ(i, i_mtime.tv_sec)
#define mtime_nsec(i) READ(i, i_mtime.tv_nsec)
#endif

/* Pages of one kind. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define mm_count(mm, kind) READ(mm, rss_stat[kind].count)
#else
#define mm_count(mm, kind) READ(mm, rss_stat.count[kind].counter)
#endif

#endif /* LANNER_KERNEL_H */
