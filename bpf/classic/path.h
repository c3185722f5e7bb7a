/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Absolute paths, as d_path makes them (fs/d_path.c) for someone whose root is that
 * of the mount namespace. They are built from their end, in steps: begin_path says of
 * what, STAGE_PATH walks and goes on with the stage in next, put_walked writes.
 */
#ifndef LANNER_PATH_H
#define LANNER_PATH_H

#include "file.h"

#define PATH_MASK (STRING_MAX - 1)
#define NAME_MASK 255		/* bytes of a name in a directory, linux/limits.h:NAME_MAX */
#define PATH_STEPS 24		/* names and mounts that are looked at in a round */
#define PATH_ROUNDS 8

/* Puts a name of n bytes in front; false: there is no room. */
static __always_inline bool prepend(struct call *c, const void *name, u32 n)
{
	u8 *path = c->work + WORK_PATH;

	n &= NAME_MASK;
	if (c->s->start <= n)
		return false;
	c->s->start -= n;
	if (n)
		bpf_probe_read(&path[c->s->start & PATH_MASK], n, name);
	return true;
}

static __always_inline bool prepend_slash(struct call *c)
{
	u8 *path = c->work + WORK_PATH;

	if (c->s->start <= 1)
		return false;
	c->s->start--;
	path[c->s->start & PATH_MASK] = '/';
	return true;
}

/* Is it in no directory any more (include/linux/dcache.h:d_unlinked)? */
static __always_inline bool unlinked(struct dentry *d)
{
	return !READ(d, d_hash.pprev) && READ(d, d_parent) != d;
}

/* Puts one name in front, or goes up a mount; true: the path is complete. */
static __always_inline bool step_path(struct call *c)
{
	struct dentry *d = (void *)c->s->dentry, *parent;
	struct mount *m = (void *)c->s->mount, *up;
	struct qstr name;

	if (d == READ(m, mnt.mnt_root)) {
		up = READ(m, mnt_parent);
		c->s->dentry = (u64)READ(m, mnt_mountpoint);
		c->s->mount = (u64)up;
		return up == m;	/* the root of the namespace */
	}
	parent = READ(d, d_parent);
	name = READ(d, d_name);
	c->s->dentry = (u64)parent;
	if (!prepend(c, name.name, name.len) || !prepend_slash(c))
		return true;
	return d == parent;	/* a file that is in no directory */
}

/*
 * Prepares for the path of a file; marked says whether a file that was deleted has
 * " (deleted)" behind its path. No file has no path, which start says as well.
 */
static __always_inline void begin_path(struct call *c, struct file *f, bool marked)
{
	struct state *s = c->s;
	struct vfsmount *mnt;
	struct dentry *d;
	bool nameless;

	s->round = 0;
	s->start = 0;
	if (!f)
		return;
	d = READ(f, f_path.dentry);
	mnt = READ(f, f_path.mnt);
	s->dentry = (u64)d;
	s->mount = (u64)mnt - offsetof(struct mount, mnt);
	s->start = PATH_MASK;
	c->work[WORK_PATH + PATH_MASK] = 0;
	/* Files that never had a directory, as memfds: fs/libfs.c:simple_dname. */
	nameless = READ(d, d_op, d_dname) && READ(d, d_parent) == d;
	if (marked && (nameless || unlinked(d))) {
		/* Not from a string: there are no constants but in instructions. */
		s->start -= 10;
		*(u64 *)(c->work + WORK_PATH + PATH_MASK - 10) = 0x6574656c65642820ULL;	/* " (delete" */
		*(u16 *)(c->work + WORK_PATH + PATH_MASK - 2) = 0x2964;	/* "d)" */
	}
}

STAGE(stage_path)
{
	int i;

#pragma unroll
	for (i = 0; i < PATH_STEPS; i++) {
		if (!c->s->start || step_path(c))
			return go_on(c, c->s->next);
	}
	if (++c->s->round < PATH_ROUNDS)
		return go_on(c, STAGE_PATH);
	go_on(c, c->s->next);
}

/* Writes the path that was walked. */
static __always_inline void put_walked(struct call *c)
{
	u64 n;

	if (!c->s->start)
		return put_empty(c);
	if (c->s->start == PATH_MASK)
		prepend_slash(c);
	n = at_most(STRING_MAX - (c->s->start & PATH_MASK), STRING_MAX);
	bpf_probe_read(room(c), n, c->work + WORK_PATH + (c->s->start & PATH_MASK));
	commit(c, n);
}

/* Walks the path of the file behind the result before the program of an event is started. */
static __always_inline void walk_fd_path(struct call *c, u32 exit)
{
	begin_path(c, c->ret > 0 ? opened(c) : NULL, true);
	c->s->next = exit;
	go_on(c, STAGE_PATH);
}

static __always_inline void put_fd_path(struct call *c)
{
	put_walked(c);
}

#endif /* LANNER_PATH_H */
