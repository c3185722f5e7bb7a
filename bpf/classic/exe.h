/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The file of a running program. */
#ifndef LANNER_EXE_H
#define LANNER_EXE_H

#include "path.h"
#include "task.h"

#define GROUPS_STEPS 17	/* halvings of NGROUPS_MAX, 65536 */

/* Is a group among those of a struct group_info? They are sorted (kernel/groups.c: groups_search). */
static __always_inline bool in_groups(struct group_info *info, u32 gid)
{
	u32 left = 0, right = READ(info, ngroups), i;

#pragma unroll
	for (i = 0; i < GROUPS_STEPS; i++) {
		u32 mid = (left + right) / 2, g;

		if (left >= right)
			break;
		g = READ(info, gid[mid].val);
		if (g == gid)
			return true;
		if (g < gid)
			left = mid + 1;
		else
			right = mid;
	}
	return false;
}

/*
 * Could a task write the file, or make it writable? That is fs/namei.c:
 * inode_permission for MAY_WRITE, and fs/inode.c:inode_owner_or_capable, without
 * access control lists.
 */
static __always_inline bool may_write(struct inode *inode, const struct cred *cred)
{
	u64 caps = cred_cap_effective(cred);
	u32 gid;

	if (READ(inode, i_uid.val) == READ(cred, fsuid.val) || caps >> CAP_FOWNER & 1)
		return true;
	if (READ(inode, i_sb, s_flags) & SB_RDONLY)
		return false;
	if (caps >> CAP_DAC_OVERRIDE & 1)
		return true;
	gid = READ(inode, i_gid.val);
	if (gid == READ(cred, fsgid.val) || in_groups(READ(cred, group_info), gid))
		return READ(inode, i_mode) & S_IWGRP;
	return READ(inode, i_mode) & S_IWOTH;
}

/* Is it a memfd: in no directory, with a made-up name (mm/memfd.c:alloc_name)? */
static __always_inline bool is_memfd(struct file *f)
{
	struct dentry *d = READ(f, f_path.dentry);
	u64 name = 0;

	if (READ(d, d_parent) != d)
		return false;
	bpf_probe_read(&name, sizeof("memfd:") - 1, READ(d, d_name.name));
	return name == 0x3a64666d656dULL;	/* "memfd:" */
}

/* What the events of started programs tell of a file and the credentials of who runs it. */
static __always_inline u32 exe_flags(struct file *f, const struct cred *cred)
{
	u32 flags = 0;

	if (!f)
		return 0;
	if (may_write(READ(f, f_inode), cred))
		flags |= FLAG_EXECVE_FLAGS_EXE_WRITABLE;
	if (is_memfd(f))
		flags |= FLAG_EXECVE_FLAGS_EXE_FROM_MEMFD;
	switch (layer_of(f)) {
	case UPPER:
		return flags | FLAG_EXECVE_FLAGS_EXE_UPPER_LAYER;
	case LOWER:
		return profile == PROFILE_CURRENT ? flags | FLAG_EXECVE_FLAGS_EXE_LOWER_LAYER : flags;
	default:
		return flags;
	}
}

/* In nanoseconds, whose top bit the kernel uses for itself (fs/inode.c:I_CTIME_QUERIED, from 6.13 on). */
#define NSEC_MASK 0x7fffffffU

static __always_inline u64 ns(s64 sec, u32 nsec)
{
	return sec * 1000000000 + (nsec & NSEC_MASK);
}

/* Writes inode number, ctime and mtime. */
static __always_inline void put_exe_inode(struct call *c, struct file *f)
{
	struct inode *i = f ? READ(f, f_inode) : NULL;

	put_u64(c, i ? READ(i, i_ino) : 0);
	put_u64(c, i ? ns(ctime_sec(i), ctime_nsec(i)) : 0);
	put_u64(c, i ? ns(mtime_sec(i), mtime_nsec(i)) : 0);
}

#endif /* LANNER_EXE_H */
