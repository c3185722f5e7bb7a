package ptrace

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/procfs"
	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

// Flags of clone(2) (linux/sched.h).
const (
	cloneVM       = 0x100
	cloneFiles    = 0x400
	cloneParent   = 0x8000
	cloneThread   = 0x10000
	cloneUntraced = 0x800000
	cloneNewUser  = 0x10000000
	cloneNewPID   = 0x20000000
)

// cloned takes in a task that a thread is making. Its own first stop may have
// come before.
func (d *Driver) cloned(t *thread, tid int) {
	if d.threads[tid] != nil {
		return
	}
	child := &thread{tid: tid, every: t.every, muted: t.muted, entry: t.entry, creds: t.creds, comm: t.comm, commN: t.commN}
	d.threads[tid] = child
	c := d.at(t)
	flags := uint64(0)
	known := t.entered && t.entry.sc != nil && isClone(d.calls[t.entry.sc.SC].exit)
	if known {
		flags = c.cloneFlags() | t.hidden
		child.entry.clone = flags
	} else if d.tgid(tid) == t.proc.pid {
		flags = cloneThread | cloneFiles
	}
	child.maker = t
	if flags&cloneThread != 0 {
		child.proc = t.proc
	} else {
		child.proc = newProcess(tid, t.proc)
		d.procs[tid] = child.proc
		t.children++
		if flags&cloneParent != 0 {
			child.proc.parent = t.proc.parent
		}
		d.findSpaces(t)
		child.proc.nested = t.proc.nested || t.proc.forks || flags&cloneNewPID != 0
		child.proc.spaced = t.proc.spaced
		if flags&cloneNewUser != 0 {
			child.creds.valid = false
		}
	}
	child.proc.threads++
	if flags&cloneFiles != 0 {
		child.proc.files = t.proc.files
	}
	if t.hidden != 0 {
		child.hidden = t.hidden
	}
	if status, ok := d.parked[tid]; ok {
		delete(d.parked, tid)
		d.handle(tid, status)
	}
}

// firstStop is the first stop of a tracee: the moment a new task is about to
// return from the call that made it, or any moment of one that ran before.
func (d *Driver) firstStop(t *thread) {
	if t.attached {
		d.restart(t)
		d.filterAttached(t)
		if t.bound {
			ptrace(unix.PTRACE_SETOPTIONS, t.tid, 0, seizeOptions|unix.PTRACE_O_EXITKILL)
		}
		return
	}
	if t.hidden != 0 {
		d.giveBack(t.maker, t)
		t.hidden = 0
	}
	if t.muted || t.maker == nil || t.entry.sc == nil {
		return
	}
	if x := d.calls[t.entry.sc.SC].exit; isClone(x) {
		c := d.at(t)
		c.emit(x, d.now, t.tid)
	}
}

// restart makes the kernel restart a call that our interruption ended with
// EINTR. Most calls restart by themselves; some, like epoll_wait, never do
// (signal(7)), and their callers do not expect it. If a signal handler runs, it
// sees EINTR, as without us (-ERESTARTNOHAND).
func (d *Driver) restart(t *thread) {
	const restartNoHand = -514 // -ERESTARTNOHAND, include/linux/errno.h
	var r regs
	if getRegs(t.tid, &r) == 0 && r.inCall() && r.result() == -int64(unix.EINTR) {
		r.setResult(restartNoHand)
		setRegs(t.tid, &r)
	}
}

// holdOnTo takes CLONE_UNTRACED out of a call that makes a task: with it the
// task would escape us, and under our filter its calls would fail. giveBack
// restores what the program can see of that.
func (d *Driver) holdOnTo(t *thread) {
	e := &t.entry
	switch d.calls[e.sc.SC].exit {
	case event.CloneX:
		if e.args[0]&cloneUntraced == 0 {
			return
		}
		var r regs
		if getRegs(t.tid, &r) != 0 {
			return
		}
		r.setArg0(e.args[0] &^ cloneUntraced)
		if setRegs(t.tid, &r) == 0 {
			t.hidden = cloneUntraced
		}
	case event.Clone3X:
		m := memory{t.tid, &t.proc.denied}
		flags, ok := m.word(e.args[0], 8)
		if !ok || flags&cloneUntraced == 0 {
			return
		}
		if m.write(e.args[0], le.AppendUint64(nil, flags&^cloneUntraced)) == 0 {
			t.hidden = cloneUntraced
		}
	}
}

// giveBack undoes holdOnTo in a thread that returns from the call: its maker or
// the new task.
func (d *Driver) giveBack(maker, t *thread) {
	if maker == nil {
		return
	}
	e := &t.entry
	switch d.calls[e.sc.SC].exit {
	case event.CloneX:
		var r regs
		if getRegs(t.tid, &r) == 0 {
			r.restoreArg0(e.args[0])
			setRegs(t.tid, &r)
		}
	case event.Clone3X:
		m := memory{t.tid, &t.proc.denied}
		if maker != t && e.clone&cloneVM != 0 {
			break // the maker does it, in the same memory, and may have gone on
		}
		if flags, ok := m.word(e.args[0], 8); ok {
			m.write(e.args[0], le.AppendUint64(nil, flags|cloneUntraced))
		}
	}
	if maker == t {
		t.hidden = 0
	}
}

