/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Open files: their device, inode number, and layer of an overlay. */
#ifndef LANNER_FILE_H
#define LANNER_FILE_H

#include "user.h"

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
		fdt = BPF_CORE_READ(t, files, fdt);
		n = BPF_CORE_READ(fdt, max_fds);
		fds = BPF_CORE_READ(fdt, fd);
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
	i = BPF_CORE_READ(f, f_inode);
	c->sb = BPF_CORE_READ(i, i_sb);
	c->inode = i;
	c->file = f;
	return f;
}

/* A device as the contract has it (include/linux/kdev_t.h:new_encode_dev). */
static __always_inline u32 wire_dev(u32 dev)
{
	u32 major = dev >> 20, minor = dev & 0xfffff;

	return (minor & 0xff) | major << 8 | (minor & ~0xffU) << 12;
}

static __always_inline u32 dev(struct call *c)
{
	struct super_block *sb;

	if (!opened(c))
		return 0;
	sb = c->sb;
	return wire_dev(BPF_CORE_READ(sb, s_dev));
}

static __always_inline u64 ino(struct call *c)
{
	struct inode *i;

	if (!opened(c))
		return 0;
	i = c->inode;
	return BPF_CORE_READ(i, i_ino);
}

static __always_inline u64 fd_ino(s64 fd)
{
	struct file *f = file_of(fd);

	return f ? BPF_CORE_READ(f, f_inode, i_ino) : 0;
}

static __always_inline u64 ino_at(struct call *c, u64 addr, u32 i)
{
	return c->ret < 0 ? 0 : fd_ino(fd_at(c, addr, i));
}

enum layer {
	NO_OVERLAY = 0,
	UPPER = FLAG_CREAT_FLAGS_FD_UPPER_LAYER_CREAT,
	LOWER = FLAG_CREAT_FLAGS_FD_LOWER_LAYER_CREAT,
};

/*
 * The layer that a file on an overlay is in. struct ovl_inode is not for others to
 * see: the inode that everyone knows is its first member, the dentry in the upper
 * layer its second (fs/overlayfs/ovl_entry.h, since 4.13).
 */
static __always_inline enum layer layer_of(struct inode *i, struct super_block *sb)
{
	struct dentry *upper = NULL;

	if (BPF_CORE_READ(sb, s_magic) != OVERLAYFS_MAGIC)
		return NO_OVERLAY;
	bpf_probe_read_kernel(&upper, sizeof(upper), (void *)i + bpf_core_type_size(struct inode));
	return upper ? UPPER : LOWER;
}

static __always_inline u64 opened_flags(struct call *c, u64 flags)
{
	u64 v = conv_open_flags(flags);
	struct file *f = opened(c);

	if (!f)
		return v;
	if (BPF_CORE_READ(f, f_mode) & FMODE_CREATED)
		v |= FLAG_FILE_FLAGS_O_F_CREATED;
	if (!current_profile(c))
		return v;
	switch (layer_of(c->inode, c->sb)) {
	case UPPER:
		return v | FLAG_FILE_FLAGS_FD_UPPER_LAYER;
	case LOWER:
		return v | FLAG_FILE_FLAGS_FD_LOWER_LAYER;
	default:
		return v;
	}
}

static __always_inline u64 creat_flags(struct call *c)
{
	return opened(c) ? layer_of(c->inode, c->sb) : NO_OVERLAY;
}

#endif /* LANNER_FILE_H */
