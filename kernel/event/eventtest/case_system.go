package eventtest

import (
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
)

var systemCases = []Case{
	{Name: "modules", Does: "loading of modules, which fails", Run: modulesCase},
	{Name: "keyctl", Does: "every operation on keys", Run: keyctlCase},
	{Name: "quotactl", Does: "quota commands, which fail", Run: quotactlCase},
}

func modulesCase(p *Prog) {
	img := pattern(3000)
	p.Do(event.InitModuleX, unix.SYS_INIT_MODULE, V{"img": img, "length": 3000, "uargs": "a=1 b=2"}, img, 3000, "a=1 b=2")
	p.Do(event.InitModuleX, unix.SYS_INIT_MODULE, V{"img": nil, "length": 100, "uargs": nil}, p.Bad(), 100, nil)
	p.Do(event.InitModuleX, unix.SYS_INIT_MODULE, V{"img": nil, "length": 0, "uargs": ""}, nil, 0, "")
	p.Do(event.FinitModuleX, unix.SYS_FINIT_MODULE, V{
		"fd": -1, "uargs": "x", "flags": Names("MODULE_INIT_IGNORE_MODVERSIONS|MODULE_INIT_IGNORE_VERMAGIC"),
	}, -1, "x", 3)
	p.Do(event.FinitModuleX, unix.SYS_FINIT_MODULE, V{"fd": 1 << 20, "uargs": nil, "flags": 0}, 1<<20, nil, 1<<20)
	call := unix.SYS_DELETE_MODULE
	p.Do(event.DeleteModuleX, uintptr(call), V{
		"name": "no_such", "flags": Names("O_NONBLOCK|O_TRUNC"),
	}, "no_such", unix.O_NONBLOCK|unix.O_TRUNC)
	p.Do(event.DeleteModuleX, uintptr(call), V{"name": nil, "flags": 0}, nil, 0)
	p.Generic("reboot", 0, 0, 0, 0)
	p.Generic("sethostname", nil, -1)
	p.Generic("acct", p.Bad())
	p.Generic("kcmp", p.PID, p.PID, 99, 0, 0)
	p.Generic("sysinfo", p.Buf(256))
	p.Generic("getrandom", p.Buf(8), 8, 0)
}

