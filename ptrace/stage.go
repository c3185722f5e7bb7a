package ptrace

import (
	"encoding/gob"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lannerhq/lanner/internal/signals"
)

// The stage is this program started again, as the process that will become the
// command. It waits to be seized, puts on the filter and calls execve. A program
// that calls Driver.Start must call RunStage first thing in main.

// stageName is argv[0] of the stage.
const stageName = "lanner-ptrace-stage"

// stageOrder is what the stage is told.
type stageOrder struct {
	Path       string
	Argv, Env  []string
	Filter     []unix.SockFilter // none if empty
	NoNewPrivs bool
	Ignored    uint64 // signals that the command ignores from its start, bit n-1 for n
}

// stageReply is what the stage says if it failed.
type stageReply struct {
	Step  string
	Errno int
}

func isStage() bool { return len(os.Args) == 2 && os.Args[0] == stageName }

func init() {
	if isStage() {
		// The main goroutine runs init on the main thread: keep it there, for its
		// id is the process's.
		runtime.LockOSThread()
	}
}

// RunStage becomes the command if this process is a stage; then it does not
// return.
func RunStage() {
	if !isStage() {
		return
	}
	fd, err := strconv.Atoi(os.Args[1])
	if err != nil || fd < 3 {
		os.Exit(125)
	}
	unix.CloseOnExec(fd)
	conn := os.NewFile(uintptr(fd), "tracer")
	fail := func(step string, err error) {
		e, ok := err.(syscall.Errno)
		if !ok {
			e = unix.EIO
		}
		gob.NewEncoder(conn).Encode(&stageReply{step, int(e)})
		os.Exit(125)
	}
	var order stageOrder
	if err := gob.NewDecoder(byteReader{conn}).Decode(&order); err != nil {
		os.Exit(125)
	}
	var ack [1]byte
	conn.Write(ack[:])
	if _, err := conn.Read(ack[:]); err != nil {
		os.Exit(125) // the tracer is gone
	}
	if len(order.Filter) > 0 {
		if order.NoNewPrivs {
			if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
				fail("set no_new_privs", err)
			}
		}
		prog := unix.SockFprog{Len: uint16(len(order.Filter)), Filter: &order.Filter[0]}
		if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&prog)), 0, 0); err != nil {
			fail("install the seccomp filter", err)
		}
	}
	for sig := unix.Signal(1); sig <= 64; sig++ {
		if order.Ignored>>(sig-1)&1 != 0 {
			signals.Set(sig, signals.Action{Handler: signals.Ignore})
		}
	}
	fail("exec", syscall.Exec(order.Path, order.Argv, order.Env))
}

// byteReader keeps a decoder from reading ahead of its message.
type byteReader struct{ f *os.File }

func (r byteReader) Read(p []byte) (int, error) { return r.f.Read(p) }

func (r byteReader) ReadByte() (byte, error) {
	var b [1]byte
	_, err := r.f.Read(b[:])
	return b[0], err
}
