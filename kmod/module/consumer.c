// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Consumers come, open a ring for each CPU, and go. All of it under consumers_lock. */
#include <linux/cpu.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "consumer.h"

DEFINE_MUTEX(consumers_lock);
LIST_HEAD(consumers);

static unsigned int max_consumers = 5;
module_param(max_consumers, uint, 0644);
MODULE_PARM_DESC(max_consumers, "readers at a time");

#define DEFAULT_BUFFER (8UL << 20)

#ifdef LANNER_LEGACY
static const unsigned long g_buffer_bytes_dim = DEFAULT_BUFFER;	/* readers count on it */
#else
static unsigned long g_buffer_bytes_dim = DEFAULT_BUFFER;
module_param(g_buffer_bytes_dim, ulong, 0644);
MODULE_PARM_DESC(g_buffer_bytes_dim, "bytes of each CPU's buffer, for readers that come from now on");
#endif

#define BUFFER_MAX (1UL << 30)	/* bytes; positions are 32 bits wide */

static bool valid_buffer(unsigned long size)
{
	return is_power_of_2(size) && size > 2 * PAGE_SIZE && size <= BUFFER_MAX;
}

static struct consumer *consumer_new(unsigned long buffer_size)
{
	struct consumer *con = kzalloc(sizeof(*con), GFP_KERNEL);

	if (!con)
		return NULL;
	con->rings = kcalloc(nr_cpu_ids, sizeof(*con->rings), GFP_KERNEL);
	con->told = bitmap_zalloc(nr_cpu_ids, GFP_KERNEL);
	if (!con->rings || !con->told) {
		bitmap_free(con->told);
		kfree(con->rings);
		kfree(con);
		return NULL;
	}
	/* CPUs that are up already are for the reader to open. */
	bitmap_copy(con->told, cpumask_bits(cpu_online_mask), nr_cpu_ids);
	con->owner = get_pid(task_pid(current));
	con->self = get_pid(task_tgid(current));
	con->buffer_size = buffer_size;
	con->snaplen = 80;
	con->sampling_ratio = 1;
	con->statsd_port = 8125;
#ifdef LANNER_LEGACY
	/* All is captured, but not before the reader turns rings on, or masks it. */
	bitmap_fill(con->syscalls, SYSCALL_TABLE_SIZE);
	con->points = BIT(POINT_SYS_ENTER) | BIT(POINT_SYS_EXIT) | BIT(POINT_PROC_EXIT) | BIT(POINT_SWITCH) |
		      BIT(POINT_SIGNAL);
#endif
	return con;
}

/* The consumer that the current thread is; a new one if it is none yet. */
struct consumer *consumer_get(void)
{
	unsigned long size = READ_ONCE(g_buffer_bytes_dim);
	struct consumer *con;
	unsigned int n = 0;

	list_for_each_entry(con, &consumers, node) {
		if (con->owner == task_pid(current))
			return con;
		n++;
	}
	if (n >= max_consumers)
		return ERR_PTR(-EBUSY);
	if (!valid_buffer(size))
		return ERR_PTR(-EINVAL);
	con = consumer_new(size);
	if (!con)
		return ERR_PTR(-ENOMEM);
	list_add_rcu(&con->node, &consumers);
	return con;
}

/* Ends a consumer if it has no device open. */
void consumer_put(struct consumer *con)
{
	if (con->devices)
		return;
	list_del_rcu(&con->node);
	points_update();
	synchronize_rcu();
	scope_clear(con);
	put_pid(con->owner);
	put_pid(con->self);
	bitmap_free(con->told);
	kfree(con->rings);
	kfree(con);
}

static void ring_free(struct ring *r)
{
	vfree(r->data);
	vfree(r->info);
	kfree(r);
}

static struct ring *ring_new(u32 size, int node)
{
	struct ring *r = kzalloc_node(sizeof(*r), GFP_KERNEL, node);

	if (!r)
		return NULL;
	r->size = size;
#ifdef LANNER_LEGACY
	r->off = true;
#endif
	r->info = vmalloc_user(PAGE_SIZE);
	r->data = vmalloc_user(size);
	if (r->info && r->data)
		return r;
	ring_free(r);
	return NULL;
}

int consumer_open_ring(struct consumer *con, unsigned int cpu)
{
	struct ring *r;
	int err;

	if (rcu_access_pointer(con->rings[cpu]))
		return -EBUSY;
	err = scratch_prepare(cpu);
	if (err)
		return err;
	r = ring_new(con->buffer_size, cpu_to_node(cpu));
	if (!r)
		return -ENOMEM;
	rcu_assign_pointer(con->rings[cpu], r);
	con->devices++;
	err = points_update();
	if (err)
		consumer_close_ring(con, cpu);
	return err;
}

/* The consumer itself stays: consumer_put follows. */
void consumer_close_ring(struct consumer *con, unsigned int cpu)
{
	struct ring *r = rcu_dereference_protected(con->rings[cpu], lockdep_is_held(&consumers_lock));

	RCU_INIT_POINTER(con->rings[cpu], NULL);
	con->devices--;
	synchronize_rcu();
	ring_free(r);
}

/* Chooses the tracepoints whose events a consumer wants. */
int consumer_want(struct consumer *con, unsigned long points)
{
	unsigned long before = con->points;
	int err;

	WRITE_ONCE(con->points, points);
	err = points_update();
	if (err) {
		WRITE_ONCE(con->points, before);
		points_update();
	}
	return err;
}
