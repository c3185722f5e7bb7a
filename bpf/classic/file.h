/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Open files: their device, inode number, and layer of an overlay. */
#ifndef LANNER_FILE_H
#define LANNER_FILE_H

#include "user.h"

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

/* A device as the contract has it (include/linux/kdev_t.h:new_encode_dev). */
static __always_inline u32 wire_dev(u32 dev)
{
	u32 major = dev >> 20, minor = dev & 0xfffff;

	return (minor & 0xff) | major << 8 | (minor & ~0xffU) << 12;
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

static __always_inline u64 fd_ino(s64 fd)
{
	struct file *f = file_of(fd);

	return f ? READ(f, f_inode, i_ino) : 0;
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
static __always_inline enum layer layer_of(struct file *f)
{
	struct dentry *d = READ(f, f_path.dentry), *upper = NULL;
	void *ovl;

	if (READ(d, d_sb, s_magic) != OVERLAYFS_SUPER_MAGIC)
		return NO_OVERLAY;
	ovl = READ(d, d_inode);
	bpf_probe_read(&upper, sizeof(upper), ovl + sizeof(struct inode));
	return upper ? UPPER : LOWER;
}

static __always_inline u64 opened_flags(struct call *c, u64 flags)
{
	u64 v = conv_open_flags(flags);
	struct file *f = opened(c);

	if (!f)
		return v;
	if (READ(f, f_mode) & FMODE_CREATED)
		v |= FLAG_FILE_FLAGS_O_F_CREATED;
	if (!current_profile(c))
		return v;
	switch (layer_of(f)) {
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
	struct file *f = opened(c);

	return f ? layer_of(f) : NO_OVERLAY;
}

#endif /* LANNER_FILE_H */
