package ptrace

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/procfs"
	"github.com/lannerhq/lanner/internal/signals"
)

// A command starts as an empty shell: a process that was forked from us and sits
// before the first instruction of our own program, of which it never runs any.
// Held there it is seized, made to put on the filter, and made to call execve.
// So tracing is complete from execve on, no code runs that is not the command's,
// and all that a process inherits is inherited as it is.

// A StartError says why a command could not be started. ExitCode is what a
// shell would exit with.
type StartError struct {
	Path     string
	Err      error
	ExitCode int // 126 or 127
}

func (e *StartError) Error() string { return e.Path + ": " + e.Err.Error() }
func (e *StartError) Unwrap() error { return e.Err }

// Start runs a command as a tracee. ready is called once its process exists and
// before it becomes the command; if it fails, there is none. Whether it did is known when ReadInto has
// returned an event or io.EOF: see StartResult.
func (d *Driver) Start(path string, argv, env []string, ready func(pid int) error) error {
	d.quietSignals()
	if d.seesPlace {
		d.spinner.place.ready()
	}
	pid, err := syscall.ForkExec(procfs.OwnProgram(), []string{argv[0]}, &syscall.ProcAttr{
		Env: []string{}, Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Ptrace: true},
	})
	if err != nil {
		return explainStart(path, err)
	}
	p := newProcess(pid, nil)
	p.threads = 1
	t := &thread{tid: pid, proc: p, every: true, muted: true, started: true}
	if err := d.become(t, path, argv, env, ready); err != nil {
		unix.Kill(pid, unix.SIGKILL)
		unix.Wait4(pid, nil, unix.WALL, nil)
		p.release()
		return err
	}
	d.procs[pid], d.threads[pid], d.root = p, t, pid
	d.command = path
	d.spinner.start()
	return nil
}

// become takes a new process to its call of execve.
func (d *Driver) become(t *thread, path string, argv, env []string, ready func(pid int) error) error {
	var ws unix.WaitStatus
	if _, err := wait4(t.tid, &ws); err != nil || !ws.Stopped() {
		return fmt.Errorf("ptrace: the process of %s ended before it began", path)
	}
	j, err := d.hold(t)
	if err != nil {
		return err
	}
	defer j.finish()
	d.fillOrigin(t.proc)
	if err := ready(t.tid); err != nil {
		return err
	}

	filtered := d.cfg.Seccomp != SeccompNever && !d.wantsAll() && (d.cfg.Seccomp == SeccompAlways || filterStops())
	var prog []unix.SockFilter
	if filtered {
		prog = filterProgram(&d.tables, d.watched())
	}
	given := signals.Inherited()
	img := newImage(path, argv, env, prog, given.Blocked)
	addr := j.call(unix.SYS_MMAP, 0, uint64(img.size()), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS, ^uint64(0), 0)
	if isError(addr) {
		return fmt.Errorf("ptrace: mmap for %s: %w", path, syscall.Errno(-addr))
	}
	m := memory{t.tid, &t.proc.denied}
	if e := m.write(uint64(addr), img.at(uint64(addr))); e != 0 {
		return fmt.Errorf("ptrace: write the arguments of %s: %w", path, e)
	}
	for sig := uint64(1); sig <= 64; sig++ {
		if given.Ignored>>(sig-1)&1 != 0 {
			j.call(unix.SYS_RT_SIGACTION, sig, uint64(addr)+img.ignore, 0, 8, 0, 0)
		}
	}
	if given.Blocked != 0 {
		j.call(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uint64(addr)+img.blocked, 0, 8, 0, 0)
	}
	if filtered {
		if err := d.filterCommand(j, uint64(addr)+img.prog, path); err != nil {
			return err
		}
		t.every = false
	}
	r := j.base
	r.prepare(j.at, unix.SYS_EXECVE, []uint64{uint64(addr) + img.path, uint64(addr) + img.argv, uint64(addr) + img.env, 0, 0, 0})
	if e := setRegs(t.tid, &r); e != 0 {
		return fmt.Errorf("ptrace: start %s: %w", path, e)
	}
	d.resume(t, 0)
	return nil
}

// filterCommand installs the filter in a process that will become a command.
func (d *Driver) filterCommand(j *injection, prog uint64, path string) error {
	if ours := procfs.OwnStatus(); !ours.Capable(unix.CAP_SYS_ADMIN) {
		if ours.Capable(unix.CAP_SYS_PTRACE) {
			d.notice("no CAP_SYS_ADMIN: the filter needs no_new_privs, so setuid programs will not gain privileges (--seccomp never avoids it)")
		}
		j.call(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0)
	}
	if r := j.install(0, prog); r != 0 {
		return fmt.Errorf("ptrace: put a seccomp filter on %s: %w (--seccomp never does without)", path, syscall.Errno(-r))
	}
	return nil
}

