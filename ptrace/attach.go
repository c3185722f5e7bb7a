package ptrace

import (
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/procfs"
)

// Attach makes all threads of a process tracees, without stopping it for longer
// than it takes. Descendants made from now on are followed.
func (d *Driver) Attach(pid int) error {
	d.quietSignals()
	dir := "/proc/" + strconv.Itoa(pid) + "/task"
	found := false
	for again := true; again; {
		// Threads made while we look are listed the next time, or made by one
		// that we have and so ours already.
		again = false
		names, err := os.ReadDir(dir)
		if err != nil && !found {
			return fmt.Errorf("no process with PID %d", pid)
		}
		for _, n := range names {
			tid, err := strconv.Atoi(n.Name())
			if err != nil || d.threads[tid] != nil {
				continue
			}
			switch e := seize(tid, seizeOptions); e {
			case 0:
			case unix.ESRCH:
				continue
			default:
				if found && d.tracedByUs(tid) {
					continue
				}
				return explainSeize(tid, e)
			}
			p := d.procs[pid]
			if p == nil {
				p = newProcess(pid, nil)
				p.ran = true
				d.procs[pid] = p
				d.fillOrigin(p)
			}
			p.threads++
			d.threads[tid] = &thread{tid: tid, proc: p, every: true, attached: true}
			interrupt(tid)
			found, again = true, true
		}
	}
	if !found {
		return fmt.Errorf("process %d ended", pid)
	}
	return nil
}

// tracedByUs reports whether a thread is our tracee already.
func (d *Driver) tracedByUs(tid int) bool {
	return procfs.StatusOf(tid).TracerPid == d.self
}

// explainSeize says why a process may not be traced and what to do about it.
// The kernel answers EPERM to all of it (ptrace(2), "Ptrace access mode
// checking").
func explainSeize(tid int, e syscall.Errno) error {
	what := fmt.Sprintf("cannot trace process %d", tid)
	if e != unix.EPERM {
		return fmt.Errorf("%s: %w", what, e)
	}
	self := os.Getpid()
	its, ours := procfs.StatusOf(tid), procfs.OwnStatus()
	if its.TracerPid != 0 {
		return fmt.Errorf("%s: process %d traces it already", what, its.TracerPid)
	}
	if tid == self || its.Tgid == self {
		return fmt.Errorf("%s: it is trace itself", what)
	}
	if its.Kthread || tid == 2 {
		return fmt.Errorf("%s: it is a thread of the kernel", what)
	}
	hasPtrace := ours.Capable(unix.CAP_SYS_PTRACE)
	if why := yamaRefuses(hasPtrace); why != "" {
		return fmt.Errorf("%s: %s", what, why)
	}
	if scope, ok := procfs.Sysctl("/proc", yamaScope); ok && scope == 1 && !hasPtrace {
		return fmt.Errorf("%s: Yama lets only ancestors trace (kernel.yama.ptrace_scope is 1): start the program under trace, run trace with CAP_SYS_PTRACE, or set ptrace_scope to 0", what)
	}
	if !hasPtrace {
		if its.UID[1] != ours.UID[1] {
			return fmt.Errorf("%s: it runs as user %d and trace lacks CAP_SYS_PTRACE", what, its.UID[1])
		}
		if more := its.CapPrm &^ ours.CapEff; more != 0 {
			return fmt.Errorf("%s: it has capabilities that trace lacks (mask %x): run trace with CAP_SYS_PTRACE", what, more)
		}
		return fmt.Errorf("%s: it is not dumpable (a setuid program, or prctl PR_SET_DUMPABLE) and trace lacks CAP_SYS_PTRACE", what)
	}
	if ours.Seccomp == procfs.SeccompFilter {
		return fmt.Errorf("%s: a seccomp filter over trace (a container's profile?) refuses ptrace", what)
	}
	return fmt.Errorf("%s: refused in spite of CAP_SYS_PTRACE: a security module (AppArmor, SELinux), or a user namespace above ours", what)
}

// yamaScope is the setting of Yama (Documentation/admin-guide/LSM/Yama.rst).
const yamaScope = "kernel.yama.ptrace_scope"

// yamaRefuses says why Yama lets us trace nothing, not even a child of ours; empty
// if it does.
func yamaRefuses(hasPtrace bool) string {
	switch scope, ok := procfs.Sysctl("/proc", yamaScope); {
	case ok && scope == 3:
		return "Yama forbids tracing until the next boot (kernel.yama.ptrace_scope is 3)"
	case ok && scope == 2 && !hasPtrace:
		return "Yama wants CAP_SYS_PTRACE (kernel.yama.ptrace_scope is 2): run trace as root"
	}
	return ""
}

// explainStart says why a command can't be traced from its start.
func explainStart(path string, err error) error {
	if err != unix.EPERM && err != unix.ENOSYS && err != unix.EACCES {
		return fmt.Errorf("start a process for %s: %w", path, err)
	}
	ours := procfs.OwnStatus()
	if ours.TracerPid != 0 {
		return fmt.Errorf("cannot trace %s: process %d traces it already, as it traces trace", path, ours.TracerPid)
	}
	if why := yamaRefuses(ours.Capable(unix.CAP_SYS_PTRACE)); why != "" {
		return fmt.Errorf("cannot trace %s: %s", path, why)
	}
	if ours.Seccomp == procfs.SeccompFilter {
		return fmt.Errorf("cannot trace %s: a seccomp filter over trace refuses ptrace (a container's profile that does not allow it)", path)
	}
	return fmt.Errorf("cannot trace %s: ptrace is refused: %w", path, err)
}
