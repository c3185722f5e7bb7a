package ptrace

import (
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/kernel/event"
	"github.com/lannerhq/lanner/kernel/event/spec"
)

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
	if ret < 0 && d.cfg.DropFailed {
		return
	}
	if ci.showsPlace && ret >= 0 && t.entry.sc.Name == "sched_setaffinity" {
		d.spinner.place.giveUp() // the tree has wishes of its own
	}
	c := d.at(t)
	c.ret = ret
	if ret >= 0 {
		d.keepBooks(c, ci.exit)
	}
	c.emit(ci.exit, d.now, t.tid)
	if ret >= 0 && opens(ci.exit) && looksAtPlace(c.text) {
		t.proc.apart = true
	}
}

func opens(x event.Type) bool {
	return x == event.OpenX || x == event.OpenatX || x == event.Openat2X
}

func isExec(x event.Type) bool { return x == event.ExecveX || x == event.ExecveatX }

func isClone(x event.Type) bool {
	return x == event.CloneX || x == event.Clone3X || x == event.ForkX || x == event.VforkX
}
