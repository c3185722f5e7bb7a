/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Where kernels differ. The sources read as if for the newest; this is the only file
 * that asks for versions.
 */
#ifndef LANNER_COMPAT_H
#define LANNER_COMPAT_H

#include <linux/device.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/version.h>

/* 6.4: classes know their module by themselves */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define compat_class_create(name) class_create(THIS_MODULE, name)
#else
#define compat_class_create(name) class_create(name)
#endif

/* 6.2: a device does not change when it is asked for its name */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define COMPAT_DEVNODE_DEVICE struct device
#else
#define COMPAT_DEVNODE_DEVICE const struct device
#endif

/* 6.3: flags of a mapping are changed by functions */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void compat_vm_flags_clear(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags &= ~flags;
}
#else
#define compat_vm_flags_clear vm_flags_clear
#endif

/* 5.18: sched_switch tells the state of the thread that goes, behind all else */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 18, 0)
#define COMPAT_SWITCH_ARGS bool preempt, struct task_struct *prev, struct task_struct *next
#else
#define COMPAT_SWITCH_ARGS bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int state
#endif

/* 6.16: sched_process_exit tells whether the process ends */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
#define COMPAT_EXIT_ARGS struct task_struct *t
#else
#define COMPAT_EXIT_ARGS struct task_struct *t, bool group_dead
#endif

/*
 * Times of a file: plain members before 6.6 (ctime) and 6.7 (mtime).
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#define compat_ctime(i) ((i)->i_ctime)
#else
#define compat_ctime(i) inode_get_ctime(i)
#endif
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
#define compat_mtime(i) ((i)->i_mtime)
#else
#define compat_mtime(i) inode_get_mtime(i)
#endif

/* Exported all along, but declared in a header of the network's own from 6.17 on. */
struct sock;
struct sock *unix_peer_get(struct sock *sk);

/*
 * Probes run with preemption off, where a kernel with CONFIG_PREEMPT_RT may not take most
 * locks.
 */
#ifdef CONFIG_PREEMPT_RT
#error "the module is not for kernels with CONFIG_PREEMPT_RT: use the BPF driver"
#endif

#endif /* LANNER_COMPAT_H */
