package ptrace

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/signals"
)

// A StartError says why a command could not be started. ExitCode is what a
// shell would exit with.
type StartError struct {
	Path     string
	Err      error
	ExitCode int // 126 or 127
}

func (e *StartError) Error() string { return e.Path + ": " + e.Err.Error() }
func (e *StartError) Unwrap() error { return e.Err }

// Start runs a command as a tracee. The process is ours from before its first
// instruction: a copy of this program (the stage, see RunStage) is seized while
// it waits, and then becomes the command. ready is called in between, with the
// process's id and the one descriptor that the command will not have.
func (d *Driver) Start(path string, argv, env []string, ready func(pid, fd int)) error {
	order := stageOrder{Path: path, Argv: argv, Env: env, Ignored: signals.Inherited()}
	filtered := d.cfg.Seccomp != SeccompNever && !d.wantsAll()
	if filtered {
		order.Filter = filterProgram(&d.tables, d.watched())
		order.NoNewPrivs = !capable(unix.CAP_SYS_ADMIN)
		if order.NoNewPrivs && capable(unix.CAP_SYS_PTRACE) {
			d.notice("no CAP_SYS_ADMIN: the filter needs no_new_privs, so setuid programs will not gain privileges (--seccomp never avoids it)")
		}
	}
	pid, conn, fd, err := spawnStage()
	if err != nil {
		return err
	}
	fail := func(err error) error {
		conn.Close()
		unix.Kill(pid, unix.SIGKILL)
		unix.Wait4(pid, nil, 0, nil)
		return err
	}
	if err := gob.NewEncoder(conn).Encode(&order); err != nil {
		return fail(fmt.Errorf("ptrace: tell the stage what to run: %w", err))
	}
	var ack [1]byte
	if _, err := io.ReadFull(conn, ack[:]); err != nil {
		return fail(fmt.Errorf("ptrace: the stage of %s did not come up: %w", path, err))
	}
	d.quietSignals()
	if e := seize(pid, seizeOptions|unix.PTRACE_O_EXITKILL); e != 0 {
		return fail(explainSeize(pid, e))
	}
	interrupt(pid) // to be asked for syscall-stops
	p := newProcess(pid, nil)
	p.threads = 1
	d.procs[pid] = p
	d.threads[pid] = &thread{tid: pid, proc: p, every: !filtered, muted: true}
	d.root, d.stage = pid, conn
	d.fillOrigin(p)
	ready(pid, fd)
	if _, err := conn.Write(ack[:]); err != nil {
		return fail(fmt.Errorf("ptrace: let %s go: %w", path, err))
	}
	return nil
}

// fillOrigin gives the first process what its descendants inherit.
func (d *Driver) fillOrigin(p *process) {
	if fd, e := openat(unix.AT_FDCWD, []byte("/proc/1/stat\x00"), unix.O_RDONLY); e == 0 || fd > 0 {
		n, _ := read(fd, d.buf[:])
		closeFD(fd)
		p.nsInit = startTime(d.buf[:max(n, 0)])
	}
}

// StageResult tells how the stage fared, once the command is running or its
// process is gone: nil if it became the command, else a *StartError.
func (d *Driver) StageResult(path string) error {
	if d.stage == nil {
		return nil
	}
	defer func() { d.stage.Close(); d.stage = nil }()
	var reply stageReply
	switch err := gob.NewDecoder(d.stage).Decode(&reply); {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return nil // closed by execve
	case err != nil:
		return fmt.Errorf("ptrace: hear from the stage of %s: %w", path, err)
	}
	if reply.Step != "exec" {
		return fmt.Errorf("ptrace: %s for %s: %w", reply.Step, path, syscall.Errno(reply.Errno))
	}
	e := &StartError{path, syscall.Errno(reply.Errno), 126}
	if reply.Errno == int(unix.ENOENT) {
		e.ExitCode = 127
	}
	return e
}

// spawnStage starts the stage with a connection to it.
//
// The stage gets our descriptors as they are. Its end of the connection is moved
// far up, so that it takes no number that someone counts on.
func spawnStage() (pid int, conn *os.File, fd int, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, 0, fmt.Errorf("ptrace: make a socket pair: %w", err)
	}
	conn = os.NewFile(uintptr(fds[0]), "stage")
	theirs := -1
	for _, far := range []int{500, 200, 100, 50, 20, 10, 3} { // below the limit of descriptors
		if theirs, err = unix.FcntlInt(uintptr(fds[1]), unix.F_DUPFD, far); err == nil {
			break
		}
	}
	unix.Close(fds[1])
	if err != nil {
		conn.Close()
		return 0, nil, 0, fmt.Errorf("ptrace: duplicate a socket: %w", err)
	}
	defer unix.Close(theirs)
	pid, err = syscall.ForkExec("/proc/self/exe", []string{stageName, strconv.Itoa(theirs)}, &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{0, 1, 2},
	})
	if err != nil {
		conn.Close()
		return 0, nil, 0, fmt.Errorf("ptrace: start the stage: %w", err)
	}
	return pid, conn, theirs, nil
}

// capable reports whether a capability is in our effective set.
func capable(c int) bool {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	return unix.Capget(&hdr, &data[0]) == nil && data[c/32].Effective>>(c%32)&1 != 0
}
