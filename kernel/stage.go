package kernel

import (
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/signals"
)

// stageName is the argument 0 of a stage, which is how one is known.
const stageName = "trace: about to run"

// proceed is what a stage waits for. Its parent's end closes it as well.
const proceed = 'x'

// Stage is the other half of Hold: in a process that Hold started it waits and
// then becomes the command; in any other it does nothing.
//
// Between here and execve the Go runtime runs in what will be the command. What
// it changed and execve would hand on is put back: the signals that were ignored
// or blocked (signals.Exec), the limit of descriptors (syscall.Exec).
func Stage() {
	if len(os.Args) < 6 || os.Args[0] != stageName {
		return
	}
	runtime.LockOSThread()
	sock, err := strconv.Atoi(os.Args[1])
	ignored, err1 := strconv.ParseUint(os.Args[2], 16, 64)
	blocked, err2 := strconv.ParseUint(os.Args[3], 16, 64)
	if errors.Join(err, err1, err2) != nil {
		return
	}
	unix.CloseOnExec(sock)
	var word [1]byte
	for {
		n, err := unix.Read(sock, word[:])
		if err == unix.EINTR {
			continue
		}
		if n != 1 || word[0] != proceed {
			os.Exit(0)
		}
		break
	}
	err = signals.Exec(os.Args[4], os.Args[5:], os.Environ(), signals.Heritage{Ignored: ignored, Blocked: blocked})
	errno, _ := errors.AsType[syscall.Errno](err)
	unix.Write(sock, binary.LittleEndian.AppendUint32(nil, uint32(errno)))
	os.Exit(0)
}
