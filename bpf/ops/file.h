/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Open files: their device, inode number, and layer of an overlay. */
#ifndef LANNER_OPS_FILE_H
#define LANNER_OPS_FILE_H

static __always_inline u64 fd_ino(s64 fd)
{
	struct file *f = file_of(fd);

	return f ? READ(f, f_inode, i_ino) : 0;
}

static __always_inline u64 ino_at(struct call *c, u64 addr, u32 i)
{
	return c->ret < 0 ? 0 : fd_ino(fd_at(c, addr, i));
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
	switch (opened_layer(c)) {
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
	return opened(c) ? opened_layer(c) : NO_OVERLAY;
}

#endif /* LANNER_OPS_FILE_H */
