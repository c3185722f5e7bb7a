/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The file of a running program. What takes long to look at is in global functions: the
 * verifier looks at each once, and goes on once whatever the answer.
 */
#ifndef LANNER_EXE_H
#define LANNER_EXE_H

#include "path.h"
#include "task.h"

/* In nanoseconds, whose top bit the kernel uses for itself (fs/inode.c:I_CTIME_QUERIED, from 6.13 on). */
#define NSEC_MASK 0x7fffffffU

static __always_inline u64 ns(s64 sec, u32 nsec)
{
	return sec * 1000000000 + (nsec & NSEC_MASK);
}

static __always_inline u64 ctime_of(struct inode *i)
{
	struct inode___6_6 *mid = (void *)i;
	struct inode___old *old = (void *)i;

	if (bpf_core_field_exists(i->i_ctime_sec))
		return ns(READ(i, i_ctime_sec), READ(i, i_ctime_nsec));
	if (bpf_core_field_exists(mid->__i_ctime))
		return ns(READ(mid, __i_ctime.tv_sec), READ(mid, __i_ctime.tv_nsec));
	return ns(READ(old, i_ctime.tv_sec), READ(old, i_ctime.tv_nsec));
}

static __always_inline u64 mtime_of(struct inode *i)
{
	struct inode___6_6 *mid = (void *)i;
	struct inode___old *old = (void *)i;

	if (bpf_core_field_exists(i->i_mtime_sec))
		return ns(READ(i, i_mtime_sec), READ(i, i_mtime_nsec));
	if (bpf_core_field_exists(mid->__i_mtime))
		return ns(READ(mid, __i_mtime.tv_sec), READ(mid, __i_mtime.tv_nsec));
	return ns(READ(old, i_mtime.tv_sec), READ(old, i_mtime.tv_nsec));
}

#include "../ops/exe.h"

__noinline int is_in_groups(u64 groups, u32 gid)
{
	return find_group((void *)groups, gid);
}

static __always_inline bool in_groups(struct group_info *info, u32 gid)
{
	return is_in_groups((u64)info, gid);
}

__noinline int exe_flags(u64 file, u64 credentials)
{
	return describe_exe((void *)file, (void *)credentials);
}

#endif /* LANNER_EXE_H */