// keyctlCase: for each operation which arguments are numbers, which are strings,
// and which are not looked at.
func keyctlCase(p *Prog) {
	const serial = 0x7ffffff1 // of no key
	text, other := p.Str("text"), p.Str("other")
	num, str := func(v uint64) any { return Dyn(0, int64(v)) }, func(s string) any { return Dyn(1, s) }
	zero := num(0)
	do := func(op int, name string, shown ...any) {
		args := []any{op, serial, uint64(1 << 40), uint64(5), uint64(6)}
		v := V{"operation": Names(name)}
		for i, field := range []string{"arg2", "arg3", "arg4", "arg5"} {
			v[field] = zero
			if i < len(shown) {
				v[field] = shown[i]
				switch shown[i].(map[string][]any)["dyn"][1] {
				case "text":
					args[1+i] = text
				case "other":
					args[1+i] = other
				}
			}
		}
		p.Do(event.KeyctlX, unix.SYS_KEYCTL, v, args...)
	}
	a, b, c, d := num(serial), num(1<<40), num(5), num(6)
	s, o := str("text"), str("other")
	do(unix.KEYCTL_GET_KEYRING_ID, "KEYCTL_GET_KEYRING_ID", a, b)
	do(unix.KEYCTL_UPDATE, "KEYCTL_UPDATE", a, b, c)
	do(unix.KEYCTL_REVOKE, "KEYCTL_REVOKE", a)
	do(unix.KEYCTL_CHOWN, "KEYCTL_CHOWN", a, b, c)
	do(unix.KEYCTL_SETPERM, "KEYCTL_SETPERM", a, b)
	do(unix.KEYCTL_DESCRIBE, "KEYCTL_DESCRIBE", a, b, c)
	do(unix.KEYCTL_CLEAR, "KEYCTL_CLEAR", a)
	do(unix.KEYCTL_LINK, "KEYCTL_LINK", a, b)
	do(unix.KEYCTL_UNLINK, "KEYCTL_UNLINK", a, b)
	do(unix.KEYCTL_SEARCH, "KEYCTL_SEARCH", a, s, o, d)
	do(unix.KEYCTL_READ, "KEYCTL_READ", a, b, c)
	do(unix.KEYCTL_INSTANTIATE, "KEYCTL_INSTANTIATE", a, b, c, d)
	do(unix.KEYCTL_NEGATE, "KEYCTL_NEGATE", a, b, c)
	do(unix.KEYCTL_SET_REQKEY_KEYRING, "KEYCTL_SET_REQKEY_KEYRING", a)
	do(unix.KEYCTL_SET_TIMEOUT, "KEYCTL_SET_TIMEOUT", a, b)
	do(unix.KEYCTL_ASSUME_AUTHORITY, "KEYCTL_ASSUME_AUTHORITY", a)
	do(unix.KEYCTL_GET_SECURITY, "KEYCTL_GET_SECURITY", a, b, c)
	do(unix.KEYCTL_SESSION_TO_PARENT, "KEYCTL_SESSION_TO_PARENT")
	do(unix.KEYCTL_REJECT, "KEYCTL_REJECT", a, b, c, d)
	do(unix.KEYCTL_INSTANTIATE_IOV, "KEYCTL_INSTANTIATE_IOV", a, b, c, d)
	do(unix.KEYCTL_INVALIDATE, "KEYCTL_INVALIDATE", a)
	do(unix.KEYCTL_GET_PERSISTENT, "KEYCTL_GET_PERSISTENT", a, b)
	do(unix.KEYCTL_DH_COMPUTE, "KEYCTL_DH_COMPUTE", a, b, c, d)
	do(unix.KEYCTL_PKEY_QUERY, "KEYCTL_PKEY_QUERY", a, b, s)
	do(unix.KEYCTL_PKEY_ENCRYPT, "KEYCTL_PKEY_ENCRYPT", a, s, c, d)
	do(unix.KEYCTL_PKEY_DECRYPT, "KEYCTL_PKEY_DECRYPT", a, s, c, d)
	do(unix.KEYCTL_PKEY_SIGN, "KEYCTL_PKEY_SIGN", a, s, c, d)
	do(unix.KEYCTL_PKEY_VERIFY, "KEYCTL_PKEY_VERIFY", a, s, c, d)
	do(unix.KEYCTL_RESTRICT_KEYRING, "KEYCTL_RESTRICT_KEYRING", a, s, o)
	do(unix.KEYCTL_MOVE, "KEYCTL_MOVE", a, b, c, d)
	do(unix.KEYCTL_CAPABILITIES, "KEYCTL_CAPABILITIES", a, b)
	do(unix.KEYCTL_WATCH_KEY, "KEYCTL_WATCH_KEY", a, b, c)
	do(unix.KEYCTL_JOIN_SESSION_KEYRING, "KEYCTL_JOIN_SESSION_KEYRING", s)
	p.Do(event.KeyctlX, unix.SYS_KEYCTL, V{
		"operation": 777, "arg2": zero, "arg3": zero, "arg4": zero, "arg5": zero,
	}, 777, 1, 2, 3, 4)
	// A name that is not there leaves the index alone.
	p.Do(event.KeyctlX, unix.SYS_KEYCTL, V{
		"operation": Names("KEYCTL_JOIN_SESSION_KEYRING"), "arg2": []byte{1}, "arg3": zero, "arg4": zero, "arg5": zero,
	}, unix.KEYCTL_JOIN_SESSION_KEYRING, p.Bad())
	p.Generic("add_key", nil, nil, nil, 0, 0)
	p.Generic("request_key", nil, nil, nil, 0)
}

