// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What readers do with the devices: open, map, ask, close. */
#include <linux/cpu.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/pid_namespace.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include "compat.h"
#include "consumer.h"
#include "main.h"

static int device_open(struct inode *inode, struct file *filp)
{
	unsigned int cpu = iminor(inode);
	struct consumer *con;
	int err;

	if (cpu >= nr_cpu_ids || !cpu_online(cpu))
		return -ENODEV;
	mutex_lock(&consumers_lock);
	con = consumer_get();
	err = PTR_ERR_OR_ZERO(con);
	if (!err) {
		err = consumer_open_ring(con, cpu);
		if (err)
			consumer_put(con);
	}
	mutex_unlock(&consumers_lock);
	filp->private_data = con;
	return err;
}

static int device_release(struct inode *inode, struct file *filp)
{
	struct consumer *con = filp->private_data;

	mutex_lock(&consumers_lock);
	consumer_close_ring(con, iminor(inode));
	consumer_put(con);
	mutex_unlock(&consumers_lock);
	return 0;
}

/* The ring of a device, which stays while the device is open. */
static struct ring *ring_of(struct file *filp)
{
	struct consumer *con = filp->private_data;

	return rcu_dereference_protected(con->rings[iminor(file_inode(filp))], 1);
}

static int map_pages(struct vm_area_struct *vma, unsigned long at, u8 *from, u32 size)
{
	u32 off;
	int err;

	for (off = 0; off < size; off += PAGE_SIZE) {
		err = vm_insert_page(vma, at + off, vmalloc_to_page(from + off));
		if (err)
			return err;
	}
	return 0;
}

/* Up to a page is the ring's state; twice the buffer's size is the buffer, twice. */
static int device_mmap(struct file *filp, struct vm_area_struct *vma)
{
	unsigned long size = vma->vm_end - vma->vm_start;
	struct ring *r = ring_of(filp);
	int err;

	if (vma->vm_pgoff)
		return -EIO;
	if (size <= PAGE_SIZE)
		return map_pages(vma, vma->vm_start, (u8 *)r->info, PAGE_SIZE);
	if (size != 2UL * r->size || vma->vm_flags & VM_WRITE)
		return -EIO;
	compat_vm_flags_clear(vma, VM_MAYWRITE);
	err = map_pages(vma, vma->vm_start, r->data, r->size);
	return err ?: map_pages(vma, vma->vm_start + r->size, r->data, r->size);
}

/* Translates the id of a thread into that of its own PID namespace, or its process's. */
static long own_id(pid_t id, bool process)
{
	struct task_struct *t;
	long ret = -EINVAL;

	rcu_read_lock();
	t = pid_task(find_pid_ns(id, &init_pid_ns), PIDTYPE_PID);
	if (t)
		ret = process ? task_tgid_nr_ns(t, task_active_pid_ns(t)) : task_pid_nr_ns(t, task_active_pid_ns(t));
	rcu_read_unlock();
	return ret;
}

static long get_hits(unsigned long arg)
{
	long __user *to = (void __user *)arg;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		if (put_user((long)points_hit(cpu), to + cpu))
			return -EFAULT;
	}
	return 0;
}

static long put_u64_to(unsigned long arg, u64 v)
{
	return put_user(v, (u64 __user *)arg) ? -EFAULT : 0;
}

static long set_sampling(struct consumer *con, u32 ratio)
{
	if (!is_power_of_2(ratio) || ratio > 128)
		return -EINVAL;
	WRITE_ONCE(con->sampling_ratio, ratio);
	WRITE_ONCE(con->dropping_mode, true);
	return 0;
}

static long set_syscall(struct consumer *con, unsigned long nr, bool on)
{
	if (nr >= SYSCALL_TABLE_SIZE)
		return -EINVAL;
	if (on)
		set_bit(nr, con->syscalls);
	else
		clear_bit(nr, con->syscalls);
	return 0;
}

static long set_point(struct consumer *con, unsigned long point, bool on)
{
	if (point >= POINTS_PUBLIC)
		return -EINVAL;
	return consumer_want(con, on ? con->points | BIT(point) : con->points & ~BIT(point));
}

static long get_tree(struct consumer *con, unsigned long arg)
{
	struct tree_state state;
	unsigned long flags;

	if (!con->tree)
		return -EINVAL;
	raw_spin_lock_irqsave(&con->tree->lock, flags);
	state = con->tree->state;
	raw_spin_unlock_irqrestore(&con->tree->lock, flags);
	return copy_to_user((void __user *)arg, &state, sizeof(state)) ? -EFAULT : 0;
}

