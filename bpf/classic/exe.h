/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The file of a running program. */
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

#define ctime_of(i) ns(ctime_sec(i), ctime_nsec(i))
#define mtime_of(i) ns(mtime_sec(i), mtime_nsec(i))

#include "../ops/exe.h"

static __always_inline bool in_groups(struct group_info *info, u32 gid)
{
	return find_group(info, gid);
}

static __always_inline u32 exe_flags(struct file *f, const struct cred *cred)
{
	return describe_exe(f, cred);
}

#endif /* LANNER_EXE_H */
