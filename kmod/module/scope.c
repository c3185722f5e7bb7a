// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Which processes a consumer watches: what readers say, and how trees grow and shrink. */
#include <linux/pid_namespace.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include "scope.h"

/*
 * Puts a process into a tree. Called by probes too, which must not sleep. An entry that
 * has ended is in the way if the id was given out again.
 */
static int insert(struct tree *tree, pid_t tgid, u64 start, bool muted)
{
	struct member *m, *fresh = kzalloc(sizeof(*fresh), GFP_NOWAIT | __GFP_NOWARN);
	unsigned long flags;
	int err = 0;

	raw_spin_lock_irqsave(&tree->lock, flags);
	m = tree_find(tree, tgid);
	if (m && m->start == start) {
		err = m->ended ? -ESRCH : -EEXIST;
	} else if (!fresh || tree->count >= TREE_MAX) {
		err = -ENOMEM;
	} else {
		if (m) {
			hash_del_rcu(&m->node);
			kfree_rcu(m, rcu);
			tree->count--;
		}
		fresh->tgid = tgid;
		fresh->start = start;
		fresh->muted = muted;
		hash_add_rcu(tree->members, &fresh->node, tgid);
		tree->count++;
		tree->state.size++;
		fresh = NULL;
	}
	raw_spin_unlock_irqrestore(&tree->lock, flags);
	kfree(fresh);
	return err;
}

/* The current process has made one. */
void tree_add_child(struct tree *tree, struct task_struct *child)
{
	struct member *m = tree_find(tree, current->tgid);
	unsigned long flags;

	if (!m || m->ended || insert(tree, child->tgid, child->start_time, m->muted) != -ENOMEM)
		return;
	raw_spin_lock_irqsave(&tree->lock, flags);
	tree->state.lost++;
	raw_spin_unlock_irqrestore(&tree->lock, flags);
}

/* A thread ends. */
void tree_leave(struct tree *tree, struct task_struct *t)
{
	unsigned long flags;
	struct member *m;

	if (atomic_read(&t->signal->live) > 0)
		return;
	raw_spin_lock_irqsave(&tree->lock, flags);
	m = tree_find(tree, t->tgid);
	if (m && !m->ended && m->start == t->group_leader->start_time) {
		m->ended = true;
		tree->state.size--;
	}
	raw_spin_unlock_irqrestore(&tree->lock, flags);
}

/* A task is freed, which for a leader is after all other threads. */
void tree_forget(struct tree *tree, struct task_struct *t)
{
	unsigned long flags;
	struct member *m;

	if (t->pid != t->tgid)
		return;
	raw_spin_lock_irqsave(&tree->lock, flags);
	m = tree_find(tree, t->tgid);
	if (m && m->ended && m->start == t->start_time) {
		hash_del_rcu(&m->node);
		kfree_rcu(m, rcu);
		tree->count--;
	}
	raw_spin_unlock_irqrestore(&tree->lock, flags);
}

/* Puts a process of the reader's PID namespace into the tree. */
int tree_add_process(struct consumer *con, pid_t pid, bool armed)
{
	struct task_struct *t;
	int err = -ESRCH;

	if (con->scope != TREE_SCOPE)
		return -EINVAL;
	rcu_read_lock();
	t = pid_task(find_vpid(pid), PIDTYPE_TGID);
	if (t) {
		err = insert(con->tree, t->tgid, t->start_time, armed);
		/* If it ended before it was in the tree, nobody else takes it out. */
		if (!err && atomic_read(&t->signal->live) == 0) {
			tree_leave(con->tree, t);
			err = -ESRCH;
		}
	}
	rcu_read_unlock();
	return err == -EEXIST ? 0 : err;	/* its parent is watched as well */
}

static struct tree *tree_new(void)
{
	struct tree *tree = kzalloc(sizeof(*tree), GFP_KERNEL);

	if (!tree)
		return NULL;
	hash_init(tree->members);
	raw_spin_lock_init(&tree->lock);
	return tree;
}

/* Gives back what a scope has; no probe uses it any more. */
void scope_clear(struct consumer *con)
{
	struct hlist_node *next;
	struct member *m;
	int i;

	if (con->tree) {
		hash_for_each_safe(con->tree->members, i, next, m, node) {
			hash_del_rcu(&m->node);
			kfree_rcu(m, rcu);
		}
		kfree(con->tree);
		con->tree = NULL;
	}
	if (con->cgroup) {
		cgroup_put(con->cgroup);
		con->cgroup = NULL;
	}
}

/* Has a consumer asked for events? Those of legacy editions have from the start, see ring.off. */
static bool captures(struct consumer *con)
{
#ifdef LANNER_LEGACY
	return false;
#else
	return con->points;
#endif
}

/*
 * Chooses a scope, once and before anything is captured. Probes may look at it already, for
 * other consumers' sake, hence the order.
 */
int scope_set(struct consumer *con, unsigned int cmd, unsigned long arg)
{
	struct cgroup *cgroup;

	if (con->scope != OPEN_SCOPE || captures(con))
		return -EBUSY;
	switch (cmd) {
	case SCOPE_HOST:
		smp_store_release(&con->scope, HOST_SCOPE);
		return 0;
	case SCOPE_TREE:
		con->tree = tree_new();
		if (!con->tree)
			return -ENOMEM;
		smp_store_release(&con->scope, TREE_SCOPE);
		return points_update();
	case SCOPE_CGROUP:
		cgroup = cgroup_get_from_fd(arg);
		if (IS_ERR(cgroup))
			return PTR_ERR(cgroup);
		con->cgroup = cgroup;
		smp_store_release(&con->scope, CGROUP_SCOPE);
		return 0;
	}
	return -ENOTTY;
}
