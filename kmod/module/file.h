/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Open files: their device, inode number, path, and layer of an overlay. */
#ifndef LANNER_FILE_H
#define LANNER_FILE_H

#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/magic.h>
#include "user.h"

/* The file behind a descriptor of the current thread, NULL if there is none. */
static struct file *file_of(struct call *c, s64 fd)
{
	struct file *f;
	u32 i;

	for (i = 0; i < c->nfiles; i++) {
		if (c->files[i].fd == fd)
			return c->files[i].file;
	}
	if (fd < 0 || fd > INT_MAX || c->nfiles == FILES_MAX || !current->files)
		return NULL;
	f = fget_raw(fd);
	if (f)
		c->files[c->nfiles++] = (struct held_file){ fd, f };
	return f;
}

/*
 * Lets go of the files of a call. If it was the last to hold one, the kernel closes it
 * when the thread leaves for user space (fs/file_table.c:fput).
 */
static void release_files(struct call *c)
{
	while (c->nfiles)
		fput(c->files[--c->nfiles].file);
}

/* The file behind the result. */
static struct file *opened(struct call *c)
{
	return file_of(c, c->ret);
}

static u32 dev(struct call *c)
{
	struct file *f = opened(c);

	return f ? new_encode_dev(file_inode(f)->i_sb->s_dev) : 0;
}

static u64 fd_ino(struct call *c, s64 fd)
{
	struct file *f = file_of(c, fd);

	return f ? file_inode(f)->i_ino : 0;
}

static u64 ino(struct call *c)
{
	return fd_ino(c, c->ret);
}

static u64 ino_at(struct call *c, u64 addr, u32 i)
{
	return c->ret < 0 ? 0 : fd_ino(c, fd_at(c, addr, i));
}

enum layer {
	NO_OVERLAY = 0,
	UPPER = FLAG_CREAT_FLAGS_FD_UPPER_LAYER_CREAT,
	LOWER = FLAG_CREAT_FLAGS_FD_LOWER_LAYER_CREAT,
};

/*
 * The layer that a file on an overlay is in. struct ovl_inode is not for others to
 * see: behind the inode that everyone knows it has the dentry in the upper layer
 * (fs/overlayfs/ovl_entry.h, since 4.13).
 */
static enum layer layer_of(struct file *f)
{
	struct dentry *d = f->f_path.dentry, *upper = NULL;

	if (d->d_sb->s_magic != OVERLAYFS_SUPER_MAGIC || !d_inode(d))
		return NO_OVERLAY;
	if (copy_from_kernel_nofault(&upper, d_inode(d) + 1, sizeof(upper)))
		return NO_OVERLAY;
	return upper ? UPPER : LOWER;
}

static u64 opened_flags(struct call *c, u64 flags)
{
	u64 v = conv_open_flags(flags);
	struct file *f = opened(c);

	if (!f)
		return v;
	if (f->f_mode & FMODE_CREATED)
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

static u64 creat_flags(struct call *c)
{
	struct file *f = opened(c);

	return f ? layer_of(f) : NO_OVERLAY;
}

/* Is it in no directory (any more)? */
static bool gone(struct dentry *d)
{
	return IS_ROOT(d) || d_unlinked(d);
}

/*
 * Writes the path of a file, empty if there is none; marked says whether a file that
 * was deleted has " (deleted)" behind its path.
 */
static void put_path(struct call *c, struct file *f, bool marked)
{
	static const char deleted[] = " (deleted)";
	const size_t mark = sizeof(deleted) - 1;
	char *path;
	size_t n;

	path = f ? d_path(&f->f_path, c->s->work, WORK_SIZE) : NULL;
	if (IS_ERR_OR_NULL(path))
		return put_empty(c);
	n = strlen(path);
	if (!marked && gone(f->f_path.dentry) && n > mark && !strcmp(path + n - mark, deleted))
		n -= mark;
	memcpy(room(c), path, n);
	room(c)[n] = 0;
	commit(c, n + 1);
}

static void put_fd_path(struct call *c)
{
	put_path(c, c->ret > 0 ? opened(c) : NULL, true);
}

#endif /* LANNER_FILE_H */
