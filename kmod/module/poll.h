/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The entries of poll and ppoll. */
#ifndef LANNER_POLL_SET_H
#define LANNER_POLL_SET_H

#include <linux/poll.h>
#include "user.h"

#define POLL_MAX 227	/* entries; the kernel module's limit, 8n + 2 + 10n <= 4096 */

/*
 * Writes an array of struct pollfd: with what came back, or at entry with what was
 * asked. Edition 0.36 lists after the call only entries where something came back.
 */
static void put_poll_set(struct call *c, u64 addr, u32 count)
{
	struct pollfd *set = (void *)c->s->work;
	u32 n = min_t(u32, count, POLL_MAX), at = 2, i;
	u16 bits, listed = 0;
	s64 fd;

	BUILD_BUG_ON(POLL_MAX * sizeof(*set) > WORK_SIZE);
	if (!n || !read_user(set, n * sizeof(*set), addr))
		n = 0;
	for (i = 0; i < n; i++) {
		bits = c->enter ? set[i].events : set[i].revents;
		if (!bits && !c->enter && !current_profile(c))
			continue;
		fd = set[i].fd;
		bits = conv_poll_events(bits);
		memcpy(room(c) + at, &fd, sizeof(fd));
		memcpy(room(c) + at + 8, &bits, sizeof(bits));
		at += 10;
		listed++;
	}
	memcpy(room(c), &listed, sizeof(listed));
	commit(c, at);
}

#endif /* LANNER_POLL_SET_H */
