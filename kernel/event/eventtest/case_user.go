package eventtest

import (
	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
)

var userCases = []Case{
	{Name: "ids", Does: "user and group ids, capabilities, limits", Run: idsCase, Root: true},
	{Name: "ids/nobody", Does: "ids of a process that gave up its rights", Run: nobodyCase, Root: true},
	{Name: "process", Does: "groups, sessions, signals, prctl, namespaces", Run: processCase},
	{Name: "ptrace", Does: "ptrace requests of a traced process", Run: ptraceCase},
	{Name: "limits", Does: "getrlimit, setrlimit, prlimit", Run: limitsCase},
}

func idsCase(p *Prog) {
	get := func(t event.Type, nr uintptr, name string, want int) {
		p.Do(t, nr, V{name: want})
	}
	get(event.GetuidX, unix.SYS_GETUID, "uid", 0)
	get(event.GeteuidX, unix.SYS_GETEUID, "euid", 0)
	get(event.GetgidX, unix.SYS_GETGID, "gid", 0)
	get(event.GetegidX, unix.SYS_GETEGID, "egid", 0)

	p.Must(p.Do(event.SetresgidX, unix.SYS_SETRESGID, V{"rgid": 11, "egid": ^uint32(0), "sgid": 13}, 11, -1, 13))
	p.Must(p.Do(event.SetresuidX, unix.SYS_SETRESUID, V{"ruid": 21, "euid": 0, "suid": 23}, 21, 0, 23))
	a, b, c := p.Buf(4), p.Buf(4), p.Buf(4)
	p.Must(p.Do(event.GetresuidX, unix.SYS_GETRESUID, V{"ruid": 21, "euid": 0, "suid": 23}, a, b, c))
	p.Must(p.Do(event.GetresgidX, unix.SYS_GETRESGID, V{"rgid": 11, "egid": 0, "sgid": 13}, a, b, c))
	for _, bad := range []uintptr{0, p.Bad()} {
		r := p.Call(unix.SYS_GETRESUID, a, bad, c)
		p.Fails(r, unix.EFAULT)
		p.State(S{Event: event.GetresuidX, V: V{"res": r, "ruid": Any, "euid": 0, "suid": Any}, Drops: true})
		r = p.Call(unix.SYS_GETRESGID, a, b, bad)
		p.Fails(r, unix.EFAULT)
		p.State(S{Event: event.GetresgidX, V: V{"res": r, "rgid": Any, "egid": Any, "sgid": 0}, Drops: true})
	}
	p.Must(p.Do(event.SetreuidX, unix.SYS_SETREUID, V{"ruid": 0, "euid": ^uint32(0)}, 0, -1))
	p.Must(p.Do(event.SetregidX, unix.SYS_SETREGID, V{"rgid": 5, "egid": 0}, 5, 0))
	p.Must(p.Do(event.SetgidX, unix.SYS_SETGID, V{"gid": 0}, 0))
	p.Must(p.Do(event.SetuidX, unix.SYS_SETUID, V{"uid": 0}, 0))
	p.Fails(p.Do(event.SetuidX, unix.SYS_SETUID, V{"uid": ^uint32(0)}, -1), unix.EINVAL)
	p.Generic("setgroups", 0, nil)
	p.Generic("setfsuid", 0)
	p.Generic("getgroups", 0, nil)
}

// caps are the three sets of the calling thread.
func (p *Prog) caps() V {
	hdr := p.Bytes(le.AppendUint32(nil, unix.LINUX_CAPABILITY_VERSION_3))
	data := p.Buf(24) // effective, permitted, inheritable; low words, then high words
	p.Call(unix.SYS_CAPGET, hdr, data)
	set := func(i uintptr) uint64 { return uint64(p.U32(data+4*i)) | uint64(p.U32(data+12+4*i))<<32 }
	return V{"cap_effective": set(0), "cap_permitted": set(1), "cap_inheritable": set(2)}
}

