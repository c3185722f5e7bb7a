/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The file of a running program. */
#ifndef LANNER_EXE_H
#define LANNER_EXE_H

#include "path.h"
#include "task.h"

#define SB_RDONLY 1	/* linux/fs.h */
#define S_IWGRP 0020	/* linux/stat.h */
#define S_IWOTH 0002
#define CAP_DAC_OVERRIDE 1	/* linux/capability.h */
#define CAP_FOWNER 3
#define GROUPS_STEPS 17	/* halvings of NGROUPS_MAX, 65536 */

/*
 * Is a group among those of a struct group_info? They are sorted (kernel/groups.c:
 * groups_search). A global function, which the verifier looks at once.
 */
__noinline int in_groups(u64 groups, u32 gid)
{
	struct group_info *info = (void *)groups;
	kgid_t *gids = (void *)info + bpf_core_field_offset(info->gid);
	u32 left = 0, right = BPF_CORE_READ(info, ngroups), i;

	for (i = 0; i < GROUPS_STEPS && left < right; i++) {
		u32 mid = (left + right) / 2, g = 0;

		bpf_probe_read_kernel(&g, sizeof(g), &gids[mid]);
		if (g == gid)
			return 1;
		if (g < gid)
			left = mid + 1;
		else
			right = mid;
	}
	return 0;
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

	if (BPF_CORE_READ(inode, i_uid.val) == BPF_CORE_READ(cred, fsuid.val) || caps >> CAP_FOWNER & 1)
		return true;
	if (BPF_CORE_READ(inode, i_sb, s_flags) & SB_RDONLY)
		return false;
	if (caps >> CAP_DAC_OVERRIDE & 1)
		return true;
	gid = BPF_CORE_READ(inode, i_gid.val);
	if (gid == BPF_CORE_READ(cred, fsgid.val) || in_groups((u64)BPF_CORE_READ(cred, group_info), gid))
		return BPF_CORE_READ(inode, i_mode) & S_IWGRP;
	return BPF_CORE_READ(inode, i_mode) & S_IWOTH;
}

/* Is it a memfd: in no directory, with a made-up name (mm/memfd.c:alloc_name)? */
static __always_inline bool is_memfd(struct file *f)
{
	struct dentry *d = BPF_CORE_READ(f, f_path.dentry);
	u64 name = 0;

	if (BPF_CORE_READ(d, d_parent) != d)
		return false;
	bpf_probe_read_kernel(&name, sizeof("memfd:") - 1, BPF_CORE_READ(d, d_name.name));
	return name == *(u64 *)"memfd:\0";
}

/*
 * What the events of started programs tell of a struct file and the struct cred of who
 * runs it. A global function: whatever the answer, the verifier goes on once.
 */
__noinline int exe_flags(u64 file, u64 credentials)
{
	const struct cred *cred = (void *)credentials;
	struct file *f = (void *)file;
	struct inode *i;
	u32 flags = 0;

	if (!f)
		return 0;
	i = BPF_CORE_READ(f, f_inode);
	if (may_write(i, cred))
		flags |= FLAG_EXECVE_FLAGS_EXE_WRITABLE;
	if (is_memfd(f))
		flags |= FLAG_EXECVE_FLAGS_EXE_FROM_MEMFD;
	switch (layer_of(i, BPF_CORE_READ(i, i_sb))) {
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

static __always_inline u64 ctime_of(struct inode *i)
{
	struct inode___6_6 *mid = (void *)i;
	struct inode___old *old = (void *)i;

	if (bpf_core_field_exists(i->i_ctime_sec))
		return ns(BPF_CORE_READ(i, i_ctime_sec), BPF_CORE_READ(i, i_ctime_nsec));
	if (bpf_core_field_exists(mid->__i_ctime))
		return ns(BPF_CORE_READ(mid, __i_ctime.tv_sec), BPF_CORE_READ(mid, __i_ctime.tv_nsec));
	return ns(BPF_CORE_READ(old, i_ctime.tv_sec), BPF_CORE_READ(old, i_ctime.tv_nsec));
}

static __always_inline u64 mtime_of(struct inode *i)
{
	struct inode___6_6 *mid = (void *)i;
	struct inode___old *old = (void *)i;

	if (bpf_core_field_exists(i->i_mtime_sec))
		return ns(BPF_CORE_READ(i, i_mtime_sec), BPF_CORE_READ(i, i_mtime_nsec));
	if (bpf_core_field_exists(mid->__i_mtime))
		return ns(BPF_CORE_READ(mid, __i_mtime.tv_sec), BPF_CORE_READ(mid, __i_mtime.tv_nsec));
	return ns(BPF_CORE_READ(old, i_mtime.tv_sec), BPF_CORE_READ(old, i_mtime.tv_nsec));
}

/* Writes inode number, ctime and mtime. */
static __always_inline void put_exe_inode(struct call *c, struct file *f)
{
	struct inode *i = f ? BPF_CORE_READ(f, f_inode) : NULL;

	put_u64(c, i ? BPF_CORE_READ(i, i_ino) : 0);
	put_u64(c, i ? ctime_of(i) : 0);
	put_u64(c, i ? mtime_of(i) : 0);
}

#endif /* LANNER_EXE_H */
