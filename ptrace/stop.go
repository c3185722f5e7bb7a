package ptrace

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
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
	d.spinner.place.resuming(t.tid, d.joins(t))
	ptrace(op, t.tid, 0, uintptr(sig))
}

// joins reports whether a thread can't see, until it stops again, what place does.
func (d *Driver) joins(t *thread) bool {
	if t.proc.apart {
		return false
	}
	return !t.entered || t.entry.sc != nil && !d.calls[t.entry.sc.SC].showsPlace
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
	// stat knows the first 31 signals and costs a fifth of status.
	var ignored, caught uint64
	if sig < 32 {
		st := d.taskStat(t)
		ignored, caught = st.SigIgn, st.SigCgt
	} else {
		st := d.taskStatus(t)
		ignored, caught = st.SigIgn, st.SigCgt
	}
	bit := uint64(1) << (sig - 1)
	if ignored&bit != 0 {
		return true
	}
	switch sig {
	case unix.SIGCHLD, unix.SIGURG, unix.SIGWINCH, unix.SIGCONT:
		return caught&bit == 0
	}
	return false
}