func nobodyCase(p *Prog) {
	capset := func(eff, prm, inh uint32) int64 {
		data := make([]byte, 24)
		le.PutUint32(data, eff)
		le.PutUint32(data[4:], prm)
		le.PutUint32(data[8:], inh)
		hdr := append(le.AppendUint32(nil, unix.LINUX_CAPABILITY_VERSION_3), 0, 0, 0, 0)
		r := p.Call(unix.SYS_CAPSET, hdr, data)
		v := p.caps()
		v["res"] = r
		p.State(S{Event: event.CapsetX, V: v})
		return r
	}
	const setuid, setgid, chown = 1 << unix.CAP_SETUID, 1 << unix.CAP_SETGID, 1 << unix.CAP_CHOWN
	p.Must(capset(setuid|setgid, setuid|setgid|chown, chown))
	p.Must(capset(setuid|setgid, setuid|setgid, 0))
	p.Fails(capset(chown, chown, 0), unix.EPERM)
	p.Fails(p.Do(event.CapsetX, unix.SYS_CAPSET, withCaps(p, V{}), nil, nil), unix.EFAULT)
	p.Must(p.Do(event.SetgidX, unix.SYS_SETGID, V{"gid": 65534}, 65534))
	p.Must(p.Do(event.SetuidX, unix.SYS_SETUID, V{"uid": 65534}, 65534))
	// Without its capabilities, but still readable.
	p.Fails(capset(1, 1, 0), unix.EPERM)
	p.Fails(p.Do(event.SetuidX, unix.SYS_SETUID, V{"uid": 0}, 0), unix.EPERM)
	p.Do(event.GetuidX, unix.SYS_GETUID, V{"uid": 65534})
	p.Fails(p.Do(event.ChdirX, unix.SYS_CHDIR, V{"path": "/none"}, "/none"), unix.ENOENT)
}

func withCaps(p *Prog, v V) V {
	for name, x := range p.caps() {
		v[name] = x
	}
	return v
}

