package output

import (
	"strconv"

	"github.com/lannerhq/lanner/internal/state"
)

// ofThread makes a field of the event's thread.
func ofThread(name, help string, get func(*state.Thread, []byte) ([]byte, bool)) Field {
	return text(name, help, func(r *renderer, dst []byte) ([]byte, bool) {
		if r.thread == nil {
			return dst, false
		}
		return get(r.thread, dst)
	})
}

// numberOf makes a field that is a number of the event's thread; unknown ids
// are -1.
func numberOf(name, help string, get func(*state.Thread) int64) Field {
	return number(name, help, func(r *renderer) (int64, bool) {
		if r.thread == nil {
			return 0, false
		}
		return get(r.thread), true
	})
}

func clean(dst []byte, s string) ([]byte, bool) { return appendClean(dst, s), true }

// appendArgs appends arguments with spaces between them.
func appendArgs(dst []byte, args []string) []byte {
	for i, a := range args {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = appendClean(dst, a)
	}
	return dst
}

func cmdline(dst []byte, first string, p *state.Process) ([]byte, bool) {
	dst = appendClean(dst, first)
	if len(p.Args) > 0 {
		dst = appendArgs(append(dst, ' '), p.Args)
	}
	return dst, true
}

// ancestor returns the process n generations above.
func ancestor(t *state.Thread, n int) *state.Process {
	p := t.Proc
	for ; n > 0 && p != nil; n-- {
		p = p.Parent()
	}
	return p
}

// maxGenerations bounds the way to an ancestor: a damaged capture may have
// processes that descend from themselves.
const maxGenerations = 1 << 10

func generation(r *renderer, arg string) *state.Process {
	n, err := strconv.Atoi(arg)
	if err != nil || n < 0 || n > maxGenerations || r.thread == nil {
		return nil
	}
	return ancestor(r.thread, n)
}

var processFields = []Field{
	numberOf("proc.pid", "process id", func(t *state.Thread) int64 { return t.Proc.PID }),
	ofThread("proc.name", "name of the thread's program, without the path",
		func(t *state.Thread, dst []byte) ([]byte, bool) { return clean(dst, t.Comm) }),
	ofThread("proc.exe", "first argument of the command line",
		func(t *state.Thread, dst []byte) ([]byte, bool) { return clean(dst, t.Proc.Exe) }),
	ofThread("proc.exepath", "path of the executable file",
		func(t *state.Thread, dst []byte) ([]byte, bool) { return clean(dst, t.Proc.ExePath) }),
	ofThread("proc.args", "arguments behind the first",
		func(t *state.Thread, dst []byte) ([]byte, bool) { return appendArgs(dst, t.Proc.Args), true }),
	ofThread("proc.env", "environment",
		func(t *state.Thread, dst []byte) ([]byte, bool) { return appendArgs(dst, t.Proc.Env), true }),
	ofThread("proc.cmdline", "proc.name and proc.args",
		func(t *state.Thread, dst []byte) ([]byte, bool) { return cmdline(dst, t.Comm, t.Proc) }),
	ofThread("proc.exeline", "proc.exe and proc.args",
		func(t *state.Thread, dst []byte) ([]byte, bool) { return cmdline(dst, t.Proc.Exe, t.Proc) }),
	ofThread("proc.cwd", "working directory",
		func(t *state.Thread, dst []byte) ([]byte, bool) { return clean(dst, t.CWD()) }),
	ofThread("proc.root", "root directory",
		func(t *state.Thread, dst []byte) ([]byte, bool) { return clean(dst, t.Root()) }),
	numberOf("proc.nthreads", "threads of the process", func(t *state.Thread) int64 { return int64(t.Proc.Threads()) }),
	numberOf("proc.ppid", "process id of the parent", func(t *state.Thread) int64 { return t.Proc.PPID }),
	ofThread("proc.pname", "name of the parent",
		func(t *state.Thread, dst []byte) ([]byte, bool) {
			p := t.Proc.Parent()
			if p == nil {
				return dst, false
			}
			return clean(dst, p.Name())
		}),
	ofThread("proc.pcmdline", "name and arguments of the parent",
		func(t *state.Thread, dst []byte) ([]byte, bool) {
			p := t.Proc.Parent()
			if p == nil {
				return dst, false
			}
			return cmdline(dst, p.Name(), p)
		}),
	{Name: "proc.apid", Type: "integer", Arg: true, Example: "proc.apid[2]",
		Help: "process id of an ancestor; 1 is the parent",
		get: func(r *renderer, dst []byte, arg string) ([]byte, bool) {
			if p := generation(r, arg); p != nil {
				return strconv.AppendInt(dst, p.PID, 10), true
			}
			return dst, false
		}},
	{Name: "proc.aname", Type: "string", Arg: true, Example: "proc.aname[2]",
		Help: "name of an ancestor; 1 is the parent",
		get: func(r *renderer, dst []byte, arg string) ([]byte, bool) {
			if p := generation(r, arg); p != nil {
				return clean(dst, p.Name())
			}
			return dst, false
		}},
	numberOf("proc.sid", "session id", func(t *state.Thread) int64 { return t.Proc.SID }),
	numberOf("proc.pgid", "process group id", func(t *state.Thread) int64 { return t.Proc.PGID }),
	numberOf("proc.vpid", "process id in its own namespace", func(t *state.Thread) int64 { return t.Proc.VPID }),
	numberOf("proc.vpgid", "process group id in its own namespace", func(t *state.Thread) int64 { return t.Proc.VPGID }),
	numberOf("proc.tty", "device number of the terminal, 0 for none", func(t *state.Thread) int64 { return int64(t.Proc.TTY) }),
	number("proc.duration", "ns since the process was made",
		func(r *renderer) (int64, bool) {
			if r.thread == nil || r.thread.Proc.Start == 0 {
				return 0, false
			}
			return int64(r.ts - r.thread.Proc.Start), true
		}),
	numberOf("proc.fdopencount", "open descriptors", func(t *state.Thread) int64 { return int64(t.NumFDs()) }),
	numberOf("proc.fdlimit", "most descriptors that may be open", func(t *state.Thread) int64 { return t.Proc.FDLimit }),
	numberOf("proc.vmsize", "address space, KiB", func(t *state.Thread) int64 { return int64(t.VMSize) }),
	numberOf("proc.vmrss", "memory in use, KiB", func(t *state.Thread) int64 { return int64(t.VMRSS) }),
	numberOf("proc.vmswap", "memory swapped out, KiB", func(t *state.Thread) int64 { return int64(t.VMSwap) }),
	numberOf("thread.pfmajor", "major page faults", func(t *state.Thread) int64 { return int64(t.MajFault) }),
	numberOf("thread.pfminor", "minor page faults", func(t *state.Thread) int64 { return int64(t.MinFault) }),
	number("thread.tid", "thread id", func(r *renderer) (int64, bool) { return r.ev.TID(), true }),
	numberOf("thread.vtid", "thread id in its own namespace", func(t *state.Thread) int64 { return t.VTID }),
	boolean("thread.ismain", "whether the thread is the first of its process",
		func(r *renderer) bool { return r.thread != nil && r.thread.TID == r.thread.Proc.PID }),
	ofThread("thread.cap_inheritable", "inheritable capabilities, hexadecimal",
		func(t *state.Thread, dst []byte) ([]byte, bool) { return appendHex(dst, t.CapInh), true }),
	ofThread("thread.cap_permitted", "permitted capabilities, hexadecimal",
		func(t *state.Thread, dst []byte) ([]byte, bool) { return appendHex(dst, t.CapPrm), true }),
	ofThread("thread.cap_effective", "effective capabilities, hexadecimal",
		func(t *state.Thread, dst []byte) ([]byte, bool) { return appendHex(dst, t.CapEff), true }),
}

