package ptrace

import (
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/procfs"
)

// What a tracee is asked for outside of ptrace itself (its memory at full speed,
// its links below /proc) the kernel grants to callers with the tracee's own ids
// or CAP_SYS_PTRACE (kernel/ptrace.c:__ptrace_may_access). Containers often lack
// that capability but can take on ids: an entrypoint that starts its server as
// another user is the usual case. Then an OS thread that takes on these ids asks
// in our place.

// A surrogate is that thread. Its ids are its own alone: the raw calls change one
// thread, where those of package syscall change all.
type surrogate struct {
	uid, gid uint32
	work     chan func() syscall.Errno
	done     chan syscall.Errno
}

// asking guards the one surrogate of this process.
var asking struct {
	sync.Mutex
	s *surrogate
}

// An access is how a process lets itself be looked at. The zero value, but for
// the process's id, is one that was not refused anything yet.
type access struct {
	pid     int
	refused bool // it wants its own ids of us, or a capability
	barred  int  // > 0: it refuses those as well, being undumpable; so many attempts are saved
}

// savedAttempts is how many attempts are saved before the steps that failed are tried
// again: a process may change its ids and its dumpability any time.
const savedAttempts = 64

// denied reports whether an error means that the caller's ids do not do.
func denied(e syscall.Errno) bool { return e == unix.EACCES || e == unix.EPERM }

// ask has f, which was denied, done by a thread with the process's ids.
func (a *access) ask(f func() syscall.Errno) syscall.Errno {
	if a.barred > 0 {
		if a.barred--; a.barred == 0 {
			a.refused = false
		}
		return unix.EPERM
	}
	e := unix.EPERM
	if uid, gid, ok := idsOf(a.pid); ok {
		e = askAs(uid, gid, f)
	}
	if denied(e) {
		a.barred = savedAttempts
	}
	return e
}

func askAs(uid, gid uint32, f func() syscall.Errno) syscall.Errno {
	asking.Lock()
	defer asking.Unlock()
	if s := asking.s; s != nil && (s.uid != uid || s.gid != gid) {
		close(s.work) // its thread ends with its goroutine
		asking.s = nil
	}
	if asking.s == nil {
		asking.s = newSurrogate(uid, gid)
	}
	if asking.s == nil {
		return unix.EPERM
	}
	asking.s.work <- f
	return <-asking.s.done
}

// newSurrogate starts a thread with the given ids, nil if we may not have them.
func newSurrogate(uid, gid uint32) *surrogate {
	s := &surrogate{uid, gid, make(chan func() syscall.Errno), make(chan syscall.Errno)}
	go s.run()
	if e := <-s.done; e != 0 {
		return nil
	}
	return s
}

// run serves. The goroutine never unlocks its thread, so the runtime ends the
// thread with it and no one else ever runs with these ids.
func (s *surrogate) run() {
	runtime.LockOSThread()
	e := takeIDs(s.uid, s.gid)
	s.done <- e
	if e != 0 {
		return
	}
	for f := range s.work {
		s.done <- f()
	}
}

// takeIDs gives the calling thread other ids, and keeps what capabilities it has:
// the kernel also wants those of the tracee (security/commoncap.c:
// cap_ptrace_access_check).
//
// Precondition: the OS thread must be locked.
func takeIDs(uid, gid uint32) syscall.Errno {
	dumpable, _, _ := unix.RawSyscall6(unix.SYS_PRCTL, unix.PR_GET_DUMPABLE, 0, 0, 0, 0, 0)
	unix.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_KEEPCAPS, 1, 0, 0, 0, 0)
	if _, _, e := unix.RawSyscall(unix.SYS_SETRESGID, uintptr(gid), uintptr(gid), uintptr(gid)); e != 0 {
		return e
	}
	if _, _, e := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(uid), uintptr(uid), uintptr(uid)); e != 0 {
		return e
	}
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if unix.Capget(&hdr, &sets[0]) == nil {
		for i := range sets {
			sets[i].Effective = sets[i].Permitted
		}
		hdr.Pid = 0
		_ = unix.Capset(&hdr, &sets[0]) // they are ours already; without them less is granted
	}
	// A change of ids makes the whole process undumpable (kernel/cred.c:
	// commit_creds), and with that its own files below /proc another's.
	unix.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, dumpable, 0, 0, 0, 0)
	return 0
}

// idsOf returns the ids of a process; ok is false unless its real, effective and
// saved ones agree, which the kernel wants.
func idsOf(pid int) (uid, gid uint32, ok bool) {
	var s procfs.Status
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil || procfs.ParseStatus(text, &s) != nil {
		return 0, 0, false
	}
	u, g := s.UID, s.GID
	return u[0], g[0], u[0] == u[1] && u[1] == u[2] && g[0] == g[1] && g[1] == g[2]
}
