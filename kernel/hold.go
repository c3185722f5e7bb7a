package kernel

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/procfs"
	"github.com/lannerhq/lanner/internal/signals"
)

// A Command is a process that waits to become a command, so that a driver can be
// attached to it before it does anything.
type Command struct {
	PID int

	stage *os.File // our end of the socket that the stage waits on
}

// Hold starts the process of a command, a copy of our own program that waits. It
// inherits all that a child of ours does. The calling program must call Stage
// first thing in main, and no one else may start processes meanwhile.
func Hold(path string, argv, env []string) (*Command, error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("start a process for %s: %w", path, err)
	}
	given := signals.Inherited()
	args := append([]string{
		stageName, strconv.Itoa(ends[1]), strconv.FormatUint(given.Ignored, 16), strconv.FormatUint(given.Blocked, 16), path,
	}, argv...)
	// The stage gets its end under the number that it has here, which is free among
	// those that the command inherits.
	unix.FcntlInt(uintptr(ends[1]), unix.F_SETFD, 0)
	pid, err := syscall.ForkExec(procfs.OwnProgram(), args, &syscall.ProcAttr{Env: env, Files: []uintptr{0, 1, 2}})
	unix.Close(ends[1])
	if err != nil {
		unix.Close(ends[0])
		return nil, fmt.Errorf("start a process for %s: %w", path, err)
	}
	return &Command{PID: pid, stage: os.NewFile(uintptr(ends[0]), "stage")}, nil
}

// Release lets the process become the command, and returns why it could not, a
// syscall.Errno. If a signal ended it instead, Wait will tell.
func (c *Command) Release() error {
	defer c.stage.Close()
	// Without SIGPIPE, should the stage be gone.
	unix.Sendto(int(c.stage.Fd()), []byte{proceed}, unix.MSG_NOSIGNAL, nil)
	var answer [4]byte
	if _, err := io.ReadFull(c.stage, answer[:]); err != nil {
		return nil // closed by execve
	}
	return syscall.Errno(binary.LittleEndian.Uint32(answer[:]))
}

// Abandon ends the process, which has not become the command.
func (c *Command) Abandon() {
	c.stage.Close()
	for {
		if _, err := unix.Wait4(c.PID, nil, 0, nil); err != unix.EINTR {
			return
		}
	}
}

// Wait reaps children until the command has ended, and returns how. stopped is
// called when a signal stops the command. All children are ours to reap: as PID 1
// those that lost their parents, and what the program left that we replaced.
func (c *Command) Wait(stopped func(sig unix.Signal)) unix.WaitStatus {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WUNTRACED, nil)
		switch {
		case err == unix.EINTR, err == nil && pid != c.PID:
		case err != nil:
			return 0 // ECHILD: someone else reaped it
		case status.Stopped():
			stopped(status.StopSignal())
		default:
			return status
		}
	}
}