// userName appends the name of a user of the event's thread.
func userName(r *renderer, dst []byte, id func(*state.Thread) uint32) ([]byte, bool) {
	if r.thread == nil {
		return dst, false
	}
	name, ok := r.st.UserName(id(r.thread))
	return appendClean(dst, name), ok
}

func uid(t *state.Thread) uint32      { return t.UID }
func loginUID(t *state.Thread) uint32 { return t.LoginUID }

var userFields = []Field{
	numberOf("user.uid", "effective user id, 4294967295 if unknown", func(t *state.Thread) int64 { return int64(t.UID) }),
	text("user.name", "name of the user", func(r *renderer, dst []byte) ([]byte, bool) { return userName(r, dst, uid) }),
	text("user.homedir", "home directory of the user", func(r *renderer, dst []byte) ([]byte, bool) {
		if r.thread == nil {
			return dst, false
		}
		u, ok := r.st.User(r.thread.UID)
		return appendClean(dst, u.Home), ok
	}),
	text("user.shell", "shell of the user", func(r *renderer, dst []byte) ([]byte, bool) {
		if r.thread == nil {
			return dst, false
		}
		u, ok := r.st.User(r.thread.UID)
		return appendClean(dst, u.Shell), ok
	}),
	numberOf("user.loginuid", "user id at login, -1 for none", func(t *state.Thread) int64 { return int64(int32(t.LoginUID)) }),
	text("user.loginname", "name of the user at login",
		func(r *renderer, dst []byte) ([]byte, bool) { return userName(r, dst, loginUID) }),
	numberOf("group.gid", "effective group id, 4294967295 if unknown", func(t *state.Thread) int64 { return int64(t.GID) }),
	text("group.name", "name of the group", func(r *renderer, dst []byte) ([]byte, bool) {
		if r.thread == nil {
			return dst, false
		}
		name, ok := r.st.GroupName(r.thread.GID)
		return appendClean(dst, name), ok
	}),
}
