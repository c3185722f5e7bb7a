/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Filler of keyctl. */
#ifndef LANNER_OPS_FILL_KEY_H
#define LANNER_OPS_FILL_KEY_H


#define KEYCTL_ARGS 4

/* How many arguments an operation has, by number (linux/keyctl.h): a nibble each. */
#define KEYCTL_COUNTS_0 0x2134342213231312ULL	/* GET_KEYRING_ID to SET_TIMEOUT */
#define KEYCTL_COUNTS_16 0x2434444342144031ULL	/* ASSUME_AUTHORITY to CAPABILITIES */

static __always_inline u32 keyctl_count(u32 operation)
{
	if (operation < 16)
		return KEYCTL_COUNTS_0 >> 4 * operation & 0xf;
	if (operation < 32)
		return KEYCTL_COUNTS_16 >> 4 * (operation - 16) & 0xf;
	return operation == 32 ? 3 : 0;	/* WATCH_KEY */
}

/* Which of an operation's arguments are strings: bit n-2 for argument n. */
static __always_inline u32 keyctl_strings(u32 operation)
{
	if (operation == 10 || operation == 29)	/* SEARCH, RESTRICT_KEYRING */
		return 6;
	if (operation >= 25 && operation <= 28)	/* PKEY_ENCRYPT to PKEY_VERIFY */
		return 2;
	if (operation == 24)	/* PKEY_QUERY */
		return 4;
	return operation == 1;	/* JOIN_SESSION_KEYRING */
}

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
	u32 operation = arg(c, 0), count = keyctl_count(operation), strings = keyctl_strings(operation), i;

	put_s64(c, c->ret);
	put_u32(c, operation);
	UNROLL
	for (i = 0; i < KEYCTL_ARGS; i++) {
		if (strings >> i & 1)
			put_dyn_string(c, DYN_KEYCTL_CHARBUF, arg(c, 1 + i));
		else
			put_dyn64(c, DYN_KEYCTL_INT64, i < count ? arg(c, 1 + i) : 0);
	}
}

#endif /* LANNER_OPS_FILL_KEY_H */
