package ptrace

import (
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/procfs"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// A thread is one tracee.
type thread struct {
	tid  int
	proc *process

	entered bool // between the entry and the exit stop of a call that we look at
	exiting bool // ask for the exit stop of the call under way
	entry   entry

	every    bool        // stop at every call: no filter of ours, or one of its own may hide calls from ours
	started  bool        // its first stop was seen and it was let go
	attached bool        // it ran before we came
	bound    bool        // it took our filter after we came, so it must end with us
	muted    bool        // no events: it is yet to become the command
	halted   unix.Signal // the group-stop it is in, 0 if none

	hidden   uint64  // flags of its clone call that we took out, see holdOnTo
	maker    *thread // that made it; nil if unknown
	children int     // processes made by it that live

	creds creds

	comm  [16]byte
	commN int // bytes of comm
}

// An entry is a call at its start.
type entry struct {
	sc     *spec.Syscall // nil for calls outside the contract
	nr     uint64        // number in the 64-bit table
	args   [6]uint64
	compat bool   // 32-bit longs and pointers
	ts     uint64 // ns since the epoch
	coarse uint64 // of calls that open files: the clock that file times are taken from, ns since the epoch
	clone  uint64 // in a new task: flags of the clone that made it; 0: not known
}

// A process is what threads of one group share. Facts are cached until the call
// that changes them; see forget*.
type process struct {
	pid     int
	threads int
	ran     bool // it runs a program of its own, not a copy of ours
	ownStop bool // the last SIGSTOP came from itself

	filtered bool // it was asked to take our filter
	dir      int  // descriptor of /proc/PID, -1 if it could not be opened
	statm    int  // descriptor of /proc/PID/statm, -1 if not open
	denied   access
	parent   int // pid

	execName []byte // of the last execve, with its NUL
	cgroups  []byte // nil: not read
	fdlimit  int64  // -1: not read
	nsInit   uint64
	apart    bool // may read where tasks may run, see place; or does what we do not see
	nested   bool // in a PID namespace below ours
	forks    bool // its children will be in another PID namespace than it
	spaced   bool // nested and forks are known
	login    uint32
	hasLog   bool

	files *files
}

// creds are a thread's credentials, as far as the contract shows them: each
// thread has its own, which it gives to what it makes. set*id calls invalidate
// them.
type creds struct {
	valid         bool
	euid, egid    uint32
	inh, prm, eff uint64
}

const maxArgs = 4096 // bytes of argv, and of the environment, in an event

// release gives back what the process holds open.
func (p *process) release() {
	if p.dir >= 0 {
		unix.Close(p.dir)
	}
	if p.statm >= 0 {
		unix.Close(p.statm)
	}
	p.dir, p.statm = -1, -1
}

// forgetProgram drops what execve changes.
func (p *process) forgetProgram() {
	p.denied = access{pid: p.pid}
	p.cgroups, p.hasLog = nil, false
	p.files = newFiles()
}

// newProcess makes a process; parent is nil if nothing can be inherited.
func newProcess(pid int, parent *process) *process {
	p := &process{pid: pid, dir: -1, statm: -1, fdlimit: -1, files: newFiles()}
	if parent != nil {
		p.parent = parent.pid
		p.cgroups, p.fdlimit, p.nsInit = parent.cgroups, parent.fdlimit, parent.nsInit
		p.login, p.hasLog = parent.login, parent.hasLog
		p.denied, p.apart = parent.denied, parent.apart
	}
	p.denied.pid = pid
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == nil {
		p.dir = fd
	}
	return p
}

// credentials returns those of a thread.
func (d *Driver) credentials(t *thread) *creds {
	if !t.creds.valid {
		t.creds = credsOf(d.taskStatus(t))
	}
	return &t.creds
}

func credsOf(s *procfs.Status) creds {
	return creds{s.Pid != 0, s.UID[1], s.GID[1], s.CapInh, s.CapPrm, s.CapEff}
}

// findSpaces finds out about the PID namespaces of a thread's process.
func (d *Driver) findSpaces(t *thread) {
	p := t.proc
	if p.spaced {
		return
	}
	s := d.taskStatus(t)
	p.nested = s.Pid != 0 && s.NSPid != 0 && s.NSPid != s.Pid
	p.forks = d.forksElsewhere(p)
	p.spaced = s.Pid != 0
}

// forksElsewhere reports whether children of a process get another PID namespace
// than its own: unshare(2) and setns(2) move the children only.
func (d *Driver) forksElsewhere(p *process) bool {
	var own, next unix.Statx_t
	if p.statLink(linkPIDNS, unix.STATX_INO, &own) != 0 || p.statLink(linkPIDNSNext, unix.STATX_INO, &next) != 0 {
		return false // the second link is empty until there is a first child
	}
	return own.Ino != next.Ino
}

// cgroupsOf returns the contract's form of a process's cgroups.
func (d *Driver) cgroupsOf(p *process) []byte {
	if p.cgroups == nil {
		var c procfs.Cgroup
		text := p.file(fileCgroup, d.buf[:])
		if procfs.ParseCgroup(text, &c) == nil && len(text) > 0 {
			d.controllers.Resolve(&c)
			p.cgroups = c.Append(nil)
		} else {
			p.cgroups = []byte{}
		}
		if len(p.cgroups) > maxArgs {
			p.cgroups = p.cgroups[:maxArgs]
			p.cgroups[maxArgs-1] = 0
		}
	}
	return p.cgroups
}

// loginUID returns the audit id of a process.
func (d *Driver) loginUID(p *process) uint32 {
	if !p.hasLog {
		p.login, p.hasLog = ^uint32(0), true
		if v, err := strconv.ParseUint(string(p.file(fileLoginUID, d.buf[:])), 10, 32); err == nil {
			p.login = uint32(v)
		}
	}
	return p.login
}

// openFiles returns the soft limit of open descriptors.
func (d *Driver) openFiles(p *process) int64 {
	if p.fdlimit < 0 {
		var lim unix.Rlimit
		e := readLimit(p.pid, &lim)
		if denied(e) {
			e = p.denied.ask(func() syscall.Errno { return readLimit(p.pid, &lim) })
		}
		if e != 0 {
			return 0
		}
		p.fdlimit = int64(lim.Cur)
	}
	return p.fdlimit
}

func readLimit(pid int, lim *unix.Rlimit) syscall.Errno {
	_, _, e := unix.RawSyscall6(unix.SYS_PRLIMIT64, uintptr(pid), unix.RLIMIT_NOFILE, 0, uintptr(unsafe.Pointer(lim)), 0, 0)
	return e
}

// vm holds a process's memory sizes in KiB.
type vm struct{ size, rss, swap uint32 }

// memorySizes reads the current sizes. Swap is looked up only on machines that
// have swap: it costs as much as all the rest.
func (d *Driver) memorySizes(t *thread) (v vm) {
	p := t.proc
	if p.statm < 0 && p.dir >= 0 {
		if fd, e := openat(p.dir, fileStatm, unix.O_RDONLY); e == 0 {
			p.statm = fd
		}
	}
	if p.statm >= 0 {
		var s procfs.Statm
		n, e := pread(p.statm, d.buf[:256], 0)
		if e == 0 && procfs.ParseStatm(d.buf[:n], &s) == nil {
			v.size, v.rss = uint32(s.Size*d.pageKiB), uint32(s.Resident*d.pageKiB)
		}
	}
	if d.hasSwap {
		v.swap = d.taskStatus(t).VMSwap
	}
	return v
}
