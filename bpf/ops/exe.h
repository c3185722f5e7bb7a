/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The file of a running program. */
#ifndef LANNER_OPS_EXE_H
#define LANNER_OPS_EXE_H

#include "task.h"

#define GROUPS_STEPS 17	/* halvings of NGROUPS_MAX, 65536 */

/* Is a group among those of a task? They are sorted (kernel/groups.c: groups_search). */
static __always_inline bool find_group(struct group_info *info, u32 gid)
{
	kgid_t *gids = (void *)info + OFFSET(struct group_info, gid);
	u32 left = 0, right = READ(info, ngroups), i;

	UNROLL
	for (i = 0; i < GROUPS_STEPS; i++) {
		u32 mid = (left + right) / 2, g;

		if (left >= right)
			break;
		read_kernel(&g, sizeof(g), &gids[mid]);
		if (g == gid)
			return true;
		if (g < gid)
			left = mid + 1;
		else
			right = mid;
	}
	return false;
}

static __always_inline bool in_groups(struct group_info *info, u32 gid);

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
	read_kernel(&name, sizeof("memfd:") - 1, READ(d, d_name.name));
	return name == 0x3a64666d656dULL;	/* "memfd:" */
}

/* What the events of started programs tell of a file and the credentials of who runs it. */
static __always_inline u32 describe_exe(struct file *f, const struct cred *cred)
{
	u32 flags = 0;

	if (!f)
		return 0;
	if (may_write(READ(f, f_inode), cred))
		flags |= FLAG_EXECVE_FLAGS_EXE_WRITABLE;
	if (is_memfd(f))
		flags |= FLAG_EXECVE_FLAGS_EXE_FROM_MEMFD;
	switch (file_layer(f)) {
	case UPPER:
		return flags | FLAG_EXECVE_FLAGS_EXE_UPPER_LAYER;
	case LOWER:
		return profile == PROFILE_CURRENT ? flags | FLAG_EXECVE_FLAGS_EXE_LOWER_LAYER : flags;
	default:
		return flags;
	}
}

/* Writes inode number, ctime and mtime. */
static __always_inline void put_exe_inode(struct call *c, struct file *f)
{
	struct inode *i = f ? READ(f, f_inode) : NULL;

	put_u64(c, i ? READ(i, i_ino) : 0);
	put_u64(c, i ? ctime_of(i) : 0);
	put_u64(c, i ? mtime_of(i) : 0);
}

#endif /* LANNER_OPS_EXE_H */
