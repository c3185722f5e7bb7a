// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The module. In a nutshell: it makes a device for each CPU (here), which readers open
 * and map (device.c, consumer.c, scope.c); probes on tracepoints write events into what
 * is mapped (probes.c).
 *
 * Locks: consumers_lock is a mutex and the outermost; a tree's lock is taken under it or
 * by probes, and nothing is under that. Probes read all else under RCU.
 */
#include <linux/cdev.h>
#include <linux/cpu.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/tracepoint.h>
#include "compat.h"
#include "consumer.h"
#include "main.h"

static dev_t first_device;
static struct class *class;
static struct cdev cdev;

static char *devnode(COMPAT_DEVNODE_DEVICE *dev, umode_t *mode)
{
	if (mode)
		*mode = 0400;
	return NULL;
}

static void remove_nodes(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		device_destroy(class, MKDEV(MAJOR(first_device), cpu));
}

static int make_nodes(void)
{
	struct device *dev;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		dev = device_create(class, NULL, MKDEV(MAJOR(first_device), cpu), NULL, KBUILD_MODNAME "%u", cpu);
		if (IS_ERR(dev)) {
			remove_nodes();
			return PTR_ERR(dev);
		}
	}
	return 0;
}

static int __init lanner_init(void)
{
	int err;

	err = points_find();
	if (err) {
		pr_err(KBUILD_MODNAME ": this kernel has no tracepoints of system calls\n");
		return err;
	}
	err = alloc_chrdev_region(&first_device, 0, nr_cpu_ids, KBUILD_MODNAME);
	if (err)
		return err;
	class = compat_class_create(KBUILD_MODNAME);
	if (IS_ERR(class)) {
		err = PTR_ERR(class);
		goto err_region;
	}
	class->devnode = devnode;
	cdev_init(&cdev, &device_operations);
	cdev.owner = THIS_MODULE;
	err = cdev_add(&cdev, first_device, nr_cpu_ids);
	if (err)
		goto err_class;
	err = make_nodes();
	if (err)
		goto err_cdev;
	return 0;

err_cdev:
	cdev_del(&cdev);
err_class:
	class_destroy(class);
err_region:
	unregister_chrdev_region(first_device, nr_cpu_ids);
	return err;
}

/* Not called while a device is open: open files hold the module. */
static void __exit lanner_exit(void)
{
	remove_nodes();
	cdev_del(&cdev);
	class_destroy(class);
	unregister_chrdev_region(first_device, nr_cpu_ids);
	tracepoint_synchronize_unregister();
	rcu_barrier();
	scratch_free();
}

module_init(lanner_init);
module_exit(lanner_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("System call events for Falco, sysdig and Lanner");
MODULE_VERSION(MODULE_VERSION_TEXT);
/* What trace driver looks at before it loads a file. */
MODULE_INFO(api, TEXT_OF(API));
MODULE_INFO(schema, TEXT_OF(SCHEMA));
