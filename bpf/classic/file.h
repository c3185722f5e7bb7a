/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Open files: their device, inode number, and layer of an overlay. */
#ifndef LANNER_FILE_H
#define LANNER_FILE_H

#include "call.h"

/* The file behind a descriptor of the current thread, NULL if there is none. */
static __always_inline struct file *file_of(s64 fd)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	struct fdtable *fdt = READ(t, files, fdt);
	struct file **fds, *f = NULL;

	if (fd < 0 || fd >= READ(fdt, max_fds))
		return NULL;
	fds = READ(fdt, fd);
	bpf_probe_read(&f, sizeof(f), &fds[fd]);
	return f;
}

/* The file behind the result. */
static __always_inline struct file *opened(struct call *c)
{
	if (!c->file)
		c->file = file_of(c->ret);
	return c->file;
}

static __always_inline u32 dev(struct call *c)
{
	struct file *f = opened(c);

	return f ? wire_dev(READ(f, f_inode, i_sb, s_dev)) : 0;
}

static __always_inline u64 ino(struct call *c)
{
	struct file *f = opened(c);

	return f ? READ(f, f_inode, i_ino) : 0;
}

/*
 * The layer that a file on an overlay is in. struct ovl_inode is not for others to
 * see: the inode that everyone knows is its first member, the dentry in the upper
 * layer its second (fs/overlayfs/ovl_entry.h, since 4.13).
 */
static __always_inline enum layer file_layer(struct file *f)
{
	struct dentry *d = READ(f, f_path.dentry), *upper = NULL;
	void *ovl;

	if (READ(d, d_sb, s_magic) != OVERLAYFS_SUPER_MAGIC)
		return NO_OVERLAY;
	ovl = READ(d, d_inode);
	bpf_probe_read(&upper, sizeof(upper), ovl + sizeof(struct inode));
	return upper ? UPPER : LOWER;
}

static __always_inline enum layer opened_layer(struct call *c)
{
	return file_layer(c->file);
}

#include "../ops/file.h"

#endif /* LANNER_FILE_H */