func processCase(p *Prog) {
	p.Do(event.SetpgidX, unix.SYS_SETPGID, V{"pid": 0, "pgid": 0}, 0, 0)
	p.Fails(p.Do(event.SetpgidX, unix.SYS_SETPGID, V{"pid": 1, "pgid": -5}, 1, -5), unix.EINVAL)
	p.Fails(p.Do(event.SetsidX, unix.SYS_SETSID, V{}), unix.EPERM) // it leads its group

	p.Must(p.Do(event.KillX, unix.SYS_KILL, V{"pid": p.PID, "sig": 0}, p.PID, 0))
	p.Fails(p.Do(event.KillX, unix.SYS_KILL, V{"pid": -99999999, "sig": 9}, -99999999, 9), unix.ESRCH)
	p.Fails(p.Do(event.KillX, unix.SYS_KILL, V{"pid": p.PID, "sig": 300 & 0xff}, p.PID, 300), unix.EINVAL)
	p.Must(p.Do(event.TkillX, unix.SYS_TKILL, V{"tid": p.PID, "sig": 0}, p.PID, 0))
	p.Fails(p.Do(event.TkillX, unix.SYS_TKILL, V{"tid": 0, "sig": 1}, 0, 1), unix.EINVAL)
	p.Must(p.Do(event.TgkillX, unix.SYS_TGKILL, V{"pid": p.PID, "tid": p.PID, "sig": 0}, p.PID, p.PID, 0))
	p.Fails(p.Do(event.TgkillX, unix.SYS_TGKILL, V{"pid": -1, "tid": -1, "sig": 64}, -1, -1, 64), unix.EINVAL)

	prctl := func(option int, arg2 any, str any, num int64) int64 {
		return p.Do(event.PrctlX, unix.SYS_PRCTL, V{"option": option, "arg2_str": str, "arg2_int": num}, option, arg2, 0, 0, 0)
	}
	p.Must(prctl(unix.PR_SET_NAME, "a name that is too long", "a name that is too long", 0))
	name := p.Buf(16)
	p.Must(prctl(unix.PR_GET_NAME, name, "a name that is ", 0))
	p.Fails(prctl(unix.PR_SET_NAME, nil, nil, 0), unix.EFAULT)
	p.Must(prctl(unix.PR_SET_CHILD_SUBREAPER, 1, nil, 1))
	val := p.Buf(8)
	p.Must(prctl(unix.PR_GET_CHILD_SUBREAPER, val, nil, 1))
	p.Fails(prctl(unix.PR_GET_CHILD_SUBREAPER, nil, nil, 0), unix.EFAULT)
	p.Must(prctl(unix.PR_SET_CHILD_SUBREAPER, 0, nil, 0))
	p.Must(prctl(unix.PR_GET_DUMPABLE, -1, nil, -1))
	p.Must(prctl(unix.PR_SET_KEEPCAPS, 1, nil, 1))
	p.Fails(prctl(12345, uint64(1<<63), nil, -1<<63), unix.EINVAL)

	unshare := func(flags int, names any) int64 {
		return p.Do(event.UnshareX, unix.SYS_UNSHARE, V{"flags": names}, flags)
	}
	p.Must(unshare(unix.CLONE_FILES|unix.CLONE_FS, Names("CLONE_FILES|CLONE_FS")))
	p.Fails(unshare(1, 0), unix.EINVAL)
	p.Fails(p.Do(event.SetnsX, unix.SYS_SETNS, V{"fd": -1, "nstype": Names("CLONE_NEWNET")}, -1, unix.CLONE_NEWNET), unix.EBADF)
	var ns int64
	p.quiet(func() { ns = p.Must(p.Call(unix.SYS_OPENAT, atCWD, "/proc/self/ns/uts", unix.O_RDONLY, 0)) })
	if unix.Geteuid() == 0 {
		p.Must(p.Do(event.SetnsX, unix.SYS_SETNS, V{"fd": ns, "nstype": Names("CLONE_NEWUTS")}, ns, unix.CLONE_NEWUTS))
		p.Must(p.Do(event.SetnsX, unix.SYS_SETNS, V{"fd": ns, "nstype": 0}, ns, 0))
	}
	p.Fails(p.Do(event.SetnsX, unix.SYS_SETNS, V{"fd": 1 << 20, "nstype": 0}, 5<<32|1<<20, 0), unix.EBADF)
	p.Do(event.SeccompX, unix.SYS_SECCOMP, V{"op": 2, "flags": 0}, 2, 0, p.Bytes([]byte{0, 0, 0xff, 0x7f}))
	p.Fails(p.Do(event.SeccompX, unix.SYS_SECCOMP, V{"op": 99, "flags": 5}, 99, 5, 0), unix.EINVAL)

	for _, name := range []string{"getpid", "gettid", "getppid", "getpgid", "sched_getaffinity", "getpriority",
		"rt_sigprocmask", "times", "getrusage", "uname", "capget", "membarrier", "rseq"} {
		p.Generic(name, 0, 0, 0)
	}
}

func ptraceCase(p *Prog) {
	do := func(request int, name any, pid int64, addr, data uintptr, a, d any) int64 {
		return p.Do(event.PtraceX, unix.SYS_PTRACE, V{"addr": a, "data": d, "request": name, "pid": s32(pid)},
			request, pid, addr, data)
	}
	zero := Dyn(0, 0)
	// Who traces it already is the driver, if it is one that traces: TRACEME fails
	// then, and else works.
	r := p.Call(unix.SYS_PTRACE, unix.PTRACE_TRACEME, 7, 0x55, 0x66)
	v := V{"res": r, "addr": zero, "data": zero, "request": Names("PTRACE_TRACEME"), "pid": 7}
	if r >= 0 {
		v["addr"], v["data"] = Dyn(0, 0x55), Dyn(0, 0x66)
	}
	p.State(S{Event: event.PtraceX, V: v})
	p.Fails(do(unix.PTRACE_PEEKDATA, Names("PTRACE_PEEKDATA"), 1<<22+1, 1, 2, zero, zero), unix.ESRCH)
	p.Fails(do(unix.PTRACE_CONT, Names("PTRACE_CONT"), 1<<22+1, 1, 9, zero, zero), unix.ESRCH)
	p.Fails(do(unix.PTRACE_ATTACH, Names("PTRACE_ATTACH"), p.PID, 1, 2, zero, zero), unix.EPERM)
	p.Fails(do(unix.PTRACE_SEIZE, Any, -1, 1, 2, zero, zero), unix.ESRCH)
	p.Fails(do(99999, 0, 1<<22+1, 1, 2, zero, zero), unix.ESRCH)
}

