/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Open files: their device, inode number, and layer of an overlay. */
#ifndef LANNER_FILE_H
#define LANNER_FILE_H

#include "call.h"

/* The file behind a descriptor of the current thread, NULL if there is none. */
static __always_inline struct file *file_of(s64 fd)
{
	struct task_struct *t = current_task();
	struct file **fds, *f = NULL;
	struct fdtable *fdt;
	s64 n;

	if (fd < 0)
		return NULL;
	if (typed_task()) {
		fdt = t->files->fdt;
		n = fdt->max_fds;
		fds = fdt->fd;
	} else {
		fdt = READ(t, files, fdt);
		n = READ(fdt, max_fds);
		fds = READ(fdt, fd);
	}
	if (fd >= n)
		return NULL;
	bpf_probe_read_kernel(&f, sizeof(f), &fds[fd]);
	return f;
}

/* The file behind the result, NULL if there is none. */
static __always_inline struct file *opened(struct call *c)
{
	struct file *f = c->file;
	struct inode *i;

	if (f)
		return f;
	f = file_of(c->ret);
	if (!f)
		return NULL;
	i = READ(f, f_inode);
	c->sb = READ(i, i_sb);
	c->inode = i;
	c->file = f;
	return f;
}

static __always_inline u32 dev(struct call *c)
{
	struct super_block *sb;

	if (!opened(c))
		return 0;
	sb = c->sb;
	return wire_dev(READ(sb, s_dev));
}

static __always_inline u64 ino(struct call *c)
{
	struct inode *i;

	if (!opened(c))
		return 0;
	i = c->inode;
	return READ(i, i_ino);
}

/*
 * The layer that a file on an overlay is in. struct ovl_inode is not for others to
 * see: the inode that everyone knows is its first member, the dentry in the upper
 * layer its second (fs/overlayfs/ovl_entry.h, since 4.13).
 */
static __always_inline enum layer layer_of(struct inode *i, struct super_block *sb)
{
	struct dentry *upper = NULL;

	if (READ(sb, s_magic) != OVERLAYFS_SUPER_MAGIC)
		return NO_OVERLAY;
	bpf_probe_read_kernel(&upper, sizeof(upper), (void *)i + bpf_core_type_size(struct inode));
	return upper ? UPPER : LOWER;
}

static __always_inline enum layer file_layer(struct file *f)
{
	struct inode *i = READ(f, f_inode);

	return layer_of(i, READ(i, i_sb));
}

static __always_inline enum layer opened_layer(struct call *c)
{
	return layer_of(c->inode, c->sb);
}

#include "../ops/file.h"

#endif /* LANNER_FILE_H */
