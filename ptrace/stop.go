package ptrace

import (
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

const eventStop = 128 // PTRACE_EVENT_STOP, linux/ptrace.h

// handle does what one report of wait calls for.
func (d *Driver) handle(tid int, status unix.WaitStatus) {
	t := d.threads[tid]
	if t == nil {
		d.stranger(tid, status)
		return
	}
	if !status.Stopped() {
		if status.Exited() || status.Signaled() {
			d.died(t, status)
		}
		return
	}
	sig := status.StopSignal()
	switch cause := int(status) >> 16; {
	case sig == syscallStop:
		d.atSyscall(t)
	case cause == unix.PTRACE_EVENT_SECCOMP:
		d.atSeccomp(t)
	case cause == unix.PTRACE_EVENT_FORK || cause == unix.PTRACE_EVENT_VFORK || cause == unix.PTRACE_EVENT_CLONE:
		if child, e := eventMsg(tid); e == 0 {
			d.cloned(t, int(child))
		}
		d.resume(t, 0)
	case cause == unix.PTRACE_EVENT_EXEC:
		d.execed(t)
	case cause == eventStop:
		d.atEventStop(t, sig)
	default:
		d.atSignal(t, sig)
	}
}

// resume lets a thread run on, to the next stop that we want of it. A thread
// that was killed meanwhile reports that by itself.
func (d *Driver) resume(t *thread, sig unix.Signal) {
	op := unix.PTRACE_CONT
	if t.every || t.exiting {
		op = unix.PTRACE_SYSCALL
	}
	ptrace(op, t.tid, 0, uintptr(sig))
}

// stranger handles a report of a task that we do not know: a child that
// reported before its parent did, or, as PID 1, an orphan that we reaped.
func (d *Driver) stranger(tid int, status unix.WaitStatus) {
	if status.Stopped() {
		d.parked[tid] = status
		d.adopt()
		return
	}
	delete(d.parked, tid)
}

// adopt takes in parked tasks whose parent will not report them any more: no
// thread is left that is making one.
func (d *Driver) adopt() {
	if len(d.parked) == 0 {
		return
	}
	for _, t := range d.threads {
		if t.muted || t.entered && t.entry.sc != nil && isClone(d.calls[t.entry.sc.SC].exit) {
			return
		}
	}
	for tid, status := range d.parked {
		delete(d.parked, tid)
		t := &thread{tid: tid, every: true}
		pid := d.tgid(tid)
		if p := d.procs[pid]; p != nil {
			t.proc = p
		} else {
			t.proc = newProcess(pid, nil)
			d.procs[pid] = t.proc
		}
		t.proc.threads++
		d.threads[tid] = t
		d.handle(tid, status)
	}
}

func isClone(x event.Type) bool {
	return x == event.CloneX || x == event.Clone3X || x == event.ForkX || x == event.VforkX
}

// atSyscall handles a syscall-stop: an entry or an exit.
func (d *Driver) atSyscall(t *thread) {
	var info syscallInfo
	if !d.syscallInfo(t, &info) {
		d.resume(t, 0)
		return
	}
	switch info.op {
	case syscallInfoEntry:
		d.enter(t, &info)
	case syscallInfoExit:
		d.leave(t, int64(info.data[0]))
	}
	d.resume(t, 0)
}

// atSeccomp handles a stop by our filter: an entry, unless the thread stops at
// every call and the entry was seen already.
func (d *Driver) atSeccomp(t *thread) {
	if t.every && t.entered {
		d.resume(t, 0)
		return
	}
	var info syscallInfo
	if d.syscallInfo(t, &info) {
		d.enter(t, &info)
	}
	d.resume(t, 0)
}

// syscallInfo tells what a syscall-stop or seccomp-stop is. Where the kernel does
// not say (before 5.3, gVisor), registers hold the facts and stops alternate.
func (d *Driver) syscallInfo(t *thread, info *syscallInfo) bool {
	if !d.noInfo {
		switch e := getSyscallInfo(t.tid, info); e {
		case 0:
			if info.op == syscallInfoSeccomp {
				info.op = syscallInfoEntry
			}
			return info.op != syscallInfoNone
		case unix.ESRCH:
			return false
		}
		d.noInfo = true
	}
	var r regs
	if getRegs(t.tid, &r) != 0 {
		return false
	}
	if t.entered {
		info.op = syscallInfoExit
		info.data[0] = uint64(r.result())
		return true
	}
	info.op = syscallInfoEntry
	r.entry(info)
	return true
}

// lookup finds the contract's row of a call.
func (d *Driver) lookup(arch uint32, nr uint64, e *entry) {
	e.sc, e.nr, e.compat = nil, nr, false
	switch {
	case arch == nativeArch && (x32Bit == 0 || nr&x32Bit == 0):
		e.sc = d.tables.native.Lookup(nr)
	case arch == nativeArch:
		// Only calls with numbers of their own take structures of 32-bit words.
		nr &^= x32Bit
		e.sc, e.compat = d.tables.x32.Lookup(nr), nr >= spec.FirstX32
	case arch == compatArch && machine == spec.X86:
		e.sc, e.compat = d.tables.compat.Lookup(nr), true
		if e.sc != nil && e.sc.X86 >= 0 {
			e.nr = uint64(e.sc.X86)
		}
	}
}

// enter remembers a call and emits its enter event.
func (d *Driver) enter(t *thread, info *syscallInfo) {
	e := &t.entry
	d.lookup(info.arch, info.data[0], e)
	t.entered, t.exiting = true, false
	copy(e.args[:], info.data[1:7])
	e.ts, e.clone = d.now, 0
	if machine == spec.X86 && info.arch == compatArch && info.data[0] == socketcall {
		d.decodeSocketcall(t)
	}
	if e.sc == nil {
		return
	}
	ci := &d.calls[e.sc.SC]
	if t.muted {
		if ci.exit != event.ExecveX {
			return
		}
		d.unmute(t.proc)
	}
	if !ci.watch {
		return
	}
	t.exiting = !ci.noExit
	t.entered = t.every || t.exiting
	switch {
	case isClone(ci.exit):
		d.holdOnTo(t)
	case ci.exit == event.ExecveX || ci.exit == event.ExecveatX:
		d.keepExecName(t)
	}
	if ci.onEnter {
		c := d.at(t)
		c.entering = true
		c.emit(ci.enter, d.now, t.tid)
	}
}

// at prepares the scratch call for a stop of a thread.
func (d *Driver) at(t *thread) *call {
	c := &d.c
	c.t, c.entry, c.ret, c.entering = t, t.entry, 0, false
	c.mem = memory{t.tid, &t.proc.denied}
	c.known.vm, c.known.file = false, false
	c.flags = 0
	if c.entry.sc != nil {
		c.flags = d.calls[c.entry.sc.SC].flags
	}
	return c
}

// leave handles the end of a call.
func (d *Driver) leave(t *thread, ret int64) {
	t.entered = false
	wanted := t.exiting
	t.exiting = false
	if !wanted || t.entry.sc == nil || t.muted {
		return
	}
	ci := &d.calls[t.entry.sc.SC]
	if t.hidden != 0 {
		d.giveBack(t, t)
	}
	if ret == 0 && (ci.exit == event.ExecveX || ci.exit == event.ExecveatX) {
		return // told when the program was loaded
	}
	if ret < 0 && isExec(ci.exit) && t.proc.pid == d.root && !t.proc.ran {
		t.muted = true
		d.execErrno = syscall.Errno(-ret)
		unix.Kill(t.proc.pid, unix.SIGKILL)
		return
	}
	c := d.at(t)
	c.ret = ret
	if ret >= 0 {
		d.keepBooks(c, ci.exit)
	}
	c.emit(ci.exit, d.now, t.tid)
}

func isExec(x event.Type) bool { return x == event.ExecveX || x == event.ExecveatX }

// keepBooks updates what the driver caches after a call that succeeded.
func (d *Driver) keepBooks(c *call, x event.Type) {
	p := c.t.proc
	switch x {
	case event.CloseX, event.ConnectX, event.BindX, event.ShutdownX:
		p.files.drop(int32(c.args[0]))
	case event.Dup2X, event.Dup3X:
		p.files.drop(int32(c.args[1]))
	case event.CloseRangeX:
		p.files.dropRange(uint32(c.args[0]), uint32(c.args[1]))
	case event.SocketX, event.AcceptX, event.Accept4X, event.OpenX, event.OpenatX, event.DupX:
		p.files.drop(int32(c.ret))
	case event.SetuidX, event.SetgidX, event.SetreuidX, event.SetregidX, event.SetresuidX, event.SetresgidX,
		event.CapsetX:
		c.t.creds.valid = false
	case event.SetnsX:
		c.t.creds.valid, p.spaced = false, false
	case event.UnshareX:
		c.t.creds.valid, p.spaced = false, false
		p.files = newFiles() // CLONE_FILES takes a table of its own; a fresh cache is always right
	case event.SetrlimitX:
		if c.args[0] == unix.RLIMIT_NOFILE {
			d.forgetLimits()
		}
	case event.PrlimitX:
		if c.args[1] == unix.RLIMIT_NOFILE && c.args[2] != 0 {
			d.forgetLimits()
		}
	case event.IOUringSetupX:
		p.files = &files{opaque: true}
	case event.PrctlX:
		if c.args[0] == unix.PR_SET_SECCOMP {
			c.t.every = true
		}
	case event.SeccompX:
		d.ownFilter(c)
	}
}

// forgetLimits drops cached limits: prlimit changes those of any process.
func (d *Driver) forgetLimits() {
	for _, p := range d.procs {
		p.fdlimit = -1
	}
}

// ownFilter notes that a thread has a seccomp filter of its own. Where that
// answers with an error, a trap or a notification, ours is not heard
// (seccomp(2), precedence of actions), so from now on every call stops.
func (d *Driver) ownFilter(c *call) {
	const setModeFilter, tsync = 1, 1 // SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC
	if c.args[0] > setModeFilter {
		return
	}
	c.t.every = true
	if c.args[1]&tsync != 0 {
		for _, t := range d.threads {
			if t.proc == c.t.proc {
				t.every = true
			}
		}
	}
}

// atEventStop handles a PTRACE_EVENT_STOP: a group-stop, the first stop of a new
// tracee, the end of a group-stop, or what PTRACE_INTERRUPT asked for.
func (d *Driver) atEventStop(t *thread, sig unix.Signal) {
	if slices.Contains(stopSignals, sig) {
		ptrace(unix.PTRACE_LISTEN, t.tid, 0, 0)
		t.halted = sig
		d.mirrorStop(t, sig)
		return
	}
	t.halted = 0
	if !t.started {
		t.started = true
		d.firstStop(t)
	}
	d.resume(t, 0)
}

var stopSignals = []unix.Signal{unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU}

// atSignal handles a signal about to be delivered.
func (d *Driver) atSignal(t *thread, sig unix.Signal) {
	if t.proc.pid == d.root && int(sig) < len(d.struck) {
		d.struck[sig].Store(int64(d.now))
		if sig == unix.SIGSTOP {
			t.proc.ownStop = getSigInfo(t.tid, &d.c.info) == 0 && int(d.c.info.pid) == d.root
		}
	}
	if ci := &d.calls[event.SCSignalDeliver]; ci.watch && !t.muted {
		c := d.at(t)
		c.entry, c.flags = entry{}, ci.flags
		if getSigInfo(t.tid, &c.info) == 0 && !d.ignored(t, sig) {
			c.emit(event.SignalDeliverE, d.now, t.tid)
		}
	}
	d.resume(t, sig)
}

// ignored reports whether a thread ignores a signal. A tracer is shown such
// signals (kernel/signal.c:sig_ignored), an untraced task never gets them.
func (d *Driver) ignored(t *thread, sig unix.Signal) bool {
	s := d.taskStatus(t)
	bit := uint64(1) << (sig - 1)
	if s.SigIgn&bit != 0 {
		return true
	}
	switch sig {
	case unix.SIGCHLD, unix.SIGURG, unix.SIGWINCH, unix.SIGCONT:
		return s.SigCgt&bit == 0
	}
	return false
}
