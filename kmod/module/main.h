/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef LANNER_MAIN_H
#define LANNER_MAIN_H

/* Given by Kbuild. */
#ifndef MODULE_VERSION_TEXT
#define MODULE_VERSION_TEXT "devel"
#endif

extern const struct file_operations device_operations;

#endif /* LANNER_MAIN_H */