func limitsCase(p *Prog) {
	get := func(resource int, name any, addr uintptr, cur, max any) int64 {
		return p.Do(event.GetrlimitX, unix.SYS_GETRLIMIT, V{"cur": cur, "max": max, "resource": name}, resource, addr)
	}
	set := func(resource int, name any, addr uintptr, cur, max any) int64 {
		return p.Do(event.SetrlimitX, unix.SYS_SETRLIMIT, V{"cur": cur, "max": max, "resource": name}, resource, addr)
	}
	buf := p.Buf(16)
	limit := p.Words(1000, 2000)
	p.Must(set(unix.RLIMIT_FSIZE, Names("RLIMIT_FSIZE"), p.Words(^uintptr(0), ^uintptr(0)), -1, -1))
	p.Must(set(unix.RLIMIT_NOFILE, Names("RLIMIT_NOFILE"), limit, 1000, 2000))
	p.Must(get(unix.RLIMIT_NOFILE, Names("RLIMIT_NOFILE"), buf, 1000, 2000))
	p.Must(get(unix.RLIMIT_FSIZE, Names("RLIMIT_FSIZE"), buf, -1, -1))
	p.Fails(get(99, Names("RLIMIT_UNKNOWN"), buf, -1, -1), unix.EINVAL)
	p.Fails(get(unix.RLIMIT_AS, Names("RLIMIT_AS"), p.Bad(), -1, -1), unix.EFAULT)
	p.Fails(set(unix.RLIMIT_CPU, Names("RLIMIT_CPU"), p.Words(5, 4), 5, 4), unix.EINVAL)
	for _, bad := range []uintptr{0, p.Bad()} {
		r := p.Call(unix.SYS_SETRLIMIT, unix.RLIMIT_CPU, bad)
		p.Fails(r, unix.EFAULT)
		p.State(S{Event: event.SetrlimitX, V: V{"res": r, "cur": 0, "max": 0, "resource": Names("RLIMIT_CPU")}, Drops: true})
	}

	prlimit := func(pid int64, resource int, name any, next, old uintptr, v [4]any) int64 {
		return p.Do(event.PrlimitX, unix.SYS_PRLIMIT64, V{
			"newcur": v[0], "newmax": v[1], "oldcur": v[2], "oldmax": v[3], "pid": pid, "resource": name,
		}, pid, resource, next, old)
	}
	nofile := Names("RLIMIT_NOFILE")
	p.Must(prlimit(0, unix.RLIMIT_NOFILE, nofile, p.Words(900, 1900), buf, [4]any{900, 1900, 1000, 2000}))
	p.Must(prlimit(p.PID, unix.RLIMIT_NOFILE, nofile, 0, buf, [4]any{0, 0, 900, 1900}))
	p.Must(prlimit(0, unix.RLIMIT_NOFILE, nofile, p.Words(800, 1900), 0, [4]any{800, 1900, 0, 0}))
	failed := [4]any{7, 6, -1, -1}
	if p.old() {
		failed = [4]any{-1, -1, -1, -1}
	}
	p.Fails(prlimit(0, unix.RLIMIT_NOFILE, nofile, p.Words(7, 6), buf, failed), unix.EINVAL)
	if failed = [4]any{0, 0, -1, -1}; p.old() {
		failed = [4]any{-1, -1, -1, -1}
	}
	p.Fails(prlimit(-5, 99, Names("RLIMIT_UNKNOWN"), 0, buf, failed), unix.ESRCH)
}
