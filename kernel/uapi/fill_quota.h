/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Fillers of quotactl. */
#ifndef LANNER_FILL_QUOTA_H
#define LANNER_FILL_QUOTA_H

/* linux/dqblk_xfs.h */
#ifndef Q_XGETQUOTA
#define Q_XGETQUOTA 0x5803
#define Q_XSETQLIM 0x5804
#endif

#define QUOTA_NOT_USED 1	/* PPM_QFMT_NOT_USED */

FILLER u32 quota_cmd(struct call *c)
{
	return (u32)arg(c, 0) >> 8;
}

FILLER void put_quota_args(struct call *c)
{
	u32 cmd = quota_cmd(c), id = 0;

	put_u16(c, conv_quotactl_cmd(cmd));
	put_u8(c, conv_quotactl_type(arg(c, 0) & 0xff));
	if (cmd == Q_GETQUOTA || cmd == Q_SETQUOTA || cmd == Q_XGETQUOTA || cmd == Q_XSETQLIM)
		id = arg(c, 2);
	put_u32(c, id);
	put_u8(c, cmd == Q_QUOTAON ? conv_quotactl_fmt(arg(c, 2)) : QUOTA_NOT_USED);
}

FILLER void filler_quotactl_e(struct call *c)
{
	put_quota_args(c);
}

FILLER void put_quota(struct call *c, u32 cmd, u64 addr)
{
	struct if_dqblk q = {};	/* the same in 32-bit calls */

	if ((cmd == Q_GETQUOTA || cmd == Q_SETQUOTA) && !read_user(&q, sizeof(q), addr))
		q.dqb_valid = 0;
	put_u64(c, q.dqb_valid & QIF_BLIMITS ? q.dqb_bhardlimit : 0);
	put_u64(c, q.dqb_valid & QIF_BLIMITS ? q.dqb_bsoftlimit : 0);
	put_u64(c, q.dqb_valid & QIF_SPACE ? q.dqb_curspace : 0);
	put_u64(c, q.dqb_valid & QIF_ILIMITS ? q.dqb_ihardlimit : 0);
	put_u64(c, q.dqb_valid & QIF_ILIMITS ? q.dqb_isoftlimit : 0);
	put_u64(c, q.dqb_valid & QIF_BTIME ? q.dqb_btime : 0);
	put_u64(c, q.dqb_valid & QIF_ITIME ? q.dqb_itime : 0);
}

FILLER void put_quota_info(struct call *c, u32 cmd, u64 addr)
{
	struct if_dqinfo q = {};

	if ((cmd == Q_GETINFO || cmd == Q_SETINFO) && !read_user(&q, sizeof(q), addr))
		q.dqi_valid = 0;
	put_u64(c, q.dqi_valid & IIF_BGRACE ? q.dqi_bgrace : 0);
	put_u64(c, q.dqi_valid & IIF_IGRACE ? q.dqi_igrace : 0);
	put_u8(c, q.dqi_valid & IIF_FLAGS ? conv_dqi_flags(q.dqi_flags) : 0);
}

FILLER void filler_quotactl_x(struct call *c)
{
	u32 cmd = quota_cmd(c), format = 0;
	u64 addr = arg(c, 3);
	bool known;

	put_s64(c, c->ret);
	put_string_at(c, arg(c, 1));
	put_string_at(c, cmd == Q_QUOTAON ? addr : 0);
	put_quota(c, cmd, addr);
	put_quota_info(c, cmd, addr);
	known = cmd == Q_GETFMT && read_user(&format, sizeof(format), addr);
	put_u8(c, known ? conv_quotactl_fmt(format) : QUOTA_NOT_USED);
	if (current_profile(c))
		put_quota_args(c);
}

#endif /* LANNER_FILL_QUOTA_H */
