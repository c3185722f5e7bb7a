package ptrace

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/procfs"
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
	if d.root == 0 {
		d.release()
	}
}

// Release asks the driver to let go of all attached processes: they run on
// untraced, and ReadInto returns io.EOF after the events that are left. It may be
// called from any goroutine and returns once the driver heard it.
func (d *Driver) Release() {
	d.stop.Store(true)
	for d.stop.Load() {
		unix.Tgkill(d.self, d.tid, wakeSignal)
		time.Sleep(5 * time.Millisecond)
	}
}

// release detaches from every tracee. A tracee must be stopped for that.
func (d *Driver) release() {
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

// letGo detaches from one tracee that reported.
func (d *Driver) letGo(tid int, status unix.WaitStatus) {
	t := d.threads[tid]
	if !status.Stopped() {
		if t != nil {
			d.died(t, status)
		}
		return
	}
	sig := status.StopSignal()
	cause := int(status) >> 16
	switch {
	case sig == syscallStop || cause != 0 && cause != eventStop:
		if t != nil && t.entered && cause == 0 {
			t.entered = false
		}
		sig = 0
	case cause == eventStop && t != nil && t.halted == 0 && sig == unix.SIGTRAP:
		d.restart(t)
		sig = 0
	case sig == unix.SIGTRAP:
		sig = 0
	}
	if cause == unix.PTRACE_EVENT_CLONE || cause == unix.PTRACE_EVENT_FORK || cause == unix.PTRACE_EVENT_VFORK {
		if child, e := eventMsg(tid); e == 0 && d.threads[int(child)] == nil && t != nil {
			d.threads[int(child)] = &thread{tid: int(child), proc: t.proc}
			t.proc.threads++
		}
	}
	ptrace(unix.PTRACE_DETACH, tid, 0, uintptr(sig))
	if t != nil {
		delete(d.threads, tid)
		d.leaveProcess(t)
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

// startTime returns when a process started, in ns since boot, from the text of
// its stat file.
func startTime(text []byte) uint64 {
	var st procfs.Stat
	if procfs.ParseStat(text, &st) != nil {
		return 0
	}
	return st.StartTime * (1e9 / procfs.TicksPerSecond)
}
