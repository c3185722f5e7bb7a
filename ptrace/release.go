package ptrace

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/signals"
	"github.com/lannerhq/lanner/kernel/event"
)

// quietSignals keeps stops of tracees from costing signals: SIGCHLD is set to
// its default, which delivers nothing, and still reaps nothing by itself. The
// signal that Wake uses must not restart wait4.
func (d *Driver) quietSignals() {
	signals.Set(unix.SIGCHLD, signals.Action{Flags: signals.NoCldStop})
	if a, err := signals.Get(wakeSignal); err == nil && a.Handler > signals.Ignore {
		a.Flags &^= signals.Restart
		signals.Set(wakeSignal, a)
	}
}

// wakeSignal interrupts the tracer's wait. The Go runtime uses it for itself and
// takes it whenever it comes.
const wakeSignal = unix.SIGURG

// Close lets go of attached processes, from the goroutine that reads events. A
// command is not let go of: under the filter it could not run on.
func (d *Driver) Close() {
	if d.root == 0 && !d.bound {
		d.release()
	}
}

// Release asks the driver to let go of all attached processes: they run on
// untraced, and ReadInto returns io.EOF after the events that are left. It may be
// called from any goroutine and returns once the driver heard it. Processes that
// took our filter can't be left; then it does nothing but say so.
func (d *Driver) Release() {
	d.stop.Store(true)
	for d.stop.Load() {
		unix.Tgkill(d.self, d.tid, wakeSignal)
		time.Sleep(5 * time.Millisecond)
	}
}

// release detaches from every tracee. A tracee must be stopped for that.
func (d *Driver) release() {
	if d.bound {
		d.notice("processes under the filter can't be left: their calls would fail; trace ends when they do, and they end if it is killed")
		d.stop.Store(false)
		return
	}
	for _, t := range d.threads {
		interrupt(t.tid)
	}
	queue := append([]stopped(nil), d.pending...)
	d.pending = d.pending[:0]
	for len(d.threads) > 0 {
		if len(queue) == 0 {
			tid, status, e := wait(true)
			if e == unix.EINTR {
				continue
			}
			if e != 0 {
				d.forgetAll()
				break
			}
			queue = append(queue, stopped{tid, status})
		}
		s := queue[0]
		queue = queue[1:]
		d.letGo(s.tid, s.status)
	}
	d.stop.Store(false)
}

// letGo brings one tracee that reported closer to its release. Only the stop that
// PTRACE_INTERRUPT brings about is a place to leave it: there a call that was
// interrupted can be made to restart. From any other stop it goes on to that one.
func (d *Driver) letGo(tid int, status unix.WaitStatus) {
	t := d.threads[tid]
	if t == nil || !status.Stopped() {
		if t != nil && (status.Exited() || status.Signaled()) {
			d.died(t, status)
		} else if status.Stopped() {
			d.parked[tid] = status
		}
		return
	}
	sig := status.StopSignal()
	switch cause := int(status) >> 16; cause {
	case eventStop:
		if sig == unix.SIGTRAP {
			d.restart(t)
		}
		ptrace(unix.PTRACE_DETACH, tid, 0, 0)
		delete(d.threads, tid)
		d.leaveProcess(t)
		return
	case unix.PTRACE_EVENT_CLONE, unix.PTRACE_EVENT_FORK, unix.PTRACE_EVENT_VFORK:
		d.letGoChild(t)
		sig = 0
	case 0:
		if sig == syscallStop {
			sig = 0
		}
	default:
		sig = 0
	}
	// Every stop uses up an interruption that is pending
	// (kernel/signal.c:ptrace_stop), so it takes another one.
	interrupt(tid)
	ptrace(unix.PTRACE_CONT, tid, 0, uintptr(sig))
}

// letGoChild takes in a task that was made while we leave, so that it is left as
// well.
func (d *Driver) letGoChild(t *thread) {
	child, e := eventMsg(t.tid)
	if e != 0 || d.threads[int(child)] != nil {
		return
	}
	d.threads[int(child)] = &thread{tid: int(child), proc: t.proc}
	t.proc.threads++
	if status, ok := d.parked[int(child)]; ok {
		delete(d.parked, int(child))
		d.letGo(int(child), status)
	}
}

// watched returns the calls that tracees stop at.
func (d *Driver) watched() *event.Set {
	var s event.Set
	for sc := range d.calls {
		if d.calls[sc].watch {
			s.Add(uint16(sc))
		}
	}
	return &s
}

// wantsAll reports whether every call is watched, so that a filter would not
// save a stop.
func (d *Driver) wantsAll() bool {
	for _, sc := range d.tables.native {
		if sc != nil && !d.calls[sc.SC].watch {
			return false
		}
	}
	return true
}

func (d *Driver) notice(line string) {
	if d.cfg.Notice != nil {
		d.cfg.Notice(line)
	}
}