#ifdef LANNER_LEGACY
static long legacy_request(struct consumer *con, struct ring *r, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case DISABLE_CAPTURE:
		WRITE_ONCE(r->off, true);
		return 0;
	case ENABLE_CAPTURE:
		WRITE_ONCE(r->off, false);
		return 0;
	case MASK_ZERO_EVENTS:
		bitmap_fill(con->masked, EVENT_TYPES);
		clear_bit(EVENT_DROP_E, con->masked);
		clear_bit(EVENT_DROP_E + 1, con->masked);
		return 0;
	case MASK_SET_EVENT:
	case MASK_UNSET_EVENT:
		if (arg >= EVENT_TYPES)
			return -EINVAL;
		if (cmd == MASK_SET_EVENT)
			clear_bit(arg, con->masked);
		else
			set_bit(arg, con->masked);
		return 0;
	case DISABLE_SIGNAL_DELIVER:
		return set_point(con, POINT_SIGNAL, false);
	case ENABLE_SIGNAL_DELIVER:
		return set_point(con, POINT_SIGNAL, true);
	case ENABLE_PAGE_FAULTS:
		return set_point(con, POINT_FAULT_USER, true) ?: set_point(con, POINT_FAULT_KERNEL, true);
	case SET_SIMPLE_MODE:	/* there are never more events than in it */
		return 0;
	}
	return -ENOTTY;
}
#else
static long legacy_request(struct consumer *con, struct ring *r, unsigned int cmd, unsigned long arg)
{
	return -ENOTTY;
}
#endif

static long request(struct consumer *con, struct ring *r, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case DISABLE_DROPPING_MODE:
		WRITE_ONCE(con->dropping_mode, false);
		WRITE_ONCE(con->sampling_ratio, 1);
		return 0;
	case ENABLE_DROPPING_MODE:
		return set_sampling(con, arg);
	case SET_SNAPLEN:
		if (arg > EVENT_MAX_PARAM_LEN)
			return -EINVAL;
		WRITE_ONCE(con->snaplen, arg);
		return 0;
	case DISABLE_DYNAMIC_SNAPLEN:
	case ENABLE_DYNAMIC_SNAPLEN:
		WRITE_ONCE(con->dynamic_snaplen, cmd == ENABLE_DYNAMIC_SNAPLEN);
		return 0;
	case SET_FULLCAPTURE_PORT_RANGE:
		WRITE_ONCE(con->fullcapture_start, arg);
		WRITE_ONCE(con->fullcapture_end, arg >> 16);
		return 0;
	case SET_STATSD_PORT:
		WRITE_ONCE(con->statsd_port, arg);
		return 0;
	case DISABLE_DROPFAILED:
	case ENABLE_DROPFAILED:
		WRITE_ONCE(con->drop_failed, cmd == ENABLE_DROPFAILED);
		return 0;
	case DISABLE_SYSCALL:
	case ENABLE_SYSCALL:
		return set_syscall(con, arg, cmd == ENABLE_SYSCALL);
	case DISABLE_TP:
	case ENABLE_TP:
		return set_point(con, arg, cmd == ENABLE_TP);
	case SCOPE_HOST:
	case SCOPE_TREE:
	case SCOPE_CGROUP:
		return scope_set(con, cmd, arg);
	case TREE_ADD:
	case TREE_ADD_ARMED:
		return tree_add_process(con, arg, cmd == TREE_ADD_ARMED);
	case GET_TREE:
		return get_tree(con, arg);
#ifdef LANNER_036
	case SET_TRACERS_CAPTURE:	/* there are no tracers */
		return 0;
#endif
	}
	return legacy_request(con, r, cmd, arg);
}

/* What is asked of the module and not of a consumer. */
static long question(unsigned int cmd, unsigned long arg)
{
	static const char version[] = MODULE_VERSION_TEXT;

	switch (cmd) {
	case GET_VTID:
		return own_id(arg, false);
	case GET_VPID:
		return own_id(arg, true);
	case GET_CURRENT_TID:
		return task_pid_nr(current);
	case GET_CURRENT_PID:
		return task_tgid_nr(current);
	case GET_PROCLIST:
		return proclist_get((void __user *)arg);
	case GET_N_TRACEPOINT_HIT:
		return get_hits(arg);
	case GET_DRIVER_VERSION:
		return copy_to_user((void __user *)arg, version, sizeof(version)) ? -EFAULT : 0;
	case GET_API_VERSION:
		return put_u64_to(arg, VERSION_OF(API));
	case GET_SCHEMA_VERSION:
		return put_u64_to(arg, VERSION_OF(SCHEMA));
	}
	return -ENOTTY;
}

static long device_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	long ret = question(cmd, arg);

	if (ret != -ENOTTY)
		return ret;
	mutex_lock(&consumers_lock);
	ret = request(filp->private_data, ring_of(filp), cmd, arg);
	mutex_unlock(&consumers_lock);
	return ret;
}

const struct file_operations device_operations = {
	.owner = THIS_MODULE,
	.open = device_open,
	.release = device_release,
	.mmap = device_mmap,
	.unlocked_ioctl = device_ioctl,
};
