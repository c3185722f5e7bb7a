package ptrace

import "github.com/lannerhq/lanner/kernel/event/spec"

// Commands of quotactl(2) (linux/quota.h, linux/dqblk_xfs.h).
const (
	qQuotaOn   = 0x800002
	qGetFmt    = 0x800004
	qGetInfo   = 0x800005
	qSetInfo   = 0x800006
	qGetQuota  = 0x800007
	qSetQuota  = 0x800008
	qXGetQuota = 0x5803
	qXSetQLim  = 0x5804
)

const quotaNotUsed = 1 // PPM_QFMT_NOT_USED

// fillQuotactlE (V036): cmd, type, id, quota_fmt.
func (c *call) fillQuotactlE() {
	cmd := c.args[0] & 0xffffffff >> 8
	c.b.PutU16(uint16(c.convQuotaCmd.Convert(cmd)))
	c.b.PutU8(uint8(c.convQuotaType.Convert(c.args[0] & 0xff)))
	id := uint32(0)
	switch cmd {
	case qGetQuota, qSetQuota, qXGetQuota, qXSetQLim:
		id = uint32(c.args[2])
	}
	c.b.PutU32(id)
	format := uint64(quotaNotUsed)
	if cmd == qQuotaOn {
		format = c.convQuotaFmt.Convert(c.args[2])
	}
	c.b.PutU8(uint8(format))
}

// fillQuotactlX: res, special, quotafilepath, seven values of a quota, three of
// quota information, quota_fmt_out, cmd, type, id, quota_fmt.
func (c *call) fillQuotactlX() {
	cmd := c.args[0] & 0xffffffff >> 8
	addr := c.args[3]
	c.b.PutS64(c.ret)
	c.putString(c.args[1])
	if cmd == qQuotaOn {
		c.putString(addr)
	} else {
		c.b.PutEmpty()
	}
	c.putQuota(cmd, addr)
	c.putQuotaInfo(cmd, addr)
	format := uint64(quotaNotUsed)
	if cmd == qGetFmt {
		if v, ok := c.mem.word(addr, 4); ok {
			format = c.convQuotaFmt.Convert(v)
		}
	}
	c.b.PutU8(uint8(format))
	if c.in == spec.Current {
		c.fillQuotactlE()
	}
}

// putQuota writes the fields of a struct if_dqblk that its dqb_valid names:
// bhardlimit, bsoftlimit, curspace, ihardlimit, isoftlimit, btime, itime.
func (c *call) putQuota(cmd, addr uint64) {
	var b [72]byte // 8 words of 64 bits, then dqb_valid
	valid := uint32(0)
	if cmd == qGetQuota || cmd == qSetQuota {
		if c.mem.read(addr, b[:]) == len(b) {
			valid = le.Uint32(b[64:])
		}
	}
	const blimits, space, ilimits, btime, itime = 1, 2, 4, 16, 32 // QIF_*
	for _, f := range [...]struct {
		bit  uint32
		word int
	}{{blimits, 0}, {blimits, 1}, {space, 2}, {ilimits, 3}, {ilimits, 4}, {btime, 6}, {itime, 7}} {
		v := uint64(0)
		if valid&f.bit != 0 {
			v = le.Uint64(b[8*f.word:])
		}
		c.b.PutU64(v)
	}
}

// putQuotaInfo writes the fields of a struct if_dqinfo that its dqi_valid names:
// bgrace, igrace, flags.
func (c *call) putQuotaInfo(cmd, addr uint64) {
	var b [24]byte // bgrace, igrace (64 bits), flags, valid (32 bits)
	valid := uint32(0)
	if cmd == qGetInfo || cmd == qSetInfo {
		if c.mem.read(addr, b[:]) == len(b) {
			valid = le.Uint32(b[20:])
		}
	}
	const bgrace, igrace, flags = 1, 2, 4 // IIF_*
	v := [3]uint64{}
	if valid&bgrace != 0 {
		v[0] = le.Uint64(b[0:])
	}
	if valid&igrace != 0 {
		v[1] = le.Uint64(b[8:])
	}
	if valid&flags != 0 {
		v[2] = c.convDQI.Convert(uint64(le.Uint32(b[16:])))
	}
	c.b.PutU64(v[0])
	c.b.PutU64(v[1])
	c.b.PutU8(uint8(v[2]))
}
