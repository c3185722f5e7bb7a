package ptrace

import (
	"bytes"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// Under SeccompAlways an attached process gets our filter as well. No one can put
// a filter on another process, so the process does it itself: at its first stop
// its registers are borrowed for a few calls. From then on it can't be left: its
// watched calls would fail with ENOSYS, so it ends with us, as commands do.

// putFilter gives the process of a thread, which is in an event-stop, our filter;
// all its threads at once. It reports what went wrong; then the process goes on
// without a filter.
func (d *Driver) putFilter(t *thread) error {
	var saved regs
	if e := getRegs(t.tid, &saved); e != 0 {
		return fmt.Errorf("read registers: %w", e)
	}
	if saved.is32() {
		return fmt.Errorf("it is a 32-bit program")
	}
	at, err := d.syscallInstruction(t)
	if err != nil {
		return err
	}
	j := &injection{d: d, t: t, at: at, base: saved}
	err = j.filter(filterProgram(&d.tables, d.watched()))
	if j.gone {
		return fmt.Errorf("it ended")
	}
	defer j.finish()
	saved.restartByHand()
	if e := setRegs(t.tid, &saved); e != 0 && err == nil {
		err = fmt.Errorf("restore registers: %w", e)
	}
	return err
}

// An injection lets a thread make calls for us.
type injection struct {
	d    *Driver
	t    *thread
	at   uint64 // address of a syscall instruction
	base regs
	gone bool          // the thread died meanwhile
	held []unix.Signal // that came meanwhile
}

// finish sends the signals that were held back.
func (j *injection) finish() {
	for _, sig := range j.held {
		unix.Tgkill(j.t.proc.pid, j.t.tid, sig)
	}
}

// filter makes the calls that install a program.
func (j *injection) filter(prog []unix.SockFilter) error {
	img := newImage("", nil, nil, prog, 0)
	size := uint64(img.size())
	addr := j.call(unix.SYS_MMAP, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, ^uint64(0), 0)
	if isError(addr) {
		return fmt.Errorf("mmap in it: %w", syscall.Errno(-addr))
	}
	defer j.call(unix.SYS_MUNMAP, uint64(addr), size, 0, 0, 0, 0)
	m := memory{j.t.tid, &j.t.proc.denied}
	if e := m.write(uint64(addr), img.at(uint64(addr))); e != 0 {
		return fmt.Errorf("write the filter into it: %w", e)
	}
	r := j.install(unix.SECCOMP_FILTER_FLAG_TSYNC, uint64(addr)+img.prog)
	if r == -int64(unix.EACCES) {
		j.call(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0)
		r = j.install(unix.SECCOMP_FILTER_FLAG_TSYNC, uint64(addr)+img.prog)
	}
	switch {
	case r > 0:
		return fmt.Errorf("thread %d has a filter of its own that does not fit", r)
	case r < 0:
		return fmt.Errorf("seccomp in it: %w", syscall.Errno(-r))
	}
	return nil
}

// install makes the call that installs a program. It is no sandbox: the tree need not
// run with the mitigations that the kernel gives to sandboxes (before Linux 5.16 to
// all, see Documentation/userspace-api/spec_ctrl.rst), which cost and can be seen.
func (j *injection) install(flags, prog uint64) int64 {
	r := j.call(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags|unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW, prog, 0, 0, 0)
	if r == -int64(unix.EINVAL) { // Linux before 4.17
		r = j.call(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, prog, 0, 0, 0)
	}
	return r
}

// call makes the thread do one call and returns its result.
func (j *injection) call(nr uint64, args ...uint64) int64 {
	r := j.base
	r.prepare(j.at, nr, args)
	if j.gone || setRegs(j.t.tid, &r) != 0 {
		return -int64(unix.ESRCH)
	}
	for range 2 { // entry, exit
		if !j.next() {
			return -int64(unix.ESRCH)
		}
	}
	if getRegs(j.t.tid, &r) != 0 {
		return -int64(unix.ESRCH)
	}
	return r.result()
}

// next runs the thread to its next syscall-stop. Signals that come meanwhile are
// held back until finish; reports of other tracees wait their turn.
func (j *injection) next() bool {
	tid := j.t.tid
	ptrace(unix.PTRACE_SYSCALL, tid, 0, 0)
	for {
		var ws unix.WaitStatus
		if got, err := wait4(tid, &ws); err != nil || got != tid {
			return false
		}
		switch {
		case !ws.Stopped():
			j.gone = true
			j.d.pending = append(j.d.pending, stopped{tid, ws})
			return false
		case ws.StopSignal() == syscallStop:
			return true
		case int(ws)>>16 == 0:
			j.held = append(j.held, ws.StopSignal())
		}
		ptrace(unix.PTRACE_SYSCALL, tid, 0, 0)
	}
}

// syscallInstruction finds one in the tracee's vDSO, which every process has:
// the auxiliary vector says where.
func (d *Driver) syscallInstruction(t *thread) (uint64, error) {
	const sysinfoEhdr = 33 // AT_SYSINFO_EHDR
	for aux := t.proc.file(fileAuxv, d.buf[:]); len(aux) >= 16; aux = aux[16:] {
		if le.Uint64(aux) != sysinfoEhdr {
			continue
		}
		base := le.Uint64(aux[8:])
		for off := uint64(0); off < maxVDSO; off += pageSize {
			page := d.buf[:pageSize]
			n := memory{t.tid, &t.proc.denied}.read(base+off, page)
			if i := bytes.Index(page[:n], syscallCode); i >= 0 {
				return base + off + uint64(i), nil
			}
		}
	}
	return 0, fmt.Errorf("no syscall instruction found in the vDSO of process %d", t.proc.pid)
}

// maxVDSO is more than any vDSO takes, in bytes.
const maxVDSO = 64 << 10

// filterAttached puts the filter on every attached process, once, when the first
// of its threads stops.
func (d *Driver) filterAttached(t *thread) {
	p := t.proc
	if d.cfg.Seccomp != SeccompAlways || p.filtered || d.wantsAll() {
		return
	}
	p.filtered = true
	if err := d.putFilter(t); err != nil {
		d.notice(fmt.Sprintf("process %d runs without a filter: %v", p.pid, err))
		return
	}
	d.bound = true
	for _, x := range d.threads {
		if x.proc == p {
			x.every = false
			x.bound = true
		}
	}
}
