/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Fillers of calls that make tasks: put_clone of each probe writes their parameters. */
#ifndef LANNER_OPS_FILL_CLONE_H
#define LANNER_OPS_FILL_CLONE_H

static __always_inline void filler_clone_x(struct call *c)
{
	put_clone(c, task(c), conv_clone_flags(arg(c, 0)));
}

static __always_inline void filler_fork_x(struct call *c)
{
	put_clone(c, task(c), 0);
}

static __always_inline void filler_vfork_x(struct call *c)
{
	put_clone(c, task(c), 0);
}

/* The event of a child that the kernel has just made: of the flags only these show. */
static __always_inline void fill_child(struct call *c, struct task_struct *parent)
{
	struct task_struct *child = c->task;
	u32 flags = 0;

	if (READ(child, pid) != READ(child, tgid))
		flags |= FLAG_CLONE_FLAGS_CLONE_THREAD | FLAG_CLONE_FLAGS_CLONE_SIGHAND | FLAG_CLONE_FLAGS_CLONE_VM;
	if (READ(child, files) == READ(parent, files))
		flags |= FLAG_CLONE_FLAGS_CLONE_FILES;
	put_clone(c, child, flags);
}

#endif /* LANNER_OPS_FILL_CLONE_H */