// execed handles a program that was loaded. If a thread other than the leader
// called execve, it took the leader's id, and the leader is gone without a
// report of its own.
func (d *Driver) execed(t *thread) {
	tid := t.tid
	if former, e := eventMsg(tid); e == 0 && int(former) != tid {
		if x := d.threads[int(former)]; x != nil {
			d.died(t, 0)
			delete(d.threads, int(former))
			x.tid = tid
			d.threads[tid] = x
			d.spinner.place.forget(int(former), tid)
			t = x
		}
	}
	p := t.proc
	p.forgetProgram()
	t.creds.valid = false
	p.ran = true
	t.halted = 0
	if !t.every {
		t.entered, t.exiting = false, false // all is told here: no need to stop at the end of the call
	}
	if !t.muted {
		c := d.at(t)
		if c.entry.sc == nil || !isExec(d.calls[c.entry.sc.SC].exit) {
			// The call was not seen (a tracee taken in late); the event is the same.
			c.entry.sc = spec.FindSyscall("execve")
			c.flags = d.calls[c.entry.sc.SC].flags
		}
		c.emit(event.ExecveX, d.now, t.tid)
	}
	d.resume(t, 0)
}

// keepExecName saves the name that a program is started by: the call's memory
// is gone when the program is there.
func (d *Driver) keepExecName(t *thread) {
	c := d.at(t)
	if d.calls[c.entry.sc.SC].exit == event.ExecveX {
		t.proc.execName = append(t.proc.execName[:0], c.path[:c.mem.str(c.args[0], c.path[:maxString])]...)
		return
	}
	// execveat: the kernel's own name for it, /dev/fd/N or /dev/fd/N/path
	// (fs/exec.c:alloc_bprm); an absolute path stays, AT_FDCWD too.
	n := c.mem.str(c.args[1], c.path[:maxString])
	path := c.path[:max(n-1, 0)]
	name := t.proc.execName[:0]
	if fd := int32(c.args[0]); fd != unix.AT_FDCWD && (len(path) == 0 || path[0] != '/') {
		name = strconv.AppendInt(append(name, "/dev/fd/"...), int64(fd), 10)
		if len(path) > 0 {
			name = append(name, '/')
		}
	}
	t.proc.execName = append(append(name, path...), 0)
}

// unmute lets the events of a process pass, from now on.
func (d *Driver) unmute(p *process) {
	for _, t := range d.threads {
		if t.proc == p {
			t.muted = false
		}
	}
}

// died handles the end of a thread. The kernel reports the leader last.
func (d *Driver) died(t *thread, status unix.WaitStatus) {
	delete(d.threads, t.tid)
	d.spinner.place.forget(t.tid, 0)
	if ci := &d.calls[event.SCProcExit]; ci.watch && !t.muted {
		c := d.at(t)
		c.entry, c.flags, c.status = entry{}, ci.flags, status
		c.emit(event.ProcExitE, d.now, t.tid)
	}
	d.leaveProcess(t)
	if t.tid == d.root && t.proc.threads == 0 {
		d.rootStatus, d.ended = status, true
	}
	t.maker = nil // what it made may live long, and need not keep its ancestors
	d.adopt()
}

// leaveProcess takes a thread out of its process.
func (d *Driver) leaveProcess(t *thread) {
	p := t.proc
	p.threads--
	if p.threads > 0 {
		return
	}
	if t.maker != nil && t.maker.children > 0 {
		t.maker.children--
	}
	p.release()
	delete(d.procs, p.pid)
}

// reaper returns the thread that adopts the children of a dying one: another
// thread of its process, or whom the kernel gave them to; 0 without children.
func (d *Driver) reaper(t *thread) int64 {
	if t.children == 0 {
		return 0
	}
	var heir *thread
	for _, x := range d.threads {
		if x != t && x.proc == t.proc && (heir == nil || x.tid < heir.tid) {
			heir = x
		}
	}
	adopter := int64(0)
	for _, x := range d.threads {
		if x.maker != t || x.proc == t.proc {
			continue
		}
		if heir != nil {
			x.maker = heir
			heir.children++
			adopter = int64(heir.tid)
			continue
		}
		x.maker = nil
		if st := d.taskStat(x); st.PID != 0 {
			adopter = int64(st.PPID)
			x.proc.parent = st.PPID
		}
	}
	return adopter
}

// tgid returns the process of a task that is not ours yet.
func (d *Driver) tgid(tid int) int {
	p := process{dir: -1}
	if fd, err := unix.Open("/proc/"+strconv.Itoa(tid), unix.O_PATH|unix.O_CLOEXEC, 0); err == nil {
		p.dir = fd
		defer closeFD(fd)
	}
	var s procfs.Status
	if procfs.ParseStatus(p.file(fileStatus, d.buf[:]), &s) != nil || s.Tgid == 0 {
		return tid
	}
	return s.Tgid
}

// mirrorStop stops us when the terminal stopped the whole job that we run: the
// shell that waits for us must see its job stopped. SIGCONT goes to the process
// group, so to us as well. A stop of some tracees only, or by another's SIGSTOP,
// is theirs alone: who continues them would not continue us.
func (d *Driver) mirrorStop(t *thread, sig unix.Signal) {
	if d.root == 0 || d.self == 1 || sig == unix.SIGSTOP && !t.proc.ownStop || t.proc.pid != d.root {
		return
	}
	for _, x := range d.threads {
		if x.halted == 0 {
			return
		}
	}
	if pgid, err := unix.Getpgid(d.root); err != nil || pgid != unix.Getpgrp() {
		return
	}
	unix.Kill(d.self, unix.SIGSTOP)
}
