package ptrace

import (
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// socketcall is the i386 call that stands for all socket calls (socketcall(2)):
// the first argument selects one, the second points at its arguments.
const socketcall = 102

// socketcalls names the calls by their code, from 1 (linux/net.h: SYS_SOCKET...).
var socketcalls = []string{
	"socket", "bind", "connect", "listen", "accept", "getsockname", "getpeername", "socketpair", "send", "recv",
	"sendto", "recvfrom", "shutdown", "setsockopt", "getsockopt", "sendmsg", "recvmsg", "accept4", "recvmmsg", "sendmmsg",
}

// withSocketcall returns the calls of i386 with socketcall standing for one of
// those that are wanted, if any is: a filter must stop it to see which it is.
func withSocketcall(t *event.Syscalls, want *event.Set) *event.Syscalls {
	for _, name := range socketcalls {
		if s := spec.FindSyscall(name); s != nil && want.Has(s.SC) {
			with := *t
			with[socketcall] = s
			return &with
		}
	}
	return t
}

// decodeSocketcall replaces a socketcall by the call that it stands for. An
// unknown code is no call of the current edition, and a generic one of V036.
func (d *Driver) decodeSocketcall(t *thread) {
	e := &t.entry
	code := e.args[0]
	if d.in != spec.V036 {
		e.sc = nil
	}
	if code < 1 || code > uint64(len(socketcalls)) {
		return
	}
	m := memory{t.tid, &t.proc.denied}
	var b [24]byte
	m.read(e.args[1], b[:])
	for i := range e.args {
		e.args[i] = uint64(le.Uint32(b[4*i:]))
	}
	e.sc, e.compat = spec.FindSyscall(socketcalls[code-1]), true
	if e.sc != nil && e.sc.X86 >= 0 {
		e.nr = uint64(e.sc.X86)
	}
}