// hold turns a child that asked to be traced (PTRACE_TRACEME) into one that is
// seized, which alone knows group-stops. In between no one traces it; it is busy
// with a call of pause that it was set up to make.
func (d *Driver) hold(t *thread) (*injection, error) {
	at, err := d.syscallInstruction(t)
	if err != nil {
		return nil, fmt.Errorf("ptrace: %w", err)
	}
	j := &injection{d: d, t: t, at: at}
	if e := getRegs(t.tid, &j.base); e != 0 {
		return nil, fmt.Errorf("ptrace: read registers: %w", e)
	}
	r := j.base
	r.prepare(at, sysPause, []uint64{0, 0, 0, 0, 0, 0}) // ppoll without descriptors is pause where there is none
	if e := setRegs(t.tid, &r); e != 0 {
		return nil, fmt.Errorf("ptrace: write registers: %w", e)
	}
	if e := ptrace(unix.PTRACE_DETACH, t.tid, 0, 0); e != 0 {
		return nil, fmt.Errorf("ptrace: detach: %w", e)
	}
	if e := seize(t.tid, seizeOptions|unix.PTRACE_O_EXITKILL); e != 0 {
		return nil, explainSeize(t.tid, e)
	}
	interrupt(t.tid)
	for {
		var ws unix.WaitStatus
		if _, err := wait4(t.tid, &ws); err != nil || !ws.Stopped() {
			return nil, fmt.Errorf("ptrace: the new process ended")
		}
		if int(ws)>>16 == eventStop {
			return j, nil
		}
		ptrace(unix.PTRACE_CONT, t.tid, 0, uintptr(ws.StopSignal()))
	}
}

// wait4 waits for one task.
func wait4(tid int, ws *unix.WaitStatus) (int, error) {
	for {
		got, err := unix.Wait4(tid, ws, unix.WALL, nil)
		if err != unix.EINTR {
			return got, err
		}
	}
}

// isError reports whether the result of a call is -errno.
func isError(result int64) bool { return result < 0 && result >= -4095 }

// fillOrigin gives the first process what its descendants inherit.
func (d *Driver) fillOrigin(p *process) {
	fd, e := openat(unix.AT_FDCWD, []byte("/proc/1/stat\x00"), unix.O_RDONLY)
	if e != 0 {
		return
	}
	n, _ := read(fd, d.buf[:])
	closeFD(fd)
	var st procfs.Stat
	if procfs.ParseStat(d.buf[:max(n, 0)], &st) == nil {
		p.nsInit = st.StartTime * (1e9 / procfs.TicksPerSecond)
	}
}

// StartResult returns why the process of Start did not become the command, nil
// if it did.
func (d *Driver) StartResult() error {
	if d.execErrno == 0 {
		return nil
	}
	e := &StartError{d.command, d.execErrno, 126}
	if d.execErrno == unix.ENOENT {
		e.ExitCode = 127
	}
	return e
}

// An image is what a process needs in its memory to become a command: the name
// of the program, its arguments and environment, the filter, a disposition that
// ignores signals, and a mask of blocked ones.
type image struct {
	bytes                                  []byte
	path, argv, env, prog, ignore, blocked uint64 // offsets
	pointers                               []pointer
}

// A pointer is a place in the image that holds the address of another.
type pointer struct{ at, to uint64 }

func newImage(path string, argv, env []string, prog []unix.SockFilter, blocked uint64) *image {
	img := &image{}
	img.path = img.text(path)
	img.argv = img.vector(argv)
	img.env = img.vector(env)
	img.ignore = img.align()
	a := signals.Action{Handler: signals.Ignore}
	img.bytes = append(img.bytes, unsafe.Slice((*byte)(unsafe.Pointer(&a)), unsafe.Sizeof(a))...)
	img.blocked = img.align()
	img.bytes = le.AppendUint64(img.bytes, blocked)
	if len(prog) > 0 {
		// struct sock_fprog: length, pointer; then the program itself.
		img.prog = img.align()
		img.bytes = le.AppendUint64(le.AppendUint64(img.bytes, uint64(len(prog))), 0)
		img.pointers = append(img.pointers, pointer{img.prog + 8, img.align()})
		img.bytes = append(img.bytes, unsafe.Slice((*byte)(unsafe.Pointer(&prog[0])), len(prog)*int(unsafe.Sizeof(prog[0])))...)
	}
	return img
}

func (m *image) align() uint64 {
	for len(m.bytes)%8 != 0 {
		m.bytes = append(m.bytes, 0)
	}
	return uint64(len(m.bytes))
}

// text adds a string with its NUL.
func (m *image) text(s string) uint64 {
	at := uint64(len(m.bytes))
	m.bytes = append(append(m.bytes, s...), 0)
	return at
}

// vector adds strings and the array of pointers to them that execve takes.
func (m *image) vector(list []string) uint64 {
	to := make([]uint64, len(list))
	for i, s := range list {
		to[i] = m.text(s)
	}
	at := m.align()
	for i := range list {
		m.pointers = append(m.pointers, pointer{at + 8*uint64(i), to[i]})
		m.bytes = le.AppendUint64(m.bytes, 0)
	}
	m.bytes = le.AppendUint64(m.bytes, 0)
	return at
}

// size is how many bytes the image takes.
func (m *image) size() int { return len(m.bytes) }

// at returns the image for an address.
func (m *image) at(addr uint64) []byte {
	for _, p := range m.pointers {
		le.PutUint64(m.bytes[p.at:], addr+p.to)
	}
	return m.bytes
}