func quotactlCase(p *Prog) {
	const user, group = 0, 1
	cmd := func(c, t int) uint32 { return uint32(c)<<8 | uint32(t) }
	values := []string{"dqb_bhardlimit", "dqb_bsoftlimit", "dqb_curspace", "dqb_ihardlimit", "dqb_isoftlimit", "dqb_btime",
		"dqb_itime", "dqi_bgrace", "dqi_igrace", "dqi_flags"}
	do := func(c uint32, special, shown any, id uint64, at uintptr, v V) {
		for _, name := range values {
			if _, ok := v[name]; !ok {
				v[name] = 0
			}
		}
		for name, x := range map[string]any{"id": 0, "quota_fmt": Names("QFMT_NOT_USED"), "quota_fmt_out": Names("QFMT_NOT_USED"), "quotafilepath": nil} {
			if _, ok := v[name]; !ok {
				v[name] = x
			}
		}
		v["special"] = shown
		p.Do(event.QuotactlX, unix.SYS_QUOTACTL, v, c, special, id, at)
	}
	usr, grp := Names("USRQUOTA"), Names("GRPQUOTA")
	do(cmd(0x800002, user), "/dev/none", "/dev/none", 4, p.Str("/aquota.user"), V{
		"cmd": Names("Q_QUOTAON"), "type": usr, "quota_fmt": Names("QFMT_VFS_V1"), "quotafilepath": "/aquota.user",
	})
	do(cmd(0x800003, group), "/dev/none", "/dev/none", 4, 0, V{"cmd": Names("Q_QUOTAOFF"), "type": grp})
	do(cmd(0x800001, 77), nil, nil, 4, 0, V{"cmd": Names("Q_SYNC"), "type": 0})

	var dq []byte // struct if_dqblk: 1 to 8, then what of it is valid
	for i := range uint64(8) {
		dq = le.AppendUint64(dq, i+1)
	}
	set := func(valid uint32) uintptr { return p.Bytes(append(dq[:64:64], le.AppendUint64(nil, uint64(valid))...)) }
	do(cmd(0x800008, user), "/dev/none", "/dev/none", 1000, set(0x3f), V{
		"cmd": Names("Q_SETQUOTA"), "type": usr, "id": 1000, "dqb_bhardlimit": 1, "dqb_bsoftlimit": 2, "dqb_curspace": 3,
		"dqb_ihardlimit": 4, "dqb_isoftlimit": 5, "dqb_btime": 7, "dqb_itime": 8,
	})
	do(cmd(0x800007, user), "/dev/none", "/dev/none", 7, set(1|16), V{
		"cmd": Names("Q_GETQUOTA"), "type": usr, "id": 7, "dqb_bhardlimit": 1, "dqb_bsoftlimit": 2, "dqb_btime": 7,
	})
	info := le.AppendUint64(le.AppendUint64(nil, 11), 12) // struct if_dqinfo
	info = le.AppendUint32(le.AppendUint32(info, 1), 7)
	do(cmd(0x800006, group), "/dev/none", "/dev/none", 7, p.Bytes(info), V{
		"cmd": Names("Q_SETINFO"), "type": grp, "dqi_bgrace": 11, "dqi_igrace": 12, "dqi_flags": Names("V1_DQF_RSQUASH"),
	})
	do(cmd(0x800004, user), "/dev/none", "/dev/none", 0, p.Bytes([]byte{2, 0, 0, 0}), V{
		"cmd": Names("Q_GETFMT"), "type": usr, "quota_fmt_out": Names("QFMT_VFS_V0"),
	})
	do(cmd(0x5803, user), "/dev/none", "/dev/none", 9, 0, V{"cmd": Names("Q_XGETQUOTA"), "type": usr, "id": 9})
	do(cmd(0x123456, user), "/dev/none", "/dev/none", 9, 0, V{"cmd": 0, "type": usr})
}
