/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Absolute paths, as d_path makes them (fs/d_path.c) for someone whose root is that
 * of the mount namespace. bpf_d_path is not for tracepoints.
 */
#ifndef LANNER_PATH_H
#define LANNER_PATH_H

#include "file.h"

#define PATH_MASK (STRING_MAX - 1)
#define NAME_MASK 255		/* bytes of a name in a directory, linux/limits.h:NAME_MAX */
#define PATH_STEPS 192		/* names and mounts that are looked at */

/* Puts a name of n bytes in front; false: there is no room. */
static __always_inline bool prepend(struct scratch *s, const void *name, u32 n)
{
	n &= NAME_MASK;
	if (s->path.start <= n)
		return false;
	s->path.start -= n;
	bpf_probe_read_kernel(&s->work[s->path.start & PATH_MASK], n, name);
	return true;
}

static __always_inline bool prepend_slash(struct scratch *s)
{
	if (!s->path.start)
		return false;
	s->path.start--;
	s->work[s->path.start & PATH_MASK] = '/';
	return true;
}

static __always_inline struct mount *mount_of(struct vfsmount *mnt)
{
	return (void *)mnt - bpf_core_field_offset(struct mount, mnt);
}

/* Is it in no directory any more (include/linux/dcache.h:d_unlinked)? */
static __always_inline bool unlinked(struct dentry *d)
{
	return !READ(d, d_hash.pprev) && READ(d, d_parent) != d;
}

/*
 * Puts one name in front, or goes up a mount; not 0: the path is complete. A global
 * function, which the verifier looks at once and not for each step.
 */
__noinline int step_path(u32 i)
{
	struct scratch *s = scratch();
	struct dentry *d, *parent;
	struct qstr name;
	struct mount *m, *up;

	if (!s)
		return 1;
	d = (void *)s->path.dentry;
	m = (void *)s->path.mount;
	if (d == READ(m, mnt.mnt_root)) {
		up = READ(m, mnt_parent);
		s->path.dentry = (u64)READ(m, mnt_mountpoint);
		s->path.mount = (u64)up;
		return up == m;	/* the root of the namespace */
	}
	parent = READ(d, d_parent);
	name = READ(d, d_name);
	s->path.dentry = (u64)parent;
	if (!prepend(s, name.name, name.len) || !prepend_slash(s))
		return 1;
	return d == parent;	/* a file that is in no directory */
}

/*
 * Writes the path of a file, empty if there is none; marked says whether a file that
 * was deleted has " (deleted)" behind its path.
 */
static __always_inline void put_path(struct call *c, struct file *f, bool marked)
{
	static const char deleted[] = " (deleted)";
	struct scratch *s = c->s;
	struct dentry *d;
	bool nameless;
	u32 i;
	u64 n;

	if (!f)
		return put_empty(c);
	d = READ(f, f_path.dentry);
	s->path.dentry = (u64)d;
	s->path.mount = (u64)mount_of(READ(f, f_path.mnt));
	s->path.start = PATH_MASK;
	s->work[PATH_MASK] = 0;
	/* Files that never had a directory, as memfds: fs/libfs.c:simple_dname. */
	nameless = READ(d, d_op, d_dname) && READ(d, d_parent) == d;
	if (marked && (nameless || unlinked(d)))
		prepend(s, deleted, sizeof(deleted) - 1);
	for (i = 0; i < PATH_STEPS; i++) {
		if (step_path(i))
			break;
	}
	if (s->path.start == PATH_MASK)
		prepend_slash(s);
	n = at_most(STRING_MAX - (s->path.start & PATH_MASK), STRING_MAX);
	bpf_probe_read_kernel(room(c), n, &s->work[s->path.start & PATH_MASK]);
	commit(c, n);
}

static __always_inline void put_fd_path(struct call *c)
{
	put_path(c, c->ret > 0 ? opened(c) : NULL, true);
}

#endif /* LANNER_PATH_H */
