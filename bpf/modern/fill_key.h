/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Filler of keyctl. */
#ifndef LANNER_FILL_KEY_H
#define LANNER_FILL_KEY_H

#include "user.h"

#define KEYCTL_OPERATIONS 33
#define KEYCTL_ARGS 4

/* How many arguments an operation has, and which are strings: bit n-2 for argument n. */
#define KEYCTL(n, strings) ((n) | (strings) << 4)

/* By operation (linux/keyctl.h). */
static const u8 keyctl_args[KEYCTL_OPERATIONS] = {
	[0] = KEYCTL(2, 0),	/* GET_KEYRING_ID */
	[1] = KEYCTL(1, 1),	/* JOIN_SESSION_KEYRING */
	[2] = KEYCTL(3, 0),	/* UPDATE */
	[3] = KEYCTL(1, 0),	/* REVOKE */
	[4] = KEYCTL(3, 0),	/* CHOWN */
	[5] = KEYCTL(2, 0),	/* SETPERM */
	[6] = KEYCTL(3, 0),	/* DESCRIBE */
	[7] = KEYCTL(1, 0),	/* CLEAR */
	[8] = KEYCTL(2, 0),	/* LINK */
	[9] = KEYCTL(2, 0),	/* UNLINK */
	[10] = KEYCTL(4, 6),	/* SEARCH */
	[11] = KEYCTL(3, 0),	/* READ */
	[12] = KEYCTL(4, 0),	/* INSTANTIATE */
	[13] = KEYCTL(3, 0),	/* NEGATE */
	[14] = KEYCTL(1, 0),	/* SET_REQKEY_KEYRING */
	[15] = KEYCTL(2, 0),	/* SET_TIMEOUT */
	[16] = KEYCTL(1, 0),	/* ASSUME_AUTHORITY */
	[17] = KEYCTL(3, 0),	/* GET_SECURITY */
	[18] = KEYCTL(0, 0),	/* SESSION_TO_PARENT */
	[19] = KEYCTL(4, 0),	/* REJECT */
	[20] = KEYCTL(4, 0),	/* INSTANTIATE_IOV */
	[21] = KEYCTL(1, 0),	/* INVALIDATE */
	[22] = KEYCTL(2, 0),	/* GET_PERSISTENT */
	[23] = KEYCTL(4, 0),	/* DH_COMPUTE */
	[24] = KEYCTL(3, 4),	/* PKEY_QUERY */
	[25] = KEYCTL(4, 2),	/* PKEY_ENCRYPT */
	[26] = KEYCTL(4, 2),	/* PKEY_DECRYPT */
	[27] = KEYCTL(4, 2),	/* PKEY_SIGN */
	[28] = KEYCTL(4, 2),	/* PKEY_VERIFY */
	[29] = KEYCTL(3, 6),	/* RESTRICT_KEYRING */
	[30] = KEYCTL(4, 0),	/* MOVE */
	[31] = KEYCTL(2, 0),	/* CAPABILITIES */
	[32] = KEYCTL(3, 0),	/* WATCH_KEY */
};

static __always_inline void put_dyn_string(struct call *c, u8 index, u64 addr)
{
	u8 *r = room(c);
	long n = 0;

	r[0] = index;
	if (addr)
		n = read_user_string(r + 1, STRING_MAX, addr);
	commit(c, n < 0 ? 1 : 1 + n);
}

static __always_inline void filler_keyctl_x(struct call *c)
{
	u32 operation = arg(c, 0), i;
	u8 args = operation < KEYCTL_OPERATIONS ? keyctl_args[operation] : 0;

	put_s64(c, c->ret);
	put_u32(c, operation);
	for (i = 0; i < KEYCTL_ARGS; i++) {
		if (args >> (4 + i) & 1)
			put_dyn_string(c, DYN_KEYCTL_CHARBUF, arg(c, 1 + i));
		else
			put_dyn64(c, DYN_KEYCTL_INT64, i < (args & 0xf) ? arg(c, 1 + i) : 0);
	}
}

#endif /* LANNER_FILL_KEY_H */
