/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The file of a running program. */
#ifndef LANNER_EXE_H
#define LANNER_EXE_H

#include <linux/capability.h>
#include "file.h"
#include "task.h"

/*
 * Could the current task write the file, or make it writable? That is fs/namei.c:
 * inode_permission for MAY_WRITE, and fs/inode.c:inode_owner_or_capable, without
 * access control lists, for which the kernel may sleep.
 */
static bool may_write(struct inode *inode)
{
	const struct cred *cred = current_cred();
	u64 caps = capabilities(&cred->cap_effective);

	if (uid_eq(inode->i_uid, cred->fsuid) || caps >> CAP_FOWNER & 1)
		return true;
	if (sb_rdonly(inode->i_sb))
		return false;
	if (caps >> CAP_DAC_OVERRIDE & 1)
		return true;
	if (in_group_p(inode->i_gid))
		return inode->i_mode & S_IWGRP;
	return inode->i_mode & S_IWOTH;
}

/* Is it a memfd: in no directory, with a made-up name (mm/memfd.c:alloc_name)? */
static bool is_memfd(struct file *f)
{
	struct dentry *d = f->f_path.dentry;

	return IS_ROOT(d) && !strncmp(d->d_name.name, "memfd:", 6);
}

/* What the events of started programs tell of a file. */
static u32 exe_flags(struct file *f)
{
	u32 flags = 0;

	if (!f)
		return 0;
	if (may_write(file_inode(f)))
		flags |= FLAG_EXECVE_FLAGS_EXE_WRITABLE;
	if (is_memfd(f))
		flags |= FLAG_EXECVE_FLAGS_EXE_FROM_MEMFD;
	switch (layer_of(f)) {
	case UPPER:
		return flags | FLAG_EXECVE_FLAGS_EXE_UPPER_LAYER;
	case LOWER:
		return LANNER_PROFILE == PROFILE_CURRENT ? flags | FLAG_EXECVE_FLAGS_EXE_LOWER_LAYER : flags;
	default:
		return flags;
	}
}

/* Writes inode number, ctime and mtime. */
static void put_exe_inode(struct call *c, struct file *f)
{
	struct timespec64 ctime = {}, mtime = {};
	struct inode *i = f ? file_inode(f) : NULL;

	if (i) {
		ctime = compat_ctime(i);
		mtime = compat_mtime(i);
	}
	put_u64(c, i ? i->i_ino : 0);
	put_u64(c, timespec64_to_ns(&ctime));
	put_u64(c, timespec64_to_ns(&mtime));
}

#endif /* LANNER_EXE_H */
